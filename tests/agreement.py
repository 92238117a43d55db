"""What the golden tests compared with other programs, and how near they came.

Every test that holds a number of ours against a stored one asks for the fixture ``agree`` and
calls it instead of asserting: it compares, and remembers what was compared. pytest carries the
records to the end of the run, where ``docs/validation.md`` is made from them.
"""

import json
import re
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
PAGE = ROOT / "docs" / "validation.md"
LEFT_OUT = GOLDEN / "left_out.toml"

PACKAGES = (
    "psych", "lavaan", "semTools", "GPArotation", "polycor", "survey", "sandwich", "car",
    "lme4", "lmerTest", "MASS", "ordinal", "boot",
    "lmtest", "quantreg", "multilevel", "metafor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agreement:
    """One comparison of a statistic with a stored one.

    ``deviation`` is the largest absolute difference, or relative one where ``relative``;
    ``unit`` says what it is measured in where it is not the statistic's own unit.
    """

    golden: str
    statistic: str
    program: str
    data: str
    deviation: float
    tolerance: float
    relative: bool
    unit: str
    convention: str


def names() -> list[str]:
    """Return the name of every stored reference file."""
    return sorted(path.stem for path in GOLDEN.glob("*.json"))


def stored(name: str) -> dict:
    """Return a stored reference file."""
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def left_out() -> dict[str, str]:
    """Return the reference files that no test compares, each with the reason."""
    return tomllib.loads(LEFT_OUT.read_text(encoding="utf-8"))


def tested_without_record() -> dict[str, str]:
    """Return the reference files that only tests without ``agree`` name, each with that test."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for name in names():
            if f'"{name}"' in text or f'"{name}.json"' in text:
                found.setdefault(name, path.relative_to(ROOT).as_posix())
    return found


def program_of(reference: dict) -> str:
    """Return program and version: the first package the stored call names, or R itself."""
    call = reference["call"] if isinstance(reference["call"], str) else " ".join(reference["call"])
    versions = reference["versions"]
    for package in re.findall(r"(\w+)::", call):
        if package in versions and package in PACKAGES:
            return f"{package} {versions[package]}"
    return f"R {versions['R']}"


def data_of(reference: dict) -> str:
    """Return the data file, or what the reference says of its data."""
    file = Path(reference.get("data_file") or "").name
    return file if file.endswith(".csv") else reference.get("dataset") or "in the file"


class Agree:
    """Compares with stored numbers and remembers what was compared."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self.properties = properties

    def __call__(
        self,
        golden: str,
        statistic: str,
        ours,
        theirs,
        tolerance: float,
        *,
        relative: bool = False,
        unit: str = "",
        program: str = "",
        convention: str = "",
    ) -> None:
        """Assert that ``ours`` equals ``theirs`` within ``tolerance``, missing where it is."""
        ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
        assert ours.shape == theirs.shape, f"{golden}: {statistic} of another shape."
        assert ours.size, f"{golden}: nothing to compare for {statistic}."
        gone = np.isnan(theirs)
        assert (np.isnan(ours) == gone).all(), f"{golden}: {statistic} missing in one of the two."
        assert not gone.all(), f"{golden}: every {statistic} is missing."
        gap = np.abs(ours - theirs)[~gone]
        if relative:
            gap = gap / np.maximum(np.abs(theirs[~gone]), 1e-300)
        deviation = float(gap.max())
        assert deviation <= tolerance, (
            f"{golden}: {statistic} differs by {deviation:.3g}, more than {tolerance:g}."
        )
        reference = stored(golden)
        record = Agreement(
            golden=golden,
            statistic=statistic,
            program=program or program_of(reference),
            data=data_of(reference),
            deviation=deviation,
            tolerance=float(tolerance),
            relative=relative,
            unit=unit,
            convention=convention,
        )
        self.properties.append(("agreement", asdict(record)))


class Ledger:
    """The comparisons of a whole test run, gathered from every process that ran tests."""

    def __init__(self) -> None:
        self.records: list[Agreement] = []

    def pytest_runtest_logreport(self, report) -> None:
        """Keep the comparisons of a test that passed."""
        if report.when == "call" and report.passed:
            kept = [value for key, value in report.user_properties if key == "agreement"]
            self.records += [Agreement(**value) for value in kept]

    def compared(self) -> set[str]:
        """Return the names of the files that were compared."""
        return {record.golden for record in self.records}

    def forgotten(self) -> list[str]:
        """Return the files that no test names and no reason leaves out."""
        kept = self.compared() | set(left_out()) | set(tested_without_record())
        return sorted(set(names()) - kept)
