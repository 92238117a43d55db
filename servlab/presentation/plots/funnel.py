"""A funnel plot: each branch against its size, between limits that close in."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servlab.core.checks import check_result
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.funnel import Funnel
from servlab.presentation.chart import (
    ACCENT,
    INK,
    LINE,
    NARROW,
    PAGE,
    SOFT,
    WIDE,
    Chart,
    draw_chart,
    text_width,
)
from servlab.presentation.formats import format_count, format_number, format_share
from servlab.presentation.labels import conf_text, listed, shorten
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.branches import (
    branch_label,
    by_label,
    left_out,
    outside_names,
    value_text,
    what_label,
)
from servlab.presentation.plots.importance import Box
from servlab.presentation.plots.rows import EM, nice_ticks, tick_digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN = {"left": 58.0, "right": 52.0, "top": 34.0, "bottom": 48.0}
MOST_LABELS = {False: 12, True: 6}
LABEL_ROOM = {False: 22, True: 12}  # half-width characters
LINE_HEIGHT = 15.0
STRAIGHT = 8.0  # with sizes wider apart than this, the axis is logarithmic


def plot_funnel(
    result: Funnel, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw branches against their size with the limits of chance.

    Parameters
    ----------
    result : Funnel
        From ``funnel`` or ``funnel_counts``.
    survey : Survey, optional
        For the labels of the covariate and its values; their codes without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Branches inside are faint; those outside the inner limits are rings, outside the outer
        ones filled. The furthest out are named where their labels have room; the caption counts
        the rest.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> chart = plot_funnel(sl.funnel(survey, by="branch", dispersion="none"), survey=survey)
    >>> "against the number of respondents, with 95 % and 99.8 % limits" in chart.caption
    True
    """
    check_result("result", result, Funnel, "funnel()")

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint(figure, result, narrow, survey, language)

    outside = [
        name for side in ("high", "low") for name in outside_names(result, side, language, survey)
    ]
    nobody = message("branches.nobody", language)
    return draw_chart(
        paint,
        caption=_caption(result, survey, language),
        alt=message(
            "branches.funnel_alt",
            language,
            count=result.n_groups,
            target=value_text(result.target, result),
            names=listed(outside, language, most=16) if outside else nobody,
        ),
        language=language,
        height=_size(False)[1],
        narrow_height=_size(True)[1],
    )


def _size(narrow: bool) -> tuple[float, float]:
    return (NARROW, 340) if narrow else (WIDE, 420)


def _caption(result: Funnel, survey: Survey | None, language: Language) -> str:
    inner, outer = (conf_text(level) for level in result.levels)
    if result.measure == "proportion":
        first = message("branches.funnel_plot_caption_counts", language, inner=inner, outer=outer)
    else:
        what, by = what_label(result, language, survey), by_label(result, language, survey)
        limits = {"inner": inner, "outer": outer}
        first = message("branches.funnel_plot_caption", language, what=what, by=by, **limits)
    unnamed = result.by_group.shape[0] - len(_placed(result, False, survey, language))
    unnamed -= int((result.by_group["place"] == "inside").sum())
    rest = [message("branches.funnel_unlabelled", language, count=unnamed)] if unnamed else []
    return join_sentences([first, *rest, *left_out(result, language, survey)], language)


def _paint(
    figure: "Figure", result: Funnel, narrow: bool, survey: Survey | None, language: Language
) -> None:
    """Draw limits, marks and the labels that have room."""
    width, height = _size(narrow)
    figure.set_layout_engine("none")
    inner = _inner(narrow)
    ax = figure.add_axes((
        MARGIN["left"] / width,
        MARGIN["bottom"] / height,
        inner[0] / width,
        inner[1] / height,
    ))  # fmt: skip
    _axes(ax, result, narrow, language)
    _limits(ax, result)
    _marks(ax, result)
    _name_limits(ax, result, inner[1])
    for name, x, y, ha in _placed(result, narrow, survey, language):
        ax.annotate(
            name, (x, y), xycoords="axes pixels", ha=ha, va="center_baseline", size=12, color=INK
        )


def _inner(narrow: bool) -> tuple[float, float]:
    width, height = _size(narrow)
    return (
        width - MARGIN["left"] - MARGIN["right"],
        height - MARGIN["top"] - MARGIN["bottom"],
    )


def _logarithmic(result: Funnel) -> bool:
    size = result.by_group["size"]
    return bool(size.max() / size.min() > STRAIGHT)


def _spans(result: Funnel) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the limits of both axes: all branches, and the funnel at its smallest branch."""
    size, values = result.by_group["size"], result.by_group["estimate"]
    low, high = float(size.min()), float(size.max())
    if _logarithmic(result):
        across = (low / 1.15, high * 1.15)
    else:
        air = 0.08 * ((high - low) or high)
        across = (max(low - air, 0.0), high + air)
    shown = result.curve[result.curve["size"].between(low * 0.999, high * 1.001)]
    shown = shown if len(shown) else result.curve
    ends = [float(values.min()), float(values.max())]
    ends += [float(shown["inner_low"].min()), float(shown["inner_high"].max())]
    ends += [float(result.by_group["outer_low"].median())]
    ends += [float(result.by_group["outer_high"].median())]
    bottom, top = min(ends), max(ends)
    air = 0.08 * ((top - bottom) or 1.0)
    if result.measure == "mean":
        return across, (bottom - air, top + air)
    return across, (max(bottom - air, -0.02 * (top - bottom)), min(top + air, 1.02))


def _axes(ax: "Axes", result: Funnel, narrow: bool, language: Language) -> None:
    """Set limits, ticks and the words of both axes."""
    across, up = _spans(result)
    if _logarithmic(result):
        ax.set_xscale("log")
        ax.minorticks_off()
    ax.set_xlim(*across)
    ax.set_ylim(*up)
    ticks = _size_ticks(across, 4 if narrow else 7, _logarithmic(result))
    ax.set_xticks(ticks, [format_count(t) for t in ticks])
    ticks = nice_ticks(*up, 6)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    if result.measure == "mean":
        gap, digits = result.score == "gap", tick_digits(ticks)
        words = [format_number(t, digits, sign=gap) for t in ticks]
        y = "funnel_y"
    else:
        words = [format_share(t, 1 if step < 0.01 else 0) for t in ticks]
        y = "funnel_y_share"
    ax.set_yticks(ticks, words)
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=12)
    x = "funnel_x_effective" if result.weighted else "funnel_x"
    x = "funnel_x_total" if result.measure == "proportion" else x
    ax.set_xlabel(message(f"branches.{x}", language), size=12)
    ax.set_title(message(f"branches.{y}", language), loc="left", color=SOFT, size=12, pad=12)


def _size_ticks(across: tuple[float, float], most: int, logarithmic: bool) -> list[float]:
    """Return round sizes; on a logarithmic axis 1, 2 and 5 times powers of ten, thinned."""
    if not logarithmic:
        return nice_ticks(*across, most)
    powers = range(int(np.floor(np.log10(across[0]))), int(np.ceil(np.log10(across[1]))) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        sizes = [float(m * 10.0**p) for p in powers for m in steps]
        found = [size for size in sizes if across[0] <= size <= across[1]]
        if len(found) <= most:
            return found
    return found[:: int(np.ceil(len(found) / most))]


def _limits(ax: "Axes", result: Funnel) -> None:
    """Draw the target and the four limits."""
    ax.axhline(result.target, color=SOFT, linewidth=1.2, zorder=1)
    size = result.curve["size"]
    for column in ("inner_low", "inner_high"):
        ax.plot(size, result.curve[column], color=SOFT, linewidth=1.2, dashes=(4, 3), zorder=1)
    for column in ("outer_low", "outer_high"):
        ax.plot(size, result.curve[column], color=SOFT, linewidth=1.4, zorder=1)


def _name_limits(ax: "Axes", result: Funnel, height: float) -> None:
    """Write each level beside the right end of its upper limit, apart from each other."""
    _, x_end = ax.get_xlim()
    low, high = ax.get_ylim()
    last = result.curve.iloc[-1]
    spots = [min(float(last[name]), high) for name in ("inner_high", "outer_high")]
    short = 14 - (spots[1] - spots[0]) / (high - low) * height  # px that the two lack
    for spot, level, side in zip(spots, result.levels, (-1, 1), strict=True):
        ax.annotate(
            conf_text(level),
            (x_end, spot),
            xytext=(5, side * max(short, 0.0) / 2),
            textcoords="offset points",
            ha="left",
            va="center_baseline",
            size=11,
            color=SOFT,
        )


def _marks(ax: "Axes", result: Funnel) -> None:
    """Draw branches inside faintly, those outside as rings, the far ones filled."""
    table = result.by_group
    many = len(table) > 60
    looks = {
        "inside": (LINE, SOFT, 5.0 if many else 7.0),
        "near": (PAGE, ACCENT, 8.0),
        "far": (ACCENT, ACCENT, 8.0),
    }
    kinds = np.where(
        table["place"] == "inside",
        "inside",
        np.where(table["place"].str.startswith("very"), "far", "near"),
    )
    for kind, (face, edge, size) in looks.items():
        part = table[kinds == kind]
        ax.plot(
            part["size"],
            part["estimate"],
            linestyle="none",
            marker="o",
            markersize=size,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=1.0 if kind == "inside" else 2.0,
            zorder=2 if kind == "inside" else 3,
            clip_on=False,
        )


def _points(result: Funnel, table: pd.DataFrame, inner: tuple[float, float]) -> np.ndarray:
    """Return (n, 2) points in px from the lower left corner of the axes."""
    across, up = _spans(result)
    size, ends = table["size"].to_numpy(dtype=float), np.array(across)
    if _logarithmic(result):
        size, ends = np.log(size), np.log(ends)
    x = (size - ends[0]) / (ends[1] - ends[0]) * inner[0]
    y = (table["estimate"].to_numpy(dtype=float) - up[0]) / (up[1] - up[0]) * inner[1]
    return np.column_stack([x, y])


def _placed(
    result: Funnel, narrow: bool, survey: Survey | None, language: Language
) -> list[tuple[str, float, float, str]]:
    """Return the labels that overlap nothing: text, x and y in px, and alignment."""
    inner = _inner(narrow)
    table = result.by_group
    points = _points(result, table, inner)
    marks = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    taken: list[Box] = []
    outside = table["z"].abs().where(table["place"] != "inside").dropna()
    order = outside.sort_values(ascending=False, kind="stable").index
    found: list[tuple[str, float, float, str]] = []
    for i in order:
        if len(found) == MOST_LABELS[narrow]:
            break
        name = shorten(branch_label(table.loc[i, "group"], result, language, survey),
                       LABEL_ROOM[narrow])  # fmt: skip
        others = [*taken, *(m for j, m in enumerate(marks) if table.index[j] != i)]
        spot = _free_spot(points[table.index.get_loc(i)], name, others, inner)
        if spot is not None:
            x, y, ha, box = spot
            found.append((name, x, y, ha))
            taken.append(box)
    return found


def _free_spot(
    point: np.ndarray, name: str, others: Sequence[Box], inner: tuple[float, float]
) -> tuple[float, float, str, Box] | None:
    """Return the first place around a point where its label touches nothing; None without one."""
    x, y = float(point[0]), float(point[1])
    width, half = text_width(name) * EM * 0.95, LINE_HEIGHT / 2
    around = [
        (x + 9, y, "left", x + 9),
        (x - 9, y, "right", x - 9 - width),
        (x, y + 15, "center", x - width / 2),
        (x, y - 15, "center", x - width / 2),
    ]
    for at, middle, ha, left in around:
        box = Box(left - 2, middle - half, left + width + 2, middle + half)
        inside = box.left >= 0 and box.right <= inner[0] + 10
        inside = inside and box.bottom >= -4 and box.top <= inner[1] + 4
        if inside and not any(box.overlap(other) > 0 for other in others):
            return at, middle, ha, box
    return None
