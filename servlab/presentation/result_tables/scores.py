"""Tables of scores: dimensions, gaps, weighted scores, answers item by item."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.presentation.formats import format_count, format_interval, format_number
from servlab.presentation.labels import conf_text, dropped_note, rows_notes
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import (
    at_level,
    heading,
    headings,
    labelled,
    sentences,
    signs,
    with_interval,
)
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Table
from servlab.scales.descriptives import ItemDescriptives
from servlab.scales.gaps import GapScores
from servlab.scales.scoring import DimensionScores
from servlab.scales.weighting import ServqualScore

Level = Literal["dimension", "item"]
ItemView = Literal["summary", "distribution"]


@table.register
def gaps_table(
    result: GapScores, *, language: Language = "en", level: Level = "dimension"
) -> Table:
    """Show expected, perceived and gap, a row a dimension or item, overall rows last."""
    rows, strong, row_level = at_level(level, result)
    frame = labelled(with_interval(rows), result.instrument, language)
    conf = conf_text(result.conf_level)
    columns = {"expected": "expected", "perceived": "perceived", "estimate": "gap"}
    grade = (
        message("gaps.note_grade", language, grade=message(f"terms.grade_{result.grade}", language))
        if result.grade
        else message("gaps.grade_unknown", language)
    )
    return Table(
        frame,
        caption=message(f"gaps.caption_{row_level}", language),
        headings=headings(columns, language)
        | {"interval": heading("interval", language, level=conf), "n": heading("n", language)},
        formats={"expected": "number", "perceived": "number", "estimate": "signed"}
        | {"interval": "interval", "n": "count"},
        row_header=heading(row_level, language),
        notes=sentences(
            [
                message("gaps.note_sign", language),
                message("gaps.note_interval", language, level=conf),
                grade,
                *rows_notes(rows, language),
                message("terms.weighted", language) if result.weighted else "",
            ]
        ),
        language=language,
        strong_rows=strong,
        marks={"estimate": signs(rows["conf_low"], rows["conf_high"])},
    )


@table.register
def scores_table(
    result: DimensionScores, *, language: Language = "en", level: Level = "dimension"
) -> Table:
    """Show the means of one battery, a row a dimension or item, overall rows last."""
    rows, strong, row_level = at_level(level, result)
    conf = conf_text(result.conf_level)
    battery = message(f"terms.battery_{result.battery}", language)
    columns = {"estimate": "mean", "std_dev": "std_dev"}
    return Table(
        labelled(with_interval(rows), result.instrument, language),
        caption=message(f"gaps.scores_caption_{row_level}", language, battery=battery),
        headings=headings(columns, language)
        | {"interval": heading("interval", language, level=conf), "n": heading("n", language)},
        formats={"estimate": "number", "std_dev": "number", "interval": "interval", "n": "count"},
        row_header=heading(row_level, language),
        notes=sentences(
            [
                message("gaps.scores_note", language, level=conf),
                *rows_notes(rows, language),
                message("terms.weighted", language) if result.weighted else "",
            ]
        ),
        language=language,
        strong_rows=strong,
    )


@table.register
def weighted_table(result: ServqualScore, *, language: Language = "en") -> Table:
    """Show weight, score and contribution of each dimension."""
    sign = result.score == "gap"
    form = "signed" if sign else "number"
    columns = {"weight": "weight", "estimate": "term", "weighted": "contribution"}
    note = message(
        "gaps.weighted_note",
        language,
        weights=message(f"terms.weights_{result.weights}", language),
        score=format_number(result.estimate, sign=sign),
        conf=conf_text(result.conf_level),
        interval=format_interval(result.conf_low, result.conf_high),
        unweighted=format_number(result.unweighted, sign=sign),
    )
    published = result.weights == "reference"
    return Table(
        labelled(result.by_dimension, result.instrument, language),
        caption=message(f"gaps.weighted_caption_{result.score}", language),
        headings=headings(columns, language),
        formats={"weight": "share1", "estimate": form, "weighted": form},
        row_header=heading("dimension", language),
        notes=sentences(
            [
                note,
                message("gaps.weighted_note_published", language) if published else "",
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
    )


@table.register
def items_table(
    result: ItemDescriptives, *, language: Language = "en", view: ItemView = "summary"
) -> Table:
    """Show mean, spread, shape and end shares of each item, or the share at each scale point."""
    from servlab.presentation.narrative.items import spread

    check_choice("view", view, ("summary", "distribution"))
    frame, names, forms = _summary(result, language)
    if view == "distribution":
        frame, names, forms = _distribution(result, language)
    judged = [name for name in ("skewness", "kurtosis") if name in names]
    ends = {"low": str(result.scale.low), "high": str(result.scale.high)}
    battery = message(f"terms.battery_{result.battery}", language)
    return Table(
        labelled(frame, result.instrument, language),
        caption=message(f"items.caption_{view}", language, battery=battery),
        headings=names,
        formats=forms,
        row_header=heading("item", language),
        notes=sentences(
            [
                standard_note(judged, language) if judged else "",
                *spread(result, language),
                message(f"items.note_{view}", language, **ends),
                *rows_notes(result.by_item, language),
            ]
        ),
        language=language,
        standards={name: threshold(name) for name in judged},
    )


def _summary(
    result: ItemDescriptives, language: Language
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]]:
    """Return the moments of the items with their headings and formats."""
    forms = {"mean": "number", "std_dev": "number", "skewness": "signed", "kurtosis": "signed"}
    forms |= {"share_bottom": "share", "share_top": "share", "n": "count", "n_dropped": "count"}
    columns = {name: name for name in forms} | {"n_dropped": "missing"}
    return result.by_item, headings(columns, language), forms


def _distribution(
    result: ItemDescriptives, language: Language
) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]]:
    """Return the share at each scale point with the points as headings."""
    points = {str(point): str(point) for point in result.shares.columns}
    frame = result.shares.set_axis(list(points), axis=1).join(result.by_item[["n", "n_dropped"]])
    names = points | headings({"n": "n", "n_dropped": "missing"}, language)
    forms = dict.fromkeys(points, "share") | {"n": "count", "n_dropped": "count"}
    return frame, names, forms
