"""What a run was made of: hashes of notebook, data, codebook and code, and versions.

Two runs with the same key give the same report.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import servlab
from servlab.core.errors import ParameterError

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


def hash_inputs(paths: Mapping[str, Path]) -> tuple[Input, ...]:
    """Return the inputs with their hashes."""
    return tuple(Input(name, path, hash_path(path)) for name, path in paths.items())


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
    found = {"servlab": servlab.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def run_key(
    notebook_sha256: str,
    parameters: Mapping[str, str],
    inputs: tuple[Input, ...],
    language: str,
) -> str:
    """Return the hash of everything that decides a report."""
    parts: dict[str, Any] = {
        "notebook": notebook_sha256,
        "parameters": dict(parameters),
        "inputs": [[part.name, part.path.name, part.sha256] for part in inputs],
        "language": language,
        "code": code_sha256(),
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
