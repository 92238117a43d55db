"""Factor analyses against psych, factanal and R run to convergence."""

import re
import warnings

import numpy as np

import servlab as sl
from servlab.core.errors import SparseDataWarning
from servlab.estimation.efa_scores import score_weights
from servlab.estimation.extraction import extract
from servlab.estimation.rotation import criterion_of, rotate
from tests.estimation.align import aligned
from tests.golden_checks import checks, data_of, matrix
from tests.tolerances import CLOSED_FORM, EXACT, ITERATIVE

EXTRACTION = {"minres": "minres", "ml": "ml", "uls": "minres", "pa": "paf"}
CONVERGED = 1e-6  # issue 4 asks for this against R run to convergence
POLYCHORIC = 1e-4  # psych's polychorics are good to 2e-5
# How far psych's result lies from the minimum of its own criterion: GPArotation stops at a
# gradient of 1e-5, stats::varimax (and promax from it) at a relative change of 1e-5, the
# principal axis at a change of 1e-3 in the sum of the communalities.
EARLY = {
    "oblimin": 3e-5,
    "quartimin": 3e-5,
    "geominT": 1e-4,
    "geominQ": 2e-4,
    "bentlerQ": 3e-4,
    "quartimax": 2e-4,
    "equamax": 1e-4,
    "varimax": 5e-3,
    "promax": 5e-3,
}
STOPS = "psych's default stops early; against R run to convergence see the rotated loadings."
PAF_EARLY = 1e-3  # psych's own stop: a change of 1e-3


def rotation_of(stored):
    """Return psych's rotation, under servlab's name; its default is oblimin."""
    found = re.search(r'rotate="(\w+)"', stored["call"])
    return found[1] if found else "oblimin"


@checks("efa_*")
def check_efa(stored, agree):
    result, name = stored["result"], stored["name"]
    loadings = matrix(result["loadings"])
    extraction = EXTRACTION[re.search(r'fm="(\w+)"', stored["call"])[1]]
    rotation = rotation_of(stored)
    unlike = rotation == "Promax"  # raises loadings that were not normalized by rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SparseDataWarning)
        given = sl.moments(
            data_of(stored)[result["loadings"]["rows"]],
            missing="pairwise" if name.endswith("_missing") else "listwise",
            kind="polychoric" if name.endswith("_poly") else "pearson",
        )
    ours = sl.efa(
        given, loadings.shape[1], extraction=extraction, rotation="promax" if unlike else rotation
    )
    tolerance = POLYCHORIC if given.kind == "polychoric" else ITERATIVE
    fitted = PAF_EARLY if extraction == "paf" else tolerance
    check_fit(name, ours, result, fitted, agree)
    if unlike:
        return
    turned = max(fitted, EARLY.get(rotation, 0)) if loadings.shape[1] > 1 else fitted
    convention = STOPS if turned > tolerance else ""
    theirs, order, signs = aligned(ours.loadings.to_numpy(), loadings)
    what = (
        f"{extraction} loadings, {rotation}" if loadings.shape[1] > 1 else f"{extraction} loadings"
    )
    agree(name, what, ours.loadings, theirs, turned, convention=convention)
    phi = np.eye(loadings.shape[1])
    if result.get("phi"):
        phi = matrix(result["phi"])[np.ix_(order, order)] * np.outer(signs, signs)
        agree(
            name,
            f"factor correlations, {rotation}",
            ours.factor_cor,
            phi,
            turned,
            convention=convention,
        )
    no_worse(name, theirs, phi, rotation, agree)


def check_fit(name, ours, result, tolerance, agree):
    """Compare what does not depend on the rotation."""
    order = list(result["loadings"]["rows"])
    pairs = {
        "communalities": (ours.communality[order], list(result["communalities"].values())),
        "uniquenesses": (ours.uniqueness[order], list(result["uniquenesses"].values())),
        "RMSEA with its 90 % interval": (
            [ours.rmsea, ours.rmsea_low, ours.rmsea_high],
            [result["RMSEA"][key] for key in ("RMSEA", "lower", "upper")],
        ),
        "TLI": (ours.tli, result["TLI"]),
        "root mean square residual": (ours.rms_residual, result["rms"]),
    }
    early = "psych's principal axis stops at 1e-3." if tolerance == PAF_EARLY else ""
    for statistic, (value, theirs) in pairs.items():
        agree(name, statistic, value, theirs, tolerance, convention=early)
    agree(name, "degrees of freedom", ours.df, result["dof"], 0)
    scale = max(1.0, abs(result["STATISTIC"]))
    loose = 2e-3 if tolerance == PAF_EARLY else tolerance
    agree(
        name,
        "chi-square",
        ours.chi2 / scale,
        result["STATISTIC"] / scale,
        loose,
        unit="relative",
        convention=early,
    )
    agree(
        name,
        "BIC",
        ours.bic / scale,
        result["BIC"] / scale,
        loose,
        unit="of chi-square",
        convention=early,
    )


def no_worse(name, theirs, phi, rotation, agree):
    """Rotate psych's own common part: our criterion may not lie above that of its loadings."""
    m = theirs.shape[1]
    if rotation in ("none", "promax") or m == 1:
        return
    values, vectors = np.linalg.eigh(theirs @ phi @ theirs.T)
    mine = rotate(vectors[:, ::-1][:, :m] * np.sqrt(values[::-1][:m]), rotation).loadings
    criterion = criterion_of(rotation, *theirs.shape, None)
    if rotation == "varimax":  # Kaiser's criterion is on rows of unit length
        mine, theirs = (L / np.sqrt((L**2).sum(axis=1))[:, None] for L in (mine, theirs))
    above = max(criterion(mine)[0] - criterion(theirs)[0], 0.0)
    agree(name, f"{rotation} criterion above that of R's default", above, 0.0, 1e-10)


@checks("factanal_*")
def check_factanal(stored, agree):
    result, name = stored["result"], stored["name"]
    ours = sl.efa(data_of(stored), 5, extraction="ml", rotation=name.split("_")[-1])
    theirs = matrix(result["loadings"])
    agree(name, "uniquenesses", ours.uniqueness, list(result["uniquenesses"].values()), ITERATIVE)
    agree(name, "degrees of freedom", ours.df, result["dof"], 0)
    agree(name, "chi-square", ours.chi2, result["STATISTIC"], ITERATIVE, relative=True)
    if name.endswith("_promax"):  # factanal's promax does not normalize rows before the powers
        return
    early = name.endswith("_varimax")
    agree(
        name,
        f"ml loadings, {name.split('_')[-1]}",
        ours.loadings,
        aligned(ours.loadings.to_numpy(), theirs)[0],
        EARLY["varimax"] if early else ITERATIVE,
        convention=STOPS if early else "",
    )


def goal(k, m):
    """Return the target of scripts/45_converged.R."""
    target = np.zeros((k, m))
    target[np.arange(k), np.arange(k) // -(-k // m)] = 0.6
    return target


@checks("converged_*")
def check_converged(stored, agree):
    name, result = stored["name"], stored["result"]
    A, method = np.array(result["unrotated"]), name.split("_")[-1]
    R = sl.moments(data_of(stored)).cor
    raw = extract(R, A.shape[1], method)
    program = "GPArotation " + stored["versions"]["GPArotation"] + ", to convergence"
    mine = aligned(A, raw.loadings)[0]
    agree(name, f"{method} loadings, unrotated", mine, A, CLOSED_FORM, program="R, to convergence")
    if method == "minres":
        paf = extract(R, A.shape[1], "paf").loadings
        agree(
            name,
            "paf loadings, unrotated",
            aligned(A, paf)[0],
            A,
            CLOSED_FORM,
            program="R, to convergence",
            convention="the same solution as minres.",
        )
    for rotation, theirs in result["rotations"].items():
        ours = rotate(mine, rotation, target=goal(*A.shape))
        pattern, order, signs = aligned(ours.loadings, np.array(theirs["loadings"]))
        agree(
            name,
            f"rotated loadings, {rotation}",
            ours.loadings,
            pattern,
            CONVERGED,
            program=program,
        )
        if theirs.get("phi"):
            phi = np.array(theirs["phi"])[np.ix_(order, order)] * np.outer(signs, signs)
            agree(
                name,
                f"factor correlations, {rotation}",
                ours.factor_cor,
                phi,
                CONVERGED,
                program=program,
            )
        if rotation not in ("promax", "varimax"):
            criterion = criterion_of(rotation, *A.shape, goal(*A.shape))
            best = criterion(np.array(theirs["loadings"]))[0]
            assert ours.value <= best + EXACT * max(1.0, abs(best)) * 10, rotation


@checks("scores_hs1939")
def check_scores(stored, agree):
    result, data = stored["result"], data_of(stored)
    L, Phi = matrix(result["loadings"]), matrix(result["phi"])
    U = 1 - np.diag(L @ Phi @ L.T)
    names = {"regression": "Thurstone", "bartlett": "Bartlett", "tenberge": "tenBerge"}
    for method, theirs in names.items():
        ours = score_weights(sl.moments(data).cor, L, Phi, U, method)
        agree(
            stored["name"],
            f"factor score weights, {method}",
            ours,
            matrix(result[theirs]),
            CLOSED_FORM,
        )


@checks("pca_*")
def check_components(stored, agree):
    """Only the eigenvalues: components are no factors, and servlab rotates factors alone."""
    ours = sl.parallel_analysis(data_of(stored), seed=1, n_draws=10).eigenvalues
    agree(
        stored["name"],
        "eigenvalues, components",
        ours,
        stored["result"]["values"],
        CLOSED_FORM,
        convention="principal components are not rotated: servlab offers common factors.",
    )
