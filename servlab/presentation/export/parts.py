"""What the writers have in common: clean texts, lines of a table, words around it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from servlab.data.schema import Language
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.tables import Mark, Table

_SPACES = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
# what XML 1.0 cannot hold, the other controls, and halves of characters
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffe\uffff]")
_HALVES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table's body.

    Attributes
    ----------
    kind : {"row", "group", "standards"}
        A row of the frame, the heading of a group of rows (no cells), or the last row: the
        standards that the values are held against.
    place : int
        The row's position in the table's frame; -1 for the other kinds.
    """

    kind: Literal["row", "group", "standards"]

    label: str
    aside: str = ""
    cells: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    strong: bool = False
    place: int = -1

    def marked(self) -> list[tuple[str, Mark]]:
        """Return each cell with its mark."""
        return [(text, self.mark(place)) for place, text in enumerate(self.cells)]

    def mark(self, place: int) -> Mark:
        """Return the mark of a cell; cells of standards are drawn soft."""
        return self.marks[place] if self.marks else "weak"


def lines_of(table: Table) -> Iterator[Line]:
    """Yield the lines of a table's body, each group's heading before its rows."""
    none: Sequence[Mark] = [""] * len(table.frame)
    marks = [table.marks.get(name, none) or none for name in table.headings]
    group = ""
    for place, (label, cells) in enumerate(zip(table.row_labels(), table.cells(), strict=True)):
        own = table.row_groups[place] if table.row_groups else ""
        if own and own != group:
            yield Line("group", clean(own))
        group = own
        yield Line(
            "row",
            clean(label),
            clean(table.row_aside[place]) if table.row_aside else "",
            tuple(clean(cell) for cell in cells),
            tuple(mark[place] for mark in marks),
            place in table.strong_rows,
            place,
        )
    if table.standards:
        header, *texts = table.standards_row()
        yield Line("standards", clean(header), "", tuple(clean(text) for text in texts))


def clean(text: str) -> str:
    r"""Return a text that every file can hold: no controls, no broken characters.

    Tabs and line ends become a space.

    Examples
    --------
    >>> clean("two\tlines\r\nand a \x07 bell \ud83d")
    'two lines and a  bell �'
    """
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", _UNWRITABLE.sub("", _SPACES.sub(" ", text)))


def table_word(language: Language) -> str:
    """Return the word before a table's number."""
    return message("export.table", language)


def table_number(number: int | str, language: Language) -> str:
    """Return a table's number as it is cited, "Table 1" or "表1"."""
    return message("export.table_number", language, number=str(number))


def continued(number: int | str, language: Language) -> str:
    """Return what stands over the next part of a table, "Table 1 (continued)" or 续表1."""
    return message("export.continued", language, table=table_number(number, language))


def note_lead(language: Language) -> str:
    """Return what the notes under a table begin with."""
    return message("common.note", language)


def notes_text(table: Table) -> str:
    """Return the notes of a table as one paragraph, ``**word**`` still marked."""
    return join_sentences([clean(note) for note in table.notes], table.language)
