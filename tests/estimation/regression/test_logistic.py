"""Logistic regression against R's glm, sandwich and svyglm; top boxes; what must be refused."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError, NotIdentifiedError, SmallSampleWarning
from servlab.data.schema import Scale
from servlab.estimation.regression.logistic import hosmer_lemeshow, roc_area
from tests.estimation.regression.choice_data import FORMULA, ORDER, answers, big_five
from tests.tolerances import CLOSED_FORM, EXACT

TOP = FORMULA.replace("N1", "top")
TERMS = ["Intercept", *ORDER]


def test_logistic_regression_equals_glm(golden, golden_data, agree):
    name = "logistic_bfi"
    reference, data = golden(name)["result"], big_five(golden_data)
    fit = sl.logistic_regress(TOP, data)
    table = fit.coefficients.loc[TERMS]
    agree(name, "coefficients", table["estimate"], reference["estimate"], CLOSED_FORM)
    agree(name, "standard errors", table["std_error"], reference["se"], CLOSED_FORM)
    for field, stored in {
        "loglik": "loglik",
        "aic": "aic",
        "bic": "bic",
        "mcfadden": "mcfadden",
        "nagelkerke": "nagelkerke",
        "tjur": "tjur",
        "roc_area": "auc",
        "hosmer_lemeshow": "hosmer",
        "hosmer_p": "hosmer_p",
        "chi2": "lr",
    }.items():
        agree(name, field, getattr(fit, field), reference[stored], CLOSED_FORM)


@pytest.mark.parametrize(
    ("options", "stored", "factor"),
    [
        ({"cov_type": "robust"}, "hc0", np.sqrt(399 / 400)),
        ({"cov_type": "HC3"}, "hc3", 1.0),
        ({"cluster": "branch"}, "cluster", 1.0),
    ],
)
@pytest.mark.filterwarnings("ignore:[0-9]+ clusters of 'branch' are few")
def test_robust_errors_equal_sandwich(golden, golden_data, agree, options, stored, factor):
    fit = sl.logistic_regress(TOP, big_five(golden_data), **options)
    errors = fit.coefficients.loc[TERMS, "std_error"] * factor
    agree(
        "logistic_bfi", f"{stored} errors", errors, golden("logistic_bfi")["result"][stored], 1e-8
    )
    assert fit.test == "wald"


@pytest.mark.filterwarnings("ignore:[0-9]+ clusters of 'branch' are few")
def test_weighted_logistic_regression_equals_svyglm(golden, golden_data, agree):
    name = "logistic_weighted_bfi"
    reference, data = golden(name)["result"], big_five(golden_data)
    fit = sl.logistic_regress(TOP, data, weights="w")
    cluster = sl.logistic_regress(TOP, data, weights="w", cluster="branch")
    table = fit.coefficients.loc[TERMS]
    agree(name, "coefficients", table["estimate"], reference["estimate"], CLOSED_FORM)
    agree(name, "standard errors", table["std_error"], reference["se"], CLOSED_FORM)
    errors = cluster.coefficients.loc[TERMS, "std_error"]
    agree(name, "errors by clusters", errors, reference["cluster"], CLOSED_FORM)
    assert np.isnan(fit.hosmer_lemeshow)


def test_the_estimates_equal_statsmodels():
    import statsmodels.api as sm

    data = answers().assign(top=lambda d: d["y"] > 3)
    fit = sl.logistic_regress("top ~ a + b", data)
    X = sm.add_constant(data[["a", "b"]])
    theirs = sm.GLM(data["top"].astype(float), X, family=sm.families.Binomial()).fit(tol=1e-14)
    np.testing.assert_allclose(fit.coefficients["estimate"], theirs.params, atol=CLOSED_FORM)
    np.testing.assert_allclose(fit.coefficients["std_error"], theirs.bse, atol=CLOSED_FORM)


def test_swapping_the_event_inverts_every_odds_ratio():
    data = answers().assign(top=lambda d: (d["y"] > 3) * 1.0)
    fit = sl.logistic_regress("top ~ a + b", data)
    turned = sl.logistic_regress("top ~ a + b", data.assign(top=1 - data["top"]))
    np.testing.assert_allclose(
        turned.coefficients["odds_ratio"], 1 / fit.coefficients["odds_ratio"], rtol=1e-9
    )
    assert turned.roc_area == pytest.approx(fit.roc_area)
    assert (fit.event, fit.n_events) == (1.0, int(data["top"].sum()))


def test_roc_area_counts_pairs_and_fitted_probabilities_keep_the_mean():
    rng = np.random.default_rng(1)
    k, p = rng.integers(0, 2, 50), rng.integers(1, 9, 50) / 10
    pairs = np.subtract.outer(p[k == 1], p[k == 0])
    by_hand = ((pairs > 0) + (pairs == 0) / 2).mean()
    assert roc_area(k, p, np.ones(50)) == pytest.approx(by_hand, abs=EXACT)
    data = answers().assign(top=lambda d: (d["y"] > 3) * 1.0)
    fit = sl.logistic_regress("top ~ a", data)
    assert fit.fitted.mean() == pytest.approx(data["top"].mean(), abs=CLOSED_FORM)
    assert np.isnan(hosmer_lemeshow(k, np.full(50, 0.5))[0])
    check_tidy(fit.tidy().columns)
    check_tidy(fit.glance().columns)


def test_few_events_are_flagged():
    data = answers().assign(top=lambda d: (d["y"] == 5) & (d.index < 60))
    with pytest.warns(SmallSampleWarning, match="fewer than 10 each"):
        fit = sl.logistic_regress("top ~ a + b", data)
    assert "few_events" in fit.flags


@pytest.mark.parametrize(
    ("formula", "change", "error", "words"),
    [
        ("y ~ a", {}, ModelError, "5 different values; logistic regression needs two"),
        ("top ~ a", {"top": "yes"}, ModelError, "holds text"),
        ("top ~ a", {"top": 1.0}, ModelError, "the outcome 'top' is constant"),
        ("top ~ s", {"s": lambda d: 2.0 - d["top"]}, ModelError, "'s' is the outcome 'top'"),
        (
            "top ~ a + s",
            {"s": lambda d: d["top"] + 0.5 * (d["b"] > 0)},
            NotIdentifiedError,
            "^complete separation: 's' foretells every answer of 'top'",
        ),
        (
            "top ~ a + s",
            {"s": lambda d: np.where((d["top"] == 1) & (d["b"] > 0), "in", "out")},
            NotIdentifiedError,
            r"^quasi-complete separation: 's\[out\]' foretells some",
        ),
    ],
)
def test_bad_logistic_regressions_are_refused_by_name(formula, change, error, words):
    data = answers().assign(top=lambda d: (d["y"] > 3) * 1.0)
    with pytest.raises(error, match=words):
        sl.logistic_regress(formula, data.assign(**change))


def test_top_boxes_of_one_and_of_several_answers():
    items = pd.DataFrame({"p1": [7, 6, 5, np.nan], "p2": [7, 7, 6, 7]})
    scale = Scale(low=1, high=7)
    assert sl.top_box(items["p1"], scale=scale).tolist()[:3] == [1, 0, 0]
    both = sl.top_box(items, n_boxes=2, scale=scale)
    assert both.tolist()[:3] == [1, 1, 0]  # means 7, 6.5, 5.5 against 6
    assert np.isnan(both[3])
    assert both.name == "top_box"
    assert sl.top_box(items["p1"], scale=(1, 7)).name == "p1"


@pytest.mark.parametrize(
    ("answers", "options", "words"),
    [
        ([1, 5], {"scale": None}, r"needs the scale that was asked, as scale=\(1, 5\)"),
        ([1, 5], {"scale": (5, 1)}, "needs the scale"),
        ([1, 9], {"scale": (1, 5)}, "answers from 1 to 9, outside the scale 1 to 5"),
        ([1, 5], {"scale": (1, 5), "n_boxes": 5}, "5 boxes leave nothing below them"),
        ([1, 5], {"scale": (1, 5), "n_boxes": 0}, "n_boxes must be a whole number"),
        ([1, 2], {"scale": (1, 5)}, "no answer is in the top 1"),
        ([5, 5], {"scale": (1, 5)}, "every answer is in the top 1"),
        (["a", "b"], {"scale": (1, 5)}, "holds text"),
        ([], {"scale": (1, 5)}, "at least one row"),
    ],
)
def test_bad_top_boxes_are_refused(answers, options, words):
    with pytest.raises(ModelError, match=words):
        sl.top_box(pd.Series(answers), **options)


def test_top_box_of_kiosks_and_of_an_airport(shared_data):
    kiosk = pd.read_csv(shared_data / "kiosk" / "kiosk_servqual.csv")
    kiosk["top"] = sl.top_box(kiosk[["Y1", "Y2"]], n_boxes=2, scale=(1, 5))
    kiosk["perceived"] = kiosk[[c for c in kiosk if c.startswith("P")]].mean(axis=1)
    fit = sl.logistic_regress("top ~ perceived", kiosk)
    assert fit.n + fit.n_dropped == len(kiosk)
    assert fit.coefficients.loc["perceived", "odds_ratio"] > 1
