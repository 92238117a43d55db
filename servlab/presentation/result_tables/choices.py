"""Tables of ordinal and logistic regression, of Brant's test and of marginal effects."""

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.brant import OMNIBUS, BrantTest
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.logistic import LogisticResult
from servlab.estimation.regression.marginal_effects import MarginalEffects
from servlab.estimation.regression.ordinal import OrdinalResult
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_df,
    format_number,
    format_p_relation,
)
from servlab.presentation.labels import conf_text, dropped_note, predictor_label, variable_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.choices import (
    ALPHA,
    Choice,
    effect_label,
    empty_sentence,
    flag_sentences,
    value_text,
)
from servlab.presentation.result_tables.build import heading, sentences, signs, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table

ODDS = {
    "estimate": "number",
    "std_error": "number",
    "statistic": "number",
    "p_value": "p",
    "odds_ratio": "number",
    "interval": "interval",
}
PROBIT = {
    "estimate": "number",
    "std_error": "number",
    "interval": "interval",
    "statistic": "number",
    "p_value": "p",
}


@table.register
def ordinal_table(
    result: OrdinalResult, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show slopes with odds ratios and intervals, then the thresholds."""
    slopes = result.coefficients
    cuts = [message("choices.threshold", language, cut=str(c)) for c in result.thresholds.index]
    rows = pd.concat([_labelled(slopes, survey, language), result.thresholds.set_axis(cuts)])
    caption = message(
        "choices.caption_ordinal",
        language,
        outcome=variable_label(result.outcome, survey, language),
    )
    none: list[Mark] = [""] * len(cuts)
    signed = [*signs(slopes["conf_low"], slopes["conf_high"]), *none]
    return _table(result, rows, signed, caption, language, survey)


@table.register
def logistic_table(
    result: LogisticResult, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show the terms with odds ratios and intervals."""
    slopes = result.coefficients
    caption = message(
        "choices.caption_logistic",
        language,
        outcome=variable_label(result.outcome, survey, language),
        event=value_text(result.event),
    )
    signed = signs(slopes["conf_low"], slopes["conf_high"])
    signed[list(slopes.index).index(INTERCEPT)] = ""
    shown = slopes.copy()  # the intercept's exponential is odds, no ratio
    shown.loc[INTERCEPT, ["odds_ratio", "odds_low", "odds_high"]] = float("nan")
    return _table(result, _labelled(shown, survey, language), signed, caption, language, survey)


def _labelled(rows: pd.DataFrame, survey: Survey | None, language: Language) -> pd.DataFrame:
    return rows.set_axis([predictor_label(str(term), survey, language) for term in rows.index])


def _table(
    result: Choice,
    rows: pd.DataFrame,
    signed: list[Mark],
    caption: str,
    language: Language,
    survey: Survey | None,
) -> Table:
    """Return the table of a fit: odds ratios, or coefficients of a probit."""
    odds = "odds_ratio" in rows
    ends = ("odds_low", "odds_high") if odds else ("conf_low", "conf_high")
    formats = ODDS if odds else PROBIT
    level = conf_text(result.conf_level)
    shown = {
        "estimate": message(f"choices.col_{'logit' if odds else 'probit'}", language),
        "std_error": heading("std_error", language),
        "statistic": message("choices.col_z", language)
        if result.cov_type != "cluster"
        else heading("statistic", language),
        "p_value": heading("p_value", language),
        "odds_ratio": message("choices.col_odds_ratio", language),
        "interval": message("choices.col_odds_interval", language, level=level)
        if odds
        else heading("interval", language, level=level),
    }
    marks: list[Mark] = ["strong" if mark else "" for mark in signed]
    return Table(
        with_interval(rows, *ends),
        caption=caption,
        headings={name: shown[name] for name in formats},
        formats=formats,
        row_header=heading("predictor", language),
        notes=_notes(result, language, survey),
        language=language,
        marks={"odds_ratio" if odds else "estimate": marks},
    )


def _notes(result: Choice, language: Language, survey: Survey | None) -> tuple[str, ...]:
    clusters = {"clusters": format_count(result.n_clusters)} if result.n_clusters else {}
    weighted = result.aic != result.aic
    test = message(
        f"choices.note_test_{result.test}",
        language,
        df=format_df(result.df),
        chi2=format_number(result.chi2),
        p=format_p_relation(result.p_value),
        mcfadden=format_correlation(result.mcfadden, 3),
        nagelkerke=format_correlation(result.nagelkerke, 3),
    )
    criteria = message(
        "choices.note_criteria",
        language,
        aic=format_number(result.aic, 1),
        bic=format_number(result.bic, 1),
    )
    return sentences(
        [
            message("choices.note_direction", language)
            if isinstance(result, OrdinalResult)
            else "",
            test,
            "" if weighted else criteria,
            *(_discrimination(result, language) if isinstance(result, LogisticResult) else []),
            message(f"choices.note_errors_{result.cov_type}", language, **clusters),
            *flag_sentences(result, language, survey),
            message("choices.association", language),
            message("terms.n_total", language, n=format_count(result.n)),
            dropped_note(result.n_dropped, language),
            message("drivers.note_n_effective", language, n=format_number(result.n_effective, 1))
            if weighted
            else "",
        ]
    )


def _discrimination(result: LogisticResult, language: Language) -> list[str]:
    found = [
        message(
            "choices.note_discrimination",
            language,
            area=format_correlation(result.roc_area),
            tjur=format_correlation(result.tjur, 3),
        )
    ]
    if result.hosmer_df:
        found.append(
            message(
                "choices.note_hosmer",
                language,
                df=format_df(result.hosmer_df),
                chi2=format_number(result.hosmer_lemeshow),
                p=format_p_relation(result.hosmer_p),
            )
        )
    return found


@table.register
def brant_table(
    result: BrantTest, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show the omnibus test and each slope's, with the slopes at every cut point."""
    rows = result.table.join(result.slopes)
    names = [
        message("choices.omnibus", language)
        if term == OMNIBUS
        else predictor_label(str(term), survey, language)
        for term in rows.index
    ]
    marks: list[Mark] = ["bad" if p < ALPHA else "" for p in rows["p_value"]]
    cuts = {str(cut): f"> {str(cut)[1:]}" for cut in result.slopes.columns}
    return Table(
        rows.set_axis(names),
        caption=message(
            "choices.caption_brant",
            language,
            outcome=variable_label(result.outcome, survey, language),
        ),
        headings={
            "chi2": message("choices.col_chi2", language),
            "df": message("choices.col_df", language),
            "p_value": heading("p_value", language),
            **cuts,
        },
        formats={"chi2": "number", "df": "df", "p_value": "p", **dict.fromkeys(cuts, "number")},
        row_header=heading("predictor", language),
        notes=sentences(
            [
                message("choices.brant_note_slopes", language),
                *empty_sentence(result, language, survey),
                message("choices.brant_limits", language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        marks={"p_value": marks},
    )


@table.register
def marginal_table(
    result: MarginalEffects, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show each effect in percentage points, a row a predictor and an answer."""
    rows = result.table.copy()
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        rows[column] = 100 * rows[column]
    labels = [
        effect_label(str(term), str(contrast), language, survey)
        for term, contrast in zip(rows["term"], rows["contrast"], strict=True)
    ]
    rows["category"] = [value_text(float(value)) for value in rows["category"]]
    marks: list[Mark] = [
        "strong" if mark else "" for mark in signs(rows["conf_low"], rows["conf_high"])
    ]
    level = conf_text(result.conf_level)
    return Table(
        with_interval(rows).set_axis(labels),
        caption=message(
            "choices.caption_marginal",
            language,
            outcome=variable_label(result.outcome, survey, language),
        ),
        headings={
            "category": message("choices.col_category", language),
            "estimate": message("choices.col_effect", language),
            "interval": heading("interval", language, level=level),
            "p_value": heading("p_value", language),
        },
        formats={
            "category": "text",
            "estimate": "signed1",
            "interval": "interval1",
            "p_value": "p",
        },
        row_header=heading("predictor", language),
        notes=sentences(
            [
                message("choices.marginal_note", language, level=level),
                message("choices.association", language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        marks={"estimate": marks},
    )
