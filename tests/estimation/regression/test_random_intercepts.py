"""Random intercepts against lme4, against the likelihood written out, and at the boundary."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.core.errors import ModelError
from servlab.estimation.regression.random_intercepts import fit_random_intercepts
from tests.tolerances import CLOSED_FORM, ITERATIVE

NAME = "multilevel_intercepts"
# lme4's own optimiser stops within 1e-7 of the optimum; ours solves for the root of the slope
LME4 = 1e-7


def columns(frame, outcome):
    named = ["staff", "climate"] if outcome == "overall" else ["staff"]
    X = np.column_stack([np.ones(len(frame)), frame[named]])
    return frame[outcome].to_numpy(), X, frame["branch"].factorize(sort=True)[0]


def simulated(seed, groups=8, between=1.0):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rng.integers(1, 9, groups) + 1)
    X = np.column_stack([np.ones(len(group)), rng.normal(size=len(group))])
    y = 4 + X[:, 1] + between * rng.normal(size=groups)[group] + rng.normal(size=len(group))
    return y, X, group


def written_out(y, X, group, between, within, beta, *, reml):
    """Return the log-likelihood from the n x n covariance of the outcome."""
    V = within * np.eye(len(y)) + between * (group[:, None] == group)
    r = y - X @ beta
    value = len(y) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + r @ np.linalg.solve(V, r)
    if reml:
        information = X.T @ np.linalg.solve(V, X)
        value += np.linalg.slogdet(information)[1] - X.shape[1] * np.log(2 * np.pi)
    return -value / 2


@pytest.mark.parametrize("outcome", ["overall", "flat"])
@pytest.mark.parametrize("how", ["reml", "ml"])
def test_random_intercepts_equal_lme4(golden, golden_data, agree, outcome, how):
    r = golden(NAME)["result"][f"{outcome}_{how}"]
    fit = fit_random_intercepts(
        *columns(golden_data("sim_visits.csv"), outcome), reml=how == "reml"
    )
    for part in ("beta", "cov_beta", "between", "within", "loglik", "effects", "effects_sd"):
        agree(NAME, f"random intercepts, {how}: {part}", getattr(fit, part), r[part], LME4)
    assert fit.boundary == r["boundary"] == (outcome == "flat")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), reml=st.booleans(), between=st.sampled_from([0.0, 0.3, 2.0]))
def test_no_neighbouring_variances_are_likelier_than_the_fit(seed, reml, between):
    y, X, group = simulated(seed, between=between)
    fit = fit_random_intercepts(y, X, group, reml=reml)
    at = written_out(y, X, group, fit.between, fit.within, fit.beta, reml=reml)
    assert fit.loglik == pytest.approx(at, abs=CLOSED_FORM)
    for b, w in [(1.05, 1), (0.95, 1), (1, 1.05), (1, 0.95)]:
        tau, sigma = fit.between * b + 1e-4 * (b > 1), fit.within * w
        moved = tau != fit.between or sigma != fit.within  # a variance of 0 has nothing below it
        assert not moved or written_out(y, X, group, tau, sigma, fit.beta, reml=reml) < at
    assert fit.boundary == (fit.between == 0)


def test_prediction_errors_equal_hendersons_equations():
    y, X, group = simulated(4)
    fit = fit_random_intercepts(y, X, group)
    assert not fit.boundary
    Z = np.eye(group.max() + 1)[group]
    ridge = np.diag([0.0, 0.0] + [fit.within / fit.between] * Z.shape[1])
    both = np.column_stack([X, Z])
    left = both.T @ both + ridge
    solution = np.linalg.solve(left, both.T @ y)
    errors = np.sqrt(fit.within * np.diag(np.linalg.solve(left, np.eye(len(left)))))
    assert solution == pytest.approx(np.concatenate([fit.beta, fit.effects]), abs=CLOSED_FORM)
    assert errors[2:] == pytest.approx(fit.effects_se, abs=CLOSED_FORM)
    assert (fit.effects_se > fit.effects_sd).all()


def test_balanced_groups_give_the_variances_of_the_analysis_of_variance():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(12, 1)) + rng.normal(size=(12, 5))
    fit = fit_random_intercepts(table.ravel(), np.ones((60, 1)), np.repeat(np.arange(12), 5))
    within = table.var(axis=1, ddof=1).mean()
    assert fit.within == pytest.approx(within, abs=CLOSED_FORM)
    assert fit.between == pytest.approx(
        table.mean(axis=1).var(ddof=1) - within / 5, abs=CLOSED_FORM
    )


def test_large_numbers_and_other_units_change_nothing():
    y, X, group = simulated(7)
    plain = fit_random_intercepts(y, X, group)
    moved = fit_random_intercepts(1e6 + 100 * y, X * [1, 1e4] + [0, 2e5], group)
    assert moved.between == pytest.approx(1e4 * plain.between, rel=ITERATIVE)
    assert moved.effects == pytest.approx(100 * plain.effects, rel=ITERATIVE)


@pytest.mark.parametrize(
    ("y", "X", "group", "words"),
    [
        ([1.0, 2, 4], [[1.0]] * 3, [0, 0, 0], "at least two groups"),
        ([1.0, 2, 4], [[1.0]] * 3, [0, 1, 2], "at least one group needs two rows"),
        ([1.0, 1, 4, 4], [[1.0]] * 4, [0, 0, 1, 1], "does not vary within groups"),
        (
            [1.0, 2, 4, 3],
            [[1.0, 0], [1, 0], [1, 1], [1, 1]],
            [0, 0, 1, 1],
            "2 groups cannot tell 2",
        ),
        ([1.0, 2, 4, 4], [[1.0, 2.0]] * 4, [0, 0, 1, 1], "depend on each other"),
    ],
)
def test_data_without_an_answer_are_refused(y, X, group, words):
    with pytest.raises(ModelError, match=words):
        fit_random_intercepts(np.array(y), np.array(X), np.array(group))
