"""The parts of a gap licence, each computed where it can be and with its reason where it cannot."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd

from servlab.core.errors import ModelError, ServlabWarning
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.licence_rules import (
    Finding,
    judge_constraint,
    judge_invariance,
    judge_reliability,
    judge_servperf,
)
from servlab.estimation.correlations import meng_test
from servlab.estimation.difference_scores import COLUMNS as RELIABILITY_COLUMNS
from servlab.estimation.difference_scores import reliability_row
from servlab.estimation.latent.choices import model_choices
from servlab.estimation.latent.invariance.measurement import (
    InvarianceResult,
    measurement_invariance,
)
from servlab.estimation.latent.invariance.rules import Rule
from servlab.estimation.latent.syntax import quote_name
from servlab.estimation.regression.surface_data import rows_of_survey
from servlab.estimation.regression.surface_models import (
    LINEAR_DIFFERENCE,
    Pairs,
    constraint_table,
    model_table,
)
from servlab.scales.gaps import paired_items
from servlab.scales.scoring import OVERALL_ITEMS

Value = TypeVar("Value")
BATTERIES = ("expectation", "perception")
FEWEST_ITEMS = 3  # of a factor with a mean structure over two batteries
NAN = float("nan")


def attempt(compute: Callable[[], Value]) -> tuple[Value | None, str]:
    """Return a part and no reason, or none and the reason why it cannot be had.

    Warnings of ours are not lost: the parts carry the flags that they stand for.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)
        try:
            return compute(), ""
        except (ModelError, np.linalg.LinAlgError) as err:
            return None, str(err)


def ladders(survey: Survey, rule: Rule) -> dict[str, tuple[InvarianceResult | None, str]]:
    """Return the invariance of expectation against perception, by dimension and of the whole."""
    chosen, _ = attempt(lambda: model_choices(survey))
    missing = "listwise" if chosen is None else chosen.missing

    def climb(model: str | Instrument) -> Callable[[], InvarianceResult]:
        return lambda: measurement_invariance(
            model,
            survey,
            batteries=BATTERIES,
            rule=rule,
            estimator="MLR",
            missing=missing,
        )

    instrument = survey.instrument
    found: dict[str, tuple[InvarianceResult | None, str]] = {}
    for code in instrument.dimension_codes:
        items = instrument.items_of(code)
        if len(items) < FEWEST_ITEMS:
            found[code] = (None, "")
            continue
        text = f"{quote_name(code)} =~ {' + '.join(quote_name(item) for item in items)}"
        found[code] = attempt(climb(text))
    found[OVERALL_ITEMS] = attempt(climb(instrument))
    return found


def invariance_finding(
    term: str, survey: Survey, found: dict[str, tuple[InvarianceResult | None, str]]
) -> tuple[Finding, InvarianceResult | None]:
    """Judge a dimension by its own model, else by the model of all dimensions."""
    instrument = survey.instrument
    whole, why_not = found[OVERALL_ITEMS]
    if term == OVERALL_ITEMS:
        if whole is None:
            return Finding("unknown", "not_computable", detail=why_not), None
        tested = [item.code for item in instrument.items if item.dimension is not None]
        tested = tested or list(instrument.item_codes)
        finding = judge_invariance(whole, tested, whole=False)
        untested = tuple(i for i in instrument.item_codes if i not in tested)
        if finding.status == "pass" and untested:
            finding = Finding("reserve", "untested", untested)
        return finding, whole
    own, reason = found[term]
    if own is not None:
        return judge_invariance(own, instrument.items_of(term), whole=False), own
    if whole is not None:
        return judge_invariance(whole, instrument.items_of(term), whole=True), whole
    return Finding("unknown", "not_computable", detail=reason or why_not), None


def reliability_of(term: str, survey: Survey) -> tuple[Finding, float, float]:
    """Return the finding on a difference's reliability, the reliability, and r of P and E."""
    expected, perceived = paired_items(survey, *BATTERIES)
    items = list(expected.columns if term == OVERALL_ITEMS else survey.instrument.items_of(term))
    if len(items) < 2:
        return Finding("unknown", "single_item"), NAN, NAN
    row, reason = attempt(
        lambda: reliability_row(expected[items], perceived[items], survey.weights)
    )
    if row is None:
        return Finding("unknown", "not_computable", detail=reason), NAN, NAN
    values = dict(zip(RELIABILITY_COLUMNS, row, strict=True))
    finding = judge_reliability(values["reliability"])
    return finding, values["reliability"], values["correlation"]


def spread(survey: Survey) -> dict[str, dict[str, float]]:
    """Return ``share_top`` of the expectation answers and ``spread_ratio`` E over P, by term.

    Both over respondents' answers given in both batteries; the variances are those of the mean
    of a dimension's items over respondents who answered all of them.
    """
    expected, perceived = paired_items(survey, *BATTERIES)
    weights = pd.Series(1.0, index=survey.index) if survey.weights is None else survey.weights
    top = survey.scales["expectation"].high
    rows = {}
    for term in (*survey.instrument.dimension_codes, OVERALL_ITEMS):
        items = list(
            expected.columns if term == OVERALL_ITEMS else survey.instrument.items_of(term)
        )
        E, P = expected[items], perceived[items]
        answered = E.notna().to_numpy() * weights.to_numpy()[:, None]
        at_top = (np.rint(E.to_numpy()) == top) * answered
        used = E.notna().all(axis=1) & (weights > 0)
        rows[term] = {
            "share_top": float(at_top.sum() / answered.sum()) if answered.sum() else NAN,
            "spread_ratio": _ratio(E[used].mean(axis=1), P[used].mean(axis=1), weights[used]),
        }
    return rows


def _ratio(E: pd.Series, P: pd.Series, weights: pd.Series) -> float:
    if len(E) < 2:
        return NAN
    below = float(np.cov(P, aweights=weights))
    return float(np.cov(E, aweights=weights)) / below if below > 0 else NAN


def link(term: str, survey: Survey, outcome: str) -> tuple[dict[str, float], list[Finding]]:
    """Return what the outcome says of a term: the constraint's test and both score forms."""
    dimension = None if term == OVERALL_ITEMS else term
    rows, reason = attempt(lambda: rows_of_survey(survey, outcome, dimension, None))
    blank = dict.fromkeys(
        ("f_robust", "p_robust", "effect_size", "p_surface", "r_perception", "r_gap",
         "statistic", "p_value"), NAN,
    )  # fmt: skip
    if rows is None:
        return blank, [Finding("unknown", "not_computable", detail=reason)] * 2
    pairs = Pairs(rows.y, rows.P - rows.midpoint, rows.E - rows.midpoint, rows.w)
    tests = constraint_table(pairs, model_table(pairs))
    line, bend = tests.loc[LINEAR_DIFFERENCE].to_dict(), tests.loc["difference"].to_dict()
    constraint = judge_constraint(
        line["p_robust"], line["effect_size"], bend["p_robust"], bend["effect_size"]
    )
    values = blank | {name: line[name] for name in ("f_robust", "p_robust", "effect_size")}
    values["p_surface"] = bend["p_robust"]
    r = np.corrcoef([rows.P, rows.P - rows.E, rows.y])
    forms, reason = attempt(
        lambda: meng_test(float(r[0, 2]), float(r[1, 2]), float(r[0, 1]), n=len(rows.y))
    )
    if forms is None:
        return values, [constraint, Finding("unknown", "not_computable", detail=reason)]
    values |= {
        "r_perception": forms.r_first,
        "r_gap": forms.r_second,
        "statistic": forms.statistic,
        "p_value": forms.p_value,
    }
    return values, [constraint, judge_servperf(forms.statistic, forms.p_value)]
