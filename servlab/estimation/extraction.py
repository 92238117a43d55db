"""Which common factors reproduce a correlation matrix best, before any rotation?

Minimum residuals (least squares), maximum likelihood and the iterated principal axis. Each
solves for the uniquenesses; the loadings follow from one eigen decomposition.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from servlab.core.brief import brief
from servlab.core.errors import NotConvergedError
from servlab.core.linalg import Array

Extraction = Literal["minres", "ml", "paf"]
Unfinished = Literal["raise", "accept"]

LOWER = 0.005  # smallest uniqueness, as in R's factanal and psych
BOUND = 1e-6  # a uniqueness this near its lower bound is at it
MAX_NEWTON = 200
FLAT = 1e-12  # largest slope at a minimum
NEARLY_FLAT = 1e-8  # the same where only eigenvalues of a null draw are wanted
ROUNDING = 1e-11  # what a likelihood of items with uniquenesses of .005 is known to
ROUNDING_OF_COPIES = 1e-6  # the same where items nearly copy each other; its slope stays exact
MAX_PAF = 20_000

# Uniquenesses (k,) -> value, gradient (k,), Hessian (k, k) of the function to minimise.
Objective = Callable[[Array], tuple[float, Array, Array]]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Extracted:
    """Unrotated factors.

    Attributes
    ----------
    loadings : ndarray
        (k, m), columns by decreasing eigenvalue, each with a positive sum.
    uniqueness : ndarray
        (k,) in [0.005, 1].
    heywood : ndarray of bool
        (k,) whether the uniqueness is at its lower bound.
    n_iter : int
        Iterations used.
    """

    loadings: Array
    uniqueness: Array
    heywood: np.ndarray
    n_iter: int


def squared_multiple_correlations(R: Array) -> Array:
    """Return the (k,) squared multiple correlations; by pseudo-inverse when ``R`` is singular."""
    precision = np.diag(np.linalg.pinv(R, hermitian=True))
    smc: Array = np.clip(1 - 1 / precision, 0.0, 1.0)
    return smc


def extract(R: Array, m: int, method: Extraction, *, unfinished: Unfinished = "raise") -> Extracted:
    """Return m unrotated factors of the (k, k) correlation matrix ``R``.

    ``unfinished="accept"`` returns the best point when the steps run out, for null draws, of
    which an eigenvalue is wanted and no loading is read.
    """
    start = np.clip(1 - squared_multiple_correlations(R), 0.05, 0.95)
    if method == "paf":
        psi, n_iter = _principal_axis(R, m, 1 - start)
    elif method == "ml":
        x, n_iter = _newton(_ml_objective(R, m), np.log(start), (np.log(LOWER), 0.0), unfinished)
        psi = np.exp(x)
    else:
        psi, n_iter = _newton(_minres_objective(R, m), start, (LOWER, 1.0), unfinished)
    loadings = ml_loadings(R, psi, m) if method == "ml" else ls_loadings(R, psi, m)
    loadings = loadings * np.where(loadings.sum(axis=0) < 0, -1.0, 1.0)
    uniqueness = 1 - (loadings**2).sum(axis=1)  # equals psi but at the bound
    return Extracted(loadings, uniqueness, psi < LOWER + BOUND, n_iter)


def ls_loadings(R: Array, psi: Array, m: int) -> Array:
    """Return the (k, m) least squares loadings for given (k,) uniquenesses."""
    values, vectors = np.linalg.eigh(R - np.diag(psi))
    loadings: Array = vectors[:, ::-1][:, :m] * np.sqrt(np.maximum(values[::-1][:m], 0.0))
    return loadings


def ml_loadings(R: Array, psi: Array, m: int) -> Array:
    """Return the (k, m) maximum likelihood loadings for given (k,) uniquenesses."""
    root = np.sqrt(psi)
    values, vectors = np.linalg.eigh(R / np.outer(root, root))
    scale = np.sqrt(np.maximum(values[::-1][:m] - 1, 0.0))
    loadings: Array = root[:, None] * vectors[:, ::-1][:, :m] * scale
    return loadings


def _minres_objective(R: Array, m: int) -> Objective:
    """Return half the sum of the squared small eigenvalues of ``R - diag(psi)`` (harman1966).

    At its minimum the diagonal residuals vanish, so it is the sum over the off-diagonal ones.
    """

    def objective(psi: Array) -> tuple[float, Array, Array]:
        values, vectors = np.linalg.eigh(R - np.diag(psi))
        small, large = values[:-m], values[-m:]
        V = vectors[:, :-m]
        weights = np.zeros((len(R), len(R)))
        weights[:-m, :-m] = 1.0
        weights[:-m, -m:] = 2 * small[:, None] / _gap(small, large)
        return float(small @ small) / 2, -(V**2) @ small, _contract(vectors, weights)

    return objective


def _ml_objective(R: Array, m: int) -> Objective:
    """Return the likelihood discrepancy of log uniquenesses (joreskog1967), loadings profiled out.

    With ``t`` the eigenvalues of ``psi^-1/2 R psi^-1/2``: the sum of ``t - log t - 1`` over
    all but the m largest.
    """

    def objective(x: Array) -> tuple[float, Array, Array]:
        root = np.exp(x / 2)
        values, vectors = np.linalg.eigh(R / np.outer(root, root))
        values = np.maximum(values, 1e-300)
        small, large = values[:-m], values[-m:]
        slope = 1 - 1 / small
        V2 = vectors[:, :-m] ** 2
        weights = np.zeros((len(R), len(R)))
        weights[:-m] = slope[:, None] * values / 2
        sums = (small[:, None] + small) ** 2
        weights[:-m, :-m] += sums / (4 * np.outer(small, small))
        weights[:-m, -m:] += (
            slope[:, None] * (small[:, None] + large) ** 2 / (2 * _gap(small, large))
        )
        hessian = _contract(vectors, weights) + np.diag(V2 @ (slope * small)) / 2
        return float((small - np.log(small) - 1).sum()), V2 @ (1 - small), hessian

    return objective


def _gap(small: Array, large: Array) -> Array:
    """Return the differences small - large, kept away from zero."""
    return np.minimum(small[:, None] - large, -1e-8)


def _contract(V: Array, C: Array) -> Array:
    """Return ``H[i, l] = sum_jn C[j, n] V[i, j] V[l, j] V[i, n] V[l, n]`` (k, k), symmetric."""
    k = len(V)
    pairs = (V[:, None, :] * V[None, :, :]).reshape(k * k, k)
    H = ((pairs @ C) * pairs).sum(axis=1).reshape(k, k)
    symmetric: Array = (H + H.T) / 2
    return symmetric


def _newton(
    objective: Objective, start: Array, box: tuple[float, float], unfinished: Unfinished
) -> tuple[Array, int]:
    """Minimise over a box by damped Newton steps on the coordinates that are free.

    A coordinate at a bound whose gradient points outward is held. Damping grows until the
    step lowers the function (levenberg1944).
    """
    low, high = box
    flat = FLAT if unfinished == "raise" else NEARLY_FLAT
    x = np.clip(start, low, high)
    at = objective(x)
    for n_iter in range(1, MAX_NEWTON + 1):
        gradient = at[1]
        free = ~(((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0)))
        steepest = np.abs(gradient[free]).max(initial=0.0)
        if steepest < flat:
            return x, n_iter
        tried = _descend(objective, x, at, free, box)
        if tried is None:
            if steepest < 1e-7:  # no lower value within rounding
                return x, n_iter
            break
        x, at = tried
    if unfinished == "accept":
        return x, MAX_NEWTON
    raise NotConvergedError(
        f"the extraction did not converge in {MAX_NEWTON} steps; ask for fewer factors, "
        "or leave out items that nearly copy each other."
    )


def _descend(
    objective: Objective,
    x: Array,
    at: tuple[float, Array, Array],
    free: np.ndarray,
    box: tuple[float, float],
) -> tuple[Array, tuple[float, Array, Array]] | None:
    """Return a better point and what the objective says there; None when there is none.

    Curvature counts by its size, so that steps lead away from saddles; damping starts at the
    flattest direction, since a Heywood case is reached along a valley floor of next to no slope.
    """
    value, gradient, hessian = at
    roots, V = np.linalg.eigh(hessian[np.ix_(free, free)])
    curvature = np.maximum(np.abs(roots), 1e-12 * max(1.0, roots[-1]))
    along = V.T @ gradient[free]
    reach = (box[1] - box[0]) / 2
    bowl = roots[0] > 0 and np.abs(gradient[free]).max() < 1e-3  # a minimum is near
    noise = (ROUNDING_OF_COPIES if bowl else ROUNDING) * max(1.0, abs(value))
    damping = 0.0
    for _ in range(40):
        step = V @ (along / (curvature + damping))
        new = x.copy()
        new[free] -= step * min(1.0, reach / max(np.abs(step).max(), LOWER))
        new = np.clip(new, *box)
        there = objective(new)
        flatter = np.abs(there[1][free]).max() < np.abs(gradient[free]).max()
        if there[0] < value or (damping == 0 and flatter and there[0] <= value + noise):
            return new, there
        damping = max(4 * damping, curvature.min())
    return None


def _principal_axis(R: Array, m: int, communality: Array) -> tuple[Array, int]:
    """Return the uniquenesses at which the principal axis iteration comes to rest.

    Communalities above ``1 - LOWER`` are held there, as the other methods do.
    """
    diagonal = np.arange(len(R))
    reduced = R.copy()
    for n_iter in range(1, MAX_PAF + 1):
        reduced[diagonal, diagonal] = communality
        values, vectors = np.linalg.eigh(reduced)
        new = np.minimum(vectors[:, -m:] ** 2 @ np.maximum(values[-m:], 0.0), 1 - LOWER)
        change = np.abs(new - communality).max()
        communality = new
        if change < 1e-12:
            return 1 - communality, n_iter
    raise NotConvergedError(
        f"the principal axis iteration did not come to rest in {MAX_PAF} rounds; "
        "use extraction='minres', which solves the same problem, or fewer factors."
    )
