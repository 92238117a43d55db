"""Where numbers become text, and the only place.

The forms are those of APA 7: a true minus sign, no zero before the point of what cannot
exceed one, p values to three digits. They are the same in English and Chinese.
"""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Literal

from servlab.core.errors import ModelError

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"  # what stands for a missing value
INFINITE = "\N{INFINITY}"

IntervalOf = Literal["number", "correlation", "share"]


def format_number(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Return a number with a fixed count of decimals and a true minus sign.

    Parameters
    ----------
    value : float or None
        None and NaN give an en dash.
    digits : int
        Decimals.
    sign : bool
        Write the plus of positive numbers too. What rounds to zero has no sign.

    Examples
    --------
    >>> format_number(-1.1021), format_number(0.28, sign=True), format_number(-0.001)
    ('−1.10', '+0.28', '0.00')
    """
    if _missing(value):
        return NONE
    number = float(value)  # type: ignore[arg-type]  # None was answered above
    if math.isinf(number):
        return f"{MINUS if number < 0 else ''}{INFINITE}"
    text = f"{abs(number):,.{digits}f}"
    if not text.strip("0.,"):
        return text
    return (MINUS if number < 0 else "+" if sign else "") + text


def format_correlation(value: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Return a number of at most one without the zero before its point.

    A number that rounds to one or more keeps its integer part.

    Examples
    --------
    >>> format_correlation(0.517), format_correlation(-0.3), format_correlation(1.0)
    ('.52', '−.30', '1.00')
    """
    text = format_number(value, digits, sign=sign)
    lead = text[0] if text[0] in (MINUS, "+") else ""
    return lead + text[len(lead) + 1 :] if text[len(lead) :].startswith("0.") else text


def format_p(value: float | None, digits: int = 3) -> str:
    """Return a p value in APA's form.

    Examples
    --------
    >>> format_p(0.0004), format_p(0.1443), format_p(0.9999)
    ('< .001', '.144', '> .999')
    """
    if _missing(value):
        return NONE
    smallest = 10.0**-digits
    if value < smallest:  # type: ignore[operator]  # None was answered above
        return f"< {format_correlation(smallest, digits)}"
    if value > 1 - smallest:  # type: ignore[operator]
        return f"> {format_correlation(1 - smallest, digits)}"
    return format_correlation(value, digits)


def format_p_relation(value: float | None, digits: int = 3) -> str:
    """Return a p value with its relation sign, to stand after the letter p.

    Examples
    --------
    >>> f"p {format_p_relation(0.1443)}", f"p {format_p_relation(0.0004)}"
    ('p = .144', 'p < .001')
    """
    text = format_p(value, digits)
    return text if text[0] in "<>" else f"= {text}"


def format_share(value: float | None, digits: int = 0) -> str:
    """Return a proportion in [0, 1] as a percentage.

    Examples
    --------
    >>> format_share(0.5386), format_share(0.0123, 1)
    ('54 %', '1.2 %')
    """
    return NONE if _missing(value) else f"{format_number(100 * float(value), digits)} %"  # type: ignore[arg-type]


def format_count(value: float | None) -> str:
    """Return a whole number with thousands separated.

    Examples
    --------
    >>> format_count(10000000)
    '10,000,000'
    """
    return format_number(value, 0)


def format_df(value: float | None) -> str:
    """Return degrees of freedom: whole ones without decimals, others with two.

    Examples
    --------
    >>> format_df(206), format_df(41.732)
    ('206', '41.73')
    """
    return format_number(value, 0 if not _missing(value) and float(value).is_integer() else 2)  # type: ignore[arg-type]


def format_interval(
    low: float | None, high: float | None, digits: int = 2, *, of: IntervalOf = "number"
) -> str:
    """Return an interval in brackets.

    Examples
    --------
    >>> format_interval(-1.218, -0.986), format_interval(0.861, 0.907, 3, of="correlation")
    ('[−1.22, −0.99]', '[.861, .907]')
    """
    if _missing(low) and _missing(high):
        return NONE
    return f"[{_FORM_OF[of](low, digits)}, {_FORM_OF[of](high, digits)}]"


def format_range(
    low: float | None, high: float | None, digits: int = 2, *, of: IntervalOf = "number"
) -> str:
    """Return an interval's two limits joined by an en dash, or by a comma if one is negative.

    Examples
    --------
    >>> format_range(1, 7, 0), format_range(-1.2, 0.4, 1)
    ('1–7', '−1.2, 0.4')
    """
    texts = [_FORM_OF[of](value, digits) for value in (low, high)]
    return (", " if MINUS in "".join(texts) else "\N{EN DASH}").join(texts)


def format_value(value: Any, name: str) -> str:
    """Return a value as the named format says; ``FORMATS`` lists the names.

    A value of the interval formats is a pair (low, high).

    Examples
    --------
    >>> format_value(-0.63, "signed"), format_value((0.1, 0.3), "interval")
    ('−0.63', '[0.10, 0.30]')
    """
    if name not in FORMATS:
        listed = ", ".join(repr(known) for known in FORMATS)
        raise ModelError(f"a column format must be one of {listed}; got {name!r}.")
    return FORMATS[name](value)


def _missing(value: float | None) -> bool:
    return value is None or value != value


def _text(value: Any) -> str:
    return NONE if value is None or value != value or value == "" else str(value)


def _interval(digits: int, of: IntervalOf) -> Callable[[Any], str]:
    """Return a format for pairs (low, high); a missing pair is an en dash."""

    def form(pair: Any) -> str:
        low, high = pair if isinstance(pair, tuple | list) else (pair, pair)
        return format_interval(low, high, digits, of=of)

    return form


_FORM_OF: dict[str, Callable[[float | None, int], str]] = {
    "number": format_number,
    "correlation": format_correlation,
    "share": format_share,
}

FORMATS: MappingProxyType[str, Callable[[Any], str]] = MappingProxyType(
    {
        "text": _text,
        "count": format_count,
        "number": format_number,
        "number1": lambda value: format_number(value, 1),
        "number3": lambda value: format_number(value, 3),
        "number4": lambda value: format_number(value, 4),
        "signed": lambda value: format_number(value, sign=True),
        "signed1": lambda value: format_number(value, 1, sign=True),
        "signed3": lambda value: format_number(value, 3, sign=True),
        "correlation": format_correlation,
        "correlation3": lambda value: format_correlation(value, 3),
        "p": format_p,
        "share": format_share,
        "share1": lambda value: format_share(value, 1),
        "df": format_df,
        "interval": _interval(2, "number"),
        "interval1": _interval(1, "number"),
        "interval3": _interval(3, "number"),
        "interval_correlation": _interval(2, "correlation"),
        "interval_correlation3": _interval(3, "correlation"),
        "interval_share": _interval(0, "share"),
    }
)
