"""Tables of hierarchical steps, influence, simple slopes, regions and quantiles."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.hierarchical import HierarchicalRegression
from servlab.estimation.regression.influence import Influence
from servlab.estimation.regression.johnson_neyman import JohnsonNeyman
from servlab.estimation.regression.linear import RegressionResult
from servlab.estimation.regression.quantile import QuantileRegression
from servlab.estimation.regression.simple_slopes import SimpleSlopes
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_df,
    format_number,
)
from servlab.presentation.labels import (
    conf_text,
    dropped_note,
    predictor_label,
    variable_label,
)
from servlab.presentation.messages import message
from servlab.presentation.narrative.drivers import collinear_sentence, flag_notes
from servlab.presentation.narrative.regression import outside_note, quantile_flags
from servlab.presentation.regression_words import (
    errors_words,
    f_words,
    names_of,
    region_words,
    terms_added,
    value_words,
)
from servlab.presentation.result_tables.build import heading, sentences, signs, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.result_tables.drivers import errors_note, rows_used
from servlab.presentation.standards import standard_note
from servlab.presentation.tables import Mark, Table

Show = Literal["counts", "changes", "tests"]


def _head(name: str, language: Language, **values: str) -> str:
    return message(f"regression.col_{name}", language, **values)


@table.register
def hierarchical_table(
    result: HierarchicalRegression, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show what each step adds, with its tests."""
    rows = result.steps
    comma = ", " if language == "en" else "、"
    frame = rows.assign(
        added=[comma.join(terms_added(text, survey, language)) for text in rows["added"]],
        dfs=[
            "" if pd.isna(a) else f"{format_df(a)}, {format_df(b)}"
            for a, b in zip(rows["df"], rows["df_residual"], strict=True)
        ],
    ).set_axis([message("regression.step", language, number=str(k)) for k in rows["step"]])
    formats = {"added": "text", "r_squared": "correlation3", "adj_r_squared": "correlation3",
               "r_squared_change": "correlation3", "f_statistic": "number", "dfs": "text",
               "p_value": "p"}  # fmt: skip
    shown = {name: _head(name, language) for name in formats if name != "p_value"}
    shown["p_value"] = heading("p_value", language)
    classical = bool(rows["f_classical"].notna().any())
    if classical and result.cov_type != "classical":
        formats |= {"f_classical": "number", "p_classical": "p"}
        shown |= {name: _head(name, language) for name in ("f_classical", "p_classical")}
    last = result.fits[-1]
    tests = "regression.steps_tests" if classical else "regression.steps_tests_only"
    notes = [
        message(tests, language, errors=errors_words(result.cov_type, language)),
        message("regression.steps_rows", language),
        *collinear_sentence(last, language, survey),
        *flag_notes(last, language, survey),
        message("drivers.association", language),
        *rows_used(last, language),
    ]
    outcome = variable_label(result.outcome, survey, language)
    return Table(
        frame,
        caption=message("regression.steps_caption", language, outcome=outcome),
        headings={name: shown[name] for name in formats},
        formats=formats,
        row_header=_head("step", language),
        notes=sentences(notes),
        language=language,
    )


@table.register
def influence_table(
    result: Influence,
    *,
    show: Show = "counts",
    language: Language = "en",
    survey: Survey | None = None,
) -> Table:
    """Show how many respondents lie beyond the limits, what changes without them, or the tests."""
    check_choice("show", show, ("counts", "changes", "tests"))
    made = {"counts": _counts_table, "changes": _changes_table, "tests": _tests_table}
    return made[show](result, language, survey)


def _counts_table(result: Influence, language: Language, survey: Survey | None) -> Table:
    names = [message(f"regression.measure_{name}", language) for name in result.counts.index]
    formats = {"limit": "number3", "n_beyond": "count", "share": "share1"}
    return Table(
        result.counts.set_axis(names),
        caption=message(
            "regression.influence_caption", language, **_outcome(result, language, survey)
        ),
        headings={name: _head(name, language) for name in formats},
        formats=formats,
        row_header=_head("measure", language),
        notes=sentences(
            [
                standard_note([str(name) for name in result.counts.index], language),
                message("regression.influence_convention", language),
                *_n_notes(result.fit, language),
            ]
        ),
        language=language,
    )


def _changes_table(result: Influence, language: Language, survey: Survey | None) -> Table:
    rows = result.changes
    frame = with_interval(rows, "low_all", "high_all", "interval_all")
    frame = with_interval(frame, "low_without", "high_without", "interval_without")
    frame = frame.set_axis([predictor_label(str(t), survey, language) for t in rows.index])
    formats = {"with_all": "number", "interval_all": "interval", "without": "number",
               "interval_without": "interval", "shift": "signed"}  # fmt: skip
    level = conf_text(result.fit.conf_level)
    shown = {
        name: _head(name, language, **({"level": level} if name.startswith("interval") else {}))
        for name in formats
    }
    return Table(
        frame,
        caption=message(
            "regression.changes_caption", language, **_outcome(result, language, survey)
        ),
        headings=shown,
        formats=formats,
        row_header=heading("predictor", language),
        notes=sentences(
            [
                standard_note(["cooks"], language),
                errors_note(result.fit, language),
                message("regression.influence_convention", language),
                *_n_notes(result.fit, language),
            ]
        ),
        language=language,
    )


def _tests_table(result: Influence, language: Language, survey: Survey | None) -> Table:
    rows = result.tests
    names = [message(f"regression.test_{name}", language) for name in rows.index]
    frame = rows.assign(
        dfs=[
            "" if pd.isna(a) else format_df(a) + ("" if pd.isna(b) else f", {format_df(b)}")
            for a, b in zip(rows["df"], rows["df_residual"], strict=True)
        ]
    ).set_axis(names)
    weighted = result.fit.design.weights is not None
    notes = ["regression.tests_weighted"] if weighted else ["regression.tests_inform"]
    return Table(
        frame,
        caption=message("regression.tests_caption", language, **_outcome(result, language, survey)),
        headings={"statistic": _head("test_statistic", language), "dfs": _head("dfs", language),
                  "p_value": heading("p_value", language)},
        formats={"statistic": "number3", "dfs": "text", "p_value": "p"},
        row_header=_head("test", language),
        notes=sentences([*(message(n, language) for n in notes), *_n_notes(result.fit, language)]),
        language=language,
    )  # fmt: skip


def _outcome(result: Influence, language: Language, survey: Survey | None) -> dict[str, str]:
    return {"outcome": variable_label(result.fit.outcome, survey, language)}


def _n_notes(fit: RegressionResult, language: Language) -> list[str]:
    return [*flag_notes(fit, language), *rows_used(fit, language)]


@table.register
def slopes_table(
    result: SimpleSlopes, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show the slope of the predictor at each value of the moderator."""
    rows = result.slopes
    names = names_of(result, survey, language)
    labels = [value_words(result, row, survey, language, short=True) for _, row in rows.iterrows()]
    formats = {"estimate": "number", "std_error": "number", "interval": "interval",
               "statistic": "number", "p_value": "p"}  # fmt: skip
    level = conf_text(result.conf_level)
    marks: list[Mark] = ["strong" if m else "" for m in signs(rows["conf_low"], rows["conf_high"])]
    test = f_words(result.f_statistic, result.df, result.df_residual, result.p_value)
    others = {key: names[key] for key in ("outcome", "predictor")}
    return Table(
        with_interval(rows).set_axis(labels),
        caption=message("regression.slopes_caption", language, **names),
        headings={
            name: heading(name, language, **({"level": level} if name == "interval" else {}))
            for name in formats
        },
        formats=formats,
        row_header=names["moderator"],
        notes=sentences(
            [
                message("regression.slopes_test", language, **test),
                message("regression.slopes_others", language, **others),
                *outside_note(result, survey, language),
                *_rows(result.n, result.n_dropped, language),
            ]
        ),
        language=language,
        marks={"estimate": marks},
    )


@table.register
def region_table(
    result: JohnsonNeyman, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show the stretches of the moderator, and where the slope stands in each."""
    names = names_of(result, survey, language)
    rows = result.regions
    standing = [message(f"regression.standing_{s}", language) for s in rows["standing"]]
    regions = [region_words(row, language) for _, row in rows.iterrows()]
    observed = {"moderator": names["moderator"]}
    fdr = "_fdr" if result.adjust == "fdr" else ""
    observed |= dict(zip(("low", "high"), map(format_number, result.observed), strict=True))
    critical = {"t": format_number(result.critical), "level": conf_text(result.conf_level)}
    return Table(
        rows.assign(standing=standing).set_axis(regions),
        caption=message("regression.region_caption", language, **names),
        headings={
            "standing": _head("standing", language, predictor=names["predictor"]),
            "share": _head("share_of", language),
        },
        formats={"standing": "text", "share": "share"},
        row_header=names["moderator"],
        notes=sentences(
            [
                message("regression.region_observed", language, **observed),
                message(f"regression.region_critical{fdr}", language, **critical),
                *_rows(result.n, result.n_dropped, language),
            ]
        ),
        language=language,
    )  # fmt: skip


@table.register
def quantile_table(
    result: QuantileRegression, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show the coefficients of each quantile."""
    rows = result.coefficients
    labels = [predictor_label(str(term), survey, language) for term in rows["term"]]
    groups = [
        message("regression.quantile_group", language, quantile=format_correlation(q),
                fit=format_correlation(result.fits.loc[q, "pseudo_r"], 3))
        for q in rows["quantile"]
    ]  # fmt: skip
    formats = {"estimate": "number", "std_error": "number", "interval": "interval", "p_value": "p"}
    level = conf_text(result.conf_level)
    values = {"draws": format_count(result.n_draws)} if result.n_draws else {}
    outcome = variable_label(result.outcome, survey, language)
    return Table(
        with_interval(rows).set_axis(labels),
        caption=message("regression.quantile_caption", language, outcome=outcome),
        headings={
            name: heading(name, language, **({"level": level} if name == "interval" else {}))
            for name in formats
        },
        formats=formats,
        row_header=heading("predictor", language),
        notes=sentences(
            [
                message(
                    f"regression.quantile_errors_{result.errors}", language, level=level, **values
                ),
                *quantile_flags(result, language, survey),
                message("drivers.association", language),
                *_rows(result.n, result.n_dropped, language),
            ]
        ),
        language=language,
        row_groups=groups,
    )


def _rows(n: int, n_dropped: int, language: Language) -> list[str]:
    count = message("terms.n_total", language, n=format_count(n))
    return [count, dropped_note(n_dropped, language)]
