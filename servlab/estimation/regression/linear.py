"""What goes with satisfaction, and how surely: linear regression with the checks that always run.

statsmodels estimates; ours is the door (any column name, rows counted), robust errors by default
and the checks: constant predictors, a predictor that is the outcome, exact and near collinearity.
"""

import re
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_weights
from servlab.core.errors import CollinearityWarning, ModelError
from servlab.estimation.regression.formulas import Aliased, alias_columns
from servlab.scales.means import effective_n

Array = NDArray[np.float64]
CovType = Literal["HC3", "classical"]

INTERCEPT = "Intercept"
VIF_LIMIT = 5.0  # two predictors that correlate .9 have 5.3; Menard (1995) worries from 5 on


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
    aliased = alias_columns(formula, data)
    y, X, w = _design(aliased, data, weights)
    labels = [aliased.label(name) for name in X.columns]
    design = X.to_numpy()
    _check_design(y, design, labels, aliased.outcome)
    fit = _fit(y.to_numpy(), design, w, cov_type)
    mains = _main_effects(list(X.columns))
    vif = _vif(design, labels, mains, w)
    collinear = _collinear(design, labels, mains, vif, w)
    if collinear:
        pairs = "; ".join(f"{a!r} with {b!r} (VIF {vif[a]:.1f})" for a, b in collinear)
        warnings.warn(
            CollinearityWarning(
                f"predictors are nearly collinear: {pairs}. Their coefficients cannot be told "
                "apart; read their intervals, or combine or drop one.",
                key="collinear",
                values={"items": "; ".join(f"{a}, {b}" for a, b in collinear)},
            ),
            stacklevel=2,
        )
    table = _coefficients(fit, labels, conf_level)
    table["std_beta"] = _std_betas(y.to_numpy(), design, fit.params, labels, w)
    table["vif"] = pd.Series(vif).reindex(table.index)
    f, f_df = _wald(fit, labels)
    return RegressionResult(
        outcome=aliased.outcome,
        coefficients=table,
        r_squared=float(fit.rsquared),
        adj_r_squared=float(fit.rsquared_adj),
        f_statistic=f,
        f_df=f_df,
        f_df_residual=int(fit.df_resid),
        p_value=float(stats.f.sf(f, f_df, fit.df_resid)) if f_df else float("nan"),
        condition_number=float(np.linalg.cond(design / np.linalg.norm(design, axis=0))),
        collinear=collinear,
        residuals=pd.Series(np.asarray(fit.resid), index=y.index, name="residual"),
        fitted=pd.Series(np.asarray(fit.fittedvalues), index=y.index, name="fitted"),
        cov_type=cov_type,
        n=len(y),
        n_dropped=len(data) - len(y),
        n_effective=float(len(y)) if w is None else effective_n(w),
        conf_level=conf_level,
    )


def _design(
    aliased: Aliased, data: pd.DataFrame, weights: str | None
) -> tuple[pd.Series, pd.DataFrame, Array | None]:
    """Return outcome, design matrix and weights of the complete rows."""
    import patsy

    used = aliased.data.notna().all(axis=1)
    w = None
    if weights is not None:
        if weights not in data.columns:
            raise ModelError(f"weights names {weights!r}, which is no column of the data.")
        checked = check_weights(data[weights], data.index)
        used &= checked > 0
        w = checked[used].to_numpy()
    rows = aliased.data[used]
    if len(rows) == 0:
        raise ModelError("no row is complete in all columns of the formula; use fewer columns.")
    _check_columns(rows, aliased)
    try:
        left, right = patsy.dmatrices(aliased.formula, rows, return_type="dataframe")
    except patsy.PatsyError as err:
        raise ModelError(f"the formula cannot be read: {str(err).splitlines()[0]}.") from None
    return left.iloc[:, 0], right, w


def _check_columns(rows: pd.DataFrame, aliased: Aliased) -> None:
    """Refuse constant columns and an outcome that is no number, by name."""
    for alias in rows.columns:
        name = aliased.names[alias]
        if name == aliased.outcome and not pd.api.types.is_numeric_dtype(rows[alias]):
            raise ModelError(
                f"the outcome {name!r} holds text; map its answers to numbers in the codebook."
            )
        if rows[alias].nunique() < 2:
            what = "outcome" if name == aliased.outcome else "predictor"
            raise ModelError(
                f"the {what} {name!r} is constant over the {len(rows)} rows used; leave it out."
            )


def _check_design(y: pd.Series, X: Array, labels: list[str], outcome: str) -> None:
    """Refuse too few rows, exact collinearity and a predictor that is the outcome."""
    n, p = X.shape
    if n <= p:
        raise ModelError(f"{n} rows cannot estimate {p} coefficients; use fewer predictors.")
    for j, label in enumerate(labels):
        column = X[:, j]
        if label == INTERCEPT or np.ptp(column) == 0:
            continue
        if abs(np.corrcoef(column, y.to_numpy())[0, 1]) > 1 - 1e-12:
            raise ModelError(
                f"the predictor {label!r} is the outcome {outcome!r} but for its scale; "
                "leave it out."
            )
    rank_lost = _dependent(X, labels)
    if rank_lost:
        raise ModelError(
            f"predictors {rank_lost} are exact combinations of the others; leave them out."
        )


def _dependent(X: Array, labels: list[str]) -> list[str]:
    """Return the columns that earlier columns determine."""
    scaled = X / np.linalg.norm(X, axis=0)
    lost: list[str] = []
    kept: list[int] = []
    for j, label in enumerate(labels):
        rank = np.linalg.matrix_rank(scaled[:, [*kept, j]], tol=1e-9)
        if rank > len(kept):
            kept.append(j)
        else:
            lost.append(label)
    return lost


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


def _slopes_cor(
    X: Array, labels: list[str], mains: list[int], w: Array | None
) -> tuple[list[str], Array]:
    """Return the labels and (p, p) correlations of the main effects' columns."""
    if not mains:
        return [], np.empty((0, 0))
    cov = np.atleast_2d(np.cov(X[:, mains], rowvar=False, aweights=w))
    scale = np.sqrt(np.diag(cov))
    return [labels[j] for j in mains], cov / np.outer(scale, scale)


def _main_effects(terms: list[str]) -> list[int]:
    """Return the places of the main effects among the aliased columns of the design."""
    bare = [re.sub(r"\[.*?\]", "", term) for term in terms]  # a category's name may hold a colon
    return [j for j, term in enumerate(bare) if term != INTERCEPT and ":" not in term]


def _vif(X: Array, labels: list[str], mains: list[int], w: Array | None) -> dict[str, float]:
    """Return the variance inflation factor of each slope: the diagonal of the inverse of R."""
    names, R = _slopes_cor(X, labels, mains, w)
    inverse = np.linalg.solve(R, np.eye(len(names)))
    return dict(zip(names, np.diag(inverse).tolist(), strict=True))


def _collinear(
    X: Array, labels: list[str], mains: list[int], vif: dict[str, float], w: Array | None
) -> tuple[tuple[str, str], ...]:
    """Return the predictors with a high VIF, each with its closest other predictor."""
    names, R = _slopes_cor(X, labels, mains, w)
    found = []
    for j, name in enumerate(names):
        if vif[name] >= VIF_LIMIT:
            others = np.abs(R[j])
            others[j] = -1
            found.append((name, names[int(others.argmax())]))
    return tuple(found)
