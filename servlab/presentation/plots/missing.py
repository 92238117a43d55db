"""Missing answers drawn: a row an item, a column a pattern, dark where the answer is open."""

from typing import TYPE_CHECKING

import pandas as pd

from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.presentation.chart import BAD, LINE, Chart
from servlab.presentation.formats import format_count, format_share
from servlab.presentation.labels import plain, term_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.plots.gaps import separated
from servlab.presentation.plots.rows import Plan, Row, draw_rows, mark_y, row_axes
from servlab.scales.missing import MissingPatterns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ITEMS = 30
MOST_PATTERNS, MOST_NARROW = 12, 6
SIDE = 12  # px of a mark


def plot_missing(result: MissingPatterns, *, language: Language = "en") -> Chart:
    """Draw the most frequent patterns of missing answers.

    Parameters
    ----------
    result : MissingPatterns
        From ``missing_patterns``.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Items with an open answer, the 30 most often open; the 12 most frequent patterns (6 on
        phones), complete answers among them.

    Raises
    ------
    ModelError
        When no answer is missing.

    Examples
    --------
    >>> import servlab as sl
    >>> chart = plot_missing(sl.missing_patterns(sl.load_example("servqual")))
    >>> chart.caption.startswith("Missing answers: a row an item, a column a pattern")
    True
    """
    check_result("result", result, MissingPatterns, "missing_patterns()")
    if not result.share_missing:
        raise ModelError("no answer is missing, so there is no pattern to draw; leave it out.")
    items = _drawn_items(result)
    rows = _rows(items, result, language)
    axis = message("missing.plot_axis", language)

    def paint(figure: "Figure", plan: Plan) -> None:
        _paint(figure, plan, rows, items, result, axis)

    return draw_rows(
        rows,
        paint,
        caption=_caption(items, result, language),
        alt=message("missing.plot_alt", language, rows=_alt(items, result, language)),
        language=language,
        step=24,
    )


def _drawn_items(result: MissingPatterns) -> pd.DataFrame:
    """Return the rows of ``by_item`` to draw, in the order of the questionnaire."""
    open_items = result.by_item[result.by_item["n_missing"] > 0]
    most = open_items.sort_values("n_missing", ascending=False, kind="stable").head(MOST_ITEMS)
    return most.sort_index()


def _rows(items: pd.DataFrame, result: MissingPatterns, language: Language) -> list[Row]:
    """Return the rows, with a head a battery where there are several."""
    several = len(set(result.by_item["battery"])) > 1
    rows: list[Row] = []
    for battery, part in items.groupby("battery", sort=False):
        if several:
            rows.append(Row(message(f"terms.battery_{battery}", language), head=True))
        for item, share in zip(part["item"], part["share_missing"], strict=True):
            label = plain(term_label(item, result.instrument, language))
            rows.append(Row(label, format_share(share, 1)))
    return rows


def _paint(
    figure: "Figure",
    plan: Plan,
    rows: list[Row],
    items: pd.DataFrame,
    result: MissingPatterns,
    axis: str,
) -> None:
    """Draw a square for every item and pattern, filled where the answer is open."""
    most = MOST_NARROW if plan.narrow else MOST_PATTERNS
    counts = result.counts.head(most)
    ax = row_axes(
        figure,
        plan,
        rows,
        limits=(-0.6, len(counts) - 0.4),
        ticks=[float(place) for place in range(len(counts))],
        tick_labels=[format_count(int(n)) for n in counts],
        axis=axis,
    )
    places = [place for place, row in enumerate(rows) if not row.head]
    for place, item in zip(places, items.index, strict=True):
        open_here = result.patterns.iloc[: len(counts), item].to_numpy(dtype=bool)
        for column, is_open in enumerate(open_here):
            ax.plot(
                [column],
                [mark_y(plan, place)],
                marker="s",
                markersize=SIDE,
                linestyle="none",
                markerfacecolor=BAD if is_open else LINE,
                markeredgecolor="none",
                zorder=3 if is_open else 2,
            )


def _caption(items: pd.DataFrame, result: MissingPatterns, language: Language) -> str:
    """Return the caption; what is left out of the drawing is said."""
    parts = [message("missing.plot_caption", language)]
    total = int((result.by_item["n_missing"] > 0).sum())
    if len(items) < total:
        words = {"total": format_count(total)}
        parts.append(message("missing.plot_items", language, count=len(items), **words))
    if len(result.counts) > MOST_PATTERNS:
        share = format_share(float(result.counts.head(MOST_PATTERNS).sum() / result.n))
        words = {"share": share, "narrow": str(MOST_NARROW)}
        parts.append(message("missing.plot_patterns", language, count=MOST_PATTERNS, **words))
    return join_sentences(parts, language)


def _alt(items: pd.DataFrame, result: MissingPatterns, language: Language) -> str:
    texts = [
        message(
            "missing.plot_alt_row",
            language,
            name=plain(term_label(item, result.instrument, language)),
            share=format_share(share, 1),
        )
        for item, share in zip(items["item"], items["share_missing"], strict=True)
    ]
    return separated(texts, language)
