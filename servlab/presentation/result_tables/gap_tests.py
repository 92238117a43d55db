"""The table of gap tests: t, ranks, signs, effect size and the verdict of each gap."""

from typing import Literal

import pandas as pd

from servlab.data.schema import Language
from servlab.estimation.comparison.gap_tests import GapTests
from servlab.presentation.formats import format_number
from servlab.presentation.labels import conf_text, names_in_sentence, rows_notes
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import (
    at_level,
    heading,
    labelled,
    sentences,
    with_interval,
)
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table


@table.register
def gap_tests_table(
    result: GapTests,
    *,
    language: Language = "en",
    level: Literal["dimension", "item"] = "dimension",
) -> Table:
    """Show the tests of each gap, a row a dimension or item, overall rows last."""
    rows, strong, row_level = at_level(level, result)
    shown = with_interval(rows, "effect_low", "effect_high", "g_interval")
    shown["verdict"] = [verdict_words(row, result, language) for _, row in rows.iterrows()]
    columns = {"estimate": heading("gap", language), "verdict": _head("verdict", language)}
    columns |= {"statistic": _head("t", language), "p_adjusted": _head("p", language)}
    if not result.weighted:
        columns["p_signed_rank_adjusted"] = _head("p_ranks", language)
        columns["p_sign_adjusted"] = _head("p_signs", language)
    conf = conf_text(result.conf_level)
    columns |= {"effect_size": _head("g", language)}
    columns["g_interval"] = message("gap_tests.col_g_interval", language, level=conf)
    if result.margin is not None:
        columns["p_equivalence_adjusted"] = _head("p_equivalence", language)
    forms = {name: "p" for name in columns if name.startswith("p_")}
    return Table(
        labelled(shown, result.instrument, language),
        caption=message(f"gap_tests.caption_{row_level}", language),
        headings=columns,
        formats=forms
        | {"estimate": "signed", "statistic": "signed", "effect_size": "signed"}
        | {"g_interval": "interval", "verdict": "text"},
        row_header=heading(row_level, language),
        notes=sentences(_notes(result, rows, language)),
        language=language,
        strong_rows=strong,
        marks={"verdict": [_mark(row) for _, row in rows.iterrows()]},
    )


def verdict_words(row: pd.Series, result: GapTests, language: Language) -> str:
    """Return the verdict on a gap in words, with its direction."""
    kind = str(row["verdict"])
    way = "short" if row["estimate"] < 0 else "above"
    key = {"different": way, "trivial": f"trivial_{way}"}.get(kind, kind)
    margin = {} if result.margin is None else {"margin": format_number(result.margin)}
    values = margin if kind in ("trivial", "equivalent") else {}
    return message(f"gap_tests.verdict_{key}", language, **values)


def _head(name: str, language: Language) -> str:
    return message(f"gap_tests.col_{name}", language)


def _mark(row: pd.Series) -> Mark:
    if row["verdict"] != "different":
        return ""
    return "bad" if row["estimate"] < 0 else "good"


def _notes(result: GapTests, rows: pd.DataFrame, language: Language) -> list[str]:
    adjust = message(f"gap_tests.adjust_{result.adjust}", language)
    tests = "note_tests_weighted" if result.weighted else "note_tests"
    margin = "" if result.margin is None else format_number(result.margin)
    lost = [str(term) for term in rows.index[rows["flag"] != ""]]
    return [
        message(f"gap_tests.{tests}", language, adjust=adjust),
        message("gap_tests.note_g", language),
        message("gap_tests.note_margin", language, margin=margin)
        if margin
        else message("gap_tests.note_no_margin", language),
        message(
            "gap_tests.note_untested",
            language,
            names=names_in_sentence(lost, result.instrument, language),
        )
        if lost
        else "",
        *rows_notes(rows, language),
        message("terms.weighted", language) if result.weighted else "",
    ]
