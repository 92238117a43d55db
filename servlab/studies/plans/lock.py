"""One runner a plan: the operating system holds the lock, so a dead runner never does."""

import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from servlab.core.errors import ParameterError, PlanLockedError
from servlab.studies.plans.plan import Plan


def lock_path(plan: Plan) -> Path:
    """Return the file that the runner of a plan holds."""
    return plan.out / "runs" / f".plan-{plan.name}.lock"


@contextmanager
def locked(plan: Plan, *, wait: float = 0.0) -> Iterator[None]:
    """Hold a plan while its studies run.

    Parameters
    ----------
    plan : Plan
    wait : float
        Seconds to wait for another runner to end.

    Raises
    ------
    PlanLockedError
        When somebody else holds it still; the message says who: process, machine, since when.
    ParameterError
        When the folder of reports cannot be written.
    """
    from filelock import FileLock, Timeout

    path = lock_path(plan)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, timeout=wait, mode=0o666)
        lock.acquire()
    except Timeout:
        raise PlanLockedError(_who(plan, wait)) from None
    except OSError as err:
        if err.errno in (errno.ENOLCK, errno.ENOTSUP):
            raise ParameterError(_no_locks(path)) from None
        which = plan.out if err.filename is None else err.filename
        raise ParameterError(f"reports cannot be written to {which}: {err.strerror}.") from None
    try:
        _sign(path)
        yield
    finally:
        with suppress(OSError):
            path.with_suffix(".json").unlink(missing_ok=True)
        lock.release()


def _no_locks(path: Path) -> str:
    """Return what is said where a folder cannot be locked."""
    return (
        f"{path} cannot be locked: its file system has no locks (an NFS share without lockd?), so "
        "two runners could not know of each other; put the plan's out on another one."
    )


def _sign(path: Path) -> None:
    """Leave word of who holds the lock; a word for people, the lock itself is the system's."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    word = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
    with suppress(OSError):
        path.with_suffix(".json").write_text(json.dumps(word), encoding="utf-8")


def _who(plan: Plan, wait: float) -> str:
    """Return who holds a plan."""
    waited = f" after {wait:g} s of waiting" if wait else ""
    try:
        word = json.loads(lock_path(plan).with_suffix(".json").read_text(encoding="utf-8"))
        who = f"process {word['pid']} on {word['host']}, since {word['since']}"
    except (OSError, ValueError, LookupError, TypeError):
        who = "another process"
    return (
        f"plan {plan.name} is being run{waited} by {who}; nothing was started here "
        "(--wait SECONDS waits for it)."
    )
