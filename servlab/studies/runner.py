"""Running a study: a notebook and parameters in, a report and its evidence out.

Each run has a folder of its own; the published report of a study is replaced only by a run
that is complete.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from servlab.core.errors import ParameterError, StudyError
from servlab.studies import records, run_exports
from servlab.studies import results as recording
from servlab.studies.failures import (
    Failure,
    as_fact,
    changed_inputs,
    changed_reads,
    failed_cells,
    outside_cells,
    reason_of,
)
from servlab.studies.kernel import stoppable
from servlab.studies.manifest import versions
from servlab.studies.preflight import StudyCall, prepare
from servlab.studies.publish import publish, remove_leftovers, write_together, write_whole
from servlab.studies.reads import FileRead, unnamed_of, written_down

if TYPE_CHECKING:
    from typing import Literal

    from servlab.presentation.export import Form
    from servlab.studies.engine import Execution, Outcome, Progress

    Status = Literal["complete", "failed"]

DEFAULT_TIMEOUT = 1800.0


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning that a cell gave.

    ``key`` and ``values`` name the text of the catalogue ``warnings`` that says the same to a
    reader; ``key`` is empty for the warnings of others.
    """

    cell: int
    category: str
    message: str
    key: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class StudyRun:
    """How a study went.

    Attributes
    ----------
    status : {"complete", "failed"}
    report : Path or None
        The published report of a complete run; of a failed one the report in the run folder,
        with a banner in the failed section, or None when not even that could be made.
    results : mapping of str to Recorded
        What the notebook recorded.
    folder : Path
        The run folder.
    failures : tuple of Failure
    notices : tuple of Notice
        Warnings of the cells.
    exports : tuple of Path
        The published files of its tables, as ``export`` asked for; none of a failed run.
    """

    status: "Status"
    report: Path | None
    results: Mapping[str, recording.Recorded]
    folder: Path
    failures: tuple[Failure, ...] = ()
    notices: tuple[Notice, ...] = ()
    exports: tuple[Path, ...] = ()


def run_study(
    notebook: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    out: str | Path = "reports",
    name: str | None = None,
    language: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    progress: "Progress | None" = None,
    export: Sequence["Form"] = (),
) -> StudyRun:
    """Run a study and publish its report.

    Parameters
    ----------
    notebook : str or Path
        The notebook, or the bare name of a study in ``notebooks/``.
    parameters : mapping, optional
        Values for the notebook's parameters, as Python values or as text.
    out : str or Path
        Folder of reports: ``out/name.language.html`` is published, ``out/runs/name.language/``
        keeps a folder a run.
    name : str, optional
        Name of the study; default the notebook's.
    language : {"en", "zh"}, optional
        Value of the notebook's ``language`` parameter.
    timeout : float
        Seconds for the whole study; then its kernel is killed with its children.
    progress : callable, optional
        Called with a ``CellProgress`` before and after each code cell.
    export : sequence of {"docx", "xlsx", "tex"}
        Write the tables that the report shows, numbered as there, to a Word, Excel or LaTeX
        file too: ``out/name.language.docx``. They are replaced together with the report; those
        of an earlier run that are not asked for again are removed, unless somebody edited them.

    Returns
    -------
    StudyRun
        A study that ran and failed is a ``StudyRun`` too, with status ``"failed"``.

    Raises
    ------
    ParameterError, DataError, CodebookError, InstrumentError
        Before a kernel starts, when the call, a file or the codebook is wrong.
    StudyError
        When the kernel cannot be started or the run folder cannot be written.

    Notes
    -----
    Two runs with the same notebook, parameters, files and versions give the same bytes.
    """
    call = prepare(
        notebook,
        parameters or {},
        out=out,
        name=name,
        language=language,
        timeout=timeout,
        export=export,
    )
    folder = _open_folder(call)
    log = _RunLog(call, folder)
    log.write("running")
    try:
        with stoppable():
            return _run(call, folder, log, progress or _silent)
    except BaseException as err:
        log.write("failed" if isinstance(err, Exception) else "interrupted", error=str(err))
        raise


def _silent(progress: object) -> None:
    """Show nothing."""


def _open_folder(call: StudyCall) -> Path:
    """Make the folder of this run: moment and key; a number where two start in one second."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    parent = records.runs_folder(call.out, call.name, call.language)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(parent, below=True)
        for attempt in range(1000):
            folder = parent / f"{stamp}-{call.key[:8]}{f'-{attempt}' if attempt else ''}"
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as err:
        raise ParameterError(f"reports cannot be written to {parent}: {err.strerror}.") from None
    raise StudyError(f"{parent} holds a thousand runs of this second; wait a moment.")


class _RunLog:
    """The run's manifest.json, written when it starts and when it ends."""

    def __init__(self, call: StudyCall, folder: Path) -> None:
        self._path = folder / "manifest.json"
        self._start = time.monotonic()
        self._facts: dict[str, Any] = {
            **_facts(call),
            "number": records.next_number(folder.parent),
            "key": call.key,
            "parts": dict(call.parts),
            "given": list(call.values.given),
            "notebook_path": str(call.notebook.path.resolve()),
            "input_paths": {part.name: str(part.path) for part in call.inputs},
            **records.own_process(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def write(self, status: str, **facts: Any) -> None:
        """Write what is known now."""
        seconds = round(time.monotonic() - self._start, 3)
        document = {"status": status, **self._facts, "seconds": seconds, **facts}
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        last = records.Attempt(
            folder=self._path.parent.name,
            status=status,
            failures=tuple(facts.get("failures", ())),
            **{name: document[name] for name in ("key", "number", "pid", "host", "started")},
        )
        beside = self._path.parent.parent / records.LAST
        write_together({self._path: text, beside: records.as_text(last)})


def _facts(call: StudyCall) -> dict[str, Any]:
    """Return what a report says of its making: no clock, no folder."""
    return {
        "study": call.name,
        "language": call.language,
        "parameters": call.shown_parameters(),
        "inputs": [
            {"name": part.name, "file": part.path.name, "sha256": part.sha256}
            for part in call.inputs
        ],
        "notebook": {"file": call.notebook.name, "sha256": call.notebook.sha256()},
        "versions": versions(),
    }


def _run(call: StudyCall, folder: Path, log: _RunLog, progress: "Progress") -> StudyRun:
    from servlab.studies import cleaning, secrets
    from servlab.studies.engine import execute
    from servlab.studies.inside import WARNING_MIME

    execution = execute(
        call.notebook,
        call.values,
        language=call.language,
        timeout=call.timeout,
        progress=progress,
    )
    hidden = cleaning.secret_texts(execution, call.values.values.values())
    cleaning.tidy_up(execution, hidden)
    reads = unnamed_of(call, execution.reads)
    kept = written_down(reads, call.notebook.path.resolve().parent)
    failures = [*failed_cells(execution, hidden), *changed_inputs(call), *changed_reads(reads)]
    recorded, trouble = _collected(cleaning.payloads(execution, recording.MIME))
    failures += trouble
    notices = _notices(cleaning.payloads(execution, WARNING_MIME))
    _write_evidence(call, folder, execution, recorded)
    page = cleaning.for_report(execution.node)
    exported, trouble = ({}, []) if failures else _exported(call, execution)
    failures += trouble
    report, trouble = _report(call, page, failures, notices, reads)
    failures += trouble
    if report is not None:
        write_whole(folder / "report.html", report)
    for form, content in exported.items():
        write_whole(folder / f"tables.{form}", content)
    status: Status = "failed" if failures else "complete"
    log.write(
        status,
        failures=[as_fact(failure) for failure in failures],
        notices=[{"cell": n.cell, "category": n.category, "message": n.message} for n in notices],
        secrets=sorted(
            {payload["name"] for _, payload in cleaning.payloads(execution, secrets.MIME)}
        ),
        cells=[_timing(outcome) for outcome in execution.outcomes],
        exports=run_exports.as_facts(exported),
        reads=kept,
    )
    path = None if report is None else folder / "report.html"
    places: dict[Form, Path] = {}
    if status == "complete" and report is not None:
        places = {form: run_exports.place(call, form) for form in exported}
        files = {places[form]: content for form, content in exported.items()}
        path = _publish(call, folder, report, files, kept)
        run_exports.withdraw(call, folder.parent)
    return StudyRun(
        status,
        path,
        MappingProxyType(recorded),
        folder,
        tuple(failures),
        tuple(notices),
        tuple(places.values()),
    )


def _publish(
    call: StudyCall,
    folder: Path,
    report: str,
    files: Mapping[Path, bytes],
    reads: Mapping[str, str],
) -> Path:
    """Put report, exports and the record of what they were made of in their places."""
    name = f"{call.name}.{call.language}.html"
    hashes = {path.name: records.hash_of(content) for path, content in files.items()}
    record = records.Published(
        key=call.key,
        parts=call.parts,
        files={name: records.hash_of(report)} | hashes,
        folder=folder.name,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        reads=reads,
    )
    beside = {**files, folder.parent / records.PUBLISHED: records.as_text(record).encode()}
    return publish(report, call.out, call.name, call.language, beside=beside)


def _collected(
    payloads: list[tuple[int, dict[str, Any]]],
) -> tuple[dict[str, recording.Recorded], list[Failure]]:
    try:
        return recording.collect(payloads), []
    except StudyError as err:
        return {}, [outside_cells("results", str(err))]


def _notices(payloads: list[tuple[int, dict[str, Any]]]) -> list[Notice]:
    """Return the cells' warnings, each once."""
    found: dict[tuple[str, str], Notice] = {}
    for cell, payload in payloads:
        same = (payload["category"], payload["message"])
        told = {"key": payload.get("key", ""), "values": payload.get("values", {})}
        found.setdefault(same, Notice(cell, *same, **told))
    return list(found.values())


def _write_evidence(
    call: StudyCall,
    folder: Path,
    execution: "Execution",
    recorded: Mapping[str, recording.Recorded],
) -> None:
    import nbformat

    notebook = str(nbformat.writes(execution.node))  # type: ignore[no-untyped-call]
    write_whole(folder / "executed.ipynb", notebook + "\n")
    text = recording.as_json(call.name, call.language, recorded)
    write_whole(folder / "results.json", text)
    recording.write_parquet(folder / "results.parquet", call.name, call.language, recorded)


def _report(
    call: StudyCall,
    page: Any,
    failures: list[Failure],
    notices: list[Notice],
    reads: tuple[FileRead, ...],
) -> tuple[str | None, list[Failure]]:
    """Return the report's HTML, or None and why it could not be made."""
    from servlab.studies.report import build_report

    facts = _facts(call)
    also = [{"name": "", "file": read.path.name, "sha256": read.sha256[-1]} for read in reads]
    manifest = {
        **facts,
        "inputs": [*facts["inputs"], *also],
        "status": "failed" if failures else "complete",
        "failures": [as_fact(failure) for failure in failures],
        "notices": [
            {
                "category": n.category,
                "message": n.message,
                "cell": n.cell,
                "key": n.key,
                "values": dict(n.values),
            }
            for n in notices
        ],
    }
    title = page.metadata.get("title")
    try:
        return build_report(page, language=call.language, title=title, manifest=manifest), []
    except Exception as err:  # whatever went wrong, the evidence stays and the call ends well
        return None, [
            outside_cells("report", f"the report could not be put together: {reason_of(err)}")
        ]


def _timing(outcome: "Outcome") -> dict[str, Any]:
    cell = outcome.cell
    return {
        "cell": cell.number,
        "section": cell.section,
        "status": outcome.status,
        "seconds": round(outcome.seconds, 3),
    }


def _exported(call: StudyCall, execution: "Execution") -> tuple[dict["Form", bytes], list[Failure]]:
    """Return the files of the tables that the cells showed, or why they could not be made."""
    try:
        return run_exports.make(call, execution), []
    except Exception as err:  # whatever went wrong, the evidence stays and the call ends well
        return {}, [outside_cells("export", f"the tables could not be exported: {reason_of(err)}")]
