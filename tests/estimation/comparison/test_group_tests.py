"""Omnibus, pairs, multivariate tests and checks of groups against R; their properties."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import SparseDataWarning
from servlab.core.groups import group_codes
from servlab.estimation.comparison.assumptions import check_groups
from servlab.estimation.comparison.manova import box_m, manova
from servlab.estimation.comparison.omnibus import (
    anova,
    design_rank_test,
    design_test,
    kruskal_wallis,
    welch_test,
)
from servlab.estimation.comparison.posthoc import design_pair_table, pair_table
from servlab.estimation.comparison.studentized_range import (
    studentized_range_isf,
    studentized_range_sf,
)
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT, ITERATIVE

NAMES = ["east", "north", "south", "west"]


@pytest.fixture
def data(golden):
    return pd.DataFrame(golden("groups")["result"]["data"])


def parts(data, column, names=NAMES):
    """Return the values of each group."""
    return [data.loc[data["group"] == name, column].to_numpy(dtype=float) for name in names]


@pytest.mark.parametrize("score", ["a", "b", "c"])
def test_omnibus_tests_and_checks_equal_r(golden, agree, data, score):
    r, groups = golden("groups")["result"][score], parts(data, score)
    w, f, h = welch_test(groups), anova(groups), kruskal_wallis(groups)
    ours = [w.statistic, w.df, w.df_residual, w.p_value, w.effect_size]
    theirs = [r[name] for name in ("f", "df1", "df2", "p", "omega")]
    agree("groups", "Welch's test", ours, theirs, CLOSED_FORM)
    ours = [f.statistic, f.p_value, f.effect_size]
    theirs = [r["anova_f"], r["anova_p"], r["anova_omega"]]
    agree("groups", "classical F, omega squared", ours, theirs, CLOSED_FORM)
    ours = [h.statistic, h.p_value, h.effect_size]
    agree("groups", "Kruskal-Wallis", ours, [r["h"], r["h_p"], r["epsilon"]], CLOSED_FORM)
    checks = check_groups(groups, weighted=False)
    ours = [checks.spread.statistic, checks.spread.p_value, checks.skewness, checks.kurtosis]
    theirs = [r[name] for name in ("bf", "bf_p", "skewness", "kurtosis")]
    agree("groups", "Brown-Forsythe, residuals' shape", ours, theirs, CLOSED_FORM)


@pytest.mark.parametrize("score", ["a", "b", "c"])
def test_pairs_equal_r(golden, agree, data, score):
    r = golden("groups")["result"][score]
    table, theirs = pair_table(NAMES, parts(data, score), 0.95), pd.DataFrame(r["pairs"])
    names = {"estimate": "diff", "std_error": "se", "df": "df", "statistic": "t"}
    names |= {"effect_size": "g", "effect_low": "g_low", "effect_high": "g_high"}
    agree(
        "groups", "Games-Howell, Hedges' g", table[list(names)], theirs[list(names.values())],
        CLOSED_FORM,
    )  # fmt: skip
    # R's ptukey() is good to about 1e-7 at these degrees of freedom, qtukey() stops at 1e-4
    # (its manual); for two groups ours is Student's t to 1e-12 (test below)
    agree("groups", "Games-Howell's p", table["p_adjusted"], theirs["p"], 1e-6)
    agree("groups", "Games-Howell's p, rstatix", table["p_adjusted"], r["rstatix_p"], 5e-3)
    limits = table[["conf_low", "conf_high"]]
    agree("groups", "Games-Howell's intervals", limits, theirs[["low", "high"]], ITERATIVE)
    dunn = table[["z_dunn", "p_dunn", "p_dunn_adjusted"]].to_numpy().T
    theirs = [r["dunn_z"], r["dunn_p"], r["dunn_holm"]]
    agree("groups", "Dunn's test", dunn, theirs, CLOSED_FORM)


@pytest.mark.parametrize(("names", "key"), [(NAMES, "four"), (["north", "west"], "two")])
def test_multivariate_tests_equal_r(golden, agree, data, names, key):
    r = golden("manova")["result"]
    groups = [data.loc[data["group"] == name, ["a", "b", "c"]].to_numpy() for name in names]
    ours = manova(groups)[["estimate", "statistic", "df", "df_residual", "p_value"]]
    theirs = [list(row.values()) for row in r[key]]
    agree("manova", "Pillai, Wilks, Hotelling-Lawley, Roy", ours, theirs, CLOSED_FORM)
    if key == "four":
        theirs = [r["box"], r["box_df"], r["box_p"]]
        agree("manova", "Box's M", box_m(groups), theirs, CLOSED_FORM)


@pytest.mark.parametrize("score", ["a", "b", "c"])
def test_weighted_tests_equal_the_survey_package(golden, agree, data, score):
    r, name = golden("groups_weighted")["result"][score], "groups_weighted"
    groups, weights = parts(data, score), parts(data, "w")
    f, ranks = design_test(groups, weights), design_rank_test(groups, weights)
    ours = [f.statistic, f.df, f.df_residual, f.p_value]
    agree(name, "Wald F of means", ours, [r["f"], r["df1"], r["df2"], r["p"]], CLOSED_FORM)
    ours, theirs = [ranks.statistic, ranks.p_value], [r["tied"], r["tied_p"]]
    agree(name, "rank test under ties (svyglm of midranks)", ours, theirs, CLOSED_FORM)
    untied = parts(data.assign(u=data[score] + (data.index + 1) / 1e5), "u")
    ranks = design_rank_test(untied, weights)
    ours = [ranks.statistic * ranks.df, ranks.p_value]
    agree(name, "rank test (svyranktest)", ours, [r["rank"], r["rank_p"]], CLOSED_FORM)
    table = design_pair_table(NAMES, groups, weights, 0.95)
    ours = table[["estimate", "std_error", "p_value", "p_adjusted"]].to_numpy().T
    theirs = [r["est"], r["se"], r["pair_p"], r["holm"]]
    agree(name, "design-based pairs", ours, theirs, CLOSED_FORM)


def test_two_weighted_groups_are_the_design_based_t_test(golden, agree, data):
    r = golden("groups_weighted")["result"]
    two = ["north", "west"]
    test = design_test(parts(data, "a", two), parts(data, "w", two))
    ours = [test.statistic, test.df_residual, test.p_value]
    agree(
        "groups_weighted", "t of two groups", ours, [r["t"] ** 2, r["t_df"], r["t_p"]], CLOSED_FORM
    )


def test_the_studentized_range_of_two_means_is_students_t():
    q = np.array([0.5, 2.0, 3.6, 30.0])
    for df in (1.2, 2.5, 9.7, 40.0, 2e4, 1e7):
        ours = studentized_range_sf(q, 2, np.full(4, df))
        np.testing.assert_allclose(ours, 2 * stats.t.sf(q / np.sqrt(2), df), atol=EXACT)
        critical = studentized_range_isf(0.05, 2, np.array([df]))[0]
        assert critical == pytest.approx(np.sqrt(2) * stats.t.isf(0.025, df), rel=1e-10)


def test_the_studentized_range_equals_r(golden, agree):
    grid = pd.DataFrame(golden("tukey_nct")["result"]["grid"])
    grid = grid[(grid["df"] > 9) & (grid["k"] < 40)]  # beyond, R's own quadrature is coarse
    for k, rows in grid.groupby("k"):
        q, df = rows["q"].to_numpy(float), rows["df"].to_numpy(float)
        p = studentized_range_sf(q, int(k), df)
        # R's error, as the identity of two means above shows
        agree("tukey_nct", f"range of {k} means", p, rows["p"], 1e-7)
        limits = studentized_range_isf(0.05, int(k), df)
        agree("tukey_nct", f"limit of {k} means", limits, rows["q95"], ITERATIVE)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(3, 30), m=st.integers(3, 30))
def test_two_groups_give_welchs_t_everywhere(seed, n, m):
    rng = np.random.default_rng(seed)
    groups = [rng.normal(size=n), 0.4 + 2 * rng.normal(size=m)]
    t = stats.ttest_ind(*groups, equal_var=False)
    f, row = welch_test(groups), pair_table(["x", "y"], groups, 0.95).iloc[0]
    assert f.statistic == pytest.approx(t.statistic**2, rel=1e-9)
    assert f.p_value == pytest.approx(t.pvalue, abs=1e-10)
    assert row["statistic"] == pytest.approx(t.statistic, rel=1e-9)
    assert row["p_adjusted"] == pytest.approx(t.pvalue, abs=1e-10)
    limits = t.confidence_interval(0.95)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx(tuple(limits), abs=1e-8)
    tests = manova([g[:, None] for g in groups])
    plain = anova(groups)
    np.testing.assert_allclose(tests["statistic"], plain.statistic, rtol=1e-9)
    assert kruskal_wallis(groups).statistic == pytest.approx(row["z_dunn"] ** 2, rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_and_equal_weights_change_nothing(seed):
    survey = tiny_survey(n=60, seed=seed)
    order = np.random.default_rng(seed).permutation(60)
    mixed = replace(
        survey,
        answers={b: a.iloc[order].reset_index(drop=True) for b, a in survey.answers.items()},
        covariates=survey.covariates.iloc[order].reset_index(drop=True),
    )
    one, two = (sl.compare_groups(s, by="branch") for s in (survey, mixed))
    for name in ("tests", "pairs", "multivariate", "checks"):
        a, b = getattr(one, name), getattr(two, name)
        numbers = a.select_dtypes("number").columns
        np.testing.assert_allclose(a[numbers], b[numbers], atol=1e-9)


def test_tidy_parts_have_registered_columns():
    result = sl.compare_groups(tiny_survey(n=90), by="branch")
    for name in ("tests", "other_tests", "multivariate", "pairs", "checks", "box", "flags"):
        check_tidy(getattr(result, name).columns)
    assert (
        result.tests["p_adjusted"].loc["overall_items"]
        == result.tests["p_value"].loc["overall_items"]
    )
    assert len(result.pairs) == 3 * 3
    assert set(result.checks["recommended"]) == {"welch"}


def test_weights_give_design_based_tests_and_leave_out_what_has_no_weighted_form():
    weights = np.linspace(0.5, 2, 90)
    result = sl.compare_groups(tiny_survey(n=90, weights=weights), by="branch")
    assert (result.tests["test"] == "design").all()
    assert result.tests["p_value"].notna().all()
    assert set(result.other_tests["test"]) == {"design_ranks"}
    assert result.multivariate.empty
    assert result.box.empty
    assert result.pairs["p_adjusted"].notna().all()
    assert result.pairs[["z_dunn", "p_dunn", "effect_low"]].isna().all(axis=None)
    assert set(result.checks["recommended"]) == {"design"}


def with_branch(survey, branch):
    return replace(survey, covariates=pd.DataFrame({"branch": branch}))


def test_hidden_groups_are_in_no_table_of_the_result():
    survey = tiny_survey(n=60)
    branch = pd.Series(["n"] * 25 + ["s"] * 20 + ["w"] * 12 + ["e"] * 3)
    result = sl.compare_groups(with_branch(survey, branch), by="branch")
    assert set(result.suppressed) == {"e", "w"}
    assert set(result.pairs["group"]) | set(result.pairs["against"]) == {"n", "s"}
    assert (result.tests["n"] == 45).all()
    assert (result.other_tests["n"] == 45).all()
    assert (result.multivariate["n"] == 45).all()
    assert (result.checks["n_smallest"] == 20).all()
    without = with_branch(survey, branch.where(branch.isin(["n", "s"])))
    plain = sl.compare_groups(without, by="branch")
    pd.testing.assert_frame_equal(result.pairs, plain.pairs)
    pd.testing.assert_frame_equal(result.tests, plain.tests)


def test_a_group_small_on_one_dimension_only_is_hidden():
    survey = tiny_survey(n=60, per_dimension=(1, 4), min_answered=0.5)
    branch = pd.Series(["n"] * 25 + ["s"] * 20 + ["w"] * 15)
    answers = {name: frame.copy() for name, frame in survey.answers.items()}
    answers["perception"].loc[45:56, "a1"] = np.nan  # three of branch w answered a1
    result = sl.compare_groups(with_branch(replace(survey, answers=answers), branch), by="branch")
    assert "w" in result.suppressed
    assert len(result.suppressed) == 2


def test_a_group_of_one_has_a_mean_and_enters_no_test():
    survey = tiny_survey(n=41)
    branch = pd.Series(["n"] * 20 + ["s"] * 20 + ["alone"])
    with pytest.warns(SparseDataWarning, match="'alone'"):
        result = sl.compare_groups(with_branch(survey, branch), by="branch", min_cell=1)
    alone = result.by_group[result.by_group["group"] == "alone"]
    assert alone["estimate"].notna().all()
    assert alone["std_error"].isna().all()
    assert set(result.pairs["group"]) | set(result.pairs["against"]) == {"n", "s"}
    assert (result.flags["flag"] == "one_respondent").all()
    assert (result.tests["n"] == 40).all()


def test_a_group_without_spread_stops_welch_and_leaves_the_ranks():
    survey = tiny_survey(n=60, batteries=("perception",))
    branch = pd.Series(["n"] * 20 + ["s"] * 20 + ["w"] * 20)
    answers = {"perception": survey.answers["perception"].copy()}
    answers["perception"].loc[:19] = 7.0
    with pytest.warns(SparseDataWarning, match="'n'"):
        result = sl.compare_groups(
            with_branch(replace(survey, answers=answers), branch), by="branch", score="perception"
        )
    assert result.tests["p_value"].isna().all()
    assert (result.tests["flag"] == "constant").all()
    assert result.other_tests["p_value"].notna().all()
    assert (result.checks["recommended"] == "kruskal").all()
    assert np.isinf(result.checks["variance_ratio"]).all()
    assert result.pairs["p_adjusted"].notna().all()


def test_everybody_saying_the_same_leaves_nothing_to_test():
    survey = tiny_survey(n=30, batteries=("perception",))
    answers = {"perception": survey.answers["perception"] * 0 + 4}
    branch = pd.Series(["n"] * 15 + ["s"] * 15)
    with pytest.warns(SparseDataWarning):
        result = sl.compare_groups(
            with_branch(replace(survey, answers=answers), branch), by="branch", score="perception"
        )
    assert result.tests["p_value"].isna().all()
    assert result.other_tests["p_value"].isna().all()
    assert result.multivariate.empty
    assert (result.checks["recommended"] == "none").all()


@pytest.mark.parametrize(
    ("column", "codes"),
    [
        (pd.Series([1.0, 2.0, None] * 20), {"1", "2"}),
        (pd.Series([1, 2, 3] * 20), {"1", "2", "3"}),
        (pd.Series([True, False, True] * 20), {"True", "False"}),
        (pd.Series(["北京", "上海", None] * 20), {"北京", "上海"}),
        (pd.Series(["a", "b", "b"] * 20, dtype="category"), {"a", "b"}),
        (pd.Series(pd.Categorical([1, 2, 2] * 20, categories=[1, 2, 9])), {"1", "2"}),
        (pd.Series(["a", "b", None] * 20, dtype="string"), {"a", "b"}),
        (pd.Series([1, 2, None] * 20, dtype="Int64"), {"1", "2"}),
        (pd.Series([0.5, 1.5, 1.5] * 20), {"0.5", "1.5"}),
    ],
)
def test_group_columns_of_every_type_are_read(column, codes):
    assert set(group_codes(column).dropna()) == codes
    result = sl.compare_groups(with_branch(tiny_survey(n=60), column), by="branch")
    assert set(result.by_group["group"]) == codes
    empty = result.flags.loc[result.flags["flag"] == "empty", "group"].tolist()
    unused = isinstance(column.dtype, pd.CategoricalDtype) and 9 in column.cat.categories
    assert empty == (["9"] if unused else [])


def test_more_than_forty_groups_have_tests_and_no_pairs():
    survey = tiny_survey(n=246)
    branch = pd.Series(np.arange(246) // 6)
    result = sl.compare_groups(with_branch(survey, branch), by="branch")
    assert result.tests["p_value"].notna().all()
    assert result.pairs.empty


def test_dimensions_that_copy_each_other_have_no_multivariate_test():
    rng = np.random.default_rng(0)
    groups = [np.column_stack([x := rng.normal(size=20), x]) for _ in range(3)]
    assert manova(groups).empty
    assert np.isnan(box_m([g[:2] for g in groups])[0])
