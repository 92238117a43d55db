"""Means of respondents' scores with their intervals, plain or under probability weights.

Without weights this is the textbook mean with Student's t. With weights the mean is the ratio
estimator and its variance the linearized one of survey sampling, with n / (n - 1) as R's
``survey`` package has it [lumley2004]_; the reference distribution is t with n - 1 degrees
of freedom.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

MEAN_COLUMNS = ("estimate", "std_error", "df", "conf_low", "conf_high", "n", "n_dropped")


def weighted_mean(values: Array, weights: Array) -> float:
    """Return the mean of (n,) values under (n,) weights; no value may be missing."""
    return float(weights @ values / weights.sum())


def effective_n(weights: Array) -> float:
    """Return Kish's effective sample size, (sum w)^2 / sum w^2 [kish1965]_."""
    return float(weights.sum() ** 2 / (weights @ weights))


def mean_std_error(values: Array, weights: Array) -> float:
    """Return the linearized standard error of a weighted mean; s / sqrt(n) for equal weights."""
    n = len(values)
    if n < 2:
        return float("nan")
    shares = weights / weights.sum()
    deviations = shares * (values - shares @ values)
    return float(np.sqrt(n / (n - 1) * (deviations @ deviations)))


def weighted_std_dev(values: Array, weights: Array) -> float:
    """Return the standard deviation (divisor n - 1), or its weighted form.

    Weighted: sqrt(n / (n - 1) * sum w_i (x_i - m)^2) with weights that sum to 1.
    """
    n = len(values)
    if n < 2:
        return float("nan")
    shares = weights / weights.sum()
    deviations = values - shares @ values
    return float(np.sqrt(n / (n - 1) * (shares @ deviations**2)))


def mean_row(values: pd.Series, weights: pd.Series | None, conf_level: float) -> dict[str, float]:
    """Return mean, standard error, t interval, n and n_dropped of one (n,) score.

    Rows with a missing value or a weight of zero do not count.
    """
    used = values.notna() if weights is None else values.notna() & (weights > 0)
    x = values[used].to_numpy(dtype=float)
    w = np.ones(len(x)) if weights is None else weights[used].to_numpy(dtype=float)
    n = len(x)
    if n == 0:
        nan = float("nan")
        return dict(zip(MEAN_COLUMNS, (nan, nan, nan, nan, nan, 0, len(values)), strict=True)) | {
            "std_dev": nan,
            "n_effective": 0.0,
        }
    mean, std_error = weighted_mean(x, w), mean_std_error(x, w)
    half = stats.t.isf((1 - conf_level) / 2, n - 1) * std_error if n > 1 else float("nan")
    return {
        "estimate": mean,
        "std_dev": weighted_std_dev(x, w),
        "std_error": std_error,
        "df": n - 1,
        "conf_low": mean - half,
        "conf_high": mean + half,
        "n": n,
        "n_dropped": len(values) - n,
        "n_effective": effective_n(w),
    }


def mean_table(scores: pd.DataFrame, weights: pd.Series | None, conf_level: float) -> pd.DataFrame:
    """Return one ``mean_row`` for each column of an (n, k) frame of scores."""
    rows = {column: mean_row(scores[column], weights, conf_level) for column in scores.columns}
    if not rows:  # an instrument without dimensions: no row, the same columns
        nothing = mean_row(pd.Series(dtype=float), None, conf_level)
        return pd.DataFrame(columns=list(nothing))
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.astype({"n": int, "n_dropped": int})
