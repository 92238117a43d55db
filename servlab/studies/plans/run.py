"""Running a plan: what is not current is run, several at once, and each is accounted for."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from servlab.studies.kernel import Terminated, ignore_signals, stoppable
from servlab.studies.plans.check import Checked, Troubles, check_studies
from servlab.studies.plans.clean import tidy_runs
from servlab.studies.plans.executor import Executor, MakeExecutor, StudyOutcome, failed
from servlab.studies.plans.index import publish_index
from servlab.studies.plans.lock import locked
from servlab.studies.plans.making import Makings
from servlab.studies.plans.plan import Plan, PlannedStudy, Problem, chosen, plan_error
from servlab.studies.plans.processes import ProcessExecutor
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.refused import leave_word
from servlab.studies.plans.status import StudyState, plan_status, study_state
from servlab.studies.publish import remove_leftovers, write_whole

Event = Literal["plan", "started", "ended"]
Said = Callable[[Event, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class PlanRun:
    """What became of a plan.

    Attributes
    ----------
    plan : Plan
        With the studies that were asked for.
    before : tuple of StudyState
        How each of them stood at the start.
    outcomes : tuple of StudyOutcome
        Of the studies that were run, in the plan's order.
    not_run : tuple of str
        Ids of the studies that should have run and did not: a failure stopped the plan
        (``fail_fast``), or a signal did.
    stopped_by : int or None
        The signal that stopped it.
    dry : bool
        Whether nothing was to be run.
    trouble : str
        Why the page over the reports could not be written; empty when it was.
    """

    plan: Plan
    before: tuple[StudyState, ...]
    outcomes: tuple[StudyOutcome, ...] = ()
    not_run: tuple[str, ...] = ()
    stopped_by: int | None = None
    dry: bool = False
    trouble: str = ""

    @property
    def failed(self) -> tuple[StudyOutcome, ...]:
        """Return the outcomes of the studies that failed."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    @property
    def exit_code(self) -> int:
        """Return 0 when every study is current now (or nothing was to be run), 1 when one failed.

        1 too when the page over the reports could not be written;
        128 and the signal's number when one stopped the plan.
        """
        if self.stopped_by is not None:
            return 128 + self.stopped_by
        return 1 if self.failed or self.not_run or self.trouble else 0


def run_plan(
    plan: str | Path,
    *,
    only: Sequence[str] = (),
    since: str | None = None,
    force: bool = False,
    dry_run: bool = False,
    fail_fast: bool = False,
    workers: int | None = None,
    wait: float = 0.0,
    today: date | None = None,
    said: Said | None = None,
    executor: MakeExecutor | None = None,
) -> PlanRun:
    """Run the studies of a plan that are not current.

    Parameters
    ----------
    plan : str or Path
        The plan's TOML file.
    only : sequence of str
        Patterns such as ``"north-*"``: only studies whose name or id matches one.
    since : str, optional
        Only periods from this one on, such as ``"2026-03"``.
    force : bool
        Run studies that are current too.
    dry_run : bool
        Say what would run, and run nothing.
    fail_fast : bool
        Start no further study once one failed.
    workers : int, optional
        Studies at once; default the plan's.
    wait : float
        Seconds to wait for another runner of the same plan.
    today : date, optional
        Generated periods end with the newest that ended before it; default the clock's day.
    said : callable, optional
        Called with an event (``"plan"``, ``"started"``, ``"ended"``) and what is known of it.
    executor : callable, optional
        Makes what runs the studies, given how many at once and the folder of reports; default
        processes of this machine.

    Returns
    -------
    PlanRun

    Raises
    ------
    PlanError
        When the plan is wrong in any place; nothing was started.
    PlanLockedError
        When somebody else runs it.

    Notes
    -----
    A study is current when its published report is, byte for byte, the one that was made of
    today's notebook code, parameters, files, servlab code and package versions. Everything else
    is run. A study that fails leaves its published report as it was. One whose data are not there
    or cannot be read, while those of others of its ``[[study]]`` can, fails without being started.
    """
    path = Path(plan)
    makings = Makings()
    found = read_plan(path, since=since, today=today, makings=makings)
    asked = chosen(found, only, since)
    tell = said or _silent
    if dry_run:
        states = plan_status(asked, makings=makings)
        due = _due(states, force=force)
        checked = _checked(found, states, due, makings)
        if checked.problems:
            raise plan_error(asked.path, checked.problems)
        tell("plan", _facts(asked, states, due, checked))
        return PlanRun(asked, states, dry=True)
    with locked(asked, wait=wait), stoppable():
        if wait:  # what was read before the waiting may be of another hour
            makings = Makings()
            found = read_plan(path, since=since, today=today, makings=makings)
            asked = chosen(found, only, since)
        states = plan_status(asked, makings=makings)
        due = _due(states, force=force)
        checked = _checked(found, states, due, makings)
        if problems := checked.problems:
            publish_index(found, _standing(found, states, (), makings), problems=problems)
            raise plan_error(asked.path, problems)
        remember(makings)
        remove_leftovers(asked.out)
        tell("plan", _facts(asked, states, due, checked))
        if due:
            able = len(due) - len(checked.troubles)
            width, many = max(1, min(workers or asked.workers, able)), able > 1
            runner = executor(width, asked.out) if executor else ProcessExecutor(width, many)
            running = _Running(asked, states, runner, tell, fail_fast, makings, checked.troubles)
            run = running.run(due)
        else:
            run = PlanRun(asked, states)
        return replace(run, trouble=publish_index(found, _standing(found, states, due, makings)))


def _standing(
    plan: Plan, before: Sequence[StudyState], ran: Sequence[PlannedStudy], makings: Makings
) -> tuple[StudyState, ...]:
    """Return how the studies of a whole plan stand now that some of them were run."""
    touched = {study.id for study in ran}
    known = {state.study.id: state for state in before if state.study.id not in touched}
    return tuple(known.get(s.id) or study_state(s, makings) for s in plan.studies)


def _silent(event: Event, facts: Mapping[str, Any]) -> None:
    """Say nothing."""


def _due(states: Sequence[StudyState], *, force: bool) -> list[PlannedStudy]:
    """Return the studies to run."""
    return [s.study for s in states if force or s.state != "current"]


def _checked(
    whole: Plan, states: Sequence[StudyState], due: Sequence[PlannedStudy], makings: Makings
) -> Checked:
    """Return what stands in the way of the studies to run."""
    current = {state.study.id for state in states if state.state == "current"}
    return check_studies(due, makings, among=whole.studies, sound=current)


def _facts(
    plan: Plan, states: Sequence[StudyState], due: Sequence[PlannedStudy], checked: Checked
) -> dict[str, Any]:
    """Return what is told of a plan before its studies run."""
    return {"plan": plan, "states": states, "due": due, "troubles": checked.troubles}


@dataclass(slots=True)
class _Running:
    """A plan while its studies run."""

    plan: Plan
    before: tuple[StudyState, ...]
    executor: Executor
    tell: Said
    fail_fast: bool
    makings: Makings
    troubles: Troubles
    outcomes: dict[str, StudyOutcome] = field(default_factory=dict)

    def run(self, due: Sequence[PlannedStudy]) -> PlanRun:
        """Run studies and return what became of them; stop them all when a signal comes."""
        try:
            self._collect(due)
        except KeyboardInterrupt as err:
            ignore_signals()  # a second one must not stop the end
            self.executor.stop()
            number = int(err.signal) if isinstance(err, Terminated) else 2
            return self._result(due, number)
        except BaseException:
            self.executor.stop()
            raise
        self.executor.close()
        return self._result(due, None)

    def _collect(self, due: Sequence[PlannedStudy]) -> None:
        """Keep the executor busy, and take in outcomes as they come."""
        done: SimpleQueue[tuple[PlannedStudy, Any]] = SimpleQueue()
        waiting, running = list(due), 0
        while waiting or running:
            while waiting and running < self.executor.workers:
                self._start(waiting.pop(0), done)
                running += 1
            outcome = self._ended(*_next(done))
            running -= 1
            if outcome.status == "failed" and self.fail_fast:
                waiting = []

    def _start(self, study: PlannedStudy, done: "SimpleQueue[tuple[PlannedStudy, Any]]") -> None:
        if study.id in self.troubles:
            done.put((study, _refused(study, self.troubles[study.id])))
            return
        self.tell("started", {"study": study})
        future = self.executor.submit(study)
        future.add_done_callback(lambda ended: done.put((study, ended)))

    def _ended(self, study: PlannedStudy, future: Any) -> StudyOutcome:
        """Account for a study that ended."""
        outcome = _outcome(study, future)
        self.outcomes[study.id] = outcome
        if outcome.status == "complete":
            tidy_runs(study, self.plan.retention)
        elif outcome.status == "failed" and outcome.folder is None:
            leave_word(study, outcome, self.makings)
        self.tell("ended", {"study": study, "outcome": outcome})
        return outcome

    def _result(self, due: Sequence[PlannedStudy], number: int | None) -> PlanRun:
        outcomes = tuple(self.outcomes[s.id] for s in due if s.id in self.outcomes)
        not_run = tuple(s.id for s in due if s.id not in self.outcomes)
        return PlanRun(self.plan, self.before, outcomes, not_run, number)


def _refused(study: PlannedStudy, problems: Sequence[Problem]) -> "Future[StudyOutcome]":
    """Return the end of a study that cannot be run."""
    future: Future[StudyOutcome] = Future()
    text = " ".join(problem.text for problem in problems)
    future.set_result(failed(study, "before the cells", text))
    return future


def _next(done: "SimpleQueue[tuple[PlannedStudy, Any]]") -> tuple[PlannedStudy, Any]:
    """Return the next study that ended, so that a signal is heard while waiting."""
    from queue import Empty

    while True:
        try:
            return done.get(timeout=1.0)
        except Empty:
            time.sleep(0)


def _outcome(study: PlannedStudy, future: Any) -> StudyOutcome:
    """Return a study's outcome; an executor that broke down is the study's failure."""
    try:
        outcome: StudyOutcome = future.result()
    except Exception as err:
        return failed(study, "executor", f"{type(err).__name__}: {err}")
    return outcome


def remember(makings: Makings) -> None:
    """Keep what was learned of the data for the next command, where there is a place for it."""
    text = makings.kept()
    if makings.memory is not None and text is not None and makings.memory.parent.is_dir():
        write_whole(makings.memory, text)
