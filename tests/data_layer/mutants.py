"""Mutated files of one small survey, read by us and by an independent reader of the same bytes.

``python -m tests.data_layer.mutants KIND SEED N [FOLDER]`` prints what became of N mutants as
JSON and keeps the faulty ones in FOLDER. It is a process of its own, so that a crash inside a C
library is noticed; the mutant's number stands last on its standard error.
"""

import csv
import io
import json
import resource
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
from pyarrow import feather, parquet
from python_calamine import CalamineWorkbook

from servlab.core.errors import KeyingWarning, ServlabError
from servlab.data.codebook import Codebook, load_codebook
from servlab.data.readers import read_survey
from tests.data_layer.broken_books import plain as workbook
from tests.data_layer.conftest import CODEBOOK
from tests.data_layer.old_books import xls

ITEMS = ["P1", "P2", "P3"]
REST = '[respondents]\nid = "id"\n[covariates.branch]\ncolumn = "branch"\n'
N = 24
MEMORY = 3 << 30  # bytes a reader may ask for
CPU = 120  # seconds

Cells = list[list[object]]  # id, branch and the items of each row; None where empty


def survey_frame() -> pd.DataFrame:
    """Return the survey that all mutants descend from."""
    rng = np.random.default_rng(7)
    base = rng.integers(2, 7, size=(N, 1))
    answers = (base + rng.integers(-1, 2, size=(N, 3))).astype(float)
    frame = pd.DataFrame(answers, columns=ITEMS)
    frame.insert(0, "id", [f"R{k:02}" for k in range(N)])
    frame.insert(1, "branch", ["城北", "城南"] * (N // 2))
    return frame


def codebook(folder: Path) -> Codebook:
    path = folder / "book.toml"
    path.write_text(CODEBOOK.format(top="", battery="", rest=REST), encoding="utf-8")
    return load_codebook(path)


def original(kind: str, folder: Path) -> bytes:
    """Return the survey as a file of a kind."""
    frame = survey_frame()
    path = folder / f"original.{kind}"
    if kind == "csv":
        return frame.assign(why='said "a, b"').to_csv(index=False, float_format="%.0f").encode()
    if kind == "xlsx":
        return workbook(rows=frame.to_numpy().tolist(), header=list(frame.columns))
    if kind == "sav":
        pyreadstat.write_sav(frame, str(path))
    elif kind == "dta":
        pyreadstat.write_dta(frame, str(path))
    elif kind == "xls":
        return xls([list(frame.columns), *frame.to_numpy().tolist()])
    elif kind == "feather":
        frame.to_feather(path)
    else:
        frame.to_parquet(path, write_page_checksum=True)
    return path.read_bytes()


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a content with one to three mutations."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, len(data))) if data else 0
        length = int(rng.integers(1, 9))
        what = rng.choice(["bit", "byte", "insert", "delete", "cut", "double", "zeros"],
                          p=[0.3, 0.25, 0.15, 0.12, 0.06, 0.06, 0.06])  # fmt: skip
        if what == "bit" and data:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif what == "byte" and data:
            data[at] = int(rng.integers(0, 256))
        elif what == "insert":
            data[at:at] = rng.bytes(length)
        elif what == "delete":
            del data[at : at + length]
        elif what == "cut":
            del data[at:]
        elif what == "double":
            data[at:at] = data[at : at + 4 * length]
        else:
            data[at : at + length] = bytes(min(length, len(data) - at))
    return bytes(data)


def by_csv(content: bytes, path: Path) -> Cells:
    """Return the cells of delimited text by Python's csv and float alone."""
    text = content.decode("utf-8-sig")
    for mark in (",", ";", "\t", "|"):
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True))
        header = [name.strip() for name in rows[0]]
        if {"id", "branch", *ITEMS} <= set(header):
            places = [header.index(name) for name in ("id", "branch", *ITEMS)]
            return [[row[p].strip() or None for p in places] for row in rows[1:] if row]
    raise AssertionError("the oracle finds no header")


def by_pandas(content: bytes, path: Path) -> Cells:
    """Return the cells of a Stata file by pandas, whose reader is its own."""
    return listed(pd.read_stata(path, convert_categoricals=False, convert_missing=False))


def by_arrow(content: bytes, path: Path) -> Cells:
    """Return the cells of a Parquet file as its library hands them to Python."""
    read = parquet.read_table if path.suffix == ".parquet" else feather.read_table
    return listed(pd.DataFrame(read(path).to_pydict()))


def by_calamine(content: bytes, path: Path) -> Cells:
    """Return the cells of an old workbook as its library hands them over, cell by cell."""
    rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    return [row for row in listed(frame) if any(cell is not None for cell in row)]


def by_bytes(content: bytes, path: Path) -> Cells:
    """Return the cells of an SPSS file: the doubles at its end, which nothing may change.

    Only where a mutant's length is another, its library's reading of the whole file is taken.
    """
    cells = listed(pyreadstat.read_sav(str(path), user_missing=True)[0])
    if len(content) != len(original("sav", path.parent)):
        return cells
    # uncompressed: two texts of eight bytes and three doubles a row
    rows = np.frombuffer(content[-N * 40 :], dtype="<f8").reshape(N, 5)[:, 2:]
    system_missing = -sys.float_info.max
    answers = [[None if c == system_missing or c != c else c for c in row] for row in rows]
    return [[*row[:2], *numbers] for row, numbers in zip(cells, answers, strict=True)]


def unchanged(content: bytes, path: Path) -> Cells:
    """Return the original's cells: every part of a workbook carries a checksum."""
    return listed(survey_frame())


ORACLES: dict[str, Callable[[bytes, Path], Cells]] = {
    "csv": by_csv, "xlsx": unchanged, "sav": by_bytes, "dta": by_pandas, "parquet": by_arrow,
    "feather": by_arrow, "xls": by_calamine,
}  # fmt: skip


def listed(frame: pd.DataFrame) -> Cells:
    rows = frame[["id", "branch", *ITEMS]].astype(object).to_numpy().tolist()
    return [[None if pd.isna(c) or c == "" else c for c in row] for row in rows]


def number(cell: object) -> float:
    """Return the answer a cell states: empty and the codebook's 9 are missing."""
    value = float("nan") if cell is None else float(cell)  # type: ignore[arg-type]
    return float("nan") if value == 9 else value


def as_read(path: Path, book: Codebook) -> tuple[Cells | None, str]:
    """Return what we read, or the message."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KeyingWarning)
            survey = read_survey(path, book)
    except ServlabError as err:
        return None, str(err)
    answers = survey.raw("perception").to_numpy().tolist()
    names = zip(survey.index, survey.covariates["branch"], strict=True)
    return [[*name, *row] for name, row in zip(names, answers, strict=True)], ""


def same(ours: Cells, theirs: Cells) -> bool:
    """Return whether two readings are one: texts without blanks around, answers as numbers."""

    def text(cell: object) -> str | None:
        whole = isinstance(cell, float) and cell.is_integer()  # an id that is a number
        return None if cell is None else str(int(cell) if whole else cell).strip() or None

    def plain(row: list) -> list:
        return [*map(text, row[:2]), *(str(number(c)) for c in row[2:])]

    return [plain(row) for row in ours] == [plain(row) for row in theirs]


def fate(path: Path, book: Codebook, kind: str, truth: Cells) -> tuple[str, str]:
    """Return what became of one mutant, and the fault if it is one."""
    try:
        ours, message = as_read(path, book)
    except BaseException as err:
        return "traceback", f"{type(err).__name__}: {err}"
    if ours is None:
        return ("refused", "") if message.rstrip().endswith(".") else ("no sentence", message)
    if same(ours, truth):
        return "unharmed", ""
    try:
        theirs = ORACLES[kind](path.read_bytes(), path)
    except Exception as err:
        return "only we read it", f"{type(err).__name__}: {err}"
    return ("another legal file", "") if same(ours, theirs) else ("misread", "")


def main(kind: str, seed: int, n: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
    rng = np.random.default_rng(seed)
    fates: dict[str, int] = {}
    faults: list[list[object]] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        book = codebook(folder)
        content = original(kind, folder)
        path = folder / f"mutant.{kind}"
        path.write_bytes(content)
        truth = as_read(path, book)[0]
        assert truth is not None
        for k in range(n):
            path.write_bytes(mutated(content, rng))
            sys.stderr.write(f"{k}\n")
            what, fault = fate(path, book, kind, truth)
            fates[what] = fates.get(what, 0) + 1
            if what not in ("refused", "unharmed", "another legal file"):
                faults.append([k, what, fault])
                if len(sys.argv) > 4:
                    Path(sys.argv[4], f"{k}.{kind}").write_bytes(path.read_bytes())
    sys.stdout.write(json.dumps({"fates": fates, "faults": faults}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
