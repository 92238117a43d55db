"""Wenjuanxing (问卷星): numbered titles, grids, joined answers, marks for what was not answered.

Titles are ``1、性别``; a grid's rows ``2、(设施先进)``, ``第2题(设施先进)`` or
``2、请评价—设施先进``. Answers to a question with several are joined by ┋, orders by →. ``(空)``
and ``(跳过)``, in the number export -2 and -3, mean not answered and skipped: they are read as
empty and counted.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from servlab.data.formats.cells import cells_of
from servlab.data.formats.platforms.shape import apart, read_as, texts, told_apart
from servlab.data.formats.table import RawTable
from servlab.data.schema import Label

NAME, TITLE = "wenjuanxing", "问卷星 (Wenjuanxing)"
FIRST = ("序号", "答卷编号", "编号")
OWN = ("提交答卷时间", "所用时间", "来源", "来源详情", "来自IP", "总分")
METADATA = frozenset((*OWN, "答题时长", "开始答题时间", "用户ID", "来自ip"))
NUMBERED = re.compile(
    r"^\s*(?:第\s*(?P<a>\d+)\s*题|(?P<b>\d+)\s*[、.．])\s*(?P<title>.*?)\s*$", re.DOTALL
)
ROW = (
    re.compile(r"^(?P<question>.*?)\s*[(（](?P<row>[^()（）]+)[)）]$", re.DOTALL),
    re.compile(r"^(?P<question>.*?)\s*(?:—+|--+|[:：])\s*(?P<row>[^—:：]+)$", re.DOTALL),
)
BLANK = {"(空)": "blank", "（空）": "blank", "(跳过)": "skipped", "（跳过）": "skipped"}
CODES = {"-2": "blank", "-3": "skipped"}
CODED = re.compile(r"^\d+(?:\.0)?(?:[┋→]\d+)*$")
FILLED_IN = re.compile(r"〖[^〗]*〗")
SEVERAL, ORDER = "┋", "→"


def unlike(table: RawTable) -> str:
    """Return what of Wenjuanxing's shape a table lacks."""
    header = [str(name) for name in table.frame.columns]
    if header[0] not in FIRST:
        return f"its first column is {header[0]!r}, not 序号"
    if not set(OWN[:2]) & set(header):
        return "it has neither the column 提交答卷时间 nor 所用时间"
    if not any(map(NUMBERED.match, header)):
        return "no column is titled as a numbered question, such as 1、性别 or 第2题(设施先进)"
    return ""


def recognized(table: RawTable) -> bool:
    """Return whether its own columns and numbered titles are there."""
    return not unlike(table)


def plain(table: RawTable) -> RawTable:
    """Return answers with titles told apart, joined answers as columns, marks as empty cells."""
    header = [str(name) for name in table.frame.columns]
    frame = table.frame.set_axis(apart(header), axis=1)
    titles = {
        column: (match["a"] or match["b"], match["title"])
        for column, heading in zip(map(str, frame.columns), header, strict=True)
        if (match := NUMBERED.match(heading))
    }
    frame, n_marks = _without_marks(frame, list(titles))
    grids = _grids(titles)
    labels = {c: grids[c][1] if c in grids else text for c, (_, text) in titles.items()}
    parts = {c: _parts(frame[c]) for c in titles}
    added = {f"{c}[{o}]": cells for c, found in parts.items() for o, cells in found.items()}
    extra = {
        f"{c}[{option}]": f"{labels[c]}：{option}" for c, found in parts.items() for option in found
    }
    if added:
        frame = pd.concat([frame, pd.DataFrame(added, dtype=object)], axis=1)
    note = read_as(TITLE, "numbers of questions left out of labels", "题号不计入标签")
    return replace(
        table,
        frame=frame,
        labels={**table.labels, **{c: text for c, text in labels.items() if text}, **extra},
        grids=grids,
        notes=(
            *table.notes, note, *_marks(n_marks), *_joined(parts), *told_apart(header)
        ),
    )  # fmt: skip


def _without_marks(
    frame: pd.DataFrame, questions: Sequence[str]
) -> tuple[pd.DataFrame, Counter[str]]:
    """Return answers with the marks for not answered and skipped empty, and their counts.

    -2 and -3 are marks only where the other answers are codes or joined; an open question keeps
    them.
    """
    counts: Counter[str] = Counter()
    cleaned: dict[str, Any] = {}
    for column in questions:
        codes, distinct = cells_of(frame[column])
        cells = [cell.removesuffix(".0") for cell in texts(distinct)]
        plain_codes = {cell for cell in cells if cell and cell not in BLANK}
        others = plain_codes - CODES.keys()
        closed = all(map(CODED.match, others)) or any(SEVERAL in o or ORDER in o for o in others)
        marks = BLANK | (CODES if closed and others else {})
        kinds = [marks.get(cell) for cell in cells]
        if any(kinds):
            sizes = np.bincount(codes[codes >= 0], minlength=len(distinct))
            for kind, size in zip(kinds, sizes, strict=True):
                counts.update({kind: int(size)} if kind else {})
            kept = [None if kind else cell for kind, cell in zip(kinds, distinct, strict=True)]
            cleaned[column] = np.array([*kept, None], dtype=object)[codes]
    return frame.assign(**cleaned) if cleaned else frame, counts


def _grids(titles: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Return question and row of columns that share a number and are apart by their rows."""
    sizes = Counter(number for number, _ in titles.values())
    found: dict[str, tuple[str, str, str]] = {}
    for column, (number, title) in titles.items():
        match = next((m for pattern in ROW if (m := pattern.match(title))), None)
        if match and sizes[number] >= 2:
            found[column] = (number, match["question"], match["row"].strip())
    shared = Counter((number, question) for number, question, _ in found.values())
    return {
        column: (f"{number}、{question}", row)
        for column, (number, question, row) in found.items()
        if shared[number, question] >= 2
    }


def _parts(cells: pd.Series) -> dict[str, Any]:
    """Return, for joined answers, a column an option: 1 or 0 chosen, or the place in the order."""
    codes, distinct = cells_of(cells)
    answers = texts(distinct)
    ordered = any(ORDER in answer for answer in answers)
    if not ordered and not any(SEVERAL in answer for answer in answers):
        return {}
    sign = ORDER if ordered else SEVERAL
    split = [
        [FILLED_IN.sub("", part).strip() for part in answer.split(sign)] if answer else None
        for answer in answers
    ]
    options = dict.fromkeys(part for parts in split if parts for part in parts if part)
    if ordered:
        chosen = {
            o: [str(p.index(o) + 1) if p and o in p else None for p in split] for o in options
        }
    else:
        chosen = {o: [None if p is None else str(int(o in p)) for p in split] for o in options}
    return {
        option: np.array([*cells, None], dtype=object)[codes] for option, cells in chosen.items()
    }


def _marks(counts: Counter[str]) -> tuple[Label, ...]:
    """Return a note on the cells read as empty, or none."""
    if not counts:
        return ()
    blank, skipped = counts["blank"], counts["skipped"]
    return (
        Label(
            en=f"Read as empty: {blank} answer(s) marked not answered ((空) or -2), {skipped} "
            "marked skipped ((跳过) or -3).",
            zh=f"按空值读取：标记为未作答（(空) 或 -2）{blank} 处，"
            f"标记为跳过（(跳过) 或 -3）{skipped} 处。",
        ),
    )


def _joined(parts: dict[str, dict[str, Any]]) -> tuple[Label, ...]:
    """Return a note on columns added for joined answers, or none."""
    columns = [column for column, found in parts.items() if found]
    if not columns:
        return ()
    shown = "、".join(columns[:3])
    return (
        Label(
            en="Joined answers (┋ several, → an order) also stand as a column an option, "
            f"question[option], 1 chosen and 0 not, or the place in the order: {shown}.",
            zh="多选（┋）与排序（→）题另按选项拆为“题目[选项]”列，"
            f"1 为选中、0 为未选，或为名次：{shown}。",
        ),
    )
