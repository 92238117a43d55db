"""Which few numbers carry everything that covariance-based statistics need from the rows?

Means, covariances and correlations of the items, with how many rows they rest on. What can be
estimated from moments is, so it costs the same for 300 and for 10 million respondents once
the moments are there.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_items, check_varying_array, check_weights
from servlab.core.errors import ModelError
from servlab.core.linalg import Array, cov_to_cor, frozen
from servlab.core.threads import blas_threads
from servlab.estimation.acov import covariance_acov, polychoric_acov
from servlab.estimation.correlation_checks import (
    check_pairs,
    warn_indefinite,
    warn_ordinal,
)
from servlab.estimation.polychoric import (
    Tables,
    count_tables,
    encode,
    estimate_polychoric,
    pair_counts,
)

Kind = Literal["pearson", "polychoric"]
Missing = Literal["listwise", "pairwise"]


@brief
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
        (k, k) covariances with denominator n - 1. ``cov_ml`` has denominator n. Of kind
        polychoric: the correlations, since latent responses have variance 1.
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
    thresholds : tuple of ndarray or None
        For polychoric correlations: per item the (c - 1,) standard normal thresholds.
    categories : tuple of ndarray or None
        For polychoric correlations: per item the c answers that occur, increasing.
    acov : ndarray or None
        n times the sampling covariance, when it was asked for: of the covariances (order: down
        the columns of the lower triangle) or of thresholds and correlations (all thresholds
        item by item, then the pairs 1-2, 1-3, ...).
    empty_pairs : tuple of (str, str)
        For polychoric correlations: pairs of items whose table has an empty cell.
    at_bound : tuple of (str, str)
        For polychoric correlations: pairs whose likelihood rises up to 1 or -1.
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
    thresholds: tuple[Array, ...] | None = None
    categories: tuple[Array, ...] | None = None
    acov: Array | None = None
    empty_pairs: tuple[tuple[str, str], ...] = ()
    at_bound: tuple[tuple[str, str], ...] = ()

    @property
    def cov_ml(self) -> Array:
        """The (k, k) covariances with denominator n, as maximum likelihood uses them."""
        return self.cov if self.kind == "polychoric" else self.cov * ((self.n - 1) / self.n)

    @property
    def weighted(self) -> bool:
        """Whether rows counted unequally."""
        return self.n_effective < self.n * (1 - 1e-9)  # equal weights leave rounding

    @property
    def fewer_categories(self) -> tuple[str, ...]:
        """Return the items of which fewer different answers occur than of others (polychoric)."""
        if self.categories is None:
            return ()
        most = max(len(values) for values in self.categories)
        pairs = zip(self.names, self.categories, strict=True)
        return tuple(name for name, values in pairs if len(values) < most)

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
    acov: bool = False,
) -> Moments:
    """Compute means, covariances and correlations of items.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, NaN where missing. Moments are returned as they are.
    kind : {"pearson", "polychoric"}
        Product-moment correlations of the answers, or correlations of the normal responses
        behind ordinal answers (tetrachoric where there are two answers).
    missing : {"listwise", "pairwise"}
        Leave out rows with any missing answer, or use for each pair of items the rows that
        have both.
    weights : Series, optional
        (n,) probability weights, at least 0, on the index of ``items``.
    acov : bool
        Whether to compute the asymptotic covariance too, in a second pass over the rows.

    Returns
    -------
    Moments

    Raises
    ------
    ModelError
        When an item is constant, no row is left, a pair of items was never answered together,
        or an item has more than 20 different answers and kind is polychoric.

    Warns
    -----
    SparseDataWarning
        When pair tables have empty cells: polychoric correlations lean on the normal curve there.
    InadmissibleWarning
        When the correlations cannot all hold at once, or one runs to 1 or -1.

    Notes
    -----
    Covariances have denominator n - 1. Under weights they are ``sum(w d d') / sum(w)`` times
    ``n / (n - 1)``, so that multiplying all weights by a constant changes nothing; rows of
    weight 0 do not count in ``n``. Kish's effective n is ``sum(w)^2 / sum(w^2)``.

    Polychoric correlations are two-step maximum likelihood: thresholds from each item's shares,
    then each pair's correlation. Categories are the answers that occur; one that nobody used is
    not there. Only an empty cell in a 2 by 2 table gets half an answer (margins kept), as in
    lavaan. Nothing is smoothed; ``smooth_moments`` does that when asked.

    References
    ----------
    kish1965, section 11.7; olsson1979; muthen1984; browne1984.

    Examples
    --------
    >>> import pandas as pd
    >>> from servlab.estimation.moments import moments
    >>> m = moments(pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 3, 2, None]}))
    >>> m.n, m.n_dropped, float(m.cov[0, 0])
    (3, 1, 1.0)
    """
    check_choice("kind", kind, ("pearson", "polychoric"))
    check_choice("missing", missing, ("listwise", "pairwise"))
    if isinstance(items, Moments):
        return _same_moments(items, kind, weights, acov)
    values = check_items(items)
    w = None if weights is None else check_weights(weights, values.index).to_numpy()
    if acov and missing == "pairwise":
        raise ModelError("acov=True needs the same rows for every pair; use missing='listwise'.")
    if acov and kind == "pearson" and w is not None:
        raise ModelError("acov=True has no weighted form for covariances; leave weights out.")
    with blas_threads(values.shape[1]):
        if kind == "polychoric":
            return _polychoric(values, missing, w, acov)
        if missing == "pairwise":
            return _pairwise(values, w)
        found = _listwise(values, w)
        if not acov:
            return found
        rows = values.to_numpy()[~values.isna().any(axis=1).to_numpy()]
        return replace(found, acov=frozen(covariance_acov(rows, found.mean)))


def _same_moments(given: Moments, kind: str, weights: pd.Series | None, acov: bool) -> Moments:
    """Return moments that were given, unless the call asks for other ones."""
    if acov and given.acov is None:
        raise ModelError("the Moments given hold no acov; give moments() the rows, acov=True.")
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
    check_varying_array(X, values.columns)
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
        n_effective=float(n if w is None else 1.0 / (share @ share)),
        n_min_pair=n,
    )


def _polychoric(values: pd.DataFrame, missing: Missing, w: Array | None, acov: bool) -> Moments:
    """Return polychoric moments of ordinal items."""
    X = values.to_numpy()
    gone = np.isnan(X)
    keep = ~(gone.any(axis=1) if missing == "listwise" else gone.all(axis=1))
    if w is not None:
        keep &= w > 0
        w = w[keep] * (keep.sum() / w[keep].sum())
    X = X[keep]
    check_varying_array(X, values.columns)
    names = tuple(map(str, values.columns))
    codes, categories = encode(X, names)
    tables = count_tables(codes, categories, w)
    together = pair_counts(tables)
    check_pairs(together, values.columns)
    found = estimate_polychoric(tables)
    spread = polychoric_acov(codes, tables, found, w) if acov else None
    cor = frozen(found.cor)
    named = {
        "empty_pairs": tuple((names[i], names[j]) for i, j in found.empty),
        "at_bound": tuple((names[i], names[j]) for i, j in found.at_bound),
    }
    warn_ordinal(cor, **named)
    return Moments(
        names=names,
        n=len(X),
        n_dropped=len(values) - len(X),
        mean=frozen(np.array([_table_mean(tables, i) for i in range(len(names))])),
        cov=cor,
        cor=cor,
        kind="polychoric",
        missing=missing,
        n_effective=float(len(X) if w is None else w.sum() ** 2 / (w @ w)),
        n_min_pair=int(len(X) if missing == "listwise" else together.min()),
        thresholds=found.thresholds,
        categories=categories,
        acov=None if spread is None else frozen(spread),
        **named,
    )


def _table_mean(tables: Tables, i: int) -> float:
    """Return the mean answer to item i in scale points."""
    margin = tables.margin(i)
    return float(margin @ tables.categories[i] / margin.sum())


def smooth_moments(given: Moments) -> Moments:
    """Return moments whose correlations are positive definite, as near as lifting allows.

    Parameters
    ----------
    given : Moments
        Of any kind.

    Returns
    -------
    Moments
        Eigenvalues under 1e-8 lifted to 1e-6 and the diagonal scaled back to 1; the same object
        when none is that small.

    Examples
    --------
    >>> import pandas as pd
    >>> m = moments(pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 3, 2, 4]}))
    >>> smooth_moments(m) is m
    True
    """
    values, vectors = np.linalg.eigh(given.cor)
    if values[0] >= 1e-8:
        return given
    lifted = np.where(values < 1e-8, 1e-6, values)
    cor = frozen(cov_to_cor((vectors * lifted) @ vectors.T))
    scale = np.sqrt(np.diag(given.cov))
    return replace(given, cor=cor, cov=frozen(cor * np.outer(scale, scale)), acov=None)


def _pairwise(values: pd.DataFrame, w: Array | None) -> Moments:
    """Return moments of which each pair of items uses the rows that have both."""
    X = values.to_numpy()
    keep = ~np.isnan(X).all(axis=1)
    if w is not None:
        keep &= w > 0
    X = X[keep]
    equal = w is None
    w = np.ones(len(X)) if w is None else w[keep]
    check_varying_array(X, values.columns)
    seen = ~np.isnan(X)
    counts = seen.T.astype(float) @ seen
    check_pairs(counts, values.columns)
    mean, cov, cor = _pairwise_arrays(X, seen, counts, w)
    warn_indefinite(cor)
    return Moments(
        names=tuple(map(str, values.columns)),
        n=len(X),
        n_dropped=len(values) - len(X),
        mean=frozen(mean),
        cov=frozen(cov),
        cor=frozen(cor),
        missing="pairwise",
        n_effective=float(len(X) if equal else w.sum() ** 2 / (w @ w)),
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
