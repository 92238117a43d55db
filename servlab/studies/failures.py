"""What went wrong in a study, in words: in its cells, with its files, with its report."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from servlab.core.errors import ParameterError, ServlabError
from servlab.studies.manifest import hash_inputs, hash_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from servlab.studies.engine import Execution, Outcome
    from servlab.studies.preflight import StudyCall
    from servlab.studies.reads import FileRead


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in one place of a study.

    Attributes
    ----------
    cell : int
        Number of the code cell, as JupyterLab counts when it runs all; 0 outside the cells.
    section : str
        Where that is, in words.
    error : str
        The error in one line.
    detail : str
        One screen: the place, the line of code, the error, what was left out because of it.
    """

    cell: int
    section: str
    error: str
    detail: str


def as_fact(failure: Failure) -> dict[str, Any]:
    """Return a failure as manifests and reports list it."""
    return {"cell": failure.cell, "section": failure.section, "error": failure.error}


def reason_of(err: Exception) -> str:
    """Return an error's own words; of a foreign one with its kind."""
    return str(err) if isinstance(err, ServlabError) else f"{type(err).__name__}: {err}"


def outside_cells(section: str, error: str) -> Failure:
    """Return a failure that arose in no cell."""
    return Failure(0, section, error, error)


def changed_inputs(call: "StudyCall") -> list[Failure]:
    """Return a failure for each file that is no longer the one the run began with."""
    failures = []
    try:
        now = {
            part.name: part.sha256 for part in hash_inputs({p.name: p.path for p in call.inputs})
        }
    except ParameterError as err:
        return [outside_cells("data", f"a file of the study went away while it ran: {err}")]
    for part in call.inputs:
        if now[part.name] != part.sha256:
            failures.append(
                outside_cells(
                    "data",
                    f"{part.path.name} (parameter {part.name}) was changed while the study ran, "
                    "so its numbers may be of both versions; run the study again.",
                )
            )
    return failures


def changed_reads(reads: "Iterable[FileRead]") -> list[Failure]:
    """Return a failure for each file that no parameter names and that changed under the study."""
    found = []
    for read in reads:
        try:
            now = hash_path(read.path)
        except ParameterError:
            now = ""
        if any(digest != now for digest in read.sha256):
            text = (
                f"{read.path.name}, which the notebook reads, was changed while the study ran, so "
                "its numbers may be of both versions; run the study again."
            )
            found.append(outside_cells("data", text))
    return found


def failed_cells(execution: "Execution", hidden: tuple[str, ...]) -> list[Failure]:
    """Return the failures of the cells, with secrets blacked out."""
    from servlab.studies.cleaning import black_out

    found = []
    for outcome in execution.outcomes:
        if outcome.status == "failed":
            error = black_out(outcome.error, hidden)
            detail = black_out(_detail(outcome, execution), hidden)
            found.append(Failure(outcome.cell.number, outcome.cell.section, error, detail))
    return found


def _detail(outcome: "Outcome", execution: "Execution") -> str:
    """Return one screen about a failed cell."""
    cell = outcome.cell
    place = f"Cell {cell.number}" if cell.number else "The parameters"
    if cell.section:
        place += f", section {cell.section!r}"
    lines = [place + (f", line {outcome.line}:" if outcome.line else ":")]
    source = cell.source.splitlines()
    if outcome.line and outcome.line <= len(source):
        lines.append(f"    {source[outcome.line - 1].strip()[:160]}")
    lines.append(outcome.error[:1200])
    later = execution.outcomes[execution.outcomes.index(outcome) + 1 :]
    skipped = [o.cell.number for o in later if o.because == cell.number and o.cell.number]
    waiting = [o.cell.number for o in later if o.status == "not_run" and o.cell.number]
    if skipped:
        lines.append(f"Left out, because they need what this cell makes: cells {_list(skipped)}.")
    if waiting:
        lines.append(f"Not run, because the study stopped: cells {_list(waiting)}.")
    return "\n".join(lines)


def _list(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers)
