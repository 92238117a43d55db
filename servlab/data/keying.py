"""Is an item negatively worded and not declared so? The question that stops the reader.

An item that correlates negatively with the rest of its dimension, or of the whole battery, is
either keyed the wrong way or does not belong. Beyond chance it stops the reader; within chance
it is noted. The rest of the battery is asked too, since a whole dimension of negatively worded
items (SERVQUAL 1988 has two) agrees with itself; and so is the majority alone, the items on the
larger side of the first principal component, since two such dimensions also outweigh the rest of
the battery for each other's items.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.threads import blas_threads
from servlab.data.instrument import Instrument
from servlab.data.schema import Label

ALPHA = 0.05
Answers = NDArray[np.float64]
Places = list[int]
BLOCK = 5_000  # rows at a time, so that a large survey is not copied
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


@dataclass(frozen=True, slots=True, eq=False)
class _Keyed:
    """Answers (n, k) with negatively worded items turned round, a piece at a time: no copy."""

    raw: Answers
    base: Answers  # (k,) low + high of the scale where an item is turned round, else 0
    sign: Answers  # (k,) -1 where it is turned round, else 1

    def column(self, place: int) -> Answers:
        """Return (n,) one item's answers."""
        values: Answers = self.raw[:, place]
        return self.base[place] - values if self.sign[place] < 0 else values

    def pieces(self) -> Iterator[Answers]:
        """Yield all answers, some rows at a time."""
        for start in range(0, len(self.raw), BLOCK):
            yield self.raw[start : start + BLOCK] * self.sign + self.base


def negative_items(
    battery: str,
    answers: pd.DataFrame,
    instrument: Instrument,
    *,
    turned: Sequence[str] = (),
    turns_at: int = 0,
) -> tuple[NegativeItem, ...]:
    """Return the items of a battery whose item-rest correlation is negative.

    ``turned`` items are turned round first: an answer x becomes ``turns_at`` - x.
    """
    codes = list(answers.columns)
    negative = np.isin(codes, list(turned))
    values = _Keyed(
        answers.to_numpy(dtype=float),
        np.where(negative, float(turns_at), 0.0),
        np.where(negative, -1.0, 1.0),
    )
    with blas_threads(len(codes)):
        return _found(battery, codes, values, instrument)


def _found(
    battery: str, codes: list[str], values: _Keyed, instrument: Instrument
) -> tuple[NegativeItem, ...]:
    found: dict[str, NegativeItem] = {}
    for rest, members, asked in _rests(codes, values, instrument):
        for place, other in _means_of_others(values, members, asked):
            r, n = _correlation(values.column(place), other)
            if not r < 0:
                continue
            code = codes[place]
            beyond = n >= FEWEST_ROWS and _p_negative(r, n) < ALPHA / len(codes)
            if code not in found or (beyond and not found[code].beyond_chance):
                found[code] = NegativeItem(battery, code, r, rest, beyond)
    return tuple(found[code] for code in codes if code in found)


def _rests(
    codes: list[str], values: _Keyed, instrument: Instrument
) -> Iterator[tuple[str, Places, Places]]:
    """Yield a kind of rest, the places of its items, and of the items held against them."""
    for dimension in instrument.dimension_codes:
        members = [codes.index(code) for code in instrument.items_of(dimension)]
        yield "dimension", members, members
    everyone = list(range(len(codes)))
    yield "battery", everyone, everyone
    if len(codes) >= 3:
        larger = _majority(_pairwise_correlations(values))
        yield "majority", list(np.flatnonzero(larger)), list(np.flatnonzero(~larger))


def _majority(cor: Answers) -> NDArray[np.bool_]:
    """Return which items stand on the larger side of the first component."""
    vector = np.linalg.eigh(cor)[1][:, -1]
    positive: NDArray[np.bool_] = vector > 0
    few = 2 * positive.sum() < len(vector)
    return (
        ~positive if few or (2 * positive.sum() == len(vector) and vector.sum() < 0) else positive
    )


def _means_of_others(
    values: _Keyed, members: Places, asked: Places
) -> Iterator[tuple[int, Answers]]:
    """Yield each item's place and (n,) the mean of a set's other items, as far as answered."""
    n = len(values.raw)
    total, count = np.zeros(n), np.zeros(n)
    for place in members:
        own = values.column(place)
        there = ~np.isnan(own)
        total += np.where(there, own, 0.0)
        count += there
    for place in asked:
        if members == [place]:
            continue  # an item without company
        own = values.column(place) if place in members else np.full(n, np.nan)
        there = ~np.isnan(own)
        with np.errstate(invalid="ignore"):  # nobody else answered: 0 / 0 is missing
            yield place, (total - np.where(there, own, 0.0)) / (count - there)


def _pairwise_correlations(values: _Keyed) -> Answers:
    """Return (k, k) correlations over pairwise complete rows, 0 where there is none."""
    k = len(values.sign)
    # about whole numbers, sums of ratings stay exact and a constant item has no spread
    centre = [_whole_mean(values.column(place)) for place in range(k)]
    n, xy, x, xx = (np.zeros((k, k)) for _ in range(4))
    for piece in values.pieces():
        block = piece - centre
        there = (~np.isnan(block)).astype(float)
        block = np.nan_to_num(block)
        n += there.T @ there
        xy += block.T @ block
        x += block.T @ there
        xx += (block * block).T @ there
    spread = n * xx - x * x
    with np.errstate(invalid="ignore", divide="ignore"):
        cor = (n * xy - x * x.T) / np.sqrt(spread * spread.T)
    cor = np.nan_to_num(cor, nan=0.0, posinf=0.0, neginf=0.0)
    np.fill_diagonal(cor, 1.0)
    return cor


def _whole_mean(column: Answers) -> float:
    there = column[~np.isnan(column)]
    return round(float(there.mean())) if len(there) else 0.0


def _correlation(x: Answers, y: Answers) -> tuple[float, int]:
    used = ~(np.isnan(x) | np.isnan(y))
    if not used.all():
        x, y = x[used], y[used]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan"), len(x)
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / math.sqrt((x @ x) * (y @ y))), len(x)


def _p_negative(r: float, n: int) -> float:
    """Return the one-sided p of a correlation this far below zero."""
    bounded = max(r, -1 + 1e-12)
    return math.erfc(-math.atanh(bounded) * math.sqrt((n - 3) / 2)) / 2
