"""Brant's test against its formula in R; what it cannot test."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError, NotIdentifiedError, SparseDataWarning
from tests.estimation.regression.choice_data import FORMULA, ORDER, answers, big_five
from tests.tolerances import CLOSED_FORM


def test_brant_equals_the_papers_formula_over_glm(golden, golden_data, agree):
    name = "brant_bfi"
    reference = golden(name)["result"]
    test = sl.brant_test(sl.ordinal_regress(FORMULA, big_five(golden_data)))
    whole, each = test.table.loc["omnibus"], test.table.loc[ORDER]
    stored = [reference["chi2"], reference["df"], reference["p"]]
    agree(name, "omnibus chi-square, df, p", whole.to_list(), stored, CLOSED_FORM)
    agree(name, "chi-square by slope", each["chi2"], reference["chi2_each"], CLOSED_FORM)
    agree(name, "p by slope", each["p_value"], reference["p_each"], CLOSED_FORM)
    agree(name, "slopes by cut point", test.slopes.loc[ORDER], reference["slopes"], CLOSED_FORM)
    assert (each["df"] == reference["df_each"]).all()
    check_tidy(test.tidy().columns)
    check_tidy(test.glance().columns)


def test_brant_finds_a_slope_that_changes_between_cut_points():
    rng = np.random.default_rng(5)
    x = rng.normal(size=1500)
    low = rng.logistic(size=1500) < 1.5 * x + 1  # x decides the lowest cut and not the next
    y = np.where(~low, 1, np.where(rng.random(1500) < 0.5, 2, 3))
    data = pd.DataFrame({"x": x, "b": rng.normal(size=1500), "y": y})
    test = sl.brant_test(sl.ordinal_regress("y ~ x + b", data)).table
    assert test.loc["x", "p_value"] < 1e-6
    assert test.loc["b", "p_value"] > 0.01


def test_brant_does_not_depend_on_the_units_of_a_predictor():
    data = answers(300)
    plain = sl.brant_test(sl.ordinal_regress("y ~ a + b", data)).table
    moved = data.assign(a=40 * data["a"] - 3)
    np.testing.assert_allclose(
        sl.brant_test(sl.ordinal_regress("y ~ a + b", moved)).table, plain, rtol=1e-6
    )


def test_empty_cells_are_flagged_and_separated_cut_points_named():
    data = answers(200).assign(site=lambda d: d["site"].where(d["y"] != 3, "x"))
    fit = sl.ordinal_regress("y ~ a + site", data)
    with pytest.warns(SparseDataWarning, match="combination of the outcome with 'site'"):
        test = sl.brant_test(fit)
    assert test.empty_cells == ("site",)
    assert test.flags == ("empty_cells",)
    data = answers(200).assign(s=lambda d: ((d["y"].isin([2, 5])) & (d["b"] > 0)) * 1.0)
    fit = sl.ordinal_regress("y ~ a + s", data)
    with pytest.raises(
        NotIdentifiedError, match="separation at the cut point above 1: 's'"
    ) as raised:
        sl.brant_test(fit)
    assert (raised.value.predictors, raised.value.outcome, raised.value.cut) == (("s",), "y", 1.0)


@pytest.mark.parametrize(
    ("options", "change", "words"),
    [
        ({"link": "probit"}, {}, "about proportional odds; fit ordinal_regress"),
        ({"weights": "w"}, {"w": 1.0}, "no form for weights or clusters"),
        ({"cluster": "site"}, {}, "no form for weights or clusters"),
        ({}, {"y": lambda d: (d["y"] > 2) * 1.0}, "one cut point and nothing to test"),
    ],
)
@pytest.mark.filterwarnings("ignore:3 clusters of 'site' are few")
def test_what_brant_cannot_test_is_refused(options, change, words):
    fit = sl.ordinal_regress("y ~ a", answers().assign(**change), **options)
    with pytest.raises(ModelError, match=words):
        sl.brant_test(fit)


def test_brant_needs_an_ordinal_fit():
    with pytest.raises(ModelError, match=r"fit must be the OrdinalResult that ordinal_regress\(\)"):
        sl.brant_test(3)
