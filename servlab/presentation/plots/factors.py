"""Factor analysis drawn: how many factors, and which items load on them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servlab.core.checks import check_result
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.efa import EfaResult
from servlab.estimation.retention import ParallelAnalysis
from servlab.presentation.chart import (
    ACCENT,
    BAD,
    NARROW,
    PAGE,
    SOFT,
    WIDE,
    Chart,
    diverging,
    draw_chart,
    text_on,
    text_width,
)
from servlab.presentation.formats import format_correlation, format_number
from servlab.presentation.labels import names_in_sentence, plain, term_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.plots.gaps import separated
from servlab.presentation.plots.rows import (
    EM,
    LABEL_MAX,
    LINE_STEP,
    Plan,
    Row,
    shorten,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHADES = 11
SALIENT = standard("loading").value  # written bold
CELL = 24  # px high
HEAD = 30  # px over the cells
NARROW_LABEL = 116  # px that labels keep beside the cells on a phone


def plot_scree(result: ParallelAnalysis, *, language: Language = "en") -> Chart:
    """Draw the eigenvalues beside those expected without common factors.

    Parameters
    ----------
    result : ParallelAnalysis
        From ``parallel_analysis``.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Marks of the factors that parallel analysis keeps are filled, the others hollow.

    Examples
    --------
    >>> import servlab as sl
    >>> items = sl.load_example("servqual").items("perception")
    >>> plot_scree(sl.parallel_analysis(items, seed=1, n_draws=20)).caption
    'Eigenvalues, observed and without common factors.'
    """
    check_result("result", result, ParallelAnalysis, "parallel_analysis()")

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint_scree(figure, result, narrow, language)

    return draw_chart(
        paint,
        caption=message("scale.scree_caption", language),
        alt=message(
            "scale.scree_alt",
            language,
            observed=_numbers(result.eigenvalues),
            null=_numbers(result.null),
            count=result.n_factors,
        ),
        language=language,
        height=340,
        narrow_height=300,
    )


def _numbers(values: pd.Series) -> str:
    return ", ".join(format_number(v) for v in values)


def _paint_scree(
    figure: "Figure", result: ParallelAnalysis, narrow: bool, language: Language
) -> None:
    """Draw two lines with their names written beside them."""
    import seaborn as sns
    from matplotlib.ticker import MaxNLocator

    ax = figure.subplots()
    x = np.arange(1, len(result.eigenvalues) + 1)
    observed, null = result.eigenvalues.to_numpy(dtype=float), result.null.to_numpy(dtype=float)
    sns.lineplot(x=x, y=null, ax=ax, color=SOFT, linestyle=(0, (5, 4)), legend=False)
    sns.lineplot(x=x, y=observed, ax=ax, color=ACCENT, legend=False)
    kept = x <= result.n_factors
    for which, fill in ((kept, ACCENT), (~kept, PAGE)):
        ax.plot(x[which], observed[which], marker="o", markersize=8, linestyle="none",
                markerfacecolor=fill, markeredgecolor=ACCENT, markeredgewidth=2)  # fmt: skip
    ax.set_ylim(min(0.0, float(min(observed.min(), null.min())) * 1.05), None)
    ax.set_xticks(_counts(len(x), 8 if narrow else 13))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.tick_params(axis="y", labelcolor=SOFT, labelsize=12)
    ax.grid(axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(message("scale.scree_x", language))
    ax.set_title(message("scale.scree_y", language), loc="left", color=SOFT, size=12)
    _name_lines(ax, observed, null, language)


def _counts(k: int, most: int) -> list[int]:
    """Return which of the numbers 1 to k stand under the axis: 1 and round ones."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, k) if k / s <= most)
    return list(range(1, k + 1, step)) if step < 5 else [1, *range(step, k + 1, step)]


def _name_lines(ax: "Axes", observed: np.ndarray, null: np.ndarray, language: Language) -> None:
    """Write the names of the lines where nothing else stands: right of the first eigenvalue."""
    ax.annotate(
        message("scale.scree_observed", language),
        (1, observed[0]),
        xytext=(14, 0),
        textcoords="offset points",
        color=ACCENT,
        va="center_baseline",
    )
    at = max(0, round(0.55 * (len(null) - 1)))
    top = max(observed[at:].max(initial=0.0), null[at])
    ax.annotate(
        message("scale.scree_null", language),
        (at + 1, top),
        xytext=(0, 16),
        textcoords="offset points",
        color=SOFT,
        ha="center",
    )


def plot_loadings(
    result: EfaResult, *, instrument: Instrument | None = None, language: Language = "en"
) -> Chart:
    """Draw the loadings as a grid of shaded cells with their numbers, items by factors.

    Parameters
    ----------
    result : EfaResult
        From ``efa``.
    instrument : Instrument, optional
        For the labels of the items; their codes without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Items stand under the factor they load on most, the highest loading first; loadings of
        .40 and more are bold. Rows of Heywood cases are framed, and the caption says so.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> fit = sl.efa(survey.items("perception"), 5)
    >>> plot_loadings(fit, instrument=survey.instrument).caption
    'Factor loadings of the items, rotation: oblimin (oblique).'
    """
    check_result("result", result, EfaResult, "efa()")
    table = by_factor(result.loadings)
    names = [plain(term_label(code, instrument, language)) for code in table.index]
    rows = [Row(name) for name in names]
    rotation = message(f"scale.rotation_{result.rotation}", language)

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint_loadings(figure, _grid_plan(rows, narrow), table, language)
        _outline(figure, _grid_plan(rows, narrow), [c in result.heywood for c in table.index])

    caption = message("scale.loadings_plot_caption", language, rotation=rotation)
    flags = _flags(result, instrument, language)
    return draw_chart(
        paint,
        caption=join_sentences([caption, *flags], language),
        alt=message("scale.loadings_plot_alt", language, rows=_alt(table, names, language)),
        language=language,
        height=_grid_plan(rows, False).height,
        narrow_height=_grid_plan(rows, True).height,
    )


def _flags(result: EfaResult, instrument: Instrument | None, language: Language) -> list[str]:
    """Return the sentence on Heywood cases; none without them."""
    if not result.heywood:
        return []
    items = names_in_sentence(result.heywood, instrument, language)
    return [message("scale.efa_heywood", language, items=items)]


def by_factor(loadings: pd.DataFrame) -> pd.DataFrame:
    """Return the loadings with items ordered by their strongest factor, then by strength."""
    size = loadings.abs().to_numpy()
    strongest = size.argmax(axis=1)
    order = np.lexsort((-size.max(axis=1), strongest))
    return loadings.iloc[order]


def shade(loading: float) -> str:
    """Return the colour of a loading: warm for negative, cool for positive, by its size."""
    place = round((SHADES - 1) / 2 * (1 + max(-1.0, min(1.0, loading))))
    return diverging(SHADES)[place]


def _grid_plan(rows: Sequence[Row], narrow: bool) -> Plan:
    """Return the plan of the grid: labels stay left of the cells, on phones in one short line."""
    longest = max(text_width(row.label) for row in rows) * EM
    most, deepest = (NARROW_LABEL, 1) if narrow else (LABEL_MAX - 20, 2)
    room = min(longest, most)
    labels = tuple(shorten(row.label, max(int(room / EM), 4), deepest) for row in rows)
    tops = [float(HEAD)]
    for lines in labels:
        tops.append(tops[-1] + max(CELL, LINE_STEP * len(lines) + 4))
    width = NARROW if narrow else WIDE
    heads = (False,) * len(rows)
    return Plan(labels, tuple(tops), heads, room + 20, 6, width, tops[-1] + 8, narrow)


def _paint_loadings(figure: "Figure", plan: Plan, table: pd.DataFrame, language: Language) -> None:
    """Draw a cell for each loading, with its number."""
    ax = _grid_axes(figure, plan, table.shape[1])
    for (i, j), value in np.ndenumerate(table.to_numpy(dtype=float)):
        _cell(ax, plan, (i, j), float(value))
    for j in range(table.shape[1]):
        short = f"F{j + 1}"
        words = short if plan.narrow else message("terms.factor", language, number=str(j + 1))
        ax.text(j, HEAD - 14, words, ha="center", va="center_baseline", color=SOFT, size=12)
    for i, lines in enumerate(plan.labels):
        middle = (plan.tops[i] + plan.tops[i + 1]) / 2
        for n, line in enumerate(lines):
            y = middle + LINE_STEP * (n - (len(lines) - 1) / 2)
            if plan.narrow:
                write(ax, 2, y, line, ha="left", size=12)
            else:
                write(ax, plan.left - 14, y, line, ha="right")


def _grid_axes(figure: "Figure", plan: Plan, factors: int) -> "Axes":
    """Return axes with a column a factor across and px downwards."""
    figure.set_layout_engine("none")
    across = (plan.width - plan.left - plan.right) / plan.width
    ax = figure.add_axes((plan.left / plan.width, 0, across, 1))
    ax.set_xlim(-0.5, factors - 0.5)
    ax.set_ylim(plan.height, 0)
    ax.set_axis_off()
    return ax


def _cell(ax: "Axes", plan: Plan, place: tuple[int, int], value: float) -> None:
    """Draw one loading: its shade, and its number, bold from .40 on."""
    from matplotlib.patches import Rectangle

    i, j = place
    top, bottom = plan.tops[i], plan.tops[i + 1]
    colour = shade(value)
    ax.add_patch(
        Rectangle((j - 0.48, top + 1), 0.96, bottom - top - 2, facecolor=colour, edgecolor="none")
    )
    ax.text(
        j,
        (top + bottom) / 2,
        format_correlation(value),
        ha="center",
        va="center_baseline",
        size=12,
        color=text_on(colour),
        weight=700 if abs(value) >= SALIENT else 400,
    )


def _outline(figure: "Figure", plan: Plan, struck: Sequence[bool]) -> None:
    """Draw a frame around the rows of Heywood cases: their loadings must not be read."""
    from matplotlib.patches import Rectangle

    ax = figure.axes[0]
    low, high = ax.get_xlim()
    for i, place in enumerate(struck):
        if place:
            top, bottom = plan.tops[i], plan.tops[i + 1]
            ax.add_patch(
                Rectangle(
                    (low + 0.01, top), high - low - 0.02, bottom - top, fill=False,
                    edgecolor=BAD, linewidth=2.5, clip_on=False,
                )
            )  # fmt: skip


def _alt(table: pd.DataFrame, names: Sequence[str], language: Language) -> str:
    texts = []
    for name, (_, row) in zip(names, table.iterrows(), strict=True):
        place = int(row.abs().to_numpy().argmax())
        factor = message("terms.factor", language, number=str(place + 1))
        loading = format_correlation(float(row.iloc[place]))
        texts.append(
            message(
                "scale.loadings_plot_alt_row", language, name=name, loading=loading, factor=factor
            )
        )
    return separated(texts, language)
