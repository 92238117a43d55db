"""The page over a plan's reports: written after every run of a plan, failed ones too.

``index.en.html`` and ``index.zh.html`` in the folder of reports; ``index.html`` is the one in the
plan's first language. The same state gives the same bytes but for one thing: the moment when the
plan was last looked at, so that a page whose scheduler died does not look like this morning's.
Several plans may share a folder: each has its part.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from servlab.core.errors import StudyError
from servlab.data.schema import LANGUAGES
from servlab.studies.manifest import code_sha256, run_key
from servlab.studies.plans.entries import (
    entries_of,
    keep_entries,
    moment_text,
    plans_in,
    read_checked,
    read_entries,
)
from servlab.studies.plans.page import Part, index_page
from servlab.studies.plans.plan import Plan, Problem
from servlab.studies.plans.status import StudyState
from servlab.studies.publish import write_together
from servlab.studies.records import hash_of

MADE = ".index.json"
_CHECKED = re.compile(r'(<time class="checked" datetime=")[^"]*(">)[^<]*(</time>)')


def index_path(out: Path, language: str = "") -> Path:
    """Return where the page over a folder of reports stands."""
    return out / (f"index.{language}.html" if language else "index.html")


def publish_index(
    plan: Plan,
    states: Sequence[StudyState],
    *,
    problems: Sequence[Problem] = (),
    now: datetime | None = None,
) -> str:
    """Write the page over a plan's reports, in both languages.

    Parameters
    ----------
    plan : Plan
        The whole plan, whatever part of it was run.
    states : sequence of StudyState
        How each of its studies stands.
    problems : sequence of Problem
        What keeps the plan from being run.
    now : datetime, optional
        When they were found to stand so; default the clock's.

    Returns
    -------
    str
        What went wrong; empty when nothing did. The pages stand as before then.
    """
    from filelock import FileLock

    entries = entries_of(plan, states)
    checked = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
    mine = Part(plan.name, entries, tuple(str(problem) for problem in problems), checked)
    try:
        with FileLock(plan.out / "runs" / ".index.lock", mode=0o666):
            others = (name for name in plans_in(plan.out) if name != plan.name)
            parts = [mine, *(_kept(plan.out, name) for name in others)]
            parts.sort(key=lambda part: part.plan)
            keep_entries(plan, entries, checked)
            _publish(plan, parts)
    except (StudyError, OSError) as err:
        return f"the page over the reports could not be written: {err}"
    return ""


def _kept(out: Path, plan: str) -> Part:
    """Return what was kept of another plan of the folder."""
    return Part(plan, read_entries(out, plan), checked=read_checked(out, plan))


def _publish(plan: Plan, parts: Sequence[Part]) -> None:
    """Write the pages; those that say the same already get the new moment only.

    Drawing a page costs over a second.
    """
    first = plan.studies[0].language if plan.studies else "en"
    told = plan.out / "runs" / MADE
    timeless = [replace(part, checked="") for part in parts]
    made = run_key(
        {"of": [asdict(part) for part in timeless], "first": first, "code": code_sha256()}
    )
    pages = _standing(plan.out, told, made)
    if not pages:
        drawn: dict[str, str] = {spoken: index_page(timeless, spoken) for spoken in LANGUAGES}
        pages = {index_path(plan.out, spoken).name: page for spoken, page in drawn.items()}
        pages[index_path(plan.out).name] = drawn[first]
    moments = [part.checked for part in parts]
    written: dict[Path, str | bytes] = {
        plan.out / name: dated(page, moments) for name, page in pages.items()
    }
    hashes = {name: hash_of(page) for name, page in pages.items()}
    written[told] = json.dumps({"made": made, "files": hashes}) + "\n"
    write_together(written)


def _standing(out: Path, told: Path, made: str) -> dict[str, str]:
    """Return the pages without their moments where they are those made of the same; else none."""
    try:
        known = json.loads(told.read_text(encoding="utf-8"))
        found = {
            name: _CHECKED.sub(r"\1\2\3", (out / name).read_text(encoding="utf-8"))
            for name in known["files"]
        }
        same = {name: hash_of(page) for name, page in found.items()} == known["files"]
        return found if same and known["made"] == made else {}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def dated(page: str, moments: Sequence[str]) -> str:
    """Return a page with the moments at which its plans were looked at, one after the other."""
    left = iter(moments)

    def moment(found: re.Match[str]) -> str:
        checked = next(left)
        return f"{found[1]}{checked}{found[2]}{moment_text(checked)}{found[3]}"

    return _CHECKED.sub(moment, page)
