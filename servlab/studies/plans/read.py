"""Reading a plan's file: every mistake in it, each with its line, before anything runs."""

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from servlab.core.errors import ParameterError, PlanError, ServlabError
from servlab.data.schema import read_toml
from servlab.studies.notebook import Notebook, find_notebook
from servlab.studies.parameters import ParameterSchema, ParameterValues, find_values
from servlab.studies.plans import matrix
from servlab.studies.plans.check import check_studies
from servlab.studies.plans.lines import nearest_line, toml_lines
from servlab.studies.plans.making import Makings, values_path
from servlab.studies.plans.plan import Plan, PlannedStudy, Problem, plan_error
from servlab.studies.plans.schema import PlanSpec, StudySpec
from servlab.studies.plans.shape import shaped
from servlab.studies.preflight import check_name, check_timeout, language_of

SHOWN_ONLY = {"title", "wave"}  # parameters of our notebooks that name a report and choose nothing


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
        type, files that are not there, axes that change nothing, two studies of one name.
    """
    path = Path(path)
    data = read_toml(path, PlanError, "plan")
    text = path.read_text(encoding="utf-8-sig")
    lines = toml_lines(text.replace("\r\n", "\n"))
    spec, places, problems = shaped(data, lines)
    if spec is None:
        raise plan_error(path, problems)
    found = makings or Makings()
    day = today or date.today()
    return _Reader(path, spec, places, lines, found, since, day, problems).plan()


@dataclass(slots=True)
class _Reader:
    """What is known while a plan's studies are made, and what was found wrong."""

    path: Path
    spec: PlanSpec
    places: list[int]
    lines: dict[Any, int]
    makings: Makings
    since: str | None
    today: date
    problems: list[Problem]

    @property
    def folder(self) -> Path:
        """Return the folder in which the plan's paths start."""
        return self.path.resolve().parent

    @property
    def out(self) -> Path:
        """Return the folder of reports."""
        return Path(os.path.abspath(self.folder / os.path.expanduser(self.spec.out)))

    def plan(self) -> Plan:
        """Return the plan, or raise for all that is wrong."""
        name = self.spec.name or self.path.stem
        if self.makings.memory is None:
            self.makings.memory = values_path(self.out, name)
        studies = [
            s
            for place, spec in zip(self.places, self.spec.study, strict=True)
            for s in self.studies(place, spec)
        ]
        self.twice(studies)
        self.tried(("timeout",), check_timeout, self.spec.timeout)
        if self.problems:  # all there is to say at once: what the data lack as well
            raise plan_error(self.path, [*self.problems, *check_studies(studies, self.makings)])
        return Plan(
            name=name,
            path=self.path,
            out=self.out,
            studies=tuple(studies),
            workers=self.spec.workers,
            retention=self.spec.retention,
            on_failure=tuple(self.spec.on_failure),
        )

    def wrong(self, where: Sequence[str | int], text: str) -> None:
        """Note a mistake at the place of the file it is about."""
        self.problems.append(Problem(nearest_line(self.lines, where), text))

    def tried(self, where: Sequence[str | int], what: Any, *given: Any) -> Any:
        """Return what a function returns; None, and a mistake noted, where it refuses."""
        try:
            return what(*given)
        except ServlabError as err:
            self.wrong(where, str(err))
            return None

    def studies(self, place: int, spec: StudySpec) -> list[PlannedStudy]:
        """Return the studies of one ``[[study]]`` over its matrix."""
        at = ("study", place)
        found = self.tried(
            (*at, "notebook"),
            lambda: self.makings.notebook(find_notebook(spec.notebook, here=self.folder)),
        )
        if spec.timeout is not None:
            self.tried((*at, "timeout"), check_timeout, spec.timeout)
        if found is None:
            return []
        entry = _Entry(self, place, spec, *found)
        return entry.studies() if entry.sound() else []

    def twice(self, studies: Sequence[PlannedStudy]) -> None:
        """Note studies that would publish the same file, also where names ignore case."""
        seen: dict[str, PlannedStudy] = {}
        for study in studies:
            if study.name.casefold() == "index":
                text = "index is the page over all reports; give the study another name."
                self.problems.append(Problem(study.line, text))
            key = unicodedata.normalize("NFC", study.id).casefold()
            other = seen.setdefault(key, study)
            if other is not study:
                text = (
                    f"two studies would publish {study.id}.html (the other: line {other.line}); "
                    "name every axis in the study's name, or give them different names."
                )
                self.problems.append(Problem(study.line, text))


@dataclass(slots=True)
class _Entry:
    """One ``[[study]]`` while its studies are made."""

    reader: _Reader
    place: int
    spec: StudySpec
    notebook: Notebook
    schema: ParameterSchema

    @property
    def at(self) -> tuple[str | int, ...]:
        """Return the entry's place in the file."""
        return ("study", self.place)

    @property
    def given(self) -> dict[str, Any]:
        """Return the parameters as the file has them: the shared ones, then its own."""
        return {**self.reader.spec.parameters, **self.spec.parameters}

    def place_of(self, parameter: str) -> tuple[str | int, ...]:
        """Return where the file gives a parameter."""
        own = parameter in self.spec.parameters
        return (*self.at, "parameters", parameter) if own else ("parameters", parameter)

    def sound(self) -> bool:
        """Return whether names and axes fit; note what does not."""
        before = len(self.reader.problems)
        used: dict[str, set[str]] = {}
        for name, value in self.given.items():
            used[name] = self.named(self.place_of(name), value)
            if name == "language":
                self.reader.wrong(self.place_of(name), "write languages = [...] for the language.")
            elif name not in self.schema:
                self.reader.wrong(
                    self.place_of(name),
                    f"{self.notebook.name} has no parameter {name!r}; it has "
                    f"{', '.join(self.schema.names) or 'none'}.",
                )
        if self.spec.name is not None:
            self.named((*self.at, "name"), self.spec.name)
        for axis in self.spec.matrix:
            self.check_axis(axis, {name for name, axes in used.items() if axis in axes})
        return len(self.reader.problems) == before

    def named(self, where: Sequence[str | int], value: Any) -> set[str]:
        """Return the axes that a value names; note those the matrix has not."""
        axes = self.reader.tried(where, matrix.placeholders, value) or set()
        known = ", ".join(self.spec.matrix) or "none"
        for axis in sorted(axes - set(self.spec.matrix)):
            self.reader.wrong(
                where, f"{{{axis}}} is no axis of the study's matrix; it has {known}."
            )
        return set(axes)

    def check_axis(self, axis: str, users: set[str]) -> None:
        """Note an axis that changes nothing but the name: all its reports would be the same."""
        where = (*self.at, "matrix", axis)
        values = self.spec.matrix[axis]
        if not axis.isidentifier():
            self.reader.wrong(where, f"axis {axis!r} must be a plain name, as branch.")
        if isinstance(values, list) and not values:
            self.reader.wrong(where, f"axis {axis} has no values.")
        if isinstance(values, list) and len(set(values)) < len(values):
            twice = sorted({value for value in values if values.count(value) > 1})
            self.reader.wrong(where, f"axis {axis} names {', '.join(twice)} twice.")
        way = f'where = ["{axis}={{{axis}}}"]' if "where" in self.schema else "{" + axis + "}"
        if not users:
            self.reader.wrong(
                where, f"axis {axis} reaches no parameter, so its studies would all be the same; "
                f"use it, as in {way}.",
            )  # fmt: skip
        elif users <= SHOWN_ONLY and {"where", "data"} <= set(self.schema.names):
            self.reader.wrong(
                where, f"axis {axis} only changes what the reports are called "
                f"({', '.join(sorted(users))}), not whom they are about; use it, as in {way}.",
            )  # fmt: skip

    def studies(self) -> list[PlannedStudy]:
        """Return the entry's studies."""
        reader = self.reader
        combine = partial(matrix.combinations, since=reader.since, today=reader.today)
        try:
            combined = list(combine(self.spec, self.values_from_data))
        except _Noted:
            return []
        except ServlabError as err:
            reader.wrong((*self.at, "matrix"), str(err))
            return []
        languages = self.spec.languages or reader.spec.languages
        if languages and "language" not in self.schema:
            reader.wrong(
                (*self.at, "languages"),
                f"{self.notebook.name} has no parameter 'language'; leave languages out.",
            )
            return []
        made = [self.study(axes, spoken) for axes in combined for spoken in languages or (None,)]
        return [study for study in made if study is not None]

    def values_from_data(self, covariate: str, axes: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values of a covariate in the data that the parameters name so far."""
        wanted = ("data", "codebook", "example")
        given = {name: self.given[name] for name in wanted if name in self.given}
        late = set().union(*(matrix.placeholders(value) for value in given.values())) - set(axes)
        if late:
            raise ParameterError(
                f"data or codebook name the axis {', '.join(sorted(late))}, which must stand in "
                "the matrix before the axis whose values come from them."
            )
        values = self.checked(matrix.filled_all(given, axes))
        return self.reader.makings.covariate_values(values, covariate)

    def checked(self, given: Mapping[str, Any]) -> ParameterValues:
        """Return values of parameters; mistakes are noted at the lines that give them."""
        folder = self.notebook.path.resolve().parent
        values, mistakes = find_values(self.schema, given, folder=folder, base=self.reader.folder)
        for name, text in mistakes:
            where = self.place_of(name) if name in self.given else (*self.at, "notebook")
            self.reader.wrong(where, text)
        if mistakes:
            raise _Noted
        return values

    def study(self, axes: Mapping[str, str], spoken: str | None) -> PlannedStudy | None:
        """Return one study; None where something is wrong, which is noted."""
        given = matrix.filled_all(self.given, axes)
        if spoken is not None:
            given["language"] = spoken
        template = self.spec.name or matrix.default_name(self.spec, self.notebook.path.stem)
        try:
            values = self.checked(given)
        except _Noted:
            return None
        name = self.reader.tried((*self.at, "name"), check_name, matrix.file_name(template, axes))
        language = self.reader.tried((*self.at, "notebook"), language_of, values)
        if name is None or language is None:
            return None
        export = self.reader.spec.export if self.spec.export is None else self.spec.export
        return PlannedStudy(
            name=name,
            language=language,
            notebook=self.notebook.path.resolve(),
            parameters=dict(values.injected),
            out=self.reader.out,
            timeout=float(self.spec.timeout or self.reader.spec.timeout),
            export=tuple(export),
            axes=dict(axes),
            line=nearest_line(self.reader.lines, self.at),
            lines=self.lines_of(axes),
        )

    def lines_of(self, axes: Mapping[str, str]) -> dict[str, int]:
        """Return the lines of the parameters, and of one combination's values."""
        known = self.reader.lines
        found = {name: nearest_line(known, self.place_of(name)) for name in self.given}
        for axis, value in axes.items():
            given = self.spec.matrix[axis]
            listed = isinstance(given, list) and value in given
            element = (given.index(value),) if isinstance(given, list) and listed else ()
            found[axis] = nearest_line(known, (*self.at, "matrix", axis, *element))
        return found


class _Noted(ServlabError):
    """Something is wrong and was noted already."""
