"""Data that did not come, or came broken, fail their own studies by name; all others run."""

import pytest

from servlab.core.errors import PlanError
from servlab.studies.plans.index import index_path
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
from servlab.studies.plans.words import explain_text
from tests.studies.plans.branches import PLAN, answers
from tests.studies.plans.inline import InlineExecutor, NamingExecutor

FILES = (
    PLAN.replace('languages = ["en", "zh"]', 'languages = ["en"]')
    .replace('"answers.csv"', '"{branch}.csv"')
    .replace('branch = "data"', 'branch = ["North", "South", "West"]')
    .replace('wave = "data"', 'wave = ["2025-01"]')
)
WAVES_OF_FILES = FILES.replace('wave = ["2025-01"]', 'wave = "data"')


@pytest.fixture
def branches(folder, monkeypatch):
    """A plan with a file a branch, two waves each; pages without fonts, which cost a second."""
    monkeypatch.setattr("servlab.studies.report.font_face", lambda *_, **__: "")
    everybody = answers()
    for branch in ("North", "South", "West"):
        mine = everybody[(everybody["branch"] == branch) & (everybody["wave"] < "2025-03")]
        mine.to_csv(folder / f"{branch}.csv", index=False)
    write(folder, FILES)
    return folder


def write(folder, text):
    (folder / "plan.toml").write_text(text, encoding="utf-8")


def go(folder, executor=None, **options):
    executor = executor or NamingExecutor()
    return executor, run_plan(folder / "plan.toml", executor=lambda *_: executor, **options)


def states(folder):
    return {s.study.id: s for s in plan_status(read_plan(folder / "plan.toml"))}


def failed_ids(run):
    return [outcome.study for outcome in run.failed]


def test_a_file_that_is_not_there_fails_its_study_and_no_other(branches):
    (branches / "South.csv").unlink()
    executor, run = go(branches)
    assert executor.ran == ["North-2025-01.en", "West-2025-01.en"]
    assert (run.exit_code, failed_ids(run)) == (1, ["South-2025-01.en"])
    assert "South.csv does not exist" in run.failed[0].failures[0].error
    state = states(branches)["South-2025-01.en"]
    assert (state.state, state.report) == ("failed", None)
    assert "it cannot be run: parameter data: " in state.reasons[0]
    page = index_path(branches / "reports").read_text(encoding="utf-8")
    assert "South.csv does not exist" in page


def test_the_last_good_report_of_a_file_that_went_away_stays_with_its_age(branches, inline):
    write(branches, FILES.replace('["North", "South", "West"]', '["North", "South"]'))
    assert go(branches, InlineExecutor())[1].exit_code == 0
    report = branches / "reports" / "South-2025-01.en.html"
    good = report.read_bytes()
    text = (branches / "South.csv").read_text()
    (branches / "South.csv").unlink()
    executor, run = go(branches)
    assert (executor.ran, run.exit_code) == ([], 1)
    assert report.read_bytes() == good
    state = states(branches)["South-2025-01.en"]
    assert (state.state, state.report) == ("failed", report)
    assert "last good report: 20" in explain_text([state])
    assert "what the failed run left" not in explain_text([state])
    (branches / "South.csv").write_text(text)  # it is the same again, and so is the report
    executor, run = go(branches)
    assert (executor.ran, run.exit_code) == ([], 0)
    assert {s.state for s in states(branches).values()} == {"current"}


def test_a_file_that_no_study_has_is_a_mistake_of_the_plan(branches):
    write(branches, FILES.replace("{branch}.csv", "{branch}.cvs"))
    with pytest.raises(PlanError, match=r"3 mistakes(.|\n)*line 8: parameter data: .*North\.cvs"):
        go(branches)
    assert not (branches / "reports").exists()


def test_another_file_named_through_the_matrix_is_treated_alike(branches):
    (branches / "book North.toml").write_text((branches / "answers.toml").read_text("utf-8"))
    write(branches, FILES.replace('"answers.toml"', '"book {branch}.toml"'))
    executor, run = go(branches)
    assert executor.ran == ["North-2025-01.en"]
    assert failed_ids(run) == ["South-2025-01.en", "West-2025-01.en"]


@pytest.mark.parametrize("content", [b"\x00\xff\x00 no table", b"", b"a,b\n1,2\n"])
def test_a_file_that_cannot_be_read_fails_its_study_and_status_knows(branches, content):
    (branches / "South.csv").write_bytes(content)
    executor, run = go(branches)
    assert executor.ran == ["North-2025-01.en", "West-2025-01.en"]
    assert (run.exit_code, failed_ids(run)) == (1, ["South-2025-01.en"])
    assert "South.csv" in run.failed[0].failures[0].error
    state = states(branches)["South-2025-01.en"]
    assert state.state == "failed"
    assert state.reasons[0].startswith("before the cells: ")
    assert (state.report, state.last_run) == (None, None)


def test_a_file_that_no_study_can_read_is_a_mistake_of_the_plan(branches):
    for branch in ("North", "South", "West"):
        (branches / f"{branch}.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(PlanError, match="and nothing was started"):
        go(branches)


def test_one_sound_study_that_was_not_asked_for_is_enough(branches):
    (branches / "South.csv").write_bytes(b"")
    executor, run = go(branches, only=["South*"])
    assert (executor.ran, run.exit_code, failed_ids(run)) == ([], 1, ["South-2025-01.en"])


def test_a_broken_file_of_a_data_axis_names_what_it_held_last_time(branches):
    write(branches, WAVES_OF_FILES)
    executor, run = go(branches)
    assert (len(executor.ran), run.exit_code) == (6, 0)
    (branches / "South.csv").write_bytes(b"")
    assert failed_ids(go(branches)[1]) == ["South-2025-01.en", "South-2025-02.en"]
    (branches / "South.csv").unlink()
    assert failed_ids(go(branches)[1]) == ["South-2025-01.en", "South-2025-02.en"]


def test_a_data_axis_that_was_never_read_is_named_in_brackets(branches):
    write(branches, WAVES_OF_FILES)
    (branches / "South.csv").unlink()
    executor, run = go(branches)
    assert (len(executor.ran), failed_ids(run)) == (4, ["South-(wave).en"])
    assert "South.csv does not exist" in run.failed[0].failures[0].error
    found = read_plan(branches / "plan.toml").studies
    assert sum(bool(study.troubles) for study in found) == 1


def test_a_branch_that_nobody_is_in_this_time_fails_alone(branches, inline):
    write(branches, FILES.replace('"{branch}.csv"', '"answers.csv"'))
    assert go(branches, InlineExecutor(), only=["South*"])[1].exit_code == 0
    everybody = answers()
    everybody[everybody["branch"] != "South"].to_csv(branches / "answers.csv", index=False)
    executor, run = go(branches)
    assert executor.ran == ["North-2025-01.en", "West-2025-01.en"]
    assert failed_ids(run) == ["South-2025-01.en"]
    assert "where asks for branch 'South', which nobody in the data has" in (
        run.failed[0].failures[0].error
    )


def test_a_month_that_the_data_do_not_hold_yet_fails_alone(branches):
    from datetime import date

    text = FILES.replace('wave = ["2025-01"]', 'period = { every = "month", first = "2025-02" }')
    write(branches, text.replace("{wave}", "{period}").replace('"{branch}.csv"', '"answers.csv"'))
    everybody = answers()
    everybody[everybody["wave"] < "2025-03"].to_csv(branches / "answers.csv", index=False)
    executor, run = go(branches, today=date(2025, 4, 2))
    assert executor.ran == ["North-2025-02.en", "South-2025-02.en", "West-2025-02.en"]
    assert failed_ids(run) == ["North-2025-03.en", "South-2025-03.en", "West-2025-03.en"]


def test_values_from_data_are_those_of_whom_the_axes_before_keep(branches):
    text = FILES.replace('"{branch}.csv"', '"answers.csv"')
    write(branches, text.replace('wave = ["2025-01"]', 'wave = "data"'))
    everybody = answers()
    gone = (everybody["branch"] == "South") & (everybody["wave"] != "2025-04")
    everybody[~gone].to_csv(branches / "answers.csv", index=False)
    found = read_plan(branches / "plan.toml").studies
    assert [s.name for s in found if s.axes["branch"] == "South"] == ["South-2025-04"]
    assert len(found) == 6 + 1 + 6


def test_check_and_dry_run_say_which_studies_cannot_run(branches, servlab_command):
    (branches / "South.csv").unlink()
    code, out, said = servlab_command("plan", "check", branches / "plan.toml")
    assert (code, out.split()) == (1, ["North-2025-01.en", "West-2025-01.en"])
    assert "cannot be run: South-2025-01.en: line 8: parameter data: " in said
    assert "plan branches: 3 studies, 2 can be run, 1 cannot." in said
    code, out, said = servlab_command("plan", "run", "--dry-run", branches / "plan.toml")
    assert (code, said.count("to run:")) == (0, 2)
    assert "cannot be run: South-2025-01.en" in said
    (branches / "South.csv").write_bytes(b"")
    code, out, said = servlab_command("plan", "check", branches / "plan.toml")
    assert (code, out.split()) == (1, ["North-2025-01.en", "West-2025-01.en"])


def test_the_command_on_failure_hears_of_a_file_that_is_not_there(
    branches, servlab_command, monkeypatch
):
    monkeypatch.setattr(
        "servlab.studies.plans.run.ProcessExecutor", lambda width, *_: NamingExecutor(width)
    )
    (branches / "South.csv").unlink()
    told = ["sh", "-c", 'echo "$SERVLAB_FAILED" > told; cat >> told']
    write(branches, FILES.replace("workers = 2", f"on_failure = {told}"))
    code, _, said = servlab_command("plan", "run", branches / "plan.toml")
    assert code == 1
    assert "plan branches: 0 current, 2 run, 1 failed" in said
    first, *rest = (branches / "told").read_text(encoding="utf-8").splitlines()
    assert first == "South-2025-01.en"
    assert "South.csv does not exist" in " ".join(rest)
