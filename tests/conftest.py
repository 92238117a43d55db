"""Fixtures shared by all tests."""

import json
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
SHARED_DATA = HERE.parent.parent / "shared" / "data"


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
