"""Studies run in this process, without kernels: everything else of a run is the real thing.

Sixty kernels cost minutes; what a plan does with its studies is the same whoever runs the cells.
"""

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import IPython.display
import nbformat

from servlab.studies import engine, inside
from servlab.studies.engine import Execution, Outcome, _prepared
from servlab.studies.plans.executor import StudyOutcome, run_one
from servlab.studies.plans.plan import PlannedStudy


def execute(notebook, values, *, language, timeout, progress):
    """Stand in for ``engine.execute``: run the cells here, one namespace a study."""
    node, cells = _prepared(notebook, values)
    outcomes, names, broken = [], {}, False
    for cell, part in zip(cells, node.cells, strict=True):
        if cell.kind != "code":
            continue
        if broken:
            outcomes.append(Outcome(cell, "not_run"))
            continue
        _shown.clear()
        error = ""
        try:
            exec(compile(cell.source, "<cell>", "exec"), names)
        except Exception as err:
            error, broken = f"{type(err).__name__}: {err}", True
        part.outputs = [nbformat.v4.new_output("display_data", data=data) for data in list(_shown)]
        outcomes.append(Outcome(cell, "failed" if error else "done", 0.0, error))
    return Execution(node, cells, tuple(outcomes))


_shown: list[dict[str, Any]] = []


def run_inline(monkeypatch) -> None:
    """Make every study of this process run without a kernel."""

    def display(*parts, raw=False, **_):
        _shown.extend(part if raw else part._repr_mimebundle_() for part in parts)

    monkeypatch.setattr(engine, "execute", execute)
    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(inside, "emit", lambda mime, payload: _shown.append({mime: payload}))


@dataclass
class InlineExecutor:
    """Runs each study at once; ``ran`` says which, in order."""

    workers: int = 1
    ran: list[str] = field(default_factory=list)
    breaks_at: int | None = None
    stopped: int = 0

    def submit(self, study: PlannedStudy) -> "Future[StudyOutcome]":
        if self.breaks_at is not None and len(self.ran) == self.breaks_at:
            raise KeyboardInterrupt
        self.ran.append(study.id)
        future: Future[StudyOutcome] = Future()
        future.set_result(run_one(study))
        return future

    def stop(self) -> None:
        self.stopped += 1

    def close(self) -> None:
        pass


class NamingExecutor(InlineExecutor):
    """Names the studies that would run, and calls each complete."""

    def submit(self, study: PlannedStudy) -> "Future[StudyOutcome]":
        self.ran.append(study.id)
        future: Future[StudyOutcome] = Future()
        future.set_result(StudyOutcome(study.id, "complete"))
        return future
