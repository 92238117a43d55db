"""Tables hold the results' own numbers, and say what they rest on."""

import re
from dataclasses import replace

import numpy as np
import pytest

from servlab.core.errors import ModelError
from servlab.presentation.formats import format_number, format_share
from servlab.presentation.result_tables import table
from tests.presentation.results import results, survey, zones
from tests.presentation.test_narrative import OWN, foreign
from tests.surveys import tiny_survey

NAMES = sorted(results())


def words(shown) -> str:
    """Return every word of ours in a table."""
    return " ".join([shown.caption, shown.row_header, *shown.headings.values(), *shown.notes])


@pytest.mark.parametrize("name", NAMES)
def test_every_result_has_a_table_in_both_languages_with_the_same_numbers(name):
    english, chinese = (table(results()[name], language=lang) for lang in ("en", "zh"))
    assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", words(english))
    assert not foreign(words(chinese), OWN)
    assert len(english.notes) == len(chinese.notes)
    numeric = [c for c in english.headings if english.formats[c] != "text"]
    assert english.frame[numeric].astype(str).to_numpy().tolist() == (
        chinese.frame[numeric].astype(str).to_numpy().tolist()
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_table_says_its_n(name):
    notes = " ".join(table(results()[name]).notes)
    assert re.search(r"\bn = \d|n counts|\d+ respondents|sum to 1", notes)


def test_an_unknown_value_has_no_table():
    with pytest.raises(ModelError, match="no table for a str"):
        table("gaps")


def test_a_gap_table_holds_the_means_of_the_result_and_marks_shortfalls():
    gaps = results()["gaps"]
    shown = table(gaps)
    np.testing.assert_array_equal(shown.frame["estimate"].iloc[:3], gaps.by_dimension["estimate"])
    assert shown.row_labels() == [
        "A", "B", "C", "Overall (mean of the items)", "Overall (mean of the dimensions)",
    ]  # fmt: skip
    assert shown.strong_rows == (3, 4)
    short = [high < 0 for high in shown.frame["conf_high"]]
    assert [mark == "bad" for mark in shown.marks["estimate"]] == short


def test_item_tables_keep_the_code_before_the_label():
    gaps = table(results()["gaps"], level="item")
    assert gaps.row_labels()[0] == "a1 item a1"
    assert len(gaps.frame) == 11


def test_a_level_that_does_not_exist_is_refused():
    with pytest.raises(ModelError, match="level"):
        table(results()["gaps"], level="battery")


def test_without_dimensions_items_are_shown_as_in_the_charts():
    gaps = results()["gaps"]
    bare = table(replace(gaps, by_dimension=gaps.by_dimension.iloc[:0]))
    assert bare.row_labels() == table(gaps, level="item").row_labels()
    assert bare.caption == table(gaps, level="item").caption


def test_weighted_surveys_say_so():
    from servlab.scales.gaps import gap_scores

    weighted = gap_scores(tiny_survey(weights=np.linspace(1, 2, 60)))
    assert any("probability weights" in note for note in table(weighted).notes)
    assert not any("probability weights" in note for note in table(results()["gaps"]).notes)


def test_published_weights_are_called_importance():
    notes = " ".join(table(results()["reference"]).notes)
    assert "importance, not dissatisfaction" in notes
    assert "dissatisfaction" not in " ".join(table(results()["respondent"]).notes)


def test_suppressed_groups_have_no_number_in_the_table():
    hidden = results()["hidden"]
    shown = table(hidden)
    for label, cells in zip(shown.row_labels(), shown.cells(), strict=True):
        if label in hidden.suppressed:
            assert set(cells) == {"–", "[–, –]"} or set(cells) == {"–"}
    assert any(f"fewer than {hidden.min_cell}" in note for note in shown.notes)


def test_group_tables_can_show_the_overall_score_alone():
    groups = results()["groups"]
    assert len(table(groups, terms="overall").frame) == 3
    assert len(table(groups).frame) == 12
    assert "Welch's F" in table(groups).row_groups[0]


def test_standards_stand_with_their_source():
    assert any("Nunnally, 1978" in note for note in table(results()["alpha"]).notes)
    assert any("Kaiser, 1974" in note for note in table(results()["kmo"]).notes)
    assert any("Menard, 1995" in note for note in table(results()["regression"]).notes)


def test_collinearity_stands_under_the_regression():
    notes = " ".join(table(results()["collinear"]).notes)
    assert "cannot be told apart" in notes


def test_a_heywood_case_stands_under_the_loadings():
    shown = table(replace(results()["efa"], heywood=("a1",)))
    assert "Heywood" in shown.notes[0]
    assert shown.marks["uniqueness"][0] == "bad"


def test_importance_of_points_is_shown_in_shares_and_sorted():
    stated = results()["stated"]
    shown = table(stated)
    best = stated.table["importance"].max()
    assert shown.cells()[0][0] == format_share(best, 1)
    assert shown.frame["importance"].is_monotonic_decreasing


def test_zone_shares_sum_to_one_in_the_table():
    from servlab.scales.tolerance import zone_of_tolerance

    shown = table(zone_of_tolerance(zones()))
    shares = ["share_inside", "share_below", "share_above", "share_inverted"]
    np.testing.assert_allclose(shown.frame[shares].sum(axis=1), 1, atol=1e-12)


def test_labels_of_the_survey_name_predictors_and_outcome():
    shown = table(results()["regression"], survey=survey())
    assert shown.caption == "Regression of Satisfaction"
    assert shown.row_labels() == ["Intercept", "A", "B", "C"]
    slope = results()["regression"].coefficients.loc["a", "estimate"]
    assert shown.cells()[1][0] == format_number(slope)
