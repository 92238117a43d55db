import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.core.errors import ModelError
from servlab.presentation.formats import (
    FORMATS,
    format_correlation,
    format_count,
    format_interval,
    format_number,
    format_p,
    format_p_relation,
    format_share,
    format_value,
)


def test_negative_numbers_carry_a_true_minus_sign():
    assert format_number(-1.1021) == "−1.10"
    assert "-" not in format_interval(-1.22, -0.99)


def test_what_rounds_to_zero_has_no_sign():
    assert format_number(-0.001) == format_number(0.001, sign=True) == "0.00"


@pytest.mark.parametrize("missing", [None, math.nan, np.nan, np.float64("nan")])
def test_a_missing_value_is_an_en_dash_in_every_format(missing):
    assert {format_value(missing, name) for name in FORMATS} == {"–"}


def test_infinite_values_are_said_to_be_so():
    assert (format_number(math.inf), format_number(-math.inf)) == ("∞", "−∞")


def test_p_values_keep_their_side_of_the_threshold():
    assert [format_p(p) for p in (0.0, 0.00099, 0.001, 0.05, 0.9999)] == [
        "< .001", "< .001", ".001", ".050", "> .999",
    ]  # fmt: skip
    assert format_p_relation(0.143) == "= .143"


def test_a_correlation_of_one_is_not_written_as_nothing():
    assert format_correlation(0.999) == "1.00"
    assert format_correlation(-0.305, 3) == "−.305"


def test_counts_and_shares_read_as_the_field_writes_them():
    assert (format_count(10_000_000), format_share(0.5386)) == ("10,000,000", "54 %")


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"must be one of 'text', .*got 'percent'"):
        format_value(1.0, "percent")


@settings(max_examples=60)
@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_printed_number_is_within_half_a_unit_of_its_value(value, digits):
    printed = float(format_number(value, digits).replace("−", "-").replace(",", ""))
    assert abs(printed - value) <= 0.5 * 10**-digits + 1e-9 * abs(value)


def test_a_pair_in_a_cell_is_an_interval():
    cell = pd.Series([(0.1, 0.3)]).iloc[0]
    assert format_value(cell, "interval") == "[0.10, 0.30]"
