"""The hard cases of issue 4: for each statistic, whether it raises or flags, and in which words."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import (
    CollinearityWarning,
    HeywoodWarning,
    InadmissibleWarning,
    KeyingWarning,
    ModelError,
    SparseDataWarning,
)
from servlab.estimation.factor_count import factor_count
from servlab.estimation.item_analysis import item_analysis
from servlab.estimation.moments import moments
from servlab.estimation.normality import mardia
from servlab.estimation.omega import congeneric_omega, mcdonald_omega
from servlab.estimation.ordinal_reliability import categorical_omega, polychoric_alpha
from servlab.estimation.split_half import guttman_lambdas, split_half

STATISTICS = {
    "moments": moments,
    "polychoric": lambda X: moments(X, kind="polychoric"),
    "kmo": sl.kmo,
    "bartlett": sl.bartlett_sphericity,
    "alpha": sl.cronbach_alpha,
    "omega": lambda X: mcdonald_omega(X, n_factors=1),
    "congeneric": congeneric_omega,
    "categorical": categorical_omega,
    "polychoric_alpha": polychoric_alpha,
    "lambdas": guttman_lambdas,
    "splits": split_half,
    "item_analysis": item_analysis,
    "minres": lambda X: sl.efa(X, 1),
    "ml": lambda X: sl.efa(X, 1, extraction="ml"),
    "paf": lambda X: sl.efa(X, 1, extraction="paf"),
    "parallel": lambda X: sl.parallel_analysis(X, seed=1, n_draws=10),
    "map": sl.map_test,
    "factor_count": lambda X: factor_count(X, seed=1, n_draws=10),
    "mardia": mardia,
}
# sums and tables of answers exist for copies of an item; an inverse does not
WITHOUT_INVERSE = {
    "moments", "polychoric", "alpha", "polychoric_alpha", "splits", "item_analysis", "categorical",
}  # fmt: skip


@pytest.fixture
def items():
    rng = np.random.default_rng(11)
    latent = rng.normal(size=(120, 1)) + 0.8 * rng.normal(size=(120, 6))
    return pd.DataFrame(np.digitize(latent, [-1.5, -0.5, 0.5, 1.5]).astype(float)).add_prefix("x")


def run(name, X):
    """Return the statistic, or its error; warnings of ours are heard elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SparseDataWarning)
        warnings.simplefilter("ignore", KeyingWarning)
        warnings.simplefilter("ignore", InadmissibleWarning)
        return STATISTICS[name](X)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_constant_item_is_refused_by_name(name, items):
    with pytest.raises(ModelError, match=re.escape("items ['x2'] are constant over the 120 rows")):
        run(name, items.assign(x2=3.0))


@pytest.mark.parametrize("name", STATISTICS)
def test_answers_that_are_all_missing_are_refused(name, items):
    with pytest.raises(ModelError, match="no row is left after dropping rows with missing values"):
        run(name, items * np.nan)


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - WITHOUT_INVERSE))
def test_a_copied_item_is_refused_by_name(name, items):
    with pytest.raises(ModelError, match="'x1' and 'x6' are copies of each other; leave one"):
        run(name, items.assign(x6=items["x1"]))


@pytest.mark.parametrize("name", sorted(WITHOUT_INVERSE - {"polychoric", "categorical"}))
def test_a_copied_item_leaves_sums_defined(name, items):
    run(name, items.assign(x6=items["x1"]))


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - WITHOUT_INVERSE))
def test_fewer_rows_than_items_are_refused_in_numbers(name, items):
    with pytest.raises(ModelError, match="needs more rows than items; got 5 rows of 6 items"):
        run(name, items.iloc[[0, 7, 21, 33, 54]] + np.arange(30).reshape(5, 6) % 7 * 0.1)


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - WITHOUT_INVERSE))
def test_a_sum_among_the_items_is_refused_by_name(name, items):
    with pytest.raises(ModelError, match=re.escape("['x0', 'x1', 'x6'] depend on each other")):
        run(name, items.assign(x6=items["x0"] + items["x1"]))


@pytest.mark.parametrize("name", ["omega", "minres", "ml", "congeneric", "categorical"])
def test_two_items_carry_no_factor(name, items):
    with pytest.raises(ModelError, match=r"at most 0 factors|at least 3 items"):
        run(name, items[["x0", "x1"]])


@pytest.mark.parametrize("name", ["moments", "kmo", "bartlett", "alpha", "splits", "lambdas"])
def test_two_items_are_enough_for_pairs(name, items):
    run(name, items[["x0", "x1"]])


def test_one_item_is_refused(items):
    for name in STATISTICS:
        with pytest.raises(ModelError, match="at least 2 items are needed; got 1"):
            run(name, items[["x0"]])


def test_an_item_left_unreversed_is_flagged_by_name(items):
    turned = items.assign(x3=4 - items["x3"])
    with pytest.warns(KeyingWarning, match=re.escape("['x3']")):
        assert sl.cronbach_alpha(turned).negative_items == ("x3",)
    with pytest.warns(KeyingWarning, match=re.escape("['x3']")):
        assert mcdonald_omega(turned, n_factors=1).negative_items == ("x3",)
    assert "weak_item_rest" in item_analysis(turned).by_item.loc["x3", "advice"]
    assert sl.efa(turned, 1).loadings.loc["x3", "F1"] < 0


@pytest.mark.parametrize("name", ["kmo", "bartlett", "minres", "ml", "paf", "map", "parallel"])
def test_nearly_copied_items_are_flagged_by_name(name, items):
    rng = np.random.default_rng(1)
    near = items.assign(x6=items["x1"] + 1e-4 * rng.normal(size=len(items)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HeywoodWarning)  # ml explains copies by their own factor
        _is_nearly_copied(name, near)


def _is_nearly_copied(name, near):
    with pytest.warns(CollinearityWarning, match="'x1' and 'x6' are copies of each other, nearly"):
        result = STATISTICS[name](near)
    if name in ("minres", "ml", "paf"):
        assert "near_singular" in result.flags


def test_an_unused_category_changes_nothing_but_the_list_of_categories(items):
    gap = items.replace(3.0, 4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SparseDataWarning)
        found = moments(gap, kind="polychoric")
    assert found.categories[0].tolist() == [0, 1, 2, 4]
    assert len(found.thresholds[0]) == 3


def test_too_many_factors_are_refused_with_the_largest_number(items):
    with pytest.raises(ModelError, match="6 items carry at most 3 factors; got n_factors = 4"):
        sl.efa(items, 4)


@pytest.mark.parametrize("bad", ["text", "infinite", "twice"])
def test_what_is_no_number_is_refused_by_name(bad, items):
    X = {
        "text": items.assign(x1="often"),
        "infinite": items.assign(x1=np.inf),
        "twice": pd.concat([items, items[["x1"]]], axis=1),
    }[bad]
    for name in STATISTICS:
        with pytest.raises(ModelError, match="x1"):
            run(name, X)
