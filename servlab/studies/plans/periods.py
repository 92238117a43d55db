"""Periods of a plan: the months, quarters, weeks, days or years that have a report of their own.

A period is written 2026-03 (month), 2026-Q1 (quarter), 2026-W05 (week), 2026-03-01 (day) or 2026
(year); what it is called tells its kind, and later periods sort behind earlier ones.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, get_args

from servlab.core.errors import ParameterError

Every = Literal["year", "quarter", "month", "week", "day"]

FORMS: dict[str, str] = {
    "year": r"\d{4}",
    "quarter": r"\d{4}-Q[1-4]",
    "month": r"\d{4}-(0[1-9]|1[0-2])",
    "week": r"\d{4}-W(0[1-9]|[1-4]\d|5[0-3])",
    "day": r"\d{4}-\d\d-\d\d",
}
EXAMPLES = {
    "year": "2026", "quarter": "2026-Q1", "month": "2026-03", "week": "2026-W05",
    "day": "2026-03-01",
}  # fmt: skip


def period_of(day: date, every: Every) -> str:
    """Return the period that a day lies in.

    Examples
    --------
    >>> period_of(date(2026, 3, 31), "quarter"), period_of(date(2027, 1, 1), "week")
    ('2026-Q1', '2026-W53')
    """
    year, week, _ = day.isocalendar()
    return {
        "year": f"{day.year:04}",
        "quarter": f"{day.year:04}-Q{(day.month + 2) // 3}",
        "month": f"{day.year:04}-{day.month:02}",
        "week": f"{year:04}-W{week:02}",
        "day": day.isoformat(),
    }[every]


def first_day(period: str, every: Every) -> date:
    """Return the first day of a period, or raise ``ParameterError`` for another kind of text.

    Examples
    --------
    >>> first_day("2026-Q4", "quarter"), first_day("2027-W01", "week")
    (datetime.date(2026, 10, 1), datetime.date(2027, 1, 4))
    """
    if not re.fullmatch(FORMS[every], period):
        raise ParameterError(
            f"a period of one {every} is written as {EXAMPLES[every]}; got {period!r}."
        )
    year = int(period[:4])
    try:
        if every == "week":
            return date.fromisocalendar(year, int(period[6:]), 1)
        if every == "day":
            return date.fromisoformat(period)
        if every == "quarter":
            return date(year, 3 * int(period[-1]) - 2, 1)
        return date(year, int(period[-2:]) if every == "month" else 1, 1)
    except ValueError as err:
        raise ParameterError(f"{period!r} is no {every}: {err}.") from None


def periods(start: str, last: str, every: Every) -> tuple[str, ...]:
    """Return the periods from one to another, both included; none when the last is earlier.

    Examples
    --------
    >>> periods("2025-11", "2026-02", "month")
    ('2025-11', '2025-12', '2026-01', '2026-02')
    """
    first_day(last, every)
    return tuple(_from(first_day(start, every), last, every))


def _from(day: date, last: str, every: Every) -> Iterator[str]:
    end = first_day(last, every)
    while day <= end:
        period = period_of(day, every)
        yield period
        day = _next(day, every)


def _next(day: date, every: Every) -> date:
    """Return the first day of the period behind the one that starts on a day."""
    longest = {"year": 366, "quarter": 92, "month": 31, "week": 7, "day": 1}[every]
    later = day + timedelta(days=longest)
    return first_day(period_of(later, every), every)


def last_ended(today: date, every: Every) -> str:
    """Return the newest period that has ended before a day.

    Examples
    --------
    >>> last_ended(date(2026, 3, 1), "month")
    '2026-02'
    """
    return period_of(first_day(period_of(today, every), every) - timedelta(days=1), every)


def kind_of(period: str) -> Every:
    """Return the kind of a period by its form, or raise ``ParameterError``."""
    kinds: tuple[Every, ...] = get_args(Every)
    for every in kinds:
        if re.fullmatch(FORMS[every], period):
            first_day(period, every)
            return every
    raise ParameterError(f"a period is written as {', '.join(EXAMPLES.values())}; got {period!r}.")
