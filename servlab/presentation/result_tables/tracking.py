"""Tables of waves compared: changes raw and at a fixed mix, means and trends, mix, limits."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_limits import WaveLimits
from servlab.estimation.comparison.waves import WaveComparison
from servlab.presentation.formats import format_interval, format_number, format_range
from servlab.presentation.labels import conf_text, plain, variable_label
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import heading, sentences, signs, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Table
from servlab.presentation.wave_words import (
    MAIN,
    adjusted_notes,
    main_rows,
    wave_flags,
    wave_label,
    wave_term,
)

Show = Literal["changes", "means", "composition"]
LEVELS = {"main": MAIN, "item": ("item",)}


@table.register
def tracking_table(
    result: WaveComparison,
    *,
    language: Language = "en",
    survey: Survey | None = None,
    show: Show = "changes",
    level: Literal["main", "item"] = "main",
) -> Table:
    """Show changes, means with their trend, or who answered in each wave."""
    check_choice("show", show, ("changes", "means", "composition"))
    check_choice("level", level, tuple(LEVELS))
    if show == "composition":
        return _composition(result, language, survey)
    make = _changes if show == "changes" else _means
    return make(result, language, survey, LEVELS[level])


def _changes(
    result: WaveComparison, language: Language, survey: Survey | None, levels: tuple[str, ...]
) -> Table:
    rows = with_interval(main_rows(result.changes, levels)).reset_index(drop=True)
    if rows.empty:
        raise ModelError("no score has a change to show; another level may have one.")
    conf = conf_text(result.conf_level)
    words = {
        "estimate": message("tracking.col_change", language),
        "interval": message("tracking.col_interval", language, level=conf),
        "p_adjusted": message("tracking.col_p", language),
    }
    formats = {"estimate": "signed", "interval": "interval", "p_adjusted": "p"}
    for method, key in (("standardization", "standardized"), ("raking", "raked")):
        if result.adjusted_for:
            rows[key] = _beside(rows, result.adjusted, method)
            words[key], formats[key] = message(f"tracking.col_{key}", language), "text"
    words["comparable"], formats["comparable"] = (
        message("tracking.col_comparable", language),
        "text",
    )
    rows["comparable"] = [_verdict(v, language) for v in rows["comparable"]]
    labels = [
        message(
            "tracking.step",
            language,
            wave=wave_label(str(w), result, survey, language),
            against=wave_label(str(a), result, survey, language),
        )
        for w, a in zip(rows["wave"], rows["against"], strict=True)
    ]
    how = message(f"tracking.how_{result.p_adjust}", language)
    tested = "tracking.note_test_weighted" if result.weighted else "tracking.note_test"
    return Table(
        rows.set_axis(pd.Index(labels, dtype=object)),
        caption=message(
            "tracking.caption_changes", language, score=_score(result, language), level=conf
        ),
        headings=words,
        formats=formats,
        row_header=message("tracking.col_wave", language),
        notes=sentences(
            [
                message(tested, language, how=how),
                *adjusted_notes(result, language, survey),
                *wave_flags(result, language, survey),
            ]
        ),
        language=language,
        row_groups=_terms(rows, result, language),
        marks={"estimate": signs(rows["conf_low"], rows["conf_high"])},
    )


def _beside(rows: pd.DataFrame, adjusted: pd.DataFrame, method: str) -> list[str]:
    """Return the adjusted change with its interval for each row."""
    part = adjusted[adjusted["method"] == method].set_index(["level", "term", "wave"])
    found = []
    known = {str(key): row for key, row in zip(part.index, part.to_dict("records"), strict=True)}
    for key in zip(rows["level"], rows["term"], rows["wave"], strict=True):
        row = known[str(key)]
        limits = format_interval(row["conf_low"], row["conf_high"])
        there = pd.notna(row["estimate"])
        found.append(f"{format_number(row['estimate'], sign=True)} {limits}" if there else "")
    return found


def _verdict(verdict: str, language: Language) -> str:
    return message(f"waves.{verdict.replace(' ', '_')}", language)


def _score(result: WaveComparison | WaveLimits, language: Language) -> str:
    return message(f"tracking.score_{result.score}", language)


def _terms(
    rows: pd.DataFrame, result: WaveComparison | WaveLimits, language: Language
) -> list[str]:
    return [
        wave_term(str(level), str(term), result, language)
        for level, term in zip(rows["level"], rows["term"], strict=True)
    ]


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
        caption=message("tracking.caption_means", language, score=_score(result, language)),
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
    rows = main_rows(result.limits).dropna(subset=["estimate"]).reset_index(drop=True)
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
        notes.append(message("tracking.provisional", language))
    return Table(
        rows.set_axis(pd.Index([plain(str(w)) for w in rows["wave"]], dtype=object)),
        caption=message("tracking.caption_limits", language, score=_score(result, language)),
        headings={c: message(f"tracking.col_{names.get(c, c)}", language) for c in columns},
        formats=columns,
        row_header=message("tracking.col_wave", language),
        notes=tuple(notes),
        language=language,
        row_groups=_terms(rows, result, language),
        marks={"estimate": ["bad" if out else "" for out in rows["signal"]]},
    )
