"""Tables of measurement invariance: the ladder, what breaks it, latent means."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.presentation.formats import format_correlation, format_count
from servlab.presentation.labels import dropped_note, listed
from servlab.presentation.latent_words import (
    Names,
    battery_name,
    labels_in_sentence,
    level_words,
    term_words,
    variable_name,
)
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import sentences
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.result_tables.latent import flag_sentences
from servlab.presentation.tables import Mark, Table

Show = Literal["ladder", "violations", "means"]
SHOWN: tuple[Show, ...] = ("ladder", "violations", "means")
MOST_VIOLATIONS = 10
_LADDER = {
    "verdict": "text", "chi2": "number", "df": "count", "cfi": "correlation3",
    "cfi_change": "signed3", "rmsea": "correlation3", "rmsea_change": "signed3",
    "srmr": "correlation3", "srmr_change": "signed3", "chi2_diff": "number", "df_diff": "count",
    "p_diff": "p",
}  # fmt: skip
_PLAIN = {"cfi": "CFI", "rmsea": "RMSEA", "srmr": "SRMR"}


@table.register
def invariance_table(
    result: InvarianceResult,
    *,
    language: Language = "en",
    show: Show = "ladder",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Table:
    """Show the ladder of invariance, the equalities that break it, or the latent means."""
    check_choice("show", show, SHOWN)
    if show == "violations":
        return _violations(result, language, survey or instrument)
    return (_means if show == "means" else _ladder)(result, language, survey or instrument)


def _ladder(result: InvarianceResult, language: Language, _names: Names) -> Table:
    """Show every model with its comparison, the exploratory ones apart."""
    frame = result.tidy()
    verdicts = [
        _verdict(row.holds, bool(row.disputed), bool(row.accepted)) for row in frame.itertuples()
    ]
    if result.configural_misfit:
        verdicts[0] = "misfit"
    frame["verdict"] = [message(f"invariance.verdict_{v}", language) for v in verdicts]
    labels = [_label(row, language) for row in frame.itertuples()]
    n_full = len(result.climb.full)
    kinds = ["full"] * n_full + ["partial"] * (len(frame) - n_full)
    several = "partial" in kinds
    heads = {name: message(f"invariance.group_{name}", language) for name in ("full", "partial")}
    own = {n: _PLAIN.get(n) or message(f"invariance.col_{n}", language) for n in _LADDER}
    marks: list[Mark] = [
        "bad" if v in ("fails", "unreached", "misfit") else "strong" if v == "disputed" else ""
        for v in verdicts
    ]
    return Table(
        frame.set_axis(labels),
        caption=message(
            f"invariance.caption_{result.over}",
            language,
            labels=labels_in_sentence(result, language),
        ),
        headings=own,
        formats=_LADDER,
        row_header=message("invariance.col_model", language),
        notes=sentences(_ladder_notes(result, "disputed" in verdicts, language)),
        language=language,
        row_groups=[heads[kind] for kind in kinds] if several else (),
        marks={"verdict": marks},
    )


def _verdict(holds: object, disputed: bool, accepted: bool) -> str:
    """Return the word for a row: what the rule says, once the levels under it are looked at."""
    if holds is None:
        return "base"
    if not holds:
        return "fails"
    if not accepted:
        return "unreached"
    return "disputed" if disputed else "holds"


def _label(row: object, language: Language) -> str:
    """Return the name of a model, with its free terms."""
    level = str(getattr(row, "term", "")).removeprefix("partial ")
    name = message(f"invariance.{level}", language)
    freed = str(getattr(row, "freed", ""))
    if not freed:
        return name
    words = [term_words(term, None, language) for term in freed.split(", ")]  # codes alone fit
    terms = listed(words, language, most=4)
    return message("invariance.partial", language, level=name, terms=terms)


def _ladder_notes(result: InvarianceResult, disputed: bool, language: Language) -> list[str]:
    """Return the rule with its source, and what qualifies the comparison."""
    metric, scalar = result.limits("metric"), result.limits("scalar")
    values: dict[str, str] = {}
    if metric is not None and scalar is not None:
        values["cfi"] = format_correlation(metric.cfi, 3)
        if metric.rmsea is not None:
            values |= {
                "rmsea": format_correlation(metric.rmsea, 3),
                "srmr_metric": format_correlation(metric.srmr, 3),
                "srmr": format_correlation(scalar.srmr, 3),
                "n": format_count(result.n),
            }
    return [
        message(f"invariance.rule_{result.rule}", language, **values),
        message("invariance.disputed_note", language) if disputed else "",
        message("invariance.scaled_note", language) if result.form == "robust" else "",
        message("latent.not_calibrated", language),
        *flag_sentences(result.flags, language),
        message("terms.n_total", language, n=format_count(result.n)),
        dropped_note(result.n_dropped, language),
    ]


def _violations(result: InvarianceResult, language: Language, names: Names) -> Table:
    """Show the score tests of the levels that failed."""
    frame = result.violations
    shown = pd.concat(
        [rows.head(MOST_VIOLATIONS) for _, rows in frame.groupby("step", sort=False)] or [frame]
    )
    note = "violations_note" if len(shown) else "violations_none"
    return Table(
        shown.set_axis([term_words(str(t), names, language) for t in shown["term"]]),
        caption=message("invariance.violations_caption", language),
        headings={"statistic": "χ²", "df": "df", "p_value": "p"},
        formats={"statistic": "number", "df": "count", "p_value": "p"},
        row_header=message("invariance.col_term", language),
        notes=(message(f"invariance.{note}", language),),
        language=language,
        row_groups=[level_words(str(step), language) for step in shown["step"]],
    )


def _means(result: InvarianceResult, language: Language, names: Names) -> Table:
    """Show latent means against the reference; a table without rows says why there are none."""
    reference = battery_name(result.labels[0], language)
    frame = result.means if result.means is not None else pd.DataFrame(columns=_MEANS)
    pairs = list(zip(frame["conf_low"], frame["conf_high"], strict=True))
    frame = frame.assign(interval=pd.Series(pairs, index=frame.index, dtype=object))
    frame["group"] = [battery_name(str(g), language) for g in frame["group"]]
    refused = "" if result.means is not None else message("invariance.means_refused", language)
    kind = "group" if result.over == "groups" else "battery"
    return Table(
        frame.set_axis([variable_name(str(f), names, language) for f in frame["factor"]]),
        caption=message("invariance.means_caption", language, reference=reference),
        headings={
            "group": message(f"invariance.col_{kind}", language),
            "estimate": message("invariance.col_mean", language),
            "std_error": message("terms.col_std_error", language),
            "interval": message("latent.col_interval95", language),
            "p_value": "p",
            "effect_size": message("invariance.col_effect", language),
        },
        formats={
            "group": "text", "estimate": "signed", "std_error": "number", "interval": "interval",
            "p_value": "p", "effect_size": "signed",
        },
        row_header=message("invariance.col_factor", language),
        notes=sentences(
            [refused]
            if refused
            else [
                *flag_sentences(result.flags, language),
                message("invariance.means_note", language, reference=reference),
            ]
        ),
        language=language,
    )  # fmt: skip


_MEANS = (
    "factor", "group", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    "effect_size",
)  # fmt: skip
