"""Which axes make unrotated factors readable?

One mechanism, gradient projection, serves every criterion; a criterion is a function of the
loadings that gives its value and its gradient. Promax alone is a construction, not a minimum.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from servlab.core.brief import brief
from servlab.core.errors import ModelError, NotConvergedError
from servlab.core.linalg import Array

Rotation = Literal[
    "none",
    "varimax",
    "quartimax",
    "equamax",
    "promax",
    "oblimin",
    "quartimin",
    "geominT",
    "geominQ",
    "bentlerT",
    "bentlerQ",
    "targetT",
    "targetQ",
]
ROTATIONS: tuple[str, ...] = get_args(Rotation)
OBLIQUE = frozenset({"promax", "oblimin", "quartimin", "geominQ", "bentlerQ", "targetQ"})

GEOMIN_DELTA = 0.01  # keeps geomin's logarithm finite, as in GPArotation
PROMAX_POWER = 4
MAX_STEPS = 20_000
STATIONARY = 1e-9  # norm of the projected gradient at which a rotation has come to rest
AT_REST = 1e-5  # the same, when rounding leaves no lower value to be found
CAREFUL = 1e-2  # above it steps are plain gradient steps, which keep to R's path
SAME_VALUE = 1e-6  # two criterion values nearer than this are one minimum

Criterion = Callable[[Array], tuple[float, Array]]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Rotated:
    """Rotated loadings.

    Attributes
    ----------
    loadings : ndarray
        (k, m) pattern.
    factor_cor : ndarray
        (m, m) factor correlations; the identity for orthogonal rotations.
    value : float
        The criterion at the solution (NaN for promax and no rotation).
    share_best : float
        Share of the starts that reached the best value, in [0, 1].
    """

    loadings: Array
    factor_cor: Array
    value: float = np.nan
    share_best: float = 1.0


def crawford_ferguson(kappa: float) -> Criterion:
    """Return the criterion that weighs row by column complexity (crawford1970).

    ``kappa`` 0 is quartimin or quartimax, 1 / k varimax, m / (2 k) equamax.
    """

    def criterion(L: Array) -> tuple[float, Array]:
        L2 = L * L
        rows = L2.sum(axis=1, keepdims=True) - L2
        columns = L2.sum(axis=0) - L2
        mix = (1 - kappa) * rows + kappa * columns
        return float((L2 * mix).sum()) / 4, L * mix

    return criterion


def geomin(L: Array) -> tuple[float, Array]:
    """Return the sum of the rows' geometric means of squared loadings (yates1987)."""
    L2 = L * L + GEOMIN_DELTA
    means = np.exp(np.log(L2).mean(axis=1, keepdims=True))
    return float(means.sum()), (2 / L.shape[1]) * means * L / L2


def bentler(L: Array) -> tuple[float, Array]:
    """Return Bentler's invariant pattern simplicity criterion (bentler1977)."""
    L2 = L * L
    M = L2.T @ L2
    diagonal = np.diag(M)
    value = -(np.linalg.slogdet(M)[1] - np.log(diagonal).sum()) / 4
    return float(value), -L * (L2 @ (np.linalg.inv(M) - np.diag(1 / diagonal)))


def towards_target(target: Array) -> Criterion:
    """Return the squared distance to a (k, m) target; NaN entries are free (browne1972)."""
    fixed = ~np.isnan(target)
    goal = np.where(fixed, target, 0.0)

    def criterion(L: Array) -> tuple[float, Array]:
        residual = np.where(fixed, L - goal, 0.0)
        return float((residual**2).sum()), 2 * residual

    return criterion


def criterion_of(rotation: str, k: int, m: int, target: Array | None) -> Criterion:
    """Return the function that ``rotation`` minimises for k items and m factors."""
    if rotation in ("targetT", "targetQ"):
        if target is None:
            raise ModelError(
                f"rotation={rotation!r} needs target=, a frame of the loadings aimed at "
                "with missing values where any loading may be."
            )
        return towards_target(target)
    return {
        "varimax": crawford_ferguson(1 / k),
        "equamax": crawford_ferguson(m / (2 * k)),
        "geominT": geomin,
        "geominQ": geomin,
        "bentlerT": bentler,
        "bentlerQ": bentler,
    }.get(rotation, crawford_ferguson(0.0))


def rotate(
    A: Array,
    rotation: str,
    *,
    target: Array | None = None,
    n_starts: int = 1,
    seed: int | None = None,
) -> Rotated:
    """Rotate (k, m) loadings; the first start is the identity, the others are random."""
    k, m = A.shape
    if rotation == "none" or m == 1:
        return Rotated(A, np.eye(m))
    if rotation == "promax":
        return promax(A)
    criterion = criterion_of(rotation, k, m, target)
    scale = np.sqrt((A**2).sum(axis=1, keepdims=True)) if rotation == "varimax" else np.ones((k, 1))
    scale = np.maximum(scale, 1e-12)
    move = _oblique if rotation in OBLIQUE else _orthogonal
    tries = [_descend(A / scale, T, criterion, move) for T in _starts(m, n_starts, seed)]
    values = np.array([value for value, _ in tries])
    best, T = tries[int(np.argmin(values))]
    near = values <= best + SAME_VALUE * max(abs(best), 1e-3)
    if rotation in OBLIQUE:
        pattern = np.asarray(np.linalg.solve(T, A.T).T, dtype=np.float64)
        return Rotated(pattern, T.T @ T, best, float(near.mean()))
    return Rotated(A @ T, np.eye(m), best, float(near.mean()))


def promax(A: Array) -> Rotated:
    """Rotate to the fourth powers of varimax loadings, rows normalized before and after.

    Kaiser's normalization wraps the whole construction (hendrickson1964), as in SPSS.
    """
    scale = np.maximum(np.sqrt((A**2).sum(axis=1, keepdims=True)), 1e-12)
    B = rotate(A / scale, "varimax").loadings
    goal = B * np.abs(B) ** (PROMAX_POWER - 1)
    U = np.linalg.lstsq(B, goal, rcond=None)[0]
    inverse = np.linalg.inv(U.T @ U)
    U = U * np.sqrt(np.diag(inverse))
    back = np.linalg.inv(U)
    return Rotated(B @ U * scale, back @ back.T)


def _starts(m: int, n_starts: int, seed: int | None) -> list[Array]:
    """Return the identity and ``n_starts - 1`` random orthogonal (m, m) matrices."""
    if n_starts == 1:
        return [np.eye(m)]
    rng = np.random.default_rng(seed)
    Q, upper = np.linalg.qr(rng.standard_normal((n_starts - 1, m, m)))
    Q = Q * np.sign(np.diagonal(upper, axis1=1, axis2=2))[:, None, :]
    return [np.eye(m), *Q]


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Where a rotation stands: transformation, criterion, projected gradient."""

    T: Array
    value: float
    slope: Array


Move = Callable[[Array, Array, Criterion], _Point]


def _orthogonal(A: Array, X: Array, criterion: Criterion) -> _Point:
    """Project X to the nearest orthogonal matrix and evaluate there (jennrich2001)."""
    left, _, right = np.linalg.svd(X)
    T = left @ right
    value, Gq = criterion(A @ T)
    G = A.T @ Gq
    M = T.T @ G
    return _Point(T, value, G - T @ (M + M.T) / 2)


def _oblique(A: Array, X: Array, criterion: Criterion) -> _Point:
    """Scale the columns of X to unit length and evaluate there (jennrich2002)."""
    T = X / np.sqrt((X**2).sum(axis=0))
    inverse = np.linalg.inv(T)
    L = A @ inverse.T
    value, Gq = criterion(L)
    G = -(L.T @ Gq @ inverse).T
    return _Point(T, value, G - T * (T * G).sum(axis=0))


def _descend(A: Array, start: Array, criterion: Criterion, move: Move) -> tuple[float, Array]:
    """Follow the projected gradient downhill from ``start``; return the value and T there."""
    at = move(A, start, criterion)
    length = 1.0
    for _ in range(MAX_STEPS):
        steep = float(np.linalg.norm(at.slope))
        if steep < STATIONARY:
            return at.value, at.T
        new, used = _step(A, at, steep, length, criterion, move)
        if new is None:
            if steep < AT_REST:  # no lower value within rounding
                return at.value, at.T
            break
        length = _next_length(at, new, steep, used)
        at = new
    raise NotConvergedError(
        f"the rotation did not come to rest in {MAX_STEPS} steps; try n_starts=20 with a seed, "
        "another rotation, or fewer factors."
    )


def _step(
    A: Array, at: _Point, steep: float, length: float, criterion: Criterion, move: Move
) -> tuple[_Point | None, float]:
    """Return the next point and the step length used; None when no step goes down."""
    for _ in range(30):
        new = move(A, at.T - length * at.slope, criterion)
        if new.value < at.value - 0.5 * length * steep**2 * _share(steep):
            return new, length
        length /= 2
    return None, length


def _share(steep: float) -> float:
    """Return the share of the promised decrease a step must bring: all at first, little later."""
    return 1.0 if steep > CAREFUL else 1e-4


def _next_length(at: _Point, new: _Point, steep: float, used: float) -> float:
    """Return the first step length to try: doubled far away, by curvature near the minimum."""
    if steep > CAREFUL:
        return 2 * used
    moved, changed = new.T - at.T, new.slope - at.slope
    curvature = float((moved * changed).sum())
    return float((moved**2).sum()) / curvature if curvature > 0 else 2 * used
