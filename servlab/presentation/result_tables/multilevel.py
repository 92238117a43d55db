"""Tables of multilevel models: fixed effects, variances, contextual effects."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.contextual import ContextualEffects
from servlab.estimation.regression.multilevel import MultilevelResult
from servlab.estimation.regression.multilevel_tables import RESIDUAL
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_interval,
    format_number,
)
from servlab.presentation.labels import (
    conf_text,
    dropped_note,
    plain,
    predictor_label,
    variable_label,
)
from servlab.presentation.messages import message
from servlab.presentation.narrative.multilevel import multilevel_flags
from servlab.presentation.result_tables.build import heading, sentences, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Table

PARTS = ("effects", "variances")
EFFECTS = {"estimate": "number", "std_error": "number", "interval": "interval",
           "statistic": "number", "df": "number1", "p_value": "p", "vif": "number1"}  # fmt: skip
VARIANCES = {"estimate": "number", "std_dev": "number", "interval": "interval",
             "statistic": "number", "p_value": "p"}  # fmt: skip
CONTEXTUAL = {"slope_within": "number", "slope_between": "number", "estimate": "number",
              "interval": "interval", "df": "number1", "p_value": "p"}  # fmt: skip
OWN = {"df", "slope_within", "slope_between"}


@table.register
def multilevel_table(
    result: MultilevelResult,
    *,
    language: Language = "en",
    survey: Survey | None = None,
    part: Literal["effects", "variances"] = "effects",
) -> Table:
    """Show the fixed effects, or the variances of random effects and residual with their tests."""
    check_choice("part", part, PARTS)
    if part == "variances":
        return _variances(result, language, survey)
    rows = result.coefficients
    terms = [predictor_label(str(term), survey, language) for term in rows.index]
    return Table(
        with_interval(rows).set_axis(terms),
        caption=message(
            "multilevel.caption", language, outcome=variable_label(result.outcome, survey, language)
        ),
        headings=_headings(EFFECTS, result.conf_level, language),
        formats=EFFECTS,
        row_header=heading("predictor", language),
        notes=sentences([*multilevel_flags(result, language, survey), *_notes(result, language)]),
        language=language,
    )


def _headings(formats: dict[str, str], level: float, language: Language) -> dict[str, str]:
    """Return the headings of a table's columns."""
    found = {}
    for name in formats:
        if name in OWN:
            found[name] = message(f"multilevel.col_{name}", language)
        elif name == "interval":
            found[name] = heading(name, language, level=conf_text(level))
        else:
            found[name] = heading(name, language)
    return found


def _notes(result: MultilevelResult, language: Language) -> list[str]:
    """Return the sentences on method, fit and rows."""
    method = "multilevel.method_reml" if result.reml else "multilevel.method_ml"
    return [
        message(method, language, level=conf_text(result.conf_level)),
        message(
            "multilevel.fit",
            language,
            marginal=format_correlation(result.r2_marginal, 3),
            conditional=format_correlation(result.r2_conditional, 3),
            loglik=format_number(result.loglik),
            aic=format_number(result.aic),
            bic=format_number(result.bic),
        ),
        message(
            "multilevel.groups",
            language,
            n=format_count(result.n),
            groups=format_count(result.n_groups),
            single=format_count(result.n_single),
        ),
        dropped_note(result.n_dropped, language),
        message("multilevel.association", language),
    ]


def _variances(result: MultilevelResult, language: Language, survey: Survey | None) -> Table:
    """Show variances with limits and tests, correlations in the notes."""
    tests = result.random_tests.set_index("term")
    rows = result.variances.assign(
        statistic=tests["statistic"].reindex(result.variances.index),
        p_value=tests["p_value"].reindex(result.variances.index),
    )
    labels = [
        message("multilevel.residual", language)
        if term == RESIDUAL
        else predictor_label(str(term), survey, language)
        for term in rows.index
    ]
    shown = _headings(VARIANCES, result.conf_level, language)
    shown["estimate"] = message("multilevel.col_variance", language)
    shown["statistic"] = message("multilevel.col_test", language)
    return Table(
        with_interval(rows).set_axis(labels),
        caption=message(
            "multilevel.caption_variances",
            language,
            outcome=variable_label(result.outcome, survey, language),
            groups=variable_label(result.groups, survey, language),
        ),
        headings=shown,
        formats=VARIANCES,
        row_header=message("multilevel.col_effect", language),
        notes=sentences(
            [
                *multilevel_flags(result, language, survey),
                *_correlations(result.correlations, language, survey),
                _limits(result, language),
                message("multilevel.test_note", language),
            ]
        ),
        language=language,
    )


def _limits(result: MultilevelResult, language: Language) -> str:
    """Return the sentence on where the limits of variances come from."""
    level = conf_text(result.conf_level)
    if not result.random:
        return message("multilevel.limits_profile", language, level=level)
    if result.singular:
        return message("multilevel.limits_none", language)
    return message("multilevel.limits_normal", language, level=level)


def _correlations(rows: pd.DataFrame, language: Language, survey: Survey | None) -> list[str]:
    """Return a sentence a correlation of random effects."""
    return [
        message(
            "multilevel.correlation",
            language,
            first=predictor_label(row["lhs"], survey, language),
            second=predictor_label(row["rhs"], survey, language),
            estimate=format_correlation(row["estimate"]),
            interval=format_interval(row["conf_low"], row["conf_high"]),
        )
        for row in rows.dropna(subset=["conf_low"]).to_dict("records")
    ]


@table.register
def contextual_table(
    result: ContextualEffects, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show slopes within and between groups and their difference."""
    terms = [plain(predictor_label(str(term), survey, language)) for term in result.table.index]
    shown = _headings(CONTEXTUAL, result.conf_level, language)
    shown["estimate"] = message("multilevel.col_difference", language)
    return Table(
        with_interval(result.table).set_axis(terms),
        caption=message(
            "multilevel.caption_contextual",
            language,
            outcome=variable_label(result.outcome, survey, language),
            groups=variable_label(result.groups, survey, language),
        ),
        headings=shown,
        formats=CONTEXTUAL,
        row_header=heading("predictor", language),
        notes=sentences(
            [
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
                message("multilevel.association", language),
            ]
        ),
        language=language,
    )
