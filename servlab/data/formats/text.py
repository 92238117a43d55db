"""Delimited text: every row as wide as the header, or a message that says which is not."""

import csv
from collections.abc import Iterator
from typing import TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.formats.cells import PIECE, CellColumns, filled_rows
from servlab.data.formats.encodings import encoding_of, opened
from servlab.data.formats.fast_text import LONGEST_CELL, fast_columns
from servlab.data.formats.table import RawTable, hash_of, named

DELIMITERS = (",", ";", "\t", "|")


def read_text(name: str, content: bytes, file: FileFormat, delimiter: str | None) -> RawTable:
    """Return the cells of delimited text."""
    encoding = encoding_of(name, content, file.encoding)
    separator = file.delimiter or delimiter or _delimiter(content, encoding, file.header_row)
    frame = fast_columns(content, encoding, separator, file.header_row)
    numbers = None
    if frame is None:
        frame, numbers = _columns(name, opened(content, encoding), separator, file.header_row)
    gapless = numbers is None or not len(numbers) or numbers[-1] - numbers[0] == len(numbers) - 1
    first = file.header_row + 1 if numbers is None or not len(numbers) else int(numbers[0])
    return RawTable(
        frame,
        name,
        hash_of(content),
        first_row=first,
        rows=None if gapless else numbers,
        encoding=encoding,
    )


def _columns(
    name: str, stream: TextIO, separator: str, header_row: int
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the columns and their rows' numbers; a row that does not fit is an error."""
    records = _records(name, stream, separator)
    header = next((cells for number, cells in records if number == header_row), [])
    if not header:
        raise DataError(f"{name} has no header in row {header_row}; correct header_row in [file].")
    width = len(header)
    columns = CellColumns(width)
    numbers: list[int] = []
    piece: list[list[str]] = []
    for number, cells in records:
        if len(cells) != width:
            if not cells and width > 1:
                continue  # a blank line is no respondent
            cells = _fitted(name, number, cells, width, separator)
        piece.append(cells)
        numbers.append(number)
        if len(piece) * width >= PIECE:
            columns.add_rows(piece)
            piece = []
    columns.add_rows(piece)
    frame = columns.frame(named([cell.strip() for cell in header]))
    if width == 1:  # in a file of one column, blank lines at the end are the file's end
        frame = frame.iloc[: filled_rows(frame)]
    return frame, np.array(numbers[: len(frame)], dtype=np.int64)


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


def _records(name: str, stream: TextIO, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with their numbers as a spreadsheet counts them."""
    reader = csv.reader(stream, delimiter=separator, strict=True)
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


def _delimiter(content: bytes, encoding: str, header_row: int) -> str:
    """Return the separator that cuts the header into most cells."""
    counts = {}
    for mark in DELIMITERS:
        reader = csv.reader(opened(content, encoding), delimiter=mark)
        try:
            rows = [next(reader) for _ in range(header_row)]
            counts[mark] = len(rows[-1])
        except (StopIteration, csv.Error):
            counts[mark] = 0
    return max(counts, key=lambda mark: counts[mark])
