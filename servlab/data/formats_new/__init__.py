"""From bytes to a raw table: cells as they stand in the file, nothing interpreted.

Encodings are decided, not sniffed: a byte order mark, then strict UTF-8, then the legacy
encodings of Chinese, Japanese, Korean and Western files. When several of those decode text that
is not ASCII, the candidates are listed and the codebook has to say which one it is.
"""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat

ENDINGS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".sav": "sav",
    ".zsav": "sav",
}
LEGACY = ("gb18030", "big5", "cp949", "shift_jis", "cp1252")
MAGIC = {b"PK\x03\x04": "xlsx", b"$FL2": "sav", b"$FL3": "sav"}
# A workbook of a survey unpacks to a few times its size; a bomb to a thousand times.
MAX_UNPACKED = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A file's cells.

    Attributes
    ----------
    frame : DataFrame
        Cells as text or numbers, None or NaN where empty; columns are the header's texts.
    source, sha256 : str
        File name and hash of its bytes.
    first_row : int
        The row of the first answers as a person counts rows in the file, from 1.
    encoding : str or None
        Text encoding used.
    labels : mapping of str to str
        Question texts, where the format carries them.
    value_labels : mapping of str to mapping
        Labels of codes, where the format carries them.
    declared_missing : mapping of str to list
        User-missing values (or ``{"lo", "hi"}`` ranges), where the format declares them.
    """

    frame: pd.DataFrame
    source: str
    sha256: str
    first_row: int = 2
    encoding: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    declared_missing: Mapping[str, list[Any]] = field(default_factory=dict)


def read_raw(path: str | Path, file: FileFormat | None = None) -> RawTable:
    """Return the cells of a data file, or raise ``DataError`` naming file and remedy."""
    path = Path(path)
    file = file or FileFormat()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"data file {path} does not exist; check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; name a data file.") from None
    except OSError as err:
        raise DataError(f"data file {path} cannot be read: {err.strerror}.") from None
    if not content.strip():
        raise DataError(f"{path.name} is empty; export it again.")
    kind = file.format or _kind(path, content)
    if kind == "xlsx":
        table = _read_xlsx(path.name, content, file)
    elif kind == "sav":
        table = _read_sav(path, content)
    else:
        table = _read_text(path.name, content, file, "\t" if kind == "tsv" else None)
    return _checked(table)


def _kind(path: Path, content: bytes) -> str:
    """Return the kind of file by its ending, or refuse an ending that lies."""
    kind = ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise DataError(
            f"{path.name}: the ending {path.suffix or '(none)'!r} is not one of "
            f"{', '.join(ENDINGS)}; export to one of them, or name [file] format."
        )
    real = MAGIC.get(content[:4])
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise DataError(
            f"{path.name} is an old Excel file or a password-protected one; "
            "open it, remove the password and save it as .xlsx."
        )
    if real is None and kind in ("xlsx", "sav"):
        raise DataError(
            f"{path.name} ends in {path.suffix} but holds something else; "
            "give it its true ending or export it again."
        )
    if real is not None and real != kind:
        raise DataError(
            f"{path.name} ends in {path.suffix} but holds {real} data; rename it to .{real}."
        )
    return kind


def decode(name: str, content: bytes, encoding: str | None) -> tuple[str, str]:
    """Return a file's text and its encoding, or raise ``DataError`` listing the candidates."""
    if encoding is not None:
        try:
            return content.decode(encoding), encoding
        except LookupError:
            raise DataError(f"{name}: encoding {encoding!r} is not known to Python.") from None
        except UnicodeDecodeError as err:
            line = content[: err.start].count(b"\n") + 1
            raise DataError(
                f"{name}, line {line}: not {encoding} text; correct encoding in the codebook's "
                "[file] table."
            ) from None
    for mark, codec in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(codec), codec
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        pass
    candidates = [codec for codec in LEGACY if _decodes(content, codec)]
    if len(candidates) == 1:
        return content.decode(candidates[0]), candidates[0]
    listed = ", ".join(candidates) or "none of the usual ones"
    raise DataError(
        f"{name} is not UTF-8; encodings that could read it: {listed}. Look at a label "
        f'and say which it is: in the codebook, [file] encoding = "{(candidates or ["..."])[0]}".'
    )


def _decodes(content: bytes, codec: str) -> bool:
    try:
        content.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _read_text(name: str, content: bytes, file: FileFormat, delimiter: str | None) -> RawTable:
    text, encoding = decode(name, content, file.encoding)
    if "\x00" in text:
        raise DataError(f"{name} holds zero bytes and is no text file; export it again as CSV.")
    separator = file.delimiter or delimiter or _delimiter(text, file.header_row)
    lines = text.splitlines(keepends=True)[file.header_row - 1 :]
    try:
        frame = pd.read_csv(
            io.StringIO("".join(lines)),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            header=None,
            skip_blank_lines=True,
            index_col=False,
        )
    except pd.errors.ParserError as err:
        raise DataError(f"{name}: {_ragged(str(err), file.header_row)}") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{name} has no row {file.header_row}; correct header_row.") from None
    header = [str(cell).strip() for cell in frame.iloc[0]]
    body = frame.iloc[1:]
    short = body.isna().any(axis=1)
    if short.any():
        row = int(np.flatnonzero(short)[0]) + file.header_row + 1
        raise DataError(
            f"{name}, row {row}: has fewer cells than the header's {len(header)} "
            f"(separator {separator!r}); mend the row or name delimiter in [file]."
        )
    body = body.set_axis(header, axis=1).reset_index(drop=True)
    return RawTable(body, name, _hash(content), file.header_row + 1, encoding)


def _delimiter(text: str, header_row: int) -> str:
    """Return the separator that the header holds most of."""
    lines = text.splitlines()
    header = lines[header_row - 1] if len(lines) >= header_row else ""
    counts = {mark: header.count(mark) for mark in (",", ";", "\t", "|")}
    return max(counts, key=lambda mark: counts[mark])


def _ragged(message: str, header_row: int) -> str:
    """Reword the parser's message with the row as the file's reader counts it."""
    import re

    found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if not found:
        return f"cannot be read as a table ({message.strip()}); check quotes and separators."
    expected, line, saw = (int(part) for part in found.groups())
    return (
        f"row {line + header_row - 1} has {saw} cells where the header has {expected}; "
        "put cells that hold the separator in quotes."
    )


def _read_xlsx(name: str, content: bytes, file: FileFormat) -> RawTable:
    from python_calamine import CalamineError, CalamineWorkbook

    _refuse_bomb(name, content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        rows = _sheet(book, name, file).to_python(skip_empty_area=False)
    except (CalamineError, zipfile.BadZipFile, OSError) as err:
        raise DataError(
            f"{name} cannot be opened as a workbook ({err}); save it again as .xlsx."
        ) from None
    if len(rows) < file.header_row:
        raise DataError(f"{name} has no row {file.header_row}; correct header_row or sheet.")
    header = [_heading(cell) for cell in rows[file.header_row - 1]]
    while header and not header[-1]:
        header.pop()
    body = [row[: len(header)] for row in rows[file.header_row :]]
    frame = pd.DataFrame(body, columns=pd.Index(header, dtype=object), dtype=object)
    return RawTable(frame, name, _hash(content), file.header_row + 1)


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
            raise DataError(f"{name} has {len(names)} sheets; sheet = {file.sheet} is none.")
        return book.get_sheet_by_index(file.sheet - 1)
    filled = [sheet for sheet in names if book.get_sheet_by_name(sheet).height > 0]
    if len(filled) > 1:
        raise DataError(
            f"{name} has several sheets ({', '.join(filled)}); say which one holds the answers: "
            f'in the codebook, [file] sheet = "{filled[0]}".'
        )
    if not filled:
        raise DataError(f"{name} is empty; export it again.")
    return book.get_sheet_by_name(filled[0])


def _refuse_bomb(name: str, content: bytes) -> None:
    """Refuse a workbook that would unpack to far more than any survey."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise DataError(f"{name} is damaged or cut off; copy or export it again.") from None
    if size > MAX_UNPACKED:
        raise DataError(f"{name} would unpack to {size / 1e9:.0f} GB and is refused.")


def _read_sav(path: Path, content: bytes) -> RawTable:
    import pyreadstat

    try:
        frame, meta = pyreadstat.read_sav(str(path), user_missing=True, apply_value_formats=False)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as err:
        raise DataError(f"{path.name} cannot be read as an SPSS file: {err}.") from None
    labels = {c: text for c, text in meta.column_names_to_labels.items() if text}
    return RawTable(
        frame.astype(object).reset_index(drop=True),
        path.name,
        _hash(content),
        first_row=1,
        encoding=meta.file_encoding,
        labels=labels,
        value_labels=meta.variable_value_labels,
        declared_missing=meta.missing_ranges,
    )


def _checked(table: RawTable) -> RawTable:
    """Refuse tables without rows or with columns that cannot be told apart."""
    header = list(table.frame.columns)
    if not header:
        raise DataError(f"{table.source} has an empty header row; correct header_row in [file].")
    if len(table.frame) == 0:
        raise DataError(f"{table.source} has a header but no answers; export it again.")
    twice = sorted({str(name) for name in header if header.count(name) > 1 and name})
    if twice:
        raise DataError(
            f"{table.source}: column(s) {', '.join(map(repr, twice[:5]))} occur more than once; "
            "give each column its own name in the header."
        )
    return table


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
