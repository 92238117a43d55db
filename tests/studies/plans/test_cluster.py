"""The same plan on a dask cluster gives the same bytes; failures come back as from one machine."""

import json
import os
import re
import signal
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

import pytest
from typer.testing import CliRunner

from servlab.core.errors import ParameterError, StudyError
from servlab.studies.cli import app
from servlab.studies.plans import cluster
from servlab.studies.plans.cluster import cluster_executor
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
from tests.studies.toys import IMPORTS, write_notebook

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.study

PLAN = """
name = "cluster"
out = "{out}"
workers = 1
[[study]]
notebook = "toy.ipynb"
name = "{{branch}}"
[study.parameters]
branch = "{{branch}}"
[study.matrix]
branch = [{branches}]
"""
CELLS = (
    "from servlab.studies.results import record",
    # the kernel's parent is the worker's warm process, and that one's the worker
    "import psutil\nif branch == 'deadly':\n    psutil.Process().parent().parent().kill()",
    "print(branch)\nrecord('branch', branch)",
)
EVERYTHING = """
name = "cluster"
out = "{out}"
workers = 1
on_failure = ["{python}", "-c", "import sys; open('{out}.said', 'w').write(sys.stdin.read())"]
[[study]]
notebook = "rich.ipynb"
name = "north"
languages = ["en", "zh"]
export = ["docx", "xlsx", "tex"]
[study.parameters]
branch = "north"
[[study]]
notebook = "rich.ipynb"
name = "ill"
[study.parameters]
branch = "ill"
[[study]]
notebook = "rich.ipynb"
name = "slow"
timeout = 3
[study.parameters]
branch = "slow"
"""
RICH = (
    """
import time
import pandas as pd
from servlab.presentation.tables import Table
from servlab.studies.results import record
record('branch', branch)
record('gap', 1 / 3)
open('prices.csv').read()
if branch == 'slow':
    time.sleep(600)
Table(pd.DataFrame({"gap": [1 / 3, None]}, index=["Security", "城"]), caption="Gaps",
      headings={"gap": "Gap"}, formats={"gap": "signed"}, row_header="Dimension",
      language=language)
""",
    "if branch == 'ill':\n    1 / 0",
)
STUDIES = ("north.en", "north.zh", "ill.en", "slow.en")
MOMENTS = ("pid", "host", "started", "seconds", "cells")  # of a manifest: of the clock, the machine


@pytest.fixture(scope="module")
def local():
    import dask

    # dask would give a study whose worker died to another worker three times
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as made,
    ):
        yield made.scheduler_address


@pytest.fixture
def plan(tmp_path):
    parameters = 'branch: str = ""\nlanguage: Literal["en", "zh"] = "en"'
    write_notebook(tmp_path / "toy.ipynb", IMPORTS, ("parameters", parameters), *CELLS)

    def make(*branches, out="reports"):
        path = tmp_path / f"{out}.toml"
        listed = ", ".join(f'"{branch}"' for branch in branches)
        path.write_text(PLAN.format(out=out, branches=listed))
        return path

    return make


@pytest.fixture(scope="module")
def both(tmp_path_factory, local):
    """Return a folder whose plan was run on this machine and on the cluster, by its command."""
    folder = tmp_path_factory.mktemp("both")
    parameters = 'branch: str = ""\nlanguage: Literal["en", "zh"] = "en"'
    write_notebook(folder / "rich.ipynb", IMPORTS, ("parameters", parameters), *RICH)
    (folder / "prices.csv").write_text("a\n1\n", encoding="utf-8")
    ended = {}
    for out, more in (("here", []), ("there", ["--scheduler", local])):
        plan = folder / f"{out}.toml"
        plan.write_text(EVERYTHING.format(out=out, python=sys.executable), encoding="utf-8")
        ended[out] = CliRunner().invoke(app, ["plan", "run", str(plan), *more])
    return folder, ended


def test_a_plan_on_a_cluster_publishes_the_bytes_of_one_machine(both):
    folder, _ = both
    here, there = ({p.name: p for p in (folder / out).iterdir()} for out in ("here", "there"))
    forms = ("html", "docx", "tex", "xlsx")
    reports = {f"north.{language}.{form}" for language in ("en", "zh") for form in forms}
    assert {*here} == {*there} >= reports
    assert {*here} - reports == {"index.html", "index.en.html", "index.zh.html", "runs"}
    for name in sorted(reports):
        assert here[name].read_bytes() == there[name].read_bytes(), name
    for name in ("index.html", "index.en.html", "index.zh.html"):
        ours, theirs = (without_moments(pages[name].read_text("utf-8")) for pages in (here, there))
        assert ours == theirs
        assert "ill" in ours


def test_a_plan_on_a_cluster_leaves_the_evidence_of_one_machine(both):
    folder, _ = both
    for study in STUDIES:
        ours, theirs = (newest(folder / out, study) for out in ("here", "there"))
        names = {path.name for path in ours.iterdir()}
        assert names == {path.name for path in theirs.iterdir()} >= {"report.html", "manifest.json"}
        assert ("tables.docx" in names) == study.startswith("north")
        for name in sorted(names - {"manifest.json", "executed.ipynb"}):
            assert (ours / name).read_bytes() == (theirs / name).read_bytes(), (study, name)
        manifests = [
            json.loads((run / "manifest.json").read_text("utf-8")) for run in (ours, theirs)
        ]
        timings = [[{**c, "seconds": 0} for c in one["cells"]] for one in manifests]
        assert timings[0] == timings[1]
        assert without(manifests[0], MOMENTS) == without(manifests[1], MOMENTS)
        ours, theirs = (
            json.loads((run.parent / "last.json").read_text("utf-8")) for run in (ours, theirs)
        )
        assert without(ours, (*MOMENTS, "folder")) == without(theirs, (*MOMENTS, "folder"))
    for study in ("north.en", "north.zh"):
        ours, theirs = (
            json.loads((folder / out / "runs" / study / "published.json").read_text("utf-8"))
            for out in ("here", "there")
        )
        assert ours["reads"].keys() == {"prices.csv"}
        assert without(ours, ("folder", "finished")) == without(theirs, ("folder", "finished"))


def test_what_a_cluster_made_is_current_here_and_what_failed_there_failed(both):
    folder, _ = both
    for out in ("here", "there"):
        states = plan_status(read_plan(folder / f"{out}.toml"))
        assert [s.state for s in states] == ["current"] * 2 + ["failed"] * 2


def test_failures_come_back_from_a_cluster_as_from_one_machine(both):
    folder, ended = both
    assert [ended[out].exit_code for out in ("here", "there")] == [1, 1]
    ours, theirs = ((folder / f"{out}.said").read_text("utf-8") for out in ("here", "there"))
    assert without_folders(ours) == without_folders(theirs)
    assert ours.count("ZeroDivisionError") >= 1
    assert "the study's time of 3 s was used up in this cell" in ours
    assert [ours.count(f"{study} failed.") for study in STUDIES] == [0, 0, 1, 1]
    ours, theirs = (sorted(without_folders(ended[out].stderr).splitlines()) for out in ended)
    assert ours == theirs


def test_a_worker_that_dies_fails_its_study_only(plan, local):
    ended = run_plan(plan("deadly", "well"), executor=cluster_executor(local))
    deadly, well = ended.outcomes
    assert (deadly.status, well.status) == ("failed", "complete")
    assert "the worker that ran the study was lost" in deadly.failures[0].error


def test_a_scheduler_that_dies_fails_the_studies_it_had_by_name(plan):
    class Task:
        def result(self):
            raise distributed.client.FutureCancelledError("study", "scheduler-connection-lost")

    (study,) = read_plan(plan("north")).studies
    future = Future()
    cluster.ClusterExecutor(1, None)._pass_on(study, future, Task())
    (failure,) = future.result().failures
    assert failure.error.startswith("the dask scheduler was lost (")
    assert failure.error.endswith("run the plan again.")


def test_a_stop_ends_the_kernels_of_this_plan(plan, tmp_path, local):
    write_notebook(
        tmp_path / "toy.ipynb", IMPORTS,
        ("parameters", 'branch: str = ""\nlanguage: Literal["en", "zh"] = "en"'),
        "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)",
    )  # fmt: skip

    def stop_when_it_runs(event, facts):
        if event == "started":
            wait_for(tmp_path / "pid")
            os.kill(os.getpid(), signal.SIGTERM)

    executor = cluster_executor(local)
    ended = run_plan(plan("north"), executor=executor, said=delayed(stop_when_it_runs))
    assert ended.exit_code == 128 + signal.SIGTERM
    pid = int((tmp_path / "pid").read_text())
    assert not os.path.exists(f"/proc/{pid}")
    # at once, and not when the worker has got round to it: the next run may start now
    last = json.loads((tmp_path / "reports/runs/north.en/last.json").read_text("utf-8"))
    assert (last["status"], last["failures"]) == ("interrupted", [])
    (state,) = plan_status(read_plan(plan("north")))
    assert (state.state, ended.outcomes) == ("missing", ())


def test_a_worker_with_other_packages_is_refused(plan, local, monkeypatch):
    monkeypatch.setattr(cluster, "all_versions", lambda: {"pandas": "0.1"})
    with pytest.raises(ParameterError, match=r"would give other reports: it has .*pandas .* 0\.1"):
        run_plan(plan("north"), executor=cluster_executor(local))


def test_a_worker_says_what_it_started_with_and_not_what_was_installed_since(tmp_path, monkeypatch):
    # its modules are loaded: what lies on its disk now is not what would make its reports
    cluster._at_start.cache_clear()
    before = cluster._about(str(tmp_path))
    monkeypatch.setattr(cluster, "all_versions", lambda: {"pandas": "99"})
    assert cluster._about(str(tmp_path)) == before
    assert before[1] != {"pandas": "99"}


def test_a_worker_that_ends_ends_its_warm_process_though_another_thread_started_it(monkeypatch):
    in_use, ends, said = ContextVar("in_use"), [], []

    @contextmanager
    def warm():
        before = in_use.set("socket")
        yield "socket"
        in_use.reset(before)
        said.append("ended")

    monkeypatch.setattr(cluster, "warm_kernels", warm)
    monkeypatch.setattr(cluster, "_WARM", ExitStack())
    monkeypatch.setattr(cluster, "_SOCKETS", [])
    monkeypatch.setattr(cluster, "run_one", lambda study: study)
    monkeypatch.setattr("atexit.register", lambda call, *given: ends.append((call, given)))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(cluster._run_here, "study", "mark").result() == "study"
    ((call, given),) = ends
    call(*given)
    assert said == ["ended"]


def test_where_the_warm_process_of_a_worker_does_not_start_kernels_start_cold(monkeypatch):
    def none():
        raise StudyError("no room.")

    monkeypatch.setattr(cluster, "warm_kernels", none)
    assert cluster._start_warm() is None


def test_a_scheduler_that_does_not_answer_is_named(plan, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ParameterError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:1"):
        run_plan(plan("north"), executor=cluster_executor("tcp://127.0.0.1:1"))


def without(record, names):
    return {name: value for name, value in record.items() if name not in names}


def newest(out, study):
    return max(path for path in (out / "runs" / study).iterdir() if path.is_dir())


def without_moments(page):
    """Return a page without what is of the clock and the folder."""
    page = re.sub(r"<time[^>]*>[^<]*", "", page)
    return re.sub(r"\d{8}T\d{6}Z-", "", page).replace("there", "here")


def without_folders(text):
    """Return lines without run folders, durations and the order in which studies ended."""
    text = re.sub(r"\d{8}T\d{6}Z-|\d+\.\d s|^\[\d/\d\] ", "", text, flags=re.MULTILINE)
    return text.replace("there", "here")


def wait_for(path):
    for _ in range(300):
        if path.exists() and path.read_text():
            return
        signal.sigtimedwait([], 0.1)
    raise AssertionError(f"{path} did not come")


def delayed(call):
    """Return a listener that acts in a thread of its own, so that the plan goes on meanwhile."""
    import threading

    def said(event, facts):
        threading.Thread(target=call, args=(event, facts), daemon=True).start()

    return said
