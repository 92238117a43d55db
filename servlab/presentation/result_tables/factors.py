"""Tables of sampling adequacy, of the number of factors and of loadings."""

import pandas as pd

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.adequacy import BartlettResult, KmoResult
from servlab.estimation.retention import ParallelAnalysis
from servlab.presentation.formats import format_correlation, format_count
from servlab.presentation.labels import dropped_note, near_note
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import heading, headings, labelled
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Mark, Table


@table.register
def kmo_table(
    result: KmoResult, *, language: Language = "en", instrument: Instrument | None = None
) -> Table:
    """Show the sampling adequacy of each item."""
    marks: list[Mark] = ["bad" if value < standard("kmo").value else "" for value in result.by_item]
    return Table(
        labelled(result.by_item.to_frame("msa_kaiser"), instrument, language),
        caption=message("scale.kmo_caption", language),
        headings=headings({"msa_kaiser": "msa_kaiser"}, language),
        formats={"msa_kaiser": "correlation"},
        row_header=heading("item", language),
        notes=(
            standard_note(["kmo"], language),
            message("scale.kmo_note", language, overall=format_correlation(result.overall)),
            *_basis(result, language),
        ),
        language=language,
        marks={"msa_kaiser": marks},
        standards={"msa_kaiser": threshold("kmo")},
    )


@table.register
def bartlett_table(result: BartlettResult, *, language: Language = "en") -> Table:
    """Show Bartlett's test in one row."""
    values = {"chi2": [result.statistic], "df": [result.df], "p_value": [result.p_value]}
    return Table(
        pd.DataFrame(values, index=[message("scale.bartlett_row", language)]),
        caption=message("scale.bartlett_caption", language),
        headings={
            "chi2": message("scale.bartlett_chi2", language),
            "df": message("scale.bartlett_df", language),
            "p_value": heading("p_value", language),
        },
        formats={"chi2": "number", "df": "df", "p_value": "p"},
        row_header=heading("quantity", language),
        notes=(
            standard_note(["bartlett"], language),
            message("scale.bartlett_note", language),
            *_basis(result, language),
        ),
        language=language,
    )


@table.register
def parallel_table(result: ParallelAnalysis, *, language: Language = "en") -> Table:
    """Show observed eigenvalues beside those of data without common factors."""
    values = {"eigenvalue": result.eigenvalues, "eigenvalue_null": result.null}
    if result.statistic == "mean":
        null = message("scale.parallel_note_mean", language)
    else:
        null = message("scale.parallel_note", language, quantile=format_count(result.percentile))
    return Table(
        pd.DataFrame(values).rename(index=str),
        caption=message("scale.parallel_caption", language),
        headings=headings({name: name for name in values}, language),
        formats=dict.fromkeys(values, "number"),
        row_header=message("scale.parallel_number", language),
        notes=(standard_note(["parallel"], language), null, *_basis(result, language)),
        language=language,
        strong_rows=tuple(range(result.n_factors)),
    )


def _basis(
    result: KmoResult | BartlettResult | ParallelAnalysis, language: Language
) -> tuple[str, ...]:
    """Return the sentences on the rows used and lost."""
    return (
        message("terms.n_total", language, n=format_count(result.n)),
        dropped_note(result.n_dropped, language),
        *near_note(result, language),
    )
