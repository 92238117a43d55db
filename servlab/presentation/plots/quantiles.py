"""Do predictors matter alike for low and for high answers? Coefficients along the quantiles."""

from typing import TYPE_CHECKING

import pandas as pd

from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.linear import RegressionResult
from servlab.estimation.regression.quantile import QuantileRegression
from servlab.presentation.chart import ACCENT, INK, LINE, NARROW, SOFT, WIDE, Chart, draw_chart
from servlab.presentation.formats import format_correlation, format_number
from servlab.presentation.labels import conf_text, predictor_label, shorten, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.regression import quantile_flags
from servlab.presentation.plots.gaps import separated
from servlab.presentation.plots.rows import EM, nice_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 150  # px a panel is tall, with room for its title over and its ticks under it
OVER, UNDER, LEFT, RIGHT, FOOT = 26, 26, 48, 14, 24  # px around the axes, and for the axis' words
CLOSE = 0.08  # ticks of quantiles nearer than this share one label


def plot_quantiles(
    result: QuantileRegression,
    *,
    mean: RegressionResult | None = None,
    survey: Survey | None = None,
    language: Language = "en",
) -> Chart:
    """Draw each coefficient along the quantiles, with bands, beside the regression of the mean.

    Parameters
    ----------
    result : QuantileRegression
        From ``quantile_regress`` with two quantiles or more.
    mean : RegressionResult, optional
        The same formula by ``regress``: a dashed line with its interval.
    survey : Survey, optional
        For labels; the names of the columns without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        A panel a predictor, each on its own scale with zero: points of the outcome per unit.

    Raises
    ------
    ModelError
        When there is one quantile only, no predictor, or ``mean`` has other terms.

    Examples
    --------
    >>> import numpy as np, pandas as pd, servlab as sl
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"x": rng.normal(size=200)})
    >>> data["y"] = data["x"] + rng.normal(size=200) * (1 + (data["x"] > 0))
    >>> fit = sl.quantile_regress("y ~ x", data, quantiles=(0.25, 0.75))
    >>> plot_quantiles(fit).caption
    'Coefficients by quantile of y, with 95 % bands; scales differ between panels.'
    """
    check_result("result", result, QuantileRegression, "quantile_regress()")
    table = result.coefficients[result.coefficients["term"] != INTERCEPT]
    terms = [str(term) for term in table["term"].drop_duplicates()]
    _check(result, terms, mean)
    names = {term: predictor_label(term, survey, language) for term in terms}
    outcome = variable_label(result.outcome, survey, language)
    axis = message("regression.quantile_plot_axis", language, outcome=outcome)
    lines = None if mean is None else mean.coefficients.loc[terms]

    def paint(figure: "Figure", narrow: bool) -> None:
        _paint(figure, table, names, lines, axis, narrow)

    caption = [
        message("regression.quantile_plot_caption", language, outcome=outcome,
                level=conf_text(result.conf_level)),
        "" if mean is None else
        message("regression.quantile_plot_mean", language, level=conf_text(mean.conf_level)),
        *quantile_flags(result, language),
    ]  # fmt: skip
    return draw_chart(
        paint,
        caption=join_sentences([part for part in caption if part], language),
        alt=message("regression.quantile_plot_alt", language, rows=_alt(table, names, language)),
        language=language,
        height=PANEL * -(-len(terms) // 2) + FOOT,
        narrow_height=PANEL * len(terms) + FOOT,
    )


def _check(result: QuantileRegression, terms: list[str], mean: RegressionResult | None) -> None:
    if len(result.quantiles) < 2:
        raise ModelError("a line along the quantiles needs two quantiles or more; got one.")
    if not terms:
        raise ModelError("the model has no predictor; there is nothing to draw.")
    if mean is None:
        return
    missing = [term for term in terms if term not in mean.coefficients.index]
    if missing or mean.outcome != result.outcome:
        raise ModelError(
            "mean must be regress() of the same formula; "
            + (f"it lacks {missing}." if missing else f"its outcome is {mean.outcome!r}.")
        )


def _alt(table: pd.DataFrame, names: dict[str, str], language: Language) -> str:
    rows = []
    for term, name in names.items():
        own = table[table["term"] == term]
        entries = [
            message("regression.quantile_entry", language, quantile=format_correlation(q),
                    estimate=format_number(b, sign=True))
            for q, b in zip(own["quantile"], own["estimate"], strict=True)
        ]  # fmt: skip
        rows.append(
            message(
                "regression.quantile_plot_alt_row",
                language,
                name=name,
                entries=", ".join(entries) if language == "en" else "，".join(entries),
            )
        )
    return separated(rows, language)


def _paint(
    figure: "Figure",
    table: pd.DataFrame,
    names: dict[str, str],
    mean: pd.DataFrame | None,
    axis: str,
    narrow: bool,
) -> None:
    """Draw a panel a term: two a row, one a row on phones."""
    figure.set_layout_engine("none")
    across = 1 if narrow else 2
    width = NARROW if narrow else WIDE
    height = PANEL * -(-len(names) // across) + FOOT
    step = width / across
    for place, (term, name) in enumerate(names.items()):
        left = (place % across) * step + LEFT
        bottom = height - PANEL * (place // across + 1) + UNDER
        ax = figure.add_axes((
            left / width,
            bottom / height,
            (step - LEFT - RIGHT) / width,
            (PANEL - OVER - UNDER) / height,
        ))  # fmt: skip
        own = table[table["term"] == term]
        _panel(ax, own, None if mean is None else mean.T[term])
        ax.set_title(shorten(name, int((step - LEFT) / EM)), loc="left", size=12, color=INK, pad=6)
    figure.text(
        LEFT / width, 8 / height, shorten(axis, int((width - LEFT) / EM)), size=12, color=SOFT
    )


def _panel(ax: "Axes", own: pd.DataFrame, mean: pd.Series | None) -> None:
    """Draw one coefficient along the quantiles, its band, and that of the mean."""
    if mean is not None:
        ax.axhspan(mean["conf_low"], mean["conf_high"], color=LINE, alpha=0.7, linewidth=0)
        ax.axhline(mean["estimate"], color=SOFT, linestyle=(0, (5, 3)), linewidth=1.3)
    ax.axhline(0, color=SOFT, linewidth=1, zorder=1)
    ax.fill_between(
        own["quantile"], own["conf_low"], own["conf_high"], color=ACCENT, alpha=0.16, linewidth=0
    )
    ax.plot(own["quantile"], own["estimate"], color=ACCENT, marker="o", markersize=4, zorder=3)
    quantiles = [float(q) for q in own["quantile"]]
    air = 0.05 * (quantiles[-1] - quantiles[0])
    ax.set_xlim(quantiles[0] - air, quantiles[-1] + air)
    kept = [q for i, q in enumerate(quantiles) if i == 0 or q - quantiles[i - 1] >= CLOSE]
    ax.set_xticks(kept, [f"{q:g}".replace("0.", ".", 1) for q in kept])
    ends = [0.0, *own["conf_low"], *own["conf_high"]]
    ends += [] if mean is None else [float(mean["conf_low"]), float(mean["conf_high"])]
    room = 0.05 * (max(ends) - min(ends))
    ax.set_ylim(min(ends) - room, max(ends) + room)
    ticks = nice_ticks(*ax.get_ylim(), 4)
    digits = next((d for d in (0, 1) if all(abs(t - round(t, d)) < 1e-9 for t in ticks)), 2)
    ax.set_yticks(ticks, [format_number(t, digits) for t in ticks])
    ax.tick_params(axis="both", labelcolor=SOFT, labelsize=12)
