"""Coefficients of a quantile as a corner of a linear program, and their covariances: arrays alone.

The estimate is a corner of a linear program [koenker2005]_; it is solved as one (HiGHS), since
iterated weighted least squares stops short of the corner.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from servlab.core.errors import ModelError, NotConvergedError

Array = NDArray[np.float64]

NIL = np.finfo(float).eps ** (2 / 3)  # keeps a density from dividing by nought, as in quantreg

TIGHT = 1e-9  # distance from its bounds at which a dual value is at one


def solve_quantile(X: Array, y: Array, tau: float) -> tuple[Array, bool]:
    """Return (p,) coefficients that minimize the check loss, and whether only these do.

    The dual program: maximize y'a with X'a = (1 - tau) X'1 and a in [0, 1]; the coefficients are
    the prices of its equations. They are unique where p values a lie strictly inside.
    """
    from scipy.optimize import linprog

    scale = np.abs(X).max(axis=0)
    centre, spread = float(np.median(y)), float(np.ptp(y))
    target = (y - centre) / spread
    Z = X / scale
    found = linprog(
        -target,
        A_eq=Z.T,
        b_eq=(1 - tau) * Z.sum(axis=0),
        bounds=(0.0, 1.0),
        method="highs-ds",
    )
    if not found.success:
        raise NotConvergedError(
            f"the quantile regression at {tau} was not solved: {found.message}."
        )
    prices = -np.asarray(found.eqlin.marginals)
    b = _polished(Z, target, prices)
    inside = int(((found.x > TIGHT) & (found.x < 1 - TIGHT)).sum())
    b = b / scale * spread
    b[np.flatnonzero(np.ptp(X, axis=0) == 0)[0]] += centre
    return b, inside >= X.shape[1]


def _polished(Z: Array, y: Array, b: Array) -> Array:
    """Return the coefficients through the p rows that the corner passes through, to full digits."""
    p = Z.shape[1]
    order = np.argsort(np.abs(y - Z @ b), kind="stable")
    kept: list[int] = []
    basis = np.empty((0, p))
    for i in order[: 4 * p]:
        trial = np.vstack([basis, Z[i]])
        if np.linalg.matrix_rank(trial) == len(trial):
            kept, basis = [*kept, int(i)], trial
        if len(kept) == p:
            exact = np.linalg.solve(basis, y[kept])
            return np.asarray(exact if np.abs(exact - b).max() < 1e-6 else b)
    return b


def check_loss(residuals: Array, tau: float) -> float:
    """Return sum of tau u for u > 0 and (tau - 1) u for u < 0."""
    return float(np.sum(residuals * (tau - (residuals < 0))))


def bandwidth(tau: float, n: int) -> float:
    """Return Hall and Sheather's bandwidth, halved until tau stays inside (0, 1)."""
    z = stats.norm.ppf(tau)
    density = stats.norm.pdf(z)
    h = n ** (-1 / 3) * stats.norm.isf(0.025) ** (2 / 3)
    h *= (1.5 * density**2 / (2 * z**2 + 1)) ** (1 / 3)
    while tau - h < 0 or tau + h > 1:
        h /= 2
    return float(h)


def sandwich(X: Array, y: Array, tau: float) -> tuple[Array, int]:
    """Return Hendricks and Koenker's covariance, and the rows without a positive density."""
    h = bandwidth(tau, len(y))
    high, _ = solve_quantile(X, y, tau + h)
    low, _ = solve_quantile(X, y, tau - h)
    width = X @ (high - low)
    f = np.maximum(0.0, 2 * h / (width - NIL))
    nil = int((width <= 0).sum())
    H = (X * f[:, None]).T @ X
    size = np.sqrt(np.diag(H))
    if not (size > 0).all() or np.linalg.cond(H / np.outer(size, size)) > 1e12:
        return np.full_like(H, np.nan), nil
    half = np.linalg.solve(H / np.outer(size, size), (X / size).T) / size[:, None]
    return tau * (1 - tau) * half @ half.T, nil


def bootstrap_covariances(
    X: Array, y: Array, taus: Sequence[float], n_draws: int, rng: np.random.Generator
) -> list[Array]:
    """Return the covariance of each quantile's coefficients over resampled respondents."""
    n, p = X.shape
    draws = np.full((len(taus), n_draws, p), np.nan)
    for k in range(n_draws):
        rows = rng.integers(0, n, n)
        if np.linalg.matrix_rank(X[rows]) < p:
            continue  # a category was not drawn; such draws say nothing
        for i, tau in enumerate(taus):
            draws[i, k] = solve_quantile(X[rows], y[rows], tau)[0]
    kept = [d[~np.isnan(d[:, 0])] for d in draws]
    if len(kept[0]) < n_draws / 2:
        raise ModelError(
            f"only {len(kept[0])} of {n_draws} resamples can be fitted, since categories are too "
            "small; join categories or use errors='nid'."
        )
    return [np.atleast_2d(np.cov(d, rowvar=False)) for d in kept]
