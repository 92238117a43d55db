"""How strong is an association at chosen values of a moderator? Simple slopes [aiken1991]_."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level, check_result
from servlab.core.errors import ModelError
from servlab.estimation.regression.linear import RegressionResult, coefficient_table, wald
from servlab.estimation.regression.moderation import (
    Moderation,
    category_values,
    combined,
    default_values,
    indicator,
    mean_weights,
    moderation,
)

Array = NDArray[np.float64]
STEPS = 25  # points of each line drawn


@brief
@dataclass(frozen=True, slots=True, eq=False)
class SimpleSlopes:
    """The slope of a predictor at values of its moderator.

    Attributes
    ----------
    outcome, predictor, moderator : str
        Columns of the data.
    slopes : DataFrame
        A row a value of the moderator: ``at`` (number or category), ``chosen`` (``low``, ``mean``,
        ``high`` for the values chosen by default, ``given``, or ``category``), ``estimate`` (points
        of the outcome per point of the predictor), ``std_error``, ``statistic``, ``df``,
        ``p_value``, ``conf_low``, ``conf_high``, ``inside`` (whether the value lies within what
        was observed).
    f_statistic, df, df_residual, p_value : float
        Wald test that the slope is the same at all values of the moderator.
    lines : DataFrame
        Predicted outcome along the observed range of the predictor (of a category's respondents
        where the moderator is one), a row a point: ``at``, ``value`` (of the predictor),
        ``estimate``, ``conf_low``, ``conf_high``; other predictors at their means. Values of the
        moderator that nobody has have no line.
    numeric : bool
        Whether the moderator is a number.
    cov_type : str
    conf_level : float
    n, n_dropped : int
    """

    outcome: str
    predictor: str
    moderator: str
    slopes: pd.DataFrame
    f_statistic: float
    df: int
    df_residual: int
    p_value: float
    lines: pd.DataFrame
    numeric: bool
    cov_type: str
    conf_level: float
    n: int
    n_dropped: int

    @property
    def flags(self) -> tuple[str, ...]:
        """Return ``outside`` where a value of the moderator lies beyond what was observed."""
        return () if self.slopes["inside"].all() else ("outside",)

    def tidy(self) -> pd.DataFrame:
        """Return a row a value of the moderator."""
        rows = self.slopes.assign(term=self.predictor, n=self.n, n_dropped=self.n_dropped)
        return rows if self.numeric else rows.assign(group=rows["at"], at=float("nan"))

    def glance(self) -> pd.DataFrame:
        """Return one row: the test of equal slopes."""
        names = ("f_statistic", "df", "df_residual", "p_value", "n", "n_dropped")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def simple_slopes(
    fit: RegressionResult,
    predictor: str,
    moderator: str,
    *,
    at: Sequence[float] | Sequence[str] | None = None,
    conf_level: float | None = None,
) -> SimpleSlopes:
    """Return the slope of a predictor at values of its moderator.

    Parameters
    ----------
    fit : RegressionResult
        From ``regress``, with a product of the two (``predictor * moderator``).
    predictor : str
        A numeric column.
    moderator : str
        A numeric or categorical column.
    at : sequence, optional
        Values or categories of the moderator. By default the mean and one standard deviation
        either side, both values of one that has two, all categories.
    conf_level : float, optional
        Level of the intervals; the fit's by default.

    Returns
    -------
    SimpleSlopes

    Raises
    ------
    ModelError
        When the regression has no such product, the predictor is a category, or a category is
        asked for that nobody is in.

    Notes
    -----
    At value m the slope is b1 + b3 m, its variance v11 + 2 m v13 + m^2 v33 from the covariance of
    the fit, with its degrees of freedom [bauer2005]_. Centring the moderator moves b1, not the
    slopes.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"x": [1.0, 2, 3, 4, 1, 2, 3, 4], "m": [0.0, 0, 0, 0, 1, 1, 1, 1],
    ...                      "y": [1.0, 2, 3.5, 4, 2, 2, 2.5, 3]})
    >>> found = sl.simple_slopes(sl.regress("y ~ x * m", data), "x", "m")
    >>> found.slopes["estimate"].round(2).tolist()
    [1.05, 0.35]
    """
    check_result("fit", fit, RegressionResult, "regress")
    level = fit.conf_level if conf_level is None else conf_level
    check_conf_level(level)
    found = moderation(fit, predictor, moderator)
    values, places = _values(found, at)
    L = np.vstack([found.slope_weights(value) for value in values])
    slopes, V = combined(fit, L)
    df = fit.f_df_residual
    table = coefficient_table(slopes, V, df, [str(value) for value in values], level)
    table.insert(0, "at", values)
    table.insert(1, "chosen", places)
    table["inside"] = [_inside(found, value) for value in values]
    f, f_df, p_value = wald(
        fit.coefficients["estimate"].to_numpy(), fit.covariance.to_numpy(), found.product_places, df
    )
    return SimpleSlopes(
        outcome=fit.outcome,
        predictor=predictor,
        moderator=moderator,
        slopes=table.reset_index(drop=True),
        f_statistic=f,
        df=f_df,
        df_residual=df,
        p_value=p_value,
        lines=_lines(found, [v for v in values if _inside(found, v)], level),
        numeric=not found.levels,
        cov_type=fit.cov_type,
        conf_level=level,
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _values(
    found: Moderation, at: Sequence[float] | Sequence[str] | None
) -> tuple[list[float] | list[str], list[str]]:
    """Return the values of the moderator, and how each came to be chosen."""
    if found.levels:
        if isinstance(at, str | float | int) or (at is not None and not len(at)):
            raise ModelError(f"at needs a sequence of categories, one at least; got {at!r}.")
        chosen = list(found.levels) if at is None else [str(value) for value in at]
        unknown = [value for value in chosen if value not in found.levels]
        if unknown:
            raise ModelError(
                f"{found.moderator!r} has no category {unknown}; it has {', '.join(found.levels)}."
            )
        return chosen, ["category"] * len(chosen)
    if at is None:
        numbers = default_values(found)
        return numbers, ["low", "mean", "high"] if len(numbers) == 3 else ["given"] * 2
    try:
        numbers = [float(value) for value in at]
    except (TypeError, ValueError):
        raise ModelError(f"at holds values of {found.moderator!r}, numbers; got {at!r}.") from None
    if not numbers or not np.isfinite(numbers).all():
        raise ModelError(f"at needs one finite number at least; got {list(at)!r}.")
    return numbers, ["given"] * len(numbers)


def _inside(found: Moderation, value: float | str) -> bool:
    """Return whether a value of the moderator lies within what was observed."""
    if isinstance(value, str):
        return True
    return bool(found.values.min() <= value <= found.values.max())


def _lines(found: Moderation, values: Sequence[float | str], level: float) -> pd.DataFrame:
    """Return predictions with intervals along the observed range of the predictor."""
    fit = found.fit
    x = indicator(fit.design, found.predictor, None)
    groups = category_values(fit.design, found.moderator).to_numpy() if found.levels else None
    t = stats.t.isf((1 - level) / 2, fit.f_df_residual)
    parts = []
    for value in values:
        own = x if groups is None else x[groups == value]
        grid = np.linspace(own.min(), own.max(), STEPS)
        L = np.vstack(
            [mean_weights(fit.design, {found.predictor: g, found.moderator: value}) for g in grid]
        )
        estimate, V = combined(fit, L)
        half = t * np.sqrt(np.diag(V))
        columns = {"at": value, "value": grid, "estimate": estimate}
        limits = {"conf_low": estimate - half, "conf_high": estimate + half}
        parts.append(pd.DataFrame(columns | limits))
    empty = pd.DataFrame(columns=["at", "value", "estimate", "conf_low", "conf_high"])
    return pd.concat(parts, ignore_index=True) if parts else empty
