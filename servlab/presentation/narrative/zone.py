"""The zone of tolerance in sentences."""

from servlab.data.schema import Language
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_interval, format_number, format_share
from servlab.presentation.labels import conf_text, names_in_sentence
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.standing import standings
from servlab.scales.scoring import OVERALL_ITEMS
from servlab.scales.tolerance import ZoneOfTolerance


@narrate.register
def narrate_zone(result: ZoneOfTolerance, *, language: Language = "en") -> Prose:
    """Say which dimensions lie inside the zone, the overall measures and inverted zones."""
    overall = [zone_overall(result, language), *_inverted(result, language)]
    return Prose(
        [join_sentences(part, language) for part in (zone_lead(result, language), overall)]
    )


def zone_lead(result: ZoneOfTolerance, language: Language) -> list[str]:
    """Return how many dimensions lie inside, and which are below, level and above."""
    table = result.by_dimension
    if table.empty:
        return []
    inside = (table["msa"] >= 0) & (table["mss"] <= 0)
    count, total = int(inside.sum()), len(table)
    if count == total:
        lead = message("zone.inside_all", language, count=total)
    elif count:
        lead = message("zone.inside_some", language, count=count, total=str(total))
    elif total == 1:
        lead = message("zone.inside_none_one", language)
    else:
        lead = message("zone.inside_none", language, total=str(total))
    return [lead, *_places(result, language)]


def _places(result: ZoneOfTolerance, language: Language) -> list[str]:
    """Return the dimensions whose intervals lie below, on and above the zone's ends."""
    adequacy = standings(result.by_dimension, "msa_low", "msa_high")
    superiority = standings(result.by_dimension, "mss_low", "mss_high")
    conf = {"conf": conf_text(result.conf_level)}
    groups: tuple[tuple[str, list[str], dict[str, str]], ...] = (
        ("below", adequacy["below"], {}),
        ("level_adequate", adequacy["level"], conf),
        ("level_desired", superiority["level"], conf),
        ("above", superiority["above"], {}),
    )
    return [
        message(
            f"zone.{key}",
            language,
            names=names_in_sentence(codes, result.instrument, language),
            **values,
        )
        for key, codes, values in groups
        if codes
    ]


def zone_overall(result: ZoneOfTolerance, language: Language) -> str:
    """Return adequacy, superiority, width and the share inside, overall."""
    row = result.by_overall.loc[OVERALL_ITEMS].to_dict()
    return message(
        "zone.overall",
        language,
        msa=format_number(row["msa"], sign=True),
        msa_interval=format_interval(row["msa_low"], row["msa_high"]),
        mss=format_number(row["mss"], sign=True),
        mss_interval=format_interval(row["mss_low"], row["mss_high"]),
        width=format_number(row["width"]),
        inside=format_share(row["share_inside"]),
    )


def _inverted(result: ZoneOfTolerance, language: Language) -> list[str]:
    count = int(result.by_overall["n_inverted"].loc[OVERALL_ITEMS])
    return [message("zone.inverted", language, count=count)] if count else []
