"""Do several groups differ at all? Welch's, the classical, the rank and the design-based test.

Every function takes the scores of the groups as a list of arrays and returns an ``Omnibus``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from servlab.estimation.comparison.paired import rounded
from servlab.scales.means import weighted_mean

Array = NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Omnibus:
    """A test of several groups: statistic, its degrees of freedom, p and effect size.

    ``df_residual`` is NaN where the statistic is a chi-square.
    """

    statistic: float = NAN
    df: float = NAN
    df_residual: float = NAN
    p_value: float = NAN
    effect_size: float = NAN


def welch_test(groups: list[Array]) -> Omnibus:
    """Return Welch's test of two or more means, whose variances may differ [welch1951]_.

    NaN where a group does not vary. The effect is omega squared (see ``omega_squared``).
    """
    n = np.array([len(g) for g in groups], dtype=float)
    variances = np.array([g.var(ddof=1) for g in groups])
    if min(np.ptp(g) for g in groups) < 1e-9:
        return Omnibus()
    means = np.array([g.mean() for g in groups])
    w = n / variances
    k = len(groups)
    centre = (w @ means) / w.sum()
    spread = ((1 - w / w.sum()) ** 2 / (n - 1)).sum()
    between = (w @ (means - centre) ** 2) / (k - 1)
    f = float(between / (1 + 2 * (k - 2) / (k**2 - 1) * spread))
    df2 = float((k**2 - 1) / (3 * spread))
    return Omnibus(f, k - 1, df2, float(stats.f.sf(f, k - 1, df2)), omega_squared(f, k, n.sum()))


def anova(groups: list[Array]) -> Omnibus:
    """Return the classical F test, which presumes equal variances; NaN without any spread."""
    n, k = sum(len(g) for g in groups), len(groups)
    means = np.array([g.mean() for g in groups])
    sizes = np.array([len(g) for g in groups])
    within = float(sum(((g - m) ** 2).sum() for g, m in zip(groups, means, strict=True)))
    if within < 1e-12 or n <= k:
        return Omnibus()
    centre = sizes @ means / n
    f = float(sizes @ (means - centre) ** 2 / (k - 1) / (within / (n - k)))
    return Omnibus(f, k - 1, n - k, float(stats.f.sf(f, k - 1, n - k)), omega_squared(f, k, n))


def omega_squared(f: float, k: int, n: float) -> float:
    """Return omega squared of an F with k - 1 degrees of freedom; negative where F is under 1.

    df (F - 1) / (df (F - 1) + n): for the classical F the share of variance that groups explain
    in the population, for Welch's the same of means weighed by their precision [carroll1975]_.
    """
    gain = (k - 1) * (f - 1)
    return float(gain / (gain + n))


def mean_ranks(groups: list[Array]) -> tuple[Array, float]:
    """Return each group's mean rank among all, and the variance of a rank under ties."""
    x = rounded(np.concatenate(groups))
    ranks = stats.rankdata(x)
    n = len(x)
    _, ties = np.unique(x, return_counts=True)
    variance = n * (n + 1) / 12 - float((ties.astype(float) ** 3 - ties).sum()) / (12 * (n - 1))
    ends = np.cumsum([len(g) for g in groups])[:-1]
    return np.array([part.mean() for part in np.split(ranks, ends)]), variance


def kruskal_wallis(groups: list[Array]) -> Omnibus:
    """Return Kruskal and Wallis's H under ties; its effect is epsilon squared, H / (n - 1)."""
    means, variance = mean_ranks(groups)
    if not variance > 0:
        return Omnibus()
    sizes = np.array([len(g) for g in groups])
    n, k = int(sizes.sum()), len(groups)
    h = float(sizes @ (means - (n + 1) / 2) ** 2 / variance)
    return Omnibus(h, k - 1, NAN, float(stats.chi2.sf(h, k - 1)), h / (n - 1))


def domain_variances(groups: list[Array], weights: list[Array]) -> tuple[Array, Array]:
    """Return the weighted mean of each group and its linearized variance within one design.

    Groups are domains of one sample, so the factor is n / (n - 1) of all its rows, and their
    means are uncorrelated.
    """
    n = sum(len(g) for g in groups)
    means = np.array([weighted_mean(x, w) for x, w in zip(groups, weights, strict=True)])
    parts = zip(groups, weights, means, strict=True)
    squares = [float((((w / w.sum()) * (x - m)) ** 2).sum()) for x, w, m in parts]
    return means, n / (n - 1) * np.array(squares)


def design_test(groups: list[Array], weights: list[Array]) -> Omnibus:
    """Return the Wald F test of equal weighted means, with n - k degrees of freedom.

    That of R's ``regTermTest(svyglm(y ~ group, design), ~group)`` [lumley2004]_.
    """
    if min(np.ptp(g) for g in groups) < 1e-9:
        return Omnibus()
    means, variances = domain_variances(groups, weights)
    n, k = sum(len(g) for g in groups), len(groups)
    precision = 1 / variances
    centre = precision @ means / precision.sum()
    f = float(precision @ (means - centre) ** 2 / (k - 1))
    return Omnibus(f, k - 1, n - k, float(stats.f.sf(f, k - 1, n - k)))


def design_rank_test(groups: list[Array], weights: list[Array]) -> Omnibus:
    """Return the design-based rank test: the Wald F of estimated population ranks [lumley2013]_.

    Ties share the middle of their mass, whatever their order in the file (R's ``svyranktest``,
    which agrees without ties, averages by that order).
    """
    x, w = rounded(np.concatenate(groups)), np.concatenate(weights)
    values, place = np.unique(x, return_inverse=True)
    mass = np.bincount(place, weights=w, minlength=len(values))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    ends = np.cumsum([len(g) for g in groups])[:-1]
    return design_test(np.split(middle[place], ends), weights)
