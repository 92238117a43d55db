"""200 random models at n = 20,000: estimates at the truth, errors as large as they say.

Sample covariances are drawn from the Wishart distribution, so a model costs no rows.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.linalg import cov_to_cor
from servlab.estimation.latent.compile import compile_paths, compile_restrictions
from servlab.estimation.latent.discrepancy import Quadratic, Weighted, normal_likelihood
from servlab.estimation.latent.fiml import PatternLikelihood
from servlab.estimation.latent.optimize import Problem
from servlab.estimation.latent.ram import imply
from servlab.estimation.latent.row_patterns import find_patterns
from servlab.estimation.latent.sample import vech_layout
from servlab.estimation.latent.specification import parameter_table
from servlab.estimation.moments import Moments
from tests.tolerances import ITERATIVE

N = 20_000
MODELS = 200


@st.composite
def models(draw):
    """Return (text, equalities, fixed values, seed) of a random measurement model."""
    m = draw(st.integers(1, 3))
    sizes = [draw(st.integers(4 if m == 1 else 3, 5)) for _ in range(m)]
    names, lines, at = [], [], 1
    for size in sizes:
        names.append([f"x{at + k}" for k in range(size)])
        at += size
    equal, fixed = draw(st.booleans()), draw(st.booleans())
    cross, correlated = m > 1 and draw(st.booleans()), draw(st.booleans())
    regression = m == 3 and draw(st.booleans())
    for f, items in enumerate(names):
        terms = list(items)
        if equal and f == 0:
            terms[1:3] = [f"a*{items[1]}", f"a*{items[2]}"]
        if fixed and f == m - 1:
            terms[-1] = f"0.8*{items[-1]}"
        if cross and f == 0:
            terms.append(names[1][-1 if not fixed or m > 2 else 1])
        lines.append(f"f{f + 1} =~ {' + '.join(terms)}")
    if correlated:
        lines.append(f"{names[0][0]} ~~ {names[-1][1]}" if m > 1 else "x1 ~~ x4")
    if regression:
        lines.append("f3 ~ f1 + f2")
    return "\n".join(lines), int(equal), draw(st.integers(0, 2**32 - 1))


def truth(table, rng):
    """Return plausible parameter values, equal where the model binds them."""
    theta = np.zeros(table.n_free)
    for row in np.flatnonzero(table.free):
        lhs, op, rhs = table.lhs[row], table.op[row], table.rhs[row]
        if op == "=~":
            value = rng.uniform(0.6, 1.2)
        elif op == "~":
            value = rng.uniform(0.2, 0.5)
        elif lhs == rhs:
            value = rng.uniform(0.8, 1.2) if lhs in table.latent else rng.uniform(0.5, 0.9)
        else:
            value = rng.uniform(0.2, 0.4) if lhs in table.latent else 0.1
        theta[table.free[row] - 1] = value
    K = compile_restrictions(table).K
    return K @ (K.T @ theta / K.sum(axis=0))


def drawn_moments(sigma, names, rng):
    """Return moments of N normal rows with covariances sigma, drawn from the Wishart."""
    p = len(sigma)
    root = np.tril(rng.standard_normal((p, p)), -1)
    root[np.diag_indices(p)] = np.sqrt(rng.chisquare(N - 1 - np.arange(p)))
    L = np.linalg.cholesky(sigma) @ root
    cov = L @ L.T / (N - 1)
    return given_moments(cov, names, N)


def given_moments(cov, names, n):
    return Moments(names=tuple(names), n=n, n_dropped=0, mean=np.zeros(len(cov)), cov=cov,
                   cor=cov_to_cor(cov))  # fmt: skip


def compiled(text, **options):
    table = parameter_table(text, **options)
    p = len(table.observed)
    return table, compile_paths(table, [np.eye(p)], [np.zeros(p)])


def test_two_hundred_random_models_are_recovered_with_honest_errors():
    squares, outside = [], 0

    @settings(max_examples=MODELS, derandomize=True, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(models())
    def one(case):
        nonlocal outside
        text, equal, seed = case
        rng = np.random.default_rng(seed)
        table, paths = compiled(text)
        theta = truth(table, rng)
        moments = drawn_moments(imply(paths[0], theta).sigma, table.observed, rng)
        fit = sl.cfa(text, moments)
        p = len(table.observed)
        assert fit.df == p * (p + 1) // 2 - table.n_free + equal
        z = (fit.theta - theta) / np.sqrt(np.diag(fit.vcov))
        squares.extend(z**2)
        outside += int((np.abs(z) > 4).sum())

    one()
    assert len(squares) > MODELS * 8
    assert outside <= 0.001 * len(squares)
    assert 0.9 < np.mean(squares) < 1.1


@settings(max_examples=25, derandomize=True, deadline=None, database=None)
@given(models(), st.booleans())
def test_slopes_and_curvatures_equal_finite_differences(case, means):
    text, _, seed = case
    rng = np.random.default_rng(seed)
    table, paths = compiled(text, meanstructure=means)
    theta = truth(table, rng)
    p = len(table.observed)
    X = rng.normal(size=(60, p)) @ np.linalg.cholesky(np.eye(p) + 0.5).T
    cov, mean = np.cov(X.T, ddof=0), X.mean(axis=0)
    layout = vech_layout(p, means)
    half = rng.normal(size=(layout.size, layout.size)) / layout.size
    parts = {
        "ML": normal_likelihood(cov, mean),
        "GLS": Quadratic(cov, mean, np.linalg.inv(cov)),
        "ULS": Quadratic(cov, mean, np.eye(p)),
        "WLS": Weighted(layout.vector(cov, mean), half @ half.T, layout),
    }
    if means:
        gaps = np.where(rng.random(X.shape) < 0.1, np.nan, X)
        gaps = gaps[~np.isnan(gaps).all(axis=1)]
        parts["FIML"] = PatternLikelihood(find_patterns(gaps), 0.0)
    for name, part in parts.items():
        problem = Problem(paths, [part], np.ones(1), table.n_free)
        place = problem.at(theta)
        step = 1e-5
        moves = [(problem.at(theta + step * e), problem.at(theta - step * e))
                 for e in np.eye(table.n_free)]  # fmt: skip
        scale = max(1.0, np.abs(place.gradient()).max())
        slopes = np.array([(a.value - b.value) / (2 * step) for a, b in moves])
        assert np.abs(slopes - place.gradient()).max() < 1e-6 * scale, name
        bends = np.array([(a.gradient() - b.gradient()) / (2 * step) for a, b in moves])
        assert np.abs(bends - place.observed()).max() < 1e-6 * max(1.0, np.abs(bends).max()), name


@pytest.mark.parametrize("std_lv", [False, True])
def test_estimates_move_with_the_units_of_the_items(std_lv):
    text = "f =~ x1 + x2 + x3 + x5\ng =~ x4 + x5 + x6 + x7\nx1 ~~ x4"
    rng = np.random.default_rng(5)
    table, paths = compiled(text)
    names = list(table.observed)
    cov = drawn_moments(imply(paths[0], truth(table, rng)).sigma, names, rng).cov
    unit = rng.uniform(0.1, 10, len(names))
    plain = sl.cfa(text, given_moments(cov, names, 500), std_lv=std_lv)
    other = sl.cfa(text, given_moments(cov * np.outer(unit, unit), names, 500), std_lv=std_lv)
    assert other.chi2 == pytest.approx(plain.chi2, abs=1e-8)
    by_unit = dict(zip(names, unit, strict=True))
    tidy, moved = plain.tidy(), other.tidy()
    assert np.allclose(tidy["std_all"], moved["std_all"], atol=ITERATIVE)
    markers = {"f": by_unit["x1"], "g": by_unit["x4"]} if not std_lv else {"f": 1.0, "g": 1.0}
    by_unit |= markers
    for row, new in zip(tidy.itertuples(), moved.itertuples(), strict=True):
        factor = by_unit[row.rhs] / by_unit[row.lhs] if row.op == "=~" else (
            by_unit[row.lhs] * by_unit[row.rhs])  # fmt: skip
        assert new.estimate == pytest.approx(row.estimate * factor, rel=1e-6)
        assert new.std_error == pytest.approx(row.std_error * factor, rel=1e-6, abs=1e-12)


def test_the_same_frame_in_another_order_is_the_same_model():
    rng = np.random.default_rng(1)
    eta = rng.normal(size=(300, 1))
    X = pd.DataFrame(0.8 * eta + rng.normal(size=(300, 6)), columns=[f"x{i}" for i in range(1, 7)])
    text = "f =~ x1 + x2 + x3\ng =~ x4 + x5 + x6"
    for options in ({}, {"estimator": "MLR"}, {"missing": "fiml"}):
        one = sl.cfa(text, X, **options)
        two = sl.cfa(text, X.sample(frac=1, random_state=1)[X.columns[::-1]], **options)
        assert np.allclose(one.theta, two.theta, atol=1e-9)
        assert one.chi2 == pytest.approx(two.chi2, abs=1e-8)
