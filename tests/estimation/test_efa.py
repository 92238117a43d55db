"""Factor analysis against psych: every golden fit of the kinds servlab does, and its identities."""

import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import HeywoodWarning, ModelError
from servlab.estimation import rotation as rotations
from servlab.estimation.extraction import extract
from servlab.estimation.moments import moments
from servlab.estimation.rotation import ROTATIONS as ALL_ROTATIONS
from tests.conftest import GOLDEN
from tests.tolerances import CLOSED_FORM, ITERATIVE

ROTATIONS = [name for name in ALL_ROTATIONS if not name.startswith("target")]
EXTRACTION = {"minres": "minres", "ml": "ml", "uls": "minres", "pa": "paf"}
# R's defaults stop early: its varimax at 1e-5 of the criterion's change (loadings to 3e-3; promax
# starts from it), GPArotation at a gradient of 1e-5, the principal axis at 1e-3. Against R run to
# convergence see test_rotations.py; our criterion is never worse.
EARLY = 5e-3
FLAT = {"geominQ": 2e-4, "bentlerQ": 3e-4, "geominT": 1e-4}
STOPS_EARLY = (
    "varimax",
    "quartimax",
    "equamax",
    "promax",
    "geominT",
    "geominQ",
    "bentlerT",
    "bentlerQ",
)
OBLIQUE = 3e-5
LEFT_OUT = {
    "efa_bfi_gls_none": "no generalized least squares extraction is offered",
    "efa_bfi_wls_none": "no weighted least squares extraction is offered",
    "efa_bfi_minres_Promax": "psych's promax without Kaiser normalization; servlab has SPSS's",
}


def golden_fits():
    """Return (name, golden) of every psych fit by an extraction and rotation servlab has."""
    found = []
    for path in sorted(GOLDEN.glob("efa_*.json")):
        if path.stem in LEFT_OUT or path.stem.endswith("_poly"):
            continue
        fit = json.loads(path.read_text(encoding="utf-8"))
        method = re.search(r'fm="(\w+)"', fit["call"])[1]
        rotation = re.search(r'rotate="(\w+)"', fit["call"])
        turned = rotation[1] if rotation else "none"
        found.append(pytest.param(fit, EXTRACTION[method], turned, id=path.stem))
    return found


FITS = golden_fits()


def matrix(stored):
    return np.array(stored["values"], dtype=float).reshape(len(stored["rows"]), -1)


def aligned(ours, theirs):
    """Return psych's loadings in our order and direction of factors, and that order with signs."""
    products = ours.T @ theirs
    _, order = linear_sum_assignment(-np.abs(products))
    signs = np.sign(products[np.arange(len(order)), order])
    return theirs[:, order] * signs, order, signs


def test_all_golden_fits_are_here():
    assert len(FITS) == 29


@pytest.mark.parametrize(("fit", "extraction", "rotation"), FITS)
def test_loadings_correlations_and_fit_equal_psych(fit, extraction, rotation, golden_data):
    reference = fit["result"]
    loadings = matrix(reference["loadings"])
    data = golden_data(fit["data_file"].split("/")[-1])[reference["loadings"]["rows"]]
    given = moments(data, missing="pairwise" if "missing" in fit["name"] else "listwise")
    ours = sl.efa(given, loadings.shape[1], extraction=extraction, rotation=rotation)
    theirs, order, signs = aligned(ours.loadings.to_numpy(), loadings)
    early = dict.fromkeys(STOPS_EARLY, EARLY) | FLAT
    tolerance = (early | dict.fromkeys(("oblimin", "quartimin"), OBLIQUE)).get(rotation, ITERATIVE)
    tolerance = max(tolerance, 6e-4) if extraction == "paf" else tolerance
    np.testing.assert_allclose(ours.loadings, theirs, atol=tolerance)
    if reference.get("phi"):
        phi = matrix(reference["phi"])[np.ix_(order, order)] * np.outer(signs, signs)
        np.testing.assert_allclose(ours.factor_cor, phi, atol=tolerance)
    rel = 2e-3 if extraction == "paf" else ITERATIVE  # psych's principal axis stops at 1e-3
    close = {"rel": rel, "abs": ITERATIVE}
    assert ours.chi2 == pytest.approx(reference["STATISTIC"], **close)
    assert ours.df == reference["dof"]
    assert ours.tli == pytest.approx(reference["TLI"], **close)
    assert ours.bic == pytest.approx(reference["BIC"], **close)
    assert ours.rms_residual == pytest.approx(reference["rms"], **close)
    rmsea = (ours.rmsea, ours.rmsea_low, ours.rmsea_high)
    expected = tuple(reference["RMSEA"][name] for name in ("RMSEA", "lower", "upper"))
    assert rmsea == pytest.approx(expected, abs=ITERATIVE)


@pytest.mark.parametrize(
    "rotation", ["varimax", "quartimax", "oblimin", "geominT", "geominQ", "bentlerQ", "equamax"]
)
def test_criterion_is_no_worse_than_psychs(rotation, golden):
    raw = matrix(golden("efa_bfi_minres_none")["result"]["loadings"])
    theirs = matrix(golden(f"efa_bfi_minres_{rotation}")["result"]["loadings"])
    ours = rotations.rotate(raw, rotation).loadings
    if rotation == "varimax":  # Kaiser's criterion is on rows of unit length
        ours, theirs = (L / np.sqrt((L**2).sum(axis=1))[:, None] for L in (ours, theirs))
    criterion = rotations.criterion_of(rotation, *raw.shape, None)
    assert criterion(ours)[0] <= criterion(theirs)[0] + CLOSED_FORM


def simulated(seed, m):
    """Draw items of m correlated factors, four items each, n = 400."""
    rng = np.random.default_rng(seed)
    k = 4 * m
    L = np.zeros((k, m))
    for j in range(m):
        L[4 * j : 4 * j + 4, j] = rng.uniform(0.5, 0.85, 4) * rng.choice([-1, 1])
    L += rng.normal(0, 0.05, L.shape)
    phi = np.full((m, m), 0.3) + 0.7 * np.eye(m)
    psi = 1 - np.einsum("ij,jk,ik->i", L, phi, L)
    F = rng.multivariate_normal(np.zeros(m), phi, 400)
    X = F @ L.T + rng.normal(size=(400, k)) * np.sqrt(np.clip(psi, 0.1, None))
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(k)])


@pytest.mark.parametrize("m", [3, 4, 5, 6])
@pytest.mark.parametrize("seed", range(3))
def test_every_rotation_reproduces_the_common_part(seed, m):
    data = simulated(seed, m)
    raw = extract(moments(data).cor, m, "minres").loadings
    for rotation in ROTATIONS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HeywoodWarning)
            fit = sl.efa(data, m, rotation=rotation)
        L, phi = fit.loadings.to_numpy(), fit.factor_cor.to_numpy()
        assert np.abs(L @ phi @ L.T - raw @ raw.T).max() < 1e-10  # the issue's own bound
        squares = (L**2).sum(axis=0)
        assert (np.diff(squares) <= CLOSED_FORM).all()
        assert (L.sum(axis=0) >= 0).all()
        np.testing.assert_allclose(np.diag(phi), 1, atol=CLOSED_FORM)


def test_second_opinion_agrees_with_factor_analyzer(golden_data):
    data = golden_data("bfi25_cc.csv")
    for rotation in ("none", "varimax", "oblimin"):
        opinion = sl.second_opinion(sl.efa(data, 5, rotation=rotation))
        assert opinion.agrees, (rotation, opinion.largest_difference)
    with pytest.raises(ModelError, match="factor_analyzer gives a comparable answer"):
        sl.second_opinion(sl.efa(data, 5, rotation="promax"))


def test_a_researchers_own_factor_analyzer_still_runs(golden_data):
    """The lock holds scikit-learn under 1.8, where factor-analyzer's fit still works."""
    from factor_analyzer import FactorAnalyzer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        items = golden_data("hs1939.csv").filter(regex=r"^x\d")
        analyzer = FactorAnalyzer(n_factors=3, rotation="varimax").fit(items)
    assert analyzer.loadings_.shape == (9, 3)


def test_heywood_case_is_flagged_by_name():
    rng = np.random.default_rng(3)
    f = rng.normal(size=(60, 1))
    X = f @ np.array([[1.0, 0.3, 0.3, 0.2]]) + rng.normal(size=(60, 4)) * [0.01, 1, 1, 1]
    data = pd.DataFrame(X, columns=list("abcd"))
    with pytest.warns(HeywoodWarning, match="the uniqueness of a"):
        fit = sl.efa(data, 1)
    assert fit.heywood == ("a",)
    assert fit.flags == ("heywood",)


def test_tidy_columns_have_a_meaning(golden_data):
    fit = sl.efa(golden_data("bfi25_cc.csv"), 5)
    check_tidy(fit.tidy().columns)
    check_tidy(fit.glance().columns)
    assert len(fit.tidy()) == 125


def test_bad_factor_analyses_are_refused_by_name(golden_data):
    data = golden_data("hs1939.csv").filter(regex=r"^x\d")
    with pytest.raises(ModelError, match="9 items carry at most 5 factors; got n_factors = 6"):
        sl.efa(data, 6)
    with pytest.raises(ModelError, match="are constant"):
        sl.efa(data.assign(x1=3.0), 2)
    with pytest.raises(ModelError, match="copies of each other"):
        sl.efa(data.assign(x10=data["x1"]), 2)
    with pytest.raises(ModelError, match="more rows than items; got 6 rows of 9 items"):
        sl.efa(data.iloc[:6], 2)
    with pytest.raises(ModelError, match="no row is left"):
        sl.efa(data.assign(x1=np.nan), 2)
    with pytest.raises(ModelError, match="rotation must be one of"):
        sl.efa(data, 2, rotation="equamax2")
