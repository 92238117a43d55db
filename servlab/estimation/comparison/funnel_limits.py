"""Where a funnel's limits lie: exact or normal, with overdispersion (Spiegelhalter, 2005).

Symbols: ``target`` the common mean or proportion, ``s`` (G,) the standard deviation of a branch's
indicator under the target, ``z`` (G,) its distance from the target in these, ``p`` a tail.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


def winsorized(z: Array, share: float) -> Array:
    """Return (G,) sorted z scores whose lowest and highest ``share`` are drawn to the next ones.

    The number drawn in on each side is the whole part of ``share`` times G.
    """
    k = int(np.floor(share * len(z) + 1e-9))
    ordered = np.sort(z)
    if k:
        ordered[:k], ordered[-k:] = ordered[k], ordered[-k - 1]
    return ordered


def overdispersion(z: Array, s: Array, share: float) -> tuple[float, float]:
    """Return phi, the mean square of winsorized z scores, and tau2 of the additive model.

    phi = sum z^2 / G; tau2 = (G phi - (G - 1)) / (sum w - sum w^2 / sum w) with w = 1 / s^2, and 0
    where that is negative.
    """
    G = len(z)
    phi = float((winsorized(z, share) ** 2).sum()) / G
    w = 1 / s**2
    tau2 = (G * phi - (G - 1)) / (w.sum() - (w**2).sum() / w.sum())
    return phi, max(0.0, float(tau2))


def normal_limit(target: float, s: Array, p: float, *, phi: float, tau2: float) -> Array:
    """Return the limit with tail ``p`` under it: target + z_p sqrt(phi s^2 + tau2)."""
    return np.asarray(target + stats.norm.ppf(p) * np.sqrt(phi * s**2 + tau2))


def binomial_limit(target: float, n: Array, p: float) -> Array:
    """Return the exact limit of a proportion of ``n``, interpolated between whole counts.

    r is the least count with P(R <= r) over p; the limit is (r - a) / n with
    a = (P(R <= r) - p) / P(R = r) (Spiegelhalter, 2005, A.1.1), held in [0, 1].
    """
    r = stats.binom.ppf(p, n, target)
    a = (stats.binom.cdf(r, n, target) - p) / stats.binom.pmf(r, n, target)
    return np.asarray(np.clip((r - a) / n, 0.0, 1.0))
