"""AAPOR's rates: the definitions by hand, their order, and sample files in several codes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from servlab.estimation.response_rates import DISPOSITIONS, response_rates
from tests.tolerances import EXACT

COUNTS = {"I": 400, "P": 50, "R": 200, "NC": 150, "O": 20, "UH": 90, "UO": 40, "NE": 180}
E = 820 / 1000


def test_every_rate_by_hand():
    expected = {
        "RR1": 400 / 950, "RR2": 450 / 950, "RR3": 400 / (820 + E * 130),
        "RR4": 450 / (820 + E * 130), "RR5": 400 / 820, "RR6": 450 / 820,
        "COOP1": 400 / 670, "COOP2": 450 / 670, "COOP3": 400 / 650, "COOP4": 450 / 650,
        "REF1": 200 / 950, "REF2": 200 / (820 + E * 130), "REF3": 200 / 820,
        "CON1": 670 / 950, "CON2": 670 / (820 + E * 130), "CON3": 670 / 820,
    }  # fmt: skip
    result = response_rates(COUNTS)
    assert list(result.rates.index) == list(expected)
    np.testing.assert_allclose(result.rates, list(expected.values()), atol=EXACT)
    assert (result.e, result.e_source, result.n) == (pytest.approx(E), "estimated", 1130)


counts = st.fixed_dictionaries({name: st.integers(0, 300) for name in DISPOSITIONS}).filter(
    lambda c: c["I"] + c["P"] > 0
)


@given(counts=counts, e=st.floats(0, 1))
@settings(max_examples=80)
def test_rates_lie_in_their_order_and_meet_at_the_ends_of_e(counts, e):
    rates = response_rates(counts, e=e).rates
    slack = 1e-12
    for low, middle, high in (("RR1", "RR3", "RR5"), ("RR2", "RR4", "RR6"),
                              ("REF1", "REF2", "REF3"), ("CON1", "CON2", "CON3")):  # fmt: skip
        assert rates[low] <= rates[middle] + slack
        assert rates[middle] <= rates[high] + slack
    assert rates.between(0, 1).all()
    assert response_rates(counts, e=1).rates["RR3"] == pytest.approx(rates["RR1"], abs=EXACT)
    assert response_rates(counts, e=0).rates["RR3"] == pytest.approx(rates["RR5"], abs=EXACT)


def test_a_sample_files_column_gives_the_same_rates_whatever_its_codes():
    letters = pd.Series([name for name, n in COUNTS.items() for _ in range(n)])
    numbers = {"I": 1.1, "P": 1.2, "R": "2.10", "NC": 2.2, "O": 2.3, "UH": 3.1, "UO": 3.9, "NE": 4}
    words = {"I": "完成", "P": "部分", "R": "拒访", "NC": "无人接听", "O": "其他", "UH": "空号?",
             "UO": "未知", "NE": "不合格"}  # fmt: skip
    expected = response_rates(COUNTS)
    for result in (
        response_rates(letters),
        response_rates(letters.map(numbers)),
        response_rates(letters.map(words), codes={v: k for k, v in words.items()}),
        response_rates(letters.value_counts()),
    ):
        pd.testing.assert_series_equal(result.rates, expected.rates)
        assert result.counts.to_dict() == COUNTS


def test_without_unknown_eligibility_e_is_not_needed():
    result = response_rates({"I": 5, "R": 5})
    assert result.e_source == "not_needed"
    assert result.rates["RR1"] == result.rates["RR3"] == result.rates["RR5"] == 0.5
    assert np.isnan(response_rates({"NC": 5}).rates["COOP1"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"I": 5, "X": 1}, "dispositions are I, P, .*; got X"),
        ({"I": -1}, "whole numbers of at least 0; got {'I': -1}"),
        ({"I": 2.5}, "whole numbers"),
        ({"NE": 5}, "no case is eligible"),
        (pd.Series(["I", None]), "1 cases have no disposition"),
        (pd.Series(["I", "moved"]), "'moved' are unknown; say in codes"),
        (pd.Series([1.1, 2.0]), "'2' are unknown"),
    ],
)
def test_what_cannot_be_counted_is_refused(given, message):
    with pytest.raises(ModelError, match=message):
        response_rates(given)


def test_bad_e_and_codes_are_refused():
    with pytest.raises(ModelError, match="e is a share"):
        response_rates(COUNTS, e=1.2)
    with pytest.raises(ModelError, match="codes must lead to"):
        response_rates(pd.Series(["a"]), codes={"a": "complete"})  # type: ignore[dict-item]


def test_what_is_said_names_the_rate_and_e():
    text = " ".join(sl.narrate(response_rates(COUNTS)).paragraphs)
    assert "400 of 1,130 cases" in text
    assert "RR1 is 42.1 %" in text
    assert "e = .82, estimated" in text
    assert "given by the analyst" in " ".join(sl.narrate(response_rates(COUNTS, e=0.5)).paragraphs)
