"""How answers are spread over the scale, item by item: ceilings, floors, skewness."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.data.instrument import Instrument
from servlab.data.schema import Scale
from servlab.data.survey import Survey
from servlab.scales.means import mean_row

CEILING = 0.5  # half of the answers at the top: said before any gap (DESIGN.md, Guards)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ItemDescriptives:
    """Answers of one battery, item by item.

    Attributes
    ----------
    battery : str
        The battery described.
    scale : Scale
        Its response scale.
    shares : DataFrame
        (k, points) share of answers at each scale point, a row an item; rows sum to 1.
    by_item : DataFrame
        A row an item: ``mean``, ``std_dev``, ``skewness``, ``kurtosis`` (excess; both bias-
        corrected as SPSS and SAS print them, unweighted), ``share_top``, ``share_bottom``,
        ``n``, ``n_dropped``.
    share_top, share_bottom : float
        Share of all answers of the battery at the top and at the bottom.
    ceiling, floor : bool
        Whether half of all answers or more are at the top, or at the bottom.
    n, n_dropped : int
        Respondents who answered every item, and the others.
    """

    battery: str
    instrument: Instrument
    scale: Scale
    shares: pd.DataFrame
    by_item: pd.DataFrame
    share_top: float
    share_bottom: float
    ceiling: bool
    floor: bool
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row an item."""
        return self.by_item.reset_index(names="item").assign(battery=self.battery)

    def glance(self) -> pd.DataFrame:
        """Return one row for the battery."""
        names = ("battery", "share_top", "share_bottom", "n", "n_dropped")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def item_descriptives(survey: Survey, battery: str) -> ItemDescriptives:
    """Describe the answers of one battery, reversed items turned round.

    Parameters
    ----------
    survey : Survey
        Its weights are used for shares, means and standard deviations.
    battery : str
        The battery to describe.

    Returns
    -------
    ItemDescriptives

    Notes
    -----
    Shares are over answers given; missing answers are counted in ``n_dropped``. Averages of
    several questions asked under one item (not whole numbers) count at the nearest point.

    Examples
    --------
    >>> import servlab as sl
    >>> described = sl.item_descriptives(sl.load_example("servqual"), "expectation")
    >>> bool(abs(described.shares.sum(axis=1) - 1).max() < 1e-12)
    True
    """
    items = survey.items(battery)
    scale = survey.scales[battery]
    weights = pd.Series(1.0, index=survey.index) if survey.weights is None else survey.weights
    points = list(range(scale.low, scale.high + 1))
    counts = _point_weights(items, weights, points)
    shares = counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)
    total = counts.to_numpy().sum()
    top = float(counts[scale.high].sum() / total) if total else float("nan")
    bottom = float(counts[scale.low].sum() / total) if total else float("nan")
    complete = int(items.notna().all(axis=1).sum())
    return ItemDescriptives(
        battery=battery,
        instrument=survey.instrument,
        scale=scale,
        shares=shares,
        by_item=_by_item(items, weights, shares, scale),
        share_top=top,
        share_bottom=bottom,
        ceiling=top >= CEILING,
        floor=bottom >= CEILING,
        n=complete,
        n_dropped=survey.n - complete,
    )


def _point_weights(items: pd.DataFrame, weights: pd.Series, points: list[int]) -> pd.DataFrame:
    """Return (k, points) sums of weights of the answers at each scale point."""
    values = np.rint(items.to_numpy(dtype=float))
    columns = {p: (values == p).T @ weights.to_numpy(dtype=float) for p in points}
    return pd.DataFrame(columns, index=items.columns)


def _by_item(
    items: pd.DataFrame, weights: pd.Series, shares: pd.DataFrame, scale: Scale
) -> pd.DataFrame:
    """Return the moments and end shares of each item."""
    rows = {}
    for code in items.columns:
        row = mean_row(items[code], weights, 0.95)
        answered = items[code].dropna().to_numpy(dtype=float)
        spread = len(answered) > 3 and answered.min() < answered.max()
        rows[code] = {
            "mean": row["estimate"],
            "std_dev": row["std_dev"],
            "skewness": float(stats.skew(answered, bias=False)) if spread else float("nan"),
            "kurtosis": float(stats.kurtosis(answered, bias=False)) if spread else float("nan"),
            "share_top": shares.loc[code, scale.high],
            "share_bottom": shares.loc[code, scale.low],
            "n": row["n"],
            "n_dropped": row["n_dropped"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"n": int, "n_dropped": int})
