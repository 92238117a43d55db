"""From which value of the moderator on is there an association? The Johnson-Neyman region.

Instead of slopes at three chosen values, the bounds between which the slope differs from zero
[johnson1936]_, with errors from the regression's covariance [bauer2005]_. A region is read at many
values at once; ``adjust="fdr"`` keeps the false discovery rate over the observed ones
[esarey2018]_.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_result
from servlab.core.errors import ModelError
from servlab.estimation.regression.linear import RegressionResult
from servlab.estimation.regression.moderation import Moderation, combined, moderation

Array = NDArray[np.float64]
Adjust = Literal["none", "fdr"]
STEPS = 81  # points of the line drawn


@brief
@dataclass(frozen=True, slots=True, eq=False)
class JohnsonNeyman:
    """Where the slope of a predictor differs from zero, by its moderator.

    Attributes
    ----------
    outcome, predictor, moderator : str
        Columns of the data.
    bounds : tuple of float
        Values of the moderator at which the interval of the slope touches zero, ascending: none,
        one or two, inside or outside the observed range.
    inside : tuple of bool
        Whether each bound lies within the observed range.
    regions : DataFrame
        A row a stretch of the moderator between bounds: ``low``, ``high`` (infinite at the ends),
        ``standing`` (``below`` or ``above`` zero, or ``level``: not distinguishable from it),
        ``share`` (share of respondents in it, weighted under weights), ``observed`` (whether it
        meets the observed range).
    observed : tuple of float
        Least and largest value of the moderator.
    slope_at_zero, slope_change : float
        The slope at m is slope_at_zero + slope_change m.
    critical : float
        Critical value of t, adjusted where asked for.
    adjust : str
        ``none`` or ``fdr``.
    line : DataFrame
        Slopes along the observed range: ``at``, ``estimate``, ``conf_low``, ``conf_high``.
    cov_type : str
    conf_level : float
    n, n_dropped : int
    """

    outcome: str
    predictor: str
    moderator: str
    bounds: tuple[float, ...]
    inside: tuple[bool, ...]
    regions: pd.DataFrame
    observed: tuple[float, float]
    slope_at_zero: float
    slope_change: float
    critical: float
    adjust: str
    line: pd.DataFrame
    cov_type: str
    conf_level: float
    n: int
    n_dropped: int

    @property
    def share_clear(self) -> float:
        """Return the share of respondents at whose value the slope differs from zero."""
        rows = self.regions[self.regions["standing"] != "level"]
        return float(rows["share"].sum())

    def tidy(self) -> pd.DataFrame:
        """Return a row a stretch of the moderator."""
        return self.regions.assign(term=self.predictor, n=self.n, n_dropped=self.n_dropped)

    def glance(self) -> pd.DataFrame:
        """Return one row: the critical value and the share of respondents with a clear slope."""
        row = {"statistic": self.critical, "share": self.share_clear}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def johnson_neyman(
    fit: RegressionResult,
    predictor: str,
    moderator: str,
    *,
    adjust: Adjust = "none",
    conf_level: float | None = None,
) -> JohnsonNeyman:
    """Return the values of a moderator at which the slope of a predictor differs from zero.

    Parameters
    ----------
    fit : RegressionResult
        From ``regress``, with a product of the two (``predictor * moderator``).
    predictor, moderator : str
        Numeric columns.
    adjust : {"none", "fdr"}
        Whether the critical value keeps the false discovery rate over the observed values.
    conf_level : float, optional
        1 - alpha; the fit's by default.

    Returns
    -------
    JohnsonNeyman

    Raises
    ------
    ModelError
        When the regression has no such product, or one of the two is a category.

    Notes
    -----
    Bounds are the roots in m of (b1 + b3 m)^2 = t^2 (v11 + 2 m v13 + m^2 v33). With ``fdr`` the
    p values at the distinct observed values of the moderator are ordered and the largest k with
    p_(k) <= alpha k / K gives t = t(1 - alpha k / (2 K)) (Benjamini and Hochberg); where there is
    none, k = 1.

    Examples
    --------
    >>> import numpy as np, pandas as pd, servlab as sl
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"x": rng.normal(size=200), "m": rng.normal(size=200)})
    >>> data["y"] = data["x"] * (0.5 + 0.5 * data["m"]) + rng.normal(size=200)
    >>> found = sl.johnson_neyman(sl.regress("y ~ x * m", data), "x", "m")
    >>> found.regions["standing"].tolist()
    ['below', 'level', 'above']
    """
    check_result("fit", fit, RegressionResult, "regress")
    level = fit.conf_level if conf_level is None else conf_level
    check_conf_level(level)
    check_choice("adjust", adjust, ("none", "fdr"))
    found = moderation(fit, predictor, moderator)
    if found.levels:
        raise ModelError(
            f"the moderator {moderator!r} is a category, which has no region; use simple_slopes."
        )
    first = found.slope_weights(0.0)
    L = np.vstack([first, found.slope_weights(1.0) - first])
    b, V = combined(fit, L)
    t = _critical(b, V, found, fit.f_df_residual, 1 - level, adjust)
    bounds = _bounds(b, V, t)
    low, high = float(found.values.min()), float(found.values.max())
    return JohnsonNeyman(
        outcome=fit.outcome,
        predictor=predictor,
        moderator=moderator,
        bounds=bounds,
        inside=tuple(low <= bound <= high for bound in bounds),
        regions=_regions(bounds, b, V, t, found),
        observed=(low, high),
        slope_at_zero=float(b[0]),
        slope_change=float(b[1]),
        critical=t,
        adjust=adjust,
        line=_line(b, V, t, np.linspace(low, high, STEPS)),
        cov_type=fit.cov_type,
        conf_level=level,
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _slopes(b: Array, V: Array, m: Array) -> tuple[Array, Array]:
    """Return slopes and standard errors at (k,) values of the moderator."""
    variance = V[0, 0] + 2 * m * V[0, 1] + m**2 * V[1, 1]
    return b[0] + b[1] * m, np.sqrt(np.maximum(variance, 0.0))


def _critical(
    b: Array, V: Array, found: Moderation, df: int, alpha: float, adjust: Adjust
) -> float:
    """Return the critical value of t."""
    if adjust == "none":
        return float(stats.t.isf(alpha / 2, df))
    slopes, errors = _slopes(b, V, np.unique(found.values))
    p = np.sort(2 * stats.t.sf(np.abs(slopes / errors), df))
    share = np.arange(1, len(p) + 1) / len(p)
    passed = np.flatnonzero(p <= alpha * share)
    k = int(passed.max()) + 1 if len(passed) else 1
    return float(stats.t.isf(alpha * k / len(p) / 2, df))


def _bounds(b: Array, V: Array, t: float) -> tuple[float, ...]:
    """Return the real roots of slope^2 = t^2 variance, ascending."""
    A = b[1] ** 2 - t**2 * V[1, 1]
    B = 2 * (b[0] * b[1] - t**2 * V[0, 1])
    C = b[0] ** 2 - t**2 * V[0, 0]
    inner = B**2 - 4 * A * C
    if A == 0:
        return (float(-C / B),) if B != 0 else ()
    if inner <= 0:
        return ()
    # the root of larger size first, the other from their product: no cancellation
    half = -0.5 * (B + np.copysign(np.sqrt(inner), B))
    roots = [half / A] + ([C / half] if half != 0 else [])
    return tuple(sorted(float(root) for root in roots))


def _regions(
    bounds: tuple[float, ...], b: Array, V: Array, t: float, found: Moderation
) -> pd.DataFrame:
    """Return the stretches between bounds: where each lies, and whom it holds."""
    ends = [-np.inf, *bounds, np.inf]
    m, shares = found.values, found.row_weights
    rows = []
    for low, high in pairwise(ends):
        middle = np.array([_within(low, high)])
        slope, error = _slopes(b, V, middle)
        clear = abs(slope[0]) > t * error[0]
        standing = ("above" if slope[0] > 0 else "below") if clear else "level"
        held = (m > low) & (m <= high)
        rows.append(
            {
                "low": low,
                "high": high,
                "standing": standing,
                "share": float(shares[held].sum()),
                "observed": bool(low <= m.max() and high >= m.min()),
            }
        )
    return pd.DataFrame(rows)


def _within(low: float, high: float) -> float:
    """Return a value inside a stretch, far from its ends where these are infinite."""
    if np.isinf(low) and np.isinf(high):
        return 0.0
    if np.isinf(low):
        return high - 1.0 - abs(high)
    return low + 1.0 + abs(low) if np.isinf(high) else (low + high) / 2


def _line(b: Array, V: Array, t: float, m: Array) -> pd.DataFrame:
    slopes, errors = _slopes(b, V, m)
    limits = {"conf_low": slopes - t * errors, "conf_high": slopes + t * errors}
    return pd.DataFrame({"at": m, "estimate": slopes} | limits)
