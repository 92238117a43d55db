"""One survey, written as every kind of file that people have; and a comparison of surveys.

Answers follow from arithmetic, not from a generator, so that files made elsewhere (an old
workbook by LibreOffice, a SAS data set by ReadStat; tests/fixtures) hold the same.
"""

import dataclasses
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from servlab.data.survey import Survey

N = 48
DIMENSIONS = {
    "设施": ("设施先进", "环境整洁", "标识清楚"),
    "员工": ("员工礼貌", "响应及时", "专业可靠"),
}
ROWS = tuple(row for rows in DIMENSIONS.values() for row in rows)
K = len(ROWS)
AGREE = ("非常不同意", "不同意", "一般", "同意", "非常同意")
SATISFIED = ("非常不满意", "不满意", "一般", "满意", "非常满意")
EXPECTED, PERCEIVED = "您期望优秀的网点应当做到", "您实际感受到的服务"
TEXTS = {
    "id": "编号",
    **{f"E{k}": row for k, row in enumerate(ROWS, 1)},
    **{f"P{k}": row for k, row in enumerate(ROWS, 1)},
    "sex": "性别",
    "branch": "网点",
    "overall": "总体满意度",
    "seconds": "所用时间",
}
ITEMS = [f"{b}{k}" for b in "EP" for k in range(1, K + 1)]


def answers() -> pd.DataFrame:
    """Return the survey: 48 respondents, 6 items expected and perceived, 4 cells missing."""
    draws = _draws()
    person = [sum(next(draws) for _ in range(2)) for _ in range(N)]  # 0 to 8, most in the middle
    expectation, perception = (
        np.array([_row(draws, p // divide, low) for p in person])
        for divide, low in ((3, 2), (2, 0))
    )
    frame = pd.DataFrame({"id": np.arange(101, 101 + N)})
    for prefix, battery in (("E", expectation), ("P", perception)):
        for place in range(K):
            frame[f"{prefix}{place + 1}"] = battery[:, place].astype(float)
    for row, column in ((3, "E2"), (10, "P1"), (10, "P5"), (30, "E6")):
        frame.loc[row, column] = np.nan
    people = np.arange(N)
    frame["sex"] = np.where(people * 5 % 9 < 4, "男", "女")
    frame["branch"] = np.array(["城北", "城南", "城东"])[people * 5 % 7 % 3]
    frame["overall"] = [min(max((p + next(draws)) // 2, 1), 5) for p in person]
    frame["seconds"] = 60 + people * 37 % 400
    return frame


def _draws() -> Iterator[int]:
    """Yield 0 to 4 for ever, by a congruential generator in whole numbers."""
    state = 20261124
    while True:
        state = (state * 1103515245 + 12345) % 2**31
        yield (state >> 16) % 5


def _row(draws: Iterator[int], person: int, low: int) -> list[int]:
    """Return a respondent's answers to one battery: own level, then dimension, then item."""
    answers = []
    for _ in DIMENSIONS:
        dimension = next(draws) // 3
        answers += [low + person + dimension + next(draws) // 2 for _ in range(3)]
    return [min(max(answer, 1), 5) for answer in answers]


CODEBOOK = """
title = {{ en = "Branches", zh = "网点" }}
reversed = []
{file}
[instrument]
name = "branches"
title = "网点服务"
scale = {{ low = 1, high = 5 }}
dimensions = [{{ code = "a", label = "设施" }}, {{ code = "b", label = "员工" }}]
items = [
{items}
]
[instrument.batteries.expectation]
grade = "should"
[instrument.batteries.perception]
[respondents]
id = "{id}"
duration = "{seconds}"
[batteries.expectation]
columns = {expectation}
{values}
[batteries.perception]
columns = {perception}
{values}
[covariates.sex]
column = "{sex}"
label = "性别"
[covariates.branch]
column = "{branch}"
role = "branch"
label = "网点"
[outcomes.overall]
column = "{overall}"
scale = {{ low = 1, high = 5 }}
label = "总体满意度"
{overall_values}
"""


def codebook_text(names: Mapping[str, str] | None = None, **parts: str) -> str:
    """Return a codebook of the survey; ``names`` gives the columns' names in the file."""
    called = {name: name for name in TEXTS} | dict(names or {})
    listed = {b: [called[f"{b}{k}"] for k in range(1, K + 1)] for b in "EP"}
    items = "\n".join(
        f'    {{ code = "{k}", dimension = "{"a" if k <= 3 else "b"}", label = "{row}" }},'
        for k, row in enumerate(ROWS, 1)
    )
    shown = {b: "[" + ", ".join(f'"{c}"' for c in columns) + "]" for b, columns in listed.items()}
    rest = {"file": "", "values": "", "overall_values": ""} | parts
    return CODEBOOK.format(
        items=items, expectation=shown["E"], perception=shown["P"], **called, **rest
    )


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return cells as a person would type them: whole numbers, empty where missing."""
    return frame.map(
        lambda cell: (
            "" if pd.isna(cell) else str(int(cell)) if isinstance(cell, float) else str(cell)
        )
    )


def csv_bytes(frame: pd.DataFrame, encoding: str = "utf-8") -> bytes:
    """Return text cells as CSV."""
    return as_text(frame).to_csv(index=False, lineterminator="\n").encode(encoding)


def rows_bytes(rows: list[list[str]]) -> bytes:
    """Return rows of texts as CSV."""
    buffer = io.StringIO()
    pd.DataFrame(rows).to_csv(buffer, index=False, header=False, lineterminator="\n")
    return buffer.getvalue().encode("utf-8-sig")


def write_xlsx(path: Path, rows: list[list[Any]]) -> None:
    """Write a workbook of one sheet."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Sheet1")
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if not (cell is None or cell == "" or (isinstance(cell, float) and np.isnan(cell))):
                    sheet.write(number, place, cell)


def rows_of(frame: pd.DataFrame) -> list[list[Any]]:
    """Return header and rows as numbers and texts."""
    return [list(frame.columns), *frame.astype(object).to_numpy().tolist()]


def write_plain(kind: str, path: Path) -> None:
    """Write the survey as a plain table of one kind."""
    frame = answers()
    if kind.startswith("csv "):
        path.write_bytes(csv_bytes(frame, kind.removeprefix("csv ")))
    elif kind == "tsv":
        as_text(frame).to_csv(path, index=False, sep="\t")
    elif kind == "xlsx":
        write_xlsx(path, rows_of(frame))
    elif kind == "sav":
        pyreadstat.write_sav(
            frame, str(path), column_labels=TEXTS, variable_value_labels=value_labels()
        )
    elif kind == "dta":
        pyreadstat.write_dta(
            frame, str(path), column_labels=TEXTS, variable_value_labels=value_labels(), version=15
        )
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_feather(path)


def value_labels() -> dict[str, dict[int, str]]:
    """Return labels of the items' codes, as statistics programs keep them."""
    scale = dict(enumerate(AGREE, 1))
    return dict.fromkeys(ITEMS, scale) | {"overall": dict(enumerate(SATISFIED, 1))}


def spoken(frame: pd.DataFrame, *, empty: str = "") -> pd.DataFrame:
    """Return the survey with answers in words."""
    words = as_text(frame)
    for columns, ladder in ((ITEMS, AGREE), (["overall"], SATISFIED)):
        for column in columns:
            said = {str(k): word for k, word in enumerate(ladder, 1)} | {"": empty}
            words[column] = words[column].map(said)
    return words


def same_surveys(first: Survey, second: Survey) -> list[str]:
    """Return the fields that differ, but for what the provenance says of the file itself.

    That is its name, hash and encoding, the columns' names and codes, and how it was read.
    """
    loose = {"source": "", "sha256": "", "encoding": None, "notes": (), "codings": {}}
    differing = []
    for part in dataclasses.fields(Survey):
        one, two = getattr(first, part.name), getattr(second, part.name)
        if part.name == "provenance":
            one, two = (dataclasses.replace(p, **loose) for p in (one, two))
        if not _same(one, two):
            differing.append(part.name)
    return differing


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, pd.DataFrame | pd.Series):
        try:
            check = (
                pd.testing.assert_frame_equal if one.ndim == 2 else pd.testing.assert_series_equal
            )
            check(one, two, check_exact=True)
        except AssertionError:
            return False
        return True
    if isinstance(one, Mapping):
        return one.keys() == two.keys() and all(_same(one[key], two[key]) for key in one)
    return bool(one == two)
