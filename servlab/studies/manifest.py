"""What a run was made of: hashes of notebook, data, codebook and code, and versions.

Two runs with the same key give the same report.
"""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import servlab
from servlab.core.errors import ParameterError
from servlab.studies.imports import imports_of
from servlab.studies.notebook import Notebook

# What a study's numbers and pictures come from; each is named in the report.
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "factor-analyzer",
    "scikit-learn",
    "seaborn",
    "matplotlib",
    "pyreadstat",
    "python-calamine",
    "pyarrow",
    "papermill",
    "nbclient",
    "nbconvert",
    "ipykernel",
)
# What else has a hand in a report's bytes; these count in a run's key, the reader is spared them.
ALSO = (
    "patsy",
    "jinja2",
    "markupsafe",
    "nbformat",
    "ipython",
    "matplotlib-inline",
    "fonttools",
    "brotli",
    "manimgx-fonts-cjk",
    "python-docx",
    "XlsxWriter",
    "pydantic",
    "threadpoolctl",
    "mistat",
)


@dataclass(frozen=True, slots=True)
class Input:
    """A file or folder that a study read: the parameter naming it, its path and hash."""

    name: str
    path: Path
    sha256: str


def hash_path(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; of a folder, over its files' names and hashes."""
    if path.is_dir():
        files = sorted(part for part in path.rglob("*") if part.is_file())
        parts = [[part.relative_to(path).as_posix(), hash_path(part)] for part in files]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as err:
        raise ParameterError(f"{path} cannot be read: {err.strerror}.") from None


def hash_inputs(
    paths: Mapping[str, Path], *, hash_: Callable[[Path], str] = hash_path
) -> tuple[Input, ...]:
    """Return the inputs with their hashes."""
    return tuple(Input(name, path, hash_(path)) for name, path in paths.items())


@lru_cache(maxsize=1)
def code_sha256() -> str:
    """Return the hash of servlab's own files: code, templates, instruments, messages."""
    root = Path(servlab.__file__).resolve().parent
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            path = Path(folder) / name
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python, servlab and what they compute with."""
    own = {"servlab": servlab.__version__, "python": platform.python_version()}
    return own | installed(PACKAGES)


def all_versions() -> dict[str, str]:
    """Return the versions that count in every run's key, those that no report names as well."""
    return versions() | installed(ALSO)


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Making:
    """What every study of one notebook shares: its cells, its imports, the code, the versions.

    Attributes
    ----------
    cells : tuple of (str, str)
        Name and hash of each cell.
    modules : tuple of (str, str)
        Name and hash of each file of the notebook's folder that it imports.
    code : str
        Hash of servlab's own files.
    versions : mapping of str to str
        Of Python, of what servlab computes with, of what the notebook imports.
    """

    cells: tuple[tuple[str, str], ...]
    modules: tuple[tuple[str, str], ...]
    code: str
    versions: Mapping[str, str]


def making_of(notebook: Notebook) -> Making:
    """Return what decides a report of a notebook beside its parameters and its files."""
    found = imports_of(notebook)
    folder = notebook.path.resolve().parent
    return Making(
        notebook.cell_hashes(),
        tuple((path.relative_to(folder).as_posix(), hash_path(path)) for path in found.files),
        code_sha256(),
        all_versions() | dict(found.packages),
    )


def key_parts(
    making: Making, parameters: Mapping[str, str], inputs: tuple[Input, ...], language: str
) -> dict[str, Any]:
    """Return everything that decides a report, part by part, as plain JSON.

    Kept beside the report, so that it can be said later which part is no longer the same.
    """
    return {
        "cells": [list(cell) for cell in making.cells],
        "modules": dict(making.modules),
        "parameters": dict(parameters),
        "inputs": {part.name: [part.path.name, part.sha256] for part in inputs},
        "language": language,
        "code": making.code,
        "versions": dict(making.versions),
    }


def run_key(parts: Mapping[str, Any]) -> str:
    """Return the hash of everything that decides a report (``key_parts``)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
