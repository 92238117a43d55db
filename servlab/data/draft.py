"""A first codebook for a file: guesses from names, labels and values, each marked as one.

Nothing is decided silently: every guess stands in the draft with ``# guess:``, and what cannot be
guessed is named for a person to fill in.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import tomlkit
from tomlkit.items import Table

from servlab.core.errors import DataError
from servlab.data.batteries import Batteries, batteries_of
from servlab.data.codebook import FileFormat, Layout, Platform
from servlab.data.draft_rest import add_rest
from servlab.data.encode import is_missing, parse_number
from servlab.data.formats import RawTable, read_raw
from servlab.data.formats.cells import blank_cells
from servlab.data.guess import Answers, Column, answers_of, column_of
from servlab.data.layout import wide_table
from servlab.data.long_form import layout_of

NO_DIMENSIONS = (
    "no dimensions were found: items count in the overall score only. To have them:",
    "  [[instrument.dimensions]]",
    '  code = "tangibles"',
    '  label = "Tangibles"',
    'and below, in each of its items: dimension = "tangibles"',
)


def draft_codebook(
    path: str | Path,
    *,
    encoding: str | None = None,
    sheet: str | int | None = None,
    platform: str | None = None,
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
    platform : str, optional
        The survey platform whose export the file is, when its shape does not show it;
        ``"none"`` takes the table as it stands.

    Returns
    -------
    str
        TOML text with the guesses marked ``# guess:``. Save it beside the file, look through it,
        and check it with ``servlab check FILE --codebook CODEBOOK``.

    Raises
    ------
    DataError
        When the file cannot be read, or no column looks like a rating.

    Notes
    -----
    Answers in words are numbered when they are a ladder that questionnaires use (agreement,
    satisfaction, importance and the like, in English and Chinese); other words are listed under
    ``values`` for a person to number, and until then the check names each as a problem.
    """
    if platform is not None and platform not in get_args(Platform):
        known = ", ".join(map(repr, get_args(Platform)))
        raise DataError(f"platform must be one of {known}; got {platform!r}.")
    file = FileFormat.model_validate({"encoding": encoding, "sheet": sheet, "platform": platform})
    table = read_raw(path, file)
    layout = layout_of(table)
    wide = table if layout is None else wide_table(table, layout)
    columns = {str(name): column_of(wide, str(name)) for name in wide.frame.columns}
    batteries = batteries_of(wide, columns)
    if batteries is None:
        raise DataError(
            f"{table.source}: no group of columns looks like ratings (whole numbers from 0 to 10, "
            "or the same few words, under numbered names such as E1, E2 or P01, P02, or in the "
            "rows of a grid). Name items by hand: docs/codebook.md shows how."
        )
    document = tomlkit.document()
    _head(document, table)
    _file_part(document, table, {"encoding": encoding, "sheet": sheet, "platform": platform})
    if layout is not None:
        _layout_part(document, layout)
    answers = _answers(batteries, columns)
    _missing_part(document, answers)
    _instrument_part(document, wide, batteries, answers)
    for name in batteries.columns:
        _battery_part(document, name, batteries, answers[name])
    taken = {c for items in batteries.columns.values() for c in items.values()}
    rest = {name: column for name, column in columns.items() if name not in taken}
    add_rest(document, wide, rest, id_column=layout.id if layout else None)
    _blank_part(document, wide, taken)
    return tomlkit.dumps(document)


def _answers(batteries: Batteries, columns: Mapping[str, Column]) -> dict[str, Answers]:
    """Return how each battery's answers are to be read; one reading for those on one scale."""
    own = {b: [columns[c] for c in items.values()] for b, items in batteries.columns.items()}
    rated = [column for b, listed in own.items() if b != "importance" for column in listed]
    shared = answers_of(rated)
    return {b: answers_of(listed) if b == "importance" else shared for b, listed in own.items()}


def _head(document: tomlkit.TOMLDocument, table: RawTable) -> None:
    document.add(tomlkit.comment(f"Codebook drafted by servlab for {table.source}."))
    document.add(tomlkit.comment("Lines marked 'guess:' are guesses: confirm or correct each."))
    document.add(tomlkit.comment("Then run: servlab check FILE --codebook THIS"))
    for note in table.notes:
        document.add(tomlkit.comment(note.en))
    document.add("title", Path(table.source).stem)


def _file_part(
    document: tomlkit.TOMLDocument, table: RawTable, named: Mapping[str, str | int | None]
) -> None:
    """Add how the file is opened: what the caller named, and the platform recognized."""
    part = tomlkit.table()
    for key, value in named.items():
        if value is not None:
            part.add(key, value)
    if table.platform is not None and named["platform"] is None:
        part.add("platform", table.platform)
        part["platform"].comment('guess: by its shape; "none" takes the table as it stands')
    if len(part):
        document.add("file", part)


def _layout_part(document: tomlkit.TOMLDocument, layout: Layout) -> None:
    part = tomlkit.table()
    part.comment("guess: a row an answer, not a row a respondent")
    for key in ("form", "id", "item", "answer", "battery"):
        value = getattr(layout, key)
        if value is not None:
            part.add(key, value)
    if layout.batteries:
        part.add("batteries", dict(layout.batteries))
    document.add("layout", part)


def _missing_part(document: tomlkit.TOMLDocument, answers: Mapping[str, Answers]) -> None:
    rated = [found.missing for name, found in answers.items() if name != "importance"]
    if rated and rated[0]:
        document.add(
            tomlkit.comment("guess: codes apart from the scale, words that say no answer,")
        )
        document.add(tomlkit.comment("or what the file declares missing"))
        document.add("missing", list(rated[0]))


def _instrument_part(
    document: tomlkit.TOMLDocument,
    table: RawTable,
    batteries: Batteries,
    answers: Mapping[str, Answers],
) -> None:
    """Add instrument and reversal."""
    scale = answers["perception"]
    codes = list(batteries.columns["perception"])
    classic = codes == [str(i) for i in range(1, 23)] and (scale.low, scale.high) == (1, 7)
    if (
        classic
        and not batteries.dimensions
        and set(batteries.columns) <= {"expectation", "perception"}
    ):
        document.add(
            tomlkit.comment("guess: 22 items of seven points; or servqual-1991, servperf,")
        )
        document.add(tomlkit.comment("or an [instrument] table of your own (docs/codebook.md)"))
        name = "servqual-1988" if "expectation" in batteries.columns else "servperf"
        document.add("instrument", name)
        document.add(tomlkit.comment("guess: which items are negatively worded here?"))
        document.add("reversed", _reversed(table, batteries.columns["perception"], scale))
        return
    document.add("reversed", [])
    instrument = tomlkit.table()
    stem = Path(table.source).stem
    instrument.add("name", re.sub(r"\W+", "-", stem.lower()).strip("-") or "own")
    instrument.add("title", stem)
    instrument.add(tomlkit.comment(f"guess: {scale.why}"))
    instrument.add("scale", _scale(scale.low, scale.high))
    if batteries.guess:
        instrument.add(tomlkit.comment(f"guess: {batteries.guess}"))
    instrument.add("batteries", _asked(batteries, answers))
    _add_items(instrument, batteries)
    document.add("instrument", instrument)


def _scale(low: int, high: int) -> tomlkit.items.InlineTable:
    scale = tomlkit.inline_table()
    scale.update({"low": low, "high": high})
    return scale


def _asked(batteries: Batteries, answers: Mapping[str, Answers]) -> Table:
    asked = tomlkit.table()
    for battery in batteries.columns:
        part = tomlkit.table()
        if battery == "expectation":
            part.add(tomlkit.comment('guess: the grade asked; or "higher_will", "ideal"'))
            part.add("grade", "should")
        if battery == "importance":
            part.add("scale", _scale(answers[battery].low, max(answers[battery].high, 3)))
        asked.add(battery, part)
    return asked


def _add_items(instrument: Table, batteries: Batteries) -> None:
    """Add items, with dimensions where they come in several grids or numbered families."""
    names = list(dict.fromkeys(batteries.dimensions.values()))
    codes = {
        name: name if name.isascii() and len(name) <= 20 else f"d{k}"
        for k, name in enumerate(names, 1)
    }
    if names:
        dimensions = tomlkit.aot()
        for name in names:
            part = tomlkit.table()
            part.add("code", codes[name])
            part.add("label", name)
            part.comment("guess: a dimension of the items that share this name or question")
            dimensions.append(part)
        instrument.add("dimensions", dimensions)
    listed = tomlkit.aot()
    for code, column in batteries.columns["perception"].items():
        part = tomlkit.table()
        part.add("code", code)
        part.add("label", batteries.labels.get(code, column))
        if code in batteries.dimensions:
            part.add("dimension", codes[batteries.dimensions[code]])
        listed.append(part)
    if not names:
        for line in NO_DIMENSIONS:
            instrument.add(tomlkit.comment(line))
    instrument.add("items", listed)


def _reversed(table: RawTable, items: Mapping[str, str], scale: Answers) -> list[int]:
    """Return the items that correlate negatively with the first principal component."""
    frame = pd.DataFrame(
        {
            code: [_number(cell, scale) for cell in table.frame[column]]
            for code, column in items.items()
        }
    ).dropna()
    if len(frame) < 10 or (frame.nunique() < 2).any():
        return []
    cor = np.corrcoef(frame.to_numpy(), rowvar=False)
    vector = np.linalg.eigh(cor)[1][:, -1]
    sign = np.sign(np.median(vector[:9])) or 1.0  # items 1 to 9 are positively worded in SERVQUAL
    return [int(code) for code, v in zip(frame.columns, vector * sign, strict=True) if v < -0.05]


def _number(cell: object, scale: Answers) -> float:
    """Return a cell's number as the draft would read it."""
    if is_missing(cell, scale.missing):
        return np.nan
    text = str(cell).strip()
    return float(scale.values[text]) if text in scale.values else parse_number(text, ".")[0]


def _battery_part(
    document: tomlkit.TOMLDocument, name: str, batteries: Batteries, answers: Answers
) -> None:
    """Add where a battery's answers stand and which numbers its words are."""
    items = batteries.columns[name]
    part = tomlkit.table()
    columns = list(items.values())
    pattern = _pattern(items)
    if pattern:
        part.add("columns", pattern)
    else:
        listing = tomlkit.array()
        listing.extend(columns)
        part.add("columns", listing.multiline(len(columns) > 3))
    if name == "importance" and answers.missing:
        part.add("missing", list(answers.missing))
    if answers.values or answers.unknown:
        part.add("values", _values(answers))
    if document.get("batteries") is None:
        document.add("batteries", tomlkit.table(is_super_table=True))
    document["batteries"].add(name, part)


def _values(answers: Answers) -> Table:
    """Return the numbers of words; those that nobody knows are listed to be numbered."""
    values = tomlkit.table()
    if answers.unknown:
        values.add(tomlkit.comment(f"number these words from {answers.low}, the low end, up;"))
        values.add(tomlkit.comment("list those that mean no answer under missing"))
        for word, count in answers.unknown.items():
            values.add(
                tomlkit.comment(f"{tomlkit.string(word).as_string()} = ?    ({count} answers)")
            )
        return values
    values.add(tomlkit.comment(f"guess: {answers.why}"))
    for word, number in answers.values.items():
        values.add(tomlkit.key(word), number)
    return values


def _pattern(items: Mapping[str, str]) -> str | None:
    """Return a pattern with {item} when it gives every column's name."""
    column = next(iter(items.values()))
    for placeholder, width in (("{item}", None), ("{item:02}", 2)):
        texts = [c if width is None else c.zfill(width) for c in items]
        places = [m.start() for m in re.finditer(re.escape(texts[0]), column)]
        for place in places:
            before, after = column[:place], column[place + len(texts[0]) :]
            if [before + text + after for text in texts] == list(items.values()):
                return before + placeholder + after
    return None


def _blank_part(document: tomlkit.TOMLDocument, table: RawTable, items: set[str]) -> None:
    """Propose to leave out rows without any answer to the items."""
    blank = np.ones(len(table.frame), dtype=bool)
    for column in sorted(items):
        blank &= blank_cells(table.frame[column])
    n_blank = int(blank.sum())
    if not n_blank:
        return
    part = tomlkit.table()
    part.comment(f"guess: {n_blank} row(s) hold no answer to any item")
    part.add("rule", "blank")
    part.add("reason", {"en": "answered no item", "zh": "未回答任何题目"})
    rules = tomlkit.aot()
    rules.append(part)
    document.add("exclusions", rules)
