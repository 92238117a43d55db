"""Are the answers jointly normal, as maximum likelihood and its tests assume? Mardia's tests."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from servlab.core.brief import brief
from servlab.core.checks import check_items
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.correlation_checks import check_invertible
from servlab.estimation.moments import moments

BATCH = 8192  # rows whose products are held at a time


@brief
@dataclass(frozen=True, slots=True, eq=False)
class MardiaResult:
    """Mardia's multivariate skewness and kurtosis.

    Attributes
    ----------
    skewness, kurtosis : float
        b1 (0 when symmetric) and b2 (``k (k + 2)`` under normality).
    skewness_statistic, skewness_df, skewness_p : float, int, float
        Chi-square test of the skewness.
    skewness_small : float
        The same statistic corrected for small samples.
    skewness_small_p : float
    kurtosis_statistic, kurtosis_p : float
        z test of the kurtosis, two-sided.
    n, n_dropped : int
        Rows used and lost to missing values.
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    skewness: float
    kurtosis: float
    skewness_statistic: float
    skewness_df: int
    skewness_p: float
    skewness_small: float
    skewness_small_p: float
    kurtosis_statistic: float
    kurtosis_p: float
    n: int
    n_dropped: int
    near_singular: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return a row a test."""
        return pd.DataFrame(
            {
                "term": ["skewness", "skewness_small_sample", "kurtosis"],
                "estimate": [self.skewness, self.skewness, self.kurtosis],
                "statistic": [
                    self.skewness_statistic,
                    self.skewness_small,
                    self.kurtosis_statistic,
                ],
                "df": [self.skewness_df, self.skewness_df, np.nan],
                "p_value": [self.skewness_p, self.skewness_small_p, self.kurtosis_p],
            }
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the rows the tests rest on."""
        return pd.DataFrame({"n": [self.n], "n_dropped": [self.n_dropped]})


def mardia(items: pd.DataFrame) -> MardiaResult:
    """Test multivariate normality by Mardia's skewness and kurtosis.

    Parameters
    ----------
    items : DataFrame
        (n, k) responses in scale points; rows with missing answers are dropped.

    Returns
    -------
    MardiaResult

    Raises
    ------
    ModelError
        For Moments (rows are needed), a constant item, or one that is a combination of others.

    Notes
    -----
    With rows z whitened by the covariance matrix (denominator n - 1, as in psych; Mardia's own
    has n, which makes b1 greater by ``(n / (n - 1))^3`` and b2 by
    ``(n / (n - 1))^2``): skewness is the sum of the
    squared third moments of z, kurtosis the mean of ``(z'z)^2``. ``n b1 / 6`` is chi-square with
    ``k (k + 1)(k + 2) / 6`` degrees of freedom; ``(b2 - k (k + 2)) / sqrt(8 k (k + 2) / n)`` is
    standard normal. Ordinal answers are never normal; in large samples both tests say so.

    References
    ----------
    mardia1970; mardia1974.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> X = pd.DataFrame(np.random.default_rng(1).standard_normal((300, 3))).add_prefix("x")
    >>> mardia(X).skewness_p > 0.01
    True
    """
    if not isinstance(items, pd.DataFrame):
        raise ModelError("mardia needs the rows: third and fourth moments are not in Moments.")
    values = check_items(items)
    given = moments(values)
    near = check_invertible(given, "mardia")
    X = values.dropna().to_numpy()
    n, k = X.shape
    root = np.linalg.cholesky(given.cov)
    Z = np.linalg.solve(root, (X - given.mean).T).T
    b1, b2 = _third(Z), float(((Z**2).sum(axis=1) ** 2).mean())
    df = k * (k + 1) * (k + 2) // 6
    skew = n * b1 / 6
    small = skew * (k + 1) * (n + 1) * (n + 3) / (n * ((n + 1) * (k + 1) - 6))
    z = (b2 - k * (k + 2)) / np.sqrt(8 * k * (k + 2) / n)
    return MardiaResult(
        skewness=b1,
        kurtosis=b2,
        skewness_statistic=skew,
        skewness_df=df,
        skewness_p=float(special.chdtrc(df, skew)),
        skewness_small=small,
        skewness_small_p=float(special.chdtrc(df, small)),
        kurtosis_statistic=float(z),
        kurtosis_p=float(2 * special.ndtr(-abs(z))),
        n=n,
        n_dropped=given.n_dropped,
        near_singular=near,
    )


def _third(Z: Array) -> float:
    """Return the sum of the squared third moments of (n, k) whitened rows."""
    n, k = Z.shape
    total = np.zeros((k * k, k))
    for first in range(0, n, BATCH):
        part = Z[first : first + BATCH]
        pairs = (part[:, :, None] * part[:, None, :]).reshape(len(part), k * k)
        total += pairs.T @ part
    return float(((total / n) ** 2).sum())
