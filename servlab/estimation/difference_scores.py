"""How reliable a gap is, and whether it is a better measure than perception alone.

A difference of two correlated scores is less reliable than either [johns1981]_; Peter, Churchill
and Brown showed what that does to gaps [peter1993]_, and Cronin and Taylor proposed perception
alone, SERVPERF [cronin1992]_. Both questions are answered for the data at hand.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.correlations import MengTest, meng_test
from servlab.estimation.reliability import alpha_from_cov
from servlab.scales.gaps import gap_scores, paired_items
from servlab.scales.scoring import OVERALL_ITEMS, dimension_scores, need_batteries

Array = NDArray[np.float64]

COLUMNS = (
    "reliability",
    "reliability_perceived",
    "reliability_expected",
    "correlation",
    "n_items",
    "n",
    "n_dropped",
)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class DifferenceScoreReliability:
    """Reliability of gap scores.

    Attributes
    ----------
    by_term : DataFrame
        A row a dimension of at least two items and one for all items (``overall_items``):
        ``reliability`` of the difference, ``reliability_perceived`` and ``reliability_expected``
        (coefficient alpha), ``correlation`` of the two scores, ``n_items``, ``n``,
        ``n_dropped``. NaN where a battery's items do not vary.
    single_items : tuple of str
        Dimensions of one item, which have no internal-consistency reliability.
    n, n_dropped : int
        Respondents with and without all items in both batteries.
    """

    instrument: Instrument
    by_term: pd.DataFrame
    single_items: tuple[str, ...]
    n: int
    n_dropped: int

    @property
    def overall(self) -> float:
        """Return the reliability of the overall gap."""
        return float(self.by_term["reliability"].loc[OVERALL_ITEMS])

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension and one for all items."""
        return self.by_term.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall gap."""
        return self.by_term.loc[[OVERALL_ITEMS]].reset_index(drop=True)


def difference_score_reliability(survey: Survey) -> DifferenceScoreReliability:
    """Estimate the reliability of gap scores by dimension and overall.

    Parameters
    ----------
    survey : Survey
        With an ``expectation`` and a ``perception`` battery; its weights are used.

    Returns
    -------
    DifferenceScoreReliability

    Raises
    ------
    ModelError
        When the survey lacks a battery or fewer than three respondents answered all items.

    Notes
    -----
    For sums P and E of the same items,

    ``(s2P rPP + s2E rEE - 2 cov(P, E)) / (s2P + s2E - 2 cov(P, E))``

    with coefficient alpha for rPP and rEE [johns1981]_. It is at most 1, and negative when the
    two scores share more than their reliable variance. Each row uses the respondents who
    answered all of its items in both batteries.

    Examples
    --------
    >>> import servlab as sl
    >>> result = sl.difference_score_reliability(sl.load_example("servqual"))
    >>> bool(result.overall < result.by_term.loc["overall_items", "reliability_perceived"])
    True
    """
    need_batteries(survey, "expectation", "perception")
    expected, perceived = paired_items(survey, "expectation", "perception")
    groups = {code: survey.instrument.items_of(code) for code in survey.instrument.dimension_codes}
    rows = {
        code: reliability_row(expected[list(items)], perceived[list(items)], survey.weights)
        for code, items in groups.items()
        if len(items) > 1
    }
    rows[OVERALL_ITEMS] = reliability_row(expected, perceived, survey.weights)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS))
    table = table.astype({"n_items": int, "n": int, "n_dropped": int})
    return DifferenceScoreReliability(
        instrument=survey.instrument,
        by_term=table,
        single_items=tuple(code for code, items in groups.items() if len(items) == 1),
        n=int(table["n"].loc[OVERALL_ITEMS]),
        n_dropped=int(table["n_dropped"].loc[OVERALL_ITEMS]),
    )


def reliability_row(
    expected: pd.DataFrame, perceived: pd.DataFrame, weights: pd.Series | None
) -> tuple[float, ...]:
    """Return one row of ``COLUMNS``, from the rows complete in both batteries."""
    k = expected.shape[1]
    complete = expected.notna().all(axis=1)
    if weights is not None:
        complete &= weights > 0
    n = int(complete.sum())
    if n < 3:
        raise ModelError(
            f"only {n} respondents answered all of the items {', '.join(expected.columns)} in both "
            "batteries; at least 3 are needed for a reliability. Use fewer items."
        )
    joint = pd.concat([perceived[complete], expected[complete]], axis=1).to_numpy(dtype=float)
    cov = np.cov(
        joint, rowvar=False, aweights=None if weights is None else weights[complete].to_numpy()
    )
    pp, ee, pe = cov[:k, :k], cov[k:, k:], cov[:k, k:]
    nan = float("nan")
    if not (np.diag(pp).all() and np.diag(ee).all()):
        return nan, nan, nan, nan, k, n, len(expected) - n
    r_pp, r_ee = alpha_from_cov(pp), alpha_from_cov(ee)
    reliability = difference_reliability(pp.sum(), ee.sum(), pe.sum(), r_pp, r_ee)
    correlation = float(pe.sum() / np.sqrt(pp.sum() * ee.sum()))
    return reliability, r_pp, r_ee, correlation, k, n, len(expected) - n


def difference_reliability(
    var_p: float, var_e: float, cov_pe: float, r_pp: float, r_ee: float
) -> float:
    """Return the reliability of P - E from variances, covariance and reliabilities [johns1981]_."""
    variance = var_p + var_e - 2 * cov_pe
    if variance <= 0:
        return float("nan")
    return float((var_p * r_pp + var_e * r_ee - 2 * cov_pe) / variance)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ScoreForms:
    """SERVPERF beside SERVQUAL, each with its link to an outcome.

    Attributes
    ----------
    outcome : str
        The outcome's name.
    by_term : DataFrame
        A row a dimension and one for all items (``overall_items``): ``r_perception`` and
        ``r_gap`` (correlations with the outcome), ``r_between`` (of the two forms),
        ``statistic`` (Meng's z, positive when perception goes with the outcome more closely),
        ``p_value``, ``n``, ``n_dropped``.
    overall : MengTest
        The test for the overall scores.
    n, n_dropped : int
        Respondents with overall scores and the outcome, and the others.
    """

    instrument: Instrument
    outcome: str
    by_term: pd.DataFrame
    overall: MengTest
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension and one for all items."""
        return self.by_term.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall scores."""
        return self.by_term.loc[[OVERALL_ITEMS]].reset_index(drop=True)


def compare_score_forms(survey: Survey, outcome: str) -> ScoreForms:
    """Compare perception alone (SERVPERF) with the gap (SERVQUAL) by their link to an outcome.

    Parameters
    ----------
    survey : Survey
        With an ``expectation`` and a ``perception`` battery, unweighted: the test has no
        weighted form (``survey.without_weights()``).
    outcome : str
        Name of an outcome of the survey.

    Returns
    -------
    ScoreForms

    Raises
    ------
    ModelError
        When the survey is weighted, lacks a battery or the outcome, or a score does not vary.

    Notes
    -----
    Correlations are Pearson's over respondents who have both scores and the outcome; they are
    compared by the test of Meng, Rosenthal and Rubin for correlations that share a variable
    [meng1992]_. A large p value means that these data cannot tell the two forms apart, not that
    they are equally good.

    Examples
    --------
    >>> import servlab as sl
    >>> forms = sl.compare_score_forms(sl.load_example("servqual"), "satisfaction")
    >>> bool(-1 <= forms.overall.r_first <= 1)
    True
    """
    need_batteries(survey, "expectation", "perception")
    if survey.weights is not None:
        raise ModelError(
            "the test of dependent correlations has no weighted form; "
            "pass survey.without_weights() and say so."
        )
    y = outcome_scores(survey, outcome)
    gaps, perceptions = gap_scores(survey), dimension_scores(survey, "perception")
    pairs = {str(code): (perceptions.scores[code], gaps.scores[code]) for code in gaps.scores}
    pairs[OVERALL_ITEMS] = (perceptions.overall[OVERALL_ITEMS], gaps.overall[OVERALL_ITEMS])
    tests = {code: _forms_test(*pair, y, code) for code, pair in pairs.items()}
    rows = {
        code: {
            "r_perception": test.r_first,
            "r_gap": test.r_second,
            "r_between": test.r_between,
            "statistic": test.statistic,
            "p_value": test.p_value,
            "n": test.n,
            "n_dropped": survey.n - test.n,
        }
        for code, test in tests.items()
    }
    overall = tests[OVERALL_ITEMS]
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"n": int, "n_dropped": int})
    return ScoreForms(
        instrument=survey.instrument,
        outcome=outcome,
        by_term=table,
        overall=overall,
        n=overall.n,
        n_dropped=survey.n - overall.n,
    )


def outcome_scores(survey: Survey, outcome: str) -> pd.Series:
    """Return one outcome's scores, or raise ``ModelError`` listing those the survey has."""
    if outcome not in survey.outcomes:
        known = ", ".join(map(str, survey.outcomes.columns)) or "none"
        raise ModelError(f"the survey has no outcome {outcome!r}; it has {known}.")
    return survey.outcomes[outcome]


def _forms_test(perception: pd.Series, gap: pd.Series, y: pd.Series, code: str) -> MengTest:
    """Return Meng's test for one dimension."""
    used = pd.concat([perception, gap, y], axis=1, keys=["perception", "gap", "outcome"]).dropna()
    if len(used) < 4:
        raise ModelError(
            f"only {len(used)} respondents have the scores of {code!r} and the outcome; "
            "at least 4 are needed."
        )
    flat = [str(name) for name in used if used[name].min() == used[name].max()]
    if flat:
        raise ModelError(f"{' and '.join(flat)} of {code!r} do not vary; leave it out.")
    r = np.corrcoef(used.to_numpy(dtype=float), rowvar=False)
    return meng_test(float(r[0, 2]), float(r[1, 2]), float(r[0, 1]), n=len(used))
