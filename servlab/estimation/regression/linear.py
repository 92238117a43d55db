"""What goes with satisfaction, and how surely: linear regression with the checks that always run.

statsmodels estimates; ours is the door (any column name, rows counted), robust errors by default
and the checks: constant predictors, a predictor that is the outcome, exact and near collinearity.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level
from servlab.core.errors import ModelError
from servlab.estimation.regression.design_checks import (
    INTERCEPT,
    Array,
    build_design,
    check_design,
    collinear_pairs,
    inflation_factors,
    main_effects,
    warn_collinear,
)

CovType = Literal["HC3", "classical"]


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
        ``conf_low``, ``conf_high``, ``std_beta`` and ``vif`` (NaN for the intercept).
    r_squared, adj_r_squared : float
        In [0, 1]; adjusted may be negative.
    f_statistic, f_df, f_df_residual, p_value : float
        Wald test that all slopes are zero, under ``cov_type``.
    condition_number : float
        Of the design matrix with columns scaled to unit length.
    collinear : tuple of tuple of str
        Each predictor with a VIF of 5 or more, with the predictor it correlates with most.
    residuals, fitted : Series
        A row a respondent used.
    cov_type : str
        ``HC3`` or ``classical``.
    n, n_dropped : int
        Rows used, and rows lost to missing values.
    n_effective : float
        Kish's effective number of rows under weights; n without.
    conf_level : float
        Level of the intervals.
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
    cov_type: str
    n: int
    n_dropped: int
    n_effective: float
    conf_level: float

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told: ``collinear`` or nothing."""
        return ("collinear",) if self.collinear else ()

    def tidy(self) -> pd.DataFrame:
        """Return a row a term."""
        return self.coefficients.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row for the fit."""
        names = ("r_squared", "adj_r_squared", "f_statistic", "p_value", "condition_number")
        row = {name: getattr(self, name) for name in names}
        row |= {"df": self.f_df, "n": self.n, "n_dropped": self.n_dropped}
        return pd.DataFrame([row])


def regress(
    formula: str,
    data: pd.DataFrame,
    *,
    cov_type: CovType = "HC3",
    weights: str | None = None,
    conf_level: float = 0.95,
) -> RegressionResult:
    """Fit a linear regression.

    Parameters
    ----------
    formula : str
        ``"satisfaction ~ staff + `wait (min)` + C(branch)"``; text columns are categories.
    data : DataFrame
        A row a respondent; rows with a missing value in a column used are dropped and counted.
    cov_type : {"HC3", "classical"}
        Heteroscedasticity-robust errors [long2000]_ or the textbook's.
    weights : str, optional
        Column of probability weights; needs ``cov_type="HC3"``.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    RegressionResult

    Raises
    ------
    ModelError
        For an unknown column, a constant or perfectly collinear predictor, a predictor equal to
        the outcome, a constant outcome, or fewer rows than coefficients + 1.

    Warns
    -----
    CollinearityWarning
        When a variance inflation factor reaches 5; it names the predictors.

    Notes
    -----
    t and F use n - p degrees of freedom, p coefficients. Standardized coefficients are
    b s_x / s_y (weighted standard deviations under weights). The VIF of a column is
    1 / (1 - R2_j) among the main effects; products have none, since they correlate with
    their parts by construction.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1.0, 2, 2, 4, 5], "x": [1.0, 2, 3, 4, 5]})
    >>> float(sl.regress("y ~ x", data).coefficients.loc["x", "estimate"].round(12))
    1.0
    """
    check_choice("cov_type", cov_type, ("HC3", "classical"))
    check_conf_level(conf_level)
    if weights is not None and cov_type != "HC3":
        raise ModelError("probability weights need robust errors; use cov_type='HC3'.")
    design = build_design(formula, data, weights=weights)
    y, w, labels = design.y, design.weights, design.labels
    X = design.X.to_numpy()
    check_design(y, X, labels, design.aliased.outcome)
    fit = _fit(y.to_numpy(), X, w, cov_type)
    mains = main_effects(list(design.X.columns))
    vif = inflation_factors(X, labels, mains, w)
    collinear = collinear_pairs(X, labels, mains, vif, w)
    warn_collinear(collinear, vif)
    table = _coefficients(fit, labels, conf_level)
    table["std_beta"] = _std_betas(y.to_numpy(), X, fit.params, labels, w)
    table["vif"] = pd.Series(vif).reindex(table.index)
    f, f_df = _wald(fit, labels)
    return RegressionResult(
        outcome=design.aliased.outcome,
        coefficients=table,
        r_squared=float(fit.rsquared),
        adj_r_squared=float(fit.rsquared_adj),
        f_statistic=f,
        f_df=f_df,
        f_df_residual=int(fit.df_resid),
        p_value=float(stats.f.sf(f, f_df, fit.df_resid)) if f_df else float("nan"),
        condition_number=float(np.linalg.cond(X / np.linalg.norm(X, axis=0))),
        collinear=collinear,
        residuals=pd.Series(np.asarray(fit.resid), index=y.index, name="residual"),
        fitted=pd.Series(np.asarray(fit.fittedvalues), index=y.index, name="fitted"),
        cov_type=cov_type,
        n=len(y),
        n_dropped=design.n_dropped,
        n_effective=design.n_effective,
        conf_level=conf_level,
    )


def _fit(y: Array, X: Array, w: Array | None, cov_type: CovType) -> Any:
    """Return statsmodels' fit with t and F statistics."""
    import statsmodels.api as sm

    model = sm.OLS(y, X) if w is None else sm.WLS(y, X, weights=w * len(w) / w.sum())
    return model.fit(cov_type="nonrobust" if cov_type == "classical" else "HC3", use_t=True)


def _coefficients(fit: Any, labels: list[str], conf_level: float) -> pd.DataFrame:
    limits = np.asarray(fit.conf_int(alpha=1 - conf_level))
    return pd.DataFrame(
        {
            "estimate": np.asarray(fit.params),
            "std_error": np.asarray(fit.bse),
            "statistic": np.asarray(fit.tvalues),
            "df": int(fit.df_resid),
            "p_value": np.asarray(fit.pvalues),
            "conf_low": limits[:, 0],
            "conf_high": limits[:, 1],
        },
        index=labels,
    )


def _wald(fit: Any, labels: list[str]) -> tuple[float, int]:
    """Return the Wald F that all slopes are zero, and its numerator df."""
    slopes = [j for j, label in enumerate(labels) if label != INTERCEPT]
    if not slopes:
        return float("nan"), 0
    b = np.asarray(fit.params)[slopes]
    V = np.asarray(fit.cov_params())[np.ix_(slopes, slopes)]
    return float(b @ np.linalg.solve(V, b) / len(slopes)), len(slopes)


def _std_betas(y: Array, X: Array, params: Any, labels: list[str], w: Array | None) -> pd.Series:
    """Return b s_x / s_y for each slope; NaN for the intercept."""
    sd_y = np.sqrt(np.cov(y, aweights=w))
    values = [
        float("nan")
        if label == INTERCEPT
        else float(params[j] * np.sqrt(np.cov(X[:, j], aweights=w)) / sd_y)
        for j, label in enumerate(labels)
    ]
    return pd.Series(values, index=labels)
