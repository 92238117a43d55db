"""Raking meets its margins, as R's survey package does, or says why it cannot."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError, NotConvergedError
from servlab.data.readers import read_survey
from servlab.estimation.raking import parse_margins, rake
from tests.data_layer.test_real_data import BOOKS, FILES
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM


@pytest.fixture(scope="module")
def case(golden):
    result = golden("rake")["result"]
    return pd.DataFrame(result["sample"]), result["margins"], result


def test_weights_are_those_of_rs_survey_package(case, agree):
    sample, margins, expected = case
    for base, name in ((None, "equal"), (sample["base"], "base")):
        theirs = np.array(expected[name])
        raked = rake(sample, margins, base_weights=base)
        weights = theirs / theirs.mean()
        agree("rake", "raked weights", raked.weights, weights, CLOSED_FORM, relative=True)
    assert raked.design_effect == pytest.approx(
        1 + np.var(theirs) / theirs.mean() ** 2, abs=CLOSED_FORM
    )
    assert raked.n_effective == pytest.approx(240 / raked.design_effect, abs=1e-10)


@given(
    codes=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=12, max_size=80),
    first=st.lists(st.floats(0.2, 1), min_size=3, max_size=3),
    second=st.lists(st.floats(0.2, 1), min_size=2, max_size=2),
)
@settings(max_examples=40, deadline=None)
def test_margins_hold_whatever_the_sample(codes, first, second):
    cells = [(a, b) for a in range(3) for b in range(2)]  # every cell filled: always reachable
    sample = pd.DataFrame(codes + cells, columns=["a", "b"]).astype(str)
    margins = {
        "a": {str(i): x / sum(first) for i, x in enumerate(first)},
        "b": {str(i): x / sum(second) for i, x in enumerate(second)},
    }
    raked = rake(sample, margins)
    np.testing.assert_allclose(raked.margins["after"], raked.margins["target"], rtol=1e-8)
    assert raked.weights.mean() == pytest.approx(1, abs=1e-12)
    assert raked.design_effect >= 1 - 1e-12
    counts = {n: {k: 5000 * v for k, v in m.items()} for n, m in margins.items()}
    np.testing.assert_allclose(rake(sample, counts).weights, raked.weights, rtol=1e-8)


def test_bounded_weights_keep_both_bounds_and_margins(case):
    sample, margins, _ = case
    free = rake(sample, margins)
    tight = rake(sample, margins, bounds=(0.5, 2.0))
    assert free.weights.max() > 2
    assert tight.weights.between(0.5 - 1e-8, 2 + 1e-8).all()
    np.testing.assert_allclose(tight.margins["after"], tight.margins["target"], rtol=1e-8)
    assert tight.n_trimmed > 0
    assert free.n_trimmed == 0
    with pytest.raises(NotConvergedError, match=r"bounds \(0.95, 1.05\) are too narrow"):
        rake(sample, margins, bounds=(0.95, 1.05))


def test_margins_that_contradict_each_other_do_not_converge():
    sample = pd.DataFrame({"a": ["x"] * 10 + ["y"] * 10, "b": ["u"] * 10 + ["v"] * 10})
    with pytest.raises(NotConvergedError, match="margins contradict each other"):
        rake(sample, {"a": {"x": 0.5, "y": 0.5}, "b": {"u": 0.3, "v": 0.7}})


SAMPLE = pd.DataFrame({"sex": ["f"] * 6 + ["m"] * 4, "age": ["old", "young"] * 5})
SEX = {"sex": {"f": 0.5, "m": 0.5}}


@pytest.mark.parametrize(
    ("sample", "margins", "options", "message"),
    [
        (SAMPLE, {}, {}, "at least one covariate"),
        (SAMPLE, {"town": {"a": 1.0}}, {}, "no covariate 'town'.*there are sex, age"),
        (SAMPLE, {"sex": {"f": 1.0}}, {}, "values without a margin: m; the margin has f"),
        (SAMPLE, {"sex": {"f": 0.4, "m": 0.5, "x": 0.1}}, {}, "no respondent has 'sex' = x"),
        (SAMPLE, {"sex": {"f": 0.4, "m": 0.5}}, {"n": 1}, None),
        (SAMPLE, {"sex": {"f": 1.0, "m": 0.0}}, {}, "over 0; got {'m': 0.0}"),
        (SAMPLE, SEX | {"age": {"old": 300, "young": 400}}, {}, "totals do not agree"),
        (
            SAMPLE, {"sex": {"f": 500, "m": 500}, "age": {"old": 300, "young": 400}}, {},
            "'sex' 1000, 'age' 700",
        ),
        (SAMPLE.assign(sex=[None, *["f"] * 5, *["m"] * 4]), SEX, {}, "missing for 1 respondents"),
        (SAMPLE, SEX, {"bounds": (1.2, 3.0)}, "multiples of the mean weight"),
        (SAMPLE, SEX, {"base_weights": pd.Series([1.0] * 6 + [0.0] * 4)}, "base weight 0"),
        (SAMPLE, SEX, {"base_weights": pd.Series([1.0] * 9)}, "same index"),
    ],
)  # fmt: skip
def test_margins_that_do_not_fit_are_refused(sample, margins, options, message):
    if message is None:  # one margin of counts: its total is its own
        np.testing.assert_allclose(
            rake(sample, margins).margins["after"], [4 / 9, 5 / 9], rtol=1e-9
        )
        return
    with pytest.raises(ModelError, match=message):
        rake(sample, margins, **options)


def test_a_survey_comes_back_weighted_with_a_note():
    survey = tiny_survey(n=60)
    values = sorted(survey.covariates["branch"].unique())
    raked = rake(survey, {"branch": dict.fromkeys(values, 1 / 3)})
    assert raked.survey is not None
    pd.testing.assert_series_equal(raked.survey.weights, raked.weights)
    assert raked.survey.provenance.notes[-1].en == "Weights were raked to the margins of Branch."
    assert survey.weights is None
    scored = sl.dimension_scores(raked.survey, "perception")
    assert scored.weighted
    again = rake(raked.survey, {"branch": dict.fromkeys(values, 1 / 3)})
    np.testing.assert_allclose(again.weights, raked.weights, rtol=1e-9)
    assert again.n_rounds == 1


def test_kiosk_is_weighted_to_even_sexes(shared_data):
    survey = read_survey(shared_data / FILES["kiosk"], BOOKS / "kiosk.toml")
    raked = rake(survey, {"sex": {"F": 0.5, "M": 0.5}})
    assert raked.weights.groupby(survey.covariates["sex"]).sum().tolist() == pytest.approx(
        [103.5, 103.5]
    )
    assert raked.design_effect == pytest.approx(207 / 4 * (1 / 153 + 1 / 54), abs=1e-9)
    text = " ".join(sl.narrate(raked, survey=survey).paragraphs)
    assert "Sex" in text
    assert "effective" in text
    assert replace(survey, weights=raked.weights).n == 207


def test_margins_are_read_from_texts():
    texts = ["sex:F=0.5", " sex : M = 0.5 ", "age:30 = and more=1e0"]
    assert parse_margins(texts) == {"sex": {"F": 0.5, "M": 0.5}, "age": {"30 = and more": 1.0}}
    for text in ("sex F=0.5", "sex:F", "sex:F=half", "sex:F=0.5.1"):
        with pytest.raises(ModelError, match="covariate:value=share"):
            parse_margins([text])
    with pytest.raises(ModelError, match="names 'F' twice"):
        parse_margins(["sex:F=1", "sex:F=2"])


def test_small_counts_are_hidden_and_the_weights_are_not_changed():
    sample = pd.DataFrame({"age": ["a"] * 2 + ["b"] * 6 + ["c"] * 30})
    margins = {"age": {"a": 0.2, "b": 0.3, "c": 0.5}}
    raked = rake(sample, margins)
    assert raked.suppressed == ("age: a", "age: b")
    assert raked.margins["n"].tolist() == [-1, -1, 30]
    assert raked.margins["before"].isna().tolist() == [True, True, False]
    np.testing.assert_allclose(raked.margins["after"], [0.2, 0.3, 0.5], rtol=1e-9)
    assert sl.table(raked).cells()[0][0] == "–"
    assert "below 5" in " ".join(sl.table(raked).notes)
    shown = rake(sample, margins, min_cell=1)
    pd.testing.assert_series_equal(shown.weights, raked.weights)
    assert shown.margins["n"].tolist() == [2, 6, 30]
