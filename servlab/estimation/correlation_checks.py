"""Can these correlations all hold at once, and is anything in them that a reader must know?

Errors and warnings name the items at fault.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servlab.core.errors import (
    CollinearityWarning,
    InadmissibleWarning,
    ModelError,
    SparseDataWarning,
)
from servlab.core.linalg import Array, smallest_eigenvalue

if TYPE_CHECKING:
    from servlab.estimation.moments import Moments

NEARLY_SINGULAR = 1e-5  # correlations of .99999 and the like: an inverse, but of chance
SINGULAR = 1e-10  # a correlation matrix with a smaller eigenvalue than this has no usable inverse


def check_pairs(counts: Array, names: pd.Index) -> None:
    """Raise ``ModelError`` when some pair of items shares fewer than three rows."""
    i, j = np.unravel_index(int(np.argmin(counts)), counts.shape)
    if counts[i, j] < 3:
        raise ModelError(
            f"items {names[int(i)]!r} and {names[int(j)]!r} were answered together by "
            f"{int(counts[i, j])} rows; at least 3 are needed for a correlation, leave one out."
        )


def warn_indefinite(cor: Array) -> None:
    """Warn when pairwise correlations cannot all hold at once."""
    low = smallest_eigenvalue(cor)
    if low < -SINGULAR:
        warnings.warn(
            f"The pairwise correlations cannot all hold at once (smallest eigenvalue {low:.3g}); "
            "use missing='listwise' or fewer items.",
            InadmissibleWarning,
            stacklevel=4,
        )


def warn_ordinal(
    cor: Array, empty_pairs: tuple[tuple[str, str], ...], at_bound: tuple[tuple[str, str], ...]
) -> None:
    """Warn by name of empty cells, of correlations at their bound, of an impossible matrix."""
    if empty_pairs:
        one, other = empty_pairs[0]
        warnings.warn(
            f"{len(empty_pairs)} of {len(cor) * (len(cor) - 1) // 2} pairs of items have a "
            f"combination of answers that nobody gave, {one} and {other} for one; their "
            "polychoric correlations lean on the normal curve there.",
            SparseDataWarning,
            stacklevel=4,
        )
    if at_bound:
        one, other = at_bound[0]
        warnings.warn(
            f"The polychoric correlation of {one} and {other} runs to 1 or -1 "
            f"({len(at_bound)} such pairs); leave one of them out or join categories.",
            InadmissibleWarning,
            stacklevel=4,
        )
    if smallest_eigenvalue(cor) < SINGULAR:
        warnings.warn(
            f"The polychoric correlations cannot all hold at once (smallest eigenvalue "
            f"{smallest_eigenvalue(cor):.3g}); use fewer items or smooth_moments.",
            InadmissibleWarning,
            stacklevel=4,
        )


def check_invertible(given: "Moments", purpose: str) -> None:
    """Raise ``ModelError`` naming the items when the correlation matrix has no usable inverse.

    One that is nearly without gives ``CollinearityWarning`` by name.
    """
    low = smallest_eigenvalue(given.cor)
    if low > NEARLY_SINGULAR:
        return
    if low > SINGULAR:
        warnings.warn(
            f"{purpose}: {_culprits(given, 1e-3)}, nearly (smallest eigenvalue {low:.2g}); "
            "results hang on rounding and chance, leave one of them out.",
            CollinearityWarning,
            stacklevel=3,
        )
        return
    if given.n <= len(given.names):
        raise ModelError(
            f"{purpose} needs more rows than items; got {given.n} rows of {len(given.names)} items."
        )
    raise ModelError(
        f"{purpose} needs items none of which is a combination of the others; "
        f"{_culprits(given)}; leave one of them out."
    )


def _culprits(given: "Moments", slack: float = 1e-8) -> str:
    """Name the items that make a correlation matrix singular."""
    k = len(given.names)
    rows, cols = np.triu_indices(k, 1)
    twins = np.abs(given.cor[rows, cols]) > 1 - slack
    if twins.any():
        at = int(np.argmax(twins))
        return f"{given.names[rows[at]]!r} and {given.names[cols[at]]!r} are copies of each other"
    vector = np.linalg.eigh(given.cor)[1][:, 0]
    involved = [name for name, v in zip(given.names, vector, strict=True) if abs(v) > 1e-4]
    return f"{involved} depend on each other"
