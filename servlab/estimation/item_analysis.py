"""Which items tell respondents apart, and which belong to the scale?

The item analysis (项目分析) that theses report: means, corrected item-total correlation, alpha
without the item, and the critical ratio between the upper and the lower 27 % of the sums.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_items
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.core.standards import standard
from servlab.estimation.moments import moments
from servlab.estimation.reliability import (
    alpha_from_cov,
    alpha_if_dropped,
    item_rest_correlation,
)

SHARE = 0.27  # Kelley's share, at which upper and lower group are told apart best

WEAK_ITEM_REST = standard("item_rest").value  # an item under it shares little with the others
WEAK_CRITICAL_RATIO = standard("critical_ratio").value


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ItemAnalysis:
    """What each item adds to the sum of a scale.

    Attributes
    ----------
    by_item : DataFrame
        A row an item: ``mean``, ``std_dev`` in scale points, ``skewness``, ``kurtosis`` (excess),
        ``item_total`` (with the sum, itself included), ``item_rest`` (with the sum of the
        others), ``alpha_if_dropped``, ``critical_ratio`` (Welch's t between the upper and the
        lower group), ``critical_df``, ``critical_p``, ``advice``: a tuple of ``weak_item_rest``
        (under .30), ``raises_alpha`` (alpha is higher without it), ``weak_critical_ratio``
        (under 3 or not significant at .05).
    alpha : float
        Of all items.
    low_cut, high_cut : float
        Sums at or under and at or over which respondents form the two groups.
    n_low, n_high : int
        Their sizes; more than 27 % where sums are tied.
    n, n_dropped : int
        Rows used and lost to missing values.
    """

    by_item: pd.DataFrame
    alpha: float
    low_cut: float
    high_cut: float
    n_low: int
    n_high: int
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row an item."""
        numbers = self.by_item.drop(columns="advice")
        return numbers.rename_axis("item").reset_index()

    def glance(self) -> pd.DataFrame:
        """Return one row: alpha and the rows it rests on."""
        row = {"estimate": self.alpha, "n_items": len(self.by_item)}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def item_analysis(items: pd.DataFrame) -> ItemAnalysis:
    """Analyse the items of one scale.

    Parameters
    ----------
    items : DataFrame
        (n, k) responses in scale points, reversed already; rows with missing answers are
        dropped. Rows are needed: moments do not tell the upper from the lower group.

    Returns
    -------
    ItemAnalysis

    Raises
    ------
    ModelError
        When an item is constant, no row is left, or the two groups have fewer than 2 rows.

    Notes
    -----
    Groups are the respondents with sums at or under the 27th and at or over the 73rd percentile
    (linear interpolation), ties included. The critical ratio is Welch's t of the item between
    them; where the item is constant in both groups it is infinite. Advice states rules, not a
    decision; dropping an item makes what follows exploratory. Skewness and kurtosis are
    corrected for bias, as SPSS prints them.

    References
    ----------
    kelley1939; wu2010; nunnally1994.

    Examples
    --------
    >>> import servlab as sl
    >>> result = item_analysis(sl.load_example("servqual").items("perception"))
    >>> result.n_low >= 0.27 * result.n - 1
    True
    """
    values = check_items(items)
    given = moments(values)
    X = values.dropna().to_numpy()
    total = X.sum(axis=1)
    low_cut, high_cut = np.percentile(total, [100 * SHARE, 100 * (1 - SHARE)])
    low, high = total <= low_cut, total >= high_cut
    if low_cut >= high_cut or min(low.sum(), high.sum()) < 2:
        raise ModelError(
            "the sums of the items vary too little to form an upper and a lower group; "
            f"{given.n} rows, 27th and 73rd percentile {low_cut:g} and {high_cut:g}."
        )
    by_item = _describe(X, given.cov, list(given.names))
    by_item = by_item.join(critical_ratio(X[low], X[high], list(given.names)))
    alpha = alpha_from_cov(given.cov)
    by_item["advice"] = [item_advice(row, alpha) for _, row in by_item.iterrows()]
    return ItemAnalysis(
        by_item=by_item,
        alpha=alpha,
        low_cut=float(low_cut),
        high_cut=float(high_cut),
        n_low=int(low.sum()),
        n_high=int(high.sum()),
        n=given.n,
        n_dropped=given.n_dropped,
    )


def _describe(X: Array, S: Array, names: list[str]) -> pd.DataFrame:
    """Return the statistics of each item that need no groups."""
    return pd.DataFrame(
        {
            "mean": X.mean(axis=0),
            "std_dev": np.sqrt(np.diag(S)),
            "skewness": stats.skew(X, axis=0, bias=False),
            "kurtosis": stats.kurtosis(X, axis=0, bias=False),
            "item_total": S.sum(axis=0) / np.sqrt(np.diag(S) * S.sum()),
            "item_rest": item_rest_correlation(S),
            "alpha_if_dropped": alpha_if_dropped(S),
        },
        index=names,
    )


def critical_ratio(low: Array, high: Array, names: list[str]) -> pd.DataFrame:
    """Return Welch's t, df and p of each item between (n_low, k) and (n_high, k) responses."""
    difference = high.mean(axis=0) - low.mean(axis=0)
    a, b = high.var(axis=0, ddof=1) / len(high), low.var(axis=0, ddof=1) / len(low)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = difference / np.sqrt(a + b)
        df = (a + b) ** 2 / (a**2 / (len(high) - 1) + b**2 / (len(low) - 1))
    p = np.where(np.isinf(t), 0.0, 2 * stats.t.sf(np.abs(t), df))
    return pd.DataFrame({"critical_ratio": t, "critical_df": df, "critical_p": p}, index=names)


def item_advice(row: pd.Series, alpha: float) -> tuple[str, ...]:
    """Return the names of the rules that speak against keeping an item."""
    told = {
        "weak_item_rest": row["item_rest"] < WEAK_ITEM_REST,
        "raises_alpha": row["alpha_if_dropped"] > alpha,
        "weak_critical_ratio": not (
            row["critical_ratio"] >= WEAK_CRITICAL_RATIO and row["critical_p"] < 0.05
        ),
    }
    return tuple(name for name, holds in told.items() if holds)
