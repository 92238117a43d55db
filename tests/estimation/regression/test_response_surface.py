"""Response surfaces against R, their invariants, the kiosk survey's figures, and bad inputs."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import CollinearityWarning, ModelError
from servlab.data.schema import Scale
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM

CODEBOOKS = Path(__file__).resolve().parents[2] / "codebooks"
FEATURES = ["a1", "a2", "a3", "a4", "stationary_perception", "stationary_expectation",
            "p11", "p21", "p10", "p20"]  # fmt: skip


def hs(golden_data):
    frame = golden_data("hs1939.csv").rename(columns={"x4": "perception", "x5": "expectation"})
    return frame.assign(w=np.resize([1, 2, 0.5], len(frame)))


def rows(n=200, seed=3, r=0.3):
    """Answers with a dome of satisfaction over P = E."""
    rng = np.random.default_rng(seed)
    z = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], size=n)
    frame = pd.DataFrame(4 + z, columns=["perception", "expectation"])
    gap = frame["perception"] - frame["expectation"]
    return frame.assign(y=5 - 0.4 * gap**2 + 0.5 * rng.normal(size=n))


@pytest.mark.parametrize("cov_type", ["HC3", "classical"])
def test_surface_equals_r(golden, golden_data, agree, cov_type):
    name, key = "response_surface", cov_type.lower()
    reference = golden(name)["result"]
    fit = sl.response_surface(
        hs(golden_data), "x1", midpoint=reference["midpoint"], cov_type=cov_type
    )
    theirs = reference[key]
    ours = fit.surface.loc[theirs["names"]]
    assert theirs["names"] == FEATURES
    coefs = fit.coefficients
    agree(name, "coefficients", coefs["estimate"], reference["b"], CLOSED_FORM)
    agree(
        name, f"standard errors, {cov_type}", coefs["std_error"],
        reference[f"{key}_se"], CLOSED_FORM,
    )  # fmt: skip
    agree(name, "a1 to a4, stationary point, axes", ours["estimate"], theirs["estimate"],
          CLOSED_FORM)  # fmt: skip
    agree(name, f"delta-method errors, {cov_type}", ours["std_error"], theirs["se"], CLOSED_FORM)
    column = "f_robust" if cov_type == "HC3" else "f_statistic"
    wanted = dict(reference[f"f_{key}"])
    wanted["difference_linear"] = reference["linear_difference"][key]
    wanted["absolute_difference"] = reference["absolute_difference"][key]
    found = fit.constraints.loc[list(wanted), column]
    agree(name, f"F of the constraints, {cov_type}", found, list(wanted.values()), CLOSED_FORM)


def test_models_side_by_side_equal_r(golden, golden_data, agree):
    name = "response_surface"
    reference = golden(name)["result"]
    fit = sl.response_surface(hs(golden_data), "x1", midpoint=reference["midpoint"])
    models = fit.models.loc[reference["models"]]
    agree(name, "R squared of seven models", models["r_squared"], reference["r2"], CLOSED_FORM)
    agree(name, "adjusted R squared", models["adj_r_squared"], reference["adj_r2"], CLOSED_FORM)
    agree(name, "R squared left-one-out", models["r_squared_cv"], reference["press"], CLOSED_FORM)
    assert fit.coefficients["df"].iloc[0] == reference["df"]


def test_weighted_surface_equals_r(golden, golden_data, agree):
    name = "response_surface_weighted"
    reference = golden(name)["result"]
    fit = sl.response_surface(hs(golden_data), "x1", midpoint=reference["midpoint"], weights="w")
    theirs = reference["hc3"]
    ours = fit.surface.loc[theirs["names"]]
    agree(name, "coefficients", fit.coefficients["estimate"], reference["b"], CLOSED_FORM)
    agree(name, "standard errors, HC3", fit.coefficients["std_error"], reference["hc3_se"],
          CLOSED_FORM)  # fmt: skip
    agree(name, "delta-method errors, HC3", ours["std_error"], theirs["se"], CLOSED_FORM)
    wanted = dict(reference["f_hc3"], difference_linear=reference["linear_difference"])
    found = fit.constraints["f_robust"].loc[list(wanted)]
    agree(name, "F of the constraints, HC3", found, list(wanted.values()), CLOSED_FORM)
    r2 = fit.models["r_squared"].loc[["quadratic", "linear"]]
    agree(name, "R squared", r2, [reference["r2_quadratic"], reference["r2_linear"]], CLOSED_FORM)
    assert fit.constraints["f_statistic"].isna().all()
    assert fit.n_effective < fit.n


@pytest.mark.shared_data
def test_kiosk_gap_explains_less_than_the_surface(shared_data):
    kiosk = sl.read_survey(shared_data / "kiosk" / "kiosk_servqual.csv", CODEBOOKS / "kiosk.toml")
    fit = sl.response_surface(kiosk, "satisfaction")  # the mean of Y1 and Y2
    gap = fit.constraints.loc["difference"]
    assert fit.n == 207
    assert round(fit.r_squared, 3) == 0.316
    assert round(fit.models.loc["difference", "r_squared"], 3) == 0.206
    assert (gap["df"], gap["df_residual"]) == (4, 201)
    assert round(gap["f_statistic"], 2) == 8.08
    assert fit.midpoint == 4
    assert fit.congruence == "none"  # a4 is no dome, and more is better (a3)


def test_a_dome_over_p_equals_e_is_found_as_congruence():
    fit = sl.response_surface(rows(), "y", midpoint=4)
    assert fit.congruence == "strict"
    assert fit.surface.loc["a4", "conf_high"] < 0
    assert abs(fit.surface.loc["p11", "estimate"] - 1) < 0.2
    assert fit.constraints.loc["squared_difference", "p_robust"] > 0.01
    assert fit.constraints.loc["difference", "p_robust"] < 1e-6


@given(st.floats(-3, 3), st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_the_surface_does_not_depend_on_where_it_is_centred(shift, seed):
    frame = rows(60, seed)
    one, other = (sl.response_surface(frame, "y", midpoint=m) for m in (4, 4 + shift))
    P, E = np.meshgrid(np.linspace(1, 7, 4), np.linspace(1, 7, 4))
    scale = np.abs(one.predict(P, E)).max()
    assert np.allclose(one.predict(P, E), other.predict(P, E), atol=1e-8 * scale)
    # curvatures stay, slopes move by 2 a2 along P = E, and the gap's constraints stay
    a, b = one.surface["estimate"], other.surface["estimate"]
    assert b["a2"] == pytest.approx(a["a2"], abs=1e-7)
    assert b["a4"] == pytest.approx(a["a4"], abs=1e-7)
    assert b["a3"] == pytest.approx(
        a["a3"] + 2 * shift * (one.coefficients.loc["P2", "estimate"]
                               - one.coefficients.loc["E2", "estimate"]), abs=1e-6)  # fmt: skip
    assert b["a1"] == pytest.approx(a["a1"] + 2 * shift * a["a2"], abs=1e-6)
    assert b["p10"] + (4 + shift) * (1 - b["p11"]) == pytest.approx(
        a["p10"] + 4 * (1 - a["p11"]), rel=1e-5, abs=1e-5
    )
    assert np.allclose(one.models, other.models, atol=1e-7)
    kept = ["difference_linear", "difference", "linear", "absolute_difference"]
    assert np.allclose(one.constraints.loc[kept], other.constraints.loc[kept], rtol=1e-6)


@given(st.integers(0, 20))
@settings(max_examples=15, deadline=None)
def test_swapping_perception_and_expectation_turns_the_incongruence_round(seed):
    frame = rows(60, seed)
    one = sl.response_surface(frame, "y", midpoint=4)
    other = sl.response_surface(
        frame, "y", midpoint=4, perception="expectation", expectation="perception"
    )
    a, b = one.surface["estimate"], other.surface["estimate"]
    for name, sign in {"a1": 1, "a2": 1, "a3": -1, "a4": 1}.items():
        assert b[name] == pytest.approx(sign * a[name], abs=1e-9)
    assert b["stationary_perception"] == pytest.approx(a["stationary_expectation"], rel=1e-6)
    assert b["p11"] == pytest.approx(1 / a["p11"], rel=1e-6)
    same = ["difference", "linear", "squared_difference", "absolute_difference"]
    assert np.allclose(one.constraints.loc[same], other.constraints.loc[same], rtol=1e-6)


def test_a_ridge_has_a_first_axis_though_no_stationary_point():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(4, 1, size=(50, 2)), columns=["perception", "expectation"])
    frame["y"] = -((frame["perception"] - frame["expectation"] - 0.5) ** 2)
    frame["y"] += 1e-7 * rng.normal(size=50)
    fit = sl.response_surface(frame, "y", midpoint=4)
    assert fit.surface.loc["p10", "estimate"] == pytest.approx(-0.5, abs=1e-6)
    assert fit.surface.loc["p11", "estimate"] == pytest.approx(1, abs=1e-6)


def test_tied_perceptions_and_expectations_do_not_change_the_absolute_difference():
    fit = sl.response_surface(tiny_survey(n=80), "satisfaction")
    assert np.isfinite(fit.constraints.loc["absolute_difference", "f_statistic"])
    assert (fit.observed["perception"] == fit.observed["expectation"]).any()


def test_of_a_survey_only_items_answered_in_both_batteries_count():
    survey = tiny_survey(n=90, missing=0.05, min_answered=0.5)
    fit = sl.response_surface(survey, "satisfaction", dimension="b")
    gaps = sl.gap_scores(survey).scores["b"]
    ours = fit.observed["perception"] - fit.observed["expectation"]
    assert np.allclose(ours, gaps.loc[ours.index], atol=1e-12)
    assert fit.n + fit.n_dropped == survey.n


def test_several_outcomes_are_averaged_and_their_scales_must_agree():
    survey = tiny_survey(n=80)
    second = survey.outcomes.assign(loyalty=survey.outcomes["satisfaction"].to_numpy()[::-1])
    info = survey.variables["satisfaction"]
    both = dataclasses.replace(
        survey, outcomes=second, variables={**survey.variables, "loyalty": info}
    )
    mean = dataclasses.replace(both, outcomes=second.assign(satisfaction=second.mean(axis=1)))
    one = sl.response_surface(both, ["satisfaction", "loyalty"])
    other = sl.response_surface(mean, "satisfaction")
    assert one.outcome == ("satisfaction", "loyalty")
    assert np.allclose(one.coefficients, other.coefficients)
    apart = dataclasses.replace(
        both,
        variables={
            **both.variables,
            "loyalty": dataclasses.replace(info, scale=Scale(low=0, high=10)),
        },
    )
    with pytest.raises(ModelError, match="different scales"):
        sl.response_surface(apart, ["satisfaction", "loyalty"])


def test_names_of_columns_may_be_anything():
    frame = rows(60).rename(columns={"perception": "感知 (1-7)", "expectation": "wish`d", "y": "C"})
    fit = sl.response_surface(frame, "C", midpoint=4, perception="感知 (1-7)", expectation="wish`d")
    assert (fit.perception, fit.expectation) == ("感知 (1-7)", "wish`d")


@pytest.mark.parametrize(("r", "warned"), [(0.86, False), (0.93, True)])
def test_nearly_collinear_batteries_are_named(r, warned):
    frame = rows(400, 7, r)
    if not warned:
        assert sl.response_surface(frame, "y", midpoint=4).flags.count("collinear") == 0
        return
    with pytest.warns(CollinearityWarning, match="'perception' with 'expectation'"):
        fit = sl.response_surface(frame, "y", midpoint=4)
    assert "collinear" in fit.flags
    wide = np.ptp(fit.coefficients.loc["P", ["conf_low", "conf_high"]].astype(float))
    apart = sl.response_surface(rows(400, 7, 0), "y", midpoint=4)
    assert wide > 1.5 * np.ptp(apart.coefficients.loc["P", ["conf_low", "conf_high"]].astype(float))


def flat(column, value=7.0):
    return rows(60).assign(**{column: value})


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (flat("expectation"), {}, "'expectation' is constant over the 60 rows used .all 7"),
        (flat("perception"), {}, "'perception' is constant"),
        (flat("y"), {}, "'y' is constant"),
        (rows(6), {}, "6 complete rows cannot estimate the 6 terms"),
        (rows(60), {"midpoint": None}, "midpoint must be the middle"),
        (rows(60), {"expectation": "no"}, "expectation names 'no', which is no column"),
        (rows(60), {"dimension": "a"}, "dimension belongs to a survey"),
        (rows(60), {"cov_type": "HC9"}, "cov_type must be one of"),
        (rows(60), {"conf_level": 95}, "conf_level must lie between 0 and 1"),
        (rows(60).assign(w=1.0), {"weights": "w", "cov_type": "classical"}, "need robust"),
        (rows(60).assign(w=-1.0), {"weights": "w"}, "negative"),
        (rows(60).assign(expectation="often"), {}, "'expectation' holds no numbers"),
        (rows(60).assign(expectation=np.inf), {}, "infinite"),
        (rows(60).assign(expectation=np.nan), {}, "no respondent has the outcome"),
        (rows(60).assign(expectation=lambda d: d["perception"]), {}, "determine each other"),
        (rows(60).assign(expectation=np.resize([6.0, 7.0], 60)), {}, "too few different values"),
        (rows(60), {"outcome": []}, "outcome must be a name"),
        (rows(60), {"outcome": ["y", "y"]}, "one thing twice"),
        ("file.csv", {}, "data must be a Survey or a pandas DataFrame"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted_is_refused_by_name(data, options, message):
    given = {"outcome": "y", "midpoint": 4} | options
    with pytest.raises(ModelError, match=message):
        sl.response_surface(data, **given)


@pytest.mark.parametrize(
    ("survey", "outcome", "options", "message"),
    [
        (tiny_survey(batteries=("perception",)), "satisfaction", {}, "expectation is missing"),
        (tiny_survey(), "loyalty", {}, "no outcome 'loyalty'; it has satisfaction"),
        (tiny_survey(), "satisfaction", {"dimension": "z"}, "the instrument has a, b"),
        (tiny_survey(), "satisfaction", {"weights": "w"}, "a survey brings its own"),
    ],
)
def test_surveys_that_lack_what_is_needed_are_refused(survey, outcome, options, message):
    with pytest.raises(ModelError, match=message):
        sl.response_surface(survey, outcome, **options)


def test_batteries_on_different_scales_are_refused():
    survey = tiny_survey()
    other = dataclasses.replace(
        survey, scales=dict(survey.scales) | {"expectation": Scale(low=1, high=5)}
    )
    with pytest.raises(ModelError, match="different scales"):
        sl.response_surface(other, "satisfaction")


def test_one_row_that_alone_determines_a_term_has_no_robust_errors():
    frame = rows(30).assign(expectation=np.resize([6.0, 7.0], 30))
    frame.loc[0, "expectation"] = 1.0
    with pytest.raises(ModelError, match="one row alone determines a term"):
        sl.response_surface(frame, "y", midpoint=4)
    fit = sl.response_surface(frame, "y", midpoint=4, cov_type="classical")
    assert np.isnan(fit.models.loc["quadratic", "r_squared_cv"])


def test_a_weighted_survey_gives_the_weights_of_its_frame():
    weights = np.resize([1.0, 2.0, 0.0], 90)
    survey = tiny_survey(n=90, weights=weights)
    fit = sl.response_surface(survey, "satisfaction")
    frame = fit.observed.assign(
        y=survey.outcomes["satisfaction"].loc[fit.observed.index],
        w=survey.weights.loc[fit.observed.index],
    )
    same = sl.response_surface(frame, "y", midpoint=4, weights="w")
    assert np.allclose(fit.coefficients, same.coefficients)
    assert fit.weighted
    assert fit.n == 60
