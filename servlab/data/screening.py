"""Whose answers should a study look at twice? Proposals with reasons, never applied silently.

Straight answers on expectations alone are legitimate (everything matters), so strings of one
answer count only beyond a single battery, and straight-lining only over all batteries together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import ModelError
from servlab.data.careless import even_odd, longest_string, mahalanobis
from servlab.data.schema import Label
from servlab.data.survey import Survey

Rule = Literal[
    "straight_lined",
    "incomplete",
    "duplicate",
    "long_string",
    "inconsistent",
    "outlying",
    "too_fast",
]
RULES: tuple[Rule, ...] = get_args(Rule)
INCOMPLETE = 0.5  # a person with more than half of the answers missing
FEWEST_ANSWERS = 5  # fewer equal answers are no straight line
SHORTEST_STRING = 10  # items of a single battery from which half of them is a long string
OUTLYING = 0.001  # tail of the chi-square distribution
FASTEST = 2.0  # seconds an item
SUBSCALES = 8  # over fewer, an honest person's correlation is negative too often

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
    "long_string": Label(
        en="gave one answer in a row for longer than a whole battery",
        zh="连续相同作答的长度超过一整套题目",
    ),
    "inconsistent": Label(
        en="answered even and odd items of the dimensions against each other",
        zh="各维度奇数题与偶数题的作答相互矛盾",
    ),
    "outlying": Label(
        en="gave a pattern of answers far from everybody's (Mahalanobis, p < .001)",
        zh="作答模式与其他人相差极大（马氏距离，p < .001）",
    ),
    "too_fast": Label(en="took less than two seconds an item", zh="平均每题用时不足两秒"),
}


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
        (n, 6) ``missing_share`` in [0, 1], ``longest_string`` in items, ``even_odd`` consistency,
        ``mahalanobis`` squared distance and its ``p_value``, ``seconds_per_item``; NaN where it
        cannot be had.
    missing_by_item : DataFrame
        Missing answers, a row an item, a column a battery.
    """

    flags: pd.DataFrame
    counts: pd.Series
    n: int
    n_flagged: int
    by_person: pd.DataFrame
    missing_by_item: pd.DataFrame

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
        At least one battery of ratings.

    Returns
    -------
    Screening

    Notes
    -----
    ``straight_lined``: the same answer, as ticked, to every item of every rating battery, with
    at least five answers. ``incomplete``: more than half of all items open. ``duplicate``: all
    items, covariates and outcomes equal to an earlier respondent's, none of the items open.
    ``long_string``: the longest run of one answer, as ticked and in shown order, over all rating
    batteries together, is longer than the largest battery (with one battery: than half of its
    items, when there are ten or more) [curran2016]_. ``inconsistent``: the correlation, over
    dimensions and batteries, of a person's means of even and odd items, stepped up by Spearman and
    Brown, is negative [jackson1976]_; published cut-offs are as high as .30, but
    propose many honest people where dimensions are judged alike; left out under eight dimensions,
    counted over batteries. ``outlying``: squared Mahalanobis distance of complete answers beyond
    the chi-square quantile .999, which skewed answers exceed more often than one time in a
    thousand; left out unless complete rows are twice as many as items. ``too_fast``: under two
    seconds an item [huang2012]_; needs a duration. Answers out of range never get this far: the
    reader stops.

    References
    ----------
    .. [curran2016] Curran (2016), Journal of Experimental Social Psychology 66, 4-19.
    .. [jackson1976] Jackson (1976), as described in Johnson (2005), Journal of Research in
       Personality 39, 103-129.
    .. [huang2012] Huang, Curran, Keeney, Poposki and DeShon (2012), Journal of Business and
       Psychology 27, 99-114.

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
    values = answers.to_numpy(dtype=float)
    person = _by_person(survey, names, values)
    flags = _flags(survey, answers, person, largest=answers.shape[1] // len(names))
    return Screening(
        flags=flags,
        counts=flags.sum(),
        n=survey.n,
        n_flagged=int(flags.any(axis=1).sum()),
        by_person=person,
        missing_by_item=pd.DataFrame({b: survey.raw(b).isna().sum() for b in survey.batteries}),
    )


def _by_person(survey: Survey, names: list[str], values: NDArray[np.float64]) -> pd.DataFrame:
    """Return the indices of careless answering, a row a person."""
    k = values.shape[1]
    distance, p_value = mahalanobis(values)
    halves = [
        (items[list(codes)[0::2]].mean(axis=1), items[list(codes)[1::2]].mean(axis=1))
        for items in (survey.items(b) for b in names)
        for codes in map(survey.instrument.items_of, survey.instrument.dimension_codes)
        if len(codes) >= 2
    ]
    odd, even = (np.array([h[side].to_numpy() for h in halves]).T for side in (0, 1))
    duration = survey.duration
    return pd.DataFrame(
        {
            "missing_share": np.isnan(values).mean(axis=1),
            "longest_string": longest_string(values[:, _shown(survey, names, k)]),
            "even_odd": even_odd(odd, even)
            if len(halves) >= SUBSCALES
            else np.full(len(values), np.nan),
            "mahalanobis": distance,
            "p_value": p_value,
            "seconds_per_item": np.nan if duration is None else duration.to_numpy(dtype=float) / k,
        },
        index=survey.index,
    )


def _shown(survey: Survey, names: list[str], k: int) -> list[int]:
    """Return the places of items in shown order; as the codebook lists them where it says none."""
    listed = [f"{b}_{code}" for b in names for code in survey.raw(b).columns]
    places = {name: place for place, name in enumerate(listed)}
    shown = [places[name] for name in survey.shown_order if name in places]
    return shown if len(shown) == k else list(range(k))


def _flags(
    survey: Survey, answers: pd.DataFrame, person: pd.DataFrame, *, largest: int
) -> pd.DataFrame:
    """Return what each rule proposes; rules without ground are left out."""
    values = answers.to_numpy(dtype=float)
    answered = ~np.isnan(values)
    some = answered.sum(axis=1) >= min(FEWEST_ANSWERS, values.shape[1])
    low = np.where(answered, values, np.inf).min(axis=1)
    high = np.where(answered, values, -np.inf).max(axis=1)
    plain = answers.set_axis(range(answers.shape[1]), axis=1)
    everything = pd.concat([plain, survey.covariates, survey.outcomes], axis=1)
    several = values.shape[1] > largest
    longest = largest if several else values.shape[1] / 2
    flags = {
        "straight_lined": some & (low == high),
        "incomplete": answered.mean(axis=1) < INCOMPLETE,
        "duplicate": everything.duplicated().to_numpy() & answered.all(axis=1),
    }
    if several or values.shape[1] >= SHORTEST_STRING:
        flags["long_string"] = person["longest_string"].to_numpy() > longest
    grounds = {
        "inconsistent": ("even_odd", 0.0),
        "outlying": ("p_value", OUTLYING),
        "too_fast": ("seconds_per_item", FASTEST),
    }
    for rule, (index, cut) in grounds.items():
        if person[index].notna().any():
            flags[rule] = person[index].to_numpy() < cut
    return pd.DataFrame(flags, index=survey.index)


def exclude_screened(survey: Survey, rules: Sequence[Rule]) -> Survey:
    """Leave out the respondents that rules propose, counted rule by rule.

    Parameters
    ----------
    survey : Survey
        The survey to screen.
    rules : sequence of str
        Rules of ``screen_responses``, applied in this order; a respondent counts under the
        first that applies.

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
    flags = screen_responses(survey).flags
    for rule in rules:
        if rule not in flags:
            raise ModelError(
                f"rule {rule!r} has no ground in this survey ({_NEEDS[rule]}); leave it out."
            )
        keep = ~flags[rule].reindex(survey.index)
        survey = survey.subset(keep.astype(bool), reason=REASONS[rule])
    return survey


_NEEDS = {
    "long_string": "it needs two batteries, or one of ten items",
    "inconsistent": "it needs eight dimensions of two items, counted over batteries",
    "outlying": "it needs twice as many complete rows as items",
    "too_fast": "it needs a duration in the codebook",
}
