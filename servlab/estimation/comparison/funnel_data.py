"""The estimates and sizes that a funnel sets against each other, from counts or from a survey."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from servlab.core.errors import ModelError
from servlab.data.survey import Survey
from servlab.estimation.comparison.branches import SCORES, Branches
from servlab.scales.means import effective_n, weighted_mean


def counts_by_group(name: str, given: pd.Series | Mapping[str, int]) -> pd.Series:
    """Return counts by the text of their group."""
    counts = pd.Series(given)
    if counts.empty:
        raise ModelError(f"{name} is empty; give a count for each group.")
    numbers = pd.to_numeric(counts, errors="coerce")
    wrong = numbers.index[~(numbers >= 0) | (numbers != np.floor(numbers)) | np.isinf(numbers)]
    if len(wrong):
        raise ModelError(
            f"{name} must be whole numbers of at least 0; got others for "
            f"{', '.join(str(g) for g in wrong[:8])}."
        )
    numbers.index = numbers.index.map(str)
    if numbers.index.has_duplicates:
        raise ModelError(f"{name} names a group twice; sum its counts first.")
    return numbers.astype(float)


def top_of_scale(survey: Survey, score: str, at_least: float | None) -> float:
    """Return the least score that counts as top, in scale points."""
    if score == "gap":
        raise ModelError(
            "a gap has no top of its scale; take score='perception', 'expectation' or an outcome."
        )
    known = survey.variables.get(score)
    scale = survey.scales[score] if score in SCORES else known.scale if known else None
    if at_least is None and scale is None:
        raise ModelError(f"the codebook gives no scale for {score!r}; give at_least, its top.")
    if at_least is None and scale is not None:
        return float(scale.high - (1 if score in SCORES else 0))
    if isinstance(at_least, bool) or not isinstance(at_least, int | float):
        raise ModelError(f"at_least must be a number of scale points; got {at_least!r}.")
    return float(at_least)


def branch_estimates(
    values: pd.Series, branches: Branches, weights: pd.Series | None, measure: str
) -> tuple[pd.DataFrame, float, float]:
    """Return each branch's estimate and size, the target and the spread within branches."""
    inside = branches.codes >= 0
    y, codes = values[inside].to_numpy(dtype=float), branches.codes[inside].to_numpy()
    w = np.ones(len(y)) if weights is None else weights[inside].to_numpy(dtype=float)
    at = [codes == g for g in range(len(branches.names))]
    means = np.array([weighted_mean(y[m], w[m]) for m in at])
    target = weighted_mean(y, w)
    table = pd.DataFrame(
        {
            "group": branches.names,
            "estimate": means,
            "n": np.bincount(codes),
            "size": [effective_n(w[m]) for m in at],
        }
    )
    if measure == "top_box":
        return table, target, float("nan")
    ss = float(w @ (y - means[codes]) ** 2) / w.sum() * len(y)
    spread = np.sqrt(ss / (len(y) - len(means))) if len(y) > len(means) else 0.0
    if spread <= 1e-9 * max(1.0, abs(target)):
        raise ModelError("the score does not vary within branches; there is nothing to judge by.")
    return table, target, float(spread)
