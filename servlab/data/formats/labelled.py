"""Files of statistics programs: codes are read, labels kept apart, declared missing kept."""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from servlab.core.errors import DataError
from servlab.data.formats.table import RawTable, hash_of

PROGRAM = {"sav": "SPSS", "dta": "Stata", "sas7bdat": "SAS"}


def read_labelled(path: Path, content: bytes, kind: str) -> RawTable:
    """Return the codes and labels of an SPSS, Stata or SAS file."""
    import pyreadstat

    try:
        frame, meta = _read(path, content, kind)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as err:
        raise DataError(
            f"{path.name} cannot be read as a {PROGRAM[kind]} file ({str(err).rstrip('.')}); "
            "save it again, or export it as CSV."
        ) from None
    except OverflowError:
        raise DataError(
            f"{path.name} holds a date that no calendar has; mend it, or export it as CSV."
        ) from None
    labels = {c: text for c, text in meta.column_names_to_labels.items() if text}
    return RawTable(
        frame.astype(object).reset_index(drop=True),
        path.name,
        hash_of(content),
        first_row=1,
        encoding=meta.file_encoding,
        labels=labels,
        value_labels=meta.variable_value_labels,
        declared_missing=_declared(meta, kind),
    )


def _read(path: Path, content: bytes, kind: str) -> tuple[pd.DataFrame, Any]:
    """Return frame and metadata; the bytes that were hashed are the bytes that are read."""
    import pyreadstat

    with tempfile.TemporaryDirectory(prefix="servlab-") as folder:
        copy = Path(folder) / f"data.{kind}"
        copy.write_bytes(content)
        if kind == "sav":
            found = pyreadstat.read_sav(str(copy), user_missing=True, apply_value_formats=False)
        elif kind == "dta":
            found = pyreadstat.read_dta(str(copy), user_missing=True, apply_value_formats=False)
        else:
            catalog = path.with_suffix(".sas7bcat")
            found = pyreadstat.read_sas7bdat(
                str(copy), catalog_file=str(catalog) if catalog.exists() else None
            )
            if catalog.exists():  # labels apart from codes: codes are read without the catalog
                codes, _ = pyreadstat.read_sas7bdat(str(copy))
                found = (codes, found[1])
    frame, meta = found
    return frame, meta


def _declared(meta: Any, kind: str) -> dict[str, list[Any]]:
    """Return declared missing values; Stata's letters (.a to .z) as the texts they read as."""
    if kind == "sav":
        return dict(meta.missing_ranges)
    return {
        column: [{"lo": value, "hi": value} for value in values]
        for column, values in (meta.missing_user_values or {}).items()
    }
