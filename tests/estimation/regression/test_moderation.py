"""Simple slopes and Johnson-Neyman regions against Bauer and Curran's formulas in R."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError, SparseDataWarning
from tests.tolerances import CLOSED_FORM

NAME = "regression_slopes"
MODEL = "quality ~ staff * wait + channel + speed"


@pytest.fixture(scope="module")
def service(golden_data):
    return golden_data("sim_service.csv")


@pytest.fixture(scope="module")
def fits(service):
    return {k: sl.regress(MODEL, service, cov_type=k) for k in ("HC3", "classical")}


@pytest.mark.parametrize("kind", ["HC3", "classical"])
def test_simple_slopes_equal_r(golden, fits, agree, kind):
    reference = golden(NAME)["result"]
    found = sl.simple_slopes(fits[kind], "staff", "wait").slopes
    theirs = reference[kind.lower()]
    agree(
        NAME,
        "mean and standard deviations of the moderator",
        found["at"],
        reference["at"],
        CLOSED_FORM,
    )
    agree(NAME, f"simple slopes, {kind}", found["estimate"], theirs["estimate"], CLOSED_FORM)
    agree(
        NAME, f"their standard errors, {kind}", found["std_error"], theirs["std_error"], CLOSED_FORM
    )
    assert found["chosen"].tolist() == ["low", "mean", "high"]


@pytest.mark.parametrize("kind", ["HC3", "classical"])
def test_regions_equal_r(golden, fits, agree, kind):
    reference = golden(NAME)["result"]
    found = sl.johnson_neyman(fits[kind], "staff", "wait")
    agree(NAME, f"bounds, {kind}", found.bounds, reference[f"bounds_{kind.lower()}"], CLOSED_FORM)


def test_the_false_discovery_rate_moves_the_bounds_as_in_r(golden, fits, agree):
    reference = golden(NAME)["result"]
    found = sl.johnson_neyman(fits["HC3"], "staff", "wait", adjust="fdr")
    agree(NAME, "critical t, adjusted", found.critical, reference["critical_fdr"], CLOSED_FORM)
    agree(NAME, "bounds, adjusted", found.bounds, reference["bounds_fdr"], CLOSED_FORM)


def test_slopes_by_category_equal_r(golden, service, agree):
    reference = golden(NAME)["result"]["by_channel"]
    found = sl.simple_slopes(
        sl.regress("quality ~ staff * channel + speed", service.dropna()), "staff", "channel"
    )
    agree(NAME, "slopes by category", found.slopes["estimate"], reference["estimate"], CLOSED_FORM)
    agree(NAME, "their errors", found.slopes["std_error"], reference["std_error"], CLOSED_FORM)
    agree(NAME, "F of equal slopes", found.f_statistic, reference["f"], CLOSED_FORM)
    assert found.slopes["at"].tolist() == ["app", "desk", "phone"]
    used = service.dropna()
    for value, lines in found.lines.groupby("at"):
        own = used.loc[used["channel"] == value, "staff"]
        assert (lines["value"].min(), lines["value"].max()) == (own.min(), own.max())


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-30, 30), other=st.floats(-30, 30))
def test_centring_moves_no_slope_and_shifts_the_bounds(shift, other):
    frame = _frame()
    plain = sl.regress("y ~ x * m", frame)
    moved = sl.regress("y ~ x * m", frame.assign(m=frame["m"] - shift, x=frame["x"] - other))
    slopes = [sl.simple_slopes(fit, "x", "m").slopes for fit in (plain, moved)]
    for column in ("estimate", "std_error", "p_value"):
        np.testing.assert_allclose(slopes[0][column], slopes[1][column], atol=1e-8)
    bounds = [np.array(sl.johnson_neyman(fit, "x", "m").bounds) for fit in (plain, moved)]
    np.testing.assert_allclose(bounds[0] - shift, bounds[1], atol=1e-6)


def _frame(n=150, seed=3, change=0.4):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "m": rng.normal(size=n), "z": rng.normal(size=n)}
    )
    frame["y"] = frame["x"] * (0.3 + change * frame["m"]) + rng.normal(size=n)
    return frame


def test_at_a_bound_the_interval_touches_zero_and_shares_are_counted():
    frame = _frame()
    fit = sl.regress("y ~ x * m", frame)
    found = sl.johnson_neyman(fit, "x", "m")
    slopes = sl.simple_slopes(fit, "x", "m", at=found.bounds).slopes
    nearest = slopes[["conf_low", "conf_high"]].abs().min(axis=1)
    assert nearest.max() < 1e-8
    assert found.regions["share"].sum() == pytest.approx(1)
    upper = found.regions.iloc[-1]
    assert upper["standing"] == "above"
    assert upper["share"] == pytest.approx((frame["m"] > found.bounds[-1]).mean())


def test_without_moderation_there_may_be_no_region():
    found = sl.johnson_neyman(sl.regress("y ~ z * m", _frame()), "z", "m")
    assert not found.regions.loc[found.regions["observed"], "standing"].eq("above").any()
    everywhere = _frame(change=0.0).assign(y=lambda d: 5 * d["x"] + d["z"])
    found = sl.johnson_neyman(sl.regress("y ~ x * m", everywhere), "x", "m")
    assert found.share_clear == pytest.approx(1)


def test_a_third_variable_in_products_is_held_at_its_mean():
    frame = _frame()
    fit = sl.regress("y ~ x * m + x * z", frame)
    centred = sl.regress("y ~ x * m + x * z", frame.assign(z=frame["z"] - frame["z"].mean()))
    slopes = [
        sl.simple_slopes(f, "x", "m", at=[0.5]).slopes["estimate"].iloc[0] for f in (fit, centred)
    ]
    table = centred.coefficients["estimate"]
    assert slopes[0] == pytest.approx(slopes[1], abs=CLOSED_FORM)
    assert slopes[1] == pytest.approx(table["x"] + 0.5 * table["x:m"], abs=CLOSED_FORM)


def test_values_nobody_has_are_flagged_and_not_drawn():
    fit = sl.regress("y ~ x * m", _frame())
    found = sl.simple_slopes(fit, "x", "m", at=[0, 99])
    assert found.flags == ("outside",)
    assert found.slopes["inside"].tolist() == [True, False]
    assert set(found.lines["at"]) == {0.0}


@pytest.mark.parametrize(
    ("predictor", "moderator", "words"),
    [
        ("gone", "m", "predictor 'gone' is no predictor"),
        ("x", "z", "no product of 'x' and 'z'"),
        ("x", "x", "no product"),
        ("site", "x", "is a category and has no slope"),
    ],
)
def test_moderation_that_is_not_in_the_model_is_refused(predictor, moderator, words):
    frame = _frame().assign(site=np.resize(["a", "b", "c"], 150))
    fit = sl.regress("y ~ x * m + z + site * x", frame)
    with pytest.raises(ModelError, match=words):
        sl.simple_slopes(fit, predictor, moderator)


def test_regions_need_a_number_and_categories_must_exist():
    frame = _frame().assign(site=np.resize(["a", "b", "c"], 150))
    fit = sl.regress("y ~ x * site", frame)
    with pytest.raises(ModelError, match="has no region; use simple_slopes"):
        sl.johnson_neyman(fit, "x", "site")
    with pytest.raises(ModelError, match=r"no category \['d'\]; it has a, b, c"):
        sl.simple_slopes(fit, "x", "site", at=["d"])
    with pytest.raises(ModelError, match="fit must be the RegressionResult that regress returns"):
        sl.simple_slopes("fit", "x", "site")
    with pytest.raises(ModelError, match="numbers; got"):
        sl.simple_slopes(sl.regress("y ~ x * m", frame), "x", "m", at=["high"])
    with pytest.raises(ModelError, match="finite number"):
        sl.simple_slopes(sl.regress("y ~ x * m", frame), "x", "m", at=[])
    lone = frame.assign(site=["one", *np.resize(["a", "b"], 149)])
    with pytest.warns(SparseDataWarning, match="hang on one respondent"):
        fit = sl.regress("y ~ x * m + site", lone)
    assert sl.simple_slopes(fit, "x", "m").slopes["std_error"].notna().all()
