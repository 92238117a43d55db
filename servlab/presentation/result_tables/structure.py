"""Tables of an exploratory factor analysis: pattern, structure, correlations, variance, fit, ..."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.checks import check_choice
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.efa import EfaResult
from servlab.estimation.efa_scores import loading_advice
from servlab.presentation.formats import format_correlation, format_count, format_share
from servlab.presentation.labels import dropped_note, names_in_sentence, near_note
from servlab.presentation.messages import join_words, message
from servlab.presentation.narrative.factors import closest_factors
from servlab.presentation.result_tables.build import heading, headings, labelled, sentences
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Mark, Table

EfaPart = Literal[
    "loadings", "structure", "factor_cor", "variance", "fit", "residuals", "advice"
]  # fmt: skip
MOST_PAIRS = 10  # residuals shown
SHORT_LABEL = 40  # of items whose full labels stand in the table of loadings


@table.register
def efa_table(
    result: EfaResult,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    part: EfaPart = "loadings",
) -> Table:
    """Show a part of a factor analysis; ``loadings`` is the pattern with communalities.

    ``advice`` has the items that a rule names; ``residuals`` the ten largest.
    """
    check_choice("part", part, tuple(_PARTS))
    return _PARTS[part](result, instrument, language)


def factor_heading(place: int, language: Language) -> str:
    """Return the heading of a factor by its place, counted from 0."""
    return message("terms.factor", language, number=str(place + 1))


def factor_headings(names: pd.Index, language: Language) -> dict[str, str]:
    """Return column -> heading of the factors."""
    return {str(name): factor_heading(place, language) for place, name in enumerate(names)}


def heywood_note(result: EfaResult, instrument: Instrument | None, language: Language) -> list[str]:
    """Return the sentence on Heywood cases; none without them."""
    if not result.heywood:
        return []
    items = names_in_sentence(result.heywood, instrument, language)
    return [message("scale.efa_heywood", language, items=items)]


def _basis(result: EfaResult, language: Language) -> list[str]:
    return [
        message("terms.n_total", language, n=format_count(result.n)),
        dropped_note(result.n_dropped, language),
        *near_note(result, language),
    ]


def _notes(
    result: EfaResult,
    standards: list[str],
    said: list[str],
    instrument: Instrument | None,
    language: Language,
) -> tuple[str, ...]:
    """Return the notes of a part: a Heywood case first, then standards, words, n."""
    return sentences(
        [
            *heywood_note(result, instrument, language),
            standard_note(standards, language),
            *said,
            *_basis(result, language),
        ]
    )


def _loadings(result: EfaResult, instrument: Instrument | None, language: Language) -> Table:
    factors = factor_headings(result.loadings.columns, language)
    frame = result.loadings.assign(
        communality=result.communality, uniqueness=result.uniqueness, complexity=result.complexity
    )
    shown = factors | headings({"communality": "communality", "uniqueness": "uniqueness"}, language)
    shown["complexity"] = message("structure.complexity", language)
    salient = standard("loading").value
    marks: dict[str, list[Mark]] = {
        name: ["strong" if abs(v) >= salient else "weak" for v in result.loadings[name]]
        for name in factors
    }
    marks["uniqueness"] = ["bad" if code in result.heywood else "" for code in frame.index]
    weak = standard("communality").value
    marks["communality"] = ["bad" if v < weak else "" for v in result.communality]
    formats = dict.fromkeys(shown, "correlation") | {"complexity": "number1"}
    return Table(
        labelled(frame, instrument, language),
        caption=message("scale.efa_caption", language, count=len(factors)),
        headings=shown,
        formats=formats,
        row_header=heading("item", language),
        notes=_notes(
            result,
            ["loading", "cross_loading", "communality"],
            _loading_words(result, language),
            instrument,
            language,
        ),
        language=language,
        marks=marks,
        standards=dict.fromkeys(factors, threshold("loading"))
        | {"communality": threshold("communality")},
    )


def _loading_words(result: EfaResult, language: Language) -> list[str]:
    cor = closest_factors(result)
    return [
        message(
            "scale.efa_note",
            language,
            extraction=message(f"scale.extraction_{result.extraction}", language),
            rotation=message(f"scale.rotation_{result.rotation}", language),
            share=format_share(float(result.variance["proportion"].sum())),
        ),
        "" if cor is None else message("scale.efa_cor_high", language, cor=format_correlation(cor)),
        message("structure.complexity_note", language),
    ]


def _structure(result: EfaResult, instrument: Instrument | None, language: Language) -> Table:
    factors = factor_headings(result.structure.columns, language)
    return Table(
        labelled(result.structure, instrument, language, width=SHORT_LABEL),
        caption=message("structure.structure_caption", language),
        headings=factors,
        formats=dict.fromkeys(factors, "correlation"),
        row_header=heading("item", language),
        notes=_notes(
            result, [], [message("structure.structure_note", language)], instrument, language
        ),
        language=language,
    )


def _factor_cor(result: EfaResult, instrument: Instrument | None, language: Language) -> Table:
    factors = factor_headings(result.factor_cor.columns, language)
    limit = standard("factor_cor")
    cor = result.factor_cor
    marks: dict[str, list[Mark]] = {
        str(name): [
            "bad" if other != name and not limit.met_by(abs(value)) else ""
            for other, value in cor[name].items()
        ]
        for name in cor
    }
    return Table(
        cor.set_axis(list(factors.values())),
        caption=message("structure.cor_caption", language),
        headings=factors,
        formats=dict.fromkeys(factors, "correlation"),
        row_header=message("structure.variance_row", language),
        notes=_notes(result, ["factor_cor"], [], instrument, language),
        language=language,
        marks=marks,
    )


def _variance(result: EfaResult, instrument: Instrument | None, language: Language) -> Table:
    columns = ("ss_loadings", "proportion", "cumulative")
    return Table(
        result.variance.set_axis(
            [factor_heading(place, language) for place in range(result.n_factors)]
        ),
        caption=message("structure.variance_caption", language),
        headings={name: message(f"structure.variance_{name}", language) for name in columns},
        formats=dict(zip(columns, ("number", "share1", "share1"), strict=True)),
        row_header=message("structure.variance_row", language),
        notes=_notes(result, ["variance_explained"], [], instrument, language),
        language=language,
        standards={"cumulative": threshold("variance_explained")},
    )


def _fit(result: EfaResult, instrument: Instrument | None, language: Language) -> Table:
    values = {
        "chi2": result.chi2,
        "df": result.df,
        "p_value": result.p_value,
        "rmsea": result.rmsea,
        "interval": (result.rmsea_low, result.rmsea_high),
        "tli": result.tli,
        "bic": result.bic,
        "rms": result.rms_residual,
    }
    forms = ("number", "df", "p", "correlation3", "interval_correlation3", "correlation3",
             "number1", "correlation3")  # fmt: skip
    shown = {
        name: message(f"structure.fit_{name}", language) for name in values if name != "p_value"
    }
    shown["p_value"] = heading("p_value", language)
    limits = {"rmsea": "rmsea", "tli": "tli", "rms": "rms_residual"}
    marks: dict[str, list[Mark]] = {
        name: ["bad" if _beyond(values[name], key) else ""] for name, key in limits.items()
    }
    said = [message("structure.fit_note", language)]
    if "polychoric" in result.flags:
        said.append(message("structure.fit_polychoric", language))
    count = result.n_factors
    return Table(
        pd.DataFrame(
            {name: pd.Series([value], dtype=object if name == "interval" else None)
             for name, value in values.items()}
        ).set_axis([message("structure.fit_model", language, count=count)]),
        caption=message("structure.fit_caption", language, count=count),
        headings={name: shown[name] for name in values},
        formats=dict(zip(values, forms, strict=True)),
        row_header=message("structure.fit_row", language),
        notes=_notes(result, ["rmsea", "tli", "rms_residual"], said, instrument, language),
        language=language,
        marks=marks,
        standards={name: threshold(key) for name, key in limits.items()},
    )  # fmt: skip


def _beyond(value: object, name: str) -> bool:
    """Return whether a fit index misses its guide; one that cannot be known does not."""
    return isinstance(value, float) and value == value and not standard(name).met_by(value)


def _residuals(result: EfaResult, instrument: Instrument | None, language: Language) -> Table:
    residual = result.residual.to_numpy()
    rows, cols = np.triu_indices(len(residual), 1)
    values = residual[rows, cols]
    largest = np.argsort(-np.abs(values), kind="stable")[:MOST_PAIRS]
    codes = [str(code) for code in result.residual.index]
    names = [" – ".join(codes[side[i]] for side in (rows, cols)) for i in largest]
    asides = [_pair_labels(codes[rows[i]], codes[cols[i]], instrument, language) for i in largest]
    limit = standard("residual")
    shown = values[largest]
    beyond = float((np.abs(values) > limit.value).mean()) if len(values) else 0.0
    return Table(
        pd.DataFrame(
            {"estimate": shown, "observed": result.moments.cor[rows[largest], cols[largest]]},
            index=names,
        ),
        caption=message("structure.residual_caption", language),
        headings={
            "estimate": message("structure.residual_value", language),
            "observed": message("structure.residual_observed", language),
        },
        formats={"estimate": "correlation3", "observed": "correlation"},
        row_header=message("structure.residual_row", language),
        notes=_notes(
            result,
            ["residual"],
            [
                message(
                    "structure.residual_note",
                    language,
                    share=format_share(beyond),
                    pairs=format_count(len(values)),
                    rms=format_correlation(result.rms_residual, 3),
                )
            ],
            instrument,
            language,
        ),
        language=language,
        row_aside=asides,
        marks={"estimate": ["" if limit.met_by(v) else "bad" for v in shown]},
        standards={"estimate": threshold("residual")},
    )


def _pair_labels(one: str, other: str, instrument: Instrument | None, language: Language) -> str:
    """Return the labels of two items without their codes; nothing where they have none."""
    if instrument is None:
        return ""
    labels = [instrument.label(code, language) for code in (one, other)]
    return " / ".join(labels) if labels != [one, other] else ""


def _advice(result: EfaResult, instrument: Instrument | None, language: Language) -> Table:
    advice = loading_advice(result, primary=standard("loading").value)
    advice = advice[advice["advice"].map(bool)]
    frame = advice.assign(
        factor=[factor_of(str(name), result, language) for name in advice["factor"]],
        rules=[
            join_words([message(f"validation.reason_{r}", language) for r in rules], language)
            for rules in advice["advice"]
        ],
    ).drop(columns="advice")
    names = ("factor", "largest", "second")
    shown = {name: message(f"structure.advice_{name}", language) for name in names}
    shown["communality"] = heading("communality", language)
    shown["rules"] = message("structure.advice_rules", language)
    # three digits: .396 is under .40 and must not read as .40
    forms = dict.fromkeys(shown, "correlation3") | {"factor": "text", "rules": "text"}
    return Table(
        labelled(frame, instrument, language),
        caption=message("structure.advice_caption", language),
        headings=shown,
        formats=forms,
        row_header=heading("item", language),
        notes=_notes(
            result,
            ["loading", "cross_loading", "communality"],
            [message("structure.advice_note", language)],
            instrument,
            language,
        ),
        language=language,
        marks=_advice_marks(advice),
        standards={
            "largest": threshold("loading"),
            "second": threshold("cross_loading"),
            "communality": threshold("communality"),
        },
    )


def _advice_marks(advice: pd.DataFrame) -> dict[str, list[Mark]]:
    rules = {
        "largest": "weak_loading",
        "second": "cross_loading",
        "communality": "weak_communality",
    }
    return {
        column: ["bad" if rule in named else "" for named in advice["advice"]]
        for column, rule in rules.items()
    }


def factor_of(name: str, result: EfaResult, language: Language) -> str:
    """Return how a factor is called: by its place among the columns."""
    return factor_heading(list(result.loadings.columns).index(name), language)


_PARTS: dict[str, Callable[[EfaResult, Instrument | None, Language], Table]] = {
    "loadings": _loadings,
    "structure": _structure,
    "factor_cor": _factor_cor,
    "variance": _variance,
    "fit": _fit,
    "residuals": _residuals,
    "advice": _advice,
}
