"""May a gap score be reported for these data? One panel, a verdict by dimension with reasons.

A difference of expectation and perception is only as good as what it presumes: that both batteries
measure the same on one scale, that the difference is reliable, that expectations vary, and, where
it is to explain an outcome, that perception and expectation free would not do better
[peter1993]_ [edwards1994]_. ``licence_rules`` writes the rules down.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.licence_parts import (
    NAN,
    invariance_finding,
    ladders,
    link,
    reliability_of,
    spread,
)
from servlab.estimation.comparison.licence_rules import (
    CHECKS,
    Finding,
    Verdict,
    judge_ceiling,
    judge_correlation,
    judge_variance,
    verdict,
)
from servlab.estimation.difference_scores import outcome_scores
from servlab.estimation.latent.invariance.rules import RULES, Rule
from servlab.scales.gaps import gap_scores
from servlab.scales.scoring import OVERALL_ITEMS, need_batteries

FIGURES = ("reliability", "share_top", "correlation", "spread_ratio", "f_robust", "p_robust",
           "effect_size", "p_surface", "r_perception", "r_gap", "statistic", "p_value")  # fmt: skip


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GapLicence:
    """Whether gap scores may be reported, by dimension and overall.

    Attributes
    ----------
    instrument : Instrument
        What was asked.
    outcome : str or None
        The outcome that gap and perception were held against; None without one.
    by_term : DataFrame
        A row a dimension and one for all items (``overall_items``): ``licence`` (``may``,
        ``reserved``, ``not_alone``, ``unjudged``), ``invariance`` (highest level that stands,
        empty where unknown), ``freed_items``, ``reliability`` of the difference, ``share_top`` of
        the expectation answers, ``correlation`` of P and E, ``spread_ratio`` (E over P),
        ``f_robust``, ``p_robust``, ``effect_size`` of the constraint that P - E does as well as
        P and E free, ``p_surface`` against the quadratic surface, ``r_perception``, ``r_gap``,
        ``statistic`` and ``p_value`` (Meng's z), ``n``, ``n_dropped``.
    findings : DataFrame
        A row a term and check: ``term``, ``check``, ``status`` (``pass``, ``reserve``, ``fail``,
        ``unknown``), ``reason``, ``items``, ``detail``.
    rule : str
        By which levels of invariance were judged.
    weighted : bool
        Whether the survey has weights: SERVPERF beside the gap is then compared without them.
    n, n_dropped : int
        Respondents with and without an overall gap.
    """

    instrument: Instrument
    outcome: str | None
    by_term: pd.DataFrame
    findings: pd.DataFrame
    rule: Rule
    weighted: bool
    n: int
    n_dropped: int

    @property
    def verdict(self) -> Verdict:
        """Return the verdict on the overall gap."""
        verdict: Verdict = self.by_term["licence"].loc[OVERALL_ITEMS]
        return verdict

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Return the terms but the overall one."""
        return tuple(str(code) for code in self.by_term.index if code != OVERALL_ITEMS)

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension and one for all items."""
        return self.by_term.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall gap."""
        return self.by_term.loc[[OVERALL_ITEMS]].reset_index(drop=True)


def gap_licence(
    survey: Survey, *, outcome: str | None = None, rule: Rule = "chen2007"
) -> GapLicence:
    """Judge whether gap scores may be reported for this survey, by dimension, with reasons.

    Parameters
    ----------
    survey : Survey
        With an ``expectation`` and a ``perception`` battery; its weights are used but for the
        comparison of score forms.
    outcome : str, optional
        Outcome that P - E is held against P and E free, and against perception alone; the
        survey's first outcome when not given. A survey without one goes without those parts,
        and the verdict says so.
    rule : {"chen2007", "cheung2002", "chi2"}
        When a level of invariance is lost, as in ``measurement_invariance``.

    Returns
    -------
    GapLicence

    Raises
    ------
    ModelError
        When the survey lacks a battery or the named outcome. A part that cannot be computed
        raises nothing: it is ``unknown``, with the reason in ``findings``.

    Notes
    -----
    *Invariance* over the batteries (MLR), each dimension by its own model, dimensions of fewer
    than three items by that of all: scalar passes; items set free are a reservation, from half
    of a dimension on a failure (vandenberg2000; steinmetz2013); metric or less fails; a model
    that does not fit tells nothing. *Reliability* of the difference: .70 (nunnally1978), under
    .50 fails (nunnally1967). *Ceiling*: half of the expectation answers at the top is a
    reservation (house rule). *Correlation* of P and E: variance inflation of 5 is one
    (menard1995). *Variance* of E under half of that of P is one (house rule, after peter1993).
    *Constraint* b1 = -b2 in the regression on P and E (HC3): rejected at .05 with f2 of .02
    (cohen1988) or more fails, else it is a reservation; so is a curved relation that the gap
    misses. *SERVPERF*: perception closer to the outcome by Meng's z is a reservation. The
    verdict is the worst finding: ``may`` when all pass, ``reserved`` with reservations or
    unknown parts, ``not_alone`` with a failure, ``unjudged`` when nothing could be computed.
    Tests are not adjusted for the number of dimensions.

    References
    ----------
    peter1993; edwards1994; chen2007; vandenberg2000; steinmetz2013; meng1992.

    Examples
    --------
    >>> import servlab as sl
    >>> licence = sl.gap_licence(sl.load_example("servqual"))
    >>> licence.outcome, licence.verdict
    ('satisfaction', 'not_alone')
    """
    check_choice("rule", rule, RULES)
    need_batteries(survey, "expectation", "perception")
    if outcome is None and len(survey.outcomes.columns):
        outcome = str(survey.outcomes.columns[0])
    if outcome is not None:
        outcome_scores(survey, outcome)
    found = ladders(survey, rule)
    shares = spread(survey)
    rows, findings = {}, []
    for term in (*survey.instrument.dimension_codes, OVERALL_ITEMS):
        finding, ladder = invariance_finding(term, survey, found)
        figures, parts = _figures(term, survey, outcome, shares[term])
        judged = dict(zip(CHECKS, [finding, *parts], strict=True))
        items = survey.instrument.item_codes
        if term != OVERALL_ITEMS:
            items = survey.instrument.items_of(term)
        freed = [] if ladder is None else [i for i in ladder.freed_items if i in items]
        rows[term] = {
            "licence": verdict(list(judged.values())),
            "invariance": "" if ladder is None or finding.reason == "misfit" else ladder.highest,
            "freed_items": ", ".join(freed),
            **figures,
        }
        findings += [_row(term, check, part) for check, part in judged.items()]
    gaps = gap_scores(survey)
    table = pd.DataFrame.from_dict(rows, orient="index")
    counts = pd.concat([gaps.by_dimension, gaps.by_overall])[["n", "n_dropped"]]
    return GapLicence(
        instrument=survey.instrument,
        outcome=outcome,
        by_term=table.join(counts.astype(int)),
        findings=pd.DataFrame(findings),
        rule=rule,
        weighted=survey.weights is not None,
        n=gaps.n,
        n_dropped=gaps.n_dropped,
    )


def _figures(
    term: str, survey: Survey, outcome: str | None, spread_of: Mapping[str, float]
) -> tuple[dict[str, float], list[Finding]]:
    """Return a term's numbers, and the findings of the checks after invariance, in order."""
    share, ratio = spread_of["share_top"], spread_of["spread_ratio"]
    reliable, reliability, correlation = reliability_of(term, survey)
    figures = dict.fromkeys(FIGURES, NAN) | {
        "reliability": reliability,
        "share_top": share,
        "correlation": correlation,
        "spread_ratio": ratio,
    }
    parts = [reliable, judge_ceiling(share), judge_correlation(correlation), judge_variance(ratio)]
    if outcome is None:
        return figures, [*parts, *[Finding("unknown", "no_outcome")] * 2]
    values, links = link(term, survey, outcome)
    return figures | values, [*parts, *links]


def _row(term: str, check: str, finding: Finding) -> dict[str, str]:
    return {
        "term": term,
        "check": check,
        "status": finding.status,
        "reason": finding.reason,
        "items": ", ".join(finding.items),
        "detail": finding.detail,
    }
