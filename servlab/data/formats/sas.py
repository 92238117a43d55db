"""SAS data sets: codes from the .sas7bdat, their labels from the catalog (.sas7bcat) beside it.

A SAS data set names formats; what a format calls its codes stands in the catalog, a file of its
own that people forget to hand on. Without it, that is noted.
"""

import tempfile
from pathlib import Path
from typing import Any

from servlab.core.errors import DataError
from servlab.data.formats.labelled import in_pieces, readable
from servlab.data.formats.table import RawTable, hash_of
from servlab.data.schema import Label

# Formats that SAS itself brings: their codes need no catalog.
BUILT_IN = ("BEST", "F", "COMMA", "DOLLAR", "PERCENT", "DATE", "TIME", "DATETIME", "YYMMDD",
            "DDMMYY", "MMDDYY", "MONYY", "E8601", "IS8601", "$", "$CHAR", "Z", "E",
            "YEAR")  # fmt: skip


def read_sas(path: Path, content: bytes, catalog: str | None) -> RawTable:
    """Return the codes of a SAS data set with the labels of its catalog.

    ``catalog`` is a path beside the data (or an absolute one); None looks for a file of the
    same name.
    """
    frame, meta = _opened(path, content)
    formats = {c: f for c, f in (meta.variable_to_label or {}).items() if not _built_in(f)}
    found = catalog_of(path, catalog)
    notes: tuple[Label, ...] = ()
    value_labels: dict[str, dict[Any, str]] = {}
    if found is not None:
        named = {name.upper(): texts for name, texts in _labels(found).items()}
        value_labels = {c: named[f.upper()] for c, f in formats.items() if f.upper() in named}
        notes = _unlabelled(set(formats) - set(value_labels), found.name)
    elif formats:
        notes = _no_catalog(path, formats)
    return RawTable(
        frame,
        path.name,
        hash_of(content),
        first_row=1,
        encoding=meta.file_encoding,
        labels={c: text for c, text in meta.column_names_to_labels.items() if text},
        value_labels=value_labels,
        declared_missing={
            column: [{"lo": value, "hi": value} for value in values]
            for column, values in (meta.missing_user_values or {}).items()
        },
        notes=notes,
    )


def _opened(path: Path, content: bytes) -> tuple[Any, Any]:
    """Return frame and metadata; the bytes that were hashed are the bytes that are read."""
    import pyreadstat

    with (
        readable(path.name, "SAS"),
        tempfile.TemporaryDirectory(prefix="servlab-") as folder,
    ):
        copy = Path(folder) / "data.sas7bdat"
        copy.write_bytes(content)
        return in_pieces(pyreadstat.read_sas7bdat, str(copy), user_missing=True)


def catalog_of(path: Path, catalog: str | None) -> Path | None:
    """Return the catalog's path: the one named, which must exist, or the one beside the data."""
    if catalog is None:
        beside = path.with_suffix(".sas7bcat")
        return beside if beside.exists() else None
    named = path.parent / catalog
    if not named.is_file():
        raise DataError(
            f"catalog {catalog} of {path.name} does not exist beside it; correct catalog in [file]."
        )
    return named


def _labels(catalog: Path) -> dict[str, dict[Any, str]]:
    """Return the labels of codes, by the name of their format."""
    import pyreadstat

    try:
        _, meta = pyreadstat.read_sas7bcat(str(catalog))
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as err:
        raise DataError(
            f"{catalog.name} cannot be read as a SAS catalog ({str(err).rstrip('.')}); write it "
            "again with PROC FORMAT LIBRARY=, or move it away to read the codes alone."
        ) from None
    found: dict[str, dict[Any, str]] = meta.value_labels
    return found


def _built_in(name: str) -> bool:
    """Return whether a format is SAS's own; the user's have no such name before width and dot."""
    return not name or name.rstrip("0123456789.").upper() in BUILT_IN


def _unlabelled(columns: set[str], catalog: str) -> tuple[Label, ...]:
    if not columns:
        return ()
    shown = ", ".join(sorted(columns)[:5])
    return (
        Label(
            en=f"{catalog} has no labels for the formats of {len(columns)} column(s): {shown}.",
            zh=f"{catalog} 中没有 {len(columns)} 列所用格式的标签：{shown}。",
        ),
    )


def _no_catalog(path: Path, formats: dict[str, str]) -> tuple[Label, ...]:
    wanted = path.with_suffix(".sas7bcat").name
    shown = ", ".join(sorted(set(formats.values()))[:5])
    return (
        Label(
            en=f"Labels of codes ({shown}) stand in a SAS catalog that is not here; put {wanted} "
            "beside the data, or name it in [file] catalog.",
            zh=f"编码的标签（{shown}）存于 SAS 目录文件，未随数据提供；请将 {wanted} 放在数据旁，"
            "或在 [file] 中用 catalog 指明。",
        ),
    )
