"""Several waves of one study as one survey, with what is comparable stated item by item."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pandas as pd

from servlab.core.errors import DataError
from servlab.data.keep import kept_by_all
from servlab.data.schema import BATTERY_ZH, Label
from servlab.data.survey import Exclusions, Provenance, Survey, VariableInfo
from servlab.data.wave_items import WaveItems, wave_items

WAVE = Label(en="Wave", zh="调查期")


def combine_waves(waves: Mapping[str, Survey], *, wave: str = "wave") -> Survey:
    """Put several waves together, respondents under ``wave: id``.

    Parameters
    ----------
    waves : mapping of str to Survey
        The name of each wave and its survey, in order of time. All name the same instrument;
        an item that a wave did not ask stands under ``not_asked`` in its codebook.
    wave : str
        Name of the covariate that holds the wave.

    Returns
    -------
    Survey
        Covariates and outcomes that a wave lacks are missing there.

    Raises
    ------
    DataError
        When instruments (but for labels), scales, reversals or grades differ, or only some waves
        are weighted.

    Notes
    -----
    Nothing is rescaled: a battery or outcome whose scale changed is an error, since its numbers
    mean different things. ``wave_items`` says which items can be compared, and why not.
    """
    if len(waves) < 2:
        raise DataError(f"at least two waves are needed; got {len(waves)}.")
    first_name, first = next(iter(waves.items()))
    for name, survey in waves.items():
        _check_alike(first_name, first, name, survey)
        if wave in survey.covariates.columns:
            raise DataError(f"wave {name!r} has a covariate {wave!r} already; name another.")
    variables: dict[str, VariableInfo] = {wave: VariableInfo(WAVE, role="wave")}
    for survey in waves.values():
        variables = dict(survey.variables) | variables
    covariates = _stack(waves, lambda s: s.covariates)
    covariates.insert(0, wave, [name for name, survey in waves.items() for _ in range(survey.n)])
    weighted = first.weights is not None
    return replace(
        first,
        answers=MappingProxyType(
            {b: _stack(waves, lambda s, b=b: s.raw(b)) for b in first.batteries}  # type: ignore[misc]
        ),
        covariates=covariates,
        outcomes=_stack(waves, lambda s: s.outcomes),
        variables=MappingProxyType(variables),
        weights=_stack(waves, lambda s: s.weights) if weighted else None,
        importance_points=_optional(waves, lambda s: s.importance_points),
        duration=_optional(waves, lambda s: s.duration),
        shown_order=(),
        provenance=_provenance(waves),
    )


def _stack(waves: Mapping[str, Survey], part: Callable[[Survey], Any]) -> Any:
    """Return one part of all waves, one under the other, under the names of wave and id."""
    parts = [part(survey) for survey in waves.values()]
    index = [f"{name}: {label}" for name, survey in waves.items() for label in survey.index]
    return pd.concat(parts).set_axis(pd.Index(index, name="id"), axis=0)


def _optional(waves: Mapping[str, Survey], part: Callable[[Survey], Any]) -> Any:
    """Return one part of all waves when all have it."""
    return _stack(waves, part) if all(part(s) is not None for s in waves.values()) else None


def _check_alike(first_name: str, first: Survey, name: str, survey: Survey) -> None:
    """Raise where two waves do not measure the same thing on the same scale."""
    outcomes = {
        key: info.scale
        for key, info in survey.variables.items()
        if key in survey.outcomes and key in first.outcomes
    }
    differing = {
        "instrument": _asked(first) != _asked(survey),
        "batteries": first.batteries != survey.batteries,
        "scales": dict(first.scales) != dict(survey.scales),
        "reversed items": dict(first.reversed_items) != dict(survey.reversed_items),
        "grades of expectation": dict(first.grades) != dict(survey.grades),
        "scales of outcomes": any(first.variables[k].scale != v for k, v in outcomes.items()),
        "min_answered": first.min_answered != survey.min_answered,
        "weights (only one of them has weights)": (
            (first.weights is None) != (survey.weights is None)
        ),
    }
    found = [what for what, differs in differing.items() if differs]
    if found:
        raise DataError(
            f"waves {first_name!r} and {name!r} differ in {', '.join(found)}; let their codebooks "
            "extend one base, and name items that a wave did not ask under not_asked."
        )


def _asked(survey: Survey) -> object:
    """Return what waves must share of their instrument; labels may be reworded, and are noted."""
    instrument = survey.instrument
    items = [(item.code, item.dimension) for item in instrument.items]
    return instrument.name, items, instrument.dimension_codes, set(instrument.batteries)


def _provenance(waves: Mapping[str, Survey]) -> Provenance:
    """Return sources, hashes and exclusions of all waves, wave by wave."""
    given = {name: survey.provenance for name, survey in waves.items()}
    first = next(iter(given.values()))
    items = wave_items(waves)
    steps = tuple(step for name, p in given.items() for step in wave_steps(name, p.exclusions))
    notes = [
        Label(en=f"{name}: {note.en}", zh=f"{name}：{note.zh}")
        for name, p in given.items()
        for note in p.notes
    ]
    return Provenance(
        source=", ".join(p.source for p in given.values()),
        sha256=" ".join(p.sha256 for p in given.values()),
        n_rows=sum(p.n_rows for p in given.values()),
        exclusions=steps,
        kept=kept_by_all(waves),
        title=first.title,
        origin=first.origin,
        simulated=any(p.simulated for p in given.values()),
        notes=(*notes, *_partly_comparable(items)),
        waves=tuple(waves),
        wave_differences=items.differences,
    )


def wave_steps(name: str, steps: Iterable[Exclusions]) -> tuple[Exclusions, ...]:
    """Return the steps of one wave's flow under the wave's name."""
    return tuple(
        Exclusions(Label(en=f"{name}: {step.reason.en}", zh=f"{name}：{step.reason.zh}"), step.n)
        for step in steps
    )


def _partly_comparable(items: WaveItems) -> tuple[Label, ...]:
    """Return a note for each item that cannot be compared between all waves, or with care only."""
    return tuple(
        note
        for battery, item in items.by_item.index
        for note in _notes(items, str(battery), str(item))
    )


def _notes(items: WaveItems, battery: str, item: str) -> list[Label]:
    """Return what must be said of one item before its waves are compared."""
    found = [d for d in items.differences if (d.battery, d.item) == (battery, item)]
    lacking = ", ".join(d.wave for d in found if d.kind in ("not_asked", "unanswered"))
    notes = []
    if lacking:
        notes.append(
            Label(
                en=f"Item {item} of {battery} has no answers in {lacking}; do not compare it.",
                zh=f"第 {item} 题（{BATTERY_ZH[battery]}）在 {lacking} 中无作答，不可跨期比较。",
            )
        )
    notes += [
        Label(
            en=f"Item {item} of {battery} differs in {d.wave} ({d.before.en!r}, then {d.now.en!r});"
            " compare it with care.",
            zh=f"第 {item} 题（{BATTERY_ZH[battery]}）在 {d.wave} 中有变动（原为“{d.before.zh}”，"
            f"后为“{d.now.zh}”），比较时须谨慎。",
        )
        for d in found
        if d.kind in ("wording", "words")
    ]
    return notes
