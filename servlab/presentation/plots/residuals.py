"""Residuals drawn so that nobody can be told from them: in groups of respondents."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.checks import check_count, check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.influence import Influence
from servlab.presentation.chart import (
    ACCENT,
    LINE,
    NARROW,
    SOFT,
    WIDE,
    Chart,
    draw_chart,
)
from servlab.presentation.formats import format_count, format_number
from servlab.presentation.labels import shorten, variable_label
from servlab.presentation.messages import message
from servlab.presentation.plots.rows import EM, nice_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
MOST_GROUPS, MOST_QUANTILES = 15, 40
HEIGHT, TALL = 330, 600


def plot_residuals(
    result: Influence,
    *,
    min_cell: int = 5,
    survey: Survey | None = None,
    language: Language = "en",
) -> Chart:
    """Draw residuals against predictions, and their quantiles against a normal curve's.

    Parameters
    ----------
    result : Influence
        From ``influence``.
    min_cell : int
        The fewest respondents behind anything drawn.
    survey : Survey, optional
        For the outcome's label.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Left a point for each group of neighbouring predictions: mean residual and the middle 80 %;
        a curve or a widening shows as in a cloud of points. Right quantiles, none beyond those
        that ``min_cell`` respondents exceed.

    Raises
    ------
    ModelError
        When there are fewer respondents than four groups need.
    """
    check_result("result", result, Influence, "influence()")
    check_count("min_cell", min_cell)
    known = result.cases["studentized"].dropna()
    if len(known) < 4 * min_cell:
        raise ModelError(
            f"{len(known)} respondents make fewer than four groups of {min_cell}; too few to draw."
        )
    groups = residual_groups(result, min_cell)
    points = normal_quantiles(known.to_numpy(dtype=float), min_cell)
    outcome = variable_label(result.fit.outcome, survey, language)
    words = {
        "x": message("regression.residuals_x", language, outcome=outcome),
        "y": message("regression.residuals_y", language),
        "normal": message("regression.residuals_normal", language),
    }

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint(figure, groups, points, words, narrow)

    alt = {
        "low": format_number(float(groups["mean"].min())),
        "high": format_number(float(groups["mean"].max())),
        "skewness": format_number(result.skewness),
        "kurtosis": format_number(result.kurtosis),
    }
    caption = {"outcome": outcome, "least": str(min_cell)}
    return draw_chart(
        paint,
        caption=message("regression.residuals_caption", language, **caption),
        alt=message("regression.residuals_alt", language, count=format_count(len(groups)), **alt),
        language=language,
        height=HEIGHT,
        narrow_height=TALL,
    )


def residual_groups(result: Influence, min_cell: int) -> pd.DataFrame:
    """Return ``fitted``, ``mean``, ``low``, ``high``, ``n``, a row a group of predictions."""
    frame = pd.DataFrame({"fitted": result.fit.fitted, "t": result.cases["studentized"]}).dropna()
    frame = frame.sort_values("fitted", kind="stable")
    n_groups = min(MOST_GROUPS, len(frame) // max(min_cell, 1))
    place = np.arange(len(frame)) * n_groups // len(frame)
    grouped = frame.groupby(place)
    return pd.DataFrame(
        {
            "fitted": grouped["fitted"].mean(),
            "mean": grouped["t"].mean(),
            "low": grouped["t"].quantile(0.1),
            "high": grouped["t"].quantile(0.9),
            "n": grouped["t"].size(),
        }
    )


def normal_quantiles(values: Array, min_cell: int) -> Array:
    """Return (k, 2) quantiles of the normal curve and of the values."""
    end = min_cell / len(values)
    shares = np.linspace(end, 1 - end, min(MOST_QUANTILES, len(values) // min_cell))
    return np.column_stack([stats.norm.ppf(shares), np.quantile(values, shares)])


def _paint(
    figure: "Figure", groups: pd.DataFrame, points: Array, words: dict[str, str], narrow: bool
) -> None:
    """Draw both panels: beside each other, or one under the other on phones."""
    figure.set_layout_engine("none")
    boxes = (
        [(44 / NARROW, 0.59, 284 / NARROW, 0.34), (44 / NARROW, 0.09, 284 / NARROW, 0.34)]
        if narrow
        else [(48 / WIDE, 0.16, 290 / WIDE, 0.72), (414 / WIDE, 0.16, 290 / WIDE, 0.72)]
    )
    left, right = (figure.add_axes(box) for box in boxes)
    room = int(290 / EM)
    left.axhline(0, color=SOFT, linewidth=1, zorder=1)
    left.vlines(groups["fitted"], groups["low"], groups["high"], color=LINE, linewidth=6, zorder=2)
    left.plot(
        groups["fitted"],
        groups["mean"],
        color=ACCENT,
        marker="o",
        markersize=5,
        linewidth=1.5,
        zorder=3,
    )
    _finish(left, shorten(words["x"], room), shorten(words["y"], room))
    ends = [float(points.min()), float(points.max())]
    right.plot(ends, ends, color=SOFT, linewidth=1, zorder=1)
    right.plot(
        points[:, 0],
        points[:, 1],
        color=ACCENT,
        marker="o",
        markersize=5,
        linestyle="none",
        zorder=3,
    )
    _finish(right, shorten(words["normal"], room), shorten(words["y"], room))


def _finish(ax: "Axes", across: str, up: str) -> None:
    """Set round ticks and the words of both axes."""
    for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        ticks = nice_ticks(*limits, 6)
        digits = next((d for d in (0, 1) if all(abs(t - round(t, d)) < 1e-9 for t in ticks)), 2)
        axis.set_ticks(ticks, [format_number(t, digits) for t in ticks])
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=12)
    ax.set_xlabel(across, size=12)
    ax.set_title(up, loc="left", color=SOFT, size=12, pad=8)
