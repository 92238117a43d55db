"""For whom does it matter? The slope of a predictor as another variable, the moderator, has it.

Arithmetic behind ``simple_slopes`` and ``johnson_neyman``: which combination of a regression's
coefficients is the slope at a value of the moderator. Variables that stand in products with the
predictor beside the moderator are held at their mean over the respondents (categories at their
shares), so that no slope depends on where a scale has its zero.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import ModelError
from servlab.estimation.regression.design_checks import Design
from servlab.estimation.regression.linear import RegressionResult

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Moderation:
    """A predictor and its moderator in a fitted regression.

    Attributes
    ----------
    fit : RegressionResult
    predictor, moderator : str
        Columns of the data.
    levels : tuple of str
        Categories of the moderator, the reference first; empty for a number.
    values : ndarray
        (n,) observed values of a moderator that is a number, else none.
    """

    fit: RegressionResult
    predictor: str
    moderator: str
    levels: tuple[str, ...]
    values: Array

    def slope_weights(self, at: float | str) -> Array:
        """Return (p,) weights of the coefficients whose sum is the predictor's slope there."""
        return slope_weights(self.fit.design, self.predictor, self.moderator, at)

    @property
    def product_places(self) -> list[int]:
        """Return the places of the coefficients of products of both."""
        both = {self.predictor, self.moderator}
        parts = self.fit.design.parts
        return [j for j, p in enumerate(parts) if both <= {name for name, _ in p}]

    @property
    def row_weights(self) -> Array:
        """Return (n,) weights of the respondents, which sum to 1."""
        return row_weights(self.fit.design)


def moderation(fit: RegressionResult, predictor: str, moderator: str) -> Moderation:
    """Return predictor and moderator of a fit, or raise ``ModelError`` naming what is wrong."""
    known = [name for parts in fit.design.parts for name, _ in parts]
    for argument, name in (("predictor", predictor), ("moderator", moderator)):
        if name not in known:
            raise ModelError(
                f"{argument} {name!r} is no predictor of the regression; it has "
                f"{', '.join(dict.fromkeys(known))}."
            )
    if predictor in fit.design.levels:
        raise ModelError(
            f"the predictor {predictor!r} is a category and has no slope; name it as the moderator "
            f"and {moderator!r} as the predictor."
        )
    levels = fit.design.levels.get(moderator, ())
    values = np.empty(0) if levels else _column(fit.design, moderator)
    found = Moderation(fit, predictor, moderator, levels, values)
    if predictor == moderator or not found.product_places:
        raise ModelError(
            f"the regression has no product of {predictor!r} and {moderator!r}; fit it with "
            f"'{predictor} * {moderator}'."
        )
    lost = {predictor, moderator}
    for label, parts in zip(fit.design.labels, fit.design.parts, strict=True):
        if label in fit.undetermined and lost & {name for name, _ in parts}:
            raise ModelError(
                f"{label!r} hangs on one respondent or one cluster alone, so that slopes have no "
                "standard error; join categories first."
            )
    return found


def row_weights(design: Design) -> Array:
    """Return (n,) weights of the respondents, which sum to 1."""
    if design.weights is None:
        return np.full(len(design.y), 1 / len(design.y))
    return np.asarray(design.weights / design.weights.sum())


def slope_weights(design: Design, predictor: str, moderator: str, at: float | str) -> Array:
    """Return the derivative of the mean prediction by the predictor, moderator set ``at``."""
    shares = row_weights(design)
    found = np.zeros(len(design.parts))
    for j, parts in enumerate(design.parts):
        names = [name for name, _ in parts]
        if predictor not in names:
            continue
        held: Array = np.ones(len(shares))
        for name, level in parts:
            if name == moderator:
                held = held * (float(at) if level is None else float(level == at))
            elif name != predictor:
                held = held * indicator(design, name, level)
        found[j] = shares @ held
    return found


def mean_weights(design: Design, settings: dict[str, float | str]) -> Array:
    """Return (p,) weights of the coefficients whose sum is the mean prediction under settings."""
    shares = row_weights(design)
    found = np.zeros(len(design.parts))
    for j, parts in enumerate(design.parts):
        held: Array = np.ones(len(shares))
        for name, level in parts:
            if name in settings:
                value = settings[name]
                held = held * (float(value) if level is None else float(level == value))
            else:
                held = held * indicator(design, name, level)
        found[j] = shares @ held
    return found


def indicator(design: Design, name: str, level: str | None) -> Array:
    """Return (n,) values of a variable, or whether each row has one of its categories."""
    if level is None:
        return _column(design, name)
    for j, parts in enumerate(design.parts):
        if parts == ((name, level),):
            return design.X.iloc[:, j].to_numpy()
    raise ModelError(
        f"{name}[{level}] stands in a product but not by itself; write the product with *, as "
        "'a * b'."
    )


def _column(design: Design, name: str) -> Array:
    """Return (n,) values of a numeric predictor."""
    alias = next(a for a, own in design.aliased.names.items() if own == name)
    return design.rows[alias].to_numpy(dtype=float)


def default_values(found: Moderation) -> list[float]:
    """Return the mean of a numeric moderator and one standard deviation either side."""
    shares = found.row_weights
    mean = float(shares @ found.values)
    n = len(found.values)
    spread = float(np.sqrt(n / (n - 1) * (shares @ (found.values - mean) ** 2)))
    unique = np.unique(found.values)
    if len(unique) == 2:
        return [float(v) for v in unique]
    return [mean - spread, mean, mean + spread]


def combined(fit: RegressionResult, L: Array) -> tuple[Array, Array]:
    """Return (m,) combinations of the coefficients and their (m, m) covariance."""
    beta = fit.coefficients["estimate"].to_numpy()
    V = fit.covariance.to_numpy()
    used = np.flatnonzero((L != 0).any(axis=0))  # an undetermined coefficient with weight 0 is none
    part = L[:, used]
    return part @ beta[used], part @ V[np.ix_(used, used)] @ part.T


def category_values(design: Design, name: str) -> pd.Series:
    """Return the category of each row, in the words of the design."""
    levels = design.levels[name]
    marks = [indicator(design, name, level) for level in levels[1:]]
    codes = sum((i + 1) * mark for i, mark in enumerate(marks))
    places = np.asarray(codes, dtype=int)
    return pd.Series([levels[i] for i in places], index=design.y.index)
