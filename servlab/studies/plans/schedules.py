"""The files with which other programs run a plan at their time, filled for a plan and a machine.

Nothing is installed or switched on here: the text is printed, the user puts it in its place.
"""

import json
import os
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


def schedule_text(kind: Kind, plan: Plan) -> str:
    """Return the file of a scheduler for a plan.

    Parameters
    ----------
    kind : {"cron", "systemd.service", "systemd.timer", "jupyter", "github", "gitlab"}
        A line for crontab; a unit of systemd; bodies for jupyter-scheduler's REST call, a job a
        study; a workflow of GitHub or GitLab.
    plan : Plan

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        When the kind is unknown.
    """
    if kind not in KINDS:
        raise ParameterError(f"a schedule is one of {', '.join(KINDS)}; got {kind!r}.")
    if kind == "jupyter":
        jobs = [jupyter_job(study) for study in plan.studies]
        return json.dumps(jobs, ensure_ascii=False, indent=1) + "\n"
    text = (files("servlab.studies") / "schedules" / f"{kind}.txt").read_text(encoding="utf-8")
    return text.format_map(_values(kind, plan))


def _values(kind: Kind, plan: Plan) -> Mapping[str, str]:
    words = [sys.executable, "-m", "servlab", "plan", "run", str(plan.path.resolve())]
    log = str(plan.path.resolve().with_suffix(".log"))
    if kind == "cron":
        return {"name": plan.name, "command": _for_cron(words), "log": _for_cron([log])}
    if kind.startswith("systemd"):
        return {"name": plan.name, "command": " ".join(_for_systemd(word) for word in words)}
    out = os.path.relpath(plan.out.resolve(), plan.path.resolve().parent)
    return {
        "name": plan.name,
        "plan": json.dumps(plan.path.name, ensure_ascii=False)
        if not plan.path.name.replace("-", "_").replace(".", "_").isidentifier()
        else plan.path.name,
        "out": json.dumps(out, ensure_ascii=False),
    }


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
