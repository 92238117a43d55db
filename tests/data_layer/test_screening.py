"""Screening proposes with reasons; straight expectations alone are no reason."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from servlab.data.careless import even_odd, longest_string, mahalanobis, response_variability
from servlab.data.readers import read_survey, survey_from_frame
from servlab.data.screening import RULES, exclude_screened, screen_responses
from tests.data_layer.test_real_data import BOOKS, FILES
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM

CODEBOOK = """
instrument = "servqual-1991"
[batteries.expectation]
columns = "E{item}"
[batteries.perception]
columns = "P{item}"
"""


@pytest.fixture
def frame() -> pd.DataFrame:
    survey = sl.simulate_survey(sl.load_instrument("servqual-1991"), n=200, seed=11)
    parts = [survey.raw(b).add_prefix(p) for b, p in (("expectation", "E"), ("perception", "P"))]
    return pd.concat(parts, axis=1)


@pytest.fixture
def screened(frame, tmp_path):
    def screen(rest: str = "", **cells):
        (tmp_path / "c.toml").write_text(CODEBOOK + rest, encoding="utf-8")
        return screen_responses(survey_from_frame(frame.assign(**cells), tmp_path / "c.toml"))

    return screen


def test_straight_expectations_alone_are_legitimate(frame, screened):
    frame.loc[3, [c for c in frame if c[0] == "E"]] = 7
    screening = screened()
    assert not screening.flags.iloc[3][["straight_lined", "long_string"]].any()
    assert screening.by_person["longest_string"].iloc[3] >= 22


def test_a_straight_line_over_both_batteries_is_proposed(frame, screened):
    frame.loc[3] = 5
    flags = screened().flags.iloc[3]
    assert flags["straight_lined"]
    assert flags["long_string"]


def test_a_string_that_runs_on_into_the_next_battery_is_proposed_in_shown_order(frame, screened):
    frame.loc[3, [c for c in frame if c[0] == "E"]] = 7
    frame.loc[3, [f"P{i}" for i in range(1, 6)]] = 7
    frame.loc[3, "P6"] = 1
    assert screened().flags["long_string"].iloc[3]
    pairs = ", ".join(f'"E{i}", "P{i}"' for i in range(1, 23))
    shown = screened(f"[respondents]\nshown_order = [{pairs}]\n")
    assert shown.by_person["longest_string"].iloc[3] == 11  # E1 P1 ... E5 P5 E6, then P6 = 1


def test_open_answers_are_counted_by_person_and_item(frame, screened):
    frame.loc[3, list(frame.columns[:23])] = np.nan
    screening = screened()
    assert screening.flags["incomplete"].tolist().index(True) == 3
    assert screening.by_person["missing_share"].iloc[3] == pytest.approx(23 / 44, abs=1e-12)
    assert screening.missing_by_item["perception"].tolist()[:2] == [1, 0]


def test_a_repeated_respondent_is_proposed_once(frame, screened):
    frame.loc[9] = frame.loc[4]
    assert screened().flags["duplicate"].to_numpy().nonzero()[0].tolist() == [9]


def test_too_fast_needs_a_duration(screened):
    assert "too_fast" not in screened().counts
    seconds = [60.0, *[500.0] * 199]
    screening = screened('[respondents]\nduration = "t"\n', t=seconds)
    assert screening.flags["too_fast"].tolist() == [True, *[False] * 199]
    assert screening.by_person["seconds_per_item"].iloc[0] == pytest.approx(60 / 44, abs=1e-12)


def test_a_pattern_far_from_everybody_is_proposed(frame, screened):
    frame.loc[3, frame.columns[::2]] = 1
    frame.loc[3, frame.columns[1::2]] = 7
    assert screened().flags["outlying"].iloc[3]


def test_rules_without_ground_are_left_out_and_refused(book, file, good):
    survey = read_survey(file(good), book())
    assert list(screen_responses(survey).flags) == ["incomplete", "out_of_range"]
    with pytest.raises(ModelError, match=r"'outlying' has no ground .*twice as many complete rows"):
        exclude_screened(survey, ["outlying"])
    with pytest.raises(ModelError, match=r"rules must be among straight_lined, .*; got lazy"):
        exclude_screened(survey, ["lazy"])  # type: ignore[list-item]
    assert exclude_screened(survey, []) is survey


def test_exclusions_count_each_respondent_once(frame, tmp_path):
    frame.loc[3] = 5
    frame.loc[4] = 5
    (tmp_path / "c.toml").write_text(CODEBOOK, encoding="utf-8")
    survey = exclude_screened(
        survey_from_frame(frame, tmp_path / "c.toml"), ["straight_lined", "duplicate"]
    )
    assert [e.n for e in survey.provenance.exclusions] == [2, 0]
    assert survey.n == 198


def test_indices_agree_with_base_r(golden, golden_data, agree):
    items = golden_data("bfi25_full.csv").iloc[:300, :25]
    expected = {k: np.array(v, dtype=float) for k, v in golden("screening_bfi")["result"].items()}
    X = items.to_numpy(dtype=float)
    turned = ["A1", "C4", "C5", "E1", "E2", "O2", "O5"]
    keyed = items.assign(**(7 - items[turned])).to_numpy(dtype=float)
    scales = [slice(first, first + 5) for first in range(0, 25, 5)]
    odd = np.array([np.nanmean(keyed[:, s][:, 0::2], axis=1) for s in scales]).T
    even = np.array([np.nanmean(keyed[:, s][:, 1::2], axis=1) for s in scales]).T
    distance, tail = mahalanobis(X)
    pairs = {
        "longest": ("longest string of equal answers", longest_string(X)),
        "even_odd": ("even-odd consistency", even_odd(odd, even)),
        "distance": ("squared Mahalanobis distance", distance),
        "tail": ("squared Mahalanobis distance, p value", tail),
        "spread": ("standard deviation within a respondent", response_variability(X)),
    }
    for key, (statistic, ours) in pairs.items():
        agree("screening_bfi", statistic, ours, expected[key], CLOSED_FORM)


def test_longest_string_agrees_with_counting_by_hand():
    X = np.array([[1, 1, 2, 2, 2], [1, np.nan, 1, 1, 3], [np.nan] * 5, [4, 4, 4, 4, 4]], float)
    assert longest_string(X).tolist() == [3, 2, 0, 5]


@given(rows=st.lists(st.lists(st.sampled_from([1, 2, np.nan]), min_size=4, max_size=4), min_size=1))
@settings(max_examples=40)
def test_longest_string_equals_the_longest_run(rows):
    def longest(row):
        best = run = 0
        for k, cell in enumerate(row):
            run = 0 if np.isnan(cell) else (run + 1 if k and row[k - 1] == cell else 1)
            best = max(best, run)
        return best

    assert longest_string(np.array(rows, float)).tolist() == [longest(row) for row in rows]


def test_even_odd_is_the_stepped_up_correlation():
    rng = np.random.default_rng(3)
    odd, even = rng.normal(size=(6, 5)), rng.normal(size=(6, 5))
    r = np.array([np.corrcoef(o, e)[0, 1] for o, e in zip(odd, even, strict=True)])
    expected = np.where(r > -1 / 3, 2 * r / (1 + r), -1.0)
    np.testing.assert_allclose(even_odd(odd, even), expected, atol=CLOSED_FORM)
    assert np.isnan(even_odd(np.ones((1, 5)), even[:1]))[0]


def test_mahalanobis_is_the_quadratic_form_and_sums_to_k_times_n_minus_1():
    X = np.random.default_rng(4).normal(size=(30, 4))
    X[5, 2] = np.nan
    distance, _ = mahalanobis(X)
    C = X[~np.isnan(X).any(axis=1)]
    C = C - C.mean(axis=0)
    by_hand = np.einsum("ij,jk,ik->i", C, np.linalg.inv(np.cov(C.T)), C)
    np.testing.assert_allclose(distance[~np.isnan(distance)], by_hand, atol=CLOSED_FORM)
    assert np.nansum(distance) == pytest.approx(4 * 28, abs=CLOSED_FORM)
    assert np.isnan(mahalanobis(np.hstack([X, X]))[0]).all()


def test_few_honest_people_are_proposed_on_real_data(shared_data):
    survey = read_survey(shared_data / FILES["kiosk"], BOOKS / "kiosk.toml")
    counts = screen_responses(survey).counts
    assert set(counts.index) <= set(RULES)
    assert counts["straight_lined"] <= 2
    assert counts["long_string"] <= 0.05 * survey.n
    assert counts["inconsistent"] <= 0.05 * survey.n


def test_cutoffs_move_the_rules_and_stand_in_the_reasons(frame, tmp_path):
    (tmp_path / "c.toml").write_text(CODEBOOK, encoding="utf-8")
    frame.loc[3, list(frame.columns[:10])] = np.nan
    survey = survey_from_frame(frame, tmp_path / "c.toml")
    assert not screen_responses(survey).flags["incomplete"].any()
    strict = sl.ScreeningCutoffs(max_missing=0.2, long_string=4, outlier_p=0.05)
    screening = screen_responses(survey, cutoffs=strict)
    assert screening.flags["incomplete"].sum() == 1
    longest = screening.by_person["longest_string"]
    assert screening.flags["long_string"].equals((longest > 4).rename("long_string"))
    assert "more than 20 % of the items" in screening.reasons["incomplete"].en
    assert "more than 4 items in a row" in screening.reasons["long_string"].en
    assert "p < .05" in screening.reasons["outlying"].zh
    kept = exclude_screened(survey, ["incomplete"], cutoffs=strict)
    assert kept.provenance.exclusions[-1].reason == screening.reasons["incomplete"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_answers", 1), ("max_missing", 1.0), ("long_string", 1), ("min_consistency", 2.0),
        ("outlier_p", 0.0), ("min_seconds", float("nan")),
    ],
)  # fmt: skip
def test_cutoffs_that_cannot_cut_are_refused(name, value):
    with pytest.raises(ModelError, match=rf"cut-offs out of bounds: {name} "):
        sl.ScreeningCutoffs(**{name: value})


def test_answers_and_outcomes_outside_their_scales_are_proposed():
    survey = tiny_survey(n=30, per_dimension=(5, 5))
    perception = survey.raw("perception")
    perception.iloc[4, 2] = 8
    outcomes = survey.outcomes.copy()
    outcomes.iloc[7, 0] = 0
    wrong = replace(survey, answers={**survey.answers, "perception": perception}, outcomes=outcomes)
    screening = screen_responses(wrong)
    assert np.flatnonzero(screening.flags["out_of_range"]).tolist() == [4, 7]
    assert "out_of_range" in screening.proposals().loc[4]
    assert not screen_responses(survey).flags["out_of_range"].any()


def test_short_questionnaires_give_no_ground_for_straight_lines_and_duplicates(shared_data):
    survey = read_survey(shared_data / FILES["univer"], BOOKS / "univer.toml")
    assert list(screen_responses(survey).flags) == ["incomplete", "outlying", "out_of_range"]


def test_proposals_name_every_rule_of_a_person(frame, tmp_path):
    frame.loc[3] = 5
    (tmp_path / "c.toml").write_text(CODEBOOK, encoding="utf-8")
    screening = screen_responses(survey_from_frame(frame, tmp_path / "c.toml"))
    assert set(screening.proposals().iloc[0]) >= {"straight_lined", "long_string"}
    assert len(screening.proposals()) == screening.n_flagged
    assert screening.proposed[0] == "straight_lined"


def test_items_that_nobody_was_asked_count_for_nothing():
    survey = tiny_survey(n=60, per_dimension=(4, 4, 4, 4), seed=3)
    perception = survey.raw("perception")
    unasked = perception.assign(a1=np.nan, **dict.fromkeys(["b1", "b2", "b3", "b4"], np.nan))
    without = replace(survey, answers={**survey.answers, "perception": unasked})
    found, full = screen_responses(without), screen_responses(survey)
    assert not found.flags["incomplete"].any()
    assert found.by_person["n_missing"].sum() == 0
    assert "outlying" in found.flags
    assert found.cutoffs.long_string == full.cutoffs.long_string == 16
    assert found.by_person["even_odd"].isna().all()  # seven dimensions are left
