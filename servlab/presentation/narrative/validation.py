"""The dossier of a scale in sentences: items, dimensions, decisions, replication, COSMIN."""

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.cosmin import CosminSummary
from servlab.estimation.factor_dimensions import FactorDimensions
from servlab.estimation.item_analysis import ItemAnalysis
from servlab.estimation.item_decisions import ItemDecisions
from servlab.estimation.replication import Replication
from servlab.estimation.scale_item_analysis import ScaleItemAnalysis
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_share,
)
from servlab.presentation.labels import in_sentence, names_in_sentence
from servlab.presentation.messages import join_sentences, join_words, message
from servlab.presentation.narrative.dispatch import narrate

ITEM_RULES = ("weak_item_rest", "weak_critical_ratio", "raises_alpha")


@narrate.register
def narrate_scale_items(result: ScaleItemAnalysis, *, language: Language = "en") -> Prose:
    """Say which items the rules of the item analysis speak against."""
    sentences = _item_sentences(result, result.instrument, language)
    if result.left_out:
        names = names_in_sentence(list(result.left_out), result.instrument, language)
        sentences.append(message("validation.items_left_out", language, names=names))
    return Prose(join_sentences(sentences, language))


@narrate.register
def narrate_item_analysis(
    result: ItemAnalysis, *, language: Language = "en", instrument: Instrument | None = None
) -> Prose:
    """Say which items of one scale the rules speak against."""
    return Prose(join_sentences(_item_sentences(result, instrument, language), language))


def _item_sentences(
    result: ItemAnalysis | ScaleItemAnalysis, instrument: Instrument | None, language: Language
) -> list[str]:
    rows = result.by_item
    negative = [str(code) for code in rows.index[rows["item_rest"] < 0]]
    sentences = []
    if negative:
        items = names_in_sentence(negative, instrument, language)
        sentences.append(message("validation.items_negative", language, items=items))
    for rule in ITEM_RULES:
        codes = [str(code) for code, named in rows["advice"].items() if rule in named]
        if codes:
            items = names_in_sentence(codes, instrument, language)
            sentences.append(message(f"validation.items_{rule}", language, items=items))
    weak = any(set(named) & set(ITEM_RULES[:2]) for named in rows["advice"])
    return sentences if weak else [message("validation.items_sound", language), *sentences]


@narrate.register
def narrate_dimensions(result: FactorDimensions, *, language: Language = "en") -> Prose:
    """Say whether the factors follow the dimensions."""
    if not result.away and not result.merged:
        return Prose(message("validation.dimensions_clean", language))
    share = format_share(result.share_in_place)
    sentences = [message("validation.dimensions_share", language, share=share)]
    if result.away:
        items = names_in_sentence(result.away, result.instrument, language)
        sentences.append(message("validation.dimensions_away", language, items=items))
    for factor, codes in result.merged.items():
        name = message("terms.factor", language, number=factor.removeprefix("F"))
        labels = join_words([in_sentence(c, result.instrument, language) for c in codes], language)
        sentences.append(
            message("validation.dimensions_merged", language, factor=name, names=labels)
        )
    sentences.append(message("validation.dimensions_proposal", language))
    return Prose(join_sentences(sentences, language))


@narrate.register
def narrate_decisions(result: ItemDecisions, *, language: Language = "en") -> Prose:
    """Say how many items are kept, looked at and proposed for dropping, and who decides."""
    named = {name: result.named(name) for name in ("keep", "look", "drop")}
    total = format_count(len(result.by_item))
    if not named["look"] and not named["drop"]:
        sentences = [message("validation.decisions_all_kept", language, count=total)]
    else:
        counts = {name: format_count(len(codes)) for name, codes in named.items()}
        sentences = [message("validation.decisions_counts", language, total=total, **counts)]
    for name in ("drop", "look"):
        if named[name]:
            items = names_in_sentence(named[name], result.instrument, language, most=16)
            sentences.append(message(f"validation.decisions_{name}", language, items=items))
    sentences.append(message("validation.decisions_content", language))
    return Prose(join_sentences(sentences, language))


@narrate.register
def narrate_replication(
    result: Replication, *, language: Language = "en", instrument: Instrument | None = None
) -> Prose:
    """Say how many factors are found again in the other half."""
    equal = result.replicated
    count = len(result.congruence)
    lowest = format_correlation(float(result.congruence.min()))
    sentences = []
    if result.heywood:
        items = names_in_sentence(result.heywood, instrument, language)
        sentences.append(message("validation.holdout_heywood", language, items=items))
    if equal == count:
        sentences.append(message("validation.holdout_all", language, lowest=lowest))
    else:
        fair = int((result.congruence >= standard("congruence_fair").value).sum()) - equal
        values = {"equal": format_count(equal), "fair": format_count(fair), "lowest": lowest}
        sentences.append(
            message("validation.holdout_some", language, count=format_count(count), **values)
        )
        if equal + fair < count:
            sentences.append(message("validation.holdout_lost", language))
    if result.small:
        sentences.append(message("validation.holdout_small", language))
    sentences.append(message("validation.holdout_one_draw", language))
    return Prose(join_sentences(sentences, language))


@narrate.register
def narrate_cosmin(result: CosminSummary, *, language: Language = "en") -> Prose:
    """Say how many of the properties these data speak of, content validity first."""
    places = [p.place for p in result.properties]
    return Prose(
        message(
            "validation.cosmin_says",
            language,
            count=format_count(len(places)),
            here=format_count(places.count("here")),
            outside=format_count(places.count("outside")),
        )
    )
