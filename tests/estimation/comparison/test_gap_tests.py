"""Gap tests against R: t, signed ranks, signs, effect sizes, equivalence; their properties."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError, SparseDataWarning
from servlab.estimation.comparison.effect_sizes import noncentral_t_cdf, noncentrality_limits
from servlab.estimation.comparison.paired import median_interval, sign_test, signed_rank
from servlab.estimation.p_values import adjusted
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT, ITERATIVE

CASES = ("exact", "tied", "long", "many")


def one_item(perceived, expected, weights=None):
    """A survey of one item with the answers given, whatever their scale."""
    survey = tiny_survey(n=len(perceived), per_dimension=(1,), weights=weights)
    answers = {
        name: pd.DataFrame({"a1": np.asarray(values, dtype=float)})
        for name, values in (("expectation", expected), ("perception", perceived))
    }
    return replace(survey, answers=answers)


@pytest.mark.parametrize("case", CASES)
def test_paired_tests_equal_r(golden, agree, case):
    r = golden("gap_tests")["result"][case]
    row = sl.gap_tests(one_item(r["p"], r["e"]), margin=r["margin"]).by_item.loc["a1"]
    t = [row["statistic"], row["df"], row["p_value"], row["conf_low"], row["conf_high"]]
    agree("gap_tests", "paired t", t, [r["t"], r["df"], r["t_p"], *r["conf"]], CLOSED_FORM)
    ranks = [row["signed_rank"], row["p_signed_rank"]]
    agree("gap_tests", "Wilcoxon's signed ranks", ranks, [r["v"], r["p_auto"]], CLOSED_FORM)
    signs = [row["n_positive"], row["p_sign"], row["median"], row["median_low"], row["median_high"]]
    theirs = [r["positive"], r["sign_p"], r["median"], r["median_low"], r["median_high"]]
    agree("gap_tests", "sign test and median", signs, theirs, CLOSED_FORM)
    two = max(r["p_low"], r["p_high"])
    agree("gap_tests", "equivalence", [row["p_equivalence"]], [two], CLOSED_FORM)
    effects = [row[f"effect{part}"] for part in ("_size", "_low", "_high", "_z", "_z_low")]
    theirs = [r["g_av"], *r["g_av_conf"], r["g_z"], r["g_z_conf"][0]]
    agree("gap_tests", "Hedges' g of pairs", effects, theirs, CLOSED_FORM)


@pytest.mark.parametrize("case", CASES)
def test_signed_ranks_equal_r_in_every_form(golden, agree, case):
    r = golden("gap_tests")["result"][case]
    d = np.array(r["p"]) - np.array(r["e"])
    for method in ("normal", "corrected", "exact"):
        if r[f"p_{method}"] is None:
            continue
        name = f"signed ranks, {method}"
        p = signed_rank(d, method)[1]
        agree("gap_tests", name, [p], [r[f"p_{method}"]], CLOSED_FORM)


def test_adjusted_p_values_equal_r(golden, agree):
    r = golden("p_adjust")["result"]
    p = pd.Series(r["p"], dtype=float)
    for method in ("holm", "bh"):
        theirs = np.array(r[method], dtype=float)
        agree("p_adjust", f"p adjusted, {method}", adjusted(p, method), theirs, CLOSED_FORM)


def test_weighted_gap_tests_equal_the_survey_package(golden, agree):
    r = golden("gap_tests_weighted")["result"]
    tests = sl.gap_tests(one_item(r["p"], r["e"], r["w"]))
    row = tests.by_item.loc["a1"]
    ours = [row[c] for c in ("estimate", "std_error", "statistic", "df", "p_value")]
    theirs = [r[c] for c in ("estimate", "se", "t", "df", "t_p")]
    agree("gap_tests_weighted", "design-based t of gaps", ours, theirs, CLOSED_FORM)
    half = [(row["effect_high"] - row["effect_low"]) / 2, row["effect_z_high"] - row["effect_z"]]
    from scipy import stats

    ours = [row["effect_size"], row["effect_z"], *(np.array(half) / stats.t.isf(0.025, r["df"]))]
    theirs = [r["g_av"], r["g_z"], r["g_av_se"], r["g_z_se"]]
    # svycontrast takes its derivatives from the same moments; it prints 15 digits
    agree("gap_tests_weighted", "Hedges' g under weights", ours, theirs, CLOSED_FORM)
    ranks = ["signed_rank", "p_signed_rank", "p_sign", "median", "n_positive"]
    assert row[ranks].isna().all()
    assert tests.flags == ("no_weighted_ranks",)


def test_noncentrality_limits_equal_r(golden, agree):
    rows = golden("tukey_nct")["result"]["nct"]
    ours = [noncentrality_limits(row["t"], row["df"], 0.95) for row in rows]
    # R's pt() itself is good to about 1e-10 here
    theirs = [(row["low"], row["high"]) for row in rows]
    agree("tukey_nct", "noncentrality of t", ours, theirs, CLOSED_FORM)


def test_gaps_have_the_digits_of_gap_scores():
    survey = tiny_survey(n=80, missing=0.05, min_answered=0.5)
    gaps, tests = sl.gap_scores(survey), sl.gap_tests(survey)
    for level in ("by_item", "by_dimension", "by_overall"):
        ours, theirs = getattr(tests, level), getattr(gaps, level)
        for name in ("estimate", "std_error", "df", "conf_low", "conf_high", "n", "n_dropped"):
            assert (ours[name] == theirs[name]).all(), (level, name)
    check_tidy(tests.tidy().columns)
    check_tidy(tests.glance().columns)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(4, 40))
def test_everything_changes_sign_when_batteries_swap(seed, n):
    survey = tiny_survey(n=n, seed=seed)
    swapped = replace(
        survey,
        answers={
            "expectation": survey.answers["perception"],
            "perception": survey.answers["expectation"],
        },
    )
    with warnings.catch_warnings():  # few answers may all differ alike, and are said to
        warnings.simplefilter("ignore", SparseDataWarning)
        one = sl.gap_tests(survey, margin=0.5).by_overall
        two = sl.gap_tests(swapped, margin=0.5).by_overall
    for name in ("estimate", "statistic", "effect_size", "effect_z", "median"):
        np.testing.assert_allclose(one[name], -two[name], atol=1e-9)  # g by a root search
    for name in ("p_value", "p_signed_rank", "p_sign", "p_equivalence"):
        np.testing.assert_allclose(one[name], two[name], atol=CLOSED_FORM)
    np.testing.assert_allclose(one["effect_low"], -two["effect_high"], atol=1e-9)
    np.testing.assert_array_equal(one["n_positive"], two["n_negative"])
    assert (one["verdict"] == two["verdict"]).all()


def test_the_order_of_respondents_does_not_matter():
    survey = tiny_survey(n=50, seed=3)
    order = np.random.default_rng(1).permutation(50)
    mixed = replace(
        survey,
        answers={
            name: frame.iloc[order].reset_index(drop=True) for name, frame in survey.answers.items()
        },
    )
    one, two = (sl.gap_tests(s, margin=0.3).by_dimension for s in (survey, mixed))
    numbers = one.select_dtypes("number").columns
    np.testing.assert_allclose(one[numbers], two[numbers], atol=1e-9)


def test_equal_weights_give_the_plain_t_test_and_effect():
    plain = sl.gap_tests(tiny_survey(n=70)).by_dimension
    equal = sl.gap_tests(tiny_survey(n=70, weights=np.full(70, 3.0))).by_dimension
    for name in ("statistic", "p_value", "effect_size", "effect_z"):
        np.testing.assert_allclose(plain[name], equal[name], atol=1e-10)


def test_zero_lies_in_the_interval_of_g_just_when_t_does_not_reach_the_level():
    for seed in range(8):
        row = sl.gap_tests(tiny_survey(n=25, seed=seed)).by_item
        holds = (row["effect_low"] < 0) & (row["effect_high"] > 0)
        assert (holds == (row["p_value"] > 0.05)).all()


def test_means_that_tie_on_paper_tie_in_the_ranks():
    noisy = np.array([4.6 - 3.4, 1.2, -(0.1 + 0.2), 0.3, 0.7])  # 1.1999999999999997, -0.30000...4
    clean = np.array([1.2, 1.2, -0.3, 0.3, 0.7])
    assert signed_rank(noisy, "corrected") == signed_rank(clean, "corrected")


def test_exact_signed_ranks_of_few_differences_are_counted():
    # three positive differences: V = 6, P(V >= 6) = 1 / 8, two-sided 1 / 4
    assert signed_rank(np.array([1.0, 2.0, 3.0]), "exact") == (6.0, 0.25, "exact")
    assert sign_test(np.array([1.0, 2.0, 0.0])) == (2, 2, 0.5)
    assert np.isnan(median_interval(np.arange(5.0), 0.95)[1])  # 1 / 16 > .05
    assert median_interval(np.arange(6.0), 0.95)[1:] == (0.0, 5.0)


def test_noncentral_t_is_t_without_noncentrality():
    from scipy import stats

    for df in (1, 4, 300):
        assert noncentral_t_cdf(1.3, df, 0.0) == pytest.approx(stats.t.cdf(1.3, df), abs=1e-12)
    assert noncentral_t_cdf(0.0, 7, 1.5) == pytest.approx(stats.norm.cdf(-1.5), abs=EXACT)
    assert ITERATIVE > CLOSED_FORM


def test_verdicts_follow_both_tests():
    rng = np.random.default_rng(5)
    e = np.full(400, 4.0)

    def verdict(mean, spread, margin, n=400):
        p = 4 + mean + spread * rng.permutation(np.linspace(-1, 1, n))
        return sl.gap_tests(one_item(p, e[:n]), margin=margin).by_item["verdict"].loc["a1"]

    assert verdict(-1.0, 1.0, 0.3) == "different"
    assert verdict(0.0, 1.0, 0.3) == "equivalent"
    assert verdict(-0.15, 1.0, 0.3) == "trivial"
    assert verdict(0.1, 3.0, 0.2, n=20) == "undecided"
    assert verdict(-1.0, 1.0, None) == "different"


def test_a_constant_difference_is_flagged_and_has_ranks_still():
    with pytest.warns(SparseDataWarning, match="'a1'"):
        row = sl.gap_tests(one_item([5.0] * 12, [6.0] * 12), margin=2.0).by_item.loc["a1"]
    assert row["flag"] == "constant"
    assert row["verdict"] == "untested"
    assert np.isnan(
        row[["statistic", "p_value", "effect_size", "p_equivalence"]].to_numpy(float)
    ).all()
    assert row["p_sign"] == pytest.approx(2 / 2**12)


def test_one_respondent_and_none_are_flagged():
    survey = tiny_survey(n=6)
    answers = {name: frame.copy() for name, frame in survey.answers.items()}
    answers["perception"].loc[1:, "a1"] = np.nan
    answers["perception"]["b1"] = np.nan
    with pytest.warns(SparseDataWarning, match="'a1', 'b1'"):
        table = sl.gap_tests(replace(survey, answers=answers)).by_item
    assert table.loc[["a1", "b1"], "flag"].tolist() == ["too_few", "too_few"]
    assert table.loc[["a1", "b1"], "n"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"margin": 0}, "margin must be a number of scale points between 0 and 6"),
        ({"margin": -0.3}, "got -0.3"),
        ({"margin": 6}, "the width of the scale; got 6"),
        ({"margin": "small"}, "got 'small'"),
        ({"margin": True}, "got True"),
        ({"margin": float("nan")}, "got nan"),
        ({"adjust": "bonferroni"}, "adjust must be one of 'holm', 'bh', 'none'"),
        ({"signed_rank": "pratt"}, "signed_rank must be one of"),
        ({"conf_level": 95}, "conf_level must lie between 0 and 1"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ModelError, match=words):
        sl.gap_tests(tiny_survey(), **options)


def test_a_survey_without_expectations_has_no_gaps_to_test():
    with pytest.raises(ModelError, match="so expectation is missing"):
        sl.gap_tests(tiny_survey(batteries=("perception",)))


def test_exact_ranks_of_many_differences_are_refused():
    with pytest.raises(ModelError, match="at most 500 differences; got 501"):
        signed_rank(np.arange(1.0, 502.0), "exact")
