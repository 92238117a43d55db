"""Do the items measure what they should, and what leads to what? CFA and SEM."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.checks import check_choice
from servlab.core.errors import (
    ModelError,
    NotConvergedError,
    NotIdentifiedError,
)
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.data.instrument import Instrument
from servlab.estimation.latent.compile import compile_paths, compile_restrictions
from servlab.estimation.latent.engine import (
    LIKELIHOODS,
    Setup,
    estimate,
    make_fiml_setup,
    make_setup,
)
from servlab.estimation.latent.fiml import find_patterns
from servlab.estimation.latent.flags import told_flags
from servlab.estimation.latent.inference import check_identified, free_directions
from servlab.estimation.latent.measures import evaluate
from servlab.estimation.latent.optimize import Problem
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.prepare import (
    Data,
    Source,
    check_definite,
    check_variables,
    read_samples,
    read_source,
)
from servlab.estimation.latent.result import LatentFit, row_errors, row_values
from servlab.estimation.latent.sample import GroupSample
from servlab.estimation.latent.specification import GroupEqual, parameter_table
from servlab.estimation.latent.start import starting_values
from servlab.estimation.latent.syntax import ModelSyntax

Estimator = Literal["ML", "MLM", "MLR", "GLS", "ULS", "WLS"]
Missing = Literal["listwise", "fiml"]
Model = str | ModelSyntax | Instrument

ESTIMATORS = ("ML", "MLM", "MLR", "GLS", "ULS", "WLS")


@dataclass(frozen=True, slots=True)
class Options:
    """What a fit was asked for, beside its model and data."""

    estimator: Estimator = "ML"
    missing: Missing = "listwise"
    likelihood: Literal["normal", "wishart"] = "normal"
    information: Literal["expected", "observed"] | None = None

    @property
    def fiml(self) -> bool:
        """Whether incomplete rows are used."""
        return self.missing == "fiml"

    @property
    def unbiased(self) -> bool:
        """Whether covariances have denominator n - 1."""
        return self.likelihood == "wishart" or self.estimator in ("GLS", "ULS", "WLS")

    @property
    def used_information(self) -> str:
        """The information that standard errors rest on."""
        if self.information is not None:
            return self.information
        return "observed" if self.fiml or self.estimator == "MLR" else "expected"


def cfa(
    model: Model,
    data: Data,
    *,
    estimator: Estimator = "ML",
    missing: Missing = "listwise",
    group: str | None = None,
    group_equal: Iterable[GroupEqual] = (),
    group_partial: Iterable[str] = (),
    std_lv: bool = False,
    orthogonal: bool = False,
    meanstructure: bool | None = None,
    likelihood: Literal["normal", "wishart"] = "normal",
    information: Literal["expected", "observed"] | None = None,
    cluster: str | None = None,
    weights: pd.Series | str | None = None,
) -> LatentFit:
    """Fit a confirmatory factor analysis.

    Parameters
    ----------
    model : str or Instrument
        In lavaan's notation (``"tangibles =~ t1 + t2 + t3"``), or an instrument, whose
        dimensions are the factors.
    data : DataFrame, Survey, Moments or mapping of str to Moments
        Rows (NaN is missing), or means and covariances that somebody published, one set a group.
    estimator : {"ML", "MLM", "MLR", "GLS", "ULS", "WLS"}
        Maximum likelihood; with errors and tests that are robust to non-normality (MLM: Satorra
        and Bentler, complete rows; MLR: Huber-White and Yuan-Bentler); generalized, unweighted
        and weighted (distribution-free) least squares.
    missing : {"listwise", "fiml"}
        Drop rows with any missing answer, or use every answer there is by full-information
        maximum likelihood (ML and MLR).
    group : str, optional
        Column that parts the groups. Groups stand in order of appearance, or of the categories
        of a categorical column.
    group_equal : iterable of str
        Parameters forced equal over groups: ``loadings, intercepts, residuals,
        residual.covariances, means, lv.variances, lv.covariances, regressions``.
    group_partial : iterable of str
        Terms that stay free all the same, as ``"x3~1"``.
    std_lv : bool
        Factors have variance 1, instead of a first loading of 1.
    orthogonal : bool
        Factors do not correlate.
    meanstructure : bool, optional
        Model means. By default when there are groups or clusters, under FIML, or when the model
        has means.
    likelihood : {"normal", "wishart"}
        Covariances with denominator n, or n - 1.
    information : {"expected", "observed"}, optional
        What standard errors rest on; by default observed under FIML and MLR.
    cluster : str, optional
        Column of clusters (branches) that respondents came from; errors and test then allow for
        their likeness. It needs ``estimator="MLR"``, the same estimates as ML's; lavaan takes
        MLR by itself, this never changes an estimator unasked.
    weights : Series or str, optional
        Sampling weights (MLR): pseudo maximum likelihood. A survey's own are used by themselves.

    Returns
    -------
    LatentFit

    Raises
    ------
    ModelError
        For unknown variables, constant items, covariances without an inverse, options that do
        not go together.
    NotIdentifiedError
        When the data cannot tell some parameters apart; it names them.
    NotConvergedError
        When the gradient does not vanish.

    Warns
    -----
    HeywoodWarning
        When a variance estimate is not positive.
    InadmissibleWarning
        When the factors' covariances could not occur, errors cannot be had for lack of a
        positive definite information, or the standard errors of ULS are naive.
    SmallSampleWarning
        When there are fewer rows than free parameters.
    SparseDataWarning
        Under FIML, when pairs of items were never answered together.

    Notes
    -----
    ML uses covariances with denominator n, least squares n - 1, and chi-square is that many
    times the discrepancy, as in lavaan [rosseel2012]_. Optimisation is Fisher scoring that ends
    in Newton steps at a gradient of rounding size, so that estimates are exact where other
    programs stop earlier. Fixed covariates keep the sample's moments and leave the
    log-likelihood that of the other variables given them.

    With several groups, least squares and the Wishart likelihood weigh each by ``n_g - 1`` in
    estimates, errors and chi-square alike. lavaan weighs errors (and Wishart estimates) by
    ``n_g / n`` there, which moves errors by up to ``1 / (2 n_g)`` where groups are unequal.

    Equalities that repeat others, or that fixed values satisfy, take no degree of freedom;
    those that fixed values break raise.

    Flags of a result: ``heywood``; ``inadmissible``; ``small_sample``; ``naive_errors`` (ULS:
    they presume statistics of equal variance and no covariance); ``weighted``; ``clustered``;
    ``coverage`` (FIML: pairs of items that nobody answered both of);
    ``bound`` (an inequality of the model holds with equality: errors and tests are
    approximate); ``indefinite`` (the observed information is not positive definite).

    References
    ----------
    joreskog1969; satorra1994; yuan2000; browne1984; rosseel2012.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> fit = sl.cfa(survey.instrument, survey)
    >>> fit.df
    199
    """
    options = Options(estimator, missing, likelihood, information)
    return _fit(
        model,
        data,
        options,
        group=group,
        cluster=cluster,
        weights=weights,
        rules={
            "group_equal": (group_equal,) if isinstance(group_equal, str) else tuple(group_equal),
            "group_partial": tuple(group_partial),
            "std_lv": std_lv,
            "orthogonal": orthogonal,
        },
        meanstructure=meanstructure,
    )


def sem(
    model: Model,
    data: Data,
    *,
    estimator: Estimator = "ML",
    missing: Missing = "listwise",
    group: str | None = None,
    group_equal: Iterable[GroupEqual] = (),
    group_partial: Iterable[str] = (),
    std_lv: bool = False,
    orthogonal: bool = False,
    meanstructure: bool | None = None,
    likelihood: Literal["normal", "wishart"] = "normal",
    information: Literal["expected", "observed"] | None = None,
    cluster: str | None = None,
    weights: pd.Series | str | None = None,
) -> LatentFit:
    """Fit a structural equation model: regressions among latent and observed variables.

    Parameters
    ----------
    model : str or Instrument
        In lavaan's notation, as ``"loyalty ~ satisfaction"`` beside factors.
    data, estimator, missing, group, group_equal, group_partial, std_lv, orthogonal
        As in ``cfa``.
    meanstructure, likelihood, information, cluster, weights
        As in ``cfa``.

    Returns
    -------
    LatentFit

    Raises
    ------
    ModelError
        As in ``cfa``.

    Notes
    -----
    The same rules and numbers as ``cfa``: what a model is follows from its text alone.

    References
    ----------
    bollen1989; rosseel2012.

    Examples
    --------
    >>> import servlab as sl
    >>> data = sl.load_example("servqual").items("perception").add_prefix("i")
    >>> model = "a =~ i1 + i2 + i3; b =~ i5 + i6 + i7; b ~ slope*a"
    >>> fit = sl.sem(model, data)
    >>> fit.df
    8
    """
    return cfa(
        model,
        data,
        estimator=estimator,
        missing=missing,
        group=group,
        group_equal=group_equal,
        group_partial=group_partial,
        std_lv=std_lv,
        orthogonal=orthogonal,
        meanstructure=meanstructure,
        likelihood=likelihood,
        information=information,
        cluster=cluster,
        weights=weights,
    )


def _fit(
    model: Model,
    data: Data,
    options: Options,
    *,
    group: str | None,
    cluster: str | None,
    weights: pd.Series | str | None,
    rules: dict[str, object],
    meanstructure: bool | None,
) -> LatentFit:
    """Return the fitted model."""
    source = read_source(data, group, cluster, weights)
    _check_options(options, source)
    several = len(source.group_labels) > 1
    means = meanstructure if meanstructure is not None else _has_means(source, options, several)
    if options.fiml and not means:
        raise ModelError("missing='fiml' models means; leave meanstructure out.")
    table = parameter_table(
        model,
        group_labels=source.group_labels,
        meanstructure=means,
        fixed_x=options.estimator in LIKELIHOODS,
        **rules,  # type: ignore[arg-type]
    )
    return fit_table(table, source, options)


def _has_means(source: Source, options: Options, several: bool) -> bool:
    """Return whether means are modelled when nobody said."""
    if source.frame is None and any(np.isnan(m.mean).any() for m in source.moments.values()):
        return False
    return several or options.fiml or source.clusters is not None


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


def _check_options(options: Options, source: Source) -> None:
    """Raise ``ModelError`` for options that do not go together."""
    check_choice("estimator", options.estimator, ESTIMATORS)
    check_choice("missing", options.missing, ("listwise", "fiml"))
    check_choice("likelihood", options.likelihood, ("normal", "wishart"))
    if options.information is not None:
        check_choice("information", options.information, ("expected", "observed"))
    estimator = options.estimator
    if options.fiml and estimator not in ("ML", "MLR"):
        raise ModelError(f"missing='fiml' needs estimator 'ML' or 'MLR'; got {estimator!r}.")
    if options.likelihood == "wishart" and (estimator not in LIKELIHOODS or options.fiml):
        raise ModelError("likelihood='wishart' is for maximum likelihood of complete rows.")
    if estimator == "MLM" and options.information == "observed":
        raise ModelError("estimator='MLM' rests on the expected information; use 'MLR'.")
    if source.frame is None and estimator in ("MLM", "MLR"):
        raise ModelError(
            f"estimator={estimator!r} needs the rows, which Moments do not have; use 'ML', 'GLS' "
            "or 'ULS', or 'WLS' with moments(items, acov=True)."
        )
    for what, given in (("weights", source.weights), ("cluster", source.clusters)):
        if given is not None and estimator != "MLR":
            raise ModelError(
                f"{what}= needs estimator='MLR', whose estimates are those of maximum likelihood "
                f"and whose errors and chi-square allow for {what}; got {estimator!r}."
            )


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
