"""Rotations and principal axes against R run to convergence, starts, targets."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from servlab.core.linalg import cov_to_cor
from servlab.estimation.efa import order_factors
from servlab.estimation.extraction import extract
from servlab.estimation.moments import moments
from servlab.estimation.rotation import OBLIQUE, ROTATIONS, criterion_of, rotate
from tests.estimation.align import aligned
from tests.tolerances import CLOSED_FORM, EXACT, ITERATIVE

DATA = {"bfi": ("bfi25_cc.csv", 5), "hs1939": ("hs1939.csv", 3)}
TURNED = [name for name in ROTATIONS if name != "none"]
CONVERGED = 1e-6  # issue 4 asks for this against R run to convergence
# R's gradient projection ends at a gradient of 1e-7 there, in flat
# valleys where that leaves loadings this far off; our criterion is lower (tested too).
FLAT = {("hs1939", "bentlerQ"): 1e-4, ("bfi", "bentlerQ"): 5e-6, ("bfi", "bentlerT"): 5e-6,
        ("bfi", "geominQ"): 5e-6}  # fmt: skip


def goal(k, m):
    """Return the target of scripts/40_converged.R."""
    target = np.zeros((k, m))
    target[np.arange(k), np.arange(k) // -(-k // m)] = 0.6
    return target


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("rotation", TURNED)
def test_rotation_equals_r_run_to_convergence(name, rotation, golden):
    stored = golden(f"rotations_converged_{name}")["result"]
    A = np.array(stored["unrotated"])
    theirs = stored["rotations"][rotation]
    ours = rotate(A, rotation, target=goal(*A.shape))
    pattern, order, signs = aligned(ours.loadings, np.array(theirs["loadings"]))
    tolerance = FLAT.get((name, rotation), CONVERGED)
    np.testing.assert_allclose(ours.loadings, pattern, atol=tolerance)
    if theirs.get("phi"):
        phi = np.array(theirs["phi"])[np.ix_(order, order)] * np.outer(signs, signs)
        np.testing.assert_allclose(ours.factor_cor, phi, atol=tolerance)
    if rotation not in ("promax", "varimax"):  # no worse than R's minimum
        criterion = criterion_of(rotation, *A.shape, goal(*A.shape))
        assert ours.value <= criterion(np.array(theirs["loadings"]))[0] * (1 + EXACT) + EXACT
    assert (rotation in OBLIQUE) == bool(theirs.get("phi"))


@pytest.mark.parametrize("name", DATA)
def test_principal_axis_equals_r_run_to_convergence_and_minres(name, golden, golden_data):
    file, m = DATA[name]
    data = golden_data(file)
    data = data if name == "bfi" else data.filter(regex=r"^x\d")
    R = moments(data).cor
    ours = extract(R, m, "paf").loadings
    theirs = np.array(golden(f"paf_converged_{name}")["result"]["loadings"])
    np.testing.assert_allclose(ours, aligned(ours, theirs)[0], atol=CLOSED_FORM)
    np.testing.assert_allclose(ours, extract(R, m, "minres").loadings, atol=CLOSED_FORM)


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


def test_500_oblique_fits_reproduce_the_common_part_in_the_agreed_order():
    rng = np.random.default_rng(500)
    for fit in range(500):
        m = 3 + fit % 4
        k = 4 * m
        L = rng.normal(0, 0.08, (k, m))
        L[np.arange(k), np.arange(k) // 4] = rng.uniform(0.5, 0.85, k)
        phi = np.full((m, m), 0.3) + 0.7 * np.eye(m)
        common = L @ phi @ L.T
        scale = np.sqrt(np.maximum(np.diag(common) + 0.05, 1.0))
        R = common / np.outer(scale, scale)
        np.fill_diagonal(R, 1.0)
        S = np.cov(rng.multivariate_normal(np.zeros(k), R, 400).T)
        raw = extract(cov_to_cor(S), m, "minres").loadings
        ours = order_factors(rotate(raw, "oblimin"))
        pattern = ours.loadings
        assert np.abs(pattern @ ours.factor_cor @ pattern.T - raw @ raw.T).max() < 1e-10  # issue 4
        assert (np.diff((pattern**2).sum(axis=0)) <= 0).all()
        assert (pattern.sum(axis=0) >= 0).all()
