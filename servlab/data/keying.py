"""Is an item negatively worded and not declared so? The question that stops the reader.

An item that correlates negatively with the rest of its dimension, or of the whole battery, is
either keyed the wrong way or does not belong. Beyond chance it stops the reader; within chance
it is noted. The rest of the battery is asked too, since a whole dimension of negatively worded
items (SERVQUAL 1988 has two) agrees with itself; and so is the majority alone, the items on the
larger side of the first principal component, since two such dimensions also outweigh the rest of
the battery for each other's items.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.data.instrument import Instrument
from servlab.data.schema import Label

ALPHA = 0.05
FEWEST_ROWS = 6  # below, Fisher's z says nothing
OTHERS = {
    "dimension": Label(en="the rest of its dimension", zh="所属维度其余题目"),
    "battery": Label(en="the rest of its battery", zh="全量表其余题目"),
    "majority": Label(en="the items that agree with most others", zh="方向一致的多数题目"),
}


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
        ``dimension``, ``battery`` or ``majority``: the items that agree with most others.
    beyond_chance : bool
        Whether it is significantly negative (one-sided Fisher z test at .05, Bonferroni-corrected
        over the battery's items).
    """

    battery: str
    item: str
    correlation: float
    rest: str
    beyond_chance: bool

    @property
    def others(self) -> Label:
        """Return the items it was correlated with, in words."""
        return OTHERS[self.rest]


def negative_items(
    battery: str, items: pd.DataFrame, instrument: Instrument
) -> tuple[NegativeItem, ...]:
    """Return the items of a battery whose item-rest correlation is negative."""
    rests: dict[str, Mapping[str, pd.Series]] = {
        "dimension": _rest_of_dimensions(items, instrument),
        "battery": {code: items.drop(columns=code).mean(axis=1) for code in items.columns}
        if items.shape[1] > 1
        else {},
        "majority": _majority(items),
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


def _majority(items: pd.DataFrame) -> dict[str, pd.Series]:
    """Return, for each item on the smaller side of the first component, the mean of the larger."""
    cor = items.corr().fillna(0.0).to_numpy(copy=True)
    if len(cor) < 3:
        return {}
    np.fill_diagonal(cor, 1.0)
    vector = np.linalg.eigh(cor)[1][:, -1]
    positive = vector > 0
    if 2 * positive.sum() < len(vector) or (2 * positive.sum() == len(vector) and vector.sum() < 0):
        positive = ~positive
    larger = items.loc[:, positive].mean(axis=1)
    return dict.fromkeys(items.columns[~positive], larger)


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
