"""Standardized coefficients: what a standard deviation of a predictor goes with.

In a model with products the variables are standardized *before* they are multiplied
[friedrich1982]_ [aiken1991]_: a product of standard deviations is no standard deviation of a
product, and b s_xz / s_y changes with the zero point of the scales.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.estimation.regression.design_checks import Design, Parts

Array = NDArray[np.float64]


def standardized_coefficients(design: Design, params: Array) -> pd.Series:
    """Return a standardized coefficient a term; NaN for the intercept.

    Without products b s_x / s_y. With products the model is fitted again to standardized outcome
    and predictors (a category's column too) and their products; NaN throughout where a product
    stands without its parts, since the standardized model would be another one.
    """
    y, X, w = design.y.to_numpy(), design.X.to_numpy(), design.weights
    values = np.full(len(params), np.nan)
    slopes = [j for j, parts in enumerate(design.parts) if parts]
    if all(len(design.parts[j]) == 1 for j in slopes):
        for j in slopes:
            values[j] = params[j] * _spread(X[:, j], w) / _spread(y, w)
    elif _hierarchical(design.parts):
        Z = _standardized_design(design)
        root = np.ones(len(y)) if w is None else np.sqrt(w)
        z_y = _standardized(y, w)
        fitted = np.linalg.lstsq(Z * root[:, None], z_y * root, rcond=None)[0]
        values[slopes] = fitted[slopes]
    return pd.Series(values, index=design.labels)


def _hierarchical(parts: tuple[Parts, ...]) -> bool:
    """Return whether every part of every product has all products of a lower order beside it."""
    have = {frozenset(p) for p in parts}
    return all(frozenset(p) - {part} in have for p in parts for part in p)


def _standardized_design(design: Design) -> Array:
    """Return the design with each main effect's column standardized, and products of these."""
    X, w = design.X.to_numpy(), design.weights
    mains = {
        parts[0]: _standardized(X[:, j], w)
        for j, parts in enumerate(design.parts)
        if len(parts) == 1
    }
    columns = [
        np.prod([mains[part] for part in parts], axis=0) if parts else np.ones(len(X))
        for parts in design.parts
    ]
    return np.column_stack(columns)


def _standardized(values: Array, w: Array | None) -> Array:
    return np.asarray((values - np.average(values, weights=w)) / _spread(values, w))


def _spread(values: Array, w: Array | None) -> float:
    return float(np.sqrt(np.cov(values, aweights=w)))
