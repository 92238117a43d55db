"""Running the cells of a study: papermill's client, told what to do when a cell fails.

A failing cell does not end the study: cells that need a name it would have assigned are
skipped, the others run. A cell tagged ``required``, the parameters, a cell whose names cannot
be told, the end of the time and a dead kernel do end it.
"""

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.parameterize import parameterize_notebook
from papermill.translators import PythonTranslator, papermill_translators

from servlab.core.errors import StudyError
from servlab.studies.dependencies import names_of
from servlab.studies.ending import kill_tree
from servlab.studies.kernel import (
    KERNEL_NAME,
    close_thread_loop,
    end_kernel,
    kernel_environment,
    kernel_folder,
    known_kernel,
    log_tail,
    make_manager,
    start_options,
)
from servlab.studies.notebook import Cell, Notebook
from servlab.studies.parameters import TAG, ParameterValues
from servlab.studies.reads import FileRead, reads_of
from servlab.studies.warm.kernels import fork_kernel_of

REQUIRED = "required"
START_TIMEOUT = 60
OUTPUT_LIMIT = 100_000_000  # characters; a runaway print must not fill the memory

Status = Literal["done", "failed", "skipped", "not_run"]
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"(?:Cell In\[\d+\]|<ipython-input[^>]*>), line (\d+)|line (\d+)\)")


@dataclass(frozen=True, slots=True)
class CellProgress:
    """What a progress display is told: which of how many code cells, and how it stands."""

    number: int
    total: int
    section: str
    status: Literal["running", "done", "failed", "skipped", "not_run"]


Progress = Callable[[CellProgress], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one code cell ended.

    ``error`` is one line; ``line`` the line of the cell it stopped at; ``because`` the number of
    the failed cell that a skipped one needs, ``needs`` the names.
    """

    cell: Cell
    status: Status
    seconds: float = 0.0
    error: str = ""
    line: int | None = None
    because: int | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Execution:
    """An executed notebook: its cells (aligned with ``cells``) and how each code cell ended.

    ``reads`` are the files that its kernel opened, those that parameters name among them.
    """

    node: nbformat.NotebookNode
    cells: tuple[Cell, ...]
    outcomes: tuple[Outcome, ...]
    reads: tuple[FileRead, ...] = ()


class StudyTranslator(PythonTranslator):  # type: ignore[misc]
    """Writes parameter values as Python; dates and paths as the notebook's own types."""

    @classmethod
    def translate(cls, val: Any) -> str:
        """Return a value as a Python expression."""
        if isinstance(val, list):
            return f"[{', '.join(cls.translate(part) for part in val)}]"
        if isinstance(val, date):
            return f"date({val.year}, {val.month}, {val.day})"
        return f"Path({str(val)!r})" if isinstance(val, Path) else repr(val)

    @classmethod
    def codify(cls, parameters: dict[str, Any], comment: str = "Parameters") -> str:
        """Return the source of the cell that sets the parameters."""
        lines = [f"{name} = {cls.translate(value)}" for name, value in parameters.items()]
        return "\n".join([cls.comment(comment), *lines])


@dataclass(slots=True)
class Ledger:
    """What is known while cells run: which names are broken, by which cell, and what happened."""

    cells: tuple[Cell, ...]
    deadline: float
    timeout: float
    progress: Progress
    broken: dict[str, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    stopped: bool = False
    reads: tuple[FileRead, ...] = ()

    @property
    def total(self) -> int:
        """Return the number of code cells of the notebook."""
        return max((cell.number for cell in self.cells), default=0)

    def remaining(self) -> float:
        """Return the seconds left, at least a moment (0 would mean for ever)."""
        return max(self.deadline - time.monotonic(), 0.05)

    def obstacle(self, cell: Cell) -> Outcome | None:
        """Return why a cell must not run, or None."""
        if self.stopped:
            return Outcome(cell, "not_run")
        names = names_of(cell.source)
        if names is None or not self.broken:
            return None
        needs = tuple(sorted(names.needed & self.broken.keys()))
        if not needs:
            return None
        return Outcome(cell, "skipped", because=self.broken[needs[0]], needs=needs)

    def note(self, outcome: Outcome) -> None:
        """Record how a cell ended and what that means for the ones after it."""
        cell, names = outcome.cell, names_of(outcome.cell.source)
        if outcome.status == "done" and names is not None:
            for name in names.bound:
                self.broken.pop(name, None)
        elif outcome.status in ("failed", "skipped"):
            if names is None or REQUIRED in cell.tags:
                self.stopped = True
            origin = cell.number if outcome.because is None else outcome.because
            self.broken |= dict.fromkeys(names.assigned if names else (), origin)
        self.outcomes.append(outcome)
        self.report(cell, outcome.status)

    def report(self, cell: Cell, status: Any) -> None:
        """Tell the progress display; the injected parameters are no cell of the author's."""
        if cell.number:
            self.progress(CellProgress(cell.number, self.total, cell.section, status))


class StudyClient(PapermillNotebookClient):  # type: ignore[misc]
    """Papermill's client under a study's rules."""

    ledger: Ledger
    folder: Path
    received = 0

    def execute(self, **kwargs: Any) -> nbformat.NotebookNode:
        """Start the kernel and run the cells; the caller ends the kernel."""
        self.reset_execution_trackers()
        with self.setup_kernel(**kwargs):
            self.papermill_execute_cells()
        return self.nb  # type: ignore[no-any-return]

    def papermill_execute_cells(self) -> None:
        """Run each code cell that may run."""
        for index, (node, cell) in enumerate(zip(self.nb.cells, self.ledger.cells, strict=True)):
            if cell.kind != "code":
                continue
            outcome = self.ledger.obstacle(cell)
            if outcome is None:
                self.ledger.report(cell, "running")
                self.nb_man.cell_start(node, index)
                outcome = self._run(node, index, cell)
                self.nb_man.cell_complete(node, cell_index=index)
            self.ledger.note(outcome)

    def _run(self, node: nbformat.NotebookNode, index: int, cell: Cell) -> Outcome:
        start = time.monotonic()
        error, line = "", None
        try:
            self.execute_cell(node, index)
        except CellExecutionError as err:
            self.nb_man.cell_exception(node, cell_index=index, exception=err)
            error, line = _one_line(err), _line_of(node)
        except CellTimeoutError:
            self.ledger.stopped = True
            error = self._timed_out()
        except DeadKernelError:
            self.ledger.stopped = True
            error = self._died()
        seconds = time.monotonic() - start
        return Outcome(cell, "failed" if error else "done", seconds, error, line)

    def _timed_out(self) -> str:
        if self.ledger.remaining() > 1:
            return f"the kernel's output did not arrive within {self.iopub_timeout} s"
        return (
            f"the study's time of {self.ledger.timeout:g} s was used up in this cell; "
            "raise the timeout if it needs longer"
        )

    def _died(self) -> str:
        if self.received > OUTPUT_LIMIT:
            return f"the cells wrote more than {OUTPUT_LIMIT:,} characters; print less"
        words = " ".join(log_tail(self.folder, lines=2).split())
        return "the kernel died in this cell (killed, out of memory, or a crash in a library)" + (
            f"; its last words: {words[:300]}" if words else ""
        )

    def process_message(self, *args: Any, **kwargs: Any) -> Any:
        """Take in what a cell shows; end the kernel when it is far too much."""
        output = super().process_message(*args, **kwargs)
        self.received += len(str(args[0]["content"])) if args else 0
        if self.received > OUTPUT_LIMIT and self.km is not None and self.km.provisioner.process:
            kill_tree(self.km.provisioner.process.pid)
        return output


class StudyEngine(Engine):  # type: ignore[misc]
    """The papermill engine of a study."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, ledger: Ledger, language: str, cwd: Path, **_: Any
    ) -> None:
        """Run a notebook in a kernel of its own and end that kernel, whatever happens."""
        with kernel_folder() as folder:
            manager = make_manager(folder)
            fork_kernel_of(manager)
            client = StudyClient(
                nb_man,
                km=manager,
                kernel_name=kernel_name,
                startup_timeout=START_TIMEOUT,
                iopub_timeout=60,
                timeout_func=lambda _: ledger.remaining(),
            )
            client.ledger, client.folder = ledger, folder
            options = start_options(folder, cwd, kernel_environment(language, folder))
            try:
                with known_kernel(manager):
                    client.execute(**options)
            except RuntimeError as err:
                raise StudyError(_start_failure(err, folder)) from None
            finally:
                os.close(options["stdout"])
                _close(client)
                end_kernel(manager)
                close_thread_loop()
                ledger.reads = reads_of(folder)


papermill_engines.register(KERNEL_NAME, StudyEngine)
papermill_translators.register(KERNEL_NAME, StudyTranslator)


def execute(
    notebook: Notebook,
    values: ParameterValues,
    *,
    language: str,
    timeout: float,
    progress: Progress,
) -> Execution:
    """Run a notebook with parameters in a fresh kernel.

    Parameters
    ----------
    notebook : Notebook
    values : ParameterValues
        Checked already; those the caller set are injected behind the parameters cell.
    language : str
        Language of the report, for ``SERVLAB_LANGUAGE``.
    timeout : float
        Seconds for the whole study, kernel start included.
    progress : callable
        Told about each code cell.

    Raises
    ------
    StudyError
        When the kernel does not start.
    """
    node, cells = _prepared(notebook, values)
    ledger = Ledger(cells, time.monotonic() + timeout, timeout, progress)
    papermill_engines.execute_notebook_with_engine(
        KERNEL_NAME,
        node,
        kernel_name=KERNEL_NAME,
        progress_bar=False,
        ledger=ledger,
        language=language,
        cwd=notebook.path.resolve().parent,
    )
    return Execution(node, cells, tuple(ledger.outcomes), ledger.reads)


def _prepared(
    notebook: Notebook, values: ParameterValues
) -> tuple[nbformat.NotebookNode, tuple[Cell, ...]]:
    """Return the notebook ready to run, and its cells in the same order."""
    node = _with_fixed_ids(nbformat.from_dict(dict(notebook.content)))  # type: ignore[no-untyped-call]
    place = next(i for i, cell in enumerate(notebook.cells) if TAG in cell.tags)
    cells = list(notebook.cells)
    cells[place] = _required(cells[place])
    if values.injected:
        node = parameterize_notebook(
            node,
            values.injected,
            kernel_name=KERNEL_NAME,
            engine_name=KERNEL_NAME,
            language="python",
        )
        injected = node.cells[place + 1]
        injected["id"] = "injected-parameters"
        tags = (*injected.metadata.tags, REQUIRED)
        cells.insert(place + 1, Cell("code", injected.source, tags, 0, "parameters"))
    return node, tuple(cells)


def _required(cell: Cell) -> Cell:
    return Cell(cell.kind, cell.source, (*cell.tags, REQUIRED), cell.number, cell.section)


def _with_fixed_ids(node: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return the notebook in today's format, with the metadata papermill expects.

    Cells of old notebooks have no id and would get a random one.
    """
    for index, cell in enumerate(node.cells):
        cell.source = "".join(cell.source)  # files hold a list of lines
        cell.setdefault("id", f"cell-{index + 1}")
        cell.metadata.setdefault("tags", [])
        cell.metadata["papermill"] = {}
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    node.nbformat, node.nbformat_minor = 4, 5
    node.metadata["papermill"] = {}
    node.metadata["language_info"] = {"name": "python"}
    return node


def _one_line(err: CellExecutionError) -> str:
    message = " ".join(str(err.evalue).split())
    return f"{err.ename}: {message}" if message else str(err.ename)


def _line_of(node: nbformat.NotebookNode) -> int | None:
    """Return the line of the cell at which its error arose."""
    for output in node.outputs:
        if output.output_type == "error":
            found = _LINE.findall(_COLOUR.sub("", "\n".join(output.traceback)))
            return int(next(filter(None, found[0]))) if found else None
    return None


def _start_failure(err: RuntimeError, folder: Path) -> str:
    tail = log_tail(folder)
    return f"the study's kernel did not start ({err})" + (f"; it said:\n{tail}" if tail else ".")


def _close(client: StudyClient) -> None:
    """Close the client's sockets; after an interrupt its event loop may be in the way."""
    if client.kc is not None:
        with suppress(RuntimeError):
            client.kc.stop_channels()
        client.kc = None
