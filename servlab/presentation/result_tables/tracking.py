"""Tables of waves compared: changes raw and at a fixed mix, means and trends, mix, limits."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_limits import WaveLimits
from servlab.estimation.comparison.waves import WaveComparison
from servlab.presentation.formats import format_range
from servlab.presentation.labels import plain, variable_label
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import heading, sentences
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.result_tables.tracking_changes import (
    adjusted_table,
    changes_table,
    items_table,
    score_name,
    term_names,
)
from servlab.presentation.tables import Table
from servlab.presentation.wave_words import (
    levels_shown,
    main_rows,
    provisional,
    wave_flags,
    wave_label,
    wave_term,
)

Show = Literal["changes", "adjusted", "items", "means", "composition"]
SHOWN: tuple[Show, ...] = ("changes", "adjusted", "items", "means", "composition")


@table.register
def tracking_table(
    result: WaveComparison,
    *,
    language: Language = "en",
    survey: Survey | None = None,
    show: Show = "changes",
    level: Literal["main", "item"] = "main",
) -> Table:
    """Show what ``show`` names, for scores and outcomes or (``level="item"``) items.

    ``changes``: every change with its test, the adjusted one beside it; ``adjusted``: both
    adjustments beside the raw change of the same respondents; ``items``: a line an item, its
    newest changes; ``means`` with their trend; ``composition``: who answered in each wave.
    """
    check_choice("show", show, SHOWN)
    check_choice("level", level, ("main", "item"))
    if show == "composition":
        return _composition(result, language, survey)
    if show == "items":
        return items_table(result, language, survey)
    make = {"changes": changes_table, "adjusted": adjusted_table, "means": _means}[show]
    return make(result, language, survey, ("item",) if level == "item" else levels_shown(result))


def _means(
    result: WaveComparison, language: Language, survey: Survey | None, levels: tuple[str, ...]
) -> Table:
    rows = main_rows(result.by_wave, levels)
    places = list(dict.fromkeys(zip(rows["level"], rows["term"], strict=True)))
    wide = rows.pivot_table(
        index=["level", "term"], columns="wave", values="estimate", sort=False, dropna=False
    ).loc[places]
    shown = [w for w in result.waves if w in wide and wide[w].notna().any()]
    trends = result.trends.set_index(["level", "term"]).loc[places]
    frame = wide[shown].rename(columns={w: f"w{k}" for k, w in enumerate(shown)})
    words = {f"w{k}": wave_label(w, result, survey, language) for k, w in enumerate(shown)}
    formats = dict.fromkeys(words, "number")
    if trends["estimate"].notna().any():
        frame = frame.assign(slope=trends["estimate"], slope_p=trends["p_adjusted"])
        words["slope"] = message("tracking.col_slope", language)
        words["slope_p"] = message("tracking.col_slope_p", language)
        formats |= {"slope": "signed3", "slope_p": "p"}
    labels = [wave_term(str(level), str(term), result, language) for level, term in places]
    return Table(
        frame.set_axis(pd.Index(labels, dtype=object)),
        caption=message("tracking.caption_means", language, score=score_name(result, language)),
        headings=words,
        formats=formats,
        row_header=heading("term", language),
        notes=sentences(wave_flags(result, language, survey)),
        language=language,
    )


def _composition(result: WaveComparison, language: Language, survey: Survey | None) -> Table:
    if result.composition.empty:
        raise ModelError("who answered needs covariates; give them as adjust= to compare_waves.")
    wide = result.composition.pivot_table(
        index=["term", "group"], columns="wave", values="share", sort=False, dropna=False
    )
    # keeping empty shares, the pivot crosses every covariate with the values of all others
    wide = wide.loc[pd.MultiIndex.from_frame(result.composition[["term", "group"]]).unique()]
    shown = [w for w in result.waves if w in wide]
    frame = wide[shown].rename(columns={w: f"w{k}" for k, w in enumerate(shown)})
    labels = [
        plain(g if survey is None else survey.value_label(str(t), g, language))
        for t, g in wide.index
    ]
    return Table(
        frame.set_axis(pd.Index(labels, dtype=object)),
        caption=message("tracking.caption_composition", language),
        headings={f"w{k}": wave_label(w, result, survey, language) for k, w in enumerate(shown)},
        formats={f"w{k}": "share" for k in range(len(shown))},
        row_header=heading("group", language),
        notes=sentences(wave_flags(result, language, survey)),
        language=language,
        row_groups=[variable_label(str(t), survey, language) for t, _ in wide.index],
    )


@table.register
def limits_table(result: WaveLimits, *, language: Language = "en") -> Table:
    """Show each wave of overall score, dimensions and outcomes against its limits."""
    rows = (
        main_rows(result.limits, levels_shown(result))
        .dropna(subset=["estimate"])
        .reset_index(drop=True)
    )
    rows["limits"] = list(zip(rows["limit_low"], rows["limit_high"], strict=True))
    rows["cusum"] = [
        format_range(up, down, 1) if pd.notna(up) else ""
        for up, down in zip(rows["cusum_high"], rows["cusum_low"], strict=True)
    ]
    columns = {"estimate": "number", "centre": "number", "limits": "interval", "z": "signed"}
    columns |= {"cusum": "text", "n_before": "count"}
    names = {"estimate": "mean", "n_before": "before"}
    sigmas = f"{result.sigmas:g}"
    notes = [message("tracking.limits_note", language, sigmas=sigmas)]
    if result.provisional:
        notes.append(provisional(language))
    return Table(
        rows.set_axis(pd.Index([plain(str(w)) for w in rows["wave"]], dtype=object)),
        caption=message("tracking.caption_limits", language, score=score_name(result, language)),
        headings={c: message(f"tracking.col_{names.get(c, c)}", language) for c in columns},
        formats=columns,
        row_header=message("tracking.col_wave", language),
        notes=tuple(notes),
        language=language,
        row_groups=term_names(rows, result, language),
        marks={"estimate": ["bad" if out else "" for out in rows["signal"]]},
    )
