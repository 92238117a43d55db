"""Putting files in their place whole or not at all.

A file is written beside its place, flushed to the disk and renamed over it: a reader sees the
old one or the new one, whenever the writer dies. What dead writers left behind is removed at
the next run.
"""

import errno
import os
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from servlab.core.errors import StudyError
from servlab.studies.kernel import is_alive, undisturbed

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
    write_together({path: content})


def write_together(files: Mapping[Path, str | bytes]) -> None:
    """Write files that belong together: all are complete before the first takes its place.

    Raises
    ------
    StudyError
        When one cannot be written; while they were being written, none took its place.
    """
    staged: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in files.items():
            staged[path] = _stage(path, content)
        with undisturbed():  # a report beside the tables of another run is neither old nor new
            for path, temporary in staged.items():
                os.replace(temporary, path)
        for folder in {path.parent for path in staged}:
            _flush_folder(folder)
    except OSError as err:
        raise StudyError(f"{path} cannot be written: {err.strerror}.") from None
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _stage(path: Path, content: str | bytes) -> Path:
    """Write a file beside its place and return where."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    mark = f"{PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
    temporary = path.parent / mark
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def publish(
    report: str,
    out: Path,
    name: str,
    language: str,
    *,
    beside: Mapping[Path, bytes] = MappingProxyType({}),
) -> Path:
    """Replace a study's published report, with the files ``beside`` it, and return its path."""
    path = out / f"{name}.{language}.html"
    write_together({**beside, path: report})
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
