"""The table of a mediation: every effect with its bootstrap interval, Sobel's test beside."""

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.mediation import MediationResult
from servlab.presentation.formats import format_count
from servlab.presentation.labels import conf_text, dropped_note, listed, variable_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.mediation import effect_name, mediation_flags
from servlab.presentation.result_tables.build import heading, sentences, signs, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table

FORMATS = {
    "estimate": "number3",
    "std_error": "number3",
    "interval": "interval3",
    "std_beta": "number",
    "sobel_p": "p",
}


@table.register
def mediation_table(
    result: MediationResult, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show indirect, direct and total effects, and differences of routes."""
    rows = result.effects
    names = [
        effect_name(str(name), str(part), language, survey)
        for name, part in zip(rows.index, rows["part"], strict=True)
    ]
    level = conf_text(result.conf_level)
    marks: list[Mark] = [
        "strong" if mark else "" for mark in signs(rows["conf_low"], rows["conf_high"])
    ]
    return Table(
        with_interval(rows).set_axis(names),
        caption=message(
            "mediation.caption",
            language,
            predictor=variable_label(result.predictor, survey, language),
            outcome=variable_label(result.outcome, survey, language),
        ),
        headings={
            "estimate": message("mediation.col_effect", language),
            "std_error": message("mediation.col_bootstrap_error", language),
            "interval": heading("interval", language, level=level),
            "std_beta": message("mediation.col_std", language),
            "sobel_p": message("mediation.col_sobel", language),
        },
        formats=FORMATS,
        row_header=message("mediation.col_effect", language),
        notes=_notes(result, language, survey, level),
        language=language,
        marks={"estimate": marks},
    )


def _notes(
    result: MediationResult, language: Language, survey: Survey | None, level: str
) -> tuple[str, ...]:
    covariates = [variable_label(name, survey, language) for name in result.covariates]
    return sentences(
        [
            message(
                f"mediation.note_bootstrap_{result.interval}",
                language,
                level=level,
                draws=format_count(result.n_draws),
                seed=str(result.seed),
            ),
            message("mediation.note_covariates", language, names=listed(covariates, language))
            if covariates
            else "",
            *mediation_flags(result, language, survey),
            message("mediation.causal", language),
            message("terms.n_total", language, n=format_count(result.n)),
            dropped_note(result.n_dropped, language),
        ]
    )
