"""Hierarchical regression against R's anova and lmtest's waldtest."""

import numpy as np
import pytest

import servlab as sl
from servlab.core.errors import ModelError, SmallSampleWarning
from tests.tolerances import CLOSED_FORM

STEPS = (
    "quality ~ wait + channel",
    "quality ~ wait + channel + staff + speed",
    "quality ~ staff * wait + channel + speed",
)


@pytest.fixture(scope="module")
def service(golden_data):
    return golden_data("sim_service.csv")


def test_changes_equal_anova_and_waldtest(golden, service, agree):
    name = "regression_hierarchical"
    reference = golden(name)["result"]
    found = sl.hierarchical_regress(STEPS, service)
    steps = found.steps
    assert (found.n, found.n_dropped) == (235, 5)
    assert steps["added"].tolist() == ["wait, channel", "staff, speed", "staff:wait"]
    agree(name, "R squared", steps["r_squared"], reference["r2"], CLOSED_FORM)
    agree(name, "adjusted R squared", steps["adj_r_squared"], reference["adj_r2"], CLOSED_FORM)
    later = steps.iloc[1:]
    for column, key in {
        "f_classical": "f",
        "p_classical": "p",
        "df": "df",
        "f_statistic": "robust_f",
        "p_value": "robust_p",
        "df_residual": "df_residual",
    }.items():
        agree(name, column, later[column], reference[key], CLOSED_FORM)
    with pytest.warns(SmallSampleWarning, match="12 clusters"):
        clustered = sl.hierarchical_regress(STEPS, service, cluster="branch").steps.iloc[1:]
    agree(name, "Wald F, CR1", clustered["f_statistic"], reference["clustered_f"], CLOSED_FORM)
    assert clustered["f_classical"].isna().all()
    assert clustered["df_residual"].eq(11).all()


def test_every_step_rests_on_the_rows_of_the_largest(service):
    found = sl.hierarchical_regress(["quality ~ staff", "quality ~ staff + speed"], service)
    assert [fit.n for fit in found.fits] == [237, 237]
    alone = sl.regress("quality ~ staff", service.dropna(subset=["speed"]))
    assert found.fits[0].r_squared == alone.r_squared
    assert found.steps["r_squared_change"].iloc[1] == pytest.approx(
        found.fits[1].r_squared - alone.r_squared
    )


def test_one_new_coefficient_is_tested_by_the_square_of_its_t(service):
    for options in ({}, {"weights": "w"}, {"cov_type": "HC4"}):
        found = sl.hierarchical_regress(STEPS[1:], service, **options)
        t = found.fits[1].coefficients.loc["staff:wait", "statistic"]
        assert found.steps["f_statistic"].iloc[1] == pytest.approx(t**2, rel=CLOSED_FORM)
    assert np.isnan(
        sl.hierarchical_regress(STEPS[1:], service, weights="w").steps["f_classical"].iloc[1]
    )


@pytest.mark.parametrize(
    ("formulas", "words"),
    [
        (STEPS[:1], "at least two formulas"),
        ("quality ~ staff", "at least two formulas"),
        (("quality ~ staff", "wait ~ staff + speed"), "all steps explain one outcome"),
        (("quality ~ staff", "quality ~ speed + wait"), r"not nested: \['staff'\]"),
        (("quality ~ staff", "quality ~ staff"), "adds nothing"),
        (("quality ~ channel", "quality ~ staff + speed + wait"), "not nested"),
        (("quality ~ staff", "quality ~ staff + gone"), "'gone', which is no column"),
        (("quality ~ staff", "quality ~ staff + quality"), "is the outcome"),
    ],
)
def test_steps_that_are_none_are_refused_by_name(service, formulas, words):
    with pytest.raises(ModelError, match=words):
        sl.hierarchical_regress(formulas, service)


def test_blocks_of_any_names_become_nested_formulas():
    assert sl.nested_formulas("满意度", [["等待 (分)"], [], ["a", "等待 (分)"]]) == (
        "满意度 ~ `等待 (分)`",
        "满意度 ~ `等待 (分)` + a",
    )
