"""Checks at the public door: done once, later code trusts.

Every message says what was needed, what came and what to do.
"""

from collections.abc import Sequence
from types import UnionType
from typing import get_args

import numpy as np
import pandas as pd

from servlab.core.errors import ModelError


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ``ModelError`` unless ``value`` is one of ``choices``."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ModelError(f"{name} must be one of {listed}; got {value!r}.")


def check_result(name: str, value: object, kind: type | UnionType, source: str) -> None:
    """Raise ``ModelError`` unless ``value`` is a result of the ``kind`` that ``source`` gives."""
    if not isinstance(value, kind):
        wanted = " or ".join(part.__name__ for part in get_args(kind) or (kind,))
        raise ModelError(
            f"{name} must be the {wanted} that {source} returns; got {type(value).__name__}."
        )


def check_conf_level(conf_level: float) -> None:
    """Raise ``ModelError`` unless the confidence level lies strictly between 0 and 1."""
    number = isinstance(conf_level, int | float | np.number) and not isinstance(conf_level, bool)
    if not number or not 0 < conf_level < 1:
        raise ModelError(f"conf_level must lie between 0 and 1, as 0.95 does; got {conf_level!r}.")


def check_count(name: str, value: object, *, minimum: int = 1) -> int:
    """Return ``value`` as an int, or raise ``ModelError`` when it is none or too small."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise ModelError(f"{name} must be a whole number of at least {minimum}; got {value!r}.")
    return int(value)


def check_frame(data: object) -> None:
    """Raise ``ModelError`` unless ``data`` is a frame."""
    if not isinstance(data, pd.DataFrame):
        raise ModelError(
            f"data must be a pandas DataFrame, a row a respondent; got {type(data).__name__}."
        )


def check_items(items: object, *, min_items: int = 2) -> pd.DataFrame:
    """Return item responses as a frame of floats, or raise ``ModelError`` naming the column.

    Parameters
    ----------
    items : DataFrame
        (n, k) numeric responses, a column an item; NaN is missing.
    min_items : int
        The fewest columns the caller can work with.
    """
    if not isinstance(items, pd.DataFrame):
        raise ModelError(
            "items must be a pandas DataFrame with a column an item "
            f"(survey.items(battery) gives one); got {type(items).__name__}."
        )
    if items.columns.duplicated().any():
        twice = sorted({str(c) for c in items.columns[items.columns.duplicated()]})
        raise ModelError(f"columns {twice} occur more than once; give each item its own name.")
    if items.shape[1] < min_items:
        raise ModelError(f"at least {min_items} items are needed; got {items.shape[1]}.")
    for column, dtype in zip(items.columns, items.dtypes, strict=True):
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            raise ModelError(
                f"item {column!r} holds {dtype} values, not numbers; "
                "map its answers to numbers in the codebook."
            )
    values = items.astype(float)
    infinite = values.columns[np.isinf(values.to_numpy()).any(axis=0)]
    if len(infinite):
        raise ModelError(f"items {list(infinite)} hold infinite values; set them to missing.")
    return values


def check_varying(values: pd.DataFrame) -> None:
    """Raise ``ModelError`` naming the columns that do not vary over the rows given."""
    check_varying_array(values.to_numpy(), values.columns)


def check_varying_array(X: np.ndarray, names: pd.Index) -> None:
    """Raise ``ModelError`` naming the columns of (n, k) values that do not vary; NaN is missing."""
    high, low = (np.full(X.shape[1], np.nan),) * 2
    if len(X):
        high, low = np.fmax.reduce(X, axis=0), np.fmin.reduce(X, axis=0)
    if np.isnan(high).any():
        raise ModelError(
            "no row is left after dropping rows with missing values; "
            "use fewer items or missing='pairwise'."
        )
    flat = high == low
    if flat.any():
        seen = int((~np.isnan(X[:, flat])).sum(axis=0).max())
        raise ModelError(
            f"items {[str(c) for c in names[flat]]} are constant over the {seen} rows used; "
            "leave them out."
        )


def check_weights(weights: pd.Series, index: pd.Index) -> pd.Series:
    """Return probability weights aligned to ``index``, or raise ``ModelError``.

    Weights must be finite, not negative, and not all zero; a missing weight is an error,
    since dropping its row would change the population the result speaks of.
    """
    if not isinstance(weights, pd.Series) or not weights.index.equals(index):
        raise ModelError("weights must be a Series with the same index as the rows they weight.")
    if not pd.api.types.is_numeric_dtype(weights) or pd.api.types.is_complex_dtype(weights):
        raise ModelError(f"weights must be numbers; the column holds {weights.dtype} values.")
    values = weights.astype(float)
    if values.isna().any() or np.isinf(values).any():
        raise ModelError(
            f"{int((values.isna() | np.isinf(values)).sum())} weights are missing or infinite; "
            "give every row a weight (0 leaves it out)."
        )
    if (values < 0).any():
        raise ModelError(f"{int((values < 0).sum())} weights are negative; weights are at least 0.")
    if values.sum() == 0:
        raise ModelError("all weights are zero; at least one row must count.")
    return values
