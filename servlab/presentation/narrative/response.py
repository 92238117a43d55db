"""Who answered of those asked, in sentences: outcome rates, early and late, modes."""

import math

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.mode_effects import ModeEffect
from servlab.estimation.nonresponse import EarlyLate
from servlab.estimation.response_rates import ResponseRates
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_interval,
    format_number,
    format_p_relation,
    format_share,
)
from servlab.presentation.labels import (
    conf_text,
    listed,
    names_in_sentence,
    plain,
    variable_label,
)
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.scales.scoring import OVERALL_ITEMS


@narrate.register
def narrate_rates(
    result: ResponseRates, *, survey: Survey | None = None, language: Language = "en"
) -> Prose:
    """Say the response rates with what they make of unknown eligibility.

    Of a survey that was kept to a part, say that the rates are those of everybody asked.
    """
    shown = {name: format_share(rate, 1) for name, rate in result.rates.items()}
    rates = {str(name): shown[name] for name in ("RR1", "RR3", "RR5")}
    cases = {"complete": format_count(int(result.counts["I"])), "total": format_count(result.n)}
    parts = [
        message("response.rates_said", language, **cases, **rates),
        e_sentence(result, language),
    ]
    if not math.isnan(result.rates["COOP1"]):
        values = {str(name): shown[name] for name in ("COOP1", "REF1")}
        parts.append(message("response.rates_cooperation", language, **values))
    parts.append(message("response.rates_bias", language))
    if survey is not None and survey.provenance.kept:
        kept = listed([plain(label.text(language)) for label in survey.provenance.kept], language)
        parts.append(message("response.rates_everybody", language, kept=kept))
    return Prose(join_sentences(parts, language))


def e_sentence(result: ResponseRates, language: Language) -> str:
    """Return where e comes from."""
    if result.e_source == "not_needed":
        return message("response.e_not_needed", language)
    return message(f"response.e_{result.e_source}", language, e=format_correlation(result.e))


@narrate.register
def narrate_early_late(result: EarlyLate, *, language: Language = "en") -> Prose:
    """Say whether late respondents answer otherwise, overall and by dimension."""
    parts = [_overall_difference(result, language)]
    rows = result.by_term.drop(index=OVERALL_ITEMS)
    apart = [str(code) for code in rows.index[rows["p_adjusted"] < SIGNIFICANT]]
    if apart:
        names = names_in_sentence(apart, result.instrument, language)
        parts.append(message("response.early_dimensions", language, names=names))
    parts.append(message("response.early_source", language))
    return Prose(join_sentences(parts, language))


def _overall_difference(result: EarlyLate, language: Language) -> str:
    row = result.by_term.loc[OVERALL_ITEMS].to_dict()
    if math.isnan(row["p_value"]):
        return message("response.early_untested", language)
    values = {
        "level": conf_text(result.conf_level),
        "interval": format_interval(row["conf_low"], row["conf_high"]),
        "p": format_p_relation(row["p_value"]),
    }
    if row["p_value"] >= SIGNIFICANT:
        difference = format_number(row["difference"], sign=True)
        return message("response.early_same", language, difference=difference, **values)
    way = "higher" if row["difference"] > 0 else "lower"
    return message(
        "response.early_differs",
        language,
        score=message(f"groups.score_{result.score}", language),
        direction=message(f"response.{way}", language),
        difference=format_number(abs(row["difference"])),
        g=format_number(row["effect_size"]),
        **values,
    )


@narrate.register
def narrate_mode(
    result: ModeEffect, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say which modes differ overall from the most frequent one, and that it is association."""
    rows = result.by_term[result.by_term["term"] == OVERALL_ITEMS]
    score = message(f"groups.score_{result.score}", language)
    reference = mode_label(result.reference, result, language, survey)
    parts = []
    for row in rows[rows["p_value"] < SIGNIFICANT].to_dict("records"):
        parts.append(
            message(
                "response.mode_differs",
                language,
                reference=reference,
                name=mode_label(str(row["group"]), result, language, survey),
                score=score,
                difference=format_number(row["estimate"], sign=True),
                level=conf_text(result.conf_level),
                interval=format_interval(row["conf_low"], row["conf_high"]),
                p=format_p_relation(row["p_value"]),
                adjusted=_held(result, language, survey),
            )
        )
    if not parts:
        parts = [message("response.mode_same", language, score=score, reference=reference)]
    parts += [*hidden_modes(result, language, survey), *confounded(result, language, survey)]
    parts.append(message("response.mode_limit", language))
    return Prose(join_sentences(parts, language))


def mode_label(mode: str, result: ModeEffect, language: Language, survey: Survey | None) -> str:
    """Return a mode's label as the codebook has it."""
    return plain(mode if survey is None else survey.value_label(result.mode, mode, language))


def hidden_modes(result: ModeEffect, language: Language, survey: Survey | None) -> list[str]:
    """Return the sentence on modes left out; none without them."""
    if not result.suppressed:
        return []
    names = listed([mode_label(m, result, language, survey) for m in result.suppressed], language)
    cell = str(result.min_cell)
    return [message("response.mode_hidden", language, names=names, min_cell=cell)]


def confounded(result: ModeEffect, language: Language, survey: Survey | None) -> list[str]:
    """Return the sentence on covariates that cannot be told from the mode; none without them."""
    if not result.confounded:
        return []
    names = listed([variable_label(c, survey, language) for c in result.confounded], language)
    return [message("response.mode_confounded", language, names=names)]


def _held(result: ModeEffect, language: Language, survey: Survey | None) -> str:
    if not result.adjusted_for:
        return message("response.mode_unheld", language)
    names = listed([variable_label(c, survey, language) for c in result.adjusted_for], language)
    return message("response.mode_held", language, names=names)
