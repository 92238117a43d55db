"""A word to somebody when a plan failed at night: the command that the plan names.

The command gets the failures as text on standard input and ``SERVLAB_PLAN``,
``SERVLAB_EXIT_CODE`` and ``SERVLAB_FAILED`` (ids, a line each) in its environment. It is run
without a shell, from the plan's folder; what becomes of it changes no exit code.
"""

import os
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from servlab.studies.plans.executor import StudyOutcome
from servlab.studies.plans.plan import Plan

PATIENCE = 60.0  # seconds the command has


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
        "SERVLAB_FAILED": "\n".join(failed),
    }
    try:
        ended = subprocess.run(
            list(command),
            input=text,
            encoding="utf-8",
            env=environment,
            cwd=plan.resolve().parent,
            timeout=PATIENCE,
            capture_output=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the command on failure ({command[0]}) took over {PATIENCE:g} s and was ended."
    except OSError as err:
        return f"the command on failure ({command[0]}) cannot be run: {err.strerror}."
    if ended.returncode:
        said = " ".join(ended.stderr.split())[:200]
        return f"the command on failure ({command[0]}) ended with exit code {ended.returncode}" + (
            f": {said}" if said else "."
        )
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


def command_of(path: Path) -> tuple[str, ...]:
    """Return the command of a plan that may be wrong elsewhere; none where it cannot be told."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("on_failure", [])
    except (OSError, ValueError):
        return ()
    sound = isinstance(found, list) and all(isinstance(word, str) for word in found)
    return tuple(found) if sound else ()
