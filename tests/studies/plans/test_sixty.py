"""Sixty studies: each report is of its own branch and wave, and what runs is exact."""

import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from servlab.presentation.formats import format_number
from servlab.studies import imports, manifest
from servlab.studies.plans.making import Makings
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
from tests.studies.plans.branches import (
    BRANCHES,
    EACH,
    PLAN,
    WAVES,
    answers,
    planted,
    write_branches,
)
from tests.studies.plans.inline import InlineExecutor
from tests.studies.toys import write_notebook

OWN_FILES = PLAN.replace('data = "answers.csv"', 'data = "{branch}.csv"').replace(
    'branch = "data"', f"branch = {list(BRANCHES)}"
)
SIXTY = len(BRANCHES) * len(WAVES) * 2


def own_files(folder):
    """Give each branch a file of its own."""
    (folder / "plan.toml").write_text(OWN_FILES, encoding="utf-8")
    everybody = answers()
    for branch in BRANCHES:
        mine = everybody[everybody["branch"] == branch]
        mine.to_csv(folder / f"{branch}.csv", index=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The plan after its first run: real kernels, two at once, in whatever order they end."""
    folder = tmp_path_factory.mktemp("sixty")
    write_branches(folder)
    own_files(folder)
    first = run_plan(folder / "plan.toml", workers=2)
    assert (len(first.outcomes), first.exit_code) == (SIXTY, 0)
    return folder


@pytest.fixture
def plan(done, tmp_path):
    """A copy of the plan after its first run."""
    shutil.copytree(done, tmp_path / "copy")
    return tmp_path / "copy" / "plan.toml"


def page(path):
    text = re.sub(r"<style.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def due(plan, **options):
    """Return what a plan would run now."""
    found = []
    run_plan(plan, dry_run=True, said=lambda _, facts: found.extend(facts["due"]), **options)
    return [study.id for study in found]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_report_names_its_branch_and_wave_and_shows_the_planted_gap(done, language):
    gaps = {(b, w): format_number(planted(b, w), 2) for b in BRANCHES for w in WAVES}
    assert len(set(gaps.values())) == len(gaps)  # no two are alike, so none can stand in
    for (branch, wave), gap in gaps.items():
        text = page(done / "reports" / f"{branch}-{wave}.{language}.html")
        heading = text.split(" · ", 1)[1]
        named = f"Branch: {branch}" if language == "en" else f"网点：{BRANCHES[branch]}"
        period = f"Wave: {wave}" if language == "en" else f"调查期：{wave}"
        assert heading.startswith(f"{named} · {period} ")
        sentence = "The overall gap is {} " if language == "en" else "总体差距为{}分"
        assert sentence.format(gap) in text, (branch, wave)
        others = [b for b in BRANCHES if b != branch]
        report = text.split("About this report" if language == "en" else "关于本报告")[0]
        assert not any(other in report or BRANCHES[other] in report for other in others)
        assert str(EACH) in report


def test_nothing_changed_runs_nothing_and_leaves_every_byte(plan, inline):
    reports = sorted((plan.parent / "reports").glob("*-*.html"))  # the index says when it looked
    assert len(reports) == SIXTY
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in reports}
    executor = InlineExecutor()
    run = run_plan(plan, executor=lambda *_: executor)
    assert (executor.ran, run.outcomes, run.exit_code) == ([], (), 0)
    assert {state.state for state in run.before} == {"current"}
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in reports}


def test_one_branchs_data_changed_runs_its_twelve(plan, inline):
    data = plan.parent / "East.csv"
    lines = data.read_text().splitlines()
    data.write_text("\n".join([*lines, "7,7,1,1,East,2025-06"]) + "\n")
    executor = InlineExecutor()
    run = run_plan(plan, executor=lambda *_: executor)
    assert sorted(executor.ran) == sorted(f"East-{w}.{x}" for w in WAVES for x in ("en", "zh"))
    assert run.exit_code == 0
    assert "51" in page(plan.parent / "reports" / "East-2025-06.en.html")
    assert due(plan) == []


def test_a_data_file_of_the_same_size_and_time_is_told_by_its_bytes(plan):
    import os

    data = plan.parent / "West.csv"
    stat = data.stat()
    data.write_text(data.read_text().replace("7,7,7,7", "7,7,7,6", 1))
    os.utime(data, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert data.stat().st_size == stat.st_size
    assert len(due(plan)) == 12


def test_one_cell_changed_runs_all_and_explain_names_it(plan):
    import nbformat

    notebook = nbformat.read(plan.parent / "short.ipynb", as_version=4)
    notebook.metadata["title of the window"] = "display metadata"
    notebook.cells[3].outputs = [nbformat.v4.new_output("stream", text="an output")]
    notebook.cells[3].execution_count = 7
    notebook.cells[3].metadata["jupyter"] = {"source_hidden": True}
    nbformat.write(notebook, plan.parent / "short.ipynb")
    assert due(plan) == []
    notebook.cells[4].source += "\nanother = 1"
    nbformat.write(notebook, plan.parent / "short.ipynb")
    assert len(due(plan)) == SIXTY
    states = plan_status(read_plan(plan))
    assert {state.reasons for state in states} == {("cell 5 (Gaps) of the notebook changed",)}


def test_a_cell_then_the_version_of_a_package_it_imports_change_and_reports_are_made_anew(
    plan, tmp_path, monkeypatch
):
    """Really run, by kernels: the package is one that this test installs, and then updates."""
    site = tmp_path / "site"
    install(site, "1.0")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    imports.versions_of.cache_clear()
    cells = plan.parent / "short.ipynb"
    two = ["West-2025-02.en", "West-2025-02.zh"]
    text = cells.read_text().replace(
        "# Gaps\\n", "# Gaps\\nimport housestyle; housestyle.note()\\n"
    )
    cells.write_text(text)
    assert len(due(plan)) == SIXTY
    assert really_run(plan) == two
    assert "house style 1.0" in page(plan.parent / "reports" / "West-2025-02.en.html")
    assert really_run(plan) == []
    install(site, "1.1")
    state = {s.study.id: s for s in plan_status(read_plan(plan))}[two[0]]
    assert (state.state, state.reasons[0]) == ("stale", "housestyle 1.0 -> 1.1")
    assert really_run(plan) == two
    assert "house style 1.1" in page(plan.parent / "reports" / "West-2025-02.zh.html")
    assert len(due(plan)) == SIXTY - 2


def install(site, number):
    """Install a package of one module, in one version."""
    record = site / "housestyle-1.dist-info"
    record.mkdir(parents=True, exist_ok=True)
    (record / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: housestyle\nVersion: {number}\n"
    )
    shown = "from IPython.display import Markdown, display\n"
    (site / "housestyle.py").write_text(
        f"{shown}def note():\n    display(Markdown('house style {number}'))\n"
    )
    imports.versions_of.cache_clear()


def really_run(plan):
    """Run one wave of one branch by kernels, and return what was run."""
    run = run_plan(plan, only=["West-2025-02"], workers=2)
    assert run.exit_code == 0
    return sorted(outcome.study for outcome in run.outcomes)


def test_one_library_version_changed_runs_all_and_explain_names_it(plan, monkeypatch):
    real = manifest.version
    monkeypatch.setattr(
        manifest, "version", lambda name: "99.1" if name == "seaborn" else real(name)
    )
    assert len(due(plan)) == SIXTY
    state = plan_status(read_plan(plan))[0]
    assert state.reasons == (f"seaborn {real('seaborn')} -> 99.1",)
    assert state.state == "stale"


def test_a_failing_study_fails_alone_and_keeps_its_last_good_report(plan, inline):
    data = plan.parent / "South.csv"
    text = data.read_text()
    report = plan.parent / "reports" / "South-2025-03.en.html"
    good = report.read_bytes()
    cells = plan.parent / "short.ipynb"
    cells.write_text(
        cells.read_text().replace(
            "# Gaps\\n",
            "# Gaps\\nassert not ('branch=South' in where and '2025-03' in where[1])\\n",
        )
    )
    data.write_text(text + "7,7,1,1,South,2025-03\n")
    executor = InlineExecutor()
    run = run_plan(plan, executor=lambda *_: executor)
    assert (len(executor.ran), run.exit_code) == (SIXTY, 1)
    assert sorted(o.study for o in run.failed) == ["South-2025-03.en", "South-2025-03.zh"]
    assert report.read_bytes() == good
    failed = run.failed[0]
    assert "AssertionError" in failed.failures[0].error
    banner = failed.folder / "report.html"
    assert failed.report == banner
    assert "AssertionError" in page(banner)
    states = {s.study.id: s for s in plan_status(read_plan(plan))}
    state = states["South-2025-03.en"]
    assert (state.state, state.report) == ("failed", report)
    assert state.last_good is not None
    assert state.reasons[0].startswith("Gaps: AssertionError")
    assert sum(s.state == "current" for s in states.values()) == SIXTY - 2
    # the next run tries the failed ones again, and only them
    assert sorted(due(plan)) == ["South-2025-03.en", "South-2025-03.zh"]


def test_a_runner_killed_in_the_middle_is_resumed_with_only_what_is_missing(plan, inline):
    data = plan.parent / "East.csv"
    data.write_text(data.read_text() + "7,7,1,1,East,2025-06\n")
    asked = [f"East-2025-0{wave}.{x}" for wave in (1, 2) for x in ("en", "zh")]
    command = [
        "-m",
        "servlab",
        "plan",
        "run",
        str(plan),
        "--workers",
        "1",
        "--only",
        "East-*-0[12]",
    ]
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as runner:
        first = runner.stdout.readline()  # the path of the first report
        runner.kill()
    assert runner.returncode == -signal.SIGKILL
    assert first.strip().endswith("East-2025-01.en.html")
    while any(s.state == "running" for s in plan_status(read_plan(plan))):
        time.sleep(0.05)  # its worker sees that it is gone, and ends
    made = {s.study.id for s in plan_status(read_plan(plan)) if s.state == "current"}
    assert asked[0] in made
    rest = InlineExecutor()
    run = run_plan(plan, only=["East-*-0[12]"], executor=lambda *_: rest)
    assert rest.ran == [study for study in asked if study not in made]
    assert rest.ran
    assert run.exit_code == 0
    assert sorted(due(plan)) == sorted(
        f"East-2025-0{wave}.{x}" for wave in range(3, 7) for x in ("en", "zh")
    )


def test_a_report_removed_or_edited_by_hand_is_made_again(plan, inline):
    reports = plan.parent / "reports"
    (reports / "North-2025-01.en.html").unlink()
    edited = reports / "North-2025-02.zh.html"
    good = edited.read_bytes()
    edited.write_bytes(good.replace("城北".encode(), "城南".encode()))
    states = {s.study.id: s for s in plan_status(read_plan(plan))}
    removed = states["North-2025-01.en"]
    assert (removed.state, removed.reasons) == ("missing", ("North-2025-01.en.html was removed",))
    assert removed.report is None
    assert states["North-2025-02.zh"].reasons == (
        "North-2025-02.zh.html is not as it was published",
    )
    executor = InlineExecutor()
    run_plan(plan, executor=lambda *_: executor)
    assert executor.ran == ["North-2025-01.en", "North-2025-02.zh"]
    assert edited.read_bytes() == good


def test_only_force_and_fail_fast(plan, inline):
    assert due(plan, only=["North-*"], force=True) == [
        f"North-{w}.{x}" for w in WAVES for x in ("en", "zh")
    ]
    (plan.parent / "short.ipynb").unlink()
    write_notebook(
        plan.parent / "short.ipynb",
        ("parameters", (
            "from_ = 1"[:0] + 'data: Path | None = None\ncodebook: Path | None = None\n'
            'language: Literal["en", "zh"] = "en"\nwhere: list[str] = []'
        )),
        "1 / 0",
    )  # fmt: skip
    executor = InlineExecutor()
    run = run_plan(plan, fail_fast=True, executor=lambda *_: executor)
    assert (len(executor.ran), len(run.not_run), run.exit_code) == (1, SIXTY - 1, 1)


def test_the_key_of_a_plan_is_the_key_of_the_run(plan):
    from servlab.studies import records

    found = read_plan(plan)
    study = found.studies[0]
    published = records.read_published(study.runs)
    assert manifest.run_key(Makings().parts(study)) == published.key
    assert replace(study, name="x").runs != study.runs
