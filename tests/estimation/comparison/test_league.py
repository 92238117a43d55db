"""The league table against lme4, metafor and R's Tukey test; what it refuses and never leaks."""

import warnings

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from tests.surveys import branch_survey, simulated_branches, tiny_survey
from tests.tolerances import CLOSED_FORM, ITERATIVE

ROWS, AREA = "league_branches", "league_area"


@pytest.fixture(scope="module")
def data(golden_data):
    frame = golden_data("sim_branches.csv")
    return frame[frame["branch"] != "S"].reset_index(drop=True)


@pytest.fixture(scope="module")
def plain(data):
    return sl.league_table(branch_survey(data), by="branch", seed=1, min_cell=2)


@pytest.fixture(scope="module")
def aged(data):
    return sl.league_table(branch_survey(data), by="branch", seed=1, min_cell=2, adjust=["age"])


def in_order(league, column):
    return league.by_group.set_index("group").sort_index()[column]


def of_pairs(league, column, pairs, separator):
    """Return a column by R's names of pairs, whose difference may run the other way."""
    found = {}
    for row in league.pairs.to_dict("records"):
        found[row["group"], row["against"]] = row[column]
        turned = -row[column] if column == "difference" else row[column]
        found[row["against"], row["group"]] = turned
    return [found[tuple(pair.split(separator))] for pair in pairs]


def test_variances_and_shrunken_means_equal_lme4(plain, aged, golden, agree):
    for league, key in ((plain, "plain"), (aged, "aged")):
        theirs = golden(ROWS)["result"][key]
        words = "with a covariate" if key == "aged" else "plain"
        program = "lme4 1.1.31"
        values = {
            "between": (league.between, theirs["between"]),
            "within": (league.within, theirs["within"]),
            "average": (league.average, np.ravel(theirs["beta"])[0]),
            "shrunken means": (in_order(league, "estimate"), theirs["shrunken"]),
        }
        for statistic, (ours, number) in values.items():
            agree(
                ROWS, f"league table, {words}: {statistic}", ours, number, ITERATIVE,
                program=program,
            )  # fmt: skip


def test_pairs_equal_tukeys_test(plain, aged, golden, agree):
    theirs = golden(ROWS)["result"]
    ours = of_pairs(plain, "p_adjusted", theirs["pairs"], "-")
    agree(ROWS, "Tukey-Kramer p of pairs of branches", ours, theirs["p"], CLOSED_FORM, program="R")
    ours = of_pairs(plain, "difference", theirs["pairs"], "-")
    agree(ROWS, "difference of branches", ours, theirs["difference"], CLOSED_FORM, program="R")
    ours = of_pairs(aged, "p_adjusted", theirs["pairs_aged"], " - ")
    options = {"program": "emmeans 1.8.4.1"}
    agree(ROWS, "p of pairs, adjusted means", ours, theirs["p_aged"], CLOSED_FORM, **options)
    ours = in_order(aged, "adjusted")
    agree(ROWS, "adjusted means of branches", ours, theirs["mean_aged"], CLOSED_FORM, **options)


def test_the_half_width_of_pairs_is_tukeys(plain, golden, agree):
    theirs = golden(ROWS)["result"]
    widths = plain.pairs["conf_high"] - plain.pairs["conf_low"]
    wide = plain.pairs.assign(width=widths)
    found = {frozenset((r["group"], r["against"])): r["width"] for r in wide.to_dict("records")}
    ours = [found[frozenset(pair.split("-"))] for pair in theirs["pairs"]]
    number = np.subtract(theirs["high"], theirs["low"])
    # qtukey() stops its search for the quantile at 1e-4 by its own account
    agree(ROWS, "width of Tukey's intervals", ours, number, ITERATIVE, program="R")


def test_weighted_branches_equal_metafor_on_the_designs_means(data, golden, agree):
    theirs = golden(AREA)["result"]
    survey = branch_survey(data, weights=True)
    league = sl.league_table(survey, by="branch", seed=1, min_cell=2)
    assert league.weighted
    program = "metafor 3.8.1"
    for statistic, ours, number in (
        ("weighted means of branches", in_order(league, "mean"), theirs["mean"]),
        ("between branches, area level", league.between, theirs["tau2"]),
        ("average, area level", league.average, theirs["mu"]),
        ("shrunken means, area level", in_order(league, "estimate"), theirs["blup"]),
    ):
        agree(AREA, statistic, ours, number, ITERATIVE, program=program)


def test_ranks_come_with_their_limits_and_follow_the_shrunken_means(plain):
    rows = plain.by_group
    assert rows["estimate"].is_monotonic_decreasing
    assert rows["rank"].tolist() == list(range(1, 9))
    assert (rows["rank_low"] <= rows["rank"]).all()
    assert (rows["rank"] <= rows["rank_high"]).all()
    assert ((rows["noise"] > 0) & (rows["noise"] < 1)).all()
    between = (rows["estimate"] - rows["adjusted"]) * (plain.average - rows["adjusted"])
    assert (between >= 0).all()  # each mean is drawn towards the average


def test_the_same_seed_gives_the_same_table_and_another_one_nearly_so(data, plain):
    survey = branch_survey(data)
    again = sl.league_table(survey, by="branch", seed=1, min_cell=2)
    pd.testing.assert_frame_equal(plain.by_group, again.by_group)
    other = sl.league_table(survey, by="branch", seed=2, min_cell=2)
    assert (plain.by_group["rank_low"] - other.by_group["rank_low"]).abs().max() <= 1


def test_branches_that_do_not_differ_have_no_rank_and_every_limit():
    score = np.tile([2.0, 3.0, 4.0, 5.0, 6.0], 12)
    frame = pd.DataFrame({"branch": np.repeat(list("wxyz"), 15), "a1": score})
    league = sl.league_table(branch_survey(frame, per_dimension=(1,)), by="branch", seed=1)
    assert league.boundary
    assert league.between == 0
    assert league.noise == 1
    assert league.by_group["rank"].isna().all()
    assert (league.by_group["rank_low"] == 1).all()
    assert (league.by_group["rank_high"] == 4).all()
    assert league.n_apart == 0
    assert (league.by_group["conf_high"] > league.by_group["conf_low"]).all()


@pytest.mark.parametrize("sizes", [[20, 30], [2, 2, 40], [5, 6, 7]])
def test_two_or_three_branches_have_wide_intervals_and_no_warning(sizes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        league = sl.league_table(simulated_branches(sizes), by="branch", seed=1, min_cell=2)
    assert league.n_groups == len(sizes)
    assert np.isfinite(league.by_group["std_error"]).all()


def test_small_branches_leave_no_trace(data):
    frame = data.assign(branch=data["branch"].replace({"A": "tiny", "B": "small"}))
    frame.loc[frame["branch"] == "tiny", ["a1", "a2", "a3"]] = 7
    league = sl.league_table(branch_survey(frame), by="branch", seed=1, min_cell=9)
    assert set(league.suppressed) == {"tiny", "small"}
    without = frame[~frame["branch"].isin(["tiny", "small"])].reset_index(drop=True)
    same = sl.league_table(branch_survey(without), by="branch", seed=1, min_cell=9)
    pd.testing.assert_frame_equal(league.by_group, same.by_group)
    assert league.by_group["rank_high"].max() == league.n_groups == 6


@pytest.mark.parametrize("kind", ["number", "category", "text"])
def test_any_kind_of_branch_column_will_do(data, kind):
    codes = data["branch"].map({name: i + 1 for i, name in enumerate("ABCDEFGH")})
    made = {
        "number": codes.astype(float),
        "category": pd.Categorical(data["branch"]),
        "text": data["branch"] + " 分店",
    }
    survey = branch_survey(data.assign(**{"branch": made[kind]}))
    league = sl.league_table(survey, by="branch", seed=1, min_cell=2)
    assert league.n_groups == 8


def test_adjusting_for_what_makes_branches_differ_brings_them_together():
    rng = np.random.default_rng(4)
    branch = np.repeat(np.arange(8), 60)
    load = branch + rng.normal(0, 2, len(branch))
    frame = pd.DataFrame(
        {"branch": [f"b{i}" for i in branch], "等待 时间": load}
        | {"a1": 4 + 0.5 * load + rng.normal(size=len(branch))}
    )
    survey = branch_survey(frame, per_dimension=(1,))
    raw = sl.league_table(survey, by="branch", seed=1)
    held = sl.league_table(survey, by="branch", seed=1, adjust=["等待 时间"])
    assert held.between < 0.1 * raw.between
    assert held.n_apart < raw.n_apart


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "region"}, "the survey has no covariate 'region'; it has branch"),
        ({"score": "quality"}, "score must be one of 'gap', 'perception', 'expectation'"),
        ({"term": "z"}, "term must be one of a, b, overall_items; got 'z'"),
        ({"score": "satisfaction", "term": "a"}, "'satisfaction' is one question"),
        ({"adjust": ["branch"]}, "adjust must name covariates other than 'branch'"),
        ({"adjust": ["age"]}, "adjust must name covariates other than 'branch'"),
        ({"min_cell": 50}, "fewer than two groups of at least 50"),
        ({"n_draws": 10}, "n_draws must be a whole number of at least 100"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"conf_level": 0}, "conf_level must lie between 0 and 1"),
    ],
)
def test_wrong_calls_are_refused(options, message):
    with pytest.raises(ModelError, match=message):
        sl.league_table(tiny_survey(), **({"by": "branch", "seed": 1} | options))


def test_weights_and_covariates_together_are_refused(data):
    survey = branch_survey(data, weights=True)
    with pytest.raises(ModelError, match="adjust has no weighted form here"):
        sl.league_table(survey, by="branch", seed=1, adjust=["age"])


def test_a_covariate_that_tells_the_branches_apart_is_refused(data):
    survey = branch_survey(data.assign(region=data["branch"].map(lambda b: str(b in "ABCD"))))
    with pytest.raises(ModelError, match="do not vary within branches"):
        sl.league_table(survey, by="branch", seed=1, adjust=["region"])


def test_a_score_constant_within_branches_is_refused():
    frame = pd.DataFrame({"branch": ["x"] * 6 + ["y"] * 6, "a1": [3.0] * 6 + [5.0] * 6})
    with pytest.raises(ModelError, match="does not vary within branches"):
        sl.league_table(branch_survey(frame, per_dimension=(1,)), by="branch", seed=1)


def test_an_outcome_can_be_the_score():
    league = sl.league_table(tiny_survey(n=120), by="branch", seed=1, score="satisfaction")
    assert league.score == "satisfaction"


def test_faculties_of_univer_equal_lme4(shared_data):
    from pathlib import Path

    book = Path(__file__).resolve().parents[2] / "codebooks" / "univer.toml"
    survey = sl.read_survey(shared_data / "univer" / "univer.csv", book)
    league = sl.league_table(survey, by="faculty", seed=1, score="global")
    # lmer(global ~ 1 + (1 | faculty), univer), lme4 1.1.31
    assert league.n_groups == 13
    assert league.between == pytest.approx(0.361199723712, abs=ITERATIVE)
    assert league.within == pytest.approx(1.336331346764, abs=ITERATIVE)
    best, last = league.by_group.iloc[0], league.by_group.iloc[-1]
    assert (best["group"], last["group"]) == ("2", "13")
    assert best["estimate"] == pytest.approx(6.53633721121, abs=ITERATIVE)
    assert last["estimate"] == pytest.approx(4.46416196278, abs=ITERATIVE)
    assert league.by_group["rank_low"].min() == 1
    assert league.by_group["rank_high"].max() == 13
