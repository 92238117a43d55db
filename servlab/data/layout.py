"""From a row an answer to a row a respondent: long files made wide before they are encoded.

Two answers of one respondent to one question are a problem that the reader names, never a mean
or the last one; so is a respondent whose description changes between rows.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import DataError
from servlab.core.groups import code_text
from servlab.data.codebook import CodebookSpec, Layout
from servlab.data.formats import read_raw
from servlab.data.formats.table import RawTable, checked, is_blank
from servlab.data.schema import Label

MOST_EMPTY = 100  # cells of the wide table for each answer
SMALL = 1_000_000  # cells that any machine bears
SHOWN = 3  # cases named in one message; the count says how many there are


def open_table(path: str | Path, spec: CodebookSpec) -> RawTable:
    """Return a data file's cells with a row a respondent, as the codebook says they stand."""
    return shaped(read_raw(path, spec.file), spec)


def shaped(table: RawTable, spec: CodebookSpec) -> RawTable:
    """Return a table with a row a respondent, as the codebook says its rows stand."""
    return table if spec.layout is None else wide_table(table, spec.layout, _described(spec))


def _described(spec: CodebookSpec) -> frozenset[str]:
    """Return the columns by which a codebook describes respondents."""
    named = [covariate.column for covariate in spec.covariates.values()]
    named += [column for outcome in spec.outcomes.values() for column in outcome.columns]
    named += [rule.column for rule in spec.exclusions if rule.column]
    named += [column for column in (spec.respondents.duration, spec.respondents.id) if column]
    return frozenset([*named, *([spec.weights.column] if spec.weights else [])])


def wide_table(
    table: RawTable, layout: Layout, described: frozenset[str] = frozenset()
) -> RawTable:
    """Return a long table with a row a respondent and a column an item (of a battery).

    ``described`` are columns that must be the same in all rows of a respondent.

    Raises
    ------
    DataError
        When a column is lacking, an id or an item is empty, or a respondent answered an item
        twice or is described in two ways; the message names the rows.
    """
    _check_columns(table, layout)
    ids, people = _keys(table, layout.id, "id")
    names, columns, grids = _item_columns(table, layout)
    _check_size(table, layout, len(people), len(columns))
    _check_once(table, layout, ids, people, names, columns)
    cells = np.empty((len(people), len(columns)), dtype=object)
    cells[ids, names] = table.frame[layout.answer].to_numpy(dtype=object)
    first = np.full(len(people), len(ids), dtype=np.int64)
    np.minimum.at(first, ids, np.arange(len(ids), dtype=np.int64))
    about, varying = _descriptions(table, layout, ids, first, described)
    twice = sorted(set(columns) & set(map(str, about.columns)))
    if twice:
        raise DataError(
            f"{table.source}: {', '.join(map(repr, twice[:5]))} is both a column and an item; "
            "rename the column."
        )
    answers = pd.DataFrame(cells, columns=pd.Index(columns, dtype=object), dtype=object)
    return checked(
        replace(
            table,
            frame=pd.concat([about, answers], axis=1),
            rows=table.row_numbers[first],
            grids=grids,
            notes=(*table.notes, _made_wide(table, len(people), len(columns)), *varying),
        )
    )


def _check_columns(table: RawTable, layout: Layout) -> None:
    named = {"id": layout.id, "item": layout.item, "answer": layout.answer}
    if layout.battery is not None:
        named["battery"] = layout.battery
    for key, column in named.items():
        if column not in table.frame.columns:
            shown = ", ".join(repr(str(c)) for c in list(table.frame.columns)[:8])
            raise DataError(
                f"{table.source} has no column {column!r}, which [layout] names as {key}; "
                f"it has {shown}."
            )


def _check_size(table: RawTable, layout: Layout, n: int, k: int) -> None:
    """Refuse a table that would hold almost nothing: id or item is another column then."""
    if n * k > max(MOST_EMPTY * len(table.frame), SMALL):
        raise DataError(
            f"{table.source}: {n:,} respondents ({layout.id!r}) by {k:,} items ({layout.item!r}) "
            f"from {len(table.frame):,} answers would be an almost empty table; correct id and "
            "item in [layout]."
        )


def _keys(table: RawTable, column: str, what: str) -> tuple[NDArray[np.int64], list[str]]:
    """Return (n,) places and the distinct texts of a column that must be filled."""
    cells = [_text(cell) for cell in table.frame[column]]
    empty = [k for k, cell in enumerate(cells) if not cell]
    if empty:
        raise DataError(
            f"{table.source}, column {column!r}, row {table.row_numbers[empty[0]]}: the {what} is "
            f"empty ({len(empty)} row(s)); fill it in, or delete the row."
        )
    codes, uniques = pd.factorize(np.array(cells, dtype=object))
    return codes.astype(np.int64), [str(text) for text in uniques]


def _text(cell: object) -> str:
    """Return a key as text; whole floats of spreadsheets and programs without their point."""
    if is_blank(cell):
        return ""
    return code_text(cell).strip()


def _item_columns(
    table: RawTable, layout: Layout
) -> tuple[NDArray[np.int64], list[str], dict[str, tuple[str, str]]]:
    """Return (n,) places and names of the columns that items become, with battery and item."""
    items, codes = _keys(table, layout.item, "item")
    if layout.battery is None:
        return items, codes, {}
    asked, words = _keys(table, layout.battery, "battery")
    unknown = sorted(set(layout.batteries) - set(words))
    if unknown:
        raise DataError(
            f"{table.source}, column {layout.battery!r}: [layout] batteries names {unknown}, but "
            f"the column holds {', '.join(map(repr, words[:8]))}."
        )
    prefix = [layout.batteries.get(word, word) for word in words]
    pairs = asked * len(codes) + items
    places, kept = pd.factorize(pairs)
    parts = [(prefix[pair // len(codes)], codes[pair % len(codes)]) for pair in kept]
    names = [f"{battery}_{item}" for battery, item in parts]
    grids = dict(zip(names, parts, strict=True))
    return places.astype(np.int64), names, grids


def _check_once(
    table: RawTable,
    layout: Layout,
    ids: NDArray[np.int64],
    people: list[str],
    names: NDArray[np.int64],
    columns: list[str],
) -> None:
    """Raise when a respondent has two rows for one item, naming the rows."""
    pairs = ids * len(columns) + names
    order = np.argsort(pairs, kind="stable")
    again = np.flatnonzero(pairs[order][1:] == pairs[order][:-1])
    if not len(again):
        return
    answers = table.frame[layout.answer].tolist()
    cases = []
    for k in again[:SHOWN]:
        one, two = order[k], order[k + 1]
        said = [_text(answers[place]) for place in (one, two)]
        verdict = f"twice {said[0]!r}" if said[0] == said[1] else f"{said[0]!r} and {said[1]!r}"
        cases.append(
            f"respondent {people[ids[one]]!r}, item {columns[names[one]]!r}, rows "
            f"{table.row_numbers[one]} and {table.row_numbers[two]}: {verdict}"
        )
    hint = "" if layout.battery else ", or name the battery column in [layout] if there is one"
    raise DataError(
        f"{table.source}: {len(again)} answer(s) stand twice for one respondent and item "
        f"({'; '.join(cases)}{'; ...' if len(again) > SHOWN else ''}); delete the rows that do "
        f"not count{hint}."
    )


def _descriptions(
    table: RawTable,
    layout: Layout,
    ids: NDArray[np.int64],
    first: NDArray[np.int64],
    described: frozenset[str],
) -> tuple[pd.DataFrame, tuple[Label, ...]]:
    """Return the columns that are the same in all rows of a respondent, and a note on the rest."""
    used = {layout.item, layout.answer, layout.battery}
    kept, varying = {}, []
    for column in table.frame.columns:
        if column in used:
            continue
        codes, _ = pd.factorize(np.array([_text(c) for c in table.frame[column]], dtype=object))
        differs = np.flatnonzero(codes != codes[first][ids])
        if len(differs) and column in described:
            one, two = first[ids[differs[0]]], differs[0]
            said = [_text(table.frame[column].iloc[row]) for row in (one, two)]
            raise DataError(
                f"{table.source}, column {column!r}: respondent "
                f"{_text(table.frame[layout.id].iloc[one])!r} is {said[0]!r} in row "
                f"{table.row_numbers[one]} and {said[1]!r} in row {table.row_numbers[two]} "
                f"({len(differs)} row(s) differ in all); make them agree, or take the column out "
                "of the codebook."
            )
        if not len(differs):
            kept[column] = table.frame[column].iloc[first].reset_index(drop=True)
        else:
            varying.append(str(column))
    about = pd.DataFrame(kept, dtype=object)
    if not varying:
        return about, ()
    shown = ", ".join(varying[:5])
    return about, (
        Label(
            en=f"Left out, since they change between the rows of one respondent: {shown}.",
            zh=f"同一答卷各行取值不同而未读取的列：{shown}。",
        ),
    )


def _made_wide(table: RawTable, n: int, k: int) -> Label:
    rows = len(table.frame)
    return Label(
        en=f"A row an answer: {rows} rows became {n} respondents with {k} columns of answers.",
        zh=f"长格式数据：{rows} 行合并为 {n} 份答卷、{k} 列答案。",
    )
