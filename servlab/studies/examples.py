"""The example studies: the flagship notebook on the shipped surveys, in both languages.

Each runs as a process of its own, two at a time: a crash in one leaves the others alone, and
stopping the command stops them all, each with its kernel.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from servlab.data.schema import LANGUAGES
from servlab.studies.kernel import stoppable
from servlab.studies.notebook import find_notebook

NOTEBOOK = "quality_study"
EXAMPLES = ("abc", "servqual")
AT_ONCE = 2
_PATIENCE = 20.0  # seconds a study has to end its kernel

Said = Callable[["ExampleStudy", str], None]


@dataclass(frozen=True, slots=True)
class ExampleStudy:
    """One example study: which survey, in which language."""

    example: str
    language: str

    def __str__(self) -> str:
        return f"{self.example} ({self.language})"


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """How one example study went: ``report`` is None and ``words`` say why when it failed."""

    study: ExampleStudy
    report: Path | None
    words: str


@dataclass(slots=True)
class _Children:
    """The processes that run now, so that they can be stopped together."""

    processes: SimpleQueue["subprocess.Popen[str]"] = field(default_factory=SimpleQueue)
    stopped: threading.Event = field(default_factory=threading.Event)

    def start(self, command: list[str]) -> "subprocess.Popen[str] | None":
        """Start a process, unless all are to stop."""
        if self.stopped.is_set():
            return None
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command,
            stdout=pipe,
            stderr=pipe,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            env=os.environ | {"PYTHONUTF8": "1"},
        )
        self.processes.put(process)
        if self.stopped.is_set():  # asked to stop while this one was starting
            process.kill()
        return process

    def stop(self) -> None:
        """Ask every process to end, which cleans up after itself; kill one that does not."""
        self.stopped.set()
        asked = []
        while not self.processes.empty():
            asked.append(self.processes.get())
            asked[-1].terminate()
        for process in asked:
            try:
                process.wait(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()


def example_studies() -> tuple[ExampleStudy, ...]:
    """Return the example studies, in the order they start."""
    return tuple(ExampleStudy(name, language) for name in EXAMPLES for language in LANGUAGES)


def run_examples(out: Path, *, timeout: float, said: Said) -> tuple[ExampleRun, ...]:
    """Run the example studies and return how each went, in their order.

    Parameters
    ----------
    out : Path
        Folder of reports.
    timeout : float
        Seconds for each study.
    said : callable
        Called with a study and each line of its progress, from several threads; with
        ``"started"``, ``"done"`` and ``"failed"`` besides.
    """
    notebook = find_notebook(NOTEBOOK)
    studies = example_studies()
    children = _Children()
    with stoppable(), ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [
            pool.submit(_run, study, notebook, out, timeout, children, said) for study in studies
        ]
        try:
            for run in as_completed(runs):
                run.result()
        except BaseException:
            children.stop()
            raise
    return tuple(run.result() for run in runs)


def _run(
    study: ExampleStudy, notebook: Path, out: Path, timeout: float, children: _Children, said: Said
) -> ExampleRun:
    process = children.start(_command(study, notebook, out, timeout))
    if process is None or process.stderr is None or process.stdout is None:
        return ExampleRun(study, None, "not started")
    said(study, "started")
    lines = []
    for line in process.stderr:
        lines.append(line.rstrip())
        said(study, lines[-1])
    answer = process.stdout.read().strip()
    process.stdout.close()
    process.stderr.close()
    done = process.wait() == 0 and bool(answer)
    said(study, "done" if done else "failed")
    return ExampleRun(study, Path(answer) if done else None, "" if done else _reason(lines))


def _command(study: ExampleStudy, notebook: Path, out: Path, timeout: float) -> list[str]:
    command = [sys.executable, "-P", "-m", "servlab", "run", str(notebook)]
    command += ["-p", f"example={study.example}", "--language", study.language]
    return [*command, "--name", study.example, "--out", str(out), "--timeout", str(timeout)]


def _reason(lines: list[str]) -> str:
    """Return what a study said of its failure, without the progress before it."""
    starts = [index for index, line in enumerate(lines) if line.startswith("servlab:")]
    return "\n".join(lines[starts[0] :] if starts else lines[-10:])
