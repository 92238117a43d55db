"""Factor analysis drawn: how many factors, and which items load on them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.efa import EfaResult
from servlab.estimation.retention import ParallelAnalysis
from servlab.presentation.chart import (
    ACCENT,
    LINE,
    NARROW,
    PAGE,
    SOFT,
    WIDE,
    Chart,
    diverging,
    draw_chart,
    text_on,
)
from servlab.presentation.formats import format_correlation, format_number
from servlab.presentation.labels import plain, term_label
from servlab.presentation.messages import message
from servlab.presentation.plots.gaps import separated
from servlab.presentation.plots.rows import Plan, Row, plan_rows, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHADES = 11
SALIENT = 0.40  # Hinkin (1995): written bold
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
    ax.xaxis.set_major_locator(MaxNLocator(6 if narrow else 12, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.grid(axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(message("scale.scree_x", language))
    ax.set_title(message("scale.scree_y", language), loc="left", color=SOFT, size=12)
    _name_lines(ax, observed, null, language)


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
        .40 and more are bold.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> fit = sl.efa(survey.items("perception"), 5)
    >>> plot_loadings(fit, instrument=survey.instrument).caption
    'Factor loadings of the items (oblimin).'
    """
    table = by_factor(result.loadings)
    names = [plain(term_label(code, instrument, language)) for code in table.index]
    rows = [Row(name) for name in names]

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint_loadings(figure, _grid_plan(rows, narrow), table, language)

    return draw_chart(
        paint,
        caption=message("scale.loadings_plot_caption", language, rotation=result.rotation),
        alt=message("scale.loadings_plot_alt", language, rows=_alt(table, names, language)),
        language=language,
        height=_grid_plan(rows, False).height,
        narrow_height=_grid_plan(rows, True).height,
    )


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
    base = plan_rows(rows, False, values=False, step=CELL)
    if narrow:
        room = int(NARROW_LABEL / 7.2)
        labels = tuple(line_of(row.label, room) for row in rows)
        height = HEAD + CELL * len(rows) + 8
        return Plan(labels, CELL, NARROW_LABEL + 8, 6, HEAD, NARROW, height, True)
    height = HEAD + base.step * len(rows) + 8
    return Plan(base.labels, base.step, base.left, 6, HEAD, WIDE, height, False)


def line_of(label: str, room: int) -> tuple[str, ...]:
    """Return a label as one line."""
    from servlab.presentation.plots.rows import shorten

    return shorten(label, room, 1)


def _paint_loadings(
    figure: "Figure", plan: Plan, table: pd.DataFrame, language: Language
) -> None:
    """Draw a cell for each loading, with its number."""
    from matplotlib.patches import Rectangle

    figure.set_layout_engine("none")
    k, m = table.shape
    ax = figure.add_axes((
        plan.left / plan.width,
        8 / plan.height,
        (plan.width - plan.left - plan.right) / plan.width,
        plan.step * k / plan.height,
    ))  # fmt: skip
    ax.set_xlim(-0.5, m - 0.5)
    ax.set_ylim(k - 0.5, -0.5)
    ax.set_axis_off()
    for (i, j), value in np.ndenumerate(table.to_numpy(dtype=float)):
        colour = shade(value)
        ax.add_patch(
            Rectangle((j - 0.48, i - 0.44), 0.96, 0.88, facecolor=colour, edgecolor="none")
        )
        bold = {"weight": 700} if abs(value) >= SALIENT else {}
        ax.text(j, i, format_correlation(value), ha="center", va="center_baseline",
                size=12, color=text_on(colour), **bold)  # fmt: skip
    _edges(ax, table)
    for j in range(m):
        short = f"F{j + 1}"
        words = short if plan.narrow else message("terms.factor", language, number=str(j + 1))
        write(ax, j, -0.5, words, px=False, up=14, ha="center", color=SOFT, size=12)
    for i, lines in enumerate(plan.labels):
        for n, line in enumerate(lines):
            up = 17 * ((len(lines) - 1) / 2 - n)
            if plan.narrow:
                write(ax, 2, i, line, up=up, ha="left", size=12)
            else:
                write(ax, plan.left - 14, i, line, up=up, ha="right")


def _edges(ax: "Axes", table: pd.DataFrame) -> None:
    """Draw a line where the strongest factor changes from one item to the next."""
    strongest = table.abs().to_numpy().argmax(axis=1)
    for i in range(1, len(strongest)):
        if strongest[i] != strongest[i - 1]:
            ax.axhline(i - 0.5, color=LINE, linewidth=1)


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
