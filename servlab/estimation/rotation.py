"""Turning factors towards simple structure: one gradient projection for every criterion.

Orthogonal and oblique rotations minimise a criterion over rotation matrices by gradient
projection [bernaards2005]_; promax turns varimax loadings towards their own powers
[hendrickson1964]_.
"""

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from servlab.core.errors import NotConvergedError
from servlab.core.linalg import Array

Rotation = Literal["none", "varimax", "quartimax", "oblimin", "quartimin", "promax"]
ROTATIONS: tuple[str, ...] = get_args(Rotation)
OBLIQUE = ("oblimin", "quartimin", "promax")
MAX_ITER = 5000
TOLERANCE = 1e-9
PROMAX_POWER = 4

# (k, m) loadings -> value and (k, m) gradient of the criterion to minimise
Criterion = Callable[[Array], tuple[float, Array]]


def varimax_criterion(L: Array) -> tuple[float, Array]:
    """Return minus a quarter of the summed column variances of squared loadings, and its slope."""
    centred = L**2 - (L**2).mean(axis=0)
    return float(-(centred**2).sum() / 4), -L * centred


def quartimax_criterion(L: Array) -> tuple[float, Array]:
    """Return minus a quarter of the sum of fourth powers, and its slope."""
    return float(-(L**4).sum() / 4), -(L**3)


def oblimin_criterion(L: Array) -> tuple[float, Array]:
    """Return a quarter of the summed products of squared loadings across factors, and its slope.

    Direct oblimin with gamma = 0, which is quartimin.
    """
    others = L**2 @ (np.ones((L.shape[1], L.shape[1])) - np.eye(L.shape[1]))
    return float((L**2 * others).sum() / 4), L * others


def rotate(loadings: Array, method: Rotation) -> tuple[Array, Array]:
    """Return the (k, m) rotated pattern and the (m, m) factor correlations.

    Varimax and promax work on rows of unit length (Kaiser normalization), as R does; oblimin
    and quartimin on the loadings as they are, as psych does.
    """
    m = loadings.shape[1]
    if m == 1 or method == "none":
        return loadings, np.eye(m)
    if method == "promax":
        return _promax(loadings)
    if method in OBLIQUE:
        return _oblique(loadings, oblimin_criterion)
    if method == "quartimax":
        return loadings @ _orthogonal(loadings, quartimax_criterion), np.eye(m)
    return _varimax(loadings), np.eye(m)


def _varimax(loadings: Array) -> Array:
    """Return varimax loadings with Kaiser normalization."""
    length = np.sqrt((loadings**2).sum(axis=1))
    rows = np.where(length > 0, length, 1.0)[:, None]
    turned: Array = loadings @ _orthogonal(loadings / rows, varimax_criterion)
    return turned


def _orthogonal(A: Array, criterion: Criterion) -> Array:
    """Return the (m, m) rotation T that minimises the criterion of A T."""
    T = np.eye(A.shape[1])
    f, G = criterion(A)
    G = A.T @ G
    step = 1.0
    for _ in range(MAX_ITER):
        M = T.T @ G
        projected = G - T @ (M + M.T) / 2
        size = float(np.sqrt((projected**2).sum()))
        if size < TOLERANCE:
            return T
        step *= 2
        for _ in range(60):
            U, _, Vt = np.linalg.svd(T - step * projected)
            trial = U @ Vt
            new, slope = criterion(A @ trial)
            if new < f - 0.5 * size**2 * step:
                break
            step /= 2
        else:
            if size < 1e-5:  # the value rests to the last bit
                return T
            break
        T, f, G = trial, new, A.T @ slope
    raise NotConvergedError(
        f"the rotation did not converge in {MAX_ITER} steps; ask for fewer factors."
    )


def _oblique(A: Array, criterion: Criterion) -> tuple[Array, Array]:
    """Return pattern and factor correlations that minimise the criterion over oblique rotations."""
    T = np.eye(A.shape[1])
    L = A
    f, slope = criterion(L)
    G = -(L.T @ slope @ np.linalg.inv(T)).T
    step = 1.0
    for _ in range(MAX_ITER):
        projected = G - T * (T * G).sum(axis=0)
        size = float(np.sqrt((projected**2).sum()))
        if size < TOLERANCE:
            return L, T.T @ T
        step *= 2
        for _ in range(60):
            trial = T - step * projected
            trial = trial / np.sqrt((trial**2).sum(axis=0))
            turned = A @ np.linalg.inv(trial).T
            new, slope = criterion(turned)
            if new < f - 0.5 * size**2 * step:
                break
            step /= 2
        else:
            if size < 1e-5:
                return L, T.T @ T
            break
        T, L, f = trial, turned, new
        G = -(L.T @ slope @ np.linalg.inv(T)).T
    raise NotConvergedError(
        f"the rotation did not converge in {MAX_ITER} steps; ask for fewer factors."
    )


def _promax(loadings: Array) -> tuple[Array, Array]:
    """Return promax: varimax loadings regressed on their own fourth powers, signs kept.

    Both steps on rows of unit length, as psych's ``rotate = "promax"`` does.
    """
    length = np.sqrt((loadings**2).sum(axis=1))
    rows = np.where(length > 0, length, 1.0)[:, None]
    X = _varimax(loadings / rows)
    Q = X * np.abs(X) ** (PROMAX_POWER - 1)
    U = np.linalg.lstsq(X, Q, rcond=None)[0]
    d = np.diag(np.linalg.inv(U.T @ U))
    U = U * np.sqrt(d)
    inverse = np.linalg.inv(U)
    return (X @ U) * rows, inverse @ inverse.T
