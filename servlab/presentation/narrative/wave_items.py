"""What can be compared between waves, in one sentence, so that only exceptions need a table."""

from servlab.data.schema import Language
from servlab.data.wave_items import WaveItems
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_count
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate


@narrate.register
def narrate_wave_items(result: WaveItems, *, language: Language = "en") -> Prose:
    """Say how many questions can be compared as they are, and what a reader must still know."""
    rows = result.by_item
    alike, n = int((rows["comparable"] == "yes").sum()), len(rows)
    kind = "all" if alike == n else "some" if alike else "none"
    counts = {
        "total": format_count(n),
        "alike": format_count(alike),
        "others": format_count(n - alike),
        "waves": format_count(len(result.waves)),
        "fewest": format_count(int(rows[list(result.waves)].to_numpy().min())),
    }
    used = {
        "all": ("total", "waves", "fewest"),
        "some": ("total", "alike", "others", "waves"),
        "none": ("total", "waves"),
    }[kind]
    verdict = message(f"waves.says_{kind}", language, **{name: counts[name] for name in used})
    harmless = {
        (part.battery, part.item) for part in result.differences if part.kind in ("codes", "column")
    }
    parts = [verdict]
    if harmless:
        parts.append(message("waves.says_harmless", language, count=len(harmless)))
    parts.append(message("waves.unseen", language))
    return Prose(join_sentences(parts, language))
