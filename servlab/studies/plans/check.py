"""Can every study of a plan run? Files are read and respondents counted before anything starts."""

from collections.abc import Iterable

from servlab.core.errors import ServlabError
from servlab.studies.parameters import ParameterValues
from servlab.studies.plans.making import Makings
from servlab.studies.plans.plan import PlannedStudy, Problem


def check_studies(studies: Iterable[PlannedStudy], makings: Makings) -> list[Problem]:
    """Return what stands in the way of studies, each mistake once, at its study's line.

    The files of each study are hashed, its survey is read, and the respondents it keeps are
    looked for: a branch that the data do not hold is found here.
    """
    found: dict[tuple[int, str], None] = {}
    for study in studies:
        try:
            makings.parts(study)
            _check_survey(makings.values(study), makings)
        except ServlabError as err:
            found.setdefault((_line(study, str(err)), str(err)))
    return [Problem(line, text) for line, text in found]


def _line(study: PlannedStudy, text: str) -> int:
    """Return the line of what a message names: a value of the matrix, a parameter, the study."""
    for axis, value in study.axes.items():
        if repr(value) in text:
            return study.lines.get(axis, study.line)
    if text.startswith(("where ", "no respondent")):
        return study.lines.get("where", study.line)
    return study.line


def _check_survey(values: ParameterValues, makings: Makings) -> None:
    """Read the survey a study names, and look for the respondents it keeps."""
    from servlab.studies.preflight import check_pair

    if not {"data", "codebook"} <= values.values.keys():
        return
    check_pair(values)
    survey = makings.survey(values)
    where = values.values.get("where")
    if survey is not None and isinstance(where, list) and where:
        from servlab.data.keep import keep_respondents

        keep_respondents(survey, where)
