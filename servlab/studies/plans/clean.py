"""Runs that nobody needs any more: the older ones of a study, never those that a report is of."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

from servlab.studies import records
from servlab.studies.plans.plan import Plan, PlannedStudy
from servlab.studies.publish import remove_leftovers


def old_runs(study: PlannedStudy, retention: int) -> tuple[Path, ...]:
    """Return the run folders of a study beyond the ``retention`` latest, oldest first.

    The run behind the published report and the last run always stay. Runs are ordered by their
    numbers, not by clocks.
    """
    published, last = records.read_published(study.runs), records.read_last(study.runs)
    kept = {record.folder for record in (published, last) if record is not None}
    folders = [p.parent for p in study.runs.glob(f"*/{records.MANIFEST}") if not p.is_symlink()]
    ordered = sorted(folders, key=lambda folder: (_number(folder), folder.name))
    spare = [folder for folder in ordered if folder.name not in kept]
    beyond = len(folders) - max(retention, len(kept))
    return tuple(spare[: max(beyond, 0)])


def tidy_runs(study: PlannedStudy, retention: int) -> tuple[Path, ...]:
    """Remove a study's old runs and return what was removed."""
    gone = old_runs(study, retention)
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return tuple(folder for folder in gone if not folder.exists())


def clean_plan(plan: Plan, *, dry_run: bool = False) -> tuple[Path, ...]:
    """Remove what a plan's studies no longer need, and return it.

    Temporary files of writers that died go as well; they are not counted.
    """
    found: list[Path] = []
    for study in plan.studies:
        found += old_runs(study, plan.retention) if dry_run else tidy_runs(study, plan.retention)
        if not dry_run and study.runs.is_dir():
            remove_leftovers(study.runs, below=True)
    if not dry_run and plan.out.is_dir():
        remove_leftovers(plan.out)
    return tuple(found)


def _number(folder: Path) -> int:
    """Return the number of a run; one of before runs had numbers comes first."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        text = (folder / records.MANIFEST).read_text(encoding="utf-8")
        return int(json.loads(text)["number"])
    return 0
