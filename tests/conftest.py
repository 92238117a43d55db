"""Fixtures shared by all tests."""

import json
import os
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.agreement import Agree, Ledger, left_out
from tests.validation_page import page

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
SHARED_DATA = HERE.parent.parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    """Keep a ledger of what golden tests compare; ``-m golden`` chooses those tests.

    Where the run was started to ignore Ctrl-C, the programs that the tests start must not be.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "golden: compares with stored numbers of another program")
    config.pluginmanager.register(Ledger(), "ledger")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need the real data and those that compare with other programs."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "shared_data" in names:
            item.add_marker("shared_data")
        if "agree" in names:
            item.add_marker("golden")


def whole_run(config: pytest.Config) -> bool:
    """Return whether every golden test was asked for: no path, no word, no other mark."""
    chosen = config.option.keyword or config.option.markexpr not in ("", "golden")
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not chosen


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a whole run that forgot a reference file; write the page when it was asked for."""
    config = session.config
    if hasattr(config, "workerinput") or not whole_run(config) or exitstatus:
        return
    ledger = config.pluginmanager.get_plugin("ledger")
    if ledger.forgotten():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    elif target := os.environ.get("SERVLAB_VALIDATION"):
        Path(target).write_text(page(ledger.records), encoding="utf-8")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say how many tests saw real data or other programs' numbers, and what was forgotten."""
    ledger = config.pluginmanager.get_plugin("ledger")
    if whole_run(config):
        forgotten = ledger.forgotten()
        terminalreporter.write_line(
            f"reference files: {len(ledger.compared())} compared, {len(left_out())} left out "
            f"with a reason, {len(forgotten)} forgotten{': ' if forgotten else ''}"
            f"{', '.join(forgotten)}"
        )
    counts = {
        outcome: sum("shared_data" in report.keywords for report in reports)
        for outcome in ("passed", "skipped")
        if (reports := terminalreporter.stats.get(outcome, []))
    }
    terminalreporter.write_line(
        f"tests on real data (../shared/data): {counts.get('passed', 0)} ran, "
        f"{counts.get('skipped', 0)} left out"
    )


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; tests that need it skip without it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data of ../shared/data are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def golden():
    """Read a golden file by name: its ``result`` as R wrote it."""

    def read(name: str) -> dict:
        return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    return read


@pytest.fixture
def agree(request) -> Agree:
    """Compare with a stored number and remember it for docs/validation.md."""
    return Agree(request.node.user_properties)


@pytest.fixture(scope="session")
def golden_data():
    """Read a golden data set by file name."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(GOLDEN / "data" / name)

    return read


@pytest.fixture(scope="session")
def warm_process():
    """The socket of one process that has imported what studies import; None where none forks."""
    from servlab.studies.warm.kernels import use_warm_kernels, warm_kernels

    with warm_kernels() as path:
        use_warm_kernels(None)  # only who asks for it
        yield path


@pytest.fixture(scope="module")
def forked_kernels(warm_process):
    """Fork the kernels of a module's studies: they show what cold ones do, for half the time.

    That a forked kernel gives a cold one's bytes is shown in ``tests/studies/warm``.
    """
    from servlab.studies.warm.kernels import use_warm_kernels

    use_warm_kernels(warm_process)
    yield
    use_warm_kernels(None)


@pytest.fixture
def servlab_command(monkeypatch, capsys):
    """Run the command line in this process; return exit code, output and messages."""

    from servlab.studies import cli

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["servlab", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return ended.value.code or 0, shown.out, shown.err

    return call
