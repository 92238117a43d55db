"""How each study of a plan stands, decided by bytes alone: no clock and no file time has a say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from servlab.core.errors import ServlabError
from servlab.studies import records
from servlab.studies.kernel import is_alive
from servlab.studies.manifest import run_key
from servlab.studies.plans.explain import changes
from servlab.studies.plans.making import Makings
from servlab.studies.plans.plan import Plan, PlannedStudy

State = Literal["current", "stale", "failed", "missing", "running"]


@dataclass(frozen=True, slots=True)
class StudyState:
    """How one study of a plan stands.

    Attributes
    ----------
    study : PlannedStudy
    state : {"current", "stale", "failed", "missing", "running"}
        ``current``: the published report is the one that today's notebook, parameters, files,
        code and versions give, byte for byte. ``stale``: there is a report, of something else.
        ``failed``: the last run, on what there is today, failed, or it cannot be run on that.
        ``missing``: no report.
    reasons : tuple of str
        Why it is not current, part by part.
    report : Path or None
        The published report, if there is one: the last good one, whatever the state.
    last_good : datetime or None
        When that report was published (UTC), as the clock said then.
    folder : Path or None
        The folder of the run that made that report: ``results.json`` has its key figures,
        ``results.parquet`` the rest.
    last_run : Path or None
        The folder of the last run, which may have failed.
    """

    study: PlannedStudy
    state: State
    reasons: tuple[str, ...] = ()
    report: Path | None = None
    last_good: datetime | None = None
    folder: Path | None = None
    last_run: Path | None = None

    @property
    def results(self) -> Path | None:
        """Return the file of key figures behind the published report."""
        return None if self.folder is None else self.folder / "results.json"


def plan_status(plan: Plan, *, makings: Makings | None = None) -> tuple[StudyState, ...]:
    """Return how each study of a plan stands, in the plan's order.

    Parameters
    ----------
    plan : Plan
    makings : Makings, optional
        What was read of notebooks and files already.

    Returns
    -------
    tuple of StudyState
    """
    known = makings or Makings()
    return tuple(study_state(study, known) for study in plan.studies)


def study_state(study: PlannedStudy, makings: Makings) -> StudyState:
    """Return how one study stands."""
    published, last = records.read_published(study.runs), records.read_last(study.runs)
    state, reasons = _judged(study, published, last, makings)
    there = study.report.is_file()
    made = study.runs / published.folder if published is not None else None
    return StudyState(
        study,
        state,
        tuple(reasons),
        report=study.report if there else None,
        last_good=_moment(published.finished) if published is not None and there else None,
        folder=made if made is not None and made.is_dir() else None,
        last_run=study.runs / last.folder if last is not None and last.folder else None,
    )


def _judged(
    study: PlannedStudy,
    published: records.Published | None,
    last: records.Attempt | None,
    makings: Makings,
) -> tuple[State, list[str]]:
    """Return the state and its reasons."""
    if last is not None and last.status == "running" and last.here and is_alive(last.pid):
        return "running", [f"it is being run by process {last.pid}"]
    if study.troubles:
        return "failed", [f"it cannot be run: {problem.text}" for problem in study.troubles]
    try:
        now = makings.parts(study)
    except ServlabError as err:
        return "failed", [f"it cannot be run: {err}"]
    reasons = _not_current(study, published, now, makings)
    unfinished = _unfinished(last)
    if last is not None and last.key == run_key(now) and last.status == "failed":
        return "failed", [*_failures(last), *reasons]
    if not reasons:
        return "current", []
    if not study.report.is_file():
        return "missing", [*unfinished, *reasons]
    return "stale", [*unfinished, *reasons]


def _not_current(
    study: PlannedStudy,
    published: records.Published | None,
    now: Mapping[str, Any],
    makings: Makings,
) -> list[str]:
    """Return why the published files are not those that a run would give now."""
    if published is None:
        there = study.report.is_file()
        return ["its report was not made by a run that is known" if there else "it was never run"]
    if published.key != run_key(published.parts):
        return ["the record of its report is damaged"]
    return [
        *changes(published.parts, now),
        *_reread(study, published.reads, makings),
        *_touched(study, published.files),
    ]


def _reread(study: PlannedStudy, reads: Mapping[str, str], makings: Makings) -> list[str]:
    """Return the files that the notebook read of itself and that are no longer the same."""
    found = []
    for name, digest in reads.items():
        try:
            same = makings.hash_of(study.notebook.parent / name) == digest
        except ServlabError:
            found.append(f"{Path(name).name}, which the notebook reads, is gone")
            continue
        if not same:
            found.append(f"{Path(name).name}, which the notebook reads, changed")
    return found


def _touched(study: PlannedStudy, files: Mapping[str, str]) -> list[str]:
    """Return the published files that are gone or are no longer as they were published."""
    found = []
    for name, digest in files.items():
        path = study.out / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            found.append(f"{name} was removed")
            continue
        except OSError as err:
            found.append(f"{name} cannot be read: {err.strerror}")
            continue
        if records.hash_of(content) != digest:
            found.append(f"{name} is not as it was published")
    return found


def _unfinished(last: records.Attempt | None) -> list[str]:
    if last is None or last.status not in ("running", "interrupted"):
        return []
    return ["its last run was stopped before it ended"]


def _failures(last: records.Attempt) -> list[str]:
    """Return what the last run said of its failures, a line each."""
    found = [f"{f.get('section') or 'study'}: {f.get('error', '')}" for f in last.failures]
    return [" ".join(text.split())[:300] for text in found] or ["its last run failed"]


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def counts(states: Sequence[StudyState]) -> dict[State, int]:
    """Return how many studies are in each state, those of none left out."""
    order: tuple[State, ...] = ("current", "stale", "missing", "failed", "running")
    found = {name: sum(s.state == name for s in states) for name in order}
    return {name: number for name, number in found.items() if number}
