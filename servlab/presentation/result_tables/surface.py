"""Tables of a response surface: its coefficients and lines, models side by side, conditions."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.response_surface import TERMS, ResponseSurface
from servlab.presentation.formats import format_number
from servlab.presentation.labels import conf_text, rows_notes
from servlab.presentation.messages import message
from servlab.presentation.narrative.surface import outcome_words, score_words, surface_flags
from servlab.presentation.result_tables.build import heading, sentences, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table

Show = Literal["surface", "models", "conditions"]
SHOWN: tuple[Show, ...] = ("surface", "models", "conditions")
_LINES = ("a1", "a2", "a3", "a4")


@table.register
def surface_table(
    result: ResponseSurface,
    *,
    language: Language = "en",
    show: Show = "surface",
    survey: Survey | None = None,
) -> Table:
    """Show the surface, the models side by side, or the conditions of a congruence effect."""
    check_choice("show", show, SHOWN)
    if show == "models":
        return _models(result, language, survey)
    return (_conditions if show == "conditions" else _surface)(result, language, survey)


def _words(result: ResponseSurface, survey: Survey | None, language: Language) -> dict[str, str]:
    return {
        "outcome": outcome_words(result, survey, language),
        "score": score_words(result, language),
    }


def _surface(result: ResponseSurface, language: Language, survey: Survey | None) -> Table:
    rows = with_interval(pd.concat([result.coefficients, result.surface]))
    terms = [str(term) for term in rows.index]
    kinds = ["coefficients" if t in TERMS else "lines" if t in _LINES else "axes" for t in terms]
    level = conf_text(result.conf_level)
    formats = {"estimate": "signed", "std_error": "number", "interval": "interval", "p_value": "p"}
    errors = message(f"surface.errors_{result.cov_type}", language)
    notes = [
        *surface_flags(result, language),
        message("surface.note_centred", language, midpoint=format_number(result.midpoint, 1)),
        message("surface.note_errors", language, errors=errors, level=level),
        "" if result.stationary_determined else message("surface.note_stationary", language),
        *_rows(result, language),
    ]
    return Table(
        rows.set_axis([message(f"surface.term_{term}", language) for term in terms]),
        caption=message("surface.caption", language, **_words(result, survey, language)),
        headings={
            "estimate": message("surface.col_estimate", language),
            "std_error": heading("std_error", language),
            "interval": heading("interval", language, level=level),
            "p_value": heading("p_value", language),
        },
        formats=formats,
        row_header=message("surface.col_term", language),
        notes=sentences(notes),
        language=language,
        row_groups=[message(f"surface.group_{kind}", language) for kind in kinds],
        marks={"estimate": [_clear(row) for row in rows.to_dict("records")]},
    )


def _clear(row: dict[object, float]) -> Mark:
    tested = row["p_value"] == row["p_value"]
    return "strong" if tested and not row["conf_low"] <= 0 <= row["conf_high"] else ""


def _rows(result: ResponseSurface, language: Language) -> list[str]:
    counts = pd.DataFrame({"n": [result.n], "n_dropped": [result.n_dropped]})
    return rows_notes(counts, language)


def _models(result: ResponseSurface, language: Language, survey: Survey | None) -> Table:
    tests = result.constraints[["f_statistic", "f_robust", "p_value", "p_robust"]]
    rows = result.models.join(tests)
    formats = {
        "r_squared": "correlation3", "adj_r_squared": "correlation3",
        "r_squared_cv": "correlation3", "df": "count", "f_statistic": "number", "p_value": "p",
        "p_robust": "p",
    }  # fmt: skip
    if result.weighted:
        formats = {k: v for k, v in formats.items() if k not in ("f_statistic", "p_value")}
    notes = [
        *surface_flags(result, language),
        message("surface.note_constraints", language),
        message("surface.note_weighted", language) if result.weighted else "",
        *_rows(result, language),
    ]
    best = rows["r_squared_cv"] == rows["r_squared_cv"].max()
    return Table(
        rows.set_axis([message(f"surface.model_{name}", language) for name in rows.index]),
        caption=message("surface.caption_models", language, **_words(result, survey, language)),
        headings={name: message(f"surface.col_{name}", language) for name in formats},
        formats=formats,
        row_header=message("surface.col_model", language),
        notes=sentences(notes),
        language=language,
        marks={"r_squared_cv": ["strong" if top else "" for top in best]},
    )


def _conditions(result: ResponseSurface, language: Language, survey: Survey | None) -> Table:
    rows = with_interval(result.conditions)
    undefined = rows["estimate"].isna()
    rows["holds"] = [
        message(f"surface.{'undefined' if gone else 'yes' if held else 'no'}", language)
        for held, gone in zip(rows["holds"], undefined, strict=True)
    ]
    rows["wanted"] = [message(f"surface.wanted_{name}", language) for name in rows["wanted"]]
    level = conf_text(result.conf_level)
    return Table(
        rows.set_axis([message(f"surface.term_{name}", language) for name in rows.index]),
        caption=message("surface.caption_conditions", language, **_words(result, survey, language)),
        headings={
            "estimate": message("surface.col_estimate", language),
            "interval": heading("interval", language, level=level),
            "wanted": message("surface.col_wanted", language),
            "holds": message("surface.col_holds", language),
        },
        formats={"estimate": "signed", "interval": "interval", "wanted": "text", "holds": "text"},
        row_header=message("surface.col_condition", language),
        notes=(message("surface.note_conditions", language), *_rows(result, language)),
        language=language,
    )
