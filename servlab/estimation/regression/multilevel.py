"""Respondents in branches: linear multilevel models with random intercepts and slopes.

Fitted by the kernels of ``random_intercepts`` and ``random_slopes``; why not by statsmodels'
MixedLM is said in the latter. lme4 and lmerTest are the reference programs.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import BoundaryWarning, ModelError, SmallSampleWarning
from servlab.core.standards import standard
from servlab.estimation.regression.collinearity import collinearity, warn_of_pairs
from servlab.estimation.regression.design_checks import build_design, column_of
from servlab.estimation.regression.design_warnings import refuse_weights, warn_of_empty
from servlab.estimation.regression.multilevel_rows import rows_of
from servlab.estimation.regression.multilevel_tables import (
    fixed_effects,
    group_effects,
    random_tests_of,
    shares_explained,
    variance_tables,
    varying_between,
)
from servlab.estimation.regression.random_slopes import RandomSlopes, fit_random_slopes


@brief
@dataclass(frozen=True, slots=True, eq=False)
class MultilevelResult:
    """A fitted multilevel model.

    Attributes
    ----------
    outcome, groups : str
        Columns of the outcome and of the groups.
    random : tuple of str
        Predictors whose slope differs between groups.
    coefficients : DataFrame
        A row a fixed effect: ``estimate``, ``std_error``, ``statistic`` (t), ``df``
        (Satterthwaite), ``p_value``, ``conf_low``, ``conf_high``, ``vif`` and ``varies``
        (``groups`` for a predictor that is constant within every group, else ``respondents``).
    variances : DataFrame
        A row a random effect and one for ``Residual``: ``estimate`` (variance), ``std_dev``,
        ``conf_low``, ``conf_high`` (of the variance).
    correlations : DataFrame
        A row a pair of random effects: ``lhs``, ``rhs``, ``estimate``, ``conf_low``, ``conf_high``.
    random_effects : DataFrame
        A row a group and effect: ``group``, ``term``, ``estimate`` (BLUP, the deviation from the
        fixed effect), ``std_error`` (conditional standard deviation), ``n``.
    random_tests : DataFrame
        Likelihood-ratio tests: ``Intercept`` of random intercepts against none, each slope of the
        whole model against that without it: ``term``, ``statistic``, ``df``, ``p_value``.
    icc, icc_low, icc_high : float
        Share of the random effects in the variance that the predictors leave, in [0, 1].
    design_effect : float
        1 + (m - 1) ICC, m the respondents' mean group size: by how much clustering inflates the
        variance of a mean.
    r2_marginal, r2_conditional : float
        Shares of variance of the fixed, and of fixed and random effects.
    loglik, deviance, aic, bic : float
        Restricted where ``reml``: comparable only between models of the same fixed effects.
    reml : bool
        Whether the restricted likelihood was maximized.
    singular : bool
        Whether a variance is 0 or effects correlate perfectly: the fit is at the boundary.
    collinear : tuple of (str, str)
        Near-collinear predictors, as in ``regress``.
    vif : Series
        Variance inflation factor of each main effect.
    empty : tuple of str
        Declared categories of predictors that no row used has; they are left out.
    n_groups, n_single : int
        Groups, and groups of one respondent.
    n, n_dropped : int
        Rows used, and rows lost to missing values.
    conf_level : float
        Level of the intervals.
    covariance : DataFrame
        Of the fixed effects.
    fit : RandomSlopes
        The kernel's arrays, for tests of further contrasts.
    """

    outcome: str
    groups: str
    random: tuple[str, ...]
    coefficients: pd.DataFrame
    variances: pd.DataFrame
    correlations: pd.DataFrame
    random_effects: pd.DataFrame
    random_tests: pd.DataFrame
    icc: float
    icc_low: float
    icc_high: float
    design_effect: float
    r2_marginal: float
    r2_conditional: float
    loglik: float
    deviance: float
    aic: float
    bic: float
    reml: bool
    singular: bool
    collinear: tuple[tuple[str, str], ...]
    vif: pd.Series
    empty: tuple[str, ...]
    n_groups: int
    n_single: int
    n: int
    n_dropped: int
    conf_level: float
    covariance: pd.DataFrame
    fit: RandomSlopes

    @property
    def few_groups(self) -> bool:
        """Return whether there are too few groups to tell how groups differ."""
        return not standard("groups").met_by(self.n_groups)

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told: ``singular``, ``collinear`` and so on."""
        told = {
            "singular": self.singular,
            "few_groups": self.few_groups,
            "collinear": bool(self.collinear),
            "empty_category": bool(self.empty),
        }
        return tuple(name for name, holds in told.items() if holds)

    def tidy(self) -> pd.DataFrame:
        """Return a row a fixed effect."""
        return self.coefficients.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row for the fit."""
        names = (
            "icc", "icc_low", "icc_high", "design_effect", "r2_marginal", "r2_conditional",
            "loglik", "deviance", "aic", "bic", "reml", "singular", "n_groups", "n_single", "n",
            "n_dropped",
        )  # fmt: skip
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def multilevel(
    formula: str,
    data: pd.DataFrame,
    *,
    groups: str,
    random: tuple[str, ...] = (),
    weights: str | None = None,
    reml: bool = True,
    conf_level: float = 0.95,
) -> MultilevelResult:
    """Fit a linear multilevel model: respondents in groups that differ in level and slopes.

    Parameters
    ----------
    formula : str
        The fixed effects, as in ``regress``: ``"overall ~ staff + `wait (min)`"``; ``"y ~ 1"``
        for the groups alone. Random intercepts are always in.
    data : DataFrame
        A row a respondent; rows with a missing value in a column used are dropped and counted.
    groups : str
        Column of the groups: text, numbers or categories.
    random : tuple of str
        Numeric predictors of the formula whose slope differs between groups; intercepts and slopes
        correlate freely.
    weights : str, optional
        Refused: a multilevel model needs weights for every level, not respondents' weights alone.
    reml : bool
        Restricted likelihood (unbiased variances) or, to compare fixed effects, the plain one.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    MultilevelResult

    Raises
    ------
    ModelError
        For what ``regress`` refuses; weights; a group column in the formula; a random slope that is
        no number, not in the formula or constant within every group; one group; groups of one
        only; fewer rows than random effects; an outcome that does not vary within groups.
    NotConvergedError
        Where the likelihood is flat in a variance.

    Warns
    -----
    BoundaryWarning
        When a variance is estimated as 0 or random effects as perfectly correlated.
    SmallSampleWarning
        For fewer than 6 groups [bolker2009]_.
    CollinearityWarning
        As in ``regress``.

    Notes
    -----
    y = X beta + Z_g b_g + e, b_g ~ N(0, G), e ~ N(0, s2), by (restricted) maximum likelihood as
    lme4 [bates2015]_; t tests with Satterthwaite's degrees of freedom as lmerTest
    [kuznetsova2017]_. Limits of variances and ICC: profile likelihood (restricted where ``reml``)
    for random intercepts; with random slopes normal limits on the log, Fisher's z and logit scale,
    and none at the boundary. With v_f = var(X beta), v_r = mean of z' G z [johnson2014]_,
    R2 is v_f / (v_f + v_r + s2) marginal and (v_f + v_r) / (v_f + v_r + s2) conditional
    [nakagawa2013]_, the ICC v_r / (v_r + s2). Tests of a variance: half the chi-square of q, half
    that of q - 1 degrees of freedom, q given as ``df`` [stram1994]_. Intercept variances refer to
    predictors at 0. AIC and BIC count variances and correlations; BIC uses the rows.

    Examples
    --------
    >>> import numpy as np, pandas as pd, servlab as sl
    >>> rng = np.random.default_rng(1)
    >>> branch = np.repeat(np.arange(20), 10)
    >>> data = pd.DataFrame({"branch": branch, "staff": rng.normal(size=200)})
    >>> data["overall"] = data["staff"] + rng.normal(size=20)[branch] + rng.normal(size=200)
    >>> fit = sl.multilevel("overall ~ staff", data, groups="branch")
    >>> fit.n_groups, bool(0.2 < fit.icc < 0.8)
    (20, True)
    """
    check_conf_level(conf_level)
    random = _checked_random(random, groups, data, weights)
    design = build_design(formula, data.reset_index(drop=True), cluster=groups)
    rows = rows_of(design, data, groups, random, reml)
    fit = fit_random_slopes(rows.products())
    variances, correlations, icc_range = variance_tables(fit, rows, conf_level)
    overlap = collinearity(design)
    coefficients = fixed_effects(fit, rows.labels, conf_level)
    coefficients["vif"] = overlap.by_term["vif"].reindex(list(design.terms)).to_numpy()
    coefficients["varies"] = varying_between(rows)
    icc, r2_marginal, r2_conditional = shares_explained(fit, rows)
    result = MultilevelResult(
        outcome=design.aliased.outcome,
        groups=groups,
        random=random,
        coefficients=coefficients,
        variances=variances,
        correlations=correlations,
        random_effects=group_effects(fit, rows),
        random_tests=random_tests_of(fit, rows),
        icc=icc,
        icc_low=icc_range[0],
        icc_high=icc_range[1],
        design_effect=1 + (float((rows.sizes**2).sum() / rows.sizes.sum()) - 1) * icc,
        r2_marginal=r2_marginal,
        r2_conditional=r2_conditional,
        loglik=fit.loglik,
        deviance=-2 * fit.loglik,
        aic=-2 * fit.loglik + 2 * rows.n_parameters,
        bic=-2 * fit.loglik + float(np.log(len(rows.y))) * rows.n_parameters,
        reml=reml,
        singular=fit.singular,
        collinear=overlap.pairs,
        vif=overlap.by_term["vif"],
        empty=design.empty,
        n_groups=len(rows.sizes),
        n_single=int((rows.sizes == 1).sum()),
        n=len(rows.y),
        n_dropped=design.n_dropped,
        conf_level=conf_level,
        covariance=pd.DataFrame(fit.cov_beta, index=rows.labels, columns=rows.labels),
        fit=fit,
    )
    warn_of_pairs(overlap.pairs, overlap.by_term["vif"])
    warn_of_empty(design.empty, stacklevel=3)
    _warn(result)
    return result


def _checked_random(
    random: tuple[str, ...], groups: str, data: pd.DataFrame, weights: str | None
) -> tuple[str, ...]:
    """Return the random slopes as a tuple of columns, each once; refuse weights and wrong names."""
    why = "respondents' weights alone bias its variances, and each level needs weights of its own"
    refuse_weights(weights, "multilevel", why)
    if isinstance(random, str):
        raise ModelError(f"random must be a tuple of columns, as ({random!r},); got {random!r}.")
    column_of(data, "groups", groups)
    for name in random:
        if not pd.api.types.is_numeric_dtype(column_of(data, "random", name)):
            raise ModelError(f"the random slope {name!r} must be a number; it holds text.")
    if len(set(random)) < len(random):
        raise ModelError(f"random must name each column once; got {tuple(random)}.")
    return tuple(random)


def _warn(result: MultilevelResult) -> None:
    """Warn of a fit at the boundary and of few groups."""
    if result.singular:
        warnings.warn(
            BoundaryWarning(
                f"the multilevel model is at its boundary: a variance between the groups of "
                f"{result.groups!r} is 0 or their effects correlate perfectly. The data do not "
                "support that many random effects; report it, or leave out a slope.",
                key="singular",
                values={"groups": result.groups},
            ),
            stacklevel=3,
        )
    if result.few_groups:
        needed = int(standard("groups").value)
        warnings.warn(
            SmallSampleWarning(
                f"{result.n_groups} groups are too few to tell how much groups differ; needed are "
                f"{needed}. Compare the groups as fixed effects in regress instead.",
                key="few_groups",
                values={"count": str(result.n_groups), "needed": str(needed)},
            ),
            stacklevel=3,
        )
