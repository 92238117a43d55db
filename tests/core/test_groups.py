"""What hiding small groups must not tell: their sizes, or the mean of a few together."""

import pandas as pd
import pytest

from servlab.core.groups import natural_order, suppressed_groups


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({"a": 9, "b": 30}, ()),
        ({"a": 3, "b": 20, "c": 9}, ("a", "c")),
        ({"a": 30, "b": 9, "c": 2}, ("b", "c")),  # one alone is the total less the rest
        ({"a": 1, "b": 2, "c": 9, "d": 30}, ("a", "b", "c")),  # three people are the rest
        ({"a": 2, "b": 3, "c": 9}, ("a", "b")),
        (dict.fromkeys("abcdef", 1) | {"g": 7, "h": 9}, tuple("abcdefg")),  # each is one
        ({"a": 1, "b": 2}, ("a", "b")),
    ],
)
def test_what_is_hidden_is_never_fewer_people_than_min_cell(counts, hidden):
    assert suppressed_groups(pd.Series(counts), 5) == hidden


def test_the_order_of_hidden_groups_says_nothing_of_their_sizes():
    assert suppressed_groups(pd.Series({"10": 2, "9": 8, "8": 40}), 5) == ("9", "10")


def test_groups_named_like_no_number_stand_after_the_numbers():
    assert sorted(["nan", "10", "inf", "9"], key=natural_order) == ["9", "10", "inf", "nan"]
