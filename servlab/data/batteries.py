"""Which columns ask the same items, and for what? Guesses for a draft.

By names that share their numbers (E1, P1), by grids that share their rows, else one battery of
the ratings that share a scale.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from servlab.data.formats import RawTable
from servlab.data.formats.platforms.shape import bracketed_grids
from servlab.data.guess import NUMBERED, OUTCOME, OVERALL, STEMS, Column, answers_of, family_of

# What the words of a grid's question say of the battery, the most telling first.
ASKED = (
    ("importance", r"重要|importan"),
    ("adequate", r"可接受|最低|可以容忍|minimum|adequate|tolera"),
    ("desired", r"理想|desired|ideal"),
    ("expectation", r"期望|期待|应该|应当|预期|expect|should"),
    ("perception", r"感知|实际|体验|感受|表现|评价|满意"
                   r"|perce|actual|experience|perform|satisf|rate"),
)  # fmt: skip
ORDER = ("expectation", "desired", "adequate", "perception", "importance")
FEWEST = 3  # items that make a battery
MOST_WORDS = 11
MOST_SETS = 20  # sets of words tried, the most frequent first


@dataclass(frozen=True, slots=True)
class Batteries:
    """Batteries of the same items.

    Attributes
    ----------
    columns : mapping of str to mapping
        Battery -> item code -> column.
    labels, dimensions : mapping of str to str
        Item code -> label, and -> dimension where the items come in several.
    guess : str
        What tells the batteries apart, where that is not in their names.
    """

    columns: Mapping[str, Mapping[str, str]]
    labels: Mapping[str, str] = field(default_factory=dict)
    dimensions: Mapping[str, str] = field(default_factory=dict)
    guess: str = ""


def batteries_of(table: RawTable, columns: Mapping[str, Column]) -> Batteries | None:
    """Return the batteries of a file, or None when no columns look like ratings."""
    stems = _stems(columns)
    named: dict[str, dict[str, str]] = {}
    for stem, items in stems.items():
        battery = battery_of(stem)
        if battery and len(items) >= FEWEST and battery not in named:
            named[battery] = items
    shared = _same_items(named)
    # one family called "sat" among many others is a dimension, not the whole battery
    alone = len(shared) == 1 and 2 * len(named["perception"]) < sum(map(len, stems.values()))
    if shared and not alone:
        return Batteries(shared, _labels(table, shared["perception"]))
    return (
        _of_grids(table, columns)
        or _of_ratings(table, columns, stems)
        or _of_unknown_words(table, columns)
    )


def _stems(columns: Mapping[str, Column]) -> dict[str, dict[str, str]]:
    """Return stem -> number -> column of ratings with numbered names."""
    stems: dict[str, dict[str, str]] = {}
    for name, column in columns.items():
        match = NUMBERED.match(unicodedata.normalize("NFKC", name))
        if column.rating and match:
            stem = (match["suffix"] or match["stem"]).strip("_.- ").lower()
            stem = stem if battery_of(stem) else match["stem"].strip("_.- ").lower()
            stems.setdefault(stem, {})[match["number"]] = name
    return stems


def battery_of(stem: str) -> str | None:
    """Return the battery that the stem of a name stands for, or None."""
    for battery, stems in STEMS.items():
        if stem in stems:
            return battery
    return None


def _same_items(named: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the batteries that ask the same items, in the order of the columns."""
    if "perception" not in named:
        return {}
    numbers = list(named["perception"])
    found = {b: named[b] for b in ORDER if b in named and set(named[b]) == set(numbers)}
    return {b: {code: items[code] for code in numbers} for b, items in found.items()}


def _labels(table: RawTable, items: Mapping[str, str]) -> dict[str, str]:
    """Return item labels: the rows of grids, else the file's texts, else the columns' names."""
    return {
        code: table.grids[column][1]
        if column in table.grids
        else str(table.labels.get(column, column))
        for code, column in items.items()
    }


def _of_grids(table: RawTable, columns: Mapping[str, Column]) -> Batteries | None:
    """Return batteries from grids: those with the same rows ask the same items."""
    grids = _rated_grids(table, columns)
    if sum(map(len, grids.values())) < FEWEST:
        return None
    families: dict[tuple[str, ...], list[str]] = {}
    for question, rows in grids.items():
        families.setdefault(tuple(map(_folded, rows)), []).append(question)
    asked = {}
    guess = ""
    for questions in families.values():
        found, said = _asked_for(questions)
        asked[questions[0]] = found
        guess = said or guess
    complete = [b for b in ORDER if all(b in found for found in asked.values())]
    if "perception" not in complete:
        return None
    return _numbered(grids, list(asked.values()), complete, guess)


def _rated_grids(table: RawTable, columns: Mapping[str, Column]) -> dict[str, dict[str, str]]:
    """Return question -> row -> column of grids whose columns share one scale."""
    known = dict(table.grids) or bracketed_grids(list(columns))
    grids: dict[str, dict[str, str]] = {}
    for column, (question, row) in known.items():
        if columns[column].n:
            grids.setdefault(question, {})[row] = column
    rated = {
        question: rows
        for question, rows in grids.items()
        if len(rows) >= 2 and _one_scale([columns[c] for c in rows.values()])
    }
    high = {q: answers_of([columns[c] for c in rows.values()]).high for q, rows in rated.items()}
    weight: Counter[int] = Counter()
    for question, rows in rated.items():
        weight[high[question]] += len(rows)
    common = max(weight, key=lambda top: weight[top], default=0)
    return {q: r for q, r in rated.items() if high[q] == common or _asked_word(q) == "importance"}


def _one_scale(columns: Sequence[Column]) -> bool:
    """Return whether columns are ratings, or hold the same few words that nobody knows."""
    words: Counter[str] = Counter()
    for column in columns:
        words.update(column.words.keys())
    if not words:
        whole = [v == round(v) and 0 <= v <= 10 for column in columns for v in column.values]
        return any(column.rating for column in columns) and all(whole)
    return not answers_of(columns).unknown or _few_words(columns, words)


def _few_words(columns: Sequence[Column], words: Counter[str]) -> bool:
    """Return whether columns draw on one small set of words, as answers on a scale do."""
    shared = sum(count >= 2 for count in words.values())
    alone = not any(column.values for column in columns)
    return alone and len(columns) >= FEWEST and 2 <= len(words) <= MOST_WORDS and shared >= 2


def _asked_for(questions: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return battery -> question for questions about the same rows, and what was only guessed."""
    if len(questions) == 1:
        return {"perception": questions[0]}, ""
    found: dict[str, str] = {}
    for question in questions:
        battery = _asked_word(question)
        if battery and battery not in found:
            found[battery] = question
    left = [q for q in questions if q not in found.values()]
    if "perception" not in found and left:
        found["perception"] = left.pop()
    if "expectation" not in found and len(questions) == 2 and left:
        found["expectation"] = left.pop()
        return found, "the first question asks for expectations, the second for perceptions"
    return found, ""


def _asked_word(question: str) -> str | None:
    plain = re.sub(r"^\d+、", "", question).strip()
    named = battery_of(plain.lower())
    if named:
        return named
    return next((b for b, words in ASKED if re.search(words, plain, re.IGNORECASE)), None)


def _numbered(
    grids: Mapping[str, Mapping[str, str]],
    asked: Sequence[Mapping[str, str]],
    batteries: Sequence[str],
    guess: str,
) -> Batteries:
    """Return batteries with items numbered through, dimensions being the questions."""
    columns: dict[str, dict[str, str]] = {b: {} for b in batteries}
    labels: dict[str, str] = {}
    dimensions: dict[str, str] = {}
    for found in asked:
        question = found["perception"]
        for row in grids[question]:
            code = str(len(labels) + 1)
            labels[code] = row
            dimensions[code] = re.sub(r"^\d+、\s*", "", question) or question
            for battery in batteries:
                rows = {_folded(text): column for text, column in grids[found[battery]].items()}
                columns[battery][code] = rows[_folded(row)]
    several = len(set(dimensions.values())) >= 2
    return Batteries(columns, labels, dimensions if several else {}, guess)


def _folded(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def _of_ratings(
    table: RawTable, columns: Mapping[str, Column], stems: dict[str, dict[str, str]]
) -> Batteries | None:
    """Return one perception battery of all ratings that share the commonest scale."""
    grouped = {c for items in stems.values() if len(items) >= 2 for c in items.values()}
    ratings = [c for c in columns.values() if c.rating]
    pool = [c for c in ratings if c.name in grouped]
    pool = pool if len(pool) >= FEWEST else ratings
    pool = _without_outcomes(pool)
    if len(pool) < FEWEST:
        return None
    top = Counter(answers_of([c]).high for c in pool).most_common(1)[0][0]
    same = [c for c in pool if answers_of([c]).high == top and not _categories(c, pool)]
    if len(same) < FEWEST:
        return None
    items = {_code(c.name): c.name for c in same}
    if len(items) < len(same):
        items = {c.name: c.name for c in same}
    return Batteries({"perception": items}, _labels(table, items), _families(items))


def _categories(column: Column, pool: Sequence[Column]) -> bool:
    """Return whether a column's numbers look like codes of groups among ratings: only 1, 2 of 5.

    Groups are numbered from 1 without a gap; that nobody reaches the upper half of a scale which
    most other columns use whole would be strange.
    """
    top = answers_of(pool).high
    whole = [c for c in pool if c.values and max(c.values) == top]
    coded = column.values == tuple(map(float, range(1, len(column.values) + 1)))
    return coded and 2 * len(column.values) <= top and 2 * len(whole) > len(pool)


def _of_unknown_words(table: RawTable, columns: Mapping[str, Column]) -> Batteries | None:
    """Return one battery of the columns that share the most common set of unknown words."""
    spoken = [c for c in columns.values() if 2 <= len(c.words) <= MOST_WORDS and not c.values]
    sets = Counter(frozenset(c.words) for c in spoken)
    largest: list[Column] = []
    for first, _ in sets.most_common(MOST_SETS):
        like = [c for c in spoken if 2 * len(first & c.words.keys()) > len(c.words)]
        words: Counter[str] = Counter()
        for column in like:
            words.update(column.words.keys())
        if len(like) > len(largest) and _few_words(like, words):
            largest = like
    items = {_code(c.name): c.name for c in largest}
    if len(items) < FEWEST:
        return None
    return Batteries({"perception": items}, _labels(table, items), {})


def _without_outcomes(pool: list[Column]) -> list[Column]:
    """Return ratings without those that ask for the whole; items may well say satisfied."""
    kept = [c for c in pool if not OUTCOME.search(c.name)]
    if 2 * len(kept) < len(pool):
        kept = [c for c in pool if not OVERALL.search(c.name)]
    return kept or pool


def _code(name: str) -> str:
    """Return the item code of a column: the number of a numbered title, else its name."""
    match = re.match(r"^(?:第\s*(\d+)\s*题|(\d+)[、.．])", name)
    return (match[1] or match[2]) if match else name


def _families(items: Mapping[str, str]) -> dict[str, str]:
    """Return the dimension of items whose names come in numbered families."""
    family = {code: family_of(code) for code in items}
    sizes = Counter(f for f in family.values() if f)
    named = {f for f, size in sizes.items() if size >= 2}
    return {c: f for c, f in family.items() if f in named} if len(named) >= 2 else {}
