"""How answers are spread, in sentences: ceilings before anything else."""

from servlab.data.schema import Language
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_number, format_share
from servlab.presentation.labels import in_sentence
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.scales.descriptives import ItemDescriptives


@narrate.register
def narrate_items(result: ItemDescriptives, *, language: Language = "en") -> Prose:
    """Say whether a battery has a ceiling or a floor, and its highest and lowest item."""
    return Prose(
        join_sentences([*spread(result, language), *_extremes(result, language)], language)
    )


def spread(result: ItemDescriptives, language: Language) -> list[str]:
    """Return the sentences on ceiling and floor."""
    battery = message(f"terms.battery_{result.battery}", language)
    top, bottom = format_share(result.share_top), format_share(result.share_bottom)
    sentences = []
    if result.ceiling:
        sentences.append(message("items.ceiling", language, battery=battery, share=top))
    if result.floor:
        sentences.append(message("items.floor", language, battery=battery, share=bottom))
    if not sentences:
        values = {"battery": battery, "top": top, "bottom": bottom}
        sentences.append(message("items.ends", language, **values))
    return sentences


def _extremes(result: ItemDescriptives, language: Language) -> list[str]:
    means = result.by_item["mean"].dropna()
    if len(means) < 2 or means.max() == means.min():
        return []
    high, low = str(means.idxmax()), str(means.idxmin())
    return [
        message(
            "items.extremes",
            language,
            high=in_sentence(high, result.instrument, language),
            high_mean=format_number(means[high]),
            low=in_sentence(low, result.instrument, language),
            low_mean=format_number(means[low]),
        )
    ]
