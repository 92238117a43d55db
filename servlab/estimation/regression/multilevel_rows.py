"""The rows of a multilevel model as arrays, and what no such model can answer refused by name."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.errors import ModelError
from servlab.estimation.regression.design_checks import INTERCEPT, Design, check_design
from servlab.estimation.regression.random_intercepts import summarize
from servlab.estimation.regression.random_slopes import (
    Products,
    check_random_columns,
    cross_products,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows used as arrays: (n,) outcome, (n, p) fixed and (n, q) random columns, groups."""

    y: Array
    X: Array
    Z: Array
    codes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    names: list[object]
    labels: list[str]
    terms: tuple[str, ...]
    reml: bool

    @property
    def n_parameters(self) -> int:
        """Return the number of coefficients, variances and correlations."""
        q = len(self.terms)
        return len(self.labels) + q * (q + 1) // 2 + 1

    def products(self, dropped: int | None = None) -> Products:
        """Return the kernel's cross products, without one random column where asked."""
        Z = self.Z if dropped is None else np.delete(self.Z, dropped, axis=1)
        return cross_products(self.y, self.X, Z, self.codes, reml=self.reml)


def rows_of(
    design: Design, data: pd.DataFrame, groups: str, random: tuple[str, ...], reml: bool
) -> Rows:
    """Return the arrays of a design, or refuse what no multilevel model can answer."""
    labels = design.labels
    X = design.X.to_numpy()
    _check_terms(design, groups, random)
    check_design(design.y, X, labels, design.aliased.outcome)
    codes, names = _group_codes(data[groups].iloc[design.y.index])
    Z = np.column_stack([np.ones(len(X)), *(X[:, labels.index(name)] for name in random)])
    sizes = np.bincount(codes)
    _check_groups(sizes, Z, random, codes, groups)
    y = design.y.to_numpy(dtype=float)
    summarize(y, X, codes, reml)  # refuses an outcome that does not vary within groups
    return Rows(y, X, Z, codes, sizes, names, labels, (INTERCEPT, *random), reml)


def _check_terms(design: Design, groups: str, random: tuple[str, ...]) -> None:
    """Refuse a group column among the fixed effects and slopes that these lack."""
    if groups in design.aliased.names.values():
        raise ModelError(
            f"the groups {groups!r} stand in the formula; as random intercepts they are in the "
            "model already. Take them out of the formula."
        )
    for name in random:
        if name not in design.labels:
            raise ModelError(
                f"the random slope {name!r} has no fixed effect, around which slopes could vary; "
                "add it to the formula as a number."
            )


def _group_codes(column: pd.Series) -> tuple[NDArray[np.int64], list[object]]:
    """Return whole numbers for the groups and the groups in order."""
    plain = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    try:
        codes, names = pd.factorize(plain, sort=True)
    except TypeError:  # words and numbers in one column have no order
        codes, names = pd.factorize(plain)
    return codes.astype(np.int64), list(names)


def _check_groups(
    sizes: NDArray[np.int64],
    Z: Array,
    random: tuple[str, ...],
    codes: NDArray[np.int64],
    groups: str,
) -> None:
    """Refuse groups that cannot show what is asked."""
    if len(sizes) < 2:
        raise ModelError(
            f"{groups!r} holds one group in the rows used; a multilevel model needs two."
        )
    if sizes.max() < 2:
        raise ModelError(
            f"every group of {groups!r} has one respondent, so differences between groups cannot "
            "be told from those between respondents; use regress."
        )
    check_random_columns(Z[:, 1:], random, codes)
    if random and len(Z) <= len(sizes) * Z.shape[1]:
        raise ModelError(
            f"{len(Z)} rows cannot tell {Z.shape[1]} random effects of {len(sizes)} groups from "
            "the residuals; leave out a random slope."
        )
