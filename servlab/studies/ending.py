"""Ending a process for certain, with everything it started, wherever that went.

A child may leave its group, its session and, by forking twice, its parents. On Linux a kernel is
made the parent of whatever loses its own below it (``adopt_orphans``), so that nothing gets out
of sight; what outlives its kernel is known by the folder that stands in its environment.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_ROUNDS = 100  # looks at what is still there; a fork bomb may win, nothing else does


def adopt_orphans() -> None:
    """Make this process the parent of its descendants whose parents ended; Linux only."""
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_tree(pid: int) -> None:
    """Kill a process, its process group and its descendants, those of other sessions too."""
    import psutil

    group = pid
    with suppress(OSError, AttributeError):  # gone already; or no process groups (Windows)
        group = os.getpgid(pid)
    try:
        root = psutil.Process(pid)
        if sys.platform != "win32":
            root.suspend()  # what cannot run cannot fork
        _kill_below(root)
        root.kill()
    except psutil.Error:
        pass
    with suppress(OSError, AttributeError):
        if group != os.getpgid(0):
            os.killpg(group, signal.SIGKILL)


def kill_children(*, spared: frozenset[int] = frozenset()) -> None:
    """Kill what this process started, with everything below it, but not the children spared."""
    import psutil

    for _ in range(_ROUNDS):
        found = [child for child in _living(psutil.Process()) if child.pid not in spared]
        if not found:
            return
        for child in found:
            kill_tree(child.pid)
        time.sleep(0.005)


def kill_marked(name: str, place: Path) -> None:
    """Kill this user's processes in whose environment a variable names a place.

    Finds what outlived the process that started it, which no tree shows.
    """
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(name) == str(place):
                kill_tree(process.pid)


def _kill_below(root: Any) -> None:
    """Kill the descendants of a process until there are none."""
    import psutil

    for _ in range(_ROUNDS):
        found = _living(root, recursive=True)
        if not found:
            return
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.002)


def _living(root: Any, *, recursive: bool = False) -> list[Any]:
    """Return the children of a process that have not ended."""
    import psutil

    living = []
    for process in root.children(recursive=recursive):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                living.append(process)
    return living
