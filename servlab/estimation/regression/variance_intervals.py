"""How surely variances between groups are known: intervals of a multilevel model's variances.

Random intercepts: the values that the (restricted) likelihood does not reject, which may reach 0.
Random slopes: normal intervals of log variances, of Fisher's z of correlations and of the logit of
the intraclass correlation, from the observed information; none where the fit is singular.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from servlab.estimation.regression.random_intercepts import Summaries, best_ratio, deviance, solve
from servlab.estimation.regression.random_slopes import RandomSlopes

Array = NDArray[np.float64]
Limits = tuple[float, float]

NONE: Limits = (float("nan"), float("nan"))


def profile_limits(s: Summaries, conf_level: float) -> dict[str, Limits]:
    """Return the likelihood limits of ``between``, ``within`` and ``icc`` of random intercepts."""
    lam = best_ratio(s)
    within = solve(s, lam)[2] / s.df
    cut = deviance(s, lam) + float(stats.chi2.ppf(conf_level, 1))

    def at_ratio(ratio: float) -> float:
        return deviance(s, ratio) - cut

    def at_between(between: float) -> float:
        if between == 0:
            return at_ratio(0.0)
        return _least(lambda ratio: _joint(s, ratio, between / ratio), between / within) - cut

    def at_within(value: float) -> float:
        inner = _least(lambda ratio: _joint(s, ratio, value), max(lam, 1e-6))
        return min(inner, _joint(s, 0.0, value)) - cut

    ratios = _limits(at_ratio, lam, 1 / float(s.size.max()))
    return {
        "icc": (_share(ratios[0]), _share(ratios[1])),
        "between": _limits(at_between, lam * within, within / float(s.size.max())),
        "within": _limits(at_within, within, within),
    }


def _share(ratio: float) -> float:
    """Return ratio / (1 + ratio)."""
    return 1.0 if np.isinf(ratio) else ratio / (1 + ratio)


def _joint(s: Summaries, ratio: float, within: float) -> float:
    """Return the deviance at a ratio and a residual variance of its own."""
    scale = solve(s, ratio)[2] / s.df / within
    return deviance(s, ratio) + s.df * float(scale - 1 - np.log(scale))


def _least(f: Callable[[float], float], start: float) -> float:
    """Return the least value of f over the ratio, searched on its logarithm around a start."""
    around = (np.log(start) - 4, np.log(start) + 4)
    found = optimize.minimize_scalar(
        lambda t: f(float(np.exp(t))), bounds=around, method="bounded", options={"xatol": 1e-9}
    )
    return float(found.fun)


def _limits(f: Callable[[float], float], best: float, unit: float) -> Limits:
    """Return where f, negative at its best value, crosses zero below and above."""
    low = 0.0
    step = best / 2
    while step > 1e-12 * unit and f(step) < 0:
        step /= 2
    if step > 1e-12 * unit:
        low = optimize.brentq(f, step, min(2 * step, best), xtol=1e-300, rtol=1e-11)
    high = max(2 * best, unit)
    while f(high) < 0:
        high *= 2
        if high > 1e12 * max(best, unit):
            return low, float("inf")
    return low, optimize.brentq(f, max(best, high / 2 if high > unit else 0.0), high, rtol=1e-11)


def normal_limits(fit: RandomSlopes, conf_level: float) -> tuple[Array, Array, Array]:
    """Return limits of variances (q + 1, 2) with the residual's last, and of correlations.

    The correlations' are (q, q) arrays of lower and of upper limits.
    """
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    q = len(fit.random_cov)
    variances = np.append(np.diag(fit.random_cov), fit.within)
    slopes = np.column_stack([*fit.slopes_random[:, range(q), range(q)].T, fit.slopes_within])
    half = z * _std_errors(slopes, fit.cov_free) / variances
    logs = np.column_stack([np.log(variances) - half, np.log(variances) + half])
    sd = np.sqrt(variances[:q])
    cor = fit.random_cov / np.outer(sd, sd)
    relative = slopes[:, :q] / variances[:q] / 2
    d_cor = fit.slopes_random / np.outer(sd, sd) - cor * (
        relative[:, :, None] + relative[:, None, :]
    )
    errors = np.sqrt(np.maximum(np.einsum("mij,mk,kij->ij", d_cor, fit.cov_free, d_cor), 0))
    off = np.where(np.eye(q) == 1, 0.0, cor)
    width = z * errors / (1 - off**2)
    return np.exp(logs), np.tanh(np.arctanh(off) - width), np.tanh(np.arctanh(off) + width)


def icc_limits(fit: RandomSlopes, mean_square: Array, conf_level: float) -> Limits:
    """Return limits of the share of random variance, tr(Omega M) over itself and the residual."""
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    random = float(np.sum(fit.random_cov * mean_square))
    slopes = np.einsum("mij,ij->m", fit.slopes_random, mean_square) / random
    slopes = slopes - fit.slopes_within / fit.within
    half = z * float(_std_errors(slopes[:, None], fit.cov_free)[0])
    logit = np.log(random / fit.within)
    return float(1 / (1 + np.exp(half - logit))), float(1 / (1 + np.exp(-half - logit)))


def _std_errors(slopes: Array, cov: Array) -> Array:
    """Return the delta method's standard errors of functions with (m, k) derivatives."""
    return np.asarray(np.sqrt(np.einsum("mk,mn,nk->k", slopes, cov, slopes)))
