"""From a parameter table and data to a fitted model: prepare, start, estimate, test."""

import numpy as np
import pandas as pd

from servlab.core.errors import ModelError, NotConvergedError, NotIdentifiedError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.latent.compile import compile_paths, compile_restrictions
from servlab.estimation.latent.engine import Setup, estimate, make_fiml_setup, make_setup
from servlab.estimation.latent.flags import told_flags
from servlab.estimation.latent.inference import check_identified, free_directions
from servlab.estimation.latent.measures import evaluate
from servlab.estimation.latent.optimize import Problem
from servlab.estimation.latent.options import Options
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.prepare import Source, check_definite, check_variables, read_samples
from servlab.estimation.latent.result import LatentFit, row_errors, row_values
from servlab.estimation.latent.row_patterns import find_patterns
from servlab.estimation.latent.sample import GroupSample
from servlab.estimation.latent.start import starting_values


def fit_table(table: ParameterTable, source: Source, options: Options) -> LatentFit:
    """Return the fit of a parameter table to data."""
    check_variables(source, table.observed, table.latent)
    exogenous = exogenous_positions(table)
    samples, dropped = read_samples(
        source,
        table.observed,
        fiml=options.fiml,
        unbiased=options.unbiased,
        meanstructure=table.meanstructure,
        exogenous=exogenous,
    )
    with blas_threads(len(table.observed) + len(table.latent)):
        if options.fiml:
            patterns = tuple(find_patterns(_rows(s.rows), s.weights) for s in samples)
            setup = make_fiml_setup(samples, patterns, table.observed, options.estimator, exogenous)
        else:
            for sample in samples:
                check_definite(sample, table.observed)
            setup = make_setup(
                samples,
                estimator=options.estimator,
                meanstructure=table.meanstructure,
                wishart=options.unbiased,
                exogenous=exogenous,
            )
        return fit_setup(table, setup, options, dropped)


def _rows(rows: Array | None) -> Array:
    """Return rows that are there."""
    if rows is None:
        raise ModelError("missing='fiml' needs the rows.")
    return rows


def fit_setup(
    table: ParameterTable,
    setup: Setup,
    options: Options,
    dropped: int,
    start: Array | None = None,
) -> LatentFit:
    """Return the fit of a parameter table to prepared data."""
    covs = [sample.cov for sample in setup.samples]
    means = [sample.mean for sample in setup.samples]
    paths = compile_paths(table, covs, means)
    restrictions = compile_restrictions(table)
    if start is None:
        start = starting_values(table, covs, means)
    _check_df(table, restrictions.count_free(start), setup)
    try:
        place, iterations = estimate(setup, paths, restrictions, start)
    except NotConvergedError:
        _explain(
            Problem(paths, setup.parts, setup.shares, len(start)), restrictions.K, table, start
        )
        raise
    K = free_directions(restrictions, place.theta)
    check_identified(place, K, table.free_names())
    names = pd.Index(table.free_names(), dtype=object)  # strings of Arrow cost more than a fit
    tested = evaluate(table, setup, place, restrictions, K, options)
    flags = told_flags(table, setup, place, K, tested, options)
    if any(f(place.theta)[0] < 1e-6 for f in restrictions.at_least):
        flags = (*flags, "bound")
    return LatentFit(
        table=table,
        estimator=options.estimator,
        missing=options.missing,
        likelihood=options.likelihood,
        information=options.used_information,
        std_errors=tested.std_errors,
        estimates=row_values(table, place),
        errors=row_errors(table, tested.vcov),
        vcov=pd.DataFrame(tested.vcov, names, names),
        chi2=tested.chi2,
        df=tested.df,
        p_value=tested.p_value,
        fit_measures=tested.measures,
        flags=flags,
        n=round(setup.n),
        n_dropped=dropped,
        group_sizes=pd.Series(
            [_size(s) for s in setup.samples],
            pd.Index([s.label for s in setup.samples], dtype=object),
            name="n",
        ),
        iterations=iterations,
        place=place,
        setup=setup,
        restrictions=restrictions,
    )


def _size(sample: GroupSample) -> int:
    """Return the rows of a group."""
    return round(sample.n) if sample.rows is None else len(sample.rows)


def exogenous_positions(table: ParameterTable) -> tuple[int, ...]:
    """Return the positions of covariates whose moments are the sample's."""
    fixed = {table.lhs[r] for r in np.flatnonzero(table.exo) if table.op[r] == "~~"}
    return tuple(i for i, name in enumerate(table.observed) if name in fixed)


def _check_df(table: ParameterTable, unknowns: int, setup: Setup) -> None:
    """Raise ``NotIdentifiedError`` when there are more unknowns than statistics."""
    known = setup.n_statistics
    if unknowns > known:
        raise NotIdentifiedError(
            f"the model has {unknowns} free parameters and the data only {known} means and "
            f"covariances to tell them by; fix {unknowns - known} of "
            f"{', '.join(table.free_names()[-3:])} and the others, or add indicators."
        )


def _explain(problem: Problem, K: Array, table: ParameterTable, start: Array) -> None:
    """Raise ``NotIdentifiedError`` where that is why a model did not converge."""
    place = problem.at(start + 0.01 * np.abs(start))
    if place is not None:
        check_identified(place, K, table.free_names())
