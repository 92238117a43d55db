"""An outcome over perception and expectation, drawn where answers are and nowhere else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from servlab.core.checks import check_count, check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.response_surface import ResponseSurface
from servlab.presentation.chart import (
    BAD,
    INK,
    PAGE,
    SOFT,
    Chart,
    diverging,
    draw_chart,
)
from servlab.presentation.formats import format_count, format_number, format_share
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.surface import outcome_words, score_words, surface_flags

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
FINE = 161  # points a side of the grid that the surface is evaluated on
CELLS = (18, 12, 9, 6, 4, 3, 2)  # cells a side in which respondents are counted
ENOUGH = 0.75  # share of respondents that the cells kept hold, else a coarser grid
N_COLOURS = 9


def plot_response_surface(
    result: ResponseSurface,
    *,
    survey: Survey | None = None,
    min_cell: int = 5,
    language: Language = "en",
) -> Chart:
    """Draw the contours of an outcome over perception and expectation.

    Parameters
    ----------
    result : ResponseSurface
        From ``response_surface``.
    survey : Survey, optional
        For the label of the outcome; its name without it.
    min_cell : int
        Fewest respondents of a cell that is drawn.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Respondents are counted in cells; contours fill the convex hull of the cells that hold
        at least ``min_cell``, and nothing else, so that no single respondent shows. A dot's
        area follows its cell's count. The lines P = E and P = -E (through the midpoint), the
        first principal axis and the stationary point are drawn where they lie there, the last
        only where the data determine it.

    Raises
    ------
    ModelError
        When no cell holds ``min_cell`` respondents.

    Examples
    --------
    >>> import servlab as sl
    >>> surface = sl.response_surface(sl.load_example("servqual"), "satisfaction")
    >>> plot_response_surface(surface).caption[:43]
    'satisfaction over perception and expectatio'
    """
    check_result("result", result, ResponseSurface, "response_surface()")
    min_cell = check_count("min_cell", min_cell)
    outcome = outcome_words(result, survey, language)
    region = _region(result, min_cell)

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint(figure, result, region, outcome, language, narrow)

    words = {"outcome": outcome, "score": score_words(result, language)}
    words["share"] = format_share(region.share)
    caption = message("surface.plot_caption", language, min_cell=format_count(min_cell), **words)
    return draw_chart(
        paint,
        caption=join_sentences([caption, *surface_flags(result, language)], language),
        alt=_alt(result, region, outcome, language),
        language=language,
        height=560,
        narrow_height=470,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Where the surface is drawn.

    ``hull`` (k, 2) corners; ``P, E, height`` a grid, height NaN outside; ``dots`` (b, 3) middle
    and count of each cell kept; ``share`` of the respondents in them; ``window`` the ends of
    the axes, (low, high) of P and of E.
    """

    hull: Array
    P: Array
    E: Array
    height: Array
    dots: Array
    share: float
    window: tuple[tuple[float, float], tuple[float, float]]


def _limits(result: ResponseSurface) -> tuple[float, float]:
    """Return the ends of the scale, or those of the answers."""
    if result.scale is not None:
        return result.scale
    values = result.observed.to_numpy()
    return float(values.min()), float(values.max())


def _region(result: ResponseSurface, min_cell: int) -> Region:
    """Return the hull of the cells that hold enough respondents, and the surface over it.

    A corner of the respondents' own hull would be one respondent's answer; a cell's is not. The
    finest grid is taken whose kept cells hold most respondents.
    """
    from matplotlib.path import Path
    from scipy.spatial import ConvexHull

    low, high = _limits(result)
    pairs = result.observed[["perception", "expectation"]].to_numpy()
    for n_bins in CELLS:
        edges = np.linspace(low, high, n_bins + 1)
        counts, _, _ = np.histogram2d(pairs[:, 0], pairs[:, 1], bins=(edges, edges))
        i, j = np.nonzero(counts >= min_cell)
        share = float(counts[i, j].sum() / len(pairs))
        if share >= ENOUGH:
            break
    if not len(i):
        raise ModelError(
            f"no group of {min_cell} respondents (min_cell) gave similar answers to both "
            "batteries; a chart would show single respondents. Use more respondents."
        )
    sides = [(edges[i + a], edges[j + b]) for a in (0, 1) for b in (0, 1)]
    corners = np.column_stack([np.concatenate(part) for part in zip(*sides, strict=True)])
    hull = corners[ConvexHull(corners).vertices]
    window = _window(hull, low, high)
    P, E = np.meshgrid(*(np.linspace(*ends, FINE) for ends in window))
    inside = Path(hull).contains_points(np.column_stack([P.ravel(), E.ravel()])).reshape(P.shape)
    middles = (edges[1:] + edges[:-1]) / 2
    dots = np.column_stack([middles[i], middles[j], counts[i, j]])
    return Region(hull, P, E, np.where(inside, result.predict(P, E), np.nan), dots, share, window)


def _window(
    hull: Array, low: float, high: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return a square window around the hull, inside the scale where it fits."""
    start, end = hull.min(axis=0), hull.max(axis=0)
    span = min(1.12 * float((end - start).max()), high - low)
    ends = []
    for k in (0, 1):
        first = float(np.clip((start[k] + end[k] - span) / 2, low, high - span))
        ends.append((first, first + span))
    return ends[0], ends[1]


def _paint(
    figure: "Figure",
    result: ResponseSurface,
    region: Region,
    outcome: str,
    language: Language,
    narrow: bool,
) -> None:
    """Draw contours, lines and dots, with a bar of colours and a legend under them."""
    from matplotlib.patches import Polygon

    P, E = region.P, region.E
    ax = figure.add_subplot()
    ax.set_aspect("equal")
    inside = region.height[np.isfinite(region.height)]
    air = 0.03 * (inside.max() - inside.min())  # the hull's edge lies between points of the grid
    levels = np.linspace(inside.min() - air, inside.max() + air, N_COLOURS + 1)
    shape = Polygon(region.hull, closed=True, transform=ax.transData)
    height = result.predict(P, E)  # cut at the hull exactly, not at the grid's steps
    if levels[-1] > levels[0]:
        filled = ax.contourf(P, E, height, levels=levels, colors=diverging(N_COLOURS), zorder=1)
        lines = ax.contour(P, E, height, levels=levels[1:-1], colors=PAGE, linewidths=1, zorder=2)
        for drawn in (filled, lines):
            drawn.set_clip_path(shape)
        bar = figure.colorbar(filled, ax=ax, shrink=0.8, pad=0.02, aspect=28,
                              orientation="horizontal" if narrow else "vertical")  # fmt: skip
        bar.set_ticks(levels[::3].tolist(), labels=[format_number(v, 1) for v in levels[::3]])
        bar.outline.set_visible(False)
        bar.set_label(outcome, size=12)
    handles = [*_lines(ax, result, region, shape, language), *_dots(ax, region, language)]
    ax.set_xlim(*region.window[0])
    ax.set_ylim(*region.window[1])
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=12)
    ax.set_xlabel(message("surface.plot_x", language), size=12)
    ax.set_ylabel(message("surface.plot_y", language), size=12)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=2 if narrow else 5, handlelength=1.6,
        columnspacing=1.2,
    )  # fmt: skip


def _lines(
    ax: "Axes", result: ResponseSurface, region: Region, shape: Any, language: Language
) -> list[Any]:
    """Draw P = E, P = -E, the first axis and the stationary point, those that are in the window."""
    m, at = result.midpoint, result.surface["estimate"]
    ends = np.array(region.window[0])
    styles: dict[str, tuple[Array, dict[str, Any]]] = {
        "congruence": (ends, {"color": INK, "linewidth": 1.5}),
        "incongruence": (
            2 * m - ends,
            {"color": INK, "linewidth": 1.5, "linestyle": (0, (4, 3))},
        ),
        "axis": (
            m + at["p10"] + at["p11"] * (ends - m),
            {"color": BAD, "linewidth": 2.5, "linestyle": (0, (1, 1)), "clip_path": shape},
        ),
    }
    box = np.array([(x, y) for x in region.window[0] for y in region.window[1]])
    drawn = []
    for name, (E, style) in styles.items():
        if np.isfinite(E).all() and _crosses(region.hull if name == "axis" else box, ends, E):
            label = message(f"surface.plot_{name}", language)
            drawn += ax.plot(ends, E, zorder=3, label=label, **style)
    point = np.array([[m + at["stationary_perception"], m + at["stationary_expectation"]]])
    if result.stationary_determined and shape.get_path().contains_points(point)[0]:
        drawn += ax.plot(*point.T, marker="X", markersize=11, color=BAD, markeredgecolor=PAGE,
                         linestyle="none", zorder=5,
                         label=message("surface.plot_stationary", language))  # fmt: skip
    return drawn


def _crosses(corners: Array, P: Array, E: Array) -> bool:
    """Tell whether a line through two points has corners of the hull on both of its sides."""
    side = (corners[:, 1] - E[0]) * (P[1] - P[0]) - (corners[:, 0] - P[0]) * (E[1] - E[0])
    return bool(side.min() < 0 < side.max())


def _dots(ax: "Axes", region: Region, language: Language) -> list[Any]:
    """Draw a dot a cell, its area by the respondents in it."""
    x, y, counts = region.dots.T
    size = 14 + 90 * counts / counts.max()
    return [
        ax.scatter(x, y, s=size, color=INK, edgecolor=PAGE, linewidth=1.2, zorder=4,
                   label=message("surface.plot_dots", language))
    ]  # fmt: skip


def _alt(
    result: ResponseSurface,
    region: Region,
    outcome: str,
    language: Language,
) -> str:
    P, E, height = region.P, region.E, region.height
    best = np.unravel_index(np.nanargmax(height), height.shape)
    features = {
        name: format_number(result.surface["estimate"][name], sign=True)
        for name in ("a1", "a2", "a3", "a4")
    }
    return message(
        "surface.plot_alt",
        language,
        count=result.n,
        outcome=outcome,
        low=format_number(float(np.nanmin(height))),
        high=format_number(float(np.nanmax(height))),
        best_p=format_number(float(P[best]), 1),
        best_e=format_number(float(E[best]), 1),
        **features,
    )
