"""The rows of a response surface: outcome, perception and expectation of a survey or a frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.checks import check_weights
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.difference_scores import outcome_scores
from servlab.estimation.regression.design_checks import column_of
from servlab.scales.gaps import paired_items
from servlab.scales.scoring import need_batteries, row_means

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceRows:
    """Complete rows: (n,) outcome ``y``, ``P`` and ``E`` in scale points, weights ``w`` or None."""

    y: Array
    P: Array
    E: Array
    w: Array | None
    index: pd.Index
    names: tuple[str, str]
    outcome: tuple[str, ...]
    midpoint: float
    scale: tuple[float, float] | None
    instrument: Instrument | None
    n_dropped: int


def rows_of_survey(
    survey: Survey, outcome: str | Sequence[str], dimension: str | None, midpoint: float | None
) -> SurfaceRows:
    """Return the rows of a survey: scores of a dimension, or the mean of all items."""
    need_batteries(survey, "expectation", "perception")
    expected, perceived = paired_items(survey, "expectation", "perception")
    if dimension is not None:
        known = survey.instrument.dimension_codes
        if dimension not in known:
            raise ModelError(
                f"dimension names {dimension!r}; the instrument has {', '.join(known) or 'none'}."
            )
        items = list(survey.instrument.items_of(dimension))
        expected, perceived = expected[items], perceived[items]
    scales = {survey.scales["perception"], survey.scales["expectation"]}
    if len(scales) > 1:
        raise ModelError(
            "perception and expectation were answered on different scales; P and E must be in the "
            "same points for lines such as P = E to mean anything. Rescale one of them."
        )
    scale = survey.scales["perception"]
    share = survey.min_answered
    frame = pd.DataFrame(
        {
            "outcome": _outcome_of(survey, outcome),
            "perception": row_means(perceived, share),
            "expectation": row_means(expected, share),
        }
    )
    return _complete(
        frame,
        survey.weights,
        names=("perception", "expectation"),
        outcome=_names(outcome),
        midpoint=(scale.low + scale.high) / 2 if midpoint is None else float(midpoint),
        scale=(float(scale.low), float(scale.high)),
        instrument=survey.instrument,
    )


def rows_of_frame(
    data: pd.DataFrame,
    outcome: str | Sequence[str],
    dimension: str | None,
    names: tuple[str | None, str | None],
    midpoint: float | None,
    weights: str | None,
) -> SurfaceRows:
    """Return the rows of a frame, whose columns are named."""
    if not isinstance(data, pd.DataFrame):
        raise ModelError(f"data must be a Survey or a pandas DataFrame; got {type(data).__name__}.")
    if dimension is not None:
        raise ModelError("dimension belongs to a survey; of a frame, name the two columns.")
    if midpoint is None or not np.isfinite(midpoint):
        raise ModelError(
            "midpoint must be the middle of the answers' scale, as 4 for answers from 1 to 7: "
            f"P and E are centred there; got {midpoint!r}."
        )
    chosen = (names[0] or "perception", names[1] or "expectation")
    outcomes = [_numbers(data, "outcome", name) for name in _names(outcome)]
    frame = pd.DataFrame(
        {
            "outcome": pd.concat(outcomes, axis=1).mean(axis=1, skipna=False),
            "perception": _numbers(data, "perception", chosen[0]),
            "expectation": _numbers(data, "expectation", chosen[1]),
        }
    )
    return _complete(
        frame,
        None if weights is None else column_of(data, "weights", weights),
        names=chosen,
        outcome=_names(outcome),
        midpoint=float(midpoint),
        scale=None,
        instrument=None,
    )


def _names(outcome: str | Sequence[str]) -> tuple[str, ...]:
    names = (outcome,) if isinstance(outcome, str) else tuple(outcome)
    if not names or not all(isinstance(name, str) for name in names):
        raise ModelError(f"outcome must be a name, or names to average; got {outcome!r}.")
    if len(set(names)) < len(names):
        raise ModelError(f"outcome names one thing twice: {names!r}.")
    return names


def _outcome_of(survey: Survey, outcome: str | Sequence[str]) -> pd.Series:
    """Return one outcome's scores, or the mean of several on one scale."""
    names = _names(outcome)
    scores = [outcome_scores(survey, name) for name in names]
    scales = {survey.variables[name].scale for name in names if name in survey.variables}
    if len(scales) > 1:
        raise ModelError(
            f"outcomes {', '.join(names)} have different scales, so their mean has no unit; name "
            "one of them."
        )
    return pd.concat(scores, axis=1).mean(axis=1, skipna=False)


def _numbers(data: pd.DataFrame, argument: str, name: str) -> pd.Series:
    """Return a column of numbers, or raise ``ModelError`` naming it."""
    column = column_of(data, argument, name)
    if isinstance(column, pd.DataFrame):
        raise ModelError(f"column {name!r} occurs more than once; give each its own name.")
    number = pd.api.types.is_numeric_dtype(column) and column.dtype.kind not in "bc"
    if not number:
        raise ModelError(f"column {name!r} holds no numbers; map its answers to numbers.")
    values = column.astype(float)
    if np.isinf(values).any():
        raise ModelError(f"column {name!r} holds infinite values; set them to missing.")
    return values


def _complete(
    frame: pd.DataFrame,
    weights: pd.Series | None,
    *,
    names: tuple[str, str],
    outcome: tuple[str, ...],
    midpoint: float,
    scale: tuple[float, float] | None,
    instrument: Instrument | None,
) -> SurfaceRows:
    """Return the complete rows, or raise ``ModelError`` naming what does not vary."""
    used = frame.notna().all(axis=1)
    if weights is not None:
        weights = check_weights(weights, frame.index)
        used &= weights > 0
    rows = frame[used]
    if rows.empty:
        raise ModelError("no respondent has the outcome, a perception and an expectation score.")
    called = {"outcome": " and ".join(outcome), "perception": names[0], "expectation": names[1]}
    for part, name in called.items():
        values = rows[part]
        if values.min() == values.max():
            raise ModelError(
                f"{name!r} is constant over the {len(rows)} rows used (all {values.iloc[0]:g}); "
                "a response surface needs it to vary. Where all expectations are at the top of "
                "the scale, report perception alone."
            )
    return SurfaceRows(
        y=rows["outcome"].to_numpy(dtype=float),
        P=rows["perception"].to_numpy(dtype=float),
        E=rows["expectation"].to_numpy(dtype=float),
        w=None if weights is None else weights[used].to_numpy(dtype=float),
        index=rows.index,
        names=names,
        outcome=outcome,
        midpoint=midpoint,
        scale=scale,
        instrument=instrument,
        n_dropped=len(frame) - len(rows),
    )
