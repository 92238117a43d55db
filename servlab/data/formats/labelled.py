"""Files of SPSS and Stata: codes are read, labels kept apart, declared missing kept."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from servlab.core.errors import DataError
from servlab.data.formats.cells import PIECE, CellColumns
from servlab.data.formats.table import RawTable

PROGRAM = {"sav": "SPSS", "dta": "Stata"}
CHUNK = 1 << 20  # bytes copied at once
MOST_CELLS = 20_000_000  # in one piece, however many rows a file says it has
MOST_PIECES = 8  # a reader passes over the rows before each piece


def read_labelled(path: Path, kind: str) -> RawTable:
    """Return the codes and labels of an SPSS or Stata file."""
    with readable(path.name, PROGRAM[kind]):
        frame, meta, digest = _read(path, kind)
        if kind == "sav":
            _check_types(meta)
    labels = {c: text for c, text in meta.column_names_to_labels.items() if text}
    return RawTable(
        frame,
        path.name,
        digest,
        first_row=1,
        encoding=meta.file_encoding,
        labels=labels,
        value_labels=meta.variable_value_labels,
        declared_missing=_declared(meta, kind),
    )


@contextmanager
def readable(name: str, program: str) -> Iterator[None]:
    """Name the file and the remedy when a statistics program's file cannot be read."""
    import pyreadstat

    try:
        yield
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as err:
        raise DataError(
            f"{name} cannot be read as a {program} file ({str(err).rstrip('.')}); "
            "save it again, or export it as CSV."
        ) from None
    except OverflowError:
        raise DataError(
            f"{name} holds a date that no calendar has; mend it, or export it as CSV."
        ) from None
    except MemoryError:
        raise DataError(
            f"{name} says it holds more rows than memory does; it is damaged, export it again."
        ) from None


def _read(path: Path, kind: str) -> tuple[pd.DataFrame, Any, str]:
    """Return frame, metadata and hash; the bytes that are hashed are the bytes that are read."""
    import pyreadstat

    with tempfile.TemporaryDirectory(prefix="servlab-") as folder:
        copy = Path(folder) / f"data.{kind}"
        digest = _copied(path, copy)
        read = pyreadstat.read_sav if kind == "sav" else pyreadstat.read_dta
        frame, meta = in_pieces(read, str(copy), user_missing=True)
    return frame, meta, digest


def _copied(path: Path, copy: Path) -> str:
    """Copy a file and return the hash of what was copied."""
    digest = hashlib.sha256()
    with path.open("rb") as source, copy.open("wb") as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
    return digest.hexdigest()


def in_pieces(
    read: Callable[..., tuple[pd.DataFrame, Any]], file: str, **options: Any
) -> tuple[pd.DataFrame, Any]:
    """Return a file's columns, read some rows at a time so that memory stays small."""
    import pyreadstat

    _, meta = read(file, metadataonly=True, **options)
    names = list(meta.column_names)
    if not all(isinstance(name, str) for name in names):
        raise pyreadstat.PyreadstatError("the name of a column is no text")
    columns = CellColumns(len(names))
    width = max(len(names), 1)
    rows = max(PIECE // width, min((meta.number_rows or 0) // MOST_PIECES + 1, MOST_CELLS // width))
    start = 0
    while True:
        piece, meta = read(file, row_offset=start, row_limit=rows, **options)
        for place, name in enumerate(names):
            codes, distinct = pd.factorize(piece[name], use_na_sentinel=True)
            columns.add_codes(place, codes, distinct.tolist())
        start += len(piece)
        if len(piece) < rows:
            return columns.frame(names), meta


def _check_types(meta: Any) -> None:
    """Refuse SPSS texts under a number's format: a damaged header, whose numbers would be lost."""
    import pyreadstat

    for name, kind in meta.readstat_variable_types.items():
        shown = str(meta.original_variable_types.get(name, "A"))
        if (kind == "string") != shown.startswith("A"):
            raise pyreadstat.PyreadstatError(
                f"column {name!r} is stored as {kind} under the format {shown}"
            )


def _declared(meta: Any, kind: str) -> dict[str, list[Any]]:
    """Return declared missing values; Stata's letters (.a to .z) as the texts they read as."""
    if kind == "sav":
        return dict(meta.missing_ranges)
    return {
        column: [{"lo": value, "hi": value} for value in values]
        for column, values in (meta.missing_user_values or {}).items()
    }
