"""Other programs run a plan at its time: the ready files, and the page that explains them."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from servlab.core.errors import ParameterError
from servlab.studies.cli import app
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.schedules import KINDS, schedule_text
from tests.studies.plans.branches import PLAN, write_branches

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "schedules.md"


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
    assert line.startswith("15 6 1 * * ")
    command = line.removeprefix("15 6 1 * * ")
    assert not re.search(r"(?<!\\)%", command)  # to cron an end of the line
    command, _, log = command.replace(r"\%", "%").removesuffix(" 2>&1").partition(" >> ")
    path = str(plan.path.resolve())
    assert words_of_shell(command) == [sys.executable, "-m", "servlab", "plan", "run", path]
    assert words_of_shell(log) == [str(Path(path).with_suffix(".log"))]


def test_the_unit_of_systemd_holds_the_plans_own_command(plan):
    unit = schedule_text("systemd.service", plan)
    line = next(x for x in unit.splitlines() if x.startswith("ExecStart="))
    path = line[line.index('"') :]
    assert json.loads(path.replace("%%", "%").replace("$$", "$")) == str(plan.path.resolve())
    assert "Type=oneshot" in unit
    assert "Persistent=true" in schedule_text("systemd.timer", plan)


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


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_the_workflows_are_yaml_with_the_plans_command(plan, kind):
    found = yaml.safe_load(schedule_text(kind, plan))
    if kind == "gitlab":
        job = found["branches"]
        assert job["script"][-1] == "servlab plan run plan.toml"
        assert job["artifacts"] == {"when": "always", "paths": ["reports"]}
        return
    steps = found["jobs"]["reports"]["steps"]
    assert [s["run"] for s in steps if "run" in s][-1] == "servlab plan run plan.toml"
    assert found[True]["schedule"] == [{"cron": "15 6 1 * *"}]  # YAML 1.1 reads "on" as true
    assert steps[-1]["if"] == "always()"
    assert "${{ github.run_id }}" in schedule_text(kind, plan)


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


def fenced(kind, text):
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{space}", "", body, flags=re.MULTILINE) for space, body in found]


def test_the_page_shows_each_kind_and_no_machine_path():
    text = PAGE.read_text("utf-8")
    assert all(f"plan schedule {kind} " in text for kind in KINDS)
    assert not re.search(r"/(tmp|root|work|home)/", text)


@pytest.mark.study
def test_a_newcomer_schedules_a_study_from_the_page_alone(tmp_path):
    text = PAGE.read_text("utf-8")
    folder = tmp_path / "my study"
    folder.mkdir()
    for name in ("servqual_simulated.csv", "servqual_simulated.toml"):
        shutil.copy(ROOT / "data" / name, folder)
    (folder / "branches.toml").write_text(fenced("toml", text)[0], "utf-8")
    commands = tmp_path / "bin"
    commands.mkdir()
    script = commands / "servlab"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m servlab "$@"\n')
    script.chmod(0o755)
    home = {"HOME": str(tmp_path / "home"), "PATH": f"{commands}:{os.environ['PATH']}"}
    steps = [line for block in fenced("sh", text) for line in block.splitlines()]
    assert len(steps) >= 12
    told = {}
    for step in steps:
        told[step] = run(["sh", "-c", step], cwd=folder, env=os.environ | home)
        assert told[step].returncode == 0, (step, told[step].stderr)
    reports = folder / "reports"
    assert "West.en.html" not in os.listdir(reports)
    assert "missing" in (reports / "index.html").read_text("utf-8")
    line = told["servlab plan schedule cron branches.toml"].stdout.splitlines()[-1]
    assert run(["sh", "-c", line.split(" ", 5)[5]], cwd="/").returncode == 0
    assert "1 current, 1 run" in (folder / "branches.log").read_text("utf-8")
    assert {"Centre.en.html", "West.en.html", "index.html"} <= set(os.listdir(reports))
    unit = (tmp_path / "home/.config/systemd/user/servlab-branches.service").read_text("utf-8")
    start = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1]
    again = run(shlex.split(start), cwd="/")
    assert (again.returncode, "2 current, 0 run" in again.stderr) == (0, True)


def test_the_command_prints_the_file_alone(plan):
    told = CliRunner().invoke(app, ["plan", "schedule", "systemd.timer", str(plan.path)])
    assert told.exit_code == 0
    assert told.stdout.startswith("[Unit]")
