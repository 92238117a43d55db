"""Tables of regression and of importance beside performance."""

import pandas as pd

from servlab.core.standards import standard
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.drivers import ImportancePerformance
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.linear import RegressionResult
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_df,
    format_number,
    format_p_relation,
    format_value,
)
from servlab.presentation.labels import (
    conf_text,
    dropped_note,
    predictor_label,
    rows_notes,
    variable_label,
)
from servlab.presentation.messages import message
from servlab.presentation.narrative.drivers import (
    collinear_sentence,
    flag_notes,
    importance_limits,
)
from servlab.presentation.result_tables.build import (
    heading,
    headings,
    labelled,
    sentences,
    signs,
    with_interval,
)
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table

FORMATS = {
    "estimate": "number",
    "std_error": "number",
    "interval": "interval",
    "statistic": "number",
    "p_value": "p",
    "std_beta": "number",
    "vif": "number1",
}


@table.register
def regression_table(
    result: RegressionResult,
    *,
    language: Language = "en",
    survey: Survey | None = None,
) -> Table:
    """Show the coefficients with intervals, standardized coefficients and VIF."""
    rows = result.coefficients
    terms = [predictor_label(str(term), survey, language) for term in rows.index]
    frame = with_interval(rows).set_axis(terms)
    conf = conf_text(result.conf_level)
    shown = headings({name: name for name in FORMATS if name != "interval"}, language)
    shown["interval"] = heading("interval", language, level=conf)
    limit = standard("vif").value
    marks: list[Mark] = ["bad" if value >= limit else "" for value in rows["vif"]]
    return Table(
        frame,
        caption=message(
            "drivers.caption", language, outcome=variable_label(result.outcome, survey, language)
        ),
        headings={name: shown[name] for name in FORMATS},
        formats=FORMATS,
        row_header=heading("predictor", language),
        notes=_regression_notes(result, language, survey),
        language=language,
        marks={
            "estimate": ["strong" if mark else "" for mark in _slope_signs(rows)],
            "vif": marks,
        },
    )


def _slope_signs(rows: pd.DataFrame) -> list[Mark]:
    """Return the signs of the slopes; the intercept's says nothing."""
    found = signs(rows["conf_low"], rows["conf_high"])
    return ["" if term == INTERCEPT else s for term, s in zip(rows.index, found, strict=True)]


def _regression_notes(
    result: RegressionResult, language: Language, survey: Survey | None
) -> tuple[str, ...]:
    fit = message(
        "drivers.note_fit",
        language,
        r2=format_correlation(result.r_squared, 3),
        adjusted=format_correlation(result.adj_r_squared, 3),
        df1=format_df(result.f_df),
        df2=format_df(result.f_df_residual),
        f=format_number(result.f_statistic),
        p=format_p_relation(result.p_value),
    )
    return sentences(
        [
            fit,
            errors_note(result, language),
            message("drivers.note_vif", language),
            message("drivers.note_std_beta", language) if _has_products(result) else "",
            *collinear_sentence(result, language, survey),
            *flag_notes(result, language, survey),
            message("drivers.association", language),
            *rows_used(result, language),
        ]
    )


def errors_note(result: RegressionResult, language: Language) -> str:
    """Return the sentence on the kind of standard errors and the level of the intervals."""
    values = {"level": conf_text(result.conf_level)}
    if result.n_clusters is not None:
        values["clusters"] = format_count(result.n_clusters)
    return message(f"drivers.note_errors_{result.cov_type}", language, **values)


def rows_used(result: RegressionResult, language: Language) -> list[str]:
    """Return the sentences on the rows used, those lost, and Kish's n under weights."""
    weighted = abs(result.n_effective - result.n) > 1e-9
    return [
        message("terms.n_total", language, n=format_count(result.n)),
        dropped_note(result.n_dropped, language),
        message("drivers.note_n_effective", language, n=format_number(result.n_effective, 1))
        if weighted
        else "",
    ]


def _has_products(result: RegressionResult) -> bool:
    return any(len(parts) > 1 for parts in result.design.parts)


@table.register
def importance_table(
    result: ImportancePerformance, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show importance, performance and quadrant, the most important first."""
    rows = result.table.sort_values("importance", ascending=False, kind="stable")
    quadrants = [message(f"terms.quadrant_{key}", language) for key in rows["quadrant"]]
    frame = labelled(rows.assign(quadrant=quadrants), result.instrument, language)
    form = importance_format(result)
    columns = {name: name for name in ("importance", "performance", "quadrant", "n")}
    marks: list[Mark] = ["bad" if key == "concentrate" else "" for key in rows["quadrant"]]
    return Table(
        frame,
        caption=message(f"drivers.ipa_caption_{result.level}", language),
        headings=headings(columns, language),
        formats={"importance": form, "performance": "number", "quadrant": "text", "n": "count"},
        row_header=heading(result.level, language),
        notes=sentences(
            [
                *importance_limits(result, language, survey),
                message(
                    "drivers.ipa_note_centres",
                    language,
                    importance=importance_text(result, result.importance_centre),
                    performance=format_number(result.performance_centre),
                ),
                *rows_notes(rows, language),
            ]
        ),
        language=language,
        marks={"quadrant": marks},
    )


def importance_format(result: ImportancePerformance) -> str:
    """Return the format of importance: correlations, shares of points, or marks."""
    if result.source == "derived":
        return "correlation"
    # shares of points sum to 1 over the dimensions; marks never lie under the scale's low end
    return "share1" if result.table["importance"].max() < 1 else "number"


def importance_text(result: ImportancePerformance, value: float) -> str:
    """Return one importance as text."""
    return format_value(value, importance_format(result))
