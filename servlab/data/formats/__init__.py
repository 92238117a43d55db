"""From bytes to a raw table: cells as they stand in the file, nothing interpreted.

One module a family of formats; ``read_raw`` is their door.
"""

from pathlib import Path

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.formats.columnar import read_columnar
from servlab.data.formats.labelled import PROGRAM, read_labelled
from servlab.data.formats.platforms import platform_table
from servlab.data.formats.sas import read_sas
from servlab.data.formats.table import RawTable, checked
from servlab.data.formats.text import read_text
from servlab.data.formats.workbook import read_workbook

__all__ = ["RawTable", "read_raw"]

ENDINGS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".sav": "sav",
    ".zsav": "sav",
    ".dta": "dta",
    ".sas7bdat": "sas7bdat",
    ".parquet": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
}
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SAS = bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
HEAD = 1 << 16  # bytes that show the kind of file


def read_raw(path: str | Path, file: FileFormat | None = None) -> RawTable:
    """Return the cells of a data file, or raise ``DataError`` naming file and remedy."""
    path = Path(path)
    file = file or FileFormat()
    head = _head(path)
    kind = file.format or _kind(path, head)
    if kind in PROGRAM:
        return checked(platform_table(read_labelled(path, kind), file.platform))
    content = path.read_bytes()
    if kind in ("xlsx", "xls"):
        table = read_workbook(path.name, content, file)
    elif kind == "sas7bdat":
        table = read_sas(path, content, file.catalog)
    elif kind in ("parquet", "feather"):
        table = read_columnar(path.name, content, kind)
    else:
        table = read_text(path.name, content, file, "\t" if kind == "tsv" else None)
    return checked(platform_table(table, file.platform))


def _head(path: Path) -> bytes:
    """Return a file's first bytes, or raise when it cannot be read or is empty."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        raise DataError(f"data file {path} does not exist; check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; name a data file.") from None
    except OSError as err:
        raise DataError(f"data file {path} cannot be read: {err.strerror}.") from None
    if not head.strip() and len(head) < HEAD:
        raise DataError(f"{path.name} is empty; export it again.")
    return head


def _kind(path: Path, head: bytes) -> str:
    """Return the kind of file by its ending, or refuse an ending that lies."""
    kind = ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise DataError(
            f"{path.name}: the ending {path.suffix or '(none)'!r} is not one of "
            f"{', '.join(ENDINGS)}; export to one of them, or name [file] format."
        )
    real = _real(head)
    if real == "office" and kind == "xlsx":
        raise DataError(
            f"{path.name} is an old Excel file or a password-protected one; "
            "open it, remove the password and save it as .xlsx."
        )
    if real == "office" and kind == "xls":
        return kind
    if real is None and kind not in ("csv", "tsv", "xls"):
        raise DataError(
            f"{path.name} ends in {path.suffix} but holds something else; "
            "give it its true ending or export it again."
        )
    if real is None and kind == "xls":
        raise DataError(
            f"{path.name} ends in .xls but is no workbook, as some platforms write text or HTML "
            "under that name; rename it to .csv if it is text, else save it as .xlsx."
        )
    if real is not None and real != kind:
        true = "an old Office" if real == "office" else f"{real}"
        ending = "xls" if real == "office" else real
        raise DataError(
            f"{path.name} ends in {path.suffix} but holds {true} data; rename it to .{ending}."
        )
    return kind


def _real(content: bytes) -> str | None:
    """Return the kind of file that its first bytes show; None for text and the unknown."""
    marks = (
        (b"PK\x03\x04", "xlsx"),
        (b"$FL2", "sav"),
        (b"$FL3", "sav"),
        (b"<stata_dta>", "dta"),
        (b"PAR1", "parquet"),
        (b"ARROW1", "feather"),
        (b"FEA1", "feather"),
        (OLD_OFFICE, "office"),
    )
    for mark, kind in marks:
        if content.startswith(mark):
            return kind
    if content[12:32] == SAS:
        return "sas7bdat"
    if content[:1] in (b"\x71", b"\x72", b"\x73") and content[1:4] in (
        b"\x01\x01\x00",
        b"\x02\x01\x00",
    ):
        return "dta"  # versions 113 to 115 begin with their number
    return None
