"""Putting files in their place whole or not at all.

A file is written beside its place, flushed to the disk and renamed over it: a reader sees the
old one or the new one, whenever the writer dies. What dead writers left behind is removed at
the next run.
"""

import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path

from servlab.core.errors import StudyError
from servlab.studies.kernel import is_alive

PREFIX = ".servlab-"
SUFFIX = ".tmp"
_DAY = 86_400.0


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that it is either there whole or as it was before.

    Raises
    ------
    StudyError
        When it cannot be written; what stood there before still stands.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    mark = f"{PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
    temporary = path.parent / mark
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except OSError as err:
        raise StudyError(f"{path} cannot be written: {err.strerror}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def publish(report: str, out: Path, name: str, language: str) -> Path:
    """Replace a study's published report by a new one and return its path."""
    path = out / f"{name}.{language}.html"
    write_whole(path, report)
    return path


def remove_leftovers(folder: Path, *, below: bool = False) -> None:
    """Remove the temporary files of writers that are no more; ``below``: of its folders' too.

    A file of this machine goes when its process is gone; one of another machine (a shared
    folder) after a day.
    """
    pattern = f"{PREFIX}*{SUFFIX}"
    for path in (*folder.glob(pattern), *(folder.glob(f"*/{pattern}") if below else ())):
        host, _, rest = path.name.removeprefix(PREFIX).rpartition("-")[0].rpartition("-")
        with suppress(OSError):
            dead = host == _host() and rest.isdigit() and not is_alive(int(rest))
            if dead or time.time() - path.stat().st_mtime > _DAY:
                path.unlink()


def _host() -> str:
    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())


def _flush_folder(folder: Path) -> None:
    """Make the renaming itself survive a power cut, where folders can be flushed."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
