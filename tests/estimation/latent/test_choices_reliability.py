"""Models chosen from what a survey holds, and omega of the fitted model."""

import numpy as np
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError
from tests.surveys import tiny_survey
from tests.tolerances import ITERATIVE

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"


def test_omega_is_that_of_semtools(golden, golden_data):
    found = sl.factor_reliability(sl.cfa(HS, golden_data("hs1939.csv"))).tidy()
    check_tidy(found)
    stored = golden("semtools_reliability_hs1939")["result"]
    for column, name in (
        ("reliability", "omega_modelvar"),
        ("reliability_observed", "omega_obsvar"),
    ):
        omegas = dict(zip(found["factor"], found[column], strict=True))
        expected = stored[name]
        # semTools' observed variance has n - 1, lavaan's sample n: 1 / 301 of the number
        close = ITERATIVE if column == "reliability" else 4e-3
        assert omegas == pytest.approx(expected, rel=close)


def test_a_model_of_factors_only_has_no_sum_of_items(golden_data):
    data = golden_data("hs1939.csv")
    with pytest.raises(ModelError, match="no factor that items measure"):
        sl.factor_reliability(sl.sem("x1 ~ x2 + x3", data))


def test_a_survey_proposes_its_own_model_and_both_batteries():
    survey = tiny_survey(n=200)
    chosen = sl.model_choices(survey)
    assert chosen.model == "a =~ a1 + a2\nb =~ b1 + b2 + b3"
    assert chosen.batteries == ("expectation", "perception")
    assert chosen.group == "branch"
    assert set(chosen.group_data["branch"]) == {"north", "south", "west"}
    assert sl.model_choices(survey, group="none").group == ""


def test_small_groups_are_left_out_by_name():
    chosen = sl.model_choices(tiny_survey(n=120))
    assert chosen.group == ""
    assert set(chosen.left_out) == {"north", "south", "west"}


def test_many_missing_answers_ask_for_full_information():
    assert sl.model_choices(tiny_survey(n=200, missing=0.05)).missing == "fiml"
    assert sl.model_choices(tiny_survey(n=200, missing=0.05), missing="listwise").missing == (
        "listwise"
    )
    assert sl.model_choices(tiny_survey(n=200, missing=0.001)).missing == "listwise"


def test_constraints_leave_the_ladder_of_batteries_out():
    chosen = sl.model_choices(tiny_survey(n=200), model="a =~ a1 + l*a2 + l*b1")
    assert chosen.batteries == ()
    assert chosen.group == ""


def test_items_come_from_the_battery_asked_for():
    survey = tiny_survey(n=60)
    data = sl.model_choices(survey, battery="expectation").data
    assert np.array_equal(data["a1"], survey.items("expectation")["a1"])


def test_quality_explains_the_first_outcome_and_both_the_second():
    survey = tiny_survey(n=200, per_dimension=(2, 2, 2))
    one = sl.structural_choices(survey).model.splitlines()
    assert one[-2:] == ["service_quality =~ a + b + c", "satisfaction ~ a*service_quality"]
    each = sl.structural_choices(survey, structure="dimensions").model.splitlines()
    assert each[-1] == "satisfaction ~ a1*a + a2*b + a3*c"
    abc = sl.structural_choices(sl.load_example("abc")).model.splitlines()
    assert abc[-2:] == ["indirect := a*b", "total := c + a*b"]


def test_a_survey_without_outcome_has_no_structure():
    with pytest.raises(ModelError, match="no outcome for service quality to explain"):
        sl.structural_choices(tiny_survey(outcome=False))


def test_a_group_asked_for_is_never_dropped_in_silence():
    survey = tiny_survey(n=200)
    chosen = sl.model_choices(survey, model="a =~ a1 + l*a2 + l*b1", group="branch")
    assert (chosen.group, chosen.unused_group) == ("", "branch")
    assert "branch were not compared" in sl.comparison_notes(chosen)[0].text[0]
    assert sl.model_choices(survey, group="none").unused_group == ""


def test_groups_left_out_come_with_the_size_that_was_needed():
    survey = tiny_survey(n=120)
    chosen = sl.model_choices(survey)
    assert chosen.fewest == 50
    for language in ("en", "zh"):
        (note, *_) = sl.comparison_notes(chosen, language=language)
        assert "50" in note.text[0]
