"""Would the same factors be found again? Tucker's congruence, and a hold-out half.

What was explored on some respondents is only confirmed on others. A seeded split keeps a half
aside: the factors of one half are held against those of the other.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from servlab.core.brief import brief
from servlab.core.checks import check_count, check_items
from servlab.core.errors import ModelError, ServlabWarning
from servlab.core.linalg import Array, smallest_eigenvalue
from servlab.core.standards import standard
from servlab.estimation.correlation_checks import SINGULAR
from servlab.estimation.efa import EfaResult, efa
from servlab.estimation.extraction import Extraction
from servlab.estimation.moments import Kind, moments
from servlab.estimation.rotation import Rotation

FEWEST_IN_HALF = 50  # rows of a half under which a factor analysis says nothing


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Replication:
    """The factors of one half of the respondents beside those of the other.

    Attributes
    ----------
    congruence : Series
        Tucker's coefficient of each factor of the first half and its partner, in [-1, 1].
    first, second : DataFrame
        (k, m) pattern loadings of the halves; the second's factors in the order and direction of
        the first's.
    n_first, n_second : int
        Rows of the halves.
    heywood : tuple of str
        Items whose uniqueness is at its bound in either half: a flag.
    small : bool
        Whether a half has fewer rows than a factor analysis of so many items should have.
    seed : int
    n, n_dropped : int
    """

    congruence: pd.Series
    first: pd.DataFrame
    second: pd.DataFrame
    n_first: int
    n_second: int
    heywood: tuple[str, ...]
    small: bool
    seed: int
    n: int
    n_dropped: int

    @property
    def replicated(self) -> int:
        """Return how many factors are equal in both halves (congruence of .95 and more)."""
        return int((self.congruence >= standard("congruence").value).sum())

    def tidy(self) -> pd.DataFrame:
        """Return a row a factor."""
        return pd.DataFrame(
            {"factor": self.congruence.index, "estimate": self.congruence.to_numpy()}
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the lowest congruence."""
        row = {"term": "lowest_congruence", "estimate": float(self.congruence.min())}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def tucker_congruence(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return Tucker's coefficients of congruence of two sets of factors of the same items.

    Parameters
    ----------
    first, second : DataFrame
        (k, m1) and (k, m2) loadings, a row an item; rows are matched by name.

    Returns
    -------
    DataFrame
        (m1, m2) coefficients in [-1, 1].

    Raises
    ------
    ModelError
        When the items differ, or a factor has no loading other than 0.

    Notes
    -----
    ``sum x y / sqrt(sum x^2 sum y^2)`` over the items: the cosine of two columns, not a
    correlation.

    References
    ----------
    tucker1951; lorenzoseva2006.

    Examples
    --------
    >>> import pandas as pd
    >>> a = pd.DataFrame({"F1": [0.8, 0.6, 0.0]}, index=["x", "y", "z"])
    >>> round(float(tucker_congruence(a, -2 * a).iloc[0, 0]), 10)
    -1.0
    """
    if len(first) != len(second) or set(first.index) != set(second.index):
        raise ModelError(
            "congruence needs loadings of the same items on both sides; got "
            f"{[str(i) for i in first.index.symmetric_difference(second.index)]} on one only."
        )
    A, B = first.to_numpy(dtype=float), second.loc[first.index].to_numpy(dtype=float)
    size_a, size_b = np.linalg.norm(A, axis=0), np.linalg.norm(B, axis=0)
    if min(size_a.min(), size_b.min()) == 0:
        raise ModelError("congruence needs factors with loadings other than 0; leave the rest out.")
    return pd.DataFrame((A / size_a).T @ (B / size_b), first.columns, second.columns)


def split_halves(items: pd.DataFrame, *, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the complete rows into two halves at random.

    Parameters
    ----------
    items : DataFrame
        (n, k) responses; rows with missing answers are left out.
    seed : int
        Seed of the split.

    Returns
    -------
    tuple of DataFrame
        The halves; the first has one row more where the number is odd.

    Examples
    --------
    >>> import pandas as pd
    >>> first, second = split_halves(pd.DataFrame({"a": range(5)}), seed=1)
    >>> len(first), len(second)
    (3, 2)
    """
    complete = items.dropna()
    order = np.random.default_rng(seed).permutation(len(complete))
    size = (len(complete) + 1) // 2
    return complete.iloc[np.sort(order[:size])], complete.iloc[np.sort(order[size:])]


def can_hold_out(items: pd.DataFrame, *, seed: int, kind: Kind = "pearson") -> bool:
    """Return whether both halves of a split carry a factor analysis.

    Parameters
    ----------
    items : DataFrame
        (n, k) responses; rows with missing answers are left out.
    seed : int
        Seed of the split.
    kind : {"pearson", "polychoric"}
        Which correlations.

    Returns
    -------
    bool
        Whether each half has 50 rows, more rows than items, no constant item, and correlations
        that can all hold at once (polychoric ones of few rows often cannot).

    Examples
    --------
    >>> import servlab as sl
    >>> items = sl.load_example("servqual").items("perception")
    >>> can_hold_out(items, seed=1), can_hold_out(items.iloc[:60], seed=1)
    (True, False)
    """
    halves = split_halves(check_items(items), seed=seed)
    if min(map(len, halves)) < max(FEWEST_IN_HALF, items.shape[1] + 1):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)  # hold_out itself gives them
        try:
            return all(
                smallest_eigenvalue(moments(half, kind=kind).cor) > SINGULAR for half in halves
            )
        except ModelError:
            return False


def hold_out(
    items: pd.DataFrame,
    n_factors: int,
    *,
    seed: int,
    extraction: Extraction = "minres",
    rotation: Rotation = "oblimin",
    kind: Kind = "pearson",
) -> Replication:
    """Fit the same factor analysis to two random halves and compare the factors.

    Parameters
    ----------
    items : DataFrame
        (n, k) responses; rows with missing answers are dropped.
    n_factors : int
        Number of factors in both halves.
    seed : int
        Seed of the split.
    extraction, rotation, kind : str
        As in ``efa``.

    Returns
    -------
    Replication

    Raises
    ------
    ModelError
        When a half has no more rows than items, or cannot be analysed.

    Notes
    -----
    Factors are paired so that the sum of their absolute congruences is largest, and turned to a
    positive one. At .95 two factors are considered equal, from .85 on fairly similar
    (Lorenzo-Seva and ten Berge). One split is one draw: another seed gives another value.

    References
    ----------
    tucker1951; lorenzoseva2006.

    Examples
    --------
    >>> import servlab as sl
    >>> found = hold_out(sl.load_example("servqual").items("perception"), 5, seed=1)
    >>> found.n_first + found.n_second == found.n
    True
    """
    values = check_items(items)
    m = check_count("n_factors", n_factors)
    first, second = split_halves(values, seed=seed)
    k = values.shape[1]
    if len(second) <= k:
        raise ModelError(
            f"each half needs more rows than items; {len(first) + len(second)} complete rows of "
            f"{k} items give halves of {len(first)} and {len(second)}."
        )
    options = {"extraction": extraction, "rotation": rotation, "kind": kind}
    one, other = (efa(half, m, **options) for half in (first, second))  # type: ignore[arg-type]
    aligned, congruence = _aligned(one, other)
    enough = max(standard("rows").value, standard("rows_per_item").value * k)
    return Replication(
        congruence=congruence,
        first=one.loadings,
        second=aligned,
        n_first=len(first),
        n_second=len(second),
        heywood=tuple(dict.fromkeys((*one.heywood, *other.heywood))),
        small=len(second) < enough,
        seed=seed,
        n=len(first) + len(second),
        n_dropped=len(values) - len(first) - len(second),
    )


def _aligned(one: EfaResult, other: EfaResult) -> tuple[pd.DataFrame, pd.Series]:
    """Return the other's loadings in our order and direction, and the congruences."""
    table: Array = tucker_congruence(one.loadings, other.loadings).to_numpy()
    rows, order = linear_sum_assignment(-np.abs(table))
    found = table[rows, order]
    signs = np.where(found < 0, -1.0, 1.0)
    names = one.loadings.columns
    turned = other.loadings.to_numpy()[:, order] * signs
    return (
        pd.DataFrame(turned, one.loadings.index, names),
        pd.Series(found * signs, names, name="estimate"),
    )
