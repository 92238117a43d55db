"""A forked kernel gives what a cold one gives, knows of no other study, and ends for certain."""

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest

from servlab.core.errors import StudyError
from servlab.studies.runner import run_study
from servlab.studies.warm import kernels
from servlab.studies.warm.kernels import use_warm_kernels, warm_kernels

pytestmark = [
    pytest.mark.study,
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only"),
]
RECORD = "from servlab.studies.results import record\n"


@pytest.fixture(scope="module")
def socket_path():
    with warm_kernels() as path:
        yield path


@pytest.fixture
def warm(socket_path):
    """Let the studies of one test fork their kernels."""
    before = kernels._SOCKET.set(socket_path)
    yield socket_path
    kernels._SOCKET.reset(before)


def values(run):
    return {name: recorded.value for name, recorded in run.results.items()}


def run(path, tmp_path, **options):
    return run_study(path, out=tmp_path / "out", **options)


def test_the_report_of_a_forked_kernel_has_the_bytes_of_a_cold_one(toy, tmp_path, socket_path):
    path = toy(
        "import warnings\nimport servlab as sl\nimport numpy as np\n"
        "survey = sl.load_example('servqual')\ngaps = sl.gap_scores(survey)",
        "sl.plot_gaps(gaps)",
        "sl.table(gaps)",
        "warnings.warn('seen')\nsl.record('gaps', gaps)",
    )
    cold = run(path, tmp_path / "cold")
    token = kernels._SOCKET.set(socket_path)
    warm = run(path, tmp_path / "warm")
    kernels._SOCKET.reset(token)
    assert (cold.status, warm.status) == ("complete", "complete")
    assert warm.report.read_bytes() == cold.report.read_bytes()
    for name in ("executed.ipynb", "results.json", "results.parquet"):
        assert (warm.folder / name).read_bytes() == (cold.folder / name).read_bytes(), name


def test_a_study_leaves_nothing_behind_for_the_next(toy, tmp_path, warm, stub_report):
    path = toy(
        RECORD + "import os, sys, pandas, numpy\n"
        "record('seen', hasattr(pandas, 'mark'))\nrecord('env', 'MARK' in os.environ)\n"
        "record('draw', int(numpy.random.randint(2**31)))\nrecord('pid', os.getpid())\n"
        "record('parent', os.getppid())\nrecord('here', os.getcwd())\n"
        "record('path', sys.path[0])\nrecord('language', os.environ['SERVLAB_LANGUAGE'])",
        "pandas.mark = 1\nos.environ['MARK'] = '1'\nos.chdir('/')",
    )
    one, two = (values(run(path, tmp_path, name=name)) for name in ("one", "two"))
    assert (two["seen"], two["env"]) == (False, False)
    assert one["draw"] != two["draw"]
    assert one["pid"] != two["pid"]
    assert one["parent"] == two["parent"] != os.getpid()
    assert two["here"] == str(path.parent)
    assert (two["path"], two["language"]) == ("", "en")


def test_the_environment_of_the_moment_reaches_the_kernel(
    toy, tmp_path, warm, stub_report, monkeypatch
):
    monkeypatch.setenv("SERVLAB_TEST_SECRET", "hidden-value-7")
    path = toy(RECORD + "import os\nrecord('length', len(os.environ['SERVLAB_TEST_SECRET']))")
    assert values(run(path, tmp_path))["length"] == 14


def test_the_time_ends_a_forked_kernel_with_its_children(toy, tmp_path, warm, stub_report):
    pids = tmp_path / "pids"
    path = toy(
        "import os, subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')",
        "time.sleep(600)",
    )
    ended = run(path, tmp_path, timeout=4)
    assert ended.status == "failed"
    assert "the study's time of 4 s was used up" in ended.failures[0].error
    wait_until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


def test_a_forked_kernel_that_dies_is_a_failed_cell_and_the_next_study_runs(
    toy, tmp_path, warm, stub_report
):
    died = run(toy("import os\nos.kill(os.getpid(), 9)", "x = 1"), tmp_path)
    assert "the kernel died in this cell" in died.failures[0].error
    assert run(toy("x = 1"), tmp_path).status == "complete"


def test_its_last_words_are_told(toy, tmp_path, warm, stub_report):
    died = run(toy("import os\nos.write(2, b'out of luck')\nos._exit(3)"), tmp_path)
    assert "out of luck" in died.failures[0].error


def test_without_the_warm_process_a_study_starts_cold(toy, tmp_path, stub_report):
    with warm_kernels() as path:
        (process,) = (
            p for p in psutil.Process().children() if "servlab.studies.warm.process" in p.cmdline()
            and p.cmdline()[-1].isdigit() and os.path.dirname(path) in p.environ()["IPYTHONDIR"]
        )  # fmt: skip
        process.kill()
        process.wait(10)
        ended = run(toy(RECORD + "import os\nrecord('parent', os.getppid())"), tmp_path)
    assert (ended.status, values(ended)["parent"]) == ("complete", os.getpid())


ESCAPES = """\
import os, signal, subprocess, sys, time
wait = "import signal, time\\nfor n in 1, 2, 15: signal.signal(n, 1)\\ntime.sleep(600)"
own = subprocess.Popen([sys.executable, "-c", wait], start_new_session=True).pid
reader, writer = os.pipe()
if os.fork() == 0:  # a daemon: a session of its own, and a parent that ends
    os.setsid()
    if (pid := os.fork()) != 0:
        os.write(writer, str(pid).encode())
        os._exit(0)
    time.sleep(600)
    os._exit(0)
daemon = int(os.read(reader, 20))
open({pids!r}, "w").write(" ".join(map(str, (os.getpid(), own, daemon))))
"""


@pytest.mark.parametrize("ending", ["os.kill(os.getpid(), 9)", "x = 1"])
def test_nothing_outlives_a_kernel_whatever_it_did_to_get_away(
    toy, tmp_path, warm, stub_report, ending
):
    run(toy(ESCAPES.format(pids=str(tmp_path / "pids")) + ending), tmp_path)
    wait_until(lambda: not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()))


def test_a_client_that_goes_away_at_once_harms_nobody(toy, tmp_path, warm, stub_report):
    for word in (b"", b"x"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(warm)
            client.send(word)
    ended = run(toy(RECORD + "import os\nrecord('parent', os.getppid())"), tmp_path)
    assert values(ended)["parent"] != os.getpid()  # forked still


def test_a_folder_for_temporary_files_with_a_long_name_or_without_room(
    toy, tmp_path, stub_report, monkeypatch
):
    place = tmp_path / ("城" * 60)
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    with warm_kernels():
        ended = run(toy(RECORD + "import os\nrecord('parent', os.getppid())"), tmp_path)
    assert (ended.status, values(ended)["parent"] != os.getpid()) == ("complete", True)
    assert list(place.iterdir()) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    said = "temporary files of a kernel cannot be written to .*none: No such file.*TMPDIR"
    with pytest.raises(StudyError, match=said):
        warm_kernels().__enter__()
    with pytest.raises(StudyError, match=said):
        run(toy("x = 1"), tmp_path)


def test_kernels_end_with_the_warm_process(toy, tmp_path, stub_report):
    path = toy(
        ESCAPES.format(pids=str(tmp_path / "pids")), "os.kill(os.getppid(), 9)\ntime.sleep(600)"
    )
    with warm_kernels():
        ended = run(path, tmp_path)
    assert "the kernel died in this cell" in ended.failures[0].error
    wait_until(lambda: not any(alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()))


def test_a_process_that_does_not_start_says_why(monkeypatch):
    monkeypatch.setattr(kernels.sys, "executable", "/bin/false")
    with pytest.raises(StudyError, match="the process that kernels are forked from did not start"):
        warm_kernels().__enter__()


def test_nothing_is_left_when_the_block_ends():
    before = set(psutil.Process().children())
    with warm_kernels() as path:
        assert set(psutil.Process().children()) - before
    assert not os.path.exists(os.path.dirname(path))
    assert set(psutil.Process().children()) <= before


def test_the_warm_process_ends_with_its_owner_however_that_died():
    code = (
        "import time\nfrom servlab.studies.warm.kernels import warm_kernels\n"
        "with warm_kernels():\n    print('up', flush=True)\n    time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout.readline() == b"up\n"
        (process,) = psutil.Process(owner.pid).children()
        owner.kill()
    wait_until(lambda: not alive(process.pid))


def test_where_kernels_cannot_be_forked_studies_start_cold(toy, tmp_path, stub_report, monkeypatch):
    monkeypatch.setattr(kernels.sys, "platform", "darwin")
    with warm_kernels() as path:
        assert path is None
        use_warm_kernels(path)
        assert run(toy("x = 1"), tmp_path).status == "complete"


def test_no_thread_runs_in_the_warm_process(warm):
    process = next(
        p for p in psutil.Process().children() if "servlab.studies.warm.process" in p.cmdline()
    )
    assert process.num_threads() == 1


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def wait_until(true, *, seconds: float = 5) -> None:
    """Wait for something another process does; fail when it does not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        signal.sigtimedwait([], 0.05)
