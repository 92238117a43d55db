"""A word to somebody when a plan failed at night: the command that the plan names.

The command gets the failures as text on standard input and ``SERVLAB_PLAN``,
``SERVLAB_EXIT_CODE`` and ``SERVLAB_FAILED`` (ids, a line each) in its environment. It is run
without a shell, from the plan's folder; what becomes of it changes no exit code.
"""

import os
import subprocess
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import which
from threading import Thread
from typing import BinaryIO

from servlab.studies.ending import kill_tree
from servlab.studies.plans.executor import StudyOutcome
from servlab.studies.plans.plan import Plan

PATIENCE = 60.0  # seconds the command has
MOST_NAMES = 60_000  # bytes of SERVLAB_FAILED; the system refuses a variable of 128 kB
_TAIL = 4096  # bytes of its last words that are kept


def failure_text(outcomes: Sequence[StudyOutcome], not_run: Sequence[str] = ()) -> str:
    """Return what failed, a paragraph a study, as the command reads it."""
    parts = []
    for outcome in outcomes:
        words = [failure.detail for failure in outcome.failures] or ["it failed."]
        kept = [] if outcome.folder is None else [f"Everything of this run: {outcome.folder}"]
        parts.append("\n".join([f"{outcome.study} failed.", *words, *kept]))
    if not_run:
        parts.append(f"Not run: {', '.join(not_run)}.")
    return "\n\n".join(parts) + "\n"


def notify(
    command: Sequence[str], plan: Path, text: str, *, code: int, failed: Sequence[str] = ()
) -> str:
    """Run the command of a plan and return what went wrong with it; empty when nothing did."""
    if not command:
        return ""
    environment = os.environ | {
        "SERVLAB_PLAN": str(plan),
        "SERVLAB_EXIT_CODE": str(code),
        "SERVLAB_FAILED": _names(failed),
    }
    name = f"the command on failure ({command[0]})"
    try:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=plan.resolve().parent,
            start_new_session=True,  # so that it can be ended with all it started
        )
    except OSError as err:
        return f"{name} cannot be run: {err.strerror}."
    except ValueError as err:
        return f"{name} cannot be run: {err}."
    ended, said = _watched(process, text.encode("utf-8", errors="replace"))
    if ended is None:
        return f"{name} took over {PATIENCE:g} s and was ended."
    if ended:
        words = " ".join(said.split())[:200]
        return f"{name} ended with exit code {ended}" + (f": {words}" if words else ".")
    return ""


def unheard(plan: Plan) -> str:
    """Return a warning when the command of a plan names a program that is not on this machine."""
    if not plan.on_failure:
        return ""
    program = plan.on_failure[0]
    folder = plan.path.resolve().parent  # where the command is run
    if which(program if os.sep not in program else str(folder / program)):
        return ""
    return (
        f"on_failure of plan {plan.name} names the program {program!r}, which is not found here; "
        "nobody would be told of a failure. Install it, or name another."
    )


def _names(failed: Sequence[str]) -> str:
    """Return ids, a line each, as many as a variable can hold; standard input has them all."""
    kept, size = [], 0
    for place, name in enumerate(failed):
        size += len(name.encode("utf-8", errors="replace")) + 1
        if size > MOST_NAMES:
            kept.append(f"... and {len(failed) - place} more")
            break
        kept.append(name)
    return "\n".join(kept)


def _watched(process: "subprocess.Popen[bytes]", text: bytes) -> tuple[int | None, str]:
    """Return how a command ended (None: its time was over) and its last words.

    Its pipes are served by threads: what it puts into the background may hold them for ever.
    """
    words: list[bytes] = []
    writer = Thread(target=_tell, args=(process.stdin, text), daemon=True)
    reader = Thread(target=_last_words, args=(process.stderr, words), daemon=True)
    writer.start()
    reader.start()
    try:
        ended: int | None = process.wait(PATIENCE)
    except BaseException as err:
        kill_tree(process.pid)
        process.wait()
        if not isinstance(err, subprocess.TimeoutExpired):  # Ctrl-C, a signal
            raise
        ended = None
    reader.join(1.0)
    return ended, b"".join(words).decode("utf-8", errors="replace")


def _tell(stream: BinaryIO, text: bytes) -> None:
    """Hand a command its text; one that does not read it is not asked to."""
    with suppress(OSError), stream:
        stream.write(text)


def _last_words(stream: BinaryIO, words: list[bytes]) -> None:
    """Read what a command says to its end, however much, and keep the end of it."""
    with stream:
        while part := os.read(stream.fileno(), 1 << 16):
            words[:] = [(b"".join(words) + part)[-_TAIL:]]


def command_of(path: Path) -> tuple[str, ...]:
    """Return the command of a plan that may be wrong elsewhere; none where it cannot be told."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("on_failure", [])
    except (OSError, ValueError):
        return ()
    sound = isinstance(found, list) and all(isinstance(word, str) for word in found)
    return tuple(found) if sound else ()
