"""The sample file: everybody who was asked, with what became of each."""

from pathlib import Path

import pandas as pd

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.encode import is_missing
from servlab.data.formats import read_raw


def read_sample_file(
    path: str | Path, column: str = "disposition", *, encoding: str | None = None
) -> pd.Series:
    r"""Read the final disposition of every case of a sample.

    Parameters
    ----------
    path : str or Path
        Any kind of file that ``read_survey`` reads, a row a case.
    column : str
        The column of dispositions.
    encoding : str, optional
        Encoding of a text file, where it cannot be told.

    Returns
    -------
    Series
        (cases,) dispositions as written, for ``response_rates``; None where a cell is empty.

    Raises
    ------
    DataError
        When the file cannot be read or has no such column.

    Examples
    --------
    >>> import tempfile, pathlib, servlab as sl
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sample.csv"
    >>> _ = path.write_text("id,disposition\n1,I\n2,R\n3,I\n", encoding="utf-8")
    >>> float(sl.response_rates(sl.read_sample_file(path)).rates["RR1"].round(3))
    0.667
    """
    table = read_raw(path, FileFormat(encoding=encoding))
    names = [str(name) for name in table.frame.columns]
    if column not in names:
        raise DataError(
            f"{table.source} has no column {column!r} of dispositions; it has "
            f"{', '.join(names[:12])}. Name the right one."
        )
    cells = [None if is_missing(cell, ()) else str(cell) for cell in table.frame[column]]
    return pd.Series(
        cells, index=pd.Index(table.row_numbers, name="row"), name=column, dtype=object
    )
