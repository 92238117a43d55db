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
            InadmissibleWarning(
                "The pairwise correlations cannot all hold at once (smallest eigenvalue "
                f"{low:.3g}); use missing='listwise' or fewer items.",
                key="impossible_pairwise",
                values={"value": f"{low:.3g}"},
            ),
            stacklevel=4,
        )


def warn_ordinal(
    cor: Array, empty_pairs: tuple[tuple[str, str], ...], at_bound: tuple[tuple[str, str], ...]
) -> None:
    """Warn by name of empty cells, of correlations at their bound, of an impossible matrix."""
    if empty_pairs:
        one, other = empty_pairs[0]
        total = len(cor) * (len(cor) - 1) // 2
        warnings.warn(
            SparseDataWarning(
                f"{len(empty_pairs)} of {total} pairs of items have a "
                f"combination of answers that nobody gave, {one} and {other} for one; their "
                "polychoric correlations lean on the normal curve there.",
                key="empty_pairs",
                values={"count": str(len(empty_pairs)), "total": str(total)},
            ),
            stacklevel=4,
        )
    if at_bound:
        one, other = at_bound[0]
        warnings.warn(
            InadmissibleWarning(
                f"The polychoric correlation of {one} and {other} runs to 1 or -1 "
                f"({len(at_bound)} such pairs); leave one of them out or join categories.",
                key="at_bound",
                values={"items": f"{one}, {other}"},
            ),
            stacklevel=4,
        )
    low = smallest_eigenvalue(cor)
    if low < SINGULAR:
        warnings.warn(
            InadmissibleWarning(
                f"The polychoric correlations cannot all hold at once (smallest eigenvalue "
                f"{low:.3g}); use fewer items or smooth_moments.",
                key="impossible_polychoric",
                values={"value": f"{low:.3g}"},
            ),
            stacklevel=4,
        )


def check_invertible(given: "Moments", purpose: str) -> bool:
    """Raise ``ModelError`` naming the items when the correlation matrix has no usable inverse.

    One that is nearly without gives ``CollinearityWarning`` by name, and true is returned, for
    the flag ``near_singular`` of the result.
    """
    low = smallest_eigenvalue(given.cor)
    if low > NEARLY_SINGULAR:
        return False
    if low > SINGULAR:
        warnings.warn(
            CollinearityWarning(
                f"{purpose}: {_culprits(given, 1e-3)}, nearly (smallest eigenvalue {low:.2g}); "
                "results hang on rounding and chance, leave one of them out.",
                key="nearly_singular",
                values={"items": ", ".join(_involved(given, 1e-3)), "value": f"{low:.2g}"},
            ),
            stacklevel=3,
        )
        return True
    if given.n <= len(given.names):
        raise ModelError(
            f"{purpose} needs more rows than items; got {given.n} rows of {len(given.names)} items."
        )
    raise ModelError(
        f"{purpose} needs items none of which is a combination of the others; "
        f"{_culprits(given)}; leave one of them out."
    )


def _culprits(given: "Moments", slack: float = 1e-8) -> str:
    """Say which items make a correlation matrix singular."""
    twins = _twins(given, slack)
    if twins:
        return f"{twins[0]!r} and {twins[1]!r} are copies of each other"
    return f"{_involved(given, slack)} depend on each other"


def _twins(given: "Moments", slack: float) -> list[str]:
    """Return the first two items that copy each other; none where no two do."""
    rows, cols = np.triu_indices(len(given.names), 1)
    twins = np.abs(given.cor[rows, cols]) > 1 - slack
    if not twins.any():
        return []
    at = int(np.argmax(twins))
    return [given.names[rows[at]], given.names[cols[at]]]


def _involved(given: "Moments", slack: float) -> list[str]:
    """Return the items that make a correlation matrix singular."""
    vector = np.linalg.eigh(given.cor)[1][:, 0]
    involved = [name for name, v in zip(given.names, vector, strict=True) if abs(v) > 1e-4]
    return _twins(given, slack) or involved
