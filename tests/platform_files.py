"""The one survey as the exports of survey platforms, and in other layouts people hand on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from tests.one_survey import (
    EXPECTED,
    ITEMS,
    PERCEIVED,
    ROWS,
    K,
    answers,
    as_text,
    rows_bytes,
    spoken,
    write_xlsx,
)

CHANNELS = ("柜台", "手机银行", "自助机")


def titles(pattern: str) -> list[str]:
    """Return the headings of both grids from a pattern with {question} and {row}."""
    asked = ((EXPECTED, ROWS), (PERCEIVED, ROWS))
    return [pattern.format(question=q, row=row) for q, rows in asked for row in rows]


def stamps(n: int) -> list[str]:
    """Return a moment a respondent."""
    return [f"2026/3/{1 + k // 24} {k % 24}:05:09" for k in range(n)]


def used(n: int, mark: str) -> list[str]:
    """Return which channels each respondent used, joined by a mark; some filled in a text."""
    chosen = [[CHANNELS[j] for j in range(3) if (k + j) % (j + 2) == 0] for k in range(n)]
    return [
        mark.join([*parts, *(["其他〖电话〗"] if k % 9 == 0 else [])])
        for k, parts in enumerate(chosen)
    ]


def qualtrics(path: Path) -> None:
    """Three header rows, answers in words, a preview, a test, an unfinished response."""
    words = spoken(answers())
    own = ["StartDate", "Status", "Progress", "Duration (in seconds)", "Finished", "ResponseId",
           "DistributionChannel", "UserLanguage"]  # fmt: skip
    items = [f"Q{q}_{k}" for q in (1, 2) for k in range(1, K + 1)]
    header = [*own, *items, "Q3", "Q4", "Q5"]
    texts = [*own, *titles("{question} - {row}"), "您的性别", "办理业务的网点", "总体满意度"]
    ids = [json.dumps({"ImportId": f"QID{k}"}) for k in range(len(header))]
    rows = [
        [when, "IP Address", "100", row.seconds, "True", f"R_{row.id}", "anonymous", "ZH-S",
         *(getattr(row, item) for item in ITEMS), row.sex, row.branch, row.overall]
        for when, row in zip(stamps(len(words)), words.itertuples(), strict=True)
    ]  # fmt: skip
    preview = ["2026/3/1 0:00:00", "Survey Preview", "100", "9", "True", "R_p", "preview", "ZH-S",
               *["同意"] * 12, "男", "城北", "满意"]  # fmt: skip
    test = [*preview[:1], "Survey Test", *preview[2:5], "R_t", "test", *preview[7:]]
    path.write_bytes(rows_bytes([header, texts, ids, preview, *rows, test]))


def surveymonkey(path: Path) -> None:
    """Two header rows in a workbook, titles over the first column of each question only."""
    words = spoken(answers())
    own = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address"]
    first = [*own, EXPECTED, *[""] * 5, PERCEIVED, *[""] * 5, "性别", "网点", "总体满意度"]
    second = [*[""] * 5, *ROWS, *ROWS, "Response", "Response", "Response"]
    rows = [
        [float(1180000 + int(row.id)), 43.0, when, when, "10.0.0.1",
         *(getattr(row, item) for item in ITEMS), row.sex, row.branch, row.overall]
        for when, row in zip(stamps(len(words)), words.itertuples(), strict=True)
    ]  # fmt: skip
    write_xlsx(path, [first, second, *rows])


def limesurvey_codes(path: Path) -> None:
    """Question codes and answer codes, one response that was never submitted."""
    frame = as_text(answers())
    own = ["id", "submitdate", "lastpage", "startlanguage", "seed"]
    items = [f"{q}[SQ{k:03}]" for q in ("EXP", "PERC") for k in range(1, K + 1)]
    rows = [
        [row.id, when, "4", "zh-Hans", "77",
         *(f"A{cell}" if (cell := getattr(row, item)) else "" for item in ITEMS),
         row.sex, row.branch, row.overall]
        for when, row in zip(stamps(len(frame)), frame.itertuples(), strict=True)
    ]  # fmt: skip
    left = ["999", "", "1", "zh-Hans", "78", *["A3"] * 3, *[""] * 9, "", "", ""]
    path.write_bytes(rows_bytes([[*own, *items, "SEX", "BRANCH", "OVERALL"], *rows, left]))


def limesurvey_questions(path: Path) -> None:
    """Whole questions as headings, whole answers as cells."""
    words = spoken(answers())
    own = ["Response ID", "Date submitted", "Last page", "Start language", "Seed"]
    rows = [
        [row.id, when, "4", "zh-Hans", "77", *(getattr(row, item) for item in ITEMS),
         row.sex, row.branch, row.overall]
        for when, row in zip(stamps(len(words)), words.itertuples(), strict=True)
    ]  # fmt: skip
    header = [*own, *titles("{question} [{row}]"), "您的性别", "网点", "总体满意度"]
    path.write_bytes(rows_bytes([header, *rows]))


def google_forms(path: Path) -> None:
    """A time stamp, grids in brackets, answers in words, no id."""
    words = spoken(answers())
    rows = [
        [when, *(getattr(row, item) for item in ITEMS), row.sex, row.branch, row.overall]
        for when, row in zip(stamps(len(words)), words.itertuples(), strict=True)
    ]
    header = ["时间戳记", *titles("{question} [{row}]"), "性别", "网点", "总体满意度"]
    path.write_bytes(rows_bytes([header, *rows]))


def wenjuanxing_rows(*, coded: bool) -> list[list[str]]:
    """Return header and rows of an export by answers' texts or by their numbers."""
    frame = as_text(answers())
    words = spoken(answers(), empty="(空)")
    own = ["序号", "提交答卷时间", "所用时间", "来源", "来源详情", "来自IP"]
    if coded:
        grids = [f"第{n}题({row})" for n in (3, 4) for row in ROWS]
    else:
        grids = [f"{n}、{q}—{row}" for n, q in ((3, EXPECTED), (4, PERCEIVED)) for row in ROWS]
    header = [
        *own,
        "1、性别",
        "2、网点",
        *grids,
        "5、总体满意度",
        "6、办理过的渠道",
        "7、意见",
        "7、意见",
    ]
    rows = []
    several = used(len(frame), "┋")
    for place, when in enumerate(stamps(len(frame))):
        row, word = frame.iloc[place], words.iloc[place]
        cells = [row[i] or "-3" for i in ITEMS] if coded else [word[i] for i in ITEMS]
        rows.append(
            [row["id"], when, f"{row['seconds']}秒", "手机提交", "直接访问", "10.0.0.1(北京)",
             row["sex"], row["branch"], *cells, row["overall"] if coded else word["overall"],
             several[place] or ("-2" if coded else "(空)"), "很好", "(空)"]
        )  # fmt: skip
    return [header, *rows]


def wenjuanxing_texts(path: Path) -> None:
    """By texts, as a workbook."""
    write_xlsx(path, wenjuanxing_rows(coded=False))


def wenjuanxing_codes(path: Path) -> None:
    """By numbers, as CSV; -3 where an item was skipped."""
    path.write_bytes(rows_bytes(wenjuanxing_rows(coded=True)))


AIRLINE = ("Inflight wifi service", "Departure/Arrival time convenient",
           "Ease of Online booking", "Food and drink", "Seat comfort", "On-board service",
           "Baggage handling", "Cleanliness")  # fmt: skip


def wide(path: Path) -> None:
    """An airline's file as on Kaggle: a nameless index, 0 to 5 items, an outcome in two words."""
    frame = answers()
    out = pd.DataFrame({"": range(len(frame)), "id": frame["id"] * 17})
    out["Gender"] = frame["sex"].map({"男": "Male", "女": "Female"})
    out["Customer Type"] = ["Loyal Customer", "disloyal Customer"] * (len(frame) // 2)
    out["Age"] = 18 + frame["seconds"] % 55
    out["Class"] = frame["branch"].map({"城北": "Eco", "城南": "Business", "城东": "Eco Plus"})
    out["Flight Distance"] = frame["seconds"] * 3
    for title, item in zip(AIRLINE, ITEMS[6:] + ITEMS[:2], strict=True):
        out[title] = frame[item].fillna(0).astype(int)
    out["Departure Delay in Minutes"] = frame["seconds"] % 90
    out["satisfaction"] = frame["overall"].map(
        lambda v: "satisfied" if v >= 4 else "neutral or dissatisfied"
    )
    out.to_csv(path, index=False)


def long(path: Path) -> None:
    """A row an answer: respondent, battery, item, answer, and what describes the respondent."""
    frame = answers()
    rows = [["respondent_id", "battery", "item", "answer", "网点", "总体满意度"]]
    for row in frame.itertuples():
        for prefix, battery in (("E", "期望"), ("P", "感知")):
            rows += [
                [str(row.id), battery, f"{k:02}", "" if pd.isna(cell) else str(int(cell)),
                 row.branch, str(row.overall)]
                for k in range(1, K + 1)
                for cell in [getattr(row, f"{prefix}{k}")]
            ]  # fmt: skip
    path.write_bytes(rows_bytes(rows))


PLATFORM_FILES: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "qualtrics": ("csv", qualtrics),
    "surveymonkey": ("xlsx", surveymonkey),
    "limesurvey, codes": ("csv", limesurvey_codes),
    "limesurvey, questions": ("csv", limesurvey_questions),
    "google forms": ("csv", google_forms),
    "wenjuanxing, texts": ("xlsx", wenjuanxing_texts),
    "wenjuanxing, codes": ("csv", wenjuanxing_codes),
    "long": ("csv", long),
    "wide": ("csv", wide),
}
