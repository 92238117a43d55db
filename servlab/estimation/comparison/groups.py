"""Do groups of respondents differ, on what, and which from which?

Means by group with intervals; a test of all groups (Welch's, and beside it the classical, the
rank and the multivariate ones); every pair with its effect size; and checks that recommend a
test in words. Small groups are hidden in all of it.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count
from servlab.core.errors import ModelError, SparseDataWarning
from servlab.core.groups import group_codes, natural_order, suppressed_groups
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.group_sample import GroupSample, tests_by_term, tests_together
from servlab.scales.gaps import gap_scores
from servlab.scales.means import mean_row
from servlab.scales.scoring import OVERALL_ITEMS, dimension_scores

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
        A row a term: Welch's F, or the design-based Wald F under weights (``test``:
        ``welch``, ``design``): ``statistic``, ``df`` (numerator), ``df_residual``, ``p_value``,
        ``p_adjusted`` (Holm over the dimensions; the overall score for itself),
        ``effect_size`` (omega squared), ``n``; NaN where ``flag`` says why (``one_group``:
        fewer than two groups of two respondents, ``constant``: a group whose scores are all
        the same). Suppressed groups do not enter.
    other_tests : DataFrame
        The same columns for the tests beside it: ``anova`` (classical F) and ``kruskal``
        (Kruskal and Wallis's H; epsilon squared), or ``design_ranks`` under weights.
    multivariate : DataFrame
        A row a statistic (``pillai``, ``wilks``, ``hotelling_lawley``, ``roy``) over the
        dimensions: ``estimate``, ``statistic`` (F), ``df``, ``df_residual``, ``p_value``,
        ``n``. No row under weights, with one dimension, or where dimensions copy each other.
    pairs : DataFrame
        A row a term and pair: ``group`` less ``against`` with Games and Howell's test
        (``p_adjusted``, simultaneous ``conf_low`` and ``conf_high``), Hedges' g
        (``effect_size``, ``effect_low``, ``effect_high``) and Dunn's (``z_dunn``, ``p_dunn``,
        ``p_dunn_adjusted``: Holm); design-based under weights.
    checks : DataFrame
        A row a term: Brown and Forsythe's test of equal spread (``statistic``, ``df``,
        ``df_residual``, ``p_value``), ``variance_ratio``, ``skewness`` and ``kurtosis`` of the
        residuals, ``n_smallest``, ``recommended``. They know no weights.
    box : DataFrame
        Box's M of the dimensions: one row (``statistic``, a chi-square, ``df``, ``p_value``) or
        none.
    flags : DataFrame
        ``term``, ``group``, ``flag``: ``one_respondent``, ``constant`` (scores all the same),
        ``empty`` (a group that the codebook or the file names and nobody with a score is in).
    suppressed : tuple of str
        Groups hidden because they, or the one group that would reveal them, are small.
    min_cell : int
        Smallest group shown.
    weighted : bool
        Whether probability weights were used.
    n, n_dropped : int
        Respondents with the overall score and a group, and the others.
    """

    by: str
    score: str
    instrument: Instrument
    by_group: pd.DataFrame
    tests: pd.DataFrame
    other_tests: pd.DataFrame
    multivariate: pd.DataFrame
    pairs: pd.DataFrame
    checks: pd.DataFrame
    box: pd.DataFrame
    flags: pd.DataFrame
    suppressed: tuple[str, ...]
    min_cell: int
    weighted: bool
    n: int
    n_dropped: int
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return a row a term and group."""
        return self.by_group

    def glance(self) -> pd.DataFrame:
        """Return a row a term: the test of all groups."""
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
        Its weights are used: the tests are then design-based.
    by : str
        A covariate of the survey: texts, numbers, categories or truth values.
    score : {"gap", "perception", "expectation"}
        What to compare.
    min_cell : int
        Groups with fewer respondents on any score are suppressed; when that is one group only,
        the next smallest is suppressed too, since the total would reveal the first. Hidden
        groups enter no test and no pair.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    GroupComparison

    Raises
    ------
    ModelError
        When the covariate is unknown, has one value, or no group is large enough.

    Warns
    -----
    SparseDataWarning
        Naming groups of one respondent, and groups whose scores are all the same.

    Notes
    -----
    Welch's test [welch1951]_ does not assume equal variances and is the main one; the classical
    F and Kruskal and Wallis's H [kruskal1952]_ stand beside it. Pairs are those of Games and
    Howell [games1976]_ and of Dunn [dunn1964]_ (ties corrected, Holm within a score); more than
    40 groups have no pairs. Hedges' g of a pair is over the pooled deviation, its interval from
    the noncentral t. The checks (``assumptions``) recommend and change nothing. A group of one
    respondent has a mean and enters no test.

    Under weights: Wald's F of the group means with n - k degrees of freedom as R's
    ``regTermTest`` on ``svyglm`` (rows without a score dropped first), pairs from the same
    variances with Holm's p and Bonferroni's intervals, and the rank test of Lumley and Scott
    [lumley2013]_. Each mean's own interval counts its group's rows alone. The multivariate
    tests, Dunn's and g's interval have no weighted form and are left out.

    Whether the scale works alike in the groups is a question of invariance
    (``measurement_invariance``).

    References
    ----------
    .. [welch1951] Welch (1951), Biometrika 38, 330-336.
    .. [kruskal1952] Kruskal and Wallis (1952), Journal of the American Statistical Association
       47, 583-621.
    .. [games1976] Games and Howell (1976), Journal of Educational Statistics 1, 113-125.
    .. [dunn1964] Dunn (1964), Technometrics 6, 241-252.
    .. [lumley2013] Lumley and Scott (2013), Biometrika 100, 831-842.

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
    groups = group_column(survey, by)
    values = group_scores(survey, score)
    if survey.weights is not None:
        values = values.where(survey.weights > 0)
    used = groups.notna() & values[OVERALL_ITEMS].notna()
    hidden = suppressed_groups(_smallest_counts(values, groups, used), min_cell)
    shown = [g for g in sorted(groups[used].unique(), key=natural_order) if g not in hidden]
    if not shown:
        raise ModelError(
            f"every group of {by!r} has fewer than min_cell = {min_cell} respondents; "
            "merge groups or lower min_cell."
        )
    sample = GroupSample(values, groups, survey.weights, shown)
    main, beside, checks, pairs = tests_by_term(sample, conf_level)
    together, box = tests_together(sample)
    flags = _flags(sample, survey, by)
    _warn(flags)
    return GroupComparison(
        by=by,
        score=score,
        instrument=survey.instrument,
        by_group=_means(sample, hidden, conf_level),
        tests=main,
        other_tests=beside,
        multivariate=together,
        pairs=pairs,
        checks=checks,
        box=box,
        flags=flags,
        suppressed=hidden,
        min_cell=min_cell,
        weighted=survey.weights is not None,
        n=int(used.sum()),
        n_dropped=int((~used).sum()),
        conf_level=conf_level,
    )


def group_column(survey: Survey, by: str) -> pd.Series:
    """Return each respondent's group as text, missing where it is; or raise ``ModelError``."""
    if by not in survey.covariates:
        known = ", ".join(map(str, survey.covariates.columns)) or "none"
        raise ModelError(f"the survey has no covariate {by!r}; it has {known}.")
    groups = group_codes(survey.covariates[by])
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


def _smallest_counts(values: pd.DataFrame, groups: pd.Series, used: pd.Series) -> pd.Series:
    """Return the respondents of each group on the score where it has fewest, but some."""
    overall = groups[used].value_counts()
    terms = values.notna().groupby(groups).sum().reindex(overall.index)
    return terms.where(terms > 0).min(axis=1).astype(int)


def _means(sample: GroupSample, hidden: tuple[str, ...], conf_level: float) -> pd.DataFrame:
    """Return the means of the groups shown, and rows without a number of those hidden."""
    rows: list[dict[str, object]] = []
    for term in map(str, sample.values):
        for group in sample.shown:
            members = sample.groups == group
            weights = None if sample.weights is None else sample.weights[members]
            own = sample.values[term][members]
            row: dict[str, object] = {"term": term, "group": group}
            rows.append(row | mean_row(own, weights, conf_level))
    rows += [_hidden_row(str(term), group) for term in sample.values for group in hidden]
    table = pd.DataFrame(rows)
    first = ["term", "group"]
    return table[[*first, *[c for c in table if c not in first]]]


def _hidden_row(term: str, group: str) -> dict[str, object]:
    """Return the row of a suppressed group: no number that could reveal it."""
    nan = float("nan")
    return {"term": term, "group": group, "n": -1, "n_dropped": -1} | dict.fromkeys(ESTIMATES, nan)


def _flags(sample: GroupSample, survey: Survey, by: str) -> pd.DataFrame:
    """Return what is wrong with which group: one respondent, no spread, nobody."""
    rows = []
    for group in sample.shown:
        for term in map(str, sample.values):
            own = sample.values.loc[sample.groups == group, term].dropna()
            if len(own) == 1:
                rows.append((term, group, "one_respondent"))
            elif len(own) and np.ptp(own.to_numpy(dtype=float)) < 1e-9:
                rows.append((term, group, "constant"))
    column = survey.covariates[by]
    named = list(survey.variables[by].values) if by in survey.variables else []
    if isinstance(column.dtype, pd.CategoricalDtype):
        named += group_codes(pd.Series(column.cat.categories)).tolist()
    named += group_codes(column).dropna().unique().tolist()
    present = set(sample.groups[sample.values[OVERALL_ITEMS].notna()].dropna())
    rows += [("", group, "empty") for group in dict.fromkeys(named) if group not in present]
    return pd.DataFrame(rows, columns=["term", "group", "flag"])


def _warn(flags: pd.DataFrame) -> None:
    """Warn of groups that could not enter a test, or stop one."""
    named = list(dict.fromkeys(flags.loc[flags["flag"] != "empty", "group"]))
    if named:
        warnings.warn(
            SparseDataWarning(
                f"groups {named} have one respondent, or scores that are all the same, on some "
                "score; they stop or leave tests there, see the table flags.",
                key="groups_untested",
                values={"names": ", ".join(named)},
            ),
            stacklevel=3,
        )
