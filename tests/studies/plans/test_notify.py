"""The command on failure: heard whatever it does, and it holds nobody up."""

import os
import sys

import psutil
import pytest

from servlab.studies.plans import notify as notifying
from servlab.studies.plans.notify import notify

PLAN_TEXT = "North failed.\n"


@pytest.fixture
def told(tmp_path):
    """Run a command in Python's words as the one of a plan."""

    def tell(code, **options):
        given = {"code": 1, "text": PLAN_TEXT, **options}
        text = given.pop("text")
        return notify([sys.executable, "-c", code], tmp_path / "plan.toml", text, **given)

    return tell


def test_it_reads_all_of_a_long_text_and_its_names_fit_the_environment(told, tmp_path):
    names = [f"城北-{number}.zh" for number in range(20_000)]
    code = (
        "import os, sys; n = os.environ['SERVLAB_FAILED'].splitlines(); "
        "open('told', 'w').write(f'{len(sys.stdin.buffer.read())} {len(n)} {n[-1]}')"
    )
    assert told(code, failed=names, text="x" * 3_000_000) == ""
    size, lines, last = (tmp_path / "told").read_text().split(" ", 2)
    assert int(size) == 3_000_000
    assert last == f"... and {20_000 - int(lines) + 1} more"


def test_a_command_that_reads_nothing_and_floods_its_output_keeps_its_last_words_only(told):
    code = (
        "import sys\nfor _ in range(300): sys.stdout.write('x' * 99_999)\n"
        "sys.stderr.write('y' * 9_999_999 + ' no mail today')\nsys.exit(4)"
    )
    said = told(code, text="x" * 1_000_000)
    assert "ended with exit code 4" in said
    assert len(said) < 500


def test_one_that_hangs_is_ended_with_what_it_started(told, tmp_path, monkeypatch):
    monkeypatch.setattr(notifying, "PATIENCE", 1.0)
    code = (
        "import subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\n"
        "open('pid', 'w').write(str(child.pid))\ntime.sleep(600)"
    )
    assert "took over 1 s and was ended" in told(code)
    pid = int((tmp_path / "pid").read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_one_that_leaves_something_in_the_background_is_not_waited_for(told, tmp_path):
    code = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '30'])\n"
        "open('pid', 'w').write(str(child.pid))"
    )
    assert told(code) == ""
    os.kill(int((tmp_path / "pid").read_text()), 9)


@pytest.mark.parametrize(
    ("word", "why"),
    [("a\0b", "embedded null byte"), ("/none", "No such file"), ("/etc/passwd", "Permission")],
)
def test_one_that_cannot_be_run_is_said(tmp_path, word, why):
    said = notify([word], tmp_path / "plan.toml", PLAN_TEXT, code=1)
    assert "cannot be run" in said
    assert why in said
