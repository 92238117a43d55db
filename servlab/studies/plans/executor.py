"""Who runs the studies of a plan. What is run, and whether, is decided by the plan alone.

An executor takes a ``PlannedStudy`` and gives back a future of its ``StudyOutcome``; a study that
fails, or whose process dies, is an outcome too, never an exception. ``run_one`` is what every
executor calls in the end.
"""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from servlab.core.errors import ServlabError, StudyError
from servlab.studies.failures import Failure, outside_cells, reason_of
from servlab.studies.plans.plan import PlannedStudy

Ending = Literal["complete", "failed", "interrupted"]


@dataclass(frozen=True, slots=True)
class StudyOutcome:
    """How one study of a plan ended.

    Attributes
    ----------
    study : str
        The study's id, ``name.language``.
    status : {"complete", "failed", "interrupted"}
    report : Path or None
        The published report; of a failed study what could be made, in the run folder.
    folder : Path or None
        The run folder; None when the study did not get that far.
    failures : tuple of Failure
    seconds : float
        Time it took.
    """

    study: str
    status: Ending
    report: Path | None = None
    folder: Path | None = None
    failures: tuple[Failure, ...] = ()
    seconds: float = 0.0


class OutcomeFuture(Protocol):
    """What is wanted of a future; those of ``concurrent.futures`` and dask have it."""

    def result(self) -> StudyOutcome:
        """Return the outcome, waiting for it."""

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Call ``fn`` with this future once it is done."""

    def cancel(self) -> object:
        """Take the study back, if it has not started."""


class Executor(Protocol):
    """Runs studies, several at once.

    Attributes
    ----------
    workers : int
        How many studies it can run at once; no more are handed to it.
    """

    workers: int

    def submit(self, study: PlannedStudy) -> OutcomeFuture:
        """Run a study as soon as there is room."""

    def stop(self) -> None:
        """End what runs, kernels and their children included; return when nothing runs."""

    def close(self) -> None:
        """Free what is held, once every study has ended."""


MakeExecutor = Callable[[int, Path], Executor]  # from how many at once, and the folder of reports


def run_one(study: PlannedStudy) -> StudyOutcome:
    """Run a study here and say how it ended; only a signal gets through as an exception."""
    from servlab.studies.runner import run_study

    start = time.monotonic()
    try:
        run = run_study(
            study.notebook,
            study.parameters,
            out=study.out,
            name=study.name,
            timeout=study.timeout,
            export=study.export,  # type: ignore[arg-type]
        )
    except StudyError as err:  # its kernel did not start, or its folder could not be written
        return failed(study, "outside the cells", str(err), time.monotonic() - start)
    except ServlabError as err:
        return failed(study, "before the cells", str(err), time.monotonic() - start)
    except Exception as err:  # an error of ours in one study must not end the others
        where = traceback.format_exc(limit=-2)
        text = f"an error inside servlab: {reason_of(err)}\n{where}"
        return failed(study, "servlab", text, time.monotonic() - start)
    seconds = time.monotonic() - start
    return StudyOutcome(study.id, run.status, run.report, run.folder, run.failures, seconds)


def failed(study: PlannedStudy, section: str, error: str, seconds: float = 0.0) -> StudyOutcome:
    """Return the outcome of a study that ended outside its cells."""
    return StudyOutcome(
        study.id, "failed", failures=(outside_cells(section, error),), seconds=seconds
    )
