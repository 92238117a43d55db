"""How far do the halves of a scale agree? Split-half reliability and Guttman's lambdas."""

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_count
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.correlation_checks import check_invertible
from servlab.estimation.moments import Moments, moments
from servlab.estimation.reliability import keyed_against

Scale = Literal["raw", "standardized"]

MOST_ITEMS = 18  # 24,310 splits; 22 items have 352,716


@brief
@dataclass(frozen=True, slots=True, eq=False)
class SplitHalf:
    """Reliabilities of all splits of a scale into halves.

    Attributes
    ----------
    mean : float
        Over all splits.
    lowest, highest : float
        Over the splits visited; over all of them ``highest`` is Guttman's lambda 4.
    odd_even : float
        Of the split into items 1, 3, 5, ... and 2, 4, 6, ...
    first_last : float
        Of the split into the first and the last half.
    best, worst : tuple of str
        One half of the split with the highest and with the lowest reliability.
    n_splits : int
        Splits visited.
    drawn : bool
        Whether they are a random draw, so that ``lowest`` and ``highest`` are not the last word.
    n, n_dropped : int
        Rows used and lost to missing values.
    negative_items : tuple of str
        Items that covary negatively with the sum of the others: a flag.
    """

    mean: float
    lowest: float
    highest: float
    odd_even: float
    first_last: float
    best: tuple[str, ...]
    worst: tuple[str, ...]
    n_splits: int
    n: int
    n_dropped: int
    negative_items: tuple[str, ...] = ()
    drawn: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return a row a summary of the splits."""
        terms = ("mean", "lowest", "highest", "odd_even", "first_last")
        return pd.DataFrame({"term": terms, "estimate": [getattr(self, name) for name in terms]})

    def glance(self) -> pd.DataFrame:
        """Return one row: the mean and the rows it rests on."""
        row = {"term": "mean", "estimate": self.mean, "n": self.n, "n_dropped": self.n_dropped}
        return pd.DataFrame([row])


def split_half(
    items: pd.DataFrame | Moments,
    *,
    scale: Scale = "raw",
    n_draws: int = 10_000,
    seed: int | None = None,
) -> SplitHalf:
    """Return the reliabilities of the splits of a scale into two halves.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, reversed already.
    scale : {"raw", "standardized"}
        Halves are sums of answers, or of standardized answers.
    n_draws : int
        Splits drawn where there are more than 18 items; of fewer items all are visited.
    seed : int, optional
        Seed of the draws; needed with more than 18 items.

    Returns
    -------
    SplitHalf

    Raises
    ------
    ModelError
        For a constant item, or more than 18 items without a seed.

    Warns
    -----
    KeyingWarning
        When an item covaries negatively with the sum of the others.

    Notes
    -----
    Guttman's and Rulon's ``4 cov(A, B) / var(A + B)``, which does not need equal halves. With an
    odd number of items halves differ by one, and every such split counts (psych 2.2.9 visits
    half of them). The mean over all splits needs no visit: two items stand in different halves in
    a share ``2 h (k - h) / (k (k - 1))`` of the splits, ``h`` the smaller half, so that it is
    ``4 h (k - h) / (k (k - 1))`` times the share of the covariances in the variance of the sum;
    of even k this is alpha [cronbach1951]_.

    References
    ----------
    guttman1945; cronbach1951.

    Examples
    --------
    >>> import pandas as pd
    >>> items = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 1, 4, 3], "c": [1, 3, 2, 4]})
    >>> split_half(items).n_splits
    3
    """
    check_choice("scale", scale, ("raw", "standardized"))
    n_draws = check_count("n_draws", n_draws, minimum=100)
    given = moments(items)
    k = len(given.names)
    if k > MOST_ITEMS and seed is None:
        raise ModelError(
            f"split_half visits every split of at most {MOST_ITEMS} items and draws some of "
            f"more; got {k} items, so give a seed."
        )
    S = given.cov if scale == "raw" else given.cor
    halves = _halves(k) if k <= MOST_ITEMS else _drawn_halves(k, n_draws, seed)
    values = split_reliability(S, halves)
    alternating, first = np.arange(k) % 2 == 0, np.arange(k) < (k + 1) // 2
    names = np.array(given.names)
    return SplitHalf(
        mean=mean_split_reliability(S),
        lowest=float(values.min()),
        highest=float(values.max()),
        odd_even=float(split_reliability(S, alternating[None])[0]),
        first_last=float(split_reliability(S, first[None])[0]),
        best=tuple(names[halves[values.argmax()]].tolist()),
        worst=tuple(names[halves[values.argmin()]].tolist()),
        n_splits=len(values),
        n=given.n,
        n_dropped=given.n_dropped,
        negative_items=keyed_against(S, given.names, stacklevel=3),
        drawn=k > MOST_ITEMS,
    )


def mean_split_reliability(S: Array) -> float:
    """Return the mean over all splits into halves of items with (k, k) covariances ``S``."""
    k = len(S)
    half = k // 2
    common = 1 - float(np.trace(S)) / float(S.sum())
    return 4 * half * (k - half) / (k * (k - 1)) * common


def _drawn_halves(k: int, n_draws: int, seed: int | None) -> np.ndarray:
    """Return (n_draws, k) the members of one half of splits drawn at random."""
    rng = np.random.default_rng(seed)
    order = rng.random((n_draws, k)).argsort(axis=1)
    return np.asarray(order < k // 2)


def _halves(k: int) -> np.ndarray:
    """Return (s, k) the members of one half of every split into halves."""
    size = k // 2
    if k % 2 == 0:  # a split and its complement are one: item 1 stays in the first half
        chosen = [(0, *rest) for rest in combinations(range(1, k), size - 1)]
    else:
        chosen = list(combinations(range(k), size))
    halves = np.zeros((len(chosen), k), dtype=bool)
    halves[np.arange(len(chosen))[:, None], np.array(chosen)] = True
    return halves


def split_reliability(S: Array, halves: np.ndarray) -> Array:
    """Return the (s,) reliabilities of the splits whose (s, k) first halves are given."""
    inside = halves.astype(float)
    toward = inside @ S
    between = toward.sum(axis=1) - (toward * inside).sum(axis=1)
    reliability: Array = 4 * between / S.sum()
    return reliability


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GuttmanLambdas:
    """Guttman's lower bounds of the reliability of a sum of items.

    Attributes
    ----------
    by_term : Series
        ``lambda1`` ... ``lambda6``, each at most 1; lambda 3 is alpha, lambda 4 the best split
        (NaN beyond 18 items).
    scale : str
        ``raw`` or ``standardized`` items.
    n, n_dropped : int
        Rows used and lost to missing values.
    negative_items : tuple of str
        Items that covary negatively with the sum of the others: a flag.
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    by_term: pd.Series
    scale: Scale
    n: int
    n_dropped: int
    negative_items: tuple[str, ...] = ()
    near_singular: bool = False

    def tidy(self) -> pd.DataFrame:
        """Return a row a bound."""
        return pd.DataFrame(
            {"term": self.by_term.index, "estimate": self.by_term.to_numpy()}
        ).reset_index(drop=True)

    def glance(self) -> pd.DataFrame:
        """Return one row: the highest bound and the rows it rests on."""
        row = {"term": str(self.by_term.idxmax()), "estimate": float(self.by_term.max())}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def guttman_lambdas(items: pd.DataFrame | Moments, *, scale: Scale = "raw") -> GuttmanLambdas:
    """Return Guttman's six lower bounds of reliability.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, reversed already.
    scale : {"raw", "standardized"}
        Sum of the answers, or of the standardized answers (as psych has it).

    Returns
    -------
    GuttmanLambdas

    Raises
    ------
    ModelError
        For a constant item, or one that is a combination of others.

    Warns
    -----
    KeyingWarning
        When an item covaries negatively with the sum of the others.

    Notes
    -----
    With ``V`` the variance of the sum: lambda 1 is ``1 - trace / V``; lambda 2 adds
    ``sqrt(k / (k - 1) sum of squared covariances) / V``; lambda 3 is alpha; lambda 4 the best
    split; lambda 5 adds to lambda 1 ``2 sqrt(largest column sum of squared covariances) / V``;
    lambda 6 is ``1 - sum of the items' error variances about the other items / V``. In small
    samples lambda 4 and lambda 6 capitalize on chance.

    References
    ----------
    guttman1945.

    Examples
    --------
    >>> import pandas as pd
    >>> items = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 1, 4, 3, 5], "c": [1, 3, 2, 5, 4]})
    >>> bounds = guttman_lambdas(items).by_term
    >>> bool(bounds["lambda1"] < bounds["lambda3"] <= bounds["lambda2"])
    True
    """
    check_choice("scale", scale, ("raw", "standardized"))
    given = moments(items)
    near = check_invertible(given, "guttman_lambdas")
    S = given.cov if scale == "raw" else given.cor
    return GuttmanLambdas(
        pd.Series(lower_bounds(S), name="estimate"),
        scale,
        given.n,
        given.n_dropped,
        keyed_against(S, given.names, stacklevel=3),
        near,
    )


def lower_bounds(S: Array) -> dict[str, float]:
    """Return Guttman's lambdas of items with (k, k) covariances ``S``."""
    k, V = len(S), float(S.sum())
    square = S**2 - np.diag(np.diag(S) ** 2)
    first = 1 - float(np.trace(S)) / V
    error = 1 / np.diag(np.linalg.inv(S))
    splits = split_reliability(S, _halves(k)) if k <= MOST_ITEMS else np.array([np.nan])
    return {
        "lambda1": first,
        "lambda2": first + float(np.sqrt(k / (k - 1) * square.sum())) / V,
        "lambda3": first * k / (k - 1),
        "lambda4": float(splits.max()),
        "lambda5": first + 2 * float(np.sqrt(square.sum(axis=0).max())) / V,
        "lambda6": 1 - float(error.sum()) / V,
    }
