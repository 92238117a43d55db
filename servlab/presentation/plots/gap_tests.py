"""Gaps drawn against the margin under which they would not matter."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from servlab.core.checks import check_choice, check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.estimation.comparison.gap_tests import GapTests
from servlab.presentation.chart import ACCENT, BAD, GOOD, LINE, SOFT, Chart
from servlab.presentation.formats import format_interval, format_number
from servlab.presentation.labels import conf_text, plain, term_label
from servlab.presentation.messages import message
from servlab.presentation.plots.gaps import Level, draw_dot, separated
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
from servlab.presentation.result_tables.gap_tests import verdict_words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_gap_tests(
    result: GapTests, *, level: Level = "dimension", language: Language = "en"
) -> Chart:
    """Draw gaps with their intervals against the margin of equivalence, the lowest gap on top.

    Parameters
    ----------
    result : GapTests
        From ``gap_tests`` with a margin.
    level : {"dimension", "item"}
        What a row is. Without dimensions the items are drawn.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        The margin is shaded. Thin: the interval of the gap; thick: the shorter one that the two
        one-sided tests invert. Colours follow the verdict.

    Raises
    ------
    ModelError
        When the tests have no margin: ``plot_gaps`` draws gaps against zero.

    Examples
    --------
    >>> import servlab as sl
    >>> tests = sl.gap_tests(sl.load_example("servqual"), margin=0.3)
    >>> plot_gap_tests(tests).caption[:47]
    'Gaps by dimension against the margin of ±0.30 p'
    """
    check_result("result", result, GapTests, "gap_tests()")
    check_choice("level", level, ("dimension", "item"))
    if result.margin is None:
        raise ModelError(
            "these tests have no margin to draw gaps against; give gap_tests a margin, or draw "
            "plot_gaps(gap_scores(survey))."
        )
    level = "item" if result.by_dimension.empty else level
    table = result.by_dimension if level == "dimension" else result.by_item
    table = table.dropna(subset=["estimate"]).sort_values("estimate", kind="stable")
    if table.empty:
        raise ModelError(f"no {level} has a gap to draw; nobody answered both batteries.")
    rows = [_row(code, row, result, language) for code, row in table.iterrows()]
    axis = message("gaps.plot_axis", language)
    margin, conf = format_number(result.margin), conf_text(result.conf_level)
    narrower = conf_text(2 * result.conf_level - 1)

    def paint(figure: "Figure", plan: Plan) -> None:
        _paint(figure, plan, rows, table, result, language)

    values = {"margin": margin, "level": conf, "narrow": narrower}
    return draw_rows(
        rows,
        paint,
        caption=message(f"gap_tests.plot_caption_{level}", language, **values),
        alt=message(
            "gap_tests.plot_alt", language, margin=margin, rows=_alt(table, result, language)
        ),
        language=language,
        axis=axis,
        keyed=True,
        step=36,
    )


def _tone(row: pd.Series) -> tuple[str, bool]:
    """Return the colour of a verdict and whether its mark is filled."""
    way = BAD if row["estimate"] < 0 else GOOD
    tones = {"different": (way, True), "trivial": (way, False), "equivalent": (ACCENT, True)}
    return tones.get(str(row["verdict"]), (SOFT, False))


def _row(code: object, row: pd.Series, result: GapTests, language: Language) -> Row:
    label = plain(term_label(code, result.instrument, language))
    return Row(label, format_number(row["estimate"], sign=True), _tone(row)[0])


def _paint(
    figure: "Figure",
    plan: Plan,
    rows: Sequence[Row],
    table: pd.DataFrame,
    result: GapTests,
    language: Language,
) -> None:
    """Draw the shaded margin, both intervals of each gap and its mark."""
    margin = float(result.margin or 0)
    ends = [table[c].dropna() for c in ("estimate", "conf_low", "conf_high")]
    ends.append(pd.Series([-margin, margin]))
    low, high = float(pd.concat(ends).min()), float(pd.concat(ends).max())
    air = 0.06 * (high - low)
    ticks = nice_ticks(low - air, high + air, 5 if plan.narrow else 8)
    digits = tick_digits(ticks)
    ax = row_axes(
        figure, plan, rows, limits=(low - air, high + air), ticks=ticks,
        tick_labels=[format_number(t, digits, sign=True) for t in ticks],
        axis=message("gaps.plot_axis", language),
    )  # fmt: skip
    for place, (_, row) in enumerate(table.iterrows()):
        y, (colour, filled) = mark_y(plan, place), _tone(row)
        top, bottom = (y - 11, y + 11) if plan.narrow else plan.tops[place : place + 2]
        ax.fill_betweenx([top, bottom], -margin, margin, color=LINE, alpha=0.6, linewidth=0)
        ax.plot([row["conf_low"], row["conf_high"]], [y, y], color=colour, linewidth=1.5)
        thick = [row["equivalence_low"], row["equivalence_high"]]
        ax.plot(thick, [y, y], color=colour, linewidth=4, solid_capstyle="butt")
        draw_dot(ax, float(row["estimate"]), y, colour, filled=filled)
    upright(ax, plan, 0, color=SOFT, zorder=1)
    write_key(figure, plan, _keys(table, language))


def _keys(table: pd.DataFrame, language: Language) -> list[Key]:
    """Return a key for each verdict drawn."""
    keys = []
    for verdict in ("different", "trivial", "equivalent", "undecided"):
        drawn = table[table["verdict"] == verdict]
        if len(drawn):
            colour, filled = _tone(drawn.iloc[0])
            words = message(f"gap_tests.key_{verdict}", language)
            keys.append(Key(words, colour, filled=filled))
    return keys


def _alt(table: pd.DataFrame, result: GapTests, language: Language) -> str:
    texts = [
        message(
            "gap_tests.plot_alt_row",
            language,
            name=plain(term_label(code, result.instrument, language)),
            gap=format_number(row["estimate"], sign=True),
            interval=format_interval(row["conf_low"], row["conf_high"]),
            verdict=verdict_words(row, result, language),
        )
        for code, row in table.iterrows()
    ]
    return separated(texts, language)
