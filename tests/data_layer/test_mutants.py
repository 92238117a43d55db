"""Over two thousand mutants: a message, the answers of the original, or of another reader.

A flipped digit in text is another legal file. Whether a survivor was read rightly is decided by an
independent reading of the same bytes: Python's csv and float, pandas' Stata reader, the doubles
at the end of an SPSS file, Arrow's own values; a workbook's parts carry checksums, so that a
survivor must have the original's answers.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from servlab.core.errors import DataError
from servlab.data.formats.encodings import encoding_of
from tests.data_layer import mutants

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("csv", "xlsx", "xls", "sav", "dta", "parquet")
EACH = 400  # of six kinds: 2,400 mutants


def outcome(kind, seed, n):
    """Return what became of n mutants of one kind, read in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.data_layer.mutants", kind, str(seed), str(n)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    # a crash of a C library ends the process by a signal: the last number names the mutant
    assert run.returncode == 0, f"{kind}, seed {seed}, mutant {run.stderr.split()[-1:]}"
    return json.loads(run.stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutant_is_refused_or_read_as_another_reader_reads_it(kind):
    found = outcome(kind, seed=1, n=EACH)
    fates = found["fates"]
    assert found["faults"] == []
    assert sum(fates.values()) == EACH
    assert fates["refused"] > EACH / 4
    assert fates["unharmed"] > 0
    if kind == "csv":  # only text can say something else without a contradiction at any rate
        assert fates["another legal file"] > 0
    if kind == "xlsx":
        assert "another legal file" not in fates


def test_a_silent_misreading_would_be_seen(tmp_path, monkeypatch):
    book = mutants.codebook(tmp_path)
    path = tmp_path / "a.csv"
    path.write_bytes(mutants.original("csv", tmp_path))
    truth, _ = mutants.as_read(path, book)
    assert mutants.fate(path, book, "csv", truth) == ("unharmed", "")
    wrong = [row[:] for row in truth]
    wrong[3][2] += 1
    monkeypatch.setattr(mutants, "as_read", lambda *_: (wrong, ""))
    assert mutants.fate(path, book, "csv", truth) == ("misread", "")
    monkeypatch.setattr(mutants, "as_read", lambda *_: (truth[:-1], ""))
    assert mutants.fate(path, book, "csv", truth) == ("misread", "")
    monkeypatch.setattr(mutants, "as_read", lambda *_: 1 / 0)
    assert mutants.fate(path, book, "csv", truth)[0] == "traceback"


def test_utf8_with_a_broken_byte_is_not_taken_for_another_encoding():
    text = "网点,城北,城南\n城北,城南,城北\n".encode()
    broken = text[:20] + b"\xa4" + text[21:]
    with pytest.raises(DataError, match=r"line 1: not utf-8 text"):
        encoding_of("a.csv", broken, None)
