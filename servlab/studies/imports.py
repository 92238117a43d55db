"""What a notebook imports beside servlab: modules of its own folder, and packages.

Both decide its report: a helper beside the notebook counts with its bytes, a package with its
version. Imports are read from the source; nothing is imported.
"""

import ast
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from servlab.studies.dependencies import without_magics
from servlab.studies.notebook import Notebook


@dataclass(frozen=True, slots=True)
class Imports:
    """The files of the notebook's folder and the packages (with versions) that it imports."""

    files: tuple[Path, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()


def imports_of(notebook: Notebook) -> Imports:
    """Return what a notebook's code cells import, through modules of its folder as well."""
    folder = notebook.path.resolve().parent
    sources = [cell.source for cell in notebook.cells if cell.kind == "code"]
    names = imported_names(sources)
    files: dict[str, Path] = {}
    waiting = sorted(names)
    while waiting:
        own = [path for path in _local(folder, waiting.pop()) if str(path) not in files]
        files |= {str(path): path for path in own}
        found = imported_names(_text(path) for path in own)
        waiting += sorted(found - names)
        names |= found
    beside = {path.relative_to(folder).parts[0].removesuffix(".py") for path in files.values()}
    outside = sorted(names - beside - sys.stdlib_module_names - {"servlab"})
    packages = {name: text for module in outside for name, text in versions_of(module)}
    return Imports(tuple(files[key] for key in sorted(files)), tuple(sorted(packages.items())))


def imported_names(sources: Iterable[str]) -> set[str]:
    """Return the top names of the modules that sources import; what is no Python is passed over.

    Examples
    --------
    >>> sorted(imported_names(["import numpy.linalg as la", "from a.b import c", "x ="]))
    ['a', 'numpy']
    """
    found: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(without_magics(source))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found


def _local(folder: Path, name: str) -> list[Path]:
    """Return the files of a module or package that lies in a folder."""
    if (folder / f"{name}.py").is_file():
        return [folder / f"{name}.py"]
    package = folder / name
    return sorted(package.rglob("*.py")) if (package / "__init__.py").is_file() else []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


@cache
def versions_of(module: str) -> tuple[tuple[str, str], ...]:
    """Return the packages that hold a module, with their versions; none when nobody has it."""
    try:
        return ((module, version(module)),)
    except (PackageNotFoundError, ValueError):
        pass
    found = sorted(set(_holders().get(module, ())))
    return tuple((name, version(name)) for name in found)


@cache
def _holders() -> dict[str, list[str]]:
    """Return module -> packages of this environment; found by looking through all of them."""
    return dict(packages_distributions())
