"""What goes with an outcome, drawn: coefficients with intervals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.linear import RegressionResult
from servlab.presentation.chart import Chart
from servlab.presentation.formats import format_interval, format_number
from servlab.presentation.labels import conf_text, predictor_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.drivers import collinear_sentence
from servlab.presentation.narrative.standing import standing
from servlab.presentation.plots.gaps import TONES, paint_intervals, separated
from servlab.presentation.plots.rows import Plan, Row, draw_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_drivers(
    result: RegressionResult,
    *,
    survey: Survey | None = None,
    language: Language = "en",
) -> Chart:
    """Draw the coefficients of a regression with their intervals, the largest on top.

    Parameters
    ----------
    result : RegressionResult
        From ``regress``.
    survey : Survey, optional
        For the labels of the terms and of the outcome; their names without it.
    language : {"en", "zh"}
        Language of the chart's own words.

    Returns
    -------
    Chart
        A hollow mark has an interval that holds zero. Where predictors are nearly collinear the
        caption says so.

    Raises
    ------
    ModelError
        When the regression has no term but the intercept.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1.0, 2, 2, 4, 5], "x": [1.0, 2, 3, 4, 6]})
    >>> plot_drivers(sl.regress("y ~ x", data)).caption
    'Coefficients of the regression of y, with 95 % intervals.'
    """
    check_result("result", result, RegressionResult, "regress()")
    table = result.coefficients.drop(index=INTERCEPT, errors="ignore")
    table = table.sort_values("estimate", ascending=False, kind="stable")
    if table.empty:
        raise ModelError("the regression has no term but the intercept; there is nothing to draw.")
    names = {str(t): predictor_label(str(t), survey, language) for t in table.index}
    target = variable_label(result.outcome, survey, language)
    rows = [_row(names[str(term)], row) for term, row in table.iterrows()]
    axis = message("drivers.plot_axis_estimate", language, outcome=target)

    def paint(figure: "Figure", plan: Plan) -> None:
        paint_intervals(figure, plan, rows, table, axis=axis, signed=True)

    words = {"outcome": target, "level": conf_text(result.conf_level)}
    flags = collinear_sentence(result, language, survey)
    caption = message("drivers.plot_caption", language, **words)
    return draw_rows(
        rows,
        paint,
        caption=join_sentences([caption, *flags], language),
        alt=message("drivers.plot_alt", language, rows=_alt(table, names, language)),
        language=language,
        axis=axis,
        step=36,
    )


def _row(label: str, row: pd.Series) -> Row:
    colour = TONES[standing(float(row["conf_low"]), float(row["conf_high"]))]
    return Row(label, format_number(row["estimate"], sign=True), colour)


def _alt(table: pd.DataFrame, names: Mapping[str, str], language: Language) -> str:
    texts = [
        message(
            "drivers.plot_alt_row",
            language,
            name=names[str(term)],
            estimate=format_number(row["estimate"], sign=True),
            interval=format_interval(row["conf_low"], row["conf_high"]),
        )
        for term, row in table.iterrows()
    ]
    return separated(texts, language)
