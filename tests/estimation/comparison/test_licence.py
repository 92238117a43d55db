"""The licence of gap scores: its rules, the kiosk survey's, and what it says where parts lack."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import InadmissibleWarning, ModelError
from servlab.estimation.comparison.licence_rules import (
    CHECKS,
    Finding,
    judge_ceiling,
    judge_constraint,
    judge_correlation,
    judge_reliability,
    judge_servperf,
    judge_variance,
    verdict,
)
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM

CODEBOOK = Path(__file__).resolve().parents[2] / "codebooks" / "kiosk.toml"


@pytest.fixture(scope="module")
def survey():
    return tiny_survey(n=250, per_dimension=(2, 4))


@pytest.fixture(scope="module")
def licence(survey):
    return sl.gap_licence(survey)


@pytest.fixture(scope="module")
def kiosk(shared_data):
    data = sl.read_survey(shared_data / "kiosk" / "kiosk_servqual.csv", CODEBOOK)
    return data, sl.gap_licence(data)


def finding(licence, term, check):
    rows = licence.findings.set_index(["term", "check"])
    return rows.loc[(term, check)]


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        (["pass", "pass"], "may"),
        (["pass", "reserve"], "reserved"),
        (["pass", "unknown"], "reserved"),  # what is missing never counts as passed
        (["fail", "pass"], "not_alone"),
        (["fail", "unknown"], "not_alone"),
        (["unknown", "unknown"], "unjudged"),
    ],
)
def test_the_verdict_is_the_worst_finding(statuses, wanted):
    assert verdict([Finding(status, "x") for status in statuses]) == wanted


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        (judge_reliability(0.70), "pass", "reached"),
        (judge_reliability(0.699), "reserve", "low"),
        (judge_reliability(0.499), "fail", "too_low"),
        (judge_reliability(np.nan), "unknown", "not_computable"),
        (judge_ceiling(0.5), "reserve", "at_top"),
        (judge_ceiling(0.499), "pass", "room"),
        (judge_correlation(0.90), "reserve", "collinear"),
        (judge_correlation(0.88), "pass", "apart"),
        (judge_variance(0.49), "reserve", "restricted"),
        (judge_variance(0.5), "pass", "alike"),
        (judge_constraint(0.049, 0.02, 0.9, 0.0), "fail", "rejected"),
        (judge_constraint(0.049, 0.019, 0.9, 0.0), "reserve", "rejected_small"),
        (judge_constraint(0.05, 0.02, 0.04, 0.03), "reserve", "curved"),
        (judge_constraint(0.05, 0.02, 0.04, 0.01), "pass", "not_rejected"),
        (judge_constraint(0.5, 0.0, np.nan, np.nan), "pass", "not_rejected"),
        (judge_constraint(np.nan, np.nan, np.nan, np.nan), "unknown", "not_computable"),
        (judge_servperf(2.0, 0.04), "reserve", "perception"),
        (judge_servperf(-2.0, 0.04), "pass", "gap"),
        (judge_servperf(1.0, 0.3), "pass", "level"),
    ],
)
def test_each_rule_turns_at_its_limit(found, status, reason):
    assert (found.status, found.reason) == (status, reason)


def test_every_term_has_every_check_and_its_verdict_follows_from_them(licence):
    assert list(licence.by_term.index) == ["a", "b", "overall_items"]
    for term, rows in licence.findings.groupby("term"):
        assert list(rows["check"]) == list(CHECKS)
        parts = [Finding(status, "") for status in rows["status"]]
        assert licence.by_term.loc[term, "licence"] == verdict(parts)


def test_the_figures_are_those_of_the_functions_one_would_call(survey, licence):
    table = licence.by_term
    reliable = sl.difference_score_reliability(survey).by_term
    for name in ("reliability", "correlation"):
        assert np.allclose(table[name], reliable.loc[table.index, name], atol=CLOSED_FORM)
    forms = sl.compare_score_forms(survey, "satisfaction").by_term
    for name in ("r_perception", "r_gap", "statistic", "p_value"):
        assert np.allclose(table[name], forms.loc[table.index, name], atol=CLOSED_FORM)
    surface = sl.response_surface(survey, "satisfaction", dimension="b").constraints
    assert table.loc["b", "p_robust"] == pytest.approx(
        surface.loc["difference_linear", "p_robust"], abs=CLOSED_FORM
    )
    assert table.loc["b", "p_surface"] == pytest.approx(
        surface.loc["difference", "p_robust"], abs=CLOSED_FORM
    )
    described = sl.item_descriptives(survey, "expectation")
    assert table.loc["overall_items", "share_top"] == pytest.approx(described.share_top)


def test_invariance_is_that_of_the_dimensions_own_model(survey, licence):
    own = sl.measurement_invariance(
        "b =~ b1 + b2 + b3 + b4", survey, batteries=("expectation", "perception"), estimator="MLR"
    )
    assert licence.by_term.loc["b", "invariance"] == own.highest


def test_two_items_are_judged_by_the_model_of_all_dimensions(survey, licence):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InadmissibleWarning)  # one factor answers for two here
        whole = sl.measurement_invariance(
            survey.instrument, survey, batteries=("expectation", "perception"), estimator="MLR"
        )
    assert licence.by_term.loc["a", "invariance"] == whole.highest
    assert finding(licence, "a", "invariance")["reason"] != "scalar"  # said to be the whole's


def test_without_an_outcome_two_parts_are_missing_and_said():
    licence = sl.gap_licence(tiny_survey(n=250, per_dimension=(4,), outcome=False))
    assert licence.outcome is None
    for check in ("constraint", "servperf"):
        found = finding(licence, "a", check)
        assert (found["status"], found["reason"]) == ("unknown", "no_outcome")
    assert licence.by_term.loc["a", "licence"] != "may"


def test_expectations_all_at_the_top_raise_nothing_and_say_why():
    survey = tiny_survey(n=60, per_dimension=(3, 1))
    top = survey.answers["expectation"] * 0 + 7
    ceiling = dataclasses.replace(survey, answers=dict(survey.answers) | {"expectation": top})
    licence = sl.gap_licence(ceiling)
    assert (licence.by_term["share_top"] == 1).all()
    assert set(licence.findings.query("check == 'ceiling'")["status"]) == {"reserve"}
    found = finding(licence, "a", "constraint")
    assert found["status"] == "unknown"
    assert "constant" in found["detail"]
    assert finding(licence, "a", "invariance")["status"] == "unknown"
    assert finding(licence, "a", "invariance")["detail"]
    assert finding(licence, "b", "reliability")["reason"] == "single_item"
    assert set(licence.by_term["licence"]) == {"reserved"}


def test_a_handful_of_respondents_gets_reasons_not_an_error():
    licence = sl.gap_licence(tiny_survey(n=3))
    assert finding(licence, "a", "invariance")["status"] == "unknown"
    assert finding(licence, "a", "constraint")["status"] == "unknown"
    assert (licence.by_term["licence"] != "may").all()


def test_weights_are_used_but_for_servperf():
    weights = np.resize([1.0, 2.0, 0.5], 250)
    survey = tiny_survey(n=250, per_dimension=(2, 4), weights=weights)
    weighted, plain = sl.gap_licence(survey), sl.gap_licence(survey.without_weights())
    assert weighted.weighted
    one, other = weighted.by_term, plain.by_term
    assert np.allclose(one["statistic"], other["statistic"])
    assert not np.allclose(one["reliability"], other["reliability"])
    assert not np.allclose(one["f_robust"], other["f_robust"])
    expected = sl.item_descriptives(survey, "expectation").share_top
    assert one.loc["overall_items", "share_top"] == pytest.approx(expected)


def test_an_instrument_without_dimensions_has_one_verdict():
    survey = tiny_survey(n=250, per_dimension=(4,))
    items = tuple(item.model_copy(update={"dimension": None}) for item in survey.instrument.items)
    bare = survey.instrument.model_copy(update={"dimensions": (), "items": items})
    licence = sl.gap_licence(dataclasses.replace(survey, instrument=bare))
    assert list(licence.by_term.index) == ["overall_items"]
    assert licence.by_term.loc["overall_items", "invariance"]


@pytest.mark.parametrize(
    ("survey", "options", "message"),
    [
        (tiny_survey(batteries=("perception",)), {}, "expectation is missing"),
        (tiny_survey(batteries=("expectation",)), {}, "perception is missing"),
        (tiny_survey(), {"outcome": "loyalty"}, "no outcome 'loyalty'; it has satisfaction"),
        (tiny_survey(), {"rule": "mine"}, "rule must be one of"),
    ],
)
def test_what_a_licence_needs_is_named(survey, options, message):
    with pytest.raises(ModelError, match=message):
        sl.gap_licence(survey, **options)


@pytest.mark.shared_data
def test_kiosk_gaps_are_not_reported_alone(kiosk):
    _, licence = kiosk
    assert licence.outcome == "satisfaction"
    overall = licence.by_term.loc["overall_items"]
    assert licence.verdict == "not_alone"
    assert round(overall["share_top"], 2) == 0.54
    assert round(overall["reliability"], 3) == 0.843
    assert round(overall["correlation"], 2) == 0.36
    assert round(overall["statistic"], 2) == 1.46
    assert overall["freed_items"] == "03, 14, 04, 15"
    assert finding(licence, "overall_items", "ceiling")["status"] == "reserve"
    assert finding(licence, "overall_items", "constraint")["reason"] == "rejected"
    assert finding(licence, "convenience", "invariance")["reason"] == "partial_most"
    assert finding(licence, "reliability", "invariance")["reason"] == "misfit"


@pytest.mark.shared_data
def test_the_licence_reads_with_weights_on_real_answers(kiosk):
    survey, plain = kiosk
    weights = pd.Series(np.resize([1.0, 2.0, 0.5], survey.n), index=survey.index)
    licence = sl.gap_licence(dataclasses.replace(survey, weights=weights))
    assert licence.weighted
    assert np.allclose(licence.by_term["r_gap"], plain.by_term["r_gap"])
