"""Alpha, KMO and Bartlett against psych; scale reliability by dimension."""

import re

import numpy as np
import pytest

import servlab as sl
from servlab.core.errors import KeyingWarning, ModelError
from servlab.estimation.moments import moments
from servlab.estimation.reliability import alpha_from_cov
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM


def test_an_unreversed_item_is_flagged(golden_data):
    items = golden_data("bfi25_cc.csv")[["A1", "A2", "A3", "A4", "A5"]]
    with pytest.warns(KeyingWarning, match="A1"):
        alpha = sl.cronbach_alpha(items)
    assert alpha.negative_items == ("A1",)


def test_scale_reliability_has_a_row_a_dimension_and_names_what_it_lacks():
    survey = tiny_survey(per_dimension=(1, 3, 4))
    result = sl.scale_reliability(survey, "perception")
    assert result.by_term.index.tolist() == ["b", "c", "overall_items"]
    assert "at least 2 items" in result.left_out["a"]
    alpha = sl.cronbach_alpha(survey.items("perception")[["b1", "b2", "b3"]])
    assert result.by_term.loc["b", "estimate"] == alpha.estimate


def test_alpha_of_unusable_items_is_refused(golden_data):
    items = golden_data("bfi25_cc.csv")[["A1", "A2"]]
    with pytest.raises(ModelError, match="are constant"):
        sl.cronbach_alpha(items.assign(A3=1))
    with pytest.raises(ModelError, match="at least 2 items"):
        sl.cronbach_alpha(items[["A1"]])


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
