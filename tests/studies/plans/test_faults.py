"""What goes wrong at night: what is published then, what the exit code is, what the user reads."""

import errno
import json
import os
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from servlab.core.errors import ParameterError, PlanError, PlanLockedError, StudyError
from servlab.studies import publish
from servlab.studies.plans.clean import clean_plan, old_runs
from servlab.studies.plans.lock import locked
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
from servlab.studies.plans.words import age, status_text
from tests.studies.plans.branches import BRANCHES, PLAN
from tests.studies.plans.inline import InlineExecutor
from tests.studies.toys import write_notebook

SMALL = PLAN.replace(
    'branch = "data"\nwave = "data"', 'branch = ["North", "West"]\nwave = ["2025-01"]'
)
REPORTS = [
    "North-2025-01.en.html",
    "North-2025-01.zh.html",
    "West-2025-01.en.html",
    "West-2025-01.zh.html",
]
CHANGES_DATA = (
    "# Gaps, slowly\\n(data.parent / 'answers.csv').write_text("
    "data.read_text() + '5,5,5,5,North,2025-02\\\\n')"
)


@pytest.fixture
def small(folder, inline):
    """A plan of four studies that ran once."""
    (folder / "plan.toml").write_text(SMALL, encoding="utf-8")
    assert go(folder).exit_code == 0
    return folder


def go(folder, **options):
    executor = options.pop("runner", None) or InlineExecutor()
    return run_plan(folder / "plan.toml", executor=lambda *_: executor, **options)


def states(folder):
    return {s.study.id: s for s in plan_status(read_plan(folder / "plan.toml"))}


def published(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "reports").glob("*-*.html"))}


def touch_data(folder):
    with (folder / "answers.csv").open("a") as file:
        file.write("5,5,5,5,North,2025-02\n")


def edit(folder, old, new):
    path = folder / "short.ipynb"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS])
def test_disk_full_or_read_only_keeps_every_report_and_says_so(small, monkeypatch, fault):
    before = published(small)
    touch_data(small)
    real = publish._stage

    def full(path, content):
        if path.suffix == ".html":
            raise OSError(fault, os.strerror(fault))
        return real(path, content)

    monkeypatch.setattr(publish, "_stage", full)
    run = go(small)
    assert (run.exit_code, len(run.failed)) == (1, 4)
    assert os.strerror(fault) in run.failed[0].failures[0].error
    assert published(small) == before
    monkeypatch.undo()


def test_a_disk_that_is_full_for_everything_ends_with_a_word(small, monkeypatch):
    before = published(small)
    touch_data(small)

    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(publish, "_stage", full)
    run = go(small)
    assert (run.exit_code, len(run.failed)) == (1, 4)
    assert "No space left on device" in run.failed[0].failures[0].error
    assert published(small) == before


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(folder, servlab_command):
    (folder / "file").write_text("")
    text = SMALL.replace('out = "reports"', 'out = "file/reports"')
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    code, out, said = servlab_command("plan", "run", folder / "plan.toml")
    assert (code, out) == (2, "")
    assert "reports cannot be written to" in said
    assert "Not a directory" in said


def test_data_replaced_while_a_study_runs_fail_it_and_the_next_run_mends_it(small):
    before = published(small)
    edit(
        small,
        "# Gaps",
        CHANGES_DATA,
    )
    run = go(small, only=["North*.en"])
    assert run.exit_code == 1
    assert "answers.csv (parameter data) was changed while the study ran" in (
        run.failed[0].failures[0].error
    )
    assert published(small) == before
    edit(small, "# Gaps, slowly\\n(data.parent", "# Gaps\\n0 and (data.parent")
    assert go(small).exit_code == 0
    assert {s.state for s in states(small).values()} == {"current"}


def test_a_notebook_that_is_no_notebook_stops_the_plan_with_its_line(small, servlab_command):
    before = published(small)
    path = small / "short.ipynb"
    path.write_text(path.read_text()[:200])
    code, _, said = servlab_command("plan", "run", small / "plan.toml")
    assert code == 2
    assert re.search(r"line 12: .*short\.ipynb is not a Jupyter notebook", said)
    assert published(small) == before


def test_a_cell_that_is_no_python_fails_its_studies(small):
    before = published(small)
    edit(small, "gaps = sl.gap_scores(survey)", "gaps = = sl.gap_scores(survey)")
    run = go(small)
    assert (run.exit_code, len(run.failed)) == (1, 4)
    assert "invalid syntax" in run.failed[0].failures[0].error
    assert published(small) == before


def test_a_clock_that_was_set_back_decides_nothing(small, monkeypatch):
    """Reports from the future are judged by their bytes; runs are ordered by their numbers."""
    for path in small.rglob("*"):
        os.utime(path, (4e9, 4e9))
    for path in (small / "reports" / "runs").glob("*/published.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(record | {"finished": "2099-01-01T00:00:00+00:00"}))
    found = states(small)
    assert {s.state for s in found.values()} == {"current"}
    assert "which this clock has not reached" in status_text(list(found.values()))
    for parent in (small / "reports" / "runs").glob("*.en"):
        for run in list(parent.glob("2026*")) + list(parent.glob("20[3-9]*")):
            run.rename(parent / f"2099{run.name[4:]}")
    touch_data(small)
    assert go(small).exit_code == 0
    assert {s.state for s in states(small).values()} == {"current"}
    study = read_plan(small / "plan.toml").studies[0]
    (oldest,) = old_runs(study, 1)
    assert oldest.name.startswith("2099")  # the first run, whatever its name says


def test_a_thousand_studies_dry(folder, servlab_command):
    import time

    waves = [f"w{i}" for i in range(500)]
    text = PLAN.replace('branch = "data"\nwave = "data"', f'branch = ["North"]\nwave = {waves}')
    text = text.replace('"wave={wave}"', '"wave=2025-01"').replace(
        "[study.matrix]", 'title = "{wave}"\n[study.matrix]'
    )
    text = text.replace("axis", "axis")
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PlanError, match="axis wave only changes what the reports are called"):
        read_plan(folder / "plan.toml")
    data = (folder / "answers.csv").read_text().splitlines()
    rows = [f"5,5,4,5,North,{wave}" for wave in waves]
    (folder / "answers.csv").write_text("\n".join([*data, *rows]) + "\n")
    (folder / "plan.toml").write_text(PLAN.replace('"data"', '["North"]', 1).replace(
        'wave = "data"', f"wave = {waves}"), encoding="utf-8")  # fmt: skip
    start = time.process_time()
    code, _, said = servlab_command("plan", "run", folder / "plan.toml", "--dry-run")
    assert code == 0
    assert "plan branches: 1000 studies: 1000 missing" in said
    assert said.count("to run:") == 1000
    assert not (folder / "reports").exists()
    assert time.process_time() - start < 30


def test_markup_in_a_parameter_is_text_in_the_report(small):
    evil = '<script>alert(1)</script> & **"x"**'
    text = SMALL.replace("[study.parameters]", f"[study.parameters]\ntitle = '{evil}'")
    (small / "plan.toml").write_text(text, encoding="utf-8")
    assert go(small).exit_code == 0
    page = (small / "reports" / REPORTS[0]).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; **&#34;x&#34;**" in page


def test_two_runners_of_a_plan_and_one_that_died(small):
    plan = read_plan(small / "plan.toml")
    with locked(plan):
        with pytest.raises(PlanLockedError) as caught:
            go(small)
        assert f"by process {os.getpid()} on " in str(caught.value)
        assert "nothing was started here" in str(caught.value)
        assert go(small, dry_run=True).exit_code == 0  # looking is free
        with pytest.raises(PlanLockedError, match=r"after 0\.1 s of waiting"):
            go(small, wait=0.1)
    # what a dead runner leaves behind holds nobody up
    path = small / "reports" / "runs" / ".plan-branches.json"
    path.write_text('{"pid": 1, "host": "x", "since": "y"}')
    assert go(small).exit_code == 0


def test_a_broken_record_is_run_again_and_old_reports_of_nobody_are_not_believed(small):
    record = small / "reports" / "runs" / "North-2025-01.en" / "published.json"
    text = record.read_text(encoding="utf-8")
    for broken in (text[:50], "{}", "[]", text.replace('"seaborn"', '"seaborne"')):
        record.write_text(broken, encoding="utf-8")
        assert states(small)["North-2025-01.en"].state == "stale"
    record.unlink()
    assert states(small)["North-2025-01.en"].reasons == (
        "its report was not made by a run that is known",
    )
    runner = InlineExecutor()
    assert go(small, runner=runner).exit_code == 0
    assert runner.ran == ["North-2025-01.en"]


def test_exports_count_and_those_gone_are_made_again(small):
    text = SMALL.replace("retention = 3", 'retention = 3\nexport = ["docx"]')
    (small / "plan.toml").write_text(text, encoding="utf-8")
    assert states(small)["West-2025-01.en"].reasons == ("exports is new",)
    assert go(small).exit_code == 0
    document = small / "reports" / "West-2025-01.en.docx"
    document.unlink()
    assert states(small)["West-2025-01.en"].reasons == ("West-2025-01.en.docx was removed",)
    runner = InlineExecutor()
    assert go(small, runner=runner).exit_code == 0
    assert runner.ran == ["West-2025-01.en"]
    assert document.exists()


def test_a_module_beside_the_notebook_counts_with_its_bytes(small):
    edit(
        small,
        "# Gaps\\n",
        "# Gaps\\nimport sys; sys.path.insert(0, str(data.parent)); import helper_of_ours\\n",
    )
    helper = small / "helper_of_ours.py"
    helper.write_text("x = 1\n")
    assert go(small, only=["West*en"]).exit_code == 0
    helper.write_text("x = 2\n")
    assert states(small)["West-2025-01.en"].reasons == (
        "helper_of_ours.py beside the notebook changed",
    )


def test_what_the_codebook_includes_counts(folder, inline):
    instrument = (folder / "answers.toml").read_text(encoding="utf-8")
    head, rest = instrument.split("[batteries.expectation]", 1)
    own = head.replace("[instrument]\n", "").replace("[instrument.", "[")
    (folder / "short form.toml").write_text(own, encoding="utf-8")
    (folder / "answers.toml").write_text(
        'instrument = "short form.toml"\n[batteries.expectation]' + rest, encoding="utf-8"
    )
    (folder / "plan.toml").write_text(SMALL, encoding="utf-8")
    assert go(folder, only=["West*en"]).exit_code == 0
    (folder / "short form.toml").write_text(own.replace("Speed", "Pace"), encoding="utf-8")
    assert states(folder)["West-2025-01.en"].reasons == (
        "short form.toml (codebook short form.toml) changed",
    )


def test_a_plan_moved_with_its_files_is_still_current(small, tmp_path):
    shutil.copytree(small, tmp_path / "elsewhere")
    assert {s.state for s in states(tmp_path / "elsewhere").values()} == {"current"}


def test_retention_keeps_the_run_behind_the_report(small):
    text = SMALL.replace("retention = 3", "retention = 1")
    (small / "plan.toml").write_text(text, encoding="utf-8")
    edit(small, "# Gaps", "# Gaps of now\\n1 / 0")
    for _ in range(2):
        assert go(small, only=["West*en"]).exit_code == 1
    runs = small / "reports" / "runs" / "West-2025-01.en"
    folders = [p for p in runs.iterdir() if p.is_dir()]
    assert len(folders) == 3
    plan = read_plan(small / "plan.toml")
    would = clean_plan(plan, dry_run=True)
    assert all(path.exists() for path in would)
    assert clean_plan(plan) == would
    state = states(small)["West-2025-01.en"]
    assert state.folder.is_dir()
    assert state.results.is_file()
    assert state.last_run.is_dir()
    assert len([p for p in runs.iterdir() if p.is_dir()]) == 2


def test_the_command_on_failure_reads_what_failed(small, servlab_command, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "servlab.studies.plans.run.ProcessExecutor", lambda width, *_: InlineExecutor(width)
    )
    told = tmp_path / "told.txt"
    script = tmp_path / "tell.sh"
    script.write_text(
        '#!/bin/sh\n{ echo "$SERVLAB_FAILED"; echo "$SERVLAB_EXIT_CODE"; cat; } > "$1"\n'
    )
    script.chmod(0o755)
    text = SMALL.replace("workers = 2", f"on_failure = {[str(script), str(told)]}")
    (small / "plan.toml").write_text(text, encoding="utf-8")
    edit(small, "# Gaps", "# Gaps of now\\n1 / 0")
    code, _, said = servlab_command("plan", "run", small / "plan.toml", "--only", "West*")
    assert code == 1
    lines = told.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["West-2025-01.en", "West-2025-01.zh", "1"]
    assert "ZeroDivisionError: division by zero" in "\n".join(lines)
    assert "2 failed" in said
    # a plan that is wrong is a failure of the night too
    (small / "plan.toml").write_text(text.replace("answers.csv", "gone.csv"), encoding="utf-8")
    code, _, said = servlab_command("plan", "run", small / "plan.toml")
    assert code == 2
    assert told.read_text(encoding="utf-8").splitlines()[1] == "2"
    assert "gone.csv does not exist" in told.read_text(encoding="utf-8")
    (small / "plan.toml").write_text(
        text.replace("answers.csv", "gone.csv").replace(str(script), "/none/at/all"),
        encoding="utf-8",
    )
    code, _, said = servlab_command("plan", "run", small / "plan.toml")
    assert code == 2
    assert "the command on failure (/none/at/all) cannot be run" in said


def test_the_command_on_failure_hears_of_what_kept_a_plan_from_running(
    small, servlab_command, monkeypatch
):
    text = SMALL.replace("workers = 2", 'on_failure = ["sh", "-c", "cat > told"]')
    (small / "plan.toml").write_text(text, encoding="utf-8")
    touch_data(small)
    before = published(small)

    def no_room(*_):
        raise StudyError("temporary files of a kernel cannot be written to /tmp.")

    monkeypatch.setattr("servlab.studies.plans.run.ProcessExecutor", no_room)
    code, _, said = servlab_command("plan", "run", small / "plan.toml")
    assert (code, (small / "told").read_text()) == (1, said.splitlines()[-1][9:] + "\n")
    shutil.rmtree(small / "reports" / "runs")
    (small / "reports" / "runs").write_text("")
    code, out, said = servlab_command("plan", "run", small / "plan.toml")
    assert (code, out) == (2, "")
    assert "reports cannot be written to" in (small / "told").read_text()
    assert published(small) == before


def test_a_home_folder_is_meant_by_its_sign(small, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    text = SMALL.replace('out = "reports"', 'out = "~/my reports"')
    (small / "plan.toml").write_text(text, encoding="utf-8")
    assert read_plan(small / "plan.toml").out == tmp_path / "my reports"


def test_names_hold_nothing_that_moves_a_cursor_or_turns_letters_around():
    from servlab.studies.plans.matrix import file_name

    assert file_name("{a}", {"a": "N\x1b[2J\x7f\x9b\u202eord"}) == "N-[2J---ord"


def test_a_file_system_without_locks_is_refused(small, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(ParameterError, match=r"cannot be locked: its file system has no locks"):
        go(small)


def test_a_lock_file_of_somebody_else_is_named(small, monkeypatch):
    import filelock

    lock = small / "reports" / "runs" / ".plan-branches.lock"

    def refused(self, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(lock))

    monkeypatch.setattr(filelock.FileLock, "acquire", refused)
    with pytest.raises(ParameterError, match=r"\.plan-branches\.lock: Permission denied"):
        go(small)


def test_status_explain_and_log_json(small, servlab_command, monkeypatch):
    monkeypatch.setattr(
        "servlab.studies.plans.run.ProcessExecutor", lambda width, *_: InlineExecutor(width)
    )
    path = small / "plan.toml"
    code, out, _ = servlab_command("plan", "status", path)
    assert code == 0
    assert out.splitlines()[-1] == "4 studies: 4 current"
    touch_data(small)
    code, out, _ = servlab_command("plan", "explain", path, "--only", "West*en")
    assert code == 0
    assert out.splitlines()[:2] == ["West-2025-01.en: stale", "  - answers.csv (data) changed"]
    code, out, _ = servlab_command("plan", "status", path, "--json")
    assert {fact["state"] for fact in json.loads(out)} == {"stale"}
    code, out, _ = servlab_command("plan", "run", path, "--log-json", "--only", "West*en")
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events] == ["plan", "started", "ended"]
    assert events[-1]["status"] == "complete"
    assert Path(events[-1]["report"]).name == "West-2025-01.en.html"
    code, out, said = servlab_command("plan", "run", path)
    assert code == 0
    assert [Path(line).name for line in out.splitlines()] == [
        r for r in REPORTS if "West-2025-01.en" not in r
    ]
    assert "plan branches: 1 current, 3 run" in said
    code, out, said = servlab_command("plan", "check", path)
    assert (code, out.splitlines()) == (0, [name.removesuffix(".html") for name in REPORTS])


def test_ages_are_words():
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert age(None) == "never"
    assert age(datetime(2026, 3, 9, 11, tzinfo=UTC), now=now) == "2026-03-09 11:00 UTC, 1 day ago"
    assert age(datetime(2026, 3, 10, 11, 58, tzinfo=UTC), now=now).endswith(", 2 minutes ago")
    assert age(datetime(2027, 1, 1, tzinfo=UTC), now=now).endswith(
        "which this clock has not reached"
    )


def test_a_notebook_of_no_data_needs_no_survey(tmp_path, inline):
    write_notebook(
        tmp_path / "toy.ipynb", "from typing import Literal",
        ("parameters", 'n: int = 1\nlanguage: Literal["en", "zh"] = "en"'), "n + 1",
    )  # fmt: skip
    (tmp_path / "plan.toml").write_text(
        '[[study]]\nnotebook = "toy"\nname = "n{n}"\n[study.parameters]\nn = "{n}"\n'
        "[study.matrix]\nn = [1, 2]\n"
    )
    assert go(tmp_path).exit_code == 0
    assert sorted(p.name for p in (tmp_path / "reports").glob("n*.html")) == [
        "n1.en.html", "n2.en.html",
    ]  # fmt: skip
    assert len(BRANCHES) == 5
