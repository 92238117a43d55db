"""What would the study say without the respondents that screening proposes to leave out?

Key results with and without them stand side by side, because an exclusion nobody can check is a
choice of results [curran2016]_.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import CollinearityWarning, KeyingWarning, ModelError
from servlab.data.instrument import Instrument
from servlab.data.schema import Label
from servlab.data.screening import exclude_screened, screen_responses
from servlab.data.screening_rules import Rule, ScreeningCutoffs
from servlab.data.survey import Exclusions, Survey
from servlab.estimation.regression.formulas import formula
from servlab.estimation.regression.linear import regress
from servlab.estimation.reliability import cronbach_alpha
from servlab.scales.gaps import gap_scores
from servlab.scales.scoring import OVERALL_ITEMS, dimension_scores

COLUMNS = ("estimate", "conf_low", "conf_high", "n")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ScreeningEffect:
    """Key results with everybody and without the respondents that rules propose.

    Attributes
    ----------
    rules : tuple of str
        The rules applied, in order.
    steps : tuple of Exclusions
        How many each rule left out, and why; each respondent counts once.
    by_term : DataFrame
        A row a result: ``quantity`` (``gap``, ``perception``, ``alpha``, ``r_squared``), ``term``
        (dimension, ``overall_items``, battery, outcome), ``with_all`` with its interval
        (``conf_low``, ``conf_high``; NaN for ``r_squared``), ``without``, ``difference``
        (without - with), ``n_all``, ``n_without``. NaN where a result cannot be had.
    outcome : str
        The outcome of ``r_squared``; empty without one.
    n, n_without : int
        Respondents with everybody, and without those proposed.
    """

    instrument: Instrument
    rules: tuple[Rule, ...]
    reasons: Mapping[str, Label]
    steps: tuple[Exclusions, ...]
    by_term: pd.DataFrame
    outcome: str
    n: int
    n_without: int
    conf_level: float

    @property
    def moved(self) -> pd.DataFrame:
        """Return the rows whose result without them lies outside the interval with everybody."""
        rows = self.by_term
        return rows[(rows["without"] < rows["conf_low"]) | (rows["without"] > rows["conf_high"])]

    def tidy(self) -> pd.DataFrame:
        """Return a row a result."""
        return self.by_term

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents with and without."""
        return pd.DataFrame([{"n_all": self.n, "n_without": self.n_without}])


def screening_effect(
    survey: Survey,
    rules: Sequence[Rule] | None = None,
    *,
    outcome: str = "",
    cutoffs: ScreeningCutoffs | None = None,
    conf_level: float = 0.95,
) -> ScreeningEffect:
    """Compare key results with and without the respondents that screening proposes.

    Parameters
    ----------
    survey : Survey
        Everybody, before any screening.
    rules : sequence of str, optional
        The rules to apply; None takes every rule that proposes somebody.
    outcome : str
        The outcome of the drivers; empty takes the survey's first, where it has one.
    cutoffs : ScreeningCutoffs, optional
        Where each rule begins to propose.
    conf_level : float
        Level of the intervals with everybody, in (0, 1).

    Returns
    -------
    ScreeningEffect

    Raises
    ------
    ModelError
        When no rule is left to apply, or applying them leaves nobody.

    Notes
    -----
    Means (gap where the survey has both batteries, and perception) of the dimensions and overall,
    coefficient alpha of all items of each rating battery, and the share of the outcome's variance
    that the dimensions' perceptions account for. The two samples overlap, so a difference is no
    test: it is read beside the interval with everybody.

    References
    ----------
    .. [curran2016] Curran (2016), Journal of Experimental Social Psychology 66, 4-19.

    Examples
    --------
    >>> import servlab as sl
    >>> effect = sl.screening_effect(sl.load_example("servqual"), ["outlying"])
    >>> effect.n_without < effect.n
    True
    """
    screening = screen_responses(survey, cutoffs=cutoffs)
    chosen = screening.proposed if rules is None else tuple(rules)
    if not chosen:
        raise ModelError(
            "there is nothing to compare: no rule proposes a respondent; name rules, or leave "
            "the comparison out."
        )
    if outcome and outcome not in survey.outcomes:
        known = ", ".join(map(str, survey.outcomes.columns)) or "none"
        raise ModelError(f"the survey has no outcome {outcome!r}; it has {known}.")
    first = str(survey.outcomes.columns[0]) if len(survey.outcomes.columns) else ""
    explained = outcome or first
    kept = exclude_screened(survey, chosen, cutoffs=cutoffs)
    with warnings.catch_warnings():  # the study's own results say these of its sample
        warnings.simplefilter("ignore", CollinearityWarning)
        warnings.simplefilter("ignore", KeyingWarning)
        before = _results(survey, explained, conf_level)
        after = _results(kept, explained, conf_level).reindex(before.index)
    table = pd.DataFrame(
        {
            "with_all": before["estimate"],
            "conf_low": before["conf_low"],
            "conf_high": before["conf_high"],
            "without": after["estimate"],
            "difference": after["estimate"] - before["estimate"],
            "n_all": before["n"].astype(int),
            "n_without": after["n"].fillna(0).astype(int),
        }
    )
    done = len(survey.provenance.exclusions)
    return ScreeningEffect(
        instrument=survey.instrument,
        rules=chosen,
        reasons=MappingProxyType({rule: screening.reasons[rule] for rule in chosen}),
        steps=kept.provenance.exclusions[done:],
        by_term=table.reset_index(names=["quantity", "term"]),
        outcome=explained if "r_squared" in before.index.get_level_values(0) else "",
        n=survey.n,
        n_without=kept.n,
        conf_level=conf_level,
    )


def _results(survey: Survey, outcome: str, conf_level: float) -> pd.DataFrame:
    """Return the key results of a survey under (quantity, term): estimate, interval, n."""
    rows: dict[tuple[str, str], tuple[float, float, float, int]] = {}
    if survey.has("expectation", "perception"):
        gaps = gap_scores(survey, conf_level=conf_level)
        rows |= _means("gap", gaps.by_overall, gaps.by_dimension)
    if survey.has("perception"):
        scores = dimension_scores(survey, "perception", conf_level=conf_level)
        rows |= _means("perception", scores.by_overall, scores.by_dimension)
    for battery in survey.batteries:
        if battery != "importance":
            rows["alpha", battery] = _alpha(survey, battery, conf_level)
    if survey.has("perception") and survey.instrument.dimension_codes and outcome:
        rows["r_squared", outcome] = _explained(survey, outcome)
    return pd.DataFrame.from_dict(
        {key: dict(zip(COLUMNS, row, strict=True)) for key, row in rows.items()}, orient="index"
    )


def _means(
    quantity: str, overall: pd.DataFrame, dimensions: pd.DataFrame
) -> dict[tuple[str, str], tuple[float, float, float, int]]:
    table = pd.concat([overall.loc[[OVERALL_ITEMS]], dimensions])
    columns = (table[name].tolist() for name in COLUMNS)
    keys = [(quantity, str(term)) for term in table.index]
    return dict(zip(keys, zip(*columns, strict=True), strict=True))


def _alpha(survey: Survey, battery: str, level: float) -> tuple[float, float, float, int]:
    """Return alpha of all items; NaN where it cannot be had (a constant item, few rows)."""
    try:
        alpha = cronbach_alpha(survey.items(battery), conf_level=level, weights=survey.weights)
    except ModelError:
        nan = float("nan")
        return nan, nan, nan, 0
    return alpha.estimate, alpha.conf_low, alpha.conf_high, alpha.n


def _explained(survey: Survey, outcome: str) -> tuple[float, float, float, int]:
    """Return the R squared of the outcome on the dimensions' perceptions; NaN without one."""
    scores = dimension_scores(survey, "perception").scores
    weighted = "weights" if survey.weights is not None else None
    nan = float("nan")
    try:
        fit = regress(
            formula(outcome, [str(code) for code in scores]),
            scores.join(survey.frame()),
            weights=weighted,
        )
    except ModelError:
        return nan, nan, nan, 0
    return fit.r_squared, nan, nan, fit.n
