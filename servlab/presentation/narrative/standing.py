"""What an interval lets one say: below zero, above zero, level, or nothing."""

import math
from typing import Literal

import pandas as pd

Standing = Literal["below", "level", "above", "unknown"]


def standing(low: float, high: float) -> Standing:
    """Return where an interval lies: ``level`` when it holds zero, ``unknown`` without limits.

    Examples
    --------
    >>> standing(-1.2, -0.9), standing(-0.1, 0.2), standing(0.0, 0.0), standing(0.1, 0.3)
    ('below', 'level', 'level', 'above')
    """
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if high < 0:
        return "below"
    return "above" if low > 0 else "level"


def standings(
    table: pd.DataFrame, low: str = "conf_low", high: str = "conf_high"
) -> dict[Standing, list[str]]:
    """Return the row names of a table by where each interval lies."""
    found: dict[Standing, list[str]] = {"below": [], "level": [], "above": [], "unknown": []}
    for name, row in table.iterrows():
        found[standing(float(row[low]), float(row[high]))].append(str(name))
    return found
