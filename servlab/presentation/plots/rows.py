"""Rows of a chart: a label, a stretch of a common axis, and the number written out.

Wide charts have labels on the left; narrow ones (phones) have them over the row, so that the axis
keeps the whole width. Every line of a label is a text of its own, anchored where it belongs,
because the page draws it in another font than the one matplotlib measures with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servlab.presentation.chart import INK, LINE, NARROW, SOFT, WIDE, text_width, wrap_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EM = 7.2  # px that a half-width character of 13 px takes, at most
LINE_STEP = 17  # px from one line of text to the next
MAX_LINES = 2
LABEL_MAX = 300  # px that labels may take in the wide drawing
TOP, BOTTOM, KEY = 10, 46, 26  # px over the rows, under them (ticks, axis label), and for a key


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its label, the number at its end and the number's colour.

    A ``head`` is a row of its own that names the rows under it.
    """

    label: str
    value: str = ""
    colour: str = INK
    head: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the key over the rows: a mark of matplotlib and its words."""

    text: str
    colour: str
    marker: str = "o"
    filled: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything stands in one drawing, in px.

    Attributes
    ----------
    labels : tuple of tuple of str
        Lines of each row's label.
    step : float
        Height of a row.
    left, right : float
        Margins beside the axis.
    top : float
        Margin over the first row.
    width, height : float
        The whole drawing.
    narrow : bool
    """

    labels: tuple[tuple[str, ...], ...]
    step: float
    left: float
    right: float
    top: float
    width: float
    height: float
    narrow: bool


def shorten(text: str, width: int, lines: int = MAX_LINES) -> tuple[str, ...]:
    """Return a label as at most so many lines; what does not fit gives way to an ellipsis.

    Examples
    --------
    >>> shorten("23 The touch screen is exact and fast", 16, 1)
    ('23 The touch…',)
    """
    wrapped = wrap_label(" ".join(text.split()), width).split("\n")
    if len(wrapped) <= lines:
        return tuple(wrapped)
    last = wrapped[lines - 1]
    while last and text_width(last) + 1 > width:
        last = last[:-1]
    return (*wrapped[: lines - 1], last.rstrip(" ,.;:，。；：、（(") + "…")


def plan_rows(
    rows: Sequence[Row],
    narrow: bool,
    *,
    keyed: bool = False,
    values: bool = True,
    step: float = 40,
    axis_lines: int = 1,
) -> Plan:
    """Return where rows, labels and axis stand in one of the two drawings.

    ``step`` is the least height of a row in the wide drawing.
    """
    most = max((text_width(row.value) for row in rows), default=0) if values else 0
    right = most * EM + 18 if most else 14
    wanted = max((text_width(row.label) for row in rows if not row.head), default=0) * EM + 26
    if narrow:
        width, left, right = NARROW, 12.0, 12.0
        room = int((width - left - 12 - most * EM) / EM)
    else:
        width, left = WIDE, min(max(wanted, 90.0), LABEL_MAX)
        room = int((left - 20) / EM)
    labels = tuple(shorten(row.label, max(room, 8)) for row in rows)
    deepest = max((len(lines) for lines in labels), default=1)
    height_of_row = LINE_STEP * deepest + 30 if narrow else max(step, LINE_STEP * deepest + 6)
    top = TOP + (KEY if keyed else 0)
    bottom = BOTTOM + 15 * (axis_lines - 1)
    height = top + height_of_row * len(rows) + bottom
    return Plan(labels, height_of_row, left, right, top, width, height, narrow)


def row_axes(
    figure: "Figure",
    plan: Plan,
    rows: Sequence[Row],
    *,
    limits: tuple[float, float],
    ticks: Sequence[float],
    tick_labels: Sequence[str],
    axis: str,
    left: float | None = None,
) -> "Axes":
    """Return axes whose y is the row (0 at the top) and whose x is the common scale.

    Labels, numbers, the vertical grid and the words under the axis are drawn already.
    """
    figure.set_layout_engine("none")
    start = plan.left if left is None else left
    bottom = plan.height - plan.top - plan.step * len(rows)
    ax = figure.add_axes((
        start / plan.width,
        bottom / plan.height,
        (plan.width - start - plan.right) / plan.width,
        plan.step * len(rows) / plan.height,
    ))  # fmt: skip
    ax.set_xlim(*limits)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks([])
    ax.set_xticks(list(ticks), list(tick_labels))
    ax.tick_params(axis="x", pad=6)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    for tick in ticks:
        upright(ax, plan, len(rows), tick, color=LINE, zorder=0)
    _write_axis(figure, plan, axis)
    for place, row in enumerate(rows):
        _write_row(ax, plan, place, row)
    return ax


def upright(ax: "Axes", plan: Plan, count: int, x: float, **look: Any) -> None:
    """Draw an upright line; on phones only beside the marks, so that it strikes no words out."""
    if not plan.narrow:
        ax.axvline(x, linewidth=1, **look)
        return
    places = [mark_y(plan, place) for place in range(count)]
    reach = 11 / plan.step
    ax.vlines([x] * count, [y - reach for y in places], [y + reach for y in places],
              linewidth=1, **look)  # fmt: skip


def mark_y(plan: Plan, place: float) -> float:
    """Return the y at which a row's marks stand: its middle, or under the label when narrow."""
    if not plan.narrow:
        return place
    lines = max((len(lines) for lines in plan.labels), default=1)
    return place - 0.5 + (LINE_STEP * lines + 14) / plan.step


def write(
    ax: "Axes", x: float, y: float, text: str, *, px: bool = True, up: float = 0, **look: Any
) -> None:
    """Write one line; ``x`` in px from the figure's left (or in data), ``y`` in data.

    ``up`` lifts the line by so many px.
    """
    from matplotlib.transforms import Affine2D, ScaledTranslation, blended_transform_factory

    figure = ax.figure
    across = Affine2D().scale(1 / 72) + figure.dpi_scale_trans if px else ax.transData
    place = blended_transform_factory(across, ax.transData)
    if up:
        place = place + ScaledTranslation(0, up / 72, figure.dpi_scale_trans)
    ax.text(x, y, text, transform=place, clip_on=False, **{"va": "center_baseline"} | look)


def _write_row(ax: "Axes", plan: Plan, place: int, row: Row) -> None:
    """Write a row's label and its number."""
    lines = plan.labels[place]
    value: dict[str, Any] = {"ha": "right", "color": row.colour, "weight": 600}
    weight: dict[str, Any] = {"weight": 600} if row.head else {}
    if plan.narrow:
        # a short label stands next to its marks, not on the first of two lines
        skip = max(len(other) for other in plan.labels) - len(lines)
        for i, line in enumerate(lines):
            y = place - 0.5 + (LINE_STEP * (skip + i + 0.5) + 4) / plan.step
            write(ax, plan.left, y, line, ha="left", **weight)
        y = place - 0.5 + (LINE_STEP * (skip + 0.5) + 4) / plan.step
        write(ax, plan.width - plan.right, y, row.value, **value)
        return
    for i, line in enumerate(lines):
        up = LINE_STEP * ((len(lines) - 1) / 2 - i)
        if row.head:
            write(ax, 2, place, line, up=up, ha="left", **weight)
        else:
            write(ax, plan.left - 16, place, line, up=up, ha="right")
    if row.value:
        write(ax, plan.width - 4, place, row.value, **value)


def _write_axis(figure: "Figure", plan: Plan, axis: str) -> None:
    """Write the words under the axis, from the left edge when narrow."""
    room = int((plan.width - 16) / EM) if plan.narrow else 200
    lines = wrap_label(axis, room).split("\n")
    for i, line in enumerate(lines):
        y = (8 + 15 * (len(lines) - 1 - i)) / plan.height
        x, ha = (plan.left / plan.width, "left")
        if not plan.narrow:
            x, ha = (plan.left + plan.width - plan.right) / 2 / plan.width, "center"
        figure.text(x, y, line, ha=ha, va="baseline", color=SOFT, size=12)


def axis_lines(axis: str) -> int:
    """Return how many lines the words under a narrow axis take."""
    return len(wrap_label(axis, int((NARROW - 16) / EM)).split("\n"))


def write_key(
    figure: "Figure", plan: Plan, keys: Sequence[Key], *, value_head: str = ""
) -> None:
    """Write the key over the rows, and the heading over the numbers."""
    from matplotlib.lines import Line2D

    x, y = plan.left, (plan.height - 15) / plan.height
    for key in keys:
        dot = Line2D(
            [(x + 6) / plan.width],
            [y],
            marker=key.marker,
            markersize=9,
            linestyle="none",
            markerfacecolor=key.colour if key.filled else "none",
            markeredgecolor=key.colour,
            markeredgewidth=2,
        )
        figure.add_artist(dot)
        figure.text((x + 18) / plan.width, y, key.text, va="center_baseline", color=SOFT, size=12)
        x += 18 + text_width(key.text) * EM + 16
    if value_head:
        end = plan.width - (plan.right if plan.narrow else 4)
        figure.text(
            end / plan.width, y, value_head, va="center_baseline", ha="right", color=SOFT, size=12
        )


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round tick positions inside the limits, at most about ``most``."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(t) for t in found if low - 1e-9 <= t <= high + 1e-9]


def heights(plan: Callable[[bool], Plan]) -> tuple[float, float]:
    """Return the heights of the wide and the narrow drawing."""
    return plan(False).height, plan(True).height
