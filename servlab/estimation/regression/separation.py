"""Do predictors foretell an answer without error, so that no finite estimate exists?

Under complete or quasi-complete separation the likelihood rises for ever along a direction of the
coefficients [albert1984]_. A linear program finds that direction or proves that there is none
[konis2007]_; in ordered categories each row gives one constraint a threshold beside it. The
program runs only when the fit itself looks as if it fled: it costs more than the fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from servlab.core.errors import NotConvergedError, SeparationError
from servlab.core.linalg import Array, smallest_eigenvalue
from servlab.estimation.regression.cumulative_link import Codes

# A fit is suspected when a standardized slope is this steep, or the mean information of the
# standardized slopes this flat in some direction. Suspicion costs a linear program, nothing else.
FAR = 12.0
FLAT = 1e-5

Bound = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """A direction along which the likelihood rises for ever.

    Attributes
    ----------
    columns : tuple of int
        The predictors that are part of it.
    complete : bool
        Whether every row is foretold (complete), or some only (quasi-complete).
    """

    columns: tuple[int, ...]
    complete: bool


def suspected(theta: Array, b: Array, X: Array, information: Array) -> bool:
    """Return whether a fit looks as if its estimates had fled to infinity."""
    if not X.shape[1]:
        return False
    spread = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    if np.abs(b * spread).max() > FAR:
        return True
    m = len(theta)
    scale = np.concatenate([np.ones(m), 1 / spread])
    scaled = information * np.outer(scale, scale)
    tt, tb, bb = scaled[:m, :m], scaled[:m, m:], scaled[m:, m:]
    own = bb - tb.T @ np.linalg.lstsq(tt, tb, rcond=None)[0]
    return smallest_eigenvalue(own) < FLAT * len(X)


def find_separation(k: Codes, X: Array) -> Separation | None:
    """Return the direction that separates the categories, or None; a single predictor first."""
    Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    whole = _direction(k, Z)
    if whole is None:
        return None
    singles = [
        j
        for j in np.flatnonzero(np.abs(whole.direction) > 1e-7)
        if _direction(k, Z[:, [j]]) is not None
    ]
    columns = singles or np.flatnonzero(np.abs(whole.direction) > 1e-7).tolist()
    return Separation(tuple(int(j) for j in columns), whole.complete)


@dataclass(frozen=True, slots=True, eq=False)
class _Direction:
    direction: Array
    complete: bool


def _direction(k: Codes, Z: Array) -> _Direction | None:
    """Return a direction of recession of the likelihood, by linear programming.

    Unknowns are moves t (J - 1,) of the thresholds and d (p,) of the slopes in [-1, 1]; each row
    needs t_k - z'd >= 0 (but in the top category) and z'd - t_(k-1) >= 0 (but in the lowest).
    """
    J, p = int(k.max()) + 1, Z.shape[1]
    pairs = np.unique(np.column_stack([k, Z]), axis=0)
    codes, rows = pairs[:, 0].astype(np.int64), pairs[:, 1:]
    upper, lower = codes < J - 1, codes > 0
    high = np.zeros((int(upper.sum()), J - 1 + p))
    high[np.arange(len(high)), codes[upper]] = 1.0
    high[:, J - 1 :] = -rows[upper]
    low = np.zeros((int(lower.sum()), J - 1 + p))
    low[np.arange(len(low)), codes[lower] - 1] = -1.0
    low[:, J - 1 :] = rows[lower]
    A = np.vstack([high, low])
    bounds: list[Bound] = [*[(None, None)] * (J - 1), *[(-1.0, 1.0)] * p]
    best = _solve(-A.sum(axis=0), -A, bounds)
    if (A @ best).sum() <= 1e-6 or np.abs(best[J - 1 :]).max() <= 1e-7:
        return None
    # complete: some direction leaves every row a margin m > 0
    with_margin = np.hstack([-A, np.ones((len(A), 1))])
    goal = np.concatenate([np.zeros(J - 1 + p), [-1.0]])
    margin = _solve(goal, with_margin, [*bounds, (0.0, 1.0)])[-1]
    return _Direction(best[J - 1 :], bool(margin > 1e-7))


def _solve(goal: Array, A: Array, bounds: list[Bound]) -> Array:
    """Return the x that minimises ``goal`` under A x <= 0 and the bounds."""
    found = optimize.linprog(goal, A_ub=A, b_ub=np.zeros(len(A)), bounds=bounds)
    if found.status != 0:
        raise NotConvergedError(
            "the estimates fled and the linear program that looks for separation did not end; "
            "use fewer predictors or merge rare categories."
        )
    return np.asarray(found.x, dtype=float)


def refuse_separation(
    k: Codes, X: Array, labels: Sequence[str], outcome: str, *, cut: float | None = None
) -> None:
    """Raise ``SeparationError`` naming the predictors that separate the outcome."""
    found = find_separation(k, X)
    if found is None:
        return
    names = ", ".join(repr(labels[j]) for j in found.columns)
    kind = "complete" if found.complete else "quasi-complete"
    what = "every answer" if found.complete else "some answers"
    verb = "foretells" if len(found.columns) == 1 else "foretell"
    where = "" if cut is None else f" at the cut point above {cut:g}"
    raise SeparationError(
        f"{kind} separation{where}: {names} {verb} {what} of {outcome!r} "
        f"without error, so no finite estimate exists; leave the predictor out, or "
        "merge its rare categories or the outcome's.",
        predictors=tuple(labels[j] for j in found.columns),
        outcome=outcome,
        complete=found.complete,
        cut=cut,
    )
