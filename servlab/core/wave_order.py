"""The order of waves in time, read from their names.

``2013, 2014``, ``2024-01, 2024-02``, ``Q1 2023, Q4 2022``, ``第1期, 第十期``, ``Spring 2024``,
``Wave 9, Wave 10``: numbers count as numbers, a year of four digits comes first, then what stands
beside it; months and seasons (in English) and 上半年, 下半年, 春夏秋冬 (in Chinese) count as their
place in the year. Names that say no order (``before, after``) have none: no key is made.
"""

import re
import unicodedata
from collections.abc import Sequence

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FULL = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")
SEASONS = ("spring", "summer", "autumn", "winter")
WORDS = (
    {f"{m}{f}": k + 1 for k, (m, f) in enumerate(zip(MONTHS, FULL, strict=True))}
    | {m: k + 1 for k, m in enumerate(MONTHS)}
    | {name: k + 1 for k, name in enumerate(SEASONS)}
    | {"sept": 9, "fall": 3}
)
HALVES = {"上半年": "1", "下半年": "2", "春": "1", "夏": "2", "秋": "3", "冬": "4"}
DIGITS = {digit: k for k, digit in enumerate("零一二三四五六七八九")}
TENS = re.compile(r"[一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九]")
NUMBER = re.compile(r"\d+")
YEAR_LAST = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d\d")


def ordered_waves(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names in the order of time that they say, or None where they say none.

    Examples
    --------
    >>> ordered_waves(["Q1 2024", "Q4 2023", "Q2 2024"])
    ('Q4 2023', 'Q1 2024', 'Q2 2024')
    >>> ordered_waves(["第二期", "第十期", "第一期"])
    ('第一期', '第二期', '第十期')
    >>> ordered_waves(["before", "after"]) is None
    True
    """
    read = [_read(name) for name in names]
    shapes = {(words, len(numbers)) for words, numbers in read}
    keys = [numbers for _, numbers in read]
    if len(shapes) == 1 and keys[0] and len(set(keys)) == len(keys):
        return tuple(name for _, name in sorted(zip(keys, names, strict=True)))
    try:
        values = [float(name) for name in names]
    except ValueError:
        return None
    if len(set(values)) < len(values):
        return None
    return tuple(name for _, name in sorted(zip(values, names, strict=True)))


def _read(name: str) -> tuple[str, tuple[int, ...]]:
    """Return a name's words without numbers, and its numbers with the year first."""
    text = unicodedata.normalize("NFKC", name).casefold()
    if YEAR_LAST.search(text):  # 01/02/2024 is January or February: nobody can tell
        return text, ()
    for word, number in HALVES.items():
        text = text.replace(word, number)
    text = re.sub(r"[a-z]+", lambda found: str(WORDS.get(found[0], found[0])), text)
    text = TENS.sub(_arabic, text)
    found = NUMBER.findall(text)
    years = [n for n in found if re.fullmatch(r"(19|20)\d\d", n)][:1]
    rest = list(found)
    for year in years:
        rest.remove(year)
    words = re.sub(r"[\s._/年月-]+", "", NUMBER.sub("", text))
    return words, tuple(int(n) for n in (*years, *rest))


def _arabic(found: re.Match[str]) -> str:
    """Return a Chinese number under a hundred in digits."""
    text = found[0]
    if "十" not in text:
        return str(DIGITS[text])
    tens, _, ones = text.partition("十")
    return str(10 * (DIGITS[tens] if tens else 1) + (DIGITS[ones] if ones else 0))
