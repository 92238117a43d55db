"""Do the residuals behave as a regression assumes? Spread, form and normality.

Breusch and Pagan's test in Koenker's studentized form, White's, Ramsey's RESET and Shapiro and
Wilk's. They inform, they do not choose the model: robust errors need no constant spread, and in
large samples every test finds something.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.estimation.regression.linear import RegressionResult

Array = NDArray[np.float64]
TESTS = ("breusch_pagan", "white", "reset", "shapiro_wilk")
MOST_SHAPIRO = 5000  # rows that the approximation of the p value was made for


def residual_tests(fit: RegressionResult) -> pd.DataFrame:
    """Return a row a test: ``statistic``, ``df``, ``df_residual``, ``p_value``.

    Empty under probability weights. White's test is left out where its regressors are as many as
    the rows, Shapiro and Wilk's over 5,000 rows.

    Notes
    -----
    Breusch and Pagan [breusch1979]_ [koenker1981]_: n R2 of the squared residuals on the
    predictors; White [white1980]_: on these, their squares and products; RESET [ramsey1969]_:
    F of the squared and cubed fitted values; Shapiro and Wilk [shapiro1965]_: W of the residuals.
    """
    columns = ["statistic", "df", "df_residual", "p_value"]
    if fit.design.weights is not None:
        return pd.DataFrame(columns=columns, dtype=float)
    X, e = fit.design.X.to_numpy(), fit.residuals.to_numpy()
    rows = {"breusch_pagan": _n_r_squared(X, e**2)}
    squares = _with_squares(X)
    if squares.shape[1] < len(e):
        rows["white"] = _n_r_squared(squares, e**2)
    rows["reset"] = _reset(X, fit.fitted.to_numpy(), e)
    if len(e) <= MOST_SHAPIRO:
        shapiro = stats.shapiro(e)
        rows["shapiro_wilk"] = (float(shapiro.statistic), np.nan, np.nan, float(shapiro.pvalue))
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _n_r_squared(Z: Array, target: Array) -> tuple[float, float, float, float]:
    """Return n R2 of a regression on (n, q) Z, which holds a constant, and its chi-square test."""
    left = target - Z @ np.linalg.lstsq(Z, target, rcond=None)[0]
    centred = target - target.mean()
    statistic = len(target) * (1 - float(left @ left) / float(centred @ centred))
    df = Z.shape[1] - 1
    return statistic, df, np.nan, float(stats.chi2.sf(statistic, df))


def _with_squares(X: Array) -> Array:
    """Return the predictors, their squares and products, without columns that others determine."""
    Z = X / np.abs(X).max(axis=0)
    p = Z.shape[1]
    products = [Z[:, i] * Z[:, j] for i in range(p) for j in range(i, p)]
    everything = np.column_stack(products)  # the constant is a column of X
    scaled = everything / np.maximum(np.linalg.norm(everything, axis=0), 1e-300)
    kept: list[int] = []
    basis = np.empty((len(Z), 0))
    for j in range(scaled.shape[1]):
        left = scaled[:, j] - basis @ (basis.T @ scaled[:, j])
        left = left - basis @ (basis.T @ left)
        if np.linalg.norm(left) > 1e-7:
            kept.append(j)
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
    return np.asarray(scaled[:, kept])


def _reset(X: Array, fitted: Array, e: Array) -> tuple[float, float, float, float]:
    """Return Ramsey's F of squared and cubed fitted values."""
    z = (fitted - fitted.mean()) / fitted.std()  # spans the same with the constant and X
    Z = np.column_stack([X, z**2, z**3])
    left = e - Z @ np.linalg.lstsq(Z, e, rcond=None)[0]
    df, room = int(np.linalg.matrix_rank(Z)) - X.shape[1], len(e)
    room -= X.shape[1] + df
    if df < 1 or room < 1:
        return np.nan, df, room, np.nan
    f = (float(e @ e) - float(left @ left)) / df / (float(left @ left) / room)
    return f, df, room, float(stats.f.sf(f, df, room))
