"""Tables of the sample by covariate, and of missing answers by item."""

from collections.abc import Hashable, Mapping

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.mcar import McarTest
from servlab.presentation.formats import format_count, format_number
from servlab.presentation.labels import dropped_note, term_label, variable_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.sample import value_label
from servlab.presentation.result_tables.build import heading, sentences
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Table
from servlab.scales.missing import MissingPatterns
from servlab.scales.sample import SampleTable


@table.register
def sample_table_shown(
    result: SampleTable, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show count, per cent, valid and weighted per cent of every value of every covariate."""
    rows = result.by_value
    columns = ["n", "share", "share_valid"]
    if result.weighted:
        columns.append("share_weighted")
    labels = [_row_label(row.to_dict(), result, language, survey) for _, row in rows.iterrows()]
    groups = [variable_label(str(name), survey, language) for name in rows["term"]]
    counts = rows["n"].where(rows["n"] >= 0).astype(float)
    hidden = bool(result.suppressed)
    cell = str(result.min_cell)
    return Table(
        rows.assign(n=counts).set_axis(labels),
        caption=message("sample.caption", language),
        headings={name: message(f"sample.{name}", language) for name in columns},
        formats={name: "count" if name == "n" else "share1" for name in columns},
        row_header=message("sample.header", language),
        notes=sentences(
            [
                message("sample.note", language, count=result.n),
                message("sample.note_weighted", language) if result.weighted else "",
                message("sample.hidden", language, min_cell=cell) if hidden else "",
            ]
        ),
        language=language,
        row_groups=groups,
    )


def _row_label(
    row: Mapping[Hashable, object], result: SampleTable, language: Language, survey: Survey | None
) -> str:
    kind = row["kind"]
    if kind == "missing":
        return message("sample.missing", language)
    if kind in ("rest", "many"):
        return message(f"sample.{kind}", language, count=result.merged[str(row["term"])])
    if kind == "numeric":
        moments = {key: format_number(float(str(row[key]))) for key in ("mean", "std_dev")}
        return message("sample.numeric", language, **moments)
    return value_label(row, language, survey)


@table.register
def missing_table(result: MissingPatterns, *, language: Language = "en") -> Table:
    """Show how many respondents left each item open, battery by battery."""
    rows = result.by_item
    labels = [term_label(code, result.instrument, language) for code in rows["item"]]
    names = pd.Series(rows["battery"].unique())
    batteries = {name: message(f"terms.battery_{name}", language) for name in names}
    return Table(
        rows.set_axis(labels),
        caption=message("missing.table_caption", language),
        headings={
            "n_missing": heading("missing", language),
            "share_missing": message("missing.table_share", language),
        },
        formats={"n_missing": "count", "share_missing": "share1"},
        row_header=heading("item", language),
        notes=(message("missing.table_note", language, count=result.n),),
        language=language,
        row_groups=[batteries[name] for name in rows["battery"]],
    )


@table.register
def mcar_table(result: McarTest, *, language: Language = "en") -> Table:
    """Show Little's test."""
    return Table(
        result.tidy().set_axis([message("missing.mcar_row", language)]),
        caption=message("missing.mcar_caption", language),
        headings={
            "statistic": message("missing.mcar_chi2", language),
            "df": message("missing.mcar_df", language),
            "p_value": heading("p_value", language),
        },
        formats={"statistic": "number", "df": "df", "p_value": "p"},
        row_header=message("missing.mcar_header", language),
        notes=sentences(
            [
                message(
                    "missing.mcar_note", language, count=result.n_patterns, n=format_count(result.n)
                ),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
    )
