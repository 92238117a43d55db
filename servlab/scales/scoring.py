"""How respondents score on each dimension: means of items, under one rule for missing answers.

A dimension's score is the mean of its items [parasuraman1988]_. It needs all of them unless the
codebook's ``min_answered`` allows fewer. The overall score is given in two forms that differ when
dimensions have unequal numbers of items: the mean of all items and the mean of the dimensions.
"""

from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.scales.means import mean_table

OVERALL_ITEMS = "overall_items"
OVERALL_DIMENSIONS = "overall_dimensions"
LEVELS = ("item", "dimension", "overall")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class DimensionScores:
    """Scores of one battery.

    Attributes
    ----------
    battery : str
        The battery scored.
    scores : DataFrame
        (n, dimensions) a row a respondent, in scale points; NaN where too few items were answered.
    overall : DataFrame
        (n, 2) ``overall_items`` (mean of all items) and ``overall_dimensions`` (mean of the
        dimension scores).
    by_item, by_dimension, by_overall : DataFrame
        Means over respondents: a row an item, dimension or overall form; columns ``estimate``,
        ``std_dev``, ``std_error``, ``df``, ``conf_low``, ``conf_high``, ``n``, ``n_dropped``,
        ``n_effective``.
    n : int
        Respondents with an overall item score.
    n_dropped : int
        Respondents without one.
    conf_level : float
        Level of the intervals.
    weighted : bool
        Whether probability weights were used.
    """

    battery: str
    instrument: Instrument
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
        return stack_levels(self.by_item, self.by_dimension, self.by_overall).assign(
            battery=self.battery
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall mean of the items."""
        row = self.by_overall.loc[[OVERALL_ITEMS]]
        return row.reset_index(drop=True).assign(battery=self.battery)


def dimension_scores(survey: Survey, battery: str, *, conf_level: float = 0.95) -> DimensionScores:
    """Score one battery by dimension and overall.

    Parameters
    ----------
    survey : Survey
        Its probability weights are used where it has them.
    battery : str
        ``"perception"`` (then the overall score is SERVPERF [cronin1992]_), ``"expectation"``,
        ``"desired"``, ``"adequate"`` or ``"importance"``.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    DimensionScores

    Raises
    ------
    ModelError
        When the survey lacks the battery.

    Notes
    -----
    A respondent's score on a dimension is the mean of the items answered, given that at least
    ``min_answered`` of them were (all, by default). The mean of the dimensions needs all of them.
    Intervals are t intervals; under weights the linearized variance is used.

    Examples
    --------
    >>> import servlab as sl
    >>> scores = sl.dimension_scores(sl.load_example("servqual"), "perception")
    >>> list(scores.scores.columns)
    ['tangibles', 'reliability', 'responsiveness', 'assurance', 'empathy']
    """
    check_conf_level(conf_level)
    items = survey.items(battery)
    scores = score_dimensions(items, survey.instrument, survey.min_answered)
    overall = score_overall(items, scores, survey.min_answered)
    used = int(overall[OVERALL_ITEMS].notna().sum())
    return DimensionScores(
        battery=battery,
        instrument=survey.instrument,
        scores=scores,
        overall=overall,
        by_item=mean_table(items, survey.weights, conf_level),
        by_dimension=mean_table(scores, survey.weights, conf_level),
        by_overall=mean_table(overall, survey.weights, conf_level),
        n=used,
        n_dropped=survey.n - used,
        conf_level=conf_level,
        weighted=survey.weights is not None,
    )


def score_dimensions(
    items: pd.DataFrame, instrument: Instrument, min_answered: float
) -> pd.DataFrame:
    """Return (n, dimensions) means of the items of each dimension."""
    return pd.DataFrame(
        {
            code: row_means(items[list(instrument.items_of(code))], min_answered)
            for code in instrument.dimension_codes
        },
        index=items.index,
    )


def score_overall(
    items: pd.DataFrame, dimension_scores: pd.DataFrame, min_answered: float
) -> pd.DataFrame:
    """Return (n, 2) overall scores: mean of all items, and mean of all dimensions."""
    overall = pd.DataFrame({OVERALL_ITEMS: row_means(items, min_answered)}, index=items.index)
    if dimension_scores.shape[1]:
        overall[OVERALL_DIMENSIONS] = dimension_scores.mean(axis=1, skipna=False)
    return overall


def row_means(items: pd.DataFrame, min_answered: float) -> pd.Series:
    """Return each row's mean of the items answered, NaN below the share ``min_answered``."""
    answered = items.notna().sum(axis=1)
    # the small slack keeps 0.8 of 5 items at 4 although 0.8 * 5 is not exact in binary
    return items.mean(axis=1).where(answered >= min_answered * items.shape[1] - 1e-9)


def stack_levels(
    by_item: pd.DataFrame, by_dimension: pd.DataFrame, by_overall: pd.DataFrame
) -> pd.DataFrame:
    """Return the three tables in one, with ``level`` and ``term`` columns in front."""
    parts = []
    for level, table in zip(LEVELS, (by_item, by_dimension, by_overall), strict=True):
        part = table.reset_index(names="term")
        part.insert(0, "level", level)
        parts.append(part)
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def need_batteries(survey: Survey, *batteries: str) -> None:
    """Raise ``ModelError`` naming the batteries that an analysis needs and the survey lacks."""
    lacking = [battery for battery in batteries if not survey.has(battery)]
    if lacking:
        raise ModelError(
            f"this needs the batteries {', '.join(batteries)}; the survey has "
            f"{', '.join(survey.batteries)}, so {', '.join(lacking)} is missing."
        )
