"""Real processes and kernels: signals, deaths, time limits, two schedulers at once."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from servlab.studies.plans.plan import PlannedStudy
from servlab.studies.plans.processes import ProcessExecutor
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
from tests.studies.toys import write_notebook

pytestmark = pytest.mark.study

HOLDS = """\
import os, time
from pathlib import Path
Path(f"pid-{number}").write_text(str(os.getpid()))
while Path(f"hold-{number}").exists():
    time.sleep(0.05)
print("study", number)
"""
PLAN = """\
workers = 1
timeout = 60
[[study]]
notebook = "toy.ipynb"
name = "{number}"
[study.parameters]
number = "{number}"
[study.matrix]
number = [1, 2]
"""


@pytest.fixture
def folder(tmp_path):
    """Two studies; each waits while a file ``hold-NUMBER`` lies beside the notebook."""
    folder = tmp_path / "nightly plan"
    write_notebook(folder / "toy.ipynb", ("parameters", "number: int = 1"), HOLDS)
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return folder


def start(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "servlab", "plan", "run", str(folder / "plan.toml"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"PYTHONUTF8": "1"},
    )


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"no {what} after {seconds} s"
        time.sleep(0.02)


def pid(folder, number):
    path = folder / f"pid-{number}"
    wait_for(lambda: path.exists() and path.read_text(), f"kernel of study {number}")
    return int(path.read_text())


def gone(number):
    return not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


def states(folder):
    return {
        s.study.name: (s.state, s.reasons) for s in plan_status(read_plan(folder / "plan.toml"))
    }


def test_a_signal_stops_cleanly_a_second_runner_leaves_and_the_next_runs_what_is_missing(folder):
    (folder / "hold-2").write_text("")
    running = start(folder, "--log-json")
    kernel = pid(folder, 2)
    second = start(folder)
    out, said = second.communicate(timeout=60)
    assert (second.returncode, out) == (3, "")
    assert f"is being run by process {running.pid} on " in said
    assert states(folder)["1"] == ("current", ())
    assert states(folder)["2"][0] == "running"
    running.send_signal(signal.SIGTERM)
    out, said = running.communicate(timeout=60)
    assert running.returncode == 143
    assert "Traceback" not in said
    assert "published reports are as they were" in said
    events = [json.loads(line) for line in out.splitlines()]
    assert [e.get("study") for e in events if e["event"] == "ended"] == ["1.en"]
    wait_for(lambda: gone(kernel), "end of the kernel", 10)
    assert states(folder)["2"] == (
        "missing", ("its last run was stopped before it ended", "it was never run"),
    )  # fmt: skip
    (folder / "hold-2").unlink()
    third = start(folder)
    out, said = third.communicate(timeout=120)
    assert third.returncode == 0, said
    assert out.splitlines() == [str(folder / "reports" / "2.en.html")]
    assert "1 current, 1 run" in said


def test_a_killed_scheduler_takes_its_kernels_along_and_holds_nobody_up(folder):
    (folder / "hold-1").write_text("")
    running = start(folder)
    kernel = pid(folder, 1)
    running.kill()
    running.communicate(timeout=60)
    wait_for(lambda: gone(kernel), "end of the orphaned kernel", 30)
    (folder / "hold-1").unlink()
    waited = start(folder, "--wait", "30")
    out, said = waited.communicate(timeout=120)
    assert waited.returncode == 0, said
    assert len(out.splitlines()) == 2


def test_a_killed_kernel_and_a_hanging_one_fail_their_studies_only(folder):
    text = PLAN.replace("workers = 1", "workers = 2").replace("timeout = 60", "timeout = 5")
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    (folder / "hold-1").write_text("")
    (folder / "hold-2").write_text("")
    seen = {}

    def said(event, facts):
        if event == "ended":
            seen[facts["study"].name] = facts["outcome"]

    import threading

    def kill():
        os.kill(pid(folder, 2), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    run = run_plan(folder / "plan.toml", said=said)
    killer.join()
    assert (run.exit_code, len(run.failed)) == (1, 2)
    assert "the kernel died in this cell" in seen["2"].failures[0].error
    assert "the study's time of 5 s was used up in this cell" in seen["1"].failures[0].error
    assert gone(pid(folder, 1))
    assert not [p for p in (folder / "reports").glob("*.html") if not p.name.startswith("index")]
    assert states(folder)["1"][0] == "failed"


def test_a_worker_that_dies_fails_its_study_and_the_next_gets_a_new_one(folder):
    (folder / "hold-1").write_text("")
    executor = ProcessExecutor(1)
    first, second = read_plan(folder / "plan.toml").studies
    assert isinstance(first, PlannedStudy)
    futures = [executor.submit(first), executor.submit(second)]
    kernel = pid(folder, 1)
    (worker,) = executor._processes.values()
    os.kill(worker.pid, signal.SIGKILL)
    outcome = futures[0].result(timeout=60)
    assert (outcome.status, outcome.failures[0].section) == ("failed", "worker")
    assert "was killed by signal 9 (out of memory?)" in outcome.failures[0].error
    assert futures[1].result(timeout=60).status == "complete"
    executor.close()
    wait_for(lambda: gone(kernel), "end of the kernel", 10)


def test_a_process_that_cannot_be_started_is_its_studys_failure(folder, monkeypatch):
    import servlab.studies.plans.processes as processes

    def refuse(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(processes, "warm_kernels", contextlib.nullcontext)
    monkeypatch.setattr(processes.subprocess, "Popen", refuse)
    executor = ProcessExecutor(2)
    futures = [executor.submit(study) for study in read_plan(folder / "plan.toml").studies]
    for future in futures:
        outcome = future.result(timeout=10)
        assert (outcome.status, outcome.failures[0].section) == ("failed", "worker")
        assert "no process could be started for it: Resource temp" in outcome.failures[0].error
    executor.close()


def test_where_the_warm_process_does_not_start_kernels_start_cold(folder, monkeypatch):
    from servlab.studies.warm import kernels

    monkeypatch.setattr(kernels, "START_SECONDS", 0.0)  # as if it hung while importing
    executor = ProcessExecutor(1)
    study = read_plan(folder / "plan.toml").studies[0]
    assert executor.submit(study).result(timeout=60).status == "complete"
    assert executor._kernels is None
    executor.close()


@pytest.mark.parametrize("answer", ["b'no outcome'", "b''"])
def test_a_worker_that_answers_nonsense_and_lives_on_fails_its_study(folder, monkeypatch, answer):
    import servlab.studies.plans.processes as processes

    source = f"import os, time; os.write(1, {answer}); os.close(1); time.sleep(60)"
    monkeypatch.setattr(processes, "COMMAND", (sys.executable, "-c", source))
    monkeypatch.setattr(processes, "PATIENCE", 0.2)
    executor = ProcessExecutor(1, forks=False)
    outcome = executor.submit(read_plan(folder / "plan.toml").studies[0]).result(timeout=30)
    assert (outcome.status, outcome.failures[0].section) == ("failed", "worker")
    assert "gave no outcome" in outcome.failures[0].error
    assert "signal" not in outcome.failures[0].error  # it was ended by us, not by lack of memory
    executor.close()
