"""How many factors? Parallel analysis, Velicer's MAP and what they say together.

Never a bare eigenvalue rule: eigenvalues over 1 count chance as well.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_count
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.correlation_checks import check_invertible
from servlab.estimation.moments import Kind, Moments, moments
from servlab.estimation.null_draws import (
    common_eigenvalues,
    component_eigenvalues,
    shuffled_cor,
    shuffled_polychoric,
    wishart_cor,
)

Factors = Literal["components", "common"]
Draws = Literal["normal", "permutation"]
Statistic = Literal["percentile", "mean"]
SPECTRA = {"components": component_eigenvalues, "common": common_eigenvalues}


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ParallelAnalysis:
    """Observed eigenvalues beside those of data without common factors.

    Attributes
    ----------
    eigenvalues, null : Series
        (k,) observed eigenvalues, and the percentile or mean of those drawn; index 1..k.
    n_factors : int
        How many leading eigenvalues exceed their null.
    factors : str
        ``components`` (of the correlation matrix) or ``common`` (communalities on its diagonal).
    draws, statistic : str
        How chance was drawn and which statistic of it must be exceeded.
    percentile : float
        Used with the statistic ``percentile`` only.
    kind : str
        Which correlations.
    n_draws, seed, n, n_dropped : int
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    eigenvalues: pd.Series
    null: pd.Series
    n_factors: int
    factors: Factors
    draws: Draws
    statistic: Statistic
    percentile: float
    kind: Kind
    n_draws: int
    seed: int
    n: int
    n_dropped: int
    near_singular: bool = False

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
    draws: Draws = "normal",
    statistic: Statistic = "percentile",
    percentile: float = 95.0,
    kind: Kind = "pearson",
) -> ParallelAnalysis:
    """Count the factors that explain more than chance would (Horn's parallel analysis).

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses; rows with missing answers are dropped. Permutation draws and
        polychoric correlations need the rows.
    seed : int
        Seed of the draws.
    n_draws : int
        Correlation matrices drawn.
    factors : {"components", "common"}
        Eigenvalues of the correlation matrix [horn1965]_, or with the communalities of one
        minres factor on its diagonal, as psych has it.
    draws : {"normal", "permutation"}
        Independent normal items, or the items themselves, each shuffled by itself. Polychoric
        correlations are always compared with those of shuffled items.
    statistic : {"percentile", "mean"}
        What of the drawn eigenvalues must be exceeded.
    percentile : float
        In (0, 100); 95 as Glorfeld proposed.
    kind : {"pearson", "polychoric"}
        Which correlations.

    Returns
    -------
    ParallelAnalysis

    Raises
    ------
    ModelError
        For a constant item, fewer rows than items, or Moments where rows are needed.

    Notes
    -----
    Correlation matrices of n independent normal rows are drawn from the Wishart distribution
    (Bartlett's decomposition), so that the cost does not grow with the rows. n is that of the
    smallest pair under pairwise deletion, Kish's under weights.

    References
    ----------
    horn1965; glorfeld1995; bartlett1933; buja1992.

    Examples
    --------
    >>> import servlab as sl
    >>> items = sl.load_example("servqual").items("perception")
    >>> sl.parallel_analysis(items, seed=1, n_draws=100, percentile=50).n_factors in (4, 5)
    True
    """
    check_choice("factors", factors, ("components", "common"))
    (found,) = parallel_analyses(
        items,
        (factors,),
        seed=seed,
        n_draws=n_draws,
        draws=draws,
        statistic=statistic,
        percentile=percentile,
        kind=kind,
    )
    return found


def parallel_analyses(
    items: pd.DataFrame | Moments,
    factors: tuple[Factors, ...],
    *,
    seed: int,
    n_draws: int = 500,
    draws: Draws = "normal",
    statistic: Statistic = "percentile",
    percentile: float = 95.0,
    kind: Kind = "pearson",
) -> list[ParallelAnalysis]:
    """Return a parallel analysis for each kind of eigenvalues, all from the same draws."""
    check_choice("draws", draws, ("normal", "permutation"))
    check_choice("statistic", statistic, ("percentile", "mean"))
    n_draws = check_count("n_draws", n_draws, minimum=10)
    if not 0 < percentile < 100:
        raise ModelError(f"percentile must lie between 0 and 100, as 95 does; got {percentile!r}.")
    given = moments(items, kind=kind)
    near = check_invertible(given, "parallel_analysis")
    spectra = [SPECTRA[name] for name in factors]
    with blas_threads(len(given.names)):
        observed = [spectrum(given.cor) for spectrum in spectra]
        rng = np.random.default_rng(seed)
        drawn = [
            [spectrum(R) for spectrum in spectra]
            for R in _null_cor(rng, items, given, draws, n_draws)
        ]
    if statistic == "percentile":
        null = np.percentile(drawn, percentile, axis=0)
    else:
        null = np.mean(drawn, axis=0)
    places = range(1, len(given.names) + 1)
    return [
        ParallelAnalysis(
            eigenvalues=pd.Series(values, places, name="eigenvalue"),
            null=pd.Series(chance, places, name="eigenvalue_null"),
            n_factors=count_leading(values > chance),
            factors=name,
            draws="permutation" if given.kind == "polychoric" else draws,
            statistic=statistic,
            percentile=percentile,
            kind=given.kind,
            n_draws=n_draws,
            seed=seed,
            n=given.n,
            n_dropped=given.n_dropped,
            near_singular=near,
        )
        for name, values, chance in zip(factors, observed, null, strict=True)
    ]


def _null_cor(
    rng: np.random.Generator,
    items: pd.DataFrame | Moments,
    given: Moments,
    draws: Draws,
    n_draws: int,
) -> Iterable[Array]:
    """Return correlation matrices of items that have nothing in common."""
    k = len(given.names)
    if draws == "normal" and given.kind == "pearson":
        n = round(min(given.n_min_pair, given.n_effective))
        if n <= k:
            raise ModelError(f"parallel_analysis needs more rows than items; got {n} of {k} items.")
        return wishart_cor(rng, n, k, n_draws)
    if isinstance(items, Moments):
        raise ModelError(
            "permutation draws and polychoric correlations need the rows; got Moments, "
            "give the items or use draws='normal' with Pearson correlations."
        )
    X = items.dropna().to_numpy(dtype=float)
    if given.kind == "polychoric":
        return shuffled_polychoric(rng, X, n_draws)
    return shuffled_cor(rng, X, n_draws)


def count_leading(exceeds: np.ndarray) -> int:
    """Return how many leading entries are true."""
    short = np.flatnonzero(~exceeds)
    return int(short[0]) if len(short) else len(exceeds)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class MapTest:
    """Velicer's minimum average partial test.

    Attributes
    ----------
    average, average_fourth : Series
        Mean second (1976) and fourth (2000) power of the partial correlations after removing
        1, 2, ... components.
    n_factors, n_factors_fourth : int
        Where each is smallest; 0 when no removal lowers it.
    n, n_dropped : int
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    average: pd.Series
    average_fourth: pd.Series
    n_factors: int
    n_factors_fourth: int
    n: int
    n_dropped: int
    near_singular: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return a row a number of components."""
        return pd.DataFrame(
            {
                "term": self.average.index.astype(str),
                "estimate": self.average.to_numpy(),
                "average_fourth": self.average_fourth.to_numpy(),
            }
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the number of factors."""
        row = {"term": "n_factors", "estimate": self.n_factors}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def map_test(items: pd.DataFrame | Moments, *, kind: Kind = "pearson") -> MapTest:
    """Count factors by Velicer's minimum average partial correlation [velicer1976]_.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses; rows with missing answers are dropped.
    kind : {"pearson", "polychoric"}
        Which correlations.

    Returns
    -------
    MapTest

    Raises
    ------
    ModelError
        For a constant item, or one that is a combination of others.

    Notes
    -----
    Removing j principal components from the correlation matrix, the mean squared off-diagonal
    partial correlation is smallest at the number of factors; the revision takes fourth powers.
    With no component removed it is the mean power of the correlations themselves.

    References
    ----------
    velicer1976; velicer2000.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.map_test(sl.load_example("servqual").items("perception")).n_factors
    5
    """
    given = moments(items, kind=kind)
    near = check_invertible(given, "map_test")
    with blas_threads(len(given.names)):
        squares, fourths = average_partials(given.cor)
    places = range(1, len(squares))
    return MapTest(
        average=pd.Series(squares[1:], places, name="estimate"),
        average_fourth=pd.Series(fourths[1:], places, name="average_fourth"),
        n_factors=int(squares.argmin()),
        n_factors_fourth=int(fourths.argmin()),
        n=given.n,
        n_dropped=given.n_dropped,
        near_singular=near,
    )


def average_partials(R: Array) -> tuple[Array, Array]:
    """Return mean 2nd and 4th powers of partial correlations after 0, 1, ..., k - 2 removals."""
    k = len(R)
    values, vectors = np.linalg.eigh(R)
    L = (vectors * np.sqrt(np.maximum(values, 0.0)))[:, ::-1]
    squares, fourths = np.empty(k - 1), np.empty(k - 1)
    for j in range(k - 1):
        partial = R - L[:, :j] @ L[:, :j].T
        scale = np.sqrt(np.diag(partial))
        r2 = (partial / np.outer(scale, scale)) ** 2
        squares[j] = (r2.sum() - k) / (k * (k - 1))
        fourths[j] = ((r2**2).sum() - k) / (k * (k - 1))
    return squares, fourths
