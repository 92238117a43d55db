"""Quantile regression against R's quantreg."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError, SmallSampleWarning, SparseDataWarning
from tests.tolerances import CLOSED_FORM, ITERATIVE

NAME = "quantile_service"
MODEL = "quality ~ staff + speed + wait + channel"
TERMS = ["Intercept", "staff", "speed", "wait", "channel[desk]", "channel[phone]"]


@pytest.fixture(scope="module")
def service(golden_data):
    return golden_data("sim_service.csv")


@pytest.fixture(scope="module")
def fit(service):
    return sl.quantile_regress(MODEL, service)


def test_quantiles_equal_quantreg(golden, fit, agree):
    reference = golden(NAME)["result"]
    table = fit.coefficients.set_index(["quantile", "term"])
    columns = ("estimate", "std_error", "p_value")
    wide = {c: [table[c].loc[tau].loc[TERMS] for tau in fit.quantiles] for c in columns}
    agree(NAME, "coefficients", wide["estimate"], reference["estimate"], CLOSED_FORM)
    agree(NAME, "standard errors, nid", wide["std_error"], reference["std_error"], ITERATIVE)
    agree(NAME, "p values, nid", wide["p_value"], reference["p"], ITERATIVE)
    agree(NAME, "loss", fit.fits["loss"], reference["objective"], CLOSED_FORM)
    empty = np.asarray(reference["empty"])
    ratio = 1 - np.asarray(reference["objective"]) / empty
    agree(NAME, "pseudo R", fit.fits["pseudo_r"], ratio, CLOSED_FORM)


def test_a_share_of_the_residuals_lies_below_each_quantile(service, fit):
    used = service.dropna()
    marks = [used["channel"] == value for value in ("desk", "phone")]
    X = np.column_stack([np.ones(len(used)), used[["staff", "speed", "wait"]], *marks])
    X = X.astype(float)
    for tau, rows in fit.coefficients.groupby("quantile"):
        left = used["quality"] - X @ rows.set_index("term")["estimate"].loc[TERMS].to_numpy()
        below, on = (left < -1e-9).sum(), (left.abs() <= 1e-9).sum()
        assert on == len(TERMS)
        assert below <= tau * len(used) <= below + on


def test_moving_and_stretching_the_outcome_moves_the_lines(service, fit):
    other = sl.quantile_regress(MODEL, service.assign(quality=3 - 2 * service["quality"]))
    first = fit.coefficients.query("quantile == 0.25").set_index("term")["estimate"]
    turned = other.coefficients.query("quantile == 0.75").set_index("term")["estimate"]
    np.testing.assert_allclose(turned.drop("Intercept"), -2 * first.drop("Intercept"), atol=1e-8)


def test_bootstrap_errors_are_repeatable_and_like_the_sandwich(service, fit):
    options = {"quantiles": (0.5,), "errors": "bootstrap", "n_draws": 200}
    one, two = (sl.quantile_regress(MODEL, service, seed=4, **options) for _ in range(2))
    pd.testing.assert_frame_equal(one.coefficients, two.coefficients)
    nid = fit.coefficients.query("quantile == 0.5").set_index("term")["std_error"]
    ratio = one.coefficients.set_index("term")["std_error"] / nid
    assert ratio.between(0.6, 1.7).all()


def test_medians_between_two_answers_are_not_unique():
    frame = pd.DataFrame({"x": np.repeat([0.0, 1.0], 20), "y": np.arange(40.0)})
    with pytest.warns(SparseDataWarning, match="other coefficients fit"):
        found = sl.quantile_regress("y ~ x", frame, quantiles=(0.5,))
    assert found.flags == ("not_unique",)
    odd = sl.quantile_regress("y ~ x", frame.drop(index=[0, 39]), quantiles=(0.5,))
    assert odd.coefficients["estimate"].tolist() == pytest.approx([10.0, 19.0])


def test_an_outcome_of_few_answers_wants_a_bootstrap(service):
    coarse = service.assign(quality=service["quality"].round().clip(1, 7))
    with pytest.warns(SparseDataWarning, match=r"has 7 distinct answers.*bootstrap"):
        found = sl.quantile_regress("quality ~ staff", coarse, quantiles=(0.5,))
    assert "coarse" in found.flags


def test_lines_that_cross_and_few_rows_are_flagged():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=25), "z": rng.normal(size=25)})
    frame["y"] = rng.normal(size=25) * (1 + frame["x"] ** 2)
    with pytest.warns() as caught:
        found = sl.quantile_regress("y ~ x + z", frame, quantiles=(0.45, 0.5, 0.55, 0.9))
    assert {"crossing", "few"} <= set(found.flags)
    assert any(issubclass(w.category, SmallSampleWarning) for w in caught)
    assert 0 < found.share_crossing <= 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quantiles": (0.5, 1.0)}, "lie between 0 and 1"),
        ({"quantiles": ()}, "lie between 0 and 1"),
        ({"quantiles": (0.5, 0.5)}, "given once"),
        ({"errors": "bootstrap"}, "give a seed"),
        ({"errors": "iid"}, "errors must be one of 'nid'"),
        ({"conf_level": 95}, "conf_level must lie between"),
    ],
)
def test_bad_quantile_regressions_are_refused(service, options, words):
    with pytest.raises(ModelError, match=words):
        sl.quantile_regress(MODEL, service, **options)
