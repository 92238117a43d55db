"""Proportional odds and ordered probit against R's clm, polr and svyolr; what must be refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import (
    CollinearityWarning,
    ModelError,
    NotIdentifiedError,
    SmallSampleWarning,
    SparseDataWarning,
)
from servlab.estimation.regression.cumulative_link import fit_cumulative, null_loglik
from servlab.estimation.regression.separation import find_separation
from tests.estimation.regression.choice_data import FORMULA, ORDER, answers, big_five
from tests.tolerances import CLOSED_FORM, ITERATIVE


def stacked(fit, column):
    """Slopes in R's order, then thresholds."""
    return np.concatenate([fit.coefficients.loc[ORDER, column], fit.thresholds[column]])


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_ordinal_regression_equals_clm(golden, golden_data, agree, link):
    name = f"ordinal_{link}_bfi"
    reference = golden(name)["result"]
    fit = sl.ordinal_regress(FORMULA, big_five(golden_data), link=link)
    pairs = {
        "slopes and thresholds": (stacked(fit, "estimate"), reference["estimate"]),
        "standard errors": (stacked(fit, "std_error"), reference["se"]),
        "log-likelihood": (fit.loglik, reference["loglik"]),
        "AIC and BIC": ([fit.aic, fit.bic], [reference["aic"], reference["bic"]]),
        "McFadden's and Nagelkerke's R squared": (
            [fit.mcfadden, fit.nagelkerke],
            [reference["mcfadden"], reference["nagelkerke"]],
        ),
        "likelihood-ratio test": ([fit.chi2, fit.p_value], [reference["lr"], reference["lr_p"]]),
    }
    for statistic, (ours, theirs) in pairs.items():
        agree(name, statistic, ours, theirs, CLOSED_FORM)


def test_ordinal_regression_and_its_robust_errors_equal_polr(golden, golden_data, agree):
    name = "ordinal_polr_bfi"
    reference, data = golden(name)["result"], big_five(golden_data)
    fit = sl.ordinal_regress(FORMULA, data)
    robust = sl.ordinal_regress(FORMULA, data, cov_type="robust")
    with pytest.warns(SmallSampleWarning, match="clusters of 'branch' are few"):
        cluster = sl.ordinal_regress(FORMULA, data, cluster="branch")
    agree(name, "slopes and thresholds", stacked(fit, "estimate"), reference["estimate"], 1e-8)
    # polr's Hessian is numerical: five digits; clm's (above) is analytic and agrees to 1e-8
    agree(name, "standard errors", stacked(fit, "std_error"), reference["se"], ITERATIVE)
    for statistic, ours, theirs in (
        ("robust errors", stacked(robust, "std_error") * np.sqrt(399 / 400), "robust"),
        ("errors by clusters", stacked(cluster, "std_error"), "cluster"),
    ):
        agree(name, statistic, ours, reference[theirs], 1e-7)  # polr's estimates: eight digits
    assert cluster.coefficients["df"].unique().tolist() == [cluster.n_clusters - 1]
    assert "few_clusters" in cluster.flags


@pytest.mark.filterwarnings("ignore:[0-9]+ clusters of 'branch' are few")
def test_weighted_ordinal_regression_equals_svyolr(golden, golden_data, agree):
    name = "ordinal_weighted_bfi"
    reference, data = golden(name)["result"], big_five(golden_data)
    fit = sl.ordinal_regress(FORMULA, data, weights="w")
    cluster = sl.ordinal_regress(FORMULA, data, weights="w", cluster="branch")
    agree(name, "slopes and thresholds", stacked(fit, "estimate"), reference["estimate"], 5e-8)
    # svyolr's Hessian is numerical: five digits
    for statistic, ours, theirs in (
        ("standard errors", stacked(fit, "std_error"), "se"),
        ("errors by clusters", stacked(cluster, "std_error"), "cluster"),
    ):
        agree(name, statistic, ours, reference[theirs], 5e-5, relative=True)
    assert fit.n_effective < fit.n
    assert np.isnan(fit.aic)
    assert fit.test == "wald"


def test_two_categories_are_logistic_regression():
    data = answers().assign(y=lambda d: (d["y"] > 3) + 1.0)
    ordinal = sl.ordinal_regress("y ~ a + b + site", data)
    binary = sl.logistic_regress("y ~ a + b + site", data)
    same = ["estimate", "std_error", "p_value", "odds_ratio"]
    np.testing.assert_allclose(ordinal.coefficients[same], binary.coefficients[same].iloc[1:])
    cut = ordinal.thresholds["estimate"].iloc[0]
    assert binary.coefficients.loc["Intercept", "estimate"] == pytest.approx(-cut)
    assert binary.covariance.iloc[0, 1] == pytest.approx(-ordinal.covariance.iloc[0, 1])


def test_merging_all_categories_above_a_cut_is_that_logit():
    data = answers()
    merged = data.assign(y=np.where(data["y"] > 2, 9, 4))
    logit = sl.logistic_regress("top ~ a + b", data.assign(top=data["y"] > 2))
    fit = sl.ordinal_regress("y ~ a + b", merged)
    assert fit.thresholds.index.tolist() == ["4|9"]
    assert fit.coefficients.loc["a", "estimate"] == pytest.approx(
        logit.coefficients.loc["a", "estimate"], abs=CLOSED_FORM
    )


@settings(max_examples=10, deadline=None)
@given(
    scale=st.floats(0.01, 100), shift=st.floats(-50, 50), link=st.sampled_from(["logit", "probit"])
)
def test_units_of_a_predictor_change_nothing_but_its_slope(scale, shift, link):
    data = answers(80)
    plain = sl.ordinal_regress("y ~ a + b", data, link=link)
    moved = sl.ordinal_regress("y ~ a + b", data.assign(a=data["a"] * scale + shift), link=link)
    assert moved.loglik == pytest.approx(plain.loglik, abs=1e-7)
    assert moved.coefficients.loc["a", "estimate"] * scale == pytest.approx(
        plain.coefficients.loc["a", "estimate"], rel=1e-6
    )
    assert moved.coefficients.loc["b"].tolist() == pytest.approx(
        plain.coefficients.loc["b"].tolist(), rel=1e-6, nan_ok=True
    )


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), link=st.sampled_from(["logit", "probit"]))
def test_reversing_the_outcome_turns_every_sign(seed, link):
    data = answers(120, seed=seed)
    assume(data["y"].value_counts().min() >= 5)  # a rare category gets a warning, rightly
    plain = sl.ordinal_regress("y ~ a + b", data, link=link)
    turned = sl.ordinal_regress("y ~ a + b", data.assign(y=6 - data["y"]), link=link)
    np.testing.assert_allclose(
        turned.coefficients["estimate"], -plain.coefficients["estimate"], atol=CLOSED_FORM
    )
    np.testing.assert_allclose(
        turned.thresholds["estimate"], -plain.thresholds["estimate"].iloc[::-1], atol=CLOSED_FORM
    )


def test_the_gradient_and_curvature_are_those_of_the_likelihood():
    data = answers(60)
    k = (data["y"] - 1).to_numpy().astype(np.int64)
    X = data[["a", "b"]].to_numpy()
    for link in ("logit", "probit"):
        fit = fit_cumulative(k, X, np.ones(60), link)
        from servlab.estimation.regression.cumulative_link import _loglik, _slopes

        at = np.concatenate([fit.theta, fit.b]) + 0.1 * np.arange(6)

        def value(v, link=link):
            return _loglik(v[:4], v[4:], k, X, np.ones(60), link)

        scores, information = _slopes(at[:4], at[4:], k, X, np.ones(60), link)
        step = 1e-5 * np.eye(6)
        slope = [(value(at + h) - value(at - h)) / 2e-5 for h in step]
        np.testing.assert_allclose(scores.sum(axis=0), slope, atol=1e-7)

        def gradient(v, link=link):
            return _slopes(v[:4], v[4:], k, X, np.ones(60), link)[0].sum(axis=0)

        curvature = [(gradient(at + h) - gradient(at - h)) / 2e-5 for h in step]
        np.testing.assert_allclose(-information, curvature, atol=1e-6)


def test_thresholds_alone_give_the_shares():
    data = answers()
    k = (data["y"] - 1).to_numpy().astype(np.int64)
    fit = fit_cumulative(k, np.empty((len(k), 0)), np.ones(len(k)), "logit")
    assert fit.loglik == pytest.approx(null_loglik(k, np.ones(len(k))))
    shares = np.cumsum(np.bincount(k) / len(k))[:-1]
    np.testing.assert_allclose(1 / (1 + np.exp(-fit.theta)), shares)


def test_rows_categories_and_names_are_counted_and_kept():
    data = answers().rename(columns={"a": "等待 时间 (min)"})
    data["y"] = data["y"].replace({2: 7})  # nobody gave 2 or 6
    data.loc[[1, 2], "等待 时间 (min)"] = np.nan
    fit = sl.ordinal_regress(sl.formula("y", ["等待 时间 (min)", "site"]), data)
    assert (fit.n, fit.n_dropped) == (158, 2)
    assert fit.unused == (2.0, 6.0)
    assert "unused" in fit.flags
    assert fit.coefficients.index.tolist() == ["等待 时间 (min)", "site[y]", "site[z]"]
    assert fit.categories.sum() == 158
    assert fit.tidy()["component"].tolist() == ["slope"] * 3 + ["threshold"] * 4
    declared = pd.Categorical(data["y"], [0, 1, 3, 4, 5, 7], ordered=True)
    typed = sl.ordinal_regress("y ~ b", data.assign(y=declared))
    assert typed.unused == (0.0,)
    check_tidy(fit.tidy().columns)
    check_tidy(fit.glance().columns)


def test_rare_categories_are_flagged_and_collinear_predictors_named():
    data = answers().assign(y=lambda d: d["y"].where(d.index > 2, 6.0))
    with pytest.warns(SparseDataWarning, match=r"fewer than 5 rows: 6 \(3\)"):
        fit = sl.ordinal_regress("y ~ a + b", data)
    assert fit.sparse == (6.0,)
    rng = np.random.default_rng(2)
    near = answers().assign(twin=lambda d: d["a"] + 0.3 * rng.normal(size=len(d)))
    with pytest.warns(CollinearityWarning, match="'a' with 'twin'"):
        doubled = sl.ordinal_regress("y ~ a + twin", near)
    alone = sl.ordinal_regress("y ~ a", near)
    assert doubled.flags == ("collinear",)
    error = doubled.coefficients.loc["a", "std_error"]
    assert error > 2 * alone.coefficients.loc["a", "std_error"]


def separated(kind):
    data = answers(90)
    if kind == "complete":
        data["s"] = data["y"] ** 3 + 0.01 * data["a"]
    elif kind == "quasi":
        data["s"] = (data["y"] == data["y"].max()) * (data["b"] > 0) * 1.0
    else:
        data["s"] = np.where(data["y"] > 3, "yes", "no")
    return data


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("complete", "^complete separation: 's' foretells every answer of 'y'"),
        ("quasi", "^quasi-complete separation: 's' foretells some answers of 'y'"),
        ("text", r"^quasi-complete separation: 's\[yes\]' foretells some answers"),
    ],
)
def test_separation_is_an_error_that_names_the_predictor(kind, words):
    with pytest.raises(NotIdentifiedError, match=words):
        sl.ordinal_regress("y ~ a + b + s", separated(kind))


def test_separation_by_two_predictors_together_names_both():
    rng = np.random.default_rng(8)
    X = rng.normal(size=(60, 3))
    k = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
    found = find_separation(k, X)
    assert found.complete
    assert {0, 1} <= set(found.columns)
    assert find_separation((rng.random(60) > 0.5).astype(np.int64), X) is None


def test_a_steep_slope_without_separation_is_fitted():
    rng = np.random.default_rng(4)
    x = np.sort(rng.normal(size=400))
    y = (x > 0) * 1.0
    y[[198, 202]] = 1 - y[[198, 202]]  # two rows on the wrong side: finite, and steep
    fit = sl.ordinal_regress("y ~ x", pd.DataFrame({"x": x, "y": y + 1}))
    assert np.isfinite(fit.coefficients.loc["x", "std_error"])


@pytest.mark.parametrize(
    ("formula", "change", "options", "words"),
    [
        ("y ~ a", {"y": "good"}, {}, "outcome 'y' holds text; map its answers to numbers"),
        ("y ~ a", {"y": pd.Categorical(["lo", "hi"] * 80)}, {}, "holds text; map its answers"),
        ("y ~ a", {"y": np.arange(160.0)}, {}, "160 different values; .* Use regress"),
        ("y ~ a", {"y": 2.0}, {}, "the outcome 'y' is constant"),
        ("y ~ a", {"a": 2.0}, {}, "the predictor 'a' is constant over the 160 rows"),
        ("y ~ a", {"a": lambda d: 2 * d["y"]}, {}, "'a' is the outcome 'y' but for its scale"),
        ("y ~ a + b + c", {"c": lambda d: d["a"] - d["b"]}, {}, r"\['c'\] are exact combinations"),
        ("y ~ nothere", {}, {}, "'nothere', which is no column"),
        ("y ~ a", {}, {"link": "cloglog"}, "link must be one of 'logit', 'probit'"),
        ("y ~ a", {}, {"conf_level": 95}, "conf_level must lie between"),
        ("y ~ a", {}, {"weights": "w"}, "weights names 'w', which is no column"),
        ("y ~ a", {"w": -1.0}, {"weights": "w"}, "160 weights are negative"),
        ("y ~ a", {"w": 1.0}, {"weights": "w", "cov_type": "classical"}, "use cov_type='robust'"),
        ("y ~ a", {"g": 1}, {"cluster": "g"}, "at least two clusters"),
        ("y ~ a", {}, {"cluster": "g"}, "cluster names 'g', which is no column"),
        ("y ~ a", {}, {"cov_type": "HC3"}, "cov_type must be one of 'classical', 'robust'"),
    ],
)
def test_bad_ordinal_regressions_are_refused_by_name(formula, change, options, words):
    with pytest.raises(ModelError, match=words):
        sl.ordinal_regress(formula, answers().assign(**change), **options)


def test_too_few_rows_are_refused():
    with pytest.raises(ModelError, match="6 rows cannot estimate 6 parameters"):
        sl.ordinal_regress("y ~ a + b", answers().groupby("y").head(1).assign().pipe(
            lambda d: pd.concat([d, d.iloc[:1]])
        ))  # fmt: skip


def test_weights_of_zero_leave_rows_out_and_weights_of_two_count_twice():
    data = answers(100)
    data["w"] = np.resize([0.0, 1.0, 2.0], 100)
    fit = sl.ordinal_regress("y ~ a + b", data, weights="w")
    twice = sl.ordinal_regress("y ~ a + b", data.loc[data.index.repeat(data["w"].astype(int))])
    np.testing.assert_allclose(fit.coefficients["estimate"], twice.coefficients["estimate"])
    assert fit.n_dropped == 34


def test_faculties_of_a_university_are_modelled_as_r_does(shared_data):
    data = pd.read_csv(shared_data / "univer" / "univer.csv")
    fit = sl.ordinal_regress("global ~ informat + willingn + officeho + compete", data)
    # MASS::polr and ordinal::clm print -1785.97187468
    assert fit.loglik == pytest.approx(-1785.97187468, abs=1e-7)
    assert fit.coefficients["estimate"].tolist() == pytest.approx(
        [0.83229177, 0.55365805, 0.46926133, 1.14023656], abs=1e-7
    )
    brant = sl.brant_test(sl.ordinal_regress("officeho ~ informat + gender", data))
    assert brant.table.loc["omnibus", "df"] == 10


def test_a_category_of_one_row_has_no_robust_error():
    data = answers().assign(site=lambda d: d["site"].where(d.index != 7, "lone"), w=1.0)
    data.loc[7, "y"] = 3
    plain = sl.ordinal_regress("y ~ a + site", data)
    with pytest.warns(SparseDataWarning, match=r"site\[x\], .* hang on one resp"):
        fit = sl.ordinal_regress("y ~ a + site", data, weights="w")  # the reference is alone
    assert fit.undetermined[-3:] == ("site[x]", "site[y]", "site[z]")
    assert fit.thresholds["std_error"].isna().all()  # the thresholds are the reference's
    assert fit.coefficients["std_error"].isna().tolist() == [False, True, True, True]
    assert plain.coefficients["std_error"].notna().all()
    assert fit.df == 1
