"""Kernels that start in milliseconds: forked from one warm process instead of started cold.

Starting a kernel and importing pandas, statsmodels and seaborn is most of a study's cost.
Where many studies run, one process imports them once and every study's kernel is a copy of it:
a process of its own, in a session of its own, with nothing in it that a study did.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from select import select
from typing import Any

from servlab.core.errors import StudyError
from servlab.studies.ending import kill_tree
from servlab.studies.kernel import kernel_environment, no_room, own_folder
from servlab.studies.warm.process import BACKLOG, LENGTH

START_SECONDS = 120.0
# Arrow's allocator would start a thread of its own, which no fork takes along.
_ONE_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
_LONGEST = 100  # bytes of a socket's address; the system takes 107
_SOCKET: ContextVar[str | None] = ContextVar("warm_kernels", default=None)


def can_fork() -> bool:
    """Return whether kernels can be forked here: macOS and Windows start them cold."""
    return sys.platform == "linux"


@contextmanager
def warm_kernels() -> Iterator[str | None]:
    """Start the warm process; inside the block this process's studies get forked kernels.

    Yields
    ------
    str or None
        The socket's path, for ``use_warm_kernels`` in worker processes; None where kernels
        cannot be forked, and studies start cold as ever.

    Raises
    ------
    StudyError
        When the warm process does not start.
    """
    if not can_fork():
        yield None
        return
    folder = own_folder()
    path = str(folder / "warm")
    try:
        process = _started(path, folder)
    except OSError as err:
        shutil.rmtree(folder, ignore_errors=True)
        raise no_room(err) from None
    before = _SOCKET.set(path)
    try:
        yield path
    finally:
        _SOCKET.reset(before)
        if process.stdin is not None:
            process.stdin.close()  # tells it to end its kernels and itself
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _address(path: str) -> Iterator[str]:
    """Give a socket's address; where the path is too long for one, through its open folder."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield path
        return
    folder, name = os.path.split(path)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{name}"
    finally:
        os.close(handle)


def use_warm_kernels(path: str | None) -> None:
    """Let this process's studies get their kernels from the warm process at a socket."""
    _SOCKET.set(path)


def _started(path: str, folder: Path) -> "subprocess.Popen[bytes]":
    """Return the warm process, its imports done and its socket open."""
    with socket.socket(socket.AF_UNIX) as listener:
        with _address(path) as address:
            listener.bind(address)
        listener.listen(BACKLOG)
        with (folder / "warm.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "servlab.studies.warm.process",
                    str(listener.fileno()),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=kernel_environment("en", folder) | _ONE_THREAD,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # a Ctrl-C in the terminal is the owner's to handle
            )
    first = _first_line(process)
    if first != b"ready\n":
        process.kill()
        process.communicate()
        words = (folder / "warm.log").read_text(encoding="utf-8", errors="replace").strip()
        shutil.rmtree(folder, ignore_errors=True)
        raise StudyError(f"the process that kernels are forked from did not start: {words[-500:]}")
    return process


def _first_line(process: "subprocess.Popen[bytes]") -> bytes:
    """Return the first line that the warm process says; nothing where it takes too long."""
    if process.stdout is None or not select([process.stdout], [], [], START_SECONDS)[0]:
        return b""
    return process.stdout.readline()


class WarmProcessGoneError(Exception):
    """The warm process does not answer: it was killed, or its machine has no memory for it."""


class ForkedProcess:
    """A forked kernel as jupyter_client sees a process; its parent is the warm process."""

    stdin = stdout = stderr = None

    def __init__(self, path: str, arguments: list[str], options: dict[str, Any]) -> None:
        self.returncode: int | None = None
        self._socket = socket.socket(socket.AF_UNIX)
        asked = {
            "arguments": arguments,
            "environment": options["env"],
            "folder": options.get("cwd") or os.getcwd(),
        }
        content = json.dumps(asked).encode()
        try:
            self._socket.settimeout(START_SECONDS)
            with _address(path) as address:
                self._socket.connect(address)
            socket.send_fds(self._socket, [LENGTH.pack(len(content))], [options["stdout"]])
            self._socket.sendall(content)
            answer = self._received()
        except OSError:
            answer = None
        if answer is None:
            self._socket.close()
            raise WarmProcessGoneError
        self.pid = answer

    def _received(self) -> int | None:
        """Return the next number that the warm process sends; None when it is gone."""
        parts = b""
        while len(parts) < LENGTH.size:
            part = self._socket.recv(LENGTH.size - len(parts))
            if not part:
                return None
            parts += part
        return int(LENGTH.unpack(parts)[0])

    def poll(self) -> int | None:
        """Return the exit status, or None while the kernel runs."""
        return self._status(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status."""
        status = self._status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("servlab-kernel", timeout or 0.0)
        return status

    def _status(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._socket.settimeout(timeout)
            try:
                answer = self._received()
            except (BlockingIOError, TimeoutError):
                return None
            except OSError:
                answer = None
            if answer is None:  # the warm process is gone, and takes its kernels along
                kill_tree(self.pid)
            self.returncode = 1 if answer is None else answer
            self._socket.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel."""
        self.send_signal(signal.SIGKILL)


def fork_kernel_of(manager: Any) -> None:
    """Let a manager's kernel be forked from the warm process in use; without one do nothing."""
    path = _SOCKET.get()
    if path is not None:
        manager.provisioner = _provisioner(manager, path)


def _provisioner(manager: Any, path: str) -> Any:
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    class ForkingProvisioner(LocalProvisioner):
        """Launches by a fork; the rest is that of any local kernel."""

        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            """Fork the kernel with its connection file; start it cold where nobody forks."""
            try:
                forked: Any = ForkedProcess(path, cmd[cmd.index("-f") :], kwargs)
            except WarmProcessGoneError:
                return await super().launch_kernel(cmd, **kwargs)
            self.process = forked
            self.pid = self.pgid = forked.pid
            self.cwd = kwargs.get("cwd")
            return self.connection_info

    return ForkingProvisioner(kernel_id="servlab", kernel_spec=manager.kernel_spec, parent=manager)
