"""Which number of factors should be looked at first, all criteria taken together?"""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from servlab.core.brief import brief
from servlab.estimation.efa_fit import most_factors
from servlab.estimation.moments import Kind, Moments
from servlab.estimation.retention import (
    Factors,
    MapTest,
    ParallelAnalysis,
    map_test,
    parallel_analyses,
)

Reason = Literal["unanimous", "majority", "divided"]
FACTORS: tuple[Factors, ...] = ("components", "common")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class FactorCount:
    """Several criteria for the number of factors, and one recommendation.

    Attributes
    ----------
    by_criterion : Series
        Numbers of factors by ``parallel_components``, ``parallel_common`` (95th percentiles),
        ``map_1976`` and ``map_2000``.
    n_factors : int
        The number most criteria name; where they are divided, parallel analysis on components.
    lowest, highest : int
        The range to look at beside it.
    reason : str
        ``unanimous``, ``majority`` (at least two, more than any other number) or ``divided``.
    components, common : ParallelAnalysis
        The two parallel analyses.
    partial : MapTest
        Velicer's test.
    n, n_dropped : int
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    by_criterion: pd.Series
    n_factors: int
    lowest: int
    highest: int
    reason: Reason
    components: ParallelAnalysis
    common: ParallelAnalysis
    partial: MapTest
    n: int
    n_dropped: int
    near_singular: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return a row a criterion."""
        return pd.DataFrame(
            {"term": self.by_criterion.index, "estimate": self.by_criterion.to_numpy()}
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the recommended number."""
        row = {"term": "n_factors", "estimate": self.n_factors}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def factor_count(
    items: pd.DataFrame | Moments, *, seed: int, n_draws: int = 500, kind: Kind = "pearson"
) -> FactorCount:
    """Recommend a number of factors from parallel analysis and MAP together.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses; rows with missing answers are dropped.
    seed, n_draws : int
        Of the parallel analyses.
    kind : {"pearson", "polychoric"}
        Which correlations.

    Returns
    -------
    FactorCount

    Notes
    -----
    The rule: the number that most of the four criteria name; a tie goes to parallel analysis on
    components with the 95th percentile, the criterion that simulation studies found least
    biased (MAP errs downwards, common-factor eigenvalues upwards). Numbers under 1 count as 1,
    numbers beyond what so many items can carry as the most they can.
    It is a starting point: solutions in the range are to be read too.

    References
    ----------
    zwick1986; velicer2000; auerswald2019.

    Examples
    --------
    >>> import servlab as sl
    >>> items = sl.load_example("servqual").items("perception")
    >>> count = factor_count(items, seed=1, n_draws=50)
    >>> count.lowest <= count.n_factors <= count.highest
    True
    """
    partial = map_test(items, kind=kind)
    components, common = parallel_analyses(items, FACTORS, seed=seed, n_draws=n_draws, kind=kind)
    named = {"parallel_components": components.n_factors, "parallel_common": common.n_factors}
    named |= {"map_1976": partial.n_factors, "map_2000": partial.n_factors_fourth}
    most = most_factors(len(components.eigenvalues))
    named = {name: min(max(count, 1), most) for name, count in named.items()}
    n_factors, reason = most_named(list(named.values()))
    return FactorCount(
        by_criterion=pd.Series(named, name="estimate"),
        n_factors=n_factors,
        lowest=min(named.values()),
        highest=max(named.values()),
        reason=reason,
        components=components,
        common=common,
        partial=partial,
        n=partial.n,
        n_dropped=partial.n_dropped,
        near_singular=partial.near_singular,
    )


def most_named(numbers: list[int]) -> tuple[int, Reason]:
    """Return the most frequent number and why; the first one where there is a tie."""
    tally = Counter(numbers).most_common()
    if len(tally) == 1:
        return tally[0][0], "unanimous"
    if tally[0][1] > tally[1][1]:
        return tally[0][0], "majority"
    return numbers[0], "divided"
