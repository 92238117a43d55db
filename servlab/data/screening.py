"""Whose answers should a study look at twice? Proposals with reasons, never applied silently.

Straight answers on expectations alone are legitimate (everything matters), so straight-lining
counts only over all batteries together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from servlab.core.errors import ModelError
from servlab.data.schema import Label
from servlab.data.survey import Survey

Rule = Literal["straight_lined", "incomplete", "duplicate"]
RULES: tuple[Rule, ...] = get_args(Rule)
INCOMPLETE = 0.5  # a person with more than half of the answers missing

REASONS = {
    "straight_lined": Label(
        en="gave one and the same answer to every item of all batteries",
        zh="各部分所有题目答案完全相同",
    ),
    "incomplete": Label(en="left more than half of the items open", zh="超过一半的题目未作答"),
    "duplicate": Label(
        en="repeated an earlier respondent's answers to every item and question",
        zh="所有题目与变量的答案与前面某位受访者完全相同",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """Proposals to leave respondents out.

    Attributes
    ----------
    flags : DataFrame
        (n, rules) True where a rule proposes a respondent; index as the survey's.
    counts : Series
        Respondents proposed by each rule.
    n : int
        Respondents screened.
    n_flagged : int
        Respondents proposed by at least one rule.
    """

    flags: pd.DataFrame
    counts: pd.Series
    n: int
    n_flagged: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a rule."""
        return pd.DataFrame({"term": self.counts.index, "n": self.counts.to_numpy()})

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents proposed by any rule."""
        return pd.DataFrame([{"term": "any", "n": self.n_flagged}])


def screen_responses(survey: Survey) -> Screening:
    """Propose respondents whose answers may not be answers.

    Parameters
    ----------
    survey : Survey
        At least one battery of two or more items.

    Returns
    -------
    Screening

    Notes
    -----
    ``straight_lined``: the same answer, as ticked, to every item of every rating battery, with
    at least five answers. ``incomplete``: more than half of all items open. ``duplicate``: all
    items, covariates and outcomes equal to an earlier respondent's, none of the items open.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.screen_responses(sl.load_example("servqual")).counts.to_dict()
    {'straight_lined': 0, 'incomplete': 0, 'duplicate': 0}
    """
    ratings = [survey.raw(b) for b in survey.batteries if b != "importance"]
    if not ratings:
        raise ModelError("screening needs a battery of ratings; the survey has only importance.")
    answers = pd.concat(ratings, axis=1, keys=range(len(ratings)))
    values = answers.to_numpy(dtype=float)
    answered = ~np.isnan(values)
    some = answered.sum(axis=1) >= min(5, values.shape[1])
    low = np.where(answered, values, np.inf).min(axis=1)
    high = np.where(answered, values, -np.inf).max(axis=1)
    everything = pd.concat([answers.set_axis(range(answers.shape[1]), axis=1),
                            survey.covariates, survey.outcomes], axis=1)  # fmt: skip
    flags = pd.DataFrame(
        {
            "straight_lined": some & (low == high),
            "incomplete": answered.mean(axis=1) < INCOMPLETE,
            "duplicate": everything.duplicated().to_numpy() & answered.all(axis=1),
        },
        index=survey.index,
    )
    return Screening(flags, flags.sum(), survey.n, int(flags.any(axis=1).sum()))


def exclude_screened(survey: Survey, rules: Sequence[Rule]) -> Survey:
    """Leave out the respondents that rules propose, counted rule by rule.

    Parameters
    ----------
    survey : Survey
        The survey to screen.
    rules : sequence of {"straight_lined", "incomplete", "duplicate"}
        Applied in this order; a respondent counts under the first that applies.

    Returns
    -------
    Survey
        The same survey when no rule is given.

    Raises
    ------
    ModelError
        For an unknown rule, or when nobody would be left.
    """
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise ModelError(f"rules must be among {', '.join(RULES)}; got {', '.join(unknown)}.")
    flags = screen_responses(survey).flags if rules else None
    for rule in rules:
        keep = ~flags[rule].reindex(survey.index)  # type: ignore[index]
        survey = survey.subset(keep.astype(bool), reason=REASONS[rule])
    return survey
