"""What of each wave can be compared: scores over the items that every wave asked.

A dimension's score averages the items that have answers in every wave; otherwise its mean would
change because its questions did. Items themselves are compared between the waves that asked them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from servlab.core.errors import ModelError
from servlab.core.groups import group_codes
from servlab.core.wave_order import ordered_waves
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.data.wave_items import CARE, OUTCOME
from servlab.estimation.comparison.groups import Score, group_scores
from servlab.scales.gaps import paired_items

OrderFrom = Literal["given", "waves", "names", "file"]

BATTERIES = {
    "gap": ("expectation", "perception"),
    "perception": ("perception",),
    "expectation": ("expectation",),
}


@dataclass(frozen=True, slots=True, eq=False)
class WaveScores:
    """Scores of all respondents with their waves.

    ``values`` has a column for each (level, term); ``wave`` the wave of each respondent (missing
    without one); ``left_out`` the items that some wave lacks, which no dimension counts; ``asked``
    (level, term) -> wave -> how it was asked there, comparable where equal.
    """

    values: pd.DataFrame
    wave: pd.Series
    waves: tuple[str, ...]
    order_from: OrderFrom
    left_out: tuple[str, ...]
    asked: dict[tuple[str, str], dict[str, frozenset[tuple[str, ...]]]]

    def places(self) -> list[tuple[str, str]]:
        """Return (level, term) of each column of ``values``."""
        return [(str(key[0]), str(key[1])) for key in self.values.columns]


def wave_covariate(survey: Survey, wave: str | None) -> str:
    """Return the covariate that holds the wave: the one named, or the first of that role."""
    known = [str(name) for name in survey.covariates.columns]
    if wave is not None:
        if wave not in known:
            listed = ", ".join(known) or "none"
            raise ModelError(f"the survey has no covariate {wave!r}; it has {listed}.")
        return wave
    roles = [c for c in known if c in survey.variables and survey.variables[c].role == "wave"]
    found = roles or [c for c in known if c == "wave"]
    if not found:
        raise ModelError(
            "no covariate of the survey has the role 'wave'; give it in the codebook, name the "
            "covariate as wave=, or put several files together with combine_waves."
        )
    return found[0]


def wave_scores(survey: Survey, name: str, score: Score, order: Sequence[str] | None) -> WaveScores:
    """Return the scores by respondent, with what may be compared."""
    wave = group_codes(survey.covariates[name])
    waves, order_from = _ordered(survey, wave, order)
    present = [w for w in waves if (wave == w).any()]
    if len(present) < 2:
        raise ModelError(
            f"{name!r} has {len(present)} wave(s) with respondents; two are needed to see a change."
        )
    batteries = BATTERIES[score]
    items = _items(survey, score)
    answered = {w: items[wave == w].notna().any() for w in present}
    common = [i for i in map(str, items) if all(answered[w][i] for w in present)]
    left_out = tuple(i for i in map(str, items) if i not in common)
    reduced = _reduced(survey, common)
    scores = group_scores(reduced, score) if common else pd.DataFrame(index=survey.index)
    parts = {
        "overall": scores.iloc[:, -1:],
        "dimension": scores.iloc[:, :-1],
        "item": items,
        "outcome": survey.outcomes.astype(float),
    }
    asked = {
        (level, str(term)): _asked(survey, batteries, level, str(term), waves, reduced.instrument)
        for level, part in parts.items()
        for term in part
    }
    values = pd.concat(parts, axis=1)
    return WaveScores(values, wave, waves, order_from, left_out, asked)


def _ordered(
    survey: Survey, wave: pd.Series, order: Sequence[str] | None
) -> tuple[tuple[str, ...], OrderFrom]:
    """Return the waves in order of time, and where that order comes from."""
    present = [str(w) for w in wave.dropna().unique()]
    if order is not None:
        if isinstance(order, str):
            raise ModelError(f"order must be a list of waves; got the text {order!r}.")
        given = group_codes(pd.Series(list(order), dtype=object)).tolist()
        lacking = sorted(set(present) - set(given))
        twice = sorted({w for w in given if given.count(w) > 1})
        if lacking or twice:
            what = f"lacks {', '.join(lacking)}" if lacking else f"names {', '.join(twice)} twice"
            raise ModelError(
                f"order must name each wave once, the earliest first; it {what} "
                f"(the survey has {', '.join(present)})."
            )
        return tuple(given), "given"
    if survey.provenance.waves and set(present) <= set(survey.provenance.waves):
        return survey.provenance.waves, "waves"
    named = ordered_waves(present) if present else None
    return (tuple(present), "file") if named is None else (named, "names")


def _items(survey: Survey, score: Score) -> pd.DataFrame:
    """Return (n, k) answers, or gaps item by item, under the items' codes."""
    if score == "gap":
        expected, perceived = paired_items(survey, "expectation", "perception")
        return (perceived - expected).rename(columns=str)
    return survey.items(score).rename(columns=str)


def _reduced(survey: Survey, items: list[str]) -> Survey:
    """Return the survey of fewer items; dimensions without an item are gone."""
    kept = tuple(item for item in survey.instrument.items if item.code in items)
    used = {item.dimension for item in kept}
    dimensions = tuple(d for d in survey.instrument.dimensions if d.code in used)
    instrument = survey.instrument.model_copy(update={"items": kept, "dimensions": dimensions})
    answers = {b: a[[c for c in a if str(c) in items]] for b, a in survey.answers.items()}
    turned = {b: tuple(i for i in r if i in items) for b, r in survey.reversed_items.items()}
    return replace(survey, instrument=instrument, answers=answers, reversed_items=turned)


def _asked(
    survey: Survey,
    batteries: tuple[str, ...],
    level: str,
    term: str,
    waves: tuple[str, ...],
    instrument: Instrument,
) -> dict[str, frozenset[tuple[str, ...]]]:
    """Return wave -> what differs there from the first wave, in ways that ask for care."""
    if level == "outcome":
        places = {(OUTCOME, term)}
    elif level == "item":
        places = {(b, term) for b in batteries}
    else:
        codes = instrument.items_of(term) if level == "dimension" else instrument.item_codes
        places = {(b, code) for b in batteries for code in codes}
    found: dict[str, set[tuple[str, ...]]] = {wave: set() for wave in waves}
    for d in survey.provenance.wave_differences:
        if d.kind in CARE and (d.battery, d.item) in places and d.wave in found:
            found[d.wave].add((d.battery, d.item, d.kind, d.now.en, d.now.zh))
    return {wave: frozenset(parts) for wave, parts in found.items()}
