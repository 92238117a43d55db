"""Columns of cells, kept as codes and distinct cells: a survey's columns hold few different ones.

A hundred thousand rows of fifty questions are five million cells, but some hundred different
ones. Readers hand over rows or columns in pieces; nobody ever holds a Python object a cell.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.data.formats.table import is_blank

Codes = NDArray[np.integer[Any]]
PIECE = 1_000_000  # cells handed over at once


class _Known(dict[Any, int]):
    """The code of each distinct cell, in order of appearance; -1 for None and NaN."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, cell: Any) -> int:
        if cell != cell:  # only NaN is not itself
            return -1
        self[cell] = code = len(self) - 1
        return code


class _Through(dict[Any, int]):
    """The code of each distinct piece of markup, by what it holds."""

    def __init__(self, known: _Known, value: Callable[[Any], Any]) -> None:
        super().__init__({None: -1})
        self._known = known
        self._value = value

    def __missing__(self, markup: Any) -> int:
        self[markup] = code = self._known[self._value(markup)]
        return code


class CellColumns:
    """Columns under construction.

    Parameters
    ----------
    width : int
        Number of columns.
    value : callable or None
        What a cell holds, where cells are handed over as markup; asked once for each markup.
    """

    def __init__(self, width: int, value: Callable[[Any], Any] | None = None) -> None:
        self._value = value
        self._known: list[_Known] = []
        self._through: list[dict[Any, int]] = []
        self._codes: list[list[Codes]] = []
        self._n = 0
        self.widen(width)

    @property
    def width(self) -> int:
        """Return the number of columns."""
        return len(self._known)

    def widen(self, width: int) -> None:
        """Add columns up to a width, empty in the rows that are there."""
        for _ in range(width - self.width):
            known = _Known()
            self._known.append(known)
            self._through.append(known if self._value is None else _Through(known, self._value))
            self._codes.append([np.full(self._n, -1, dtype=np.int8)] if self._n else [])

    def add_rows(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, each as wide as the table."""
        for place, cells in enumerate(zip(*rows, strict=True)):
            self.add_cells(place, cells)
        self._n += len(rows)

    def add_cells(self, place: int, cells: Sequence[Any]) -> None:
        """Add cells to one column."""
        cells = cells if self._value else _plain(cells)
        code_of = self._through[place].__getitem__
        codes = np.fromiter(map(code_of, cells), dtype=np.int32, count=len(cells))
        self._codes[place].append(_small(codes, len(self._known[place])))

    def add_codes(self, place: int, codes: Codes, distinct: Sequence[Any]) -> None:
        """Add to one column cells that are coded already: places in ``distinct``, -1 if empty."""
        known = self._known[place]
        lookup = np.array([*(known[cell] for cell in _plain(distinct)), -1])
        lookup = _small(lookup, len(known))
        self._codes[place].append(lookup[codes])

    def frame(self, names: Sequence[str]) -> pd.DataFrame:
        """Return the columns as categories of cells; the columns under construction are spent."""
        parts = {}
        for place in range(len(names)):
            pieces, self._codes[place] = self._codes[place], []
            codes = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.int8)
            distinct = pd.Index(list(self._known[place])[1:], dtype=object)
            self._known[place], self._through[place] = _Known(), {}  # large where all cells differ
            dtype = pd.CategoricalDtype(distinct)
            parts[place] = pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
        frame = pd.DataFrame(parts, copy=False)
        frame.columns = pd.Index(names, dtype=object)
        return frame


def _plain(cells: Sequence[Any]) -> Sequence[Any]:
    """Return cells with True and False as text: True equals 1 and is no answer 1."""
    if bool not in set(map(type, cells)):
        return cells
    return [str(cell).upper() if isinstance(cell, bool) else cell for cell in cells]


def _small(codes: NDArray[Any], distinct: int) -> Codes:
    """Return codes in the smallest type that holds them."""
    return codes.astype(np.min_scalar_type(-distinct - 1), copy=False)


def cells_of(column: pd.Series) -> tuple[Codes, list[Any]]:
    """Return (n,) codes and a column's distinct cells; -1 where a cell is empty."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        found, distinct = pd.factorize(column, use_na_sentinel=True)
        return found, distinct.tolist()
    codes: Codes = column.cat.codes.to_numpy()
    cells = column.cat.categories.tolist()
    used = np.zeros(len(cells) + 1, dtype=bool)
    used[codes] = True  # an empty cell's -1 is the place behind the last
    used = used[:-1]
    if used.all():
        return codes, cells
    places = np.append(np.cumsum(used) - 1, -1)  # rows were left out, and some cells with them
    return places[codes], [cell for cell, there in zip(cells, used, strict=True) if there]


def blank_cells(column: pd.Series) -> NDArray[np.bool_]:
    """Return (n,) whether each cell of a column holds nothing."""
    codes, distinct = cells_of(column)
    return np.array([*(is_blank(cell) for cell in distinct), True], dtype=bool)[codes]


def filled_rows(frame: pd.DataFrame) -> int:
    """Return the number of rows up to the last one that holds anything."""
    filled = np.zeros(len(frame), dtype=bool)
    for _, column in frame.items():
        filled |= ~blank_cells(column)
    return int(np.flatnonzero(filled)[-1]) + 1 if filled.any() else 0
