"""A league table drawn: shrunken means with intervals, and at each row the possible ranks."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from servlab.core.checks import check_result
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.league import LeagueTable
from servlab.presentation.chart import ACCENT, SOFT, Chart
from servlab.presentation.formats import format_number
from servlab.presentation.labels import conf_text
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.branches import (
    branch_label,
    by_label,
    left_out,
    rank_text,
    value_text,
    what_label,
)
from servlab.presentation.plots.gaps import separated
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

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 40  # with more branches only both ends are drawn
ENDS = 15


def plot_league(
    result: LeagueTable, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw branches by their means drawn towards the average, with intervals and ranks.

    Parameters
    ----------
    result : LeagueTable
        From ``league_table``.
    survey : Survey, optional
        For the labels of the covariate and its values; their codes without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        The highest mean on top, the raw mean as a faint ring, the rank with its limits as the
        number of the row. With more than 40 branches the 15 at either end are drawn.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> chart = plot_league(sl.league_table(survey, by="branch", seed=1), survey=survey)
    >>> chart.alt.startswith("Means with intervals, the highest on top: North")
    True
    """
    check_result("result", result, LeagueTable, "league_table()")
    parts = _parts(result.by_group)
    rows, places = _rows(parts, result, survey, language)
    drawn = pd.concat(parts)
    axis = message("branches.league_axis", language)

    def paint(figure: "Figure", plan: Plan) -> None:
        _paint(figure, plan, rows, places, drawn, result, language)

    level = conf_text(result.conf_level)
    what, by = what_label(result, language, survey), by_label(result, language, survey)
    boundary = [message("branches.league_boundary", language)] if result.boundary else []
    caption = [
        message("branches.league_plot_caption", language, what=what, by=by, level=level),
        *boundary,
        *left_out(result, language, survey),
    ]
    return draw_rows(
        rows,
        paint,
        caption=join_sentences(caption, language).replace("**", ""),
        alt=message("branches.league_alt", language, rows=_alt(drawn, result, survey, language)),
        language=language,
        axis=axis,
        keyed=True,
        step=26,
    )


def _parts(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the rows to draw: all, or both ends of a long league."""
    if len(table) <= MOST_ROWS:
        return [table]
    return [table.iloc[:ENDS], table.iloc[-ENDS:]]


def _rows(
    parts: list[pd.DataFrame], result: LeagueTable, survey: Survey | None, language: Language
) -> tuple[list[Row], list[int]]:
    """Return the rows, a head for those left out between, and the places of the branches."""
    rows: list[Row] = []
    places: list[int] = []
    for part in parts:
        if rows:
            left = result.n_groups - sum(len(p) for p in parts)
            rows.append(Row(message("branches.league_between", language, count=left), head=True))
        for _, row in part.iterrows():
            places.append(len(rows))
            name = branch_label(row["group"], result, language, survey)
            rows.append(Row(name, rank_text(row, language)))
    return rows, places


def _paint(
    figure: "Figure",
    plan: Plan,
    rows: list[Row],
    places: list[int],
    table: pd.DataFrame,
    result: LeagueTable,
    language: Language,
) -> None:
    """Draw the average, and in each row the raw mean, the interval and the shrunken mean."""
    ends = table[["mean", "conf_low", "conf_high"]].to_numpy()
    low, high = float(ends.min()), float(ends.max())
    air = 0.06 * ((high - low) or 1.0)
    limits = (low - air, high + air)
    ticks = nice_ticks(*limits, 4 if plan.narrow else 7)
    digits = tick_digits(ticks)
    gap = result.score == "gap"
    labels = [format_number(t, digits, sign=gap) for t in ticks]
    ax = row_axes(
        figure,
        plan,
        rows,
        limits=limits,
        ticks=ticks,
        tick_labels=labels,
        axis=message("branches.league_axis", language),
    )
    upright(ax, plan, result.average, color=SOFT, zorder=1)
    for place, (_, row) in zip(places, table.iterrows(), strict=True):
        y = mark_y(plan, place)
        ring: dict[str, Any] = {
            "markerfacecolor": "none",
            "markeredgecolor": SOFT,
            "markeredgewidth": 1.2,
        }
        ax.plot([row["mean"]], [y], marker="o", markersize=7, linestyle="none", zorder=3, **ring)
        ends_of = [row["conf_low"], row["conf_high"]]
        ax.plot(ends_of, [y, y], color=ACCENT, solid_capstyle="round", zorder=2)
        ax.plot([row["estimate"]], [y], marker="o", markersize=9, color=ACCENT, zorder=4)
    keys = [
        Key(message("branches.key_shrunken", language), ACCENT),
        Key(message("branches.key_raw", language), SOFT, filled=False),
    ]
    write_key(figure, plan, keys, value_head=message("branches.key_rank", language))


def _alt(
    table: pd.DataFrame, result: LeagueTable, survey: Survey | None, language: Language
) -> str:
    texts = [
        message(
            "branches.league_alt_row",
            language,
            name=branch_label(row["group"], result, language, survey),
            mean=value_text(row["estimate"], result),
            rank=rank_text(row, language),
        )
        for _, row in table.iterrows()
    ]
    return separated(texts, language)
