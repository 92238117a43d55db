"""Tables of reliability coefficients, each under its own name."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.omega import OmegaResult, ReliabilityCoefficient
from servlab.estimation.reliability_coefficients import ReliabilityCoefficients
from servlab.estimation.split_half import GuttmanLambdas, SplitHalf
from servlab.presentation.formats import format_count
from servlab.presentation.labels import (
    conf_text,
    dropped_note,
    keying_note,
    names_in_sentence,
    near_note,
    rows_notes,
)
from servlab.presentation.messages import message
from servlab.presentation.narrative.reliability import (
    omega_flags,
    one_factor_flags,
    reported,
    single_flags,
)
from servlab.presentation.result_tables.build import (
    heading,
    labelled,
    sentences,
    with_interval,
)
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.result_tables.structure import SHORT_LABEL
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Mark, Table
from servlab.scales.scoring import OVERALL_ITEMS

MAIN = ("alpha", "alpha_standardized", "congeneric_omega", "categorical_omega")
MORE = ("polychoric_alpha", "split_half_mean", "split_half_lowest", "odd_even", "lambda2",
        "lambda4", "lambda6")  # fmt: skip
OMEGAS = ("congeneric_omega", "categorical_omega")


@table.register
def coefficients_table(
    result: ReliabilityCoefficients,
    *,
    language: Language = "en",
    part: Literal["main", "more"] = "main",
) -> Table:
    """Show alpha and the omegas by dimension, or the further coefficients."""
    check_choice("part", part, ("main", "more"))
    names = MAIN if part == "main" else MORE
    rows = with_interval(result.by_term)
    shown = {"n_items": heading("n_items", language)}
    shown |= {name: message(f"reliability.name_{name}", language) for name in names}
    if part == "main":
        level = conf_text(result.conf_level)
        shown = _after(shown, "alpha", "interval", heading("interval", language, level=level))
    shown["n"] = heading("n", language)
    forms = dict.fromkeys(shown, "correlation3") | {"n_items": "count", "n": "count"}
    forms |= {"interval": "interval_correlation3"} if part == "main" else {}
    battery = message(f"terms.battery_{result.battery}", language)
    return Table(
        labelled(rows, result.instrument, language),
        caption=message(f"reliability.{part}_caption", language, battery=battery),
        headings=shown,
        formats=forms,
        row_header=heading("dimension", language),
        notes=_coefficient_notes(result, part, language),
        language=language,
        marks={name: _marks(result, name) for name in names},
        standards=dict.fromkeys(names, threshold("reliability")) if part == "main" else {},
    )


def _after(shown: dict[str, str], name: str, new: str, words: str) -> dict[str, str]:
    """Return headings with a new column behind another one."""
    pairs = [
        [(key, value), *([(new, words)] if key == name else [])] for key, value in shown.items()
    ]
    return dict(pair for group in pairs for pair in group)


def _marks(result: ReliabilityCoefficients, name: str) -> list[Mark]:
    """Mark a Heywood case, what falls short, and the coefficient to report."""
    marks: list[Mark] = []
    chosen = reported(result)
    doubtful = {*result.heywood, *result.inadmissible, *result.misfit}
    for code, value in result.by_term[name].items():
        to_report = chosen.get(str(code)) == name
        short = to_report and not standard("reliability").met_by(value)
        if short or (name in OMEGAS and str(code) in doubtful):
            marks.append("bad")
        else:
            marks.append("strong" if to_report else "")
    return marks


def _coefficient_notes(
    result: ReliabilityCoefficients, part: str, language: Language
) -> tuple[str, ...]:
    left_out = names_in_sentence(list(result.left_out), result.instrument, language)
    whole = OVERALL_ITEMS in result.by_term.index and (
        result.by_term.loc[[OVERALL_ITEMS], list(OMEGAS)].isna().all(axis=None)
    )
    return sentences(
        [
            *one_factor_flags(result, language),
            standard_note(["reliability"], language),
            message(f"reliability.{part}_note", language),
            message("reliability.whole_note", language) if whole and part == "main" else "",
            message("reliability.sparse", language) if result.sparse else "",
            message("reliability.left_out", language, names=left_out) if left_out else "",
            *rows_notes(result.by_term, language),
        ]
    )


@table.register
def omega_table(
    result: OmegaResult,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    part: Literal["coefficients", "loadings"] = "coefficients",
) -> Table:
    """Show omega total and hierarchical, or the Schmid-Leiman loadings behind them."""
    check_choice("part", part, ("coefficients", "loadings"))
    if part == "loadings":
        return _schmid_leiman(result, instrument, language)
    values = {
        "omega_total": result.total,
        "omega_hierarchical": result.hierarchical,
        "omega_asymptotic": result.asymptotic,
        "explained_common": result.explained_common,
        "alpha_standardized": result.alpha,
    }
    frame = pd.DataFrame(
        {"estimate": list(values.values())},
        index=[message(f"reliability.name_{name}", language) for name in values],
    )
    marks = [_omega_mark(name, value) for name, value in values.items()]
    return Table(
        frame,
        caption=message("reliability.omega_caption", language),
        headings={"estimate": message("reliability.omega_value", language)},
        formats={"estimate": "correlation3"},
        row_header=message("reliability.omega_row", language),
        notes=_omega_notes(result, instrument, language),
        language=language,
        strong_rows=(0, 1),
        marks={"estimate": marks},
    )


def _omega_mark(name: str, value: float) -> Mark:
    limits = {"omega_total": "reliability", "omega_hierarchical": "omega_hierarchical"}
    known = name in limits and value == value
    return "bad" if known and not standard(limits[name]).met_by(value) else ""


def _omega_notes(
    result: OmegaResult, instrument: Instrument | None, language: Language
) -> tuple[str, ...]:
    return sentences(
        [
            *omega_flags(result, instrument, language),
            standard_note(["reliability", "omega_hierarchical"], language),
            message("reliability.omega_note", language, count=len(result.groups)),
            message("reliability.omega_latent", language) if result.kind == "polychoric" else "",
            message("terms.n_total", language, n=format_count(result.n)),
            dropped_note(result.n_dropped, language),
            *near_note(result, language),
        ]
    )


def _schmid_leiman(result: OmegaResult, instrument: Instrument | None, language: Language) -> Table:
    groups = list(result.groups.index)
    shown = {"g": message("reliability.omega_general", language)}
    for place, name in enumerate(groups):
        shown[name] = message("reliability.omega_group", language, number=str(place + 1))
    shown["communality"] = heading("communality", language)
    shown["uniqueness"] = heading("uniqueness", language)
    shown["general_share"] = message("reliability.omega_share", language)
    salient = standard("loading").value
    marks: dict[str, list[Mark]] = {
        name: ["strong" if abs(v) >= salient else "weak" for v in result.loadings[name]]
        for name in ("g", *groups)
    }
    marks["uniqueness"] = [
        "bad" if code in result.heywood else "" for code in result.loadings.index
    ]
    return Table(
        labelled(result.loadings, instrument, language, width=SHORT_LABEL),
        caption=message("reliability.omega_loadings_caption", language),
        headings=shown,
        formats=dict.fromkeys(shown, "correlation"),
        row_header=heading("item", language),
        notes=sentences(
            [
                *omega_flags(result, instrument, language),
                standard_note(["loading"], language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        marks=marks,
    )


@table.register
def coefficient_table(
    result: ReliabilityCoefficient,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
) -> Table:
    """Show one reliability coefficient under its own name."""
    name = message(f"reliability.name_{result.coefficient}", language)
    short = bool(result.heywood) or not standard("reliability").met_by(result.estimate)
    return Table(
        pd.DataFrame({"estimate": [result.estimate]}, index=[name]),
        caption=message("reliability.single_caption", language, name=name),
        headings={"estimate": message("reliability.omega_value", language)},
        formats={"estimate": "correlation3"},
        row_header=message("reliability.omega_row", language),
        notes=sentences(
            [
                *single_flags(result, instrument, language),
                *near_note(result, language),
                standard_note(["reliability"], language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        marks={"estimate": ["bad" if short else ""]},
        standards={"estimate": threshold("reliability")},
    )


@table.register
def halves_table(result: SplitHalf, *, language: Language = "en") -> Table:
    """Show the reliabilities of the splits into halves."""
    rows = result.tidy()
    drawn = "_drawn" if result.drawn else ""
    names = [f"{t}{drawn}" if t in ("lowest", "highest") else t for t in rows["term"]]
    return Table(
        rows.set_axis([message(f"reliability.halves_{name}", language) for name in names]),
        caption=message(
            f"reliability.halves_caption{drawn}", language, count=format_count(result.n_splits)
        ),
        headings={"estimate": message("reliability.omega_value", language)},
        formats={"estimate": "correlation3"},
        row_header=message("reliability.halves_row", language),
        notes=_basis_notes(result, language),
        language=language,
        standards={"estimate": threshold("reliability")},
    )


@table.register
def lambdas_table(result: GuttmanLambdas, *, language: Language = "en") -> Table:
    """Show Guttman's six bounds."""
    names = [
        message("reliability.lambdas_lambda", language, number=str(name).removeprefix("lambda"))
        for name in result.by_term.index
    ]
    return Table(
        result.by_term.to_frame("estimate").set_axis(names),
        caption=message("reliability.lambdas_caption", language),
        headings={"estimate": message("reliability.omega_value", language)},
        formats={"estimate": "correlation3"},
        row_header=message("reliability.lambdas_row", language),
        notes=(message("reliability.lambdas_note", language), *_basis_notes(result, language)),
        language=language,
        standards={"estimate": threshold("reliability")},
    )


def _basis_notes(result: SplitHalf | GuttmanLambdas, language: Language) -> tuple[str, ...]:
    return (
        standard_note(["reliability"], language),
        message("terms.n_total", language, n=format_count(result.n)),
        dropped_note(result.n_dropped, language),
        *keying_note(result, None, language),
        *near_note(result, language),
    )
