"""Rotations and principal axes against R run to convergence, starts, targets."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import HeywoodWarning, ModelError
from servlab.estimation.extraction import extract
from servlab.estimation.rotation import ROTATIONS, criterion_of
from tests.golden_checks.factors import goal
from tests.tolerances import CLOSED_FORM, ITERATIVE

DATA = {"bfi": ("bfi25_cc.csv", 5), "hs1939": ("hs1939.csv", 3)}
TURNED = [name for name in ROTATIONS if name != "none"]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(TURNED))
def test_gradient_of_every_criterion_is_its_slope(seed, rotation):
    rng = np.random.default_rng(seed)
    L, step = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    criterion = criterion_of(rotation, 7, 3, rng.normal(size=(7, 3)))
    h = 1e-5
    slope = (criterion(L + h * step)[0] - criterion(L - h * step)[0]) / (2 * h)
    expected = (criterion(L)[1] * step).sum()
    # the criteria are fixed up to a factor and a constant, their gradients not
    assert slope == pytest.approx(expected, rel=ITERATIVE, abs=ITERATIVE)


def test_several_starts_tell_how_many_reached_the_best(golden_data):
    data = golden_data("bfi25_cc.csv")
    one = sl.efa(data, 5, rotation="geominQ")
    many = sl.efa(data, 5, rotation="geominQ", n_starts=4, seed=1)
    again = sl.efa(data, 5, rotation="geominQ", n_starts=4, seed=1)
    assert many.criterion <= one.criterion + CLOSED_FORM
    assert 0 < many.share_best <= 1
    assert one.share_best == 1
    pd.testing.assert_frame_equal(many.loadings, again.loadings)
    with pytest.raises(ModelError, match="give a seed"):
        sl.efa(data, 5, n_starts=3)


def test_target_follows_the_names_of_the_items(golden_data):
    data = golden_data("hs1939.csv").filter(regex=r"^x\d")
    target = pd.DataFrame(goal(9, 3), index=data.columns).replace(0.6, np.nan)
    fit = sl.efa(data, 3, rotation="targetQ", target=target)
    shuffled = sl.efa(data, 3, rotation="targetQ", target=target.iloc[::-1])
    pd.testing.assert_frame_equal(fit.loadings, shuffled.loadings)
    with pytest.raises(ModelError, match="needs target="):
        sl.efa(data, 3, rotation="targetT")
    with pytest.raises(ModelError, match="target must be a frame of the 9 items by 3 factors"):
        sl.efa(data, 3, rotation="targetT", target=target.iloc[1:])


OBLIQUE_ROTATIONS = ("oblimin", "promax", "quartimin")


def simulated(rng, m):
    """Draw Moments of 400 rows of m correlated factors with four items each, some cross-loading."""
    k = 4 * m
    L = rng.normal(0, 0.08, (k, m))
    L[np.arange(k), np.arange(k) // 4] = rng.uniform(0.5, 0.85, k) * rng.choice([-1, 1], k)
    phi = np.full((m, m), 0.3) + 0.7 * np.eye(m)
    common = L @ phi @ L.T
    scale = np.sqrt(np.maximum(np.diag(common) + 0.05, 1.0))
    R = common / np.outer(scale, scale)
    np.fill_diagonal(R, 1.0)
    rows = rng.standard_normal((400, k)) @ np.linalg.cholesky(R).T
    return sl.moments(pd.DataFrame(rows).add_prefix("x"))


def test_500_oblique_fits_reproduce_the_common_part_in_the_agreed_order():
    rng = np.random.default_rng(500)
    seen = 0
    for number in range(500):
        m = 3 + number % 4
        given = simulated(rng, m)
        raw = extract(given.cor, m, "minres").loadings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HeywoodWarning)
            fit = sl.efa(given, m, rotation=OBLIQUE_ROTATIONS[number % 3])
        L, phi = fit.loadings.to_numpy(), fit.factor_cor.to_numpy()
        assert np.abs(L @ phi @ L.T - raw @ raw.T).max() < 1e-10  # issue 4
        assert (np.diff((L**2).sum(axis=0)) <= 0).all()
        assert (L.sum(axis=0) >= 0).all()
        np.testing.assert_allclose(np.diag(phi), 1, atol=CLOSED_FORM)
        assert np.linalg.eigvalsh(phi)[0] > 0
        seen += 1
    assert seen == 500
