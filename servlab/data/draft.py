"""A first codebook for a file: guesses from names, labels and values, each marked as one.

Nothing is decided silently: every guess stands in the draft with ``# guess:``, and what cannot be
guessed is named for a person to fill in.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import tomlkit
from tomlkit.items import Table

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.encode import is_missing, parse_number
from servlab.data.formats import RawTable, read_raw
from servlab.data.guess import (
    DURATION,
    IDENTIFIER,
    MOST_CATEGORIES,
    OUTCOME,
    WEIGHT,
    Column,
    answers_of,
    batteries_of,
    column_of,
    ends_of,
    family_of,
    missing_of,
    role_of,
)


def draft_codebook(
    path: str | Path, *, encoding: str | None = None, sheet: str | int | None = None
) -> str:
    """Draft a codebook for a data file from its names, labels and values.

    Parameters
    ----------
    path : str or Path
        A data file of any kind that ``read_survey`` reads.
    encoding : str, optional
        Text encoding of a file that several could read.
    sheet : str or int, optional
        The sheet of a workbook that holds the answers, by name or place (from 1).

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
    table = read_raw(path, FileFormat(encoding=encoding, sheet=sheet))
    columns = {str(name): column_of(table, str(name)) for name in table.frame.columns}
    batteries = batteries_of(columns)
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
    for key, value in (("encoding", encoding), ("sheet", sheet)):
        if value is not None:
            document.setdefault("file", tomlkit.table()).add(key, value)
    values = answers_of(batteries, columns)
    missing = missing_of(batteries, columns, values)
    if missing:
        document.add(tomlkit.comment("guess: codes apart from the scale, or declared by the file"))
        document.add("missing", missing)
    _instrument_part(document, table, batteries, columns, values, missing)
    for name, items in batteries.items():
        _battery_part(document, name, items)
    _rest_part(document, rest, columns)
    if n_blank := _blank(table, taken):
        part = tomlkit.table()
        part.comment(f"guess: {n_blank} row(s) hold no answer to any item")
        part.add("rule", "blank")
        part.add("reason", {"en": "answered no item", "zh": "未回答任何题目"})
        rules = tomlkit.aot()
        rules.append(part)
        document.add("exclusions", rules)
    return tomlkit.dumps(document)


def _blank(table: RawTable, items: set[str]) -> int:
    """Return the number of rows without any answer to the items."""
    cells = table.frame[sorted(items)]
    return int((cells.isna() | (cells == "")).all(axis=1).sum())


def _head(document: tomlkit.TOMLDocument, table: RawTable) -> None:
    document.add(tomlkit.comment(f"Codebook drafted by servlab for {table.source}."))
    document.add(tomlkit.comment("Lines marked 'guess:' are guesses: confirm or correct each."))
    document.add(tomlkit.comment("Then run: servlab check FILE --codebook THIS"))
    document.add("title", Path(table.source).stem)


def _instrument_part(
    document: tomlkit.TOMLDocument,
    table: RawTable,
    batteries: dict[str, dict[str, str]],
    columns: dict[str, Column],
    values: tuple[float, ...],
    missing: list[int],
) -> None:
    """Add instrument and reversal."""
    low, high, _ = ends_of(values)
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
        return
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
            ends = ends_of(
                tuple({v for c in batteries[battery].values() for v in columns[c].values})
            )
            own = tomlkit.inline_table()
            own.update({"low": ends[0], "high": max(ends[1] if ends[1] > 3 else 3, 3)})
            part.add("scale", own)
        asked.add(battery, part)
    instrument.add("batteries", asked)
    _add_items(instrument, table, batteries)
    document.add("instrument", instrument)


def _add_items(instrument: Table, table: RawTable, batteries: dict[str, dict[str, str]]) -> None:
    """Add items, with dimensions where the names of items come in numbered families."""
    items = batteries["perception"]
    family = {code: family_of(code) for code in items}
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
    document: tomlkit.TOMLDocument, rest: dict[str, Column], columns: dict[str, Column]
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
            if column.declared:
                part.add("missing", [int(v) if v == round(v) else v for v in column.declared])
            role = role_of(name)
            if role is not None:
                part.add("role", role)
                part.comment("guess: its role, from its name")
            covariates.add(_key(name, covariates), part)
    for key, part in (("outcomes", outcomes), ("covariates", covariates)):
        if len(part):
            document.add(key, part)


def _outcome(name: str, column: Column) -> Table:
    low, high, missing = ends_of(column.values)
    part = tomlkit.table()
    part.comment("guess: something the study wants to explain")
    part.add("column", name)
    scale = tomlkit.inline_table()
    scale.update({"low": low, "high": high})
    part.add("scale", scale)
    codes = [*missing, *(int(v) for v in column.declared)]
    if codes:
        part.add("missing", codes)
    return part


def _key(name: str, taken: Table) -> str:
    """Return a short name for a variable, not used yet."""
    key = re.sub(r"\W+", "_", name).strip("_").lower() or "variable"
    while key in taken:
        key += "_"
    return key
