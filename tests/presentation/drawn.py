"""Catch the figures behind a chart, so that its artists can be tested."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from matplotlib.figure import Figure

from servlab.presentation import chart
from servlab.presentation.chart import Chart


def drawn(plot: Callable[..., Chart], *args: Any, **options: Any) -> tuple[Chart, Figure, Figure]:
    """Return a chart with its wide and its narrow figure."""
    figures: list[Figure] = []
    write = chart.page_svg

    def keep(figure: Figure, **words: Any) -> str:
        figures.append(figure)
        return write(figure, **words)

    with patch.object(chart, "page_svg", keep):
        made = plot(*args, **options)
    return made, figures[0], figures[1]


def texts(figure: Figure) -> list[str]:
    """Return every text of a figure that is drawn."""
    found = [t.get_text() for t in figure.findobj(lambda a: hasattr(a, "get_text"))]
    return [text for text in found if text]


def marks(figure: Figure) -> list[Any]:
    """Return the single marks of a figure's first axes, in the order drawn."""
    return [line for line in figure.axes[0].lines if line.get_marker() not in ("None", None, "")]
