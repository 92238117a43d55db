"""How much branches differ, and by how much each: a random intercept for every group.

The likelihood is profiled to one unknown, the ratio of the variances between and within groups.
After one pass over the rows it needs each group's size and means only, so a fit costs the same for
a thousand and for a million respondents. Symbols: ``X`` (n, p) design, ``lam`` the ratio
between / within, ``V = I + lam Z Z'``, ``a`` (G,) the weight n_g / (1 + n_g lam) of a group's mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from servlab.core.brief import brief
from servlab.core.errors import ModelError

Array = NDArray[np.float64]

# Starting grid of ratios; the profile may have two minima, so each bracket of it is searched.
_GRID = np.concatenate([[0.0], np.logspace(-8, 8, 33)])


@brief
@dataclass(frozen=True, slots=True, eq=False)
class RandomIntercepts:
    """A fitted linear model with a random intercept for each group.

    Attributes
    ----------
    beta : (p,) array
        Fixed effects.
    cov_beta : (p, p) array
        Their covariance, given the variances.
    between, within : float
        Variance of the intercepts and of the residuals.
    effects : (G,) array
        Predicted intercept of each group less the fixed part (BLUP).
    effects_sd : (G,) array
        Conditional standard deviation given beta, as lme4's ``condVar``.
    effects_se : (G,) array
        Standard error of prediction, with the uncertainty of beta.
    loglik : float
        Log-likelihood, restricted where ``reml``.
    boundary : bool
        Whether the likelihood is highest where groups do not differ at all: ``between`` is then 0.
    """

    beta: Array
    cov_beta: Array
    between: float
    within: float
    effects: Array
    effects_sd: Array
    effects_se: Array
    loglik: float
    boundary: bool


@dataclass(frozen=True, slots=True, eq=False)
class Summaries:
    """What the likelihood needs of the rows: sums within groups and means of groups.

    ``X`` is orthonormalised (``X = Q R``) and ``y`` replaced by its least squares residual, so that
    nothing large cancels: ``size`` (G,), ``Q_mean`` (G, p), ``e_mean`` (G,), the products within
    groups ``QQ`` (p, p), ``Qe`` (p,), ``ee``, and ``R`` (p, p), ``b`` (p,) to go back.
    """

    size: Array
    Q_mean: Array
    e_mean: Array
    QQ: Array
    Qe: Array
    ee: float
    R: Array
    b: Array
    n: int
    reml: bool

    @property
    def df(self) -> int:
        """Return the divisor of the residual variance: n - p under REML, n under ML."""
        return self.n - (len(self.b) if self.reml else 0)


def fit_random_intercepts(
    y: Array, X: Array, group: NDArray[np.integer], *, reml: bool = True
) -> RandomIntercepts:
    """Fit y = X beta + u[group] + e by (restricted) maximum likelihood.

    Parameters
    ----------
    y : (n,) array
        Outcome.
    X : (n, p) array
        Design of full column rank, with its constant column.
    group : (n,) integer array
        Codes 0 to G - 1.
    reml : bool
        Whether to maximize the restricted likelihood [bates2015]_.

    Returns
    -------
    RandomIntercepts

    Raises
    ------
    ModelError
        For fewer than two groups, groups of one row only, columns that depend on each other, no
        more rows than columns, or an outcome that does not vary within groups.
    """
    s = summarize(y, X, group, reml)
    lam = best_ratio(s)
    delta, A, rss = solve(s, lam)
    within = rss / s.df
    back = np.linalg.solve(s.R, np.eye(len(s.b)))
    cov_delta = within * np.linalg.solve(A, np.eye(len(s.b)))
    shrink = lam * s.size / (1 + lam * s.size)
    conditional = within * lam / (1 + lam * s.size)
    of_beta = shrink**2 * np.einsum("gp,pq,gq->g", s.Q_mean, cov_delta, s.Q_mean)
    return RandomIntercepts(
        beta=s.b + back @ delta,
        cov_beta=back @ cov_delta @ back.T,
        between=within * lam,
        within=within,
        effects=shrink * (s.e_mean - s.Q_mean @ delta),
        effects_sd=np.sqrt(conditional),
        effects_se=np.sqrt(conditional + of_beta),
        loglik=-deviance(s, lam) / 2,
        boundary=lam == 0,
    )


def summarize(y: Array, X: Array, group: NDArray[np.integer], reml: bool) -> Summaries:
    """Return the summaries of the rows, or raise where there is no answer."""
    n, p = X.shape
    counts = np.bincount(group)
    if np.count_nonzero(counts) < 2:
        raise ModelError("a random intercept needs at least two groups; got one.")
    if n <= p or counts.max() < 2:
        raise ModelError(
            f"{n} rows in {len(counts)} groups cannot tell differences between groups from those "
            "within; at least one group needs two rows, and the rows must outnumber the columns."
        )
    Q, R = np.linalg.qr(X)
    if (np.abs(np.diag(R)) <= 1e-10 * np.linalg.norm(X, axis=0)).any():
        raise ModelError("columns of the design depend on each other exactly; leave one out.")
    b = np.linalg.solve(R, Q.T @ y)
    rows = np.column_stack([Q, y - X @ b])
    sums = np.column_stack([np.bincount(group, column, len(counts)) for column in rows.T])
    means = sums / np.maximum(counts, 1)[:, None]
    inside = rows - means[group]
    products = inside.T @ inside
    of_groups = int((np.linalg.eigvalsh(products[:p, :p]) < 1e-10).sum())  # intercept included
    if np.count_nonzero(counts) <= of_groups:
        raise ModelError(
            f"{np.count_nonzero(counts)} groups cannot tell {of_groups} coefficients of predictors "
            "that are constant within groups (the intercept counted) from the groups' variance; "
            "leave out a predictor of groups."
        )
    slopes = np.linalg.pinv(products[:p, :p], rcond=1e-10) @ products[:p, p]
    left = inside[:, p] - inside[:, :p] @ slopes
    if float(left @ left) <= 1e-20 * float(y @ y):
        raise ModelError(
            "the outcome does not vary within groups but for the predictors; nothing is left to "
            "tell chance from differences between groups."
        )
    return Summaries(
        size=counts.astype(float),
        Q_mean=means[:, :p],
        e_mean=means[:, p],
        QQ=products[:p, :p],
        Qe=products[:p, p],
        ee=float(products[p, p]),
        R=R,
        b=b,
        n=n,
        reml=reml,
    )


def solve(s: Summaries, lam: float) -> tuple[Array, Array, float]:
    """Return the shift of the coefficients, Q' V^-1 Q (p, p) and the weighted residual sum."""
    a = s.size / (1 + lam * s.size)
    A = s.QQ + (s.Q_mean.T * a) @ s.Q_mean
    c = s.Qe + s.Q_mean.T @ (a * s.e_mean)
    delta: Array = np.asarray(np.linalg.solve(A, c), dtype=np.float64)
    return delta, A, s.ee + float(a @ s.e_mean**2) - float(c @ delta)


def deviance(s: Summaries, lam: float) -> float:
    """Return -2 log (restricted) likelihood, profiled to the ratio (Bates et al., 2015, eq. 34)."""
    _, A, rss = solve(s, lam)
    value = s.df * (1 + np.log(2 * np.pi * rss / s.df)) + np.log1p(lam * s.size).sum()
    if s.reml:
        value += np.linalg.slogdet(A)[1] + 2 * np.log(np.abs(np.diag(s.R))).sum()
    return float(value)


def slope(s: Summaries, lam: float) -> float:
    """Return the derivative of the profiled deviance in the ratio."""
    delta, A, rss = solve(s, lam)
    a = s.size / (1 + lam * s.size)
    value = a.sum() - s.df / rss * float(a**2 @ (s.e_mean - s.Q_mean @ delta) ** 2)
    if s.reml:
        value -= float(np.trace(np.linalg.solve(A, (s.Q_mean.T * a**2) @ s.Q_mean)))
    return float(value)


def best_ratio(s: Summaries) -> float:
    """Return the ratio of least deviance; exactly 0 where no difference between groups is best."""
    slopes = np.array([slope(s, lam) for lam in _GRID])
    found = [0.0] if slopes[0] >= 0 else []
    for j in np.flatnonzero((slopes[:-1] < 0) & (slopes[1:] >= 0)):
        low, high = float(_GRID[j]), float(_GRID[j + 1])
        found.append(optimize.brentq(lambda lam: slope(s, lam), low, high, xtol=1e-300, rtol=1e-14))
    if not found:
        raise ModelError("the outcome hardly varies within groups; there is nothing to compare.")
    return min(found, key=lambda lam: deviance(s, lam))
