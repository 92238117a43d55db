"""Reliability coefficients in sentences: which to report, and what each speaks of."""

import math

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.omega import OmegaResult, ReliabilityCoefficient
from servlab.estimation.reliability_coefficients import PREFERRED, ReliabilityCoefficients
from servlab.estimation.split_half import GuttmanLambdas, SplitHalf
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_correlation, format_count, format_share
from servlab.presentation.labels import in_sentence, keying_note, listed, names_in_sentence
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.scales.scoring import OVERALL_ITEMS


@narrate.register
def narrate_coefficients(result: ReliabilityCoefficients, *, language: Language = "en") -> Prose:
    """Say which coefficient to report for which dimension, its value, and why."""
    terms = reported(result)
    sentences = one_factor_flags(result, language)
    for name in PREFERRED:
        codes = [code for code in terms if terms[code] == name]
        if codes:
            sentences.append(_report(result, name, codes, language))
    sentences.append(message("reliability.report_why", language))
    short = short_dimensions(result)
    if short:
        names = names_in_sentence(short, result.instrument, language)
        sentences.append(message("reliability.reach_not", language, names=names))
    elif terms:
        sentences.append(message("reliability.reach_all", language))
    if result.sparse:
        sentences.append(message("reliability.sparse", language))
    if result.left_out:
        names = names_in_sentence(list(result.left_out), result.instrument, language)
        sentences.append(message("reliability.left_out", language, names=names))
    return Prose(join_sentences(sentences, language))


def reported(result: ReliabilityCoefficients) -> dict[str, str]:
    """Return the coefficient to report of each dimension; of all items only without dimensions."""
    terms = {str(code): str(name) for code, name in result.recommended.items()}
    if len(terms) > 1:
        terms.pop(OVERALL_ITEMS, None)
    return terms


def short_dimensions(result: ReliabilityCoefficients) -> list[str]:
    """Return the dimensions whose coefficient to report is under the standard."""
    limit = standard("reliability")
    return [
        code
        for code, name in reported(result).items()
        if not limit.met_by(float(result.by_term[name][code]))
    ]


def _report(
    result: ReliabilityCoefficients, name: str, codes: list[str], language: Language
) -> str:
    values = [
        message(
            "reliability.value",
            language,
            name=in_sentence(code, result.instrument, language),
            value=format_correlation(float(result.by_term[name][code])),
        )
        for code in codes
    ]
    return message(
        f"reliability.report_{name}",
        language,
        names=names_in_sentence(codes, result.instrument, language),
        values=listed(values, language),
    )


def one_factor_flags(result: ReliabilityCoefficients, language: Language) -> list[str]:
    """Return the sentences on dimensions that one factor does not fit."""
    said = []
    if result.heywood:
        items = [code for named in result.heywood.values() for code in named]
        said.append(
            message(
                "reliability.heywood",
                language,
                names=names_in_sentence(list(result.heywood), result.instrument, language),
                items=names_in_sentence(list(dict.fromkeys(items)), result.instrument, language),
            )
        )
    for key, codes in (("inadmissible", result.inadmissible), ("misfit", result.misfit)):
        if codes:
            names = names_in_sentence(codes, result.instrument, language)
            said.append(message(f"reliability.{key}", language, names=names))
    return said


@narrate.register
def narrate_omega(
    result: OmegaResult, *, language: Language = "en", instrument: Instrument | None = None
) -> Prose:
    """Say how much of a total score is common, and whether it may be reported."""
    sentences = omega_flags(result, instrument, language)
    total = format_share(result.total)
    if math.isnan(result.hierarchical):
        sentences.append(message("reliability.omega_one", language, total=total))
    else:
        general = format_share(result.hierarchical)
        sentences.append(message("reliability.omega_says", language, total=total, general=general))
        met = standard("omega_hierarchical").met_by(result.hierarchical)
        key = "total_score" if met else "no_total"
        sentences.append(message(f"reliability.omega_{key}", language))
    if result.kind == "polychoric":
        sentences.append(message("reliability.omega_latent", language))
    return Prose(join_sentences(sentences, language))


def omega_flags(
    result: OmegaResult, instrument: Instrument | None, language: Language
) -> list[str]:
    """Return the sentences on Heywood cases and on items keyed the other way."""
    said = []
    if result.heywood:
        items = names_in_sentence(result.heywood, instrument, language)
        said.append(message("scale.efa_heywood", language, items=items))
    if result.negative_items:
        items = names_in_sentence(result.negative_items, instrument, language)
        said.append(message("reliability.omega_negative", language, items=items))
    return said


@narrate.register
def narrate_coefficient(
    result: ReliabilityCoefficient,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
) -> Prose:
    """Say one coefficient under its own name, and what it must not be taken for."""
    name = message(f"reliability.name_{result.coefficient}", language)
    value = format_correlation(result.estimate, 3)
    first = message("reliability.single_says", language, name=name, value=value)
    return Prose(join_sentences([first, *single_flags(result, instrument, language)], language))


def single_flags(
    result: ReliabilityCoefficient, instrument: Instrument | None, language: Language
) -> list[str]:
    """Return the sentences on every flag of one coefficient."""
    said = keying_note(result, instrument, language)
    if result.inadmissible:
        said.append(message("terms.inadmissible", language))
    if result.heywood:
        items = names_in_sentence(result.heywood, instrument, language)
        said.append(message("reliability.single_heywood", language, items=items))
    if result.describes == "latent":
        said.append(message("reliability.single_latent", language))
    return said


@narrate.register
def narrate_halves(result: SplitHalf, *, language: Language = "en") -> Prose:
    """Say the mean and the range over all splits."""
    said = message(
        "reliability.halves_says_drawn" if result.drawn else "reliability.halves_says",
        language,
        count=format_count(result.n_splits),
        mean=format_correlation(result.mean, 3),
        low=format_correlation(result.lowest, 3),
        high=format_correlation(result.highest, 3),
        odd=format_correlation(result.odd_even, 3),
    )
    return Prose(join_sentences([*keying_note(result, None, language), said], language))


@narrate.register
def narrate_lambdas(result: GuttmanLambdas, *, language: Language = "en") -> Prose:
    """Say lambda 2 beside alpha."""
    said = message(
        "reliability.lambdas_says",
        language,
        second=format_correlation(float(result.by_term["lambda2"]), 3),
        third=format_correlation(float(result.by_term["lambda3"]), 3),
    )
    return Prose(join_sentences([*keying_note(result, None, language), said], language))
