"""Do the file's own labels agree with what the codebook makes of its codes?

A code that the file calls "not applicable" and the codebook takes for an answer is a problem.
Labels that run downwards (1 for full agreement) are said: high numbers then mean the opposite of
what a reader expects. So may numbers where the codebook expects words: platforms number options as
they are listed, and the first is often full agreement.
"""

import unicodedata
from collections.abc import Iterator

import pandas as pd

from servlab.data.codebook import Codebook
from servlab.data.encode import Encoder, parse_number
from servlab.data.formats import RawTable
from servlab.data.formats.cells import cells_of
from servlab.data.ladders import runs_down, says_nothing
from servlab.data.schema import Label

SHOWN = 3


def label_problems(coder: Encoder, book: Codebook, answers: dict[str, pd.DataFrame]) -> list[str]:
    """Return a problem for each item whose answers hold a code that the file calls no answer."""
    problems = []
    for name, spec in book.spec.batteries.items():
        for code, column in spec.column_of(book.instrument).items():
            labels = _coded(coder.table, column)
            for value, text in labels.items():
                where = answers[name][code].to_numpy() == value
                if f"{value:g}" in spec.values or not says_nothing(text) or not where.any():
                    continue
                problems.append(
                    f"{coder.table.source}, column {column!r}, {coder.rows(where)}: the file's "
                    f"label of {value:g} is {text!r}, the codebook takes it for an answer; add "
                    f"{value:g} to missing in the codebook, or number it under values."
                )
    return problems


def label_notes(table: RawTable, book: Codebook) -> tuple[Label, ...]:
    """Return a note for each battery whose numbers may not mean what they seem to."""
    notes = [*_numbers_for_words(table, book)]
    for name, spec in book.spec.batteries.items():
        if spec.values:
            continue
        falling = {}
        turned = book.reversed_in(name)
        for code, column in spec.column_of(book.instrument).items():
            if code in turned:
                continue
            labels = {v: t for v, t in _coded(table, column).items() if not says_nothing(t)}
            if runs_down(labels):
                falling[column] = labels
        if not falling:
            continue
        first = next(iter(falling.values()))
        ends = min(first), max(first)
        shown = ", ".join(falling) if len(falling) <= SHOWN else f"{len(falling)}"
        low, high = (f"{first[end]} ({end:g})" for end in ends)
        notes.append(
            Label(
                en=f"In the file, labels of {name} run from {low} to {high} (columns: {shown}): "
                "high numbers are the low answers. Number the codes under values if not meant.",
                zh=f"文件中 {name} 的选项标签由 {low} 到 {high}（列：{shown}），"
                "数值越大评价越低；若非本意，请在 values 中重新赋值。",
            )
        )
    return tuple(notes)


def _numbers_for_words(table: RawTable, book: Codebook) -> Iterator[Label]:
    """Yield a note for each battery answered in numbers whose codebook numbers words only."""
    for name, spec in book.spec.batteries.items():
        words = {word for word in spec.values if parse_number(word, ".")[1]}
        if not words or len(words) < len(spec.values):
            continue
        columns = [c for c in spec.column_of(book.instrument).values() if c in table.frame]
        cells = {str(cell).strip() for c in columns for cell in cells_of(table.frame[c])[1]}
        spelled = cells | {unicodedata.normalize("NFKC", cell) for cell in cells}
        if words & spelled or all(parse_number(cell, ".")[1] for cell in cells):
            continue
        word, number = max(spec.values.items(), key=lambda pair: pair[1])
        yield Label(
            en=f"The file answers {name} in numbers, the codebook numbers words ({word} = "
            f"{number}): the numbers were read as they stand. If this export counts from the "
            "first option and that is the high one, turn them round under values (1 = 5, ...).",
            zh=f"文件中 {name} 的答案是数字，而编码手册给文字赋值（{word} = {number}）："
            "数字按原样读入。若导出时按选项次序编号且首项为最高评价，"
            "请在 values 中反向赋值（如 1 = 5）。",
        )


def _coded(table: RawTable, column: str) -> dict[float, str]:
    """Return the labels of a column's numeric codes."""
    labels = table.value_labels.get(column, {})
    return {float(c): str(t) for c, t in labels.items() if isinstance(c, int | float)}
