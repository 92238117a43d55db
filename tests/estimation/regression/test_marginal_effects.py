"""Average marginal effects against numerical derivatives in R and here."""

import numpy as np
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError
from servlab.estimation.regression.cumulative_link import category_probs
from servlab.estimation.regression.marginal_effects import _contrasts, _effect, _slopes_only
from tests.estimation.regression.choice_data import FORMULA, answers, big_five
from tests.tolerances import CLOSED_FORM

COLUMNS = ["A1", "E1", "C1", "sex"]


def test_marginal_effects_equal_r(golden, golden_data, agree):
    data = big_five(golden_data)
    reference = golden("marginal_ordinal_bfi")["result"]
    table = sl.marginal_effects(sl.ordinal_regress(FORMULA, data)).table
    table = table.set_index("term").loc[COLUMNS]
    name = "marginal_ordinal_bfi"
    agree(name, "average marginal effects", table["estimate"], reference["estimate"], CLOSED_FORM)
    # R's gradient is numerical
    agree(name, "their delta-method errors", table["std_error"], reference["se"], 1e-7)
    reference = golden("logistic_bfi")["result"]
    binary = sl.marginal_effects(sl.logistic_regress(FORMULA.replace("N1", "top"), data)).table
    binary = binary.set_index("term").loc[COLUMNS]
    name = "logistic_bfi"
    agree(name, "average marginal effects", binary["estimate"], reference["ame"], CLOSED_FORM)
    agree(name, "their delta-method errors", binary["std_error"], reference["ame_se"], 1e-7)


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_effects_of_a_contrast_sum_to_zero_and_have_the_analytic_gradient(link):
    data = answers().assign(w=np.resize([1.0, 2.0, 3.0], 160), yes=np.resize([0, 1, 1], 160))
    fit = sl.ordinal_regress("y ~ a*b + a*site + yes", data, link=link, weights="w")
    table = sl.marginal_effects(fit).table
    sums = table.groupby(["term", "contrast"])["estimate"].sum()
    np.testing.assert_allclose(sums, 0, atol=1e-12)
    contrasts = (
        table.drop_duplicates(["term", "contrast"])[["term", "contrast"]].to_numpy().tolist()
    )
    assert contrasts == [
        ["a", "slope"],
        ["b", "slope"],
        ["site", "y - x"],
        ["site", "z - x"],
        ["yes", "1 - 0"],
    ]
    X = _slopes_only(fit.design)
    w = fit.design.weights / fit.design.weights.sum()
    theta = fit.thresholds["estimate"].to_numpy()
    b = fit.coefficients["estimate"].to_numpy()
    at = np.concatenate([theta, b])
    m = len(theta)
    for contrast in _contrasts(fit.design):
        _, gradient = _effect(contrast, theta, b, link, w, X)
        for k in range(len(at)):
            up, down = at.copy(), at.copy()
            up[k] += 1e-5
            down[k] -= 1e-5
            high = _effect(contrast, up[:m], up[m:], link, w, X)[0]
            low = _effect(contrast, down[:m], down[m:], link, w, X)[0]
            np.testing.assert_allclose(gradient[:, k], (high - low) / 2e-5, atol=1e-8)


def test_a_slope_is_the_derivative_of_the_mean_probability():
    data = answers()
    fit = sl.ordinal_regress("y ~ a*b", data)
    theta = fit.thresholds["estimate"].to_numpy()
    b = fit.coefficients["estimate"]

    def mean(h):
        a = data["a"] + h
        eta = a * b["a"] + data["b"] * b["b"] + a * data["b"] * b["a:b"]
        return category_probs(theta, eta.to_numpy(), "logit").mean(axis=0)

    slope = (mean(1e-5) - mean(-1e-5)) / 2e-5
    table = sl.marginal_effects(fit).table
    np.testing.assert_allclose(table.loc[table["term"] == "a", "estimate"], slope, atol=1e-8)


def test_categories_of_any_type_and_any_name_are_moved_level_by_level():
    data = answers(400).rename(columns={"a": "等待 (min)"})
    data["code"] = np.resize([3, 1, 2, 1], 400)
    data["member"] = np.resize([True, False, False], 400)
    data["site"] = data["site"].astype("category")
    data["top"] = data["y"] > 3
    fit = sl.logistic_regress("top ~ `等待 (min)` + C(code) + member + site", data)
    effects = sl.marginal_effects(fit, conf_level=0.9)
    assert effects.table["term"].tolist() == [
        "等待 (min)",
        "code",
        "code",
        "member",
        "site",
        "site",
    ]
    assert effects.table["contrast"].tolist() == [
        "slope", "2 - 1", "3 - 1", "True - False", "y - x", "z - x",
    ]  # fmt: skip
    assert effects.conf_level == 0.9
    assert (effects.table["conf_low"] < effects.table["estimate"]).all()
    check_tidy(effects.tidy().columns)
    check_tidy(effects.glance().columns)


def test_other_results_are_refused():
    with pytest.raises(ModelError, match=r"fit must be what ordinal_regress\(\)"):
        sl.marginal_effects(sl.regress("y ~ a", answers()))
