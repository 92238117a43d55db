"""Periods as a user writes them: every kind, the year's end, months to come, a wrong --since."""

from datetime import date

import pytest

from servlab.core.errors import ParameterError, PlanError
from servlab.studies.plans.periods import first_day, kind_of, last_ended, periods
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from tests.studies.plans.branches import PLAN, write_branches

EACH = {
    "year": ("2025", "2027", 3),
    "quarter": ("2025-Q4", "2026-Q4", 5),
    "month": ("2025-11", "2026-02", 4),
    "week": ("2026-W52", "2027-W02", 4),  # 2026 has 53 weeks
    "day": ("2024-02-28", "2024-03-01", 3),  # a leap year
}
MONTHS = PLAN.replace('wave = "data"', 'period = { every = "month", first = "2026-12" }').replace(
    "{wave}", "{period}"
)


@pytest.mark.parametrize("every", EACH)
def test_periods_of_every_kind_are_counted_on(every):
    first, last, count = EACH[every]
    found = periods(first, last, every)
    assert (found[0], found[-1], len(found)) == (first, last, count)
    assert [kind_of(period) for period in found] == [every] * count
    days = [first_day(period, every) for period in found]
    assert days == sorted(set(days))


@pytest.mark.parametrize(
    ("every", "newest"),
    [
        ("year", "2026"), ("quarter", "2026-Q4"), ("month", "2026-12"), ("week", "2026-W52"),
        ("day", "2026-12-31"),
    ],
)  # fmt: skip
def test_the_newest_that_ended_on_new_years_day(every, newest):
    assert last_ended(date(2027, 1, 1), every) == newest  # in week 53 of 2026


def test_a_plan_whose_first_month_has_not_ended_has_nothing_to_do(tmp_path, servlab_command):
    path = write_branches(tmp_path, MONTHS)
    run = run_plan(path, today=date(2026, 12, 31))
    assert (run.exit_code, run.plan.studies, run.outcomes) == (0, (), ())
    assert (tmp_path / "reports" / "index.html").is_file()
    path.write_text(MONTHS.replace("2026-12", "2999-12"), "utf-8")
    for command in ("check", "run", "status", "explain"):
        code, shown, said = servlab_command("plan", command, path)
        assert (code, "no studies yet" in shown + said) == (0, True), command
    code, _, said = servlab_command("plan", "run", path, "--only", "North*")
    assert (code, "matches no study of plan.toml; it has none yet." in said) == (2, True)


def test_a_since_of_another_kind_is_said_to_be_the_calls_own(tmp_path):
    path = write_branches(tmp_path, MONTHS.replace(', first = "2026-12"', ""))
    with pytest.raises(PlanError, match=r"--since does not fit: a period of one month .*'2026'"):
        read_plan(path, since="2026", today=date(2026, 12, 31))


def test_a_quarter_that_is_none_is_refused():
    with pytest.raises(ParameterError, match="a period of one quarter is written as 2026-Q1"):
        first_day("2026-Q5", "quarter")


def test_check_says_when_nobody_would_be_told_of_a_failure(tmp_path, servlab_command):
    words = 'on_failure = ["no-such-mailer", "me"]\n'
    path = write_branches(tmp_path, words + PLAN)
    code, _, said = servlab_command("plan", "check", path, "--only", "North-2025-01")
    assert (code, "'no-such-mailer', which is not found here" in said) == (0, True)
    own = tmp_path / "tell.sh"  # a program is looked for where the plan is, as it is run there
    own.write_text("#!/bin/sh\n", "utf-8")
    own.chmod(0o755)
    path.write_text('on_failure = ["./tell.sh"]\n' + PLAN, "utf-8")
    _, _, said = servlab_command("plan", "check", path, "--only", "North-2025-01")
    assert "not found" not in said
