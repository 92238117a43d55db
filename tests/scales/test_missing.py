"""Patterns of missing answers: every respondent in one, counts by item, monotone or not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import servlab as sl
from servlab.core.errors import ModelError
from servlab.data.readers import read_survey
from servlab.scales.missing import missing_patterns
from tests.data_layer.test_real_data import BOOKS, FILES
from tests.presentation.drawn import drawn, marks, texts
from tests.surveys import tiny_survey
from tests.tolerances import EXACT


def with_missing(mask: np.ndarray):
    """One battery of as many items as ``mask`` has columns, open where it is True."""
    n, k = mask.shape
    survey = tiny_survey(n=n, per_dimension=(k,), batteries=("perception",))
    return replace(survey, answers={"perception": survey.raw("perception").mask(mask)})


masks = arrays.arrays(bool, st.tuples(st.integers(2, 12), st.integers(2, 9))).filter(
    lambda mask: not mask.all(axis=0).any()  # an item that nobody answered was not asked
)


@given(mask=masks)
@settings(max_examples=50, deadline=None)
def test_patterns_count_everybody_once_and_reproduce_the_items(mask):
    found = missing_patterns(with_missing(mask))
    assert found.counts.sum() == len(mask)
    assert len(found.patterns.drop_duplicates()) == len(found.patterns)
    by_item = found.patterns.to_numpy().T @ found.counts.to_numpy()
    assert by_item.tolist() == found.by_item["n_missing"].tolist() == mask.sum(axis=0).tolist()
    assert found.counts.is_monotonic_decreasing
    assert found.n_complete == (~mask).all(axis=1).sum()
    assert found.share_missing == pytest.approx(mask.mean(), abs=EXACT)


def test_people_who_stop_give_a_monotone_pattern_and_one_who_skips_ends_it():
    stop = np.array([[i > last for i in range(5)] for last in (4, 4, 3, 2, 0)])
    assert missing_patterns(with_missing(stop)).monotone
    skip = np.vstack([stop, [True, False, False, False, False]])
    assert not missing_patterns(with_missing(skip)).monotone


def test_heavy_from_five_per_cent_of_the_answers_or_ten_of_the_respondents():
    def heavy(cells: int, rows: int) -> bool:
        mask = np.zeros((100, 10), dtype=bool)
        mask.flat[[10 * (i % rows) + i // rows for i in range(cells)]] = True
        return missing_patterns(with_missing(mask)).heavy

    assert not heavy(49, 10)
    assert heavy(50, 10)
    assert not heavy(10, 10)
    assert heavy(11, 11)


def test_what_is_said_follows_what_is_missing():
    none = missing_patterns(with_missing(np.zeros((30, 4), dtype=bool)))
    assert "all 30 respondents answered every item" in sl.narrate(none).paragraphs[0]
    one = np.zeros((30, 4), dtype=bool)
    one[0, 2] = True
    few = sl.narrate(missing_patterns(with_missing(one))).paragraphs
    assert len(few) == 1
    assert "That is little" in few[0]
    half = np.zeros((30, 4), dtype=bool)
    half[:15, 2] = True
    first, second = sl.narrate(missing_patterns(with_missing(half))).paragraphs
    assert "12.5 % of the answers are missing; 15 of 30 respondents (50 %)" in first
    assert "item a3 (item a3) of the perception battery (50.0 %)" in first
    for words in ("missing completely at random", "15 of 30", "missing at random", "Nothing is"):
        assert words in second
    spread = np.zeros((30, 40), dtype=bool)
    spread[np.arange(6), np.arange(6)] = True
    assert (
        "spread over more than 10 %"
        in sl.narrate(missing_patterns(with_missing(spread))).paragraphs[0]
    )
    partial = replace(with_missing(half), min_answered=0.6)
    assert "at least 60 % of the items" in sl.narrate(missing_patterns(partial)).paragraphs[1]


def test_the_picture_has_a_mark_a_cell_and_dark_ones_where_answers_are_open():
    mask = np.zeros((40, 4), dtype=bool)
    mask[:6, 1] = True
    mask[:2, 3] = True
    chart, wide, narrow = drawn(sl.plot_missing, missing_patterns(with_missing(mask)))
    for figure in (wide, narrow):
        drawn_marks = marks(figure)
        assert len(drawn_marks) == 2 * 3  # items with an open answer, patterns
        dark = drawn_marks[1].get_markerfacecolor()
        assert [m.get_markerfacecolor() == dark for m in drawn_marks] == [
            False, True, True, False, False, True,
        ]  # fmt: skip
        assert {"34", "4", "2", "15.0 %", "5.0 %"} <= set(texts(figure))
    assert "a2 item a2 15.0 %" in chart.alt
    with pytest.raises(ModelError, match="no answer is missing"):
        sl.plot_missing(missing_patterns(with_missing(mask & False)))


def test_what_the_picture_leaves_out_is_said(shared_data):
    survey = sl.load_example("abc")
    caption = sl.plot_missing(missing_patterns(survey)).caption
    assert "30 items most often open, of 50" in caption
    assert "12 most frequent patterns" in caption
    kiosk = read_survey(shared_data / FILES["kiosk"], BOOKS / "kiosk.toml")
    assert missing_patterns(kiosk).n_complete == kiosk.n


def test_items_that_nobody_was_asked_are_left_out_and_named():
    mask = np.zeros((30, 4), dtype=bool)
    mask[:, 1] = True
    found = missing_patterns(with_missing(mask))
    assert found.not_asked == ("perception_a2",)
    assert found.by_item["item"].tolist() == ["a1", "a3", "a4"]
    assert found.n_complete == 30
    assert "perception_a2" in sl.narrate(found).paragraphs[0]
