"""From a raw table to numbers, as the codebook says: every cell is used, missing, or a problem.

Problems are collected with file, column, row and remedy, so that a person mends them in one go.
"""

import datetime
import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from servlab.core.groups import code_text
from servlab.data.codebook import Value
from servlab.data.formats import RawTable
from servlab.data.formats.cells import cells_of
from servlab.data.schema import Scale

_SIGNS = {"\N{MINUS SIGN}": "-", "－": "-", "＋": "+", "．": ".", "，": ","}
TIMES = (
    re.compile(
        r"(?:(\d+)\s*(?:小时|时|h))?\s*(?:(\d+)\s*(?:分钟|分|m|min))?\s*(?:([\d.]+)\s*(?:秒|s))?"
    ),
    re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)"),
)
WORDS_REMEDY = "map the answer to a number under values, or list it under missing, in the codebook."
LONGEST_SHOWN = 80  # characters of a cell in a message
SHOWN = 3  # rows named in one problem; the count says how many there are


class Encoder:
    """Turns columns of one raw table into numbers and collects the problems.

    Parameters
    ----------
    table : RawTable
        The file's cells.
    decimal : str
        Decimal mark of numbers written as text.
    """

    def __init__(self, table: RawTable, decimal: str = ".") -> None:
        self.table = table
        self.decimal = decimal
        self.problems: list[str] = []
        self.used: list[str] = []

    def has(self, column: str, wanted_by: str) -> bool:
        """Return whether the file has a column; note a problem with near names when not."""
        self.used.append(column)
        if column in self.table.frame.columns:
            return True
        names = [str(name) for name in self.table.frame.columns]
        folded = {unicodedata.normalize("NFKC", name).casefold().strip(): name for name in names}
        wanted = unicodedata.normalize("NFKC", column).casefold().strip()
        near = [folded[m] for m in difflib.get_close_matches(wanted, folded, n=3, cutoff=0.6)]
        hint = (
            f"did you mean {', '.join(map(repr, near))}? Correct the codebook."
            if near
            else (
                f"the file has {', '.join(map(repr, names[:8]))}"
                f"{', ...' if len(names) > 8 else ''}."
            )
        )
        self.problems.append(
            f"{self.table.source} has no column {column!r}, which the codebook names for "
            f"{wanted_by}; {hint}"
        )
        return False

    def numbers(
        self,
        column: str,
        *,
        wanted_by: str,
        missing: Sequence[Value] = (),
        values: Mapping[str, int] | None = None,
        scale: Scale | None = None,
    ) -> pd.Series:
        """Return a column as floats: empty and missing codes are NaN, the rest must be numbers."""
        n = len(self.table.frame)
        if not self.has(column, wanted_by):
            return pd.Series(np.nan, index=range(n))
        codes, uniques = cells_of(self.table.frame[column])
        parsed = [self._number(cell, missing, values or {}) for cell in uniques]
        lookup = np.array([value for value, _ in parsed] + [np.nan])
        for k, (_, fault) in enumerate(parsed):
            if fault:
                self._note(column, codes == k, f"{shown(uniques[k])} is no number", WORDS_REMEDY)
        self._check_scale(column, codes, uniques, lookup, scale)
        self._check_declared(column, codes, uniques, [not fault for _, fault in parsed], missing)
        return pd.Series(lookup[codes], index=range(n))

    def seconds(self, column: str, *, wanted_by: str) -> pd.Series:
        """Return a column of times as seconds: numbers, 85秒, 1分25秒, 85 s, 00:01:25."""
        n = len(self.table.frame)
        if not self.has(column, wanted_by):
            return pd.Series(np.nan, index=range(n))
        codes, uniques = cells_of(self.table.frame[column])
        parsed = [self._seconds(cell) for cell in uniques]
        for k, (_, fault) in enumerate(parsed):
            if fault:
                remedy = (
                    "write seconds, 1分25秒 or 00:01:25, or leave duration out of the codebook."
                )
                self._note(column, codes == k, f"{shown(uniques[k])} is no time taken", remedy)
        lookup = np.array([value for value, _ in parsed] + [np.nan])
        return pd.Series(lookup[codes], index=range(n))

    def _seconds(self, cell: Any) -> tuple[float, bool]:
        if is_missing(cell, ()):
            return np.nan, False
        if isinstance(cell, datetime.timedelta):
            return cell.total_seconds(), False
        if isinstance(cell, datetime.time):
            return cell.hour * 3600.0 + cell.minute * 60 + cell.second, False
        text = plain_digits(str(cell)).strip()
        value, fault = parse_number(text, self.decimal)
        if not fault:
            return (value, False) if value >= 0 else (np.nan, True)
        for pattern in TIMES:
            found = pattern.fullmatch(text)
            if found and any(found.groups()):
                hours, minutes, seconds = (float(part or 0) for part in found.groups())
                return hours * 3600 + minutes * 60 + seconds, False
        return np.nan, True

    def texts(self, column: str, *, wanted_by: str, missing: Sequence[Value] = ()) -> pd.Series:
        """Return a column as text, as written in the file; None where empty or missing."""
        n = len(self.table.frame)
        if not self.has(column, wanted_by):
            return pd.Series([None] * n, dtype=object)
        codes, uniques = cells_of(self.table.frame[column])
        parsed = [self._text(cell, missing) for cell in uniques]
        self._check_declared(column, codes, uniques, [True] * len(uniques), missing)
        lookup = np.array([*parsed, None], dtype=object)
        return pd.Series(lookup[codes], dtype=object, index=range(n))

    def rows(self, where: Any) -> str:
        """Return the rows of a mask as the file's reader counts them."""
        found = self.table.row_numbers[np.flatnonzero(where)]
        shown = ", ".join(str(row) for row in found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return f"row{'s' if len(found) > 1 else ''} {shown}{more}"

    def _note(self, column: str, where: Any, fault: str, remedy: str) -> None:
        self.problems.append(
            f"{self.table.source}, column {column!r}, {self.rows(where)}: {fault}; {remedy}"
        )

    def _number(
        self, cell: Any, missing: Sequence[Value], values: Mapping[str, int]
    ) -> tuple[float, bool]:
        """Return a cell's number (NaN where missing) and whether it is a fault."""
        if is_missing(cell, missing):
            return np.nan, False
        if isinstance(cell, bool):
            return np.nan, True
        if isinstance(cell, int | float | np.number):
            label = f"{cell:g}"
            return (float(values[label]) if label in values else float(cell)), False
        text = str(cell).strip()
        for spelling in (text, unicodedata.normalize("NFKC", text)):
            if spelling in values:
                return float(values[spelling]), False
        return parse_number(text, self.decimal)

    def _check_scale(
        self, column: str, codes: Any, uniques: Any, lookup: Any, scale: Scale | None
    ) -> None:
        if scale is None:
            return
        for k, cell in enumerate(uniques):
            value = lookup[k]
            if np.isnan(value):
                continue
            if value < scale.low or value > scale.high:
                remedy = "correct the cell, or list the code under missing in the codebook."
                fault = f"{shown(cell)} is outside the scale {scale.low} to {scale.high}"
                self._note(column, codes == k, fault, remedy)
            elif value != round(value):
                fault = f"{shown(cell)} is no whole number"
                self._note(column, codes == k, fault, "answers on a rating scale are whole.")

    def _check_declared(
        self,
        column: str,
        codes: Any,
        uniques: Any,
        readable: Sequence[bool],
        missing: Sequence[Value],
    ) -> None:
        """Note values that the file declares missing and the codebook takes for answers."""
        declared = self.table.declared_missing.get(column, [])
        for k, cell in enumerate(uniques) if declared else ():
            known = readable[k] and not is_missing(cell, missing)
            if not known or not any(_within(cell, part["lo"], part["hi"]) for part in declared):
                continue
            said = repr(cell) if isinstance(cell, str) else f"{cell:g}"
            remedy = f"add {said} to missing in the codebook."
            fault = f"the file declares {said} as missing, the codebook does not"
            self._note(column, codes == k, fault, remedy)

    def _text(self, cell: Any, missing: Sequence[Value]) -> str | None:
        if is_missing(cell, missing):
            return None
        return code_text(cell).strip()


def _within(cell: Any, low: Any, high: Any) -> bool:
    """Return whether a cell is a declared code (Stata's letters are texts) or inside a range."""
    if isinstance(cell, str) or isinstance(low, str):
        return isinstance(cell, str) and cell.strip() == str(low).strip()
    return isinstance(cell, int | float | np.number) and bool(low <= cell <= high)


def shown(cell: Any) -> str:
    """Return a cell as messages show it: texts in quotes, dates as dates.

    Examples
    --------
    >>> shown("good"), shown(7.5), shown(datetime.date(2026, 4, 3))
    ("'good'", '7.5', 'the date 2026-04-03')
    """
    if isinstance(cell, datetime.date):
        return f"the date {cell}"
    if isinstance(cell, datetime.time | datetime.timedelta):
        return f"the time {cell}"
    text = repr(cell)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def is_missing(cell: Any, missing: Sequence[Value]) -> bool:
    """Return whether a cell is empty or one of the codebook's missing codes."""
    if cell is None or (isinstance(cell, float) and np.isnan(cell)):
        return True
    text = str(cell).strip()
    if not text:
        return True
    if not missing:
        return False
    number, fault = parse_number(text, ".")
    for code in missing:
        if text == str(code).strip():
            return True
        known = isinstance(code, int | float) and not isinstance(code, bool)
        if known and not fault and number == float(code):
            return True
    return False


def parse_number(text: str, decimal: str) -> tuple[float, bool]:
    """Return the number a text states and whether it states none; full-width digits count."""
    plain = plain_digits(text).strip()
    if decimal == ",":
        plain = plain.replace(",", ".") if "." not in plain else ""
    # float() also reads "nan", "inf" and "1_000", none of which is an answer
    if not plain or not set(plain) <= set("0123456789.+-eE"):
        return np.nan, True
    try:
        number = float(plain)
    except ValueError:
        return np.nan, True
    return (number, False) if np.isfinite(number) else (np.nan, True)


def plain_digits(text: str) -> str:
    """Return a text with decimal digits, points and signs of other scripts as ASCII.

    Only what is a digit by place counts: a raised or circled 2 is no answer 2.
    """
    if text.isascii():
        return text
    return "".join(_SIGNS.get(sign) or _digit(sign) for sign in text)


def _digit(sign: str) -> str:
    value = unicodedata.decimal(sign, None)
    return sign if value is None else str(value)
