"""How likely is a t test to find what is there? Power, and the n at which it is reached."""

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from servlab.core.errors import ModelError


def t_power(noncentrality: float, df: float, error: float) -> float:
    """Return the power of the two-sided t test, both tails."""
    critical = stats.t.isf(error / 2, df)
    upper = stats.nct.sf(critical, df, noncentrality)
    lower = stats.nct.cdf(-critical, df, noncentrality)
    # far tails of scipy's noncentral t are NaN where they are nothing
    return float(np.nan_to_num(upper, nan=1.0) + np.nan_to_num(lower, nan=0.0))


def smallest_n(reached: Callable[[float], float], power: float, smallest: float = 2.0) -> float:
    """Return the n, not rounded, at which the power is reached."""
    if reached(smallest) >= power:
        return smallest
    high = smallest * 2
    while reached(high) < power:
        high *= 2
        if high > 1e10:
            raise ModelError(
                "over ten billion respondents would be needed; detect is too small for std_dev."
            )
    return float(optimize.brentq(lambda n: reached(n) - power, high / 2, high, xtol=1e-8))
