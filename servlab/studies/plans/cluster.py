"""The executor of many machines: the same studies on a dask.distributed cluster.

The workers must see the plan's files and its folder of reports under the same paths (a shared
folder), and hold the same servlab and packages; what differs is found before anything runs.
Results and failures come back as from this machine.
"""

import asyncio
import atexit
import os
import threading
import time
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import ExitStack, suppress
from contextvars import Context
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from servlab.core.errors import ParameterError, StudyError
from servlab.studies.kernel import Terminated, stop_study_of
from servlab.studies.manifest import all_versions, code_sha256
from servlab.studies.plans.executor import MakeExecutor, StudyOutcome, failed, run_one
from servlab.studies.plans.plan import PlannedStudy
from servlab.studies.warm.kernels import use_warm_kernels, warm_kernels

CONNECT_SECONDS = 15
PATIENCE = 20.0

# What a worker keeps: its warm process, started by its first study, and who runs what.
_LOCK = threading.Lock()
_WARM = ExitStack()
_WARM_CONTEXT = Context()  # what the stack sets it sets back where it was set
_SOCKETS: list[str | None] = []
_THREADS: dict[int, str] = {}  # thread -> the plan run whose study it runs
_ENDED: set[str] = set()  # plan runs that were stopped


@dataclass(slots=True)
class ClusterExecutor:
    """Runs studies on the workers of a dask scheduler.

    Attributes
    ----------
    workers : int
        Threads of all workers: how many studies run at once.
    """

    workers: int
    _client: Any
    _mark: str = field(default_factory=lambda: uuid4().hex)
    _running: "dict[str, tuple[Future[StudyOutcome], Any]]" = field(default_factory=dict)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def submit(self, study: PlannedStudy) -> "Future[StudyOutcome]":
        """Run a study on a worker that is free."""
        future: Future[StudyOutcome] = Future()
        future.set_running_or_notify_cancel()
        # a study that fails is an outcome, not an error to try again; one whose worker dies dask
        # gives to another worker, which is safe: a report is published whole or not at all
        task = self._client.submit(_run_here, study, self._mark, pure=False, retries=0)
        self._running[study.id] = (future, task)
        task.add_done_callback(lambda done: self._pass_on(study, future, done))
        return future

    def _pass_on(self, study: PlannedStudy, future: "Future[StudyOutcome]", task: Any) -> None:
        """Hand an outcome on; a worker or scheduler that died is its study's failure."""
        self._running.pop(study.id, None)
        try:
            outcome = task.result()
        except BaseException as err:  # dask's errors of lost workers and cancelled tasks differ
            if self._stopped.is_set():
                outcome = StudyOutcome(study.id, "interrupted")
            else:
                taken = isinstance(err, CancelledError)  # its scheduler can no longer be reached
                lost = "the dask scheduler" if taken else "the worker that ran the study"
                text = f"{lost} was lost ({type(err).__name__}: {err})"
                outcome = failed(study, "worker", f"{text}; run the plan again.")
        _settle(future, outcome)

    def stop(self) -> None:
        """End the kernels of this plan's studies on every worker, and take the rest back."""
        self._stopped.set()
        running = dict(self._running)
        self._client.cancel([task for _, task in running.values()], force=True)
        self._client.run(_end, self._mark, on_error="ignore")
        for name, (future, _) in running.items():
            _settle(future, StudyOutcome(name, "interrupted"))
        self.close()

    def close(self) -> None:
        """Leave the cluster, which stays as it was."""
        self._client.close(timeout=PATIENCE)


def _settle(future: "Future[StudyOutcome]", outcome: StudyOutcome) -> None:
    """Give a study its outcome, unless it has one: a stop and dask may both be there first."""
    with suppress(InvalidStateError):
        future.set_result(outcome)


def cluster_executor(address: str) -> MakeExecutor:
    """Return what makes the executor of the cluster at an address such as ``tcp://host:8786``.

    It raises ``ParameterError`` when ``distributed`` is not installed, the scheduler does not
    answer or has no worker, a worker holds another servlab or other packages, or does not see the
    folder of reports. All threads of the cluster take part, however many workers a plan names.
    """

    def make(workers: int, out: Path) -> ClusterExecutor:
        del workers
        client = _connected(address)
        try:
            threads = client.nthreads()
            if not threads:
                raise ParameterError(f"the scheduler at {address} has no worker; start one first.")
            _check_workers(client, out)
        except BaseException:
            client.close()
            raise
        return ClusterExecutor(sum(threads.values()), client)

    return make


def _connected(address: str) -> Any:
    try:
        import distributed
    except ImportError:
        raise ParameterError(
            "a plan on a cluster needs the package distributed; install servlab[cluster]."
        ) from None
    client: Any = distributed.Client
    try:
        return client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as err:
        raise ParameterError(
            f"no dask scheduler answers at {address} ({err}). Start one there with dask scheduler, "
            "or give its address as it says it, such as tcp://host:8786."
        ) from None


def _check_workers(client: Any, out: Path) -> None:
    """Raise where a worker would not make the report that this machine would."""
    mark = out / f".servlab-{os.getpid()}-cluster"
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        found = client.run(_about, str(mark), on_error="return")
    finally:
        mark.unlink(missing_ok=True)
    here = (code_sha256(), all_versions())
    for worker, about in found.items():
        if isinstance(about, BaseException):
            raise ParameterError(f"worker {worker} cannot run servlab: {about}.")
        code, packages, sees = about
        if not sees:
            raise ParameterError(
                f"worker {worker} does not see {out}; the plan's folders must be shared with it "
                "under the same path."
            )
        differing = [
            f"{name} {packages.get(name, 'missing')} instead of {here[1].get(name, 'missing')}"
            for name in sorted({*packages, *here[1]})
            if packages.get(name) != here[1].get(name)
        ]
        if code != here[0]:
            differing.append("another state of servlab's code")
        if differing:
            raise ParameterError(
                f"worker {worker} would give other reports: it has {'; '.join(differing)}. "
                "Install the same lock there and start it anew."
            )


def _about(mark: str) -> tuple[str, dict[str, str], bool]:
    """Say, on a worker, what decides its reports, and whether it sees a file."""
    return *_at_start(), Path(mark).exists()


@lru_cache(maxsize=1)
def _at_start() -> tuple[str, dict[str, str]]:
    """Return what a worker holds, as of its first plan: what is installed later is not loaded."""
    return code_sha256(), all_versions()


def _run_here(study: PlannedStudy, mark: str) -> StudyOutcome:
    """Run a study on a worker, its kernel forked from the worker's own warm process."""
    with _LOCK:
        if not _SOCKETS:
            _SOCKETS.append(_WARM_CONTEXT.run(_start_warm))
        if mark in _ENDED:
            return StudyOutcome(study.id, "interrupted")
        _THREADS[threading.get_ident()] = mark
    use_warm_kernels(_SOCKETS[0])
    try:
        return run_one(study)
    except Terminated:
        return StudyOutcome(study.id, "interrupted")
    finally:
        with _LOCK:
            del _THREADS[threading.get_ident()]


def _start_warm() -> str | None:
    """Start this worker's warm process; without it kernels start cold: slower, and the same."""
    with suppress(StudyError):
        socket = _WARM.enter_context(warm_kernels())
        atexit.register(_WARM_CONTEXT.run, _WARM.close)
        return socket
    return None


async def _end(mark: str) -> None:
    """End, on a worker, the studies of one plan run; return when they have left their records.

    Whoever runs the plan next must find nothing that still writes into its folders.
    """
    with _LOCK:
        _ENDED.add(mark)
    until = time.monotonic() + PATIENCE
    while (threads := _threads_of(mark)) and time.monotonic() < until:
        for thread in threads:
            stop_study_of(thread)
        await asyncio.sleep(0.05)


def _threads_of(mark: str) -> list[int]:
    with _LOCK:
        return [thread for thread, run in _THREADS.items() if run == mark]
