"""The commands on plans: ``servlab plan check``, ``run``, ``status``, ``explain``, ``clean``.

Exit codes: 0 every study is current (of ``status``: whatever it says); 1 a study failed, or was
not run because another failed (of ``check``: some studies cannot be run today); 2 the plan or
the call is wrong and nothing was started; 3 another process runs the plan; 129, 130 and 143
stopped by SIGHUP, Ctrl-C and SIGTERM.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from servlab.core.errors import PlanLockedError
from servlab.studies.speaking import answer, say

if TYPE_CHECKING:
    from servlab.studies.plans.executor import MakeExecutor
    from servlab.studies.plans.making import Makings
    from servlab.studies.plans.plan import Plan
    from servlab.studies.plans.run import Said
    from servlab.studies.plans.schedules import Kind, Often

CODES = "Exit codes: 0 all current, 1 a study failed, 2 the plan is wrong, 3 run by another."

plan_app = typer.Typer(
    name="plan",
    help="Many studies from one file, each run only when something changed.",
    no_args_is_help=True,
)

PlanArgument = Annotated[Path, typer.Argument(metavar="PLAN", help="The plan's TOML file.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="GLOB", help="Only studies whose name matches; repeat for more."
    ),
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="PERIOD", help="Only periods from this one on.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


def _read(path: Path, only: list[str] | None, since: str | None) -> "tuple[Plan, Makings]":
    """Return the part of a plan that is asked for, and what was read for it."""
    from servlab.studies.plans.making import Makings
    from servlab.studies.plans.plan import chosen
    from servlab.studies.plans.read import read_plan

    makings = Makings()
    return chosen(read_plan(path, since=since, makings=makings), only or (), since), makings


@plan_app.command(epilog="Example: servlab plan check branches.toml")
def check(plan: PlanArgument, only: OnlyOption = None, since: SinceOption = None) -> None:
    """Check a plan whole: its file, notebooks, parameters, data, and whom each study keeps."""
    from servlab.studies.plans import words
    from servlab.studies.plans.check import check_studies
    from servlab.studies.plans.notify import unheard
    from servlab.studies.plans.plan import plan_error

    asked, makings = _read(plan, only, since)
    checked = check_studies(asked.studies, makings)
    for line in words.trouble_lines(checked.troubles):
        say(line)
    if checked.problems:
        raise plan_error(asked.path, checked.problems)
    for study in asked.studies:
        if study.id not in checked.troubles:
            answer(study.id)
    say(words.check_text(asked, checked.troubles))
    _complain(unheard(asked))
    raise typer.Exit(1 if checked.troubles else 0)


@plan_app.command(epilog="Example: servlab plan status branches.toml")
def status(
    plan: PlanArgument,
    only: OnlyOption = None,
    since: SinceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say for each study: current, stale, failed, missing or running, and how old its report is."""
    from servlab.studies.plans import words
    from servlab.studies.plans.status import plan_status

    asked, makings = _read(plan, only, since)
    states = plan_status(asked, makings=makings)
    if as_json:
        answer(json.dumps([words.state_fact(s) for s in states], ensure_ascii=False, indent=1))
    else:
        answer(words.status_text(states))


@plan_app.command(epilog="Example: servlab plan explain branches.toml --only 'north-*'")
def explain(plan: PlanArgument, only: OnlyOption = None, since: SinceOption = None) -> None:
    """Say why each study is not current: this parameter, that file, that cell, that package."""
    from servlab.studies.plans import words
    from servlab.studies.plans.status import plan_status

    asked, makings = _read(plan, only, since)
    answer(words.explain_text(plan_status(asked, makings=makings)))


@plan_app.command(epilog="Example: servlab plan clean branches.toml --dry-run")
def clean(
    plan: PlanArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, and remove nothing.")
    ] = False,
) -> None:
    """Remove runs beyond the plan's retention; those behind published reports stay."""
    from servlab.studies.plans.clean import clean_plan
    from servlab.studies.plans.lock import locked

    asked, _ = _read(plan, None, None)
    if dry_run:
        found = clean_plan(asked, dry_run=True)
    else:
        with locked(asked):
            found = clean_plan(asked)
    for folder in found:
        answer(str(folder))
    say(f"{len(found)} runs {'would be' if dry_run else 'were'} removed.")


@plan_app.command(epilog="Example: servlab plan schedule cron branches.toml")
def schedule(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="cron, systemd.service, systemd.timer, jupyter, github or gitlab.",
        ),
    ],
    plan: PlanArgument,
    only: OnlyOption = None,
    every: Annotated[
        str, typer.Option("--every", metavar="OFTEN", help="How often: day, week or month.")
    ] = "day",
    at: Annotated[
        str, typer.Option("--at", metavar="HH:MM", help="Time of day, by the scheduler's clock.")
    ] = "06:15",
) -> None:
    """Print the file with which another program runs a plan at its time; nothing is installed."""
    from servlab.studies.plans.schedules import schedule_text

    asked, _ = _read(plan, only, None)
    text = schedule_text(cast("Kind", kind), asked, every=cast("Often", every), at=at)
    answer(text.rstrip("\n"))


@plan_app.command(epilog=f"Example: servlab plan run branches.toml. {CODES}")
def run(
    plan: PlanArgument,
    only: OnlyOption = None,
    since: SinceOption = None,
    force: Annotated[bool, typer.Option("--force", help="Run current studies too.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, and run nothing.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Start no further study once one failed.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Studies at once; default the plan's.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Run on a dask cluster, such as tcp://host:8786 (needs servlab's extra cluster).",
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for another runner to end.")
    ] = 0.0,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="One JSON object an event, on standard output.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what failed.")] = False,
) -> None:
    """Run the studies of a plan that are not current.

    What runs is decided by bytes: notebook code, parameters, data, codebook, servlab's code,
    package versions. A study that fails leaves its published report as it was.
    """
    from servlab.studies.cli import exit_code_of, stopped_by_signal
    from servlab.studies.plans import words
    from servlab.studies.plans.notify import command_of, failure_text, notify
    from servlab.studies.plans.run import run_plan

    try:
        with stopped_by_signal(), _shown(log_json=log_json, quiet=quiet) as said:
            ended = run_plan(
                plan,
                only=only or (),
                since=since,
                force=force,
                dry_run=dry_run,
                fail_fast=fail_fast,
                workers=workers,
                wait=wait,
                said=said,
                executor=_executor(scheduler),
            )
    except (typer.Exit, PlanLockedError):
        raise
    except Exception as err:  # nobody watches: a plan that cannot run is a failure of the night
        if not dry_run:
            _complain(notify(command_of(plan), plan, f"{err}\n", code=exit_code_of(err)))
        raise
    if ended.dry:
        raise typer.Exit(0)
    if ended.exit_code == 1:
        text = failure_text(ended.failed, ended.not_run)
        names = [outcome.study for outcome in ended.failed]
        _complain(notify(ended.plan.on_failure, ended.plan.path, text, code=1, failed=names))
    if ended.stopped_by is not None:
        say("servlab: stopped; published reports are as they were, and another run goes on here.")
    _complain(ended.trouble)
    if not quiet or ended.exit_code:
        say(words.run_text(ended))
    raise typer.Exit(ended.exit_code)


def _complain(text: str) -> None:
    if text:
        say(f"servlab: {text}")


def _executor(scheduler: str | None) -> "MakeExecutor | None":
    """Return what makes the executor that a call asks for; None for this machine's."""
    if scheduler is None:
        return None
    from importlib import import_module

    cluster = import_module("servlab.studies.plans.cluster")
    made: MakeExecutor = cluster.cluster_executor(scheduler)
    return made


@contextmanager
def _shown(*, log_json: bool, quiet: bool) -> "Iterator[Said]":
    """Show studies as they run: events as JSON, a bar on a terminal, else a line a study."""
    if log_json:
        yield _log
    elif sys.stderr.isatty() and not quiet:
        with _bar() as said:
            yield said
    else:
        yield _Lines(quiet)


def _log(event: str, facts: Mapping[str, Any]) -> None:
    from servlab.studies.plans.words import event_fact

    answer(json.dumps(event_fact(event, facts), ensure_ascii=False))


class _Lines:
    """Says one line about each study that ended."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._total = 0
        self._ended = 0

    def __call__(self, event: str, facts: Mapping[str, Any]) -> None:
        from servlab.studies.plans import words

        if event == "plan":
            self._total = len(facts["due"])
            if not self._quiet:
                say(f"plan {facts['plan'].name}: {words.summary(facts['states'])}")
                for study in facts["due"]:
                    if study.id not in facts["troubles"]:
                        say(f"  to run: {study.id}")
                for line in words.trouble_lines(facts["troubles"]):
                    say(line)
        elif event == "ended":
            self._ended += 1
            outcome = facts["outcome"]
            if not self._quiet or outcome.status != "complete":
                say(words.outcome_line(outcome, self._ended, self._total))
            if outcome.status == "complete":
                answer(str(outcome.report))


@contextmanager
def _bar() -> "Iterator[Said]":
    """Show a bar over the studies, the failed ones above it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = (BarColumn(), MofNCompleteColumn(), Elapsed(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading the plan", total=None)
        lines = _Lines(quiet=True)

        def said(event: str, facts: Mapping[str, Any]) -> None:
            if event == "plan":
                bar.update(task, total=len(facts["due"]))
            elif event == "started":
                bar.update(task, description=escape(facts["study"].id))
            elif event == "ended":
                bar.advance(task)
            lines(event, facts)

        yield said
