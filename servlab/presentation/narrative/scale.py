"""Reliability of scores, and which form of score to use, in sentences."""

import math

import pandas as pd

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.difference_scores import DifferenceScoreReliability, ScoreForms
from servlab.estimation.reliability import AlphaResult
from servlab.estimation.scale_reliability import ScaleReliability
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_interval,
    format_number,
    format_p_relation,
)
from servlab.presentation.labels import conf_text, names_in_sentence, plain, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.scales.scoring import OVERALL_ITEMS

ALPHA_STANDARD = standard("reliability").value
SIGNIFICANT = 0.05


@narrate.register
def narrate_alpha(
    result: AlphaResult,
    *,
    language: Language = "en",
    name: str = "",
    instrument: Instrument | None = None,
) -> Prose:
    """Say alpha against its standard, items keyed the other way, and items that lower it."""
    scale = plain(name) or message("scale.alpha_this_scale", language)
    sentences = [_alpha(result, scale, language)]
    if result.negative_items:
        items = names_in_sentence(result.negative_items, instrument, language)
        sentences.append(message("scale.alpha_negative", language, items=items))
    without = result.by_item["alpha_if_dropped"]
    # a third decimal is chance: only what a reader sees in two counts as higher
    better = without[(without - result.estimate) >= 0.005].index
    if len(better):
        items = names_in_sentence(list(better), instrument, language)
        sentences.append(message("scale.alpha_better", language, items=items))
    return Prose(join_sentences(sentences, language))


def _alpha(result: AlphaResult, scale: str, language: Language) -> str:
    """Return alpha judged by its whole interval, not by the estimate."""
    return message(
        f"scale.alpha_{alpha_verdict(result.conf_low, result.conf_high)}",
        language,
        name=scale,
        alpha=format_correlation(result.estimate, 3),
        conf=conf_text(result.conf_level),
        interval=format_interval(result.conf_low, result.conf_high, 3, of="correlation"),
    )


@narrate.register
def narrate_reliability(result: ScaleReliability, *, language: Language = "en") -> Prose:
    """Say alpha of the whole battery, then which dimensions reach the standard."""
    table = result.by_term
    found = {key: _verdicts(table.drop(index=OVERALL_ITEMS, errors="ignore"), key)
             for key in ("reaches", "near", "misses")}  # fmt: skip
    sentences = []
    if OVERALL_ITEMS in table.index:
        sentences.append(_battery_alpha(result, language))
    for key, codes in found.items():
        if codes:
            names = names_in_sentence(codes, result.instrument, language)
            sentences.append(message(f"scale.dimensions_{key}", language, names=names))
    if result.left_out:
        names = names_in_sentence(list(result.left_out), result.instrument, language)
        sentences.append(message("scale.left_out", language, names=names))
    return Prose(join_sentences(sentences, language))


def alpha_verdict(conf_low: float, conf_high: float) -> str:
    """Return whether an interval of alpha ``reaches``, holds (``near``) or ``misses`` .70."""
    if conf_low >= ALPHA_STANDARD:
        return "reaches"
    return "misses" if conf_high < ALPHA_STANDARD else "near"


def _verdicts(table: pd.DataFrame, verdict: str) -> list[str]:
    limits = zip(table.index, table["conf_low"], table["conf_high"], strict=True)
    return [str(code) for code, low, high in limits if alpha_verdict(low, high) == verdict]


def _battery_alpha(result: ScaleReliability, language: Language) -> str:
    row = result.by_term.loc[OVERALL_ITEMS].to_dict()
    return message(
        f"scale.alpha_{alpha_verdict(row['conf_low'], row['conf_high'])}",
        language,
        name=message(f"scale.all_items_{result.battery}", language),
        alpha=format_correlation(row["estimate"], 3),
        conf=conf_text(result.conf_level),
        interval=format_interval(row["conf_low"], row["conf_high"], 3, of="correlation"),
    )


@narrate.register
def narrate_difference(result: DifferenceScoreReliability, *, language: Language = "en") -> Prose:
    """Say how reliable the gap is beside its parts, and which gaps fall short."""
    sentences = [*_difference_overall(result, language), *_difference_terms(result, language)]
    if result.single_items:
        names = names_in_sentence(result.single_items, result.instrument, language)
        sentences.append(message("scale.difference_single", language, names=names))
    return Prose(join_sentences(sentences, language))


def _difference_overall(result: DifferenceScoreReliability, language: Language) -> list[str]:
    row = result.by_term.loc[OVERALL_ITEMS].to_dict()
    gap = float(row["reliability"])
    parts = [float(row["reliability_perceived"]), float(row["reliability_expected"])]
    if math.isnan(gap):
        return []
    first = message(
        "scale.difference_overall",
        language,
        gap=format_correlation(gap, 3),
        perception=format_correlation(parts[0], 3),
        expectation=format_correlation(parts[1], 3),
    )
    return [first, message("scale.difference_lower", language) if gap < min(parts) else ""]


def _difference_terms(result: DifferenceScoreReliability, language: Language) -> list[str]:
    reliability = result.by_term["reliability"]
    undefined = reliability[reliability.isna()].index
    short = reliability[reliability < ALPHA_STANDARD].index
    sentences = []
    for key, codes in (("short", short), ("undefined", undefined)):
        if len(codes):
            names = names_in_sentence(list(codes), result.instrument, language)
            sentences.append(message(f"scale.difference_{key}", language, names=names))
    if not len(short) and not len(undefined):
        sentences.append(message("scale.difference_none_short", language))
    return sentences


@narrate.register
def narrate_forms(
    result: ScoreForms, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say how perception and gap go with the outcome, and whether the data tell them apart."""
    return Prose(join_sentences(forms_sentences(result, language, survey), language))


def forms_sentences(
    result: ScoreForms, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the two correlations and the verdict of Meng's test."""
    test = result.overall
    first = message(
        "scale.forms_overall",
        language,
        perception=format_correlation(test.r_first, 3),
        gap=format_correlation(test.r_second, 3),
        outcome=variable_label(result.outcome, survey, language),
    )
    return [first, forms_verdict(result, language)]


def forms_verdict(result: ScoreForms, language: Language) -> str:
    """Return whether one form goes with the outcome more closely, by Meng's test."""
    test = result.overall
    if not test.p_value < SIGNIFICANT:
        key = "equal"
    elif test.r_first * test.r_second < 0:
        key = "opposite"
    else:
        # z compares signed correlations; with an outcome that falls as quality rises the
        # closer link is the one further from zero
        key = "perception" if abs(test.r_first) > abs(test.r_second) else "gap"
    return message(
        f"scale.forms_{key}",
        language,
        z=format_number(test.statistic),
        p=format_p_relation(test.p_value),
    )


def below_standard(values: pd.Series, standard: float) -> list[str]:
    """Return the names of the values under a standard."""
    return [str(name) for name in values[values < standard].index]
