"""A general factor behind correlated factors, orthogonal to them (Schmid and Leiman): arrays."""

import warnings

import numpy as np
import pandas as pd

from servlab.core.errors import HeywoodWarning, ModelError
from servlab.core.linalg import Array
from servlab.estimation.extraction import Extraction, extract


def general_loadings(Phi: Array, extraction: Extraction) -> Array:
    """Return the (m,) loadings of factors with correlations ``Phi`` on one general factor."""
    m = len(Phi)
    if m == 1:
        return np.ones(1)
    if m == 2:
        if Phi[0, 1] <= 0:
            raise ModelError(
                "a general factor behind two factors needs them to correlate positively; "
                f"they correlate {Phi[0, 1]:.2f}, use n_factors=1 or 3."
            )
        return np.full(2, np.sqrt(Phi[0, 1]))
    found = extract(Phi, 1, extraction)
    if found.heywood.any():
        warnings.warn(
            HeywoodWarning(
                "Heywood case: a factor is as good as the general factor behind it; "
                "try another n_factors before trusting omega hierarchical.",
                key="heywood_general",
            ),
            stacklevel=3,
        )
    loadings: Array = found.loadings[:, 0]
    return loadings


def schmid_leiman(L: Array, gamma: Array) -> tuple[Array, Array]:
    """Return (k,) general and (k, m) group loadings, orthogonal, of a (k, m) pattern."""
    g = L @ gamma
    sign = -1.0 if g.sum() < 0 else 1.0
    return sign * g, L * np.sqrt(np.maximum(1 - gamma**2, 0.0))


def group_shares(R: Array, g: Array, group: Array, uniqueness: Array) -> pd.DataFrame:
    """Return variance shares of the sum of the items that belong to each factor.

    An item belongs to the group factor it loads highest on; a factor without items has NaN.
    """
    m = group.shape[1]
    home = np.abs(group).argmax(axis=1)
    rows = {}
    for j in range(m):
        own = home == j
        variance = R[np.ix_(own, own)].sum() if own.any() else np.nan
        rows[f"F{j + 1}*"] = {
            "total": 1 - uniqueness[own].sum() / variance,
            "general": g[own].sum() ** 2 / variance,
            "group": group[own, j].sum() ** 2 / variance,
        }
    return pd.DataFrame(rows).T
