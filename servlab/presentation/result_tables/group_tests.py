"""Tables of group tests: side by side for every score, and the pairs of groups."""

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import GroupComparison
from servlab.estimation.comparison.posthoc import MOST_GROUPS
from servlab.presentation.formats import format_count, format_number, format_p_relation
from servlab.presentation.labels import conf_text, plain, term_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.groups import RANKS, group_label, suppressed_sentence
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.presentation.result_tables.build import heading, sentences, with_interval
from servlab.presentation.tables import Table
from servlab.scales.scoring import OVERALL_ITEMS

ALL_PAIRS = 15  # so many pairs of the overall score are all shown; of more, those that differ
STATISTICS = {
    "pillai": "Pillai",
    "wilks": "Wilks",
    "hotelling_lawley": "Hotelling-Lawley",
    "roy": "Roy",
}


def tests_table(result: GroupComparison, language: Language, survey: Survey | None) -> Table:
    """Show the tests of each score side by side with the checks and what they recommend."""
    frame = result.tests.rename(columns={"p_value": "p"}).join(
        result.checks[["variance_ratio", "p_value", "recommended"]]
    )
    for test, names in (("anova", ("anova", "")), ("ranks", ("ranks", "epsilon"))):
        wanted = RANKS if test == "ranks" else (test,)
        rows = result.other_tests[result.other_tests["test"].isin(wanted)].set_index("term")
        frame[names[0]] = rows["p_value"].reindex(frame.index)
        if names[1]:
            frame[names[1]] = rows["effect_size"].reindex(frame.index)
    frame["recommended"] = [
        message(f"groups.recommended_{'none' if pd.isna(code) else code}", language)
        for code in frame["recommended"]
    ]
    columns = {"statistic": "f", "p": "p", "p_adjusted": "p_adjusted"}
    if not result.weighted:
        columns |= {"effect_size": "effect", "anova": "anova"}
    columns["ranks"] = "ranks"
    if not result.weighted:  # the checks of spread know no weights
        columns["epsilon"] = "epsilon"
        columns |= {"variance_ratio": "ratio", "p_value": "spread"}
    columns["recommended"] = "recommended"
    forms = dict.fromkeys(("p", "p_adjusted", "anova", "ranks", "p_value"), "p")
    forms |= dict.fromkeys(("effect_size", "epsilon"), "number3") | {"recommended": "text"}
    labels = [term_label(term, result.instrument, language) for term in frame.index]
    return Table(
        frame.set_axis(labels),
        caption=_caption("tests_caption", result, language, survey),
        headings={name: message(f"groups.col_{key}", language) for name, key in columns.items()},
        formats=forms | {"statistic": "number", "variance_ratio": "number"},
        row_header=heading("dimension", language),
        notes=sentences(_test_notes(result, language, survey)),
        language=language,
        strong_rows=(len(frame) - 1,),
    )


def _caption(key: str, result: GroupComparison, language: Language, survey: Survey | None) -> str:
    by = plain(result.by if survey is None else survey.label(result.by, language))
    score = message(f"terms.score_{result.score}", language)
    return message(f"groups.{key}", language, score=score, by=by)


def _test_notes(result: GroupComparison, language: Language, survey: Survey | None) -> list[str]:
    weighted = "_design" if result.weighted else ""
    entries = [
        message(
            "groups.multivariate_entry",
            language,
            name=STATISTICS[str(row["test"])],
            value=format_number(row["estimate"], 3),
            f=format_number(row["statistic"]),
            p=format_p_relation(row["p_value"]),
        )
        for _, row in result.multivariate.iterrows()
    ]
    notes = [message(f"groups.tests_note{weighted}", language)]
    if entries:
        n = format_count(result.multivariate["n"].iloc[0])
        tests = ("; " if language == "en" else "；").join(entries)
        notes.append(message("groups.multivariate_note", language, tests=tests, n=n))
    for _, row in result.box.iterrows():
        values = {"chi2": format_number(row["statistic"]), "df": format_number(row["df"], 0)}
        p = format_p_relation(row["p_value"])
        notes.append(message("groups.box_note", language, p=p, **values))
    if result.tests["p_value"].isna().any():
        notes.append(message("groups.untested", language))
    return [*notes, *suppressed_sentence(result, language, survey)]


def pairs_table(result: GroupComparison, language: Language, survey: Survey | None) -> Table:
    """Show pairs of groups: overall all of them (of many, those that differ), else who differ."""
    rows = result.pairs
    apart = (rows["p_adjusted"] < SIGNIFICANT) | (rows["p_dunn_adjusted"] < SIGNIFICANT)
    overall = rows["term"] == OVERALL_ITEMS
    shown = rows[apart | overall] if overall.sum() <= ALL_PAIRS else rows[apart]
    first = shown["term"] == OVERALL_ITEMS
    shown = pd.concat([shown[first], shown[~first]])
    frame = with_interval(shown)
    frame = with_interval(frame, "effect_low", "effect_high", "g_interval")
    conf = conf_text(result.conf_level)
    heads = {"estimate": message("groups.col_difference", language)}
    heads["interval"] = heading("interval", language, level=conf)
    kind = "design" if result.weighted else "howell"
    heads["p_adjusted"] = message(f"groups.col_p_{kind}", language)
    if not result.weighted:
        heads["p_dunn_adjusted"] = message("groups.col_p_dunn", language)
    heads["effect_size"] = message("groups.col_g", language)
    if not result.weighted:
        heads["g_interval"] = message("groups.col_g_interval", language, level=conf)
    return Table(
        frame.set_axis([_pair(row, result, language, survey) for _, row in shown.iterrows()]),
        caption=_caption("pairs_caption", result, language, survey),
        headings=heads,
        formats={"estimate": "signed", "interval": "interval", "effect_size": "signed"}
        | {"g_interval": "interval", "p_adjusted": "p", "p_dunn_adjusted": "p"},
        row_header=message("groups.col_pair", language),
        notes=sentences(_pair_notes(result, len(rows) - len(shown), conf, language, survey)),
        language=language,
        row_groups=[term_label(str(t), result.instrument, language) for t in shown["term"]],
    )


def _pair(
    row: pd.Series, result: GroupComparison, language: Language, survey: Survey | None
) -> str:
    names = {c: group_label(str(row[c]), result, language, survey) for c in ("group", "against")}
    return message("groups.pair", language, **names)


def _pair_notes(
    result: GroupComparison, left: int, conf: str, language: Language, survey: Survey | None
) -> list[str]:
    if result.pairs.empty:
        return [message("groups.pairs_too_many", language, most=str(MOST_GROUPS))]
    key = "pairs_note_design" if result.weighted else "pairs_note"
    return [
        message(f"groups.{key}", language, level=conf),
        message("groups.pairs_left", language, count=left) if left else "",
        *suppressed_sentence(result, language, survey),
    ]
