"""Tables of changes between waves: tested, at a fixed mix, and item by item."""

from collections.abc import Iterable

import pandas as pd

from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_limits import WaveLimits
from servlab.estimation.comparison.waves import WaveComparison
from servlab.presentation.formats import format_interval, format_number
from servlab.presentation.labels import conf_text
from servlab.presentation.messages import message
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.presentation.result_tables.build import heading, sentences, signs, with_interval
from servlab.presentation.tables import Mark, Table
from servlab.presentation.wave_words import (
    adjusted_notes,
    main_rows,
    wave_flags,
    wave_label,
    wave_term,
    why_not_adjusted,
)

MOST_STEPS = 3  # changes of an item beside each other, the newest; all are in the long table
ADJUSTMENTS = {"standardization": "standardized", "raking": "raked"}


def changes_table(
    result: WaveComparison, language: Language, survey: Survey | None, levels: tuple[str, ...]
) -> Table:
    """Show each change with its test, and at a fixed mix by the method that was chosen."""
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
    if result.adjusted_for:
        rows["fixed"] = _beside(rows, result, result.method, language)
        key = f"tracking.col_{ADJUSTMENTS[result.method]}"
        words["fixed"], formats["fixed"] = message(key, language), "text"
    words["comparable"] = message("tracking.col_comparable", language)
    formats["comparable"] = "text"
    rows["comparable"] = [_verdict(v, language) for v in rows["comparable"]]
    how = message(f"tracking.how_{result.p_adjust}", language)
    tested = "tracking.note_test_weighted" if result.weighted else "tracking.note_test"
    return Table(
        rows.set_axis(pd.Index(_steps(rows, result, language, survey), dtype=object)),
        caption=message(
            "tracking.caption_changes", language, score=score_name(result, language), level=conf
        ),
        headings=words,
        formats=formats,
        row_header=message("tracking.col_wave", language),
        notes=sentences(
            [
                message(tested, language, how=how),
                *adjusted_notes(result, language, survey),
                *_why_note(rows.get("fixed", ()), language),
                *wave_flags(result, language, survey),
            ]
        ),
        language=language,
        row_groups=term_names(rows, result, language),
        marks={"estimate": signs(rows["conf_low"], rows["conf_high"])},
    )


def adjusted_table(
    result: WaveComparison, language: Language, survey: Survey | None, levels: tuple[str, ...]
) -> Table:
    """Show both adjustments beside the raw change of the same respondents."""
    if not result.adjusted_for:
        raise ModelError("no change is adjusted; give covariates as adjust= to compare_waves.")
    one = result.adjusted[result.adjusted["method"] == result.method]
    known = result.changes.dropna(subset=["estimate"])
    places = set(zip(known["level"], known["term"], strict=True))
    there = [place in places for place in zip(one["level"], one["term"], strict=True)]
    rows = main_rows(one.assign(estimate=one["unadjusted"])[there], levels).reset_index(drop=True)
    if rows.empty:
        raise ModelError("no score has an adjusted change to show; another level may have one.")
    words = {"unadjusted": message("tracking.col_same_people", language)}
    formats = {"unadjusted": "signed"}
    for method, key in ADJUSTMENTS.items():
        rows[key] = _beside(rows, result, method, language)
        words[key], formats[key] = message(f"tracking.col_{key}", language), "text"
    words["n"], formats["n"] = heading("n", language), "count"
    level = conf_text(result.conf_level)
    found = [*rows["standardized"], *rows["raked"]]
    return Table(
        rows.set_axis(pd.Index(_steps(rows, result, language, survey), dtype=object)),
        caption=message("tracking.caption_adjusted", language, level=level),
        headings=words,
        formats=formats,
        row_header=message("tracking.col_wave", language),
        notes=sentences([*adjusted_notes(result, language, survey), *_why_note(found, language)]),
        language=language,
        row_groups=term_names(rows, result, language),
    )


def items_table(result: WaveComparison, language: Language, survey: Survey | None) -> Table:
    """Show a line an item with its newest changes, those beyond chance marked."""
    rows = main_rows(result.changes, ("item",))
    if rows.empty:
        raise ModelError("no item has a change to show.")
    waves = list(dict.fromkeys(rows["wave"]))[-MOST_STEPS:]
    items = list(dict.fromkeys(rows["term"]))
    frame = pd.DataFrame(index=items)
    words: dict[str, str] = {}
    marks: dict[str, list[Mark]] = {}
    for k, wave in enumerate(waves):
        part = rows[rows["wave"] == wave].set_index("term").loc[items]
        frame[f"w{k}"] = [_cell(row, language) for _, row in part.iterrows()]
        words[f"w{k}"] = _steps(part.iloc[:1], result, language, survey)[0]
        marks[f"w{k}"] = [_mark(row) for _, row in part.iterrows()]
    steps = rows["wave"].nunique()
    notes = [message("tracking.note_items", language)]
    notes += [message("tracking.note_newest", language)] if steps > MOST_STEPS else []
    return Table(
        frame.set_axis(pd.Index([wave_term("item", i, result, language) for i in items])),
        caption=message(
            "tracking.caption_items", language, score=score_name(result, language),
            level=conf_text(result.conf_level),
        ),
        headings=words,
        formats=dict.fromkeys(words, "text"),
        row_header=heading("item", language),
        notes=sentences([*notes, *wave_flags(result, language, survey)]),
        language=language,
        marks=marks,
    )  # fmt: skip


def score_name(result: WaveComparison | WaveLimits, language: Language) -> str:
    """Return what is compared: gap, perception or expectation."""
    return message(f"tracking.score_{result.score}", language)


def term_names(
    rows: pd.DataFrame, result: WaveComparison | WaveLimits, language: Language
) -> list[str]:
    """Return the label of each row's term."""
    return [
        wave_term(str(level), str(term), result, language)
        for level, term in zip(rows["level"], rows["term"], strict=True)
    ]


def _steps(
    rows: pd.DataFrame, result: WaveComparison, language: Language, survey: Survey | None
) -> list[str]:
    """Return which wave each row compares with which."""
    return [
        message(
            "tracking.step",
            language,
            wave=wave_label(str(w), result, survey, language),
            against=wave_label(str(a), result, survey, language),
        )
        for w, a in zip(rows["wave"], rows["against"], strict=True)
    ]


def _beside(
    rows: pd.DataFrame, result: WaveComparison, method: str, language: Language
) -> list[str]:
    """Return the adjusted change with its interval for each row, or why there is none."""
    part = result.adjusted[result.adjusted["method"] == method]
    keys = zip(part["level"], part["term"], part["wave"], strict=True)
    known = dict(zip(keys, part.to_dict("records"), strict=True))
    found = [known[key] for key in zip(rows["level"], rows["term"], rows["wave"], strict=True)]
    return [
        _with_limits(row["estimate"], row["conf_low"], row["conf_high"])
        if pd.notna(row["estimate"])
        else why_not_adjusted(str(row["flag"]), language)
        for row in found
    ]


def _with_limits(estimate: float, low: float, high: float) -> str:
    """Return a change with its interval, where it has one."""
    change = format_number(estimate, sign=True)
    return change if pd.isna(low) else f"{change} {format_interval(low, high)}"


def _why_note(cells: Iterable[str], language: Language) -> list[str]:
    """Return what words in place of a number mean, where there are any."""
    worded = any(cell and not any(c.isdigit() for c in cell) for cell in cells)
    return [message("tracking.note_why", language)] if worded else []


def _verdict(verdict: str, language: Language) -> str:
    return message(f"waves.{verdict.replace(' ', '_')}", language)


def _cell(row: pd.Series, language: Language) -> str:
    """Return an item's change, with what stands against comparing it."""
    if pd.isna(row["estimate"]):
        return message("tracking.not_compared", language)
    care = row["comparable"] == "with care"
    text = _with_limits(row["estimate"], row["conf_low"], row["conf_high"])
    return text + (f" ({_verdict('with care', language)})" if care else "")


def _mark(row: pd.Series) -> Mark:
    if not row["p_adjusted"] < SIGNIFICANT:
        return ""
    return "good" if row["estimate"] > 0 else "bad"
