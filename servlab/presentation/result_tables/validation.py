"""Tables of a scale's dossier: item analysis, dimensions, decisions, replication, COSMIN."""

import pandas as pd

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.cosmin import CosminSummary, MeasurementProperty
from servlab.estimation.factor_dimensions import FactorDimensions
from servlab.estimation.item_analysis import ItemAnalysis
from servlab.estimation.item_decisions import ItemDecisions
from servlab.estimation.replication import Replication
from servlab.estimation.scale_item_analysis import ScaleItemAnalysis
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_share,
)
from servlab.presentation.labels import (
    dropped_note,
    names_in_sentence,
    rows_notes,
    term_label,
    variable_label,
)
from servlab.presentation.messages import join_words, message
from servlab.presentation.result_tables.build import heading, labelled, sentences
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Mark, Table
from servlab.scales.scoring import OVERALL_ITEMS

ITEM_COLUMNS = ("item_rest", "item_total", "alpha_if_dropped", "critical_ratio", "critical_p")
ITEM_STANDARDS = ("item_rest", "item_total", "alpha_if_dropped", "critical_ratio")
COSMIN_COLUMNS = ("evidence", "result", "rating")
DECISION_STANDARDS = ("item_rest", "critical_ratio", "loading", "cross_loading", "communality")


def _item_headings(language: Language) -> dict[str, str]:
    own = {"alpha_if_dropped": heading("alpha_if_dropped", language)}
    return {
        name: own.get(name) or message(f"validation.col_{name}", language) for name in ITEM_COLUMNS
    }


_ITEM_FORMATS = dict(
    zip(
        ITEM_COLUMNS,
        ("correlation3", "correlation3", "correlation3", "number", "p"),
        strict=True,
    )
)


def _item_marks(rows: pd.DataFrame) -> dict[str, list[Mark]]:
    """Mark what a rule of the item analysis speaks against."""
    rules = {
        "item_rest": "weak_item_rest",
        "critical_ratio": "weak_critical_ratio",
        "alpha_if_dropped": "raises_alpha",
    }
    return {
        column: ["bad" if rule in named else "" for named in rows["advice"]]
        for column, rule in rules.items()
    }


def _item_footer() -> dict[str, str]:
    names = ("item_rest", "item_total", "critical_ratio")
    return {name: threshold(name) for name in names} | {"alpha_if_dropped": "≤ α"}


@table.register
def scale_items_table(result: ScaleItemAnalysis, *, language: Language = "en") -> Table:
    """Show the item analysis of a battery, grouped by dimension."""
    instrument = result.instrument
    order = {code: place for place, code in enumerate(result.by_scale)}
    rows = result.by_item.iloc[result.by_item["dimension"].map(order).argsort(kind="stable")]
    left_out = names_in_sentence(list(result.left_out), instrument, language)
    battery = message(f"terms.battery_{result.battery}", language)
    return Table(
        labelled(rows, instrument, language),
        caption=message("validation.items_caption", language, battery=battery),
        headings=_item_headings(language),
        formats=_ITEM_FORMATS,
        row_header=heading("item", language),
        notes=sentences(
            [
                standard_note(ITEM_STANDARDS, language),
                message("validation.items_note", language),
                message("validation.items_left_out", language, names=left_out) if left_out else "",
                *rows_notes(_rows_used(result), language),
            ]
        ),
        language=language,
        row_groups=[_group(result, str(code), language) for code in rows["dimension"]],
        marks=_item_marks(rows),
        standards=_item_footer(),
    )


def _rows_used(result: ScaleItemAnalysis) -> pd.DataFrame:
    """Return the respondents used and lost in each scale that an item stands against."""
    shown = [result.by_scale[scale] for scale in result.by_item["dimension"].unique()]
    used = [(one.n, one.n_dropped) for one in shown]
    return pd.DataFrame(used, columns=["n", "n_dropped"])


def _group(result: ScaleItemAnalysis, scale: str, language: Language) -> str:
    analysis = result.by_scale[scale]
    values = {"alpha": format_correlation(analysis.alpha), "n": format_count(analysis.n)}
    if scale == OVERALL_ITEMS:
        key = "items_outside" if result.instrument.dimensions else "items_all"
        return message(f"validation.{key}", language, **values)
    name = term_label(scale, result.instrument, language)
    return message("validation.items_group", language, name=name, **values)


@table.register
def items_analysis_table(
    result: ItemAnalysis, *, language: Language = "en", instrument: Instrument | None = None
) -> Table:
    """Show the item analysis of one scale."""
    return Table(
        labelled(result.by_item, instrument, language),
        caption=message("validation.items_single_caption", language),
        headings=_item_headings(language),
        formats=_ITEM_FORMATS,
        row_header=heading("item", language),
        notes=(
            standard_note(ITEM_STANDARDS, language),
            message(
                "validation.items_single_note",
                language,
                alpha=format_correlation(result.alpha),
                low=format_count(result.n_low),
                high=format_count(result.n_high),
            ),
            message("terms.n_total", language, n=format_count(result.n)),
            dropped_note(result.n_dropped, language),
        ),
        language=language,
        marks=_item_marks(result.by_item),
        standards=_item_footer(),
    )


def factor_label(name: object, language: Language) -> str:
    """Return how a factor is called: ``F3`` is factor 3."""
    return message("terms.factor", language, number=str(name).removeprefix("F"))


@table.register
def dimensions_table(result: FactorDimensions, *, language: Language = "en") -> Table:
    """Show how many items of each dimension load most on each factor."""
    home = [factor_label(name, language) for name in result.home]
    frame = result.counts.assign(home=home)
    marks: dict[str, list[Mark]] = {
        str(name): [
            "strong" if result.home[str(code)] == name else "weak" if not count else "bad"
            for code, count in result.counts[name].items()
        ]
        for name in result.counts
    }
    shown = {str(name): factor_label(name, language) for name in result.counts}
    return Table(
        labelled(frame, result.instrument, language),
        caption=message("validation.dimensions_caption", language),
        headings=shown | {"home": message("validation.dimensions_home", language)},
        formats=dict.fromkeys(shown, "count") | {"home": "text"},
        row_header=heading("dimension", language),
        notes=(
            standard_note(["items_per_factor"], language),
            message("validation.dimensions_note", language),
            message("terms.n_total", language, n=format_count(result.n)),
            dropped_note(result.n_dropped, language),
        ),
        language=language,
        marks=marks,
    )


@table.register
def decisions_table(result: ItemDecisions, *, language: Language = "en") -> Table:
    """Show what the rules propose for each item, with their numbers and names."""
    rows = result.by_item
    pairs = zip(rows["decision"], rows["reasons"], strict=True)
    frame = rows.assign(proposal=[_proposal(name, why, language) for name, why in pairs])
    names = {
        "proposal": message("validation.decisions_proposal", language),
        "item_rest": message("validation.col_item_rest", language),
        "critical_ratio": message("validation.col_critical_ratio", language),
        "largest": message("structure.advice_largest", language),
        "second": message("structure.advice_second", language),
        "communality": heading("communality", language),
    }
    # three digits: .396 is under .40 and must not read as .40
    forms = ("text", "correlation3", "number", *["correlation3"] * 3)
    tone: dict[str, Mark] = {"drop": "bad", "look": "strong", "keep": ""}
    battery = message(f"terms.battery_{result.battery}", language)
    return Table(
        labelled(frame, result.instrument, language),
        caption=message("validation.decisions_caption", language, battery=battery),
        headings=names,
        formats=dict(zip(names, forms, strict=True)),
        row_header=heading("item", language),
        notes=(
            standard_note(DECISION_STANDARDS, language),
            message("validation.decisions_note", language),
            message("terms.n_total", language, n=format_count(result.n)),
            dropped_note(result.n_dropped, language),
        ),
        language=language,
        marks={"proposal": [tone[name] for name in rows["decision"]]},
        standards={
            "item_rest": threshold("item_rest"),
            "critical_ratio": threshold("critical_ratio"),
            "largest": threshold("loading"),
            "second": threshold("cross_loading"),
            "communality": threshold("communality"),
        },
    )


def _proposal(decision: str, reasons: tuple[str, ...], language: Language) -> str:
    """Return a decision in words, with its reasons."""
    words = message(f"validation.decision_{decision}", language)
    if not reasons:
        return words
    named = [message(f"validation.reason_{reason}", language) for reason in reasons]
    return words + message("common.colon", language) + join_words(named, language)


@table.register
def replication_table(
    result: Replication, *, language: Language = "en", instrument: Instrument | None = None
) -> Table:
    """Show the congruence of each factor between the halves."""
    fair = standard("congruence_fair")
    heywood = names_in_sentence(result.heywood, instrument, language)
    names = [factor_label(name, language) for name in result.congruence.index]
    return Table(
        result.congruence.to_frame("estimate").set_axis(names),
        caption=message("validation.holdout_caption", language),
        headings={"estimate": message("validation.holdout_congruence", language)},
        formats={"estimate": "correlation3"},
        row_header=message("structure.variance_row", language),
        notes=sentences(
            [
                message("validation.holdout_heywood", language, items=heywood) if heywood else "",
                standard_note(["congruence", "congruence_fair"], language),
                message(
                    "validation.holdout_note",
                    language,
                    first=format_count(result.n_first),
                    second=format_count(result.n_second),
                    seed=str(result.seed),
                ),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        marks={"estimate": ["" if fair.met_by(value) else "bad" for value in result.congruence]},
        standards={"estimate": threshold("congruence")},
    )


@table.register
def cosmin_table(
    result: CosminSummary, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show each measurement property, the evidence here and COSMIN's rating."""
    properties = result.properties
    frame = pd.DataFrame(
        {
            "evidence": [_evidence(p, language) for p in properties],
            "result": [_result(p, language, survey) for p in properties],
            "rating": [_rating(p, language) for p in properties],
        },
        index=[message(f"validation.property_{p.name}", language) for p in properties],
    )
    tone: dict[str, Mark] = {"insufficient": "bad", "sufficient": "good", "none": "weak"}
    battery = message(f"terms.battery_{result.battery}", language)
    return Table(
        frame,
        caption=message("validation.cosmin_caption", language, battery=battery),
        headings={name: message(f"validation.cosmin_{name}", language) for name in COSMIN_COLUMNS},
        formats=dict.fromkeys(COSMIN_COLUMNS, "text"),
        row_header=message("validation.cosmin_row", language),
        notes=(
            standard_note(["cosmin", "reliability", "rmsea", "floor_ceiling"], language),
            message("validation.cosmin_note", language),
            message("terms.n_total", language, n=format_count(result.n)),
            dropped_note(result.n_dropped, language),
        ),
        language=language,
        marks={"rating": [tone.get(p.rating, "") for p in properties]},
    )


def _evidence(p: MeasurementProperty, language: Language) -> str:
    outside = p.name == "hypotheses" and p.place != "here"
    return message(f"validation.evidence_{p.name}{'_outside' if outside else ''}", language)


def _rating(p: MeasurementProperty, language: Language) -> str:
    return message(
        f"validation.rating_{'elsewhere' if p.place == 'elsewhere' else p.rating}", language
    )


def _result(p: MeasurementProperty, language: Language, survey: Survey | None) -> str:
    """Return the numbers behind a property in words; nothing where there are none."""
    if not p.values:
        return ""
    values = p.values
    texts = {
        "structural": lambda: {
            "factors": format_count(_number(values["n_factors"])),
            "rmsea": format_correlation(_number(values["rmsea"]), 3),
            "tli": format_correlation(_number(values["tli"]), 3),
        },
        "internal_consistency": lambda: {
            "low": format_correlation(_number(values["lowest"])),
            "high": format_correlation(_number(values["highest"])),
            "short": format_count(_number(values["n_short"])),
        },
        "hypotheses": lambda: {
            "r": format_correlation(_number(values["r"])),
            "outcome": variable_label(str(values["outcome"]), survey, language),
        },
        "interpretability": lambda: {
            "low": format_share(_number(values["share_bottom"])),
            "high": format_share(_number(values["share_top"])),
        },
    }
    count = format_count(_number(values["n_scales"])) if "n_scales" in values else None
    said = [message(f"validation.result_{p.name}", language, count=count, **texts[p.name]())]
    if "congruence" in values:
        lowest = format_correlation(_number(values["congruence"]))
        said.append(message("validation.result_congruence", language, lowest=lowest))
    return ("; " if language == "en" else "；").join(said)


def _number(value: float | str) -> float:
    return float(value)
