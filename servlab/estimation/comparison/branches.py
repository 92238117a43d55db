"""Which respondents belong to which branch, and which branches are too small to enter."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import ModelError
from servlab.core.groups import natural_order, suppressed_groups
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import group_column, group_scores
from servlab.scales.scoring import OVERALL_ITEMS

IntArray = NDArray[np.int64]
SCORES = ("gap", "perception", "expectation")


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """Branches large enough, and where each respondent belongs.

    ``names`` (G,) in natural order; ``codes`` Series (n,) the place of a respondent's branch, -1
    where it has none, is small or the respondent is not used; ``suppressed`` the branches left
    out; ``n_single`` how many of them are one respondent.
    """

    names: tuple[str, ...]
    codes: pd.Series
    suppressed: tuple[str, ...]
    n_single: int


def find_branches(
    survey: Survey, by: str, used: pd.Series, min_cell: int, *, at_least: int = 2
) -> Branches:
    """Return the branches of the respondents ``used``.

    A branch with fewer than ``min_cell`` respondents, or than ``at_least``, does not enter, nor
    the next one where a single one could be inferred from a total.
    """
    named = group_column(survey, by)
    groups = named.where(used)
    counts = groups.value_counts()
    hidden = suppressed_groups(counts, max(min_cell, at_least))
    names = [g for g in sorted(counts.index, key=natural_order) if g not in hidden]
    if len(names) < 2:
        raise ModelError(
            f"{by!r} has fewer than two groups of at least {max(min_cell, at_least)} respondents "
            f"(one more is left out where a single small one could be inferred); merge groups or "
            f"lower min_cell = {min_cell}."
        )
    places = {name: place for place, name in enumerate(names)}
    codes = groups.map(places).fillna(-1).astype(int)
    single = int((counts == 1).sum())
    unanswered = set(named.dropna()) - set(counts.index)
    left_out = tuple(sorted({*hidden, *unanswered}, key=natural_order))
    return Branches(tuple(names), codes, left_out, single)


def branch_score(survey: Survey, score: str, term: str) -> pd.Series:
    """Return the (n,) score that branches are compared on, or raise ``ModelError``.

    ``score`` is the gap, a battery, or an outcome, which has no terms.
    """
    if score in survey.outcomes and score not in SCORES:
        if term != OVERALL_ITEMS:
            raise ModelError(f"{score!r} is one question; it has no term {term!r}, leave term out.")
        return survey.outcomes[score].astype(float)
    if score not in SCORES:
        known = ", ".join(repr(name) for name in (*SCORES, *survey.outcomes.columns))
        raise ModelError(f"score must be one of {known}; got {score!r}.")
    values = group_scores(survey, score)  # type: ignore[arg-type]  # checked above
    if term not in values:
        raise ModelError(f"term must be one of {', '.join(map(str, values))}; got {term!r}.")
    return values[term]


def used_weights(survey: Survey) -> pd.Series | None:
    """Return the survey's weights where they differ; equal weights are none."""
    if survey.weights is None or survey.weights.min() == survey.weights.max():
        return None
    return survey.weights
