"""Do groups of respondents differ? Means by group with intervals, and Welch's test."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count
from servlab.core.errors import ModelError
from servlab.core.groups import natural_order, suppressed_groups
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.scales.gaps import gap_scores
from servlab.scales.means import mean_row
from servlab.scales.scoring import OVERALL_ITEMS, dimension_scores

Array = NDArray[np.float64]
Score = Literal["gap", "perception", "expectation"]

ESTIMATES = ("estimate", "std_dev", "std_error", "df", "conf_low", "conf_high", "n_effective")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GroupComparison:
    """Scores by group.

    Attributes
    ----------
    by : str
        The covariate that forms the groups.
    score : str
        ``gap``, ``perception`` or ``expectation``.
    by_group : DataFrame
        A row a term and group: ``term``, ``group``, ``estimate`` and its t interval, ``n``,
        ``n_dropped``. The numbers of a suppressed group are NaN and its n is hidden (-1).
    tests : DataFrame
        A row a term: Welch's F (``statistic``), ``df`` (numerator), ``df_residual``,
        ``p_value``, ``n``; NaN where fewer than two groups have two respondents.
        Suppressed groups do not enter.
    suppressed : tuple of str
        Groups hidden because they, or the one group that would reveal them, are small.
    min_cell : int
        Smallest group shown.
    n, n_dropped : int
        Respondents with the overall score and a group, and the others.
    """

    by: str
    score: str
    instrument: Instrument
    by_group: pd.DataFrame
    tests: pd.DataFrame
    suppressed: tuple[str, ...]
    min_cell: int
    n: int
    n_dropped: int
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return a row a term and group."""
        return self.by_group

    def glance(self) -> pd.DataFrame:
        """Return a row a term: Welch's test."""
        return self.tests.reset_index(names="term")


def compare_groups(
    survey: Survey,
    *,
    by: str,
    score: Score = "gap",
    min_cell: int = 5,
    conf_level: float = 0.95,
) -> GroupComparison:
    """Compare groups of respondents on every dimension and overall.

    Parameters
    ----------
    survey : Survey
        Its weights are used for means and intervals; Welch's test has no weighted form, so
        under weights ``tests`` is NaN throughout.
    by : str
        A covariate of the survey.
    score : {"gap", "perception", "expectation"}
        What to compare.
    min_cell : int
        Groups with fewer respondents are suppressed; when that is one group only, the next
        smallest is suppressed too, since the total would reveal the first.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    GroupComparison

    Raises
    ------
    ModelError
        When the covariate is unknown, has one value, or no group is large enough.

    Notes
    -----
    Welch's test [welch1951]_ does not assume equal variances. Differences are read with
    care: whether the scale works alike in the groups is a question of invariance.

    Examples
    --------
    >>> import servlab as sl
    >>> result = sl.compare_groups(sl.load_example("servqual"), by="branch")
    >>> bool((result.by_group.conf_low < result.by_group.conf_high).all())
    True
    """
    check_choice("score", score, ("gap", "perception", "expectation"))
    check_conf_level(conf_level)
    check_count("min_cell", min_cell)
    groups = _groups(survey, by)
    values = group_scores(survey, score)
    used = groups.notna() & values[OVERALL_ITEMS].notna()
    hidden = suppressed_groups(groups[used].value_counts(), min_cell)
    shown = [g for g in sorted(groups[used].unique(), key=natural_order) if g not in hidden]
    if not shown:
        raise ModelError(
            f"every group of {by!r} has fewer than min_cell = {min_cell} respondents; "
            "merge groups or lower min_cell."
        )
    rows = [
        _group_row(values[term], groups, group, survey, conf_level) | {"term": term, "group": group}
        for term in values
        for group in shown
    ]
    rows += [_hidden_row(str(term), group) for term in values for group in hidden]
    table = pd.DataFrame(rows)
    first = ["term", "group"]
    tests = {
        term: _welch_of(values[term], groups, shown, survey.weights is not None) for term in values
    }
    return GroupComparison(
        by=by,
        score=score,
        instrument=survey.instrument,
        by_group=table[[*first, *[c for c in table if c not in first]]],
        tests=pd.DataFrame.from_dict(tests, orient="index"),
        suppressed=hidden,
        min_cell=min_cell,
        n=int(used.sum()),
        n_dropped=int((~used).sum()),
        conf_level=conf_level,
    )


def welch_test(groups: list[Array]) -> tuple[float, float, float, float]:
    """Return Welch's F, its two degrees of freedom and p for two or more groups [welch1951]_."""
    n = np.array([len(g) for g in groups], dtype=float)
    means = np.array([g.mean() for g in groups])
    variances = np.array([g.var(ddof=1) for g in groups])
    if (variances == 0).any():
        nan = float("nan")
        return nan, nan, nan, nan
    w = n / variances
    k = len(groups)
    centre = (w @ means) / w.sum()
    spread = ((1 - w / w.sum()) ** 2 / (n - 1)).sum()
    between = (w @ (means - centre) ** 2) / (k - 1)
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    df2 = (k**2 - 1) / (3 * spread)
    return float(f), float(k - 1), float(df2), float(stats.f.sf(f, k - 1, df2))


def _groups(survey: Survey, by: str) -> pd.Series:
    if by not in survey.covariates:
        known = ", ".join(map(str, survey.covariates.columns)) or "none"
        raise ModelError(f"the survey has no covariate {by!r}; it has {known}.")
    groups = survey.covariates[by]
    groups = groups.where(groups.isna(), groups.astype(str))
    if groups.nunique() < 2:
        raise ModelError(f"{by!r} has fewer than two groups; there is nothing to compare.")
    return groups


def chosen_score(survey: Survey, score: Score | None) -> Score:
    """Return the score asked for; by default the gap where the survey has both batteries."""
    if score is None:
        return "gap" if survey.has("expectation", "perception") else "perception"
    check_choice("score", score, ("gap", "perception", "expectation"))
    return score


def group_scores(survey: Survey, score: Score) -> pd.DataFrame:
    """Return (n, dimensions + 1) scores, the overall one last."""
    if score == "gap":
        gaps = gap_scores(survey)
        return gaps.scores.join(gaps.overall[[OVERALL_ITEMS]])
    scored = dimension_scores(survey, score)
    return scored.scores.join(scored.overall[[OVERALL_ITEMS]])


def _group_row(
    values: pd.Series, groups: pd.Series, group: str, survey: Survey, conf_level: float
) -> dict[str, float]:
    members = groups == group
    weights = None if survey.weights is None else survey.weights[members]
    return mean_row(values[members], weights, conf_level)


def _hidden_row(term: str, group: str) -> dict[str, object]:
    """Return the row of a suppressed group: no number that could reveal it."""
    nan = float("nan")
    return {"term": term, "group": group, "n": -1, "n_dropped": -1} | dict.fromkeys(ESTIMATES, nan)


def _welch_of(
    values: pd.Series, groups: pd.Series, shown: list[str], weighted: bool
) -> dict[str, float]:
    nan = float("nan")
    parts = [values[groups == g].dropna().to_numpy(dtype=float) for g in shown]
    parts = [part for part in parts if len(part) > 1]
    n = sum(len(part) for part in parts)
    if weighted or len(parts) < 2:
        return {"statistic": nan, "df": nan, "df_residual": nan, "p_value": nan, "n": n}
    f, df1, df2, p = welch_test(parts)
    return {"statistic": f, "df": df1, "df_residual": df2, "p_value": p, "n": n}
