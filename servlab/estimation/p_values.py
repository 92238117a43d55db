"""p values adjusted for their number: Holm's step-down and Benjamini and Hochberg's step-up."""

from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.checks import check_choice

Adjust = Literal["holm", "bh", "none"]
ADJUSTMENTS = ("holm", "bh", "none")


def holm(p_values: pd.Series) -> pd.Series:
    """Return p values adjusted for their number by Holm's step-down method; NaN stays NaN."""
    p = p_values.dropna().sort_values(kind="stable")
    steps = p * np.arange(len(p), 0, -1)
    return steps.cummax().clip(upper=1.0).reindex(p_values.index)


def benjamini_hochberg(p_values: pd.Series) -> pd.Series:
    """Return p values adjusted to control the false discovery rate; NaN stays NaN."""
    p = p_values.dropna().sort_values(ascending=False, kind="stable")
    steps = p * len(p) / np.arange(len(p), 0, -1)
    return steps.cummin().clip(upper=1.0).reindex(p_values.index)


def adjusted(p_values: pd.Series, method: Adjust) -> pd.Series:
    """Return one family of p values adjusted by the named method, as R's ``p.adjust`` does.

    Examples
    --------
    >>> adjusted(pd.Series([0.01, 0.04, float("nan")]), "holm").tolist()
    [0.02, 0.04, nan]
    """
    check_choice("adjust", method, ADJUSTMENTS)
    if method == "none":
        return p_values.astype(float)
    return (holm if method == "holm" else benjamini_hochberg)(p_values.astype(float))
