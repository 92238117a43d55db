"""The executor of many machines: the same studies on a dask.distributed cluster.

The workers must see the plan's files and its folder of reports under the same paths (a shared
folder), and hold the same servlab and packages; what differs is found before anything runs.
Results and failures come back as from this machine.
"""

import os
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from servlab.core.errors import ParameterError
from servlab.studies.kernel import kill_kernel_of
from servlab.studies.manifest import code_sha256, versions
from servlab.studies.plans.executor import MakeExecutor, StudyOutcome, failed, run_one
from servlab.studies.plans.plan import PlannedStudy
from servlab.studies.warm.kernels import use_warm_kernels, warm_kernels

CONNECT_SECONDS = 15
PATIENCE = 20.0

# What a worker keeps: its warm process, started by its first study, and who runs what.
_LOCK = threading.Lock()
_WARM = ExitStack()
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
        """Hand an outcome on; a worker that died is its study's failure."""
        self._running.pop(study.id, None)
        if future.done():
            return
        try:
            outcome = task.result()
        except BaseException as err:  # dask's errors of lost workers and cancelled tasks differ
            if self._stopped.is_set():
                outcome = StudyOutcome(study.id, "interrupted")
            else:
                text = f"the worker that ran the study was lost ({type(err).__name__}: {err})"
                outcome = failed(study, "worker", f"{text}; run the plan again.")
        future.set_result(outcome)

    def stop(self) -> None:
        """End the kernels of this plan's studies on every worker, and take the rest back."""
        self._stopped.set()
        running = dict(self._running)
        self._client.cancel([task for _, task in running.values()], force=True)
        self._client.run(_end, self._mark, on_error="ignore")
        for name, (future, _) in running.items():
            if not future.done():
                future.set_result(StudyOutcome(name, "interrupted"))
        self.close()

    def close(self) -> None:
        """Leave the cluster, which stays as it was."""
        self._client.close(timeout=PATIENCE)


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
        raise ParameterError(f"no dask scheduler answers at {address} ({err}).") from None


def _check_workers(client: Any, out: Path) -> None:
    """Raise where a worker would not make the report that this machine would."""
    mark = out / f".servlab-{os.getpid()}-cluster"
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()
    try:
        found = client.run(_about, str(mark), on_error="return")
    finally:
        mark.unlink(missing_ok=True)
    here = (code_sha256(), versions())
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
    return code_sha256(), versions(), Path(mark).exists()


def _run_here(study: PlannedStudy, mark: str) -> StudyOutcome:
    """Run a study on a worker, its kernel forked from the worker's own warm process."""
    with _LOCK:
        if not _SOCKETS:
            _SOCKETS.append(_WARM.enter_context(warm_kernels()))
        if mark in _ENDED:
            return StudyOutcome(study.id, "interrupted")
        _THREADS[threading.get_ident()] = mark
    use_warm_kernels(_SOCKETS[0])
    try:
        outcome = run_one(study)
    finally:
        del _THREADS[threading.get_ident()]
    return StudyOutcome(study.id, "interrupted") if mark in _ENDED else outcome


def _end(mark: str) -> None:
    """End, on a worker, the kernels of one plan run."""
    with _LOCK:
        _ENDED.add(mark)
        threads = [thread for thread, run in _THREADS.items() if run == mark]
    for thread in threads:
        kill_kernel_of(thread)
