"""Gaps drawn: each with its interval around zero, and expectation against perception."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import pandas as pd

from servlab.core.checks import check_choice, check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language, Scale
from servlab.presentation.chart import (
    ACCENT,
    BAD,
    EXPECTED,
    GOOD,
    LINE,
    PAGE,
    SOFT,
    Chart,
)
from servlab.presentation.formats import format_interval, format_number
from servlab.presentation.labels import conf_text, plain, term_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.standing import Standing, standing
from servlab.presentation.plots.rows import (
    Key,
    Plan,
    Row,
    draw_rows,
    mark_y,
    nice_ticks,
    row_axes,
    tick_digits,
    upright,
    write_key,
)
from servlab.scales.gaps import GapScores
from servlab.scales.tolerance import ZoneOfTolerance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Level = Literal["dimension", "item"]

TONES: dict[Standing, str] = {"below": BAD, "above": GOOD, "level": SOFT, "unknown": SOFT}


def plot_gaps(result: GapScores, *, level: Level = "dimension", language: Language = "en") -> Chart:
    """Draw the mean gaps with their intervals, the widest shortfall on top.

    Parameters
    ----------
    result : GapScores
        From ``gap_scores``.
    level : {"dimension", "item"}
        What a row is. Without dimensions the items are drawn.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        A filled mark has an interval without zero, a hollow one an interval that holds it.

    Examples
    --------
    >>> import servlab as sl
    >>> chart = plot_gaps(sl.gap_scores(sl.load_example("servqual")))
    >>> chart.caption
    'Gap by dimension, with 95 % intervals.'
    """
    check_result("result", result, GapScores, "gap_scores()")
    table, level = gap_rows(result, level)
    rows = [_gap_row(code, row, result, language) for code, row in table.iterrows()]
    axis = message("gaps.plot_axis", language)
    words = {"level": conf_text(result.conf_level)}

    def paint(figure: "Figure", plan: Plan) -> None:
        paint_intervals(figure, plan, rows, table, axis=axis, signed=True)

    return draw_rows(
        rows,
        paint,
        caption=message(f"gaps.plot_caption_{level}", language, **words),
        alt=message("gaps.plot_alt", language, rows=_gap_alt(table, result, language)),
        language=language,
        axis=axis,
        step=36,
    )


def gap_rows(result: GapScores, level: Level) -> tuple[pd.DataFrame, Level]:
    """Return the rows of a level with the lowest gap first, and the level drawn."""
    table, level = level_rows(result, level, "estimate")
    if table.empty:
        raise ModelError(f"no {level} has a gap to draw; nobody answered both batteries.")
    return table.sort_values("estimate", kind="stable"), level


def level_rows(
    result: GapScores | ZoneOfTolerance, level: Level, column: str
) -> tuple[pd.DataFrame, Level]:
    """Return the rows of a level that have a value, and the level: items without dimensions."""
    check_choice("level", level, ("dimension", "item"))
    if level == "dimension" and result.by_dimension.empty:
        level = "item"
    table = result.by_dimension if level == "dimension" else result.by_item
    return table.dropna(subset=[column]), level


def _gap_row(code: object, row: pd.Series, result: GapScores, language: Language) -> Row:
    colour = TONES[standing(float(row["conf_low"]), float(row["conf_high"]))]
    label = plain(term_label(code, result.instrument, language))
    return Row(label, format_number(row["estimate"], sign=True), colour)


def _gap_alt(table: pd.DataFrame, result: GapScores, language: Language) -> str:
    texts = [
        message(
            "gaps.plot_alt_row",
            language,
            name=plain(term_label(code, result.instrument, language)),
            gap=format_number(row["estimate"], sign=True),
            interval=format_interval(row["conf_low"], row["conf_high"]),
        )
        for code, row in table.iterrows()
    ]
    return separated(texts, language)


def separated(texts: Sequence[str], language: Language) -> str:
    """Return parts of an alternative text as one list."""
    return ("; " if language == "en" else "；").join(texts)


def paint_intervals(
    figure: "Figure",
    plan: Plan,
    rows: Sequence[Row],
    table: pd.DataFrame,
    *,
    axis: str,
    signed: bool,
    zero: bool = True,
    places: Sequence[int] | None = None,
) -> "Axes":
    """Draw points with intervals, in each row's colour; zero in the axis where it has meaning."""
    low, high = _limits(table, zero)
    ticks = nice_ticks(low, high, 5 if plan.narrow else 8)
    digits = tick_digits(ticks)
    words = [format_number(t, digits, sign=signed) for t in ticks]
    ax = row_axes(figure, plan, rows, limits=(low, high), ticks=ticks, tick_labels=words, axis=axis)
    if zero:
        upright(ax, plan, 0, color=SOFT, zorder=1)
    for place, (_, row) in zip(places or range(len(table)), table.iterrows(), strict=True):
        y, colour = mark_y(plan, place), rows[place].colour
        ax.plot([row["conf_low"], row["conf_high"]], [y, y], color=colour, solid_capstyle="round")
        hollow = standing(float(row["conf_low"]), float(row["conf_high"])) in ("level", "unknown")
        draw_dot(ax, float(row["estimate"]), y, colour, filled=not (zero and hollow))
    return ax


def _limits(table: pd.DataFrame, zero: bool) -> tuple[float, float]:
    """Return limits that hold all intervals, and zero where asked, with a little air."""
    ends = pd.concat([table[c].dropna() for c in ("estimate", "conf_low", "conf_high")])
    low, high = float(ends.min()), float(ends.max())
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    air = 0.06 * ((high - low) or 1.0)
    return low - air, high + air


def draw_dot(
    ax: "Axes", x: float, y: float, colour: str, *, filled: bool, size: float = 10
) -> None:
    """Draw one mark: filled, or hollow with the page's colour inside."""
    ax.plot(
        [x],
        [y],
        marker="o",
        markersize=size,
        markerfacecolor=colour if filled else PAGE,
        markeredgecolor=colour,
        markeredgewidth=2.5,
        linestyle="none",
        clip_on=False,
        zorder=4,
    )


def plot_expectation_perception(
    result: GapScores,
    *,
    level: Level = "dimension",
    scale: Scale | None = None,
    language: Language = "en",
) -> Chart:
    """Draw expected and perceived service as pairs of points, the widest shortfall on top.

    Parameters
    ----------
    result : GapScores
        From ``gap_scores``.
    level : {"dimension", "item"}
        What a row is. Without dimensions the items are drawn.
    scale : Scale, optional
        The scale answered on; the instrument's for the perception battery by default.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart

    Examples
    --------
    >>> import servlab as sl
    >>> chart = plot_expectation_perception(sl.gap_scores(sl.load_example("servqual")))
    >>> chart.caption
    'Expected and perceived service by dimension, mean answers from 1 to 7.'
    """
    check_result("result", result, GapScores, "gap_scores()")
    table, level = gap_rows(result, level)
    rows = [_gap_row(code, row, result, language) for code, row in table.iterrows()]
    axis = message("gaps.dumbbell_axis", language)
    answered = scale or result.instrument.scale_of("perception")
    check_scale(table[["expected", "perceived"]], answered)

    def paint(figure: "Figure", plan: Plan) -> None:
        _paint_pairs(figure, plan, rows, table, answered, axis, language)

    ends = {"low": str(answered.low), "high": str(answered.high)}
    return draw_rows(
        rows,
        paint,
        caption=message(f"gaps.dumbbell_caption_{level}", language, **ends),
        alt=message("gaps.dumbbell_alt", language, rows=_pairs_alt(table, result, language)),
        language=language,
        keyed=True,
    )


def check_scale(means: pd.DataFrame, scale: Scale) -> None:
    """Raise ``ModelError`` when a mean lies outside the scale that would be drawn."""
    low, high = float(means.min().min()), float(means.max().max())
    if low < scale.low or high > scale.high:
        raise ModelError(
            f"means from {low:.2f} to {high:.2f} lie outside the scale {scale.low} to "
            f"{scale.high}; give the scale that was answered on, as scale=survey.scales[...]."
        )


def scale_axis(scale: Scale, narrow: bool) -> dict[str, object]:
    """Return limits and ticks of a response scale, every point of it where there is room."""
    step = 1 if scale.n_points <= (9 if narrow else 12) else 2
    ticks = [float(p) for p in range(scale.low, scale.high + 1, step)]
    air = 0.03 * (scale.high - scale.low)
    return {
        "limits": (scale.low - air, scale.high + air),
        "ticks": ticks,
        "tick_labels": [format_number(t, 0) for t in ticks],
    }


def _paint_pairs(
    figure: "Figure",
    plan: Plan,
    rows: Sequence[Row],
    table: pd.DataFrame,
    scale: Scale,
    axis: str,
    language: Language,
) -> None:
    """Draw the pairs: a bar between a hollow mark (expected) and a filled one (perceived)."""
    ax = row_axes(figure, plan, rows, axis=axis, **scale_axis(scale, plan.narrow))  # type: ignore[arg-type]
    for place, (_, row) in enumerate(table.iterrows()):
        y = mark_y(plan, place)
        ends = [row["expected"], row["perceived"]]
        ax.plot(ends, [y, y], color=LINE, linewidth=5, solid_capstyle="round", zorder=2)
        draw_dot(ax, float(row["expected"]), y, EXPECTED, filled=False)
        draw_dot(ax, float(row["perceived"]), y, ACCENT, filled=True)
    keys = [
        Key(message("gaps.key_perceived", language), ACCENT),
        Key(message("gaps.key_expected", language), EXPECTED, filled=False),
    ]
    write_key(figure, plan, keys, value_head=message("gaps.key_gap", language))


def _pairs_alt(table: pd.DataFrame, result: GapScores, language: Language) -> str:
    texts = [
        message(
            "gaps.dumbbell_alt_row",
            language,
            name=plain(term_label(code, result.instrument, language)),
            expected=format_number(row["expected"]),
            perceived=format_number(row["perceived"]),
            gap=format_number(row["estimate"], sign=True),
        )
        for code, row in table.iterrows()
    ]
    return separated(texts, language)
