"""Alpha with its interval and its items against every stored run of psych::alpha."""

import re

import numpy as np
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.estimation.moments import moments
from servlab.estimation.reliability import alpha_from_cov
from tests.conftest import GOLDEN
from tests.tolerances import CLOSED_FORM

KEYS = {"A": "A1", "C": "C4 C5", "E": "E1 E2", "O": "O2 O5"}
RUNS = [
    (path.stem, scale)
    for path in sorted(GOLDEN.glob("alpha_*.json"))
    for scale in ({"alpha_hs1939": ("visual", "textual", "speed")}.get(path.stem) or "ACENO")
]
HS = {"visual": ["x1", "x2", "x3"], "textual": ["x4", "x5", "x6"], "speed": ["x7", "x8", "x9"]}


def test_every_stored_alpha_is_run():
    assert len(RUNS) == 13


@pytest.mark.parametrize(("name", "scale"), RUNS)
def test_alpha_its_interval_and_its_items_equal_psych(name, scale, golden, golden_data):
    whole = golden(name)
    stored = whole["result"][scale]
    data = golden_data(whole["data_file"].split("/")[-1])
    items = data[HS.get(scale) or [f"{scale}{i}" for i in range(1, 6)]].copy()
    turned = KEYS.get(scale, "").split() if name != "alpha_hs1939" else []
    items[turned] = 7 - items[turned]
    missing = "pairwise" if name == "alpha_bfi_missing" else "listwise"
    ours = sl.cronbach_alpha(moments(items, missing=missing))
    total, feldt = stored["total"], stored["feldt"]
    expected = (feldt["raw_alpha.1"], feldt["raw_alpha"], feldt["raw_alpha.2"])
    assert (ours.estimate, ours.conf_low, ours.conf_high) == pytest.approx(
        expected, abs=CLOSED_FORM
    )
    assert ours.estimate == pytest.approx(total["raw_alpha"], abs=CLOSED_FORM)
    assert ours.standardized == pytest.approx(total["std.alpha"], abs=CLOSED_FORM)
    assert ours.mean_cor == pytest.approx(total["average_r"], abs=CLOSED_FORM)
    dropped = [row["raw_alpha"] for row in stored["alpha_drop"]]
    np.testing.assert_allclose(ours.by_item["alpha_if_dropped"], dropped, atol=CLOSED_FORM)
    if missing == "listwise":  # psych correlates with scores over the answers there are
        rest = [row["r.drop"] for row in stored["item_stats"]]
        np.testing.assert_allclose(ours.by_item["item_rest"], rest, atol=CLOSED_FORM)


def test_weights_enter_alpha_and_its_interval(golden_data):
    items = golden_data("bfi25_cc.csv").filter(regex="^N")
    weights = golden_data("bfi25_cc.csv")["A1"].astype(float)
    ours = sl.cronbach_alpha(items, weights=weights)
    expected = alpha_from_cov(np.cov(items.T, fweights=weights.astype(int)))
    assert ours.estimate == pytest.approx(expected, abs=CLOSED_FORM)
    kish = weights.sum() ** 2 / (weights**2).sum()
    assert ours.n_effective == pytest.approx(kish, abs=CLOSED_FORM * kish)
    plain = sl.cronbach_alpha(items)
    assert ours.conf_high - ours.conf_low > plain.conf_high - plain.conf_low
    with pytest.raises(ModelError, match=re.escape("cannot be applied to Moments")):
        sl.cronbach_alpha(moments(items), weights=weights)
