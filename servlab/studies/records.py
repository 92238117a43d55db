"""What is known of a study without running it: its published report, and its last attempt.

Two small files in ``out/runs/NAME.LANGUAGE/``. ``published.json`` takes its place together with
the report and names what the report was made of; ``last.json`` is rewritten when a run starts and
when it ends. Nothing here is decided by a clock or by a file's time: a report is told by its
bytes, an attempt by its number.
"""

import hashlib
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

PUBLISHED, LAST = "published.json", "last.json"
MANIFEST = "manifest.json"

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Published:
    """A published report: what it was made of and which files it consists of.

    Attributes
    ----------
    key : str
        Hash of ``parts``.
    parts : mapping
        Everything that decided it (``manifest.key_parts``).
    files : mapping of str to str
        Published files, the report first: name in the folder of reports -> SHA-256.
    folder : str
        Name of the folder of the run that made it.
    finished : str
        Moment of publication (ISO, UTC): shown to people, never compared.
    reads : mapping of str to str
        Files that the notebook read though no parameter names them: path from the notebook's
        folder -> SHA-256. They cannot be in the key, which is known before the cells run.
    """

    key: str
    parts: Mapping[str, Any]
    files: Mapping[str, str]
    folder: str
    finished: str
    reads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last run of a study, whatever became of it.

    ``status`` is running, complete, failed or interrupted; a run that was killed is left as
    running by a process that is no more. ``number`` counts the study's runs.
    """

    folder: str
    status: str
    key: str
    number: int
    pid: int
    host: str
    started: str
    failures: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def here(self) -> bool:
        """Return whether it runs, or ran, on this machine."""
        return self.host == socket.gethostname()


def runs_folder(out: Path, name: str, language: str) -> Path:
    """Return where a study keeps its runs."""
    return out / "runs" / f"{name}.{language}"


def as_text(record: Published | Attempt) -> str:
    """Return a record as the text of its file."""
    return json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n"


def hash_of(content: str | bytes) -> str:
    """Return the SHA-256 of what a file is to hold."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def read_published(runs: Path) -> Published | None:
    """Return what is known of a study's published report; None where nothing is."""
    return _read(runs / PUBLISHED, Published)


def read_last(runs: Path) -> Attempt | None:
    """Return a study's last attempt; None where there was none."""
    return _read(runs / LAST, Attempt)


def next_number(runs: Path) -> int:
    """Return the number of a study's next run."""
    last = read_last(runs)
    return 1 if last is None else last.number + 1


def own_process() -> dict[str, Any]:
    """Return what names this process among machines."""
    return {"pid": os.getpid(), "host": socket.gethostname()}


def _read(path: Path, kind: type[Record]) -> Record | None:
    """Return a record; one that is broken or of another version counts as none: it is run anew."""
    try:
        return kind(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
