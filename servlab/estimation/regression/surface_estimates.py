"""What a quadratic surface says: slopes and axes with intervals, the conditions of congruence."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.estimation.regression.surface_math import FUNCTIONS, LeastSquares, delta, determinant

Array = NDArray[np.float64]


# What Humberg, Nestler and Back (2019) ask of a congruence effect; the last two make it strict.
CONDITIONS = {"p10": "zero", "p11": "one", "a4": "negative", "a3": "zero"}

STRICT = {"a1": "zero", "a2": "zero"}


def surface_table(fit: LeastSquares, V: Array, conf_level: float) -> pd.DataFrame:
    """Return a1 to a4 with tests, stationary point and principal axes with intervals."""
    parts = []
    for names, function in FUNCTIONS.items():
        values, errors = delta(function, fit.b, V)
        part = estimates_table(list(names), values, errors, fit.df, conf_level)
        if names[0] != "a1":  # zero is no hypothesis of theirs
            part[["statistic", "p_value"]] = np.nan
        parts.append(part)
    return pd.concat(parts)


def stationary_determined(fit: LeastSquares, V: Array, conf_level: float) -> bool:
    """Tell whether the data exclude a surface without a stationary point."""
    value, error = delta(determinant, fit.b, V)
    reach = float(stats.t.isf((1 - conf_level) / 2, fit.df)) * error[0]
    return bool(abs(value[0]) > reach)


def estimates_table(
    names: list[str], values: Array, errors: Array, df: int, conf_level: float
) -> pd.DataFrame:
    """Return estimates with t tests and intervals."""
    reach = float(stats.t.isf((1 - conf_level) / 2, df)) * errors
    with np.errstate(divide="ignore", invalid="ignore"):
        t = values / errors
    return pd.DataFrame(
        {
            "estimate": values,
            "std_error": errors,
            "statistic": t,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
            "conf_low": values - reach,
            "conf_high": values + reach,
        },
        index=names,
    )


def conditions_met(surface: pd.DataFrame) -> pd.DataFrame:
    """Return whether each condition of a congruence effect holds by its interval."""
    wanted = {**CONDITIONS, **STRICT}
    rows = surface.loc[list(wanted), ["estimate", "conf_low", "conf_high"]].copy()
    rows["wanted"] = list(wanted.values())
    ends = zip(rows["conf_low"].tolist(), rows["conf_high"].tolist(), wanted.values(), strict=True)
    rows["holds"] = [_holds(low, high, value) for low, high, value in ends]
    return rows


def _holds(low: float, high: float, wanted: str) -> bool:
    if wanted == "negative":
        return bool(high < 0)
    at = 1.0 if wanted == "one" else 0.0
    return bool(low <= at <= high)
