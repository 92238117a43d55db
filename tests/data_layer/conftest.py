"""A small codebook and a writer of small files, shared by the tests of the data layer."""

from pathlib import Path

import pandas as pd
import pytest

from servlab.data.codebook import Codebook, load_codebook

CODEBOOK = """
reversed = []
missing = [9]
{top}

[instrument]
name = "three"
title = {{ en = "Three questions", zh = "三个问题" }}
scale = {{ low = 1, high = 7 }}
items = [
    {{ code = "1", dimension = "a", label = {{ en = "Speed", zh = "速度" }} }},
    {{ code = "2", dimension = "a", label = {{ en = "Care", zh = "关怀" }} }},
    {{ code = "3", dimension = "a", label = {{ en = "Price", zh = "价格" }} }},
]
dimensions = [{{ code = "a", label = {{ en = "All", zh = "全部" }} }}]
[instrument.batteries.expectation]
grade = "should"
[instrument.batteries.perception]

[batteries.perception]
columns = "P{{item}}"
{battery}

{rest}
"""


@pytest.fixture
def book(tmp_path):
    """Write a codebook of three perception items; ``top``, ``battery`` and ``rest`` add to it."""

    def write(*, top: str = "", battery: str = "", rest: str = "") -> Codebook:
        path = tmp_path / "book.toml"
        path.write_text(CODEBOOK.format(top=top, battery=battery, rest=rest), encoding="utf-8")
        return load_codebook(path)

    return write


@pytest.fixture
def file(tmp_path):
    """Write a data file of text or bytes and return its path."""

    def write(content: str | bytes, name: str = "answers.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def answers() -> pd.DataFrame:
    """Twelve respondents whose items agree, with a branch in Chinese."""
    base = [1, 2, 3, 4, 5, 6, 7, 2, 4, 6, 3, 5]
    return pd.DataFrame(
        {
            "编号": [f"R{i:02}" for i in range(12)],
            "P1": base,
            "P2": [min(b + 1, 7) for b in base],
            "P3": [max(b - 1, 1) for b in base],
            "网点": ["城北", "城南"] * 6,
        }
    )


GOOD = "P1,P2,P3\n1,2,1\n4,5,4\n7,6,7\n2,3,2\n"


@pytest.fixture
def good() -> str:
    """A file without a fault, as text."""
    return GOOD
