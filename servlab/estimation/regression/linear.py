"""What goes with satisfaction, and how surely: linear regression with the checks that always run.

statsmodels estimates; ours is the door (any column name, rows counted), robust errors by default
and the checks: constant predictors, a predictor that is the outcome, exact and near collinearity,
coefficients that hang on one respondent or one cluster.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level
from servlab.core.errors import ModelError
from servlab.estimation.regression.collinearity import collinearity, warn_of_pairs
from servlab.estimation.regression.covariance import COV_TYPES, CovType, coefficient_covariance
from servlab.estimation.regression.design_checks import (
    INTERCEPT,
    Design,
    build_design,
    check_clusters,
    check_design,
)
from servlab.estimation.regression.design_warnings import few_clusters, warn_of_design
from servlab.estimation.regression.standardized import standardized_coefficients

Array = NDArray[np.float64]
PERFECT = 1e-16  # share of the outcome's variance left over from which on a fit is exact


@brief
@dataclass(frozen=True, slots=True, eq=False)
class RegressionResult:
    """A fitted linear regression.

    Attributes
    ----------
    outcome : str
        Column left of the tilde.
    coefficients : DataFrame
        A row a term: ``estimate``, ``std_error``, ``statistic`` (t), ``df``, ``p_value``,
        ``conf_low``, ``conf_high``, ``std_beta`` and ``vif`` (NaN for the intercept and for
        products; the columns of one category share their term's).
    r_squared, adj_r_squared : float
        In [0, 1]; adjusted may be negative.
    f_statistic, f_df, f_df_residual, p_value : float
        Wald test that all determined slopes are zero, under ``cov_type``.
    condition_number : float
        Of the design matrix with columns scaled to unit length.
    collinear : tuple of tuple of str
        Each predictor whose VIF reaches 5 or that correlates .85 with another, with the one it
        goes with most.
    residuals, fitted : Series
        A row a respondent used.
    cov_type : str
        ``HC3``, ``classical``, ``cluster`` or another of the HC family.
    n, n_dropped : int
        Rows used, and rows lost to missing values or a weight of zero.
    n_effective : float
        Kish's effective number of rows under weights; n without.
    conf_level : float
        Level of the intervals.
    formula : str
        The formula as given.
    covariance : DataFrame
        (p, p) covariance of the coefficients, NaN where undetermined.
    vif : DataFrame
        A row a main effect: ``gvif``, ``df``, ``vif`` = gvif^(1 / df).
    undetermined : tuple of str
        Terms that hang on one respondent (or one cluster) alone: their errors are NaN.
    n_clusters : int or None
        Clusters, with clustered errors.
    design : Design
        The rows, the design matrix, weights and clusters behind the fit.
    """

    outcome: str
    coefficients: pd.DataFrame
    r_squared: float
    adj_r_squared: float
    f_statistic: float
    f_df: int
    f_df_residual: int
    p_value: float
    condition_number: float
    collinear: tuple[tuple[str, str], ...]
    residuals: pd.Series
    fitted: pd.Series
    cov_type: CovType
    n: int
    n_dropped: int
    n_effective: float
    conf_level: float
    formula: str
    covariance: pd.DataFrame
    vif: pd.DataFrame
    undetermined: tuple[str, ...]
    n_clusters: int | None
    design: Design

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told; nothing is the usual case.

        ``collinear``; ``undetermined`` (a category of one respondent, or of one cluster);
        ``few_clusters``; ``empty_category``.
        """
        found = {
            "collinear": bool(self.collinear),
            "undetermined": bool(self.undetermined),
            "few_clusters": few_clusters(self.n_clusters),
            "empty_category": bool(self.design.empty),
        }
        return tuple(name for name, holds in found.items() if holds)

    def tidy(self) -> pd.DataFrame:
        """Return a row a term."""
        return self.coefficients.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row for the fit."""
        names = ("r_squared", "adj_r_squared", "f_statistic", "p_value", "condition_number")
        row = {name: getattr(self, name) for name in names}
        row |= {"df": self.f_df, "df_residual": self.f_df_residual}
        row |= {"n": self.n, "n_dropped": self.n_dropped, "n_effective": self.n_effective}
        row["n_clusters"] = float("nan") if self.n_clusters is None else self.n_clusters
        return pd.DataFrame([row])


def regress(
    formula: str,
    data: pd.DataFrame,
    *,
    cov_type: CovType | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> RegressionResult:
    """Fit a linear regression.

    Parameters
    ----------
    formula : str
        ``"satisfaction ~ staff + `wait (min)` + C(branch)"``; text columns are categories;
        ``a:b`` is a product and ``a*b`` a product with its parts.
    data : DataFrame
        A row a respondent; rows with a missing value in a column used are dropped and counted.
    cov_type : {"HC3", "classical", "cluster", "HC0", "HC1", "HC2", "HC4"}, optional
        Errors robust to heteroscedasticity [long2000]_ [cribari2004]_, the textbook's, or
        clustered. By default ``HC3``, and ``cluster`` where a cluster is named.
    weights : str, optional
        Column of probability weights; needs robust or clustered errors.
    cluster : str, optional
        Column that says who belongs together (branch, interviewer): clustered errors.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    RegressionResult

    Raises
    ------
    ModelError
        For an unknown column, a constant or perfectly collinear predictor, a predictor equal to
        the outcome, predictors that determine the outcome exactly, a constant outcome, an empty
        combination of categories, one cluster only, a formula without intercept, or fewer rows
        than coefficients + 1.

    Warns
    -----
    CollinearityWarning
        When a variance inflation factor reaches 5 or a correlation of predictors .85; it names
        the predictors.
    SparseDataWarning
        When a coefficient hangs on one respondent or one cluster (its error is then NaN), or a
        declared category has no respondent (it is then left out).
    SmallSampleWarning
        When there are fewer than 40 clusters [cameron2015]_.

    Notes
    -----
    t and F use n - p degrees of freedom, p coefficients; with clusters G - 1. Clustered errors
    are CR1: G / (G - 1) (n - 1) / (n - p) times the sandwich of cluster sums, as R's
    ``sandwich::vcovCL`` has them.

    Probability weights enter estimates and residuals; HC3 is kept since HC0, which is R's
    ``survey::svyglm`` but for n / (n - 1), is too small in small samples or at high leverage
    [long2000]_. The two agree as n grows; ``cov_type="HC0"`` gives the other.

    Standardized coefficients are b s_x / s_y (weighted under weights); with products, variables
    are standardized before they are multiplied. The VIF of a number is 1 / (1 - R2_j) among the
    main effects, that of a category its generalized factor [fox1992]_ to the power 1 / df;
    products have none, since they correlate with their parts by construction.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1.0, 2, 2, 4, 5], "x": [1.0, 2, 3, 4, 5]})
    >>> float(sl.regress("y ~ x", data).coefficients.loc["x", "estimate"].round(12))
    1.0
    """
    check_conf_level(conf_level)
    kind = errors_kind(cov_type, weights, cluster)
    design = build_design(formula, data, weights=weights, cluster=cluster)
    check_design(design.y, design.X.to_numpy(), design.labels, design.aliased.outcome)
    check_clusters(design, cluster)
    fit = fit_design(design, kind, conf_level, formula=formula)
    warn_of_flags(fit, cluster, stacklevel=3)
    return fit


def errors_kind(cov_type: CovType | None, weights: str | None, cluster: str | None) -> CovType:
    """Return the kind of errors that options ask for, or raise ``ModelError``."""
    kind: CovType = cov_type or ("HC3" if cluster is None else "cluster")
    check_choice("cov_type", kind, COV_TYPES)
    if kind == "cluster" and cluster is None:
        raise ModelError("cov_type='cluster' needs the column of clusters; give cluster='branch'.")
    if cluster is not None and kind != "cluster":
        raise ModelError(
            f"cluster={cluster!r} asks for clustered errors, cov_type={kind!r} for others; leave "
            "one of the two out."
        )
    if weights is not None and kind == "classical":
        raise ModelError("probability weights need robust errors; use cov_type='HC3'.")
    return kind


def fit_design(
    design: Design, kind: CovType, conf_level: float, *, formula: str
) -> RegressionResult:
    """Return the regression on a design that passed its checks."""
    labels, w = design.labels, design.weights
    fit = _fit(design)
    root = np.ones(len(design.y)) if w is None else np.sqrt(w / w.mean())
    rows, residuals = design.X.to_numpy() * root[:, None], np.asarray(fit.resid) * root
    V, lost = coefficient_covariance(rows, residuals, kind, design.cluster)
    n_clusters = None if design.cluster is None else design.n_clusters
    df = int(fit.df_resid) if n_clusters is None else n_clusters - 1
    params = np.asarray(fit.params)
    found = collinearity(design)
    table = coefficient_table(params, V, df, labels, conf_level)
    table["std_beta"] = standardized_coefficients(design, params)
    vif = found.by_term["vif"]
    table["vif"] = [float(vif.get(term, np.nan)) for term in design.terms]
    slopes = [j for j, label in enumerate(labels) if label != INTERCEPT and not lost[j]]
    f, f_df, p_value = wald(params, V, slopes, df)
    return RegressionResult(
        outcome=design.aliased.outcome,
        coefficients=table,
        r_squared=float(fit.rsquared),
        adj_r_squared=float(fit.rsquared_adj),
        f_statistic=f,
        f_df=f_df,
        f_df_residual=df,
        p_value=p_value,
        condition_number=found.condition_number,
        collinear=found.pairs,
        residuals=pd.Series(np.asarray(fit.resid), index=design.y.index, name="residual"),
        fitted=pd.Series(np.asarray(fit.fittedvalues), index=design.y.index, name="fitted"),
        cov_type=kind,
        n=len(design.y),
        n_dropped=design.n_dropped,
        n_effective=design.n_effective,
        conf_level=conf_level,
        formula=formula,
        covariance=pd.DataFrame(V, index=labels, columns=labels),
        vif=found.by_term,
        undetermined=tuple(label for label, gone in zip(labels, lost, strict=True) if gone),
        n_clusters=n_clusters,
        design=design,
    )


def _fit(design: Design) -> Any:
    """Return statsmodels' least-squares fit; an exact one is refused."""
    import statsmodels.api as sm

    check_inexact(design)
    y, X, w = design.y.to_numpy(), design.X.to_numpy(), design.weights
    model = sm.OLS(y, X) if w is None else sm.WLS(y, X, weights=w * len(w) / w.sum())
    return model.fit()


def check_inexact(design: Design) -> None:
    """Raise ``ModelError`` where the predictors determine the outcome."""
    y, X = design.y.to_numpy(), design.X.to_numpy()
    Q, _ = np.linalg.qr(X)
    left = y - Q @ (Q.T @ y)
    left = left - Q @ (Q.T @ left)  # a second time: the first leaves the rounding of large means
    if left @ left <= PERFECT * np.sum((y - y.mean()) ** 2):
        raise ModelError(
            f"the predictors determine the outcome {design.aliased.outcome!r} exactly (R2 = 1): "
            "it is computed from them; leave those parts out."
        )


def coefficient_table(
    params: Array, V: Array, df: int, labels: list[str], conf_level: float
) -> pd.DataFrame:
    """Return estimates with errors, t, df, p and interval, a row a label."""
    errors = np.sqrt(np.diag(V))
    t = params / errors
    half = stats.t.isf((1 - conf_level) / 2, df) * errors
    return pd.DataFrame(
        {
            "estimate": params,
            "std_error": errors,
            "statistic": t,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
            "conf_low": params - half,
            "conf_high": params + half,
        },
        index=labels,
    )


def wald(params: Array, V: Array, places: list[int], df: int) -> tuple[float, int, float]:
    """Return Wald's F that the coefficients at ``places`` are zero, its df and its p value.

    NaN where the covariance is singular: with G clusters at most G - 1 slopes can be tested.
    """
    if not places:
        return float("nan"), 0, float("nan")
    b, part = params[places], V[np.ix_(places, places)]
    scale = np.sqrt(np.diag(part))
    if not (scale > 0).all() or np.linalg.cond(part / np.outer(scale, scale)) > 1e12:
        return float("nan"), len(places), float("nan")
    f = float(b @ np.linalg.solve(part, b) / len(places))
    return f, len(places), float(stats.f.sf(f, len(places), df))


def warn_of_flags(fit: RegressionResult, cluster: str | None, *, stacklevel: int) -> None:
    """Warn of what the flags of a fit say."""
    level = stacklevel + 1
    warn_of_pairs(fit.collinear, fit.vif["vif"], stacklevel=level)
    warn_of_design(
        fit.undetermined,
        empty=fit.design.empty,
        n_clusters=fit.n_clusters,
        cluster=cluster,
        stacklevel=level,
    )
