"""One function a kind of reference file: what of it servlab has, and how near it must come.

A check takes the stored file and ``agree`` (tests/agreement.py). It is found by the file's name.
"""

from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

import numpy as np
import pandas as pd

from tests.agreement import GOLDEN

Check = Callable[[dict, Any], None]
CHECKS: dict[str, Check] = {}


def checks(*patterns: str) -> Callable[[Check], Check]:
    """Register a check for the reference files whose names match."""

    def register(check: Check) -> Check:
        CHECKS.update(dict.fromkeys(patterns, check))
        return check

    return register


def check_of(name: str) -> Check | None:
    """Return the check of a reference file; the longest pattern that matches wins."""
    found = [pattern for pattern in CHECKS if fnmatch(name, pattern)]
    return CHECKS[max(found, key=len)] if found else None


def data_of(stored: dict) -> pd.DataFrame:
    """Return the data a reference file was made from."""
    data = pd.read_csv(GOLDEN / "data" / stored["data_file"].split("/")[-1])
    return data.filter(regex=r"^x\d") if stored["data_file"].endswith("hs1939.csv") else data


def matrix(part: dict) -> np.ndarray:
    """Return a stored matrix."""
    return np.array(part["values"], dtype=float).reshape(len(part["rows"]), -1)
