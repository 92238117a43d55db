"""Delimited text: encodings decided, not sniffed; every row as wide as the header.

A byte order mark, then strict UTF-8, then the legacy encodings of Chinese, Japanese, Korean and
Western files. When several of those decode text that is not ASCII, the candidates are listed and
the codebook has to say which one it is.
"""

import csv
import io
from collections.abc import Iterator

import numpy as np

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.formats.table import RawTable, frame_of, hash_of

LEGACY = ("gb18030", "big5", "cp949", "shift_jis", "cp1252")
MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
DELIMITERS = (",", ";", "\t", "|")
LONGEST_CELL = 1_000_000  # an open comment; more is a quote that never closes


def decode(name: str, content: bytes, encoding: str | None) -> tuple[str, str]:
    """Return a file's text and its encoding, or raise ``DataError`` listing the candidates."""
    if encoding is not None:
        return _decode_as(name, content, encoding), encoding
    for mark, codec in MARKS:
        if content.startswith(mark):
            return _decode_as(name, content, codec), codec
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        pass
    candidates = [codec for codec in LEGACY if _decodes(content, codec)]
    if len(candidates) == 1:
        return content.decode(candidates[0]), candidates[0]
    if not candidates:
        raise DataError(
            f"{name} is not UTF-8 text, nor text in {', '.join(LEGACY)}; is it a text file? "
            "Export it again as CSV in UTF-8."
        )
    raise DataError(
        f"{name} is not UTF-8; encodings that could read it: {', '.join(candidates)}. "
        'Look at a label and say which it is: in the codebook, [file] encoding = "'
        f'{candidates[0]}".'
    )


def _decode_as(name: str, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError:
        raise DataError(
            f'{name}: encoding {encoding!r} is not known; name one such as "utf-8", "gb18030".'
        ) from None
    except UnicodeError as err:
        start = err.start if isinstance(err, UnicodeDecodeError) else 0
        line = content[:start].count(b"\n") + 1
        raise DataError(
            f"{name}, line {line}: not {encoding} text; correct encoding in the codebook's "
            "[file] table, or export the file again as UTF-8."
        ) from None


def _decodes(content: bytes, codec: str) -> bool:
    try:
        content.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def read_text(name: str, content: bytes, file: FileFormat, delimiter: str | None) -> RawTable:
    """Return the cells of delimited text."""
    text, encoding = decode(name, content, file.encoding)
    text = text.removeprefix("\ufeff")
    if "\x00" in text:
        raise DataError(
            f"{name} holds zero bytes: it is no text, or UTF-16 without its mark; "
            "export it again as CSV in UTF-8."
        )
    separator = file.delimiter or delimiter or _delimiter(text, file.header_row)
    header, rows, numbers = _split(name, text, separator, file.header_row)
    gapless = bool(len(numbers)) and numbers[-1] - numbers[0] == len(numbers) - 1
    return RawTable(
        frame_of(rows, header),
        name,
        hash_of(content),
        first_row=int(numbers[0]) if len(numbers) else file.header_row + 1,
        rows=None if gapless else np.array(numbers, dtype=np.int64),
        encoding=encoding,
    )


def _split(
    name: str, text: str, separator: str, header_row: int
) -> tuple[list[str], list[list[str]], list[int]]:
    """Return header, rows and their numbers; a row that does not fit the header is an error."""
    header: list[str] = []
    rows: list[list[str]] = []
    numbers: list[int] = []
    for number, cells in _records(name, text, separator):
        if number < header_row:
            continue
        if number == header_row:
            header = [cell.strip() for cell in cells]
            continue
        if not cells and len(header) != 1:
            continue  # a blank line is no respondent
        if len(cells) != len(header):
            cells = _fitted(name, number, cells, len(header), separator)
        rows.append(cells)
        numbers.append(number)
    if not header:
        raise DataError(f"{name} has no header in row {header_row}; correct header_row in [file].")
    while rows and not any(rows[-1]):
        if len(header) > 1:
            break
        rows.pop()  # in a file of one column, blank lines at the end are the file's end
        numbers.pop()
    return header, rows, numbers


def _fitted(name: str, number: int, cells: list[str], width: int, separator: str) -> list[str]:
    """Return a row cut to the header's width when nothing is lost, or raise."""
    if not cells:
        return [""] * width
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return cells[:width]
    if len(cells) > width:
        raise DataError(
            f"{name}, row {number}: has {len(cells)} cells where the header has {width} "
            f"(separator {separator!r}); put cells that hold the separator in quotes, or name "
            "delimiter in [file]."
        )
    raise DataError(
        f"{name}, row {number}: has {len(cells)} cells where the header has {width} "
        f"(separator {separator!r}); fill up the row, or name delimiter in [file]. "
        "If it is the last row, the file may be cut off."
    )


def _records(name: str, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with their numbers as a spreadsheet counts them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    csv.field_size_limit(LONGEST_CELL)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as err:
            raise DataError(
                f"{name}, row {number + 1} (line {reader.line_num}): quotes are not in order "
                f"({err}); double a quote inside a cell, and close each one."
            ) from None
        number += 1
        yield number, cells


def _delimiter(text: str, header_row: int) -> str:
    """Return the separator that cuts the header into most cells."""
    counts = {}
    for mark in DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        try:
            rows = [next(reader) for _ in range(header_row)]
            counts[mark] = len(rows[-1])
        except (StopIteration, csv.Error):
            counts[mark] = 0
    return max(counts, key=lambda mark: counts[mark])
