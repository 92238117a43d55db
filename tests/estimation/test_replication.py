"""Congruence against psych, and a hold-out half: split, alignment, what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import HeywoodWarning, ModelError
from servlab.estimation.replication import can_hold_out, hold_out, split_halves, tucker_congruence
from tests.tolerances import CLOSED_FORM, EXACT


def frame(stored):
    return pd.DataFrame(stored["values"], stored["rows"], stored["cols"], dtype=float)


@pytest.fixture(scope="module")
def perception():
    return sl.load_example("servqual").items("perception")


@pytest.fixture(scope="module")
def halves(perception):
    return hold_out(perception, 5, seed=1)


def test_congruence_equals_psych(golden, agree):
    stored = golden("congruence_hs1939")["result"]
    first, second = frame(stored["first"]), frame(stored["second"])
    ours = tucker_congruence(first, second)
    theirs = frame(stored["congruence"])
    agree("congruence_hs1939", "Tucker's congruence", ours, theirs, CLOSED_FORM)
    shuffled = tucker_congruence(first, second.iloc[::-1])  # rows are matched by name
    np.testing.assert_allclose(shuffled, ours, atol=EXACT)


@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_congruence_is_a_cosine_that_scaling_leaves_alone(seed, a, b):
    X, Y = np.random.default_rng(seed).standard_normal((2, 6, 2))
    first, second = pd.DataFrame(X), pd.DataFrame(Y)
    plain = tucker_congruence(first, second)
    np.testing.assert_allclose(tucker_congruence(a * first, -b * second), -plain, atol=CLOSED_FORM)
    np.testing.assert_allclose(np.diag(tucker_congruence(first, first)), 1, atol=EXACT)
    assert (plain.abs() <= 1 + EXACT).all().all()


def test_halves_share_no_row_and_hold_all_complete_ones(perception):
    first, second = split_halves(perception, seed=3)
    assert not set(first.index) & set(second.index)
    assert set(first.index) | set(second.index) == set(perception.dropna().index)
    pd.testing.assert_frame_equal(first, split_halves(perception, seed=3)[0])
    assert not first.index.equals(split_halves(perception, seed=4)[0].index)


def test_partners_are_those_that_congruence_names(halves):
    table = tucker_congruence(halves.first, halves.second)
    np.testing.assert_allclose(np.diag(table), halves.congruence, atol=EXACT)
    assert (halves.congruence > 0).all()
    assert halves.n_first + halves.n_second == halves.n == 361
    assert halves.n_dropped == 36
    check_tidy(halves.tidy().columns)
    check_tidy(halves.glance().columns)


def test_simulated_dimensions_replicate(halves):
    assert halves.congruence.min() > 0.85  # fairly similar, Lorenzo-Seva and ten Berge
    assert halves.replicated == 3
    assert not halves.heywood


def test_noise_does_not_replicate():
    noise = pd.DataFrame(np.random.default_rng(2).standard_normal((400, 8))).add_prefix("x")
    with pytest.warns(HeywoodWarning):
        found = hold_out(noise, 2, seed=1)
    assert found.heywood
    assert found.congruence.min() < 0.85
    assert found.replicated < 2


def test_few_rows_are_flagged_and_too_few_refused(perception):
    assert hold_out(perception.iloc[:120, :9], 2, seed=1).small
    assert not hold_out(perception.iloc[:, :9], 2, seed=1).small
    with pytest.raises(ModelError, match="each half needs more rows than items; 40 complete"):
        hold_out(perception.dropna().iloc[:40], 2, seed=1)


def test_halves_that_carry_no_factor_analysis_are_told_beforehand(perception):
    assert can_hold_out(perception, seed=1)
    assert not can_hold_out(perception.iloc[:100], seed=1)  # halves under 50 rows
    rare = perception.dropna().iloc[:120].assign(rare=0.0)
    rare.iloc[0, -1] = 1.0
    assert not can_hold_out(rare, seed=1)  # constant in one half
    twin = perception.assign(twin=perception["1"])
    assert not can_hold_out(twin, seed=1)


def test_other_items_or_empty_factors_are_refused():
    a = pd.DataFrame({"F1": [0.5, 0.4]}, index=["x", "y"])
    with pytest.raises(ModelError, match=r"same items on both sides; got \['y', 'z'\]"):
        tucker_congruence(a, a.rename(index={"y": "z"}))
    with pytest.raises(ModelError, match="loadings other than 0"):
        tucker_congruence(a, 0 * a)
