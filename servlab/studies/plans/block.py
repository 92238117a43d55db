"""One ``[[study]]`` of a plan: do its names, axes and parameters fit, and which studies is it?

Files that all its studies lack are a mistake of the plan. A file that only some of them lack, a
month that did not come or came broken, is the trouble of those studies: they fail by name, and
the others run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from servlab.core.errors import ParameterError, ServlabError
from servlab.studies.notebook import Notebook
from servlab.studies.parameters import (
    ParameterSchema,
    ParameterValues,
    find_values,
    missing_paths,
)
from servlab.studies.plans import matrix
from servlab.studies.plans.entries import read_entries
from servlab.studies.plans.lines import nearest_line
from servlab.studies.plans.plan import PlannedStudy, Problem
from servlab.studies.plans.reading import NotedError, Reading
from servlab.studies.plans.schema import FromData, Periods, StudySpec
from servlab.studies.preflight import check_name, language_of

MOST = 10_000  # combinations of one matrix; more is a slip, such as respondents' own numbers
SHOWN_ONLY = {"title", "wave"}  # parameters of our notebooks that name a report and choose nothing

Troubles = dict[str, Problem]  # what a study lacks -> what to say of it


@dataclass(slots=True)
class Block:
    """One ``[[study]]`` while its studies are made.

    Attributes
    ----------
    reading : Reading
    place : int
        Which ``[[study]]`` of the file it is, from 0.
    spec : StudySpec
    notebook : Notebook
    schema : ParameterSchema
        Of the notebook.
    unread : list of (axes, troubles)
        The values on earlier axes under which an axis could not be taken from the data, and why.
    """

    reading: Reading
    place: int
    spec: StudySpec
    notebook: Notebook
    schema: ParameterSchema
    unread: list[tuple[Mapping[str, str], Troubles]] = field(default_factory=list)

    @property
    def at(self) -> tuple[str | int, ...]:
        """Return the block's place in the file."""
        return ("study", self.place)

    @property
    def given(self) -> dict[str, Any]:
        """Return the parameters as the file has them: the shared ones, then its own."""
        return {**self.reading.spec.parameters, **self.spec.parameters}

    @property
    def template(self) -> str:
        """Return the template of its studies' names."""
        return self.spec.name or matrix.default_name(self.spec, self.notebook.path.stem)

    def place_of(self, parameter: str) -> tuple[str | int, ...]:
        """Return where the file gives a parameter; its ``[[study]]`` where it does not."""
        if parameter not in self.given:
            return (*self.at, "notebook")
        own = parameter in self.spec.parameters
        return (*self.at, "parameters", parameter) if own else ("parameters", parameter)

    def sound(self) -> bool:
        """Return whether names and axes fit; note what does not."""
        before = len(self.reading.problems)
        used: dict[str, set[str]] = {}
        for name, value in self.given.items():
            used[name] = self.named(self.place_of(name), value)
            if name == "language":
                self.reading.wrong(self.place_of(name), "write languages = [...] for the language.")
            elif name not in self.schema:
                self.reading.wrong(
                    self.place_of(name),
                    f"{self.notebook.name} has no parameter {name!r}; it has "
                    f"{', '.join(self.schema.names) or 'none'}.",
                )
        if self.spec.name is not None:
            self.named((*self.at, "name"), self.spec.name)
        for axis in self.spec.matrix:
            self.check_axis(axis, {name for name, axes in used.items() if axis in axes})
        return len(self.reading.problems) == before

    def named(self, where: Sequence[str | int], value: Any) -> set[str]:
        """Return the axes that a value names; note those the matrix has not."""
        axes = self.reading.tried(where, matrix.placeholders, value) or set()
        known = ", ".join(self.spec.matrix) or "none"
        for axis in sorted(axes - set(self.spec.matrix)):
            self.reading.wrong(
                where, f"{{{axis}}} is no axis of the study's matrix; it has {known}."
            )
        return set(axes)

    def check_axis(self, axis: str, users: set[str]) -> None:
        """Note an axis that changes nothing but the name: all its reports would be the same."""
        where = (*self.at, "matrix", axis)
        values = self.spec.matrix[axis]
        if not axis.isidentifier():
            self.reading.wrong(where, f"axis {axis!r} must be a plain name, as branch.")
        if isinstance(values, list) and not values:
            self.reading.wrong(where, f"axis {axis} has no values.")
        if isinstance(values, list) and len(set(values)) < len(values):
            twice = sorted({value for value in values if values.count(value) > 1})
            self.reading.wrong(where, f"axis {axis} names {', '.join(twice)} twice.")
        way = f'where = ["{axis}={{{axis}}}"]' if "where" in self.schema else "{" + axis + "}"
        if not users:
            self.reading.wrong(
                where, f"axis {axis} reaches no parameter, so its studies would all be the same; "
                f"use it, as in {way}.",
            )  # fmt: skip
        elif users <= SHOWN_ONLY and {"where", "data"} <= set(self.schema.names):
            self.reading.wrong(
                where, f"axis {axis} only changes what the reports are called "
                f"({', '.join(sorted(users))}), not whom they are about; use it, as in {way}.",
            )  # fmt: skip

    def studies(self) -> list[PlannedStudy]:
        """Return the block's studies, each with the troubles of its own."""
        try:
            endless = matrix.combinations(list(self.spec.matrix), self.values_of)
            combined = list(islice(endless, MOST + 1))
        except NotedError:
            return []
        if len(combined) > MOST:
            self.reading.wrong(
                (*self.at, "matrix"),
                f"the matrix gives more than {MOST:,} combinations; split the plan, or name fewer.",
            )
            return []
        languages = self.spec.languages or self.reading.spec.languages
        if languages and "language" not in self.schema:
            own = self.spec.languages is not None
            self.reading.wrong(
                (*self.at, "languages") if own else ("languages",),
                f"{self.notebook.name} has no parameter 'language'; leave languages out.",
            )
            return []
        made = [self.study(axes, spoken) for axes in combined for spoken in languages or (None,)]
        return self.settled([pair for pair in made if pair is not None])

    def settled(self, made: Sequence[tuple[PlannedStudy, Troubles]]) -> list[PlannedStudy]:
        """Return studies with their own troubles; what they all lack is a mistake of the plan."""
        shared = set(made[0][1]) if made else set()
        shared = shared.intersection(*(troubles for _, troubles in made))
        self.reading.problems += {found[name] for _, found in made for name in shared}
        if shared:
            return []
        return [replace(study, troubles=tuple(found.values())) for study, found in made]

    def values_of(self, axis: str, axes: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values of an axis, given those of the axes before it."""
        given = self.spec.matrix[axis]
        where = (*self.at, "matrix", axis)
        if isinstance(given, list):
            return tuple(given)
        if isinstance(given, Periods):
            found = self.reading.tried(where, self.generated, given)
            if found is None:
                raise NotedError
            return tuple(found)
        covariate = given.data if isinstance(given, FromData) else axis
        try:
            return self.values_from_data(covariate, axes)
        except NotedError:
            raise
        except _LackedError as err:
            self.unread.append((axes, err.troubles))
        except ServlabError as err:
            self.unread.append((axes, {f"axis {axis}": self.reading.problem(where, str(err))}))
        return self.last_known(axis, axes)

    def generated(self, given: Periods) -> tuple[str, ...]:
        """Return generated periods as of today."""
        return matrix.generated(given, since=self.reading.since, today=self.reading.today)

    def values_from_data(self, covariate: str, axes: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values of a covariate among the respondents that the axes so far keep."""
        wanted = ("data", "codebook", "example")
        given = {name: self.given[name] for name in wanted if name in self.given}
        late = set().union(*(matrix.placeholders(value) for value in given.values())) - set(axes)
        if late:
            raise ParameterError(
                f"data or codebook name the axis {', '.join(sorted(late))}, which must stand in "
                "the matrix before the axis whose values come from them."
            )
        values = self.checked(matrix.filled_all(given, axes))
        if troubles := self.lacking(values):
            raise _LackedError(troubles)
        return self.reading.makings.covariate_values(values, covariate, self.kept_so_far(axes))

    def kept_so_far(self, axes: Mapping[str, str]) -> tuple[str, ...]:
        """Return the texts of ``where`` whose axes are known."""
        where = self.given.get("where")
        texts = where if isinstance(where, list) else []
        known = [text for text in texts if matrix.placeholders(text) <= set(axes)]
        return tuple(str(matrix.filled(text, axes)) for text in known)

    def last_known(self, axis: str, axes: Mapping[str, str]) -> tuple[str, ...]:
        """Return the values that an axis had when the plan last ran, for data that went away.

        Without any, the axis' own name in brackets stands for them: the study that is called so
        fails, and says why.
        """
        kept = read_entries(self.reading.out, self.reading.name)
        mine = [
            entry.axes[axis]
            for entry in kept
            if {*axes, axis} <= set(entry.axes) == set(self.spec.matrix)
            and all(entry.axes[name] == value for name, value in axes.items())
            and entry.name == matrix.file_name(self.template, entry.axes)
        ]
        return tuple(dict.fromkeys(mine)) or (f"({axis})",)

    def checked(self, given: Mapping[str, Any]) -> ParameterValues:
        """Return values of parameters; mistakes are noted at the lines that give them."""
        folder = self.notebook.path.resolve().parent
        base = self.reading.folder
        values, mistakes = find_values(self.schema, given, folder=folder, base=base)
        for name, text in mistakes:
            self.reading.wrong(self.place_of(name), text)
        if mistakes:
            raise NotedError
        return values

    def lacking(self, values: ParameterValues) -> Troubles:
        """Return what to say of each file that parameters name and that is not there."""
        return {
            name: self.reading.problem(self.place_of(name.partition("[")[0]), text)
            for name, text in missing_paths(values)
        }

    def study(
        self, axes: Mapping[str, str], spoken: str | None
    ) -> tuple[PlannedStudy, Troubles] | None:
        """Return one study and what it lacks; None where something is wrong, which is noted."""
        reading = self.reading
        given = matrix.filled_all(self.given, axes)
        if spoken is not None:
            given["language"] = spoken
        values = reading.tried(self.at, self.checked, given)
        called = matrix.file_name(self.template, axes)
        name = reading.tried((*self.at, "name"), check_name, called)
        if values is None or name is None:
            return None
        language = reading.tried((*self.at, "notebook"), language_of, values)
        if language is None:
            return None
        export = reading.spec.export if self.spec.export is None else self.spec.export
        made = PlannedStudy(
            name=name,
            language=language,
            notebook=self.notebook.path.resolve(),
            parameters=dict(values.injected),
            out=reading.out,
            timeout=float(self.spec.timeout or reading.spec.timeout),
            export=tuple(export),
            axes=dict(axes),
            line=nearest_line(reading.lines, self.at),
            lines=self.lines_of(axes),
            block=self.place,
            written=tuple(a for a, given in self.spec.matrix.items() if isinstance(given, list)),
        )
        return made, {**self.unread_under(axes), **self.lacking(values)}

    def unread_under(self, axes: Mapping[str, str]) -> Troubles:
        """Return why an axis could not be taken from the data of one combination."""
        found: Troubles = {}
        for known, troubles in self.unread:
            if known.items() <= axes.items():
                found |= troubles
        return found

    def lines_of(self, axes: Mapping[str, str]) -> dict[str, int]:
        """Return the lines of the parameters, and of one combination's values."""
        known = self.reading.lines
        found = {name: nearest_line(known, self.place_of(name)) for name in self.given}
        for axis, value in axes.items():
            given = self.spec.matrix[axis]
            listed = isinstance(given, list) and value in given
            element = (given.index(value),) if isinstance(given, list) and listed else ()
            found[axis] = nearest_line(known, (*self.at, "matrix", axis, *element))
        return found


class _LackedError(ServlabError):
    """Files are not there: each with what to say of it."""

    def __init__(self, troubles: Troubles) -> None:
        super().__init__("; ".join(str(problem) for problem in troubles.values()))
        self.troubles = troubles
