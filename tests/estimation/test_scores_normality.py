"""Factor scores, loading advice, Mardia, polyserial correlation, bootstrap interval of alpha."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError
from servlab.estimation.efa_scores import efa_scores, loading_advice
from servlab.estimation.moments import moments
from servlab.estimation.normality import mardia
from servlab.estimation.polyserial import polyserial
from tests.estimation.align import aligned
from tests.golden_checks import matrix
from tests.tolerances import CLOSED_FORM, ITERATIVE

METHODS = {"regression": "Thurstone", "bartlett": "Bartlett", "tenberge": "tenBerge"}


@pytest.fixture
def hs(golden_data):
    return golden_data("hs1939.csv").filter(regex=r"^x\d")


@pytest.mark.parametrize("method", METHODS)
def test_score_weights_follow_the_fit(method, hs, golden):
    stored = golden("scores_hs1939")["result"]
    fit = efa_scores(sl.efa(hs, 3), hs, method=method)
    theirs = aligned(fit.weights.to_numpy(), matrix(stored[METHODS[method]]))[0]
    np.testing.assert_allclose(fit.weights, theirs, atol=5 * ITERATIVE)  # psych's early oblimin


def test_scores_have_the_properties_their_methods_promise(hs):
    fit = sl.efa(hs, 3)
    tenberge = efa_scores(fit, hs, method="tenberge").scores
    np.testing.assert_allclose(tenberge.corr(), fit.factor_cor, atol=CLOSED_FORM)
    bartlett = efa_scores(fit, hs, method="bartlett").weights
    np.testing.assert_allclose(bartlett.T @ fit.loadings, np.eye(3), atol=CLOSED_FORM)
    best = efa_scores(fit, hs).determinacy
    assert (best >= efa_scores(fit, hs, method="bartlett").determinacy - CLOSED_FORM).all()
    assert ((best > 0) & (best < 1)).all()


def test_rows_with_missing_answers_have_no_scores(hs):
    fit = sl.efa(hs, 3)
    gappy = hs.copy()
    gappy.loc[5, "x2"] = np.nan
    scores = efa_scores(fit, gappy)
    assert (scores.n, scores.n_dropped) == (300, 1)
    assert scores.scores.loc[5].isna().all()
    check_tidy(scores.tidy().columns)
    with pytest.raises(ModelError, match=r"\['x9'\] are not there"):
        efa_scores(fit, hs.drop(columns="x9"))


def test_loading_advice_names_its_rules(golden_data):
    fit = sl.efa(golden_data("bfi25_cc.csv"), 5)
    advice = loading_advice(fit)
    largest = fit.loadings.abs().max(axis=1)
    weak = advice.index[advice["advice"].map(lambda rules: "weak_loading" in rules)]
    assert set(weak) == set(largest.index[largest < 0.40])
    cross = advice["advice"].map(lambda rules: "cross_loading" in rules)
    assert (advice.loc[cross, "second"] >= 0.32).all()
    assert (loading_advice(sl.efa(golden_data("bfi25_cc.csv"), 1))["second"] == 0).all()


def test_mardia_does_not_change_under_linear_maps(hs):
    turned = hs @ np.random.default_rng(1).normal(size=(9, 9)) + 3
    assert mardia(turned.add_prefix("y")).skewness == pytest.approx(mardia(hs).skewness)
    with pytest.raises(ModelError, match="mardia needs the rows"):
        mardia(moments(hs))
    with pytest.raises(ModelError, match="copies of each other"):
        mardia(hs.assign(x10=hs["x1"]))


def test_polyserial_equals_lavaan(golden, golden_data):
    stored = golden("polyserial_hs")["result"]
    data = golden_data("hs1939.csv")
    cuts = data["x1"].quantile([0, 0.2, 0.5, 0.8, 1]).to_numpy()
    ordinal = pd.cut(data["x1"], cuts, include_lowest=True, labels=False).astype(float)
    assert ordinal.value_counts().sort_index().tolist() == stored["o1_table"]
    ours = polyserial(data["x4"], ordinal)
    assert ours.estimate == pytest.approx(stored["lavcor"], abs=1e-6)
    # polycor's full likelihood moves the thresholds too, its default is a formula
    assert ours.estimate == pytest.approx(stored["polycor_ML"], abs=0.002)
    with pytest.raises(ModelError, match="constant"):
        polyserial(data["x4"], ordinal * 0)
    with pytest.raises(ModelError, match="same index"):
        polyserial(data["x4"], ordinal.iloc[1:])


def test_bootstrap_interval_of_alpha_is_near_feldts_for_normal_items(hs):
    items = hs[["x4", "x5", "x6"]]
    feldt = sl.cronbach_alpha(items)
    drawn = sl.cronbach_alpha(items, interval="bootstrap", seed=1, n_draws=500)
    again = sl.cronbach_alpha(items, interval="bootstrap", seed=1, n_draws=500)
    assert drawn.estimate == feldt.estimate
    assert drawn.conf_low == pytest.approx(feldt.conf_low, abs=0.03)  # Monte Carlo, other theory
    assert drawn.conf_high == pytest.approx(feldt.conf_high, abs=0.03)
    assert (drawn.conf_low, drawn.conf_high) == (again.conf_low, again.conf_high)
    with pytest.raises(ModelError, match="resamples rows"):
        sl.cronbach_alpha(items, interval="bootstrap")
    with pytest.raises(ModelError, match="resamples rows"):
        sl.cronbach_alpha(moments(items), interval="bootstrap", seed=1)
