"""A word about a study that failed before it had a run folder, so that ``status`` knows of it."""

from contextlib import suppress
from datetime import UTC, datetime

from servlab.core.errors import ServlabError
from servlab.studies import records
from servlab.studies.failures import as_fact
from servlab.studies.manifest import run_key
from servlab.studies.plans.executor import StudyOutcome
from servlab.studies.plans.making import Makings
from servlab.studies.plans.plan import PlannedStudy
from servlab.studies.publish import write_whole


def leave_word(study: PlannedStudy, outcome: StudyOutcome, makings: Makings) -> None:
    """Keep as a study's last attempt that it failed, and why.

    It counts as long as the files are those of today; where they cannot even be read there is
    nothing to compare, and ``status`` finds the reason by itself. The folder of a run whose
    process died is kept, since it may hold what was made.
    """
    try:
        key = run_key(makings.parts(study))
    except ServlabError:
        key = ""
    before = records.read_last(study.runs)
    died = before is not None and before.status == "running"
    last = records.Attempt(
        folder=before.folder if before is not None and died else "",
        status="failed",
        key=key,
        number=records.next_number(study.runs),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        failures=tuple(as_fact(failure) for failure in outcome.failures),
        **records.own_process(),
    )
    with suppress(OSError, ServlabError):  # a full disk changes no exit code
        study.runs.mkdir(parents=True, exist_ok=True)
        write_whole(study.runs / records.LAST, records.as_text(last))
