"""How surely did a mean change between independent samples? Kernels over summaries of waves.

One form serves plain and weighted waves: the difference of two independent means, its variance the
sum of theirs, t with Welch and Satterthwaite's degrees of freedom [welch1947]_. Without weights
this is Welch's test; under weights the variances are the linearized ones of survey sampling.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

TESTED = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")
NAN = float("nan")


def contrast_test(
    coefficients: Array, means: Array, std_errors: Array, dfs: Array, conf_level: float
) -> dict[str, float]:
    """Return a contrast of (k,) independent means with its t test and interval.

    d = sum c m, variance sum c^2 s^2, degrees of freedom (sum c^2 s^2)^2 / sum (c^2 s^2)^2 / f.
    The test is NaN where a mean has no standard error, or none of them varies.
    """
    estimate = float(coefficients @ means)
    parts = coefficients**2 * std_errors**2
    variance = float(parts.sum())
    tiny = (1e-12 * float(np.abs(means).max())) ** 2  # equal answers leave rounding, no spread
    if not variance > tiny:  # or a wave of one respondent (NaN)
        return dict.fromkeys(TESTED, NAN) | {"estimate": estimate}
    spread = np.sqrt(variance)
    df = variance**2 / float((parts[parts > 0] ** 2 / dfs[parts > 0]).sum())
    half = stats.t.isf((1 - conf_level) / 2, df) * spread
    t = estimate / spread
    values = (estimate, spread, t, df, 2 * stats.t.sf(abs(t), df), estimate - half, estimate + half)
    return {name: float(value) for name, value in zip(TESTED, values, strict=True)}


def hedges_g(difference: float, spreads: Sequence[float], ns: Sequence[int]) -> float:
    """Return a difference in pooled standard deviations, Hedges' small-sample factor applied.

    J = 1 - 3 / (4 m - 1) with m = n1 + n2 - 2 [hedges1981]_.
    """
    m = sum(ns) - 2
    if m < 1 or any(n < 2 for n in ns):
        return NAN
    pooled = np.sqrt(sum((n - 1) * s**2 for n, s in zip(ns, spreads, strict=True)) / m)
    return float((1 - 3 / (4 * m - 1)) * difference / pooled) if pooled > 0 else NAN


def trend_coefficients(positions: Array) -> Array:
    """Return (k,) coefficients c with sum c m the least squares slope of k means on positions."""
    centred = positions - positions.mean()
    return np.asarray(centred / (centred @ centred))
