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
NOUGHT = 1e-12  # what rounding leaves of nothing
BLOCK = 2_000  # rows at a time, so that a large survey is not copied
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

    def pieces(self) -> Iterator[Answers]:
        """Yield all answers, some rows at a time, about one whole number near their mean.

        About a whole number, sums of ratings stay exact.
        """
        centre: float | None = None
        for start in range(0, len(self.raw), BLOCK):
            piece = self.raw[start : start + BLOCK] * self.sign + self.base
            if centre is None:
                there = piece[~np.isnan(piece)]
                centre = round(float(there.mean())) if there.size else 0.0
            yield piece - centre


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
        rests = _rests(codes, values, instrument)
        found = _negative(values, rests)
    kept: dict[str, NegativeItem] = {}
    for rest, place, r, n in found:
        code = codes[place]
        beyond = n >= FEWEST_ROWS and _p_negative(r, n) < ALPHA / len(codes)
        if code not in kept or (beyond and not kept[code].beyond_chance):
            kept[code] = NegativeItem(battery, code, r, rest, beyond)
    return tuple(kept[code] for code in codes if code in kept)


@dataclass(frozen=True, slots=True, eq=False)
class _Rest:
    """A kind of rest: the items held against it and, for each, the mean it is held against.

    ``members`` (k, a) is 1 where an item counts in a mean; an item never counts in its own.
    """

    name: str
    asked: NDArray[np.intp]
    members: Answers

    def sums(self, piece: Answers) -> Answers:
        """Return (6, a) rows and sums of x, y, xx, yy, xy over pairwise complete rows."""
        if np.isnan(piece).any():
            return self._sums_of_some(piece)
        means = self.members / self.members.sum(axis=0)
        gram, sums = piece.T @ piece, piece.sum(axis=0)
        crossed = gram @ means
        n = np.full(len(self.asked), float(len(piece)))
        return np.array(
            [
                n,
                sums[self.asked],
                sums @ means,
                np.diag(gram)[self.asked],
                (means * crossed).sum(axis=0),
                crossed[self.asked, np.arange(len(self.asked))],
            ]
        )

    def _sums_of_some(self, piece: Answers) -> Answers:
        """Return the sums where answers are missing: the mean is of the others answered."""
        there = ~np.isnan(piece)
        with np.errstate(invalid="ignore"):  # nobody else answered: 0 / 0 is missing
            y = (np.where(there, piece, 0.0) @ self.members) / (there @ self.members)
        x = piece[:, self.asked]
        both = ~(np.isnan(x) | np.isnan(y))
        x, y = np.where(both, x, 0.0), np.where(both, y, 0.0)
        return np.array([part.sum(axis=0) for part in (both, x, y, x * x, y * y, x * y)])


def _rests(codes: list[str], values: _Keyed, instrument: Instrument) -> list[_Rest]:
    """Return every rest that some item is held against."""
    places = np.arange(len(codes))
    rests = []
    for dimension in instrument.dimension_codes:
        members = np.isin(codes, instrument.items_of(dimension))
        rests.append(_others("dimension", members, places[members]))
    rests.append(_others("battery", np.ones(len(codes), dtype=bool), places))
    if len(codes) >= 3:
        larger = _majority(_pairwise_correlations(values))
        rests.append(_others("majority", larger, places[~larger]))
    return [rest for rest in rests if len(rest.asked) and rest.members.any()]


def _others(name: str, members: NDArray[np.bool_], asked: NDArray[np.intp]) -> _Rest:
    counted = np.repeat(members[:, None], len(asked), axis=1).astype(float)
    counted[asked, np.arange(len(asked))] = 0.0
    return _Rest(name, asked, counted)


def _negative(values: _Keyed, rests: list[_Rest]) -> list[tuple[str, int, float, int]]:
    """Return rest, item, correlation and rows of every item that runs against its rest."""
    totals = [np.zeros((6, len(rest.asked))) for rest in rests]
    for piece in values.pieces():
        for rest, total in zip(rests, totals, strict=True):
            total += rest.sums(piece)
    return [
        (rest.name, int(place), float(r), int(n))
        for rest, total in zip(rests, totals, strict=True)
        for place, r, n in zip(rest.asked, _correlations(total), total[0], strict=True)
        if r < -NOUGHT
    ]


def _correlations(sums: Answers) -> Answers:
    """Return (a,) correlations from sums; NaN where a column is constant or rows are few."""
    n, x, y, xx, yy, xy = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        x_spread, y_spread = xx - x * x / n, yy - y * y / n
        r = (xy - x * y / n) / np.sqrt(x_spread * y_spread)
        known = (n >= 3) & (x_spread > NOUGHT * (1 + xx)) & (y_spread > NOUGHT * (1 + yy))
    return np.where(known, r, np.nan)


def _majority(cor: Answers) -> NDArray[np.bool_]:
    """Return which items stand on the larger side of the first component."""
    vector = np.linalg.eigh(cor)[1][:, -1]
    positive: NDArray[np.bool_] = vector > 0
    few = 2 * positive.sum() < len(vector)
    return (
        ~positive if few or (2 * positive.sum() == len(vector) and vector.sum() < 0) else positive
    )


def _pairwise_correlations(values: _Keyed) -> Answers:
    """Return (k, k) correlations over pairwise complete rows, 0 where there is none."""
    k = len(values.sign)
    n, xy, x, xx = (np.zeros((k, k)) for _ in range(4))
    for piece in values.pieces():
        there = (~np.isnan(piece)).astype(float)
        filled = np.nan_to_num(piece)
        n += there.T @ there
        xy += filled.T @ filled
        x += filled.T @ there
        xx += (filled * filled).T @ there
    spread = n * xx - x * x
    with np.errstate(invalid="ignore", divide="ignore"):
        cor = (n * xy - x * x.T) / np.sqrt(spread * spread.T)
    cor = np.nan_to_num(cor, nan=0.0, posinf=0.0, neginf=0.0)
    np.fill_diagonal(cor, 1.0)
    return cor


def _p_negative(r: float, n: int) -> float:
    """Return the one-sided p of a correlation this far below zero."""
    bounded = max(r, -1 + 1e-12)
    return math.erfc(-math.atanh(bounded) * math.sqrt((n - 3) / 2)) / 2
