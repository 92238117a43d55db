"""Funnel limits against R and the paper's formulas; counts, refusals, small branches."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import servlab as sl
from servlab.core.errors import ModelError
from servlab.estimation.comparison.funnel_limits import binomial_limit, winsorized
from tests.surveys import branch_survey, simulated_branches, tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT

GOLDEN = "funnel_limits"
SIDES = {"inner": ["inner_low", "inner_high"], "outer": ["outer_low", "outer_high"]}


@pytest.fixture(scope="module")
def data(golden_data):
    frame = golden_data("sim_branches.csv")
    return frame[frame["branch"] != "S"].reset_index(drop=True)


def of_means(data, **options):
    return sl.funnel(branch_survey(data), by="branch", min_cell=2, winsorize=0.125, **options)


def limits(found, which):
    return found.by_group[SIDES[which]].to_numpy()


def test_funnels_of_means_equal_the_papers_formulas(data, golden, agree):
    theirs = golden(GOLDEN)["result"]["means"]
    chance = of_means(data, dispersion="none")
    agree(GOLDEN, "target", chance.target, theirs["target"], CLOSED_FORM)
    agree(GOLDEN, "spread within branches", chance.spread, theirs["sd"], CLOSED_FORM)
    agree(GOLDEN, "z of branches", chance.by_group["z"], theirs["z"], CLOSED_FORM)
    agree(GOLDEN, "phi", chance.phi, theirs["phi"], CLOSED_FORM)
    agree(GOLDEN, "tau2", chance.tau2, theirs["tau2"], CLOSED_FORM)
    pairs = [
        ("99.8 % limits of means", limits(chance, "outer"), "plain_998"),
        (
            "95 % limits, multiplicative",
            limits(of_means(data, dispersion="multiplicative"), "inner"),
            "phi_95",
        ),
        ("99.8 % limits, additive", limits(of_means(data), "outer"), "tau_998"),
    ]
    for statistic, ours, key in pairs:
        agree(GOLDEN, statistic, ours, theirs[key], CLOSED_FORM)


def of_counts(theirs, **options):
    names = [f"{i:02d}" for i in range(len(theirs["totals"]))]
    events, totals = (pd.Series(theirs[key], index=names) for key in ("events", "totals"))
    return sl.funnel_counts(events, totals, **options)


def test_funnels_of_counts_equal_the_papers_formulas(golden, agree):
    theirs = golden(GOLDEN)["result"]["counts"]
    exact = of_counts(theirs, dispersion="none")
    assert exact.limits == "exact"
    for which, key in (("inner", "exact_95"), ("outer", "exact_998")):
        number = np.clip(theirs[key], 0, 1)  # the paper's interpolation may leave [0, 1]
        agree(GOLDEN, f"exact binomial limits, {which}", limits(exact, which), number, CLOSED_FORM)
    additive = of_counts(theirs)
    assert additive.limits == "normal"
    agree(GOLDEN, "phi of counts", additive.phi, theirs["phi"], CLOSED_FORM)
    agree(GOLDEN, "tau2 of counts", additive.tau2, theirs["tau2"], CLOSED_FORM)
    number = np.clip(theirs["tau_998"], 0, 1)
    agree(GOLDEN, "additive limits of counts", limits(additive, "outer"), number, CLOSED_FORM)


@given(st.floats(0.02, 0.98), st.integers(5, 3000), st.sampled_from([0.001, 0.025, 0.975, 0.999]))
@settings(max_examples=100, deadline=None)
def test_exact_limits_bracket_their_tail(target, n, p):
    limit = float(binomial_limit(target, np.array([float(n)]), p)[0])
    assert stats.binom.cdf(np.floor(n * limit + 1e-9) - 1, n, target) <= p + 1e-9
    assert stats.binom.cdf(np.ceil(n * limit - 1e-9), n, target) >= p - 1e-9


def test_winsorizing_draws_in_the_tails_and_keeps_the_rest():
    z = np.array([-9.0, -1, 0, 1, 2, 0.5, 0.1, -0.2, 0.3, 9])
    drawn = winsorized(z, 0.1)
    assert drawn.tolist() == [-1, -1, -0.2, 0, 0.1, 0.3, 0.5, 1, 2, 2]
    np.testing.assert_allclose(winsorized(z, 0.0), np.sort(z), atol=EXACT)


def test_chance_alone_leaves_about_one_branch_in_twenty_outside():
    found = sl.funnel(
        simulated_branches([40] * 400, between=0.0, seed=9), by="branch", dispersion="none"
    )
    share = (found.by_group["place"] != "inside").mean()
    assert 0.025 < share < 0.08  # four standard errors of .05 for 400 branches


def test_limits_close_in_with_size_and_hold_the_target():
    found = sl.funnel(simulated_branches([6, 12, 50, 300], seed=2), by="branch")
    widths = found.by_group.set_index("n").eval("outer_high - outer_low").sort_index()
    assert widths.is_monotonic_decreasing
    assert (found.by_group["inner_low"] < found.target).all()
    assert (found.curve["outer_high"] > found.curve["inner_high"]).all()


def test_top_box_is_the_share_at_the_top(data):
    survey = branch_survey(data)
    found = sl.funnel(survey, by="branch", measure="top_box", at_least=5, min_cell=2)
    top = (survey.items("perception").mean(axis=1) >= 5).groupby(data["branch"]).mean()
    np.testing.assert_allclose(found.by_group["estimate"], top, atol=EXACT)
    assert found.measure == "top_box"


def test_weights_give_weighted_means_and_kishs_size(data):
    survey = branch_survey(data, weights=True)
    found = sl.funnel(survey, by="branch", min_cell=2)
    assert found.weighted
    assert found.limits == "normal"
    assert (found.by_group["size"] <= found.by_group["n"] + 1e-9).all()
    even = branch_survey(data.assign(weight=2.0), weights=True)
    plain = sl.funnel(branch_survey(data), by="branch", min_cell=2)
    pd.testing.assert_frame_equal(sl.funnel(even, by="branch", min_cell=2).by_group, plain.by_group)


def test_small_branches_leave_no_trace(data):
    found = sl.funnel(branch_survey(data), by="branch", min_cell=10)
    assert set(found.suppressed) == {"A", "B"}
    kept = data[~data["branch"].isin(["A", "B"])].reset_index(drop=True)
    same = sl.funnel(branch_survey(kept), by="branch", min_cell=10)
    pd.testing.assert_frame_equal(found.by_group, same.by_group)
    counts = sl.funnel_counts({"A": 1, "B": 9, "C": 8, "D": 2}, {"A": 3, "B": 40, "C": 50, "D": 9})
    assert counts.suppressed == ("A", "D")


@pytest.mark.parametrize(
    ("events", "totals", "message"),
    [
        ({"A": 5, "B": 2}, {"A": 10, "C": 10}, "must name the same groups; B, C stand in one only"),
        ({"A": 15, "B": 2}, {"A": 10, "B": 10}, "events exceed totals in A"),
        ({"A": -1, "B": 2}, {"A": 10, "B": 10}, "events must be whole numbers of at least 0"),
        ({"A": 1.5, "B": 2}, {"A": 10, "B": 10}, "events must be whole numbers of at least 0"),
        ({"A": None, "B": 2}, {"A": 10, "B": 10}, "got others for A"),
        ({"A": 1, "B": 2}, {"A": float("inf"), "B": 10}, "totals must be whole numbers"),
        ({"A": 0, "B": 0}, {"A": 10, "B": 10}, "the overall proportion is 0"),
        ({"A": 10, "B": 10}, {"A": 10, "B": 10}, "the overall proportion is 1"),
        ({"A": 1, "B": 1}, {"A": 3, "B": 2}, "fewer than two groups have a total"),
        ({}, {}, "events is empty"),
    ],
)
def test_wrong_counts_are_refused(events, totals, message):
    with pytest.raises(ModelError, match=message):
        sl.funnel_counts(events, totals)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "region"}, "the survey has no covariate 'region'"),
        ({"dispersion": "auto"}, "dispersion must be one of"),
        ({"winsorize": 0.5}, "winsorize must be a share in"),
        ({"levels": (0.998, 0.95)}, "levels must be two rising levels"),
        ({"at_least": 5}, "at_least belongs to measure='top_box'"),
        ({"measure": "top_box", "score": "gap"}, "a gap has no top of its scale"),
        ({"measure": "top_box", "at_least": "7"}, "at_least must be a number"),
        ({"measure": "median"}, "measure must be one of"),
        ({"min_cell": 70}, "fewer than two groups of at least 70"),
    ],
)
def test_wrong_calls_are_refused(options, message):
    with pytest.raises(ModelError, match=message):
        sl.funnel(tiny_survey(), **({"by": "branch"} | options))


def test_nothing_to_judge_by_is_refused():
    frame = pd.DataFrame({"branch": ["x"] * 6 + ["y"] * 6, "a1": [3.0] * 12})
    with pytest.raises(ModelError, match="does not vary within branches"):
        sl.funnel(branch_survey(frame, per_dimension=(1,)), by="branch")


def test_emergency_departments_are_overdispersed(shared_data):
    table = pd.read_csv(shared_data / "nhs_ae" / "ae_attendances.csv")
    table = table[(table["type"] == "1") & (table["attendances"] > 0)]
    sums = table.groupby("org_code")[["breaches", "attendances"]].sum()
    chance = sl.funnel_counts(sums["breaches"], sums["attendances"], dispersion="none")
    usual = sl.funnel_counts(sums["breaches"], sums["attendances"])
    assert chance.phi > 1000
    assert (chance.by_group["place"] == "inside").mean() < 0.05
    assert (usual.by_group["place"] == "inside").mean() > 0.9
