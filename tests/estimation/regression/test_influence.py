"""Influence and residual tests against R's influence.measures and lmtest."""

import numpy as np
import pytest

import servlab as sl
from servlab.core.errors import ModelError, SparseDataWarning
from tests.tolerances import CLOSED_FORM, ITERATIVE

NAME = "regression_influence"
MODEL = "quality ~ staff + speed + wait + channel"


@pytest.fixture(scope="module")
def service(golden_data):
    return golden_data("sim_service.csv")


@pytest.mark.parametrize("weights", [None, "w"])
def test_measures_equal_r(golden, service, agree, weights):
    reference = golden(NAME)["result"]["plain" if weights is None else "weighted"]
    found = sl.influence(sl.regress(MODEL, service, weights=weights))
    for measure in ("leverage", "studentized", "cooks", "dffits"):
        agree(NAME, measure, found.cases[measure], reference[measure], CLOSED_FORM)
    agree(NAME, "dfbetas", found.dfbetas["staff"], reference["dfbetas_staff"], CLOSED_FORM)
    assert found.tests.empty == (weights is not None)


def test_residual_tests_equal_lmtest(golden, service, agree):
    reference = golden(NAME)["result"]
    tests = sl.influence(sl.regress(MODEL, service)).tests
    for name, key in {"breusch_pagan": "bp", "white": "white"}.items():
        agree(
            NAME,
            name,
            tests.loc[name, ["statistic", "df", "p_value"]].astype(float),
            reference[key],
            CLOSED_FORM,
        )
    columns = ["statistic", "df", "df_residual", "p_value"]
    agree(NAME, "RESET", tests.loc["reset", columns].astype(float), reference["reset"], CLOSED_FORM)
    # Royston's approximation, in single precision in both programs' polynomials
    agree(
        NAME,
        "Shapiro-Wilk",
        tests.loc["shapiro_wilk", ["statistic", "p_value"]].astype(float),
        reference["shapiro"],
        ITERATIVE,
    )


def test_what_dfbetas_says_is_what_leaving_out_does(service):
    used = service.dropna().reset_index(drop=True)
    fit = sl.regress("quality ~ staff + wait", used, cov_type="classical")
    found = sl.influence(fit)
    row = int(found.cases["cooks"].idxmax())
    without = sl.regress("quality ~ staff + wait", used.drop(index=row), cov_type="classical")
    change = fit.coefficients["estimate"] - without.coefficients["estimate"]
    spread = np.sqrt((without.residuals**2).sum() / (without.n - 3))
    unit = fit.coefficients["std_error"] / np.sqrt((fit.residuals**2).sum() / (fit.n - 3))
    np.testing.assert_allclose(found.dfbetas.loc[row], change / (spread * unit), rtol=CLOSED_FORM)


@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"cov_type": "classical"}])
def test_the_fit_without_the_flagged_is_a_fit_to_the_others(service, options):
    fit = sl.regress(MODEL, service, **options)
    found = sl.influence(fit)
    assert len(found.flagged) == found.counts.loc["cooks", "n_beyond"] > 0
    other = sl.regress(MODEL, service.drop(index=list(found.flagged)), **options)
    np.testing.assert_allclose(found.changes["without"], other.coefficients["estimate"], rtol=1e-9)
    np.testing.assert_allclose(
        found.changes["low_without"], other.coefficients["conf_low"], rtol=1e-8
    )


def test_a_planted_outlier_is_found(service):
    wild = service.dropna().reset_index(drop=True)
    wild.loc[7, ["quality", "wait"]] = [60.0, 90.0]
    found = sl.influence(sl.regress(MODEL, wild))
    assert 7 in found.flagged
    assert abs(found.changes.loc["wait", "shift"]) > 0.5
    assert found.tests.loc["shapiro_wilk", "p_value"] < 1e-10


def test_someone_alone_in_a_category_counts_under_leverage_only(service):
    lone = service.dropna().reset_index(drop=True)
    lone.loc[4, "channel"] = "fax"
    with pytest.warns(SparseDataWarning):
        fit = sl.regress(MODEL, lone)
    found = sl.influence(fit)
    assert found.cases.loc[4, "leverage"] == pytest.approx(1)
    assert found.cases.loc[4].isna().sum() == 3
    assert found.without is not None


def test_no_row_to_spare_and_no_fit_are_refused(service):
    few = service.dropna().head(4)
    with pytest.raises(ModelError, match="no row can be left out"):
        sl.influence(sl.regress("quality ~ staff + wait", few, cov_type="classical"))
    with pytest.raises(ModelError, match="fit must be the RegressionResult"):
        sl.influence(few)
