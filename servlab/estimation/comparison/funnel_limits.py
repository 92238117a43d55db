"""Where a funnel's limits lie: exact or normal, with overdispersion (Spiegelhalter, 2005).

Symbols: ``target`` the common mean or proportion, ``s`` (G,) the standard deviation of a branch's
indicator under the target, ``z`` (G,) its distance from the target in these, ``p`` a tail.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
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


@dataclass(frozen=True, slots=True)
class Limits:
    """How limits follow from a branch's size."""

    target: float
    sd: float
    factor: float
    extra: float
    exact: bool
    share: bool
    levels: tuple[float, float]

    def at(self, size: Array) -> pd.DataFrame:
        """Return the four limits at (K,) sizes."""
        columns = {"size": size}
        for name, level in zip(("inner", "outer"), self.levels, strict=True):
            for side, p in (("low", (1 - level) / 2), ("high", (1 + level) / 2)):
                columns[f"{name}_{side}"] = self._one(size, p)
        return pd.DataFrame(columns)

    def _one(self, size: Array, p: float) -> Array:
        if self.exact:
            return binomial_limit(self.target, size, p)
        s = self.sd / np.sqrt(size)
        limit = normal_limit(self.target, s, p, phi=self.factor, tau2=self.extra)
        return np.clip(limit, 0.0, 1.0) if self.share else limit


def places_of(estimate: Array, bounds: pd.DataFrame) -> list[str]:
    """Return where each branch lies."""
    chosen = np.select(
        [
            estimate < bounds["outer_low"],
            estimate > bounds["outer_high"],
            estimate < bounds["inner_low"],
            estimate > bounds["inner_high"],
        ],
        ["very_low", "very_high", "low", "high"],
        default="inside",
    )
    return [str(flag) for flag in chosen]
