"""A latent variable model drawn: items, factors, and what connects them, standardized."""

from typing import TYPE_CHECKING

from servlab.core.checks import check_result
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.result import LatentFit
from servlab.presentation.chart import (
    ACCENT,
    BAD,
    INK,
    LINE,
    PAGE,
    PANEL,
    SOFT,
    Chart,
    draw_chart,
)
from servlab.presentation.formats import format_correlation
from servlab.presentation.labels import plain
from servlab.presentation.latent_words import variable_name
from servlab.presentation.messages import join_sentences, join_words, message
from servlab.presentation.plots.path_layout import (
    BOX,
    Diagram,
    Frame,
    Link,
    diagram_of,
    frame_of,
)
from servlab.presentation.plots.rows import EM, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_IN_ALT = 60  # links that the alternative text names


def plot_path_diagram(
    fit: LatentFit,
    *,
    group: str | None = None,
    instrument: Instrument | None = None,
    survey: Survey | None = None,
    language: Language = "en",
) -> Chart:
    """Draw a fitted model as a path diagram, standardized.

    Parameters
    ----------
    fit : LatentFit
        From ``cfa`` or ``sem``.
    group : str, optional
        Which of several groups to draw; by default the first.
    instrument : Instrument, optional
        For the labels of items and factors.
    survey : Survey, optional
        For the labels of outcomes and covariates too.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        Items stand in boxes on the left with their standardized loadings, factors in ellipses.
        Solid arrows on the right are paths, dashed lines correlations; paths whose p value is
        .05 or more are soft. A second-order factor stands right of the factors it explains. In
        an explained factor its R² is written. Residual covariances of items are not drawn; the
        alternative text counts them.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> chart = plot_path_diagram(sl.cfa(survey.instrument, survey))
    >>> chart.caption
    'The model as a path diagram, standardized.'
    """
    check_result("fit", fit, LatentFit, "cfa() or sem()")
    diagram = diagram_of(fit, fit.group_number(group or fit.table.group_labels[0]) + 1)
    names = {
        name: variable_name(name, survey or instrument, language)
        for name in (*diagram.items, *diagram.nodes, *diagram.tops)
    }
    wide, narrow = frame_of(diagram, narrow=False), frame_of(diagram, narrow=True)

    def paint(figure: "Figure", is_narrow: bool) -> None:
        _paint(figure, diagram, narrow if is_narrow else wide, names)

    return draw_chart(
        paint,
        caption=message("latent.diagram_caption", language),
        alt=_alt(diagram, names, language),
        language=language,
        height=wide.height,
        narrow_height=narrow.height,
    )


def _alt(diagram: Diagram, names: dict[str, str], language: Language) -> str:
    """Return what is to be seen in words."""
    sentences = []
    for factor in (*diagram.nodes, *diagram.tops):
        own = [link for link in diagram.loadings if link.start == factor]
        if own:
            pairs = [f"{names[link.end]} {format_correlation(link.value)}" for link in own]
            sentences.append(
                message(
                    "latent.diagram_factor",
                    language,
                    factor=names[factor],
                    loadings=join_words(pairs, language),
                )
            )
    for kind, key, sign in (
        ("path", "diagram_paths", "→"),
        ("correlation", "diagram_correlations", "–"),
    ):
        links = [link for link in diagram.links if link.kind == kind][:MOST_IN_ALT]
        words = [
            f"{names[k.start]} {sign} {names[k.end]} {format_correlation(k.value)}" for k in links
        ]
        if words:
            value = join_words(words, language)
            name = "paths" if kind == "path" else "pairs"
            sentences.append(message(f"latent.{key}", language, **{name: value}))
    if diagram.n_residual:
        sentences.append(message("latent.diagram_undrawn", language, count=diagram.n_residual))
    return message(
        "latent.diagram_alt",
        language,
        factors=str(len(diagram.factors)),
        items=str(len(diagram.items)),
        details=join_sentences(sentences, language),
    )


def _paint(figure: "Figure", diagram: Diagram, frame: Frame, names: dict[str, str]) -> None:
    """Draw lines first, then what stands on them."""
    figure.set_layout_engine("none")  # every place is given
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_xlim(0, frame.width)
    ax.set_ylim(frame.height, 0)
    ax.set_axis_off()
    for link in diagram.loadings:
        _loading(ax, link, diagram, frame)
    for link in diagram.links:
        _link(ax, link, frame)
    for item in diagram.items:
        _item(ax, names[item], frame.y[item], frame)
    for node in (*diagram.nodes, *diagram.tops):
        _node(ax, node, names[node], diagram, frame)


def _item(ax: "Axes", label: str, y: float, frame: Frame) -> None:
    """Draw an item as a box with its label."""
    from matplotlib.patches import Rectangle

    ax.add_patch(
        Rectangle((0.5, y - BOX / 2), frame.items - 0.5, BOX, facecolor=PANEL, edgecolor=LINE)
    )
    text = shorten(plain(label), int((frame.items - 10) / (EM * frame.size / 13)), 1)[0]
    ax.text(6, y, text, va="center", ha="left", fontsize=frame.size, color=INK)


def _node(ax: "Axes", name: str, label: str, diagram: Diagram, frame: Frame) -> None:
    """Draw a factor as an ellipse, an observed variable as a box, with its R² where explained."""
    from matplotlib.patches import Ellipse, Patch, Rectangle

    x, y = frame.x[name], frame.y[name]
    rx, ry = frame.radius
    if name in diagram.factors:
        shape: Patch = Ellipse(
            (x, y), 2 * rx, 2 * ry, facecolor=PAGE, edgecolor=ACCENT, linewidth=1.6
        )
    else:
        shape = Rectangle((x - rx, y - ry + 3), 2 * rx, 2 * ry - 6, facecolor=PANEL, edgecolor=SOFT)
    ax.add_patch(shape)
    width = int(1.72 * rx / (EM * frame.size / 13))
    share = diagram.explained.get(name)
    name_of = plain(label)
    one = share is not None or (" " not in name_of and name_of.isascii())
    lines = shorten(name_of, width, 1 if one else 2)
    texts = [*lines, *([f"R² {format_correlation(share)}"] if share is not None else [])]
    step = frame.size + 2
    for number, text in enumerate(texts):
        at = y + (number - (len(texts) - 1) / 2) * step
        soft = share is not None and number == len(texts) - 1
        ax.text(
            x, at, text, va="center", ha="center", fontsize=frame.size - (1 if soft else 0),
            color=SOFT if soft else INK,
        )  # fmt: skip


def _loading(ax: "Axes", link: Link, diagram: Diagram, frame: Frame) -> None:
    """Draw the line from a factor to an item (or a factor under it) with its number."""
    rx = frame.radius[0]
    x0, y0 = frame.x[link.start] - rx, frame.y[link.start]
    to_item = link.end in diagram.items
    x1 = frame.items if to_item else frame.x[link.end] + rx
    y1 = frame.y[link.end]
    ax.plot([x0, x1], [y0, y1], color=SOFT if link.home else LINE, linewidth=1.0, zorder=1)
    place = diagram.order_at(link)
    x = x1 + frame.number * (0.5 + place) + 2
    slope = 0.0 if to_item else (y0 - y1) / (x0 - x1)
    ax.text(
        x, y1 + slope * (x - x1), format_correlation(link.value),
        va="center", ha="center", fontsize=frame.size - 1, color=_tone(link),
        bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 0.8}, zorder=3,
    )  # fmt: skip


def _tone(link: Link) -> str:
    """Return the colour of a number: weak loadings warn, links within chance are soft."""
    if link.weak:
        return BAD
    return INK if link.sure else SOFT


def _link(ax: "Axes", link: Link, frame: Frame) -> None:
    """Draw a path (solid arrow) or a correlation (dashed) as a curve on the right."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    rx = frame.radius[0]
    (xa, ya), (xb, yb) = ((frame.x[n] + rx, frame.y[n]) for n in (link.start, link.end))
    if abs(ya - yb) < 1:  # side by side: a straight line between
        xa, xb = (frame.x[link.start] - rx, xb) if xa > xb else (xa, frame.x[link.end] - rx)
    nudge = 5 if ya < yb else -5
    ya, yb = ya + nudge, yb - nudge
    apex = frame.apex(link)
    control = max(xa, xb) + (apex - max(xa, xb)) * 4 / 3
    curve = Path(
        [(xa, ya), (control, ya), (control, yb), (xb, yb)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    path = link.kind == "path"
    ax.add_patch(
        FancyArrowPatch(
            path=curve,
            arrowstyle="-|>,head_length=5,head_width=2.6" if path else "-",
            color=(ACCENT if link.sure else SOFT) if path else SOFT,
            linestyle="-" if path else (0, (4, 3)),
            linewidth=1.6 if path else 1.0,
            mutation_scale=1,
            zorder=2,
        )
    )
    middle = (xa + xb) / 8 + control * 0.75  # the curve at its half
    ax.text(
        middle, (ya + yb) / 2, format_correlation(link.value), va="center", ha="center",
        fontsize=frame.size - 1, color=_tone(link),
        bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 0.8}, zorder=4,
    )  # fmt: skip
