"""Indices of careless answering on arrays of answers; NaN is missing (Curran, 2016)."""

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, stats

Array = NDArray[np.float64]


def longest_string(X: Array) -> Array:
    """Return (n,) the longest run of one answer in each row of X (n, k); a gap ends a run."""
    run = np.zeros(len(X))
    longest = np.zeros(len(X))
    for column in range(X.shape[1]):
        answered = ~np.isnan(X[:, column])
        same = answered & (X[:, column] == X[:, column - 1]) if column else np.zeros(len(X), bool)
        run = np.where(answered, np.where(same, run + 1, 1.0), 0.0)
        longest = np.maximum(longest, run)
    return longest


def even_odd(odd: Array, even: Array) -> Array:
    """Return (n,) even-odd consistency: stepped-up correlation over (n, s) halves of s subscales.

    NaN where fewer than three subscales have both halves, or a half does not vary.
    """
    used = ~(np.isnan(odd) | np.isnan(even))
    x, y = np.where(used, odd, np.nan), np.where(used, even, np.nan)
    count = used.sum(axis=1)
    enough = count >= 3
    result = np.full(len(odd), np.nan)
    if not enough.any():
        return result
    x, y = x[enough], y[enough]
    x = x - np.nanmean(x, axis=1, keepdims=True)
    y = y - np.nanmean(y, axis=1, keepdims=True)
    scale = np.sqrt(np.nansum(x**2, axis=1) * np.nansum(y**2, axis=1))
    varies = scale > 1e-12
    r = np.full(len(x), np.nan)
    r[varies] = np.nansum(x * y, axis=1)[varies] / scale[varies]
    # Spearman and Brown; -1 / 3 and below would leave [-1, 1], so that -1 is the floor
    stepped = np.where(r > -1 / 3, 2 * r / (1 + np.maximum(r, -1 / 3)), -1.0)
    result[enough] = np.where(np.isnan(r), np.nan, stepped)
    return result


def mahalanobis(X: Array) -> tuple[Array, Array]:
    """Return (n,) squared distances of complete rows of X (n, k) and their chi-square tails.

    NaN for incomplete rows, and for all when complete rows are fewer than 2 k or the covariance
    matrix is singular.
    """
    n, k = X.shape
    nothing = np.full(n, np.nan)
    complete = ~np.isnan(X).any(axis=1)
    C = X[complete] - X[complete].mean(axis=0) if complete.any() else X[:0]
    if len(C) < 2 * k:
        return nothing, nothing
    S = C.T @ C / (len(C) - 1)
    eigenvalues = np.linalg.eigvalsh(S)
    if eigenvalues[0] < 1e-10 * eigenvalues[-1]:
        return nothing, nothing
    half = linalg.solve_triangular(np.linalg.cholesky(S), C.T, lower=True)
    distance, tail = nothing.copy(), nothing.copy()
    distance[complete] = (half**2).sum(axis=0)
    tail[complete] = stats.chi2.sf(distance[complete], k)
    return distance, tail


def response_variability(X: Array) -> Array:
    """Return (n,) the standard deviation (divisor m - 1) of each row's m answers; NaN under two."""
    answered = ~np.isnan(X)
    m = answered.sum(axis=1)
    enough = m >= 2
    result = np.full(len(X), np.nan)
    filled = np.where(answered, X, 0.0)[enough]
    means = filled.sum(axis=1) / m[enough]
    squares = np.where(answered[enough], (filled - means[:, None]) ** 2, 0.0).sum(axis=1)
    result[enough] = np.sqrt(squares / (m[enough] - 1))
    return result
