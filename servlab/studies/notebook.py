"""A study's notebook as it stands in the file: its cells, tags, sections and hash.

Read as plain JSON: a mistake in a call is then answered at once, without loading the
notebook libraries.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from servlab.core.errors import ParameterError

_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_COMMENT = re.compile(r"^#\s*(?!%|!)(\S.*)$")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: kind ("code", "markdown", "raw"), source, tags, place.

    ``number`` counts code cells from 1, as JupyterLab does when it runs all cells; 0 for others.
    ``section`` names the place for people: the comment a code cell opens with, else the last
    heading above.
    """

    kind: str
    source: str
    tags: tuple[str, ...]
    number: int
    section: str


@dataclass(frozen=True, slots=True, eq=False)
class Notebook:
    """A notebook file.

    Attributes
    ----------
    path : Path
        Where it lies.
    cells : tuple of Cell
    content : mapping
        The file's JSON, as nbformat understands it.
    """

    path: Path
    cells: tuple[Cell, ...]
    content: MappingProxyType[str, Any]

    @property
    def name(self) -> str:
        """Return the file name."""
        return self.path.name

    def sha256(self) -> str:
        """Return the hash of what decides the report: kinds, sources and tags of the cells.

        Outputs, ids and display metadata do not count.
        """
        return _digest([_content(cell) for cell in self.cells])

    def cell_hashes(self) -> tuple[tuple[str, str], ...]:
        """Return each cell's name for people and the hash of what it adds to the report."""
        return tuple((_called(cell), _digest(_content(cell))[:16]) for cell in self.cells)


def _content(cell: Cell) -> list[Any]:
    return [cell.kind, cell.source, sorted(cell.tags)]


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()


def _called(cell: Cell) -> str:
    """Return what a cell is called: the number JupyterLab gives it, and its section."""
    place = f"cell {cell.number}" if cell.kind == "code" else f"{cell.kind} cell"
    return f"{place} ({cell.section})" if cell.section else place


def find_notebook(name: str | Path, *, here: Path = Path()) -> Path:
    """Return the path of a notebook given by path or by the bare name of a study.

    A bare name (no folder, such as ``quality_study``) is looked for with its ending ``.ipynb``
    in the folder ``here``, in its ``notebooks/``, then in ``notebooks/`` of the servlab checkout.
    A relative path starts ``here``, which is the current folder unless the caller has another.
    """
    path = here / name
    if path.is_file():
        return path
    bare = len(Path(name).parts) == 1
    file = path.name if path.suffix == ".ipynb" else f"{path.name}.ipynb"
    checkout = Path(__file__).resolve().parents[2]
    for folder in (here, here / "notebooks", checkout / "notebooks") if bare else ():
        if (folder / file).is_file():
            return folder / file
    if path.is_dir():
        raise ParameterError(f"notebook {path} is a folder; name an .ipynb file.")
    hint = " here or in notebooks/" if bare else ""
    raise ParameterError(f"notebook {path} does not exist{hint}; check the path.")


def read_notebook(name: str | Path) -> Notebook:
    """Return a notebook by path or bare name, or raise ``ParameterError`` saying what is wrong."""
    path = find_notebook(name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise ParameterError(f"notebook {path} cannot be read: {err.strerror}.") from None
    except ValueError as err:
        raise ParameterError(
            f"{path} is not a Jupyter notebook ({err}); name an .ipynb file."
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
        raise ParameterError(
            f"{path} is not a Jupyter notebook of format 4; open and save it in JupyterLab."
        )
    return Notebook(path, _cells(content["cells"], path), MappingProxyType(content))


def _cells(raw: list[Any], path: Path) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    heading, number = "", 0
    for index, cell in enumerate(raw):
        if not isinstance(cell, dict) or "cell_type" not in cell:
            raise ParameterError(f"{path}: cell {index + 1} is malformed; save it in JupyterLab.")
        source = cell.get("source", "")
        text = "".join(source) if isinstance(source, list) else str(source)
        kind = str(cell["cell_type"])
        tags = tuple(str(tag) for tag in cell.get("metadata", {}).get("tags", ()))
        if kind == "markdown":
            heading = (_HEADING.findall(text) or [heading])[-1]
        number += kind == "code"
        section = _opening_comment(text) or heading if kind == "code" else heading
        cells.append(Cell(kind, text, tags, number if kind == "code" else 0, section))
    return tuple(cells)


def _opening_comment(source: str) -> str:
    lines = source.strip().splitlines()
    found = _COMMENT.match(lines[0]) if lines else None
    return found.group(1).strip() if found else ""
