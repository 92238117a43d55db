"""The files with which other programs run a plan at their time, filled for a plan and a machine.

Nothing is installed or switched on here: the text is printed, the user puts it in its place.
"""

import hashlib
import json
import re
import shlex
import sys
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from servlab.core.errors import ParameterError
from servlab.studies.parameters import schema_of
from servlab.studies.plans.plan import Plan, PlannedStudy

Kind = Literal["cron", "systemd.service", "systemd.timer", "jupyter", "github", "gitlab"]
KINDS: tuple[Kind, ...] = (
    "cron", "systemd.service", "systemd.timer", "jupyter", "github", "gitlab",
)  # fmt: skip
Often = Literal["day", "week", "month"]

# how often: the words, the three last fields of crontab, the days of systemd's calendar
MOMENTS: Mapping[str, tuple[str, str, str]] = {
    "day": ("every day", "* * *", "*-*-*"),
    "week": ("every Monday", "* * 1", "Mon *-*-*"),
    "month": ("on the first of every month", "1 * *", "*-*-01"),
}


def schedule_text(kind: Kind, plan: Plan, *, every: Often = "day", at: str = "06:15") -> str:
    """Return the file of a scheduler for a plan.

    Parameters
    ----------
    kind : {"cron", "systemd.service", "systemd.timer", "jupyter", "github", "gitlab"}
        A line for crontab; a unit of systemd; bodies for jupyter-scheduler's REST call, a job a
        study; a workflow of GitHub or GitLab.
    plan : Plan
    every : {"day", "week", "month"}
        How often: daily, on Mondays, or on the first of a month. A run that finds nothing new
        ends after a second, so that the default misses nothing and costs nothing.
    at : str
        Time of day, such as ``"06:15"``, by the clock of the program that starts the plan.

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        When the kind or the moment is unknown, or a CI job could not keep the reports.
    """
    if kind not in KINDS:
        raise ParameterError(f"a schedule is one of {', '.join(KINDS)}; got {kind!r}.")
    if kind == "jupyter":
        jobs = [jupyter_job(study) for study in plan.studies]
        return json.dumps(jobs, ensure_ascii=False, indent=1) + "\n"
    text = (files("servlab.studies") / "schedules" / f"{kind}.txt").read_text(encoding="utf-8")
    ci = kind in ("github", "gitlab")
    own = _of_ci(plan) if ci else _of_machine(kind, plan)
    return text.format_map({**own, **_moment(every, at), "unit": unit_name(plan)})


def unit_name(plan: Plan) -> str:
    """Return the name of a plan among the units of systemd and the jobs of a CI system.

    They take plain letters, digits, hyphens and underscores; where a plan's name has others, what
    it loses is made up for by a few digits of its hash.
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", plan.name).strip("-")
    if plain == plan.name:
        return f"servlab-{plain}"
    mark = hashlib.sha256(plan.name.encode()).hexdigest()[:6]
    return "-".join(part for part in ("servlab", plain, mark) if part)


def _moment(every: str, at: str) -> Mapping[str, str]:
    """Return a moment in words, as crontab and as systemd's calendar write it."""
    if every not in MOMENTS:
        raise ParameterError(f"every must be one of {', '.join(MOMENTS)}; got {every!r}.")
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
        raise ParameterError(f"at must be a time of day such as 06:15; got {at!r}.")
    words, days, calendar = MOMENTS[every]
    return {
        "words": f"{words} at {at}",
        "crontab": f"{int(at[3:])} {int(at[:2])} {days}",
        "calendar": f"{calendar} {at}:00",
    }


def _of_machine(kind: Kind, plan: Plan) -> Mapping[str, str]:
    """Return what stands in a file for this machine: absolute paths, quoted as its reader does."""
    words = [sys.executable, "-m", "servlab", "plan", "run", str(plan.path.resolve())]
    if kind == "cron":
        log = str(plan.path.resolve().with_suffix(".log"))
        return {"name": plan.name, "command": _for_cron(words), "log": _for_cron([log])}
    return {
        "name": plan.name.replace("%", "%%"),
        "command": " ".join(_for_systemd(word) for word in words),
    }


def _of_ci(plan: Plan) -> Mapping[str, str]:
    """Return what stands in a job of CI: paths from the top of the plan's repository."""
    path = plan.path.resolve()
    top = next((f for f in path.parents if (f / ".git").exists()), path.parent)
    out = plan.out.resolve()
    if not out.is_relative_to(top) or out == top:
        raise ParameterError(
            f"a CI job keeps a folder inside the repository; the reports of {plan.path.name} go "
            f"to {out}, and the repository is {top}. Give the plan another out."
        )
    command = shlex.join(["servlab", "plan", "run", path.relative_to(top).as_posix()])
    return {
        "name": _for_yaml(f"servlab plan {plan.name}"),
        "command": _for_yaml(command),
        "out": _for_yaml(out.relative_to(top).as_posix()),
    }


def _for_yaml(text: str) -> str:
    """Return a text as YAML reads it: as it is where nothing in it has a meaning, else quoted.

    Examples
    --------
    >>> print(_for_yaml("reports/2026"), _for_yaml("a: b"))
    reports/2026 "a: b"
    """
    if re.fullmatch(r"[^\W\d][\w ./-]*[\w/]", text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _for_cron(words: list[str]) -> str:
    r"""Return words as a shell reads them in a line of crontab, where a percent ends the line.

    Examples
    --------
    >>> print(_for_cron(["a b", "50%"]))
    'a b' 50\%
    """
    return shlex.join(words).replace("%", r"\%")


def _for_systemd(word: str) -> str:
    """Return a word of ExecStart: quoted, without its own meaning for percent and dollar.

    Examples
    --------
    >>> print(_for_systemd("a b"), _for_systemd("50%"), _for_systemd("x"))
    "a b" "50%%" x
    """
    if word and all(c.isalnum() or c in "/._-" for c in word):
        return word
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"'


def jupyter_job(study: PlannedStudy) -> dict[str, Any]:
    """Return a study as a job for jupyter-scheduler's ``POST /scheduler/jobs``.

    It writes ``name = value`` into the cell behind the parameters as the value stands, so that each
    value is sent as Python writes it: a text with its quotes. ``input_uri`` is to be the notebook's
    path from the server's folder; the environment is called as ``GET
    /scheduler/runtime_environments`` says, ``python`` for one that conda did not make.
    """
    from servlab.studies.notebook import read_notebook

    known = schema_of(read_notebook(study.notebook))
    parameters = {name: study.parameters[name] for name in known.names if name in study.parameters}
    return {
        "name": study.id,
        "input_uri": study.notebook.name,
        "runtime_environment_name": "python",
        "output_formats": ["ipynb", "html"],
        "parameters": {name: _written(value) for name, value in parameters.items()},
    }


def _written(value: Any) -> str:
    """Return a value as Python writes it, by names that the types of parameters have imported.

    Examples
    --------
    >>> print(_written(["it's", Path("a b")]), _written(date(2026, 3, 1)))
    ["it's", Path('a b')] date(2026, 3, 1)
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(_written(part) for part in value)}]"
    if isinstance(value, Path):
        return f"Path({str(value)!r})"
    if isinstance(value, date):
        return f"date({value.year}, {value.month}, {value.day})"
    return repr(value)
