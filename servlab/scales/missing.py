"""Which answers are missing, and together with which: patterns, and whether they are heavy."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey

HEAVY_ANSWERS = 0.05  # share of answers missing; up to it, Schafer (1999) sees no consequence
HEAVY_ROWS = 0.10  # share of respondents incomplete; beyond it, Bennett (2001) expects bias


@brief
@dataclass(frozen=True, slots=True, eq=False)
class MissingPatterns:
    """Missing answers of a survey.

    Attributes
    ----------
    by_item : DataFrame
        A row a battery and item: ``battery``, ``item``, ``n_missing``, ``share_missing`` in
        [0, 1].
    not_asked : tuple of str
        ``battery_item`` of items that nobody answered: they were not asked, and are left out.
    patterns : DataFrame
        (p, k) True where an answer is missing, a row a pattern, the most frequent first; columns
        as the rows of ``by_item``.
    counts : Series
        (p,) respondents of each pattern.
    n, n_complete : int
        Respondents, and those who answered every item.
    share_missing : float
        Share of all answers missing, in [0, 1].
    monotone : bool
        Whether items can be ordered so that who left one open left all later ones open, as
        people who stop do.
    heavy : bool
        Whether 5 % of the answers or more are missing, or more than 10 % of the respondents
        are incomplete.
    min_answered : float
        The survey's rule for scores of dimensions.
    """

    instrument: Instrument
    by_item: pd.DataFrame
    not_asked: tuple[str, ...]
    patterns: pd.DataFrame
    counts: pd.Series
    n: int
    n_complete: int
    share_missing: float
    monotone: bool
    heavy: bool
    min_answered: float

    def tidy(self) -> pd.DataFrame:
        """Return a row a battery and item."""
        return self.by_item

    def glance(self) -> pd.DataFrame:
        """Return one row: the share missing and the respondents who answered everything."""
        row = {"share_missing": self.share_missing, "n": self.n_complete}
        return pd.DataFrame([row | {"n_dropped": self.n - self.n_complete}])


def missing_patterns(survey: Survey) -> MissingPatterns:
    """Find the patterns of missing answers over all batteries.

    Parameters
    ----------
    survey : Survey
        After its exclusions; weights are not used.

    Returns
    -------
    MissingPatterns

    Notes
    -----
    Missing answers are heavy from 5 % of all answers [schafer1999]_ or beyond 10 % of incomplete
    respondents [bennett2001]_. Nothing is imputed here or elsewhere.

    References
    ----------
    .. [bennett2001] Bennett (2001), Australian and New Zealand Journal of Public Health 25,
       464-469.
    .. [schafer1999] Schafer (1999), Statistical Methods in Medical Research 8, 3-15.

    Examples
    --------
    >>> import servlab as sl
    >>> found = sl.missing_patterns(sl.load_example("servqual"))
    >>> int(found.counts.sum()) == found.n
    True
    """
    answers = pd.concat(
        [survey.raw(b) for b in survey.batteries], axis=1, keys=list(survey.batteries)
    )
    asked = answers.notna().any()
    not_asked = tuple(answers.columns[~asked].map("_".join))
    if asked.any():
        answers = answers.loc[:, asked]
    missing = answers.isna().to_numpy()
    n_missing = missing.sum(axis=0)
    patterns, counts = _patterns(missing)
    complete = int((~missing.any(axis=1)).sum())
    share = float(missing.mean())
    places = pd.DataFrame(list(answers.columns), columns=["battery", "item"])
    return MissingPatterns(
        instrument=survey.instrument,
        by_item=places.assign(n_missing=n_missing, share_missing=n_missing / survey.n),
        not_asked=not_asked,
        patterns=pd.DataFrame(patterns, columns=answers.columns),
        counts=pd.Series(counts, name="n"),
        n=survey.n,
        n_complete=complete,
        share_missing=share,
        monotone=_monotone(patterns, n_missing),
        heavy=share >= HEAVY_ANSWERS or survey.n - complete > HEAVY_ROWS * survey.n,
        min_answered=survey.min_answered,
    )


def _patterns(missing: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return the different rows of (n, k) missing and their counts, the most frequent first."""
    packed = np.packbits(missing, axis=1)
    found, counts = np.unique(packed, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rows = np.unpackbits(found[order], axis=1, count=missing.shape[1]).astype(bool)
    return rows, counts[order]


def _monotone(patterns: NDArray[np.bool_], n_missing: NDArray[np.int64]) -> bool:
    """Return whether every pattern is a tail of the items ordered by how many are missing."""
    ordered = patterns[:, np.argsort(n_missing, kind="stable")].astype(int)
    return bool((np.diff(ordered, axis=1) >= 0).all())
