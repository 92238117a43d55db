"""The page on schedules tells the truth: a newcomer's steps are taken from it and carried out.

Each command of the page is run as it stands there, in a fresh folder with a survey that the page
does not know; what it shows as output is held against what is printed now. Only ``crontab`` is
played (no test may touch the user's own table), and ``systemctl`` is left out.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from servlab.studies.plans.check import check_studies
from servlab.studies.plans.making import Makings
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.schedules import KINDS
from servlab.studies.plans.status import plan_status
from tests.studies.plans.branches import write_branches
from tests.studies.plans.newcomer import write_survey

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "schedules.md").read_text("utf-8")
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
CRONTAB = """\
#!/bin/sh
case "$1" in
-l) cat "$HOME/table" 2>/dev/null || { echo "no crontab for $USER" >&2; exit 1; } ;;
-) new=$(cat); printf '%s\\n' "$new" > "$HOME/table" ;;
esac
"""


def section(title):
    """Return the part of the page under a heading."""
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)[1]


def blocks(text):
    """Return the fenced blocks of a text, in order: kind and content."""
    return [(kind, re.sub(f"(?m)^{space}", "", body)) for space, kind, body in BLOCK.findall(text)]


def examples(body):
    """Return the commands of a console block, each with the output shown under it."""
    parts = re.split(r"^\$ (.*)\n", body, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


class Newcomer:
    """Somebody with a survey in a folder of their own, who does what the page says."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "100% 我的" / "my study"
        self.folder.mkdir(parents=True)
        write_survey(self.folder / "survey.csv")
        commands = home / "bin"
        commands.mkdir()
        (commands / "crontab").write_text(CRONTAB, "utf-8")
        (commands / "crontab").chmod(0o755)
        path = f"{commands}:/usr/local/bin:/usr/bin:/bin"
        self.env = {"HOME": str(home), "USER": "ana", "PATH": path, "LANG": "C.UTF-8"}
        self.first = ""  # what was exported in this terminal

    def here(self, text: str) -> str:
        """Return a text of the page with the folders of this machine."""
        text = text.replace("SERVLAB/.venv/bin", str(Path(sys.executable).parent))
        return text.replace("HERE", str(self.folder.parent))

    def types(self, command: str) -> str:
        """Run a command as the page has it, check its exit code, and return what it prints."""
        if command.startswith("export "):
            self.first = self.here(command)
        told = self.shell(f"{self.first}\n{self.here(command)}", cwd=self.folder)
        wanted = re.search(r"# exit code (\d)", command)
        assert told.returncode == (int(wanted[1]) if wanted else 0), (command, told.stdout)
        return self.masked(told.stdout)

    def shell(self, text: str, cwd: Path) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["sh", "-c", text], cwd=cwd, env=self.env, text=True, encoding="utf-8", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def follows(self, title: str) -> dict[str, str]:
        """Do all that a section says, and return what each command printed."""
        told = {}
        for kind, body in blocks(section(title)):
            if kind == "toml":
                name = re.search(r'^name = "(\w+)"', body, re.MULTILINE)[1]
                (self.folder / f"{name}.toml").write_text(body, "utf-8")
            for line in body.splitlines() if kind == "sh" else ():
                told[line] = self.types(line)
                if line == "crontab -l":
                    self.night()
            for command, shown in examples(body) if kind == "console" else ():
                told[command] = self.types(command)
                assert told[command] == self.masked(self.here(shown)), command
        return told

    def night(self) -> None:
        """Let cron's moment come: the line of the table, in cron's environment."""
        line = (self.home / "table").read_text("utf-8").splitlines()[-1]
        command = line.split(" ", 5)[5].replace(r"\%", "%")
        told = self.shell(f"PATH=/usr/bin:/bin\n{command}", cwd=self.home)
        assert told.stdout == ""

    def masked(self, text: str) -> str:
        """Return what was printed with folders, durations and moments taken out."""
        text = text.replace("\\%", "%").replace("%%", "%")
        text = text.replace(str(Path(sys.executable).parent), "SERVLAB/.venv/bin")
        text = text.replace(str(self.folder.parent), "HERE")
        text = re.sub(r"\[\d/2\] (\w+) +\w+\.en  [\d.]+ s", r"[n/2] \1 in SECONDS", text)
        text = re.sub(r" [\d.]+ s$", " SECONDS", text, flags=re.MULTILINE)
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC, (just now|.* ago)", "MOMENT", text)
        return re.sub(r"^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \S+ \d{4}$", "DATE", text, flags=re.M)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """Who has done the step by step; ``told`` is what each command printed."""
    person = Newcomer(tmp_path_factory.mktemp("newcomer"))
    person.told = person.follows("Your own study, step by step")
    return person


pytestmark = pytest.mark.skipif(os.name != "posix", reason="the page is for a POSIX shell")


def test_the_page_shows_each_kind_and_no_machine_path():
    assert all(f"plan schedule {kind} " in PAGE for kind in KINDS)
    assert not re.search(r"/(tmp|root|work|home|var)/", PAGE)


@pytest.mark.study
def test_the_steps_lead_to_a_report_a_note_on_failure_and_a_line_of_cron(newcomer):
    told = newcomer.told
    assert len(told) >= 13
    assert (newcomer.folder / "reports" / "Centre.en.html").is_file()
    (note,) = {told[line] for line in told if line == "cat failed.txt"}
    assert note.startswith("DATE\nplan branches.toml has 1 mistake, and nothing was started:\n")
    assert "HERE/my study/survey.csv does not exist; check the path.\n" in note
    shown = examples(dict(blocks(section("cron")))["console"])
    assert [newcomer.types(command) for command, _ in shown] == [
        newcomer.masked(newcomer.here(output)) for _, output in shown
    ]
    assert told["crontab -l"] == newcomer.masked(newcomer.here(shown[0][1]))


@pytest.mark.study
def test_the_line_of_the_table_leaves_the_log_that_the_page_shows(newcomer):
    """As there: a report was missing (the night of the steps), nothing was, the survey is away."""
    log, note = (body for kind, body in blocks(section("cron")) if kind == "text")
    survey, away = newcomer.folder / "survey.csv", newcomer.folder / "away.csv"
    newcomer.night()
    survey.rename(away)
    newcomer.night()
    away.rename(survey)
    said = (newcomer.folder / "branches.log").read_text("utf-8")
    assert newcomer.masked(said) == newcomer.masked(newcomer.here(log))
    notes = newcomer.masked((newcomer.folder / "failed.txt").read_text("utf-8"))
    assert notes == 2 * newcomer.masked(newcomer.here(note))  # the one of the steps, and of today
    reports = set(os.listdir(newcomer.folder / "reports"))
    assert {"Centre.en.html", "West.en.html", "index.html"} <= reports


@pytest.mark.study
def test_the_units_of_systemd_are_written_where_it_looks_and_their_command_runs(newcomer):
    for line in dict(blocks(section("systemd timer")))["sh"].splitlines():
        newcomer.types(line)
    units = newcomer.home / ".config" / "systemd" / "user"
    unit = (units / "servlab-branches.service").read_text("utf-8")
    assert unit.startswith("# ~/.config/systemd/user/servlab-branches.service\n")
    assert (units / "servlab-branches.timer").read_text("utf-8").count("OnCalendar=") == 1
    start = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1].replace("%%", "%")
    told = newcomer.shell(start, cwd=Path("/"))
    shown = re.findall(r"vm python\[370\]: (.*)", section("systemd timer"))
    assert (told.returncode, told.stdout.splitlines()) == (0, shown)


@pytest.mark.study
def test_the_workflow_runs_on_another_machine_and_its_cache_spares_the_runs(newcomer, tmp_path):
    for line in dict(blocks(section("A CI workflow")))["sh"].splitlines():
        newcomer.types(line)
    hub = newcomer.folder / ".github" / "workflows" / "servlab-branches.yml"
    steps = yaml.safe_load(hub.read_text("utf-8"))["jobs"]["reports"]["steps"]
    clone = tmp_path / "clone"
    shutil.copytree(newcomer.folder, clone, ignore=shutil.ignore_patterns("reports"))
    (kept,) = {step["with"]["path"] for step in steps if "path" in step.get("with", {})}
    shutil.copytree(newcomer.folder / kept, clone / kept)  # what the cache of last time brings
    command = [step["run"] for step in steps if "run" in step][-1]
    told = newcomer.shell(f"{newcomer.first}\n{command}", cwd=clone)
    assert (told.returncode, "plan branches: 2 current, 0 run" in told.stdout) == (0, True)
    assert "index.html" in os.listdir(clone / kept)


@pytest.fixture
def monthly(tmp_path):
    """The page's plan over months, with the files of three of them."""
    body = next(body for kind, body in blocks(section("A month at a time")) if kind == "toml")
    write_branches(tmp_path)  # small files
    (tmp_path / "answers.toml").rename(tmp_path / "survey.toml")
    for month in ("2026-08", "2026-09", "2026-10"):
        shutil.copy(tmp_path / "answers.csv", tmp_path / f"survey-{month}.csv")
    path = tmp_path / "monthly.toml"
    path.write_text(body, "utf-8")
    return path


DAY = date(2026, 11, 24)


def test_the_months_of_the_page(monthly):
    def months(**since):
        return [s.axes["period"] for s in read_plan(monthly, today=DAY, **since).studies]

    assert months() == ["2026-08", "2026-09", "2026-10"]
    body = monthly.read_text("utf-8")
    monthly.write_text(body.replace(', first = "2026-08"', ""), "utf-8")
    assert months() == ["2026-10"]
    since = re.search(r"--since (\S+)", section("A month at a time"))[1]
    assert months(since=since) == ["2026-08", "2026-09", "2026-10"]


def test_a_month_whose_file_is_late_stands_alone_and_is_due_when_it_came(monthly):
    def troubles():
        checked = check_studies(read_plan(monthly, today=DAY).studies, Makings())
        assert checked.problems == ()  # nothing stands in the way of the other months
        return list(checked.troubles)

    survey, late = monthly.with_name("survey-2026-09.csv"), monthly.with_name("late.csv")
    survey.rename(late)
    assert troubles() == ["all-2026-09.en"]
    late.rename(survey)
    assert troubles() == []
    states = plan_status(read_plan(monthly, today=DAY))
    assert [state.state for state in states] == ["missing"] * 3


def test_commands_of_the_page_are_words_of_a_shell():
    """Every line of a shell block can be read by one, comments and quotes included."""
    for kind, body in blocks(PAGE):
        for line in body.splitlines() if kind == "sh" else ():
            assert shlex.split(line, comments=True), line
