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
from servlab.estimation.efa_scores import efa_scores, loading_advice
from servlab.estimation.factor_count import factor_count
from servlab.estimation.item_analysis import item_analysis
from servlab.estimation.moments import moments, smooth_moments
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
    "smooth": lambda X: smooth_moments(moments(X)),
    "advice": lambda X: loading_advice(sl.efa(X, 1)),
    "scores": lambda X: efa_scores(sl.efa(X, 1), X),
}
# Every function must have a place in every hard case: it raises these words, or its result has
# this flag, or the case does not concern it and it answers.
ANSWERS = "answers"
FACTORS = ("omega", "minres", "ml", "paf", "advice", "scores")
SOLVED = ("kmo", "bartlett", "congeneric", "lambdas", "parallel", "map", "factor_count", "mardia")
INVERSE = FACTORS + SOLVED
ORDINAL = ("polychoric", "categorical", "polychoric_alpha")


def outcomes(special, others=ANSWERS):
    """Return what each function does: ``special`` for those named, ``others`` for the rest."""
    placed = dict.fromkeys(STATISTICS, others)
    for names, outcome in special:
        assert set(names) <= set(STATISTICS)
        placed |= dict.fromkeys(names, outcome)
    return placed


def raises(words):
    return ("raises", words)


def flags(warning, field):
    """Say which warning is given and which field of the result holds the flag."""
    return ("flags", warning, field)


FLAG = flags(CollinearityWarning, "near_singular")
KEYED = flags(KeyingWarning, "negative_items")
IMPOSSIBLE = flags(InadmissibleWarning, "inadmissible")
TWO = "2 items carry at most 0 factors"
LESS = "needs more rows than items; got 5 rows of 6 items"
EXPECTED = {
    "constant": outcomes([], raises("items ['x2'] are constant over the 120 rows")),
    "all_missing": outcomes([], raises("no row is left after dropping rows with missing values")),
    "copy": outcomes([
        (INVERSE, raises("'x1' and 'x6' are copies of each other; leave one")),
        (("polychoric",), flags(InadmissibleWarning, "at_bound")),
        (("categorical", "polychoric_alpha"), IMPOSSIBLE),
    ]),
    "sum": outcomes([
        (INVERSE, raises("['x0', 'x1', 'x6'] depend on each other")),
        (("polychoric",), flags(InadmissibleWarning, None)),
        (("categorical", "polychoric_alpha"), IMPOSSIBLE),
    ]),
    "few_rows": outcomes([
        (INVERSE, raises(LESS)),
        (("categorical",), raises(LESS)),
        (("polychoric",), flags(InadmissibleWarning, "at_bound")),
        (("polychoric_alpha",), IMPOSSIBLE),
    ]),
    "two_items": outcomes([
        (FACTORS, raises(TWO)),
        (("congeneric", "categorical"), raises("one factor needs at least 3 items; got 2")),
    ]),
    "one_item": outcomes([], raises("at least 2 items are needed; got 1")),
    "unreversed": outcomes([
        (("alpha", "omega", "congeneric", "categorical", "polychoric_alpha", "splits", "lambdas"),
         KEYED),
    ]),
    "nearly_copied": outcomes([
        (INVERSE, FLAG),
        (("advice", "scores"), flags(CollinearityWarning, None)),
        (ORDINAL, raises("item 'x6' has 120 different answers")),
    ]),
    "unused_category": outcomes([(("polychoric",), flags(SparseDataWarning, "empty_pairs"))]),
    "eleven_categories": outcomes([(("polychoric",), flags(SparseDataWarning, "empty_pairs"))]),
    "120_categories": outcomes([(ORDINAL, raises("item 'x1' has 120 different answers"))]),
}  # fmt: skip


def case(name, items):
    """Return the items of a hard case."""
    few = items.iloc[[0, 7, 21, 33, 54]] + np.arange(30).reshape(5, 6) % 7 * 0.1
    noise = 1e-4 * np.random.default_rng(1).normal(size=len(items))
    return {
        "constant": lambda: items.assign(x2=3.0),
        "all_missing": lambda: items * np.nan,
        "copy": lambda: items.assign(x6=items["x1"]),
        "sum": lambda: items.assign(x6=items["x0"] + items["x1"]),
        "few_rows": lambda: few,
        "two_items": lambda: items[["x0", "x1"]],
        "one_item": lambda: items[["x0"]],
        "unreversed": lambda: items.assign(x3=4 - items["x3"]),
        "nearly_copied": lambda: items.assign(x6=items["x1"] + noise),
        "unused_category": lambda: items.replace(3.0, 4.0),
        "eleven_categories": lambda: items * 2 + np.arange(120)[:, None] % 3,
        "120_categories": lambda: items.assign(x1=np.arange(120.0)),
    }[name]()


@pytest.fixture
def items():
    rng = np.random.default_rng(11)
    latent = rng.normal(size=(120, 1)) + 0.8 * rng.normal(size=(120, 6))
    return pd.DataFrame(np.digitize(latent, [-1.5, -0.5, 0.5, 1.5]).astype(float)).add_prefix("x")


def flagged(result, field):
    """Return whether the result carries a flag, as a field or among its flags."""
    return bool(getattr(result, field, ())) or field in getattr(result, "flags", ())


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("hard", EXPECTED)
def test_a_hard_case_raises_flags_or_is_answered(hard, name, items):
    outcome = EXPECTED[hard][name]
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        if outcome[0] == "raises":
            with pytest.raises(ModelError, match=re.escape(outcome[1])):
                STATISTICS[name](case(hard, items))
            return
        result = STATISTICS[name](case(hard, items))
    given = {warning.category for warning in heard}
    if outcome == ANSWERS:  # sparse tables and keying are told everywhere they occur
        assert given <= {SparseDataWarning, KeyingWarning}
        return
    _, warning, field = outcome
    assert warning in given
    assert field is None or flagged(result, field)
    for category in given - {warning}:
        assert issubclass(category, SparseDataWarning | HeywoodWarning | InadmissibleWarning
                          | KeyingWarning)  # fmt: skip


def test_flags_name_the_items(items):
    turned = case("unreversed", items)
    for name in ("alpha", "omega", "congeneric", "splits", "lambdas"):
        with pytest.warns(KeyingWarning, match=re.escape("['x3']")):
            assert STATISTICS[name](turned).negative_items == ("x3",)
    assert "weak_item_rest" in item_analysis(turned).by_item.loc["x3", "advice"]
    assert sl.efa(turned, 1).loadings.loc["x3", "F1"] < 0
    with pytest.warns(CollinearityWarning, match="'x1' and 'x6' are copies of each other, nearly"):
        assert sl.efa(case("nearly_copied", items), 1).flags == ("near_singular",)


def test_an_unused_category_changes_nothing_but_the_list_of_categories(items):
    gap = items.replace(3.0, 4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SparseDataWarning)
        found = moments(gap, kind="polychoric")
    assert found.categories[0].tolist() == [0, 1, 2, 4]
    assert len(found.thresholds[0]) == 3


def test_too_many_factors_are_refused_with_the_largest_number(items):
    words = "6 items carry at most 3 factors; got n_factors = 4"
    for extraction in ("minres", "ml", "paf"):
        with pytest.raises(ModelError, match=words):
            sl.efa(items, 4, extraction=extraction)
    with pytest.raises(ModelError, match=words):
        mcdonald_omega(items, n_factors=4)


@pytest.mark.parametrize("bad", ["text", "infinite", "twice"])
def test_what_is_no_number_is_refused_by_name(bad, items):
    X = {
        "text": items.assign(x1="often"),
        "infinite": items.assign(x1=np.inf),
        "twice": pd.concat([items, items[["x1"]]], axis=1),
    }[bad]
    for name in STATISTICS:
        with pytest.raises(ModelError, match="x1"):
            STATISTICS[name](X)
