"""How would ordinal answers correlate, were the traits behind them measured without steps?

Two-step maximum likelihood [olsson1979]_: thresholds from each item's own shares, then one
correlation a pair from the pair's table. After one pass that counts all tables at once, the
rows are not needed any more; all pairs are then estimated together.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.binormal import binormal_cdf, binormal_pdf, binormal_pdf_slope

MAX_CATEGORIES = 20  # beyond it answers are as good as continuous, and tables nearly empty
FAR = 10.0  # stands for an infinite threshold
BOUND = 1 - 1e-6  # correlations are sought inside (-BOUND, BOUND)
BATCH = 8192  # rows counted at a time
MAX_STEPS = 100
STILL = 1e-6  # a Newton step this small ends the search: the next would be its square
SETTLED = 1e-12  # the same for a halving of the bracket
FLOOR = 1e-14  # probabilities under it are rounding


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """Answers of k items counted by category, one by one and in pairs.

    Attributes
    ----------
    categories : tuple of ndarray
        Per item the values that occur, increasing.
    starts : ndarray
        (k + 1,) where each item's categories begin in ``counts``.
    counts : ndarray
        (sum of categories, the same) weighted number of rows that gave both answers.
    """

    categories: tuple[Array, ...]
    starts: np.ndarray
    counts: Array

    def margin(self, i: int) -> Array:
        """Return the (c,) numbers of rows in each category of item i."""
        part = slice(self.starts[i], self.starts[i + 1])
        margin: Array = np.diag(self.counts)[part]
        return margin

    def pair(self, i: int, j: int) -> Array:
        """Return the (c_i, c_j) table of items i and j."""
        rows = slice(self.starts[i], self.starts[i + 1])
        table: Array = self.counts[rows, self.starts[j] : self.starts[j + 1]]
        return table


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Polychoric:
    """Polychoric correlations of k items.

    Attributes
    ----------
    cor : ndarray
        (k, k).
    thresholds : tuple of ndarray
        Per item the (c - 1,) standard normal thresholds, increasing.
    empty : tuple of (int, int)
        Pairs of items whose table has an empty cell.
    at_bound : tuple of (int, int)
        Pairs whose likelihood rises up to a correlation of 1 or -1.
    """

    cor: Array
    thresholds: tuple[Array, ...]
    empty: tuple[tuple[int, int], ...]
    at_bound: tuple[tuple[int, int], ...]


def encode(X: Array, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[Array, ...]]:
    """Return (n, k) category numbers from 0, -1 where missing, and each item's values."""
    codes = np.full(X.shape, -1, dtype=np.int16)
    categories = []
    for j, name in enumerate(names):
        column = np.ascontiguousarray(X[:, j])
        seen = ~np.isnan(column)
        if seen.all():
            values, codes[:, j] = _levels(column)
        else:
            values, codes[seen, j] = _levels(column[seen])
        if len(values) > MAX_CATEGORIES:
            raise ModelError(
                f"item {name!r} has {len(values)} different answers; polychoric correlations "
                f"are for at most {MAX_CATEGORIES} ordered categories, use kind='pearson'."
            )
        categories.append(values)
    return codes, tuple(categories)


def _levels(column: Array) -> tuple[Array, np.ndarray]:
    """Return the increasing values of a column and each row's place among them."""
    low, high = column.min(), column.max()
    whole = (column - low).astype(np.int64) if high - low <= 100 else np.zeros(1, dtype=np.int64)
    if high - low > 100 or not (whole + low == column).all():
        values, place = np.unique(column, return_inverse=True)
        return values, place
    used = np.bincount(whole) > 0  # counting beats sorting where answers are whole numbers
    return np.flatnonzero(used) + low, (np.cumsum(used) - 1)[whole]


def count_tables(
    codes: np.ndarray, categories: tuple[Array, ...], weights: Array | None = None
) -> Tables:
    """Count all pair tables in one pass over (n, k) category numbers.

    Each batch becomes a matrix of zeros and ones, a column a category; its product with
    itself holds every table of the batch.
    """
    sizes = [len(values) for values in categories]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    level = np.concatenate([np.arange(size) for size in sizes]).astype(codes.dtype)
    counts = np.zeros((starts[-1], starts[-1]))
    kind = np.float32 if weights is None else np.float64  # counts of a batch are exact in either
    for first in range(0, len(codes), BATCH):
        part = slice(first, first + BATCH)
        ones = (codes[part][:, owner] == level).astype(kind)
        other = ones if weights is None else ones * weights[part, None]
        counts += ones.T @ other
    return Tables(categories, starts, counts)


def pair_counts(tables: Tables) -> Array:
    """Return the (k, k) numbers of rows that answered both items."""
    lines = np.add.reduceat(tables.counts, tables.starts[:-1], axis=0)
    counts: Array = np.add.reduceat(lines, tables.starts[:-1], axis=1)
    return counts


def thresholds_of(margin: Array) -> Array:
    """Return the (c - 1,) normal quantiles of a (c,) margin's cumulative shares."""
    quantiles: Array = special.ndtri(np.cumsum(margin)[:-1] / margin.sum())
    return quantiles


def estimate_polychoric(tables: Tables) -> Polychoric:
    """Return the two-step maximum likelihood correlations of all pairs of items."""
    k = len(tables.categories)
    thresholds = tuple(thresholds_of(tables.margin(i)) for i in range(k))
    first, second = np.triu_indices(k, 1)
    cells = stacked_tables(tables, first, second)
    shape = _inside(tables, first, second)
    empty = ((cells == 0) & shape).any(axis=(1, 2))
    a, b = padded_thresholds(thresholds, first), padded_thresholds(thresholds, second)
    rho = _maximise(_corrected(cells, shape), a, b, _start(cells, a, b))
    cor = np.eye(k)
    cor[first, second] = cor[second, first] = rho
    return Polychoric(
        cor, thresholds, _pairs(first, second, empty), _pairs(first, second, np.abs(rho) >= BOUND)
    )


def _pairs(first: np.ndarray, second: np.ndarray, which: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Return the pairs of items that ``which`` marks."""
    return tuple(zip(first[which].tolist(), second[which].tolist(), strict=True))


def stacked_tables(tables: Tables, first: np.ndarray, second: np.ndarray) -> Array:
    """Return (p, C, C) tables of all pairs, zeros where an item has fewer categories."""
    widest = max(len(values) for values in tables.categories)
    stack = np.zeros((len(first), widest, widest))
    for at, (i, j) in enumerate(zip(first, second, strict=True)):
        table = tables.pair(i, j)
        stack[at, : table.shape[0], : table.shape[1]] = table
    return stack


def _inside(tables: Tables, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return (p, C, C) whether a cell belongs to its pair's table."""
    sizes = np.array([len(values) for values in tables.categories])
    level = np.arange(sizes.max())
    inside: np.ndarray = (level[:, None] < sizes[first, None, None]) & (
        level < sizes[second, None, None]
    )
    return inside


def padded_thresholds(thresholds: tuple[Array, ...], items: np.ndarray) -> Array:
    """Return (p, C - 1) thresholds of the given items, far away where there are fewer."""
    widest = max(len(t) for t in thresholds)
    rows = np.full((len(thresholds), widest), FAR)
    for i, t in enumerate(thresholds):
        rows[i, : len(t)] = t
    padded: Array = rows[items]
    return padded


def _corrected(cells: Array, inside: np.ndarray) -> Array:
    """Return the tables with half an answer moved into the empty cells of 2 by 2 ones.

    Without it their likelihood rises up to a correlation of 1 or -1; margins stay as they are.
    """
    small = inside.sum(axis=(1, 2)) == 4
    corner = cells[small, :2, :2]
    main = (corner[:, [0, 1], [0, 1]] == 0).any(axis=1)
    cross = (corner[:, [0, 1], [1, 0]] == 0).any(axis=1)
    move = np.where(main & ~cross, 0.5, np.where(cross & ~main, -0.5, 0.0))
    fixed = cells.copy()
    fixed[small, :2, :2] += move[:, None, None] * np.array([[1, -1], [-1, 1]])
    return np.maximum(fixed, 0.0)


def _start(cells: Array, a: Array, b: Array) -> Array:
    """Return (p,) first guesses: the covariance of normal scores over both their variances.

    A category's normal score is the mean of the normal curve over it. At a correlation of zero
    the guess is right to first order, elsewhere near enough for three Newton steps.
    """
    total = cells.sum(axis=(1, 2))
    x, spread_x = _normal_scores(cells.sum(axis=2) / total[:, None], a)
    y, spread_y = _normal_scores(cells.sum(axis=1) / total[:, None], b)
    cross = np.einsum("pij,pi,pj->p", cells, x, y, optimize=True) / total
    start: Array = np.clip(cross / (spread_x * spread_y), -0.95, 0.95)
    return start


def _normal_scores(share: Array, thresholds: Array) -> tuple[Array, Array]:
    """Return the (p, C) normal scores of categories and their (p,) variances."""
    density = np.exp(-(thresholds**2) / 2) / np.sqrt(2 * np.pi)
    edges = np.pad(density, ((0, 0), (1, 1)))
    scores = -np.diff(edges, axis=1) / np.maximum(share, FLOOR)
    scores[share <= 0] = 0.0
    return scores, np.maximum((share * scores**2).sum(axis=1), 1e-12)


def cell_grid(values: Array, top: Array, side: Array, corner: float) -> Array:
    """Return (p, C, C) cell differences of (p, C - 1, C - 1) values at the thresholds.

    ``top`` and ``side`` are the values where the first or the second variable's threshold is
    infinite, ``corner`` where both are.
    """
    p, r, c = values.shape
    full = np.zeros((p, r + 2, c + 2))
    full[:, 1:-1, 1:-1] = values
    full[:, -1, 1:-1] = top
    full[:, 1:-1, -1] = side
    full[:, -1, -1] = corner
    cells: Array = np.diff(np.diff(full, axis=1), axis=2)
    return cells


def cell_probabilities(a: Array, b: Array, rho: Array) -> Array:
    """Return (p, C, C) probabilities from (p, C - 1) thresholds and (p,) correlations."""
    values = binormal_cdf(a[:, :, None], b[:, None, :], rho[:, None, None])
    return cell_grid(values, special.ndtr(b), special.ndtr(a), 1.0)


def _slopes(cells: Array, a: Array, b: Array, rho: Array) -> tuple[Array, Array]:
    """Return (p,) first and second derivatives of the pairs' log-likelihoods by ``rho``."""
    h, k, r = a[:, :, None], b[:, None, :], rho[:, None, None]
    zero = np.zeros(1)
    density = binormal_pdf(h, k, r)
    first = cell_grid(density, zero, zero[:, None], 0.0)
    second = cell_grid(binormal_pdf_slope(h, k, r, density), zero, zero[:, None], 0.0)
    probability = np.maximum(cell_probabilities(a, b, rho), FLOOR)
    ratio = first / probability
    slope = (cells * ratio).sum(axis=(1, 2))
    bend = (cells * (second / probability - ratio**2)).sum(axis=(1, 2))
    return slope, bend


def _maximise(cells: Array, a: Array, b: Array, start: Array) -> Array:
    """Return the (p,) correlations of greatest likelihood: Newton steps kept in a bracket."""
    rho = start.copy()
    low, high = np.full(len(rho), -BOUND), np.full(len(rho), BOUND)
    left = np.arange(len(rho))
    for _ in range(MAX_STEPS):
        slope, bend = _slopes(cells[left], a[left], b[left], rho[left])
        low[left] = np.where(slope >= 0, rho[left], low[left])
        high[left] = np.where(slope <= 0, rho[left], high[left])
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = rho[left] - slope / bend
        usable = (bend < 0) & (newton > low[left]) & (newton < high[left])
        new = np.where(usable, newton, (low[left] + high[left]) / 2)
        change = np.abs(new - rho[left])
        rho[left] = new
        left = left[(change > STILL) | (~usable & (change > SETTLED))]
        if not len(left):
            break
    return np.where(BOUND - np.abs(rho) < 1e-9, np.sign(rho) * BOUND, rho)
