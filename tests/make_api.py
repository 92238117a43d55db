"""Make docs/api.md, the table of public names, from the package: ``python -m tests.make_api``."""

import importlib
import inspect
from pathlib import Path

import servlab

TARGET = Path(__file__).resolve().parent.parent / "docs" / "api.md"

HEAD = """# Public names

`import servlab as sl`; every name below is `sl.name`. `help(sl.name)` gives parameters, units,
formulas and sources. Made by `python -m tests.make_api`; a test keeps it current.

| name | what it does |
|---|---|
"""


def api_table() -> str:
    """Return the text of docs/api.md."""
    rows = []
    for name, module in servlab._HOMES.items():
        value = getattr(importlib.import_module(module), name)
        summary = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ")
        call = ""
        if inspect.isfunction(value):
            parameters = inspect.signature(value).parameters.values()
            call = "(" + ", ".join(_shown(p) for p in parameters) + ")"
        call = call.replace("|", "\\|")
        rows.append(f"| `{name}{call}` | {summary} |")
    return HEAD + "\n".join(rows) + "\n"


def _shown(parameter: inspect.Parameter) -> str:
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    if parameter.default is parameter.empty:
        return star + parameter.name
    return f"{parameter.name}={parameter.default!r}"


if __name__ == "__main__":
    TARGET.write_text(api_table(), encoding="utf-8")
