"""A flag of a result stands in its table, and where it bears on the number, in its sentence."""

import warnings

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ServlabWarning

NEAR = {
    "kmo": sl.kmo,
    "bartlett": sl.bartlett_sphericity,
    "parallel": lambda X: sl.parallel_analysis(X, seed=1, n_draws=10),
    "efa": lambda X: sl.efa(X, 2),
    "omega": lambda X: sl.mcdonald_omega(X, n_factors=2),
    "map": sl.map_test,
    "mardia": sl.mardia,
    "lambdas": sl.guttman_lambdas,
    "congeneric": sl.congeneric_omega,
}
KEYED = {
    "lambdas": sl.guttman_lambdas,
    "halves": sl.split_half,
    "congeneric": sl.congeneric_omega,
}


@pytest.fixture(scope="module")
def items():
    rng = np.random.default_rng(11)
    latent = rng.normal(size=(200, 2)).repeat(3, axis=1) + 0.8 * rng.normal(size=(200, 6))
    latent += 0.5 * rng.normal(size=(200, 1))
    answers = np.digitize(latent, [-1.5, -0.5, 0.5, 1.5]).astype(float)
    return pd.DataFrame(answers).add_prefix("x")


def quietly(call, X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)
        return call(X)


@pytest.mark.parametrize("name", NEAR)
def test_near_copies_are_noted_in_the_table(name, items):
    noise = 1e-4 * np.random.default_rng(1).normal(size=len(items))
    near = items.assign(x6=items["x1"] + noise)
    for language, words in {"en": "nearly copy each other", "zh": "几乎互为复制"}.items():
        notes = " ".join(sl.table(quietly(NEAR[name], near), language=language).notes)
        assert words in notes
        assert words not in " ".join(sl.table(quietly(NEAR[name], items), language=language).notes)


@pytest.mark.parametrize("name", KEYED)
def test_items_keyed_otherwise_are_named_beside_the_number(name, items):
    result = quietly(KEYED[name], items.assign(x3=4 - items["x3"], x4=4 - items["x4"]))
    assert result.negative_items
    for language, words in {"en": "Against the other items run", "zh": "方向相反"}.items():
        assert words in " ".join(sl.table(result, language=language).notes)
        assert words in sl.narrate(result, language=language).paragraphs[0]


def test_a_coefficient_of_impossible_correlations_says_so(items):
    result = quietly(sl.polychoric_alpha, items.assign(x6=items["x1"]))
    assert "do not report it" in sl.narrate(result).paragraphs[0]
