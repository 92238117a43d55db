"""Other programs run a plan at its time: the ready files for them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from servlab.core.errors import ParameterError
from servlab.studies.cli import app
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.schedules import schedule_text, unit_name
from tests.studies.plans.branches import PLAN, write_branches

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """A plan in a folder with a space, Chinese, a percent and a quote."""
    folder = tmp_path_factory.mktemp("schedules") / "it's 100% 计划 $HOME"
    return read_plan(write_branches(folder, PLAN.replace('branch = "data"', 'branch = ["North"]')))


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def words_of_shell(line):
    """Return the words that a shell makes of a line."""
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    told = run(["sh", "-c", f"{shlex.join([sys.executable, '-c', code])} {line}"])
    return json.loads(told.stdout)


def test_the_line_of_cron_gives_the_plans_own_command(plan):
    line = schedule_text("cron", plan).splitlines()[-1]
    found = re.fullmatch(
        r"15 6 \* \* \* { date; (.*); echo \"exit code \$\?\"; } >> (.*) 2>&1", line
    )
    assert not re.search(r"(?<!\\)%", line)  # to cron an end of the line
    command, log = (part.replace(r"\%", "%") for part in found.groups())
    path = str(plan.path.resolve())
    assert words_of_shell(command) == [sys.executable, "-m", "servlab", "plan", "run", path]
    assert words_of_shell(log) == [str(Path(path).with_suffix(".log"))]


def test_the_unit_of_systemd_holds_the_plans_own_command(plan):
    unit = schedule_text("systemd.service", plan)
    line = next(x for x in unit.splitlines() if x.startswith("ExecStart="))
    path = line[line.index('"') :]
    assert json.loads(path.replace("%%", "%").replace("$$", "$")) == str(plan.path.resolve())
    # a oneshot has no start limit of its own; a stop reaches the plan alone, which ends its kernels
    assert {"Type=oneshot", "KillMode=mixed", "SuccessExitStatus=143"} <= set(unit.splitlines())
    assert "Persistent=true" in schedule_text("systemd.timer", plan)


@pytest.mark.parametrize(
    ("every", "crontab", "calendar"),
    [
        ("day", "5 22 * * * ", "*-*-* 22:05:00"),
        ("week", "5 22 * * 1 ", "Mon *-*-* 22:05:00"),
        ("month", "5 22 1 * * ", "*-*-01 22:05:00"),
    ],
)
def test_the_moment_is_what_was_asked_for(plan, every, crontab, calendar):
    line = schedule_text("cron", plan, every=every, at="22:05").splitlines()[-1]
    assert line.startswith(crontab)
    timer = schedule_text("systemd.timer", plan, every=every, at="22:05")
    assert f"OnCalendar={calendar}\n" in timer
    assert f'- cron: "{crontab.strip()}"' in schedule_text("github", plan, every=every, at="22:05")
    if shutil.which("systemd-analyze"):
        assert run(["systemd-analyze", "calendar", calendar]).returncode == 0


def test_a_moment_that_is_none_is_refused(plan):
    with pytest.raises(ParameterError, match="every must be one of day, week, month; got 'hour'"):
        schedule_text("cron", plan, every="hour")
    with pytest.raises(ParameterError, match="time of day such as 06:15; got '24:00'"):
        schedule_text("cron", plan, at="24:00")


def test_units_have_plain_names_whatever_the_plan_is_called(plan):
    assert unit_name(plan) == "servlab-branches"
    names = [unit_name(replace(plan, name=name)) for name in ("分店", "门店", "Q1 plan", "Q1-plan")]
    assert len(set(names)) == 4
    assert all(re.fullmatch(r"servlab-[A-Za-z0-9_-]+", name) for name in names)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_no_fault_in_its_units(plan, tmp_path):
    for kind in ("service", "timer"):
        text = schedule_text(f"systemd.{kind}", plan)
        (tmp_path / f"servlab-branches.{kind}").write_text(text, "utf-8")
    units = sorted(str(path) for path in tmp_path.glob("servlab*"))
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    told = run(
        ["systemd-analyze", "--user", "verify", *units],
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder)},
    )
    assert (told.returncode, told.stderr) == (0, "")


@pytest.fixture
def repository(plan, tmp_path):
    """The plan's folder, in a repository that has servlab beside it."""
    top = tmp_path / "clone"
    shutil.copytree(plan.path.parent, top / "my plans")
    (top / ".git").mkdir()
    return read_plan(top / "my plans" / "plan.toml"), top


def test_a_workflow_names_paths_from_the_top_of_the_repository(repository):
    plan, top = repository
    hub = yaml.safe_load(schedule_text("github", plan))
    steps = hub["jobs"]["reports"]["steps"]
    lab = yaml.safe_load(schedule_text("gitlab", plan))["servlab-branches"]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands == lab["script"]
    assert commands[-1] == "servlab plan run 'my plans/plan.toml'"
    assert hub[True]["schedule"] == [{"cron": "15 6 * * *"}]  # YAML 1.1 reads "on" as true
    kept = {step["with"]["path"] for step in steps if "path" in step.get("with", {})}
    assert {*kept, *lab["cache"]["paths"], *lab["artifacts"]["paths"]} == {"my plans/reports"}
    assert (lab["cache"]["when"], lab["artifacts"]["when"]) == ("always", "always")
    after = steps[[step.get("run") for step in steps].index(commands[-1]) + 1 :]
    assert [step["uses"].split("@")[0] for step in after] == [
        "actions/cache/save", "actions/upload-artifact",
    ]  # fmt: skip
    assert all(step["if"] == "always()" for step in after)  # of a failed run too
    assert plan.out.resolve() == top.resolve() / "my plans" / "reports"


def test_a_workflow_installs_servlab_from_its_lock(repository):
    plan, _ = repository
    *install, _ = yaml.safe_load(schedule_text("gitlab", plan))["servlab-branches"]["script"]
    named = [word for line in install for word in line.split() if "servlab" in word]
    assert named == ["servlab/requirements.lock", "./servlab"]
    assert "--editable ./servlab" in install[1]  # in place, beside its folder of notebooks
    assert (ROOT / "requirements.lock").is_file()
    assert "--hash=" in (ROOT / "requirements.lock").read_text("utf-8")
    assert "flit" in (ROOT / "requirements.lock").read_text("utf-8")  # what builds it, offline


def test_a_job_of_ci_cannot_keep_reports_outside_its_repository(repository, tmp_path):
    plan, _ = repository
    with pytest.raises(ParameterError, match="Give the plan another out"):
        schedule_text("github", replace(plan, out=tmp_path / "elsewhere"))


def test_a_job_of_jupyter_scheduler_has_every_value_as_python_writes_it(plan):
    from servlab.studies.plans.making import Makings

    jobs = json.loads(schedule_text("jupyter", plan))
    assert [job["name"] for job in jobs] == [study.id for study in plan.studies]
    for job, study in zip(jobs, plan.studies, strict=True):
        cell = "\n".join(f"{name} = {value}" for name, value in job["parameters"].items())
        names = {"Path": Path}
        exec(cell, names)
        values = Makings().values(study).values
        assert set(job["parameters"]) == set(study.parameters)
        for name in job["parameters"]:
            assert names[name] == values[name], name


def test_jupyter_scheduler_puts_such_values_into_the_cell(plan):
    parameterize = pytest.importorskip("jupyter_scheduler.parameterize")
    import nbformat

    job = json.loads(schedule_text("jupyter", plan))[1]
    node = nbformat.read(plan.studies[0].notebook, as_version=4)
    cells = parameterize.add_parameters(node, job["parameters"]).cells
    place = next(i for i, c in enumerate(cells) if "injected-parameters" in c.metadata["tags"])
    assert "parameters" in cells[place - 1].metadata["tags"]
    names = {"Path": Path}
    exec(cells[place].source, names)
    assert names["language"] == "zh"
    assert names["data"] == plan.path.resolve().with_name("answers.csv")


def test_an_unknown_kind_is_refused(plan):
    with pytest.raises(ParameterError, match=r"a schedule is one of cron, .*; got 'at'"):
        schedule_text("at", plan)


def test_the_command_prints_the_file_alone(plan):
    told = CliRunner().invoke(app, ["plan", "schedule", "systemd.timer", str(plan.path)])
    assert told.exit_code == 0
    assert told.stdout.splitlines()[0] == "# ~/.config/systemd/user/servlab-branches.timer"
    late = CliRunner().invoke(app, ["plan", "schedule", "cron", str(plan.path), "--at", "2:00"])
    assert "06:15; got '2:00'" in str(late.exception)
