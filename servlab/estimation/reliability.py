"""How consistent are the items of a scale? Coefficient alpha and what each item adds to it."""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count
from servlab.core.errors import KeyingWarning, ModelError
from servlab.core.linalg import Array, cov_to_cor
from servlab.estimation.moments import Moments, moments

Interval = Literal["feldt", "bootstrap"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class AlphaResult:
    """Coefficient alpha of a sum of items.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        Alpha and its confidence limits, at most 1 (negative values are possible).
    conf_level : float
        In (0, 1).
    interval : str
        ``feldt`` or ``bootstrap``.
    standardized : float
        Alpha of the standardized items.
    mean_cor : float
        Mean correlation of two items, in [-1, 1].
    by_item : DataFrame
        A row an item: ``mean`` and ``std_dev`` in scale points, ``item_rest`` (correlation with
        the sum of the others, in [-1, 1]), ``alpha_if_dropped`` (NaN for two items).
    negative_items : tuple of str
        Items that correlate negatively with the sum of the others: a flag.
    n, n_dropped : int
        Rows used and lost to missing values.
    n_effective : float
        Kish's effective n, on which the interval rests.
    """

    estimate: float
    conf_low: float
    conf_high: float
    conf_level: float
    interval: Interval
    standardized: float
    mean_cor: float
    by_item: pd.DataFrame
    negative_items: tuple[str, ...]
    n: int
    n_dropped: int
    n_effective: float

    def tidy(self) -> pd.DataFrame:
        """Return a row an item."""
        return self.by_item.rename_axis("item").reset_index()

    def glance(self) -> pd.DataFrame:
        """Return one row: alpha, its interval and what it rests on."""
        return pd.DataFrame(
            {
                "estimate": [self.estimate],
                "conf_low": [self.conf_low],
                "conf_high": [self.conf_high],
                "alpha_standardized": [self.standardized],
                "mean_cor": [self.mean_cor],
                "n_items": [len(self.by_item)],
                "n": [self.n],
                "n_dropped": [self.n_dropped],
                "n_effective": [self.n_effective],
            }
        )


def alpha_from_cov(S: Array) -> float:
    """Return coefficient alpha of the sum of items with (k, k) covariances ``S``."""
    k = len(S)
    return float(k / (k - 1) * (1 - np.trace(S) / S.sum()))


def alpha_if_dropped(S: Array) -> Array:
    """Return for each item the alpha of the others; NaN where only one other is left."""
    k = len(S)
    if k < 3:
        return np.full(k, np.nan)
    total = S.sum() - 2 * S.sum(axis=0) + np.diag(S)
    own = np.trace(S) - np.diag(S)
    dropped: Array = (k - 1) / (k - 2) * (1 - own / total)
    return dropped


def item_rest_correlation(S: Array) -> Array:
    """Return the (k,) correlations of each item with the sum of the others."""
    own = np.diag(S)
    shared = S.sum(axis=0) - own
    rest = S.sum() - 2 * S.sum(axis=0) + own
    correlation: Array = shared / np.sqrt(own * rest)
    return correlation


def feldt_interval(alpha: float, k: int, n: float, conf_level: float) -> tuple[float, float]:
    """Return Feldt's interval of alpha for k items and n rows, from the F distribution."""
    tail = (1 - conf_level) / 2
    df1, df2 = n - 1, (n - 1) * (k - 1)
    low = 1 - (1 - alpha) * stats.f.ppf(1 - tail, df1, df2)
    high = 1 - (1 - alpha) * stats.f.ppf(tail, df1, df2)
    return float(low), float(high)


def cronbach_alpha(
    items: pd.DataFrame | Moments,
    *,
    conf_level: float = 0.95,
    weights: pd.Series | None = None,
    interval: Interval = "feldt",
    n_draws: int = 2000,
    seed: int | None = None,
) -> AlphaResult:
    """Return coefficient alpha with Feldt's confidence interval.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, at least two items, reversed already; NaN where
        missing (rows dropped listwise).
    conf_level : float
        Confidence level, in (0, 1).
    weights : Series, optional
        (n,) probability weights on the index of ``items``.
    interval : {"feldt", "bootstrap"}
        Feldt's, or the percentiles of alpha over resampled rows, which assume neither equal
        covariances nor normality.
    n_draws : int
        Resamples of the bootstrap.
    seed : int, optional
        Of the bootstrap; needed for it.

    Returns
    -------
    AlphaResult

    Raises
    ------
    ModelError
        When an item is constant, no row is left, or the sum of the items does not vary.

    Warns
    -----
    KeyingWarning
        When an item correlates negatively with the sum of the others.

    Notes
    -----
    ``alpha = k / (k - 1) (1 - sum of variances / variance of the sum)``. Feldt's interval uses
    ``(1 - alpha) F`` with ``n - 1`` and ``(n - 1)(k - 1)`` degrees of freedom; it assumes
    equal covariances and normality. Under weights ``n`` is Kish's effective n, under pairwise
    deletion the rows with any answer, as in psych.

    References
    ----------
    cronbach1951; feldt1987.

    Examples
    --------
    >>> import pandas as pd
    >>> items = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 1, 4, 3], "c": [1, 3, 2, 4]})
    >>> round(cronbach_alpha(items).estimate, 4)
    0.7241
    """
    check_conf_level(conf_level)
    check_choice("interval", interval, ("feldt", "bootstrap"))
    m = moments(items, weights=weights)
    if m.kind != "pearson":
        raise ModelError(
            f"cronbach_alpha needs covariances of the answers; the Moments given hold {m.kind} "
            "correlations of latent responses, for which polychoric_alpha is the name."
        )
    k = len(m.names)
    if not m.cov.sum() > 1e-12 * np.trace(m.cov):
        raise ModelError("the sum of the items does not vary; check which items are reversed.")
    estimate = alpha_from_cov(m.cov)
    if interval == "feldt":
        low, high = feldt_interval(estimate, k, m.n_effective, conf_level)
    else:
        low, high = _bootstrap(items, weights, conf_level, n_draws, seed)
    cor = cov_to_cor(m.cov)  # under pairwise deletion psych rescales the covariances too
    by_item = _by_item(m)
    return AlphaResult(
        estimate=estimate,
        conf_low=low,
        conf_high=high,
        conf_level=conf_level,
        interval=interval,
        standardized=alpha_from_cov(cor),
        mean_cor=float((cor.sum() - k) / (k * (k - 1))),
        by_item=by_item,
        negative_items=keyed_against(m.cov, m.names, stacklevel=3),
        n=m.n,
        n_dropped=m.n_dropped,
        n_effective=m.n_effective,
    )


def _bootstrap(
    items: pd.DataFrame | Moments,
    weights: pd.Series | None,
    conf_level: float,
    n_draws: int,
    seed: int | None,
) -> tuple[float, float]:
    """Return percentiles of alpha over resampled rows."""
    if isinstance(items, Moments) or weights is not None or seed is None:
        raise ModelError(
            "interval='bootstrap' resamples rows: give the items (not Moments), no weights, "
            "and a seed, as in seed=1."
        )
    n_draws = check_count("n_draws", n_draws, minimum=100)
    X = items.dropna().to_numpy(dtype=float)
    X = X - X.mean(axis=0)
    rng = np.random.default_rng(seed)
    drawn = np.empty(n_draws)
    for draw in range(n_draws):
        Y = X[rng.integers(0, len(X), len(X))]
        mean = Y.mean(axis=0)
        drawn[draw] = alpha_from_cov(Y.T @ Y / len(Y) - np.outer(mean, mean))
    tail = 50 * (1 - conf_level)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def _by_item(m: Moments) -> pd.DataFrame:
    """Return the item statistics that the covariances hold."""
    return pd.DataFrame(
        {
            "mean": m.mean,
            "std_dev": np.sqrt(np.diag(m.cov)),
            "item_rest": item_rest_correlation(m.cov),
            "alpha_if_dropped": alpha_if_dropped(m.cov),
        },
        index=list(m.names),
    )


def keyed_against(S: Array, names: tuple[str, ...], *, stacklevel: int = 4) -> tuple[str, ...]:
    """Return the items that covary negatively with the sum of the others, with a warning."""
    shared = S.sum(axis=0) - np.diag(S)
    negative = tuple(name for name, value in zip(names, shared, strict=True) if value < 0)
    if negative:
        warnings.warn(
            KeyingWarning(
                f"Items {list(negative)} correlate negatively with the sum of the others; "
                "check in the codebook whether they are reversed.",
                key="negative_rest",
                values={"items": ", ".join(map(str, negative))},
            ),
            stacklevel=stacklevel,
        )
    return negative
