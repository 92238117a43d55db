"""Agreement within branches against R's multilevel, its identities and its refusals."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.estimation.comparison.agreement import rwg
from tests.surveys import branch_survey, simulated_branches, tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT

GOLDEN = "agreement_branches"


@pytest.fixture(scope="module")
def data(golden_data):
    return golden_data("sim_branches.csv")


@pytest.fixture(scope="module")
def found(data):
    return sl.agreement(branch_survey(data), by="branch", min_cell=2)


def by_group(found, term):
    rows = found.by_group[found.by_group["term"] == term]
    return pd.Series(rows["rwg"].to_numpy(), index=rows["group"])


def without_singles(data):
    return branch_survey(data[data["branch"] != "S"].reset_index(drop=True))


@pytest.fixture(scope="module")
def plain(data):
    """The eight branches of R; with the ninth, one more would be left out beside it."""
    return sl.agreement(without_singles(data), by="branch", min_cell=2)


def test_rwg_equals_multilevel(plain, golden, agree, data):
    theirs = golden(GOLDEN)["result"]
    agree(GOLDEN, "rwg of an item", by_group(plain, "a1"), theirs["rwg_a1"], CLOSED_FORM)
    agree(GOLDEN, "rwg(j) of three items", by_group(plain, "a"), theirs["rwgj_a"], CLOSED_FORM)
    agree(GOLDEN, "rwg(j) of two items", by_group(plain, "b"), theirs["rwgj_b"], CLOSED_FORM)
    skewed = sl.agreement(without_singles(data), by="branch", min_cell=2, null="slight_skew")
    agree(
        GOLDEN, "rwg(j), slightly skewed null",
        by_group(skewed, "a"), theirs["rwgj_a_skew"], CLOSED_FORM,
    )  # fmt: skip


@pytest.mark.parametrize(("term", "key"), [("a1", "a1"), ("a", "a"), ("overall_items", "y")])
def test_icc_equals_multilevel(plain, golden, agree, data, term, key):
    theirs = golden(GOLDEN)["result"][key]
    row = plain.by_term.set_index("term").loc[term]
    pairs = {"icc1": "icc1", "icc2": "icc2", "statistic": "F", "df": "df", "p_value": "p"}
    pairs |= {"df_residual": "df_residual", "conf_low": "low", "conf_high": "high"}
    for ours, name in pairs.items():
        agree(GOLDEN, f"{ours} of branches", row[ours], theirs[name], CLOSED_FORM)
    anova = sl.agreement(without_singles(data), by="branch", min_cell=2, group_size="anova")
    icc1 = anova.by_term.set_index("term").loc[term, "icc1"]
    agree(GOLDEN, "icc1, unbiased group size", icc1, theirs["icc1_anova"], CLOSED_FORM)


def test_a_branch_of_one_is_left_out_with_the_next_and_counted(found):
    assert found.suppressed == ("A", "S")
    assert found.n_single == 1
    assert not set(found.by_group["group"]) & {"S", "A"}


def test_rwg_is_one_when_all_agree_and_none_without_agreement():
    values, negative = rwg(np.array([[0.0, 0.0], [4.0, 4.0], [9.0, 1.0]]), 4.0)
    np.testing.assert_allclose(values, [1, 0, 0], atol=EXACT)
    assert negative.tolist() == [False, False, True]


def test_a_negative_icc_stays_negative_and_makes_the_verdict_no():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(1, 8, (60, 5)), columns=["a1", "a2", "a3", "b1", "b2"])
    # every branch holds the same answers, so that branches differ less than chance would have it
    frame = pd.concat([frame.iloc[:20]] * 3, ignore_index=True).assign(
        branch=np.repeat(["x", "y", "z"], 20)
    )
    row = sl.agreement(branch_survey(frame), by="branch").glance().iloc[0]
    assert row["icc1"] < 0
    assert row["usable"] == "no"
    assert "negative_icc1" in row["reasons"]


def test_agreement_does_not_change_when_answers_are_shifted_or_rows_shuffled(data):
    survey = without_singles(data)
    base = sl.agreement(survey, by="branch", min_cell=2).by_term
    shuffled = data[data["branch"] != "S"].sample(frac=1, random_state=1).reset_index(drop=True)
    again = sl.agreement(branch_survey(shuffled), by="branch", min_cell=2).by_term
    pd.testing.assert_frame_equal(base, again, rtol=1e-10)


def test_constant_answers_within_branches_give_no_icc():
    frame = pd.DataFrame({"branch": ["x"] * 6 + ["y"] * 6, "a1": [3.0] * 6 + [5.0] * 6})
    row = sl.agreement(branch_survey(frame, per_dimension=(1,)), by="branch").glance().iloc[0]
    assert np.isnan(row["icc1"])
    assert row["reasons"] == "no_spread"
    assert row["rwg_median"] == 1


def test_weights_are_not_used_and_the_result_says_so():
    survey = tiny_survey(weights=np.linspace(1, 3, 60))
    found = sl.agreement(survey, by="branch")
    assert found.unweighted
    same = sl.agreement(survey.without_weights(), by="branch")
    pd.testing.assert_frame_equal(found.by_term, same.by_term)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "region"}, "the survey has no covariate 'region'; it has branch"),
        ({"battery": "desired"}, "no 'desired' battery"),
        ({"null": "normal"}, "null must be 'uniform', 'slight_skew' or the variance"),
        ({"null": -1.0}, "a number above 0; got -1.0"),
        ({"group_size": "median"}, "group_size must be one of"),
        ({"min_cell": 500}, "fewer than two groups of at least 500"),
        ({"min_cell": 0}, "min_cell must be a whole number"),
        ({"conf_level": 95}, "conf_level must lie between 0 and 1"),
    ],
)
def test_wrong_calls_are_refused(options, message):
    with pytest.raises(ModelError, match=message):
        sl.agreement(tiny_survey(), **({"by": "branch"} | options))


def test_a_skewed_null_needs_a_scale_it_is_tabled_for():
    from dataclasses import replace

    from servlab.data.schema import Scale

    survey = tiny_survey()
    ten = replace(survey, scales={**survey.scales, "perception": Scale(low=1, high=10)})
    with pytest.raises(ModelError, match="tabled for scales of 5 and 7 options; this one has 10"):
        sl.agreement(ten, by="branch", null="slight_skew")


def test_groups_of_one_only_cannot_be_compared():
    survey = simulated_branches([1] * 6)
    with pytest.raises(ModelError, match="fewer than two groups of at least 2"):
        sl.agreement(survey, by="branch", min_cell=1)
