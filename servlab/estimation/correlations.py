"""Do two scores go with an outcome equally closely? Correlations that share a variable."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_count
from servlab.core.errors import ModelError


@brief
@dataclass(frozen=True, slots=True)
class MengTest:
    """Test that two dependent correlations are equal.

    Attributes
    ----------
    r_first, r_second : float
        Correlations of the two scores with the outcome, in [-1, 1].
    r_between : float
        Correlation of the two scores with each other.
    statistic : float
        z, standard normal when the two correlations are equal; positive when the first is larger.
    p_value : float
        Two-sided.
    n : int
        Rows the correlations were computed from.
    """

    r_first: float
    r_second: float
    r_between: float
    statistic: float
    p_value: float
    n: int

    def tidy(self) -> pd.DataFrame:
        """Return one row."""
        row = {
            "estimate": self.r_first - self.r_second,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "n": self.n,
        }
        return pd.DataFrame([row])

    glance = tidy


def meng_test(r_first: float, r_second: float, r_between: float, *, n: int) -> MengTest:
    """Test whether two correlations with the same variable are equal.

    Parameters
    ----------
    r_first, r_second : float
        Correlations of two scores with one outcome, in (-1, 1).
    r_between : float
        Correlation of the two scores, in [-1, 1).
    n : int
        Rows, at least 4.

    Returns
    -------
    MengTest

    Raises
    ------
    ModelError
        When a correlation is out of range, the three cannot occur together, or n < 4.

    Notes
    -----
    Meng, Rosenthal and Rubin [meng1992]_, equations 1 to 3: with Fisher's z1, z2 and the mean
    squared correlation q = (r1^2 + r2^2) / 2, ``f = min(1, (1 - rx) / (2 (1 - q)))``,
    ``h = (1 - f q) / (1 - q)`` and
    ``z = (z1 - z2) sqrt((n - 3) / (2 (1 - rx) h))``.

    Examples
    --------
    >>> import servlab as sl
    >>> round(sl.meng_test(0.63, 0.47, 0.60, n=15).statistic, 2)
    0.78
    """
    n = check_count("n", n, minimum=4)
    for name, r in (("r_first", r_first), ("r_second", r_second)):
        if not -1 < r < 1:
            raise ModelError(f"{name} must lie between -1 and 1, both excluded; got {r!r}.")
    if not -1 <= r_between < 1:
        raise ModelError(
            f"r_between must be at least -1 and below 1; got {r_between!r}. Two scores that "
            "correlate perfectly cannot differ in their link to an outcome."
        )
    determinant = 1 + 2 * r_first * r_second * r_between - r_first**2 - r_second**2 - r_between**2
    if determinant < -1e-9:
        raise ModelError(
            f"correlations {r_first}, {r_second} and {r_between} cannot occur together; "
            "check that all three come from the same rows."
        )
    q = (r_first**2 + r_second**2) / 2
    f = min(1.0, (1 - r_between) / (2 * (1 - q)))
    h = (1 - f * q) / (1 - q)
    spread = np.sqrt(2 * (1 - r_between) * h / (n - 3))
    z = float((np.arctanh(r_first) - np.arctanh(r_second)) / spread)
    return MengTest(
        r_first=r_first,
        r_second=r_second,
        r_between=r_between,
        statistic=z,
        p_value=float(2 * stats.norm.sf(abs(z))),
        n=n,
    )
