"""A plan that was read: its studies, each with everything it needs to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from servlab.core.errors import ParameterError, PlanError
from servlab.studies.plans.periods import first_day, kind_of
from servlab.studies.plans.schema import PERIOD
from servlab.studies.records import runs_folder


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of a plan, or trouble of a study: the line it stands on, and what to do."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class PlannedStudy:
    """One study of a plan: what is run, with what, and where its report goes.

    Plain values, so that it can be sent to another process or machine.

    Attributes
    ----------
    name, language : str
        The report is published as ``out/name.language.html``; together they are its ``id``.
    notebook : Path
        The notebook, as an absolute path.
    parameters : mapping of str to object
        The values given, as Python values; paths are absolute.
    out : Path
        Folder of reports.
    timeout : float
        Seconds for the study.
    export : tuple of str
        Forms in which its tables are published too.
    axes : mapping of str to str
        Its place in the matrix, such as branch and wave.
    line : int
        Line of its ``[[study]]`` in the plan's file.
    lines : mapping of str to int
        The lines of its parameters, and of its values on the axes of the matrix.
    block : int
        Which ``[[study]]`` of the file it is of, from 0.
    written : tuple of str
        The axes whose values the file lists itself.
    troubles : tuple of Problem
        What keeps it, and not all studies of its block, from being run today: its data are not
        there. It fails by name, and the others run.
    """

    name: str
    language: str
    notebook: Path
    parameters: Mapping[str, Any]
    out: Path
    timeout: float
    export: tuple[str, ...]
    axes: Mapping[str, str]
    line: int
    lines: Mapping[str, int] = field(default_factory=dict)
    block: int = 0
    written: tuple[str, ...] = ()
    troubles: tuple[Problem, ...] = ()

    @property
    def id(self) -> str:
        """Return what names the study among all of a folder of reports."""
        return f"{self.name}.{self.language}"

    @property
    def report(self) -> Path:
        """Return where its report is published."""
        return self.out / f"{self.id}.html"

    @property
    def runs(self) -> Path:
        """Return where its runs are kept."""
        return runs_folder(self.out, self.name, self.language)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan whose file was read and found right.

    Attributes
    ----------
    name : str
    path : Path
        The plan's file.
    out : Path
        Folder of reports.
    studies : tuple of PlannedStudy
        In the order of the file, each ``[[study]]`` over its matrix.
    workers : int
        How many studies run at once.
    retention : int
        How many runs of each study are kept.
    on_failure : tuple of str
        The words of the command that is run when a study failed; empty for none.
    """

    name: str
    path: Path
    out: Path
    studies: tuple[PlannedStudy, ...]
    workers: int
    retention: int
    on_failure: tuple[str, ...] = ()


def plan_error(path: Path, problems: Sequence[Problem]) -> PlanError:
    """Return the error that lists every problem of a plan, in the order of its lines."""
    ordered = sorted(set(problems), key=lambda problem: (problem.line, problem.text))
    count = f"{len(ordered)} mistake{'s' if len(ordered) > 1 else ''}"
    lines = "\n".join(f"  {problem}" for problem in ordered)
    return PlanError(f"plan {path.name} has {count}, and nothing was started:\n{lines}")


def chosen(plan: Plan, only: Sequence[str] = (), since: str | None = None) -> Plan:
    """Return the plan with the studies asked for.

    Parameters
    ----------
    plan : Plan
    only : sequence of str
        Patterns (``*``, ``?``) of which a study's id or name must match one; none takes all.
    since : str, optional
        The first period wanted; studies without a period stay.

    Raises
    ------
    ParameterError
        When the patterns match nothing, or the period is of another kind than the plan's.
    """
    studies = [s for s in plan.studies if not only or matches(s.name, s.language, only)]
    if only and not studies:
        known = ", ".join(s.id for s in plan.studies[:8]) or "none yet"
        more = f" and {len(plan.studies) - 8} more" if len(plan.studies) > 8 else ""
        raise ParameterError(
            f"--only {' '.join(only)} matches no study of {plan.path.name}; it has {known}{more}."
        )
    if since is not None:
        if studies and not any(PERIOD in s.axes for s in studies):
            raise ParameterError(
                f"--since needs studies with a {PERIOD!r} in their matrix; "
                f"{plan.path.name} has none."
            )
        studies = [s for s in studies if PERIOD not in s.axes or _not_before(s, since)]
    return Plan(
        plan.name, plan.path, plan.out, tuple(studies), plan.workers, plan.retention,
        plan.on_failure,
    )  # fmt: skip


def matches(name: str, language: str, patterns: Sequence[str]) -> bool:
    """Return whether a study's name, or its id, matches one of the patterns.

    Examples
    --------
    >>> matches("North", "en", ["N*.en"]), matches("North", "en", ["South"])
    (True, False)
    """
    names = (name, f"{name}.{language}")
    return any(fnmatchcase(known, pattern) for known in names for pattern in patterns)


def _not_before(study: PlannedStudy, since: str) -> bool:
    every = kind_of(study.axes[PERIOD])
    return first_day(study.axes[PERIOD], every) >= first_day(since, every)
