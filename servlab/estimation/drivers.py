"""What to improve first: importance beside performance.

Importance-performance analysis [martilla1977]_ sets how much each attribute matters against how
well it does. Importance is *stated* (customers marked it) or *derived* (it goes with an outcome);
the two often disagree, so the result says which it is. Importance is association, not cause.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.difference_scores import outcome_scores
from servlab.scales.means import weighted_mean
from servlab.scales.scoring import need_batteries, score_dimensions

Source = Literal["stated", "derived"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ImportancePerformance:
    """Importance beside performance.

    Attributes
    ----------
    source : str
        ``stated`` (marks or points) or ``derived`` (correlation with the outcome).
    outcome : str or None
        The outcome behind derived importance.
    level : str
        ``item`` or ``dimension``.
    table : DataFrame
        A row an item or dimension: ``importance`` (points of the marks' scale, shares of 1 for
        points, or a correlation), ``performance`` (mean perception, scale points), ``quadrant``
        (``concentrate``, ``keep_up``, ``low_priority``, ``possible_overkill``), ``n``,
        ``n_dropped``.
    importance_centre, performance_centre : float
        The means that divide the quadrants.
    n, n_dropped : int
        Respondents in the row that has fewest, and the others.
    """

    instrument: Instrument
    source: Source
    outcome: str | None
    level: str
    table: pd.DataFrame
    importance_centre: float
    performance_centre: float
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row an item or dimension."""
        return self.table.reset_index(names="term").assign(level=self.level)

    def glance(self) -> pd.DataFrame:
        """Return one row: the two centres."""
        row = {"importance": self.importance_centre, "performance": self.performance_centre}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def importance_performance(
    survey: Survey,
    outcome: str | None = None,
    *,
    level: Literal["item", "dimension"] = "dimension",
) -> ImportancePerformance:
    """Set importance beside performance for each item or dimension.

    Parameters
    ----------
    survey : Survey
        With a perception battery; its weights are used.
    outcome : str, optional
        With an outcome, importance is derived: the correlation of each perception with it.
        Without one it is stated: the survey's importance marks, or points for dimensions.
    level : {"dimension", "item"}
        What a row is.

    Returns
    -------
    ImportancePerformance

    Raises
    ------
    ModelError
        When the survey holds neither marks (or points) nor the outcome asked for.

    Notes
    -----
    Quadrants are divided at the means of both columns over the rows. Rows use the respondents
    who answered both questions.

    Examples
    --------
    >>> import servlab as sl
    >>> matrix = sl.importance_performance(sl.load_example("servqual"), "satisfaction")
    >>> matrix.source
    'derived'
    """
    check_choice("level", level, ("item", "dimension"))
    need_batteries(survey, "perception")
    performance = _level(survey.items("perception"), survey, level)
    if outcome is None:
        importance = _stated(survey, level)
        rows = {c: _stated_row(importance[c], performance[c], survey) for c in performance}
    else:
        y = outcome_scores(survey, outcome)
        rows = {c: _derived_row(performance[c], y, survey) for c in performance}
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"n": int, "n_dropped": int})
    x0, y0 = float(table["importance"].mean()), float(table["performance"].mean())
    table.insert(2, "quadrant", _quadrants(table, x0, y0))
    return ImportancePerformance(
        instrument=survey.instrument,
        source="stated" if outcome is None else "derived",
        outcome=outcome,
        level=level,
        table=table,
        importance_centre=x0,
        performance_centre=y0,
        n=int(table["n"].min()),
        n_dropped=int(table["n_dropped"].max()),
    )


def _level(items: pd.DataFrame, survey: Survey, level: str) -> pd.DataFrame:
    if level == "item":
        return items
    scores = score_dimensions(items, survey.instrument, survey.min_answered)
    if scores.shape[1] == 0:
        raise ModelError("the instrument has no dimensions; use level='item'.")
    return scores


def _stated(survey: Survey, level: str) -> pd.DataFrame:
    """Return stated importance (n, rows): marks by item, or marks or points by dimension."""
    if survey.has("importance"):
        return _level(survey.items("importance"), survey, level)
    if level == "dimension" and survey.importance_points is not None:
        points = survey.importance_points
        total = points.sum(axis=1, skipna=False)
        return points.div(total.where(total > 0), axis=0)
    raise ModelError(
        "the survey holds no importance marks"
        + (" for items" if survey.importance_points is not None else " or points")
        + "; name an outcome to derive importance."
    )


def _weights(survey: Survey, used: pd.Series) -> np.ndarray:
    if survey.weights is None:
        return np.ones(int(used.sum()))
    return survey.weights[used].to_numpy(dtype=float)


def _used(first: pd.Series, second: pd.Series, survey: Survey) -> pd.Series:
    used = first.notna() & second.notna()
    if survey.weights is not None:
        used &= survey.weights > 0
    if used.sum() < 3:
        raise ModelError(
            f"only {int(used.sum())} respondents answered {first.name!r} and what it is compared "
            "with; at least 3 are needed."
        )
    return used


def _stated_row(importance: pd.Series, performance: pd.Series, survey: Survey) -> dict[str, float]:
    used = _used(performance, importance, survey)
    w = _weights(survey, used)
    return {
        "importance": weighted_mean(importance[used].to_numpy(dtype=float), w),
        "performance": weighted_mean(performance[used].to_numpy(dtype=float), w),
        "n": int(used.sum()),
        "n_dropped": int((~used).sum()),
    }


def _derived_row(performance: pd.Series, y: pd.Series, survey: Survey) -> dict[str, float]:
    used = _used(performance, y, survey)
    w = _weights(survey, used)
    pair = np.column_stack([performance[used], y[used]]).astype(float)
    flat = np.ptp(pair, axis=0) == 0
    if flat.any():
        name = performance.name if flat[0] else y.name
        raise ModelError(f"{name!r} is constant over the {len(pair)} rows used; leave it out.")
    cov = np.cov(pair, rowvar=False, aweights=w)
    return {
        "importance": float(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])),
        "performance": weighted_mean(pair[:, 0], w),
        "n": int(used.sum()),
        "n_dropped": int((~used).sum()),
    }


def _quadrants(table: pd.DataFrame, importance: float, performance: float) -> list[str]:
    """Return Martilla and James's quadrant of each row; a row on a line counts as high."""
    names = {
        (True, False): "concentrate",
        (True, True): "keep_up",
        (False, False): "low_priority",
        (False, True): "possible_overkill",
    }
    high = zip(table["importance"] >= importance, table["performance"] >= performance, strict=True)
    return [names[bool(matters), bool(does_well)] for matters, does_well in high]
