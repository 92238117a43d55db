"""What is known while a plan's file is read: where things stand in it, and what is wrong so far."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from servlab.core.errors import ServlabError
from servlab.studies.plans.lines import nearest_line
from servlab.studies.plans.making import Makings
from servlab.studies.plans.plan import Problem
from servlab.studies.plans.schema import PlanSpec


class NotedError(ServlabError):
    """Something is wrong and was noted already."""


@dataclass(slots=True)
class Reading:
    """A plan's file while its studies are made.

    Attributes
    ----------
    path : Path
        The plan's file.
    spec : PlanSpec
        What stands in it.
    lines : dict
        The line of every value.
    makings : Makings
        What was read of notebooks and data.
    since : str or None
        The first period of generated ones that have no first of their own.
    today : date
    problems : list of Problem
        The mistakes found so far.
    """

    path: Path
    spec: PlanSpec
    lines: dict[Any, int]
    makings: Makings
    since: str | None
    today: date
    problems: list[Problem]

    @property
    def name(self) -> str:
        """Return what names the plan's lock."""
        return self.spec.name or self.path.stem

    @property
    def folder(self) -> Path:
        """Return the folder in which the plan's paths start."""
        return self.path.resolve().parent

    @property
    def out(self) -> Path:
        """Return the folder of reports."""
        return Path(os.path.abspath(self.folder / os.path.expanduser(self.spec.out)))

    def problem(self, where: Sequence[str | int], text: str) -> Problem:
        """Return a mistake at the place of the file it is about."""
        return Problem(nearest_line(self.lines, where), text)

    def wrong(self, where: Sequence[str | int], text: str) -> None:
        """Note a mistake at the place of the file it is about."""
        self.problems.append(self.problem(where, text))

    def tried(self, where: Sequence[str | int], what: Any, *given: Any) -> Any:
        """Return what a function returns; None, and a mistake noted, where it refuses."""
        try:
            return what(*given)
        except NotedError:
            return None
        except ServlabError as err:
            self.wrong(where, str(err))
            return None
