"""Which form of P and E goes with an outcome: models side by side, and their constraints tested.

Edwards [edwards1994]_: a difference score is a regression on P and E with constraints that can be
tested, the raw difference of a plane, the absolute one of two planes that meet at P = E, the
squared one of a quadratic surface.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.estimation.regression.surface_math import (
    LeastSquares,
    least_squares,
    quadratic_design,
    wald_f,
)

Array = NDArray[np.float64]

LINEAR_DIFFERENCE = "difference_linear"
CONSTRAINTS = (LINEAR_DIFFERENCE, "difference", "linear", "squared_difference",
               "absolute_difference")  # fmt: skip
MODELS = ("perception", "expectation", "difference", "absolute_difference", "squared_difference",
          "linear", "quadratic")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Outcome ``y``, centred ``P`` and ``E``, and weights ``w`` or None: (n,) each."""

    y: Array
    P: Array
    E: Array
    w: Array | None


def model_table(data: Pairs) -> pd.DataFrame:
    """Return a row a model: ``r_squared``, ``adj_r_squared``, ``r_squared_cv``, ``df``."""
    rows = {}
    for name, columns in _columns(data).items():
        fit = least_squares(data.y, _with_constant(columns), data.w)
        rows[name] = (
            (float("nan"),) * 3
            if fit is None or fit.df < 1
            else (fit.r_squared, fit.adj_r_squared, fit.r_squared_cv)
        ) + (len(columns),)
    names = ["r_squared", "adj_r_squared", "r_squared_cv", "df"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names).astype({"df": int})


def _columns(data: Pairs) -> dict[str, list[Array]]:
    P, E = data.P, data.E
    columns = {
        "perception": [P],
        "expectation": [E],
        "difference": [P - E],
        "absolute_difference": [np.abs(P - E)],
        "squared_difference": [(P - E) ** 2],
        "linear": [P, E],
        "quadratic": [P, E, P**2, P * E, E**2],
    }
    return {name: columns[name] for name in MODELS}


def _with_constant(columns: list[Array]) -> Array:
    return np.column_stack([np.ones(len(columns[0])), *columns])


def constraint_table(data: Pairs, models: pd.DataFrame) -> pd.DataFrame:
    """Return a row a constraint: F, classical (NaN under weights) and robust, and what it costs.

    ``r_squared_free`` and ``r_squared`` are those of the free and the constrained model,
    ``effect_size`` is Cohen's f2, (R2 free - R2) / (1 - R2 free).
    """
    P, E = data.P, data.E
    quadratic = least_squares(data.y, quadratic_design(P, E), data.w)
    linear = least_squares(data.y, _with_constant([P, E]), data.w)
    below = (P < E).astype(float)
    planes = least_squares(data.y, _with_constant([P, E, below, below * P, below * E]), data.w)
    tests = {
        LINEAR_DIFFERENCE: (linear, [[0, 1, 1]], "difference"),
        "difference": (
            quadratic,
            [[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]],
            "difference",
        ),
        "linear": (quadratic, np.eye(6)[3:].tolist(), "linear"),
        "squared_difference": (
            quadratic,
            [[0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, -1], [0, 0, 0, 2, 1, 0]],
            "squared_difference",
        ),
        "absolute_difference": (
            planes,
            [[0, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 0], [0, 2, 0, 0, 1, 0]],
            "absolute_difference",
        ),
    }
    rows = {
        name: _row(fit, np.asarray(R, dtype=float), float(models["r_squared"][model]), data.w)
        for name, (fit, R, model) in tests.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _row(fit: LeastSquares | None, R: Array, r_squared: float, w: Array | None) -> dict[str, float]:
    """Return one constraint's row; NaN where its free model cannot be estimated."""
    nan = float("nan")
    classical = robust = (nan, nan)
    free, df = nan, nan
    if fit is not None and fit.df > 0:
        free, df = fit.r_squared, float(fit.df)
        robust = wald_f(fit.b, fit.hc3(), R, fit.df)
        if w is None:
            classical = wald_f(fit.b, fit.classical(), R, fit.df)
    cost = (free - r_squared) / (1 - free) if free < 1 else nan
    return {
        "f_statistic": classical[0],
        "p_value": classical[1],
        "f_robust": robust[0],
        "p_robust": robust[1],
        "df": float(len(R)),
        "df_residual": df,
        "r_squared": r_squared,
        "r_squared_free": free,
        "effect_size": cost,
    }
