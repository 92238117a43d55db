"""Respondents in branches: linear multilevel models with random intercepts and slopes.

Fitted by the kernels of ``random_intercepts`` and ``random_slopes``; why not by statsmodels'
MixedLM is said in the latter. lme4 and lmerTest are the reference programs.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import BoundaryWarning, ModelError, SmallSampleWarning
from servlab.core.standards import standard
from servlab.estimation.regression.collinearity import collinearity, warn_of_pairs
from servlab.estimation.regression.design_checks import (
    INTERCEPT,
    Design,
    build_design,
    check_design,
    column_of,
)
from servlab.estimation.regression.design_warnings import refuse_weights, warn_of_empty
from servlab.estimation.regression.random_intercepts import fit_random_intercepts, summarize
from servlab.estimation.regression.random_slopes import (
    Products,
    RandomSlopes,
    check_random_columns,
    cross_products,
    fit_random_slopes,
    linear_loglik,
)
from servlab.estimation.regression.variance_intervals import (
    NONE,
    Limits,
    icc_limits,
    normal_limits,
    profile_limits,
)

Array = NDArray[np.float64]

RESIDUAL = "Residual"


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
    rows = _rows(design, data, groups, random, reml)
    fit = fit_random_slopes(rows.products())
    variances, correlations, icc_range = _variance_tables(fit, rows, conf_level)
    overlap = collinearity(design)
    coefficients = _coefficients(fit, rows.labels, conf_level)
    coefficients["vif"] = overlap.by_term["vif"].reindex(list(design.terms)).to_numpy()
    coefficients["varies"] = _varies(rows)
    icc, r2_marginal, r2_conditional = _shares(fit, rows)
    result = MultilevelResult(
        outcome=design.aliased.outcome,
        groups=groups,
        random=random,
        coefficients=coefficients,
        variances=variances,
        correlations=correlations,
        random_effects=_effects(fit, rows),
        random_tests=_random_tests(fit, rows),
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


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The rows used as arrays: (n,) outcome, (n, p) fixed and (n, q) random columns, groups."""

    y: Array
    X: Array
    Z: Array
    codes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    names: list[object]
    labels: list[str]
    terms: tuple[str, ...]
    reml: bool

    @property
    def n_parameters(self) -> int:
        """Return the number of coefficients, variances and correlations."""
        q = len(self.terms)
        return len(self.labels) + q * (q + 1) // 2 + 1

    def products(self, dropped: int | None = None) -> Products:
        """Return the kernel's cross products, without one random column where asked."""
        Z = self.Z if dropped is None else np.delete(self.Z, dropped, axis=1)
        return cross_products(self.y, self.X, Z, self.codes, reml=self.reml)


def _rows(
    design: Design, data: pd.DataFrame, groups: str, random: tuple[str, ...], reml: bool
) -> _Rows:
    """Return the arrays of a design, or refuse what no multilevel model can answer."""
    labels = design.labels
    X = design.X.to_numpy()
    _check_terms(design, groups, random)
    check_design(design.y, X, labels, design.aliased.outcome)
    codes, names = _group_codes(data[groups].iloc[design.y.index])
    Z = np.column_stack([np.ones(len(X)), *(X[:, labels.index(name)] for name in random)])
    sizes = np.bincount(codes)
    _check_groups(sizes, Z, random, codes, groups)
    y = design.y.to_numpy(dtype=float)
    summarize(y, X, codes, reml)  # refuses an outcome that does not vary within groups
    return _Rows(y, X, Z, codes, sizes, names, labels, (INTERCEPT, *random), reml)


def _shares(fit: RandomSlopes, rows: _Rows) -> tuple[float, float, float]:
    """Return ICC, marginal and conditional R squared."""
    random = float(np.sum(fit.random_cov * (rows.Z.T @ rows.Z / len(rows.Z))))
    fixed = float(np.var(rows.X @ fit.beta, ddof=1))
    whole = fixed + random + fit.within
    return random / (random + fit.within), fixed / whole, (fixed + random) / whole


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


def _check_terms(design: Design, groups: str, random: tuple[str, ...]) -> None:
    """Refuse a group column among the fixed effects and slopes that these lack."""
    if groups in design.aliased.names.values():
        raise ModelError(
            f"the groups {groups!r} stand in the formula; as random intercepts they are in the "
            "model already. Take them out of the formula."
        )
    for name in random:
        if name not in design.labels:
            raise ModelError(
                f"the random slope {name!r} has no fixed effect, around which slopes could vary; "
                "add it to the formula as a number."
            )


def _group_codes(column: pd.Series) -> tuple[NDArray[np.int64], list[object]]:
    """Return whole numbers for the groups and the groups in order."""
    plain = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    try:
        codes, names = pd.factorize(plain, sort=True)
    except TypeError:  # words and numbers in one column have no order
        codes, names = pd.factorize(plain)
    return codes.astype(np.int64), list(names)


def _check_groups(
    sizes: NDArray[np.int64],
    Z: Array,
    random: tuple[str, ...],
    codes: NDArray[np.int64],
    groups: str,
) -> None:
    """Refuse groups that cannot show what is asked."""
    if len(sizes) < 2:
        raise ModelError(
            f"{groups!r} holds one group in the rows used; a multilevel model needs two."
        )
    if sizes.max() < 2:
        raise ModelError(
            f"every group of {groups!r} has one respondent, so differences between groups cannot "
            "be told from those between respondents; use regress."
        )
    check_random_columns(Z[:, 1:], random, codes)
    if random and len(Z) <= len(sizes) * Z.shape[1]:
        raise ModelError(
            f"{len(Z)} rows cannot tell {Z.shape[1]} random effects of {len(sizes)} groups from "
            "the residuals; leave out a random slope."
        )


def _coefficients(fit: RandomSlopes, labels: list[str], conf_level: float) -> pd.DataFrame:
    df = np.array([fit.satterthwaite(row) for row in np.eye(len(labels))])
    errors = np.sqrt(np.diag(fit.cov_beta))
    t = fit.beta / errors
    half = stats.t.ppf((1 + conf_level) / 2, df) * errors
    return pd.DataFrame(
        {
            "estimate": fit.beta,
            "std_error": errors,
            "statistic": t,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
            "conf_low": fit.beta - half,
            "conf_high": fit.beta + half,
        },
        index=labels,
    )


def _varies(rows: _Rows) -> list[str]:
    """Return what each column differs between."""
    first = rows.X[np.unique(rows.codes, return_index=True)[1]]
    off = np.abs(rows.X - first[rows.codes]).max(axis=0)
    largest = np.abs(rows.X).max(axis=0)
    return [
        "groups" if gap <= 1e-12 * size else "respondents"
        for gap, size in zip(off, largest, strict=True)
    ]


def _variance_tables(
    fit: RandomSlopes, rows: _Rows, conf_level: float
) -> tuple[pd.DataFrame, pd.DataFrame, Limits]:
    """Return variances and correlations with limits, and the limits of the ICC."""
    terms = rows.terms
    q = len(terms)
    lower = upper = np.full((q, q), np.nan)
    limits = np.full((q + 1, 2), np.nan)
    icc = NONE
    if q == 1:
        found = profile_limits(summarize(rows.y, rows.X, rows.codes, rows.reml), conf_level)
        limits, icc = np.array([found["between"], found["within"]]), found["icc"]
    elif not fit.singular:
        limits, lower, upper = normal_limits(fit, conf_level)
        icc = icc_limits(fit, rows.Z.T @ rows.Z / len(rows.Z), conf_level)
    values = np.append(np.diag(fit.random_cov), fit.within)
    variances = pd.DataFrame(
        {"estimate": values, "std_dev": np.sqrt(values), "conf_low": limits[:, 0],
         "conf_high": limits[:, 1]},
        index=[*terms, RESIDUAL],
    )  # fmt: skip
    sd = variances["std_dev"].to_numpy()
    pairs = [
        {
            "lhs": terms[j],
            "rhs": terms[i],
            "estimate": fit.random_cov[i, j] / (sd[i] * sd[j]) if sd[i] * sd[j] > 0 else np.nan,
            "conf_low": lower[i, j],
            "conf_high": upper[i, j],
        }
        for i in range(q)
        for j in range(i)
    ]
    columns = ["lhs", "rhs", "estimate", "conf_low", "conf_high"]
    return variances, pd.DataFrame(pairs, columns=columns), icc


def _effects(fit: RandomSlopes, rows: _Rows) -> pd.DataFrame:
    """Return the predicted effects, a row a group and term."""
    sd = np.sqrt(np.maximum(np.einsum("gqq->gq", fit.effects_cov), 0))
    parts = [
        pd.DataFrame(
            {
                "group": rows.names,
                "term": term,
                "estimate": fit.effects[:, j],
                "std_error": sd[:, j],
                "n": rows.sizes,
            }
        )
        for j, term in enumerate(rows.terms)
    ]
    return pd.concat(parts, ignore_index=True)


def _random_tests(fit: RandomSlopes, rows: _Rows) -> pd.DataFrame:
    """Return the likelihood-ratio test of the intercepts, and of each slope beside the rest."""
    intercepts = fit_random_intercepts(rows.y, rows.X, rows.codes, reml=rows.reml)
    tests = [(INTERCEPT, 2 * (intercepts.loglik - linear_loglik(rows.products())), 1)]
    for j, term in enumerate(rows.terms[1:], start=1):
        without = fit_random_slopes(rows.products(j))
        tests.append((term, 2 * (fit.loglik - without.loglik), len(rows.terms)))
    table = pd.DataFrame(tests, columns=["term", "statistic", "df"])
    table["statistic"] = table["statistic"].clip(lower=0.0)
    tails = [
        0.5 * stats.chi2.sf(x, df) + 0.5 * (stats.chi2.sf(x, df - 1) if df > 1 else float(x <= 0))
        for x, df in zip(table["statistic"], table["df"], strict=True)
    ]
    return table.assign(p_value=tails)


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
