"""Tables of sampling adequacy, of the number of factors and of loadings."""

import pandas as pd

from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.adequacy import BartlettResult, KmoResult
from servlab.estimation.efa import EfaResult
from servlab.estimation.retention import ParallelAnalysis
from servlab.presentation.formats import format_correlation, format_count, format_share
from servlab.presentation.labels import dropped_note, names_in_sentence
from servlab.presentation.messages import message
from servlab.presentation.narrative.factors import (
    KMO_STANDARD,
    LOADING_STANDARD,
    closest_factors,
)
from servlab.presentation.result_tables.build import heading, headings, labelled, sentences
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table


@table.register
def kmo_table(
    result: KmoResult, *, language: Language = "en", instrument: Instrument | None = None
) -> Table:
    """Show the sampling adequacy of each item."""
    marks: list[Mark] = ["bad" if value < KMO_STANDARD else "" for value in result.by_item]
    return Table(
        labelled(result.by_item.to_frame("msa_kaiser"), instrument, language),
        caption=message("scale.kmo_caption", language),
        headings=headings({"msa_kaiser": "msa_kaiser"}, language),
        formats={"msa_kaiser": "correlation"},
        row_header=heading("item", language),
        notes=(
            message("scale.kmo_note", language, overall=format_correlation(result.overall)),
            *_basis(result, language),
        ),
        language=language,
        marks={"msa_kaiser": marks},
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
        notes=(message("scale.bartlett_note", language), *_basis(result, language)),
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
        notes=(null, *_basis(result, language)),
        language=language,
        strong_rows=tuple(range(result.n_factors)),
    )


@table.register
def efa_table(
    result: EfaResult, *, language: Language = "en", instrument: Instrument | None = None
) -> Table:
    """Show the loadings, a row an item, with communality and uniqueness."""
    factors = {name: str(place + 1) for place, name in enumerate(result.loadings.columns)}
    frame = result.loadings.assign(communality=result.communality, uniqueness=result.uniqueness)
    shown = {name: message("terms.factor", language, number=n) for name, n in factors.items()}
    shown |= headings({"communality": "communality", "uniqueness": "uniqueness"}, language)
    marks: dict[str, list[Mark]] = {
        name: ["strong" if abs(v) >= LOADING_STANDARD else "weak" for v in result.loadings[name]]
        for name in factors
    }
    marks["uniqueness"] = ["bad" if code in result.heywood else "" for code in frame.index]
    return Table(
        labelled(frame, instrument, language),
        caption=message("scale.efa_caption", language, count=len(factors)),
        headings=shown,
        formats=dict.fromkeys(shown, "correlation"),
        row_header=heading("item", language),
        notes=_efa_notes(result, instrument, language),
        language=language,
        marks=marks,
    )


def _efa_notes(
    result: EfaResult, instrument: Instrument | None, language: Language
) -> tuple[str, ...]:
    cor = closest_factors(result)
    heywood = names_in_sentence(result.heywood, instrument, language)
    return sentences(
        [
            message("scale.efa_heywood", language, items=heywood) if heywood else "",
            message(
                "scale.efa_note",
                language,
                extraction=message(f"scale.extraction_{result.extraction}", language),
                rotation=message(f"scale.rotation_{result.rotation}", language),
                share=format_share(float(result.variance["proportion"].sum())),
            ),
            ""
            if cor is None
            else message("scale.efa_cor_high", language, cor=format_correlation(cor)),
            *_basis(result, language),
        ]
    )


def _basis(
    result: KmoResult | BartlettResult | ParallelAnalysis | EfaResult, language: Language
) -> tuple[str, str]:
    """Return the sentences on the rows used and lost."""
    return (
        message("terms.n_total", language, n=format_count(result.n)),
        dropped_note(result.n_dropped, language),
    )
