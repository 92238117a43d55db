"""Whose answers should a study look at twice? Proposals with reasons, never applied silently.

The rules, their cut-offs and sources are in ``screening_rules``; the indices in ``careless``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.data.careless import even_odd, longest_string, mahalanobis, response_variability
from servlab.data.schema import Label
from servlab.data.screening_rules import (
    NEEDS,
    RULES,
    SHORTEST_STRING,
    SUBSCALES,
    Rule,
    ScreeningCutoffs,
    reason,
)
from servlab.data.survey import Survey


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """Proposals to leave respondents out.

    Attributes
    ----------
    flags : DataFrame
        (n, rules) True where a rule proposes a respondent; index as the survey's. Rules that
        the survey gives no ground for (no duration, too few rows) are not there.
    counts : Series
        Respondents proposed by each rule.
    n : int
        Respondents screened.
    n_flagged : int
        Respondents proposed by at least one rule.
    by_person : DataFrame
        (n, 8) ``n_missing`` answers and ``missing_share`` in [0, 1], ``longest_string`` in items,
        ``irv`` (standard deviation of a person's answers, in scale points), ``even_odd``
        consistency, ``mahalanobis`` squared distance and its ``p_value``, ``seconds_per_item``;
        NaN where it cannot be had.
    missing_by_item : DataFrame
        Missing answers, a row an item, a column a battery.
    cutoffs : ScreeningCutoffs
        The cut-offs used; ``long_string`` as it was for this survey.
    reasons : mapping of str to Label
        Why each rule proposes, with its cut-off.
    """

    flags: pd.DataFrame
    counts: pd.Series
    n: int
    n_flagged: int
    by_person: pd.DataFrame
    missing_by_item: pd.DataFrame
    cutoffs: ScreeningCutoffs
    reasons: Mapping[str, Label]

    @property
    def proposed(self) -> tuple[Rule, ...]:
        """Return the rules that propose somebody."""
        return tuple(rule for rule in RULES if rule in self.flags and self.counts[rule] > 0)

    def proposals(self) -> pd.Series:
        """Return the rules that propose each respondent proposed, as a tuple a person."""
        flagged = self.flags[self.flags.any(axis=1)]
        rules = [tuple(flagged.columns[row]) for row in flagged.to_numpy(dtype=bool)]
        return pd.Series(rules, index=flagged.index, name="rules", dtype=object)

    def tidy(self) -> pd.DataFrame:
        """Return a row a rule."""
        return pd.DataFrame({"term": self.counts.index, "n": self.counts.to_numpy()})

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents proposed by any rule."""
        return pd.DataFrame([{"term": "any", "n": self.n_flagged}])


def screen_responses(survey: Survey, *, cutoffs: ScreeningCutoffs | None = None) -> Screening:
    """Propose respondents whose answers may not be answers.

    Parameters
    ----------
    survey : Survey
        At least one battery of ratings.
    cutoffs : ScreeningCutoffs, optional
        Where each rule begins to propose; its defaults have their sources.

    Returns
    -------
    Screening

    Notes
    -----
    ``straight_lined``: the same answer, as ticked, to every item of every rating battery, with
    at least ``min_answers`` answers and half of the items answered; left out under
    ``min_answers`` items. ``incomplete``: more than ``max_missing`` of all items open.
    ``duplicate``: all items, covariates and outcomes equal to an earlier respondent's, none of
    the items open and not all answers the same [kuriakose2016]_; left out under ten items, where
    honest people coincide. ``long_string``: the longest run of one answer, as ticked
    and in shown order (the codebook's, else its listed order), over all rating batteries
    together, is longer than the largest battery (with one battery: than half of its items, when
    there are ten or more) [curran2016]_. ``inconsistent``: the correlation, over
    dimensions and batteries, of a person's means of even and odd items, stepped up by Spearman and
    Brown and not under -1, is below ``min_consistency`` [jackson1976]_; left out under eight
    dimensions, counted over batteries. ``outlying``: squared Mahalanobis distance of complete
    answers beyond the chi-square quantile 1 - ``outlier_p`` [meade2012]_, which skewed answers
    exceed more often than that; left out unless complete rows are twice as many as items.
    ``too_fast``: under ``min_seconds`` an item [huang2012]_; needs a duration, which counts the
    whole questionnaire. ``out_of_range``: an answer or an outcome outside its scale; the reader
    stops at those, so only surveys built in memory hold them.

    Items that nobody answered (not asked in this survey) do not count.

    ``irv``, the spread of a person's answers as ticked [dunn2018]_, is given without a rule: it
    has no agreed cut-off.

    References
    ----------
    .. [curran2016] Curran (2016), Journal of Experimental Social Psychology 66, 4-19.
    .. [dunn2018] Dunn, Heggestad, Shanock and Theilgard (2018), Journal of Business and
       Psychology 33, 105-121.
    .. [huang2012] Huang, Curran, Keeney, Poposki and DeShon (2012), Journal of Business and
       Psychology 27, 99-114.
    .. [jackson1976] Jackson (1976), as described in Johnson (2005), Journal of Research in
       Personality 39, 103-129.
    .. [kuriakose2016] Kuriakose and Robbins (2016), Statistical Journal of the IAOS 32, 283-291.
    .. [meade2012] Meade and Craig (2012), Psychological Methods 17, 437-455.

    Examples
    --------
    >>> import servlab as sl
    >>> screening = sl.screen_responses(sl.load_example("servqual"))
    >>> screening.counts[["straight_lined", "incomplete", "duplicate"]].to_list()
    [0, 0, 0]
    """
    names = [b for b in survey.batteries if b != "importance"]
    if not names:
        raise ModelError("screening needs a battery of ratings; the survey has only importance.")
    answers = pd.concat([survey.raw(b) for b in names], axis=1, keys=names)
    asked = answers.loc[:, answers.notna().any()]  # an item nobody was asked is nobody's gap
    answers = asked if asked.shape[1] else answers
    values = answers.to_numpy(dtype=float)
    largest = int(answers.columns.get_level_values(0).value_counts().max())
    used = _resolved(cutoffs or ScreeningCutoffs(), values.shape[1], largest)
    person = _by_person(survey, answers)
    flags = _flags(survey, answers, person, used)
    return Screening(
        flags=flags,
        counts=flags.sum(),
        n=survey.n,
        n_flagged=int(flags.any(axis=1).sum()),
        by_person=person,
        missing_by_item=pd.DataFrame({b: survey.raw(b).isna().sum() for b in survey.batteries}),
        cutoffs=used,
        reasons=MappingProxyType({str(rule): reason(rule, used) for rule in RULES}),
    )


def _resolved(cutoffs: ScreeningCutoffs, k: int, largest: int) -> ScreeningCutoffs:
    """Return the cut-offs with the string that is still usual among k items; None without one."""
    if cutoffs.long_string is not None:
        return cutoffs
    if k > largest:
        return replace(cutoffs, long_string=largest)
    return replace(cutoffs, long_string=k // 2) if k >= SHORTEST_STRING else cutoffs


def _by_person(survey: Survey, answers: pd.DataFrame) -> pd.DataFrame:
    """Return the indices of careless answering, a row a person."""
    values = answers.to_numpy(dtype=float)
    k = values.shape[1]
    distance, p_value = mahalanobis(values)
    halves = [
        (items[codes[0::2]].mean(axis=1), items[codes[1::2]].mean(axis=1))
        for battery, items in _asked_items(survey, answers).items()
        for codes in _asked_codes(survey, battery, answers)
        if len(codes) >= 2
    ]
    odd, even = (np.array([h[side].to_numpy() for h in halves]).T for side in (0, 1))
    duration = survey.duration
    return pd.DataFrame(
        {
            "n_missing": np.isnan(values).sum(axis=1),
            "missing_share": np.isnan(values).mean(axis=1),
            "longest_string": longest_string(values[:, _shown(survey, answers)]),
            "irv": response_variability(values),
            "even_odd": even_odd(odd, even)
            if len(halves) >= SUBSCALES
            else np.full(len(values), np.nan),
            "mahalanobis": distance,
            "p_value": p_value,
            "seconds_per_item": np.nan if duration is None else duration.to_numpy(dtype=float) / k,
        },
        index=survey.index,
    )


def _asked_items(survey: Survey, answers: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the items of each battery screened, reversed ones turned round."""
    return {
        str(b): survey.items(str(b)) for b in dict.fromkeys(answers.columns.get_level_values(0))
    }


def _asked_codes(survey: Survey, battery: str, answers: pd.DataFrame) -> list[list[str]]:
    """Return the items asked of each dimension, in the order of the instrument."""
    asked = set(answers[battery].columns)
    dimensions = survey.instrument.dimension_codes
    return [[c for c in survey.instrument.items_of(d) if c in asked] for d in dimensions]


def _shown(survey: Survey, answers: pd.DataFrame) -> list[int]:
    """Return the places of items in shown order; as the codebook lists them where it says none."""
    names = answers.columns.map("_".join)  # battery_code
    places = {str(name): place for place, name in enumerate(names)}
    shown = [places[name] for name in survey.shown_order if name in places]
    return shown if len(shown) == len(places) else list(range(len(places)))


def _flags(
    survey: Survey, answers: pd.DataFrame, person: pd.DataFrame, cutoffs: ScreeningCutoffs
) -> pd.DataFrame:
    """Return what each rule proposes; rules without ground are left out."""
    values = answers.to_numpy(dtype=float)
    answered = ~np.isnan(values)
    k = values.shape[1]
    some = answered.sum(axis=1) >= max(cutoffs.min_answers, k / 2)
    low = np.where(answered, values, np.inf).min(axis=1)
    high = np.where(answered, values, -np.inf).max(axis=1)
    straight = some & (low == high)
    flags = {"incomplete": person["missing_share"].to_numpy() > cutoffs.max_missing}
    if k >= cutoffs.min_answers:
        flags["straight_lined"] = straight
    if k >= SHORTEST_STRING:
        plain = answers.set_axis(range(k), axis=1)
        everything = pd.concat([plain, survey.covariates, survey.outcomes], axis=1)
        # straight lines repeat each other by chance
        flags["duplicate"] = everything.duplicated().to_numpy() & answered.all(axis=1) & ~straight
    if cutoffs.long_string is not None:
        flags["long_string"] = person["longest_string"].to_numpy() > cutoffs.long_string
    grounds = {
        "inconsistent": ("even_odd", cutoffs.min_consistency),
        "outlying": ("p_value", cutoffs.outlier_p),
        "too_fast": ("seconds_per_item", cutoffs.min_seconds),
    }
    for rule, (index, cut) in grounds.items():
        if person[index].notna().any():
            flags[rule] = person[index].to_numpy() < cut
    flags["out_of_range"] = _out_of_range(survey)
    ordered = {rule: flags[rule] for rule in RULES if rule in flags}
    return pd.DataFrame(ordered, index=survey.index)


def _out_of_range(survey: Survey) -> NDArray[np.bool_]:
    """Return (n,) who has an answer of any battery, or an outcome, outside its scale."""
    frames = [(survey.raw(b), survey.scales[b]) for b in survey.batteries]
    for name in survey.outcomes:
        known = survey.variables.get(str(name))
        if known is not None and known.scale is not None:
            frames.append((survey.outcomes[[name]], known.scale))
    outside = np.zeros(survey.n, dtype=bool)
    for frame, scale in frames:
        outside |= ((frame < scale.low) | (frame > scale.high)).any(axis=1).to_numpy()
    return outside


def exclude_screened(
    survey: Survey, rules: Sequence[Rule], *, cutoffs: ScreeningCutoffs | None = None
) -> Survey:
    """Leave out the respondents that rules propose, counted rule by rule.

    Parameters
    ----------
    survey : Survey
        The survey to screen.
    rules : sequence of str
        Rules of ``screen_responses``, applied in this order; a respondent counts under the
        first that applies.
    cutoffs : ScreeningCutoffs, optional
        Where each rule begins to propose.

    Returns
    -------
    Survey
        The same survey when no rule is given.

    Raises
    ------
    ModelError
        For an unknown rule, one that the survey gives no ground for, or when nobody would be
        left.
    """
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown:
        raise ModelError(f"rules must be among {', '.join(RULES)}; got {', '.join(unknown)}.")
    if not rules:
        return survey
    screening = screen_responses(survey, cutoffs=cutoffs)
    for rule in rules:
        if rule not in screening.flags:
            raise ModelError(
                f"rule {rule!r} has no ground in this survey ({NEEDS[rule]}); leave it out."
            )
        keep = ~screening.flags[rule].reindex(survey.index)
        survey = survey.subset(keep.astype(bool), reason=screening.reasons[rule])
    return survey
