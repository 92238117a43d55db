"""Linear regression against R's lm, sandwich and car; the checks that always run."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import CollinearityWarning, ModelError, SparseDataWarning
from tests.tolerances import CLOSED_FORM

FORMULA = "x1 ~ x2 + x3 + x4 + x5 + x6"


def data(n=80, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    frame["y"] = 0.5 * frame["a"] - 0.3 * frame["b"] + rng.normal(size=n)
    return frame


@pytest.mark.parametrize("cov_type", ["HC3", "classical"])
def test_regression_equals_r(golden, golden_data, agree, cov_type):
    reference = golden("lm_hs1939")["result"]
    fit = sl.regress(FORMULA, golden_data("hs1939.csv"), cov_type=cov_type)
    table = fit.coefficients
    robust = cov_type == "HC3"
    errors = reference["hc3_se" if robust else "classical_se"]
    pairs = {
        "coefficients": (table["estimate"], reference["estimate"]),
        f"standard errors, {cov_type}": (table["std_error"], errors),
        "variance inflation factors": (table["vif"].iloc[1:], reference["vif"]),
        "R squared": (fit.r_squared, reference["r2"]),
        "adjusted R squared": (fit.adj_r_squared, reference["adj_r2"]),
        f"F, {cov_type}": (fit.f_statistic, reference["f_hc3" if robust else "f_classical"]),
        "residual degrees of freedom": (fit.f_df_residual, reference["df"]),
    }
    for statistic, (ours, theirs) in pairs.items():
        agree("lm_hs1939", statistic, ours, theirs, CLOSED_FORM)


def test_weighted_regression_equals_r(golden, golden_data, agree):
    name = "lm_hs1939_weighted"
    reference = golden(name)["result"]
    frame = golden_data("hs1939.csv")
    frame["w"] = np.resize([1, 2, 0.5], len(frame))
    fit = sl.regress("x1 ~ x2 + x3", frame, weights="w")
    errors = fit.coefficients["std_error"]
    agree(name, "coefficients", fit.coefficients["estimate"], reference["estimate"], CLOSED_FORM)
    agree(name, "standard errors, HC3", errors, reference["hc3_se"], CLOSED_FORM)
    agree(name, "R squared", fit.r_squared, reference["r2"], CLOSED_FORM)
    assert fit.n_effective < fit.n


def test_standardized_slope_of_one_predictor_is_the_correlation():
    frame = data()
    fit = sl.regress("y ~ a", frame)
    r = np.corrcoef(frame["a"], frame["y"])[0, 1]
    assert fit.coefficients.loc["a", "std_beta"] == pytest.approx(r, abs=CLOSED_FORM)


@settings(max_examples=15, deadline=None)
@example(name="â·")  # an identifier to Python, two words to a pattern
@example(name="a~b c")
@example(name=":")
@given(
    name=st.text(min_size=1, max_size=12).filter(
        lambda s: "`" not in s and s not in ("a", "b", "c", "y", "Intercept")  # the last is refused
    )
)
def test_any_column_name_works_in_formulas_and_output(name):
    frame = data().rename(columns={"a": name})
    fit = sl.regress(sl.formula("y", [name, "b"]), frame)
    assert fit.coefficients.index.tolist() == ["Intercept", name, "b"]
    plain = sl.regress("y ~ a + b", data())
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, atol=CLOSED_FORM)


def test_labels_are_clean_and_terms_stand_in_the_order_of_the_formula():
    frame = data().assign(site=np.resize(["x y", "z", "w"], 80))
    fit = sl.regress("y ~ a * b + site + C(c > 0)".replace("C(c > 0)", "c"), frame)
    assert fit.coefficients.index.tolist() == [
        "Intercept",
        "a",
        "b",
        "site[x y]",
        "site[z]",
        "c",
        "a:b",
    ]


def test_missing_rows_are_dropped_and_counted():
    frame = data()
    frame.loc[[0, 5, 9], "a"] = np.nan
    frame.loc[0, "c"] = np.nan  # not in the formula
    fit = sl.regress("y ~ a + b", frame)
    assert (fit.n, fit.n_dropped) == (77, 3)
    assert fit.residuals.index.tolist() == frame.dropna(subset=["a"]).index.tolist()


def test_near_collinear_predictors_are_named_and_flagged():
    rng = np.random.default_rng(5)
    frame = data(400)
    frame["twin"] = 0.9 * frame["a"] + np.sqrt(1 - 0.81) * rng.normal(size=400) * 0.9
    alone = sl.regress("y ~ a + b", frame)
    with pytest.warns(CollinearityWarning, match="'a' with 'twin'"):
        fit = sl.regress("y ~ a + twin + b", frame)
    assert fit.flags == ("collinear",)
    widths = [
        f.coefficients.loc["a", ["conf_low", "conf_high"]].diff().iloc[1] for f in (alone, fit)
    ]
    assert widths[1] > 1.8 * widths[0]


@pytest.mark.parametrize(
    ("formula", "change", "words"),
    [
        ("y ~ a", {"a": 1.0}, "the predictor 'a' is constant over the 80 rows"),
        ("y ~ a", {"y": 1.0}, "the outcome 'y' is constant"),
        ("y ~ a", {"a": lambda d: 3 - 2 * d["y"]}, "'a' is the outcome 'y' but for its scale"),
        ("y ~ a + b + c", {"c": lambda d: d["a"] + d["b"]}, r"\['c'\] are exact combinations"),
        ("y ~ a + nothere", {}, "'nothere', which is no column"),
        ("y ~ log(a)", {}, r"calls log\(...\); compute that column first"),
        ("y ~ __import__('os')", {}, "calls __import__"),
        ("y ~ a; b", {}, "holds ';'"),
        ("y a", {}, "one tilde"),
        ("a + b ~ c", {}, "one column left of the tilde"),
        ("y ~ a", {"y": "text"}, "the outcome 'y' holds text"),
        ("y ~ Intercept", {"Intercept": 1.0}, "cannot be told from the constant"),
        ("y ~ a +", {}, "cannot be read"),
        ("y ~ a", {"a": np.nan}, "no row is complete"),
    ],
)
def test_bad_regressions_are_refused_by_name(formula, change, words):
    with pytest.raises(ModelError, match=words):
        sl.regress(formula, data().assign(**change))


def test_too_few_rows_are_refused():
    with pytest.raises(ModelError, match="4 rows cannot estimate 4 coefficients"):
        sl.regress("y ~ a + b + c", data(4))


def test_weights_need_robust_errors():
    with pytest.raises(ModelError, match="use cov_type='HC3'"):
        sl.regress("y ~ a", data().assign(w=1.0), weights="w", cov_type="classical")


def test_unused_categories_nullable_numbers_and_booleans_are_read_as_they_are():
    frame = data().assign(site=np.resize(["x", "z"], 80))
    plain = sl.regress("y ~ a + site", frame)
    typed = frame.assign(
        a=frame["a"].astype("Float64"), site=pd.Categorical(frame["site"], ["x", "none", "z"])
    )
    with pytest.warns(SparseDataWarning, match=r"nobody is in site\[none\]"):
        fit = sl.regress("y ~ a + site", typed)
    np.testing.assert_allclose(fit.coefficients, plain.coefficients)
    yes = sl.regress("y ~ a + site", frame.assign(site=(frame["site"] == "z").astype("boolean")))
    assert yes.coefficients["estimate"].tolist() == plain.coefficients["estimate"].tolist()


def test_infinite_values_are_refused():
    with pytest.raises(ModelError, match="column 'a' holds infinite values; set them to missing"):
        sl.regress("y ~ a", data().assign(a=lambda d: d["a"].replace(d["a"].max(), np.inf)))
