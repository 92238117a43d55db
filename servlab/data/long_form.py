"""Does a file hold a row an answer? A guess for a draft, from names and counts."""

import re

import numpy as np

from servlab.data.batteries import battery_of
from servlab.data.codebook import Layout
from servlab.data.formats import RawTable
from servlab.data.formats.cells import cells_of
from servlab.data.guess import IDENTIFIER, column_of

PERSON = re.compile(
    r"([a-z]|^|_| )id$|(^|_| )(respondent|resp|person|subject|user|customer)"
    r"|被试|受访者|答卷|用户|顾客",
    re.I,
)
ITEM = re.compile(
    r"^(item|question|q|variable|indicator|attribute)(_?(id|no|code|name))?$|题目|题号|项目|指标|条目",
    re.I,
)
ANSWER = re.compile(
    r"^(answer|response|score|rating|value|grade|points?)s?$|^(评分|得分|分数|回答|答案|作答|取值)$",
    re.I,
)
BATTERY = re.compile(
    r"^(battery|block|scale|type|kind|section|part)$|^(量表|部分|类型|类别|测量)$", re.I
)
ASKED = (("expectation", r"期望|期待|expect"), ("perception", r"感知|实际|percei?v|percept|actual"),
         ("importance", r"重要|importan"), ("desired", r"理想|desired"),
         ("adequate", r"可接受|最低|adequate|minimum"))  # fmt: skip
MOST_ITEMS = 300


def layout_of(table: RawTable) -> Layout | None:
    """Return the layout of a long file, or None when rows look like respondents.

    A long file has a column that names items, one that holds ratings, and one whose values
    repeat once an item.
    """
    names = [str(column) for column in table.frame.columns]
    item = next((n for n in names if ITEM.search(n) and _repeats(table, n)), None)
    answer = next((n for n in names if ANSWER.search(n) and column_of(table, n).rating), None)
    person = next(
        (n for n in names if n not in (item, answer) and _person(n) and _repeats(table, n)), None
    )
    if item is None or answer is None or person is None:
        return None
    battery = next((n for n in names if BATTERY.search(n) and _asked(table, n)), None)
    keys = [person, item, *([battery] if battery else [])]
    codes = np.column_stack([cells_of(table.frame[key])[0] for key in keys])
    if len(np.unique(codes, axis=0)) < 0.9 * len(codes):  # doubled rows are named when it is read
        return None
    return Layout(
        form="long",
        id=person,
        item=item,
        answer=answer,
        battery=battery,
        batteries=_asked(table, battery) if battery else {},
    )


def _person(name: str) -> bool:
    return bool(IDENTIFIER.match(name) or PERSON.search(name))


def _repeats(table: RawTable, name: str) -> bool:
    """Return whether a column's values come again and again."""
    distinct = len(cells_of(table.frame[name])[1])
    return 2 <= distinct <= len(table.frame) / 2


def _asked(table: RawTable, name: str) -> dict[str, str]:
    """Return word -> battery where a column's few words all speak of batteries."""
    words = [str(cell).strip() for cell in cells_of(table.frame[name])[1]]
    if not 2 <= len(words) <= len(ASKED):
        return {}
    found: dict[str, str] = {}
    for word in words:
        known = battery_of(word.lower())
        known = known or next((b for b, p in ASKED if re.search(p, word, re.IGNORECASE)), None)
        if known is None or known in found.values():
            return {}
        found[word] = known
    return found
