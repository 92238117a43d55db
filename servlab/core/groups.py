"""How groups of respondents are named and ordered, and which are hidden because they are small."""

import math

import numpy as np
import pandas as pd


def code_text(value: object) -> str:
    """Return how a code or level is written: a whole number without its decimals.

    Examples
    --------
    >>> code_text(3.0), code_text(2.5), code_text("North")
    ('3', '2.5', 'North')
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def group_codes(column: pd.Series) -> pd.Series:
    """Return a covariate of any type as texts, one a group; missing stays missing.

    Whole numbers lose their decimals, so that 1, 1.0 and "1" name one group.

    Examples
    --------
    >>> group_codes(pd.Series([1.0, 2.5, None])).tolist()
    ['1', '2.5', nan]
    """
    texts = column.astype(object)
    return texts.where(texts.isna(), texts.map(code_text, na_action="ignore")).where(texts.notna())


def natural_order(value: str) -> tuple[int, float, str]:
    """Return a sort key: numbers as numbers, the rest (``nan`` and ``inf`` too) as text after."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    return (0, number, value) if math.isfinite(number) else (1, 0.0, value)


def suppressed_groups(counts: pd.Series, min_cell: int) -> tuple[str, ...]:
    """Return the groups to hide, in natural order: the small ones, and more where they show.

    What is hidden is the total less the rest. So one hidden group takes another with it, and so
    do several that are fewer than ``min_cell`` respondents together, or as many as respondents
    (each is one then). The order says nothing of their sizes.

    Examples
    --------
    >>> suppressed_groups(pd.Series({"a": 1, "b": 2, "c": 9, "d": 30}), 5)
    ('a', 'b', 'c')
    """
    ordered = counts.sort_values(kind="stable")
    hidden = int((ordered < min_cell).sum())
    while 0 < hidden < len(ordered) and (
        hidden == 1 or ordered.iloc[:hidden].sum() <= max(hidden, min_cell - 1)
    ):
        hidden += 1
    return tuple(sorted(map(str, ordered.index[:hidden]), key=natural_order))
