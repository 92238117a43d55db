"""What ordinal and logistic regression share: their outcome as categories, their fit, its measures.

Both are cumulative link models; a yes or no is the case of two categories.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.errors import ModelError, NotConvergedError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.regression.collinearity import Collinearity
from servlab.estimation.regression.cumulative_link import (
    Codes,
    CumulativeFit,
    Link,
    fit_cumulative,
    null_loglik,
)
from servlab.estimation.regression.design_checks import INTERCEPT, Design, check_design
from servlab.estimation.regression.formulas import alias_columns
from servlab.estimation.regression.likelihood_errors import pseudo_r2, wald_chi2
from servlab.estimation.regression.separation import refuse_separation, suspected

MOST_CATEGORIES = 50  # of an outcome; with more it is a number


def numbered(formula: str, data: pd.DataFrame) -> tuple[pd.DataFrame, tuple[float, ...]]:
    """Return the data with truths or ordered number categories as numbers in the outcome.

    The second value is the declared categories, if any.
    """
    outcome = alias_columns(formula, data).outcome
    column = data[outcome]
    if pd.api.types.is_bool_dtype(column.dtype):
        return data.assign(**{outcome: column.astype("Float64")}), ()
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return data, ()
    levels = column.cat.categories
    if not pd.api.types.is_numeric_dtype(levels.dtype):
        return data, ()  # refused as text by the design's checks
    return data.assign(**{outcome: column.astype(float)}), tuple(float(v) for v in levels)


def coded(design: Design) -> tuple[Array, Codes]:
    """Return the values of the outcome in order, and each row's place among them."""
    values, k = np.unique(design.y.to_numpy(dtype=float), return_inverse=True)
    return values, k.astype(np.int64)


def slopes_of(design: Design, n_categories: int) -> tuple[Array, list[str]]:
    """Return the design without its constant, checked for an ordinal or a binary model."""
    outcome = design.aliased.outcome
    if n_categories > MOST_CATEGORIES:
        raise ModelError(
            f"the outcome {outcome!r} has {n_categories} different values; an ordinal model takes "
            f"at most {MOST_CATEGORIES}. Use regress() for such an outcome."
        )
    kept = [j for j, label in enumerate(design.labels) if label != INTERCEPT]
    X, labels = design.X.to_numpy()[:, kept], [design.labels[j] for j in kept]
    n, needed = len(X), len(labels) + n_categories - 1
    if n <= needed:
        raise ModelError(f"{n} rows cannot estimate {needed} parameters; use fewer predictors.")
    check_design(design.y, np.column_stack([np.ones(n), X]), [INTERCEPT, *labels], outcome)
    return X, labels


def term_vif(design: Design, overlap: Collinearity) -> list[float]:
    """Return the inflation factor of the term of each slope; NaN for products."""
    vif = overlap.by_term["vif"]
    return [float(vif.get(term, np.nan)) for term in design.terms if term != INTERCEPT]


def scaled_weights(design: Design) -> Array:
    """Return the weights scaled to sum to n; ones without."""
    n = len(design.y)
    return np.ones(n) if design.weights is None else design.weights * n / design.weights.sum()


def fit_checked(
    k: Codes,
    X: Array,
    w: Array,
    link: Link,
    labels: list[str],
    outcome: str,
    *,
    cut: float | None = None,
) -> CumulativeFit:
    """Return the fit of a cumulative model, or raise naming the predictors that separate."""
    with blas_threads(X.shape[1]):
        try:
            fit = fit_cumulative(k, X, w, link)
        except NotConvergedError:
            refuse_separation(k, X, labels, outcome, cut=cut)
            raise
        if suspected(fit.theta, fit.b, X, fit.information):
            refuse_separation(k, X, labels, outcome, cut=cut)
    return fit


def fit_measures(
    fit: CumulativeFit, k: Codes, w: Array, cov: Array, kind: str, weights: str | None
) -> dict[str, Any]:
    """Return log-likelihoods, information criteria, pseudo R squared and the test of all slopes."""
    null = null_loglik(k, w)
    n, q = len(k), len(fit.b) + len(fit.theta)
    p = int((~np.isnan(np.diag(cov))).sum())
    chi2 = 2 * (fit.loglik - null) if kind == "classical" else wald_chi2(fit.b, cov)
    mcfadden, nagelkerke = pseudo_r2(fit.loglik, null, n)
    none = float("nan")
    return {
        "loglik": fit.loglik,
        "loglik_null": null,
        "aic": 2 * q - 2 * fit.loglik if weights is None else none,
        "bic": np.log(n) * q - 2 * fit.loglik if weights is None else none,
        "mcfadden": mcfadden,
        "nagelkerke": nagelkerke,
        "test": "likelihood_ratio" if kind == "classical" else "wald",
        "chi2": chi2,
        "df": p,
        "p_value": float(stats.chi2.sf(chi2, p)) if p else none,
    }
