"""Plain delimited text through Arrow's reader: no quotes, every row as wide as the header.

Without quotes a row is a line and a cell is what stands between two separators, so that Arrow and
Python's ``csv`` cannot differ; whatever else the text holds is left to the careful reader.
"""

import csv

import pandas as pd

from servlab.data.formats.cells import CellColumns
from servlab.data.formats.encodings import as_utf8, opened
from servlab.data.formats.table import named

CARE = (b'"', b"\n\n", b"\n\r", b"\r\r")  # quotes, and blank lines, which Arrow fills up
LONGEST_CELL = 1_000_000  # characters, an open comment; more is a quote that never closes
BLOCK = 250_000  # bytes


def fast_columns(
    content: bytes, encoding: str, separator: str, header_row: int, *, block: int = BLOCK
) -> pd.DataFrame | None:
    """Return the columns of plain text, or None where the careful reader is needed."""
    text = as_utf8(content, encoding)
    if any(mark in text for mark in CARE) or not separator.isascii():
        return None
    reader = csv.reader(opened(content, encoding), delimiter=separator, strict=True)
    try:
        header = [next(reader) for _ in range(header_row)][-1]
    except (StopIteration, csv.Error):
        return None
    if len(header) < 2:
        return None
    return _by_arrow(text, header, separator, header_row, block)


def _by_arrow(
    text: bytes, header: list[str], separator: str, header_row: int, block: int
) -> pd.DataFrame | None:
    import pyarrow as pa
    from pyarrow import csv as arrow

    places = [str(place) for place in range(len(header))]
    coded = pa.dictionary(pa.int32(), pa.string())
    columns = CellColumns(len(header))
    try:
        with arrow.open_csv(
            pa.BufferReader(pa.py_buffer(text)),
            arrow.ReadOptions(
                use_threads=False, block_size=block, skip_rows=header_row, column_names=places
            ),
            arrow.ParseOptions(
                delimiter=separator, quote_char=False, escape_char=False, ignore_empty_lines=False
            ),
            arrow.ConvertOptions(column_types=dict.fromkeys(places, coded)),
            memory_pool=pa.system_memory_pool(),  # the default one keeps what it once had
        ) as batches:
            for batch in batches:
                for place, cells in enumerate(batch.columns):
                    distinct = cells.dictionary.to_pylist()
                    if max(map(len, distinct), default=0) > LONGEST_CELL:
                        return None
                    columns.add_codes(place, cells.indices.to_numpy(), distinct)
    except pa.ArrowInvalid:
        return None  # ragged lines, or nothing under the header
    return columns.frame(named([cell.strip() for cell in header]))
