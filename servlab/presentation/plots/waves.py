"""Waves drawn: changes with intervals, and means over time against control limits."""

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from servlab.core.checks import check_choice, check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_limits import WaveLimits
from servlab.estimation.comparison.waves import WaveComparison
from servlab.presentation.chart import (
    ACCENT,
    BAD,
    LINE,
    NARROW,
    PAGE,
    SOFT,
    WIDE,
    Chart,
    draw_chart,
)
from servlab.presentation.formats import format_number
from servlab.presentation.labels import conf_text
from servlab.presentation.messages import message
from servlab.presentation.narrative.standing import standing
from servlab.presentation.plots.gaps import TONES, paint_intervals, separated
from servlab.presentation.plots.rows import (
    Plan,
    Row,
    draw_rows,
    nice_ticks,
    shorten,
    tick_digits,
)
from servlab.presentation.wave_words import levels_shown, main_rows, wave_label, wave_term

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_STEPS = 4  # with more waves, only the newest wave's change is drawn
PANEL, HEAD, FOOT = 92, 26, 26  # px of a panel's plot, of its title, and under it
TOP, LEFT, RIGHT = 6, 46, 14


def plot_waves(
    result: WaveComparison,
    *,
    show: Literal["changes", "means"] = "changes",
    survey: Survey | None = None,
    language: Language = "en",
) -> Chart:
    """Draw what changed between waves, or the means over time.

    Parameters
    ----------
    result : WaveComparison
        From ``compare_waves``.
    show : {"changes", "means"}
        Changes with intervals around zero (with more than four changes a score, the newest
        wave's only), or a line of means with intervals for each score.
    survey : Survey, optional
        For labels of waves.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart

    Examples
    --------
    >>> import servlab as sl
    >>> chart = plot_waves(sl.compare_waves(sl.load_example("servqual_waves"), against="previous"))
    >>> chart.caption
    'Change since the wave before, with 95 % intervals.'
    """
    check_result("result", result, WaveComparison, "compare_waves()")
    check_choice("show", show, ("changes", "means"))
    if show == "changes":
        return _changes(result, survey, language)
    table = main_rows(result.by_wave, levels_shown(result))
    words = {"level": conf_text(result.conf_level)}
    caption = message("tracking.plot_means", language, **words)
    names = {w: wave_label(w, result, survey, language) for w in result.waves}
    return _lines(table, result, names, caption, language)


def plot_wave_limits(result: WaveLimits, *, language: Language = "en") -> Chart:
    """Draw wave means against the limits that all earlier waves set.

    Parameters
    ----------
    result : WaveLimits
        From ``wave_limits``.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart

    Examples
    --------
    >>> import servlab as sl
    >>> waves = sl.compare_waves(sl.load_example("servqual_waves"))
    >>> plot_wave_limits(sl.wave_limits(waves)).caption[:27]
    'Wave means against limits f'
    """
    check_result("result", result, WaveLimits, "wave_limits()")
    caption = message("tracking.plot_limits", language)
    names = {w: w for w in result.waves}
    return _lines(main_rows(result.limits, levels_shown(result)), result, names, caption, language)


def _changes(result: WaveComparison, survey: Survey | None, language: Language) -> Chart:
    table = main_rows(result.changes, levels_shown(result)).dropna(subset=["estimate"])
    if table.empty:
        raise ModelError("no score has a change to draw.")
    steps = table["wave"].nunique()
    if steps > MOST_STEPS:
        table = table[table["wave"] == result.changes["wave"].iloc[-1]]
    rows, places = _rows(table, result, survey, language, heads=1 < steps <= MOST_STEPS)
    axis = message("tracking.plot_axis", language)

    def paint(figure: "Figure", plan: Plan) -> None:
        paint_intervals(figure, plan, rows, table, axis=axis, signed=True, places=places)

    alt = separated(
        [
            message(
                "tracking.alt_row",
                language,
                name=wave_term(str(r["level"]), str(r["term"]), result, language),
                wave=wave_label(str(r["wave"]), result, survey, language),
                value=format_number(r["estimate"], sign=True),
            )
            for _, r in table.iterrows()
        ],
        language,
    )
    return draw_rows(
        rows,
        paint,
        caption=_caption(table, result, survey, language, last=steps > MOST_STEPS),
        alt=message("tracking.plot_alt_changes", language, rows=alt),
        language=language,
        step=28,
    )


def _caption(
    table: pd.DataFrame,
    result: WaveComparison,
    survey: Survey | None,
    language: Language,
    *,
    last: bool,
) -> str:
    against = message("tracking.plot_previous", language)
    if result.against != "previous":
        against = wave_label(str(table["against"].iloc[0]), result, survey, language)
    values = {"against": against, "level": conf_text(result.conf_level)}
    if not last:
        return message("tracking.plot_changes", language, **values)
    wave = wave_label(str(table["wave"].iloc[0]), result, survey, language)
    return message("tracking.plot_changes_last", language, wave=wave, **values)


def _rows(
    table: pd.DataFrame,
    result: WaveComparison,
    survey: Survey | None,
    language: Language,
    *,
    heads: bool,
) -> tuple[list[Row], list[int]]:
    """Return rows, under a head for each score where it has several, and the marks' places."""
    rows: list[Row] = []
    places: list[int] = []
    before = None
    for _, row in table.iterrows():
        name = wave_term(str(row["level"]), str(row["term"]), result, language)
        if heads and (row["level"], row["term"]) != before:
            rows.append(Row(name, head=True))
            before = (row["level"], row["term"])
        places.append(len(rows))
        label = wave_label(str(row["wave"]), result, survey, language) if heads else name
        tone = TONES[standing(float(row["conf_low"]), float(row["conf_high"]))]
        rows.append(Row(label, format_number(row["estimate"], sign=True), tone))
    return rows, places


def _lines(
    table: pd.DataFrame,
    result: WaveComparison | WaveLimits,
    names: dict[str, str],
    caption: str,
    language: Language,
) -> Chart:
    """Return one panel a score, one under the other on a phone and two beside on a page."""
    panels = [
        (wave_term(str(part["level"].iloc[0]), str(part["term"].iloc[0]), result, language), part)
        for _, part in table.groupby(["level", "term"], sort=False)
    ]
    if not panels:
        raise ModelError("no score has a mean to draw.")

    def paint(figure: "Figure", narrow: bool) -> None:
        columns = 1 if narrow else 2
        width, height = (NARROW if narrow else WIDE), _height(len(panels), columns)
        each = width / columns
        figure.set_layout_engine("none")
        for k, (name, part) in enumerate(panels):
            left = (k % columns) * each + LEFT
            top = TOP + (k // columns) * (PANEL + HEAD + FOOT) + HEAD
            box = (left / width, 1 - (top + PANEL) / height, (each - LEFT - RIGHT) / width)
            ax = figure.add_axes((*box, PANEL / height))
            title = shorten(name, int((each - LEFT) / 7.2), 1)[0]
            ax.set_title(title, loc="left", pad=6, fontweight=600)
            _panel(ax, part, [names[str(w)] for w in part["wave"]], each - LEFT - RIGHT)

    values = [(name, part["estimate"].dropna()) for name, part in panels]
    alt = separated(
        [
            message("tracking.alt_line", language, name=name, first=format_number(v.iloc[0]),
                    last=format_number(v.iloc[-1]))
            for name, v in values
        ],
        language,
    )  # fmt: skip
    return draw_chart(
        paint,
        caption=caption,
        alt=message("tracking.plot_alt_lines", language, rows=alt),
        language=language,
        height=_height(len(panels), 2),
        narrow_height=_height(len(panels), 1),
    )


def _height(panels: int, columns: int) -> float:
    return TOP + -(-panels // columns) * (PANEL + HEAD + FOOT)


def _panel(ax: "Axes", part: pd.DataFrame, names: list[str], room: float) -> None:
    """Draw one score: its means joined by a line, intervals or limits around them."""
    at = np.arange(len(part))
    means = part["estimate"].to_numpy(dtype=float)
    limits = "limit_low" in part
    low, high = (
        part[c].to_numpy(dtype=float)
        for c in (("limit_low", "limit_high") if limits else ("conf_low", "conf_high"))
    )
    if limits:
        ax.fill_between(at, low, high, step="mid", color=LINE, alpha=0.6, linewidth=0)
        ax.step(at, part["centre"], where="mid", color=SOFT, linewidth=1)
    else:
        ax.vlines(at, low, high, color=ACCENT, linewidth=2)
    ax.plot(at, means, color=ACCENT, linewidth=1.5, zorder=3)
    out = part["signal"].to_numpy(dtype=bool) if limits else np.zeros(len(part), dtype=bool)
    ax.plot(at[~out], means[~out], "o", color=ACCENT, markersize=6, zorder=4)
    ax.plot(at[out], means[out], "o", markerfacecolor=PAGE, markeredgecolor=BAD,
            markeredgewidth=2.5, markersize=9, zorder=5)  # fmt: skip
    ends = np.concatenate([means, low, high])
    bottom, top = float(np.nanmin(ends)), float(np.nanmax(ends))
    air = 0.1 * ((top - bottom) or 1.0)
    ax.set_ylim(bottom - air, top + air)
    ax.set_xlim(-0.4, len(part) - 0.6)
    ticks = nice_ticks(bottom - air, top + air, 4)
    digits = tick_digits(ticks)
    ax.set_yticks(ticks, [format_number(t, digits) for t in ticks])
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=11)
    ax.grid(axis="y", zorder=0)
    ax.spines["left"].set_visible(False)
    every = max(1, -(-len(part) * (max(map(len, names)) + 2) * 7 // int(room)))
    kept = [k for k in range(len(part)) if (len(part) - 1 - k) % every == 0]
    ax.set_xticks(kept, [names[k] for k in kept])
