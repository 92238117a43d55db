"""How does a continuous measure correlate with the trait behind an ordinal answer?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from servlab.core.brief import brief
from servlab.core.checks import check_items, check_varying
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.polychoric import BOUND, FLOOR, encode, thresholds_of


@brief
@dataclass(frozen=True, slots=True, eq=False)
class PolyserialResult:
    """A polyserial correlation.

    Attributes
    ----------
    estimate : float
        In (-1, 1).
    thresholds : ndarray
        (c - 1,) of the ordinal item.
    categories : ndarray
        (c,) answers that occur.
    n, n_dropped : int
        Rows used and lost to missing values.
    """

    estimate: float
    thresholds: Array
    categories: Array
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return the correlation as one row."""
        return pd.DataFrame({"term": ["polyserial"], "estimate": [self.estimate]})

    def glance(self) -> pd.DataFrame:
        """Return the correlation as one row with the rows it rests on."""
        return self.tidy().assign(n=self.n, n_dropped=self.n_dropped)


def polyserial(continuous: pd.Series, ordinal: pd.Series) -> PolyserialResult:
    """Return the polyserial correlation of a continuous measure and an ordinal item.

    Parameters
    ----------
    continuous, ordinal : Series
        (n,) on the same index; rows with a missing value in either are dropped.

    Returns
    -------
    PolyserialResult

    Raises
    ------
    ModelError
        When the indexes differ, one of the two is constant, or the ordinal one has more than 20
        answers.

    Notes
    -----
    Two-step maximum likelihood: the mean and variance (denominator n) of the one and the
    thresholds of the other first, then the correlation. polycor's default is a formula, not this.

    References
    ----------
    olsson1982.

    Examples
    --------
    >>> import pandas as pd
    >>> x = pd.Series([1.0, 2.1, 2.9, 4.2, 4.8, 6.1])
    >>> polyserial(x, pd.Series([1, 2, 1, 2, 3, 3])).estimate > 0.7
    True
    """
    if not continuous.index.equals(ordinal.index):
        raise ModelError("continuous and ordinal must have the same index; align them first.")
    both = check_items(pd.DataFrame({"continuous": continuous, "ordinal": ordinal}))
    used = both.dropna()
    check_varying(used)
    codes, categories = encode(used[["ordinal"]].to_numpy(), ("ordinal",))
    thresholds = thresholds_of(np.bincount(codes[:, 0]).astype(float))
    x = used["continuous"].to_numpy()
    z = (x - x.mean()) / x.std()
    edges = np.concatenate([[-np.inf], thresholds, [np.inf]])
    low, high = edges[codes[:, 0]], edges[codes[:, 0] + 1]

    def misfit(rho: float) -> float:
        root = np.sqrt(1 - rho * rho)
        inside = special.ndtr((high - rho * z) / root) - special.ndtr((low - rho * z) / root)
        return -float(np.log(np.maximum(inside, FLOOR)).sum())

    found = optimize.minimize_scalar(
        misfit, bounds=(-BOUND, BOUND), method="bounded", options={"xatol": 1e-10}
    )
    return PolyserialResult(
        float(found.x), thresholds, categories[0], len(used), len(both) - len(used)
    )
