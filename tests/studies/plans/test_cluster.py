"""The same plan on a dask cluster gives the same bytes; failures come back as from one machine."""

import os
import signal

import pytest

from servlab.core.errors import ParameterError
from servlab.studies.plans import cluster
from servlab.studies.plans.cluster import cluster_executor
from servlab.studies.plans.run import run_plan
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
    "import os\nfrom servlab.studies.results import record\nif branch == 'ill':\n    1 / 0",
    # the kernel's parent is the worker's warm process, and that one's the worker
    "import psutil\nif branch == 'deadly':\n    psutil.Process().parent().parent().kill()",
    "print(branch)\nrecord('branch', branch)",
)


@pytest.fixture(scope="module")
def local():
    import dask

    # dask would give a study whose worker died to another worker three times
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
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


def test_a_plan_on_a_cluster_gives_the_bytes_of_one_machine(plan, tmp_path, local):
    here = run_plan(plan("north", "south", out="here"))
    there = run_plan(plan("north", "south", out="there"), executor=cluster_executor(local))
    assert [o.status for o in (*here.outcomes, *there.outcomes)] == ["complete"] * 4
    for name in ("north.en.html", "south.en.html"):
        ours, theirs = ((tmp_path / out / name).read_bytes() for out in ("here", "there"))
        assert ours == theirs
    again = run_plan(plan("north", "south", out="there"))
    assert (again.outcomes, [s.state for s in again.before]) == ((), ["current"] * 2)


def test_a_failing_study_comes_back_with_its_error_and_its_evidence(plan, local):
    ended = run_plan(plan("ill", "well"), executor=cluster_executor(local))
    ill, well = ended.outcomes
    assert (ended.exit_code, ill.status, well.status) == (1, "failed", "complete")
    assert "ZeroDivisionError" in ill.failures[0].error
    assert "ZeroDivisionError" in ill.report.read_text(encoding="utf-8")


def test_a_worker_that_dies_fails_its_study_only(plan, local):
    ended = run_plan(plan("deadly", "well"), executor=cluster_executor(local))
    deadly, well = ended.outcomes
    assert (deadly.status, well.status) == ("failed", "complete")
    assert "the worker that ran the study was lost" in deadly.failures[0].error


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
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            break
        signal.sigtimedwait([], 0.1)
    assert not os.path.exists(f"/proc/{pid}")


def test_a_worker_with_other_packages_is_refused(plan, local, monkeypatch):
    monkeypatch.setattr(cluster, "versions", lambda: {"pandas": "0.1"})
    with pytest.raises(ParameterError, match=r"would give other reports: it has .*pandas .* 0\.1"):
        run_plan(plan("north"), executor=cluster_executor(local))


def test_a_scheduler_that_does_not_answer_is_named(plan, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ParameterError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:1"):
        run_plan(plan("north"), executor=cluster_executor("tcp://127.0.0.1:1"))


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
