"""The process a study runs in: the running interpreter's own kernel, and its certain end.

No kernel installed by a user, no startup file and no configuration has a say. Whatever ends
the run - time, a signal, an error - ends the kernel together with the processes it started.
"""

import importlib.util
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from servlab.core.errors import StudyError
from servlab.studies.ending import kill_marked, kill_tree

KERNEL_NAME = "servlab"
PREFIX = "servlab-kernel-"
_STOPPING = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
# What ipykernel says when it starts; nobody is to connect to a study's kernel.
_GREETING = re.compile(
    r"^NOTE: When using the `ipython kernel`|^Ctrl-C will not work|^To exit, you will have to|"
    r"^client\.$|^To read more about this, see|^https://github|^To connect another client|"
    r"^\s*--existing "
)
_MANAGERS: dict[int, Any] = {}  # thread -> the manager of the kernel it runs a study in
_STOPPED: dict[int, Any] = {}  # thread whose study is to end -> the process killed for that
_KEPT_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


class Terminated(KeyboardInterrupt):
    """The run was asked to stop by a signal: SIGTERM, or SIGHUP when its terminal closed."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.signal = signal.Signals(number)


def kernel_environment(language: str, folder: Path) -> dict[str, str]:
    """Return the environment of a kernel: this process's, without what could change results.

    ``PYTHON*`` switches are dropped, hashing is fixed, linear algebra runs on one thread,
    IPython and matplotlib see none of the user's configuration.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") or name in _KEPT_PYTHON
    }
    environment |= dict.fromkeys(_ONE_THREAD, "1")
    return environment | {
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MATPLOTLIBRC": _default_matplotlibrc(),
        "SERVLAB_LANGUAGE": language,
        "SERVLAB_RUN": "1",
    }


def _default_matplotlibrc() -> str:
    """Return matplotlib's own settings file, found without importing matplotlib."""
    spec = importlib.util.find_spec("matplotlib")
    folders = spec.submodule_search_locations if spec is not None else None
    return str(Path(folders[0]) / "mpl-data" / "matplotlibrc") if folders else ""


def make_manager(folder: Path) -> Any:
    """Return a manager (jupyter_client) of one kernel whose files all lie in ``folder``."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    command = [sys.executable, "-P", "-m", "servlab.studies.inside", "-f", "{connection_file}"]
    command += ["--HistoryManager.enabled=False", "--InteractiveShell.colors=nocolor"]

    class OwnKernelSpecs(KernelSpecManager):
        """Knows one kernel, whatever kernels are installed."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            """Return the running interpreter's kernel."""
            return KernelSpec(argv=command, display_name=kernel_name, language="python")

    manager = AsyncKernelManager(
        kernel_name=KERNEL_NAME,
        kernel_spec_manager=OwnKernelSpecs(),
        connection_file=str(folder / "kernel.json"),
    )
    if sys.platform != "win32" and len(os.fsencode(folder)) < 80:
        # sockets in our own folder: no port that two kernels could both choose
        manager.transport = "ipc"
    return manager


def end_kernel(manager: Any) -> None:
    """Kill a kernel and every process under it, and free what the manager holds."""
    from jupyter_core.utils import run_sync

    process = getattr(manager.provisioner, "process", None)
    if process is not None:
        if process.poll() is None:  # the number of one that ended may be another's by now
            kill_tree(process.pid)
        process.wait()
        manager.provisioner.process = None
        kill_marked("IPYTHONDIR", Path(manager.connection_file).parent / "ipython")
    with suppress(RuntimeError):  # an interrupted event loop; the process is dead either way
        run_sync(manager.cleanup_resources)()


@contextmanager
def known_kernel(manager: Any) -> Iterator[None]:
    """Let ``stop_study_of`` find the kernel of this thread's study.

    Raises
    ------
    Terminated
        At the end of the block, whatever happened in it, when the study was to be stopped.
    """
    thread = threading.get_ident()
    _STOPPED.pop(thread, None)
    _MANAGERS[thread] = manager
    try:
        yield
    finally:
        del _MANAGERS[thread]
        if thread in _STOPPED:
            del _STOPPED[thread]
            raise Terminated


def stop_study_of(thread: int) -> None:
    """Stop the study that another thread runs, as a signal would: its kernel is killed.

    A study whose kernel is not started yet is to be stopped again; one whose cells have ended
    is finished.
    """
    manager = _MANAGERS.get(thread)
    process = None if manager is None else getattr(manager.provisioner, "process", None)
    if process is not None and _STOPPED.get(thread) is not process:
        _STOPPED[thread] = process
        kill_tree(process.pid)


def close_thread_loop() -> None:
    """Close the event loop that jupyter_core made for this thread, unless it is the main one.

    Nobody else would: a worker thread's loop holds sockets until the process ends.
    """
    from jupyter_core.utils import ensure_event_loop

    if threading.current_thread() is threading.main_thread():
        return
    loop = ensure_event_loop()
    if not loop.is_running():
        loop.close()


@contextmanager
def kernel_folder() -> Iterator[Path]:
    """Give a private folder for a kernel's files; remove it and those of dead runs."""
    folder = own_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_folder() -> Path:
    """Make a private folder for the files of kernels, and remove those of dead runs.

    Raises
    ------
    StudyError
        When no temporary file can be written.
    """
    try:
        place = Path(tempfile.gettempdir())
        _remove_leftovers(place)
        return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    except OSError as err:
        raise no_room(err) from None


def no_room(err: OSError) -> StudyError:
    """Return the error of a kernel whose temporary files cannot be written."""
    return StudyError(
        f"temporary files of a kernel cannot be written to {tempfile.tempdir or 'any place'}: "
        f"{err.strerror or err}. Make room there, or name another place in TMPDIR."
    )


def _remove_leftovers(place: Path) -> None:
    for folder in place.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).split("-")[0]
        with suppress(OSError):
            if pid.isdigit() and not is_alive(int(pid)) and _is_ours(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine is running."""
    import psutil

    return bool(psutil.pid_exists(pid))


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exception inside the block, so that it can clean up.

    A signal that is ignored stays so (``nohup``). Outside the main thread signals cannot be
    caught; there the caller's process decides.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        del frame
        for caught in before:  # a second one must not break the cleaning up
            signal.signal(caught, signal.SIG_IGN)
        raise Terminated(number)

    numbers = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
    before = {n: signal.getsignal(n) for n in numbers if signal.getsignal(n) != signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """Ignore what asks this process to stop from now on: it is stopping."""
    if threading.current_thread() is threading.main_thread():
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let SIGTERM, SIGHUP and Ctrl-C wait until the block has ended: it is short, and one thing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = {n: signal.getsignal(n) for n in _STOPPING if callable(signal.getsignal(n))}
    try:
        for number in before:
            signal.signal(number, lambda came, _: caught.append(came))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in caught:
            signal.raise_signal(number)


def log_tail(folder: Path, *, lines: int = 6) -> str:
    """Return the last lines that a kernel's process wrote outside its cells."""
    try:
        text = (folder / "kernel.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    said = [line for line in text.strip().splitlines() if not _GREETING.search(line)]
    return "\n".join(said[-lines:])


def start_options(folder: Path, cwd: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return how the process is started: where, with what, and where its own words go."""
    try:
        log = os.open(folder / "kernel.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as err:
        raise no_room(err) from None
    return {"cwd": str(cwd), "env": dict(environment), "stdout": log, "stderr": log}
