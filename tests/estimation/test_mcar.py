"""Little's test over lavaan's moments, and naniar's printed value for airquality."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.estimation.mcar import mcar_test
from tests.tolerances import ITERATIVE


def test_little_is_rs(golden, golden_data, agree):
    expected = golden("mcar")["result"]
    hs = golden_data("hs1939_missing.csv")[[f"x{i}" for i in range(1, 10)]]
    for items, case in (
        (pd.DataFrame(expected["airquality"]["data"]).astype(float), expected["airquality"]),
        (hs, expected["hs"]),
    ):
        test = mcar_test(items)
        agree(
            "mcar", "Little's chi-square", test.statistic, case["statistic"], ITERATIVE,
            relative=True,
        )  # fmt: skip
        assert (test.df, test.n_patterns) == (case["df"], case["patterns"])
        assert test.p_value == pytest.approx(case["p"], rel=1e-4)  # of a statistic to 1e-5


def test_airquality_is_as_naniar_prints_it(golden):
    data = golden("mcar")["result"]["airquality"]["data"]
    test = mcar_test(pd.DataFrame(data).astype(float))
    assert (round(test.statistic, 1), test.df, round(test.p_value, 5)) == (35.1, 14, 0.00142)
    text = " ".join(sl.narrate(test).paragraphs)
    assert "not missing completely at random" in text


def test_moving_an_item_changes_nothing_and_empty_rows_are_counted():
    rng = np.random.default_rng(2)
    items = pd.DataFrame(rng.normal(size=(80, 3)) + rng.normal(size=(80, 1)), columns=list("abc"))
    items[rng.random(items.shape) < 0.2] = np.nan
    items.iloc[:2] = np.nan
    one, other = mcar_test(items), mcar_test(items * [1, 10, 3] + [0, 100, -5])
    assert one.statistic == pytest.approx(other.statistic, rel=ITERATIVE)
    empty = int(items.isna().all(axis=1).sum())
    assert one.n_dropped == empty >= 2
    assert one.n == 80 - empty


def test_answers_left_open_by_the_low_are_noticed():
    rng = np.random.default_rng(3)
    a = rng.normal(size=400)
    items = pd.DataFrame({"a": a, "b": a + rng.normal(size=400)})
    at_random = items.assign(b=items["b"].mask(rng.random(400) < 0.3))
    by_the_low = items.assign(b=items["b"].mask(a < -0.5))
    assert mcar_test(at_random).p_value > 0.05
    assert mcar_test(by_the_low).p_value < 1e-6


def test_nothing_missing_is_refused():
    with pytest.raises(ModelError, match="no answer is missing"):
        mcar_test(pd.DataFrame({"a": [1.0, 2, 3], "b": [3.0, 1, 2]}))
    with pytest.raises(ModelError, match="constant"):
        mcar_test(pd.DataFrame({"a": [1.0, 2, np.nan, 3], "b": [3.0, 3, 3, 3]}))
