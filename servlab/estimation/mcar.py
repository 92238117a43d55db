"""Are answers missing completely at random? Little's test of the means over missing-data patterns.

Complete-case analysis assumes it; the test asks whether respondents with different patterns of
open answers differ on what they did answer [little1988]_.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_items
from servlab.core.errors import ModelError
from servlab.estimation.latent.fiml import saturated_moments
from servlab.estimation.latent.row_patterns import find_patterns

Array = NDArray[np.float64]


@brief
@dataclass(frozen=True, slots=True)
class McarTest:
    """Little's test that answers are missing completely at random.

    Attributes
    ----------
    statistic : float
        Little's d squared, about chi-square distributed when answers are so missing.
    df : int
        Items seen, summed over the patterns, less the items.
    p_value : float
        Upper tail.
    n_patterns : int
        Different patterns of open answers, the complete one included.
    n, n_dropped : int
        Respondents used, and those who answered no item.
    """

    statistic: float
    df: int
    p_value: float
    n_patterns: int
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return one row: the test."""
        names = ("statistic", "df", "p_value", "n", "n_dropped")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def glance(self) -> pd.DataFrame:
        """Return the same row."""
        return self.tidy()


def mcar_test(items: pd.DataFrame) -> McarTest:
    """Test whether answers are missing completely at random.

    Parameters
    ----------
    items : DataFrame
        (n, k) responses with NaN where missing, as ``survey.items(battery)`` gives them.

    Returns
    -------
    McarTest

    Raises
    ------
    ModelError
        When no answer is missing, an item does not vary, or the covariances cannot be estimated.

    Notes
    -----
    d2 = sum over patterns of n_j (m_j - mu_j)' Sigma_j^-1 (m_j - mu_j), with the items seen in the
    pattern and the maximum likelihood moments of incomplete normal data; the covariances have the
    divisor n, as in R's naniar (with n - 1 the statistic is (n - 1) / n of it). The test looks at
    means only, has little power with few respondents and rejects trifles with many; that it does
    not reject is no proof, and it says nothing of answers missing because of what they would have
    been.

    References
    ----------
    .. [little1988] Little (1988), Journal of the American Statistical Association 83, 1198-1202.

    Examples
    --------
    >>> import servlab as sl
    >>> test = sl.mcar_test(sl.load_example("servqual").items("perception"))
    >>> test.n_patterns > 1, 0 <= test.p_value <= 1
    (True, True)
    """
    frame = check_items(items)
    X = frame.to_numpy(dtype=float)
    X = X[~np.isnan(X).all(axis=1)]
    if not np.isnan(X).any():
        raise ModelError(
            "no answer is missing among those who answered something; there is nothing to test."
        )
    patterns = find_patterns(X)
    sigma, mu, _ = saturated_moments(patterns, tuple(map(str, frame.columns)))
    statistic = _distance(X, patterns.seen, sigma, mu)
    df = int(patterns.seen.sum()) - X.shape[1]
    return McarTest(
        statistic=statistic,
        df=df,
        p_value=float(stats.chi2.sf(statistic, df)) if df else float("nan"),
        n_patterns=len(patterns.seen),
        n=len(X),
        n_dropped=len(frame) - len(X),
    )


def _distance(X: Array, seen: NDArray[np.bool_], sigma: Array, mu: Array) -> float:
    """Return Little's d squared of (n, k) rows, over (P, k) patterns of items seen."""
    there = ~np.isnan(X)
    total = 0.0
    for pattern in seen:
        rows = X[(there == pattern).all(axis=1)][:, pattern]
        away = rows.mean(axis=0) - mu[pattern]
        total += len(rows) * float(away @ np.linalg.solve(sigma[np.ix_(pattern, pattern)], away))
    return total
