"""Waves compared, in sentences: the newest wave first, then what it rests on."""

import pandas as pd

from servlab.core.standards import standard
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_limits import WaveLimits
from servlab.estimation.comparison.waves import WaveComparison
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.presentation.display import Note, Prose
from servlab.presentation.formats import format_interval, format_number, format_p_relation
from servlab.presentation.labels import listed, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.invariance import freed_words
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.presentation.narrative.standing import standing
from servlab.presentation.standards import limit_text, source_text
from servlab.presentation.wave_words import (
    lead_row,
    levels_shown,
    main_rows,
    provisional,
    thin_overall,
    wave_flags,
    wave_label,
    wave_term,
    why_not_adjusted,
)

KEYS = {"above": "rose", "below": "fell", "level": "level"}


@narrate.register
def narrate_waves(
    result: WaveComparison, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say what the newest wave changed, at a fixed mix too, and the trend."""
    rows = main_rows(result.changes)
    newest = rows[rows["wave"] == rows["wave"].iloc[-1]] if len(rows) else rows
    tested = newest.dropna(subset=["conf_low"])
    first: list[str] = []
    if len(tested):
        lead = lead_row(tested, result)
        rest = tested.drop(index=lead.name)
        first = [*thin_overall(result, lead, language), _lead(lead, result, language, survey)]
        first += _others(rest, result, language)
        first += _mix(lead, result, language, survey)
        first += _earlier(rows, lead, result, language, survey)
        first += _trend(lead, result, language)
    parts = [part for part in (first, wave_flags(result, language, survey)) if part]
    return Prose([join_sentences(part, language) for part in parts] or [""])


def _lead(row: pd.Series, result: WaveComparison, language: Language, survey: Survey | None) -> str:
    """Return the change of the score that leads."""
    means = result.by_wave.set_index(["level", "term", "wave"])["estimate"]
    place = (row["level"], row["term"])
    outcome = row["level"] == "outcome"
    key = "tracking.mean_score" if outcome else f"tracking.score_{result.score}"
    score = message(key, language)
    return message(
        f"tracking.{KEYS[standing(float(row['conf_low']), float(row['conf_high']))]}",
        language,
        against=wave_label(str(row["against"]), result, survey, language),
        score=score,
        then=format_number(means[(*place, row["against"])]),
        now=format_number(means[(*place, row["wave"])]),
        term=wave_term(str(row["level"]), str(row["term"]), result, language),
        **_numbers(row),
    )


def _numbers(row: pd.Series) -> dict[str, str]:
    return {
        "change": format_number(row["estimate"], sign=True),
        "interval": format_interval(row["conf_low"], row["conf_high"]),
        "p": format_p_relation(row["p_value"]),
    }


def _others(rows: pd.DataFrame, result: WaveComparison, language: Language) -> list[str]:
    """Return which dimensions and outcomes moved beyond chance, p adjusted."""
    moved = rows[rows["p_adjusted"] < SIGNIFICANT]
    found = []
    for key, part in (("up", moved[moved["estimate"] > 0]), ("down", moved[moved["estimate"] < 0])):
        names = [wave_term(str(r["level"]), str(r["term"]), result, language)
                 for _, r in part.iterrows()]  # fmt: skip
        if names:
            found.append(message(f"tracking.others_{key}", language, names=listed(names, language)))
    if not found and len(rows):
        found.append(message("tracking.others_none", language))
    return found


def _mix(
    row: pd.Series, result: WaveComparison, language: Language, survey: Survey | None
) -> list[str]:
    """Return the change at a fixed mix, and whether the raw one differs beyond the house rule."""
    if not result.adjusted_for:
        return []
    table = result.adjusted[result.adjusted["method"] == result.method]
    same = (table[["level", "term", "wave"]] == row[["level", "term", "wave"]]).all(axis=1)
    found = table[same].iloc[0]
    names = [variable_label(c, survey, language) for c in result.adjusted_for]
    if pd.isna(found["conf_low"]):
        why = why_not_adjusted(str(found["flag"]), language)
        values = {"names": listed(names, language), "why": why}
        return [message("tracking.mix_none", language, **values)] if why else []
    apart = (found["unadjusted"] - found["estimate"]) / found["std_error"]
    differs = not standard("wave_mix").met_by(apart)
    return [
        message(
            f"tracking.mix_{'differs' if differs else 'same'}",
            language,
            names=listed(names, language),
            change=format_number(found["estimate"], sign=True),
            interval=format_interval(found["conf_low"], found["conf_high"]),
            raw=format_number(found["unadjusted"], sign=True),
            limit=limit_text("wave_mix"),
            source=source_text("wave_mix", language),
        )
    ]


def _earlier(
    rows: pd.DataFrame,
    lead: pd.Series,
    result: WaveComparison,
    language: Language,
    survey: Survey | None,
) -> list[str]:
    """Return the earlier changes of the same score that are beyond chance, p adjusted."""
    same = (rows["level"] == lead["level"]) & (rows["term"] == lead["term"])
    before = rows[same & (rows["wave"] != lead["wave"]) & (rows["p_adjusted"] < SIGNIFICANT)]
    changes = [
        message(
            "tracking.earlier_change",
            language,
            wave=wave_label(str(row["wave"]), result, survey, language),
            against=wave_label(str(row["against"]), result, survey, language),
            **(_numbers(row) | {"p": format_p_relation(row["p_adjusted"])}),
        )
        for _, row in before.iterrows()
    ]
    if not changes:
        return []
    return [message("tracking.earlier", language, changes=listed(changes, language))]


def _trend(row: pd.Series, result: WaveComparison, language: Language) -> list[str]:
    trend = result.trends.set_index(["level", "term"]).loc[(row["level"], row["term"])]
    if pd.isna(trend["conf_low"]):
        return []
    return [
        message(
            "tracking.trend",
            language,
            count=int(trend["n_waves"]),
            slope=format_number(trend["estimate"], 3, sign=True),
            interval=format_interval(trend["conf_low"], trend["conf_high"], 3),
            p=format_p_relation(trend["p_value"]),
            term=wave_term(str(row["level"]), str(row["term"]), result, language),
        )
    ]


def wave_verdict(
    invariance: InvarianceResult | None,
    *,
    language: Language = "en",
    survey: Survey | None = None,
) -> tuple[Note, ...]:
    """Return the panel that stands above any change: may means be compared between waves?

    Parameters
    ----------
    invariance : InvarianceResult or None
        From ``measurement_invariance`` over the waves; None where it could not be tested.
    language : {"en", "zh"}
        Language of the panel.
    survey : Survey, optional
        For the labels of items that do not work alike.

    Returns
    -------
    tuple of Note
        One panel: what stands, what stands in part or fails, or that nothing was shown.

    Examples
    --------
    >>> wave_verdict(None)[0].kind
    'warning'
    """
    if invariance is None:
        why = message("tracking.invariance_why", language)
        text = message("tracking.invariance_untested", language, why=why)
        return (Note(text, kind="warning", language=language),)
    if invariance.configural_misfit:  # levels compare models of which none describes
        text = message("tracking.invariance_misfit", language)
        return (Note(text, kind="warning", language=language),)
    if not invariance.comparable_means:
        return (Note(message("tracking.invariance_fails", language), language=language),)
    if invariance.freed_items:  # means of factors may be compared, scores of all items not
        terms = freed_words(invariance, survey, language)
        text = message("tracking.invariance_partial", language, terms=terms)
        return (Note(text, language=language),)
    text = message("tracking.invariance_holds", language)
    return (Note(text, kind="info", language=language),)


@narrate.register
def narrate_limits(result: WaveLimits, *, language: Language = "en") -> Prose:
    """Say which waves lie outside their limits, and what the limits are worth."""
    rows = main_rows(result.limits, levels_shown(result))
    found = []
    for column, key in (("signal", "signal"), ("cusum_signal", "cusum_signal")):
        out = rows[rows[column].astype(bool)]
        names = [
            f"{wave_term(str(r['level']), str(r['term']), result, language)} ({r['wave']})"
            for _, r in out.iterrows()
        ]
        if names:
            found.append(message(f"tracking.{key}", language, names=listed(names, language)))
        elif key == "signal":
            found.append(message("tracking.no_signal", language))
    if result.provisional:
        found.append(provisional(language))
    return Prose(join_sentences(found, language))
