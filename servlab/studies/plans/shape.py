"""Is a plan's file of the right shape? All that is not, with its line.

What is wrong is put aside, so that the rest of the plan can be looked at in the same breath.
"""

import copy
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from servlab.studies.plans.lines import Path, nearest_line
from servlab.studies.plans.plan import Problem
from servlab.studies.plans.schema import PlanSpec

AXIS = (
    'an axis is a list of texts, "data" (the values that respondents have in the covariate of '
    'its name), { data = "covariate" }, or { every = "month", first = "2026-01" }'
)


def shaped(
    data: Mapping[str, Any], lines: dict[Path, int]
) -> tuple[PlanSpec | None, list[int], list[Problem]]:
    """Return the parts of a plan that are of the right shape, and the mistakes in the others.

    Returns
    -------
    spec : PlanSpec or None
        Without unknown keys, values of a wrong kind and the ``[[study]]`` that have some; None
        where no ``[[study]]`` is left.
    places : list of int
        The place in the file of each study of ``spec``.
    problems : list of Problem
    """
    rest = copy.deepcopy(dict(data))
    try:
        spec = PlanSpec.model_validate(rest)
        return spec, list(range(len(spec.study))), []
    except ValidationError as err:
        found = [error for error in err.errors() if not _beside(tuple(error["loc"]), rest)]
    broken = {_put_aside(rest, tuple(error["loc"]), error["type"]) for error in found}
    studies = rest.get("study", [])
    places = [place for place in range(len(studies)) if place not in broken]
    problems = [_problem(error, lines) for error in found]
    if not places:
        return None, [], problems
    rest["study"] = [studies[place] for place in places]
    return PlanSpec.model_validate(rest), places, problems


def _beside(where: Path, data: Mapping[str, Any]) -> bool:
    """Return whether an error only says that a list of a matrix is not of the other kinds."""
    if len(where) < 5 or where[0] != "study" or where[2] != "matrix":
        return False
    return isinstance(data["study"][where[1]]["matrix"][where[3]], list) and not (
        str(where[4]).startswith("list")
    )


def _put_aside(rest: dict[str, Any], where: Path, kind: str) -> int | None:
    """Take what is wrong out of a plan; return the place of a study that is broken by it."""
    if where[0] != "study":
        rest.pop(str(where[0]), None)
        return None
    if not isinstance(rest.get("study"), list):
        rest.pop("study", None)
        return None
    place = where[1] if len(where) > 1 and isinstance(where[1], int) else None
    if place is not None and kind == "extra_forbidden" and len(where) == 3:
        rest["study"][place].pop(str(where[2]), None)
        return None
    return place


def _problem(found: Any, lines: dict[Path, int]) -> Problem:
    """Return what pydantic found, as a mistake at its line."""
    where = tuple(found["loc"])
    place = ".".join(str(part) for part in where)
    line = nearest_line(lines, where)
    if len(where) > 3 and where[0] == "study" and where[2] == "matrix":
        value = where[5] if len(where) > 5 else None
        if isinstance(value, int):  # of a list
            line = nearest_line(lines, (*where[:4], value))
            came = found.get("input")
            return Problem(line, f"matrix.{where[3]}: {came!r} is no text; {AXIS}.")
        return Problem(line, f"matrix.{where[3]}: {AXIS}.")
    if found["type"] == "extra_forbidden":
        return Problem(line, f"{place}: unknown key; remove it or correct its spelling.")
    if found["type"] == "missing":
        return Problem(line, f"{place}: is required; add it.")
    words = str(found["msg"]).removeprefix("Value error, ")
    came = found.get("input")
    shown = "" if isinstance(came, dict | list) else f"; got {came!r}"
    return Problem(line, f"{place}: {words[0].lower()}{words[1:]}{shown}.")
