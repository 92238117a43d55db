"""What many studies found, as one tidy frame over branches, waves and languages.

Only runs that made a published report count: which run that was stands in ``published.json``
(``records``). Failed, interrupted and half-written runs lie in the same folders and are passed by.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from servlab.core.errors import ParameterError, ResultsWarning
from servlab.data.schema import LANGUAGES, Language
from servlab.studies import records
from servlab.studies.results import long_schema

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from servlab.studies.plans.plan import Plan

OWN = ("study", "language", "state", "finished", "servlab", "key")
PLACE = ("result", "part", "row", "text")
MOST = 5  # studies that are named before the rest is counted


@dataclass(frozen=True, slots=True)
class _Study:
    """A study with a published report: where its results lie, and what is known of it."""

    name: str
    language: str
    state: str
    axes: Mapping[str, str]
    runs: Path
    published: records.Published

    @property
    def id(self) -> str:
        """Return what names it."""
        return f"{self.name}.{self.language}"

    @property
    def version(self) -> str:
        """Return the version of servlab that made it."""
        return str(self.published.parts.get("versions", {}).get("servlab", "unknown"))


@dataclass(slots=True)
class _Said:
    """What has to be said about the results, by kind."""

    unreadable: list[str] = field(default_factory=list)
    not_newest: list[str] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)


def load_results(
    source: "str | Path | Plan",
    *,
    results: Sequence[str] | None = None,
    language: Language | None = None,
    since: str | None = None,
) -> "pd.DataFrame":
    """Return what all published studies found, as one tidy frame.

    Parameters
    ----------
    source : str, Path or Plan
        A folder of reports, a plan's TOML file, or a plan.
    results : sequence of str, optional
        Only these results, by the names that the notebooks gave them: ``["gaps"]``.
    language : {"en", "zh"}, optional
        Only studies in this language. A study in two languages gives every number twice.
    since : str, optional
        Of a plan with periods: the first one wanted, as in ``servlab plan run --since``.

    Returns
    -------
    DataFrame
        A row a row of a result, in the order of the plan (of a folder: by name). Always these
        columns, in this order: ``study, language, state, finished, servlab, key``; a column of
        text for each axis of the plan's matrix; ``result, part, row, text``; every tidy column of
        ``servlab.core.columns`` (unused ones are empty).

    Raises
    ------
    ParameterError
        When there is no such folder, a result was recorded by no study, or the language is unknown.
    PlanError
        When the plan is wrong.

    Warns
    -----
    ResultsWarning
        When nothing is published yet; results are gone or cannot be read (they are left out);
        they were made by different versions of servlab; they are older than a run that failed;
        another version recorded columns that this one does not know (they are left out).

    Notes
    -----
    ``part`` is ``scalar`` (a number stands in ``estimate``, a text in ``text``), ``tidy`` (a row
    a term) or ``glance`` (a row a fit); ``row`` counts from 0 as the notebook recorded it.
    ``finished`` is the moment of publication (UTC), ``key`` the hash of all that decided the run.
    ``state`` is that of ``servlab plan status`` for a plan. For a folder, where nobody can tell
    whether a report is current, it is ``published``, or how a later run ended: ``failed``,
    ``interrupted``, ``running``. A tidy column with the name of an axis is called
    ``NAME_of_term``; an axis with the name of another column ``axis_NAME``.

    Examples
    --------
    >>> load_results("gone")
    Traceback (most recent call last):
    servlab.core.errors.ParameterError: gone is no folder of reports and no plan; check the path.
    """
    if language is not None and language not in get_args(Language):
        raise ParameterError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")
    said = _Said()
    where, found = _studies(source, since, said)
    kept = [study for study in found if language in (None, study.language)]
    axes = tuple(dict.fromkeys(axis for study in kept for axis in study.axes))
    tables = [table for study in kept for table in _tables(study, axes, said)]
    _warn(where, kept, said)
    return _frame(tables, axes, results)


def _studies(
    source: "str | Path | Plan", since: str | None, said: _Said
) -> tuple[str, list[_Study]]:
    """Return what is asked about, in words, and its published studies."""
    from servlab.studies.plans.plan import Plan, chosen
    from servlab.studies.plans.read import read_plan

    if isinstance(source, Plan) or Path(source).is_file():
        plan = source if isinstance(source, Plan) else read_plan(source, since=since)
        return f"plan {plan.name}", list(_of_plan(chosen(plan, since=since), said))
    if since is not None:
        raise ParameterError("since is of plans; give the plan's file instead of a folder.")
    folder = Path(source)
    if not folder.is_dir():
        raise ParameterError(f"{folder} is no folder of reports and no plan; check the path.")
    return str(folder), list(_of_folder(folder, said))


def _of_plan(plan: "Plan", said: _Said) -> Iterator[_Study]:
    from servlab.studies.plans.status import plan_status

    for state in plan_status(plan):
        study = state.study
        published = records.read_published(study.runs)
        if state.report is None:
            continue
        if published is None:
            said.unreadable.append(study.id)
            continue
        yield _Study(study.name, study.language, state.state, study.axes, study.runs, published)


def _of_folder(out: Path, said: _Said) -> Iterator[_Study]:
    from servlab.studies.plans.entries import kept_axes

    axes = kept_axes(out)
    for runs in sorted(path.parent for path in out.glob(f"runs/*/{records.PUBLISHED}")):
        name, _, language = runs.name.rpartition(".")
        published = records.read_published(runs)
        if published is None:
            said.unreadable.append(runs.name)
        elif (out / f"{runs.name}.html").is_file():
            state = _state(published, records.read_last(runs))
            yield _Study(name, language, state, axes.get(runs.name, {}), runs, published)


def _state(published: records.Published, last: records.Attempt | None) -> str:
    """Return how a study stands as far as its folder tells."""
    if last is None or last.folder == published.folder or last.status == "complete":
        return "published"
    return last.status


def _tables(study: _Study, axes: Sequence[str], said: _Said) -> "Iterator[pa.Table]":
    """Give a study's results with all that names them; note what cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if study.state in ("failed", "interrupted"):
        said.not_newest.append(study.id)
    path = study.runs / study.published.folder / "results.parquet"
    try:
        table = pq.read_table(path, partitioning=None)
        finished = datetime.fromisoformat(study.published.finished)
    except (OSError, ValueError, pa.ArrowException):
        said.unreadable.append(study.id)
        return
    schema = long_schema()
    said.unknown |= set(table.column_names) - set(schema.names)
    known = [
        table[name].cast(kind) if name in table.column_names else pa.nulls(len(table), kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    facts = {
        "study": study.name,
        "language": study.language,
        "state": study.state,
        "finished": finished,
        "servlab": study.version,
        "key": study.published.key,
    }
    facts |= {axis_name(axis): study.axes.get(axis) for axis in axes}
    columns = dict(zip(_renamed(schema.names, axes), known, strict=True))
    for name, value in facts.items():
        columns[name] = pa.array([value] * len(table), _kind(name))
    yield pa.table(columns).select(_order(axes))


def _kind(name: str) -> Any:
    import pyarrow as pa

    return pa.timestamp("us", tz="UTC") if name == "finished" else pa.string()


def axis_name(axis: str) -> str:
    """Return the column of an axis: its own name, unless that is one of the frame's."""
    return f"axis_{axis}" if axis in (*OWN, *PLACE) else axis


def _renamed(names: Iterable[str], axes: Sequence[str]) -> list[str]:
    """Return the columns of results, those with the name of an axis told apart."""
    taken = {axis_name(axis) for axis in axes}
    return [f"{name}_of_term" if name in taken else name for name in names]


def _order(axes: Sequence[str]) -> list[str]:
    """Return all columns in their order."""
    first = [*OWN, *(axis_name(axis) for axis in axes), *PLACE]
    rest = [name for name in _renamed(long_schema().names, axes) if name not in first]
    return [*first, *rest]


def _frame(
    tables: "Sequence[pa.Table]", axes: Sequence[str], results: Sequence[str] | None
) -> "pd.DataFrame":
    """Return the frame of all tables, with the results asked for."""
    import pyarrow as pa

    names = _order(axes)
    kinds = dict(zip(_renamed(long_schema().names, axes), long_schema().types, strict=True))
    schema = pa.schema([(name, kinds.get(name) or _kind(name)) for name in names])
    frame: pd.DataFrame = pa.concat_tables([schema.empty_table(), *tables]).to_pandas()
    if results is None or frame.empty:
        return frame
    wanted = [results] if isinstance(results, str) else list(results)
    known = frame["result"].unique()
    absent = [name for name in wanted if name not in known]
    if absent:
        raise ParameterError(
            f"no study recorded {', '.join(absent)}; recorded were {', '.join(sorted(known))}."
        )
    return frame[frame["result"].isin(wanted)].reset_index(drop=True)


def _warn(where: str, studies: Sequence[_Study], said: _Said) -> None:
    """Say what a reader of the numbers must know."""
    for warning in _warnings(where, studies, said):
        warnings.warn(warning, stacklevel=3)


def _warnings(where: str, studies: Sequence[_Study], said: _Said) -> Iterator[ResultsWarning]:
    if not studies:
        yield ResultsWarning(
            f"{where} has no published study to load results from; run it first.",
            key="results_none",
            values={"where": where},
        )
    if said.unreadable:
        yield ResultsWarning(
            f"the results behind these reports are gone or cannot be read and are left out: "
            f"{_named(said.unreadable)}; run them again with --force.",
            key="results_unreadable",
            values={"studies": _named(said.unreadable)},
        )
    if said.not_newest:
        yield ResultsWarning(
            f"a later run of these studies failed; the numbers are of their last good report: "
            f"{_named(said.not_newest)}.",
            key="results_not_newest",
            values={"studies": _named(said.not_newest)},
        )
    made = sorted(
        {(study.version, str(study.published.parts.get("code"))[:8]) for study in studies}
    )
    if len(made) > 1:
        shown = ", ".join(f"{version} ({code})" for version, code in made)
        yield ResultsWarning(
            f"the results were made by different versions of servlab: {shown}; the columns "
            "servlab and key tell them apart.",
            key="results_versions",
            values={"versions": shown},
        )
    if said.unknown:
        yield ResultsWarning(
            f"another version of servlab recorded columns that this one does not know; they are "
            f"left out: {', '.join(sorted(said.unknown))}.",
            key="results_columns",
            values={"columns": ", ".join(sorted(said.unknown))},
        )


def _named(studies: Sequence[str]) -> str:
    more = len(studies) - MOST
    shown = ", ".join(studies[:MOST])
    return shown if more <= 0 else f"{shown}, +{more}"
