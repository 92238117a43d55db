"""Moderation drawn: predicted lines at values of the moderator, and the slope along it."""

from typing import TYPE_CHECKING

import pandas as pd

from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.johnson_neyman import JohnsonNeyman
from servlab.estimation.regression.simple_slopes import SimpleSlopes
from servlab.presentation.chart import (
    ACCENT,
    BAD,
    EXPECTED,
    GOOD,
    LINE,
    NARROW,
    SOFT,
    WIDE,
    Chart,
    draw_chart,
    wrap_label,
)
from servlab.presentation.formats import format_number
from servlab.presentation.labels import conf_text, shorten
from servlab.presentation.messages import message
from servlab.presentation.narrative.standing import standing
from servlab.presentation.plots.gaps import separated
from servlab.presentation.plots.rows import EM, nice_ticks
from servlab.presentation.regression_words import names_of, region_words, value_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (BAD, EXPECTED, ACCENT, GOOD, SOFT)
DASHES = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
MOST_LINES = 6
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 34, 56  # px around the axes
KEY_STEP = 18  # px a line of the key


def plot_simple_slopes(
    result: SimpleSlopes, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw the predicted outcome along the predictor at values of the moderator, with bands.

    Parameters
    ----------
    result : SimpleSlopes
        From ``simple_slopes``.
    survey : Survey, optional
        For labels.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Lines end where observations end; values that nobody has are not drawn.

    Raises
    ------
    ModelError
        When no value of the moderator lies within what was observed.
    """
    check_result("result", result, SimpleSlopes, "simple_slopes()")
    names = names_of(result, survey, language)
    rows = result.slopes[result.slopes["inside"].astype(bool)].head(MOST_LINES)
    if rows.empty:
        raise ModelError(
            f"no value of {result.moderator!r} lies within what was observed; there is no line."
        )
    labels = [value_words(result, row, survey, language, short=True) for _, row in rows.iterrows()]
    lines = [result.lines[result.lines["at"] == row["at"]] for _, row in rows.iterrows()]
    tall = KEY_STEP * (len(labels) + 1)
    ends = [_ends(line, label, language) for line, label in zip(lines, labels, strict=True)]

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint_lines(figure, lines, labels, names, narrow)

    return draw_chart(
        paint,
        caption=message(
            "regression.slopes_plot_caption", language, level=conf_text(result.conf_level), **names
        ),
        alt=message(
            "regression.slopes_plot_alt",
            language,
            rows=separated(ends, language),
            **{key: names[key] for key in ("outcome", "predictor")},
        ),
        language=language,
        height=360 + tall,
        narrow_height=300 + tall,
    )


def _ends(line: pd.DataFrame, label: str, language: Language) -> str:
    ends = {"first": format_number(line["estimate"].iloc[0]),
            "last": format_number(line["estimate"].iloc[-1])}  # fmt: skip
    return message("regression.slopes_plot_alt_row", language, at=label, **ends)


def _paint_lines(
    figure: "Figure",
    lines: list[pd.DataFrame],
    labels: list[str],
    names: dict[str, str],
    narrow: bool,
) -> None:
    """Draw a line and its band for each value, with a key over them."""
    keys = KEY_STEP * (len(labels) + 1)
    ax = _axes(figure, narrow, 300 + keys if narrow else 360 + keys, keys)
    everything = pd.concat(lines)
    for i, line in enumerate(lines):
        colour = COLOURS[i % len(COLOURS)]
        ax.fill_between(
            line["value"],
            line["conf_low"],
            line["conf_high"],
            color=colour,
            alpha=0.13 if len(lines) <= 3 else 0.05,
            linewidth=0,
        )
        ax.plot(line["value"], line["estimate"], color=colour, linestyle=DASHES[i % len(DASHES)])
    low, high = float(everything["conf_low"].min()), float(everything["conf_high"].max())
    _scale(
        ax,
        (float(everything["value"].min()), float(everything["value"].max())),
        (low, high),
        narrow,
    )
    _words(ax, names["predictor"], names["outcome"], narrow)
    _key(figure, labels, names["moderator"])


def _axes(figure: "Figure", narrow: bool, height: float, keys: float) -> "Axes":
    """Return axes with room for the key over and the words under them."""
    figure.set_layout_engine("none")
    width = NARROW if narrow else WIDE
    return figure.add_axes((
        LEFT / width,
        BOTTOM / height,
        (width - LEFT - RIGHT) / width,
        (height - BOTTOM - TOP - keys) / height,
    ))  # fmt: skip


def _scale(ax: "Axes", across: tuple[float, float], up: tuple[float, float], narrow: bool) -> None:
    """Set limits with a little air, round ticks and a light grid."""
    air = [0.03 * ((high - low) or 1.0) for low, high in (across, up)]
    ax.set_xlim(across[0] - air[0], across[1] + air[0])
    ax.set_ylim(up[0] - air[1], up[1] + air[1])
    for axis, (low, high), most in (
        (ax.xaxis, ax.get_xlim(), 5 if narrow else 8),
        (ax.yaxis, ax.get_ylim(), 6),
    ):
        ticks = nice_ticks(low, high, most)
        digits = next((d for d in (0, 1) if all(abs(t - round(t, d)) < 1e-9 for t in ticks)), 2)
        axis.set_ticks(ticks, [format_number(t, digits) for t in ticks])
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=12)
    ax.grid(visible=True, axis="y", color=LINE)


def _words(ax: "Axes", across: str, up: str, narrow: bool) -> None:
    """Write the words of both axes: under, and over at the left."""
    width = int(((NARROW if narrow else WIDE) - LEFT) / EM)
    ax.set_xlabel(wrap_label(shorten(across, 2 * width - 4), width), size=12)
    ax.set_title(shorten(up, width), loc="left", color=SOFT, size=12, pad=10)


def _key(figure: "Figure", labels: list[str], head: str) -> None:
    """Write the moderator's name and an entry a line, from the top."""
    from matplotlib.lines import Line2D

    width, height = (float(size) * 72 for size in figure.get_size_inches())
    room = int((width - 60) / EM)
    figure.text(
        4 / width, 1 - 12 / height, shorten(head, room), va="center_baseline", size=12, weight=600
    )
    for i, label in enumerate(labels):
        y = 1 - (12 + KEY_STEP * (i + 1)) / height
        look = {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i % len(DASHES)]}
        figure.add_artist(Line2D([6 / width, 36 / width], [y, y], **look))  # type: ignore[arg-type]
        figure.text(46 / width, y, shorten(label, room), va="center_baseline", color=SOFT, size=12)


def plot_johnson_neyman(
    result: JohnsonNeyman, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw the slope of the predictor along the moderator, with its band and the bounds.

    Parameters
    ----------
    result : JohnsonNeyman
        From ``johnson_neyman``.
    survey : Survey, optional
        For labels.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        The band is coloured where it lies above or below zero, and grey where it holds zero.
    """
    check_result("result", result, JohnsonNeyman, "johnson_neyman()")
    names = names_of(result, survey, language)
    low, high = result.observed

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint_region(figure, result, names, narrow, language)

    seen = result.regions[result.regions["observed"]]
    rows = [
        message("regression.region_row", language, region=region_words(row, language),
                standing=message(f"regression.standing_{row['standing']}", language))
        for _, row in seen.iterrows()
    ]  # fmt: skip
    ends = {"low": format_number(low), "high": format_number(high)}
    ends |= {"first": format_number(result.line["estimate"].iloc[0]),
             "last": format_number(result.line["estimate"].iloc[-1])}  # fmt: skip
    return draw_chart(
        paint,
        caption=message(
            "regression.region_plot_caption", language, level=conf_text(result.conf_level), **names
        ),
        alt=message("regression.region_plot_alt", language, rows=separated(rows, language), **ends),
        language=language,
        height=380,
        narrow_height=320,
    )


def _paint_region(
    figure: "Figure", result: JohnsonNeyman, names: dict[str, str], narrow: bool, language: Language
) -> None:
    """Draw the line of slopes, its band by where it stands, zero and the bounds."""
    ax = _axes(figure, narrow, 320 if narrow else 380, 0)
    line = result.line
    tones = {"below": BAD, "above": GOOD}
    where = [standing(a, b) for a, b in zip(line["conf_low"], line["conf_high"], strict=True)]
    inside = [b for b, seen in zip(result.bounds, result.inside, strict=True) if seen]
    ax.fill_between(line["at"], line["conf_low"], line["conf_high"], color=LINE, linewidth=0)
    for tone, colour in tones.items():
        shown = [place == tone for place in where]
        ax.fill_between(line["at"], line["conf_low"], line["conf_high"], where=shown, color=colour,
                        alpha=0.25, linewidth=0)  # fmt: skip
    ax.plot(line["at"], line["estimate"], color=ACCENT)
    ax.axhline(0, color=SOFT, linewidth=1)
    for bound in inside:
        ax.axvline(bound, color=SOFT, linewidth=1, linestyle=DASHES[1])
    low = min(float(line["conf_low"].min()), 0.0)
    high = max(float(line["conf_high"].max()), 0.0)
    _scale(ax, result.observed, (low, high), narrow)
    for bound in inside:
        ax.annotate(
            format_number(bound),
            (bound, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            size=12,
            color=SOFT,
        )
    axis = message("regression.region_plot_axis", language, predictor=names["predictor"])
    _words(ax, names["moderator"], axis, narrow)
    if inside:
        ax.set_title(ax.get_title(loc="left"), loc="left", color=SOFT, size=12, pad=20)
