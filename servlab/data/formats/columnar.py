"""Parquet and Feather: typed columns, read as they are."""

import io
from typing import Any

from servlab.core.errors import DataError
from servlab.data.formats.cells import CellColumns
from servlab.data.formats.table import RawTable, hash_of


def read_columnar(name: str, content: bytes, kind: str) -> RawTable:
    """Return the cells of a Parquet or Feather file."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    try:
        if kind == "parquet":
            table = parquet.read_table(io.BytesIO(content), page_checksum_verification=True)
        else:
            table = feather.read_table(io.BytesIO(content))
        table.validate(full=True)  # texts that are no text, places that are not there
        names = [str(column) for column in table.column_names]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as err:
        reason = str(err).splitlines()[0].rstrip(".")
        raise DataError(
            f"{name} cannot be read as a {kind} file ({reason}); write it again."
        ) from None
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise DataError(f"{name}: column(s) {twice} occur more than once; rename them.")
    columns = CellColumns(len(names))
    for place, column in enumerate(names):
        _add(columns, place, _single(name, column, table.column(place)))
    return RawTable(columns.frame(names), name, hash_of(content), first_row=1)


def _single(name: str, column: str, values: Any) -> Any:
    """Return a column whose cells are single values, categories undone; refuse lists."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_nested(kind):
        raise DataError(
            f"{name}, column {column!r}: holds {kind} values, not single answers; "
            "write one column an answer."
        )
    return values


def _add(columns: CellColumns, place: int, values: Any) -> None:
    """Add a column piece by piece, coded by Arrow where it can."""
    import pyarrow as pa

    for piece in values.chunks:
        try:
            coded = piece.dictionary_encode()
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            columns.add_cells(place, piece.to_pylist())
            continue
        codes = coded.indices.fill_null(-1).to_numpy()
        columns.add_codes(place, codes, coded.dictionary.to_pylist())
