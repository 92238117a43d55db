"""What a plan's page says of each study, kept beside the runs.

``out/runs/.plan-NAME.reports.json`` holds an entry a study: the place in the matrix, how the
study stood when the plan was last run, and the key figures of its published report. Studies of
earlier periods that the plan no longer names stay in it as long as their reports are there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from servlab.studies import records
from servlab.studies.plans.figures import Figure, figures_of
from servlab.studies.plans.plan import Plan
from servlab.studies.plans.status import StudyState
from servlab.studies.publish import write_whole

EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class Entry:
    """One study on a plan's page.

    Attributes
    ----------
    name, language : str
    kind : str
        The notebook's name.
    axes : mapping of str to str
        Its place in the matrix.
    state : str
        As in ``servlab plan status``; ``earlier`` when the plan no longer names it.
    reasons : tuple of str
        Why it is not current.
    published : str
        When its report was published (ISO, UTC); empty where there is none.
    report : str
        The published report, as a path from the page; empty where there is none.
    left : str
        What a failed run left, as a path from the page; empty where there is nothing.
    figures : tuple of Figure
        Of the published report.
    level : str
        Level of its intervals.
    """

    name: str
    language: str
    axes: Mapping[str, str]
    state: str
    kind: str = ""
    reasons: tuple[str, ...] = ()
    published: str = ""
    report: str = ""
    left: str = ""
    figures: tuple[Figure, ...] = ()
    level: str = ""

    @property
    def id(self) -> str:
        """Return what names the study in the folder of reports."""
        return f"{self.name}.{self.language}"


def entries_path(out: Path, plan: str) -> Path:
    """Return where the entries of a plan are kept."""
    return out / "runs" / f".plan-{plan}.reports.json"


def entries_of(plan: Plan, states: Sequence[StudyState]) -> tuple[Entry, ...]:
    """Return the entries of a plan: its studies, then those of earlier periods."""
    now = [_entry(plan.out, state) for state in states]
    known = {entry.id for entry in now}
    before = [entry for entry in read_entries(plan.out, plan.name) if entry.id not in known]
    there = [entry for entry in before if entry.report and (plan.out / entry.report).is_file()]
    return (*now, *(replace(entry, state=EARLIER, reasons=(), left="") for entry in there))


def _entry(out: Path, state: StudyState) -> Entry:
    study = state.study
    left = state.last_run / "report.html" if state.state == "failed" and state.last_run else None
    moment = state.last_good
    return Entry(
        name=study.name,
        language=study.language,
        axes=dict(study.axes),
        state=state.state,
        kind=study.notebook.stem,
        reasons=state.reasons,
        published="" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds"),
        report="" if state.report is None else state.report.relative_to(out).as_posix(),
        left=left.relative_to(out).as_posix() if left is not None and left.is_file() else "",
        figures=figures_of(state.results) if state.report is not None else (),
        level=_level(state) if state.report is not None else "",
    )


def _level(state: StudyState) -> str:
    """Return the level of a report's intervals, as its run was given it; empty for none."""
    published = records.read_published(state.study.runs)
    given = {} if published is None else published.parts.get("parameters", {})
    return str(given.get("conf_level", ""))


def keep_entries(plan: Plan, entries: Sequence[Entry], checked: str) -> None:
    """Keep the entries of a plan, and when they were found to stand so."""
    document = {
        "plan": plan.name,
        "checked": checked,
        "entries": [asdict(entry) for entry in entries],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    write_whole(entries_path(plan.out, plan.name), text)


def read_entries(out: Path, plan: str) -> tuple[Entry, ...]:
    """Return the entries kept of a plan; none where the file is not there or is damaged."""
    try:
        document = json.loads(entries_path(out, plan).read_text(encoding="utf-8"))
        return tuple(_read(part) for part in document["entries"])
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def read_checked(out: Path, plan: str) -> str:
    """Return when the studies of a plan were last looked at; empty where nobody knows."""
    try:
        return str(json.loads(entries_path(out, plan).read_text(encoding="utf-8"))["checked"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _read(part: Mapping[str, Any]) -> Entry:
    figures = tuple(Figure(**figure) for figure in part["figures"])
    return Entry(**{**part, "reasons": tuple(part["reasons"]), "figures": figures})


def plans_in(out: Path) -> tuple[str, ...]:
    """Return the plans that were run into a folder of reports, in order."""
    head, tail = ".plan-", ".reports.json"
    found = (path.name for path in (out / "runs").glob(f"{head}*{tail}"))
    return tuple(sorted(name.removeprefix(head).removesuffix(tail) for name in found))


def kept_places(out: Path) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Return the plan, and the place in its matrix, of every study of a folder of reports."""
    kept = ((plan, entry) for plan in plans_in(out) for entry in read_entries(out, plan))
    return {entry.id: (plan, entry.axes) for plan, entry in kept}


def moment_text(moment: str) -> str:
    """Return a moment as people read it; empty where there is none.

    Examples
    --------
    >>> moment_text("2026-03-01T08:12:44+00:00")
    '2026-03-01 08:12 UTC'
    """
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
