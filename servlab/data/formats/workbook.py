"""Excel workbooks: one sheet, cells as stored; nothing beside the header is left unsaid."""

import io
import itertools
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.formats.cells import PIECE, CellColumns, blank_cells, filled_rows
from servlab.data.formats.table import RawTable, hash_of, letters, named, two_header_rows

# A workbook of a survey unpacks to a few times its size; a bomb to a thousand times.
MAX_UNPACKED = 2_000_000_000
MAX_RATIO = 200
SMALL = 50_000_000  # unpacked bytes that any machine bears, whatever the ratio
FORMULA_ALONE = re.compile(
    rb'<c r="([A-Z]+[0-9]+)"[^>]*><f[^>]*?(?:/>|>[^<]*</f>)(?:<v */>|<v></v>)?</c>'
)
CHUNK = 1 << 22


def read_workbook(name: str, content: bytes, file: FileFormat) -> RawTable:
    """Return the cells of the one sheet that holds the answers."""
    from python_calamine import CalamineError, CalamineWorkbook

    if content[:2] == b"PK":
        _refuse_bomb(name, content)
        _refuse_uncalculated(name, content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return _table(name, content, _rows(_sheet(book, name, file)), file)
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as err:
        if "password" in str(err).lower() or "encrypt" in str(err).lower():
            raise DataError(
                f"{name} is protected by a password; open it, remove the password and save it "
                "again."
            ) from None
        raise DataError(
            f"{name} cannot be opened as a workbook ({err}); save it again as .xlsx."
        ) from None


def _rows(sheet: Any) -> Iterator[list[Any]]:
    """Yield a sheet's rows from its first cell on, whatever its upper left corner leaves out."""
    left = [""] * (sheet.start[1] if sheet.start else 0)
    for row in sheet.iter_rows():
        yield left + row


def _table(name: str, content: bytes, rows: Iterator[list[Any]], file: FileFormat) -> RawTable:
    header_row = file.header_row
    first = next(itertools.islice(rows, header_row - 1, None), None)
    if first is None:
        raise DataError(f"{name} has no row {header_row}; correct header_row or sheet.")
    header = [_heading(cell) for cell in first]
    columns = CellColumns(len(header))
    while piece := list(itertools.islice(rows, max(PIECE // len(header), 1))):
        columns.add_rows(piece)
    frame = columns.frame(named(header))
    frame = frame.iloc[: filled_rows(frame)]
    used = len(header)
    while used and not header[used - 1] and blank_cells(frame.iloc[:, used - 1]).all():
        used -= 1
    for k, heading in enumerate(header[:used]):
        if heading or two_header_rows(header, file):  # the second one names the columns
            continue
        filled = np.flatnonzero(~blank_cells(frame.iloc[:, k]))
        if len(filled):
            raise DataError(
                f"{name}, column {letters(k)}: has answers (row {filled[0] + header_row + 1}) but "
                "no name in the header; name it, undo merged header cells, or correct header_row."
            )
    return RawTable(frame.iloc[:, :used], name, hash_of(content), header_row + 1)


def _heading(cell: Any) -> str:
    """Return a header cell as text; spreadsheets keep whole numbers as floats."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _sheet(book: Any, name: str, file: FileFormat) -> Any:
    """Return the sheet the codebook names, or the only one that holds anything."""
    names = book.sheet_names
    if isinstance(file.sheet, str):
        if file.sheet not in names:
            raise DataError(f"{name} has no sheet {file.sheet!r}; it has {', '.join(names)}.")
        return book.get_sheet_by_name(file.sheet)
    if isinstance(file.sheet, int):
        if not 1 <= file.sheet <= len(names):
            raise DataError(
                f"{name} has {len(names)} sheet(s); sheet = {file.sheet} is none of them, "
                "count from 1 or name it."
            )
        return book.get_sheet_by_index(file.sheet - 1)
    sheets = {sheet: book.get_sheet_by_name(sheet) for sheet in names}
    filled = [sheet for sheet, content in sheets.items() if content.height > 0]
    if len(filled) > 1:
        raise DataError(
            f"{name} has several sheets ({', '.join(filled)}); say which one holds the answers: "
            f'in the codebook, [file] sheet = "{filled[0]}".'
        )
    if not filled:
        raise DataError(f"{name} is empty; export it again.")
    return sheets[filled[0]]


def _refuse_bomb(name: str, content: bytes) -> None:
    """Refuse a workbook that would unpack to far more than any survey."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise DataError(f"{name} is damaged or cut off; copy or export it again.") from None
    if size > MAX_UNPACKED or (size > SMALL and size > MAX_RATIO * len(content)):
        raise DataError(
            f"{name} would unpack from {len(content) / 1e6:.1f} MB to {size / 1e6:.0f} MB and is "
            "refused; export the answers alone, or as CSV."
        )


def _refuse_uncalculated(name: str, content: bytes) -> None:
    """Refuse formulas stored without their result: they would read as empty cells."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.namelist():
            if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry):
                continue
            try:
                found = _formula_alone(archive, entry)
            except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError):
                raise DataError(f"{name} is damaged or cut off; copy or export it again.") from None
            if found:
                raise DataError(
                    f"{name}, cell {found}: holds a formula without its result; open the file in "
                    "a spreadsheet program and save it again."
                )


def _formula_alone(archive: zipfile.ZipFile, entry: str) -> str | None:
    """Return the first cell of a sheet whose formula has no stored result."""
    tail = b""
    with archive.open(entry) as sheet:
        while chunk := sheet.read(CHUNK):
            block = tail + chunk
            if b"<f" in block:
                found = FORMULA_ALONE.search(block)
                if found:
                    return found[1].decode("ascii")
            tail = block[-4000:]  # longer than any cell's markup before its value
    return None
