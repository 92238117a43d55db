"""Do the items measure what they should, and what leads to what? CFA and SEM."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.estimation.latent.engine import LIKELIHOODS
from servlab.estimation.latent.fitting import fit_table
from servlab.estimation.latent.options import Estimator, Missing, Options, check_options
from servlab.estimation.latent.prepare import Data, Source, read_source
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.specification import GroupEqual, parameter_table
from servlab.estimation.latent.syntax import ModelSyntax

Model = str | ModelSyntax | Instrument


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
    check_options(options, source)
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
