"""LimeSurvey: a plain table under codes, ``{sid}X{gid}X{qid}{title}`` or whole questions.

Sub-questions stand in brackets, ``SERV[SQ001]`` or ``How good? [Speed]``. Responses that were
never submitted are exported too, with an empty submission date; they stay, and are named.
"""

import re
from dataclasses import replace

import pandas as pd

from servlab.data.formats.platforms.shape import apart, bracketed_grids, read_as, told_apart
from servlab.data.formats.table import RawTable, is_blank
from servlab.data.schema import Label

NAME, TITLE = "limesurvey", "LimeSurvey"
CODES = ("id", "submitdate", "lastpage", "startlanguage", "seed")
WORDS = ("Response ID", "Date submitted", "Last page", "Start language", "Seed")
BOTH = tuple(f"{code}. {word}" for code, word in zip(CODES, WORDS, strict=True))
DATES = tuple(names[1] for names in (CODES, WORDS, BOTH))
OTHERS = ("startdate", "datestamp", "ipaddr", "refurl", "token", "Date started",
          "Date last action", "IP address", "Referrer URL", "Access code")  # fmt: skip
METADATA = frozenset((*CODES[1:], *WORDS[1:], *BOTH[1:], *OTHERS))
SGQA = re.compile(r"^\d+X\d+X\d+\w*(\[[^\]]+\])?$")
CODE_AND_TEXT = re.compile(r"^(?P<code>[A-Za-z]\w*(?:\[[^\]]+\])*)\.\s+(?P<text>.+)$", re.DOTALL)
NEEDED = 3


def unlike(table: RawTable) -> str:
    """Return what of LimeSurvey's shape a table lacks."""
    header = [str(name) for name in table.frame.columns]
    if any(_found(header, names) >= NEEDED for names in (CODES, WORDS, BOTH)):
        return ""
    if sum(bool(SGQA.match(name)) for name in header) >= 2:
        return ""
    return (
        f"it has neither {', '.join(CODES[:4])} nor {', '.join(WORDS[:4])} among its columns, "
        "nor names such as 123456X7X89SQ001"
    )


def _found(header: list[str], names: tuple[str, ...]) -> int:
    return len(set(header) & set(names))


def recognized(table: RawTable) -> bool:
    """Return whether LimeSurvey's own columns or its numbered names are there."""
    return not unlike(table)


def plain(table: RawTable) -> RawTable:
    """Return the table with repeated headings told apart and texts as labels."""
    header = [str(name) for name in table.frame.columns]
    columns = [str(name) for name in apart(header)]
    labels, grids = {}, bracketed_grids(columns)
    for column in columns:
        match = CODE_AND_TEXT.match(column)
        if match:
            labels[column] = match["text"].strip()
    worded = bracketed_grids(list(labels.values()))
    grids |= {column: worded[text] for column, text in labels.items() if text in worded}
    note = read_as(
        TITLE, "sub-questions in brackets are the rows of a grid", "方括号内为矩阵题的子题"
    )
    frame = table.frame.set_axis(apart(header), axis=1)
    return replace(
        table,
        frame=frame,
        labels={**table.labels, **labels},
        grids=grids,
        notes=(*table.notes, note, *_open(frame), *told_apart(header)),
    )


def _open(frame: pd.DataFrame) -> tuple[Label, ...]:
    """Return a note on responses that were never submitted."""
    column = next((name for name in DATES if name in frame), None)
    if column is None:
        return ()
    n_open = sum(map(is_blank, frame[column]))
    if not n_open:
        return ()
    return (
        Label(
            en=f"{n_open} response(s) without a submission date stay; to leave them out, add an "
            f'exclusion with rule = "empty" and column = "{column}" to the codebook.',
            zh=f"保留了未提交（无提交日期）的 {n_open} 份答卷；如需剔除，请在编码本中添加排除规则 "
            f'rule = "empty"、column = "{column}"。',
        ),
    )
