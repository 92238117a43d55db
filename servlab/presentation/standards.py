"""Judgement standards in words: under a column, and with their sources under a table."""

from collections.abc import Sequence

from servlab.core.standards import Standard, standard
from servlab.data.schema import Language
from servlab.presentation.formats import format_value
from servlab.presentation.messages import message

_FORMAT = {"correlation": "correlation", "number": "number", "share": "share", "count": "count"}
_SIGN = {"at_least": "≥", "at_most": "≤", "under": "<", "no_higher": "≤"}


def threshold(name: str, *, against: float | None = None) -> str:
    """Return a standard as it stands under a column of a table.

    ``against`` is the number of the same analysis that a standard without a value refers to.

    Examples
    --------
    >>> threshold("kmo"), threshold("cross_loading"), threshold("alpha_if_dropped", against=0.812)
    ('≥ .60', '< .32', '≤ .81')
    """
    found = standard(name)
    return f"{_SIGN[found.direction]} {_value(found, against)}"


def standard_text(name: str, language: Language) -> str:
    """Return a standard in words, with its source.

    Examples
    --------
    >>> standard_text("kmo", "en")
    'sampling adequacy (KMO) at least .60 (Kaiser, 1974)'
    """
    found = standard(name)
    values = {"value": _value(found, None)} if found.value == found.value else {}
    return message(f"standards.{name}", language, source=source_text(name, language), **values)


def limit_text(name: str) -> str:
    """Return the value of a standard alone.

    Examples
    --------
    >>> limit_text("kmo"), limit_text("critical_ratio"), limit_text("floor_ceiling")
    ('.60', '3.00', '15 %')
    """
    return _value(standard(name), None)


def source_text(name: str, language: Language) -> str:
    """Return how the source of a standard is cited."""
    return message(f"standards.source_{standard(name).source}", language)


def standard_note(names: Sequence[str], language: Language) -> str:
    """Return the sentence on the standards of a table; one that has none says so.

    Examples
    --------
    >>> standard_note(["kmo"], "en")
    'Standard: sampling adequacy (KMO) at least .60 (Kaiser, 1974).'
    """
    if not names:
        return message("standards.none", language)
    between = message("standards.separator", language)
    words = between.join(standard_text(name, language) for name in names)
    return message("standards.lead", language, count=len(names), standards=words)


def _value(found: Standard, against: float | None) -> str:
    value = found.value if against is None else against
    if found.unit == "p":
        return format_value(value, "correlation")
    return format_value(value, _FORMAT[found.unit])
