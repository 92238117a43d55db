"""How wide must the columns of a printed table be, and does it fit the page?

Widths of text are estimated in em of a serif face: exact enough to choose between an upright
and a sideways page, a size of type, and where headings break.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from servlab.presentation.export.parts import clean, lines_of
from servlab.presentation.tables import Table

_NARROW = frozenset("iljtfrI.,:;'|!()[]·` -")
_BROAD = frozenset("mwMW%@—∞")
_LABEL_LEAST = 13.0  # em that a column of words keeps before the page is turned
_SLACK, _WORD_SLACK = 1.15, 1.05  # faces differ, and a number must never break
_INDENT = 1.5  # em before the labels of grouped rows
_HEADING_WHOLE = 3.2  # em up to which a heading is never broken
_HEADING_MOST = 7.0  # em that a heading takes on one line before it breaks
_HEADING_LINES = 5  # lines that a long heading may take
# What stays together when a line is broken: one wide character, or a run of others.
_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff01-\uff60"
_PIECES = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+|\s+")
_CLINGING = frozenset("，。；：、）」』】》！？”’％")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A way to set a table: type size, room and the space of a column, all in points."""

    sideways: bool
    size: float
    room: float
    padding: float


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is set: the sheet, the width of each column (label first), in points.

    ``crowded`` says that even the smallest sheet is too narrow for its columns.
    """

    sheet: Sheet
    widths: tuple[float, ...]
    crowded: bool


def em(text: str) -> float:
    """Return the estimated width of a text in em.

    Examples
    --------
    >>> em("质量"), round(em("0.28"), 2)
    (2.0, 1.8)
    """
    return sum(_em(character) for character in text)


def _em(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character in _BROAD:
        return 0.9
    if character in _NARROW:
        return 0.3
    return 0.7 if character.isupper() else 0.5


def broken(text: str, width: float) -> list[str]:
    """Return a text in lines of at most ``width`` em where it can be broken.

    Examples
    --------
    >>> broken("95 % interval of the mean", 6), broken("区间下限，估计", 4)
    (['95 % interval', 'of the mean'], ['区间下', '限，估计'])
    """
    lines, line = [], ""
    for piece in _glued(_PIECES.findall(text)):
        if line.strip() and em((line + piece).rstrip()) > width:
            lines.append(line.strip())
            line = ""
        line += piece
    return [*lines, line.strip()] if line.strip() else lines


def _glued(pieces: Sequence[str]) -> list[str]:
    """Return the pieces with closing punctuation joined to what it closes."""
    glued: list[str] = []
    for piece in pieces:
        if glued and piece in _CLINGING:
            glued[-1] += piece
        else:
            glued.append(piece)
    return glued


def lay_out(table: Table, sheets: Sequence[Sheet]) -> Layout:
    """Return the first of the sheets, roomy ones first, on which the table fits."""
    least, wanted = _columns(table)
    words = [True, *(table.formats[name] == "text" for name in table.headings)]
    for sheet in sheets:
        needed = _points(least, sheet)
        if sum(needed) <= sheet.room:
            widths = _shared(needed, _points(wanted, sheet), words, sheet.room)
            return Layout(sheet, widths, False)
    sheet = sheets[-1]
    needed = _points(least, sheet)
    return Layout(sheet, tuple(width * sheet.room / sum(needed) for width in needed), True)


def count_lines(table: Table, layout: Layout) -> int:
    """Return how many lines of type the body takes, labels and words broken into lines."""
    places = [p for p, name in enumerate(table.headings) if table.formats[name] == "text"]
    room = [(width - layout.sheet.padding) / layout.sheet.size for width in layout.widths]
    total = 0
    for line in lines_of(table):
        label = len(broken(f"{line.label} {line.aside}", room[0])) if line.kind != "group" else 1
        words = [len(broken(line.cells[p], room[p + 1])) for p in places if line.cells]
        total += max([label, *words, 1])
    return total


def pieces(table: Table, sheets: Sequence[Sheet]) -> list[Table]:
    """Return a table too wide for every sheet as several with its columns shared out."""
    names = list(table.headings)
    if len(names) == 1 or not lay_out(table, sheets).crowded:
        return [table]
    half = (len(names) + 1) // 2
    return [
        piece
        for part in (names[:half], names[half:])
        for piece in pieces(_with_columns(table, part), sheets)
    ]


def _with_columns(table: Table, names: Sequence[str]) -> Table:
    """Return the table with some of its columns."""
    return replace(
        table,
        headings={name: table.headings[name] for name in names},
        marks={name: marks for name, marks in table.marks.items() if name in names},
        standards={name: text for name, text in table.standards.items() if name in names},
    )


def _points(widths: Sequence[float], sheet: Sheet) -> list[float]:
    return [width * sheet.size + sheet.padding for width in widths]


def _shared(
    least: list[float], wanted: list[float], words: list[bool], room: float
) -> tuple[float, ...]:
    """Return widths from least to wanted that fill the room if they can, words served first."""
    widths = list(least)
    for turn in (True, False):
        places = [place for place, holds in enumerate(words) if holds is turn]
        wish = sum(wanted[place] - least[place] for place in places)
        share = min((room - sum(widths)) / wish, 1.0) if wish > 0 else 0.0
        for place in places:
            widths[place] += share * (wanted[place] - least[place])
    return tuple(widths)


def _columns(table: Table) -> tuple[list[float], list[float]]:
    """Return the least and the wanted width of each column in em, the labels' first."""
    lines = [line for line in lines_of(table) if line.kind != "group"]
    labels = [f"{line.label} {line.aside}".strip() for line in lines]
    least, wanted = _words([clean(table.row_header), *labels])
    indent = _INDENT if table.row_groups else 0.0
    found = [(least + indent, wanted + indent)]
    for place, (name, heading) in enumerate(table.headings.items()):
        cells = [line.cells[place] for line in lines]
        if table.formats[name] == "text":
            found.append(_words([clean(heading), *cells]))
        else:
            found.append(_numbers(clean(heading), cells))
    return [least for least, _ in found], [wanted for _, wanted in found]


def _words(texts: Sequence[str]) -> tuple[float, float]:
    wanted = _WORD_SLACK * max(em(text) for text in texts)
    longest = _WORD_SLACK * max(
        (em(piece) for text in texts for piece in _PIECES.findall(text)), default=0.0
    )
    return min(max(longest, min(wanted, _LABEL_LEAST)), wanted, 2 * _LABEL_LEAST), wanted


def _numbers(heading: str, cells: Sequence[str]) -> tuple[float, float]:
    body = max((em(cell) for cell in cells), default=0.0)
    half = max(em(heading) / 2 + 0.5, _HEADING_WHOLE)
    two, one = (
        max((em(line) for line in broken(heading, max(body, width))), default=0.0)
        for width in (half, _HEADING_MOST)
    )
    least = max(body, min(two, _HEADING_MOST), em(heading) / _HEADING_LINES)
    return _SLACK * least, 1.3 * max(least, one)


def heading_lines(heading: str, width: float) -> list[str]:
    """Return a heading in the lines it takes over a column of ``width`` em."""
    return broken(clean(heading), width) or [clean(heading)]
