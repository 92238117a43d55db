"""A first codebook for a file: guesses from names, labels and values, each marked as one.

Nothing is decided silently: every guess stands in the draft with ``# guess:``, and what cannot be
guessed is named for a person to fill in.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tomlkit
from tomlkit.items import Table

from servlab.core.errors import DataError
from servlab.data.encode import is_missing, parse_number
from servlab.data.formats import RawTable, read_raw

# What a column's stem says about the battery it belongs to.
STEMS = {
    "expectation": ("e", "exp", "expect", "expectation", "expected", "期望", "期待", "기대"),
    "perception": ("p", "per", "perc", "percept", "perception", "perceived", "s", "sat", "感知",
                   "实际", "满意", "인지"),
    "desired": ("d", "des", "desired", "理想", "期望服务"),
    "adequate": ("a", "adq", "adeq", "adequate", "min", "可接受", "最低"),
    "importance": ("i", "imp", "qi", "importance", "important", "重要", "重要性"),
}  # fmt: skip
OUTCOME = re.compile(
    r"overall|satisf|satisfaction|loyal|recommend|repurchas|reuse|nps|满意|忠诚|推荐|^y\d*$", re.I
)
IDENTIFIER = re.compile(
    r"^(id|no|nr|respnum|respondent|case|序号|编号|答卷编号)[\W_]*(id|no)?$", re.I
)
WEIGHT = re.compile(r"^(w|wt|weight|weights|权重)$", re.I)
DURATION = re.compile(r"duration|所用时间|用时|elapsed", re.I)
NUMBERED = re.compile(r"^(?P<stem>.*?)[\s_.\-]*0*(?P<number>\d+)(?:[\s_.\-]*(?P<suffix>\D+))?$")
SPARE_CODES = (0, -1, -2, -3, 8, 9, 88, 98, 99, 888, 998, 999)
MOST_CATEGORIES = 20


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """What one column looks like."""

    name: str
    values: tuple[float, ...]  # distinct numbers, sorted; empty when the column holds text
    texts: int  # distinct texts
    n: int  # cells that are not empty
    distinct: int

    @property
    def rating(self) -> bool:
        """Whether the values could be answers on a rating scale."""
        whole = [v for v in self.values if v not in SPARE_CODES[1:]]
        return (
            2 <= len(whole) <= 11
            and not self.texts
            and all(v == round(v) for v in whole)
            and min(whole) >= 0
            and max(whole) <= 10
        )


def draft_codebook(path: str | Path) -> str:
    """Draft a codebook for a data file from its names, labels and values.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, XLSX or SPSS .sav file.

    Returns
    -------
    str
        TOML text with the guesses marked ``# guess:``. Save it beside the file, look through it,
        and check it with ``servlab check FILE --codebook CODEBOOK``.

    Raises
    ------
    DataError
        When the file cannot be read, or no column looks like a rating.
    """
    table = read_raw(path)
    columns = {str(name): _column(table, str(name)) for name in table.frame.columns}
    batteries = _batteries(columns)
    if not batteries:
        raise DataError(
            f"{table.source}: no group of columns looks like ratings (whole numbers from 0 to 10 "
            "under numbered names such as E1, E2 or P01, P02). Name items by hand: "
            "docs/codebook.md shows how."
        )
    taken = {c for items in batteries.values() for c in items.values()}
    rest = {name: column for name, column in columns.items() if name not in taken}
    document = tomlkit.document()
    _head(document, table)
    missing = _instrument_part(document, table, batteries, columns)
    if missing:
        document.add(tomlkit.comment("guess: these codes stand apart from the scale"))
        document.add("missing", missing)
    for name, items in batteries.items():
        _battery_part(document, name, items)
    _rest_part(document, rest, columns)
    return tomlkit.dumps(document)


def _column(table: RawTable, name: str) -> _Column:
    cells = [c for c in table.frame[name] if not is_missing(c, ())]
    distinct = set(cells)
    numbers = set()
    texts = 0
    for cell in distinct:
        value, fault = (
            (float(cell), False)
            if isinstance(cell, int | float | np.number) and not isinstance(cell, bool)
            else parse_number(str(cell), ".")
        )
        texts += fault
        if not fault:
            numbers.add(value)
    return _Column(name, tuple(sorted(numbers)), texts, len(cells), len(distinct))


def _batteries(columns: dict[str, _Column]) -> dict[str, dict[str, str]]:
    """Return battery -> item code -> column, by stems that share their numbers."""
    stems: dict[str, dict[str, str]] = {}
    for name, column in columns.items():
        match = NUMBERED.match(unicodedata.normalize("NFKC", name))
        if column.rating and match:
            stem = (match["suffix"] or match["stem"]).strip("_.- ").lower()
            stem = stem if _battery_of(stem) else match["stem"].strip("_.- ").lower()
            stems.setdefault(stem, {})[match["number"]] = name
    named: dict[str, dict[str, str]] = {}
    for stem, items in stems.items():
        battery = _battery_of(stem)
        if battery and len(items) >= 3 and battery not in named:
            named[battery] = items
    shared = _same_items(named)
    # one family called "sat" among many others is a dimension, not the whole battery
    alone = len(shared) == 1 and 2 * len(named["perception"]) < sum(map(len, stems.values()))
    if shared and not alone:
        return shared
    return _one_battery(columns, stems)


def _battery_of(stem: str) -> str | None:
    for battery, stems in STEMS.items():
        if stem in stems:
            return battery
    return None


def _same_items(named: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the batteries that ask the same items, in the order of the columns."""
    if "perception" not in named:
        return {}
    numbers = list(named["perception"])
    order = ("expectation", "desired", "adequate", "perception", "importance")
    found = {b: named[b] for b in order if b in named and set(named[b]) == set(numbers)}
    return {b: {code: items[code] for code in numbers} for b, items in found.items()}


def _one_battery(
    columns: dict[str, _Column], stems: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    """Return one perception battery of all ratings that share the commonest scale."""
    grouped = {c for items in stems.values() if len(items) >= 2 for c in items.values()}
    pool = [c for name, c in columns.items() if c.rating and name in grouped]
    pool = pool or [c for c in columns.values() if c.rating and not OUTCOME.search(c.name)]
    pool = [c for c in pool if not OUTCOME.search(c.name)] or pool
    if len(pool) < 3:
        return {}
    top = Counter(_ends(c.values)[1] for c in pool).most_common(1)[0][0]
    same = [c for c in pool if _ends(c.values)[1] == top]
    return {"perception": {c.name: c.name for c in same}} if len(same) >= 3 else {}


def _ends(values: tuple[float, ...]) -> tuple[int, int, list[int]]:
    """Return the low and high end of a scale and the codes that stand apart from it."""
    whole = sorted(int(v) for v in values)
    runs: list[list[int]] = []
    for value in whole:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    run = max(runs, key=len)
    apart = [v for v in whole if v not in run and v in SPARE_CODES]
    inside = [v for v in whole if v not in apart]
    low, high = min(inside), max(inside)
    if low == 0 and high <= 7:  # 1..5 or 1..7 with 0 for "not applicable"; 0..10 starts at 0
        return 1, high, [*apart, 0]
    return (1 if 1 <= low <= 3 else low), next(top for top in (5, 7, 10) if high <= top), apart


def _head(document: tomlkit.TOMLDocument, table: RawTable) -> None:
    document.add(tomlkit.comment(f"Codebook drafted by servlab for {table.source}."))
    document.add(tomlkit.comment("Lines marked 'guess:' are guesses: confirm or correct each."))
    document.add(tomlkit.comment("Then run: servlab check FILE --codebook THIS"))
    document.add("title", Path(table.source).stem)


def _instrument_part(
    document: tomlkit.TOMLDocument,
    table: RawTable,
    batteries: dict[str, dict[str, str]],
    columns: dict[str, _Column],
) -> list[int]:
    """Add instrument and reversal; return the missing codes guessed."""
    values = tuple(
        sorted({v for b, items in batteries.items() if b != "importance"
                for c in items.values() for v in columns[c].values})
    )  # fmt: skip
    low, high, missing = _ends(values)
    codes = list(next(iter(batteries.values())))
    classic = codes == [str(i) for i in range(1, 23)] and (low, high) == (1, 7)
    if classic:
        document.add(
            tomlkit.comment("guess: 22 items of seven points; or servqual-1991, servperf,")
        )
        document.add(tomlkit.comment("or an [instrument] table of your own (docs/codebook.md)"))
        name = "servqual-1988" if "expectation" in batteries else "servperf"
        document.add("instrument", name)
        document.add(tomlkit.comment("guess: which items are negatively worded here?"))
        document.add("reversed", _reversed(table, batteries["perception"], missing))
        return missing
    document.add("reversed", [])
    instrument = tomlkit.table()
    instrument.add("name", re.sub(r"\W+", "-", Path(table.source).stem.lower()).strip("-") or "own")
    instrument.add("title", Path(table.source).stem)
    scale = tomlkit.inline_table()
    scale.update({"low": low, "high": high})
    instrument.add(tomlkit.comment(f"guess: answers run from {low} to {high}"))
    instrument.add("scale", scale)
    asked = tomlkit.table()
    for battery in batteries:
        part = tomlkit.table()
        if battery == "expectation":
            part.add(tomlkit.comment('guess: the grade asked; or "higher_will", "ideal"'))
            part.add("grade", "should")
        if battery == "importance":
            ends = _ends(tuple({v for c in batteries[battery].values() for v in columns[c].values}))
            own = tomlkit.inline_table()
            own.update({"low": ends[0], "high": max(ends[1] if ends[1] > 3 else 3, 3)})
            part.add("scale", own)
        asked.add(battery, part)
    instrument.add("batteries", asked)
    _add_items(instrument, table, batteries)
    document.add("instrument", instrument)
    return missing


def _add_items(instrument: Table, table: RawTable, batteries: dict[str, dict[str, str]]) -> None:
    """Add items, with dimensions where the names of items come in numbered families."""
    items = batteries["perception"]
    family = {code: _family(code) for code in items}
    sizes = Counter(f for f in family.values() if f)
    named = {f for f, size in sizes.items() if size >= 2}
    if len(named) >= 2:
        dimensions = tomlkit.aot()
        for name in dict.fromkeys(f for f in family.values() if f in named):
            part = tomlkit.table()
            part.add("code", name)
            part.add("label", name)
            part.comment("guess: a dimension of the items that share this name")
            dimensions.append(part)
        instrument.add("dimensions", dimensions)
    listed = tomlkit.aot()
    for code, column in items.items():
        part = tomlkit.table()
        part.add("code", code)
        part.add("label", str(table.labels.get(column, column)))
        if len(named) >= 2 and family[code] in named:
            part.add("dimension", family[code])
        listed.append(part)
    instrument.add("items", listed)


def _family(code: str) -> str:
    match = NUMBERED.match(code)
    return match["stem"].strip("_.- ") if match else ""


def _reversed(table: RawTable, items: dict[str, str], missing: list[int]) -> list[int]:
    """Return the items that correlate negatively with the first principal component."""
    frame = pd.DataFrame(
        {
            code: [
                np.nan if is_missing(c, missing) else parse_number(str(c), ".")[0]
                for c in table.frame[column]
            ]
            for code, column in items.items()
        }
    ).dropna()
    if len(frame) < 10 or (frame.nunique() < 2).any():
        return []
    cor = np.corrcoef(frame.to_numpy(), rowvar=False)
    vector = np.linalg.eigh(cor)[1][:, -1]
    sign = np.sign(np.median(vector[:9])) or 1.0  # items 1 to 9 are positively worded in SERVQUAL
    return [int(code) for code, v in zip(frame.columns, vector * sign, strict=True) if v < -0.05]


def _battery_part(document: tomlkit.TOMLDocument, name: str, items: dict[str, str]) -> None:
    part = tomlkit.table()
    columns = list(items.values())
    pattern = _pattern(items)
    if pattern:
        part.add("columns", pattern)
    else:
        listing = tomlkit.array()
        listing.extend(columns)
        part.add("columns", listing.multiline(len(columns) > 8))
    parent = document.get("batteries")
    if parent is None:
        document.add("batteries", tomlkit.table(is_super_table=True))
    document["batteries"].add(name, part)


def _pattern(items: dict[str, str]) -> str | None:
    """Return a pattern with {item} when it gives every column's name."""
    code, column = next(iter(items.items()))
    for placeholder, width in (("{item}", None), ("{item:02}", 2)):
        text = code if width is None else code.zfill(width)
        if text not in column:
            continue
        before, after = column.split(text, 1)
        filled = [before + (c if width is None else c.zfill(width)) + after for c in items]
        if filled == list(items.values()):
            return before + placeholder + after
    return None


def _rest_part(
    document: tomlkit.TOMLDocument, rest: dict[str, _Column], columns: dict[str, _Column]
) -> None:
    """Add id, duration, weights, outcomes and covariates found among the other columns."""
    n = max(c.n for c in columns.values())
    respondents = tomlkit.table()
    for name, column in rest.items():
        if IDENTIFIER.match(name) and column.distinct == column.n == n and "id" not in respondents:
            respondents.add("id", name)
        elif DURATION.search(name) and not column.texts and "duration" not in respondents:
            respondents.add("duration", name)
    if len(respondents):
        document.add("respondents", respondents)
    taken = set(respondents.values())
    weight = next((m for m in rest if WEIGHT.match(m) and not rest[m].texts), None)
    if weight:
        part = tomlkit.table()
        part.add("column", weight)
        part.comment("guess: probability weights")
        document.add("weights", part)
        taken.add(weight)
    outcomes, covariates = tomlkit.table(True), tomlkit.table(True)
    for name, column in rest.items():
        if name in taken:
            continue
        if column.rating and OUTCOME.search(name):
            outcomes.add(_key(name, outcomes), _outcome(name, column))
        elif 2 <= column.distinct <= MOST_CATEGORIES and column.distinct < n:
            part = tomlkit.table()
            part.add("column", name)
            covariates.add(_key(name, covariates), part)
    for key, part in (("outcomes", outcomes), ("covariates", covariates)):
        if len(part):
            document.add(key, part)


def _outcome(name: str, column: _Column) -> Table:
    low, high, missing = _ends(column.values)
    part = tomlkit.table()
    part.comment("guess: something the study wants to explain")
    part.add("column", name)
    scale = tomlkit.inline_table()
    scale.update({"low": low, "high": high})
    part.add("scale", scale)
    if missing:
        part.add("missing", missing)
    return part


def _key(name: str, taken: Table) -> str:
    """Return a short name for a variable, not used yet."""
    key = re.sub(r"\W+", "_", name).strip("_").lower() or "variable"
    while key in taken:
        key += "_"
    return key
