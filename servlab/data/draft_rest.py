"""What a drafted codebook says of the columns beside the items: id, times, outcomes, covariates."""

import re
from collections.abc import Mapping

import tomlkit
from tomlkit.items import Table

from servlab.data.formats import RawTable
from servlab.data.formats.platforms import PLATFORMS
from servlab.data.guess import (
    DURATION,
    IDENTIFIER,
    MOST_CATEGORIES,
    NEGATED,
    OUTCOME,
    WEIGHT,
    Column,
    answers_of,
    role_of,
)

CHOSEN = {"1": {"en": "chosen", "zh": "选中"}, "0": {"en": "not chosen", "zh": "未选"}}


def add_rest(
    document: tomlkit.TOMLDocument,
    table: RawTable,
    rest: Mapping[str, Column],
    *,
    id_column: str | None = None,
) -> None:
    """Add id, duration, weights, outcomes and covariates found among the other columns."""
    n = len(table.frame)
    respondents = tomlkit.table()
    if id_column is not None:
        respondents.add("id", id_column)
    for name, column in rest.items():
        if IDENTIFIER.match(name) and column.distinct == column.n == n and "id" not in respondents:
            respondents.add("id", name)
        elif DURATION.search(name) and _times(column) and "duration" not in respondents:
            respondents.add("duration", name)
    if len(respondents):
        document.add("respondents", respondents)
    taken = {str(name) for name in respondents.values()} | _left_out(table, rest)
    weight = next((m for m in rest if WEIGHT.match(m) and not rest[m].texts), None)
    if weight:
        part = tomlkit.table()
        part.add("column", weight)
        part.comment("guess: probability weights")
        document.add("weights", part)
        taken.add(weight)
    outcomes, covariates = tomlkit.table(True), tomlkit.table(True)
    for name, column in rest.items():
        if name in taken:
            continue
        outcome = _outcome(table, name, column)
        if outcome is not None:
            outcomes.add(_key(name, outcomes), outcome)
        elif 2 <= column.distinct <= MOST_CATEGORIES and column.distinct < n:
            covariates.add(_key(name, covariates), _covariate(table, name, column))
    for key, part in (("outcomes", outcomes), ("covariates", covariates)):
        if len(part):
            document.add(key, part)


def _times(column: Column) -> bool:
    """Return whether a column could hold times taken: numbers, or texts that hold some."""
    return all(re.search(r"\d", word) for word in column.words)


def _left_out(table: RawTable, rest: Mapping[str, Column]) -> set[str]:
    """Return columns of the platform itself, and joined answers that stand apart as well."""
    own = PLATFORMS[table.platform].metadata if table.platform else frozenset()
    apart = {name.rpartition("[")[0] for name in rest if name.endswith("]")}
    return {name for name in rest if name in own or name in apart}


def _label(table: RawTable, name: str) -> str | None:
    """Return the file's own text for a column, where it says more than the column's name."""
    text = table.labels.get(name)
    return str(text) if text and text != name else None


def _outcome(table: RawTable, name: str, column: Column) -> Table | None:
    """Return an outcome when the column's name or text speaks of one and it holds ratings."""
    if not (OUTCOME.search(name) or OUTCOME.search(_label(table, name) or "")):
        return None
    part = tomlkit.table()
    part.comment("guess: something the study wants to explain")
    part.add("column", name)
    two = _yes_and_no(column)
    if two:
        part.add("scale", _scale(0, 1))
        part.add("values", two)
    elif column.rating:
        answers = answers_of([column])
        part.add("scale", _scale(answers.low, answers.high))
        if answers.missing:
            part.add("missing", list(answers.missing))
        if answers.values:
            part.add("values", dict(answers.values))
    else:
        return None
    label = _label(table, name)
    if label:
        part.add("label", label)
    return part


def _scale(low: int, high: int) -> tomlkit.items.InlineTable:
    scale = tomlkit.inline_table()
    scale.update({"low": low, "high": high})
    return scale


def _yes_and_no(column: Column) -> dict[str, int] | None:
    """Return 1 and 0 for two words of which one denies the other, or None."""
    if column.values or len(column.words) != 2:
        return None
    denied = [bool(NEGATED.search(word)) for word in column.words]
    if sum(denied) != 1:
        return None
    return {word: 0 if no else 1 for word, no in zip(column.words, denied, strict=True)}


def _covariate(table: RawTable, name: str, column: Column) -> Table:
    part = tomlkit.table()
    part.add("column", name)
    label = _label(table, name)
    if label:
        part.add("label", label)
    missing = [*(int(v) if v == round(v) else v for v in column.declared), *column.unanswered]
    if missing:
        part.add("missing", missing)
    option = table.platform == "wenjuanxing" and name.endswith("]")
    role = None if option else role_of(name) or role_of(label or "")
    if role is not None:
        part.add("role", role)
        part.comment("guess: its role, from its name")
    if option and column.values == (0.0, 1.0):
        part.add("values", _inline(CHOSEN))
    return part


def _inline(labels: Mapping[str, Mapping[str, str]]) -> tomlkit.items.InlineTable:
    """Return labels of values on one line."""
    listed = tomlkit.inline_table()
    for value, texts in labels.items():
        own = tomlkit.inline_table()
        own.update(texts)
        listed.add(value, own)
    return listed


def _key(name: str, taken: Table) -> str:
    """Return a short name for a variable, not used yet."""
    key = re.sub(r"\W+", "_", re.sub(r"^(第?\d+[、题.．]?)", "", name)).strip("_").lower()
    key = key or re.sub(r"\W+", "_", name).strip("_").lower() or "variable"
    while key in taken:
        key += "_"
    return key
