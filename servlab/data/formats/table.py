"""The raw table: a file's cells as they stand, with the rows a person counts."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.core.errors import DataError
from servlab.data.schema import Label
from servlab.data.survey import Exclusions

SURVEYMONKEY = "Respondent ID"  # the first column of every export of that platform


@brief
@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A file's cells.

    Attributes
    ----------
    frame : DataFrame
        Cells as text or numbers, None, NaN or empty text where empty; columns are the header's
        texts. Readers keep each column as categories of cells (``formats.cells``); plain objects
        do as well.
    source, sha256 : str
        File name and hash of its bytes.
    first_row : int
        The row of the first answers as a person counts rows in the file, from 1.
    rows : array of int or None
        (n,) the row of each line of answers, where lines were skipped; None when they follow
        one another from ``first_row``.
    encoding : str or None
        Text encoding used.
    labels : mapping of str to str
        Question texts, where the format carries them.
    value_labels : mapping of str to mapping
        Labels of codes, where the format carries them.
    declared_missing : mapping of str to list
        User-missing values (or ``{"lo", "hi"}`` ranges), where the format declares them.
    notes : tuple of Label
        What was done to a platform's export before reading.
    dropped : tuple of Exclusions
        Rows of the file that are no answers (previews, tests) and were left out, with reasons.
    platform : str or None
        The survey platform whose export this is, as named or as recognized.
    grids : mapping of str to (str, str)
        Of columns that are one row of a grid: the grid's question and the row's text.
    """

    frame: pd.DataFrame
    source: str
    sha256: str
    first_row: int = 2
    rows: NDArray[np.int64] | None = None
    encoding: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    declared_missing: Mapping[str, list[Any]] = field(default_factory=dict)
    notes: tuple[Label, ...] = ()
    dropped: tuple[Exclusions, ...] = ()
    platform: str | None = None
    grids: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        """Return (n,) the rows of the answers as a person counts rows in the file."""
        if self.rows is not None:
            return self.rows
        return np.arange(self.first_row, self.first_row + len(self.frame), dtype=np.int64)


def hash_of(content: bytes) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def is_blank(cell: Any) -> bool:
    """Return whether a cell holds nothing."""
    return cell is None or cell == "" or (isinstance(cell, float) and bool(np.isnan(cell)))


def named(header: Sequence[str]) -> list[str]:
    """Return a header's texts; columns without a name are called by their letter."""
    return [name or f"(column {letters(k)})" for k, name in enumerate(header)]


def letters(place: int) -> str:
    """Return a column's letters as a spreadsheet shows them; the first column is 0.

    Examples
    --------
    >>> letters(0), letters(27)
    ('A', 'AB')
    """
    text = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(65 + rest) + text
    return text


def checked(table: RawTable) -> RawTable:
    """Refuse tables without rows or with columns that cannot be told apart."""
    header = list(table.frame.columns)
    if not header or all(str(name).startswith("(column ") for name in header):
        raise DataError(f"{table.source} has an empty header row; correct header_row in [file].")
    if len(table.frame) == 0:
        raise DataError(f"{table.source} has a header but no answers; export it again.")
    if not table.frame.columns.is_unique:
        twice = sorted(set(map(str, table.frame.columns[table.frame.columns.duplicated()])))
        raise DataError(
            f"{table.source}: column(s) {', '.join(map(repr, twice[:5]))} occur more than once; "
            "give each column its own name in the header."
        )
    return table
