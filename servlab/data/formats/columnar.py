"""Parquet and Feather: typed columns, read as they are."""

import io
from typing import Any

import pandas as pd

from servlab.core.errors import DataError
from servlab.data.formats.table import RawTable, hash_of


def read_columnar(name: str, content: bytes, kind: str) -> RawTable:
    """Return the cells of a Parquet or Feather file."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    reader = parquet.read_table if kind == "parquet" else feather.read_table
    try:
        table = reader(io.BytesIO(content))
    except (pa.ArrowException, OSError) as err:
        reason = str(err).splitlines()[0].rstrip(".")
        raise DataError(
            f"{name} cannot be read as a {kind} file ({reason}); write it again."
        ) from None
    names = [str(column) for column in table.column_names]
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise DataError(f"{name}: column(s) {twice} occur more than once; rename them.")
    frame = pd.DataFrame(
        {
            column: _cells(name, column, values)
            for column, values in zip(names, table.columns, strict=True)
        },
        dtype=object,
    )
    return RawTable(frame, name, hash_of(content), first_row=1)


def _cells(name: str, column: str, values: Any) -> pd.Series:
    """Return a column's cells; True and False as text, since True equals 1."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_nested(kind) and not pa.types.is_dictionary(kind):
        raise DataError(
            f"{name}, column {column!r}: holds {kind} values, not single answers; "
            "write one column an answer."
        )
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
    listed = values.to_pylist()
    if pa.types.is_boolean(values.type):
        listed = [None if cell is None else ("TRUE" if cell else "FALSE") for cell in listed]
    return pd.Series(listed, dtype=object)
