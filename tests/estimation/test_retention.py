"""Numbers of factors: parallel analysis and MAP against psych, null draws, the recommendation."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError, SparseDataWarning
from servlab.estimation.extraction import extract
from servlab.estimation.factor_count import factor_count, most_named
from servlab.estimation.moments import moments
from servlab.estimation.null_draws import shuffled_cor, wishart_cor
from servlab.estimation.retention import average_partials, count_leading
from tests.conftest import GOLDEN
from tests.tolerances import CLOSED_FORM


@pytest.fixture(scope="module")
def data(request):
    def read(name):
        file = {"bfi": "bfi25_cc.csv", "hs1939": "hs1939.csv"}[name]
        frame = pd.read_csv(GOLDEN / "data" / file)
        return frame if name == "bfi" else frame.filter(regex=r"^x\d")

    return read


def test_map_of_2000_takes_fourth_powers_of_the_same_partial_correlations(data):
    R = moments(data("hs1939")).cor
    squares, fourths = average_partials(R)
    off = ~np.eye(len(R), dtype=bool)
    assert squares[0] == pytest.approx((R[off] ** 2).mean(), abs=CLOSED_FORM)
    assert fourths[0] == pytest.approx((R[off] ** 4).mean(), abs=CLOSED_FORM)
    values, vectors = np.linalg.eigh(R)
    loadings = vectors[:, -2:] * np.sqrt(values[-2:])
    partial = R - loadings @ loadings.T
    scale = np.sqrt(np.diag(partial))
    partial /= np.outer(scale, scale)
    assert fourths[2] == pytest.approx((partial[off] ** 4).mean(), abs=CLOSED_FORM)


def test_unrelated_items_have_no_factor():
    noise = pd.DataFrame(np.random.default_rng(2).normal(size=(500, 8))).add_prefix("x")
    assert sl.parallel_analysis(noise, seed=1, n_draws=100).n_factors <= 1
    assert sl.map_test(noise).n_factors == 0
    assert factor_count(noise, seed=1, n_draws=50).n_factors >= 1


@pytest.mark.parametrize("n", [300, 100_000, 10_000_000])
def test_one_factor_of_nothing_is_found_at_any_n(n):
    """Its likelihood is a long flat valley that leads to a Heywood case."""
    for k in (4, 9, 22):
        for R in wishart_cor(np.random.default_rng(1), n, k, 40):
            for method in ("minres", "ml"):
                assert extract(R, 1, method).n_iter < 100
    normal = pd.DataFrame(np.random.default_rng(1).normal(size=(500, 9))).add_prefix("x")
    given = replace(moments(normal), n=n, n_min_pair=n, n_effective=float(n))
    found = sl.parallel_analysis(given, seed=1, n_draws=20, factors="common")
    assert np.isfinite(found.null).all()


def test_shuffling_keeps_each_items_answers(data):
    X = data("hs1939").to_numpy()
    for R in shuffled_cor(np.random.default_rng(1), X, 2):
        np.testing.assert_allclose(np.diag(R), 1, atol=CLOSED_FORM)
        assert np.abs(R - np.eye(len(R))).max() < 0.3


def test_polychoric_parallel_analysis_finds_the_simulated_factors():
    rng = np.random.default_rng(4)
    latent = rng.normal(size=(600, 2)).repeat(4, axis=1) + 0.8 * rng.normal(size=(600, 8))
    items = pd.DataFrame(np.digitize(latent, [-1, 0, 1])).add_prefix("x")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SparseDataWarning)
        found = sl.parallel_analysis(items, seed=1, n_draws=20, kind="polychoric")
        assert sl.map_test(items, kind="polychoric").n_factors == 2
    assert (found.n_factors, found.draws, found.kind) == (2, "permutation", "polychoric")


def test_same_seed_same_draws(data):
    first, second = (
        sl.parallel_analysis(data("hs1939"), seed=5, n_draws=20, draws="permutation")
        for _ in range(2)
    )
    pd.testing.assert_series_equal(first.null, second.null)


def test_recommendation_says_why(data):
    count = factor_count(data("hs1939"), seed=1, n_draws=100)
    assert count.by_criterion.to_dict() == {
        "parallel_components": 3, "parallel_common": 3, "map_1976": 2, "map_2000": 2,
    }  # fmt: skip
    assert (count.n_factors, count.lowest, count.highest) == (3, 2, 3)
    assert count.reason == "divided"
    assert most_named([4, 4, 4, 4]) == (4, "unanimous")
    assert most_named([4, 5, 4, 3]) == (4, "majority")
    check_tidy(count.tidy().columns)
    check_tidy(sl.map_test(data("hs1939")).tidy().columns)
    assert count_leading(np.array([True, True, False, True])) == 2


def test_unusable_requests_are_refused(data):
    given = moments(data("hs1939"))
    with pytest.raises(ModelError, match="need the rows; got Moments"):
        sl.parallel_analysis(given, seed=1, n_draws=10, draws="permutation")
    with pytest.raises(ModelError, match="percentile must lie between 0 and 100"):
        sl.parallel_analysis(given, seed=1, percentile=0.95 * 0)
    with pytest.raises(ModelError, match="draws must be one of"):
        sl.parallel_analysis(given, seed=1, draws="wishart")
    with pytest.raises(ModelError, match="n_draws must be a whole number of at least 10"):
        sl.parallel_analysis(given, seed=1, n_draws=2)
