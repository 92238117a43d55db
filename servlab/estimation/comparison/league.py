"""How do branches compare, and how much of that is chance? A league table that says so.

A branch's raw mean is drawn towards the average by as much as it is noise (random intercepts), its
place in the ranking comes with the places that the data allow, and pairs of branches are told
apart by a test that allows for the number of pairs. There is no bare ranking.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level, check_count
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.branches import branch_score, find_branches, used_weights
from servlab.estimation.comparison.league_evidence import (
    Array,
    covariate_design,
    covariates_of,
    evidence_of_means,
    evidence_of_rows,
    raw_means,
    slopes_within,
)
from servlab.estimation.comparison.rank_intervals import (
    Evidence,
    draw_means,
    prediction_errors,
    range_limit,
    range_tail,
    rank_limits,
    shrink,
    variance_grid,
)
from servlab.scales.scoring import OVERALL_ITEMS

FEW = 5  # with fewer branches the variance between them is hardly known


@brief
@dataclass(frozen=True, slots=True, eq=False)
class LeagueTable:
    """Branches compared on one score.

    Attributes
    ----------
    by, score, term : str
        The covariate that forms the branches, the score, and the dimension or overall score.
    by_group : DataFrame
        A row a branch, highest first: raw ``mean`` with ``mean_low``, ``mean_high``; ``adjusted``
        at the average of the covariates (the raw mean without any); ``estimate``, the mean drawn
        towards the average, with ``std_error``, ``conf_low``, ``conf_high``; ``noise``, the share
        of its distance from the average that is taken back as chance; ``rank`` (1 is the highest
        score; NaN on the boundary), ``rank_low``, ``rank_high``; ``n_better`` and ``n_worse``,
        branches that can be told to lie over and under it; ``n``.
    pairs : DataFrame
        A row a pair: ``group``, ``against``, ``difference`` of the adjusted means, ``conf_low``,
        ``conf_high``, ``p_adjusted`` (Tukey and Kramer), ``apart``.
    between, within : float
        Variance between branches, and of respondents within them (NaN under weights).
    noise : float
        Share of the variance of the branches' means that is sampling error.
    boundary : bool
        Whether the data are most likely where branches do not differ: no rank is given then.
    n_groups, n_apart : int
        Branches, and pairs that can be told apart.
    suppressed : tuple of str
        Branches that do not enter: small ones, and one more where a single one could be inferred.
    n, n_dropped : int
        Respondents with score, covariates and a branch that enters, and the others.
    """

    by: str
    score: str
    term: str
    instrument: Instrument
    adjust: tuple[str, ...]
    by_group: pd.DataFrame
    pairs: pd.DataFrame
    average: float
    between: float
    within: float
    noise: float
    boundary: bool
    weighted: bool
    n_groups: int
    n_apart: int
    suppressed: tuple[str, ...]
    min_cell: int
    n: int
    n_dropped: int
    conf_level: float
    n_draws: int
    seed: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a branch."""
        return self.by_group

    def glance(self) -> pd.DataFrame:
        """Return one row: the variances and how many pairs can be told apart."""
        names = ("between", "within", "noise", "boundary", "n_groups", "n_apart", "n", "n_dropped")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def league_table(
    survey: Survey,
    *,
    by: str,
    seed: int,
    score: str | None = None,
    term: str = OVERALL_ITEMS,
    adjust: Sequence[str] = (),
    min_cell: int = 5,
    n_draws: int = 4000,
    conf_level: float = 0.95,
) -> LeagueTable:
    """Compare branches by means drawn towards the average, with intervals for their ranks.

    Parameters
    ----------
    survey : Survey
        With unequal weights each branch's mean and error are the design's, and branches are
        compared by an area-level model; ``adjust`` is refused then.
    by : str
        A covariate of the survey.
    seed : int
        Seed of the draws behind the rank intervals.
    score : str, optional
        ``gap``, ``perception``, ``expectation`` or an outcome; None takes the gap where the survey
        has both batteries, else perception.
    term : str
        A dimension, or ``overall_items``.
    adjust : sequence of str
        Covariates held at their average (case mix). A covariate of more than 12 different
        numbers, without labels and role, enters as a number, others as categories.
    min_cell : int
        Branches with fewer respondents do not enter.
    n_draws : int
        Draws behind the rank intervals.
    conf_level : float
        Level of all intervals, in (0, 1).

    Returns
    -------
    LeagueTable

    Raises
    ------
    ModelError
        When a name is unknown, fewer than two branches are large enough, the score does not
        vary within branches, a covariate tells the branches apart, or weights meet ``adjust``.

    Notes
    -----
    Random intercepts by REML [bates2015]_; under weights the area-level model [fay1979]_ on the
    branches' weighted means. ``std_error`` is the root of the mean squared error of prediction
    with the uncertainty of both variances: the variance within has its chi-square, that between a
    flat prior, which keeps coverage over repeated surveys [morris2011]_. The limits of a rank are
    quantiles of the ranks of draws of the true means [goldstein1996]_. They cover the true rank
    of a branch with ``conf_level`` on average over the branches of a survey, not for all branches
    at once. On the boundary (variance between branches 0) every rank is possible and none is
    given. Pairs are compared on unshrunken means, by Tukey and Kramer [kramer1956]_, with
    ``conf_level`` for all pairs together.

    Examples
    --------
    >>> import servlab as sl
    >>> league = sl.league_table(sl.load_example("servqual"), by="branch", seed=1)
    >>> bool((league.by_group.rank_low <= league.by_group.rank_high).all())
    True
    """
    check_conf_level(conf_level)
    check_count("min_cell", min_cell)
    check_count("n_draws", n_draws, minimum=100)
    check_count("seed", seed, minimum=0)
    chosen = score
    if chosen is None:
        chosen = "gap" if survey.has("expectation", "perception") else "perception"
    values = branch_score(survey, chosen, term)
    weights = used_weights(survey)
    covariates = covariates_of(survey, by, tuple(adjust))
    used = values.notna() & covariates.notna().all(axis=1)
    used &= True if weights is None else weights > 0
    branches = find_branches(survey, by, used, min_cell)
    inside = branches.codes >= 0
    raw = raw_means(values, branches, weights, conf_level)
    if weights is None:
        design = covariate_design(covariates[inside], branches, adjust)
        y, codes = values[inside].to_numpy(dtype=float), branches.codes[inside].to_numpy()
        fit = evidence_of_rows(y, design, codes)
    else:
        fit = evidence_of_means(raw)
    data, between = fit.data, fit.between
    rows = _shrunken(data, between, conf_level)
    rows |= _ranks(data, rows["estimate"], between, seed, n_draws, conf_level)
    pairs = _pairs(data, branches.names, conf_level, fit.fixed)
    table = raw.assign(term=term, group=branches.names, **rows, **_told(pairs, branches.names))
    first = ["term", "group", "rank", "rank_low", "rank_high"]
    table = table[[*first, *[c for c in table if c not in first]]]
    return LeagueTable(
        by=by,
        score=chosen,
        term=term,
        instrument=survey.instrument,
        adjust=tuple(adjust),
        by_group=table.sort_values("estimate", ascending=False, kind="stable", ignore_index=True),
        pairs=pairs,
        average=fit.average,
        between=between,
        within=fit.within,
        noise=float(data.variances.mean() / (data.variances.mean() + between)),
        boundary=between == 0,
        weighted=weights is not None,
        n_groups=len(table),
        n_apart=int(pairs["apart"].sum()),
        suppressed=branches.suppressed,
        min_cell=min_cell,
        n=int(inside.sum()),
        n_dropped=int((~inside).sum()),
        conf_level=conf_level,
        n_draws=n_draws,
        seed=seed,
    )


def _shrunken(data: Evidence, between: float, level: float) -> dict[str, Array]:
    """Return adjusted and shrunken means with their intervals."""
    found = shrink(data, np.array([between]))
    theta = found.theta[0]
    error = np.sqrt(prediction_errors(data, variance_grid(data), theta))
    half = stats.norm.isf((1 - level) / 2) * error
    adjusted = data.means - (data.X - data.x0) @ slopes_within(data)[0]
    return {
        "adjusted": adjusted,
        "estimate": theta,
        "std_error": error,
        "conf_low": theta - half,
        "conf_high": theta + half,
        "noise": found.noise[0],
    }


def _ranks(
    data: Evidence, theta: Array, between: float, seed: int, n_draws: int, level: float
) -> dict[str, Array]:
    """Return ranks with their limits; on the boundary no rank and every limit."""
    G = len(theta)
    if between == 0:
        return {
            "rank": np.full(G, np.nan),
            "rank_low": np.ones(G, dtype=int),
            "rank_high": np.full(G, G),
        }
    rank = stats.rankdata(-theta, method="min")
    draws = draw_means(data, variance_grid(data), n_draws, np.random.default_rng(seed))
    low, high = rank_limits(draws, level)
    return {
        "rank": rank.astype(float),
        "rank_low": np.minimum(low, rank.astype(int)),
        "rank_high": np.maximum(high, rank.astype(int)),
    }


def _pairs(data: Evidence, names: Sequence[str], level: float, fixed: float) -> pd.DataFrame:
    """Return every pair of branches compared by Tukey and Kramer, on unshrunken means."""
    slopes, cov = slopes_within(data)
    adjusted = data.means - (data.X - data.x0) @ slopes
    one, two = np.triu_indices(len(names), 1)
    apart = data.X[one] - data.X[two]
    variances = data.variances[one] + data.variances[two]
    variances = variances + np.einsum("np,pq,nq->n", apart, cov, apart)
    error = np.sqrt(fixed * variances)
    difference = adjusted[one] - adjusted[two]
    limit = range_limit(1 - level, len(names), data.df) / np.sqrt(2)
    p = range_tail(np.sqrt(2) * np.abs(difference) / error, len(names), data.df)
    return pd.DataFrame(
        {
            "group": np.asarray(names, dtype=object)[one],
            "against": np.asarray(names, dtype=object)[two],
            "difference": difference,
            "std_error": error,
            "conf_low": difference - limit * error,
            "conf_high": difference + limit * error,
            "p_adjusted": p,
            "apart": np.abs(difference) > limit * error,
        }
    )


def _told(pairs: pd.DataFrame, names: Sequence[str]) -> dict[str, list[int]]:
    """Return how many branches can be told to lie over and under each."""
    over = pairs["apart"] & (pairs["difference"] > 0)
    under = pairs["apart"] & (pairs["difference"] < 0)
    better = (
        pairs["group"][under]
        .value_counts()
        .add(pairs["against"][over].value_counts(), fill_value=0)
    )
    worse = (
        pairs["group"][over]
        .value_counts()
        .add(pairs["against"][under].value_counts(), fill_value=0)
    )
    return {
        "n_better": [int(better.get(name, 0)) for name in names],
        "n_worse": [int(worse.get(name, 0)) for name in names],
    }
