"""What can be compared between waves, item by item, with the reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import DataError
from servlab.data.instrument import Instrument
from servlab.data.schema import Label
from servlab.data.survey import Coding, Survey
from servlab.data.wave_difference import Difference, Kind

# What forbids a comparison and what asks for care; the rest is only said.
FORBIDS: tuple[Kind, ...] = ("not_asked", "unanswered", "scale", "grade")
SILENT: tuple[Kind, ...] = ("not_asked", "unanswered")
CARE: tuple[Kind, ...] = ("reversed", "wording", "words")
OUTCOME = "outcome"
Comparable = Literal["yes", "with care", "no"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class WaveItems:
    """What each wave asked, and what of it can be compared.

    Attributes
    ----------
    waves : tuple of str
        In order of time.
    by_item : DataFrame
        Index (battery, item), outcomes under the battery ``outcome``: the number of answers in
        each wave (0: not asked or never answered), and ``comparable``: "yes", "with care" (other
        wording, other answer words, or reversed in one wave only) or "no" (not asked, no
        answers, another scale or grade).
    differences : tuple of Difference
        The reasons, and what changed without mattering (column, missing codes).
    instrument : Instrument
        Of the first wave.
    outcomes : mapping of str to Label
        Labels of the outcomes.
    n : int
        Respondents of all waves.
    """

    waves: tuple[str, ...]
    by_item: pd.DataFrame
    differences: tuple[Difference, ...]
    instrument: Instrument
    outcomes: Mapping[str, Label]
    n: int

    def tidy(self) -> pd.DataFrame:
        """Return a row an item: battery, item, n (answers in all waves), comparable, reasons."""
        counts = self.by_item[list(self.waves)].sum(axis=1)
        reasons = {place: [] for place in self.by_item.index}  # type: dict[object, list[str]]
        for part in self.differences:
            reasons[part.battery, part.item].append(f"{part.kind} ({part.wave})")
        return pd.DataFrame(
            {
                "battery": self.by_item.index.get_level_values("battery"),
                "item": self.by_item.index.get_level_values("item"),
                "n": counts.to_numpy(),
                "comparable": self.by_item["comparable"].to_numpy(),
                "reasons": ["; ".join(reasons[place]) for place in self.by_item.index],
            }
        )


def wave_items(waves: Mapping[str, Survey] | Survey) -> WaveItems:
    """State item by item what can be compared between waves, and why not.

    Parameters
    ----------
    waves : mapping of str to Survey, or Survey
        The name of each wave and its survey, in order of time. They need not be alike enough
        for ``combine_waves``. A survey that ``combine_waves`` made (or a codebook that lists
        waves) is taken as it was put together.

    Returns
    -------
    WaveItems
        ``table(wave_items(waves))`` shows it.

    Notes
    -----
    Each wave is held against the first that asked the item. Labels are those of the codebooks;
    where a codebook takes them from the one it extends, a rewording goes unseen.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> items = sl.wave_items({"spring": survey, "autumn": survey})
    >>> set(items.by_item["comparable"])
    {'yes'}
    """
    known: tuple[Difference, ...] = ()
    if isinstance(waves, Survey):
        known, waves = waves.provenance.wave_differences, _parts(waves)
    asked = {name: _answers(survey) for name, survey in waves.items()}
    order = dict.fromkeys(place for answers in asked.values() for place in answers)
    counts = pd.DataFrame(
        {
            name: [int(answers[p].notna().sum()) if p in answers else 0 for p in order]
            for name, answers in asked.items()
        },
        index=pd.MultiIndex.from_tuples(order, names=["battery", "item"]),
    )
    found = tuple(
        difference
        for battery, item in counts.index
        for difference in _differences(waves, str(battery), str(item), known)
    )
    counts["comparable"] = [
        _verdict({d.kind for d in found if (d.battery, d.item) == place}) for place in counts.index
    ]
    first = next(iter(waves.values()))
    total = sum(survey.n for survey in waves.values())
    outcomes = {
        str(name): survey.variables[str(name)].label
        for survey in reversed(list(waves.values()))
        for name in survey.outcomes.columns
    }
    return WaveItems(tuple(waves), counts, found, first.instrument, outcomes, total)


def _parts(survey: Survey) -> dict[str, Survey]:
    """Return the waves of a survey that was put together, by name; without what is known of each.

    Who belongs to which wave stands in front of the respondents' identifiers, so that the name of
    the covariate does not matter.
    """
    if not survey.provenance.waves:
        raise DataError(
            "the survey was not put together by combine_waves, so what each wave asked is not "
            "known; give wave_items a mapping of wave to survey."
        )
    index = survey.index.astype(str)
    members = {name: index.str.startswith(f"{name}: ") for name in survey.provenance.waves}
    return {
        name: replace(
            survey,
            answers={b: a[inside] for b, a in survey.answers.items()},
            covariates=survey.covariates[inside],
            outcomes=survey.outcomes[inside],
        )
        for name, inside in members.items()
        if inside.any()
    }


def _answers(survey: Survey) -> dict[tuple[str, str], pd.Series]:
    """Return (battery, item) -> answers; outcomes stand as items of the battery "outcome"."""
    found = {(b, str(i)): a for b in survey.batteries for i, a in survey.raw(b).items()}
    return found | {(OUTCOME, str(name)): a for name, a in survey.outcomes.items()}


def _verdict(kinds: set[Kind]) -> Comparable:
    if kinds & set(FORBIDS):
        return "no"
    return "with care" if kinds & set(CARE) else "yes"


def _differences(
    waves: Mapping[str, Survey], battery: str, item: str, known: tuple[Difference, ...]
) -> list[Difference]:
    """Return how an item of each wave differs from the first wave that has answers to it.

    ``known`` are differences found before the waves were put together; they count where the
    item has answers.
    """
    asked = {name: _facts(survey, battery, item) for name, survey in waves.items()}
    there = {name: facts for name, facts in asked.items() if facts is not None}
    found = []
    first = next(iter(there.values()), {})
    nothing = Label(en="", zh="")
    for name, survey in waves.items():
        facts = asked[name]
        told = [d for d in known if (d.battery, d.item, d.wave) == (battery, item, name)]
        if facts is None:
            kind: Kind = "unanswered" if _has_column(survey, battery, item) else "not_asked"
            if known and "unanswered" in {d.kind for d in told}:
                kind = "unanswered"
            found.append(Difference(battery, item, name, kind, nothing, nothing))
            continue
        found += [
            Difference(battery, item, name, kind, first[kind], facts[kind])
            for kind in facts
            if facts[kind] != first[kind]
        ]
        found += [d for d in told if d.kind not in SILENT]
    return found


def _has_column(survey: Survey, battery: str, item: str) -> bool:
    return item in survey.provenance.codings.get(battery, {})


def _facts(survey: Survey, battery: str, item: str) -> dict[Kind, Label] | None:
    """Return what an item is in one wave; None where nobody answered it."""
    outcome = battery == OUTCOME
    asked = survey.outcomes if outcome else survey.answers.get(battery)
    if asked is None or item not in asked or not asked[item].notna().any():
        return None
    scale = survey.variables[item].scale if outcome else survey.scales[battery]
    grade = None if outcome else survey.grades.get(battery)
    turned = item in survey.reversed_items.get(battery, ())
    coding = survey.provenance.codings.get(battery, {}).get(item, Coding(""))
    labels = {part.code: part.label for part in survey.instrument.items}
    words = ", ".join(f"{word} = {number}" for word, number in coding.words.items())
    low, high = ("?", "?") if scale is None else (scale.low, scale.high)
    return {
        "scale": Label(en=f"{low} to {high}", zh=f"{low} 至 {high}"),
        "grade": _plain(grade or "-"),
        "reversed": Label(en="reversed", zh="反向") if turned else Label(en="as is", zh="正向"),
        "wording": survey.variables[item].label if outcome else labels[item],
        "words": _plain(words or "-"),
        "codes": _plain(", ".join(coding.missing) or "-"),
        "column": _plain(coding.column or "-"),
    }


def _plain(text: str) -> Label:
    return Label(en=text, zh=text)
