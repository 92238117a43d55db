"""What respondents, or weighted means, say of branches: the evidence behind a league table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import ModelError
from servlab.data.survey import Survey
from servlab.estimation.comparison.branches import Branches, used_weights
from servlab.estimation.comparison.groups import group_column
from servlab.estimation.comparison.rank_intervals import Evidence, reml_between, shrink
from servlab.estimation.regression.random_intercepts import fit_random_intercepts
from servlab.scales.means import mean_row
from servlab.scales.sample import is_measure

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The evidence, both variances and the average.

    ``fixed`` is the residual variance of the model with fixed branches over ``within``.
    """

    data: Evidence
    between: float
    within: float
    average: float
    fixed: float


def covariates_of(survey: Survey, by: str, adjust: tuple[str, ...]) -> pd.DataFrame:
    """Return the covariates to hold constant: numbers as they are, the rest as text."""
    group_column(survey, by)
    known = [str(name) for name in survey.covariates.columns]
    wrong = [name for name in adjust if name not in known or name == by]
    if wrong:
        raise ModelError(
            f"adjust must name covariates other than {by!r} ({', '.join(known)}); got "
            f"{', '.join(map(str, wrong))}."
        )
    if adjust and used_weights(survey) is not None:
        raise ModelError(
            "adjust has no weighted form here: adjust without weights "
            "(survey.without_weights()), or compare weighted branches without adjust."
        )
    columns = {}
    for name in adjust:
        column = survey.covariates[name].astype(object)
        number = is_measure(survey, name)
        text = column.where(column.isna(), column.astype(str))
        columns[name] = pd.to_numeric(column).astype(float) if number else text
    return pd.DataFrame(columns, index=survey.index)


def covariate_design(covariates: pd.DataFrame, branches: Branches, adjust: Sequence[str]) -> Array:
    """Return (n, p) covariates with categories spread over columns, the constant first."""
    one = np.ones((len(covariates), 1))
    if not adjust:
        return one
    spread = pd.get_dummies(covariates, drop_first=True, dtype=float)
    X = np.column_stack([one, spread.to_numpy(dtype=float)])
    X[:, 1:] -= X[:, 1:].mean(axis=0)
    codes = branches.codes[branches.codes >= 0].to_numpy()
    inside = X[:, 1:] - _group_means(X[:, 1:], codes)[codes]
    scale = np.linalg.norm(X[:, 1:], axis=0)
    scaled = inside / np.where(scale > 0, scale, 1.0)
    if np.linalg.matrix_rank(scaled, tol=1e-7) < X.shape[1] - 1:
        raise ModelError(
            f"the covariates {', '.join(adjust)} do not vary within branches, or depend on each "
            "other: their effect cannot be told from the branches'; leave one out of adjust."
        )
    return X


def _group_means(X: Array, codes: NDArray[np.int64]) -> Array:
    sizes = np.bincount(codes)
    return np.column_stack([np.bincount(codes, column) / sizes for column in X.T])


def raw_means(
    values: pd.Series, branches: Branches, weights: pd.Series | None, level: float
) -> pd.DataFrame:
    """Return the raw mean of each branch with its t interval and n."""
    rows = []
    used = branches.codes[branches.codes >= 0]
    for _, members in sorted(used.groupby(used).groups.items()):
        own = None if weights is None else weights[members]
        rows.append(mean_row(values[members], own, level))
    table = pd.DataFrame(rows)
    named = table.rename(
        columns={"estimate": "mean", "conf_low": "mean_low", "conf_high": "mean_high"}
    )
    named["mean_error"] = table["std_error"]
    return named[["mean", "mean_low", "mean_high", "mean_error", "n"]].astype({"n": int})


def evidence_of_rows(y: Array, X: Array, codes: NDArray[np.int64]) -> Fitted:
    """Return what respondents say of branches, by REML."""
    sizes = np.bincount(codes)
    means, X_means = np.bincount(codes, y) / sizes, _group_means(X, codes)
    spread = float(((y - means[codes]) ** 2).sum())
    if spread <= 1e-18 * float(y @ y):
        raise ModelError(
            "the score does not vary within branches; there is no error to compare them by."
        )
    df = len(y) - len(sizes) - X.shape[1] + 1
    if df < 1:
        raise ModelError("there are too few respondents for so many branches and covariates.")
    fit = fit_random_intercepts(y, X, codes)
    X_in, y_in = X - X_means[codes], y - means[codes]
    x0 = np.zeros(X.shape[1])
    x0[0] = 1.0  # covariates are centred at the respondents' average
    data = Evidence(
        means=means,
        variances=fit.within / sizes,
        X=X_means,
        x0=x0,
        inside_xx=X_in.T @ X_in / fit.within,
        inside_xy=X_in.T @ y_in / fit.within,
        df=float(df),
    )
    slopes, _ = slopes_within(data)
    fixed = float(((y_in - X_in @ slopes) ** 2).sum()) / df
    return Fitted(data, fit.between, fit.within, float(fit.beta[0]), fixed / fit.within)


def evidence_of_means(raw: pd.DataFrame) -> Fitted:
    """Return what weighted means say of branches, their variances taken as known."""
    errors = raw["mean_error"].to_numpy(dtype=float)
    if not (errors > 0).all():
        raise ModelError(
            "a branch's score does not vary, so that its weighted mean has no error; leave the "
            "branch out, merge it, or compare without weights (survey.without_weights())."
        )
    one = np.ones((len(raw), 1))
    data = Evidence(
        means=raw["mean"].to_numpy(dtype=float),
        variances=errors**2,
        X=one,
        x0=np.ones(1),
        inside_xx=np.zeros((1, 1)),
        inside_xy=np.zeros(1),
        df=np.inf,
    )
    between = reml_between(data)
    average = float(shrink(data, np.array([between])).beta[0, 0])
    return Fitted(data, between, float("nan"), average, 1.0)


def slopes_within(data: Evidence) -> tuple[Array, Array]:
    """Return slopes within branches (p,), the constant's 0, and their covariance (p, p)."""
    p = data.X.shape[1]
    slopes, cov = np.zeros(p), np.zeros((p, p))
    if p > 1:
        cov[1:, 1:] = np.linalg.inv(data.inside_xx[1:, 1:])
        slopes[1:] = cov[1:, 1:] @ data.inside_xy[1:]
    return slopes, cov
