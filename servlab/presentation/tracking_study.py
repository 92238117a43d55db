"""The first screen of a study of waves: its key figures."""

import pandas as pd

from servlab.core.checks import check_result
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.waves import WaveComparison
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.presentation.display import Card, KeyFigures, Tone
from servlab.presentation.formats import (
    format_count,
    format_interval,
    format_number,
    format_p_relation,
)
from servlab.presentation.messages import message
from servlab.presentation.model_study import invariance_card
from servlab.presentation.narrative.standing import Standing, standing
from servlab.presentation.wave_words import lead_row, main_rows, wave_label, wave_term

TONES: dict[Standing, Tone] = {"below": "bad", "above": "good", "level": "", "unknown": ""}


def wave_figures(
    latest: WaveComparison,
    *,
    since_first: WaveComparison | None = None,
    invariance: InvarianceResult | None = None,
    survey: Survey | None = None,
    language: Language = "en",
) -> KeyFigures:
    """Return the key figures of waves: the newest mean, its changes, and what licenses them.

    Parameters
    ----------
    latest : WaveComparison
        The newest wave against the one before.
    since_first : WaveComparison, optional
        The same waves against the first.
    invariance : InvarianceResult, optional
        Of the items over the waves.
    survey : Survey, optional
        For labels of waves.
    language : {"en", "zh"}
        Language of the cards.

    Returns
    -------
    KeyFigures
        Of the overall score, or of what most respondents answered where fewer have one.

    Examples
    --------
    >>> import servlab as sl
    >>> found = sl.compare_waves(sl.load_example("servqual_waves"), against="previous")
    >>> [card.label for card in wave_figures(found).cards]
    ['Overall (mean of the items), 2025-1', 'Change since 2024-2', 'Invariance over waves']
    """
    check_result("latest", latest, WaveComparison, "compare_waves")
    rows = main_rows(latest.changes)
    tested = rows[rows["wave"] == rows["wave"].iloc[-1]].dropna(subset=["conf_low"])
    cards: list[Card] = []
    if len(tested):
        lead = lead_row(tested, latest)
        place = (str(lead["level"]), str(lead["term"]), str(lead["wave"]))
        cards.append(_mean(place, latest, survey, language))
        cards.append(_change(place, latest, survey, language))
        if since_first is not None and latest.by_wave["wave"].nunique() > 2:
            cards.append(_change(place, since_first, survey, language))
        cards += _fixed(place, latest, language)
    cards.append(_level(invariance, language))
    return KeyFigures(tuple(cards), language)


def _row(table: pd.DataFrame, place: tuple[str, str, str]) -> pd.Series:
    """Return the row of one level, term and wave."""
    same = (table[["level", "term", "wave"]] == list(place)).all(axis=1)
    return table[same].iloc[0]


def _tone(row: pd.Series) -> Tone:
    """Return the tone of a change: of a rise, of a fall, or none."""
    return TONES[standing(float(row["conf_low"]), float(row["conf_high"]))]


def _mean(
    place: tuple[str, str, str], result: WaveComparison, survey: Survey | None, language: Language
) -> Card:
    row = _row(result.by_wave, place)
    term = wave_term(place[0], place[1], result, language)
    wave = wave_label(place[2], result, survey, language)
    limits = format_interval(row["conf_low"], row["conf_high"])
    n = format_count(int(row["n"]))
    return Card(
        label=message("tracking.card_mean", language, term=term, wave=wave),
        value=format_number(row["estimate"]),
        detail=message("tracking.card_base", language, interval=limits, n=n),
    )


def _change(
    place: tuple[str, str, str], result: WaveComparison, survey: Survey | None, language: Language
) -> Card:
    row = _row(result.changes, place)
    against = wave_label(str(row["against"]), result, survey, language)
    limits = format_interval(row["conf_low"], row["conf_high"])
    p = format_p_relation(row["p_value"])
    return Card(
        label=message("tracking.card_change", language, against=against),
        value=format_number(row["estimate"], sign=True),
        detail=message("tracking.card_test", language, interval=limits, p=p),
        tone=_tone(row),
    )


def _fixed(place: tuple[str, str, str], result: WaveComparison, language: Language) -> list[Card]:
    """Return the change at a fixed mix, where there is one."""
    if not result.adjusted_for:
        return []
    table = result.adjusted[result.adjusted["method"] == result.method]
    row = _row(table, place)
    if pd.isna(row["conf_low"]):
        return []
    return [
        Card(
            label=message("tracking.card_fixed", language),
            value=format_number(row["estimate"], sign=True),
            detail=format_interval(row["conf_low"], row["conf_high"]),
            tone=_tone(row),
        )
    ]


def _level(invariance: InvarianceResult | None, language: Language) -> Card:
    """Return how far measurement invariance reaches; that none is shown where none was tested."""
    label = message("tracking.card_invariance", language)
    if invariance is not None:
        return invariance_card(invariance, label, language)
    return Card(
        label=label,
        value=message("latent.card_not_shown", language),
        detail=message("tracking.card_see", language),
        tone="bad",
    )
