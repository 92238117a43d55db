"""The tables of a study's run as Word, Excel and LaTeX files beside its report.

The tables travel in the executed notebook as blocks with their raw values; so any notebook
that shows tables can be exported, in the order and with the numbers of its report.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servlab.core.errors import ModelError, ParameterError
from servlab.studies.manifest import hash_path

if TYPE_CHECKING:
    from servlab.presentation.export import Form
    from servlab.studies.engine import Execution
    from servlab.studies.preflight import StudyCall


def check_forms(export: object) -> tuple["Form", ...]:
    """Return the forms a run is asked for, each once, or raise ``ParameterError``."""
    from servlab.presentation.export import FORMS

    if isinstance(export, str) or not isinstance(export, Sequence):
        raise ParameterError(f"export must be a tuple such as ('docx', 'xlsx'); got {export!r}.")
    unknown = [form for form in export if form not in FORMS]
    if unknown:
        raise ParameterError(
            f"export must name files of {', '.join(FORMS)}; got {', '.join(map(repr, unknown))}."
        )
    return tuple(form for form in FORMS if form in export)


def make(call: "StudyCall", execution: "Execution") -> dict["Form", bytes]:
    """Return the files that the call asks for, from what the cells showed.

    Raises
    ------
    ModelError
        When no table was shown, or one in another language than the report's.
    """
    from servlab.presentation.export import write_tables
    from servlab.presentation.html import BLOCK_MIME
    from servlab.presentation.tables import table_from_block
    from servlab.studies.cleaning import payloads
    from servlab.studies.exports import as_tables

    if not call.export:
        return {}
    blocks = [block for _, block in payloads(execution, BLOCK_MIME)]
    tables = [table_from_block(block) for block in blocks if block.get("kind") == "table"]
    if not tables:
        raise ModelError("the study showed no table, so there is none; show one with sl.table.")
    title = execution.node.metadata.get("title") or _cover_title(blocks) or call.name
    made = as_tables(tables, call.language)
    return {form: write_tables(made, form, title=title, name=call.name) for form in call.export}


def _cover_title(blocks: Sequence[Mapping[str, Any]]) -> str:
    return next((str(block["title"]) for block in blocks if block.get("kind") == "cover"), "")


def as_facts(files: Mapping["Form", bytes]) -> dict[str, str]:
    """Return the files as a manifest lists them: name in the run folder and hash."""
    return {
        f"tables.{form}": hashlib.sha256(content).hexdigest() for form, content in files.items()
    }


def place(call: "StudyCall", form: str) -> Path:
    """Return where a file is published: beside the report, under its name."""
    return call.out / f"{call.name}.{call.language}.{form}"


def withdraw(call: "StudyCall", runs: Path) -> None:
    """Remove published files of earlier runs that this one, which is complete, did not make.

    They would stand beside a report whose numbers they do not show. Only files that a run made
    and nobody changed since are removed.
    """
    from servlab.presentation.export import FORMS

    stale = [place(call, form) for form in FORMS if form not in call.export]
    stale = [path for path in stale if path.is_file()]
    known = _hashes(runs) if stale else set()
    for path in stale:
        with suppress(OSError, ParameterError):  # it is in use or gone: the report still stands
            if hash_path(path) in known:
                path.unlink()


def _hashes(runs: Path) -> set[str]:
    """Return the hashes of all files that the runs in a folder made."""
    found: set[str] = set()
    for manifest in runs.glob("*/manifest.json"):
        # a manifest that is broken, or of before there were exports, lists nothing
        with suppress(OSError, ValueError, LookupError, TypeError):
            found |= set(json.loads(manifest.read_text(encoding="utf-8"))["exports"].values())
    return found
