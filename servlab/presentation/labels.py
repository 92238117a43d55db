"""The words for what a result is about: dimensions, items, overall scores, batteries, groups.

A codebook's own labels stay as they are; ours come from the catalogue ``terms``.
"""

from collections.abc import Sequence

import pandas as pd

from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.presentation.chart import text_width
from servlab.presentation.formats import format_count, format_share
from servlab.presentation.messages import join_words, message
from servlab.scales.scoring import OVERALL_DIMENSIONS, OVERALL_ITEMS

ITEMS_IN_FULL = 3
OVERALL = (OVERALL_ITEMS, OVERALL_DIMENSIONS)


def term_label(code: object, instrument: Instrument | None, language: Language) -> str:
    """Return the label of a dimension or an overall score; ``code label`` for an item.

    Examples
    --------
    >>> term_label("overall_items", None, "zh")
    '总体（题目均值）'
    """
    name = str(code)
    if name in OVERALL:
        return message(f"terms.{name}", language)
    if instrument is None:
        return name
    label = instrument.label(name, language)
    return f"{name} {label}" if name in instrument.item_codes and label != name else label


def in_sentence(code: object, instrument: Instrument | None, language: Language) -> str:
    """Return how a sentence names a dimension or an item; no label can switch on bold."""
    name = str(code)
    if name in OVERALL or (instrument is not None and name in instrument.dimension_codes):
        return plain(term_label(name, instrument, language))
    label = name if instrument is None else instrument.label(name, language)
    if label == name:
        return message("terms.item_bare", language, code=plain(name))
    return message("terms.item", language, code=plain(name), label=shorten(plain(label)))


def names_in_sentence(
    codes: Sequence[object], instrument: Instrument | None, language: Language, *, most: int = 8
) -> str:
    """Return codes as a list in a sentence, at most ``most`` of them named.

    More than three items go by their codes alone: nobody reads eight questions in a sentence.
    """
    items = () if instrument is None else instrument.item_codes
    if len(codes) > ITEMS_IN_FULL and all(str(code) in items for code in codes):
        names = [plain(str(code)) for code in codes]
        return message("terms.items_bare", language, codes=listed(names, language, most=16))
    return listed([in_sentence(code, instrument, language) for code in codes], language, most=most)


def listed(names: Sequence[str], language: Language, *, most: int = 8) -> str:
    """Return names as a list in a sentence; past ``most`` the rest are counted."""
    if len(names) <= most:
        return join_words(names, language)
    comma = ", " if language == "en" else "、"
    shown, left = comma.join(names[:most]), len(names) - most
    return message("terms.more", language, names=shown, count=left)


def variable_label(name: str, survey: Survey | None, language: Language) -> str:
    """Return the label of an outcome or covariate; its name without a survey."""
    return plain(name if survey is None else survey.label(name, language))


def predictor_label(term: str, survey: Survey | None, language: Language) -> str:
    """Return the label of a term of a regression.

    ``branch[north]`` becomes the covariate's label and its value's; ``perception_12`` the item
    of that battery; products keep their parts, joined by a multiplication sign.
    """
    if term == INTERCEPT:
        return message("terms.intercept", language)
    if survey is None:
        return plain(term)
    parts = [_part_label(part, survey, language) for part in term.split(":")]
    return plain(" × ".join(parts))


def _part_label(part: str, survey: Survey, language: Language) -> str:
    name, bracket, value = part.partition("[")
    if bracket and name in survey.covariates:
        label = survey.value_label(name, value.rstrip("]"), language)
        return f"{survey.label(name, language)}: {label}"
    battery, _, code = part.partition("_")
    if battery in survey.batteries and code in survey.instrument.item_codes:
        label = term_label(code, survey.instrument, language)
        return f"{message(f'terms.battery_{battery}', language)}: {label}"
    return survey.label(part, language)


def plain(label: str) -> str:
    """Return a label whose asterisks cannot be read as bold, on one line."""
    return " ".join(label.split()).replace("**", "∗∗")


def shorten(label: str, width: int = 44) -> str:
    """Return a label cut at ``width`` Latin letters' width, with an ellipsis where it was cut.

    Examples
    --------
    >>> shorten("Surroundings fit the service", 15), shorten("设备现代化", 8)
    ('Surroundings f…', '设备现…')
    """
    if text_width(label) <= width:
        return label
    used, kept = 1, ""
    for character in label:
        used += text_width(character)
        if used > width:
            break
        kept += character
    return kept.rstrip() + "…"


def conf_text(level: float) -> str:
    """Return a confidence level: ``95 %``, or ``97.5 %`` where it is not whole.

    Examples
    --------
    >>> conf_text(0.95), conf_text(0.975)
    ('95 %', '97.5 %')
    """
    return format_share(level, 0 if abs(100 * level - round(100 * level)) < 1e-9 else 1)


def rows_notes(table: pd.DataFrame, language: Language) -> list[str]:
    """Return the sentences on ``n`` and ``n_dropped`` of a table's rows."""
    shown = table[table["n"] >= 0]
    low, high = int(shown["n"].min()), int(shown["n"].max())
    if low == high:
        first = message("terms.n_same", language, n=format_count(low))
    else:
        first = message("terms.n_rows", language, low=format_count(low), high=format_count(high))
    least, most = int(shown["n_dropped"].min()), int(shown["n_dropped"].max())
    if least == most:
        return [first, dropped_note(most, language)]
    return [first, message("terms.dropped_up_to", language, count=most)]


def dropped_note(n_dropped: int, language: Language) -> str:
    """Return the sentence on respondents lost to missing answers."""
    key = "terms.dropped" if n_dropped else "terms.dropped_none"
    return message(key, language, count=n_dropped)


def near_note(result: object, language: Language) -> list[str]:
    """Return the sentence on items that nearly copy each other, for a result flagged so."""
    flagged = getattr(result, "near_singular", False)
    flagged = flagged or "near_singular" in getattr(result, "flags", ())
    return [message("terms.near_singular", language)] if flagged else []


def keying_note(result: object, instrument: Instrument | None, language: Language) -> list[str]:
    """Return the sentence on items keyed against the others, for a result flagged so."""
    items = getattr(result, "negative_items", ())
    if not items:
        return []
    named = names_in_sentence(items, instrument, language)
    return [message("terms.negative_items", language, items=named)]
