"""Who gave one of the best marks? Answers as top-box, honestly: missing stays missing."""

import numpy as np
import pandas as pd

from servlab.core.checks import check_count
from servlab.core.errors import ModelError
from servlab.data.schema import Scale


def top_box(
    scores: pd.Series | pd.DataFrame, *, n_boxes: int = 1, scale: Scale | tuple[int, int]
) -> pd.Series:
    """Return 1 for answers in the top boxes of a scale, 0 for others, missing where missing.

    Parameters
    ----------
    scores : Series or DataFrame
        Answers to one question; of several (a column each), 1 needs the mean to be in the boxes,
        and a row with any answer missing is missing.
    n_boxes : int
        How many of the highest points count: 1 (top-box), 2 (top-2-box).
    scale : Scale or (low, high)
        The response scale that was asked, as ``survey.scales["perception"]`` or ``(1, 5)``. It is
        never guessed: in a good survey the best mark seen may not be the best mark offered.

    Returns
    -------
    Series
        Floats 0, 1 and NaN, named ``top_box`` or after the answers.

    Raises
    ------
    ModelError
        When no scale is given, answers lie outside it or are no numbers, the boxes leave nothing
        below them, or everybody or nobody is in them.

    Notes
    -----
    Top boxes throw away what lies below them and change with culture and mode; report the mean
    or an ordinal model beside them. A mean of several answers must reach the lowest top box:
    it is at least high - n_boxes + 1.

    Examples
    --------
    >>> import pandas as pd
    >>> top_box(pd.Series([5, 4, None, 3], name="overall"), n_boxes=2, scale=(1, 5)).tolist()
    [1.0, 1.0, nan, 0.0]
    """
    low, high = _ends(scale)
    n_boxes = check_count("n_boxes", n_boxes)
    if n_boxes > high - low:
        raise ModelError(
            f"{n_boxes} boxes leave nothing below them on a scale of {low} to {high}; "
            f"use at most {high - low}."
        )
    answers = scores.to_frame() if isinstance(scores, pd.Series) else scores
    if not isinstance(answers, pd.DataFrame) or answers.empty:
        raise ModelError("top_box needs a Series or a DataFrame of answers with at least one row.")
    for name, column in answers.items():
        _check_answers(str(name), column, low, high)
    mean = answers.astype(float).mean(axis=1, skipna=False)
    inside = (mean >= high - n_boxes + 1 - 1e-9).astype(float).where(mean.notna())
    if inside.nunique() < 2:
        share = "no" if inside.eq(0).any() else "every"
        raise ModelError(
            f"{share} answer is in the top {n_boxes} of a scale of {low} to {high}; "
            "check the scale, or take another number of boxes."
        )
    named = scores.name if isinstance(scores, pd.Series) and scores.name else "top_box"
    return inside.rename(str(named))


def _ends(scale: object) -> tuple[int, int]:
    """Return the ends of the scale."""
    if isinstance(scale, Scale):
        return scale.low, scale.high
    if isinstance(scale, tuple) and len(scale) == 2 and scale[0] < scale[1]:
        return int(scale[0]), int(scale[1])
    raise ModelError(
        "top_box needs the scale that was asked, as scale=(1, 5) or survey.scales[battery]; "
        f"got {scale!r}."
    )


def _check_answers(name: str, column: pd.Series, low: int, high: int) -> None:
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise ModelError(f"column {name!r} holds text; map its answers to numbers first.")
    values = column.dropna().to_numpy(dtype=float)
    if len(values) and (np.min(values) < low or np.max(values) > high):
        raise ModelError(
            f"column {name!r} has answers from {np.min(values):g} to {np.max(values):g}, outside "
            f"the scale {low} to {high}; set missing codes to missing or give the right scale."
        )
