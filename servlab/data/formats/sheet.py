"""The cells of one worksheet, some rows at a time, each different cell understood once.

A cell is what stands between ``<c r="B2"`` and ``</c>``: its style, type, formula and value. Most
of a survey's millions of cells are the same few dozen pieces of markup.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from servlab.data.formats.table import letters
from servlab.data.formats.xlsx import Package, Sheet, date_of, holds_text, plain_text, text_in

STYLE = re.compile(rb"\ss\s*=\s*[\"'](\d+)[\"']")  # XML leaves the quote to the writer
KIND = re.compile(rb"\st\s*=\s*[\"'](\w+)[\"']")
PLACE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]{1,3})(\d+)[\"']")
ROW = re.compile(rb"\sr\s*=\s*[\"'](\d+)[\"']")
STATED = re.compile(rb"\sr\s*=")
HIDDEN = re.compile(rb"\shidden\s*=\s*[\"'](?:1|true)[\"']")
VALUE = re.compile(rb"<(?:\w+:)?v(?:\s[^>]*)?>([^<]*)</(?:\w+:)?v\s*>")
ATTRIBUTES = re.compile(rb"""(?:\s+[\w:]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*""")
NUMBER = re.compile(rb"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*")
BOOLEANS = {b"1": "TRUE", b"0": "FALSE", b"true": "TRUE", b"false": "FALSE"}
FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
WORKSHEET = re.compile(rb"<(\w+:)?worksheet[\s>]")
END = re.compile(rb"</(?:\w+:)?sheetData\s*>|<(?:\w+:)?sheetData\s*/>")
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="(\w+:\w+)"')
LONGEST_TAG = 200  # bytes kept of a tag that a piece cuts
LONGEST_ROW = 1 << 26  # bytes of markup
MAX_COLUMNS, MAX_ROWS = 16_384, 1_048_576  # of any spreadsheet program

Markup = bytes | None


class SheetReader:
    """Reads one worksheet; counts what a person does not see.

    Parameters
    ----------
    package : Package
        The workbook.
    sheet : Sheet
        The worksheet.
    """

    def __init__(self, package: Package, sheet: Sheet) -> None:
        self.package = package
        self.sheet = sheet
        self.hidden: list[int] = []
        self.merged: list[bytes] = []
        self._columns: tuple[bytes, ...] = ()

    def rows(self) -> Iterator[tuple[int, list[Markup]]]:
        """Yield each stored row's number and its cells' markup from column A on."""
        number = 0
        for head, cells, skipped in self._row_markup():
            number = self._row_number(head, cells, number + 1 + skipped)
            if HIDDEN.search(head):
                self.hidden.append(number)
            yield number, self._cells(cells)

    def filled(self) -> bool:
        """Return whether any cell holds something."""
        try:
            cells = (cell for _, row in self.rows() for cell in row if cell is not None)
            return any(self.value(cell) is not None for cell in cells)
        except Uncalculated:
            return True

    def value(self, markup: bytes) -> Any:
        """Return what a cell holds: text, a number, a time, or None."""
        attributes, _, body = markup.partition(b">")
        if ATTRIBUTES.fullmatch(attributes) is None:
            raise self.package.damaged()
        found = KIND.search(attributes)
        kind = found[1] if found else b"n"
        try:
            if kind == b"inlineStr":
                return text_in(body)
            stored = VALUE.search(body)
            if stored is None or (not stored[1] and kind != b"str"):
                if FORMULA.search(body) and kind != b"str":
                    raise Uncalculated
                if stored is None and holds_text(body):
                    raise self.package.damaged()
                return None
            return self._stored(kind, stored[1], STYLE.search(attributes))
        except (ValueError, IndexError):
            raise self.package.damaged() from None

    def _stored(self, kind: bytes, text: bytes, style: re.Match[bytes] | None) -> Any:
        if kind == b"s":
            place = int(text)
            if place < 0:
                raise IndexError
            return self.package.strings[place]
        if kind == b"b":
            return BOOLEANS.get(text.strip()) or plain_text(text)
        if kind != b"n":
            return plain_text(text)  # a formula's text, an error such as #N/A, an ISO date
        if NUMBER.fullmatch(text) is None:
            raise ValueError("no number that a spreadsheet program stores")
        number = float(text)
        shown = self.package.date_styles.get(int(style[1])) if style else None
        return date_of(number, shown, self.package.from_1904) if shown else number

    def _row_markup(self) -> Iterator[tuple[bytes, bytes, int]]:
        """Yield a row's attributes, its cells, and the number of empty rows before it."""
        tail, opening, closing, ended = b"", b"", b"", False
        for chunk in self.package.pieces(self.sheet.part):
            text = tail + chunk
            if ended:  # what follows the cells is read for its checksum, and for merged cells
                self.merged += MERGED.findall(text)
                tail = text[text.rfind(b"<") :][:LONGEST_TAG]
                continue
            if not opening:
                prefix = self._prefix(text)
                opening, closing = b"<" + prefix + b"row", b"</" + prefix + b"row>"
            *rows, tail = text.split(closing)
            for row in rows:
                start = row.rfind(opening)
                head, _, cells = row[start:].partition(b">")
                skipped = row.count(opening, 0, start)
                if start < 0 or head.endswith(b"/") or (skipped and self._holds_cells(row[:start])):
                    raise self.package.damaged()
                yield head, cells, skipped
            if (end := END.search(tail)) is not None:
                if opening in tail and self._holds_cells(tail[: end.start()]):
                    raise self.package.damaged()
                ended = True
                self.merged += MERGED.findall(tail, end.end())
                tail = tail[tail.rfind(b"<") :][:LONGEST_TAG]
            if len(tail) > LONGEST_ROW:
                raise self.package.damaged()
        if not ended:
            raise self.package.damaged()

    def _row_number(self, head: bytes, cells: bytes, following: int) -> int:
        """Return the number that a row or its first cell states; they may leave it out."""
        stated = ROW.search(head)
        placed = PLACE.search(cells, 0, cells.find(b">") + 1)
        if ATTRIBUTES.fullmatch(head, head.find(b"row") + 3) is None or (
            stated is None and STATED.search(head)
        ):
            raise self.package.damaged()
        numbers = {int(stated[1])} if stated else set()
        numbers |= {int(placed[2])} if placed else set()
        number = min(numbers, default=following)
        if len(numbers) > 1 or number > MAX_ROWS:
            raise self.package.damaged()
        return number

    def _holds_cells(self, markup: bytes) -> bool:
        """Return whether cells stand where only empty rows can: a row without its end."""
        return self._cell_start.search(markup) is not None

    def _prefix(self, text: bytes) -> bytes:
        """Return the prefix that some programs put before every name, and know cells by it."""
        root = WORKSHEET.search(text)
        if root is None:
            raise self.package.damaged()
        prefix = root[1] or b""
        name = b"<" + prefix + b"c"
        self._cell = re.compile(
            name + rb' r="([A-Z]{1,3})\d+"([^>/]*>(?:<v>[^<]*</v>|.*?))</' + name[1:] + b">",
            re.DOTALL,
        )
        self._any_cell = re.compile(
            name + rb"(?=[\s/>])([^>]*?)(?:/>|>(.*?)</" + name[1:] + b">)", re.DOTALL
        )
        self._cell_start = re.compile(name + rb"(?=[\s/>])")
        self._cell_name = name
        self._cell_end = b"</" + name[1:] + b">"
        return prefix

    def _cells(self, markup: bytes) -> list[Markup]:
        """Return the markup of a row's cells, from column A on."""
        cells = self._cell.findall(markup)
        starts, ends = markup.count(self._cell_name), markup.count(self._cell_end)
        if not len(cells) == starts == ends or not cells:
            cells = self._unusual_cells(markup)
        if not cells:
            return []
        columns, contents = zip(*cells, strict=True)
        if columns == self._columns:
            return list(contents)
        places = [_place_of(column) for column in columns]
        if places == list(range(len(places))):
            self._columns = columns  # rows are mostly alike
            return list(contents)
        row: list[Markup] = [None] * (max(places) + 1)
        for place, content in zip(places, contents, strict=True):
            row[place] = content
        return row

    def _unusual_cells(self, markup: bytes) -> list[tuple[bytes, bytes]]:
        """Return column and content of cells however their attributes stand."""
        cells = []
        place = -1
        for found in self._any_cell.finditer(markup):
            stated = PLACE.search(found[1])
            if stated is None and STATED.search(found[1]):
                raise self.package.damaged()
            place = _place_of(stated[1].upper()) if stated else place + 1
            content = PLACE.sub(b"", found[1]) + b">" + (found[2] or b"")
            cells.append((letters(place).encode(), content))
        lost = self._any_cell.sub(b"", markup).strip()
        if lost or len(cells) != len(self._cell_start.findall(markup)):
            raise self.package.damaged()
        return cells


class Uncalculated(Exception):
    """A formula stored without its result: it would read as an empty cell."""


@lru_cache(maxsize=MAX_COLUMNS)
def _place_of(column: bytes) -> int:
    """Return a column's place, from 0, by its letters."""
    place = 0
    for letter in column:
        place = place * 26 + letter - 64
    return place - 1
