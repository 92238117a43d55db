"""Odds ratios, marginal effects and mediation drawn: points with intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.marginal_effects import MarginalEffects
from servlab.estimation.regression.mediation import MediationResult
from servlab.presentation.chart import ACCENT, SOFT, Chart
from servlab.presentation.formats import format_interval, format_number
from servlab.presentation.labels import conf_text, predictor_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.choices import (
    Choice,
    effect_label,
    flag_sentences,
    value_text,
)
from servlab.presentation.narrative.mediation import effect_name, mediation_flags
from servlab.presentation.narrative.standing import standing
from servlab.presentation.plots.gaps import TONES, draw_dot, paint_intervals, separated
from servlab.presentation.plots.rows import (
    Plan,
    Row,
    draw_rows,
    mark_y,
    row_axes,
    upright,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATIOS = np.array([1.0, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 1e3, 1e4, 1e6])


def plot_odds(result: Choice, *, survey: Survey | None = None, language: Language = "en") -> Chart:
    """Draw the odds ratios of an ordinal or a logistic regression with their intervals.

    Parameters
    ----------
    result : OrdinalResult or LogisticResult
        From ``ordinal_regress`` or ``logistic_regress``; a probit's coefficients are drawn.
    survey : Survey, optional
        For the labels of the terms and of the outcome; their names without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        On a logarithmic axis, the largest on top; a hollow mark has an interval that holds 1.

    Raises
    ------
    ModelError
        When the model has no predictor.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1, 2, 1, 3, 2, 3, 3, 2] * 5, "x": [1, 2, 2, 3, 1, 3, 2, 3] * 5})
    >>> plot_odds(sl.ordinal_regress("y ~ x", data)).caption
    'Odds ratios of y, with 95 % intervals.'
    """
    check_result("result", result, Choice, "ordinal_regress() or logistic_regress()")
    slopes = result.coefficients.drop(index=INTERCEPT, errors="ignore")
    slopes = slopes.sort_values("estimate", ascending=False, kind="stable")
    if slopes.empty:
        raise ModelError("the model has no predictor; there is nothing to draw.")
    odds = "odds_ratio" in slopes
    kind = "odds" if odds else "probit"
    shown = ["odds_ratio", "odds_low", "odds_high"] if odds else None
    rows = []
    for term, row in slopes.iterrows():
        value = format_number(row["odds_ratio"] if odds else row["estimate"], sign=not odds)
        rows.append(Row(predictor_label(str(term), survey, language), value, _tone(row)))
    axis = message(f"choices.plot_{kind}_axis", language)
    words = {
        "outcome": variable_label(result.outcome, survey, language),
        "level": conf_text(result.conf_level),
    }
    caption = message(f"choices.plot_{kind}_caption", language, **words)
    alt = _alt(slopes, rows, language, "choices", shown)
    flags = flag_sentences(result, language, survey)
    return _chart(
        rows, slopes, axis, join_sentences([caption, *flags], language), alt, language, log=odds
    )


def plot_marginal_effects(
    result: MarginalEffects, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw average marginal effects in percentage points, answer by answer.

    Parameters
    ----------
    result : MarginalEffects
        From ``marginal_effects``.
    survey : Survey, optional
        For the labels of columns and values; their names without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        A block of rows an effect, a row an answer; one row an effect for a logistic model.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1, 2, 1, 3, 2, 3, 3, 2] * 5, "x": [1, 2, 2, 3, 1, 3, 2, 3] * 5})
    >>> fit = sl.ordinal_regress("y ~ x", data)
    >>> plot_marginal_effects(sl.marginal_effects(fit)).caption.split(",")[1]
    ' with 95 % intervals.'
    """
    check_result("result", result, MarginalEffects, "marginal_effects()")
    table = result.table.copy()
    columns = ["estimate", "conf_low", "conf_high"]
    table[columns] = 100 * table[columns]
    rows: list[Row] = []
    places: list[int] = []
    names: list[str] = []
    for (term, contrast), block in table.groupby(["term", "contrast"], sort=False):
        label = effect_label(str(term), str(contrast), language, survey)
        if result.model == "ordinal":
            rows.append(Row(label, head=True))
        for _, row in block.iterrows():
            answer = message(
                "choices.plot_answer", language, category=value_text(float(row["category"]))
            )
            own = answer if result.model == "ordinal" else label
            places.append(len(rows))
            names.append(f"{label}, {answer}")
            rows.append(Row(own, format_number(row["estimate"], 1, sign=True), _neutral(row)))
    words = {
        "outcome": variable_label(result.outcome, survey, language),
        "level": conf_text(result.conf_level),
    }
    if result.model == "logistic":
        words["event"] = value_text(float(table["category"].iloc[0]))
    drawn = [Row(name, rows[place].value) for name, place in zip(names, places, strict=True)]
    return _chart(
        rows,
        table,
        message("choices.plot_marginal_axis", language),
        message(f"choices.plot_marginal_{result.model}", language, **words),
        _alt(table, drawn, language, "choices", None),
        language,
        places=places,
    )


def plot_mediation(
    result: MediationResult, *, survey: Survey | None = None, language: Language = "en"
) -> Chart:
    """Draw indirect, direct and total effects with their bootstrap intervals.

    Parameters
    ----------
    result : MediationResult
        From ``mediation``.
    survey : Survey, optional
        For the labels of the columns; their names without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        A hollow mark has an interval that holds zero; differences of routes are in the table.

    Examples
    --------
    >>> import numpy as np, pandas as pd, servlab as sl
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame(rng.normal(size=(60, 3)), columns=["x", "m", "y"])
    >>> found = sl.mediation(data, predictor="x", mediators="m", outcome="y", seed=1, n_draws=100)
    >>> plot_mediation(found).caption
    'Effects of x on y, with 95 % bootstrap intervals.'
    """
    check_result("result", result, MediationResult, "mediation()")
    table = result.effects[result.effects["part"] != "contrast"]
    rows = [
        Row(
            effect_name(str(name), str(row["part"]), language, survey),
            format_number(row["estimate"], sign=True),
            _tone(row),
        )
        for name, row in table.iterrows()
    ]
    words = {
        "predictor": variable_label(result.predictor, survey, language),
        "outcome": variable_label(result.outcome, survey, language),
    }
    caption = message(
        "mediation.plot_caption", language, level=conf_text(result.conf_level), **words
    )
    flags = mediation_flags(result, language, survey)
    return _chart(
        rows,
        table,
        message("mediation.plot_axis", language, **words),
        join_sentences([caption, *flags], language),
        _alt(table, rows, language, "mediation", None),
        language,
    )


def _tone(row: pd.Series) -> str:
    return TONES[standing(float(row["conf_low"]), float(row["conf_high"]))]


def _neutral(row: pd.Series) -> str:
    """Return a colour without judgement: a rarer low answer is no bad thing."""
    clear = standing(float(row["conf_low"]), float(row["conf_high"])) in ("below", "above")
    return ACCENT if clear else SOFT


def _chart(
    rows: Sequence[Row],
    table: pd.DataFrame,
    axis: str,
    caption: str,
    alt: str,
    language: Language,
    *,
    log: bool = False,
    places: Sequence[int] | None = None,
) -> Chart:
    """Return rows of points with intervals, on a plain axis or one of ratios."""

    def paint(figure: "Figure", plan: Plan) -> None:
        if log:
            _paint_ratios(figure, plan, rows, table, axis)
        else:
            paint_intervals(figure, plan, rows, table, axis=axis, signed=True, places=places)

    return draw_rows(
        rows,
        paint,
        caption=caption,
        alt=alt,
        language=language,
        axis=axis,
        step=30,
    )


def _paint_ratios(
    figure: "Figure", plan: Plan, rows: Sequence[Row], table: pd.DataFrame, axis: str
) -> None:
    """Draw logarithms under ticks that say the ratios, with a line at 1."""
    ends = table[["estimate", "conf_low", "conf_high"]].to_numpy().ravel()
    ends = ends[np.isfinite(ends)]
    low, high = min(ends.min(), -0.1), max(ends.max(), 0.1)
    air = 0.06 * (high - low)
    ticks = ratio_ticks(np.exp(low - air), np.exp(high + air), 5 if plan.narrow else 8)
    words = [f"{t:g}" if t < 1e4 else f"{t:.0e}" for t in ticks]
    limits = (low - air, high + air)
    ax = row_axes(
        figure,
        plan,
        rows,
        limits=limits,
        ticks=np.log(ticks).tolist(),
        tick_labels=words,
        axis=axis,
    )
    upright(ax, plan, 0, color=SOFT, zorder=1)
    for place, (_, row) in enumerate(table.iterrows()):
        y, colour = mark_y(plan, place), rows[place].colour
        ax.plot([row["conf_low"], row["conf_high"]], [y, y], color=colour, solid_capstyle="round")
        clear = standing(float(row["conf_low"]), float(row["conf_high"])) in ("below", "above")
        draw_dot(ax, float(row["estimate"]), y, colour, filled=clear)


def ratio_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round ratios between two limits, 1 among them, at most about ``most``.

    Examples
    --------
    >>> ratio_ticks(0.4, 4, 8)
    [0.5, 0.67, 0.83, 1.0, 1.2, 1.5, 2.0, 3.0]
    """
    below = [round(float(1 / r), 2) if r < 50 else float(1 / r) for r in RATIOS[:0:-1]]
    inside = [t for t in [*below, *RATIOS.tolist()] if low <= t <= high]
    step = -(-len(inside) // most)
    at = inside.index(1.0)
    return [t for i, t in enumerate(inside) if (i - at) % step == 0]


def _alt(
    table: pd.DataFrame,
    rows: Sequence[Row],
    language: Language,
    topic: str,
    ends: list[str] | None,
) -> str:
    low, high = ("conf_low", "conf_high") if ends is None else ends[1:]
    texts = [
        message(
            f"{topic}.plot_alt_row",
            language,
            name=row.label,
            value=row.value,
            interval=format_interval(values[low], values[high]),
        )
        for row, (_, values) in zip(rows, table.iterrows(), strict=True)
    ]
    return message(f"{topic}.plot_alt", language, rows=separated(texts, language))
