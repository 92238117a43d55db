"""Weighted SERVQUAL: equal, respondents' own, published and given weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT


def test_equal_weights_give_the_mean_of_the_dimensions():
    survey = tiny_survey(missing=0.05)
    score = sl.servqual_score(survey)
    gaps = sl.gap_scores(survey)
    assert score.estimate == pytest.approx(
        gaps.by_overall.loc["overall_dimensions", "estimate"], abs=EXACT
    )


@settings(max_examples=20, deadline=None)
@given(a=st.floats(0, 100), b=st.floats(0.01, 100))
def test_given_weights_work_in_any_unit(a, b):
    survey = tiny_survey()
    gaps = sl.gap_scores(survey).by_dimension["estimate"]
    score = sl.servqual_score(survey, weights={"a": a, "b": b})
    expected = (a * gaps["a"] + b * gaps["b"]) / (a + b)
    assert score.estimate == pytest.approx(expected, abs=CLOSED_FORM)
    assert score.by_dimension["weight"].sum() == pytest.approx(1, abs=EXACT)
    assert score.by_dimension["weighted"].sum() == pytest.approx(score.estimate, abs=CLOSED_FORM)


def test_respondents_points_weight_each_respondents_own_gaps():
    survey = tiny_survey(points=True)
    score = sl.servqual_score(survey, weights="respondent")
    gaps = sl.gap_scores(survey).scores
    by_hand = (survey.importance_points / 100 * gaps).sum(axis=1)
    np.testing.assert_allclose(score.scores, by_hand, atol=CLOSED_FORM)


def test_reference_weights_come_from_the_instrument():
    score = sl.servqual_score(tiny_survey(), weights="reference")
    np.testing.assert_allclose(score.by_dimension["weight"], [1 / 3, 2 / 3], atol=EXACT)


def test_published_servqual_weights_are_importance_of_1988():
    weights = sl.load_instrument("servqual-1988").reference_weights
    assert weights == {
        "reliability": 32,
        "responsiveness": 22,
        "assurance": 19,
        "empathy": 16,
        "tangibles": 11,
    }


def test_importance_marks_weight_dimensions_in_proportion():
    survey = tiny_survey(batteries=("importance", "perception"))
    score = sl.servqual_score(survey, weights="respondent", score="perception")
    marks = survey.items("importance")
    a, b = marks[["a1", "a2"]].mean(axis=1), marks[["b1", "b2", "b3"]].mean(axis=1)
    p = sl.dimension_scores(survey, "perception").scores
    np.testing.assert_allclose(score.scores, (a * p["a"] + b * p["b"]) / (a + b), atol=EXACT)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"a": 1}, "weights must name each dimension"),
        ({"a": 1, "b": 1, "c": 1}, "weights must name each dimension"),
        ({"a": -1, "b": 1}, "at least 0"),
        ({"a": 0, "b": 0}, "not all 0"),
        ("mine", "weights must be one of"),
        ("respondent", "neither an importance battery nor importance_points"),
    ],
)
def test_unusable_weights_are_named(weights, words):
    with pytest.raises(ModelError, match=words):
        sl.servqual_score(tiny_survey(), weights=weights)
