"""The executor of one machine: worker processes, each running one study after another.

A worker is an interpreter of its own; one that dies takes only its study with it, and another is
started for the next one. Studies and outcomes travel through pipes. The kernels of all workers
are forked from one warm process.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, BinaryIO

from servlab.core.errors import StudyError
from servlab.studies.ending import kill_tree
from servlab.studies.plans.executor import StudyOutcome, failed, run_one
from servlab.studies.plans.plan import PlannedStudy
from servlab.studies.warm.kernels import use_warm_kernels, warm_kernels

PATIENCE = 20.0  # seconds a worker has to end its kernel
COMMAND = (sys.executable, "-P", "-m", "servlab.studies.plans.processes")

Job = tuple[PlannedStudy, "Future[StudyOutcome]"]


@dataclass(slots=True)
class ProcessExecutor:
    """Runs studies in worker processes of this machine.

    Attributes
    ----------
    workers : int
        How many studies run at once.
    forks : bool
        Whether kernels are forked from a warm process, which costs about what one cold kernel
        does: not worth it for a single study.
    """

    workers: int
    forks: bool = True
    _jobs: "SimpleQueue[Job | None]" = field(default_factory=SimpleQueue)
    _threads: list[threading.Thread] = field(default_factory=list)
    _processes: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _warm: ExitStack = field(default_factory=ExitStack)
    _kernels: str | None = None

    def submit(self, study: PlannedStudy) -> "Future[StudyOutcome]":
        """Run a study as soon as a worker is free."""
        if self.forks and not self._threads:
            with suppress(StudyError):  # without it kernels start cold: slower, and the same
                self._kernels = self._warm.enter_context(warm_kernels())
        future: Future[StudyOutcome] = Future()
        self._jobs.put((study, future))
        if len(self._threads) < self.workers:
            thread = threading.Thread(target=self._serve, args=(len(self._threads),), daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def stop(self) -> None:
        """Ask every worker to end, which ends its kernel; kill one that does not."""
        self._stopped.set()
        processes = list(self._processes.values())
        for process in processes:
            with suppress(OSError):
                process.terminate()
        until = time.monotonic() + PATIENCE
        for process in processes:
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                kill_tree(process.pid)
        self.close()

    def close(self) -> None:
        """Let the workers go."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._warm.close()

    def _serve(self, place: int) -> None:
        """Give one worker its studies, one after another."""
        process: subprocess.Popen[bytes] | None = None
        while (job := self._jobs.get()) is not None:
            study, future = job
            if self._stopped.is_set() or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            if process is None or process.poll() is not None:
                _leave(process)
                process = None
            try:
                process = process or self._start(place)
            except OSError as err:  # no memory, or too many processes
                text = f"no process could be started for it: {err.strerror}; run the plan again."
                future.set_result(failed(study, "worker", text))
                continue
            future.set_result(self._ask(process, study))
        _leave(process)

    def _start(self, place: int) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        # a group of its own: Ctrl-C in a terminal reaches the plan, which stops its workers
        command = [*COMMAND, *([self._kernels] if self._kernels else [])]
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)
        self._processes[place] = process
        if self._stopped.is_set():  # asked to stop while this one was starting
            process.terminate()
        return process

    def _ask(self, process: "subprocess.Popen[bytes]", study: PlannedStudy) -> StudyOutcome:
        """Have a worker run a study; a worker that dies is the study's failure."""
        start = time.monotonic()
        try:
            pickle.dump(study, process.stdin)  # type: ignore[arg-type]
            process.stdin.flush()  # type: ignore[union-attr]
            outcome = pickle.load(process.stdout)  # type: ignore[arg-type]
            if isinstance(outcome, StudyOutcome):
                return outcome
            answer = repr(outcome)
        except (OSError, EOFError) as err:  # it ended, or is about to
            answer = type(err).__name__
        except Exception as err:  # whatever came through the pipe was no outcome
            answer = f"{type(err).__name__}: {err}"
        code = _ended(process)
        seconds = time.monotonic() - start
        if self._stopped.is_set():
            return StudyOutcome(study.id, "interrupted", seconds=seconds)
        if code is None:
            how = f"gave no outcome ({answer[:200]}) and was ended"
        elif code < 0:
            how = f"was killed by signal {-code} (out of memory?)"
        else:
            how = f"ended with exit code {code} (out of memory?)"
        text = f"the process that ran the study {how}; run the plan again."
        return failed(study, "worker", text, seconds)


def _ended(process: "subprocess.Popen[bytes]") -> int | None:
    """Return how a worker ended that gave no outcome; None for one that lived on and was killed."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        kill_tree(process.pid)
        process.wait()
        return None


def _leave(process: "subprocess.Popen[bytes] | None") -> None:
    """Let a worker go: it reads the end of its studies and ends."""
    if process is None:
        return
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            pipe.close()  # type: ignore[union-attr]
    process.wait()


def _work(studies: BinaryIO, outcomes: BinaryIO) -> None:
    """Run the studies that come, until there are no more."""
    while True:
        try:
            study: Any = pickle.load(studies)
        except EOFError:
            return
        pickle.dump(run_one(study), outcomes)
        outcomes.flush()


def _end_with(parent: int, *, every: float = 0.5) -> None:
    """Stop this worker, with its kernel, as soon as the plan's process is gone."""
    while os.getppid() == parent:
        time.sleep(every)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Be a worker: what is printed goes to standard error, since the pipe carries outcomes."""
    from servlab.studies.cli import skip_grammar
    from servlab.studies.kernel import Terminated

    skip_grammar()
    use_warm_kernels(sys.argv[1] if len(sys.argv) > 1 else None)
    outcomes = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        _work(sys.stdin.buffer, outcomes)
    except Terminated as err:
        raise SystemExit(128 + err.signal) from None


if __name__ == "__main__":
    main()
