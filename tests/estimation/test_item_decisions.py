"""Item analysis by dimension, factors beside dimensions, and decisions by their stated rules."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import HeywoodWarning, InadmissibleWarning, ModelError
from servlab.core.standards import STANDARDS, standard
from servlab.estimation.item_decisions import RULES, decide, item_decisions
from servlab.scales.scoring import OVERALL_ITEMS
from tests.surveys import tiny_survey
from tests.tolerances import EXACT


@pytest.fixture(scope="module")
def survey():
    return sl.load_example("servqual")


@pytest.fixture(scope="module")
def analysis(survey):
    return sl.scale_item_analysis(survey, "perception")


@pytest.fixture(scope="module")
def fit(survey):
    return sl.efa(survey.items("perception"), 5)


def with_answers(survey, answers):
    return replace(survey, answers={**survey.answers, "perception": answers})


def noisy(survey):
    """The survey with two perception items (5 and 22) that have nothing to do with the others."""
    answers = survey.raw("perception").dropna()
    rng = np.random.default_rng(4)
    answers[["5", "22"]] = rng.integers(1, 8, (len(answers), 2)).astype(float)
    kept = survey.subset(survey.raw("perception").notna().all(axis=1), reason="complete")
    return with_answers(kept, answers)


def test_each_item_stands_against_its_own_dimension(survey, analysis):
    own = list(survey.instrument.items_of("reliability"))
    alone = sl.item_analysis(survey.items("perception")[own])
    ours = analysis.by_item.loc[own]
    for column in ("item_rest", "critical_ratio", "alpha_if_dropped"):
        gap = ours[column].to_numpy(float) - alone.by_item[column].to_numpy(float)
        np.testing.assert_allclose(gap, 0, atol=EXACT)
    assert set(ours["dimension"]) == {"reliability"}
    assert list(analysis.by_item.index) == list(survey.instrument.item_codes)
    check_tidy(analysis.tidy().columns)
    check_tidy(analysis.glance().columns)


def test_items_outside_the_dimensions_stand_against_the_whole_battery():
    survey = tiny_survey(n=80, per_dimension=(3, 1))  # b1 is alone in its dimension
    found = sl.scale_item_analysis(survey, "perception")
    assert found.by_item["dimension"].to_dict() == {
        "a1": "a", "a2": "a", "a3": "a", "b1": OVERALL_ITEMS,
    }  # fmt: skip


def test_a_dimension_that_cannot_be_analysed_is_named_with_its_reason(survey):
    answers = survey.raw("perception")
    answers[["1", "2", "3", "4"]] = 4.0
    answers["1"] = 5.0
    found = None
    with pytest.raises(ModelError, match=r"no item of 'perception' can be analysed"):
        sl.scale_item_analysis(with_answers(survey, answers * 0 + 3), "perception")
    answers = survey.raw("perception")
    answers["1"] = 4.0
    found = sl.scale_item_analysis(with_answers(survey, answers), "perception")
    assert "constant" in found.left_out["tangibles"]
    assert "2" not in found.by_item.index


def test_factors_of_the_simulated_survey_are_its_dimensions(survey, fit):
    found = sl.factor_dimensions(fit, survey.instrument)
    assert found.share_in_place == 1
    assert not found.away
    assert not found.merged
    sizes = [len(survey.instrument.items_of(d)) for d in survey.instrument.dimension_codes]
    assert found.counts.sum(axis=1).tolist() == sizes
    check_tidy(found.tidy().columns)
    check_tidy(found.glance().columns)


def test_fewer_factors_than_dimensions_share_a_home(survey):
    found = sl.factor_dimensions(sl.efa(survey.items("perception"), 2), survey.instrument)
    assert sum(len(dims) for dims in found.merged.values()) >= 4
    assert (found.counts.sum().sum()) == 22


def test_factors_need_a_dimension_to_be_held_against(survey, fit):
    bare = survey.instrument.model_copy(
        update={"items": tuple(i.model_copy(update={"dimension": None})
                               for i in survey.instrument.items)}
    )  # fmt: skip
    with pytest.raises(ModelError, match="no analysed item belongs to a dimension"):
        sl.factor_dimensions(fit, bare)


def test_sound_items_are_kept(analysis, fit):
    decisions = item_decisions(analysis, fit, adequacy=sl.kmo(fit.moments))
    assert decisions.named("drop") == ()
    assert len(decisions.named("keep")) >= 20
    for _, row in decisions.by_item.iterrows():
        assert row["decision"] == ("look" if row["reasons"] else "keep")
        assert set(row["reasons"]) <= set(RULES)
    check_tidy(decisions.tidy().columns)
    check_tidy(decisions.glance().columns)


def test_noise_items_are_proposed_for_dropping(survey):
    spoilt = noisy(survey)
    decisions = item_decisions(
        sl.scale_item_analysis(spoilt, "perception"), sl.efa(spoilt.items("perception"), 5)
    )
    assert set(decisions.named("drop")) == {"5", "22"}
    assert "weak_item_rest" in decisions.by_item.loc["5", "reasons"]
    assert "raises_alpha" in decisions.by_item.loc["5", "reasons"]


def test_a_dimension_keeps_three_items():
    survey = tiny_survey(n=300, per_dimension=(3, 3), batteries=("perception",), seed=2)
    answers = survey.raw("perception")
    answers["a1"] = np.random.default_rng(1).integers(1, 8, len(answers)).astype(float)
    spoilt = with_answers(survey, answers)
    fit = sl.efa(spoilt.items("perception"), 2)
    decisions = item_decisions(sl.scale_item_analysis(spoilt, "perception"), fit)
    assert decisions.by_item.loc["a1", "decision"] == "look"
    assert "few_items" in decisions.by_item.loc["a1", "reasons"]


def test_a_heywood_case_is_a_reason_to_look(golden_data):
    survey = sl.load_example("servqual")
    answers = survey.raw("perception").dropna()
    rng = np.random.default_rng(1)
    answers["2"] = answers["1"] + (rng.random(len(answers)) < 0.01)
    answers = answers.clip(upper=7)
    with pytest.warns(HeywoodWarning):
        fit = sl.efa(answers, 6, extraction="ml")
    kept = survey.subset(survey.raw("perception").notna().all(axis=1), reason="complete")
    analysis = sl.scale_item_analysis(with_answers(kept, answers), "perception")
    decisions = item_decisions(analysis, fit)
    for item in fit.heywood:
        assert "heywood" in decisions.by_item.loc[item, "reasons"]
        assert decisions.by_item.loc[item, "decision"] != "keep"


def test_dropping_needs_both_the_item_analysis_and_the_factor_analysis():
    assert decide(("weak_item_rest", "weak_critical_ratio")) == "look"
    assert decide(("weak_loading", "weak_communality", "cross_loading")) == "look"
    assert decide(("weak_critical_ratio", "weak_communality")) == "drop"


def test_every_standard_has_a_value_on_one_side():
    assert standard("kmo").met_by(0.6)
    assert not standard("kmo").met_by(float("nan"))
    assert standard("skewness").met_by(-3)
    assert not standard("cross_loading").met_by(0.32)
    with pytest.raises(ModelError, match="no judgement standard 'kmoo'"):
        standard("kmoo")
    assert all(s.unit or s.value != s.value for s in STANDARDS.values())


def test_reliability_coefficients_are_those_of_their_own_functions(survey):
    with pytest.warns(sl_sparse()):
        found = sl.reliability_coefficients(survey, "perception")
    items = survey.items("perception")[list(survey.instrument.items_of("empathy"))]
    row = found.by_term.loc["empathy"]
    assert row["alpha"] == sl.cronbach_alpha(items).estimate
    assert row["congeneric_omega"] == sl.congeneric_omega(items).estimate
    assert row["lambda4"] == sl.guttman_lambdas(items).by_term["lambda4"]
    assert row["split_half_mean"] == sl.split_half(items).mean
    whole = found.by_term.loc[OVERALL_ITEMS]
    assert pd.isna(whole["categorical_omega"])  # 22 items of five dimensions share no one factor
    assert found.recommended[OVERALL_ITEMS] == "alpha"
    assert set(found.recommended.drop(OVERALL_ITEMS)) == {"categorical_omega"}
    check_tidy(found.tidy().columns)
    check_tidy(found.glance().columns)


def sl_sparse():
    from servlab.core.errors import SparseDataWarning

    return SparseDataWarning


def test_two_items_have_alpha_and_no_omega():
    survey = tiny_survey(n=80, per_dimension=(2, 3), batteries=("perception",))
    with pytest.warns(sl_sparse()):
        found = sl.reliability_coefficients(survey, "perception")
    assert pd.isna(found.by_term.loc["a", "congeneric_omega"])
    assert found.recommended["a"] == "alpha"


def test_an_omega_over_one_is_flagged_and_never_recommended():
    """Three pairs of near copies: one factor claims more covariance than there is."""
    rng = np.random.default_rng(1)
    common = rng.standard_normal((600, 1))
    pairs = common + 0.9 * rng.standard_normal((600, 3)).repeat(2, axis=1)
    latent = pairs + 0.15 * rng.standard_normal((600, 6))
    answers = pd.DataFrame(np.clip(np.rint(4 + latent), 1, 7))
    survey = tiny_survey(n=600, per_dimension=(6, 3), batteries=("perception",))
    codes = list(survey.instrument.items_of("a"))
    spoilt = with_answers(
        survey,
        survey.answers["perception"].assign(**dict(zip(codes, answers.to_numpy().T, strict=True))),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = sl.reliability_coefficients(spoilt, "perception")
    omega = found.by_term.loc["a", "categorical_omega"]
    assert omega > 1.2
    assert found.inadmissible == ("a",)
    assert any(isinstance(w.message, InadmissibleWarning) for w in caught)
    assert found.misfit == ("a",)
    assert found.recommended["a"] == "alpha"
    assert found.recommended["b"] == "categorical_omega"


def test_impossible_polychorics_of_a_scale_are_flagged_by_its_name():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = sl.reliability_coefficients(sl.load_example("abc"), "importance")
    assert any("cannot all hold at once" in str(w.message) for w in caught)
    assert found.inadmissible == ("technical",)
    assert found.recommended["technical"] == "alpha"
    assert found.recommended["sales"] == "categorical_omega"


def test_several_factors_without_dimensions_have_no_omega_of_one_factor():
    survey = tiny_survey(n=120, per_dimension=(6,), batteries=("perception",))
    bare = survey.instrument.model_copy(
        update={"dimensions": (), "items": tuple(i.model_copy(update={"dimension": None})
                                                 for i in survey.instrument.items)}
    )  # fmt: skip
    flat = replace(survey, instrument=bare)
    with pytest.warns(sl_sparse()):
        one = sl.reliability_coefficients(flat, "perception")
    assert one.recommended[OVERALL_ITEMS] == "categorical_omega"
    several = sl.reliability_coefficients(flat, "perception", n_factors=2)
    assert several.recommended[OVERALL_ITEMS] == "alpha"
    assert pd.isna(several.by_term.loc[OVERALL_ITEMS, "congeneric_omega"])
