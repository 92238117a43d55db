"""Fit measures from their equations, against lavaan's from the same tests and moments."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.estimation.latent import fit_indices as fi
from servlab.estimation.latent import residual_indices as ri
from tests.conftest import GOLDEN
from tests.tolerances import CLOSED_FORM, EXACT

FITS = json.loads((GOLDEN / "fit_measures.json").read_text(encoding="utf-8"))["result"]
# lavaan searches RMSEA's limits to 1e-8 or so; the p values at an EM optimum move in the 7th digit
SEARCH = 1e-6
# What no equation gives: counts and options, and the scaling parts that the engine computes.
GIVEN = {"npar", "fmin", "scaling.factor.h1", "scaling.factor.h0"}


def matrix(value):
    return np.array(value, dtype=float)


def moments(fit):
    return [
        ri.GroupMoments(
            float(g["n"]),
            matrix(g["cov"]),
            matrix(g["mean"]) if g["mean"] else np.zeros(len(g["cov"])),
            matrix(g["implied_cov"]),
            matrix(g["implied_mean"]) if g["mean"] else np.zeros(len(g["cov"])),
        )
        for g in fit["groups"]
    ]


def gfi_parts(fit, group, number, golden_data):
    means, estimator = bool(fit["groups"][0]["mean"]), fit["options"]["estimator"]
    if "missing" in fit["options"]:
        data = golden_data(fit["file"])
        parts = (
            [p for _, p in data.groupby("school", sort=False)]
            if "group" in fit["options"]
            else [data]
        )
        answers = parts[number][fit["observed"]]
        seen = answers.notna().to_numpy()
        pairwise = answers.cov().to_numpy() * (len(seen) - 1) / len(seen)
        group = replace(group, cov=pairwise, mean=answers.mean().to_numpy())
        rows, counts = np.unique(seen[seen.any(axis=1)], axis=0, return_counts=True)
        return ri.incomplete_gfi_parts(
            group, [(float(c), np.flatnonzero(r)) for r, c in zip(rows, counts, strict=True)]
        )
    if estimator in ("ULS", "WLS"):
        low = np.tril_indices(len(group.cov))
        order = np.lexsort(low)  # column by column, as lavaan stacks them
        at = (low[0][order], low[1][order])
        W = matrix(fit["weights"][number]) if estimator == "WLS" else np.eye(len(order))
        return ri.weighted_gfi_parts((group.cov - group.implied_cov)[at], group.cov[at], W)
    return ri.gfi_parts(group, group.cov if estimator == "GLS" else group.implied_cov, means=means)


def robust_tests(fit):
    """The complete-data tests of the model and of its null model."""
    if "incomplete" not in fit:
        return {}
    tests = {}
    measures = fit["fit_measures"]
    for name, suffix, df in (
        ("robust", "", measures["df"]),
        ("robust_null", "_null", measures["baseline.df"]),
    ):
        groups = []
        for g, part in zip(moments(fit), fit["incomplete"], strict=True):
            implied = matrix(part["implied_null"]) if suffix else g.implied_cov
            mean = matrix(part["implied_null_mean"]) if suffix else g.implied_mean
            groups.append(
                ri.IncompleteGroup(
                    ri.GroupMoments(g.n, g.cov, g.mean, implied, mean),
                    matrix(part[f"delta{suffix}"]),
                    *(matrix(part[k]) for k in ("weight", "information", "acov")),
                )
            )
        tests[name] = ri.complete_data_test(groups, df)
    return tests


def computed(fit, golden_data):
    measures, options = fit["fit_measures"], fit["options"]
    groups = moments(fit)
    n = sum(g.n for g in groups)
    unbiased = options["estimator"] in ("GLS", "ULS", "WLS") or "likelihood" in options
    model, null = (
        fi.FitTest(measures[chi2], measures[df], measures.get(c, math.nan))
        for chi2, df, c in (
            ("chisq", "df", "chisq.scaling.factor"),
            ("baseline.chisq", "baseline.df", "baseline.chisq.scaling.factor"),
        )
    )
    used = n - len(groups) if unbiased else n
    found = fi.chi_square_measures(model, null, n=used, n_groups=len(groups), **robust_tests(fit))
    if "logl" in measures:
        logls = measures["logl"], measures["unrestricted.logl"]
        found |= fi.likelihood_measures(*logls, measures["npar"], n)
    means = bool(fit["groups"][0]["mean"])
    found |= ri.rmr_family(groups, means=means)
    p = len(groups[0].mean)
    known = len(groups) * (p * (p + 1) // 2 + (p if means else 0))
    parts = [gfi_parts(fit, g, k, golden_data) for k, g in enumerate(groups)]
    found |= ri.gfi_family(parts, [g.n for g in groups], df=measures["df"], n_statistics=known)
    return found | {"ecvi": fi.ecvi(measures["chisq"], used, measures["npar"])}


@pytest.mark.parametrize("name", list(FITS))
def test_every_measure_is_that_of_lavaan(name, golden_data):
    fit = FITS[name]
    measures = fit["fit_measures"]
    found = computed(fit, golden_data)
    if fit["options"]["estimator"] == "ULS":  # its statistic has no known distribution
        found |= {"pvalue": math.nan, "baseline.pvalue": math.nan}
    assert set(measures) - set(found) <= GIVEN
    for measure, expected in measures.items():
        if measure in GIVEN or (measure.startswith("cn_") and not measures["df"]):
            continue  # lavaan's critical n of a model without degrees of freedom is 1; ours NaN
        if expected is None:
            assert math.isnan(found[measure]), measure
        else:
            assert found[measure] == pytest.approx(expected, rel=SEARCH, abs=SEARCH), measure


def test_there_are_as_many_fits_as_the_script_makes():
    assert len(FITS) == 23


few = settings(max_examples=25, deadline=None)  # each draw searches noncentral chi-squares
CHI2 = st.floats(0.1, 500)
DF = st.integers(1, 300)


@given(CHI2, DF, st.floats(1, 2000), DF)
def test_cfi_stays_between_0_and_1_and_is_rni_inside(chi2, df, more, more_df):
    null, df_null = chi2 + more, df + more_df
    value = fi.cfi(chi2, df, null, df_null)
    assert 0 <= value <= 1
    if chi2 > df and null - df_null > chi2 - df:
        assert value == pytest.approx(fi.rni(chi2, df, null, df_null), abs=EXACT)


@few
@given(CHI2, DF, st.integers(50, 5000))
def test_rmsea_lies_inside_its_interval_and_close_fit_inverts_it(chi2, df, n):
    low, high = fi.rmsea_limits(chi2, df, n)
    assert low <= fi.rmsea(chi2, df, n) + 1e-9
    assert fi.rmsea(chi2, df, n) <= high + 1e-9 or high == 0
    if high > 1e-4:  # the upper limit is the RMSEA whose not-close-fit test has p = .05
        p = fi.rmsea_p_notclose(chi2, df, n, notclose=high)
        assert p == pytest.approx(0.05, abs=CLOSED_FORM)


@few
@given(CHI2, DF, st.floats(0.5, 3))
def test_a_scaling_factor_of_one_changes_nothing(chi2, df, factor):
    model, null = fi.FitTest(chi2, df, 1.0), fi.FitTest(chi2 + 900, df + 20, 1.0)
    found = fi.chi_square_measures(model, null, n=300)
    for form in (".scaled", ".robust"):
        for name in ("cfi", "tli", "rmsea", "rmsea.ci.upper", "rmsea.pvalue"):
            assert found[name + form] == pytest.approx(found[name], abs=1e-9)
    # the scaled statistic is the statistic over the factor
    assert fi.FitTest(chi2, df, factor).scaled == pytest.approx(chi2 / factor, abs=EXACT)


def test_no_degrees_of_freedom_is_perfect_and_untestable():
    found = fi.chi_square_measures(fi.FitTest(0.0, 0), fi.FitTest(300.0, 3), n=100)
    assert (found["cfi"], found["tli"], found["rmsea"]) == (1.0, 1.0, 0.0)
    assert math.isnan(found["rmsea.pvalue"])
    assert math.isnan(found["pvalue"])


def test_complete_data_need_no_correction():
    generator = np.random.default_rng(5)
    S = np.cov(generator.normal(size=(6, 40)))
    root = generator.normal(size=(9, 9))
    W = root @ root.T + np.eye(9)
    delta = generator.normal(size=(9, 4))
    group = ri.IncompleteGroup(
        ri.GroupMoments(50.0, S, np.zeros(6), S, np.zeros(6)), delta, W, W, np.linalg.inv(W)
    )
    test = ri.complete_data_test([group], 5)
    assert test.chi2 == pytest.approx(0.0, abs=CLOSED_FORM)
    assert test.scaling == pytest.approx(1.0, abs=CLOSED_FORM)


def test_equal_moments_leave_no_residual():
    S = np.array([[2.0, 0.5], [0.5, 1.0]])
    group = ri.GroupMoments(10.0, S, np.ones(2), S, np.ones(2))
    assert set(ri.rmr_family([group], means=True).values()) == {0.0}
    assert ri.gfi_family([ri.gfi_parts(group, S, means=True)], [10.0], df=1, n_statistics=5)[
        "gfi"
    ] == pytest.approx(1.0, abs=EXACT)
