"""Is an item negatively worded and not declared so? The question that stops the reader.

An item that correlates negatively with the rest of its dimension, or of the whole battery, is
either keyed the wrong way or does not belong. Beyond chance it stops the reader; within chance
it is noted. The rest of the battery is asked too, since a whole dimension of negatively worded
items (SERVQUAL 1988 has two) agrees with itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.data.instrument import Instrument

ALPHA = 0.05
FEWEST_ROWS = 6  # below, Fisher's z says nothing


@dataclass(frozen=True, slots=True)
class NegativeItem:
    """An item with a negative item-rest correlation.

    Attributes
    ----------
    battery, item : str
        Where it stands.
    correlation : float
        With the mean of the others, after the reversals the codebook declares.
    rest : str
        ``dimension`` or ``battery``.
    beyond_chance : bool
        Whether it is significantly negative (one-sided Fisher z test at .05, Bonferroni-corrected
        over the battery's items).
    """

    battery: str
    item: str
    correlation: float
    rest: str
    beyond_chance: bool


def negative_items(
    battery: str, items: pd.DataFrame, instrument: Instrument
) -> tuple[NegativeItem, ...]:
    """Return the items of a battery whose item-rest correlation is negative."""
    rests: dict[str, Mapping[str, pd.Series]] = {
        "dimension": _rest_of_dimensions(items, instrument),
        "battery": {code: items.drop(columns=code).mean(axis=1) for code in items.columns}
        if items.shape[1] > 1
        else {},
    }
    found: dict[str, NegativeItem] = {}
    for rest, series in rests.items():
        for code, other in series.items():
            r, n = _correlation(items[code], other)
            if not r < 0:
                continue
            beyond = n >= FEWEST_ROWS and _p_negative(r, n) < ALPHA / items.shape[1]
            if code not in found or (beyond and not found[code].beyond_chance):
                found[code] = NegativeItem(battery, code, r, rest, beyond)
    return tuple(found[code] for code in items.columns if code in found)


def _rest_of_dimensions(items: pd.DataFrame, instrument: Instrument) -> dict[str, pd.Series]:
    """Return, for each item with company in its dimension, the mean of that company."""
    rests = {}
    for dimension in instrument.dimension_codes:
        codes = list(instrument.items_of(dimension))
        for code in codes:
            others = [other for other in codes if other != code]
            if others:
                rests[code] = items[others].mean(axis=1)
    return rests


def _correlation(first: pd.Series, second: pd.Series) -> tuple[float, int]:
    used = first.notna() & second.notna()
    x, y = first[used].to_numpy(dtype=float), second[used].to_numpy(dtype=float)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan"), len(x)
    return float(np.corrcoef(x, y)[0, 1]), len(x)


def _p_negative(r: float, n: int) -> float:
    """Return the one-sided p of a correlation this far below zero."""
    bounded = max(r, -1 + 1e-12)
    return float(stats.norm.cdf(np.arctanh(bounded) * np.sqrt(n - 3)))
