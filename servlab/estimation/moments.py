"""Which few numbers carry everything that covariance-based statistics need from the rows?

Means, covariances and correlations of the items, with how many rows they rest on. What can be
estimated from moments is, so it costs the same for 300 and for 10 million respondents once
the moments are there.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.checks import check_choice, check_items, check_varying, check_weights
from servlab.core.errors import InadmissibleWarning, ModelError
from servlab.core.linalg import Array, cov_to_cor, frozen, smallest_eigenvalue

Kind = Literal["pearson"]
Missing = Literal["listwise", "pairwise"]

SINGULAR = 1e-10  # a correlation matrix with a smaller eigenvalue than this has no usable inverse


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Means, covariances and correlations of items, with the rows they rest on.

    Attributes
    ----------
    names : tuple of str
        The k items.
    n : int
        Rows used. With ``missing="pairwise"`` the rows with at least one answer.
    n_dropped : int
        Rows not used.
    mean : ndarray
        (k,) means in scale points.
    cov : ndarray
        (k, k) covariances with denominator n - 1. ``cov_ml`` has denominator n.
    cor : ndarray
        (k, k) correlations. With pairwise deletion each pair has its own standard deviations,
        as in R's ``cor(use = "pairwise")``, so ``cor`` is then not ``cov`` rescaled.
    kind : str
        What the correlations are.
    missing : str
        How rows with missing answers were treated.
    n_effective : float
        Kish's effective number of rows; ``n`` without weights.
    n_min_pair : int
        Rows behind the pair of items with the fewest; ``n`` under listwise deletion.
    """

    names: tuple[str, ...]
    n: int
    n_dropped: int
    mean: Array
    cov: Array
    cor: Array
    kind: Kind = "pearson"
    missing: Missing = "listwise"
    n_effective: float = np.nan
    n_min_pair: int = 0

    @property
    def cov_ml(self) -> Array:
        """The (k, k) covariances with denominator n, as maximum likelihood uses them."""
        return self.cov * ((self.n - 1) / self.n)

    @property
    def weighted(self) -> bool:
        """Whether rows counted unequally."""
        return self.n_effective < self.n - 1e-9

    def cor_frame(self) -> pd.DataFrame:
        """Return the correlations as a frame with the items on both sides."""
        return pd.DataFrame(self.cor, index=list(self.names), columns=list(self.names))

    def cov_frame(self) -> pd.DataFrame:
        """Return the covariances (denominator n - 1) as a frame with the items on both sides."""
        return pd.DataFrame(self.cov, index=list(self.names), columns=list(self.names))


def moments(
    items: pd.DataFrame | Moments,
    *,
    kind: Kind = "pearson",
    missing: Missing = "listwise",
    weights: pd.Series | None = None,
) -> Moments:
    """Compute means, covariances and correlations of items.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, NaN where missing. Moments are returned as they are.
    kind : {"pearson"}
        Which correlations.
    missing : {"listwise", "pairwise"}
        Leave out rows with any missing answer, or use for each pair of items the rows that
        have both.
    weights : Series, optional
        (n,) probability weights, at least 0, on the index of ``items``.

    Returns
    -------
    Moments

    Raises
    ------
    ModelError
        When an item is constant, no row is left, or a pair of items was never answered together.

    Notes
    -----
    Covariances have denominator n - 1. Under weights they are ``sum(w d d') / sum(w)`` times
    ``n / (n - 1)``, so that multiplying all weights by a constant changes nothing; rows of
    weight 0 do not count in ``n``. Kish's effective n is ``sum(w)^2 / sum(w^2)``.

    References
    ----------
    kish1965, section 11.7.

    Examples
    --------
    >>> import pandas as pd
    >>> from servlab.estimation.moments import moments
    >>> m = moments(pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 3, 2, None]}))
    >>> m.n, m.n_dropped, float(m.cov[0, 0])
    (3, 1, 1.0)
    """
    check_choice("kind", kind, ("pearson",))
    check_choice("missing", missing, ("listwise", "pairwise"))
    if isinstance(items, Moments):
        return _same_moments(items, kind, weights)
    values = check_items(items)
    w = None if weights is None else check_weights(weights, values.index).to_numpy()
    if missing == "listwise":
        return _listwise(values, w)
    return _pairwise(values, w)


def _same_moments(given: Moments, kind: str, weights: pd.Series | None) -> Moments:
    """Return moments that were given, unless the call asks for other ones."""
    if weights is not None:
        raise ModelError("weights cannot be applied to Moments; give them to moments() itself.")
    if given.kind != kind and kind != "pearson":
        raise ModelError(f"the Moments given hold {given.kind} correlations, not {kind} ones.")
    return given


def _listwise(values: pd.DataFrame, w: Array | None) -> Moments:
    """Return moments of the complete rows."""
    X = values.to_numpy()
    keep = ~np.isnan(X).any(axis=1)
    if w is not None:
        keep &= w > 0
    n_dropped = len(X) - int(keep.sum())
    if n_dropped:
        X = X[keep]
        w = None if w is None else w[keep]
    check_varying(pd.DataFrame(X, columns=values.columns))
    n = len(X)
    share = np.full(n, 1.0 / n) if w is None else w / w.sum()
    mean = share @ X
    D = X - mean
    cov = (D.T @ (D if w is None else D * (share * n)[:, None])) / (n - 1)
    cov = (cov + cov.T) / 2
    return Moments(
        names=tuple(map(str, values.columns)),
        n=n,
        n_dropped=n_dropped,
        mean=frozen(mean),
        cov=frozen(cov),
        cor=frozen(cov_to_cor(cov)),
        n_effective=float(1.0 / (share @ share)),
        n_min_pair=n,
    )


def _pairwise(values: pd.DataFrame, w: Array | None) -> Moments:
    """Return moments of which each pair of items uses the rows that have both."""
    X = values.to_numpy()
    keep = ~np.isnan(X).all(axis=1)
    if w is not None:
        keep &= w > 0
    X = X[keep]
    w = np.ones(len(X)) if w is None else w[keep]
    for column in values.columns:
        check_varying(values.loc[keep, [column]].dropna())
    seen = ~np.isnan(X)
    counts = seen.T.astype(float) @ seen
    _check_pairs(counts, values.columns)
    mean, cov, cor = _pairwise_arrays(X, seen, counts, w)
    _warn_indefinite(cor)
    return Moments(
        names=tuple(map(str, values.columns)),
        n=len(X),
        n_dropped=len(values) - len(X),
        mean=frozen(mean),
        cov=frozen(cov),
        cor=frozen(cor),
        missing="pairwise",
        n_effective=float(w.sum() ** 2 / (w @ w)),
        n_min_pair=int(counts.min()),
    )


def _pairwise_arrays(
    X: Array, seen: np.ndarray, counts: Array, w: Array
) -> tuple[Array, Array, Array]:
    """Return (k,) means, (k, k) covariances and correlations over the rows of each pair."""
    W = seen * w[:, None]
    mean = np.where(seen, X, 0.0).T @ w / W.sum(axis=0)
    D = np.where(seen, X - mean, 0.0)  # near the mean, so that little cancels below
    total = seen.T @ W
    first = (D * w[:, None]).T @ seen / total  # [i, j]: mean of item i over the rows with j
    square = (D**2 * w[:, None]).T @ seen / total - first**2
    cross = (D * w[:, None]).T @ D / total - first * first.T
    cor = cross / np.sqrt(square * square.T)
    np.fill_diagonal(cor, 1.0)
    return mean, cross * counts / (counts - 1), cor


def _check_pairs(counts: Array, names: pd.Index) -> None:
    """Raise ``ModelError`` when some pair of items shares fewer than three rows."""
    i, j = np.unravel_index(int(np.argmin(counts)), counts.shape)
    if counts[i, j] < 3:
        raise ModelError(
            f"items {names[int(i)]!r} and {names[int(j)]!r} were answered together by "
            f"{int(counts[i, j])} rows; at least 3 are needed for a correlation, leave one out."
        )


def _warn_indefinite(cor: Array) -> None:
    """Warn when pairwise correlations cannot all hold at once."""
    low = smallest_eigenvalue(cor)
    if low < -SINGULAR:
        warnings.warn(
            f"The pairwise correlations cannot all hold at once (smallest eigenvalue {low:.3g}); "
            "use missing='listwise' or fewer items.",
            InadmissibleWarning,
            stacklevel=4,
        )


def check_invertible(given: Moments, purpose: str) -> None:
    """Raise ``ModelError`` naming the items when the correlation matrix has no usable inverse."""
    if smallest_eigenvalue(given.cor) > SINGULAR:
        return
    if given.n <= len(given.names):
        raise ModelError(
            f"{purpose} needs more rows than items; got {given.n} rows of {len(given.names)} items."
        )
    raise ModelError(
        f"{purpose} needs items none of which is a combination of the others; "
        f"{_culprits(given)}; leave one of them out."
    )


def _culprits(given: Moments) -> str:
    """Name the items that make a correlation matrix singular."""
    k = len(given.names)
    rows, cols = np.triu_indices(k, 1)
    twins = np.abs(given.cor[rows, cols]) > 1 - 1e-8
    if twins.any():
        at = int(np.argmax(twins))
        return f"{given.names[rows[at]]!r} and {given.names[cols[at]]!r} are copies of each other"
    vector = np.linalg.eigh(given.cor)[1][:, 0]
    involved = [name for name, v in zip(given.names, vector, strict=True) if abs(v) > 1e-4]
    return f"{involved} depend on each other"
