"""Which words are answers on a rating scale, and which number is each? Guesses for a draft.

Known are the ladders that questionnaires use in English and Chinese: agreement, satisfaction,
importance, likelihood, quality, frequency. A set of words is numbered only when every word is
known and no two fall on one step; anything else is for a person to number.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

# Words that say that there is no answer.
NO_ANSWER = frozenset(
    ("n/a", "na", "n.a.", "not applicable", "does not apply", "don't know", "dont know",
     "do not know", "no opinion", "no answer", "not answered", "prefer not to say",
     "prefer not to answer", "refused", "can't say", "cannot say", "never used", "not used",
     "不适用", "不知道", "不了解", "不清楚", "无法评价", "无法判断", "未使用", "没有使用过",
     "没用过", "未使用过", "拒绝回答", "不愿回答", "未回答", "未作答",
     "未填写", "未填", "跳过", "缺失",
     "(空)", "(跳过)", "说不清")
)  # fmt: skip
STRONG_ZH = "非常|完全|十分|极其|极度|强烈|特别|绝对|很"
WEAK_ZH = "比较|有点儿?|有些|略微|略有|略|稍微|稍|基本上?|较为|较|部分|大致|倾向于?"
BASES_ZH = (
    ("同意", "同意|赞同|认同|赞成", "|反对"), ("满意", "满意", ""), ("重要", "重要", ""),
    ("符合", "符合", ""), ("可能", "可能", ""), ("愿意", "愿意", ""), ("推荐", "推荐", ""),
    ("信任", "信任", ""), ("喜欢", "喜欢", "|讨厌"),
)  # fmt: skip
NEUTRAL_ZH = frozenset(
    (
        "一般",
        "一般般",
        "中立",
        "普通",
        "不确定",
        "无所谓",
        "中等",
        "尚可",
        "没意见",
        "无意见",
        "适中",
    )
)
STRONG_EN = "strongly|completely|totally|very|extremely|highly|definitely|entirely"
WEAK_EN = "somewhat|slightly|rather|fairly|mostly|partly|moderately|mildly|quite|tend to"
BASES_EN = (
    ("agree", "agree", "disagree"),
    ("satisfied", "satisfied", "dissatisfied|unsatisfied"),
    ("important", "important", "unimportant"),
    ("likely", "likely", "unlikely"),
    ("willing", "willing", "unwilling"),
    ("good", "good", "poor|bad"),
)
NEUTRAL_EN = frozenset(
    ("neutral", "undecided", "average", "indifferent", "ok", "okay", "fair", "so-so", "unsure",
     "neither", "neither nor", "neither good nor bad", "neither good nor poor")
)  # fmt: skip
NEITHER = re.compile(r"neither .+ n?or .+|既不.+也不.+|说不上.+")
# Ladders with one side only, from the lowest step to the highest.
ONE_SIDED = (
    ("not at all important", "slightly important", "moderately important", "very important",
     "extremely important"),
    ("not at all satisfied", "slightly satisfied", "moderately satisfied", "very satisfied",
     "extremely satisfied"),
    ("not at all likely", "slightly likely", "moderately likely", "very likely",
     "extremely likely"),
    ("poor", "fair", "good", "very good", "excellent"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("从不", "很少", "有时", "经常", "总是"),
    ("从未", "偶尔", "有时", "经常", "总是"),
    ("很差", "较差", "一般", "较好", "很好"),
    ("非常差", "差", "一般", "好", "非常好"),
    ("很差", "差", "一般", "好", "很好"),
    ("很低", "较低", "一般", "较高", "很高"),
)  # fmt: skip
SIMPLIFIED = str.maketrans("滿無沒認贊讚強較點極確", "满无没认赞赞强较点极确")
CODED = re.compile(r"^(?P<stem>[A-Za-z]{1,3})0*(?P<number>\d{1,2})$")
TRAILED = re.compile(r"^[^\d(]+\((?P<number>\d{1,2})(?:\s*分)?\)$")  # 非常满意(5)
LED = re.compile(r"^[(（\[]?(?P<number>\d{1,2})(?:\s*分)?[)）\]]?(?:\s*[-–—=:：.、,，|(（\[ ].*)?$")


@dataclass(frozen=True, slots=True)
class Ladder:
    """Words numbered from the low end of a scale.

    Attributes
    ----------
    values : mapping of str to int
        The number of each word, as it stands in the file.
    low, high : int
        Ends of the scale, whether or not anybody chose them.
    doubt : str
        What a person should look at, in words; empty when nothing is left open.
    """

    values: Mapping[str, int]
    low: int
    high: int
    doubt: str = ""


def says_nothing(word: str) -> bool:
    """Return whether a word says that there is no answer."""
    return _folded(word) in NO_ANSWER


def ladder_of(words: Iterable[str]) -> Ladder | None:
    """Return the numbers of a scale's words, or None when not all are known.

    Examples
    --------
    >>> ladder_of(["同意", "非常不同意", "一般"]).values
    {'同意': 4, '非常不同意': 1, '一般': 3}
    >>> ladder_of(["Strongly agree", "so lala"]) is None
    True
    """
    listed = list(dict.fromkeys(words))
    if len(listed) < 2:
        return None
    return _coded(listed) or _led(listed) or _one_sided(listed) or _two_sided(listed)


def runs_down(labels: Mapping[float, str]) -> bool:
    """Return whether labels that are a known ladder fall as their codes rise."""
    ladder = ladder_of(labels.values())
    if ladder is None or len(ladder.values) < len(labels):
        return False
    ranks = [ladder.values[labels[code]] for code in sorted(labels)]
    return all(later < earlier for earlier, later in itertools.pairwise(ranks))


def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKC", word).translate(SIMPLIFIED).lower().replace("’", "'")
    return (" " if plain.isascii() else "").join(plain.split()).rstrip(".。")


def _led(words: list[str]) -> Ladder | None:
    """Return the ladder of words with their number: ``5 - Strongly agree``, ``5分``, ``好(5)``."""
    found = {}
    for word in words:
        plain = unicodedata.normalize("NFKC", word).strip()
        match = LED.match(plain) or TRAILED.match(plain)
        if match:
            found[word] = match
    if len(found) < len(words):
        return None
    values = {word: int(match["number"]) for word, match in found.items()}
    if len(set(values.values())) < len(values) or max(values.values()) > 10:
        return None
    low, high = min(values.values()), max(values.values())
    top = next(t for t in (5, 7, 10) if high <= t) if low else high
    return Ladder(values, min(low, 1), top, "the numbers are those that stand in the words")


def _coded(words: list[str]) -> Ladder | None:
    """Return the ladder of LimeSurvey's codes for answers: A1 to A5, AO01 to AO05."""
    found = [match for word in words if (match := CODED.match(word))]
    if len(found) < len(words) or len({match["stem"] for match in found}) > 1:
        return None
    values = {match[0]: int(match["number"]) for match in found}
    if len(set(values.values())) < len(values) or not 1 <= max(values.values()) <= 10:
        return None
    top = next(t for t in (5, 7, 10) if max(values.values()) <= t)
    return Ladder(values, 1, top, "codes in the order of their numbers; which end is high?")


def _one_sided(words: list[str]) -> Ladder | None:
    folded = {word: _folded(word) for word in words}
    for steps in ONE_SIDED:
        if set(folded.values()) <= set(steps):
            values = {word: steps.index(text) + 1 for word, text in folded.items()}
            if len(set(values.values())) == len(values):
                return Ladder(values, 1, len(steps))
    return None


def _two_sided(words: list[str]) -> Ladder | None:
    """Return the ladder of words on two sides of a middle: no two on one step, one question."""
    found = {word: _step(_folded(word)) for word in words}
    steps = {word: step for word, step in found.items() if step is not None}
    bases = {base for base, _ in steps.values() if base}
    degrees = [degree for _, degree in steps.values()]
    if len(steps) < len(words) or len(bases) != 1 or len(set(degrees)) < len(degrees):
        return None
    seven = any({side, 2 * side} <= set(degrees) for side in (-1, 1))
    number = _seven if seven else _five
    high = 7 if seven else 5
    values = {word: number(degree) for word, (_, degree) in steps.items()}
    if 0 in degrees or len(words) < 4:
        return Ladder(values, 1, high)
    even = {word: v - (v > (high + 1) // 2) for word, v in values.items()}
    doubt = f"nobody chose a middle answer, so the scale is taken to have none (1 to {high - 1})"
    return Ladder(even, 1, high - 1, doubt)


def _five(degree: int) -> int:
    """Return the number of a degree where each side has two steps at most."""
    return {-3: 1, -2: 2, -1: 2, 0: 3, 1: 4, 2: 4, 3: 5}[degree]


def _seven(degree: int) -> int:
    """Return the number of a degree where a side has three steps."""
    return degree + 4


def _step(word: str) -> tuple[str, int] | None:
    """Return a word's question and degree, -3 to 3; None when it is not known."""
    if word in NEUTRAL_EN or word in NEUTRAL_ZH or NEITHER.fullmatch(word):
        return "", 0
    for base, graded, hardly, not_at_all in _patterns():
        match = graded.fullmatch(word)
        if match:
            return base, _degree(match)
        if hardly.fullmatch(word):
            return base, -1
        if not_at_all.fullmatch(word):
            return base, -3
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str], re.Pattern[str]], ...]:
    """Return, question by question, what says a degree of it, hardly any, and none at all."""
    english = [
        (
            base,
            rf"(?:(?P<strong>{STRONG_EN})|(?P<weak>{WEAK_EN}))?\s*"
            rf"(?:(?P<yes>{positive})|(?P<no>{negative}|not {positive}))",
            f"not very (?:{positive})",
            f"not at all (?:{positive})",
        )
        for base, positive, negative in BASES_EN
    ]
    chinese = [
        (
            base,
            rf"(?:(?P<strong>{STRONG_ZH})|(?P<weak>{WEAK_ZH}))?"
            rf"(?:(?P<yes>{names})|(?P<no>不(?:{names}){opposed}))",
            f"不(?:太|怎么|大|是很)(?:{names})",
            f"(?:毫不|根本不|一点也不|一点都不)(?:{names})",
        )
        for base, names, opposed in BASES_ZH
    ]
    return tuple(
        (base, re.compile(graded), re.compile(hardly), re.compile(none))
        for base, graded, hardly, none in (*english, *chinese)
    )


def _degree(match: re.Match[str]) -> int:
    size = 3 if match["strong"] else 1 if match["weak"] else 2
    return size if match["yes"] else -size
