"""What changed between waves of a survey, how surely, and would it have with the same mix?

Each wave is an independent sample. Raw changes and changes at a fixed mix of respondents stand side
by side; what a wave did not ask, or asked in another way, is never compared silently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count
from servlab.core.errors import ModelError
from servlab.core.groups import suppressed_groups
from servlab.data.instrument import Instrument
from servlab.data.schema import Label
from servlab.data.survey import Survey
from servlab.data.waves import combine_waves
from servlab.estimation.comparison.groups import Score, chosen_score
from servlab.estimation.comparison.wave_adjustment import population
from servlab.estimation.comparison.wave_scores import (
    OrderFrom,
    WaveScores,
    wave_covariate,
    wave_scores,
)
from servlab.estimation.comparison.wave_table import (
    adjusted_rows,
    change_rows,
    composition_rows,
    mean_rows,
    pairs,
    trend_rows,
)
from servlab.estimation.p_values import Adjust

ADJUSTABLE = ("branch", "segment", "mode")
Method = Literal["standardization", "raking"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class WaveComparison:
    """Scores by wave and what changed.

    Attributes
    ----------
    wave : str
        The covariate that holds the wave.
    waves : tuple of str
        In order of time, empty and suppressed ones included.
    order_from : str
        Where that order comes from: ``given``, the ``waves`` as they were put together, their
        ``names``, or the ``file`` (names that say no order: the first to appear comes first).
    against : str
        ``first``, ``previous`` or the wave that others are compared with.
    score : str
        ``gap``, ``perception`` or ``expectation``.
    by_wave : DataFrame
        A row a ``level`` (overall, dimension, item, outcome), ``term`` and ``wave``: the mean
        (``estimate``) with its t interval, ``n``, ``n_dropped``. A hidden cell has n = -1.
    changes : DataFrame
        A row a level, term and ``wave``: ``estimate`` (change since the wave ``against``) with
        ``statistic`` (Welch's t), ``df``, ``p_value``, ``p_adjusted``, interval, ``effect_size``
        (Hedges' g), ``n`` and ``comparable`` (yes, with care, no).
    adjusted : DataFrame
        A row a level, term, wave and ``method``: the change at the reference's mix
        (``estimate``), the raw change of the same respondents (``unadjusted``), and where a change
        is missing why (``flag``: few, value_absent, alone, not_raked). Empty without covariates.
    trends : DataFrame
        A row a level and term: the slope of the wave means on their positions, with its test.
    composition : DataFrame
        A row a covariate (``term``), value (``group``) and wave: ``share`` and ``n``.
    adjusted_for : tuple of str
        Covariates held at the reference's mix.
    method : str
        The adjustment that sentences and charts show.
    reference : str
        ``pooled`` or the wave whose mix is held.
    left_out : mapping
        (covariate, value) -> respondents left out of the adjusted changes, since a wave has fewer
        than two respondents with that value; -1 where a wave's own count is hidden.
    left_out_items : tuple of str
        Items that a wave lacks: dimensions and overall score leave them out in every wave.
    empty, suppressed : tuple of str
        Waves without respondents, and waves hidden because they are small.
    outcomes : mapping of str to Label
        Labels of the outcomes.
    n, n_dropped, n_adjusted : int
        Respondents with a wave, those without, and those behind the adjusted changes.
    """

    wave: str
    waves: tuple[str, ...]
    order_from: OrderFrom
    against: str
    score: str
    instrument: Instrument
    outcomes: Mapping[str, Label]
    by_wave: pd.DataFrame
    changes: pd.DataFrame
    adjusted: pd.DataFrame
    trends: pd.DataFrame
    composition: pd.DataFrame
    adjusted_for: tuple[str, ...]
    method: Method
    reference: str
    p_adjust: Adjust
    left_out: Mapping[tuple[str, str], int]
    left_out_items: tuple[str, ...]
    empty: tuple[str, ...]
    suppressed: tuple[str, ...]
    min_cell: int
    n: int
    n_dropped: int
    n_adjusted: int
    weighted: bool
    conf_level: float

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told before the changes."""
        found = {
            "order_unknown": self.order_from == "file",
            "empty_wave": bool(self.empty),
            "items_left_out": bool(self.left_out_items),
            "asked_otherwise": bool((self.changes["comparable"] == "with care").any()),
            "values_left_out": bool(self.left_out),
            "untested": bool(self.untested),
        }
        return tuple(name for name, holds in found.items() if holds)

    @property
    def untested(self) -> tuple[str, ...]:
        """Return waves with a change that has no test: one respondent, or answers all the same."""
        bare = self.changes["estimate"].notna() & self.changes["conf_low"].isna()
        return tuple(w for w in self.waves if w in set(self.changes.loc[bare, "wave"]))

    def tidy(self) -> pd.DataFrame:
        """Return a row a level, term and wave: its change."""
        return self.changes

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents compared."""
        return pd.DataFrame([{"n": self.n, "n_dropped": self.n_dropped}])


def compare_waves(
    survey: Survey | Mapping[str, Survey],
    *,
    wave: str | None = None,
    score: Score | None = None,
    adjust: Sequence[str] | None = (),
    method: Method = "standardization",
    against: str = "first",
    reference: str = "pooled",
    order: Sequence[str] | None = None,
    positions: Mapping[str, float] | None = None,
    p_adjust: Adjust = "holm",
    min_cell: int = 5,
    conf_level: float = 0.95,
) -> WaveComparison:
    """Compare the waves of a survey on every dimension, item and outcome, and overall.

    Parameters
    ----------
    survey : Survey, or mapping of str to Survey
        One survey with a covariate that holds the wave, or a survey a wave, in order of time
        (put together by ``combine_waves``, which refuses a changed scale). Weights are used.
    wave : str, optional
        The covariate; None takes the first whose role is ``wave``.
    score : {"gap", "perception", "expectation"}, optional
        What to compare; None takes the gap where the survey has both batteries.
    adjust : sequence of str, optional
        Covariates whose mix is held fixed in the adjusted changes; None takes those whose role
        is branch, segment or mode, as far as every wave has two or more of their values in common.
    method : {"standardization", "raking"}
        Which adjustment charts and sentences show; both are computed.
    against : str
        ``"first"``, ``"previous"``, or the wave that the others are compared with.
    reference : str
        The population whose mix is held: ``"pooled"`` (all waves together), or a wave.
    order : sequence of str, optional
        The waves, the earliest first. None takes the order in which waves were put together,
        else what the names say: numbers as numbers, years first, months, quarters, seasons,
        第1期; names that say nothing stand as they first appear in the file, and this is flagged.
    positions : mapping of str to float, optional
        Position of each wave in time, for the trend; None takes 1, 2, 3, ...
    p_adjust : {"holm", "bh", "none"}
        How p values are adjusted; the family is all terms and waves of one level.
    min_cell : int
        Waves, and cells of a term, with fewer respondents are hidden; when that is one wave only,
        the next smallest is hidden too.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    WaveComparison

    Raises
    ------
    ModelError
        When there is no such covariate, wave or position, fewer than two waves have (enough)
        respondents, or no respondents are left whose covariates occur in every wave.

    Notes
    -----
    Change d = m2 - m1 with variance s1^2 + s2^2 of independent samples and Welch's degrees of
    freedom [welch1947]_. Under weights each s is linearized (n / (n - 1), as R's ``survey`` with
    the waves as strata [lumley2004]_); the degrees of freedom have the same form.
    A dimension's score counts only items with answers in every wave.
    Standardization averages the predictions of a regression in each wave over the reference
    population [lane1982]_, HC3 errors by the delta method [long2000]_; raking weights each wave
    to that population's margins [deville1992]_. The reference's mix counts as known, so intervals
    are for a change *at that mix*. Numbers enter regression as numbers and raking in four bands.
    The trend is the least squares slope of wave means, each wave counting once, tested as a
    contrast of independent means. It sees sampling error only: where waves also differ from each
    other by season or circumstance, ``wave_limits`` allows for that.

    References
    ----------
    .. [welch1947] Welch (1947), Biometrika 34, 28-35.
    .. [lane1982] Lane and Nelder (1982), Biometrics 38, 613-621.
    .. [lumley2004] Lumley (2004), Journal of Statistical Software 9(8), 1-19.
    .. [long2000] Long and Ervin (2000), The American Statistician 54, 217-224.
    .. [deville1992] Deville and Sarndal (1992), JASA 87, 376-382.

    Examples
    --------
    >>> import servlab as sl
    >>> result = sl.compare_waves(sl.load_example("servqual_waves"), against="previous")
    >>> [str(wave) for wave in result.changes["wave"].unique()]
    ['2023-2', '2024-1', '2024-2', '2025-1']
    """
    _check(score, method, p_adjust, min_cell, conf_level)
    if isinstance(survey, Mapping):
        survey = combine_waves(survey, wave=wave or "wave")
    name = wave_covariate(survey, wave)
    chosen = chosen_score(survey, score)
    scores = _with_weight(survey, name, chosen, order)
    names = (
        _shared_covariates(survey, name, scores)
        if adjust is None
        else _covariates(survey, name, adjust)
    )
    counts = scores.wave.value_counts()
    hidden = suppressed_groups(counts, min_cell)
    empty = tuple(w for w in scores.waves if w not in counts.index)
    shown = [w for w in scores.waves if w not in hidden and w not in empty]
    if len(shown) < 2:
        raise ModelError(
            f"{len(shown)} wave(s) of {name!r} have min_cell = {min_cell} respondents or more; two "
            "are needed to see a change: merge waves, or lower min_cell."
        )
    _check_wave("against", against, ("first", "previous"), scores.waves)
    _check_wave("reference", reference, ("pooled",), tuple(shown))
    means = mean_rows(scores, survey.weights, hidden, min_cell, conf_level)
    compared = pairs(shown, against)
    if against in (*hidden, *empty):
        raise ModelError(
            f"against names {against!r}, which has fewer than min_cell = {min_cell} respondents or "
            f"would reveal such a wave; name one of {', '.join(shown)}."
        )
    people = population(survey, names, scores.wave, shown, reference) if names else None
    adjusted = pd.DataFrame()
    if people is not None:
        adjusted = adjusted_rows(
            scores, survey.weights, people, compared, min_cell, conf_level, p_adjust
        )
    composition = composition_rows(survey, scores, names, hidden, min_cell)
    at = _positions(scores.waves, positions)
    return WaveComparison(
        wave=name,
        waves=scores.waves,
        order_from=scores.order_from,
        against=against,
        score=chosen,
        instrument=survey.instrument,
        outcomes={str(o): survey.variables[str(o)].label for o in survey.outcomes},
        by_wave=means,
        changes=change_rows(means, scores, compared, conf_level, p_adjust),
        adjusted=adjusted,
        trends=trend_rows(means, at, conf_level, p_adjust),
        composition=composition,
        adjusted_for=names,
        method=method,
        reference=reference,
        p_adjust=p_adjust,
        left_out={} if people is None else _shown_counts(people.left_out, composition),
        left_out_items=scores.left_out,
        empty=empty,
        suppressed=hidden,
        min_cell=min_cell,
        n=int(scores.wave.notna().sum()),
        n_dropped=int(scores.wave.isna().sum()),
        n_adjusted=0 if people is None else len(people.data),
        weighted=survey.weights is not None,
        conf_level=conf_level,
    )


def _shown_counts(
    left_out: Mapping[tuple[str, str], int], composition: pd.DataFrame
) -> dict[tuple[str, str], int]:
    """Return the respondents of each value; -1 where they tell a count that a wave hides."""
    small = composition[composition["n"] == -1]
    hidden = set(zip(small["term"], small["group"], strict=True))
    return {key: -1 if key in hidden else n for key, n in left_out.items()}


def _check(
    score: Score | None, method: Method, p_adjust: Adjust, min_cell: int, conf_level: float
) -> None:
    if score is not None:
        check_choice("score", score, ("gap", "perception", "expectation"))
    check_choice("method", method, ("standardization", "raking"))
    check_choice("p_adjust", p_adjust, ("holm", "bh", "none"))
    check_count("min_cell", min_cell)
    check_conf_level(conf_level)


def _check_wave(name: str, value: str, words: tuple[str, ...], waves: tuple[str, ...]) -> None:
    if value not in (*words, *waves):
        raise ModelError(
            f"{name} must be {' or '.join(map(repr, words))}, or a wave ({', '.join(waves)}); got "
            f"{value!r}."
        )


def _covariates(survey: Survey, wave: str, adjust: Sequence[str]) -> tuple[str, ...]:
    """Return the covariates to adjust for."""
    if isinstance(adjust, str):
        raise ModelError(f"adjust must be a list of covariates; got the text {adjust!r}.")
    known = [str(name) for name in survey.covariates.columns if name != wave]
    wrong = [str(c) for c in adjust if c not in known]
    if wrong:
        raise ModelError(
            f"adjust must name covariates other than the wave ({', '.join(known) or 'none'}); got "
            f"{', '.join(wrong)}."
        )
    return tuple(dict.fromkeys(adjust))


def _shared_covariates(survey: Survey, wave: str, scores: WaveScores) -> tuple[str, ...]:
    """Return the covariates that describe respondents in every wave in the same values."""
    found = []
    for name in map(str, survey.covariates.columns):
        known = survey.variables.get(name)
        if name == wave or known is None or known.role not in ADJUSTABLE:
            continue
        held = survey.covariates[name].groupby(scores.wave).unique()
        common = set.intersection(*({v for v in values if pd.notna(v)} for values in held))
        if len(common) > 1:
            found.append(name)
    return tuple(found)


def _with_weight(
    survey: Survey, name: str, score: Score, order: Sequence[str] | None
) -> WaveScores:
    """Return the scores; who has no weight belongs to no wave."""
    if survey.weights is not None and (survey.weights == 0).any():
        counted = survey.covariates[name].where(survey.weights > 0)
        survey = replace(survey, covariates=survey.covariates.assign(**{name: counted}))
    return wave_scores(survey, name, score, order)


def _positions(waves: tuple[str, ...], positions: Mapping[str, float] | None) -> dict[str, float]:
    """Return wave -> position in time."""
    if positions is None:
        return {wave: float(k) for k, wave in enumerate(waves, 1)}
    lacking = [wave for wave in waves if wave not in positions]
    if lacking:
        raise ModelError(
            f"positions must have a number for each wave; {', '.join(lacking)} has none."
        )
    at = {wave: float(positions[wave]) for wave in waves}
    if list(at.values()) != sorted(set(at.values())):
        raise ModelError(
            f"positions must rise from wave to wave ({', '.join(waves)}); got "
            f"{', '.join(f'{value:g}' for value in at.values())}."
        )
    return at
