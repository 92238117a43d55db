"""Which groups differ from which? Every pair, with what the number of pairs costs."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.estimation.comparison.effect_sizes import pooled_effect
from servlab.estimation.comparison.omnibus import domain_variances, mean_ranks
from servlab.estimation.comparison.studentized_range import (
    studentized_range_isf,
    studentized_range_sf,
)
from servlab.estimation.p_values import holm
from servlab.scales.means import weighted_std_dev

Array = NDArray[np.float64]
MOST_GROUPS = 40  # with more groups there are over 780 pairs a score, and nobody reads them


def pair_table(names: Sequence[str], groups: list[Array], conf_level: float) -> pd.DataFrame:
    """Return a row a pair: Games and Howell's test, Hedges' g and Dunn's test of mean ranks."""
    places = list(combinations(range(len(names)), 2))
    a, b = (np.array([pair[side] for pair in places]) for side in (0, 1))
    table = pd.DataFrame({"group": [names[i] for i in a], "against": [names[i] for i in b]})
    table = table.join(games_howell(groups, a, b, conf_level))
    table[["effect_size", "effect_low", "effect_high"]] = [
        _effect(groups[i], groups[j], conf_level) for i, j in places
    ]
    table["z_dunn"] = dunn_z(groups, a, b)
    table["p_dunn"] = 2 * stats.norm.sf(np.abs(table["z_dunn"]))
    table["p_dunn_adjusted"] = holm(table["p_dunn"])
    return table.assign(n=[len(groups[i]) + len(groups[j]) for i, j in places])


def games_howell(groups: list[Array], a: Array, b: Array, conf_level: float) -> pd.DataFrame:
    """Return differences of means, group a less group b, with the studentized range's p.

    Games and Howell's test [games1976]_: Welch's t and degrees of freedom, p and the
    simultaneous intervals from the range of as many means as there are groups. ``p_value`` is
    Welch's own p, ``p_adjusted`` that of the range. NaN where neither group varies.
    """
    n = np.array([len(g) for g in groups], dtype=float)
    means = np.array([g.mean() for g in groups])
    squares = np.array([0.0 if np.ptp(g) < 1e-9 else g.var(ddof=1) for g in groups]) / n
    k = len(groups)
    estimate, variance = means[a] - means[b], squares[a] + squares[b]
    spread = np.where(variance > 0, variance, np.nan)
    error = np.sqrt(spread)
    df = spread**2 / (squares[a] ** 2 / (n[a] - 1) + squares[b] ** 2 / (n[b] - 1))
    t = estimate / error
    known = np.isfinite(t)
    adjusted, half = np.full((2, len(t)), np.nan)
    q = np.abs(t[known]) * np.sqrt(2)
    adjusted[known] = studentized_range_sf(q, k, df[known])
    critical = studentized_range_isf(1 - conf_level, k, df[known])
    half[known] = critical * error[known] / np.sqrt(2)
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": error,
            "statistic": t,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
            "p_adjusted": adjusted,
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )


def dunn_z(groups: list[Array], a: Array, b: Array) -> Array:
    """Return Dunn's z of mean ranks, group a less group b, with the variance of tied ranks."""
    means, variance = mean_ranks(groups)
    n = np.array([len(g) for g in groups], dtype=float)
    error = np.sqrt(variance * (1 / n[a] + 1 / n[b])) if variance > 0 else np.nan
    return np.asarray((means[a] - means[b]) / error)


def design_pair_table(
    names: Sequence[str], groups: list[Array], weights: list[Array], conf_level: float
) -> pd.DataFrame:
    """Return a row a pair under weights: design-based t with n - k degrees of freedom.

    ``p_adjusted`` is Holm's, the intervals are Bonferroni's. Hedges' g has weighted deviations
    and no interval; Dunn's test has no weighted form.
    """
    places = list(combinations(range(len(names)), 2))
    a, b = (np.array([pair[side] for pair in places]) for side in (0, 1))
    means, variances = domain_variances(groups, weights)
    sizes = np.array([len(g) for g in groups])
    df = int(sizes.sum()) - len(groups)
    estimate, variance = means[a] - means[b], variances[a] + variances[b]
    error = np.sqrt(np.where(variance > 1e-18, variance, np.nan))
    t = estimate / error
    p = pd.Series(2 * stats.t.sf(np.abs(t), df))
    half = stats.t.isf((1 - conf_level) / 2 / len(places), df) * error
    spreads = [weighted_std_dev(x, w) ** 2 for x, w in zip(groups, weights, strict=True)]
    nan = np.nan
    effects = [
        pooled_effect(
            (float(means[i]), float(means[j])), (spreads[i], spreads[j]),
            (int(sizes[i]), int(sizes[j])), conf_level,
        )[0]
        for i, j in places
    ]  # fmt: skip
    return pd.DataFrame(
        {
            "group": [names[i] for i in a],
            "against": [names[i] for i in b],
            "estimate": estimate,
            "std_error": error,
            "statistic": t,
            "df": float(df),
            "p_value": p,
            "p_adjusted": holm(p),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
            "effect_size": effects,
            **dict.fromkeys(("effect_low", "effect_high", "z_dunn", "p_dunn"), nan),
            "p_dunn_adjusted": nan,
            "n": sizes[a] + sizes[b],
        }
    )


def _effect(one: Array, other: Array, conf_level: float) -> tuple[float, ...]:
    """Return Hedges' g of two groups with its interval."""
    if np.ptp(one) < 1e-9 and np.ptp(other) < 1e-9:
        return (float("nan"),) * 3
    means = (float(one.mean()), float(other.mean()))
    variances = (float(one.var(ddof=1)), float(other.var(ddof=1)))
    return pooled_effect(means, variances, (len(one), len(other)), conf_level)
