"""Tables of a latent variable model: fit, loadings, correlations of factors, paths."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.checks import check_choice
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.factor_reliability import FactorReliability
from servlab.estimation.latent.result import LatentFit
from servlab.presentation.formats import format_count
from servlab.presentation.labels import dropped_note, listed, plain
from servlab.presentation.latent_words import (
    Names,
    effect_name,
    explained,
    variable_in_sentence,
    variable_name,
)
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import sentences, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Mark, Table

Show = Literal["loadings", "fit", "factors", "structure"]
SHOWN: tuple[Show, ...] = ("loadings", "fit", "factors", "structure")
FIT_STANDARDS = ("chi2_df", "cfa_cfi", "cfa_tli", "cfa_rmsea", "cfa_srmr")
FLAGS = (
    "heywood", "inadmissible", "indefinite", "small_sample", "naive_errors", "bound", "weighted",
    "clustered", "configural_misfit",
)  # fmt: skip
_COLUMNS = {
    "estimate": "number3", "std_error": "number3", "statistic": "number", "p_value": "p",
    "std_all": "correlation3", "interval": "interval3", "r_squared": "correlation3",
}  # fmt: skip


@table.register
def factor_reliability_table(
    result: FactorReliability,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Table:
    """Show the omega of each factor."""
    rows = result.by_factor
    names = survey or instrument
    several = len({*rows["group"]}) > 1
    labels = [variable_name(str(name), names, language) for name in rows["factor"]]
    omegas = ("reliability", "reliability_observed")
    weak = {n: [not standard("reliability").met_by(v) for v in rows[n]] for n in omegas}
    return Table(
        rows.set_axis(labels),
        caption=message("latent.reliability_caption", language),
        headings={
            "n_items": message("terms.col_n_items", language),
            "reliability": message("latent.col_omega", language),
            "reliability_observed": message("latent.col_omega_observed", language),
        },
        formats={"n_items": "count", **dict.fromkeys(omegas, "correlation3")},
        row_header=message("invariance.col_factor", language),
        notes=sentences(
            [
                standard_note(["reliability"], language),
                message("latent.reliability_note", language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        row_groups=[plain(str(g)) for g in rows["group"]] if several else (),
        marks={name: ["bad" if w else "" for w in weak[name]] for name in omegas},
        standards=dict.fromkeys(omegas, threshold("reliability")),
    )


@table.register
def latent_table(
    result: LatentFit,
    *,
    language: Language = "en",
    show: Show = "loadings",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Table:
    """Show a fitted model: its loadings, fit, factor correlations or paths."""
    check_choice("show", show, SHOWN)
    makers: dict[str, Callable[[LatentFit, Language, Names], Table]] = {
        "loadings": _loadings,
        "fit": _fit,
        "factors": _factors,
        "structure": _structure,
    }
    return makers[show](result, language, survey or instrument)


def model_notes(fit: LatentFit, language: Language) -> list[str]:
    """Return the sentences under every table of a model: how it was estimated, what to mistrust."""
    kind = {"standard": "standard", "robust.cluster": "cluster"}.get(fit.std_errors, "robust")
    estimated = message(
        "latent.estimated",
        language,
        estimator=fit.estimator,
        missing=message(f"latent.missing_{fit.missing}", language),
        std_errors=message(f"latent.errors_{kind}", language),
    )
    return [
        estimated,
        *flag_sentences(fit.flags, language),
        message("terms.n_total", language, n=format_count(fit.n)),
        dropped_note(fit.n_dropped, language),
    ]


def flag_sentences(flags: tuple[str, ...], language: Language) -> list[str]:
    """Return what a reader must be told, worst first, without bold."""
    return [
        message(f"latent.flag_{flag}", language).replace("**", "")
        for flag in FLAGS
        if flag in flags
    ]


def _fit(fit: LatentFit, language: Language, _names: Names) -> Table:
    """Show the fit measures, a row a form, over their standards."""
    measures = fit.fit_measures
    rows = {message("latent.form_plain", language): _form(fit, "")}
    if "chisq.scaled" in measures.index:
        rows[message("latent.form_scaled", language)] = _form(fit, ".scaled")
    if "cfi.robust" in measures.index:
        rows[message("latent.form_robust", language)] = _form(fit, ".robust")
    frame = pd.DataFrame.from_dict(rows, orient="index")
    return Table(
        frame,
        caption=message("latent.fit_caption", language),
        headings={
            "chi2": "χ²", "df": "df", "p_value": "p", "chi2_df": "χ²/df", "cfi": "CFI",
            "tli": "TLI", "rmsea": "RMSEA", "srmr": "SRMR",
            "interval": message("latent.col_interval90", language),
        },
        formats={
            "chi2": "number", "df": "count", "p_value": "p", "chi2_df": "number",
            "cfi": "correlation3", "tli": "correlation3", "rmsea": "correlation3",
            "srmr": "correlation3", "interval": "interval_correlation3",
        },
        row_header=message("latent.col_form", language),
        notes=sentences(
            [
                standard_note(FIT_STANDARDS, language),
                message("latent.not_calibrated", language),
                *model_notes(fit, language),
            ]
        ),
        language=language,
        standards={name.removeprefix("cfa_"): threshold(name) for name in FIT_STANDARDS},
        marks=_fit_marks(frame),
    )  # fmt: skip


def _form(fit: LatentFit, suffix: str) -> dict[str, object]:
    """Return the measures of one form; what a form does not have is missing."""

    def get(name: str) -> float:
        return float(fit.fit_measures.get(f"{name}{suffix}", np.nan))

    chi2, df = get("chisq"), get("df")
    pair = (get("rmsea.ci.lower"), get("rmsea.ci.upper"))
    return {
        "chi2": chi2,
        "df": df,
        "p_value": get("pvalue"),
        "chi2_df": chi2 / df if df else np.nan,
        "cfi": get("cfi"),
        "tli": get("tli"),
        "rmsea": get("rmsea"),
        "interval": pair if np.isfinite(pair[0]) else (np.nan, np.nan),
        "srmr": get("srmr"),
    }


def _fit_marks(frame: pd.DataFrame) -> dict[str, list[Mark]]:
    """Mark the measures that miss their standard."""
    marks: dict[str, list[Mark]] = {}
    for name in FIT_STANDARDS:
        column = name.removeprefix("cfa_")
        marks[column] = [
            "bad" if np.isfinite(value) and not standard(name).met_by(float(value)) else ""
            for value in frame[column]
        ]
    return marks


def _loadings(fit: LatentFit, language: Language, names: Names) -> Table:
    """Show the loadings, grouped by factor."""
    frame = fit.tidy()
    rows = frame[frame["op"] == "=~"].copy()
    shares = explained(fit)
    rows["r_squared"] = [
        shares.get((lhs, group), np.nan)
        for lhs, group in zip(rows["rhs"], rows["group"], strict=True)
    ]
    groups = [
        _grouped(variable_name(str(lhs), names, language), str(group), fit, language)
        for lhs, group in zip(rows["lhs"], rows["group"], strict=True)
    ]
    weak = [abs(value) < standard("std_loading").value for value in rows["std_all"]]
    labels = [variable_name(str(name), names, language) for name in rows["rhs"]]
    return Table(
        _fixed_as_missing(rows).set_axis(labels),
        caption=message("latent.loadings_caption", language),
        headings={
            "estimate": message("latent.col_loading", language),
            "std_error": message("terms.col_std_error", language),
            "statistic": message("latent.col_z", language),
            "p_value": "p",
            "std_all": message("latent.col_std", language),
            "r_squared": message("latent.col_r2", language),
        },
        formats=_COLUMNS,
        row_header=message("terms.col_item", language),
        notes=sentences(
            [
                standard_note(["std_loading"], language),
                message("latent.loadings_note", language),
                *model_notes(fit, language),
            ]
        ),
        language=language,
        row_groups=groups,
        marks={"std_all": ["bad" if w else "" for w in weak]},
        standards={"std_all": threshold("std_loading")},
    )


def _grouped(name: str, group: str, fit: LatentFit, language: Language) -> str:
    """Return a heading of rows, with the group where there are several."""
    if fit.n_groups == 1:
        return name
    return message("latent.in_group", language, name=name, group=plain(group))


def _fixed_as_missing(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose fixed parameters have no error."""
    return rows.assign(std_error=rows["std_error"].where(rows["std_error"] > 0))


def _factors(fit: LatentFit, language: Language, names: Names) -> Table:
    """Show the correlations of the factors with their intervals."""
    from servlab.estimation.latent.standardize import standardized_solution

    frame = standardized_solution(fit)
    latent = {*fit.latent}
    hidden = frame["lhs"].isin(latent) & frame["rhs"].isin(latent)
    rows = with_interval(frame[(frame["op"] == "~~") & hidden & (frame["lhs"] != frame["rhs"])])
    labels = [
        _grouped(
            f"{variable_name(str(a), names, language)} – {variable_name(str(b), names, language)}",
            str(group),
            fit,
            language,
        )
        for a, b, group in zip(rows["lhs"], rows["rhs"], rows["group"], strict=True)
    ]
    limit = standard("factor_cor").value
    return Table(
        _fixed_as_missing(rows).set_axis(labels),
        caption=message("latent.factors_caption", language),
        headings={
            "estimate": message("latent.col_cor", language),
            "std_error": message("terms.col_std_error", language),
            "interval": message("latent.col_interval95", language),
            "p_value": "p",
        },
        formats=_COLUMNS | {"estimate": "correlation3", "interval": "interval_correlation3"},
        row_header=message("latent.col_pair", language),
        notes=sentences([standard_note(["factor_cor"], language), *model_notes(fit, language)]),
        language=language,
        marks={"estimate": ["bad" if abs(v) >= limit else "" for v in rows["estimate"]]},
        standards={"estimate": threshold("factor_cor")},
    )


def _structure(fit: LatentFit, language: Language, names: Names) -> Table:
    """Show the paths and the defined parameters."""
    frame = fit.tidy()
    rows = with_interval(frame[frame["op"].isin(["~", ":="])])
    shares = explained(fit)
    rows["r_squared"] = [
        shares.get((lhs, group), np.nan)
        for lhs, group in zip(rows["lhs"], rows["group"], strict=True)
    ]
    labels = [
        path_label(row, names, language)
        for row in rows[["lhs", "op", "rhs"]].itertuples(index=False)
    ]
    kinds = {
        op: message(f"latent.group_{name}", language)
        for op, name in (("~", "structure"), (":=", "defined"))
    }
    groups = [
        _grouped(kinds[str(op)], str(g), fit, language) if op == "~" else kinds[str(op)]
        for op, g in zip(rows["op"], rows["group"], strict=True)
    ]
    return Table(
        _fixed_as_missing(rows).set_axis(labels),
        caption=message("latent.structure_caption", language),
        headings={
            "estimate": message("terms.col_estimate", language),
            "std_error": message("terms.col_std_error", language),
            "interval": message("latent.col_interval95", language),
            "p_value": "p",
            "std_all": message("latent.col_std", language),
            "r_squared": message("latent.col_r2", language),
        },
        formats=_COLUMNS,
        row_header=message("latent.col_path", language),
        notes=sentences(
            [
                message("latent.structure_note", language),
                *_observed_outcomes(fit, language, names),
                *model_notes(fit, language),
            ]
        ),
        language=language,
        row_groups=groups,
    )


def _observed_outcomes(fit: LatentFit, language: Language, names: Names) -> list[str]:
    """Return the sentence on explained variables that no factor stands for."""
    terms = list(zip(fit.table.lhs, fit.table.op, fit.table.rhs, strict=True))
    hidden = {*fit.latent, *(rhs for _, op, rhs in terms if op == "=~")}
    found = dict.fromkeys(lhs for lhs, op, _ in terms if op == "~" and lhs not in hidden)
    if not found:
        return []
    shown = listed([variable_in_sentence(name, names, language) for name in found], language)
    return [message("latent.observed_outcomes", language, names=shown)]


def path_label(row: tuple[str, str, str], names: Names, language: Language) -> str:
    """Return a path or a defined parameter as a row header."""
    lhs, op, rhs = row
    if op == ":=":
        return message(
            "latent.defined", language, name=effect_name(lhs, language), expression=plain(rhs)
        )
    return message(
        "latent.path",
        language,
        outcome=variable_name(lhs, names, language),
        predictor=variable_name(rhs, names, language),
    )
