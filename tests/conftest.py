"""Fixtures shared by all tests."""

import json
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
SHARED_DATA = HERE.parent.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that needs the real data, so that they can be chosen and counted."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("shared_data")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests saw real data, so that nobody believes all did where none could."""
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


@pytest.fixture(scope="session")
def golden_data():
    """Read a golden data set by file name."""

    def read(name: str) -> pd.DataFrame:
        return pd.read_csv(GOLDEN / "data" / name)

    return read
