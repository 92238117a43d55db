"""Omegas, categorical omega, splits, lambdas and item analysis: identities and refusals."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from servlab.core.columns import check_tidy
from servlab.core.errors import HeywoodWarning, KeyingWarning, ModelError, NotIdentifiedError
from servlab.estimation.item_analysis import item_analysis
from servlab.estimation.moments import moments
from servlab.estimation.omega import congeneric_omega, mcdonald_omega
from servlab.estimation.ordinal_reliability import categorical_omega, polychoric_alpha
from servlab.estimation.reliability import cronbach_alpha
from servlab.estimation.split_half import (
    _drawn_halves,
    _halves,
    guttman_lambdas,
    mean_split_reliability,
    split_half,
    split_reliability,
)
from tests.tolerances import CLOSED_FORM, EXACT


def test_three_factors_of_five_items_are_refused(golden_data):
    with pytest.raises(ModelError, match="carry at most"):
        mcdonald_omega(golden_data("bfi25_cc.csv").filter(regex="^N"), n_factors=3)
    assert issubclass(NotIdentifiedError, ModelError)


def test_an_unreversed_item_is_flagged_by_omega(golden_data):
    items = golden_data("bfi25_cc.csv").filter(regex="^A")
    with pytest.warns(KeyingWarning, match="A1"):
        omega = mcdonald_omega(items, n_factors=1)
    assert omega.negative_items == ("A1",)
    assert "negative_items" in omega.flags


def test_item_weights_of_one_change_nothing_and_of_zero_take_an_item_out(golden_data):
    items = golden_data("bfi25_keyed_cc.csv").filter(regex="^N")
    ones = pd.Series(2.0, index=items.columns)
    plain = congeneric_omega(items).estimate
    assert congeneric_omega(items, item_weights=ones).estimate == pytest.approx(plain, abs=EXACT)
    alone = congeneric_omega(items, item_weights=ones.where(ones.index == "N1", 0.0))
    assert alone.estimate == pytest.approx(alone.loadings["N1"] ** 2, abs=CLOSED_FORM)
    with pytest.raises(ModelError, match="item_weights must give each of the items"):
        congeneric_omega(items, item_weights=ones.iloc[1:])


def test_omegas_of_unfit_items_are_refused(golden_data):
    items = golden_data("bfi25_keyed_cc.csv").filter(regex="^N")
    with pytest.raises(ModelError, match="at least 3 items; got 2"):
        congeneric_omega(items.iloc[:, :2])
    with pytest.raises(ModelError, match="hold pearson correlations, not polychoric"):
        categorical_omega(moments(items, acov=True))
    with pytest.raises(ModelError, match="hold no acov"):
        categorical_omega(moments(items))
    with pytest.raises(ModelError, match="hold pearson correlations, not polychoric"):
        polychoric_alpha(moments(items))


def test_a_heywood_case_is_flagged_by_congeneric_omega():
    # r_ab r_ac / r_bc = 1.28: more than all of the variance of a
    R = np.array([[1, 0.8, 0.8], [0.8, 1, 0.5], [0.8, 0.5, 1]])
    Z = np.linalg.qr(stats.zscore(np.random.default_rng(3).normal(size=(60, 3))))[0]
    X = pd.DataFrame((Z - Z.mean(axis=0)) @ np.linalg.cholesky(R).T, columns=list("abc"))
    with pytest.warns(HeywoodWarning, match="'a'"):
        omega = congeneric_omega(X)
    assert omega.heywood == ("a",)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 7))
def test_mean_of_all_even_splits_is_alpha(seed, half):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(40, 2 * half)) + rng.normal(size=(40, 1))).add_prefix("x")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KeyingWarning)
        splits = split_half(X)  # Cronbach's theorem
    assert splits.mean == pytest.approx(cronbach_alpha_quiet(X), abs=CLOSED_FORM)
    assert splits.lowest - EXACT <= splits.odd_even <= splits.highest + EXACT


def cronbach_alpha_quiet(X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KeyingWarning)
        return cronbach_alpha(X).estimate


def test_splits_of_many_items_are_drawn_with_a_seed():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(300, 22)) + rng.normal(size=(300, 1))).add_prefix("x")
    with pytest.raises(ModelError, match="at most 18 items and draws some of more; got 22 items"):
        split_half(X)
    splits = split_half(X, seed=1)
    assert splits.drawn
    assert splits.n_splits == 10_000
    assert splits.mean == pytest.approx(cronbach_alpha_quiet(X), abs=CLOSED_FORM)
    assert splits.lowest < splits.mean < splits.highest
    assert len(splits.best) == 11
    again, other = split_half(X, seed=1), split_half(X, seed=2)
    assert (again.lowest, again.best) == (splits.lowest, splits.best)
    assert other.best != splits.best
    assert np.isnan(guttman_lambdas(X).by_term["lambda4"])


@pytest.mark.parametrize("k", [2, 3, 6, 7, 9])
def test_mean_of_all_splits_needs_no_visit(k):
    S = np.cov(np.random.default_rng(k).normal(size=(50, k)) + 1, rowvar=False)
    visited = split_reliability(S, _halves(k)).mean()
    assert mean_split_reliability(S) == pytest.approx(visited, abs=CLOSED_FORM)


def test_drawn_splits_lie_within_all_splits():
    X = pd.DataFrame(np.random.default_rng(3).normal(size=(80, 10)) + 1.0).cov().to_numpy()
    every = split_reliability(X, _halves(10))
    drawn = split_reliability(X, _drawn_halves(10, 20_000, 1))
    assert drawn.min() == pytest.approx(every.min(), abs=CLOSED_FORM)
    assert drawn.max() == pytest.approx(every.max(), abs=CLOSED_FORM)
    assert drawn.mean() == pytest.approx(every.mean(), abs=0.01)  # 20,000 draws


def test_critical_ratio_is_welchs_t_between_upper_and_lower_27_percent(golden_data):
    items = golden_data("bfi25_keyed_cc.csv").filter(regex="^N")
    result = item_analysis(items)
    total = items.sum(axis=1)
    low, high = np.percentile(total, [27, 73])
    t = stats.ttest_ind(items["N1"][total >= high], items["N1"][total <= low], equal_var=False)
    assert result.by_item.loc["N1", "critical_ratio"] == pytest.approx(t.statistic, abs=CLOSED_FORM)
    assert result.by_item.loc["N1", "critical_df"] == pytest.approx(t.df, abs=CLOSED_FORM)
    assert result.by_item["advice"].map(len).sum() == 0
    check_tidy(result.tidy().columns)
    check_tidy(result.glance().columns)


def test_advice_names_its_rules():
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(200, 5)) + 1.5 * rng.normal(size=(200, 1)) * [1, 1, 1, 1, 0])
    result = item_analysis(X.add_prefix("x"))
    assert {"weak_item_rest", "raises_alpha"} <= set(result.by_item.loc["x4", "advice"])
    assert result.by_item.loc["x0", "advice"] == ()


def test_items_whose_sums_hardly_vary_are_refused():
    X = pd.DataFrame({"a": [3] * 50 + [1], "b": [3] * 50 + [2]})
    with pytest.raises(ModelError, match="vary too little to form an upper and a lower group"):
        item_analysis(X)
