"""What a plan's page says of each study, kept beside the runs.

``out/runs/.plan-NAME.reports.json`` holds an entry a study: the place in the matrix, how the
study stood when the plan was last run, and the key figures of its published report. Studies of
earlier periods that the plan no longer names stay in it as long as their reports are there.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from servlab.studies.plans.plan import Plan
from servlab.studies.plans.status import StudyState
from servlab.studies.publish import write_whole

EARLIER = "earlier"
# Where the figure of a study is: result, column of its glance, and how it is called on the page.
FIGURES = (
    ("gaps", "estimate", "gap"),
    ("perception", "estimate", "score"),
    ("regression", "r_squared", "r_squared"),
)
MOST_SCALARS = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure: ``gap``, ``score``, ``r_squared`` or ``n``, or a name of the notebook's."""

    name: str
    value: float
    own: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One study on a plan's page.

    Attributes
    ----------
    name, language : str
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
    """

    name: str
    language: str
    axes: Mapping[str, str]
    state: str
    reasons: tuple[str, ...] = ()
    published: str = ""
    report: str = ""
    left: str = ""
    figures: tuple[Figure, ...] = ()

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
        reasons=state.reasons,
        published="" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds"),
        report="" if state.report is None else state.report.relative_to(out).as_posix(),
        left=left.relative_to(out).as_posix() if left is not None and left.is_file() else "",
        figures=tuple(_figures(state.results)) if state.report is not None else (),
    )


def _figures(path: Path | None) -> Iterator[Figure]:
    """Give the key figures of a report's results; none where they cannot be read."""
    try:
        results = json.loads((path or Path()).read_text(encoding="utf-8"))["results"]
        found = list(_found(results))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return
    yield from found


def _found(results: Mapping[str, Any]) -> Iterator[Figure]:
    for result, column, name in FIGURES:
        row = next(iter(results.get(result, {}).get("glance") or ()), None)
        if row is not None and _is_number(row.get(column)):
            yield Figure(name, float(row[column]))
            if _is_number(row.get("n")):
                yield Figure("n", float(row["n"]))
            return
    scalars = [(name, part["value"]) for name, part in results.items() if "value" in part]
    shown = [(name, value) for name, value in scalars if _is_number(value)]
    for name, value in shown[:MOST_SCALARS]:
        yield Figure(name, float(value), own=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def keep_entries(plan: Plan, entries: Sequence[Entry]) -> None:
    """Keep the entries of a plan."""
    document = {"plan": plan.name, "entries": [asdict(entry) for entry in entries]}
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    write_whole(entries_path(plan.out, plan.name), text)


def read_entries(out: Path, plan: str) -> tuple[Entry, ...]:
    """Return the entries kept of a plan; none where the file is not there or is damaged."""
    try:
        document = json.loads(entries_path(out, plan).read_text(encoding="utf-8"))
        return tuple(_read(part) for part in document["entries"])
    except (OSError, ValueError, LookupError, TypeError):
        return ()


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


def moment_text(entry: Entry) -> str:
    """Return when a report was published, as people read it; empty where there is none.

    Examples
    --------
    >>> moment_text(Entry("a", "en", {}, "current", published="2026-03-01T08:12:44+00:00"))
    '2026-03-01 08:12 UTC'
    """
    if not entry.published:
        return ""
    return datetime.fromisoformat(entry.published).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
