"""Hedges' g with its interval: a difference of means in standard deviations.

The interval inverts the noncentral t distribution: the limits are the noncentralities under
which the t observed stands at the two tails [steiger1997]_, times what turns t into the effect,
times the small-sample correction [hedges1981]_.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from servlab.scales.means import mean_std_error, weighted_mean

Array = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)


def correction(df: float) -> float:
    """Return Hedges' exact correction of the bias of a standardized difference, under 1."""
    if df < 2:
        return float("nan")  # infinite moments: with one degree of freedom nothing corrects
    log = special.gammaln(df / 2) - special.gammaln((df - 1) / 2) - np.log(df / 2) / 2
    return float(np.exp(log))


def noncentral_t_cdf(t: float, df: float, ncp: float) -> float:
    """Return P(T <= t) of the noncentral t distribution.

    The normal probability P(Z <= t u - ncp) is averaged over u = sqrt(chi2 / df) between its
    quantiles, cut where it moves from 0 to 1, so that large t lose no digits.
    """
    low, high = np.sqrt(special.chdtri(df, np.array([1 - 1e-16, 1e-17])) / df)
    cuts = [low, high]
    if t != 0:
        centre, reach = ncp / t, 9 / abs(t)
        cuts += [x for x in (centre - reach, centre + reach) if low < x < high]
    log = np.log(2) + df / 2 * np.log(df / 2) - special.gammaln(df / 2)
    total = 0.0
    for a, b in zip(sorted(cuts)[:-1], sorted(cuts)[1:], strict=True):
        u = (a + b) / 2 + (b - a) / 2 * _NODES
        density = np.exp(log + (df - 1) * np.log(u) - df * u * u / 2)
        total += (b - a) / 2 * float(_WEIGHTS @ (density * special.ndtr(t * u - ncp)))
    return total


def noncentrality_limits(t: float, df: float, conf_level: float) -> tuple[float, float]:
    """Return the two noncentralities that leave (1 - level) / 2 beyond the t observed."""
    tail = (1 - conf_level) / 2
    reach = 8 + 3 * abs(t) / np.sqrt(df) + 3 * float(special.ndtri(1 - tail))

    def limit(p: float) -> float:
        def miss(ncp: float) -> float:
            return noncentral_t_cdf(t, df, ncp) - p

        low, high = t - reach, t + reach
        while miss(low) < 0:
            low -= reach
        while miss(high) > 0:
            high += reach
        return float(optimize.brentq(miss, low, high, xtol=1e-12))

    return limit(1 - tail), limit(tail)


def exact_effect(t: float, df: float, scale: float, conf_level: float) -> tuple[float, ...]:
    """Return Hedges' g = correction * t * scale and its two limits.

    ``scale`` turns t into the standardized difference: the standard error over the standardizer.
    """
    nan = float("nan")
    j = correction(df)
    if not (np.isfinite(t) and np.isfinite(scale) and np.isfinite(j)):
        return nan, nan, nan
    low, high = noncentrality_limits(t, df, conf_level)
    return j * t * scale, j * low * scale, j * high * scale


def pooled_effect(
    means: tuple[float, float], variances: tuple[float, float], sizes: tuple[int, int], level: float
) -> tuple[float, ...]:
    """Return Hedges' g of two groups, over their pooled standard deviation, and its limits."""
    df = sizes[0] + sizes[1] - 2
    nan = float("nan")
    if min(sizes) < 2 or df < 2:
        return nan, nan, nan
    pooled = ((sizes[0] - 1) * variances[0] + (sizes[1] - 1) * variances[1]) / df
    if not pooled > 0:
        return nan, nan, nan
    scale = float(np.sqrt(1 / sizes[0] + 1 / sizes[1]))
    t = (means[0] - means[1]) / (np.sqrt(pooled) * scale)
    return exact_effect(float(t), df, scale, level)


def linearized_effect(
    differences: Array, spread: Array, weights: Array, conf_level: float
) -> tuple[float, ...]:
    """Return Hedges' g under probability weights and its limits, by the linearized ratio.

    ``differences`` (n,) over the root of the mean weighted variance of the columns of
    ``spread`` (n, c). The interval is t with n - 1 degrees of freedom.
    """
    n = len(differences)
    nan = float("nan")
    if n < 3:
        return nan, nan, nan
    shares = weights / weights.sum()
    squares = ((spread - shares @ spread) ** 2).mean(axis=1) * n / (n - 1)
    variance = float(shares @ squares)
    if not variance > 0:
        return nan, nan, nan
    j, mean = correction(n - 1), weighted_mean(differences, weights)
    root = np.sqrt(variance)
    influence = (differences - mean) / root - mean / (2 * root**3) * (squares - variance)
    g = float(j * mean / root)
    half = float(stats.t.isf((1 - conf_level) / 2, n - 1)) * j * mean_std_error(influence, weights)
    return g, g - half, g + half
