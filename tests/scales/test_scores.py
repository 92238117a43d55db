"""Scores and gaps: identities, weights, missing answers, and the numbers of the kiosk survey."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from servlab.scales.means import mean_row
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT

survey_seeds = st.integers(0, 10_000)


@settings(max_examples=15, deadline=None)
@given(seed=survey_seeds, missing=st.sampled_from([0.0, 0.1]))
def test_gap_is_perceived_minus_expected_on_every_level(seed, missing):
    gaps = sl.gap_scores(tiny_survey(seed=seed, missing=missing, n=80))
    for table in (gaps.by_item, gaps.by_dimension, gaps.by_overall):
        difference = table["perceived"] - table["expected"] - table["estimate"]
        assert difference.abs().max() < EXACT


@settings(max_examples=15, deadline=None)
@given(seed=survey_seeds)
def test_gap_changes_sign_when_batteries_swap(seed):
    survey = tiny_survey(seed=seed)
    swapped = replace(
        survey,
        answers={
            "expectation": survey.answers["perception"],
            "perception": survey.answers["expectation"],
        },
    )
    forth, back = sl.gap_scores(survey), sl.gap_scores(swapped)
    assert (forth.by_item["estimate"] + back.by_item["estimate"]).abs().max() < EXACT
    assert (forth.by_dimension["conf_low"] + back.by_dimension["conf_high"]).abs().max() < EXACT


def test_gap_interval_is_the_paired_t_interval():
    from scipy import stats

    survey = tiny_survey()
    gaps = sl.gap_scores(survey)
    p, e = survey.items("perception")["a1"], survey.items("expectation")["a1"]
    interval = stats.ttest_rel(p, e).confidence_interval(0.95)
    assert gaps.by_item.loc["a1", "conf_low"] == pytest.approx(interval.low, abs=CLOSED_FORM)
    assert gaps.by_item.loc["a1", "conf_high"] == pytest.approx(interval.high, abs=CLOSED_FORM)


def test_equal_weights_change_nothing_but_are_called_weighted():
    plain, weighted = tiny_survey(), tiny_survey(weights=np.full(60, 2.5))
    a, b = sl.gap_scores(plain), sl.gap_scores(weighted)
    assert b.weighted
    assert not a.weighted
    np.testing.assert_allclose(a.by_overall, b.by_overall, atol=CLOSED_FORM)


def test_whole_number_weights_give_the_mean_of_the_repeated_rows():
    counts = np.random.default_rng(3).integers(0, 4, 60)
    weighted = sl.gap_scores(tiny_survey(weights=counts))
    survey = tiny_survey()
    gap = (survey.items("perception") - survey.items("expectation")).mean(axis=1)
    assert weighted.by_overall.loc["overall_items", "estimate"] == pytest.approx(
        np.repeat(gap, counts).mean(), abs=CLOSED_FORM
    )
    row = weighted.by_overall.loc["overall_items"]
    assert row["n"] == (counts > 0).sum()
    assert row["n_effective"] == pytest.approx(counts.sum() ** 2 / (counts**2).sum(), abs=EXACT)


def test_weighted_mean_has_the_standard_error_of_r_survey(golden, agree):
    reference = golden("scales_weighted_mean")["result"]
    x, w = pd.Series(reference["x"]), pd.Series(reference["w"])
    row = mean_row(x, w, 0.95)
    pairs = {
        "weighted mean": ("estimate", "mean"),
        "weighted mean, standard error": ("std_error", "se"),
    }
    for statistic, (ours, theirs) in pairs.items():
        agree("scales_weighted_mean", statistic, row[ours], reference[theirs], CLOSED_FORM)


def test_an_item_missing_in_one_battery_counts_in_neither():
    survey = tiny_survey()
    expectation = survey.answers["expectation"].copy()
    expectation.loc[0, "a1"] = np.nan
    holed = replace(survey, answers={**survey.answers, "expectation": expectation})
    gaps = sl.gap_scores(holed)
    assert np.isnan(gaps.scores.loc[0, "a"])
    assert (gaps.n, gaps.n_dropped) == (59, 1)
    assert gaps.by_item.loc["a1", ["n", "n_dropped"]].tolist() == [59, 1]


def test_min_answered_lets_a_dimension_lack_an_item():
    survey = tiny_survey(per_dimension=(5,), min_answered=0.8)
    perception = survey.answers["perception"].copy()
    perception.loc[0, "a1"] = np.nan
    perception.loc[1, ["a1", "a2"]] = np.nan
    holed = replace(survey, answers={**survey.answers, "perception": perception})
    scores = sl.dimension_scores(holed, "perception").scores["a"]
    assert scores[0] == pytest.approx(perception.loc[0, "a2":"a5"].mean(), abs=EXACT)
    assert np.isnan(scores[1])


def test_overall_forms_differ_when_dimensions_differ_in_length():
    gaps = sl.gap_scores(tiny_survey(per_dimension=(1, 4)))
    items = gaps.by_item["estimate"].mean()
    dimensions = gaps.by_dimension["estimate"].mean()
    assert gaps.by_overall.loc["overall_items", "estimate"] == pytest.approx(items, abs=EXACT)
    assert gaps.by_overall.loc["overall_dimensions", "estimate"] == pytest.approx(
        dimensions, abs=EXACT
    )


def test_reversed_items_are_turned_round_once():
    survey = replace(tiny_survey(), reversed_items={"perception": ("a1",)})
    assert (survey.items("perception")["a1"] + survey.raw("perception")["a1"] == 8).all()
    assert (survey.items("perception")["a2"] == survey.raw("perception")["a2"]).all()


def test_gap_scores_name_the_battery_that_is_missing():
    with pytest.raises(ModelError, match="so expectation is missing"):
        sl.gap_scores(tiny_survey(batteries=("perception",)))


def test_unknown_battery_is_named():
    with pytest.raises(ModelError, match="no 'desired' battery; it has expectation, perception"):
        sl.dimension_scores(tiny_survey(), "desired")


@pytest.mark.parametrize("level", [0, 1, 95])
def test_conf_level_outside_0_1_is_refused(level):
    with pytest.raises(ModelError, match="conf_level must lie between 0 and 1"):
        sl.gap_scores(tiny_survey(), conf_level=level)


def test_tidy_columns_all_have_a_meaning():
    from servlab.core.columns import check_tidy

    survey = tiny_survey(batteries=("adequate", "desired", "perception"))
    results = [
        sl.gap_scores(tiny_survey()),
        sl.dimension_scores(tiny_survey(), "perception"),
        sl.servqual_score(tiny_survey()),
        sl.zone_of_tolerance(survey),
        sl.item_descriptives(survey, "perception"),
    ]
    for result in results:
        check_tidy(result.tidy().columns)
        check_tidy(result.glance().columns)


def test_scale_points_shares_sum_to_one_and_mean_follows_from_them():
    described = sl.item_descriptives(tiny_survey(missing=0.2), "perception")
    assert (described.shares.sum(axis=1) - 1).abs().max() < EXACT
    points = described.shares.columns.to_numpy()
    assert (described.shares @ points - described.by_item["mean"]).abs().max() < CLOSED_FORM


def test_subset_counts_who_left():
    survey = tiny_survey()
    keep = survey.covariates["branch"] == "north"
    north = survey.subset(keep, reason="other branches")
    assert north.n == keep.sum()
    assert north.provenance.exclusions[-1].n == (~keep).sum()
    with pytest.raises(ModelError, match="no respondent is left"):
        survey.subset(keep & ~keep, reason="all")
