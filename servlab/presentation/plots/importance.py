"""What to improve first, drawn: importance beside performance in four quadrants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servlab.core.checks import check_result
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.drivers import ImportancePerformance
from servlab.presentation.chart import (
    BAD,
    EXPECTED,
    GOOD,
    INK,
    LINE,
    NARROW,
    SOFT,
    WIDE,
    Chart,
    draw_chart,
    text_width,
)
from servlab.presentation.formats import format_correlation, format_number, format_share
from servlab.presentation.labels import plain, term_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.plots.gaps import separated
from servlab.presentation.plots.rows import EM, nice_ticks, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "concentrate": BAD,
    "keep_up": GOOD,
    "low_priority": SOFT,
    "possible_overkill": EXPECTED,
}
MARKERS = {"concentrate": "D", "keep_up": "o", "low_priority": "s", "possible_overkill": "^"}
# Corner of each quadrant's name: across, up (1 is high), and how the text is anchored.
CORNERS = {
    "concentrate": (0, 1, "left"),
    "keep_up": (1, 1, "right"),
    "low_priority": (0, 0, "left"),
    "possible_overkill": (1, 0, "right"),
}
LINE_HEIGHT = 15  # px
MARGIN = {"left": 52, "right": 14, "top": 34, "bottom": 52}  # px around the axes


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    def wider(self, by: float) -> "Box":
        """Return the box with so many px more at both sides."""
        return Box(self.left - by, self.bottom, self.right + by, self.top)

    def overlap(self, other: "Box") -> float:
        """Return the area that two boxes share."""
        across = min(self.right, other.right) - max(self.left, other.left)
        up = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(across, 0.0) * max(up, 0.0)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a label stands: anchor in px, how it is aligned, and the box it fills."""

    x: float
    y: float
    ha: str
    box: Box


def plot_importance_performance(
    result: ImportancePerformance, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw importance against performance, divided at the means into four quadrants.

    Parameters
    ----------
    result : ImportancePerformance
        From ``importance_performance``.
    survey : Survey, optional
        For the label of the outcome behind derived importance; its name without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Dimensions carry their names, items their codes; quadrants differ in mark and colour.

    Examples
    --------
    >>> import servlab as sl
    >>> matrix = sl.importance_performance(sl.load_example("servqual"), "satisfaction")
    >>> chart = plot_importance_performance(matrix)
    >>> chart.caption
    'Importance (correlation with satisfaction) beside performance; the lines are the means.'
    """
    check_result("result", result, ImportancePerformance, "importance_performance()")

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint(figure, result, narrow, language)

    return draw_chart(
        paint,
        caption=_caption(result, survey, language),
        alt=message("drivers.ipa_plot_alt", language, rows=_alt(result, language)),
        language=language,
        height=_size(False)[1],
        narrow_height=_size(True)[1],
    )


def _caption(result: ImportancePerformance, survey: Survey | None, language: Language) -> str:
    """Return the caption: where importance comes from, and what numbers at the marks are."""
    values = {}
    if result.source == "derived":
        values["outcome"] = variable_label(result.outcome or "", survey, language)
    first = message(f"drivers.ipa_plot_caption_{result.source}", language, **values)
    codes = message("drivers.ipa_plot_codes", language) if result.level == "item" else ""
    return join_sentences([first, codes], language)


def _size(narrow: bool) -> tuple[float, float]:
    return (NARROW, 400) if narrow else (WIDE, 480)


def _paint(
    figure: "Figure", result: ImportancePerformance, narrow: bool, language: Language
) -> None:
    """Draw the quadrants, a mark a row, and its label where there is room."""
    width, height = _size(narrow)
    figure.set_layout_engine("none")
    inner = (
        width - MARGIN["left"] - MARGIN["right"],
        height - MARGIN["top"] - MARGIN["bottom"],
    )
    ax = figure.add_axes((
        MARGIN["left"] / width,
        MARGIN["bottom"] / height,
        inner[0] / width,
        inner[1] / height,
    ))  # fmt: skip
    limits = _axes(ax, result, narrow, language)
    _quadrants(ax, result, language)
    _marks(ax, result)
    points = _in_px(result.table, limits, inner)
    labels = _labels(result, narrow, language)
    for lines, spot in zip(labels, place_labels(points, labels, inner), strict=True):
        for i, line in enumerate(lines):
            ax.annotate(
                line,
                (spot.x, spot.y - LINE_HEIGHT * i),
                xycoords="axes pixels",
                ha=spot.ha,
                va="baseline",
                size=12,
                color=INK,
            )


def _limits(values: pd.Series) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    air = 0.14 * (high - low) or 0.5 * abs(high) or 0.5
    return low - air, high + air


def _axes(
    ax: "Axes", result: ImportancePerformance, narrow: bool, language: Language
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Set limits, ticks and the words of both axes; return the limits."""
    across, up = _limits(result.table["performance"]), _limits(result.table["importance"])
    ax.set_xlim(*across)
    ax.set_ylim(*up)
    ticks = nice_ticks(*across, 4 if narrow else 7)
    ax.set_xticks(ticks, [format_number(t, _digits(ticks)) for t in ticks])
    ticks = nice_ticks(*up, 6)
    ax.set_yticks(ticks, [_importance(t, result, _digits(ticks)) for t in ticks])
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=12)
    ax.set_xlabel(message("drivers.ipa_plot_x", language), size=12)
    ax.set_title(message("drivers.ipa_plot_y", language), loc="left", color=SOFT, size=12, pad=10)
    return across, up


def _digits(ticks: Sequence[float]) -> int:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return 2 if step < 0.1 else 1


def _importance(value: float, result: ImportancePerformance, digits: int = 2) -> str:
    """Return importance in its own unit: a correlation, points of the marks, or a share."""
    if result.source == "derived":
        return format_correlation(value, digits)
    if result.table["importance"].between(0, 1).all():
        return format_share(value, 0 if digits == 1 else 1)
    return format_number(value, digits)


def _quadrants(ax: "Axes", result: ImportancePerformance, language: Language) -> None:
    """Draw the lines at the means and write each quadrant's name into its corner."""
    ax.axvline(result.performance_centre, color=LINE, linewidth=2, zorder=0)
    ax.axhline(result.importance_centre, color=LINE, linewidth=2, zorder=0)
    for name, (x, y, ha) in CORNERS.items():
        ax.annotate(
            message(f"terms.quadrant_{name}", language),
            (x, y),
            xycoords="axes fraction",
            xytext=(6 - 12 * x, 6 - 20 * y),
            textcoords="offset points",
            ha=ha,
            va="baseline",
            color=COLOURS[name],
            size=12,
            weight=600,
        )


def _marks(ax: "Axes", result: ImportancePerformance) -> None:
    """Draw a mark a row, its shape and colour by quadrant."""
    import seaborn as sns

    sns.scatterplot(
        data=result.table,
        x="performance",
        y="importance",
        hue="quadrant",
        style="quadrant",
        palette=COLOURS,
        markers=MARKERS,
        s=90,
        linewidth=0,
        legend=False,
        ax=ax,
        zorder=3,
    )
    ax.set_ylabel("")  # its words stand over the axis


def _in_px(
    table: pd.DataFrame,
    limits: tuple[tuple[float, float], tuple[float, float]],
    inner: tuple[float, float],
) -> np.ndarray:
    """Return the (n, 2) points in px from the lower left corner of the axes."""
    columns = []
    for name, (low, high), size in zip(("performance", "importance"), limits, inner, strict=True):
        columns.append((table[name].to_numpy(dtype=float) - low) / (high - low) * size)
    return np.column_stack(columns)


def _labels(
    result: ImportancePerformance, narrow: bool, language: Language
) -> list[tuple[str, ...]]:
    """Return each row's label: a dimension's name, an item's code."""
    codes = [str(code) for code in result.table.index]
    if result.level == "item":
        return [(code,) for code in codes]
    room = 14 if narrow else 24
    return [shorten(plain(term_label(c, result.instrument, language)), room) for c in codes]


def place_labels(
    points: np.ndarray, labels: Sequence[tuple[str, ...]], inner: tuple[float, float]
) -> list[Spot]:
    """Return a spot beside each point where its label covers least.

    Labels are placed one after the other, those with the nearest neighbours first; each takes
    the candidate around its point that shares least area with marks, quadrant names and labels
    already placed, and lies inside the axes.
    """
    marks = [Box(x - 11, y - 7, x + 11, y + 7) for x, y in points]
    taken: list[Box] = _corner_boxes(inner)
    spots: dict[int, Spot] = {}
    for i in _crowded_first(points):
        width = max(text_width(line) for line in labels[i]) * EM * 0.95
        height = LINE_HEIGHT * len(labels[i])
        around = _candidates(points[i], width, height)
        others = [*taken, *(mark for j, mark in enumerate(marks) if j != i)]
        best = min(range(len(around)), key=lambda c: (_cost(around[c].box, others, inner), c))
        spots[i] = around[best]
        taken.append(around[best].box.wider(5))
    return [spots[i] for i in range(len(points))]


def _corner_boxes(inner: tuple[float, float]) -> list[Box]:
    """Return the boxes in which the names of the quadrants stand."""
    width, height = inner
    wide, tall = min(0.4 * width, 140), 22
    return [
        Box(0, height - tall, wide, height),
        Box(width - wide, height - tall, width, height),
        Box(0, 0, wide, tall),
        Box(width - wide, 0, width, tall),
    ]


def _crowded_first(points: np.ndarray) -> list[int]:
    apart = np.linalg.norm(points[:, None] - points[None, :], axis=2)
    np.fill_diagonal(apart, np.inf)
    return [int(i) for i in np.argsort(apart.min(axis=1), kind="stable")]


def _candidates(point: np.ndarray, width: float, height: float) -> list[Spot]:
    """Return spots right, left, above, below and at the corners of a point, near and further."""
    x, y = float(point[0]), float(point[1])
    found = []
    for away in (10.0, 22.0, 36.0):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            reach = away if dx == 0 or dy == 0 else 0.75 * away
            left = x + dx * reach - (0 if dx > 0 else width if dx < 0 else width / 2)
            middle = y + dy * (reach + (height / 2 if dy else 0))
            box = Box(left, middle - height / 2, left + width, middle + height / 2)
            anchor = {1: left, -1: left + width, 0: left + width / 2}[dx]
            ha = {1: "left", -1: "right", 0: "center"}[dx]
            found.append(Spot(anchor, box.top - LINE_HEIGHT + 4, ha, box))
    return found


def _cost(box: Box, others: Sequence[Box], inner: tuple[float, float]) -> float:
    """Return the area covered, with what lies outside the axes counted tenfold."""
    inside = box.overlap(Box(0, 0, *inner))
    outside = (box.right - box.left) * (box.top - box.bottom) - inside
    return round(sum(box.overlap(other) for other in others) + 10 * outside, 6)


def _alt(result: ImportancePerformance, language: Language) -> str:
    texts = []
    for code, row in result.table.iterrows():
        values: Mapping[str, str] = {
            "name": plain(term_label(code, result.instrument, language)),
            "importance": _importance(float(row["importance"]), result),
            "performance": format_number(row["performance"]),
            "quadrant": message(f"terms.quadrant_{row['quadrant']}", language),
        }
        texts.append(message("drivers.ipa_plot_alt_row", language, **values))
    return separated(texts, language)
