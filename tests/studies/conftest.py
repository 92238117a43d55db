"""Fixtures of the study tests."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.studies.toys import IMPORTS, PARAMETERS, STUB, write_notebook


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Path]:
    """Make a study notebook: imports, the parameters given (or three usual ones), then cells."""

    def make(*cells: str | tuple[str, str], parameters: str = PARAMETERS) -> Path:
        head = (IMPORTS, ("parameters", parameters))
        return write_notebook(tmp_path / "notebooks" / "toy.ipynb", *head, *cells)

    return make


@pytest.fixture
def stub_report(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Put a report builder in place that shows all it was given."""
    namespace: dict[str, object] = {}
    before = sys.modules.get("servlab.studies.report")
    exec(STUB, namespace)
    stub = sys.modules["servlab.studies.report"]
    if before is None:
        del sys.modules["servlab.studies.report"]
    else:
        sys.modules["servlab.studies.report"] = before
    monkeypatch.setitem(sys.modules, "servlab.studies.report", stub)
    return stub
