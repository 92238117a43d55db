"""What a study of a plan is repeated over, and how its values get into names and parameters.

A text of the plan may name an axis in braces, ``"branch={branch}"``; ``{{`` and ``}}`` are
braces. Values are put in as text, whatever they hold: nothing is evaluated.
"""

import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from servlab.core.errors import ParameterError
from servlab.studies.plans.periods import first_day, last_ended, periods
from servlab.studies.plans.schema import Periods, StudySpec

# What no file name may hold; nor what moves a cursor or turns letters around (C1, bidi marks).
_FORBIDDEN = re.compile(r"""[/\\:*?"<>|\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]""")

Axes = Mapping[str, str]
Values = Callable[[str, Axes], tuple[str, ...]]


def placeholders(value: Any) -> set[str]:
    """Return the axes that a value of a parameter names; lists are looked into.

    Examples
    --------
    >>> sorted(placeholders(["branch={branch}", "{{wave}}", 3]))
    ['branch']
    """
    if isinstance(value, list):
        return set().union(*(placeholders(part) for part in value))
    if not isinstance(value, str):
        return set()
    try:
        parts = list(string.Formatter().parse(value))
    except ValueError as err:
        raise ParameterError(
            f"{value!r} has a lone brace ({err}); write {{{{ for a brace."
        ) from None
    found = set()
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if spec or conversion or not name:
            raise ParameterError(f"{value!r} must name an axis alone in braces, as {{branch}}.")
        found.add(name)
    return found


def filled(value: Any, axes: Axes) -> Any:
    """Return a value with each axis named in its texts replaced by the axis' value."""
    if isinstance(value, list):
        return [filled(part, axes) for part in value]
    if not isinstance(value, str):
        return value
    parts = string.Formatter().parse(value)
    return "".join(text + (axes[name] if name is not None else "") for text, name, _, _ in parts)


def file_name(template: str, axes: Axes) -> str:
    """Return a study's name; what no file name may hold becomes a hyphen.

    Examples
    --------
    >>> file_name("{branch}-{wave}", {"branch": "Nord/Süd", "wave": "1"})
    'Nord-Süd-1'
    """
    safe = {axis: _FORBIDDEN.sub("-", value).strip() for axis, value in axes.items()}
    name = str(filled(template, safe)).rstrip(". ")
    return f"_{name[1:]}" if name.startswith(".") else name


def default_name(spec: StudySpec, stem: str) -> str:
    """Return the template of a study's name where the plan gives none."""
    own = stem.replace("{", "{{").replace("}", "}}")
    return "-".join([own, *(f"{{{axis}}}" for axis in spec.matrix)])


def combinations(names: Sequence[str], values_of: Values) -> Iterator[dict[str, str]]:
    """Yield every combination of axes, the last axis changing fastest.

    ``values_of`` gives the values of an axis, which may differ between the values of earlier axes.

    Examples
    --------
    >>> list(combinations(["a", "b"], lambda axis, axes: (axis + axes.get("a", ""),)))
    [{'a': 'a', 'b': 'ba'}]
    """

    def below(names: Sequence[str], axes: dict[str, str]) -> Iterator[dict[str, str]]:
        if not names:
            yield axes
            return
        first, *rest = names
        for value in values_of(first, axes):
            yield from below(rest, {**axes, first: value})

    yield from below(names, {})


def generated(given: Periods, *, since: str | None, today: date) -> tuple[str, ...]:
    """Return generated periods: to the newest that has ended, from the first or from ``since``."""
    if since is not None:
        try:
            first_day(since, given.every)
        except ParameterError as err:
            raise ParameterError(f"--since does not fit: {err}") from None
    last = given.last or last_ended(today, given.every)
    return periods(given.first or since or last, last, given.every)


def filled_all(given: Mapping[str, Any], axes: Axes) -> dict[str, Any]:
    """Return the parameters of one combination of axes."""
    return {name: filled(value, axes) for name, value in given.items()}
