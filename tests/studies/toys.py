"""Small notebooks that the tests make, and a report builder that stands in for the real one."""

from pathlib import Path

import nbformat

IMPORTS = """\
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from pydantic import Field
"""
PARAMETERS = """\
wave: str = "1"  # which wave
n_factors: int | Literal["auto"] = "auto"  # how many factors
language: Literal["en", "zh"] = "en"
"""

STUB = """\
import sys, types
stub = types.ModuleType("servlab.studies.report")
def build_report(executed, *, language, title, manifest):
    cells = [[c.source, c.get("outputs"), dict(c.metadata)] for c in executed.cells]
    return f"<html lang={language}>{cells!r}{dict(manifest)!r}</html>"
stub.build_report = build_report
sys.modules["servlab.studies.report"] = stub
"""


def write_notebook(path: Path, *cells: str | tuple[str, str]) -> Path:
    """Write a notebook of code cells; ``("tag", source)`` tags one, "markdown" makes it prose."""
    notebook = nbformat.v4.new_notebook()
    for index, cell in enumerate(cells):
        tag, source = cell if isinstance(cell, tuple) else ("", cell)
        prose = tag == "markdown"
        made = (nbformat.v4.new_markdown_cell if prose else nbformat.v4.new_code_cell)(source)
        made["id"] = f"c{index}"
        made.metadata["tags"] = [tag] if tag else []
        notebook.cells.append(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path
