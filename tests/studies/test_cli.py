"""The command line: exit codes, one clear message, nothing started by a wrong call."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import servlab
from servlab.core.errors import ParameterError
from servlab.studies import cli, kernel
from tests.studies.toys import STUB

PAIR = """\
wave: str = "1"  # which wave
n_factors: int | Literal["auto"] = "auto"
data: Path | None = None
codebook: Path | None = None
language: Literal["en", "zh"] = "en"
"""


@pytest.fixture
def no_kernel(monkeypatch):
    """Let any kernel that is started fail the test."""

    def start(folder):
        raise AssertionError("a kernel was started")

    from servlab.studies import engine  # before the patch, or it would keep what it imports

    monkeypatch.setattr(kernel, "make_manager", start)
    monkeypatch.setattr(engine, "make_manager", start)


def process(*arguments, **options):
    """Start the command line as a process of its own, with the stub in the report's place."""
    code = STUB + "from servlab.studies.cli import main\nmain()\n"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
        **options,
    )


def all_gone(pid_file):
    """Say whether the processes named in the file run no more (or only wait to be reaped)."""
    pids = [int(pid) for pid in pid_file.read_text().split()]
    running = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return all(process.status() == psutil.STATUS_ZOMBIE for process in running)


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} after {seconds} s"
        time.sleep(0.02)


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "typo=1"], "toy.ipynb has no parameter 'typo'. It has: wave, n_factors, data"),
        (["-p", "wav=1"], "no parameter 'wav'. Did you mean wave?"),
        (["-p", "n_factors=abc"], "parameter n_factors must be a whole number or 'auto'; got 'abc"),
        (["-p", "x=1; import os; y=5"], "toy.ipynb has no parameter 'x'"),
        (["-p", "n_factors=1; import os; y=5"], "got '1; import os; y=5'"),
        (["-p", "import os; x=5"], "-p takes NAME=VALUE with a parameter's name before the first"),
        (["-p", "wave"], "-p takes NAME=VALUE"),
        (["-p", "wave=1", "-p", "wave=2"], "-p wave=... is given twice"),
        (["-p", "data=nowhere.csv"], "parameter data: "),
        (["-p", "data=nowhere.csv", "-p", "codebook=nowhere.toml"], "nowhere.toml does not exist"),
        (["--language", "de"], "language must be one of en, zh; got 'de'"),
        (["--timeout", "0"], "timeout must be a number of seconds above 0"),
        (["--name", "../x"], "name must be a plain file name"),
    ],
)
def test_a_wrong_call_ends_with_2_before_a_kernel_starts(
    servlab_command, toy, tmp_path, arguments, message
):
    out = tmp_path / "out"
    code, answer, said = servlab_command("run", toy(parameters=PAIR), "-o", out, *arguments)
    assert code == 2
    assert message in said
    assert answer == ""
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 4
    assert not (out / "runs").exists()


@pytest.mark.usefixtures("no_kernel")
def test_a_broken_codebook_and_a_file_it_does_not_fit_end_with_2(servlab_command, toy, tmp_path):
    data, book = tmp_path / "d.csv", tmp_path / "c.toml"
    data.write_text("a,b\n1,2\n")
    call = ["run", toy(parameters=PAIR), "-o", tmp_path / "out", "-p", f"data={data}"]
    for text, message in [
        ("title = \n", "codebook " + str(book) + " is not valid TOML"),
        ('instrument = "servqual-1991"\ntypo = 1\n', "typo: unknown key"),
        (
            'instrument = "servqual-1991"\n[batteries.perception]\ncolumns = "P{item}"\n',
            "d.csv",
        ),
    ]:
        book.write_text(text)
        code, _, said = servlab_command(*call, "-p", f"codebook={book}")
        assert code == 2
        assert message in said
        assert "Traceback" not in said
    code, _, said = servlab_command(*call)
    assert code == 2
    assert "parameter data needs codebook beside it" in said


@pytest.mark.usefixtures("no_kernel")
def test_a_missing_notebook_and_an_unknown_option_end_with_2(servlab_command, tmp_path):
    code, _, said = servlab_command("run", tmp_path / "nowhere.ipynb")
    assert code == 2
    assert "nowhere.ipynb does not exist; check the path." in said
    assert servlab_command("run", "--colour", "red")[0] == 2
    assert servlab_command("dance")[0] == 2


def test_params_lists_names_types_defaults_and_help(servlab_command, toy):
    code, answer, _ = servlab_command("params", toy(parameters=PAIR))
    assert code == 0
    assert "wave = 1\n      which wave\n      str: text" in answer
    assert "n_factors = auto" in answer


def test_version_and_help(servlab_command):
    assert servlab_command("--version") == (0, f"servlab {servlab.__version__}\n", "")
    code, answer, _ = servlab_command("--help")
    assert code == 0
    for command in ("run", "params", "codebook", "check", "study-examples", "Exit codes"):
        assert command in answer
    code, answer, _ = servlab_command("run", "--help")
    assert "servlab run quality_study" in answer


def test_help_starts_fast_without_heavy_libraries():
    code = (
        "import sys; sys.argv = ['servlab', '--help']\n"
        "from servlab.studies.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'pandas', 'numpy', 'nbformat', 'papermill', 'pydantic', 'matplotlib'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("text", ["=1", "a b=1", "1a=1", "", "a"])
def test_assignments_need_a_name(text):
    with pytest.raises(ParameterError, match="-p takes NAME=VALUE"):
        cli.assignments([text])


def test_an_error_of_our_own_is_one_line(servlab_command, toy, monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise TypeError("unexpected")

    monkeypatch.delenv("SERVLAB_DEBUG", raising=False)
    monkeypatch.setattr("servlab.studies.runner.run_study", fail)
    code, _, said = servlab_command("run", toy(), "-o", tmp_path)
    assert code == 1
    assert said == (
        "servlab: an error inside servlab: TypeError: unexpected (SERVLAB_DEBUG=1 shows where).\n"
    )


def test_codebook_drafts_and_does_not_overwrite(servlab_command, tmp_path):
    data = Path(__file__).resolve().parents[2] / "data" / "servqual_simulated.csv"
    code, answer, _ = servlab_command("codebook", data)
    assert code == 0
    assert "# guess:" in answer
    out = tmp_path / "my codebook.toml"
    code, answer, said = servlab_command("codebook", data, "-o", out)
    assert (code, answer) == (0, f"{out}\n")
    assert f"--codebook '{out}'" in said
    code, _, said = servlab_command("codebook", data, "-o", out)
    assert code == 2
    assert "exists; name another file, or add --force to replace it." in said
    assert servlab_command("codebook", data, "-o", out, "--force")[0] == 0


def test_check_says_what_would_be_read(servlab_command):
    root = Path(__file__).resolve().parents[2]
    code, answer, _ = servlab_command(
        "check",
        root / "data" / "servqual_simulated.csv",
        "--codebook",
        root / "data" / "servqual_simulated.toml",
    )
    assert code == 0
    assert "rows" in answer.splitlines()[0]
    assert answer.splitlines()[-1] == "It can be read."


def test_a_draft_that_cannot_be_written_ends_with_2(servlab_command, tmp_path):
    data = Path(__file__).resolve().parents[2] / "data" / "servqual_simulated.csv"
    code, _, said = servlab_command("codebook", data, "-o", tmp_path / "nowhere" / "c.toml")
    assert code == 2
    assert "c.toml cannot be written: No such file or directory." in said


def test_check_ends_with_1_and_lists_every_problem(servlab_command, tmp_path):
    book = Path(__file__).resolve().parents[2] / "data" / "servqual_simulated.toml"
    (tmp_path / "d.csv").write_text("a,b\n1,2\n")
    code, answer, said = servlab_command("check", tmp_path / "d.csv", "--codebook", book)
    assert (code, said) == (1, "")
    lines = answer.splitlines()
    assert lines[-1] == "It cannot be read as it is."
    assert sum(line.startswith("problem: d.csv has no column") for line in lines) > 40
    (tmp_path / "c.toml").write_text("x =")
    code, answer, said = servlab_command("check", tmp_path / "d.csv", "-c", tmp_path / "c.toml")
    assert (code, answer) == (2, "")
    assert "is not valid TOML" in said


@pytest.mark.study
def test_a_complete_run_prints_its_report_and_a_line_a_cell(toy, tmp_path):
    path = toy("# Load\nx = 1", "import warnings\nwarnings.warn('small')")
    out = tmp_path / "报告 out"
    running = process("run", path, "-p", "wave=007", "--language", "zh", "-n", "网点", "-o", out)
    answer, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert answer == f"{out / '网点.zh.html'}\n"
    assert "'wave': '007'" in (out / "网点.zh.html").read_text(encoding="utf-8")
    assert said.splitlines() == ["[1/4]", "[2/4]", "[3/4] Load", "[4/4]",
                                 "note: UserWarning: small"]  # fmt: skip


@pytest.mark.study
def test_exports_are_printed_under_the_report(servlab_command, toy, tmp_path):
    table = (
        "import pandas as pd\nfrom servlab.presentation.tables import Table\n"
        "Table(pd.DataFrame({'n': [1]}, index=['a']), caption='c', headings={'n': 'n'},\n"
        "      formats={'n': 'count'}, row_header='r')"
    )
    code, said, _ = servlab_command("run", toy(table), "-o", tmp_path, "-q", "-e", "XLSX, docx")
    assert code == 0
    names = ("toy.en.html", "toy.en.docx", "toy.en.xlsx")
    assert said.splitlines() == [str(tmp_path / name) for name in names]
    assert all((tmp_path / name).stat().st_size > 1000 for name in names)


def test_an_unknown_export_ends_with_2(servlab_command, toy, tmp_path, no_kernel):
    code, said, words = servlab_command("run", toy("1"), "-o", tmp_path, "--export", "docx,pdf")
    assert (code, said) == (2, "")
    assert words == "servlab: export must name files of docx, xlsx, tex; got 'pdf'.\n"


@pytest.mark.study
def test_a_failed_run_ends_with_1_and_one_screen(toy, tmp_path):
    (tmp_path / "toy.en.html").write_text("last good")
    path = toy("# Drivers\nx = 1\nraise ValueError('line\\n' * 500)", "print(x)")
    running = process("run", path, "-o", tmp_path)
    answer, said = running.communicate(timeout=120)
    assert running.returncode == 1
    assert answer == ""
    assert "Cell 3, section 'Drivers', line 3:" in said
    assert "ValueError: line line" in said
    assert "Left out, because they need what this cell makes: cells 4." in said
    assert "the published report is as it was" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) < 24
    assert (tmp_path / "toy.en.html").read_text() == "last good"


SLOW = """\
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pid", "w").write(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""


@pytest.mark.study
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
)
def test_a_signal_stops_the_run_with_its_kernel(toy, tmp_path, number, code):
    path = toy(SLOW)
    pid_file = path.parent / "pid"
    running = process("run", path, "-o", tmp_path / "out")
    wait_for(lambda: pid_file.exists() and pid_file.read_text(), "kernel")
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == code, said
    assert "Traceback" not in said
    assert "the published report is as it was." in said
    wait_for(lambda: all_gone(pid_file), "end of the kernel and its child", 10)


@pytest.mark.study
def test_sigkill_leaves_the_previous_report_and_no_half_file(toy, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "toy.en.html").write_text("last good")
    path = toy(SLOW)
    pid_file = path.parent / "pid"
    running = process("run", path, "-o", out)
    wait_for(lambda: pid_file.exists() and pid_file.read_text(), "kernel")
    running.kill()
    running.communicate(timeout=60)
    assert [p.name for p in sorted(out.iterdir())] == ["runs", "toy.en.html"]
    assert (out / "toy.en.html").read_text() == "last good"
    wait_for(lambda: all_gone(pid_file), "end of the orphaned kernel and its child", 30)


@pytest.mark.study
def test_sigkill_while_publishing_leaves_the_previous_report(toy, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "toy.en.html").write_text("last good")
    # the process kills itself between writing the new report and renaming it into place
    dying = (
        "import os, signal\n"
        "from servlab.studies import publish\n"
        "real = os.replace\n"
        "def replace(a, b):\n"
        "    if str(b).endswith('toy.en.html'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(a, b)\n"
        "publish.os.replace = replace\n"
    )
    path = toy("x = 1")
    code = STUB + dying + "from servlab.studies.cli import main\nmain()\n"
    command = [sys.executable, "-c", code, "run", str(path), "-o", str(out)]
    ended = subprocess.run(command, capture_output=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    assert (out / "toy.en.html").read_text() == "last good"
    assert len(list(out.glob(".servlab-*"))) == 1
    running = process("run", path, "-o", out)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert (out / "toy.en.html").read_text().startswith("<html")
    assert list(out.glob(".servlab-*")) == []
