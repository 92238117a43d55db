"""Gap tests in sentences: which gaps are real, how large, and which may be ignored."""

import pandas as pd

from servlab.data.schema import Language
from servlab.estimation.comparison.gap_tests import GapTests
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_interval, format_number
from servlab.presentation.labels import conf_text, in_sentence, names_in_sentence
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate

REAL = ("different", "trivial")


@narrate.register
def narrate_gap_tests(result: GapTests, *, language: Language = "en") -> Prose:
    """Say which gaps are beyond chance, the largest effect, and which are shown to be level."""
    rows = result.by_item if result.by_dimension.empty else result.by_dimension
    first = [_real(rows, result, language), _ranks(rows, result, language)]
    first += [_largest(rows, result, language), _items(result, language)]
    second = [*_margin(rows, result, language), _untested(result, language)]
    second.append(message("gap_tests.weighted", language) if result.weighted else "")
    parts = [join_sentences([text for text in part if text], language) for part in (first, second)]
    return Prose([part for part in parts if part])


def _named(rows: pd.DataFrame, kinds: tuple[str, ...], result: GapTests, language: Language) -> str:
    """Return the rows of the given verdicts as a list in a sentence; empty without any."""
    codes = [str(code) for code in rows.index[rows["verdict"].isin(kinds)]]
    return names_in_sentence(codes, result.instrument, language) if codes else ""


def _real(rows: pd.DataFrame, result: GapTests, language: Language) -> str:
    tested = rows[rows["verdict"] != "untested"]
    if tested.empty:
        return ""
    count, total = int(tested["verdict"].isin(REAL).sum()), len(tested)
    adjusted = message(f"gap_tests.adjusted_{result.adjust}", language) if total > 1 else ""
    if count == total:
        return message("gap_tests.real_all", language, count=total, adjusted=adjusted)
    if not count:
        return message("gap_tests.real_none", language, total=str(total), adjusted=adjusted)
    return message(
        "gap_tests.real_some",
        language,
        count=count,
        total=str(total),
        adjusted=adjusted,
        names=_named(rows, REAL, result, language),
    )


def _ranks(rows: pd.DataFrame, result: GapTests, language: Language) -> str:
    """Say whether signed ranks find the same gaps as t."""
    both = rows[rows["p_adjusted"].notna() & rows["p_signed_rank_adjusted"].notna()]
    if both.empty:
        return ""
    alpha = 1 - result.conf_level
    apart = (both["p_adjusted"] < alpha) != (both["p_signed_rank_adjusted"] < alpha)
    if not apart.any():
        return message("gap_tests.agree", language)
    codes = [str(code) for code in both.index[apart]]
    names = names_in_sentence(codes, result.instrument, language)
    return message("gap_tests.disagree", language, names=names)


def _largest(rows: pd.DataFrame, result: GapTests, language: Language) -> str:
    sizes = rows["effect_size"].abs().dropna()
    if len(sizes) < 2:
        return ""
    code = str(sizes.idxmax())
    row = rows.loc[code].to_dict()
    return message(
        "gap_tests.largest",
        language,
        name=in_sentence(code, result.instrument, language),
        g=format_number(row["effect_size"], sign=True),
        level=conf_text(result.conf_level),
        interval=format_interval(row["effect_low"], row["effect_high"]),
    )


def _items(result: GapTests, language: Language) -> str:
    """Say how many items have a gap beyond chance, where dimensions were told first."""
    if result.by_dimension.empty:
        return ""
    tested = result.by_item[result.by_item["verdict"] != "untested"]
    if tested.empty:
        return ""
    count = int(tested["verdict"].isin(REAL).sum())
    return message("gap_tests.items", language, count=count, total=str(len(tested)))


def _margin(rows: pd.DataFrame, result: GapTests, language: Language) -> list[str]:
    """Say which gaps are level, which within the margin and which are undecided."""
    undecided = _named(rows, ("undecided",), result, language)
    if result.margin is None:
        return [message("gap_tests.no_margin", language)] if undecided else []
    margin = format_number(result.margin)
    sentences = []
    for kind in ("equivalent", "trivial"):
        names = _named(rows, (kind,), result, language)
        if names:
            sentences.append(message(f"gap_tests.{kind}", language, names=names, margin=margin))
    if undecided:
        sentences.append(message("gap_tests.undecided", language, names=undecided))
    return sentences


def _untested(result: GapTests, language: Language) -> str:
    tables = (result.by_item, result.by_dimension, result.by_overall)
    codes = [str(code) for table in tables for code in table.index[table["flag"] != ""]]
    if not codes:
        return ""
    names = names_in_sentence(codes, result.instrument, language)
    return message("gap_tests.untested", language, names=names)
