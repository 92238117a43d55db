"""Excel workbooks: one sheet, cells as stored; nothing beside the header is left unsaid."""

import io
import itertools
import re
import string
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from servlab.core.errors import DataError
from servlab.core.groups import code_text
from servlab.data.codebook import FileFormat
from servlab.data.formats.cells import CellColumns, blank_cells, filled_rows
from servlab.data.formats.sheet import SheetReader, Uncalculated
from servlab.data.formats.table import SURVEYMONKEY, RawTable, hash_of, letters, named
from servlab.data.formats.xlsx import Package, refuse_bomb
from servlab.data.schema import Label

PIECE = 100_000  # cells handed over at once: markup takes more memory than text
# [MS-XLS] BoolErr, and Formula whose result is an error: row, column, style, error code
ERROR_RECORDS = (
    re.compile(rb"\x05\x02\x08\x00(..)(..)..[\x00\x07\x0f\x17\x1d\x24\x2a]\x01", re.DOTALL),
    re.compile(rb"\x06\x00..(..)(..)..\x02.[\x00\x07\x0f\x17\x1d\x24\x2a]...\xff\xff", re.DOTALL),
)
XLS_COLUMNS = 256
LETTERS = string.ascii_uppercase
MOST_CELLS = 500_000_000  # spanned by a sheet; more is a stray cell far away
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError)

Row = Sequence[Any]


def read_workbook(name: str, content: bytes, file: FileFormat) -> RawTable:
    """Return the cells of the one sheet that holds the answers."""
    return (_xlsx if content[:2] == b"PK" else _xls)(name, content, file)


def _xlsx(name: str, content: bytes, file: FileFormat) -> RawTable:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            refuse_bomb(name, len(content), archive)
            package = Package(name, archive)
            readers = {s.name: SheetReader(package, s) for s in package.sheets}
            seen = {s.name: s.visible for s in package.sheets}
            chosen = _chosen(name, file, seen, lambda sheet: readers[sheet].filled())
            reader = readers[chosen]
            reader.hidden.clear()
            reader.merged.clear()
            table = _table(name, content, _full_rows(name, reader), file.header_row, reader.value)
            return replace(table, notes=(*_unseen(seen, chosen), *_sheet_notes(reader, table)))
    except RuntimeError:
        raise _locked(name) from None
    except BROKEN:
        raise DataError(f"{name} is damaged or cut off; copy or export it again.") from None


def _xls(name: str, content: bytes, file: FileFormat) -> RawTable:
    from python_calamine import CalamineError, CalamineWorkbook

    _refuse_errors(name, content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = {sheet: book.get_sheet_by_name(sheet) for sheet in book.sheet_names}
        seen = {m.name: str(m.visible).endswith("Visible") for m in book.sheets_metadata}
        seen = {sheet: seen.get(sheet, True) for sheet in sheets}
        chosen = _chosen(name, file, seen, lambda sheet: sheets[sheet].height > 0)
        table = _table(name, content, _padded(sheets[chosen]), file.header_row)
        return replace(table, notes=_unseen(seen, chosen))
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError) as err:
        if "password" in str(err).lower() or "encrypt" in str(err).lower():
            raise _locked(name) from None
        raise DataError(
            f"{name} cannot be opened as a workbook ({err}); save it again as .xlsx."
        ) from None
    except BaseException as err:
        if type(err).__name__ != "PanicException":  # how the library gives up on a cut file
            raise
        raise DataError(f"{name} is damaged or cut off; copy or export it again.") from None


def _refuse_errors(name: str, content: bytes) -> None:
    """Refuse an old workbook with an error such as #N/A: its library reads that as empty."""
    for record in ERROR_RECORDS:
        found = record.search(content)
        if found:
            row, column = (int.from_bytes(part, "little") for part in found.groups())
            raise DataError(
                f"{name}, cell {letters(column)}{row + 1}: holds an error such as #N/A, which an "
                ".xls cannot tell from an empty cell; mend it, or save the file as .xlsx."
            )


def _locked(name: str) -> DataError:
    return DataError(
        f"{name} is protected by a password; open it, remove the password and save it again."
    )


def _padded(sheet: Any) -> Iterator[Row]:
    """Yield a sheet's rows from column A on, whatever its upper left corner leaves out."""
    if sheet.end and sheet.end[1] >= XLS_COLUMNS:
        raise ValueError("a cell stands beyond the last column there can be")
    left = [None] * (sheet.start[1] if sheet.start else 0)
    for row in sheet.iter_rows():
        yield left + [None if cell == "" else cell for cell in row]


def _full_rows(name: str, reader: SheetReader) -> Iterator[Row]:
    """Yield every row from the first on; a sheet does not store empty ones."""
    expected = 1
    for number, row in reader.rows():
        if number < expected:
            raise reader.package.damaged()
        if number * len(row) > MOST_CELLS:
            raise DataError(
                f"{name}, cell {letters(len(row) - 1)}{number}: a cell this far away leaves an "
                "area too large to be a survey; delete it."
            )
        yield from itertools.repeat((), number - expected)
        yield row
        expected = number + 1


def _table(
    name: str,
    content: bytes,
    rows: Iterator[Row],
    header_row: int,
    value: Callable[[Any], Any] | None = None,
) -> RawTable:
    first = next(itertools.islice(rows, header_row - 1, None), None)
    if first is None:
        raise DataError(f"{name} has no row {header_row}; correct header_row or sheet.")
    columns = CellColumns(len(first), value)
    number = header_row + 1
    while piece := list(
        itertools.islice(rows, max(PIECE // columns.width, 1) if columns.width else 1)
    ):
        columns.widen(max(map(len, piece)))
        width = columns.width
        piece = [
            row if len(row) == width else [*row, *[None] * (width - len(row))] for row in piece
        ]
        _add(name, columns, piece, number, value)
        number += len(piece)
    cells = [cell if value is None or cell is None else value(cell) for cell in first]
    header = [_heading(cell) for cell in cells] + [""] * (columns.width - len(first))
    frame = columns.frame(named(header))
    frame = frame.iloc[: filled_rows(frame)]
    used = _used_columns(name, frame, header, header_row)
    return RawTable(frame.iloc[:, :used], name, hash_of(content), header_row + 1)


def _add(
    name: str,
    columns: CellColumns,
    piece: list[Row],
    number: int,
    value: Callable[[Any], Any] | None,
) -> None:
    """Add rows; a formula without its result is named by its cell."""
    try:
        columns.add_rows(piece)
    except Uncalculated:
        for offset, row in enumerate(piece):
            for place, cell in enumerate(row):
                try:
                    if value is not None and cell is not None:
                        value(cell)
                except Uncalculated:
                    raise DataError(
                        f"{name}, cell {letters(place)}{number + offset}: holds a formula without "
                        "its result; open the file in a spreadsheet program and save it again."
                    ) from None


def _used_columns(name: str, frame: pd.DataFrame, header: list[str], header_row: int) -> int:
    """Return the number of columns up to the last one used; refuse answers without a name."""
    used = len(header)
    while used and not header[used - 1] and blank_cells(frame.iloc[:, used - 1]).all():
        used -= 1
    for k, heading in enumerate(header[:used]):
        if heading or header[0] == SURVEYMONKEY:  # whose second header row names the columns
            continue
        filled = np.flatnonzero(~blank_cells(frame.iloc[:, k]))
        if len(filled):
            raise DataError(
                f"{name}, column {letters(k)}: has answers (row {filled[0] + header_row + 1}) but "
                "no name in the header; name it, undo merged header cells, or correct header_row."
            )
    return used


def _heading(cell: Any) -> str:
    """Return a header cell as text; spreadsheets keep whole numbers as floats."""
    if cell is None:
        return ""
    return code_text(cell).strip()


def _chosen(
    name: str, file: FileFormat, seen: dict[str, bool], filled: Callable[[str], bool]
) -> str:
    """Return the sheet the codebook names, or the only visible one that holds anything."""
    names = list(seen)
    if isinstance(file.sheet, str):
        if file.sheet not in names:
            raise DataError(f"{name} has no sheet {file.sheet!r}; it has {', '.join(names)}.")
        return file.sheet
    if isinstance(file.sheet, int):
        if not 1 <= file.sheet <= len(names):
            raise DataError(
                f"{name} has {len(names)} sheet(s); sheet = {file.sheet} is none of them, "
                "count from 1 or name it."
            )
        return names[file.sheet - 1]
    found = [sheet for sheet, visible in seen.items() if visible and filled(sheet)]
    if len(found) > 1:
        raise DataError(
            f"{name} has several sheets ({', '.join(found)}); say which one holds the answers: "
            f'in the codebook, [file] sheet = "{found[0]}".'
        )
    if not found:
        hidden = [sheet for sheet, visible in seen.items() if not visible and filled(sheet)]
        if hidden:
            raise DataError(
                f"{name} shows no sheet that holds anything; hidden ones do ({', '.join(hidden)}): "
                f'name one in the codebook, [file] sheet = "{hidden[0]}".'
            )
        raise DataError(f"{name} is empty; export it again.")
    return found[0]


def _unseen(seen: dict[str, bool], chosen: str) -> tuple[Label, ...]:
    """Return the note on hidden sheets, which are not looked into unless named."""
    hidden = [sheet for sheet, visible in seen.items() if not visible and sheet != chosen]
    if not hidden:
        return ()
    return (
        Label(
            en=f"Hidden sheets of the workbook were not read: {', '.join(hidden)}.",
            zh=f"未读取工作簿中隐藏的工作表：{'、'.join(hidden)}。",
        ),
    )


def _sheet_notes(reader: SheetReader, table: RawTable) -> tuple[Label, ...]:
    """Return notes on hidden rows (a filter hides answers like the others) and on merged cells."""
    last = table.first_row + len(table.frame) - 1
    n = sum(table.first_row <= number <= last for number in reader.hidden)
    notes = []
    if n:
        notes.append(
            Label(
                en=f"{n} hidden row(s) of the sheet were read like the others.",
                zh=f"工作表中隐藏的 {n} 行已与其他行一并读取。",
            )
        )
    ranges = [text.decode() for text in dict.fromkeys(reader.merged)]
    among = [text for text in ranges if table.first_row <= int(text.lstrip(LETTERS).split(":")[0])]
    if among:
        shown = ", ".join(among[:5]) + (", ..." if len(among) > 5 else "")
        notes.append(
            Label(
                en=f"Merged cells hold one answer, in their upper left cell: {shown}.",
                zh=f"合并单元格的答案只计入左上角单元格：{shown}。",
            )
        )
    return tuple(notes)
