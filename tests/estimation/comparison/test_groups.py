"""Welch's test, Meng's z, groups and their suppression, importance beside performance."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError
from servlab.estimation.comparison.omnibus import welch_test
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT


def test_welch_equals_r(golden, agree):
    r = golden("welch")["result"]
    ours = welch_test([np.array(g) for g in r["groups"].values()])
    ours = [ours.statistic, ours.df, ours.df_residual, ours.p_value]
    agree("welch", "Welch's test", ours, [r["f"], r["df1"], r["df2"], r["p"]], CLOSED_FORM)


@pytest.mark.parametrize("case", range(4))
def test_meng_equals_the_papers_formulas_in_r(golden, agree, case):
    r = golden("meng")["result"][case]
    test = sl.meng_test(r["r1"], r["r2"], r["rx"], n=r["n"])
    agree("meng", "Meng's z", [test.statistic, test.p_value], [r["z"], r["p"]], CLOSED_FORM)


@settings(max_examples=50, deadline=None)
@given(r1=st.floats(-0.6, 0.6), r2=st.floats(-0.6, 0.6), rx=st.floats(-0.2, 0.9))
def test_meng_changes_sign_when_scores_swap(r1, r2, rx):
    if 1 + 2 * r1 * r2 * rx - r1**2 - r2**2 - rx**2 < 0:
        return
    forth, back = sl.meng_test(r1, r2, rx, n=50), sl.meng_test(r2, r1, rx, n=50)
    assert forth.statistic == pytest.approx(-back.statistic, abs=EXACT)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.0, 0.2, 0.3), "r_first must lie between"),
        ((0.1, -1.0, 0.3), "r_second must lie between"),
        ((0.1, 0.2, 1.0), "below 1"),
        ((0.9, -0.9, 0.9), "cannot occur together"),
    ],
)
def test_impossible_correlations_are_refused(arguments, words):
    with pytest.raises(ModelError, match=words):
        sl.meng_test(*arguments, n=50)


def test_meng_needs_four_rows():
    with pytest.raises(ModelError, match="n must be a whole number of at least 4"):
        sl.meng_test(0.1, 0.2, 0.3, n=3)


def test_group_means_are_the_means_of_the_groups_respondents():
    survey = tiny_survey(n=120)
    result = sl.compare_groups(survey, by="branch")
    gaps = sl.gap_scores(survey).scores
    row = result.by_group.query("term == 'a' and group == 'south'").iloc[0]
    south = survey.covariates["branch"] == "south"
    assert row["estimate"] == pytest.approx(gaps.loc[south, "a"].mean(), abs=EXACT)
    assert result.n == 120
    check_tidy(result.tidy().columns)
    check_tidy(result.glance().columns)


def test_a_group_that_answered_nothing_is_flagged_and_never_just_gone():
    survey = tiny_survey(n=60)
    branch = pd.Series(["n"] * 20 + ["s"] * 20 + ["w"] * 20)
    gone = branch == "w"
    answers = {b: a.mask(gone.to_numpy()[:, None] & a.notna()) for b, a in survey.answers.items()}
    survey = replace(survey, answers=answers, covariates=pd.DataFrame({"branch": branch}))
    flags = sl.compare_groups(survey, by="branch").flags
    assert flags.loc[flags["flag"] == "empty", "group"].tolist() == ["w"]
    assert sl.agreement(survey, by="branch").suppressed == ("w",)
    assert sl.league_table(survey, by="branch", seed=1).suppressed == ("w",)
    assert sl.funnel(survey, by="branch").suppressed == ("w",)


def test_a_group_has_one_name_in_every_comparison():
    survey = tiny_survey(n=60)
    survey = replace(survey, covariates=pd.DataFrame({"branch": [1.0, 2.0, 10.0] * 20}))
    others = (sl.compare_groups, sl.agreement, sl.funnel)
    results = [*(f(survey, by="branch") for f in others)]
    results.append(sl.league_table(survey, by="branch", seed=1))
    assert all(set(r.by_group["group"]) == {"1", "2", "10"} for r in results)


def test_suppressed_groups_show_no_number():
    survey = tiny_survey(n=60)
    branch = pd.Series(["n"] * 30 + ["s"] * 20 + ["w"] * 7 + ["e"] * 3)
    survey = replace(survey, covariates=pd.DataFrame({"branch": branch}))
    result = sl.compare_groups(survey, by="branch")
    assert set(result.suppressed) == {"e", "w"}
    hidden = result.by_group[result.by_group["group"].isin(result.suppressed)]
    assert hidden[["estimate", "conf_low", "std_dev", "n_effective"]].isna().all(axis=None)
    assert (hidden["n"] == -1).all()
    assert (result.tests["n"] == 50).all()


@pytest.mark.parametrize(
    ("by", "words"), [("nope", "no covariate 'nope'; it has branch"), ("one", "fewer than two")]
)
def test_groups_that_do_not_exist_are_named(by, words):
    survey = tiny_survey()
    if by == "one":
        survey = replace(survey, covariates=survey.covariates.assign(one="x"))
    with pytest.raises(ModelError, match=words):
        sl.compare_groups(survey, by=by)


def test_all_groups_small_is_an_error():
    with pytest.raises(ModelError, match="every group of 'branch' has fewer than min_cell = 500"):
        sl.compare_groups(tiny_survey(), by="branch", min_cell=500)


def test_difference_reliability_of_uncorrelated_scores_is_between_the_two():
    from servlab.estimation.difference_scores import difference_reliability

    assert difference_reliability(1.0, 1.0, 0.0, 0.9, 0.7) == pytest.approx(0.8, abs=EXACT)
    # Johns (1981): two scores of reliability .7 that correlate .4 differ with reliability .5
    assert difference_reliability(1.0, 1.0, 0.4, 0.7, 0.7) == pytest.approx(0.5, abs=EXACT)
    assert np.isnan(difference_reliability(1.0, 1.0, 1.0, 0.9, 0.9))


def test_difference_reliability_is_at_most_the_reliability_of_the_gap_items():
    """With alpha for P and E, the formula is below alpha of the item gaps plus error covariance."""
    survey = tiny_survey(n=400, per_dimension=(4, 4))
    result = sl.difference_score_reliability(survey)
    assert result.by_term["reliability"].max() <= 1
    assert result.by_term.loc["overall_items", "n_items"] == 8


def test_score_forms_refuse_weights_and_unknown_outcomes():
    with pytest.raises(ModelError, match="no weighted form"):
        sl.compare_score_forms(tiny_survey(weights=np.ones(60)), "satisfaction")
    with pytest.raises(ModelError, match="no outcome 'joy'; it has satisfaction"):
        sl.compare_score_forms(tiny_survey(), "joy")


def test_quadrants_follow_the_centres():
    survey = tiny_survey(batteries=("importance", "perception"), per_dimension=(1, 1, 1, 1))
    result = sl.importance_performance(survey, level="item")
    assert result.source == "stated"
    for row in result.table.itertuples():
        high = (
            row.importance >= result.importance_centre,
            row.performance >= result.performance_centre,
        )
        assert (
            row.quadrant
            == {
                (True, False): "concentrate",
                (True, True): "keep_up",
                (False, False): "low_priority",
                (False, True): "possible_overkill",
            }[high]
        )
    check_tidy(result.tidy().columns)


def test_importance_needs_marks_or_an_outcome():
    with pytest.raises(ModelError, match="name an outcome to derive importance"):
        sl.importance_performance(tiny_survey())


def test_derived_importance_is_the_correlation_with_the_outcome():
    survey = tiny_survey()
    result = sl.importance_performance(survey, "satisfaction")
    a = sl.dimension_scores(survey, "perception").scores["a"]
    expected = np.corrcoef(a, survey.outcomes["satisfaction"])[0, 1]
    assert result.table.loc["a", "importance"] == pytest.approx(expected, abs=CLOSED_FORM)
