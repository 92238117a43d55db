"""Simulated surveys recover what was planted, and the example files are what the script draws."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import servlab as sl
from servlab.core.errors import ModelError

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGED = ROOT / "servlab" / "data" / "example_files"


@pytest.fixture(scope="module")
def instrument():
    return sl.load_instrument("servqual-1988")


def test_planted_gaps_are_recovered_by_dimension(instrument):
    gaps = {"tangibles": 0.2, "reliability": -1.2, "responsiveness": -0.9, "assurance": -0.5,
            "empathy": -0.7}  # fmt: skip
    survey = sl.simulate_survey(instrument, n=4000, seed=3, gaps=gaps, expectation=5.5)
    difference = survey.items("perception").mean() - survey.items("expectation").mean()
    for dimension, gap in gaps.items():
        found = difference[list(instrument.items_of(dimension))].mean()
        assert found == pytest.approx(gap, abs=0.08)  # four standard errors at n = 4,000


def test_reversed_items_are_stored_as_they_would_be_ticked(instrument):
    survey = sl.simulate_survey(instrument, n=500, seed=5)
    raw, keyed = survey.raw("perception"), survey.items("perception")
    assert np.corrcoef(raw["10"], raw["1"])[0, 1] < -0.1
    np.testing.assert_array_equal(keyed["10"], 8 - raw["10"])
    np.testing.assert_array_equal(keyed["1"], raw["1"])


def test_the_same_seed_gives_the_same_survey_and_another_does_not(instrument):
    one, two, other = (
        sl.simulate_survey(instrument, n=30, seed=seed, missing_share=0.1) for seed in (1, 1, 2)
    )
    assert one.raw("perception").equals(two.raw("perception"))
    assert not one.raw("perception").equals(other.raw("perception"))


def test_answers_are_whole_points_of_the_scale_and_missing_as_asked(instrument):
    values = sl.simulate_survey(instrument, n=500, seed=6, missing_share=0.2).raw("perception")
    stacked = values.to_numpy()
    assert set(np.unique(stacked[~np.isnan(stacked)])) <= set(range(1, 8))
    assert np.isnan(stacked).mean() == pytest.approx(0.2, abs=0.02)  # four standard errors


def test_the_strongest_driver_has_the_strongest_correlation(instrument):
    survey = sl.simulate_survey(
        instrument, n=3000, seed=8, factor_cor=0.0, drivers={"reliability": 1.0, "empathy": 0.3}
    )
    scores = {
        d: survey.items("perception")[list(instrument.items_of(d))].mean(axis=1)
        for d in instrument.dimension_codes
    }
    r = {d: np.corrcoef(s, survey.outcomes["satisfaction"])[0, 1] for d, s in scores.items()}
    assert r["reliability"] > 0.5 > 0.3 > r["empathy"] > 0.1
    assert all(abs(r[d]) < 0.08 for d in ("tangibles", "assurance", "responsiveness"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 1}, r"n must be a whole number of at least 2; got 1"),
        ({"loading": 1.0}, r"loading must lie between 0 and 1; got 1.0"),
        ({"factor_cor": -0.1}, r"factor_cor must be at least 0 and below 1"),
        ({"missing_share": 1.0}, r"missing_share must be at least 0 and below 1"),
        ({"gaps": -9.0}, r"lies outside the scale 1 to 7; choose smaller gaps"),
        ({"gaps": {"tangibles": 1.0}}, r"gaps must name each dimension"),
        ({"drivers": {"price": 1.0}}, r"drivers name no known dimension: \['price'\]"),
        ({"branches": {}}, r"branches must name at least one branch"),
    ],
)
def test_impossible_wishes_are_refused(instrument, options, message):
    with pytest.raises(ModelError, match=message):
        sl.simulate_survey(instrument, **{"n": 10, "seed": 1, **options})


def test_the_example_files_are_what_the_script_draws():
    drawn = runpy.run_path(str(ROOT / "data" / "make_example.py"))["draw"]()
    text = drawn.to_csv(index=False)
    assert (ROOT / "data" / "servqual_simulated.csv").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", ["servqual_simulated.csv", "servqual_simulated.toml"])
def test_the_package_carries_the_same_example(name):
    assert (PACKAGED / name).read_bytes() == (ROOT / "data" / name).read_bytes()
