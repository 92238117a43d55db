"""Qualtrics: question texts and ``{"ImportId": ...}`` stand under the header; previews are kept.

Status is written in words or as a code; the codes are those of Qualtrics' help page on exported
data. Answers nobody gave (previews, generated tests) are left out and counted; those that
Qualtrics takes for spam or that were not finished stay, and are named.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.data.formats.platforms.shape import read_as
from servlab.data.formats.table import RawTable, is_blank
from servlab.data.schema import Label
from servlab.data.survey import Exclusions

NAME, TITLE = "qualtrics", "Qualtrics"
PREVIEWS = ("survey preview", "preview", "spam survey preview", "offline survey preview",
            "1", "9", "17")  # fmt: skip
TESTS = ("survey test", "test", "2")
SPAM = ("spam", "possible spam", "imported (spam)", "8", "12")
UNFINISHED = ("false", "0")
METADATA = frozenset(
    ("StartDate", "EndDate", "Status", "IPAddress", "Progress", "Finished", "RecordedDate",
     "RecipientLastName", "RecipientFirstName", "RecipientEmail", "ExternalReference",
     "LocationLatitude", "LocationLongitude", "DistributionChannel", "UserLanguage")
)  # fmt: skip
PREVIEWED = Label(en="Qualtrics survey preview", zh="Qualtrics 预览答卷")
TESTED = Label(en="Qualtrics test response", zh="Qualtrics 测试答卷")


def unlike(table: RawTable) -> str:
    """Return what of Qualtrics' shape a table lacks."""
    if len(table.frame) < 2:
        return "it has no second row under the header"
    cells = table.frame.iloc[1]
    if all(str(cell).lstrip().startswith('{"ImportId"') for cell in cells):
        return ""
    where = "first" if str(table.frame.iloc[0, 0]).startswith('{"ImportId"') else ""
    if where:
        return (
            'the row of {"ImportId": ...} stands first under the header, not second: '
            "the two rows are swapped"
        )
    return 'the second row under the header is not the {"ImportId": ...} of each column'


def recognized(table: RawTable) -> bool:
    """Return whether the row of import ids is there, which nothing else has."""
    return not unlike(table)


def plain(table: RawTable) -> RawTable:
    """Return answers without the two rows of question texts and ids, and without previews."""
    labels = {str(c): str(text) for c, text in table.frame.iloc[0].items() if not is_blank(text)}
    answer = np.arange(len(table.frame)) >= 2
    preview = answer & (_has(table.frame, "Status", PREVIEWS) | _channel(table.frame))
    test = answer & ~preview & _has(table.frame, "Status", TESTS)
    keep = answer & ~preview & ~test
    dropped = tuple(
        Exclusions(reason, int(where.sum()))
        for reason, where in ((PREVIEWED, preview), (TESTED, test))
        if where.any()
    )
    note = read_as(
        TITLE, "question texts under the header became labels", "表头下的题目文字作为标签"
    )
    return replace(
        table,
        frame=table.frame[keep].reset_index(drop=True),
        rows=table.row_numbers[keep],
        labels={**table.labels, **labels},
        grids=_grids(labels),
        notes=(*table.notes, note, *_doubtful(table.frame[keep])),
        dropped=(*table.dropped, *dropped),
    )


def _has(frame: pd.DataFrame, column: str, words: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return (n,) whether a column holds one of the words; False where there is no such column."""
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    cells = frame[column].astype(str).str.strip().str.lower().str.removesuffix(".0")
    return cells.isin(words).to_numpy(dtype=bool)


def _channel(frame: pd.DataFrame) -> NDArray[np.bool_]:
    return _has(frame, "DistributionChannel", ("preview",))


def _grids(labels: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return question and row of ``Question - Row``, for columns such as Q3_1, Q3_2."""
    stems: dict[str, list[tuple[str, str, str]]] = {}
    for column, text in labels.items():
        stem, sign, number = column.rpartition("_")
        question, dash, row = text.rpartition(" - ")
        if sign and number.isdigit() and dash and row.strip():
            stems.setdefault(stem, []).append((column, question.strip(), row.strip()))
    return {
        column: (question, row)
        for found in stems.values()
        if len(found) >= 2 and len({question for _, question, _ in found}) == 1
        for column, question, row in found
    }


def _doubtful(frame: pd.DataFrame) -> tuple[Label, ...]:
    """Return notes on responses that stay although Qualtrics marks them."""
    marked = (
        ("Status", SPAM, "response(s) that Qualtrics marks as spam", "Qualtrics 标记为垃圾"),
        ("Finished", UNFINISHED, "unfinished response(s)", "未完成"),
    )
    return tuple(
        Label(
            en=f"{n} {what_en} ({column}) stay; to leave them out, add an exclusion on {column} "
            "to the codebook.",
            zh=f"保留了{what_zh}（{column}）的 {n} 份答卷；如需剔除，请在编码本中按 {column} "
            "添加排除规则。",
        )
        for column, words, what_en, what_zh in marked
        if (n := int(_has(frame, column, words).sum()))
    )
