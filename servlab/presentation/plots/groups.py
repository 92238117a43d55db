"""Groups of respondents drawn: under each dimension, each group's mean with its interval."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import GroupComparison
from servlab.presentation.chart import ACCENT, Chart
from servlab.presentation.formats import format_number
from servlab.presentation.labels import conf_text, plain, term_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.groups import group_label, suppressed_sentence
from servlab.presentation.narrative.standing import standing
from servlab.presentation.plots.gaps import TONES, paint_intervals, separated
from servlab.presentation.plots.rows import Plan, Row, draw_rows
from servlab.scales.scoring import OVERALL_ITEMS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_GROUPS = 6  # with more, only the overall score is drawn, a row a group


def plot_groups(
    result: GroupComparison, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw the means of groups with their intervals.

    Parameters
    ----------
    result : GroupComparison
        From ``compare_groups``.
    survey : Survey, optional
        For the labels of the covariate and its values; their codes without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Groups stand under each dimension, so that no colour has to be matched; with more than six
        groups only the overall score is drawn. Suppressed groups are named in the caption.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> chart = plot_groups(sl.compare_groups(survey, by="branch"), survey=survey)
    >>> chart.caption.startswith("Gap by Branch: means with 95 % intervals.")
    True
    """
    check_result("result", result, GroupComparison, "compare_groups()")
    table = shown_groups(result)
    rows, places = _rows(table, result, survey, language)
    score = message(f"groups.score_{result.score}", language)
    axis = message("groups.plot_axis", language, score=score)

    def paint(figure: "Figure", plan: Plan) -> None:
        gap = result.score == "gap"
        paint_intervals(figure, plan, rows, table, axis=axis, signed=gap, zero=gap, places=places)

    return draw_rows(
        rows,
        paint,
        caption=_caption(result, survey, language),
        alt=message("groups.plot_alt", language, rows=_alt(table, result, survey, language)),
        language=language,
        step=26,
    )


def shown_groups(result: GroupComparison) -> pd.DataFrame:
    """Return the rows to draw: no suppressed group; overall only when there are many groups."""
    table = result.by_group.dropna(subset=["estimate"])
    table = table[~table["group"].isin(result.suppressed)]
    if table["group"].nunique() > MOST_GROUPS:
        table = table[table["term"] == OVERALL_ITEMS].sort_values("estimate", kind="stable")
    if table.empty:
        raise ModelError(f"no group of {result.by!r} has a mean to draw.")
    return table


def _rows(
    table: pd.DataFrame, result: GroupComparison, survey: Survey | None, language: Language
) -> tuple[list[Row], list[int]]:
    """Return the rows with a head a dimension, and the places of the groups among them."""
    rows: list[Row] = []
    places: list[int] = []
    for term, part in table.groupby("term", sort=False):
        rows.append(Row(plain(term_label(term, result.instrument, language)), head=True))
        for _, row in part.iterrows():
            places.append(len(rows))
            name = plain(group_label(str(row["group"]), result, language, survey))
            rows.append(Row(name, _mean(row, result), _colour(row, result)))
    return rows, places


def _mean(row: pd.Series, result: GroupComparison) -> str:
    return format_number(row["estimate"], sign=result.score == "gap")


def _colour(row: pd.Series, result: GroupComparison) -> str:
    """Return a gap's colour by its sign; scores have no sign."""
    if result.score != "gap":
        return ACCENT
    return TONES[standing(float(row["conf_low"]), float(row["conf_high"]))]


def _caption(result: GroupComparison, survey: Survey | None, language: Language) -> str:
    by = result.by if survey is None else survey.label(result.by, language)
    first = message(
        "groups.plot_caption",
        language,
        score=message(f"terms.score_{result.score}", language),
        by=plain(by),
        level=conf_text(result.conf_level),
    )
    return join_sentences([first, *suppressed_sentence(result, language, survey)], language)


def _alt(
    table: pd.DataFrame, result: GroupComparison, survey: Survey | None, language: Language
) -> str:
    texts: Sequence[str] = [
        message(
            "groups.plot_alt_row",
            language,
            name=plain(term_label(row["term"], result.instrument, language)),
            group=plain(group_label(str(row["group"]), result, language, survey)),
            mean=_mean(row, result),
        )
        for _, row in table.iterrows()
    ]
    return separated(texts, language)
