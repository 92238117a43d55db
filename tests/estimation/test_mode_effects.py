"""The mode of collection as a covariate: R's regression with HC3 errors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.data.instrument import Item
from servlab.data.schema import Scale
from servlab.data.survey import VariableInfo
from servlab.estimation.mode_effects import mode_effect
from tests.surveys import label, tiny_survey
from tests.tolerances import CLOSED_FORM


def survey_of_modes(modes, *, per_dimension=(2, 3), **covariates):
    survey = tiny_survey(n=len(modes), per_dimension=per_dimension)
    columns = pd.DataFrame({"mode": modes, **covariates}, index=survey.index)
    info = {"mode": VariableInfo(label("Mode"), role="mode")}
    info |= {name: VariableInfo(label(name), role="segment") for name in covariates}
    return replace(survey, covariates=columns, variables=dict(survey.variables) | info)


def test_adjusted_differences_and_hc3_errors_are_rs(golden, golden_data):
    expected = golden("mode_bfi")["result"]
    bfi = golden_data("bfi25_full.csv").iloc[:300, :25].astype(float).dropna()
    items = bfi.iloc[:, :5].reset_index(drop=True)
    place = np.arange(1, len(items) + 1)
    base = survey_of_modes(
        np.array(["online", "mail", "telephone", "online"])[place % 4],
        sex=np.array(["f", "m", "m"])[place % 3],
        per_dimension=(5,),
    )
    codes = tuple(Item(code=c, dimension="a", label=label(c)) for c in items.columns)
    survey = replace(
        base,
        instrument=base.instrument.model_copy(update={"items": codes}),
        answers={"perception": items},
        scales={"perception": Scale(low=1, high=6)},
    )
    result = mode_effect(survey)
    assert (result.reference, result.adjusted_for) == ("online", ("sex",))
    rows = result.by_term[result.by_term["term"] == "a"]
    assert rows["group"].tolist() == ["mail", "telephone"]
    np.testing.assert_allclose(rows["estimate"], expected["estimate"], atol=CLOSED_FORM)
    np.testing.assert_allclose(rows["std_error"], expected["se"], atol=CLOSED_FORM)
    np.testing.assert_allclose(rows["unadjusted"], expected["plain"], atol=CLOSED_FORM)


def test_adjusting_for_nothing_is_the_difference_of_means():
    survey = survey_of_modes(["mail", "online"] * 30)
    rows = mode_effect(survey, score="perception").by_term
    scores = sl.dimension_scores(survey, "perception").scores["a"]
    means = scores.groupby(survey.covariates["mode"]).mean()
    assert rows["estimate"].iloc[0] == pytest.approx(means["online"] - means["mail"], abs=1e-12)
    pd.testing.assert_series_equal(rows["estimate"], rows["unadjusted"], check_names=False)


def test_an_effect_of_the_sample_goes_away_when_it_is_adjusted_for():
    rng = np.random.default_rng(5)
    n = 400
    old = rng.random(n) < 0.5
    mode = np.where(rng.random(n) < np.where(old, 0.85, 0.15), "mail", "online")
    survey = survey_of_modes(mode, age=np.where(old, "old", "young"))
    items = survey.raw("perception") * 0 + (4 + old)[:, None]
    items += rng.integers(-1, 2, size=items.shape)
    survey = replace(survey, answers={**survey.answers, "perception": items})
    row = mode_effect(survey, score="perception").by_term.iloc[-1]
    assert abs(row["unadjusted"]) > 0.5
    assert row["conf_low"] < 0 < row["conf_high"]


def test_small_modes_are_left_out_and_said():
    survey = survey_of_modes(["online"] * 40 + ["mail"] * 20 + ["phone"] * 3 + ["visit"] * 4)
    result = mode_effect(survey)
    assert result.suppressed == ("phone", "visit")
    assert set(result.by_term["group"]) == {"mail"}
    assert "phone and visit" in " ".join(sl.narrate(result).paragraphs)
    assert result.n + result.n_dropped == survey.n


@pytest.mark.parametrize(
    ("survey", "options", "message"),
    [
        (tiny_survey(n=30), {}, "no covariate of the survey has the role 'mode'"),
        (tiny_survey(n=30), {"mode": "way"}, "no covariate 'way'; it has branch"),
        (survey_of_modes(["a"] * 30), {}, "fewer than two modes"),
        (survey_of_modes(["a", "b"] * 15), {"adjust": ["mode"]}, "covariates other than the mode"),
        (
            survey_of_modes(["a", "b"] * 15, town=["x", "y"] * 15),
            {"adjust": ["town"]},
            "exact combinations",
        ),
    ],
)  # fmt: skip
def test_modes_that_cannot_be_compared_are_refused(survey, options, message):
    with pytest.raises(ModelError, match=message):
        mode_effect(survey, **options)


def test_a_covariate_that_is_the_mode_is_left_out_and_said():
    survey = survey_of_modes(["a", "b"] * 30, town=["x", "y"] * 30, age=["o", "o", "p"] * 20)
    result = mode_effect(survey)
    assert (result.adjusted_for, result.confounded) == (("age",), ("town",))
    assert "tells the modes apart exactly: town" in " ".join(sl.narrate(result).paragraphs)


def test_real_boarding_areas_stand_in_for_modes(shared_data):
    from servlab.data.readers import read_survey
    from tests.data_layer.test_real_data import BOOKS

    survey = read_survey(shared_data / "sfo" / "2016.csv", BOOKS / "sfo2016.toml")
    result = mode_effect(survey, mode="area", adjust=())
    assert result.reference == "A"
    assert len(result.by_term) == 6
    assert result.n == 446
