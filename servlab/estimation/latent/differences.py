"""Is a restricted model worse than the one it is nested in? Chi-square difference tests.

Functions take numbers. A scaled statistic cannot be subtracted from another one; the difference
of the normal-theory statistics is scaled by a factor of its own (satorra2001).
"""

import math
from dataclasses import dataclass

from servlab.estimation.latent.fit_indices import FitTest, tail

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Difference:
    """A chi-square difference test.

    Attributes
    ----------
    chi2, df, p_value : float, int, float
        NaN statistic where its scaling factor is not positive (``satorra2010`` then applies).
    scaling : float
        What the difference of the normal-theory statistics was divided by; 1 without scaling.
    """

    chi2: float
    df: int
    p_value: float
    scaling: float


def plain_difference(restricted: FitTest, free: FitTest) -> Difference:
    """Return the likelihood-ratio test of nested models."""
    return _difference(restricted, free, 1.0)


def satorra_bentler_2001(restricted: FitTest, free: FitTest) -> Difference:
    """Return the scaled difference test of satorra2001.

    The factor is ``(df0 c0 - df1 c1) / (df0 - df1)`` for the restricted model 0 and the free
    model 1. It may turn out negative in small samples; there is no statistic then.
    """
    df = restricted.df - free.df
    if df == 0:
        return _difference(restricted, free, NAN)
    part = free.df * free.scaling if free.df else 0.0
    return _difference(restricted, free, (restricted.df * restricted.scaling - part) / df)


def satorra_bentler_2010(restricted: FitTest, free: FitTest, scaling_10: float) -> Difference:
    """Return the scaled difference test of satorra2010, whose factor is always positive.

    ``scaling_10`` is the free model's scaling factor at the restricted model's estimates.
    """
    df = restricted.df - free.df
    if df == 0:
        return _difference(restricted, free, NAN)
    part = free.df * scaling_10 if free.df else 0.0
    return _difference(restricted, free, (restricted.df * restricted.scaling - part) / df)


def _difference(restricted: FitTest, free: FitTest, scaling: float) -> Difference:
    """Return the test with a given factor."""
    df = restricted.df - free.df
    chi2 = max(restricted.chi2 - free.chi2, 0.0) / scaling if scaling > 0 else NAN
    return Difference(chi2, df, NAN if math.isnan(chi2) else tail(chi2, df), scaling)
