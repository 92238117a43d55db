"""A table as people read it: raw values with a caption, headings, formats and notes.

A ``Table`` keeps the numbers as they are; a writer (HTML here, other files elsewhere)
turns them into text through ``formats``. Raw values can so be exported and tested.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.presentation import html
from servlab.presentation.formats import FORMATS, format_value
from servlab.presentation.messages import message

Mark = Literal["", "good", "bad", "strong", "weak"]
MARKS: tuple[Mark, ...] = ("", "good", "bad", "strong", "weak")
_TEXT_FORMATS = frozenset({"text"})
# Texts and pairs stay what they are; numbers take the type of their column.
_DTYPES = {name: object for name in FORMATS if name == "text" or name.startswith("interval")}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Table:
    """A frame of raw values and what a reader needs to read it.

    Attributes
    ----------
    frame : DataFrame
        Raw values; the index holds the row headers (text). Columns without a heading are
        not shown.
    caption : str
        What the table shows, without a number: the report numbers tables.
    headings : mapping
        Column -> heading, in the order in which columns are shown.
    formats : mapping
        Column -> name of a format (``formats.FORMATS``), for every shown column.
    row_header : str
        Heading over the row headers.
    notes : sequence of str
        Sentences under the table.
    language : {"en", "zh"}
        Language of every text above.
    row_aside : sequence of str
        A second label for each row (a code, or the label in the other language), drawn soft.
    row_groups : sequence of str
        The group of each row; a run of rows of the same group gets a header row.
    strong_rows : sequence of int
        Positions of rows drawn strong (totals).
    standards : mapping
        Column -> the judgement standard that its values are held against, such as "≥ .60", drawn
        as the last row; a note says where each comes from.
    marks : mapping
        Column -> a mark for each row: "good" and "bad" (colour and weight; to be used where
        the number's sign or a note says the same), "strong", "weak" or "".

    Examples
    --------
    >>> frame = pd.DataFrame({"gap": [-1.71, 0.0]}, index=["Security", "Tangibles"])
    >>> Table(frame, caption="Gaps", headings={"gap": "Gap"}, formats={"gap": "signed"},
    ...       row_header="Dimension")
    Table: Gaps
    Dimension   Gap
    Security    −1.71
    Tangibles   0.00
    """

    frame: pd.DataFrame
    caption: str
    headings: Mapping[str, str]
    formats: Mapping[str, str]
    row_header: str
    notes: Sequence[str] = ()
    language: Language = "en"
    row_aside: Sequence[str] = ()
    row_groups: Sequence[str] = ()
    strong_rows: Sequence[int] = ()
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)
    standards: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every shown column has a heading and a format, and every row its labels."""
        _check_columns(self)
        _check_rows(self)
        object.__setattr__(self, "frame", self.frame.copy())

    def cells(self) -> list[list[str]]:
        """Return the texts of the cells, row by row, without the row headers."""
        columns = [
            [format_value(value, self.formats[name]) for value in self.frame[name]]
            for name in self.headings
        ]
        return [list(row) for row in zip(*columns, strict=True)]

    def row_labels(self) -> list[str]:
        """Return the row headers."""
        return [str(label) for label in self.frame.index]

    def block(self) -> dict[str, Any]:
        """Return the table as plain JSON: what the HTML writer draws, and the raw values.

        ``table_from_block`` makes the table again, so that a study's tables can be exported
        by whoever ran its notebook.
        """
        none: Sequence[Mark] = [""] * len(self.frame)
        marks = [self.marks.get(name, none) for name in self.headings]
        return {
            "kind": "table",
            "language": self.language,
            "caption": self.caption,
            "row_header": self.row_header,
            "headings": list(self.headings.values()),
            "align": [_alignment(self.formats[name]) for name in self.headings],
            "columns": list(self.headings),
            "formats": [self.formats[name] for name in self.headings],
            "values": [
                [_plain(value, self.formats[name]) for value in self.frame[name]]
                for name in self.headings
            ],
            "rows": [
                {
                    "label": label,
                    "aside": self.row_aside[position] if self.row_aside else "",
                    "group": self.row_groups[position] if self.row_groups else "",
                    "strong": position in self.strong_rows,
                    "cells": [
                        {"text": text, "mark": mark[position]}
                        for text, mark in zip(cells, marks, strict=True)
                    ],
                }
                for position, (label, cells) in enumerate(
                    zip(self.row_labels(), self.cells(), strict=True)
                )
            ],
            "notes": list(self.notes),
            "standards": self.standards_row(),
        }

    def standards_row(self) -> list[str]:
        """Return the last row: its header and a text for each column shown; empty without any."""
        if not self.standards:
            return []
        header = message("standards.row", self.language)
        return [header, *(self.standards.get(name, "") for name in self.headings)]

    def __repr__(self) -> str:
        rows = [[self.row_header, *self.headings.values()]]
        rows += [
            [label, *cells] for label, cells in zip(self.row_labels(), self.cells(), strict=True)
        ]
        rows += [self.standards_row()] if self.standards else []
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [
            "   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([f"Table: {self.caption}", *lines, *self.notes])

    def _repr_html_(self) -> str:
        return html.standalone(self.block())

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        return html.mimebundle(self.block(), repr(self))


def table_from_block(block: Mapping[str, Any]) -> Table:
    """Return the table that a block was made of: the columns shown, with their raw values.

    Examples
    --------
    >>> frame = pd.DataFrame({"gap": [-1.71, float("nan")]}, index=["Security", "Ease"])
    >>> table = Table(frame, caption="Gaps", headings={"gap": "Gap"}, formats={"gap": "signed"},
    ...               row_header="Dimension")
    >>> table_from_block(table.block()).frame
               gap
    Security -1.71
    Ease       NaN
    """
    rows, columns, formats = block["rows"], block["columns"], block["formats"]
    values = {
        name: pd.Series([_raw(value, form) for value in column], dtype=_DTYPES.get(form))
        for name, form, column in zip(columns, formats, block["values"], strict=True)
    }
    frame = pd.DataFrame(values, columns=list(columns), index=range(len(rows)))
    _, *standards = block["standards"] or [""]
    asides, groups = ([row[part] for row in rows] for part in ("aside", "group"))
    return Table(
        frame.set_axis([row["label"] for row in rows]),
        caption=block["caption"],
        headings=dict(zip(columns, block["headings"], strict=True)),
        formats=dict(zip(columns, formats, strict=True)),
        row_header=block["row_header"],
        notes=tuple(block["notes"]),
        language=block["language"],
        row_aside=tuple(asides) if any(asides) else (),
        row_groups=tuple(groups) if any(groups) else (),
        strong_rows=tuple(place for place, row in enumerate(rows) if row["strong"]),
        marks={
            name: [row["cells"][place]["mark"] for row in rows]
            for place, name in enumerate(columns)
        },
        standards={name: text for name, text in zip(columns, standards, strict=False) if text},
    )


def _plain(value: Any, form: str) -> Any:
    """Return a raw value as JSON can hold it: missing as None, an infinite number as text."""
    if isinstance(value, tuple | list):
        return [_plain(part, "number") for part in value]
    if value is None or value != value:
        return None
    if form in _TEXT_FORMATS:
        return str(value)
    number = value.item() if hasattr(value, "item") else value
    number = number if isinstance(number, int | float) else float(number)
    return str(number) if isinstance(number, float) and math.isinf(number) else number


def _raw(value: Any, form: str) -> Any:
    """Return the raw value that ``_plain`` wrote."""
    if isinstance(value, list):
        return tuple(_raw(part, "number") for part in value)
    if form in _TEXT_FORMATS:
        return value
    return float("nan") if value is None else float(value) if isinstance(value, str) else value


def sign_marks(values: Iterable[float]) -> list[Mark]:
    """Return marks that colour numbers by their sign: good above 0, bad below.

    Examples
    --------
    >>> sign_marks([-1.2, 0.0, 0.3, float("nan")])
    ['bad', '', 'good', '']
    """
    return ["good" if value > 0 else "bad" if value < 0 else "" for value in values]


def _alignment(name: str) -> str:
    return "text" if name in _TEXT_FORMATS else "number"


def _check_columns(table: Table) -> None:
    absent = [name for name in table.headings if name not in table.frame.columns]
    if absent or not table.headings:
        raise ModelError(
            f"table {table.caption!r} needs headings for columns of its frame; "
            f"{absent or 'none given'} not among {[str(c) for c in table.frame.columns]}."
        )
    astray = [name for name in table.standards if name not in table.headings]
    if astray:
        raise ModelError(
            f"table {table.caption!r} has standards for {astray}, which it does not show."
        )
    unformatted = [name for name in table.headings if name not in table.formats]
    unknown = sorted({name for name in table.formats.values() if name not in FORMATS})
    if unformatted or unknown:
        raise ModelError(
            f"table {table.caption!r} needs a format of {list(FORMATS)} for each column; "
            f"without one: {unformatted}, unknown: {unknown}."
        )
    empty = [name for name, heading in table.headings.items() if not heading.strip()]
    if empty or not table.row_header.strip() or not table.caption.strip():
        raise ModelError(
            f"table {table.caption!r} needs a caption, a row_header and no empty heading; "
            f"got row_header {table.row_header!r} and empty headings for {empty}."
        )


def _check_rows(table: Table) -> None:
    n_rows = len(table.frame)
    lengths = {
        "row_aside": len(table.row_aside),
        "row_groups": len(table.row_groups),
        **{f"marks of {name!r}": len(marks) for name, marks in table.marks.items()},
    }
    wrong = {name: length for name, length in lengths.items() if length not in (0, n_rows)}
    if wrong:
        raise ModelError(
            f"table {table.caption!r} has {n_rows} rows; give one entry a row, got {wrong}."
        )
    unknown = sorted({mark for marks in table.marks.values() for mark in marks} - set(MARKS))
    if unknown:
        raise ModelError(f"a mark must be one of {list(MARKS)}; got {unknown}.")
