"""Rows of a chart: a label, a stretch of a common axis, and the number written out.

Wide charts have labels on the left; narrow ones (phones) have them over the row, so that the axis
keeps the whole width. Every line of a label is a text of its own, anchored where it belongs,
because the page draws it in another font than the one matplotlib measures with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servlab.data.schema import Language
from servlab.presentation.chart import (
    INK,
    LINE,
    NARROW,
    SOFT,
    WIDE,
    Chart,
    draw_chart,
    text_width,
    wrap_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

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
    """Where everything stands in one drawing, in px from the upper left corner.

    Attributes
    ----------
    labels : tuple of tuple of str
        Lines of each row's label.
    tops : tuple of float
        Where each row starts, and where the last ends.
    heads : tuple of bool
        Which rows are heads.
    left, right : float
        Margins beside the axis.
    width, height : float
        The whole drawing.
    narrow : bool
    """

    labels: tuple[tuple[str, ...], ...]
    tops: tuple[float, ...]
    heads: tuple[bool, ...]
    left: float
    right: float
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
    whole = " ".join(text.split())
    wrapped = wrap_label(whole, width).split("\n")
    if len(wrapped) <= lines:
        return tuple(wrapped)
    kept = wrapped[: lines - 1]
    return (*kept, _cut(_after(whole, kept), wrapped[lines - 1], width - 1) + "…")


def _after(whole: str, lines: Sequence[str]) -> str:
    """Return what follows the given first lines of a text."""
    at = 0
    for line in lines:
        at = whole.index(line, at) + len(line)
    return whole[at:].lstrip()


def _cut(rest: str, line: str, width: int) -> str:
    """Return the start of a text: whole words when they fill most of the width, else letters."""
    while line and text_width(line) > width:
        line = line[:-1]
    if text_width(line) < 0.6 * width:
        line = ""
        for letter in rest:
            if text_width(line + letter) > width:
                break
            line += letter
    return line.rstrip(" ,.;:，。；：、（(-")


def plan_rows(
    rows: Sequence[Row],
    narrow: bool,
    *,
    keyed: bool = False,
    step: float = 40,
    axis_lines: int = 1,
) -> Plan:
    """Return where rows, labels and axis stand in one of the two drawings.

    ``step`` is the least height of a row in the wide drawing.
    """
    most = max((text_width(row.value) for row in rows), default=0)
    if narrow:
        width, left, right = NARROW, 12.0, 12.0
        room = int((width - left - 12 - most * EM) / EM)
    else:
        wanted = max((text_width(row.label) for row in rows if not row.head), default=0) * EM
        width, left = WIDE, min(max(wanted + 26, 90.0), LABEL_MAX)
        right = most * EM + 18 if most else 14.0
        room = int((left - 20) / EM)
    labels = tuple(_lines(row, room, width) for row in rows)
    tops = [TOP + (KEY if keyed else 0.0)]
    for row, lines in zip(rows, labels, strict=True):
        tops.append(tops[-1] + _row_height(row, len(lines), narrow, step))
    height = tops[-1] + BOTTOM + 15 * (axis_lines - 1)
    heads = tuple(row.head for row in rows)
    return Plan(labels, tuple(tops), heads, left, right, width, height, narrow)


def _lines(row: Row, room: int, width: float) -> tuple[str, ...]:
    """Return the lines of a row's label; a head has the whole width to itself."""
    if row.head:
        return shorten(row.label, int((width - 24) / EM), 1)
    return shorten(row.label, max(room, 8))


def _row_height(row: Row, lines: int, narrow: bool, step: float) -> float:
    if row.head:
        return LINE_STEP + 15
    return LINE_STEP * lines + 30 if narrow else max(step, LINE_STEP * lines + 6)


def row_axes(
    figure: "Figure",
    plan: Plan,
    rows: Sequence[Row],
    *,
    limits: tuple[float, float],
    ticks: Sequence[float],
    tick_labels: Sequence[str],
    axis: str,
) -> "Axes":
    """Return axes whose y is in px downwards, as the plan counts, and whose x is the scale.

    Labels, numbers, the vertical grid and the words under the axis are drawn already.
    """
    figure.set_layout_engine("none")
    top, bottom = plan.tops[0], plan.tops[-1]
    ax = figure.add_axes((
        plan.left / plan.width,
        1 - bottom / plan.height,
        (plan.width - plan.left - plan.right) / plan.width,
        (bottom - top) / plan.height,
    ))  # fmt: skip
    ax.set_xlim(*limits)
    ax.set_ylim(bottom, top)
    ax.set_yticks([])
    ax.set_xticks(list(ticks), list(tick_labels))
    ax.tick_params(axis="x", pad=6)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    for tick in ticks:
        upright(ax, plan, tick, color=LINE, zorder=0)
    _write_axis(figure, plan, axis)
    for place, row in enumerate(rows):
        _write_row(ax, plan, place, row)
    return ax


def upright(ax: "Axes", plan: Plan, x: float, **look: Any) -> None:
    """Draw an upright line through the rows; it strikes out no head and, on phones, no label."""
    shown = [place for place, head in enumerate(plan.heads) if not head]
    if plan.narrow:
        ends = [(mark_y(plan, place) - 11, mark_y(plan, place) + 11) for place in shown]
    else:
        ends = [(plan.tops[place], plan.tops[place + 1]) for place in shown]
    ax.vlines([x] * len(ends), [a for a, _ in ends], [b for _, b in ends], linewidth=1, **look)


def mark_y(plan: Plan, place: int) -> float:
    """Return the y at which a row's marks stand: its middle, or under the label when narrow."""
    if not plan.narrow:
        return (plan.tops[place] + plan.tops[place + 1]) / 2
    return plan.tops[place] + LINE_STEP * len(plan.labels[place]) + 14


def write(ax: "Axes", x: float, y: float, text: str, **look: Any) -> None:
    """Write one line; ``x`` in px from the figure's left, ``y`` in the units of the axes."""
    from matplotlib.transforms import Affine2D, blended_transform_factory

    across = Affine2D().scale(1 / 72) + ax.get_figure(root=True).dpi_scale_trans  # type: ignore[union-attr]
    place: Transform = blended_transform_factory(across, ax.transData)
    ax.text(x, y, text, transform=place, clip_on=False, **{"va": "center_baseline"} | look)


def _write_row(ax: "Axes", plan: Plan, place: int, row: Row) -> None:
    """Write a row's label and its number."""
    lines = plan.labels[place]
    top, middle = plan.tops[place], (plan.tops[place] + plan.tops[place + 1]) / 2
    value: dict[str, Any] = {"ha": "right", "color": row.colour, "weight": 600}
    weight: dict[str, Any] = {"weight": 600} if row.head else {}
    beside = not plan.narrow and not row.head
    for i, line in enumerate(lines):
        if beside:
            y = middle + LINE_STEP * (i - (len(lines) - 1) / 2)
            write(ax, plan.left - 16, y, line, ha="right")
        else:
            y = top + LINE_STEP * (i + 0.5) + (10 if row.head else 4)
            write(ax, plan.left if plan.narrow else 2, y, line, ha="left", **weight)
    if row.value and beside:
        write(ax, plan.width - 4, middle, row.value, **value)
    elif row.value:
        write(ax, plan.width - plan.right, top + LINE_STEP * 0.5 + 4, row.value, **value)


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


def axis_lines(axis: str, narrow: bool) -> int:
    """Return how many lines the words under an axis take."""
    return len(wrap_label(axis, int((NARROW - 16) / EM)).split("\n")) if narrow else 1


def write_key(figure: "Figure", plan: Plan, keys: Sequence[Key], *, value_head: str = "") -> None:
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


def tick_digits(ticks: Sequence[float], fewest: int = 1) -> int:
    """Return the decimals that write every tick as what it is: steps of .25 need two.

    Examples
    --------
    >>> tick_digits([-0.75, -0.5]), tick_digits([-0.2, 0.0]), tick_digits([0.125, 0.15])
    (2, 1, 3)
    """
    exact = (d for d in range(fewest, 3) if all(abs(t - round(t, d)) < 1e-9 for t in ticks))
    return next(exact, 3)


def draw_rows(
    rows: Sequence[Row],
    paint: "Callable[[Figure, Plan], None]",
    *,
    caption: str,
    alt: str,
    language: Language,
    axis: str = "",
    keyed: bool = False,
    step: float = 40,
) -> Chart:
    """Return the chart of rows that ``paint`` draws into both plans, the wide and the narrow one.

    Room is left for a key where ``keyed``, and for the words ``axis`` where they wrap; ``step`` is
    as in ``plan_rows``.
    """
    wide, tall = (
        plan_rows(rows, narrow, keyed=keyed, step=step, axis_lines=axis_lines(axis, narrow))
        for narrow in (False, True)
    )
    return draw_chart(
        lambda figure, narrow: paint(figure, tall if narrow else wide),
        caption=caption,
        alt=alt,
        language=language,
        height=wide.height,
        narrow_height=tall.height,
    )
