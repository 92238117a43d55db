"""Tables of who answered: outcome rates, early and late, modes, raked margins, sample sizes."""

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.mode_effects import ModeEffect
from servlab.estimation.nonresponse import EarlyLate
from servlab.estimation.raking import Raking
from servlab.estimation.response_rates import ResponseRates
from servlab.estimation.survey_sample_size import SampleSize
from servlab.presentation.formats import format_count
from servlab.presentation.labels import conf_text, listed, term_label, variable_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.response import confounded, e_sentence, hidden_modes, mode_label
from servlab.presentation.narrative.weighting import precision
from servlab.presentation.result_tables.build import heading, labelled, sentences, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Table
from servlab.scales.scoring import OVERALL_ITEMS

# What stands over what in each rate, in AAPOR's letters.
MEANING = {
    "RR1": "I / (E + U)",
    "RR2": "(I + P) / (E + U)",
    "RR3": "I / (E + e U)",
    "RR4": "(I + P) / (E + e U)",
    "RR5": "I / E",
    "RR6": "(I + P) / E",
    "COOP1": "I / (I + P + R + O)",
    "COOP2": "(I + P) / (I + P + R + O)",
    "COOP3": "I / (I + P + R)",
    "COOP4": "(I + P) / (I + P + R)",
    "REF1": "R / (E + U)",
    "REF2": "R / (E + e U)",
    "REF3": "R / E",
    "CON1": "(I + P + R + O) / (E + U)",
    "CON2": "(I + P + R + O) / (E + e U)",
    "CON3": "(I + P + R + O) / E",
}


@table.register
def rates_table(result: ResponseRates, *, language: Language = "en") -> Table:
    """Show every outcome rate with what stands over what."""
    names = [str(name) for name in result.rates.index]
    frame = pd.DataFrame(
        {"meaning": [MEANING[name] for name in names], "estimate": result.rates.to_numpy()},
        index=names,
    )
    counts = {str(name): format_count(int(count)) for name, count in result.counts.items()}
    return Table(
        frame,
        caption=message("response.rates_caption", language),
        headings={
            "meaning": message("response.rates_meaning", language),
            "estimate": message("response.rates_value", language),
        },
        formats={"meaning": "text", "estimate": "share1"},
        row_header=message("response.rates_header", language),
        notes=(
            message("response.rates_note", language, n=format_count(result.n), **counts),
            e_sentence(result, language),
        ),
        language=language,
        row_groups=[message(f"response.group_{name[:-1]}", language) for name in names],
    )


@table.register
def early_table(
    result: EarlyLate, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show the means of early and late respondents, Welch's test and Hedges' g."""
    rows = with_interval(result.by_term)
    forms = {"early": "number", "late": "number", "difference": "signed", "interval": "interval"}
    forms |= {"p_value": "p", "p_adjusted": "p", "effect_size": "signed"}
    own = {"early": "early", "late": "late", "difference": "difference"}
    own |= {"p_adjusted": "p_adjusted", "effect_size": "effect_g"}
    level = conf_text(result.conf_level)
    headings = {
        name: message(f"response.{own[name]}", language)
        if name in own
        else heading(name, language, **({"level": level} if name == "interval" else {}))
        for name in forms
    }
    overall = result.by_term.loc[OVERALL_ITEMS].to_dict()
    order = (
        message("response.order_file", language)
        if result.order == "file"
        else variable_label(result.order, survey, language)
    )
    note = message(
        "response.early_note",
        language,
        early=format_count(int(overall["n_early"])),
        late=format_count(int(overall["n_late"])),
        order=order,
        n=format_count(int(overall["n_early"] + overall["n_late"])),
    )
    score = message(f"terms.score_{result.score}", language)
    return Table(
        labelled(rows, result.instrument, language),
        caption=message("response.early_caption", language, score=score),
        headings=headings,
        formats=forms,
        row_header=heading("dimension", language),
        notes=(note,),
        language=language,
        strong_rows=(len(rows) - 1,),
    )


@table.register
def mode_table(
    result: ModeEffect, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show each mode's difference from the most frequent one, plain and adjusted."""
    rows = with_interval(result.by_term)
    forms = {"unadjusted": "signed", "estimate": "signed", "interval": "interval"}
    forms |= {"p_value": "p", "p_adjusted": "p", "effect_size": "signed"}
    own = {"unadjusted": "mode_plain", "estimate": "mode_adjusted", "p_adjusted": "p_adjusted"}
    own |= {"effect_size": "mode_effect"}
    level = conf_text(result.conf_level)
    names = [variable_label(c, survey, language) for c in result.adjusted_for]
    adjusted = listed(names, language) if names else message("response.mode_nothing", language)
    values = {
        "score": message(f"terms.score_{result.score}", language),
        "mode": variable_label(result.mode, survey, language),
        "reference": mode_label(result.reference, result, language, survey),
    }
    return Table(
        rows.set_axis([mode_label(str(g), result, language, survey) for g in rows["group"]]),
        caption=message("response.mode_caption", language, **values),
        headings={
            name: message(f"response.{own[name]}", language)
            if name in own
            else heading(name, language, **({"level": level} if name == "interval" else {}))
            for name in forms
        },
        formats=forms,
        row_header=heading("group", language),
        notes=sentences(
            [
                message("response.mode_note", language, names=adjusted, n=format_count(result.n)),
                *hidden_modes(result, language, survey),
                *confounded(result, language, survey),
            ]
        ),
        language=language,
        row_groups=[term_label(t, result.instrument, language) for t in rows["term"]],
    )


@table.register
def raking_table(
    result: Raking, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show the margins of population and sample, before and after raking."""
    known = survey or result.survey
    rows = result.margins
    labels = [
        value if known is None else known.value_label(name, value, language)
        for name, value in zip(rows["term"], rows["group"], strict=True)
    ]
    columns = ("n", "target", "before", "after")
    values = {"n": format_count(result.n)} | precision(result)
    return Table(
        rows.assign(n=rows["n"].where(rows["n"] >= 0).astype(float)).set_axis(labels),
        caption=message("weighting.caption", language),
        headings={name: message(f"weighting.{name}", language) for name in columns},
        formats={name: "count" if name == "n" else "share1" for name in columns},
        row_header=message("weighting.header", language),
        notes=sentences(
            [
                message("weighting.note", language, count=result.n_rounds, **values),
                message("sample.hidden", language, min_cell=str(result.min_cell))
                if result.suppressed
                else "",
            ]
        ),
        language=language,
        row_groups=[variable_label(name, known, language) for name in rows["term"]],
    )


@table.register
def size_table(result: SampleSize, *, language: Language = "en") -> Table:
    """Show the respondents needed, by group, and the people to invite."""
    rows: dict[str, float] = {"complete": result.n}
    if len(result.per_group) == 2:
        rows |= dict(zip(("first", "second"), result.per_group, strict=True))
    if result.n_invited is not None:
        rows["invited"] = result.n_invited
    return Table(
        pd.DataFrame(
            {"n": list(rows.values())},
            index=[message(f"weighting.row_{name}", language) for name in rows],
        ),
        caption=message("weighting.size_caption", language),
        headings={"n": message("weighting.size_value", language)},
        formats={"n": "count"},
        row_header=message("weighting.size_header", language),
        notes=(message("weighting.size_source", language, n=format_count(result.n)),),
        language=language,
        strong_rows=(0,),
    )
