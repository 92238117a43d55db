"""The sample table counts everybody once, hides small cells, and speaks the codebook's order."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from servlab.core.groups import suppressed_groups
from servlab.data.readers import read_survey
from servlab.data.survey import VariableInfo
from servlab.scales.sample import sample_table
from tests.data_layer.test_real_data import BOOKS, FILES
from tests.surveys import label, tiny_survey
from tests.tolerances import EXACT


def with_covariates(weights=None, variables=None, **columns):
    n = len(next(iter(columns.values())))
    survey = tiny_survey(n=n, weights=weights)
    return replace(
        survey,
        covariates=pd.DataFrame(columns, index=survey.index),
        variables=dict(survey.variables) | (variables or {}),
    )


def test_counts_shares_and_the_missing_by_hand():
    survey = with_covariates(sex=["f"] * 12 + ["m"] * 6 + [None] * 2)
    table = sample_table(survey).by_value
    assert table[["group", "kind", "n"]].to_numpy().tolist() == [
        ["f", "value", 12], ["m", "value", 6], ["", "missing", 2],
    ]  # fmt: skip
    assert table["share"].tolist() == [0.6, 0.3, 0.1]
    np.testing.assert_allclose(table["share_valid"], [2 / 3, 1 / 3, np.nan], atol=EXACT)


def test_weighted_shares_are_sums_of_weights():
    weights = [2.0] * 6 + [1.0] * 6 + [5.0]
    survey = with_covariates(weights, sex=["f"] * 6 + ["m"] * 6 + [None])
    table = sample_table(survey).by_value
    np.testing.assert_allclose(table["share_weighted"].iloc[:2], [2 / 3, 1 / 3], atol=EXACT)
    assert "Weighted per cent" in sl.table(sample_table(survey)).headings.values()
    assert (
        "Weighted per cent"
        not in sl.table(sample_table(survey.without_weights())).headings.values()
    )


def test_a_small_cell_and_the_one_that_reveals_it_are_hidden():
    survey = with_covariates(branch=["a"] * 2 + ["b"] * 8 + ["c"] * 20)
    sample = sample_table(survey)
    assert sample.suppressed == {"branch": ("a", "b")}
    hidden = sample.by_value[sample.by_value["group"].isin(["a", "b"])]
    assert hidden["n"].tolist() == [-1, -1]
    assert hidden[["share", "share_valid", "share_weighted"]].isna().all(axis=None)
    shown = sl.table(sample)
    assert shown.cells()[0] == ["–", "–", "–"]
    assert any("below 5" in note for note in shown.notes)
    assert sample_table(survey, min_cell=1).suppressed == {}
    text = " ".join(sl.narrate(sample).paragraphs)
    assert "c is the largest group (67 %" in text


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=8), cell=st.integers(1, 10))
@settings(max_examples=60)
def test_no_small_count_can_be_told_from_the_others_and_the_total(counts, cell):
    groups = pd.Series(counts, index=[f"g{i}" for i in range(len(counts))])
    hidden = suppressed_groups(groups, cell)
    assert set(groups.index[groups < cell]) <= set(hidden)
    rest = sum(int(groups[g]) for g in hidden)
    if (groups < cell).any() and len(hidden) < len(groups):
        assert len(hidden) > 1
        assert rest > len(hidden)


def test_values_stand_in_the_codebooks_order_then_by_size():
    info = VariableInfo(label("Size"), values={"big": label("Big"), "small": label("Small")})
    survey = with_covariates(
        variables={"size": info}, size=["small", "big"] * 10, age=["10", "9"] * 10
    )
    groups = sample_table(survey).by_value.groupby("term", sort=False)["group"].agg(list)
    assert groups["size"] == ["big", "small"]
    assert groups["age"] == ["9", "10"]
    assert sl.table(sample_table(survey), survey=survey).row_labels()[:2] == ["Big", "Small"]


def test_many_numbers_are_described_and_rare_words_put_together():
    years = [str(20 + i % 30) for i in range(120)]
    words = [f"w{i % 15}" if i < 90 else f"x{i:03}" for i in range(120)]
    info = {"word": VariableInfo(label("Word"), role="branch")}
    sample = sample_table(with_covariates(variables=info, age=years, word=words, note=words))
    age = sample.by_value[sample.by_value["term"] == "age"]
    assert age["kind"].tolist() == ["numeric"]
    assert age["mean"].iloc[0] == pytest.approx(np.mean([float(y) for y in years]), abs=EXACT)
    assert sample.merged == {"word": 26, "note": 45}
    note = sample.by_value[sample.by_value["term"] == "note"]
    assert note[["kind", "n"]].to_numpy().tolist() == [["many", 120]]
    assert "45 different values" in sl.table(sample).row_labels()
    word = sample.by_value[sample.by_value["term"] == "word"]
    assert word["kind"].tolist() == ["value"] * 19 + ["rest"]
    assert sum(n for n in word["n"] if n > 0) < 120  # the rare four that stand alone are hidden
    text = " ".join(sl.narrate(sample).paragraphs)
    assert "age: mean 34.50 (std. dev. 8.69)." in text


def test_a_branch_of_many_numbers_is_still_a_group():
    info = {"branch": VariableInfo(label("Branch"), role="branch")}
    survey = with_covariates(variables=info, branch=[str(i % 14) for i in range(140)])
    assert set(sample_table(survey).by_value["kind"]) == {"value"}


def test_unknown_covariates_and_none_are_refused():
    survey = tiny_survey(n=10)
    with pytest.raises(ModelError, match=r"among the survey's \(branch\); got town"):
        sample_table(survey, ["town"])
    bare = replace(survey, covariates=survey.covariates[[]])
    with pytest.raises(ModelError, match=r"among the survey's \(none\); got none"):
        sample_table(bare)


def test_kiosk_sample_is_the_authors(shared_data):
    survey = read_survey(shared_data / FILES["kiosk"], BOOKS / "kiosk.toml")
    table = sample_table(survey, ["sex"]).by_value
    assert dict(zip(table["group"], table["n"], strict=True)) == {"F": 153, "M": 54}
    assert "women is the largest group (74 %" in " ".join(
        sl.narrate(sample_table(survey, ["sex"]), survey=survey).paragraphs
    )
    zh = " ".join(sl.narrate(sample_table(survey), survey=survey, language="zh").paragraphs)
    assert "年龄组：20대人数最多（占有效作答者的96 %）" in zh


def test_weighted_shares_of_the_airport_differ_from_the_plain_ones(shared_data):
    survey = read_survey(shared_data / "sfo" / "2016.csv", BOOKS / "sfo2016.toml")
    table = sample_table(survey, ["area"]).by_value
    assert table["share_valid"].sum() == pytest.approx(1, abs=EXACT)
    assert table["share_weighted"].sum() == pytest.approx(1, abs=EXACT)
    weights = survey.weights[survey.covariates["area"] == "A"].sum() / survey.weights.sum()
    assert table["share_weighted"].iloc[0] == pytest.approx(weights, abs=EXACT)
