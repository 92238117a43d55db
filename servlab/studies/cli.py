"""The command line: ``servlab run``, ``plan``, ``params``, ``codebook``, ``check``, examples.

Exit codes: 0 done; 1 the study failed; 2 the call, a file or a codebook is wrong and nothing
was started; 3 a plan is being run by another process; 129, 130 and 143 stopped by SIGHUP, Ctrl-C
and SIGTERM. The result (a path, a table) goes to standard output, everything said about it to
standard error.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from servlab.core.errors import ParameterError, PlanLockedError, ServlabError, StudyError
from servlab.studies.plans.cli import plan_app
from servlab.studies.speaking import answer, say

if TYPE_CHECKING:
    from rich.progress import TaskID

    from servlab.presentation.export import Form
    from servlab.studies.engine import CellProgress, Progress
    from servlab.studies.examples import ExampleStudy, Said
    from servlab.studies.runner import StudyRun

DONE, FAILED, WRONG_CALL, LOCKED = 0, 1, 2, 3
_SCREEN = 20  # lines that fit on one screen beside what the shell shows
_STEPS = ("started", "done", "failed")

KINDS = "CSV, Excel, SPSS, Stata, SAS, Parquet, Feather; exports of survey platforms."

app = typer.Typer(
    name="servlab",
    help="From a survey file to a checked, bilingual quality study in one HTML file.",
    epilog="Exit codes: 0 done, 1 the study failed, 2 wrong call (nothing was started).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(plan_app)

NotebookArgument = Annotated[
    str, typer.Argument(metavar="NOTEBOOK", help="An .ipynb file, or a name in notebooks/.")
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder of reports.")]
TimeoutOption = Annotated[
    float, typer.Option(help="Seconds for the whole study; then it is stopped.")
]


def main() -> None:
    """Run the command line; end with one clear message instead of a traceback."""
    skip_grammar()
    try:
        app()
    except ServlabError as err:
        _end(str(err), exit_code_of(err))
    except Exception as err:
        if os.environ.get("SERVLAB_DEBUG"):
            raise
        name = type(err).__name__
        _end(f"an error inside servlab: {name}: {err} (SERVLAB_DEBUG=1 shows where).", FAILED)


def exit_code_of(err: Exception) -> int:
    """Return the exit code of a command that an error ended."""
    if isinstance(err, PlanLockedError):
        return LOCKED
    wrong = isinstance(err, ServlabError) and not isinstance(err, StudyError)
    return WRONG_CALL if wrong else FAILED


def skip_grammar() -> None:
    """Spare every start two seconds.

    nbformat reaches, through jsonschema, an optional package that builds a grammar of web
    addresses when it is imported; notebooks have nothing to check with it.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def _end(message: str, code: int) -> NoReturn:
    lines = message.splitlines()
    shown = lines[:_SCREEN] + (["..."] if len(lines) > _SCREEN else [])
    say("\n".join(["servlab: " + shown[0], *shown[1:]]) if shown else "servlab:")
    raise SystemExit(code)


def _show_version(asked: bool) -> None:
    if asked:
        import servlab

        answer(f"servlab {servlab.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """From a survey file to a checked, bilingual quality study in one HTML file."""


@app.command(
    epilog="Example: servlab run quality_study -p data=kiosk.csv -p codebook=kiosk.toml "
    "--language zh --name kiosk"
)
def run(
    notebook: NotebookArgument,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            help="A parameter of the notebook (servlab params lists them); repeat for more. "
            "Text stays as written: 007 is 007. Lists: a,b,c. Dates: 2026-01-31. "
            "Secrets: env:NAME.",
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="Language of the report: en or zh.")
    ] = None,
    out: OutOption = Path("reports"),
    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Name of the study; default the notebook's name."),
    ] = None,
    timeout: TimeoutOption = 1800.0,
    export: Annotated[
        str,
        typer.Option(
            "--export",
            "-e",
            metavar="FORMS",
            help="Write the report's tables to files too: docx, xlsx, tex, or several as "
            "docx,xlsx. They become OUT/NAME.LANGUAGE.docx and so on.",
        ),
    ] = "",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but errors and what was made.")
    ] = False,
) -> None:
    """Run a study and publish its report as OUT/NAME.LANGUAGE.html.

    With --export the tables of the report are published beside it, numbered as there.
    Everything of the run (report, executed notebook, results as JSON and Parquet, manifest) is
    kept in OUT/runs/NAME.LANGUAGE/. The published files are replaced only by a complete run.
    """
    given = assignments(parameter or [])
    with stopped_by_signal(), _progress(quiet=quiet) as progress:
        from servlab.studies.runner import run_study

        outcome = run_study(
            notebook,
            given,
            out=out,
            name=name,
            language=language,
            timeout=timeout,
            progress=progress,
            export=_forms(export),
        )
    _tell(outcome, quiet=quiet)
    if outcome.status != "complete":
        raise typer.Exit(FAILED)


def _forms(text: str) -> list["Form"]:
    """Return comma-separated forms as a list; the runner checks them."""
    return cast("list[Form]", [part.strip().lower() for part in text.split(",") if part.strip()])


def assignments(texts: list[str]) -> dict[str, str]:
    """Return ``name=value`` texts as a mapping; values stay text.

    Examples
    --------
    >>> assignments(["wave=007", "note=a=b"])
    {'wave': '007', 'note': 'a=b'}
    """
    given: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            raise ParameterError(
                f"-p takes NAME=VALUE with a parameter's name before the first =; got {text!r}."
            )
        if name in given:
            raise ParameterError(f"-p {name}=... is given twice; give it once (lists: a,b,c).")
        given[name] = value
    return given


@contextmanager
def stopped_by_signal() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into their exit codes, after everything was cleaned up."""
    from servlab.studies.kernel import Terminated

    try:
        yield
    except Terminated as err:
        say(f"servlab: stopped by {err.signal.name}; the published report is as it was.")
        raise typer.Exit(128 + err.signal) from None
    except KeyboardInterrupt:
        say("servlab: stopped; the published report is as it was.")
        raise typer.Exit(130) from None


@contextmanager
def _progress(*, quiet: bool) -> Iterator["Progress | None"]:
    """Show cells as they run: a bar on a terminal, else a line a cell."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        columns = (BarColumn(), MofNCompleteColumn(), Elapsed(), TextColumn("{task.description}"))
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("starting the kernel", total=None)

            def advance(cell: "CellProgress") -> None:
                done = cell.number - (cell.status == "running")
                text = cell.section.replace("[", r"\[")
                bar.update(task, total=cell.total, completed=done, description=text)

            yield advance
    else:
        yield _line


def _line(cell: "CellProgress") -> None:
    """Say one line about a cell that starts, or that does not end well."""
    width = len(str(cell.total))
    place = f"[{cell.number:>{width}}/{cell.total}] {cell.section}".rstrip()
    if cell.status == "running":
        say(place)
    elif cell.status != "done":
        say(f"{place}: {cell.status.replace('_', ' ')}")


def _tell(outcome: "StudyRun", *, quiet: bool) -> None:
    """Say how a study went: its files on standard output, a line each, the rest beside it."""
    for notice in () if quiet else outcome.notices[:_SCREEN]:
        say(f"note: {notice.category}: {notice.message}")
    if outcome.status == "complete":
        answer("\n".join(str(path) for path in (outcome.report, *outcome.exports)))
        return
    lines = "\n\n".join(failure.detail for failure in outcome.failures).splitlines()
    shown = lines[:_SCREEN] + (["..."] if len(lines) > _SCREEN else [])
    say("\n".join(["servlab: the study failed.", *shown]))
    if outcome.report is not None:
        say(f"What could be made: {outcome.report}")
    say(f"Everything of this run: {outcome.folder}; the published report is as it was.")


@app.command(epilog="Example: servlab params quality_study")
def params(notebook: NotebookArgument) -> None:
    """List the parameters of a notebook: name, type, default, help."""
    from servlab.studies.answers import parameter_list
    from servlab.studies.parameters import list_parameters

    answer(parameter_list(list_parameters(notebook)))


@app.command("study-examples", epilog="Example: servlab study-examples --out reports")
def study_examples(
    out: OutOption = Path("reports"),
    timeout: TimeoutOption = 1800.0,
) -> None:
    """Run the example studies (ABC real, SERVQUAL simulated) in English and Chinese."""
    from servlab.studies.examples import run_examples

    with stopped_by_signal(), _examples_progress() as said:
        runs = run_examples(out, timeout=timeout, said=said)
    for run in runs:
        if run.report is None:
            say(f"\n{run.study} failed:\n{run.words}")
    made = [(str(run.study), str(run.report)) for run in runs if run.report is not None]
    width = max((len(study) for study, _ in made), default=0)
    if made:
        answer("\n".join(["Reports", *(f"  {study:<{width}}  {path}" for study, path in made)]))
    if len(made) < len(runs):
        raise typer.Exit(FAILED)


@contextmanager
def _examples_progress() -> Iterator["Said"]:
    """Show the example studies as they run: a line each that moves on a terminal, else words."""
    if not sys.stderr.isatty():
        yield lambda study, line: say(f"{study}: {line}") if line in _STEPS else None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text=" "),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, TaskID] = {}

        def show(study: "ExampleStudy", line: str) -> None:
            if str(study) not in tasks:
                tasks[str(study)] = bar.add_task(str(study), total=1)
            ended = line in ("done", "failed")
            text = escape(f"{study}  {line}")
            bar.update(tasks[str(study)], description=text, completed=int(ended))

        yield show


@app.command(epilog="Example: servlab codebook kiosk.csv -o kiosk.toml")
def codebook(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=KINDS)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write it; else it is printed.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", help="Text encoding, when the file's is asked for.")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Worksheet, when a workbook has several.")
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option(
            "--platform",
            help="Survey platform, when the file's shape does not show it: qualtrics, "
            "surveymonkey, limesurvey, google_forms, wenjuanxing (问卷星), or none.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Draft a codebook for a data file, with every guess marked.

    Exports of survey platforms are recognized by their shape, files of a row an answer too.
    Answers in words that servlab does not know are listed for you to number.
    """
    from servlab.data.draft import draft_codebook
    from servlab.studies.publish import write_whole

    if out is not None and out.exists() and not force:
        raise ParameterError(f"{out} exists; name another file, or add --force to replace it.")
    text = draft_codebook(file, encoding=encoding, sheet=sheet, platform=platform)
    if out is None:
        answer(text.rstrip("\n"))
        return
    try:
        write_whole(out, text)
    except StudyError as err:  # no study here: the caller named a place that cannot be written
        raise ParameterError(str(err)) from None
    answer(str(out))
    say(
        f"Look through {out}, correct what is marked '# guess:', then: "
        f"servlab check {shlex.quote(str(file))} --codebook {shlex.quote(str(out))}"
    )


@app.command(epilog="Example: servlab check kiosk.csv --codebook kiosk.toml")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=KINDS)],
    book: Annotated[Path, typer.Option("--codebook", "-c", help="The file's codebook.")],
) -> None:
    """Say what would be read of a file, what lost, and why. Exit code 1 when it cannot be read."""
    from servlab.data.check import check_survey
    from servlab.studies.answers import check_text

    report = check_survey(file, book)
    answer(check_text(report))
    if report.problems:
        raise typer.Exit(FAILED)
