"""The overall SERVQUAL score under weights for the dimensions.

Parasuraman, Zeithaml and Berry let customers share 100 points among the dimensions and weight
each customer's gaps with them [parasuraman1991]_. Where a survey marks importance item by item,
a dimension's weight is its mean mark in proportion to the others'.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.scales.gaps import gap_scores
from servlab.scales.means import mean_row, mean_table
from servlab.scales.scoring import dimension_scores, need_batteries, score_dimensions

WeightSource = Literal["equal", "respondent", "reference"]
WEIGHT_SOURCES = ("equal", "respondent", "reference")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ServqualScore:
    """A weighted overall score.

    Attributes
    ----------
    estimate, std_error, df, conf_low, conf_high : float
        Mean of the respondents' weighted scores with its t interval, in scale points.
    by_dimension : DataFrame
        A row a dimension: ``weight`` (mean over respondents; sums to 1), ``estimate`` (mean
        unweighted score), ``weighted`` (mean contribution; sums to the overall estimate).
    scores : Series
        (n,) weighted score of each respondent.
    weights : str
        Where the weights came from: ``equal``, ``respondent``, ``reference`` or ``given``.
    score : str
        ``gap`` (SERVQUAL) or ``perception`` (SERVPERF).
    unweighted : float
        The mean with equal weights over the same respondents.
    n, n_dropped : int
        Respondents used and lost.
    """

    instrument: Instrument
    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    by_dimension: pd.DataFrame
    scores: pd.Series
    weights: str
    score: str
    unweighted: float
    n: int
    n_dropped: int
    conf_level: float

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension."""
        return self.by_dimension.reset_index(names="term").assign(level="dimension")

    def glance(self) -> pd.DataFrame:
        """Return one row: the weighted overall score."""
        names = ("estimate", "std_error", "df", "conf_low", "conf_high", "n", "n_dropped")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def servqual_score(
    survey: Survey,
    *,
    weights: WeightSource | Mapping[str, float] = "equal",
    score: Literal["gap", "perception"] = "gap",
    conf_level: float = 0.95,
) -> ServqualScore:
    """Compute the overall score with weights for the dimensions.

    Parameters
    ----------
    survey : Survey
        Its probability weights (of respondents) are honoured beside the dimension weights.
    weights : {"equal", "respondent", "reference"} or mapping of str to float
        Equal weights; each respondent's own importance (points shared among dimensions, else
        item marks); the instrument's published weights; or a weight for each dimension, in any
        unit.
    score : {"gap", "perception"}
        Weight gaps (SERVQUAL) or perceptions (weighted SERVPERF).
    conf_level : float
        Level of the interval, in (0, 1).

    Returns
    -------
    ServqualScore

    Raises
    ------
    ModelError
        When the survey or instrument lacks what the weights need, or weights are negative,
        all zero, or not given for every dimension.

    Notes
    -----
    Respondent i scores sum_d w_id g_id with sum_d w_id = 1. The interval is that of the mean of
    these scores. Published weights are importance, not dissatisfaction.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> equal = sl.servqual_score(survey)
    >>> bool(abs(equal.by_dimension.weighted.sum() - equal.estimate) < 1e-12)
    True
    """
    check_conf_level(conf_level)
    check_choice("score", score, ("gap", "perception"))
    values = _dimension_values(survey, score)
    if values.shape[1] == 0:
        raise ModelError(f"the instrument {survey.instrument.name!r} has no dimensions to weight.")
    shares, source = _shares(survey, weights)
    complete = values.notna().all(axis=1) & shares.notna().all(axis=1)
    contributions = (values * shares).where(complete)
    total = contributions.sum(axis=1, skipna=False)
    row = mean_row(total, survey.weights, conf_level)
    if row["n"] == 0:
        raise ModelError("no respondent has both all dimension scores and weights.")
    means = [
        mean_table(f.where(complete), survey.weights, conf_level)["estimate"]
        for f in (shares, values, contributions)
    ]
    by_dimension = pd.concat(means, axis=1, keys=("weight", "estimate", "weighted"))
    return ServqualScore(
        instrument=survey.instrument,
        by_dimension=by_dimension,
        scores=total.rename("score"),
        weights=source,
        score=score,
        unweighted=float(by_dimension["estimate"].mean()),
        conf_level=conf_level,
        estimate=row["estimate"],
        std_error=row["std_error"],
        df=row["df"],
        conf_low=row["conf_low"],
        conf_high=row["conf_high"],
        n=int(row["n"]),
        n_dropped=int(row["n_dropped"]),
    )


def importance_shares(survey: Survey) -> pd.DataFrame:
    """Return each respondent's importance of the dimensions (n, dimensions), rows summing to 1.

    Points shared among the dimensions come first, item marks second. A row is missing where
    the respondent gave none, or gave every dimension nothing.

    Raises
    ------
    ModelError
        When the survey holds neither points nor marks.
    """
    if survey.importance_points is not None:
        marks = survey.importance_points[list(survey.instrument.dimension_codes)]
    elif survey.has("importance"):
        marks = score_dimensions(survey.items("importance"), survey.instrument, survey.min_answered)
    else:
        raise ModelError(
            "weights='respondent' needs importance marks or points; the survey has neither an "
            "importance battery nor importance_points in its codebook."
        )
    total = marks.sum(axis=1, skipna=False)
    return marks.div(total.where(total > 0), axis=0)


def _dimension_values(survey: Survey, score: str) -> pd.DataFrame:
    """Return (n, dimensions) gaps or perceptions."""
    if score == "gap":
        return gap_scores(survey).scores
    need_batteries(survey, "perception")
    return dimension_scores(survey, "perception").scores


def _shares(
    survey: Survey, weights: WeightSource | Mapping[str, float]
) -> tuple[pd.DataFrame, str]:
    """Return (n, dimensions) weights, rows summing to 1, and the name of their source."""
    dimensions = survey.instrument.dimension_codes
    if isinstance(weights, Mapping):
        return _constant(survey, weights), "given"
    check_choice("weights", weights, WEIGHT_SOURCES)
    if weights == "equal":
        return _constant(survey, dict.fromkeys(dimensions, 1.0)), "equal"
    if weights == "respondent":
        return importance_shares(survey), "respondent"
    if not survey.instrument.reference_weights:
        raise ModelError(
            f"the instrument {survey.instrument.name!r} has no published weights; "
            "use weights='equal', 'respondent' or a mapping of dimension to weight."
        )
    return _constant(survey, survey.instrument.reference_weights), "reference"


def _constant(survey: Survey, weights: Mapping[str, float]) -> pd.DataFrame:
    """Return the same weights for every respondent, checked and scaled to sum to 1."""
    dimensions = list(survey.instrument.dimension_codes)
    if set(weights) != set(dimensions):
        raise ModelError(
            f"weights must name each dimension ({', '.join(dimensions)}); "
            f"got {', '.join(map(str, weights))}."
        )
    values = np.array([float(weights[code]) for code in dimensions])
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() == 0:
        raise ModelError("weights must be finite, at least 0, and not all 0.")
    rows = np.tile(values / values.sum(), (survey.n, 1))
    return pd.DataFrame(rows, index=survey.index, columns=dimensions)
