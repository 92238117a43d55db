"""The files that a notebook reads though no parameter names them, seen as they are opened.

A path written into a cell (``pd.read_csv("prices.csv")``) is no part of a run's key, which is
known before the cells run. So the kernel notes every file that Python opens for reading, with the
hash of its bytes at that moment; the files of Python, of installed packages and of the system
are left out, and those that the study wrote itself. What a library opens without Python
(``pyreadstat.read_sav``), what a child program reads and what comes over the network is not seen.
"""

import hashlib
import json
import os
import site
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import servlab
from servlab.studies.records import runs_folder

if TYPE_CHECKING:
    from servlab.studies.preflight import StudyCall

LOG = "reads.jsonl"
_SYSTEM = ("/usr", "/etc", "/lib", "/lib64", "/proc", "/sys", "/dev", "/run", "/System", "/Library")


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file that a notebook opened: its path, and the SHA-256 of each content it had then."""

    path: Path
    sha256: tuple[str, ...]


def watch_reads(log: Path) -> None:
    """Note from now on which files this process opens; it cannot be undone.

    Parameters
    ----------
    log : Path
        Gets a JSON line a file: ``["r", path, sha256]``, or ``["w", path]`` for one that may
        have been written.
    """
    note = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    foreign, here = _foreign(log.parent), os.path.realpath(os.getcwd())
    own = threading.local()  # hashing opens the file too, which must not be noted in turn
    known: set[str] = set()

    def seen(event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or getattr(own, "busy", False):
            return
        own.busy = True
        try:
            line = _line(args[0], args[2], foreign, here)
            if line is not None and line not in known:
                known.add(line)
                os.write(note, f"{line}\n".encode())
        except Exception:
            pass
        finally:
            own.busy = False

    sys.addaudithook(seen)


def _line(path: Any, flags: int, foreign: tuple[str, ...], here: str) -> str | None:
    """Return what is noted of one opening; None for what is no file of the notebook's."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None  # a descriptor: what it stands for was opened before
    place = os.path.realpath(os.fsdecode(path))
    if place.endswith(".pyc"):
        place = source_from_cache(place)
    if place.startswith(foreign) or _hidden(place, here):
        return None
    if flags & (os.O_WRONLY | os.O_RDWR):
        return json.dumps(["w", place])
    return json.dumps(["r", place, _hash(place)]) if os.path.isfile(place) else None


def _hidden(place: str, here: str) -> bool:
    """Return whether a file lies in a hidden folder, such as a cache, seen from ``here``."""
    parts = os.path.relpath(place, here).split(os.sep)
    return any(part.startswith(".") and part != os.pardir for part in parts)


def _hash(place: str) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(place, os.O_RDONLY)
    try:
        while part := os.read(descriptor, 1 << 20):
            digest.update(part)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _foreign(own: Path) -> tuple[str, ...]:
    """Return the folders of Python, of packages, of the system and of ours, each with a slash."""
    folders = {
        *_SYSTEM,
        *(sys.prefix, sys.base_prefix, sys.exec_prefix),
        *site.getsitepackages(),
        site.getusersitepackages(),
        str(Path(servlab.__file__).parent),
        str(own),
        os.environ.get("MPLCONFIGDIR") or sys.prefix,
    }
    return tuple(sorted(os.path.realpath(folder) + os.sep for folder in folders))


def reads_of(folder: Path) -> tuple[FileRead, ...]:
    """Return the files that a kernel with this folder read and did not write, by path."""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    found: dict[str, dict[str, None]] = {}
    written: set[str] = set()
    for line in lines:
        with suppress(ValueError):  # the last line of a kernel that was killed
            how, path, *digests = json.loads(line)
            for digest in digests:
                found.setdefault(path, {})[digest] = None
            if how == "w":
                written.add(path)
    kept = sorted(path for path in found if path not in written)
    return tuple(FileRead(Path(path), tuple(found[path])) for path in kept)


def unnamed_of(call: "StudyCall", reads: Iterable[FileRead]) -> tuple[FileRead, ...]:
    """Return the reads that count neither in a run's key nor are of the study's own runs."""
    beside = call.notebook.path.resolve().parent
    named = [
        call.notebook.path,
        *(part.path for part in call.inputs),
        *(beside / module for module in call.parts["modules"]),
        runs_folder(call.out, call.name, call.language),
    ]
    return unnamed(reads, named)


def unnamed(reads: Iterable[FileRead], named: Iterable[Path]) -> tuple[FileRead, ...]:
    """Return the reads of files that are none of the named ones, nor in a named folder."""
    known = [path.resolve() for path in named]
    return tuple(
        read for read in reads if not any(read.path.is_relative_to(path) for path in known)
    )


def written_down(reads: Iterable[FileRead], folder: Path) -> dict[str, str]:
    """Return path -> hash as it is kept: relative to the notebook's folder, so that both can move.

    Examples
    --------
    >>> written_down([FileRead(Path("/a/data/x.csv"), ("0f",))], Path("/a/notebooks"))
    {'../data/x.csv': '0f'}
    """
    found = {}
    for read in reads:
        try:
            path = Path(os.path.relpath(read.path, folder))
        except ValueError:  # another drive of Windows
            path = read.path
        found[path.as_posix()] = read.sha256[-1]
    return found
