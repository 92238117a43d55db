"""What the columns of a file look like: batteries, scales, missing codes. Guesses, all of them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from servlab.data.encode import is_missing, parse_number
from servlab.data.formats import RawTable
from servlab.data.formats.cells import cells_of
from servlab.data.ladders import Ladder, ladder_of, runs_down, says_nothing

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
    r"overall|satisf|satisfaction|loyal|recommend|repurchas|reuse|nps|满意|忠诚|推荐|总体|整体|再次|^y\d*$",
    re.I,
)
NEGATED = re.compile(r"dissatisf|unsatisf|unlikely|disagree|^no\b|^not\b|false|不|否|未|没", re.I)
OVERALL = re.compile(
    r"overall|recommend|repurchas|reuse|loyal|nps|总体|整体|总的|综合|推荐|忠诚|再次|继续", re.I
)
IDENTIFIER = re.compile(
    r"^(id|no|nr|respnum|response|respondent|case|序号|编号|答卷编号)[\W_]*(id|no)?$", re.I
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
    words: Mapping[str, int]  # answers of each text, commonest first
    unanswered: tuple[str, ...]  # texts that say that there is no answer
    labelled: Mapping[float, str]  # the file's own labels of codes that it calls answers
    n: int  # cells that are not empty
    distinct: int

    @property
    def texts(self) -> int:
        """Return the number of distinct texts."""
        return len(self.words) + len(self.unanswered)

    @property
    def ladder(self) -> Ladder | None:
        """Return the numbers of the texts, when all are known words of one scale."""
        return ladder_of([*self.words, *(f"{v:g}" for v in self.values)]) if self.words else None

    @property
    def rating(self) -> bool:
        """Whether the values could be answers on a rating scale."""
        if self.words:
            return self.ladder is not None
        whole = [v for v in self.values if v not in SPARE_CODES[1:]]
        return (
            2 <= len(whole) <= 11
            and all(v == round(v) for v in whole)
            and min(whole) >= 0
            and max(whole) <= 10
        )


def column_of(table: RawTable, name: str) -> Column:
    """Return what one column looks like."""
    codes, cells = cells_of(table.frame[name])
    sizes = np.bincount(codes[codes >= 0], minlength=len(cells))
    numbers: set[float] = set()
    words: Counter[str] = Counter()
    for cell, size in zip(cells, sizes, strict=True):
        if is_missing(cell, ()):
            continue
        value, fault = (
            (float(cell), False)
            if isinstance(cell, int | float | np.number) and not isinstance(cell, bool)
            else parse_number(str(cell), ".")
        )
        if fault:
            words[str(cell).strip()] += int(size)
        else:
            numbers.add(value)
    ranges = table.declared_missing.get(name, [])
    letters = {part["lo"] for part in ranges if isinstance(part["lo"], str)}
    numeric = [part for part in ranges if not isinstance(part["lo"], str)]
    declared = {v for part in numeric for v in numbers if part["lo"] <= v <= part["hi"]}
    unanswered = tuple(word for word in words if word in letters or says_nothing(word))
    labels = table.value_labels.get(name, {})
    filled = np.array([not is_missing(cell, ()) for cell in cells], dtype=bool)
    return Column(
        name,
        tuple(sorted(numbers - declared)),
        tuple(sorted(declared)),
        dict(Counter({w: c for w, c in words.items() if w not in unanswered}).most_common()),
        unanswered,
        {
            float(c): text
            for c, text in labels.items()
            if isinstance(c, int | float)
            and not any(part["lo"] <= c <= part["hi"] for part in numeric)
        },
        int(sizes[filled].sum()) if len(cells) else 0,
        int(filled.sum()),
    )


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
    usual = [v for v in whole if v in run or v not in SPARE_CODES]
    spare = [v for v in whole if v not in run and v in SPARE_CODES]
    apart = [v for v in spare if v > max(usual) or v < min(usual)]  # 8 of 2, 4, 6, 8, 10 is not
    inside = [v for v in whole if v not in apart]
    low, high = min(inside), max(inside)
    if low == 0 and high <= 7:  # 1..5 or 1..7 with 0 for "not applicable"; 0..10 starts at 0
        return 1, high, [*apart, 0]
    return (1 if 1 <= low <= 3 else low), next(top for top in (5, 7, 10) if high <= top), apart


@dataclass(frozen=True, slots=True)
class Answers:
    """How the answers of some columns are to be read.

    Attributes
    ----------
    low, high : int
        Ends of the scale.
    values : mapping of str to int
        Numbers of texts, or of codes that run the other way.
    missing : tuple of int or str
        Codes and words that are no answers.
    unknown : mapping of str to int
        Words that nobody numbered yet, with how often they occur.
    why : str
        What the guess rests on.
    """

    low: int
    high: int
    values: Mapping[str, int]
    missing: tuple[int | str, ...]
    unknown: Mapping[str, int]
    why: str


def answers_of(columns: Sequence[Column]) -> Answers:
    """Return how the answers of columns that share a scale are to be read."""
    words = sum((Counter(column.words) for column in columns), Counter())
    numbers = tuple(sorted({value for column in columns for value in column.values}))
    unanswered = tuple(dict.fromkeys(w for column in columns for w in column.unanswered))
    if words:
        ladder = ladder_of([*words, *(f"{v:g}" for v in numbers)])
        if ladder is None:
            why = "words that servlab does not know; number them from the low end to the high"
            return Answers(1, max(len(words), 2), {}, unanswered, dict(words.most_common()), why)
        values = {word: ladder.values[word] for word in words}
        ordered = dict(sorted(values.items(), key=lambda pair: pair[1]))
        why = ladder.doubt or "the order of these words"
        return Answers(ladder.low, ladder.high, ordered, unanswered, {}, why)
    declared = {int(v) for column in columns for v in column.declared}
    return _numeric(columns, numbers, declared, unanswered)


def _numeric(
    columns: Sequence[Column],
    numbers: tuple[float, ...],
    declared: set[int],
    unanswered: tuple[str, ...],
) -> Answers:
    """Return how codes are to be read: by the file's labels where it has them, else by range."""
    labels = {code: text for column in columns for code, text in column.labelled.items()}
    silent = {int(code) for code, text in labels.items() if says_nothing(text)}
    known = {int(c): t for c, t in labels.items() if int(c) not in silent and c == int(c)}
    rated = tuple(v for v in numbers if v not in silent)
    low, high, apart = ends_of(rated or numbers)
    why = f"answers run from {low} to {high}"
    if len(known) >= 2 and min(known) <= min(rated) and max(rated) <= max(known):
        low, high, apart = min(known), max(known), []
        why = f"the file's labels: {low} {known[low]}, {high} {known[high]}"
    missing = sorted({*apart, *silent, *(v for v in declared if not low <= v <= high)})
    values = _turned(known, low, high)
    if values:
        why = f"in this file {low} is {known[low]} and {high} is {known[high]}: turned round"
    return Answers(low, high, values, (*missing, *unanswered), {}, why)


def _turned(labels: Mapping[int, str], low: int, high: int) -> dict[str, int]:
    """Return the codes numbered the other way when their labels run downwards."""
    falling = runs_down({float(code): text for code, text in labels.items()})
    return {str(code): low + high - code for code in range(low, high + 1)} if falling else {}


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
