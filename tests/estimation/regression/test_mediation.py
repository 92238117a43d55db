"""Mediation against lm, lavaan and boot; identities; what must be refused."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import ModelError
from servlab.estimation.regression.mediation_paths import (
    Layout,
    bootstrap_effects,
    effects_of,
    jackknife_effects,
)
from tests.tolerances import CLOSED_FORM, EXACT

ROLES = {"predictor": "x1", "mediators": ["x4", "x7"], "outcome": "x9", "covariates": ["ageyr"]}


def small(n=120, seed=1):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": rng.normal(size=n), "site": rng.choice(["s", "t"], size=n)})
    data["m"] = 0.6 * data["x"] + rng.normal(size=n)
    data["k"] = 0.4 * data["x"] + 0.3 * data["m"] + rng.normal(size=n)
    data["y"] = 0.5 * data["m"] + 0.3 * data["k"] + 0.2 * data["x"] + rng.normal(size=n)
    return data


def run(data, **changes):
    options = {"predictor": "x", "mediators": ["m", "k"], "outcome": "y", "seed": 1}
    return sl.mediation(data, **{**options, "n_draws": 300, **changes})


@pytest.mark.parametrize("interval", ["percentile", "bca"])
def test_mediation_equals_lm_lavaan_and_boot(golden, golden_data, agree, interval):
    name = "mediation_hs"
    reference = golden(name)["result"]
    found = sl.mediation(
        golden_data("hs1939.csv"), **ROLES, seed=2, n_draws=5000, interval=interval
    )
    order = [
        "x1 -> x4 -> x9",
        "x1 -> x7 -> x9",
        "indirect",
        "(x1 -> x4 -> x9) - (x1 -> x7 -> x9)",
        "direct",
        "total",
    ]
    effects = found.effects.loc[order]
    estimate = effects["estimate"]
    agree(name, "effects, lm", estimate, reference["point"][4:], CLOSED_FORM)
    agree(
        name,
        "indirect and total effects, lavaan",
        estimate.iloc[[0, 1, 2, 5]],
        reference["lavaan"],
        CLOSED_FORM,
        program="lavaan 0.6.14",
    )
    paths = found.paths.loc[["x1 -> x4", "x1 -> x7", "x4 -> x9", "x7 -> x9"], "estimate"]
    agree(name, "paths", paths, reference["point"][:4], CLOSED_FORM)
    sobel = (effects["estimate"] / effects["sobel_statistic"]).iloc[:2]
    agree(name, "Sobel's errors", sobel, reference["sobel_se"], CLOSED_FORM)
    # Monte Carlo: a limit of 5,000 draws has an error of about .03 to .04 standard errors, that
    # of R's 20,000 half of it; six of them are allowed, over 12 limits
    error = np.array(reference["boot_se"])
    for limit, column in (("low", "conf_low"), ("high", "conf_high")):
        ours = effects[column] / error
        theirs = np.array(reference[f"{interval}_{limit}"]) / error
        agree(name, f"{interval} limits, {limit}", ours, theirs, 0.25, unit="standard errors")


def test_serial_paths_equal_lm(golden, golden_data, agree):
    a, a2, d, direct, b1, b2 = golden("mediation_hs")["result"]["serial"]
    found = sl.mediation(
        golden_data("hs1939.csv"),
        **{**ROLES, "covariates": ()},
        model="serial",
        seed=1,
        n_draws=100,
    )
    ours = found.effects["estimate"].iloc[[0, 1, 2, -2]]
    theirs = [a * b1, a2 * b2, a * d * b2, direct]
    agree("mediation_hs", "serial indirect effects", ours, theirs, CLOSED_FORM)
    assert found.effects.index[2] == "x1 -> x4 -> x7 -> x9"


@pytest.mark.parametrize("model", ["parallel", "serial"])
def test_total_is_the_slope_without_mediators_and_draws_are_refits(model):
    data = small()
    found = run(data, model=model, covariates=["site"])
    plain = sl.regress("y ~ x + site", data).coefficients.loc["x", "estimate"]
    effects = found.effects["estimate"]
    assert effects["total"] == pytest.approx(plain, abs=1e-10)
    assert effects["total"] == pytest.approx(effects["direct"] + effects["indirect"], abs=EXACT)
    Z = np.column_stack([np.ones(120), data[["x", "m", "k", "y"]]])
    layout = Layout(1, 2, model == "serial")
    drawn = bootstrap_effects(Z, layout, seed=9, n_draws=3)
    rng = np.random.default_rng(9)
    rows = rng.integers(0, 120, (3, 120))
    for one, kept in zip(drawn, rows, strict=True):
        np.testing.assert_allclose(one, effects_of(Z[kept].T @ Z[kept], layout), atol=1e-10)
    without = effects_of(Z[1:].T @ Z[1:], layout)
    np.testing.assert_allclose(jackknife_effects(Z, layout)[0], without, atol=1e-10)


def test_units_scale_effects_and_one_mediator_has_one_indirect_effect():
    data = small()
    plain = run(data, mediators="m")
    moved = run(data.assign(x=10 * data["x"] + 3, y=2 * data["y"], m=-data["m"]), mediators="m")
    assert plain.effects.index.tolist() == ["x -> m -> y", "direct", "total"]
    columns = ["estimate", "conf_low", "conf_high"]
    np.testing.assert_allclose(moved.effects[columns] * 5, plain.effects[columns], atol=1e-9)
    np.testing.assert_allclose(moved.effects["std_beta"], plain.effects["std_beta"], atol=1e-9)
    assert moved.effects["sobel_p"].iloc[0] == pytest.approx(plain.effects["sobel_p"].iloc[0])
    share = plain.effects["estimate"].iloc[0] / plain.effects["estimate"].iloc[-1]
    assert plain.proportion == pytest.approx(share)


def test_no_share_without_a_clear_total_effect():
    rng = np.random.default_rng(3)
    data = small().assign(y=rng.normal(size=120))
    assert np.isnan(run(data).proportion)
    opposed = small(400).assign(y=lambda d: d["m"] - 0.1 * d["x"] + 0.1 * rng.normal(size=400))
    found = run(opposed, mediators="m")
    assert found.effects.loc["total", "conf_low"] > 0
    assert np.isnan(found.proportion)  # direct and indirect pull in opposite directions


def test_the_seed_decides_and_rows_are_counted():
    data = small().rename(columns={"m": "感知 价值"})
    data.loc[[0, 1], "y"] = np.nan
    first = run(data, mediators=["感知 价值"])
    again = run(data, mediators=["感知 价值"])
    pd.testing.assert_frame_equal(first.effects, again.effects)
    assert (first.n, first.n_dropped, first.n_failed) == (118, 2, 0)
    check_tidy(first.tidy().columns)
    check_tidy(first.glance().columns)
    two = run(small().assign(y=lambda d: (d["y"] > 0) * 1.0))
    assert two.two_valued == ("y",)
    assert two.flags == ("two_valued",)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({}, {"mediators": []}, "at least one mediator"),
        ({}, {"mediators": ["m", "x"]}, r"columns \['x'\] have two roles"),
        ({}, {"covariates": ["nothere"]}, "'nothere', which is no column"),
        ({}, {"predictor": "site"}, "'site' holds categories; predictor and mediators must be"),
        ({"m": 1.0}, {}, "the predictor 'm' is constant"),
        ({"m": lambda d: 2 * d["x"]}, {}, "are exact combinations"),
        ({"m": lambda d: 2 * d["y"]}, {}, "'m' is the outcome 'y' but for its scale"),
        ({"y": lambda d: d["m"] + d["x"] - d["k"]}, {}, "'y' is an exact combination"),
        ({"y": "text"}, {}, "the outcome 'y' holds text"),
        ({}, {"n_draws": 10}, "n_draws must be a whole number of at least 100"),
        ({}, {"interval": "normal"}, "interval must be one of 'bca', 'percentile'"),
        ({}, {"model": "serial", "mediators": "m"}, "serial mediation takes 2 to 3 mediators"),
    ],
)
def test_bad_mediations_are_refused(change, options, words):
    with pytest.raises(ModelError, match=words):
        run(small().assign(**change), **options)


def test_draws_that_tell_nothing_are_too_many():
    data = small(12).assign(x=lambda d: (d.index == 0) * 1.0)
    with pytest.raises(ModelError, match="of 300 draws could be used"):
        run(data, mediators="m", n_draws=300)
