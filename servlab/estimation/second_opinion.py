"""Does another program find the same factors? factor_analyzer's answer beside ours."""

import warnings
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.efa import EfaResult

ALIKE = 0.01  # loadings that differ by less read the same in a table of two decimals

_METHOD = {"minres": "minres", "ml": "ml"}
_ROTATION = {"none": None, "varimax": "varimax", "oblimin": "oblimin"}


@brief
@dataclass(frozen=True, slots=True, eq=False)
class SecondOpinion:
    """Two programs' factor analyses of the same correlations.

    Attributes
    ----------
    loadings : DataFrame
        (k, m) factor_analyzer's loadings, its factors in our order and direction.
    largest_difference : float
        Largest absolute difference of a loading.
    factor_cor_difference : float
        Largest absolute difference of a factor correlation (0 for orthogonal rotations).
    agrees : bool
        Whether both stay under .01.
    """

    loadings: pd.DataFrame
    largest_difference: float
    factor_cor_difference: float
    agrees: bool

    def tidy(self) -> pd.DataFrame:
        """Return a row an item and factor."""
        long = self.loadings.rename_axis(index="item", columns="factor").reset_index()
        return long.melt(id_vars="item", var_name="factor", value_name="estimate")

    def glance(self) -> pd.DataFrame:
        """Return one row: the largest differences."""
        return pd.DataFrame([{"term": "largest_difference", "estimate": self.largest_difference}])


def comparable(efa_result: EfaResult) -> bool:
    """Return whether factor_analyzer does the extraction and the rotation in the same way.

    Parameters
    ----------
    efa_result : EfaResult

    Examples
    --------
    >>> import servlab as sl
    >>> comparable(sl.efa(sl.load_example("servqual").items("perception"), 2, rotation="promax"))
    False
    """
    return efa_result.extraction in _METHOD and efa_result.rotation in _ROTATION


def second_opinion(efa_result: EfaResult) -> SecondOpinion:
    """Run factor_analyzer on the same correlations and compare.

    Parameters
    ----------
    efa_result : EfaResult
        By minres or ml, rotated by none, varimax or oblimin (what both programs do).

    Returns
    -------
    SecondOpinion

    Raises
    ------
    ModelError
        When factor_analyzer does not do the extraction or rotation in the same way.

    Notes
    -----
    factor_analyzer 0.5.1 orders factors by its own rule and does not reorder their correlations
    with them; both are matched to ours before comparing.

    Examples
    --------
    >>> import servlab as sl
    >>> fit = sl.efa(sl.load_example("servqual").items("perception"), 5)
    >>> sl.second_opinion(fit).agrees
    True
    """
    if not comparable(efa_result):
        raise ModelError(
            "factor_analyzer gives a comparable answer for extraction minres or ml and rotation "
            f"none, varimax or oblimin; this one is {efa_result.extraction}, "
            f"{efa_result.rotation}."
        )
    from factor_analyzer import FactorAnalyzer

    rotation = _ROTATION[efa_result.rotation] if efa_result.n_factors > 1 else None
    analyzer = FactorAnalyzer(
        n_factors=efa_result.n_factors,
        method=_METHOD[efa_result.extraction],
        rotation=rotation,
        is_corr_matrix=True,
    )
    with warnings.catch_warnings():
        # factor-analyzer 0.5.1 calls scikit-learn by a name that 1.8 removes (the lock holds 1.7)
        warnings.filterwarnings("ignore", "'force_all_finite' was renamed", FutureWarning)
        analyzer.fit(efa_result.moments.cor)
    theirs = np.asarray(analyzer.loadings_, dtype=float)
    ours = efa_result.loadings.to_numpy()
    order, signs = _match(ours, theirs)
    aligned = theirs[:, order] * signs
    phi = getattr(analyzer, "phi_", None)
    cor_difference = 0.0
    if phi is not None and rotation == "oblimin":
        cor_difference = _closest_cor(np.asarray(phi), efa_result.factor_cor.to_numpy())
    difference = float(np.abs(aligned - ours).max())
    return SecondOpinion(
        loadings=pd.DataFrame(aligned, efa_result.loadings.index, efa_result.loadings.columns),
        largest_difference=difference,
        factor_cor_difference=cor_difference,
        agrees=max(difference, cor_difference) < ALIKE,
    )


def _match(ours: Array, theirs: Array) -> tuple[Array, Array]:
    """Return the order and signs that bring their factors onto ours."""
    products = ours.T @ theirs
    _, order = linear_sum_assignment(-np.abs(products))
    signs = np.sign(products[np.arange(len(order)), order])
    return order, signs


def _closest_cor(theirs: Array, ours: Array) -> float:
    """Return the smallest largest difference over the orders their correlations may stand in."""
    m = len(ours)
    orders = permutations(range(m)) if m <= 6 else [tuple(range(m))]
    return min(
        float(np.abs(np.abs(theirs[np.ix_(order, order)]) - np.abs(ours)).max())
        for order in map(list, orders)
    )
