"""How many factors? Parallel analysis and Velicer's MAP; never a bare eigenvalue rule."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.checks import check_choice, check_count
from servlab.core.linalg import Array, cov_to_cor
from servlab.core.threads import blas_threads
from servlab.estimation.correlation_checks import check_invertible
from servlab.estimation.extraction import squared_multiple_correlations
from servlab.estimation.moments import Moments, moments

Factors = Literal["components", "common"]


@dataclass(frozen=True, slots=True, eq=False)
class ParallelAnalysis:
    """Observed eigenvalues beside those of data without common factors.

    Attributes
    ----------
    eigenvalues, null : Series
        (k,) observed eigenvalues, and the percentile of those drawn; index 1..k.
    n_factors : int
        How many leading eigenvalues exceed their null.
    factors : str
        ``components`` (of the correlation matrix) or ``common`` (communalities on its diagonal).
    percentile : float
    n_draws, seed, n, n_dropped : int
    """

    eigenvalues: pd.Series
    null: pd.Series
    n_factors: int
    factors: str
    percentile: float
    n_draws: int
    seed: int
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row an eigenvalue."""
        return pd.DataFrame(
            {
                "term": self.eigenvalues.index.astype(str),
                "eigenvalue": self.eigenvalues.to_numpy(),
                "eigenvalue_null": self.null.to_numpy(),
            }
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the number of factors."""
        row = {"term": "n_factors", "estimate": self.n_factors}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def parallel_analysis(
    items: pd.DataFrame | Moments,
    *,
    seed: int,
    n_draws: int = 500,
    factors: Factors = "components",
    percentile: float = 95.0,
) -> ParallelAnalysis:
    """Count the factors that explain more than chance would (Horn's parallel analysis).

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses; rows with missing answers are dropped.
    seed : int
        Seed of the draws.
    n_draws : int
        Correlation matrices drawn.
    factors : {"components", "common"}
        Eigenvalues of the correlation matrix [horn1965]_, or with squared multiple
        correlations on its diagonal.
    percentile : float
        Percentile of the drawn eigenvalues to exceed, in (0, 100); 95 as Glorfeld proposed.

    Returns
    -------
    ParallelAnalysis

    Raises
    ------
    ModelError
        For a constant item, or fewer rows than items.

    Notes
    -----
    Covariance matrices of n independent normal rows are drawn from the Wishart distribution
    (Bartlett's decomposition), so that the cost does not grow with the rows.

    Examples
    --------
    >>> import servlab as sl
    >>> items = sl.load_example("servqual").items("perception")
    >>> sl.parallel_analysis(items, seed=1, n_draws=100, percentile=50).n_factors in (4, 5)
    True
    """
    check_choice("factors", factors, ("components", "common"))
    n_draws = check_count("n_draws", n_draws, minimum=10)
    given = moments(items)
    check_invertible(given, "parallel_analysis")
    k, n = len(given.names), given.n_min_pair
    with blas_threads(k):
        observed = _eigenvalues(given.cor, factors)
        rng = np.random.default_rng(seed)
        drawn = np.array([_eigenvalues(null_cor(rng, n, k), factors) for _ in range(n_draws)])
    null = np.percentile(drawn, percentile, axis=0)
    below = np.flatnonzero(observed <= null)
    places = range(1, k + 1)
    return ParallelAnalysis(
        eigenvalues=pd.Series(observed, places, name="eigenvalue"),
        null=pd.Series(null, places, name="eigenvalue_null"),
        n_factors=int(below[0]) if len(below) else k,
        factors=factors,
        percentile=percentile,
        n_draws=n_draws,
        seed=seed,
        n=given.n,
        n_dropped=given.n_dropped,
    )


def null_cor(rng: np.random.Generator, n: int, k: int) -> Array:
    """Return the (k, k) correlation matrix of n independent normal rows, without the rows."""
    A = np.tril(rng.normal(size=(k, k)), -1)
    A[np.diag_indices(k)] = np.sqrt(rng.chisquare(n - 1 - np.arange(k)))
    return cov_to_cor(A @ A.T)


def _eigenvalues(R: Array, factors: str) -> Array:
    if factors == "common":
        R = np.array(R)
        np.fill_diagonal(R, squared_multiple_correlations(R))
    values: Array = np.asarray(np.linalg.eigvalsh(R))[::-1]
    return values


@dataclass(frozen=True, slots=True, eq=False)
class MapTest:
    """Velicer's minimum average partial test.

    Attributes
    ----------
    average : Series
        Mean squared partial correlation after removing 1, 2, ... components.
    n_factors : int
        Where it is smallest.
    n, n_dropped : int
    """

    average: pd.Series
    n_factors: int
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a number of components."""
        return pd.DataFrame(
            {"term": self.average.index.astype(str), "estimate": self.average.to_numpy()}
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the number of factors."""
        row = {"term": "n_factors", "estimate": self.n_factors}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def map_test(items: pd.DataFrame | Moments) -> MapTest:
    """Count factors by Velicer's minimum average partial correlation [velicer1976]_.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses; rows with missing answers are dropped.

    Returns
    -------
    MapTest

    Notes
    -----
    Removing j principal components from the correlation matrix, the mean squared off-diagonal
    partial correlation is smallest at the number of factors.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.map_test(sl.load_example("servqual").items("perception")).n_factors
    5
    """
    given = moments(items)
    check_invertible(given, "map_test")
    R = given.cor
    k = len(R)
    values, vectors = np.linalg.eigh(R)
    L = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1]
    averages = []
    for j in range(1, k - 1):
        partial = R - L[:, :j] @ L[:, :j].T
        scale = np.sqrt(np.diag(partial))
        r2 = (partial / np.outer(scale, scale)) ** 2
        averages.append((r2.sum() - k) / (k * (k - 1)))
    average = pd.Series(averages, range(1, k - 1), name="estimate")
    return MapTest(average, int(average.to_numpy().argmin()) + 1, given.n, given.n_dropped)
