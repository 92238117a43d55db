"""Identities of factor analysis, the second opinion, Heywood cases and refusals."""

import warnings

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import HeywoodWarning, ModelError
from servlab.estimation.extraction import extract
from servlab.estimation.moments import moments
from servlab.estimation.rotation import ROTATIONS as ALL_ROTATIONS
from tests.tolerances import CLOSED_FORM

ROTATIONS = [name for name in ALL_ROTATIONS if not name.startswith("target")]


def simulated(seed, m):
    """Draw items of m correlated factors, four items each, n = 400."""
    rng = np.random.default_rng(seed)
    k = 4 * m
    L = np.zeros((k, m))
    for j in range(m):
        L[4 * j : 4 * j + 4, j] = rng.uniform(0.5, 0.85, 4) * rng.choice([-1, 1])
    L += rng.normal(0, 0.05, L.shape)
    phi = np.full((m, m), 0.3) + 0.7 * np.eye(m)
    psi = 1 - np.einsum("ij,jk,ik->i", L, phi, L)
    F = rng.multivariate_normal(np.zeros(m), phi, 400)
    X = F @ L.T + rng.normal(size=(400, k)) * np.sqrt(np.clip(psi, 0.1, None))
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(k)])


@pytest.mark.parametrize("m", [3, 4, 5, 6])
@pytest.mark.parametrize("seed", range(3))
def test_every_rotation_reproduces_the_common_part(seed, m):
    data = simulated(seed, m)
    raw = extract(moments(data).cor, m, "minres").loadings
    for rotation in ROTATIONS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HeywoodWarning)
            fit = sl.efa(data, m, rotation=rotation)
        L, phi = fit.loadings.to_numpy(), fit.factor_cor.to_numpy()
        assert np.abs(L @ phi @ L.T - raw @ raw.T).max() < 1e-10  # the issue's own bound
        squares = (L**2).sum(axis=0)
        assert (np.diff(squares) <= CLOSED_FORM).all()
        assert (L.sum(axis=0) >= 0).all()
        np.testing.assert_allclose(np.diag(phi), 1, atol=CLOSED_FORM)


def test_second_opinion_agrees_with_factor_analyzer(golden_data):
    data = golden_data("bfi25_cc.csv")
    for rotation in ("none", "varimax", "oblimin"):
        opinion = sl.second_opinion(sl.efa(data, 5, rotation=rotation))
        assert opinion.agrees, (rotation, opinion.largest_difference)
    with pytest.raises(ModelError, match="factor_analyzer gives a comparable answer"):
        sl.second_opinion(sl.efa(data, 5, rotation="promax"))


def test_a_researchers_own_factor_analyzer_still_runs(golden_data):
    """The lock holds scikit-learn under 1.8, where factor-analyzer's fit still works."""
    from factor_analyzer import FactorAnalyzer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        items = golden_data("hs1939.csv").filter(regex=r"^x\d")
        analyzer = FactorAnalyzer(n_factors=3, rotation="varimax").fit(items)
    assert analyzer.loadings_.shape == (9, 3)


def test_heywood_case_is_flagged_by_name():
    rng = np.random.default_rng(3)
    f = rng.normal(size=(60, 1))
    X = f @ np.array([[1.0, 0.3, 0.3, 0.2]]) + rng.normal(size=(60, 4)) * [0.01, 1, 1, 1]
    data = pd.DataFrame(X, columns=list("abcd"))
    with pytest.warns(HeywoodWarning, match="the uniqueness of a"):
        fit = sl.efa(data, 1)
    assert fit.heywood == ("a",)
    assert fit.flags == ("heywood",)


def test_tidy_columns_have_a_meaning(golden_data):
    fit = sl.efa(golden_data("bfi25_cc.csv"), 5)
    check_tidy(fit.tidy().columns)
    check_tidy(fit.glance().columns)
    assert len(fit.tidy()) == 125


def test_bad_factor_analyses_are_refused_by_name(golden_data):
    data = golden_data("hs1939.csv").filter(regex=r"^x\d")
    with pytest.raises(ModelError, match="9 items carry at most 5 factors; got n_factors = 6"):
        sl.efa(data, 6)
    with pytest.raises(ModelError, match="are constant"):
        sl.efa(data.assign(x1=3.0), 2)
    with pytest.raises(ModelError, match="copies of each other"):
        sl.efa(data.assign(x10=data["x1"]), 2)
    with pytest.raises(ModelError, match="more rows than items; got 6 rows of 9 items"):
        sl.efa(data.iloc[:6], 2)
    with pytest.raises(ModelError, match="no row is left"):
        sl.efa(data.assign(x1=np.nan), 2)
    with pytest.raises(ModelError, match="rotation must be one of"):
        sl.efa(data, 2, rotation="equamax2")


def test_whole_weights_factor_like_repeated_rows_without_fit_tests(golden_data):
    data = golden_data("hs1939.csv").filter(regex=r"^x\d")
    weights = pd.Series(np.arange(len(data)) % 3 + 1.0, index=data.index)
    repeated = data.loc[data.index.repeat(weights.astype(int))].reset_index(drop=True)
    ours = sl.efa(moments(data, weights=weights), 3)
    np.testing.assert_allclose(ours.loadings, sl.efa(repeated, 3).loadings, atol=1e-6)
    assert "weighted" in ours.flags
    assert np.isnan([ours.chi2, ours.rmsea, ours.bic]).all()
