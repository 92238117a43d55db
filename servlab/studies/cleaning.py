"""An executed notebook made fit to keep and to show: no clocks, no secrets, no addresses.

What depends on the moment or the machine is taken out, so that two runs on the same inputs
give the same bytes.
"""

import copy
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import nbformat

from servlab.studies import results, secrets
from servlab.studies.engine import Execution, Outcome
from servlab.studies.inside import WARNING_MIME

OUR_MIMES = (results.MIME, secrets.MIME, WARNING_MIME)
BLACKED_OUT = "█████"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
_SHORTEST_SECRET = 4  # shorter texts are everywhere; blacking them out would ruin the page


def payloads(execution: Execution, mime: str) -> list[tuple[int, dict[str, Any]]]:
    """Return what cells handed over under one of our MIME types, with the cell's number."""
    return [
        (cell.number, dict(output.data[mime]))
        for cell, node in zip(execution.cells, execution.node.cells, strict=True)
        for output in node.get("outputs", ())
        if mime in output.get("data", {})
    ]


def secret_texts(execution: Execution, values: Iterable[object]) -> tuple[str, ...]:
    """Return the texts that must not be kept: of ``env:`` parameters and of secrets read."""
    names = {payload["name"] for _, payload in payloads(execution, secrets.MIME)}
    names |= {
        value.removeprefix(secrets.PREFIX)
        for value in values
        if isinstance(value, str) and value.startswith(secrets.PREFIX)
    }
    texts = {os.environ.get(name, "") for name in names}
    spelled = {form for text in texts for form in _spellings(text)}
    return tuple(sorted(spelled, key=lambda text: (-len(text), text)))


def _spellings(text: str) -> set[str]:
    """Return a secret as it may stand in a page, in code, in JSON or in an address."""
    if len(text) < _SHORTEST_SECRET:
        return set()
    return {text, html.escape(text), repr(text)[1:-1], json.dumps(text)[1:-1], quote(text)}


def black_out(text: str, hidden: Sequence[str]) -> str:
    """Return text with every secret replaced by a bar."""
    for secret in hidden:
        text = text.replace(secret, BLACKED_OUT)
    return text


def tidy_up(execution: Execution, hidden: Sequence[str]) -> None:
    """Take clocks and secrets out of the executed notebook; note in each cell how it ended."""
    node = execution.node
    node.metadata.pop("papermill", None)
    ended = {id(outcome.cell): outcome for outcome in execution.outcomes}
    for cell, part in zip(execution.cells, node.cells, strict=True):
        part.metadata.pop("papermill", None)
        part.metadata.pop("execution", None)
        if cell.kind == "code":
            part.metadata["servlab"] = _note(ended[id(cell)], hidden)
            part.outputs = [
                _changed(output, lambda text: black_out(_COLOUR.sub("", text), hidden))
                for output in part.outputs
            ]


def _note(outcome: Outcome, hidden: Sequence[str]) -> dict[str, Any]:
    note: dict[str, Any] = {
        "status": outcome.status,
        "number": outcome.cell.number,
        "section": outcome.cell.section,
    }
    if outcome.error:
        note["error"] = black_out(outcome.error, hidden)
    if outcome.because is not None:
        note |= {"because": outcome.because, "needs": list(outcome.needs)}
    return note


def for_report(node: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a copy to make the report from: only what a reader may see.

    Without the injected parameters, what went to stderr, our own data, tracebacks and memory
    addresses.
    """
    page = copy.deepcopy(node)
    page.cells = [cell for cell in page.cells if cell.get("id") != "injected-parameters"]
    for cell in page.cells:
        if cell.cell_type == "code":
            shown = (_shown(output) for output in cell.outputs)
            cell.outputs = [output for output in shown if output is not None]
    return page


def _shown(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    if output.output_type == "error":
        output.traceback = []
    if output.get("name") == "stderr":
        return None
    data = output.get("data", {})
    for mime in OUR_MIMES:
        data.pop(mime, None)
    if "data" in output and not data:
        return None
    # addresses stand in plain words only; pictures and pages are left as they are
    for holder, key in ((data, "text/plain"), (output, "text"), (output, "evalue")):
        if key in holder:
            holder[key] = _ADDRESS.sub("0x…", holder[key])
    return output


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value with a change made to every text in it."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        parts = {key: _changed(part, change) for key, part in value.items()}
        return nbformat.from_dict(parts)  # type: ignore[no-untyped-call]
    return [_changed(part, change) for part in value] if isinstance(value, list) else value
