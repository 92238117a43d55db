"""Fixtures of the plan tests."""

import pytest

from tests.studies.plans.branches import write_branches
from tests.studies.plans.inline import run_inline


@pytest.fixture
def inline(monkeypatch):
    """Run the cells of studies in this process."""
    run_inline(monkeypatch)


@pytest.fixture
def folder(tmp_path):
    """A folder with the branches' data, codebook, notebook and plan."""
    write_branches(tmp_path / "plan folder 计划")
    return tmp_path / "plan folder 计划"
