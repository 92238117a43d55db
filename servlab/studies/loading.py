"""What many studies found, as one tidy frame over branches and waves: which studies count.

Only runs that made a published report count: which run that was stands in ``published.json``
(``records``). Failed, interrupted and half-written runs lie in the same folders and are passed by.
A report in two languages has the same numbers twice; the frame has them once unless asked.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from servlab.core.errors import ParameterError, ResultsWarning
from servlab.data.schema import Language
from servlab.studies import records
from servlab.studies.long_frame import (
    AxisKind,
    Found,
    StudyTable,
    axis_kinds,
    frame_of,
    table_of,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from servlab.studies.plans.plan import Plan

Which = Literal["any", "all"] | Language
MOST = 5  # studies that are named before the rest is counted
GOOD = ("current", "published")


@dataclass(slots=True)
class _Gathered:
    """Every study asked about, and what has to be said about them, by kind."""

    studies: list[Found] = field(default_factory=list)
    axes: list[Mapping[str, str]] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    where: list[str] = field(default_factory=list)


def load_results(
    source: "str | Path | Plan | Sequence[str | Path | Plan]",
    *,
    results: Sequence[str] | None = None,
    only: Sequence[str] = (),
    language: Which = "any",
    since: str | None = None,
) -> "pd.DataFrame":
    """Return what all published studies found, as one tidy frame.

    Parameters
    ----------
    source : str, Path, Plan, or a sequence of these
        A plan's TOML file, a plan, or a folder of reports.
    results : sequence of str, optional
        Only these results, by the names that the notebooks gave them: ``["gaps"]``.
    only : sequence of str
        Patterns such as ``"North*"``: only studies whose name, or name and language, matches one.
    language : {"any", "all", "en", "zh"}
        ``any``: each study once, whatever languages its report is in (a current one first, then
        the plan's order). ``all``: once for each language: the same numbers twice. Or only the
        studies in one language.
    since : str, optional
        Of a plan with periods: the first one wanted, as in ``servlab plan run --since``.

    Returns
    -------
    DataFrame
        A row a row of a result, in the order of the plan (of a folder: by name). Always these
        columns, in this order: ``plan, study, language, state, finished, servlab, key``; a column
        for each axis of the plan's matrix; ``result, part, row, text``; every tidy column of
        ``servlab.core.columns`` (unused ones are empty).

    Raises
    ------
    ParameterError
        When there is no such folder, a result was recorded by no study, a pattern matches none,
        or two sources have a study of the same name that the frame could not tell apart.
    PlanError
        When the plan is wrong.

    Warns
    -----
    ResultsWarning
        When nothing is published yet, or not of every study of the plan; results are gone or
        cannot be read (they are left out); they are older than a run that failed, or than what
        the plan names today; they were made by different versions of servlab; another version
        recorded columns that this one does not know (they are left out).

    Notes
    -----
    ``part`` is ``scalar`` (a number stands in ``estimate``, a text in ``text``), ``tidy`` (a row
    a term) or ``glance`` (a row a fit); ``row`` counts from 0 as the notebook recorded it.
    ``finished`` is the moment of publication (UTC), ``key`` the hash of all that decided the run.
    ``state`` is that of ``servlab plan status`` for a plan. For a folder, where nobody can tell
    whether a report is current, it is ``published``, or how a later run ended: ``failed``,
    ``interrupted``, ``running``. A tidy column with the name of an axis is called
    ``NAME_of_term``; an axis with the name of another column ``axis_NAME``. An axis whose values
    are all whole numbers (2026, not 007) is ``Int64``, one of days ``datetime64[us]``, every other
    one text; texts are ``str``, ``row`` is ``int32``, ``finished`` ``datetime64[us, UTC]`` and
    every number ``float64``, whatever was recorded.

    Examples
    --------
    >>> load_results("gone")
    Traceback (most recent call last):
    servlab.core.errors.ParameterError: gone is no folder of reports and no plan; check the path.
    """
    spoken = ("any", "all", *get_args(Language))
    if language not in spoken:
        raise ParameterError(f"language must be one of {', '.join(spoken)}; got {language!r}.")
    wanted = _names("results", results)
    gathered = _gathered(source, since)
    choices = _choices(_only(gathered, _names("only", only or None)), language)
    kept, frame = _loaded(choices, axis_kinds(gathered.axes), wanted, gathered)
    _say(gathered, kept, language)
    return frame


def _names(what: str, given: Any) -> list[str] | None:
    """Return names as a list; None for no choice."""
    if given is None:
        return None
    names = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ParameterError(f'{what} must be a list of names, as ["gaps"]; got {given!r}.')
    return names


def _gathered(source: Any, since: str | None) -> _Gathered:
    """Return the studies of all sources, each once."""
    from servlab.studies.plans.plan import Plan

    found = _Gathered()
    sources = [source] if isinstance(source, str | Path | Plan) else list(_several(source))
    for one in sources:
        _gather(found, one, since)
    first: dict[Path, Found] = {}
    for study in found.studies:
        first.setdefault(study.runs.resolve(), study)
    found.studies = list(first.values())
    seen: dict[tuple[str, str], Found] = {}
    for study in found.studies:
        other = seen.setdefault((study.plan, study.id), study)
        if other is not study:
            raise ParameterError(
                f"study {study.id} of plan {study.plan or '-'} stands in {other.out} and in "
                f"{study.out}, which one frame cannot tell apart; load them one at a time, or give "
                "the plans names of their own."
            )
    return found


def _several(source: Any) -> Iterable[Any]:
    from servlab.studies.plans.plan import Plan

    parts = list(source) if isinstance(source, Sequence) else []
    if not parts or not all(isinstance(part, str | Path | Plan) for part in parts):
        raise ParameterError(
            "source must be a plan's file, a folder of reports, a plan, or a list of these; "
            f"got {source!r}."
        )
    return parts


def _gather(found: _Gathered, source: "str | Path | Plan", since: str | None) -> None:
    """Add the studies of one source."""
    from servlab.studies.plans.plan import Plan
    from servlab.studies.plans.read import read_plan

    if isinstance(source, Plan) or Path(source).is_file():
        plan = source if isinstance(source, Plan) else read_plan(source, since=since)
        found.where.append(f"plan {plan.name}")
        found.axes += [study.axes for study in plan.studies]
        _add_plan(found, plan, since)
        return
    folder = Path(source)
    if not folder.is_dir():
        raise ParameterError(f"{folder} is no folder of reports and no plan; check the path.")
    if since is not None:
        raise ParameterError("since is of plans; give the plan's file instead of a folder.")
    found.where.append(str(folder))
    _add_folder(found, folder)


def _add_plan(found: _Gathered, plan: "Plan", since: str | None) -> None:
    from servlab.studies.plans.plan import chosen
    from servlab.studies.plans.status import plan_status

    for state in plan_status(chosen(plan, since=since)):
        study = state.study
        published = records.read_published(study.runs)
        if state.report is None:
            found.missing.append((study.name, study.language))
        elif published is None:
            found.unreadable.append(study.id)
        else:
            one = Found(
                plan.name,
                study.name,
                study.language,
                state.state,
                study.axes,
                study.runs,
                published,
            )
            found.studies.append(one)


def _add_folder(found: _Gathered, out: Path) -> None:
    from servlab.studies.plans.entries import kept_places

    places = kept_places(out)
    found.axes += [axes for _, axes in places.values()]
    for runs in sorted(path.parent for path in out.glob(f"runs/*/{records.PUBLISHED}")):
        name, language = _parts(runs.name)
        published = records.read_published(runs)
        plan, axes = places.get(runs.name, ("", {}))
        if published is None:
            found.unreadable.append(runs.name)
        elif (out / f"{runs.name}.html").is_file():
            state = _state(published, records.read_last(runs))
            found.studies.append(Found(plan, name, language, state, axes, runs, published))


def _parts(study: str) -> tuple[str, str]:
    """Return the name and the language in a study's id."""
    name, _, language = study.rpartition(".")
    return name, language


def _state(published: records.Published, last: records.Attempt | None) -> str:
    """Return how a study stands as far as its folder tells."""
    if last is None or last.folder == published.folder or last.status == "complete":
        return "published"
    return last.status


def _only(gathered: _Gathered, patterns: Sequence[str] | None) -> list[Found]:
    """Return the studies asked for; those missing or unreadable are narrowed with them."""
    from servlab.studies.plans.plan import matches

    if patterns is None:
        return gathered.studies
    kept = [one for one in gathered.studies if matches(one.name, one.language, patterns)]
    missing = [pair for pair in gathered.missing if matches(*pair, patterns)]
    unreadable = [id_ for id_ in gathered.unreadable if matches(*_parts(id_), patterns)]
    if not (kept or missing or unreadable):
        known = _named([study.id for study in gathered.studies])
        raise ParameterError(f"only {' '.join(patterns)} matches no study; there are {known}.")
    gathered.missing, gathered.unreadable = missing, unreadable
    return kept


def _choices(studies: Sequence[Found], language: str) -> list[list[Found]]:
    """Return, for each part of the frame, the studies that may give it, the best one first."""
    if language != "any":
        return [[study] for study in studies if language in ("all", study.language)]
    alike: dict[tuple[str, str, Path], list[Found]] = {}
    for study in studies:
        alike.setdefault((study.plan, study.name, study.out), []).append(study)
    return [sorted(same, key=lambda one: one.state not in GOOD) for same in alike.values()]


def _loaded(
    choices: Sequence[Sequence[Found]],
    kinds: Mapping[str, AxisKind],
    wanted: Sequence[str] | None,
    gathered: _Gathered,
) -> "tuple[list[Found], pd.DataFrame]":
    """Return the studies that gave their results, and the frame of those asked for."""
    kept: list[Found] = []
    tables: list[pa.Table] = []
    recorded: set[str] = set()
    for study, read in _readable(choices, kinds, wanted, gathered):
        kept.append(study)
        tables.append(read.table)
        recorded |= read.recorded
        gathered.unknown |= read.unknown
    absent = [name for name in wanted or () if name not in recorded]
    if absent and tables:
        raise ParameterError(
            f"no study recorded {', '.join(absent)}; recorded were {', '.join(sorted(recorded))}."
        )
    return kept, frame_of(tables, kinds)


def _readable(
    choices: Sequence[Sequence[Found]],
    kinds: Mapping[str, AxisKind],
    wanted: Sequence[str] | None,
    gathered: _Gathered,
) -> Iterator[tuple[Found, StudyTable]]:
    """Give for each choice the first study whose results can be read; note those that cannot."""
    for choice in choices:
        for study in choice:
            read = table_of(study, kinds, wanted)
            if read is not None:
                yield study, read
                break
            gathered.unreadable.append(study.id)


def _say(gathered: _Gathered, kept: Sequence[Found], language: str) -> None:
    """Say what a reader of the numbers must know."""
    for warning in _warnings(gathered, kept, language):
        warnings.warn(warning, stacklevel=3)


def _warnings(
    gathered: _Gathered, kept: Sequence[Found], language: str
) -> Iterator[ResultsWarning]:
    if not kept and not gathered.unreadable:
        where = ", ".join(gathered.where)
        yield ResultsWarning(
            f"{where} has no published study to load results from; run it first.",
            key="results_none",
            values={"where": where},
        )
    elif missing := _missing(gathered.missing, kept, language):
        yield ResultsWarning(
            f"these studies of the plan have no report yet and are left out: {_named(missing)}.",
            key="results_missing",
            values={"studies": _named(missing)},
        )
    if gathered.unreadable:
        yield ResultsWarning(
            f"the results behind these reports are gone or cannot be read and are left out: "
            f"{_named(gathered.unreadable)}; run them again with --force.",
            key="results_unreadable",
            values={"studies": _named(gathered.unreadable)},
        )
    if failed := _standing(kept, "failed", "interrupted"):
        yield ResultsWarning(
            f"a later run of these studies failed; the numbers are of their last good report: "
            f"{failed}.",
            key="results_not_newest",
            values={"studies": failed},
        )
    if stale := _standing(kept, "stale"):
        yield ResultsWarning(
            f"data, parameters, notebook or versions have changed since these studies were run; "
            f"the numbers are of before: {stale}.",
            key="results_stale",
            values={"studies": stale},
        )
    yield from _of_versions(gathered, kept)


def _standing(studies: Sequence[Found], *states: str) -> str:
    """Return the names of the studies in these states; empty for none."""
    return _named([study.id for study in studies if study.state in states])


def _of_versions(gathered: _Gathered, kept: Sequence[Found]) -> Iterator[ResultsWarning]:
    made = sorted({(study.version, str(study.published.parts.get("code"))[:8]) for study in kept})
    if len(made) > 1:
        shown = ", ".join(f"{version} ({code})" for version, code in made)
        yield ResultsWarning(
            f"the results were made by different versions of servlab: {shown}; the columns "
            "servlab and key tell them apart.",
            key="results_versions",
            values={"versions": shown},
        )
    if gathered.unknown:
        columns = ", ".join(sorted(gathered.unknown))
        yield ResultsWarning(
            f"another version of servlab recorded columns that this one does not know; they are "
            f"left out: {columns}.",
            key="results_columns",
            values={"columns": columns},
        )


def _missing(missing: Sequence[tuple[str, str]], kept: Sequence[Found], language: str) -> list[str]:
    """Return the ids of studies that are asked for and have no report."""
    if language == "any":
        there = {study.name for study in kept}
        return list({name: name for name, _ in missing if name not in there})
    return [f"{name}.{spoken}" for name, spoken in missing if language in ("all", spoken)]


def _named(studies: Sequence[str]) -> str:
    more = len(studies) - MOST
    shown = ", ".join(studies[:MOST])
    return shown if more <= 0 else f"{shown}, +{more}"
