"""Can every study of a plan run? Files are read and respondents counted before anything starts.

What stands in the way of all studies of a ``[[study]]`` is a mistake of the plan. What stands in
the way of some, while others of the same ``[[study]]`` can run, is the trouble of those: a month
whose file came broken, a branch that has nobody in it this time. They fail by name, the others
run. A value that the plan lists itself, that nobody has and that never gave a report is taken for
a slip of the pen, so a mistake of the plan.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from servlab.core.errors import ServlabError
from servlab.studies import records
from servlab.studies.parameters import ParameterValues
from servlab.studies.plans.making import Makings
from servlab.studies.plans.plan import PlannedStudy, Problem

Troubles = Mapping[str, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of studies.

    Attributes
    ----------
    problems : tuple of Problem
        Mistakes of the plan: with any, nothing is started.
    troubles : mapping of str to tuple of Problem
        Id of a study that cannot be run today, though others of its ``[[study]]`` can -> why.
    """

    problems: tuple[Problem, ...] = ()
    troubles: Troubles = field(default_factory=dict)


def check_studies(
    studies: Sequence[PlannedStudy],
    makings: Makings,
    *,
    among: Sequence[PlannedStudy] = (),
    sound: Collection[str] = (),
) -> Checked:
    """Return what stands in the way of studies, each at its line.

    Parameters
    ----------
    studies : sequence of PlannedStudy
        Their files are hashed, their surveys read, and the respondents they keep looked for.
    makings : Makings
        What was read already.
    among : sequence of PlannedStudy
        All studies of the plan, where only some are checked.
    sound : collection of str
        Ids of studies that are known to run on what there is today, such as current ones.
    """
    checking = _Checking(makings, among or studies, dict.fromkeys(sound))
    found = {study.id: (study, checking.look(study)) for study in studies}
    problems: dict[Problem, None] = {}
    troubles: dict[str, tuple[Problem, ...]] = {}
    for study, trouble in found.values():
        if trouble is None:
            continue
        if checking.is_own(study, trouble):
            troubles[study.id] = trouble.problems
        else:
            problems |= dict.fromkeys(trouble.problems)
    return Checked(tuple(problems), troubles)


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why a study cannot run: its files cannot be read, or whom it asks for is not in them."""

    of: Literal["files", "respondents"]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Checking:
    """Studies while they are checked, each looked at once."""

    makings: Makings
    among: Sequence[PlannedStudy]
    looked: dict[str, _Trouble | None]
    settled: dict[tuple[int, str, str], bool] = field(default_factory=dict)

    def look(self, study: PlannedStudy) -> _Trouble | None:
        """Return what stands in the way of a study."""
        if study.id not in self.looked:
            self.looked[study.id] = _trouble(study, self.makings)
        return self.looked[study.id]

    def is_own(self, study: PlannedStudy, trouble: _Trouble) -> bool:
        """Return whether a trouble is the study's own, so that others of its block can run."""
        if study.troubles:
            return True
        if trouble.of == "respondents" and self.is_slip(study, trouble):
            return False
        known = (study.block, "", trouble.of)
        if known not in self.settled:
            others = [other for other in self.among if other.block == study.block]
            self.settled[known] = any(
                found is None or (found.of, trouble.of) == ("respondents", "files")
                for found in self.looks(others)
            )
        return self.settled[known]

    def is_slip(self, study: PlannedStudy, trouble: _Trouble) -> bool:
        """Return whether a value that the plan lists was never one that anybody had."""
        axis = _axis_named(study, trouble.problems[0].text)
        if axis not in study.written:
            return False
        known = (study.block, axis, value := study.axes[axis])
        if known not in self.settled:
            alike = [s for s in self.among if s.block == study.block and s.axes[axis] == value]
            self.settled[known] = not any(
                records.read_published(other.runs) is not None for other in alike
            ) and all(found is not None for found in self.looks(alike))
        return self.settled[known]

    def looks(self, studies: Sequence[PlannedStudy]) -> "Iterable[_Trouble | None]":
        """Give what stands in the way of each, those looked at already first."""
        known = [study for study in studies if study.id in self.looked]
        rest = [study for study in studies if study.id not in self.looked]
        return (self.look(study) for study in [*known, *rest])


def _trouble(study: PlannedStudy, makings: Makings) -> _Trouble | None:
    if study.troubles:
        return _Trouble("files", study.troubles)
    try:
        makings.parts(study)
        values = makings.values(study)
        _read_survey(values, makings)
    except ServlabError as err:
        return _Trouble("files", (Problem(_line(study, str(err)), str(err)),))
    try:
        _find_respondents(values, makings)
    except ServlabError as err:
        return _Trouble("respondents", (Problem(_line(study, str(err)), str(err)),))
    return None


def _axis_named(study: PlannedStudy, text: str) -> str:
    """Return the axis whose value a message quotes; empty without one."""
    return next((axis for axis, value in study.axes.items() if repr(value) in text), "")


def _line(study: PlannedStudy, text: str) -> int:
    """Return the line of what a message names: a value of the matrix, a parameter, the study."""
    if axis := _axis_named(study, text):
        return study.lines.get(axis, study.line)
    if text.startswith(("where ", "no respondent")):
        return study.lines.get("where", study.line)
    return study.line


def _read_survey(values: ParameterValues, makings: Makings) -> None:
    """Read the survey a study names."""
    from servlab.studies.preflight import check_pair

    if {"data", "codebook"} <= values.values.keys():
        check_pair(values)
        makings.survey(values)


def _find_respondents(values: ParameterValues, makings: Makings) -> None:
    """Look for the respondents that a study keeps."""
    where = values.values.get("where")
    if not {"data", "codebook"} <= values.values.keys() or not isinstance(where, list):
        return
    survey = makings.survey(values)
    if survey is not None and where:
        from servlab.data.keep import keep_respondents

        keep_respondents(survey, where)
