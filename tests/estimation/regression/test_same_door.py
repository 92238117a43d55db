"""Every kind of regression refuses, flags and names the same things: what an outsider tried."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import (
    CollinearityWarning,
    ModelError,
    NoWeightsError,
    ServlabWarning,
    SmallSampleWarning,
    SparseDataWarning,
    UnweightedWarning,
)

KINDS = {
    "linear": (sl.regress, "y"),
    "quantile": (lambda f, d: sl.quantile_regress(f, d, quantiles=(0.4,)), "y"),
    "ordinal": (sl.ordinal_regress, "o"),
    "logistic": (sl.logistic_regress, "t"),
    "multilevel": (lambda f, d: sl.multilevel(f, d, groups="site"), "y"),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """160 respondents at 10 sites with outcomes of three kinds."""
    rng = np.random.default_rng(11)
    data = pd.DataFrame(rng.normal(size=(160, 2)), columns=["x", "满意 度"])
    data["site"] = np.arange(160) % 10
    level = rng.normal(size=10)[data["site"]]
    data["y"] = data["x"] + level + rng.normal(size=160)
    data["o"] = pd.cut(data["y"], [-99, -1, 1, 99], labels=False) + 1.0
    data["t"] = (data["y"] > 0) * 1.0
    data["w"] = rng.uniform(0.5, 2, size=160)
    return data


def fitted(kind: str, right: str, data: pd.DataFrame):
    """Return the fit of a kind to its outcome."""
    function, outcome = KINDS[kind]
    return function(f"{outcome} ~ {right}", data)


@every_kind
def test_terms_stand_as_written_with_products_last(kind, frame):
    data = frame.assign(area=np.resize(["north", "south", "west [x]"], 160))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)
        tidy = fitted(kind, "x * area + `满意 度`", data).tidy()
    terms = [term for term in tidy["term"] if term != "Intercept" and "|" not in term]
    assert terms == ["x", "area[south]", "area[west [x]]", "满意 度", "x:area[south]",
                     "x:area[west [x]]"]  # fmt: skip


@every_kind
def test_near_collinear_predictors_are_named_and_flagged(kind, frame):
    rng = np.random.default_rng(1)
    data = frame.assign(twin=frame["x"] * 0.9 + rng.normal(size=160) * 0.3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = fitted(kind, "x + twin", data)
    assert [w for w in caught if issubclass(w.category, CollinearityWarning)
            and "'x' with 'twin'" in str(w.message)]  # fmt: skip
    assert "collinear" in fit.flags
    for language in ("en", "zh"):
        assert "twin" in str(sl.narrate(fit, language=language))


@every_kind
def test_a_declared_category_without_respondents_is_flagged(kind, frame):
    area = pd.Categorical(np.resize(["north", "south"], 158), ["north", "south", "moon"])
    with pytest.warns(SparseDataWarning, match=re.escape("nobody is in area[moon]")):
        fit = fitted(kind, "x + area", frame.iloc[:158].assign(area=area))
    assert "empty_category" in fit.flags
    assert "moon" in str(sl.narrate(fit)) + str(sl.table(fit))


def test_an_empty_category_of_a_covariate_is_flagged_in_mediation(frame):
    area = pd.Categorical(np.resize(["north", "south"], 160), ["north", "south", "moon"])
    with pytest.warns(SparseDataWarning, match=re.escape("nobody is in area[moon]")):
        fit = sl.mediation(
            frame.assign(area=area), predictor="x", mediators="满意 度", outcome="y",
            covariates=["area"], seed=1, n_draws=100,
        )  # fmt: skip
    assert fit.flags == ("empty_category",)


@every_kind
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"e": lambda d: pd.Timestamp("2024-01-01") + pd.to_timedelta(d.index, "D")},
         "'e' holds datetime64.*neither numbers nor categories"),
        ({"e": lambda d: d["x"] + 1j}, "'e' holds complex128"),
    ],
)  # fmt: skip
def test_dates_and_complex_numbers_are_refused(kind, frame, change, words):
    with pytest.raises(ModelError, match=words):
        fitted(kind, "x + e", frame.assign(**change))


@every_kind
def test_numbers_kept_as_objects_are_numbers(kind, frame):
    data = frame.assign(e=frame["满意 度"].astype(object).where(frame.index > 3, None))
    fit = fitted(kind, "x + e", data)
    assert fit.n_dropped == 4
    assert "e" in fit.tidy()["term"].tolist()


@every_kind
def test_what_is_no_frame_is_refused(kind):
    with pytest.raises(ModelError, match="must be a pandas DataFrame, a row a respondent; got li"):
        fitted(kind, "x", [1, 2])


def test_weights_of_text_and_levels_of_text_are_refused(frame):
    with pytest.raises(ModelError, match="weights must be numbers; the column holds"):
        sl.regress("y ~ x", frame.assign(w="heavy"), weights="w")
    with pytest.raises(ModelError, match="conf_level must lie between 0 and 1"):
        sl.regress("y ~ x", frame, conf_level="95%")


@pytest.mark.parametrize("kind", ["ordinal", "logistic"])
def test_clusters_are_judged_as_in_linear_regression(kind, frame):
    function, outcome = KINDS[kind]
    with pytest.warns(SmallSampleWarning, match="10 clusters of 'site' are few.*under 40"):
        fit = function(f"{outcome} ~ x", frame, cluster="site")
    assert fit.flags == ("few_clusters",)
    with pytest.raises(ModelError, match="the cluster column 'site' has one value"):
        function(f"{outcome} ~ x", frame.assign(site=1), cluster="site")


@pytest.mark.parametrize("kind", ["linear", "ordinal", "logistic"])
@pytest.mark.filterwarnings("ignore:10 clusters of 'site' are few")
def test_a_number_that_one_cluster_alone_has_is_undetermined(kind, frame):
    function, outcome = KINDS[kind]
    data = frame.assign(pilot=(frame["site"] == 3) * 1.0)
    with pytest.warns(SparseDataWarning, match="pilot hang on one cluster alone"):
        fit = function(f"{outcome} ~ x + pilot", data, cluster="site")
    assert fit.undetermined == ("pilot",)
    assert np.isnan(fit.coefficients.loc["pilot", "std_error"])
    assert fit.coefficients.loc["x", "std_error"] > 0


@pytest.mark.parametrize("change", [lambda d: d["y"], lambda d: -d["y"], lambda d: 3 * d["y"] + 4])
def test_a_surface_on_its_own_outcome_is_refused(frame, change):
    data = frame.assign(e=change)
    with pytest.raises(ModelError, match=r"'x' and 'e' determine the outcome 'y' exactly"):
        sl.response_surface(data, "y", perception="x", expectation="e", midpoint=0)


@pytest.mark.parametrize("kind", ["linear", "quantile"])
@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_predictors_that_make_up_the_outcome_are_refused(kind, mean, frame):
    y = frame["y"] + mean
    data = frame.assign(y=y, rest=y - frame["x"])
    with pytest.raises(ModelError, match=r"determine the outcome 'y' exactly"):
        fitted(kind, "x + rest", data)


def test_quantiles_without_errors_say_so(frame):
    data = frame.assign(area=np.where(frame.index == 5, "lone", "rest"))
    with pytest.warns(SparseDataWarning, match=r"no standard errors at quantiles 0\.5"):
        fit = sl.quantile_regress("y ~ x + area", data, quantiles=(0.5,))
    assert "undetermined" in fit.flags
    assert fit.coefficients["std_error"].isna().all()
    said = str(sl.narrate(fit))
    assert "No standard errors exist at .50" in said
    assert "no quantile shows" not in said  # nothing was tested, so nothing is unclear


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_errors_of_quantiles_do_not_depend_on_units(frame, scale):
    plain = sl.quantile_regress("y ~ x + `满意 度`", frame, quantiles=(0.5,)).coefficients
    data = frame.assign(**{"满意 度": frame["满意 度"] * scale})
    moved = sl.quantile_regress("y ~ x + `满意 度`", data, quantiles=(0.5,)).coefficients
    assert moved["statistic"].tolist() == pytest.approx(plain["statistic"].tolist(), rel=1e-6)


def test_a_multilevel_model_takes_columns_of_large_units(frame):
    data = frame.assign(pay=frame["满意 度"] * 1e9 + 1e10)
    fit = sl.multilevel("y ~ x + pay", data, groups="site")
    plain = sl.multilevel("y ~ x + `满意 度`", frame, groups="site")
    assert fit.loglik + np.log(1e9) == pytest.approx(plain.loglik, abs=1e-5)  # REML has |X'X|


@pytest.mark.parametrize("at", ["north", 0.5, []])
def test_categories_of_a_moderator_come_as_a_sequence(frame, at):
    fit = sl.regress("y ~ x * area", frame.assign(area=np.resize(["north", "south"], 160)))
    with pytest.raises(ModelError, match="at needs a sequence of categories, one at least"):
        sl.simple_slopes(fit, "x", "area", at=at)


@every_kind
def test_weights_of_a_survey_are_never_left_out_in_silence(kind, frame):
    data = frame.rename(columns={"w": "weights"})
    with pytest.warns(UnweightedWarning, match="these respondents, not the population"):
        fitted(kind, "x", data)
    for silent in (data.drop(columns="weights"), data.assign(weights=1.0)):
        fitted(kind, "x", silent)


def test_mediation_warns_of_weights_too(frame):
    data = frame.rename(columns={"w": "weights", "满意 度": "m"})
    with pytest.warns(UnweightedWarning, match="column 'weights'"):
        sl.mediation(data, predictor="x", mediators="m", outcome="y", seed=1, n_draws=100)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("part", "call"),
    [
        ("quantiles", lambda d: sl.quantile_regress("y ~ x", d, weights="w")),
        ("multilevel", lambda d: sl.multilevel("y ~ x", d, groups="site", weights="w")),
        ("mediation", lambda d: sl.mediation(
            d, predictor="x", mediators="o", outcome="y", seed=1, weights="w")),
    ],
)  # fmt: skip
def test_a_method_without_a_weighted_form_refuses_weights(frame, part, call, language):
    with pytest.raises(
        NoWeightsError, match=r"takes no weights: .*use regress with weights"
    ) as told:
        call(frame)
    panel = sl.not_computed(told.value, part, language=language)
    assert ("not the population" if language == "en" else "不能代表总体") in panel.text[0]
