"""Tests of paired differences that need no survey: signed ranks, signs, medians, equivalence."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from servlab.core.errors import ModelError

Array = NDArray[np.float64]
SignedRank = Literal["auto", "exact", "normal", "corrected"]

EXACT_UNDER = 50  # differences up to which R takes the exact distribution of untied ranks
MOST_EXACT = 500  # differences whose exact distribution is counted
DECIMALS = 9  # scale points are told apart to so many decimals


def rounded(values: Array) -> Array:
    """Return values whose ties are not broken by the last bits of a mean."""
    return np.round(values, DECIMALS) + 0.0


def signed_rank(differences: Array, method: SignedRank) -> tuple[float, float, str]:
    """Return Wilcoxon's V, its two-sided p value and how p was found [wilcoxon1945]_.

    Zeros are left out before ranking, ties share their mean rank and take their part of the
    variance. ``auto`` is exact for fewer than 50 differences without ties and zeros, else
    normal with correction for continuity.
    """
    d = rounded(differences)
    kept = d[d != 0]
    n = len(kept)
    if n == 0:
        return float("nan"), float("nan"), ""
    ranks = stats.rankdata(np.abs(kept))
    v = float(ranks[kept > 0].sum())
    if method == "auto":
        untied = n == len(d) and len(np.unique(np.abs(kept))) == n
        method = "exact" if untied and n < EXACT_UNDER else "corrected"
    if method == "exact":
        return v, _exact_p(v, ranks), "exact"
    _, ties = np.unique(ranks, return_counts=True)
    variance = n * (n + 1) * (2 * n + 1) / 24 - float((ties**3 - ties).sum()) / 48
    distance = v - n * (n + 1) / 4
    if method == "corrected":
        distance -= np.sign(distance) * 0.5
    p = min(1.0, 2 * float(stats.norm.sf(abs(distance) / np.sqrt(variance))))
    return v, p, method


def _exact_p(v: float, ranks: Array) -> float:
    """Return the two-sided p of V over all signs of the ranks, tied ones too (doubled: whole)."""
    if len(ranks) > MOST_EXACT:
        raise ModelError(
            f"the exact distribution of signed ranks is counted for at most {MOST_EXACT} "
            f"differences; got {len(ranks)}: use signed_rank='normal' or 'corrected'."
        )
    doubled = np.rint(2 * ranks).astype(int)
    share = np.zeros(doubled.sum() + 1)
    share[0] = 1.0
    for rank in doubled:
        share[rank:] = (share[rank:] + share[:-rank]) / 2
        share[:rank] /= 2
    at = round(2 * v)
    return float(min(1.0, 2 * min(share[: at + 1].sum(), share[at:].sum())))


def sign_test(differences: Array) -> tuple[int, int, float]:
    """Return the positive differences, those that are not zero, and the exact two-sided p."""
    d = rounded(differences)
    positive, n = int((d > 0).sum()), int((d != 0).sum())
    if n == 0:
        return 0, 0, float("nan")
    return positive, n, float(stats.binomtest(positive, n).pvalue)


def median_interval(differences: Array, conf_level: float) -> tuple[float, float, float]:
    """Return the median and the order statistics that hold it with at least the level.

    The interval inverts the sign test; NaN where there are too few differences for the level.
    """
    x = np.sort(rounded(differences))
    n = len(x)
    nan = float("nan")
    if n == 0:
        return nan, nan, nan
    k = int(stats.binom.ppf((1 - conf_level) / 2, n, 0.5))
    if k and 2 * stats.binom.cdf(k - 1, n, 0.5) > 1 - conf_level:
        k -= 1
    median = float(np.median(x))
    return (median, nan, nan) if k < 1 else (median, float(x[k - 1]), float(x[n - k]))


def equivalence(estimate: float, std_error: float, df: float, margin: float) -> float:
    """Return the larger p of two one-sided t tests: below the margin, above minus the margin."""
    if not std_error > 0:
        return float("nan")
    over = stats.t.sf((estimate + margin) / std_error, df)
    under = stats.t.cdf((estimate - margin) / std_error, df)
    return float(max(over, under))
