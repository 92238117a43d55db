"""The table of what can be compared between waves, with the reasons."""

from collections.abc import Iterable
from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.data.wave_difference import Difference
from servlab.data.wave_items import OUTCOME, SILENT, WaveItems
from servlab.presentation.labels import plain, term_label
from servlab.presentation.messages import join_words, message
from servlab.presentation.result_tables.build import heading
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table

Show = Literal["all", "exceptions"]


@table.register
def waves_table(result: WaveItems, *, show: Show = "all", language: Language = "en") -> Table:
    """Show the answers of each wave to each item, whether they can be compared, and why not.

    ``show="exceptions"`` leaves out what can be compared as it is, which ``narrate`` counts.
    """
    check_choice("show", show, ("all", "exceptions"))
    rows = result.by_item
    if show == "exceptions":
        rows = rows[rows["comparable"] != "yes"]
    frame = rows.assign(
        comparable=[_word(verdict, language) for verdict in rows["comparable"]],
        why=[_reasons(result, place, language) for place in rows.index],
    )
    items = [_label(result, str(battery), str(item), language) for battery, item in rows.index]
    batteries = [str(battery) for battery, _ in rows.index]
    groups = [_group(battery, language) for battery in batteries]
    answers = {wave: message("waves.answers", language, wave=plain(wave)) for wave in result.waves}
    marks: list[Mark] = [
        "bad" if v == "no" else "strong" if v == "with care" else "" for v in rows["comparable"]
    ]
    return Table(
        frame.set_axis(pd.Index(items, dtype=object)),
        caption=message("waves.caption", language),
        headings=answers
        | {
            "comparable": message("waves.comparable", language),
            "why": message("waves.why", language),
        },
        formats=dict.fromkeys(result.waves, "count") | {"comparable": "text", "why": "text"},
        row_header=heading("item", language),
        notes=(message("waves.note", language), message("waves.unseen", language)),
        language=language,
        row_groups=groups if len(set(batteries)) > 1 else (),
        marks={"comparable": marks},
    )


def _label(result: WaveItems, battery: str, item: str, language: Language) -> str:
    if battery == OUTCOME:
        return plain(result.outcomes[item].text(language))
    return term_label(item, result.instrument, language)


def _group(battery: str, language: Language) -> str:
    key = "waves.outcomes" if battery == OUTCOME else f"terms.battery_{battery}"
    return message(key, language)


def _word(verdict: str, language: Language) -> str:
    return message(f"waves.{verdict.replace(' ', '_')}", language)


def _reasons(result: WaveItems, place: object, language: Language) -> str:
    """Return the differences of one item, those of the same kind and content told once."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for part in _of(result.differences, place):
        key = part.kind, part.before.text(language), part.now.text(language)
        found.setdefault(key, []).append(plain(part.wave))
    texts = []
    for (kind, before, now), waves in found.items():
        values = {"waves": join_words(waves, language)}
        if kind not in SILENT:
            values |= {"before": plain(before), "now": plain(now)}
        texts.append(message(f"waves.{kind}", language, **values))
    return ("; " if language == "en" else "；").join(texts)


def _of(differences: Iterable[Difference], place: object) -> list[Difference]:
    return [part for part in differences if (part.battery, part.item) == place]
