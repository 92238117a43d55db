"""Cells run in the interpreter's own kernel under a study's rules, and the kernel always ends."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from servlab.core.errors import StudyError
from servlab.studies import engine, kernel
from servlab.studies.notebook import read_notebook
from servlab.studies.parameters import check_values, schema_of

pytestmark = pytest.mark.study


def run(path, given=None, *, language="en", timeout=60.0, progress=lambda _: None):
    book = read_notebook(path)
    values = check_values(schema_of(book), given or {}, folder=book.path.parent)
    return engine.execute(book, values, language=language, timeout=timeout, progress=progress)


def statuses(execution):
    return [outcome.status for outcome in execution.outcomes if outcome.cell.number > 2]


def texts(execution):
    return [
        output.get("text") or output.get("data", {}).get("text/plain")
        for cell in execution.node.cells
        for output in cell.get("outputs", ())
        if output.output_type != "error"
    ]


def is_gone(pid):
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_parameters_arrive_as_values_of_their_types(toy):
    path = toy(
        "print(repr((day, data, items, wave, n)))",
        parameters="day: date = date(2026, 1, 1)\ndata: Path | None = None\n"
        'items: list[str] = []\nwave: str = "1"\nn: int | None = 5',
    )
    folder = str(path.parent)
    execution = run(
        path,
        {"day": "2026-02-28", "data": folder, "items": 'it\'s,"x"', "wave": "007", "n": "none"},
    )
    expected = (
        f"(datetime.date(2026, 2, 28), PosixPath({folder!r}), [\"it's\", '\"x\"'], '007', None)\n"
    )
    assert texts(execution) == [expected]


def test_what_depends_on_a_failed_cell_is_left_out_and_the_rest_runs(toy):
    seen = []
    execution = run(
        toy(
            "a = 1",
            "# Broken\nb = a\nc = 1 / 0",
            "print(b)",
            "d = b + 1",
            "print(d)",
            "print('free', a)",
            "b = 5\nprint(b)",
            "print('healed', b)",
        ),
        progress=seen.append,
    )
    assert statuses(execution) == [
        "done", "failed", "skipped", "skipped", "skipped", "done", "done", "done",
    ]  # fmt: skip
    assert texts(execution) == ["free 1\n", "5\n", "healed 5\n"]
    failed = execution.outcomes[3]
    assert (failed.error, failed.line) == ("ZeroDivisionError: division by zero", 3)
    assert [(o.because, o.needs) for o in execution.outcomes[4:7]] == [
        (4, ("b",)), (4, ("b",)), (4, ("d",)),
    ]  # fmt: skip
    assert [(s.number, s.section, s.status) for s in seen if s.number == 4] == [
        (4, "Broken", "running"), (4, "Broken", "failed"),
    ]  # fmt: skip
    assert {s.total for s in seen} == {10}


@pytest.mark.parametrize(
    "cell", [("required", "raise ValueError('no data')"), "x = (", ("required", "import nothing")]
)
def test_a_required_cell_and_one_that_cannot_be_told_stop_the_study(toy, cell):
    execution = run(toy(cell, "print('free')"))
    assert statuses(execution) == ["failed", "not_run"]
    assert texts(execution) == []


def folders():
    """Return the folders that kernels of this process have."""
    return set(Path(kernel.tempfile.gettempdir()).glob(f"{kernel.PREFIX}{os.getpid()}-*"))


def test_the_time_ends_the_kernel_with_its_children(toy, tmp_path):
    pids = tmp_path / "pids"
    before = folders()  # the warm process of other tests may have one
    code = f"""
import os, subprocess, sys, time
nap = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(nap)
away = subprocess.Popen(nap, start_new_session=True)
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}} {{away.pid}}")
time.sleep(600)
"""
    for timeout in (5.0, 20.0, 60.0):  # a busy machine may not even start a kernel in 5 s
        execution = run(toy(code, "print(1)"), timeout=timeout)
        if pids.exists():
            break
    assert statuses(execution) == ["failed", "not_run"]
    error = execution.outcomes[2].error
    assert error.startswith(f"the study's time of {timeout:g} s was used up in this cell")
    assert all(is_gone(int(pid)) for pid in pids.read_text().split())
    assert folders() == before


def test_a_dead_kernel_is_a_failed_cell(toy):
    words = "import os, signal\nos.write(2, b'out of luck\\n')\n"
    execution = run(toy(words + "os.kill(os.getpid(), signal.SIGKILL)", "print(1)"))
    assert statuses(execution) == ["failed", "not_run"]
    assert execution.outcomes[2].error.startswith("the kernel died in this cell")


def test_an_endless_print_is_stopped(toy, monkeypatch):
    monkeypatch.setattr(engine, "OUTPUT_LIMIT", 200_000)
    execution = run(toy("while True:\n    print('x' * 1000)"), timeout=60.0)
    assert execution.outcomes[2].error.startswith("the cells wrote more than 200,000 characters")


def test_nobodys_configuration_matters(toy, tmp_path, monkeypatch):
    home = tmp_path / "home"
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("planted = 1\n")
    (startup.parent / "ipython_config.py").write_text("c.InteractiveShell.ast_node_interactivity=1")
    kernels = home / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernels.mkdir(parents=True)
    (kernels / "kernel.json").write_text('{"argv": ["false"], "display_name": "x"}')
    for name in ("python3", "servlab"):
        (kernels.parent / name).mkdir(exist_ok=True)
        (kernels.parent / name / "kernel.json").write_text('{"argv": ["false"]}')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONSTARTUP", str(startup / "00.py"))
    monkeypatch.setenv("PYTHONHASHSEED", "5")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    code = """
import os, sys
print('planted' in globals(), sys.executable, sys.flags.hash_randomization)
print([os.environ[n] for n in ('SERVLAB_LANGUAGE', 'SERVLAB_RUN', 'PYTHONHASHSEED',
                               'OMP_NUM_THREADS')])
print(os.getcwd(), sys.path[0] == '')
"""
    path = toy(code)
    execution = run(path, language="zh")
    assert texts(execution)[0].splitlines() == [
        f"False {sys.executable} 0",
        "['zh', '1', '0', '1']",
        f"{path.parent} True",
    ]


def test_charts_do_not_take_a_users_matplotlibrc(toy, tmp_path, monkeypatch):
    config = tmp_path / "mpl"
    config.mkdir()
    (config / "matplotlibrc").write_text("lines.linewidth: 77\n")
    monkeypatch.setenv("MPLCONFIGDIR", str(config))
    execution = run(toy("import matplotlib\nprint(matplotlib.rcParams['lines.linewidth'])"))
    assert texts(execution)[-1] == "1.5\n"


def test_a_kernel_that_does_not_start_says_why(toy, monkeypatch):
    monkeypatch.setattr(kernel.sys, "executable", "/bin/false")
    with pytest.raises(StudyError, match="the study's kernel did not start"):
        run(toy("print(1)"))


def test_leftovers_of_dead_kernels_are_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(kernel.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(kernel, "is_alive", lambda pid: pid == 2)
    for pid in (1, 2):
        (tmp_path / f"{kernel.PREFIX}{pid}-abc").mkdir()
    with kernel.kernel_folder() as folder:
        assert folder.parent == tmp_path
        assert not (tmp_path / f"{kernel.PREFIX}1-abc").exists()
        assert (tmp_path / f"{kernel.PREFIX}2-abc").exists()
    assert not folder.exists()
