"""Rank intervals: they cover, they are not useless, and they follow from the draws as said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from servlab.estimation.comparison.rank_intervals import (
    Evidence,
    draw_means,
    prediction_errors,
    range_limit,
    range_tail,
    rank_limits,
    reml_between,
    reml_slope,
    shrink,
    variance_grid,
)
from servlab.estimation.regression.random_intercepts import fit_random_intercepts
from tests.tolerances import CLOSED_FORM, EXACT


def evidence(means, variances, df=np.inf):
    G = len(means)
    return Evidence(
        means=np.asarray(means, dtype=float),
        variances=np.asarray(variances, dtype=float),
        X=np.ones((G, 1)),
        x0=np.ones(1),
        inside_xx=np.zeros((1, 1)),
        inside_xy=np.zeros(1),
        df=df,
    )


def simulated(G, n, between, rng):
    """Return the evidence of a survey, the true means and the fitted variance between."""
    true = rng.normal(0, between, G)
    codes = np.repeat(np.arange(G), n)
    y = true[codes] + rng.normal(size=len(codes))
    fit = fit_random_intercepts(y, np.ones((len(y), 1)), codes)
    sizes = np.bincount(codes)
    data = evidence(np.bincount(codes, y) / sizes, fit.within / sizes, df=len(y) - G)
    return data, true, fit.between


@pytest.mark.parametrize(("G", "n", "between"), [(6, 40, 0.3), (20, 30, 0.4)])
def test_rank_intervals_and_shrunken_means_cover_in_simulated_surveys(G, n, between):
    """100 surveys; benchmarks of 2,000 are in docs/branches.md. Error of a share: about .01."""
    rng = np.random.default_rng(6)
    ranks, means, widths = [], [], []
    for _ in range(100):
        data, true, tau2 = simulated(G, n, between, rng)
        low, high = np.ones(G), np.full(G, G)
        grid = variance_grid(data)
        if tau2 > 0:
            low, high = rank_limits(draw_means(data, grid, 600, rng), 0.95)
        place = stats.rankdata(-true)
        ranks.append(((low <= place) & (place <= high)).mean())
        widths.append((high - low + 1).mean() / G)
        theta = shrink(data, np.array([tau2])).theta[0]
        error = np.sqrt(prediction_errors(data, grid, theta))
        means.append((np.abs(theta - true) < 1.96 * error).mean())
    assert np.mean(ranks) > 0.95
    assert np.mean(widths) < 0.8  # not the whole league
    assert 0.92 < np.mean(means) < 0.985


def test_ranks_are_certain_when_branches_lie_far_apart_and_open_when_they_do_not():
    rng = np.random.default_rng(1)
    far = evidence(np.arange(6.0), np.full(6, 1e-4))
    low, high = rank_limits(draw_means(far, variance_grid(far), 500, rng), 0.95)
    assert low.tolist() == high.tolist() == [6, 5, 4, 3, 2, 1]
    near = evidence([0, 1e-3, 2e-3, 3e-3, 0, 1e-3], np.full(6, 1.0))
    low, high = rank_limits(draw_means(near, variance_grid(near), 500, rng), 0.95)
    assert low.max() == 1
    assert high.min() == 6


def test_draws_have_the_mean_and_the_error_of_the_grid():
    """The draws are of the very distribution whose moments the errors are computed from."""
    rng = np.random.default_rng(2)
    data = evidence([0.1, -0.4, 0.9, 0.3, -0.2], [0.05, 0.1, 0.02, 0.2, 0.08], df=30)
    grid = variance_grid(data)
    draws = draw_means(data, grid, 60000, rng)
    centre = sum(
        w @ shrink(data, grid.tau2, float(scale)).theta
        for scale, w in zip(grid.scales, grid.weights, strict=True)
    )
    np.testing.assert_allclose(draws.mean(axis=0), centre, atol=0.01)
    np.testing.assert_allclose(
        draws.std(axis=0), np.sqrt(prediction_errors(data, grid, centre)), rtol=0.03
    )


@given(st.integers(0, 10_000), st.integers(4, 12))
@settings(max_examples=30, deadline=None)
def test_reml_is_where_the_slope_is_zero_or_at_the_boundary(seed, G):
    rng = np.random.default_rng(seed)
    data = evidence(rng.normal(0, 0.5, G), rng.uniform(0.05, 0.6, G))
    tau2 = reml_between(data)
    grid = np.linspace(0, 4, 400)
    best = shrink(data, np.array([tau2])).loglik[0]
    assert best >= shrink(data, grid).loglik.max() - 1e-9
    slope = reml_slope(data, np.array([tau2]))[0]
    assert slope <= 1e-7 if tau2 == 0 else abs(slope) < 1e-7


@given(st.floats(0.01, 5), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_shrunken_means_lie_between_the_mean_and_the_average(tau2, seed):
    rng = np.random.default_rng(seed)
    data = evidence(rng.normal(size=7), rng.uniform(0.1, 2, 7))
    found = shrink(data, np.array([tau2]))
    by_hand = found.noise[0] * found.beta[0, 0] + (1 - found.noise[0]) * data.means
    np.testing.assert_allclose(found.theta[0], by_hand, atol=EXACT)


@pytest.mark.parametrize("k", [2, 5, 40])
@pytest.mark.parametrize("df", [12.0, 200.0, np.inf])
def test_the_studentized_range_is_scipys(k, df):
    q = np.array([0.3, 2.0, 3.7, 6.0])
    theirs = stats.studentized_range.sf(q, k, df)
    np.testing.assert_allclose(range_tail(q, k, df), theirs, atol=CLOSED_FORM)
    limit = range_limit(0.05, k, df)
    assert range_tail(np.array([limit]), k, df)[0] == pytest.approx(0.05, abs=CLOSED_FORM)
    many = np.linspace(0, 8, 500)  # read off a curve
    few = np.concatenate([range_tail(part, k, df) for part in np.split(many, 5)])
    np.testing.assert_allclose(range_tail(many, k, df), few, atol=1e-5)
