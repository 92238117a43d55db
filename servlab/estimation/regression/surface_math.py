"""The arithmetic of response surfaces: least squares, Wald tests, functions of the coefficients.

Symbols: ``b`` (6,) coefficients of 1, P, E, P2, PE, E2; ``V`` (6, 6) their covariance; ``X``
(n, p) a design; ``w`` (n,) weights; ``R`` (q, p) restrictions of a test of R b = 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

STEP = 1e-100  # of the complex-step derivative, which has no cancellation
FULL_LEVERAGE = 1 - 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """A least-squares fit.

    Attributes
    ----------
    b : ndarray
        (p,) coefficients.
    bread : ndarray
        (p, p) inverse of X'WX.
    X : ndarray
        (n, p) design.
    residuals, leverage, w : ndarray
        (n,) each; weights are 1 without weights.
    total : float
        Sum of squares about the (weighted) mean of the outcome.
    """

    b: Array
    bread: Array
    X: Array
    residuals: Array
    leverage: Array
    w: Array
    total: float

    @property
    def df(self) -> int:
        """Return n - p."""
        return len(self.residuals) - len(self.b)

    @property
    def r_squared(self) -> float:
        """Return the share of the outcome's variance explained."""
        return 1 - float(self.w @ self.residuals**2) / self.total

    @property
    def adj_r_squared(self) -> float:
        """Return R2 adjusted for the number of slopes."""
        return 1 - (1 - self.r_squared) * (len(self.residuals) - 1) / self.df

    @property
    def r_squared_cv(self) -> float:
        """Return R2 of predictions that leave each row out (PRESS); NaN where one cannot be."""
        if self.leverage.max() > FULL_LEVERAGE:
            return float("nan")
        left_out = self.residuals / (1 - self.leverage)
        return 1 - float(self.w @ left_out**2) / self.total

    def classical(self) -> Array:
        """Return the textbook covariance of the coefficients."""
        return np.asarray(self.bread * (self.w @ self.residuals**2) / self.df)

    def hc3(self) -> Array:
        """Return the covariance robust to unequal variances, HC3 [long2000]_; NaN undefined."""
        if self.leverage.max() > FULL_LEVERAGE:
            return np.full_like(self.bread, np.nan)
        scores = self.X * (self.w * self.residuals / (1 - self.leverage))[:, None]
        return np.asarray(self.bread @ (scores.T @ scores) @ self.bread)


def least_squares(y: Array, X: Array, w: Array | None = None) -> LeastSquares | None:
    """Return the fit, or None where columns of ``X`` are combinations of each other."""
    weight = np.ones(len(y)) if w is None else w
    root = np.sqrt(weight)
    Q, R = np.linalg.qr(X * root[:, None])
    size = np.abs(np.diag(R))
    scale = np.linalg.norm(X * root[:, None], axis=0)
    if len(y) < X.shape[1] or (size <= 1e-9 * scale).any():
        return None
    inverse = np.linalg.solve(R, np.eye(X.shape[1]))
    b = inverse @ (Q.T @ (y * root))
    centre = float(weight @ y / weight.sum())
    return LeastSquares(
        b=b,
        bread=inverse @ inverse.T,
        X=X,
        residuals=y - X @ b,
        leverage=(Q**2).sum(axis=1),
        w=weight,
        total=float(weight @ (y - centre) ** 2),
    )


def wald_f(b: Array, V: Array, R: Array, df: int) -> tuple[float, float]:
    """Return F = (Rb)' (R V R')^-1 (Rb) / q and its p value; NaN where it cannot be had."""
    middle = R @ V @ R.T
    if not np.isfinite(middle).all() or np.linalg.matrix_rank(middle) < len(R):
        return float("nan"), float("nan")
    value = float((R @ b) @ np.linalg.solve(middle, R @ b) / len(R))
    return value, float(stats.f.sf(value, len(R), df))


def quadratic_design(P: Array, E: Array) -> Array:
    """Return the (n, 6) columns 1, P, E, P2, PE, E2."""
    return np.column_stack([np.ones(len(P)), P, E, P**2, P * E, E**2])


def _along(b: Array) -> Array:
    """Return a1, a2, a3, a4: slope and curvature along P = E, then along P = -E."""
    return np.array(
        [b[1] + b[2], b[3] + b[4] + b[5], b[1] - b[2], b[3] - b[4] + b[5]], dtype=b.dtype
    )


def determinant(b: Array) -> Array:
    """Return 4 b3 b5 - b4^2: positive for a dome or a bowl, negative for a saddle."""
    return np.asarray(4 * b[3] * b[5] - b[4] ** 2)


def _stationary(b: Array) -> Array:
    """Return (P, E) where the surface is level."""
    D = determinant(b)
    return np.array([b[2] * b[4] - 2 * b[1] * b[5], b[1] * b[4] - 2 * b[2] * b[3]]) / D


def _axis(b: Array, sign: int) -> Array:
    """Return intercept and slope of a principal axis, the first with ``sign`` 1, or -1.

    The axis is where the surface is level *across* it, so that only the curvature across it
    divides: on a ridge, which has no stationary point, the first axis is still defined.
    """
    root = np.sqrt((b[3] - b[5]) ** 2 + b[4] ** 2)
    across = (b[5] - b[3] - sign * root) / b[4]  # slope of the other axis
    curvature = b[3] + b[5] - sign * root
    return np.array([-(b[1] + across * b[2]) / (curvature * across), -1 / across])


FUNCTIONS: Mapping[tuple[str, ...], Function] = MappingProxyType(
    {
        ("a1", "a2", "a3", "a4"): _along,
        ("stationary_perception", "stationary_expectation"): _stationary,
        ("p10", "p11"): lambda b: _axis(b, 1),
        ("p20", "p21"): lambda b: _axis(b, -1),
    }
)


def delta(function: Function, b: Array, V: Array) -> tuple[Array, Array]:
    """Return a function's values at ``b`` and their standard errors by the delta method."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.atleast_1d(function(b))
        steps = 1j * STEP * np.eye(len(b))
        J = np.column_stack([np.atleast_1d(function(b + h)).imag / STEP for h in steps])
        errors = np.sqrt(np.einsum("ij,jk,ik->i", J, V, J))
    defined = np.isfinite(values) & np.isfinite(errors)
    return np.where(defined, values, np.nan), np.where(defined, errors, np.nan)
