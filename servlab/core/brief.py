"""How a value shows itself at the end of a notebook cell: in one line, without rows."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

Value = TypeVar("Value")

LONGEST_TEXT = 60
MOST_ENTRIES = 6


def brief(cls: type[Value]) -> type[Value]:
    """Let a dataclass show its small parts as they are and of the large ones the size only.

    Results hold frames, scores and sometimes the respondents' answers; printed by accident
    these would bury the estimate and show what a shared notebook must not show.

    Examples
    --------
    >>> import pandas as pd
    >>> @brief
    ... @dataclasses.dataclass(frozen=True)
    ... class Result:
    ...     estimate: float
    ...     scores: pd.Series
    ...     n: int
    >>> Result(0.8412345678, pd.Series([1.0, 2.0]), 2)
    Result(estimate=0.841235, scores=<Series of 2>, n=2)
    """
    cls.__repr__ = _in_one_line  # type: ignore[method-assign]
    return cls


def _in_one_line(self: Any) -> str:
    parts = [
        f"{part.name}={_shown(getattr(self, part.name))}"
        for part in dataclasses.fields(self)
        if not part.name.startswith("_")
    ]
    return f"{type(self).__name__}({', '.join(parts)})"


def _shown(value: Any) -> str:
    """Return one part in a few words."""
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}"
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}...")
    if value is None or isinstance(value, bool | int | np.generic):
        return str(value)
    name = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"<{name} of {' x '.join(map(str, shape))}>"
    if isinstance(value, Mapping):
        return f"<{len(value)} entries: {', '.join(map(str, list(value)[:MOST_ENTRIES]))}>"
    if isinstance(value, tuple | list | frozenset):
        simple = all(isinstance(part, str | int | float) for part in value)
        if simple and len(value) <= MOST_ENTRIES:
            return f"({', '.join(map(_shown, value))})"
        return f"<{len(value)} entries>"
    return f"<{name}>"
