"""Errors of linear regression: the HC family, clusters, weights, and what hangs on one row."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import (
    CollinearityWarning,
    ModelError,
    SmallSampleWarning,
    SparseDataWarning,
)
from tests.tolerances import CLOSED_FORM, EXACT

MODEL = "quality ~ staff + speed + wait + channel"
TERMS = ["Intercept", "staff", "speed", "wait", "channel[desk]", "channel[phone]"]


@pytest.fixture(scope="module")
def service(golden_data):
    return golden_data("sim_service.csv")


def few(call):
    """Run a regression on the twelve branches, of which there are few."""
    with pytest.warns(SmallSampleWarning, match="12 clusters of 'branch' are few"):
        return call()


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3", "HC4", "classical"])
def test_errors_equal_sandwich(golden, service, agree, kind):
    name = "regression_errors"
    reference = golden(name)["result"]
    table = sl.regress(MODEL, service, cov_type=kind).coefficients.loc[TERMS]
    theirs = reference["classical"] if kind == "classical" else reference["robust"][kind]
    agree(name, "coefficients", table["estimate"], reference["estimate"], CLOSED_FORM)
    agree(name, f"standard errors, {kind}", table["std_error"], theirs, CLOSED_FORM)


def test_clustered_errors_equal_vcovcl(golden, service, agree):
    name = "regression_errors"
    reference = golden(name)["result"]
    fit = few(lambda: sl.regress(MODEL, service, cluster="branch"))
    table = fit.coefficients.loc[TERMS]
    assert (fit.cov_type, fit.n_clusters, fit.f_df_residual) == ("cluster", 12, 11)
    assert fit.flags == ("few_clusters",)
    agree(name, "standard errors, CR1", table["std_error"], reference["clustered"], CLOSED_FORM)
    agree(name, "p values, CR1", table["p_value"], reference["clustered_p"], CLOSED_FORM)
    agree(name, "F, CR1", fit.f_statistic, reference["clustered_f"], CLOSED_FORM)


def test_generalized_inflation_factors_equal_car(golden, service, agree):
    reference = golden("regression_errors")["result"]
    fit = sl.regress(MODEL, service)
    order = ["staff", "speed", "wait", "channel"]
    found = fit.vif.loc[order]
    agree("regression_errors", "GVIF", found["gvif"], reference["gvif"], CLOSED_FORM)
    assert found["df"].tolist() == reference["gvif_df"]
    shared = fit.coefficients["vif"]
    assert shared["channel[desk]"] == shared["channel[phone]"] == found.loc["channel", "vif"]


def test_weighted_errors_equal_sandwich_and_survey_but_for_their_factor(golden, service, agree):
    name = "regression_weighted"
    reference = golden(name)["result"]
    fits = {k: sl.regress(MODEL, service, weights="w", cov_type=k) for k in ("HC3", "HC0")}
    clustered = few(lambda: sl.regress(MODEL, service, weights="w", cluster="branch"))
    n, p = fits["HC3"].n, len(TERMS)
    errors = {k: f.coefficients["std_error"].loc[TERMS] for k, f in fits.items()}
    by_branch = clustered.coefficients["std_error"].loc[TERMS]
    agree(name, "standard errors, HC3", errors["HC3"], reference["hc3"], CLOSED_FORM)
    agree(name, "standard errors, HC0", errors["HC0"], reference["hc0"], CLOSED_FORM)
    agree(name, "standard errors, CR1", by_branch, reference["clustered"], CLOSED_FORM)
    agree(name, "GVIF", fits["HC3"].vif["gvif"].loc[["staff", "speed", "wait", "channel"]],
          reference["gvif"], CLOSED_FORM)  # fmt: skip
    agree(name, "standard errors of svyglm, as HC0 × √(n / (n − 1))",
          errors["HC0"] * np.sqrt(n / (n - 1)), reference["svyglm"], CLOSED_FORM)  # fmt: skip
    agree(name, "standard errors of svyglm over branches, as CR1 × √((n − p) / (n − 1))",
          by_branch * np.sqrt((n - p) / (n - 1)), reference["svyglm_branch"],
          CLOSED_FORM)  # fmt: skip


def test_variables_are_standardized_before_they_are_multiplied(golden, service, agree):
    name = "regression_standardized"
    reference = golden(name)["result"]
    used = service.dropna()
    found = sl.regress("quality ~ staff * wait + channel", used).coefficients["std_beta"]
    pairs = {"staff": "staff", "wait": "wait", "channel[desk]": "desk", "channel[phone]": "phone",
             "staff:wait": "product"}  # fmt: skip
    agree(name, "standardized coefficients", found.loc[list(pairs)],
          [reference[key] for key in pairs.values()], CLOSED_FORM)  # fmt: skip
    shifted = used.assign(staff=used["staff"] + 100, wait=3 * used["wait"] - 40)
    again = sl.regress("quality ~ staff * wait + channel", shifted).coefficients["std_beta"]
    np.testing.assert_allclose(again, found, atol=1e-7)  # 100 away from zero: two digits lost
    assert sl.regress("quality ~ staff:wait", used).coefficients["std_beta"].isna().all()


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3", "HC4"])
def test_a_category_of_one_respondent_is_flagged_and_the_rest_is_a_fit_without_it(service, kind):
    lone = service.dropna().reset_index(drop=True)
    lone.loc[4, "channel"] = "fax"
    with pytest.warns(SparseDataWarning, match=r"channel\[fax\] hang on one respondent alone"):
        fit = sl.regress(MODEL, lone, cov_type=kind)
    assert fit.undetermined == ("channel[fax]",)
    assert "undetermined" in fit.flags
    assert np.isnan(fit.coefficients.loc["channel[fax]", "std_error"])
    without = sl.regress(MODEL, lone.drop(index=4), cov_type=kind)
    columns = ["estimate", "std_error", "df", "p_value", "conf_low"]
    np.testing.assert_allclose(
        fit.coefficients.loc[TERMS, columns], without.coefficients.loc[TERMS, columns], rtol=1e-9
    )
    assert fit.f_statistic == pytest.approx(without.f_statistic, rel=1e-9)


def test_the_reference_of_one_respondent_takes_all_its_category_with_it(service):
    lone = service.dropna().reset_index(drop=True)
    lone.loc[4, "channel"] = "a fax"  # sorted first: the reference
    with pytest.warns(SparseDataWarning, match="Intercept"):
        fit = sl.regress("quality ~ staff + channel", lone)
    assert set(fit.undetermined) == {"Intercept", "channel[app]", "channel[desk]", "channel[phone]"}
    assert fit.coefficients.loc["staff", "std_error"] > 0


def test_what_only_one_cluster_tells_of_has_no_clustered_error(service):
    frame = service.assign(pilot=(service["branch"] == "b12").astype(int))
    with pytest.warns() as caught:
        fit = sl.regress("quality ~ staff + pilot", frame, cluster="branch")
    assert any("pilot hang on one cluster alone" in str(w.message) for w in caught)
    assert fit.undetermined == ("pilot",)
    assert fit.coefficients.loc["staff", "std_error"] > 0


def test_clusters_of_one_row_each_give_hc1(service):
    frame = service.assign(person=range(len(service)))
    clustered = sl.regress(MODEL, frame, cluster="person").coefficients["std_error"]
    plain = sl.regress(MODEL, frame, cov_type="HC1").coefficients["std_error"]
    np.testing.assert_allclose(clustered, plain, rtol=CLOSED_FORM)


def test_more_slopes_than_clusters_have_no_common_test(service):
    two = service.assign(half=np.where(service["branch"] < "b07", "a", "b"))
    with pytest.warns(SmallSampleWarning, match="2 clusters"):
        fit = sl.regress("quality ~ staff + speed + wait", two, cluster="half")
    assert np.isnan(fit.f_statistic)
    assert fit.coefficients["df"].eq(1).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cov_type": "cluster"}, "needs the column of clusters"),
        ({"cov_type": "HC3", "cluster": "branch"}, "leave one of the two out"),
        ({"cov_type": "robust"}, "cov_type must be one of 'HC3'"),
        ({"cluster": "nothere"}, "cluster names 'nothere'"),
        ({"cluster": "same"}, "has one value over the 235 rows"),
        ({"cov_type": "classical", "weights": "w"}, "use cov_type='HC3'"),
        ({"weights": "negative"}, "1 weights are negative"),
        ({"weights": "gone"}, "3 weights are missing"),
    ],
)
def test_bad_options_are_refused_by_name(service, options, words):
    frame = service.assign(
        same="x", negative=[-1.0, *[1.0] * 239], gone=[*[np.nan] * 3, *[1.0] * 237]
    )
    with pytest.raises(ModelError, match=words):
        sl.regress(MODEL, frame, **options)


@pytest.mark.parametrize(
    ("formula", "change", "words"),
    [
        ("quality ~ 0 + staff", {}, "takes the intercept out"),
        ("quality ~ staff - 1", {}, "takes the intercept out"),
        ("quality ~ staff + speed", {"quality": lambda d: d["staff"] + 2 * d["speed"]},
         "determine the outcome 'quality' exactly"),
        ("quality ~ staff + quality", {}, "'quality' is the outcome"),
        ("quality ~ staff", {"staff": np.inf}, "infinite"),
        ("quality ~ channel * site", {"site": lambda d: np.where(d["channel"] == "app", "x", "y")},
         "exact combinations|this combination is empty"),
        ("quality ~ I(staff^2)", {}, r"calls I\(...\); compute that column first"),
        ("quality ~ staff^2", {}, "holds '\\^'"),
    ],
)  # fmt: skip
def test_models_without_an_answer_are_refused_by_name(service, formula, change, words):
    with pytest.raises(ModelError, match=words):
        sl.regress(formula, service.assign(**change))


def test_an_empty_category_is_left_out_and_said(service):
    typed = service.assign(
        channel=pd.Categorical(service["channel"], ["app", "desk", "phone", "fax"])
    )
    with pytest.warns(SparseDataWarning, match=r"nobody is in channel\[fax\]"):
        fit = sl.regress(MODEL, typed)
    assert fit.flags == ("empty_category",)
    plain = sl.regress(MODEL, service)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, rtol=EXACT)


def test_category_words_that_look_like_terms_keep_their_columns(service):
    words = {"app": "a]:b[T.c", "desk": "v0_[T.c1]", "phone": "z0:x"}
    odd = service.assign(渠道=service["channel"].map(words))
    found = sl.regress("quality ~ staff * `渠道` + speed", odd).coefficients
    plain = sl.regress("quality ~ staff * channel + speed", service).coefficients
    assert "渠道[z0:x]" in found.index
    np.testing.assert_allclose(found, plain, rtol=EXACT)  # the words sort as the old ones do


@pytest.mark.parametrize("seed", range(4))
def test_predictors_that_correlate_nine_tenths_are_named_in_any_sample(seed):
    rng = np.random.default_rng(seed)
    one = rng.normal(size=100)
    frame = pd.DataFrame({"one": one, "two": 0.9 * one + np.sqrt(0.19) * rng.normal(size=100)})
    frame["y"] = frame["one"] + rng.normal(size=100)
    with pytest.warns(CollinearityWarning, match="'one' with 'two'"):
        fit = sl.regress("y ~ one + two", frame)
    alone = sl.regress("y ~ one", frame)
    width = [np.ptp(f.coefficients.loc["one", ["conf_low", "conf_high"]]) for f in (fit, alone)]
    assert width[0] > 1.6 * width[1]


def test_a_true_false_outcome_is_a_number(service):
    frame = service.assign(good=service["quality"] > 4)
    fit = sl.regress("good ~ staff", frame)
    number = sl.regress("good ~ staff", frame.assign(good=frame["good"].astype(int)))
    np.testing.assert_allclose(fit.coefficients, number.coefficients, rtol=EXACT)
