"""What do the rows say? Sample moments of each group, and the rows where more is needed.

The vector of statistics that a model is fitted to is described by ``Layout``: which means and
which entries of the covariance matrix, in which order. Weighted least squares and residuals
work on that vector alone, so that other statistics (thresholds and polychoric correlations)
can stand in it.
"""

from dataclasses import dataclass

import numpy as np

from servlab.core.brief import brief
from servlab.core.linalg import Array
from servlab.estimation.latent.ram import Implied, Ints, cov_jacobian, mean_jacobian

BATCH = 4096  # rows whose products are held at a time


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Order of the statistics of one group: means first, then entries of the covariance matrix.

    Attributes
    ----------
    means : bool
        Whether the p means are in the vector.
    row, col : (s,) arrays
        Entries of the matrix: lavaan's vech, down the columns of the lower triangle.
    """

    means: bool
    row: Ints
    col: Ints

    @property
    def size(self) -> int:
        """The number of statistics."""
        return len(self.row) + (int(self.row.max()) + 1 if self.means else 0)

    def vector(self, cov: Array, mean: Array) -> Array:
        """Return the statistics as one vector."""
        entries = cov[self.row, self.col]
        return np.concatenate([mean, entries]) if self.means else entries

    def jacobian(self, at: Implied) -> Array:
        """Return (statistics, k) derivatives by the local parameters."""
        by_cov = cov_jacobian(at, self.row, self.col)
        return np.concatenate([mean_jacobian(at), by_cov]) if self.means else by_cov


def vech_layout(p: int, means: bool) -> Layout:
    """Return the layout of (p,) means, if modelled, and a (p, p) covariance matrix."""
    col, row = np.triu_indices(p)
    return Layout(means, row, col)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GroupSample:
    """The data of one group.

    Attributes
    ----------
    label : str
    n : float
        Rows used; the sum of their weights where they have any.
    cov : (p, p) array
        Covariances, with the denominator of the likelihood in use.
    mean : (p,) array
    rows : (n, p) array or None
        The rows behind the moments (NaN where missing, under FIML); None for published moments.
    weights : (n,) array or None
        Sampling weights; over all groups they sum to the number of rows.
    clusters : (n,) array or None
        Number of the cluster of each row.
    index : (n,) array or None
        Labels of the rows in the data.
    acov : array or None
        Of given moments, n times their sampling covariance.
    """

    label: str
    n: float
    cov: Array
    mean: Array
    rows: Array | None = None
    weights: Array | None = None
    clusters: Ints | None = None
    index: np.ndarray | None = None
    acov: Array | None = None


def row_moments(rows: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return (p, p) covariances with denominator n and (p,) means of complete rows."""
    n, p = rows.shape
    share = None if weights is None else weights / weights.sum()
    mean = rows.mean(axis=0) if share is None else share @ rows
    cov = np.zeros((p, p))
    for first in range(0, n, BATCH):
        D = rows[first : first + BATCH] - mean
        cov += D.T @ (D if share is None else D * share[first : first + BATCH, None])
    cov = (cov + cov.T) / 2
    return (cov / n if share is None else cov), mean


def statistics_acov(sample: GroupSample, layout: Layout) -> Array:
    """Return n times the sampling covariance of a group's statistics, free of any distribution.

    Denominator n [browne1984]_.
    """
    rows, mean = sample.rows, sample.mean
    if rows is None:
        raise ValueError("statistics_acov needs rows")
    size = len(layout.row) + (rows.shape[1] if layout.means else 0)
    total, square = np.zeros(size), np.zeros((size, size))
    n = len(rows)
    for first in range(0, n, BATCH):
        D = rows[first : first + BATCH] - mean
        Z = D[:, layout.row] * D[:, layout.col]
        if layout.means:
            Z = np.concatenate([D, Z], axis=1)
        if sample.weights is not None:
            w = sample.weights[first : first + BATCH, None]
            total += (w * Z).sum(axis=0)
            square += (w * Z).T @ Z
        else:
            total += Z.sum(axis=0)
            square += Z.T @ Z
    total /= n
    return np.asarray(square / n - np.outer(total, total))
