"""What the columns of a file look like: batteries, scales, missing codes. Guesses, all of them."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np

from servlab.data.encode import is_missing, parse_number
from servlab.data.formats import RawTable

# What a column's stem says about the battery it belongs to.
STEMS = {
    "expectation": ("e", "exp", "expect", "expectation", "expected", "期望", "期待", "기대"),
    "perception": ("p", "per", "perc", "percept", "perception", "perceived", "s", "sat", "感知",
                   "实际", "满意", "인지"),
    "desired": ("d", "des", "desired", "理想", "期望服务"),
    "adequate": ("a", "adq", "adeq", "adequate", "min", "可接受", "最低"),
    "importance": ("i", "imp", "qi", "importance", "important", "重要", "重要性"),
}  # fmt: skip
OUTCOME = re.compile(
    r"overall|satisf|satisfaction|loyal|recommend|repurchas|reuse|nps|满意|忠诚|推荐|^y\d*$", re.I
)
IDENTIFIER = re.compile(
    r"^(id|no|nr|respnum|respondent|case|序号|编号|答卷编号)[\W_]*(id|no)?$", re.I
)
WEIGHT = re.compile(r"^(w|wt|weight|weights|权重)$", re.I)
DURATION = re.compile(r"duration|所用时间|用时|elapsed", re.I)
NUMBERED = re.compile(r"^(?P<stem>.*?)[\s_.\-]*0*(?P<number>\d+)(?:[\s_.\-]*(?P<suffix>\D+))?$")
SPARE_CODES = (0, -1, -2, -3, 8, 9, 88, 98, 99, 888, 998, 999)
MOST_CATEGORIES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What one column looks like."""

    name: str
    values: tuple[float, ...]  # distinct numbers, sorted; empty when the column holds text
    declared: tuple[float, ...]  # numbers that the file itself declares missing
    texts: int  # distinct texts
    n: int  # cells that are not empty
    distinct: int

    @property
    def rating(self) -> bool:
        """Whether the values could be answers on a rating scale."""
        whole = [v for v in self.values if v not in SPARE_CODES[1:]]
        return (
            2 <= len(whole) <= 11
            and not self.texts
            and all(v == round(v) for v in whole)
            and min(whole) >= 0
            and max(whole) <= 10
        )


def column_of(table: RawTable, name: str) -> Column:
    """Return what one column looks like."""
    cells = [c for c in table.frame[name] if not is_missing(c, ())]
    distinct = set(cells)
    numbers = set()
    texts = 0
    for cell in distinct:
        value, fault = (
            (float(cell), False)
            if isinstance(cell, int | float | np.number) and not isinstance(cell, bool)
            else parse_number(str(cell), ".")
        )
        texts += fault
        if not fault:
            numbers.add(value)
    ranges = table.declared_missing.get(name, [])
    declared = {
        v for part in ranges for v in numbers if not isinstance(part["lo"], str)
        and part["lo"] <= v <= part["hi"]
    }  # fmt: skip
    values = tuple(sorted(numbers - declared))
    return Column(name, values, tuple(sorted(declared)), texts, len(cells), len(distinct))


def batteries_of(columns: dict[str, Column]) -> dict[str, dict[str, str]]:
    """Return battery -> item code -> column, by stems that share their numbers."""
    stems: dict[str, dict[str, str]] = {}
    for name, column in columns.items():
        match = NUMBERED.match(unicodedata.normalize("NFKC", name))
        if column.rating and match:
            stem = (match["suffix"] or match["stem"]).strip("_.- ").lower()
            stem = stem if _battery_of(stem) else match["stem"].strip("_.- ").lower()
            stems.setdefault(stem, {})[match["number"]] = name
    named: dict[str, dict[str, str]] = {}
    for stem, items in stems.items():
        battery = _battery_of(stem)
        if battery and len(items) >= 3 and battery not in named:
            named[battery] = items
    shared = _same_items(named)
    # one family called "sat" among many others is a dimension, not the whole battery
    alone = len(shared) == 1 and 2 * len(named["perception"]) < sum(map(len, stems.values()))
    if shared and not alone:
        return shared
    return _one_battery(columns, stems)


def _battery_of(stem: str) -> str | None:
    for battery, stems in STEMS.items():
        if stem in stems:
            return battery
    return None


def _same_items(named: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the batteries that ask the same items, in the order of the columns."""
    if "perception" not in named:
        return {}
    numbers = list(named["perception"])
    order = ("expectation", "desired", "adequate", "perception", "importance")
    found = {b: named[b] for b in order if b in named and set(named[b]) == set(numbers)}
    return {b: {code: items[code] for code in numbers} for b, items in found.items()}


def _one_battery(
    columns: dict[str, Column], stems: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    """Return one perception battery of all ratings that share the commonest scale."""
    grouped = {c for items in stems.values() if len(items) >= 2 for c in items.values()}
    pool = [c for name, c in columns.items() if c.rating and name in grouped]
    pool = pool or [c for c in columns.values() if c.rating and not OUTCOME.search(c.name)]
    pool = [c for c in pool if not OUTCOME.search(c.name)] or pool
    if len(pool) < 3:
        return {}
    top = Counter(ends_of(c.values)[1] for c in pool).most_common(1)[0][0]
    same = [c for c in pool if ends_of(c.values)[1] == top]
    return {"perception": {c.name: c.name for c in same}} if len(same) >= 3 else {}


def ends_of(values: tuple[float, ...]) -> tuple[int, int, list[int]]:
    """Return the low and high end of a scale and the codes that stand apart from it."""
    whole = sorted(int(v) for v in values)
    runs: list[list[int]] = []
    for value in whole:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    run = max(runs, key=len)
    apart = [v for v in whole if v not in run and v in SPARE_CODES]
    inside = [v for v in whole if v not in apart]
    low, high = min(inside), max(inside)
    if low == 0 and high <= 7:  # 1..5 or 1..7 with 0 for "not applicable"; 0..10 starts at 0
        return 1, high, [*apart, 0]
    return (1 if 1 <= low <= 3 else low), next(top for top in (5, 7, 10) if high <= top), apart


def answers_of(
    batteries: dict[str, dict[str, str]], columns: dict[str, Column]
) -> tuple[float, ...]:
    """Return the distinct answers of all batteries but importance."""
    rated = [
        columns[c] for b, items in batteries.items() if b != "importance" for c in items.values()
    ]
    return tuple(sorted({value for column in rated for value in column.values}))


def missing_of(
    batteries: dict[str, dict[str, str]],
    columns: dict[str, Column],
    values: tuple[float, ...],
) -> list[int]:
    """Return codes apart from the scale, and those that the file declares missing."""
    low, high, apart = ends_of(values)
    declared = {
        v for items in batteries.values() for c in items.values() for v in columns[c].declared
    }
    return sorted({*apart, *(int(v) for v in declared if not low <= v <= high)})


def family_of(code: str) -> str:
    """Return the name that an item's code shares with its family: PERQ of PERQ3."""
    match = NUMBERED.match(code)
    return match["stem"].strip("_.- ") if match else ""


# What the name of a column says of its role in a comparison.
ROLES = (
    ("branch", r"branch|store|site|outlet|location|airport|terminal|hospital|faculty"
               r"|网点|门店|分店|分行|地点|院系|科室"),
    ("wave", r"wave|year|quarter|period|month|期次|年份|季度|月份|批次"),
    ("mode", r"^mode$|survey_mode|channel|渠道|调查方式"),
    ("segment", r"segment|customer_type|country|region|^sex$|gender|^age"
                r"|性别|年龄|地区|国家|客户类型"),
)  # fmt: skip


def role_of(name: str) -> str | None:
    """Return the role that a covariate's name suggests, or None."""
    for role, pattern in ROLES:
        if re.search(pattern, name, re.IGNORECASE):
            return role
    return None
