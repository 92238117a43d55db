"""The flagship's own cells, run in this process: what a kernel would run, without starting one."""

import json
from pathlib import Path
from typing import Any

import IPython.display

from servlab.presentation.chart import Chart

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "quality_study.ipynb"


def run_flagship(
    data: Path, codebook: Path, monkeypatch: Any, *, draw: bool = True, **parameters: Any
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run every code cell on a file; return the notebook's names and all that it shows.

    Everything shown is rendered, as the kernel would to send it to the page; without ``draw``
    charts are built but not turned into pictures, which is most of the time.
    """
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(
        IPython.display,
        "display",
        lambda *parts, **_: shown.extend(
            part._repr_mimebundle_() if draw or not isinstance(part, Chart) else {"built": part}
            for part in parts
        ),
    )
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        exec("".join(cell["source"]), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= {"data": data, "codebook": codebook, **parameters}
    return names, shown
