"""The gap between service perceived and service expected, P - E, and its reference forms.

Gap scores follow SERVQUAL [parasuraman1988]_: perception minus expectation, so that a negative
gap means service falls short. What "expected" means depends on the grade of expectation the
question asked for; the result carries it.
"""

from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.data.instrument import Grade, Instrument
from servlab.data.survey import Survey
from servlab.scales.means import mean_table, weighted_mean
from servlab.scales.scoring import (
    OVERALL_ITEMS,
    need_batteries,
    score_dimensions,
    score_overall,
    stack_levels,
)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GapScores:
    """Gaps between perception and expectation.

    Attributes
    ----------
    instrument : Instrument
        What was asked.
    grade : str or None
        The grade of expectation the expectation battery asked for.
    scores : DataFrame
        (n, dimensions) gaps a row a respondent, in scale points.
    overall : DataFrame
        (n, 2) ``overall_items`` and ``overall_dimensions`` a row a respondent.
    by_item, by_dimension, by_overall : DataFrame
        A row an item, dimension or overall form; ``estimate`` is the mean gap with its paired
        interval, ``expected`` and ``perceived`` the means over the same respondents, so that
        ``perceived - expected == estimate``.
    n, n_dropped : int
        Respondents with and without an overall item gap.
    conf_level : float
        Level of the intervals.
    weighted : bool
        Whether probability weights were used.
    """

    instrument: Instrument
    grade: Grade | None
    scores: pd.DataFrame
    overall: pd.DataFrame
    by_item: pd.DataFrame
    by_dimension: pd.DataFrame
    by_overall: pd.DataFrame
    n: int
    n_dropped: int
    conf_level: float
    weighted: bool

    def tidy(self) -> pd.DataFrame:
        """Return a row an item, dimension and overall form."""
        return stack_levels(self.by_item, self.by_dimension, self.by_overall)

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall gap as the mean of the items."""
        return self.by_overall.loc[[OVERALL_ITEMS]].reset_index(drop=True)


def gap_scores(survey: Survey, *, conf_level: float = 0.95) -> GapScores:
    """Compute the gap P - E by item, dimension and overall, with paired intervals.

    Parameters
    ----------
    survey : Survey
        With an ``expectation`` and a ``perception`` battery; its weights are used.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    GapScores

    Raises
    ------
    ModelError
        When the survey lacks one of the batteries.

    Notes
    -----
    Only items that a respondent answered in *both* batteries enter that respondent's gap, so
    that the difference is one between answers to the same questions; ``min_answered`` of a
    dimension's items must be answered in both. The interval is that of the mean of paired
    differences (Student's t; the linearized variance under weights).

    Examples
    --------
    >>> import servlab as sl
    >>> gaps = sl.gap_scores(sl.load_example("servqual"))
    >>> bool((gaps.by_dimension.estimate
    ...       - (gaps.by_dimension.perceived - gaps.by_dimension.expected)).abs().max() < 1e-12)
    True
    """
    check_conf_level(conf_level)
    need_batteries(survey, "expectation", "perception")
    levels_e, levels_p = paired_levels(survey)
    tables = [
        _gap_table(e, p, survey.weights, conf_level)
        for e, p in zip(levels_e, levels_p, strict=True)
    ]
    overall = levels_p[2] - levels_e[2]
    used = int(overall[OVERALL_ITEMS].notna().sum())
    return GapScores(
        instrument=survey.instrument,
        grade=survey.grades.get("expectation"),
        scores=levels_p[1] - levels_e[1],
        overall=overall,
        by_item=tables[0],
        by_dimension=tables[1],
        by_overall=tables[2],
        n=used,
        n_dropped=survey.n - used,
        conf_level=conf_level,
        weighted=survey.weights is not None,
    )


def paired_items(survey: Survey, *batteries: str) -> tuple[pd.DataFrame, ...]:
    """Return the items of several batteries, missing in all where missing in one."""
    frames = [survey.items(battery) for battery in batteries]
    answered = frames[0].notna()
    for frame in frames[1:]:
        answered &= frame.notna()
    return tuple(frame.where(answered) for frame in frames)


def paired_levels(
    survey: Survey,
) -> tuple[tuple[pd.DataFrame, ...], tuple[pd.DataFrame, ...]]:
    """Return (items, dimension scores, overall scores) expected and perceived, paired by item."""
    expected, perceived = paired_items(survey, "expectation", "perception")
    return _levels(expected, survey), _levels(perceived, survey)


def _levels(items: pd.DataFrame, survey: Survey) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return items, dimension scores and overall scores, a row a respondent."""
    scores = score_dimensions(items, survey.instrument, survey.min_answered)
    return items, scores, score_overall(items, scores, survey.min_answered)


def _gap_table(
    expected: pd.DataFrame, perceived: pd.DataFrame, weights: pd.Series | None, conf_level: float
) -> pd.DataFrame:
    """Return the gap table of one level; both frames are missing in the same cells."""
    table = mean_table(perceived - expected, weights, conf_level)
    for place, (name, frame) in enumerate((("expected", expected), ("perceived", perceived))):
        table.insert(place, name, [_mean(frame[column], weights) for column in frame.columns])
    return table


def _mean(values: pd.Series, weights: pd.Series | None) -> float:
    used = values.notna()
    if weights is None or not used.any():
        return float(values.mean())
    return weighted_mean(values[used].to_numpy(), weights[used].to_numpy())
