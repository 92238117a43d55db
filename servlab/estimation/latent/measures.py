"""Tests and fit measures of a fitted model: chi-squares, their scaled forms, indices."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.linalg import lapack

from servlab.core.brief import brief
from servlab.core.linalg import Array
from servlab.estimation.latent.compile import Restrictions
from servlab.estimation.latent.engine import LIKELIHOODS, Setup, fit_independence, never_together
from servlab.estimation.latent.fiml import available_moments, deviance, pattern_misfit
from servlab.estimation.latent.fit_indices import (
    FitTest,
    chi_square_measures,
    ecvi,
    likelihood_measures,
)
from servlab.estimation.latent.inference import (
    Saturated,
    Scaling,
    covariate_trace,
    first_order,
    inverse_in,
    satorra_bentler,
    saturated_model,
    saturated_trace,
    yuan_bentler,
)
from servlab.estimation.latent.optimize import Directions, Place
from servlab.estimation.latent.options import Options
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.ram import cov_jacobian, information, mean_jacobian
from servlab.estimation.latent.residual_indices import (
    GroupMoments,
    IncompleteGroup,
    complete_data_test,
    gfi_family,
    gfi_parts,
    rmr_family,
    weighted_gfi_parts,
)
from servlab.estimation.latent.standardize import covariates

NAN = float("nan")
LOG_2PI = float(np.log(2 * np.pi))


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """Errors and tests of a fit."""

    vcov: Array
    std_errors: str
    indefinite: bool
    chi2: float
    df: int
    p_value: float
    measures: pd.Series


def evaluate(
    table: ParameterTable,
    setup: Setup,
    place: Place,
    restrictions: Restrictions,
    K: Array,
    options: Options,
) -> Tested:
    """Return errors, tests and fit measures at the estimates."""
    known = setup.n_statistics
    df = known - restrictions.count_free(place.theta)
    base = fit_independence(setup, table.observed, _covariates(table))
    errors = _errors(table, setup, place, K, options, df, base, known - len(base.theta))
    factors = (NAN, NAN) if errors.scaling is None else (errors.scaling.factor, errors.base_factor)
    model = FitTest(2 * setup.scale * max(place.value, 0.0), df, factors[0])
    null = FitTest(2 * setup.scale * base.value, known - len(base.theta), factors[1])
    found = {"npar": float(known - df), "fmin": _minimum(setup, place)}
    complete = _complete(setup, place, base, K, errors, (df, null.df))
    found |= chi_square_measures(
        model, null, n=setup.scale, n_groups=len(setup.samples), robust=complete[0],
        robust_null=complete[1],
    )  # fmt: skip
    if options.estimator == "ULS":  # its chi-square has no known distribution
        found["pvalue"] = found["baseline.pvalue"] = NAN
    found |= _likelihoods(setup, place, known - df)
    if errors.scaling is not None and options.estimator == "MLR":
        found |= {
            "scaling.factor.h1": errors.scaling.h1,
            "scaling.factor.h0": errors.scaling.trace / place.problem.size,
        }
    found |= _residual_indices(setup, place, df, found)
    return Tested(
        errors.vcov / setup.scale,
        errors.kind,
        errors.indefinite,
        model.chi2,
        df,
        found["pvalue"],
        pd.Series(list(found.values()), pd.Index(found, dtype=object), name="value"),
    )


def _covariates(table: ParameterTable) -> tuple[int, ...]:
    """Return the positions of observed variables that only predict."""
    found = covariates(table)
    return tuple(i for i, name in enumerate(table.observed) if name in found)


def _minimum(setup: Setup, place: Place) -> float:
    """Return the minimum as lavaan reports it: least squares once more times (n - 1) / n."""
    likely = setup.estimator in LIKELIHOODS
    return place.value if likely else place.value * setup.scale / setup.n


def _likelihoods(setup: Setup, place: Place, n_parameters: int) -> dict[str, float]:
    """Return log-likelihoods, of the saturated model too, and what follows from them.

    Fixed covariates leave the likelihood of the others given them.
    """
    if setup.estimator not in LIKELIHOODS:
        return {"ntotal": setup.n}
    x = list(setup.exogenous)
    h1, h0 = 0.0, 0.0
    for group, sample in enumerate(setup.samples):
        own = 0.0
        if setup.fiml:
            found = setup.patterns[group]
            answers = float(found.counts @ found.seen.sum(axis=1))
            own = -0.5 * (answers * LOG_2PI + found.n * deviance(found, setup.saturated[group]))
        else:
            own = -0.5 * sample.n * _normal_constant(sample.cov)
        h1 += own + (0.5 * sample.n * _normal_constant(sample.cov[np.ix_(x, x)]) if x else 0.0)
        h0 -= sample.n * place.points[group].value
    return likelihood_measures(h1 + h0, h1, n_parameters, setup.n)


def _normal_constant(cov: Array) -> float:
    """Return minus twice the log-likelihood of a row at its own moments."""
    return float(np.linalg.slogdet(cov)[1] + len(cov) * (LOG_2PI + 1))


def _complete(
    setup: Setup, place: Place, base: Place, K: Array, errors: "Errors", dfs: tuple[int, int]
) -> tuple[FitTest | None, FitTest | None]:
    """Return the complete-data tests of the model and its baseline, under FIML.

    None where the data do not tell all moments.
    """
    saturated = errors.saturated
    if saturated is None or never_together(setup):
        return None, None
    acov = saturated.acov()
    if acov is None:
        return None, None
    given = 0.0  # what the fixed covariates, whose rows are complete, contribute
    if setup.exogenous:
        robust = saturated.meat is not None
        given = covariate_trace(setup) if robust else _moments_of(setup, len(setup.exogenous))
    found = []
    for at, basis, df in ((place, K, dfs[0]), (base, np.eye(len(base.theta)), dfs[1])):
        test = complete_data_test(_incomplete_groups(setup, at, basis, saturated, acov), df)
        found.append(replace(test, scaling=test.scaling - given / df) if df else test)
    return found[0], found[1]


def _moments_of(setup: Setup, k: int) -> float:
    """Return how many means and covariances k variables have over all groups."""
    return float(len(setup.samples) * (k * (k + 1) // 2 + k))


def _incomplete_groups(
    setup: Setup, place: Place, K: Array, saturated: Saturated, acov: Array
) -> list[IncompleteGroup]:
    """Return what the complete-data test needs of each group."""
    groups = []
    row, col = np.tril_indices(setup.size)
    for group, (at, sample) in enumerate(zip(place.implied, setup.samples, strict=True)):
        full = saturated.place.implied[group]
        block = np.ix_(full.paths.par, full.paths.par)
        share = setup.shares[group]
        delta = np.zeros((len(full.paths.par), place.problem.size))
        delta[:, at.paths.par] = np.concatenate([cov_jacobian(at, row, col), mean_jacobian(at)])
        groups.append(
            IncompleteGroup(
                GroupMoments(sample.n, sample.cov, sample.mean, at.sigma, at.mu),
                delta @ K,
                information(full, np.asarray(np.linalg.inv(sample.cov))),
                saturated.info[block] / share,
                acov[block] * share,
            )
        )
    return groups


def _residual_indices(
    setup: Setup, place: Place, df: int, found: dict[str, float]
) -> dict[str, float]:
    """Return indices from residual moments, and those left."""
    groups, parts = [], []
    for group, (sample, at) in enumerate(zip(setup.samples, place.implied, strict=True)):
        mean = at.mu if setup.meanstructure else sample.mean
        one = GroupMoments(sample.n, sample.cov, sample.mean, at.sigma, mean)
        groups.append(one)
        parts.append(_gfi_parts(setup, group, at.sigma, one))
    sizes = [sample.n for sample in setup.samples]
    layout = setup.layout()
    return {
        **rmr_family(groups, means=setup.meanstructure),
        **gfi_family(parts, sizes, df=df, n_statistics=layout.size * len(groups)),
        "ecvi": ecvi(found["chisq"], setup.scale, int(found["npar"])),
    }


def _gfi_parts(setup: Setup, group: int, sigma: Array, one: GroupMoments) -> tuple[float, float]:
    """Return misfit and size of one group's moments, those of fixed covariates left out."""
    if setup.fiml:
        cov, mean = available_moments(setup.rows(group))
        one = replace(one, cov=cov, mean=mean)
    if setup.exogenous:
        one = _without(one, list(setup.exogenous))
    if setup.fiml:
        return pattern_misfit(setup.patterns[group], sigma, one)
    if setup.estimator in ("WLS", "ULS"):
        layout = setup.layout()
        weight = getattr(setup.parts[group], "weight", np.eye(layout.size))
        statistics = layout.vector(one.cov, one.mean)
        away = statistics - layout.vector(one.implied_cov, one.implied_mean)
        return weighted_gfi_parts(away, statistics, weight)
    V = setup.samples[group].cov if setup.estimator == "GLS" else sigma
    return gfi_parts(one, V, means=setup.meanstructure)


def _without(one: GroupMoments, x: list[int]) -> GroupMoments:
    """Return moments in which those of some variables among themselves are zero."""
    covs, means = (
        [one.cov.copy(), one.implied_cov.copy()],
        [one.mean.copy(), one.implied_mean.copy()],
    )
    for cov, mean in zip(covs, means, strict=True):
        cov[np.ix_(x, x)] = 0.0
        mean[x] = 0.0
    return replace(one, cov=covs[0], implied_cov=covs[1], mean=means[0], implied_mean=means[1])


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Covariances of the estimates for one row, and what scales the tests."""

    vcov: Array
    kind: str
    indefinite: bool
    scaling: Scaling | None = None
    base_factor: float = NAN
    saturated: Saturated | None = None


def _errors(
    table: ParameterTable,
    setup: Setup,
    place: Place,
    K: Array,
    options: Options,
    df: int,
    base: Place,
    base_df: int,
) -> Errors:
    """Return covariances of estimates for one row, their kind, scalings, and what failed."""
    observed = options.used_information == "observed"
    info = place.observed() if observed else place.expected()
    indefinite = bool(observed and lapack.dpotrf(Directions.of(K).square(info), lower=1)[1])
    if options.estimator == "ULS" and not observed:
        info = _unit_information(setup, place)
    bread = inverse_in(K, info)
    free = np.eye(len(base.theta))
    if options.estimator == "MLM":
        scaling, meat = satorra_bentler(setup, place, K, df)
        base_factor = satorra_bentler(setup, base, free, base_df)[0].factor
        return Errors(bread @ meat @ bread, "robust.sem", indefinite, scaling, base_factor)
    robust = options.estimator == "MLR"
    saturated = None
    if setup.fiml:
        saturated = saturated_model(setup, table.observed, scores=robust)
    if not robust:
        return Errors(bread, "standard", indefinite, saturated=saturated)
    meat = first_order(setup, place)
    h1 = saturated_trace(setup, table.observed, saturated)
    scaling = yuan_bentler(setup, place, K, df, meat, h1, observed=observed)
    base_factor = yuan_bentler(
        setup, base, free, base_df, first_order(setup, base), h1, observed=observed
    ).factor
    kind = "robust.huber.white" if setup.samples[0].clusters is None else "robust.cluster"
    return Errors(bread @ meat @ bread, kind, indefinite, scaling, base_factor, saturated)


def _unit_information(setup: Setup, place: Place) -> Array:
    """Return ``Delta' Delta``, every statistic counted once, as lavaan has it under ULS."""
    layout = setup.layout()
    out = np.zeros((place.problem.size, place.problem.size))
    for share, at in zip(setup.shares, place.implied, strict=True):
        J = layout.jacobian(at)
        out[np.ix_(at.paths.par, at.paths.par)] += share * (J.T @ J)
    return out
