"""The warm process: it has imported what studies import, and forks a kernel whenever asked.

Started as ``python -P -m servlab.studies.warm.process SOCKET`` by ``warm_kernels``. It runs no
cell itself and starts no thread, so that every kernel begins from the same clean state. A
client connects, sends one request and keeps the connection: the kernel's process number comes
back at once and its exit status when it ends; a client that goes away takes its kernel along.
The process ends when its owner closes the pipe it reads from, however the owner died.
"""

import gc
import json
import os
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from servlab.studies.ending import adopt_orphans, kill_children, kill_tree

LENGTH = struct.Struct("!Q")
LARGEST = 16_000_000  # bytes of a request; more is no environment of ours
BACKLOG = 64

# What a study's cells and its kernel import. Each must not start a thread when it is imported.
LIBRARIES = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "IPython.core.completer",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
    "matplotlib_inline.backend_inline",
    "pandas",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
    "statsmodels.api",
    "patsy",
    "factor_analyzer",
    "sklearn",
    "pyarrow.parquet",
    "pydantic",
    "fontTools.subset",
    "markupsafe",
    "threadpoolctl",
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a kernel is to be: command line, environment, folder, and where its words go."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    log: int


def main() -> None:
    """Import, then fork a kernel a request until the owner is gone."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    adopt_orphans()  # what a kernel that died leaves comes here
    import_libraries()
    gc.collect()
    gc.freeze()  # the kernels share these pages as long as no collection touches them
    os.write(1, b"ready\n")
    request = serve(listener)
    if request is not None:  # this is the forked kernel
        become_kernel(request)


def import_libraries() -> None:
    """Import every module of servlab that a notebook can reach, and what they stand on."""
    import servlab

    for name in LIBRARIES:
        if find_spec(name.partition(".")[0]) is not None:
            import_module(name)
    for name in sorted(set(servlab._HOMES.values())):
        import_module(name)


def serve(listener: socket.socket) -> Request | None:
    """Answer requests; return None when the owner is gone, and in a forked kernel its request."""
    warm = os.getpid()
    with selectors.DefaultSelector() as selector, child_signals() as ended:
        selector.register(0, selectors.EVENT_READ, "owner")
        selector.register(listener, selectors.EVENT_READ, "listener")
        selector.register(ended, selectors.EVENT_READ, "ended")
        clients: dict[int, socket.socket] = {}
        try:
            while True:
                for key, _ in selector.select():
                    if key.data == "owner":
                        return None
                    if key.data == "listener":
                        client, _ = listener.accept()
                        request = answer(client, clients, selector)
                        if request is not None:
                            clients.clear()  # the kernel must not kill its siblings
                            listener.close()
                            return request
                    elif key.data == "ended":
                        os.read(ended, 4096)
                        reap(clients, selector)
                    else:
                        forget(key.data, clients, selector)
        finally:
            for pid in clients:
                kill_tree(pid)
            if os.getpid() == warm:
                kill_children()


@contextmanager
def child_signals() -> Iterator[int]:
    """Give a descriptor that becomes readable when a child ends."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        yield reader
    finally:
        signal.signal(signal.SIGCHLD, handler)
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)


def answer(
    client: socket.socket, clients: dict[int, socket.socket], selector: selectors.BaseSelector
) -> Request | None:
    """Fork a kernel for a client; return its request in the kernel, None here."""
    try:
        request = receive(client)
    except (OSError, ValueError, KeyError, struct.error):
        client.close()
        return None
    pid = os.fork()
    if pid == 0:
        for other in (*clients.values(), client):
            other.close()
        return request
    with suppress(OSError):
        os.setpgid(pid, pid)  # before anybody hears of it: who kills it kills its group
    os.close(request.log)
    clients[pid] = client
    selector.register(client, selectors.EVENT_READ, pid)
    with suppress(OSError):
        client.sendall(LENGTH.pack(pid))
    return None


def receive(client: socket.socket) -> Request:
    """Return the request of a client that has just connected."""
    client.settimeout(10)
    head, descriptors, _, _ = socket.recv_fds(client, LENGTH.size, 1)
    (length,) = LENGTH.unpack(head)
    if length > LARGEST or len(descriptors) != 1:
        raise ValueError("no request of a study")
    parts, missing = [], length
    while missing:
        part = client.recv(min(missing, 1 << 16))
        if not part:
            raise ValueError("the client went away")
        parts.append(part)
        missing -= len(part)
    asked = json.loads(b"".join(parts))
    client.settimeout(None)
    return Request(asked["arguments"], asked["environment"], asked["folder"], descriptors[0])


def forget(pid: int, clients: dict[int, socket.socket], selector: selectors.BaseSelector) -> None:
    """End the kernel of a client that went away; one that has ended already was told of."""
    if pid in clients:
        selector.unregister(clients[pid])
        kill_tree(pid)


def reap(clients: dict[int, socket.socket], selector: selectors.BaseSelector) -> None:
    """Tell the clients of ended kernels how they ended, once all that those left has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        client = clients.pop(pid, None)
        if client is None:  # what a kernel left, adopted and killed
            continue
        with suppress(KeyError):
            selector.unregister(client)
        kill_children(spared=frozenset(clients))
        with suppress(OSError):
            client.sendall(LENGTH.pack(os.waitstatus_to_exitcode(status) & 0xFFFF))
        client.close()


def become_kernel(request: Request) -> None:
    """Turn this forked process into the kernel of a study; does not return."""
    from servlab.studies import inside

    with suppress(OSError):
        os.setpgid(0, 0)  # as its parent does, whoever comes first
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(request.log, 1)
    os.dup2(request.log, 2)
    os.close(request.log)
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    reseed()
    sys.argv = ["servlab-kernel", *request.arguments]
    code = 1
    try:
        inside.main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def reseed() -> None:
    """Give this kernel draws of its own: numpy's shared state was copied by the fork."""
    import numpy as np

    np.random.seed(None)  # noqa: NPY002 -- the state that unseeded code of a user would draw from


if __name__ == "__main__":
    main()
