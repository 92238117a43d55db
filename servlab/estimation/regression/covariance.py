"""How sure is a coefficient? Covariances of least-squares coefficients, robust and clustered.

Kernels over arrays. Under weights the caller gives rows and residuals times the root of their
weight. A coefficient that hangs on one row alone (leverage 1: a category with one respondent), or
on one cluster alone, leaves no residual behind to judge it by; the robust formulas then divide
nought by nought or, worse, add nought. Such coefficients are *undetermined*: their covariance is
NaN, and the others are those of a fit without that row.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
CovType = Literal["HC3", "classical", "cluster", "HC0", "HC1", "HC2", "HC4"]
COV_TYPES: tuple[CovType, ...] = ("HC3", "classical", "cluster", "HC0", "HC1", "HC2", "HC4")

FULL = 1e-10  # a leverage this near 1 is 1
SHARE = 1e-6  # share of a coefficient's length in a direction from which on it hangs on it


def leverages(X: Array) -> Array:
    """Return the (n,) diagonal of the hat matrix of (n, p) X."""
    Q, _ = np.linalg.qr(X)
    return np.asarray((Q**2).sum(axis=1))


def coefficient_covariance(
    X: Array, residuals: Array, cov_type: CovType, cluster: NDArray[np.int64] | None
) -> tuple[Array, Bools]:
    """Return the (p, p) covariance of the coefficients and (p,) whether each is undetermined.

    X (n, p) and residuals (n,) are times the root of the weights; cluster (n,) codes 0..G-1.
    """
    n, p = X.shape
    Q, R = np.linalg.qr(X)
    Ri = solve_triangular(R, np.eye(p))
    if cov_type == "classical":
        return residuals @ residuals / (n - p) * (Ri @ Ri.T), np.zeros(p, dtype=bool)
    if cluster is not None:
        meat, alone = _cluster_meat(Q, residuals, cluster)
    else:
        meat, alone = _row_meat(Q, residuals, cov_type)
    V = Ri @ meat @ Ri.T
    lost = _hanging(Ri, alone)
    V[lost] = np.nan
    V[:, lost] = np.nan
    return V, lost


def hanging(X: Array, cluster: NDArray[np.int64] | None) -> Bools:
    """Return (p,) whether a coefficient of (n, p) X hangs on one row, or on one cluster."""
    Q, R = np.linalg.qr(X)
    alone = Q[leverages(X) > 1 - FULL] if cluster is None else _lone_directions(Q, cluster)
    return _hanging(solve_triangular(R, np.eye(X.shape[1])), alone)


def _row_meat(Q: Array, residuals: Array, cov_type: CovType) -> tuple[Array, Array]:
    """Return Q' Omega Q of a heteroscedasticity-consistent kind, and directions of lone rows."""
    n, p = Q.shape
    h = (Q**2).sum(axis=1)
    lone = h > 1 - FULL
    k = int(lone.sum())  # each takes a row and a coefficient with it
    room = np.where(lone, 1.0, 1 - h)
    power: Array | float = {"HC2": 1.0, "HC3": 2.0}.get(cov_type, 0.0)
    if cov_type == "HC4":
        power = np.minimum(4.0, (n - k) * h / max(p - k, 1))
    scale = (n - k) / (n - p) if cov_type == "HC1" else 1.0
    omega = np.where(lone, 0.0, scale * residuals**2 / room**power)
    return (Q * omega[:, None]).T @ Q, Q[lone]


def _cluster_meat(Q: Array, residuals: Array, cluster: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the CR1 middle of the sandwich, and directions that lie in one cluster alone."""
    n, p = Q.shape
    n_clusters = int(cluster.max()) + 1
    sums = np.zeros((n_clusters, p))
    np.add.at(sums, cluster, Q * residuals[:, None])
    scale = n_clusters / (n_clusters - 1) * (n - 1) / (n - p)
    return scale * sums.T @ sums, _lone_directions(Q, cluster)


def _lone_directions(Q: Array, cluster: NDArray[np.int64]) -> Array:
    """Return (d, p) directions of the coefficients that only one cluster tells of."""
    weight = np.bincount(cluster, weights=(Q**2).sum(axis=1))
    found = [np.empty((0, Q.shape[1]))]
    for code in np.flatnonzero(weight > 1 - FULL):  # the trace bounds the largest eigenvalue
        rows = Q[cluster == code]
        values, vectors = np.linalg.eigh(rows.T @ rows)
        found.append(vectors[:, values > 1 - FULL].T)
    return np.vstack(found)


def _hanging(Ri: Array, directions: Array) -> Bools:
    """Return (p,) whether a coefficient has a part in one of (d, p) directions."""
    if not len(directions):
        return np.zeros(len(Ri), dtype=bool)
    lengths = np.linalg.norm(Ri, axis=1)
    parts = np.abs(Ri @ directions.T).max(axis=1)
    return np.asarray(parts > SHARE * lengths)
