"""Reading a plan's file: every mistake in it, each with its line, before anything runs."""

import unicodedata
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from servlab.core.errors import PlanError
from servlab.data.schema import read_toml
from servlab.studies.notebook import find_notebook
from servlab.studies.plans.block import Block
from servlab.studies.plans.check import check_studies
from servlab.studies.plans.lines import toml_lines
from servlab.studies.plans.making import Makings, values_path
from servlab.studies.plans.plan import Plan, PlannedStudy, Problem, plan_error
from servlab.studies.plans.reading import Reading
from servlab.studies.plans.schema import StudySpec
from servlab.studies.plans.shape import shaped
from servlab.studies.preflight import check_timeout


def read_plan(
    path: str | Path,
    *,
    since: str | None = None,
    today: date | None = None,
    makings: Makings | None = None,
) -> Plan:
    """Return the plan in a TOML file.

    Parameters
    ----------
    path : str or Path
        The plan. Its paths start in its own folder.
    since : str, optional
        The first period of generated ones that have no first of their own.
    today : date, optional
        Periods are generated to the newest that ended before it; default the clock's day.
    makings : Makings, optional
        What was read already (notebooks, files), so that nothing is read twice.

    Raises
    ------
    PlanError
        With every mistake and its line: unknown keys, notebooks and parameters, values of a wrong
        type, files that no study of a ``[[study]]`` has, axes that change nothing, two studies of
        one name.

    Notes
    -----
    A file that is there for some studies of a ``[[study]]`` and not for others is no mistake of
    the plan: the studies that lack it have ``troubles``.
    """
    path = Path(path)
    data = read_toml(path, PlanError, "plan")
    text = path.read_text(encoding="utf-8-sig")
    lines = toml_lines(text.replace("\r\n", "\n"))
    spec, places, problems = shaped(data, lines)
    if spec is None:
        raise plan_error(path, problems)
    day = today or date.today()
    reading = Reading(path, spec, lines, makings or Makings(), since, day, problems)
    if reading.makings.memory is None:
        reading.makings.memory = values_path(reading.out, reading.name)
    pairs = zip(places, spec.study, strict=True)
    return _plan(reading, [s for place, part in pairs for s in _studies(reading, place, part)])


def _plan(reading: Reading, studies: Sequence[PlannedStudy]) -> Plan:
    """Return the plan of these studies, or raise for all that is wrong."""
    reading.problems += _twice(studies)
    reading.tried(("timeout",), check_timeout, reading.spec.timeout)
    if reading.problems:  # all there is to say at once: what the data lack as well
        found = check_studies(studies, reading.makings).problems
        raise plan_error(reading.path, [*reading.problems, *found])
    return Plan(
        name=reading.name,
        path=reading.path,
        out=reading.out,
        studies=tuple(studies),
        workers=reading.spec.workers,
        retention=reading.spec.retention,
        on_failure=tuple(reading.spec.on_failure),
    )


def _studies(reading: Reading, place: int, spec: StudySpec) -> list[PlannedStudy]:
    """Return the studies of one ``[[study]]`` over its matrix."""
    at = ("study", place)
    found = reading.tried(
        (*at, "notebook"),
        lambda: reading.makings.notebook(find_notebook(spec.notebook, here=reading.folder)),
    )
    if spec.timeout is not None:
        reading.tried((*at, "timeout"), check_timeout, spec.timeout)
    if found is None:
        return []
    block = Block(reading, place, spec, *found)
    return block.studies() if block.sound() else []


def _told(study: PlannedStudy) -> str:
    """Return what tells a study from others: its values in the matrix, and its line."""
    axes = ", ".join(f"{axis} {value!r}" for axis, value in study.axes.items())
    return f"the one of {axes} (line {study.line})" if axes else f"that of line {study.line}"


def _twice(studies: Sequence[PlannedStudy]) -> list[Problem]:
    """Return studies that would publish the same file, also where names ignore case."""
    seen: dict[str, PlannedStudy] = {}
    found = []
    for study in studies:
        if study.name.casefold() == "index":
            text = "index is the page over all reports; give the study another name."
            found.append(Problem(study.line, text))
        key = unicodedata.normalize("NFC", study.id).casefold()
        other = seen.setdefault(key, study)
        if other is not study:
            text = (
                f"two studies would publish {study.id}.html, {_told(study)} and {_told(other)}; "
                "name every axis in the study's name, or give them different names."
            )
            found.append(Problem(study.line, text))
    return found
