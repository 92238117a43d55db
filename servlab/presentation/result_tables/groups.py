"""Tables of groups compared: means, tests side by side, pairs; hidden groups have no number."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import GroupComparison
from servlab.estimation.latent.invariance.groups_of_survey import GroupInvariance
from servlab.presentation.formats import format_number, format_p_relation
from servlab.presentation.labels import conf_text, dropped_note, plain, term_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.groups import (
    flag_sentences,
    group_label,
    invariance_sentence,
    suppressed_sentence,
    test_name,
)
from servlab.presentation.result_tables.build import heading, sentences, signs, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.result_tables.group_tests import pairs_table, tests_table
from servlab.presentation.tables import Table
from servlab.scales.scoring import OVERALL_ITEMS


@table.register
def groups_table(
    result: GroupComparison,
    *,
    language: Language = "en",
    survey: Survey | None = None,
    terms: Literal["all", "overall"] = "all",
    show: Literal["means", "tests", "pairs"] = "means",
    invariance: GroupInvariance | None = None,
) -> Table:
    """Show the mean of each group under each score's test, the tests side by side, or pairs."""
    check_choice("terms", terms, ("all", "overall"))
    check_choice("show", show, ("means", "tests", "pairs"))
    if show == "tests":
        return tests_table(result, language, survey)
    if show == "pairs":
        return pairs_table(result, language, survey)
    rows = result.by_group
    rows = rows if terms == "all" else rows[rows["term"] == OVERALL_ITEMS]
    rows = rows.assign(n=rows["n"].where(rows["n"] >= 0).astype(float))
    labels = [group_label(str(g), result, language, survey) for g in rows["group"]]
    conf = conf_text(result.conf_level)
    gap = result.score == "gap"
    by = result.by if survey is None else survey.label(result.by, language)
    score = message(f"terms.score_{result.score}", language)
    return Table(
        with_interval(rows).set_axis(labels),
        caption=message("groups.caption", language, score=score, by=plain(by)),
        headings={
            "estimate": heading("mean", language),
            "std_dev": heading("std_dev", language),
            "interval": heading("interval", language, level=conf),
            "n": heading("n", language),
        },
        formats={"estimate": "signed" if gap else "number", "std_dev": "number"}
        | {"interval": "interval", "n": "count"},
        row_header=heading("group", language),
        notes=sentences(_notes(result, language, survey, invariance)),
        language=language,
        row_groups=[_term(str(term), result, language) for term in rows["term"]],
        marks={"estimate": signs(rows["conf_low"], rows["conf_high"])} if gap else {},
    )


def _term(term: str, result: GroupComparison, language: Language) -> str:
    """Return a score's label with its test behind it."""
    label = term_label(term, result.instrument, language)
    test = result.tests.loc[term]
    if pd.isna(test["p_value"]):
        return label
    f, p = format_number(test["statistic"]), format_p_relation(test["p_value"])
    name = test_name(result, language)
    return message("groups.term_test", language, term=label, test=name, f=f, p=p)


def _notes(
    result: GroupComparison,
    language: Language,
    survey: Survey | None,
    invariance: GroupInvariance | None,
) -> list[str]:
    tested = result.tests["p_value"].notna().any()
    note = "groups.note_design" if result.weighted else "groups.note"
    return [
        message(note, language) if tested else message("groups.untested", language),
        *suppressed_sentence(result, language, survey),
        *flag_sentences(result, language, survey),
        invariance_sentence(invariance, language),
        message("groups.n_used", language, count=result.n),
        dropped_note(result.n_dropped, language) if not result.suppressed else "",
    ]
