"""What the plan commands say: states, ages, outcomes and events as text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from servlab.studies.plans.check import Troubles
from servlab.studies.plans.executor import StudyOutcome
from servlab.studies.plans.plan import Plan, Problem
from servlab.studies.plans.run import PlanRun
from servlab.studies.plans.status import StudyState, counts

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"))


def age(moment: datetime | None, *, now: datetime | None = None) -> str:
    """Return how long ago a report was published; only the moment when the clock was set back.

    Examples
    --------
    >>> day = datetime(2026, 3, 1, tzinfo=UTC)
    >>> age(day, now=datetime(2026, 3, 3, 1, tzinfo=UTC)), age(day, now=day)
    ('2026-03-01 00:00 UTC, 2 days ago', '2026-03-01 00:00 UTC, just now')
    """
    if moment is None:
        return "never"
    shown = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 0:
        return f"{shown}, which this clock has not reached"
    for size, name in _UNITS:
        number = int(seconds // size)
        if number:
            return f"{shown}, {number} {name}{'s' if number > 1 else ''} ago"
    return f"{shown}, just now"


def status_text(states: Sequence[StudyState]) -> str:
    """Return a line a study: state, id, age of the last good report, the first reason."""
    width = max((len(state.study.id) for state in states), default=0)
    lines = []
    for state in states:
        why = f"  {state.reasons[0]}" if state.reasons else ""
        more = f" (and {len(state.reasons) - 1} more)" if len(state.reasons) > 1 else ""
        good = age(state.last_good)
        lines.append(f"{state.state:<8} {state.study.id:<{width}}  {good}{why}{more}")
    return "\n".join([*lines, summary(states)])


def explain_text(states: Sequence[StudyState]) -> str:
    """Return a paragraph a study: every reason why it is not current."""
    parts = [] if states else [summary(states)]
    for state in states:
        lines = [f"{state.study.id}: {state.state}"]
        lines += [f"  - {reason}" for reason in state.reasons]
        lines.append(f"  last good report: {age(state.last_good)}")
        if state.state == "failed" and state.last_run is not None:
            lines.append(f"  what the failed run left: {state.last_run}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def how_many(count: int) -> str:
    """Return a number of studies in words.

    Examples
    --------
    >>> how_many(1), how_many(2)
    ('1 study', '2 studies')
    """
    return f"{count} stud{'y' if count == 1 else 'ies'}"


def summary(states: Sequence[StudyState]) -> str:
    """Return how many studies stand how; a plan has none only before its first period ended.

    Examples
    --------
    >>> summary([])
    'no studies yet: no period that is asked for has ended'
    """
    if not states:
        return "no studies yet: no period that is asked for has ended"
    found = ", ".join(f"{number} {state}" for state, number in counts(states).items())
    return f"{how_many(len(states))}: {found}"


def check_text(plan: Plan, troubles: Troubles) -> str:
    """Return in one line how many studies of a plan can be run."""
    number = len(plan.studies)
    if not number:
        return f"plan {plan.name}: {summary(())}."
    studies = f"plan {plan.name}: {how_many(number)}"
    if not troubles:
        return f"{studies}, all can be run."
    return f"{studies}, {number - len(troubles)} can be run, {len(troubles)} cannot."


def trouble_lines(troubles: Troubles) -> list[str]:
    """Return a line for each reason why studies cannot be run, in the order of the plan's lines."""
    found: dict[Problem, list[str]] = {}
    for study, problems in troubles.items():
        for problem in problems:
            found.setdefault(problem, []).append(study)
    ordered = sorted(found.items(), key=lambda pair: pair[0].line)
    return [f"  cannot be run: {', '.join(ids)}: {problem}" for problem, ids in ordered]


def outcome_line(outcome: StudyOutcome, place: int, total: int) -> str:
    """Return one line about a study that ended."""
    width = len(str(total))
    head = (
        f"[{place:>{width}}/{total}] {outcome.status:<8} {outcome.study}  {outcome.seconds:.1f} s"
    )
    if not outcome.failures:
        return head
    first = outcome.failures[0]
    where = first.section or (f"cell {first.cell}" if first.cell else "study")
    words = " ".join(f"{where}: {first.error}".split())[:300]
    return f"{head}  {words}"


def run_text(run: PlanRun) -> str:
    """Return what became of a plan, in one line."""
    complete = sum(outcome.status == "complete" for outcome in run.outcomes)
    current = len(run.before) - len(run.outcomes) - len(run.not_run)
    parts = [f"{current} current", f"{complete} run"]
    parts += [f"{len(run.failed)} failed"] if run.failed else []
    parts += [f"{len(run.not_run)} not run"] if run.not_run else []
    return f"plan {run.plan.name}: {', '.join(parts)}"


def event_fact(event: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of a running plan as plain JSON, with the moment it was told."""
    fact: dict[str, Any] = {"event": event, "time": datetime.now(UTC).isoformat(timespec="seconds")}
    if event == "plan":
        due = {study.id for study in facts["due"]}
        fact["studies"] = [{**state_fact(s), "due": s.study.id in due} for s in facts["states"]]
    if "study" in facts:
        fact |= {"study": facts["study"].id, "axes": dict(facts["study"].axes)}
    if "outcome" in facts:
        outcome: StudyOutcome = facts["outcome"]
        fact |= {
            "status": outcome.status,
            "report": None if outcome.report is None else str(outcome.report),
            "folder": None if outcome.folder is None else str(outcome.folder),
            "seconds": round(outcome.seconds, 3),
            "failures": [{"section": f.section, "error": f.error} for f in outcome.failures],
        }
    return fact


def state_fact(state: StudyState) -> dict[str, Any]:
    """Return a study's state as plain JSON."""
    return {
        "study": state.study.id,
        "state": state.state,
        "reasons": list(state.reasons),
        "axes": dict(state.study.axes),
        "language": state.study.language,
        "report": None if state.report is None else str(state.report),
        "last_good": None if state.last_good is None else state.last_good.isoformat(),
    }
