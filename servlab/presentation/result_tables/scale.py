"""Tables of reliability and of the two forms of score."""

import pandas as pd

from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.difference_scores import DifferenceScoreReliability, ScoreForms
from servlab.estimation.reliability import AlphaResult
from servlab.estimation.scale_reliability import ScaleReliability
from servlab.presentation.formats import format_correlation, format_count, format_interval
from servlab.presentation.labels import (
    conf_text,
    dropped_note,
    names_in_sentence,
    rows_notes,
    variable_label,
)
from servlab.presentation.messages import message
from servlab.presentation.narrative.scale import ALPHA_STANDARD, alpha_verdict
from servlab.presentation.result_tables.build import (
    heading,
    headings,
    labelled,
    sentences,
    with_interval,
)
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table
from servlab.scales.scoring import OVERALL_ITEMS


@table.register
def alpha_table(
    result: AlphaResult,
    *,
    language: Language = "en",
    name: str = "",
    instrument: Instrument | None = None,
) -> Table:
    """Show the items of a scale: mean, spread, item-rest correlation, alpha without the item."""
    columns = {key: key for key in ("mean", "std_dev", "item_rest", "alpha_if_dropped")}
    forms = ("number", "number", "correlation", "correlation3")
    scale = name or message("scale.alpha_this_scale", language)
    negative = set(result.negative_items)
    marks: list[Mark] = ["bad" if code in negative else "" for code in result.by_item.index]
    return Table(
        labelled(result.by_item, instrument, language),
        caption=message("scale.alpha_caption", language, name=scale),
        headings=headings(columns, language),
        formats=dict(zip(columns, forms, strict=True)),
        row_header=heading("item", language),
        notes=sentences(
            [
                _alpha_note(result, language),
                message(
                    "scale.alpha_negative",
                    language,
                    items=names_in_sentence(result.negative_items, instrument, language),
                )
                if negative
                else "",
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        marks={"item_rest": marks},
    )


def _alpha_note(result: AlphaResult, language: Language) -> str:
    return message(
        "scale.alpha_note",
        language,
        alpha=format_correlation(result.estimate, 3),
        level=conf_text(result.conf_level),
        interval=format_interval(result.conf_low, result.conf_high, 3, of="correlation"),
        standardized=format_correlation(result.standardized, 3),
        mean_cor=format_correlation(result.mean_cor),
    )


@table.register
def reliability_table(result: ScaleReliability, *, language: Language = "en") -> Table:
    """Show alpha with its interval for each dimension of a battery and all its items."""
    rows = result.by_term
    limits = zip(rows["conf_low"], rows["conf_high"], strict=True)
    marks: list[Mark] = ["bad" if alpha_verdict(*pair) == "misses" else "" for pair in limits]
    left_out = names_in_sentence(list(result.left_out), result.instrument, language)
    interval = heading("interval", language, level=conf_text(result.conf_level))
    names = headings({"n_items": "n_items", "estimate": "alpha", "n": "n"}, language)
    shown = {key: names.get(key, interval) for key in ("n_items", "estimate", "interval", "n")}
    forms = ("count", "correlation3", "interval_correlation3", "count")
    battery = message(f"terms.battery_{result.battery}", language)
    return Table(
        labelled(with_interval(rows), result.instrument, language),
        caption=message("scale.reliability_caption", language, battery=battery),
        headings=shown,
        formats=dict(zip(shown, forms, strict=True)),
        row_header=heading("dimension", language),
        notes=sentences(
            [
                message("scale.reliability_note", language),
                message("scale.left_out", language, names=left_out) if left_out else "",
                *(rows_notes(rows, language) if len(rows) else ()),
            ]
        ),
        language=language,
        strong_rows=_overall_row(rows),
        marks={"estimate": marks},
    )


@table.register
def difference_table(result: DifferenceScoreReliability, *, language: Language = "en") -> Table:
    """Show the reliability of the gap beside that of perception and expectation."""
    rows = result.by_term
    reliabilities = ("reliability", "reliability_perceived", "reliability_expected")
    columns = {name: name for name in (*reliabilities, "correlation", "n_items", "n")}
    forms = ("correlation3", "correlation3", "correlation3", "correlation", "count", "count")
    marks: list[Mark] = ["bad" if value < ALPHA_STANDARD else "" for value in rows["reliability"]]
    single = names_in_sentence(result.single_items, result.instrument, language)
    return Table(
        labelled(rows, result.instrument, language),
        caption=message("scale.difference_caption", language),
        headings=headings(columns, language),
        formats=dict(zip(columns, forms, strict=True)),
        row_header=heading("term", language),
        notes=sentences(
            [
                message("scale.difference_note", language),
                message("scale.difference_single", language, names=single) if single else "",
                *rows_notes(rows, language),
            ]
        ),
        language=language,
        strong_rows=_overall_row(rows),
        marks={"reliability": marks},
    )


@table.register
def forms_table(
    result: ScoreForms, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show how closely perception and gap go with the outcome, with Meng's test."""
    columns = {"r_perception": "r_perception", "r_gap": "r_gap", "r_between": "r_between"}
    columns |= {"statistic": "meng", "p_value": "p_value", "n": "n"}
    forms = ("correlation", "correlation", "correlation", "signed", "p", "count")
    label = variable_label(result.outcome, survey, language)
    return Table(
        labelled(result.by_term, result.instrument, language),
        caption=message("scale.forms_caption", language, outcome=label),
        headings=headings(columns, language),
        formats=dict(zip(columns, forms, strict=True)),
        row_header=heading("term", language),
        notes=sentences(
            [
                message("scale.forms_note", language),
                *rows_notes(result.by_term, language),
            ]
        ),
        language=language,
        strong_rows=_overall_row(result.by_term),
    )


def _overall_row(rows: pd.DataFrame) -> tuple[int, ...]:
    return tuple(place for place, code in enumerate(rows.index) if code == OVERALL_ITEMS)
