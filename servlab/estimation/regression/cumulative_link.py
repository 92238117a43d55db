"""The likelihood of ordered answers, its slope and curvature, and the search for its top.

A cumulative link model says P(Y <= j) = F(theta_j - x'b) [mccullagh1980]_, with F logistic
(proportional odds) or normal (ordered probit); two categories are binary regression. The
log-likelihood is concave in (theta, b) for both [pratt1981]_, so Newton's method with halved
steps finds its top whenever there is one. Symbols: ``k`` (n,) category codes 0..J-1, ``X``
(n, p) predictors without a constant, ``w`` (n,) weights, ``theta`` (J - 1,), ``b`` (p,);
parameters are stacked thresholds first.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from servlab.core.errors import NotConvergedError
from servlab.core.linalg import Array

Link = Literal["logit", "probit"]
Codes = NDArray[np.int64]

MOST_STEPS = 60
GRADIENT = 1e-9  # largest slope of the mean log-likelihood, in standardized predictors
TINY = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class CumulativeFit:
    """The top of a cumulative link likelihood.

    Attributes
    ----------
    theta : ndarray
        (J - 1,) thresholds.
    b : ndarray
        (p,) slopes.
    loglik : float
        Weighted log-likelihood.
    scores : ndarray
        (n, J - 1 + p) slope of each row's log-likelihood, without its weight.
    information : ndarray
        (J - 1 + p, J - 1 + p) observed information, weighted.
    """

    theta: Array
    b: Array
    loglik: float
    scores: Array
    information: Array


def cdf(x: Array, link: Link) -> Array:
    """Return F(x)."""
    return np.asarray(special.expit(x) if link == "logit" else special.ndtr(x))


def pdf(x: Array, link: Link) -> Array:
    """Return f(x) = F'(x)."""
    if link == "probit":
        return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))
    return np.asarray(special.expit(x) * special.expit(-x))


def pdf_slope(x: Array, link: Link) -> Array:
    """Return f'(x); zero at infinity."""
    if link == "probit":
        return -np.where(np.isinf(x), 0.0, x) * pdf(x, link)
    return np.asarray(pdf(x, link) * (1 - 2 * special.expit(x)))


def category_probs(theta: Array, eta: Array, link: Link) -> Array:
    """Return (n, J) probabilities of the categories for linear predictors ``eta`` (n,)."""
    below = cdf(theta - eta[:, None], link)
    edges = np.zeros((len(eta), 1))
    return np.diff(np.hstack([edges, below, edges + 1]), axis=1)


def _between(low: Array, high: Array, link: Link) -> Array:
    """Return F(high) - F(low), taken from the nearer tail so that no digits are lost."""
    turn = low > 0
    first, second = np.where(turn, -high, low), np.where(turn, -low, high)
    return np.maximum(cdf(second, link) - cdf(first, link), TINY)


def _limits(theta: Array, b: Array, k: Codes, X: Array) -> tuple[Array, Array]:
    """Return (n,) lower and upper limits of each row's latent answer."""
    ends = np.concatenate([[-np.inf], theta, [np.inf]])
    eta = X @ b
    return ends[k] - eta, ends[k + 1] - eta


def _loglik(theta: Array, b: Array, k: Codes, X: Array, w: Array, link: Link) -> float:
    if np.any(np.diff(theta) <= 0):
        return -np.inf
    low, high = _limits(theta, b, k, X)
    return float(w @ np.log(_between(low, high, link)))


def _slopes(
    theta: Array, b: Array, k: Codes, X: Array, w: Array, link: Link
) -> tuple[Array, Array]:
    """Return (n, q) unweighted scores and the (q, q) weighted information."""
    low, high = _limits(theta, b, k, X)
    P = _between(low, high, link)
    g_low, g_high = -pdf(low, link) / P, pdf(high, link) / P
    # second derivatives of log P by the upper limit, the lower limit, and both
    d_high = pdf_slope(high, link) / P - g_high**2
    d_low = -pdf_slope(low, link) / P - g_low**2
    d_both = -g_high * g_low
    J, n = len(theta) + 1, len(k)
    at_high = np.zeros((n, J + 1))
    at_low = np.zeros((n, J + 1))
    rows = np.arange(n)
    at_high[rows, k + 1] = 1.0
    at_low[rows, k] = 1.0
    A, B = at_high[:, 1:J], at_low[:, 1:J]
    scores = np.hstack([A * g_high[:, None] + B * g_low[:, None], -X * (g_high + g_low)[:, None]])
    tt = (A * (w * d_high)[:, None]).T @ A + (B * (w * d_low)[:, None]).T @ B
    cross = (A * (w * d_both)[:, None]).T @ B
    tt += cross + cross.T
    tb = -((A * (w * (d_high + d_both))[:, None]) + B * (w * (d_low + d_both))[:, None]).T @ X
    bb = (X * (w * (d_high + d_low + 2 * d_both))[:, None]).T @ X
    return scores, -np.block([[tt, tb], [tb.T, bb]])


def start_thresholds(k: Codes, w: Array, link: Link) -> Array:
    """Return the thresholds of a model without predictors: the quantiles of the shares."""
    shares = np.bincount(k, weights=w) / w.sum()
    below = np.cumsum(shares)[:-1]
    return np.asarray(special.logit(below) if link == "logit" else special.ndtri(below))


def null_loglik(k: Codes, w: Array) -> float:
    """Return the log-likelihood of thresholds alone."""
    counts = np.bincount(k, weights=w)
    return float(special.xlogy(counts, counts / counts.sum()).sum())


def fit_cumulative(k: Codes, X: Array, w: Array, link: Link) -> CumulativeFit:
    """Return the maximum likelihood estimate, or raise ``NotConvergedError``.

    The search runs on standardized predictors and its estimates are moved back at the end.
    """
    centre, spread = X.mean(axis=0), X.std(axis=0)
    spread[spread == 0] = 1.0
    Z = (X - centre) / spread
    total, J = w.sum(), int(k.max()) + 1
    theta, b = start_thresholds(k, w, link), np.zeros(X.shape[1])
    value = _loglik(theta, b, k, Z, w, link)
    for _ in range(MOST_STEPS):
        scores, information = _slopes(theta, b, k, Z, w, link)
        gradient = w @ scores
        step = _newton_step(information, gradient)
        size, better = 1.0, value
        for _ in range(40):
            new_theta, new_b = theta + size * step[: J - 1], b + size * step[J - 1 :]
            better = _loglik(new_theta, new_b, k, Z, w, link)
            if better >= value - 1e-12 * abs(value):
                break
            size /= 2
        else:
            break
        theta, b, value = new_theta, new_b, better
        if np.abs(gradient).max() / total < GRADIENT and np.abs(size * step).max() < 1e-9:
            break
    scores, information = _slopes(theta, b, k, Z, w, link)
    if np.abs(w @ scores).max() / total > 1e3 * GRADIENT:
        raise NotConvergedError(
            f"the likelihood of the ordered answers had no top after {MOST_STEPS} steps; use fewer "
            "predictors or merge rare categories."
        )
    return _moved_back(theta, b, centre, spread, k, X, w, link)


def _newton_step(information: Array, gradient: Array) -> Array:
    """Return Newton's step; with a ridge where the information is singular to the last digits."""
    try:
        return np.asarray(np.linalg.solve(information, gradient), dtype=float)
    except np.linalg.LinAlgError:
        ridge = 1e-10 * np.trace(information) * np.eye(len(gradient))
        return np.asarray(np.linalg.solve(information + ridge, gradient), dtype=float)


def _moved_back(
    theta: Array, b: Array, centre: Array, spread: Array, k: Codes, X: Array, w: Array, link: Link
) -> CumulativeFit:
    """Return the fit in the units of the predictors as they came."""
    slopes = b / spread
    theta = theta + centre @ slopes
    scores, information = _slopes(theta, slopes, k, X, w, link)
    return CumulativeFit(theta, slopes, _loglik(theta, slopes, k, X, w, link), scores, information)
