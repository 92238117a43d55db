"""Are the items correlated enough, and in the right way, for a factor analysis?

Kaiser's measure of sampling adequacy and Bartlett's test of sphericity.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.correlation_checks import check_invertible
from servlab.estimation.moments import Moments, moments


@brief
@dataclass(frozen=True, slots=True, eq=False)
class KmoResult:
    """Kaiser's measure of sampling adequacy.

    Attributes
    ----------
    overall : float
        In [0, 1].
    by_item : Series
        The measure of each item, in [0, 1].
    n, n_dropped : int
        Rows used and lost to missing values.
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    overall: float
    by_item: pd.Series
    n: int
    n_dropped: int
    near_singular: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return a row an item."""
        return pd.DataFrame(
            {"item": self.by_item.index, "msa_kaiser": self.by_item.to_numpy()}
        ).reset_index(drop=True)

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall measure and the rows it rests on."""
        return pd.DataFrame(
            {"msa_kaiser": [self.overall], "n": [self.n], "n_dropped": [self.n_dropped]}
        )


@brief
@dataclass(frozen=True, slots=True, eq=False)
class BartlettResult:
    """Bartlett's test of the hypothesis that the items are uncorrelated.

    Attributes
    ----------
    statistic : float
        Chi-square.
    df : int
        Degrees of freedom, k (k - 1) / 2.
    p_value : float
        In [0, 1].
    log_det : float
        Logarithm of the determinant of the correlation matrix.
    n, n_dropped : int
        Rows used and lost to missing values.
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    statistic: float
    df: int
    p_value: float
    log_det: float
    n: int
    n_dropped: int
    near_singular: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return the test as one row."""
        return pd.DataFrame(
            {
                "term": ["sphericity"],
                "statistic": [self.statistic],
                "df": [self.df],
                "p_value": [self.p_value],
                "n": [self.n],
                "n_dropped": [self.n_dropped],
            }
        )

    def glance(self) -> pd.DataFrame:
        """Return the test as one row."""
        return self.tidy().drop(columns="term")


def kmo_from_cor(R: Array) -> tuple[float, Array]:
    """Return the overall and the (k,) item measures of a (k, k) correlation matrix ``R``."""
    Q = np.linalg.solve(R, np.eye(len(R)))
    scale = np.sqrt(np.diag(Q))
    partial = Q / np.outer(scale, scale)
    off = ~np.eye(len(R), dtype=bool)
    r2 = np.where(off, R**2, 0.0)
    q2 = np.where(off, partial**2, 0.0)
    by_item = r2.sum(axis=0) / (r2.sum(axis=0) + q2.sum(axis=0))
    return float(r2.sum() / (r2.sum() + q2.sum())), by_item


def kmo(items: pd.DataFrame | Moments) -> KmoResult:
    """Compute Kaiser's measure of sampling adequacy, overall and by item.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, NaN where missing (rows dropped listwise).

    Returns
    -------
    KmoResult

    Raises
    ------
    ModelError
        When an item is constant or the correlation matrix has no inverse.

    Notes
    -----
    ``sum r^2 / (sum r^2 + sum q^2)`` over pairs of different items, where ``q`` is the
    correlation of two items with all others partialled out (anti-image correlation).

    References
    ----------
    kaiser1974.

    Examples
    --------
    >>> import pandas as pd
    >>> a = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 1, 4, 3, 5], "c": [1, 3, 2, 5, 4]})
    >>> round(kmo(a).overall, 3)
    0.328
    """
    m = moments(items)
    near = check_invertible(m, "kmo")
    with blas_threads(len(m.names)):
        overall, by_item = kmo_from_cor(m.cor)
    return KmoResult(
        overall, pd.Series(by_item, index=list(m.names), name="msa_kaiser"), m.n, m.n_dropped, near
    )


def bartlett_sphericity(items: pd.DataFrame | Moments) -> BartlettResult:
    """Test whether the items are uncorrelated in the population (Bartlett).

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, NaN where missing (rows dropped listwise).

    Returns
    -------
    BartlettResult

    Raises
    ------
    ModelError
        When an item is constant, the correlation matrix has no inverse, or the moments are
        weighted or not Pearson's: the test has no such form.

    Notes
    -----
    ``-(n - 1 - (2 k + 5) / 6) log det R`` is chi-square with ``k (k - 1) / 2`` degrees of
    freedom under multivariate normality. With pairwise deletion ``n`` is the smallest pair's.

    References
    ----------
    bartlett1951.

    Examples
    --------
    >>> import pandas as pd
    >>> a = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 1, 4, 3, 5], "c": [1, 3, 2, 5, 4]})
    >>> bartlett_sphericity(a).df
    3
    """
    m = moments(items)
    if m.weighted or m.kind != "pearson":
        raise ModelError(
            "bartlett_sphericity needs unweighted Pearson moments, for which its distribution "
            f"is known; got {'weighted ' if m.weighted else ''}{m.kind} ones, use kmo instead."
        )
    near = check_invertible(m, "bartlett_sphericity")
    k, n = len(m.names), m.n_min_pair
    log_det = float(np.linalg.slogdet(m.cor)[1])
    statistic = -(n - 1 - (2 * k + 5) / 6) * log_det
    df = k * (k - 1) // 2
    p_value = float(special.chdtrc(df, statistic))
    return BartlettResult(statistic, df, p_value, log_det, m.n, m.n_dropped, near)
