"""Results with and without the respondents proposed are those of two studies run apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.data.readers import read_survey
from servlab.data.screening import exclude_screened
from servlab.data.screening_rules import ScreeningCutoffs
from servlab.estimation.reliability import cronbach_alpha
from servlab.estimation.screening_effect import screening_effect
from servlab.scales.gaps import gap_scores
from tests.data_layer.test_real_data import BOOKS, FILES
from tests.surveys import tiny_survey
from tests.tolerances import EXACT

STRICT = ScreeningCutoffs(outlier_p=0.1, long_string=5)


@pytest.fixture(scope="module")
def survey():
    return tiny_survey(n=120, per_dimension=(3, 4), seed=8, missing=0.01)


def test_both_columns_are_the_results_of_the_two_samples(survey):
    effect = screening_effect(survey, ["outlying", "long_string"], cutoffs=STRICT)
    kept = exclude_screened(survey, ["outlying", "long_string"], cutoffs=STRICT)
    rows = effect.by_term.set_index(["quantity", "term"])
    for column, sample in (("with_all", survey), ("without", kept)):
        gaps = gap_scores(sample)
        expected = gaps.by_overall.loc["overall_items", "estimate"]
        assert rows.loc[("gap", "overall_items"), column] == pytest.approx(expected, abs=EXACT)
        expected = gaps.by_dimension.loc["b", "estimate"]
        assert rows.loc[("gap", "b"), column] == pytest.approx(expected, abs=EXACT)
        expected = cronbach_alpha(sample.items("perception")).estimate
        assert rows.loc[("alpha", "perception"), column] == pytest.approx(expected, abs=EXACT)
        scores = sl.dimension_scores(sample, "perception").scores
        fit = sl.regress("satisfaction ~ a + b", scores.join(sample.outcomes))
        value = rows.loc[("r_squared", "satisfaction"), column]
        assert value == pytest.approx(fit.r_squared, abs=EXACT)
    np.testing.assert_allclose(rows["difference"], rows["without"] - rows["with_all"], atol=EXACT)
    assert (effect.n, effect.n_without) == (survey.n, kept.n)
    assert sum(step.n for step in effect.steps) == survey.n - kept.n > 0


def test_results_that_leave_their_interval_are_named(survey):
    answers = {b: survey.raw(b) for b in survey.batteries}
    answers["perception"].iloc[:50] = 1.0
    answers["expectation"].iloc[:50] = 1.0
    effect = screening_effect(replace(survey, answers=answers), ["straight_lined"])
    moved = set(effect.moved[["quantity", "term"]].itertuples(index=False, name=None))
    assert ("perception", "overall_items") in moved
    text = " ".join(sl.narrate(effect).paragraphs)
    assert "Without the 50 respondents" in text
    assert "leave the 95 % interval" in text


def test_a_result_that_is_lost_is_said(survey):
    perception = survey.raw("perception")
    perception.iloc[5:] = np.nan
    seconds = pd.Series([1.0] * 5 + [600.0] * 115, index=survey.index)
    few = replace(survey, answers={**survey.answers, "perception": perception}, duration=seconds)
    effect = screening_effect(few, ["too_fast"])
    lost = effect.by_term["without"].isna() & effect.by_term["with_all"].notna()
    assert lost.any()
    assert "cannot be computed" in " ".join(sl.narrate(effect).paragraphs)


def test_without_proposals_there_is_nothing_to_compare():
    calm = tiny_survey(n=30, per_dimension=(3,), batteries=("perception",))
    with pytest.raises(ModelError, match="nothing to compare: no rule proposes"):
        screening_effect(calm)
    with pytest.raises(ModelError, match="no outcome 'loyalty'; it has satisfaction"):
        screening_effect(calm, ["incomplete"], outcome="loyalty")


@pytest.mark.parametrize("name", ["kiosk", "mobi", "univer"])
def test_real_surveys_have_a_side_by_side(name, shared_data):
    survey = read_survey(shared_data / FILES[name], BOOKS / f"{name}.toml")
    effect = screening_effect(survey)
    assert 0 < effect.n_without < effect.n
    assert effect.by_term["without"].notna().all()
    assert ("r_squared" in set(effect.by_term["quantity"])) == (name != "univer")


def test_the_kiosk_gap_is_the_same_with_and_without(shared_data):
    survey = read_survey(shared_data / FILES["kiosk"], BOOKS / "kiosk.toml")
    row = screening_effect(survey).by_term.iloc[0]
    assert (row["quantity"], row["term"]) == ("gap", "overall_items")
    assert round(row["with_all"], 3) == round(row["without"], 3) == -1.102
