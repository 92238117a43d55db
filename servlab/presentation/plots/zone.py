"""The zone of tolerance drawn: from adequate to desired service, with perception in or out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language, Scale
from servlab.presentation.chart import ACCENT, BAD, EXPECTED, GOOD, LINE, SOFT, Chart
from servlab.presentation.formats import format_number
from servlab.presentation.labels import plain, term_label
from servlab.presentation.messages import message
from servlab.presentation.plots.gaps import Level, check_scale, level_rows, scale_axis, separated
from servlab.presentation.plots.rows import (
    Key,
    Plan,
    Row,
    draw_rows,
    mark_y,
    row_axes,
    write_key,
)
from servlab.scales.tolerance import ZoneOfTolerance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"inside": ACCENT, "below": BAD, "above": GOOD, "inverted": SOFT}
BAR = 18  # px high


def plot_zone(
    result: ZoneOfTolerance,
    *,
    level: Level = "dimension",
    scale: Scale | None = None,
    language: Language = "en",
) -> Chart:
    """Draw the zone of tolerance as bars with the mean perception as a mark.

    Parameters
    ----------
    result : ZoneOfTolerance
        From ``zone_of_tolerance``.
    level : {"dimension", "item"}
        What a row is. Without dimensions the items are drawn.
    scale : Scale, optional
        The scale answered on; the instrument's for the perception battery by default.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Each row says in words where the mean perception lies.

    Examples
    --------
    >>> import servlab as sl
    >>> instrument = sl.load_instrument("servqual-1994-three-column")
    >>> zone = sl.zone_of_tolerance(sl.simulate_survey(instrument, n=80, seed=1))
    >>> plot_zone(zone).alt.startswith("Bars from adequate to desired service")
    True
    """
    check_result("result", result, ZoneOfTolerance, "zone_of_tolerance()")
    table, level = level_rows(result, level, "perceived")
    if table.empty:
        raise ModelError(f"no {level} has a zone to draw; nobody answered all three batteries.")
    answered = scale or result.instrument.scale_of("perception")
    check_scale(table[["adequate", "perceived", "desired"]], answered)
    rows = [_row(code, row, result, language) for code, row in table.iterrows()]

    def paint(figure: "Figure", plan: Plan) -> None:
        _paint(figure, plan, rows, table, answered, language)

    return draw_rows(
        rows,
        paint,
        caption=message(f"zone.plot_caption_{level}", language),
        alt=message("zone.plot_alt", language, rows=_alt(table, result, language)),
        language=language,
        keyed=True,
    )


def place_of(row: pd.Series) -> str:
    """Return where a mean perception lies: inside, below or above the zone, or inverted."""
    if row["adequate"] > row["desired"]:
        return "inverted"
    if row["perceived"] < row["adequate"]:
        return "below"
    return "above" if row["perceived"] > row["desired"] else "inside"


def _row(code: object, row: pd.Series, result: ZoneOfTolerance, language: Language) -> Row:
    where = place_of(row)
    label = plain(term_label(code, result.instrument, language))
    return Row(label, message(f"zone.plot_{where}", language), COLOURS[where])


def _paint(
    figure: "Figure",
    plan: Plan,
    rows: Sequence[Row],
    table: pd.DataFrame,
    scale: Scale,
    language: Language,
) -> None:
    """Draw a bar a row from adequate to desired, edged, and the perception on it."""
    words = message("zone.plot_axis", language)
    ax = row_axes(figure, plan, rows, axis=words, **scale_axis(scale, plan.narrow))  # type: ignore[arg-type]
    for place, (_, row) in enumerate(table.iterrows()):
        y, colour = mark_y(plan, place), rows[place].colour
        low, high = sorted((float(row["adequate"]), float(row["desired"])))
        ax.barh(y, high - low, BAR, left=low, color=LINE, edgecolor=EXPECTED, zorder=2)
        ax.plot(
            [row["perceived"]],
            [y],
            marker="o",
            markersize=10,
            color=colour,
            linestyle="none",
            clip_on=False,
            zorder=4,
        )
    keys = [
        Key(message("zone.plot_perceived_key", language), ACCENT),
        Key(message("zone.plot_zone_key", language), EXPECTED, "s", filled=False),
    ]
    write_key(figure, plan, keys)


def _alt(table: pd.DataFrame, result: ZoneOfTolerance, language: Language) -> str:
    texts = [
        message(
            "zone.plot_alt_row",
            language,
            name=plain(term_label(code, result.instrument, language)),
            **{k: format_number(row[k]) for k in ("adequate", "perceived", "desired")},
        )
        for code, row in table.iterrows()
    ]
    return separated(texts, language)
