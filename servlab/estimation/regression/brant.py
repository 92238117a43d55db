"""Does one odds ratio do for every cut point? Brant's test of proportional odds.

Each cut point between two categories is a logistic regression of its own; under proportional
odds their slopes are equal but for chance (Brant, 1990).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_result
from servlab.core.errors import ModelError, SparseDataWarning
from servlab.core.linalg import Array
from servlab.estimation.regression.category_models import coded, fit_checked, slopes_of
from servlab.estimation.regression.cumulative_link import Codes
from servlab.estimation.regression.design_checks import Design
from servlab.estimation.regression.ordinal import OrdinalResult

OMNIBUS = "omnibus"
MOST_VALUES = 5  # up to which a predictor is tabulated with the outcome


@brief
@dataclass(frozen=True, slots=True, eq=False)
class BrantTest:
    """Brant's test that slopes are the same at every cut point.

    Attributes
    ----------
    outcome : str
    table : DataFrame
        A row ``omnibus``, then a row a slope: ``chi2``, ``df``, ``p_value``.
    slopes : DataFrame
        A row a slope, a column a cut point (``>1``): the slopes of the separate logits.
    empty_cells : tuple of str
        Predictors with few values that some category of the outcome never meets; the test leans
        on those cells.
    n, n_dropped : int
    """

    outcome: str
    table: pd.DataFrame
    slopes: pd.DataFrame
    empty_cells: tuple[str, ...]
    n: int
    n_dropped: int

    @property
    def flags(self) -> tuple[str, ...]:
        """Return ``empty_cells`` or nothing."""
        return ("empty_cells",) if self.empty_cells else ()

    def tidy(self) -> pd.DataFrame:
        """Return a row a test."""
        return self.table.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row: the omnibus test."""
        row = self.table.loc[[OMNIBUS], ["chi2", "df", "p_value"]].reset_index(drop=True)
        return row.assign(n=self.n, n_dropped=self.n_dropped)


def brant_test(fit: OrdinalResult) -> BrantTest:
    """Test the assumption of proportional odds.

    Parameters
    ----------
    fit : OrdinalResult
        From ``ordinal_regress`` with ``link="logit"``, without weights or clusters, three or more
        categories.

    Returns
    -------
    BrantTest

    Raises
    ------
    ModelError
        For a probit, a weighted or clustered fit, or two categories.
    SeparationError
        When predictors separate the answers at a cut point; it names both.

    Warns
    -----
    SparseDataWarning
        When a predictor of few values never meets some category.

    Notes
    -----
    J - 1 logits of Y > j are fitted; with fitted probabilities p_m, the covariance of the slopes
    at cut points m <= l is (X'W_m X)^-1 X'W_ml X (X'W_l X)^-1, W_ml = p_l - p_m p_l. The Wald
    test of equal slopes has (J - 2) p degrees of freedom, (J - 2) for one slope [brant1990]_.
    A product's slope is a row of its own; a category's, one a level. In large samples trivial
    departures are significant: look at ``slopes`` beside the test.

    References
    ----------
    brant1990.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> y = [1, 2, 1, 3, 2, 3, 3, 2] * 7
    >>> data = pd.DataFrame({"y": y, "x": [1, 2, 3, 3, 1, 3, 2] * 8})
    >>> sl.brant_test(sl.ordinal_regress("y ~ x", data)).table["df"].tolist()
    [1, 1]
    """
    check_result("fit", fit, OrdinalResult, "ordinal_regress()")
    _check_fit(fit)
    design = fit.design
    values, k = coded(design)
    X, labels = slopes_of(design, len(values))
    slopes, P = _binary_fits(k, X, labels, values, fit.outcome)
    cov = _joint_cov(np.column_stack([np.ones(len(X)), X]), P)
    rows = [list(range(len(labels))), *([j] for j in range(len(labels)))]
    tests = [_equal_slopes(slopes, cov, kept) for kept in rows]
    table = pd.DataFrame(tests, columns=["chi2", "df"], index=[OMNIBUS, *labels])
    table["df"] = table["df"].astype(int)
    table["p_value"] = stats.chi2.sf(table["chi2"], table["df"])
    empty = _empty_cells(design, k)
    if empty:
        _warn_empty(empty)
    return BrantTest(
        outcome=fit.outcome,
        table=table,
        slopes=pd.DataFrame(slopes, labels, [f">{value:g}" for value in values[:-1]]),
        empty_cells=empty,
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _check_fit(fit: OrdinalResult) -> None:
    if fit.link != "logit":
        raise ModelError(
            "Brant's test is about proportional odds; fit ordinal_regress(..., link='logit')."
        )
    if fit.design.weights is not None or fit.design.cluster is not None:
        raise ModelError(
            "Brant's test has no form for weights or clusters; test a fit without them."
        )
    if len(fit.categories) < 3:
        raise ModelError("with two categories there is one cut point and nothing to test.")
    if fit.coefficients.empty:
        raise ModelError("the model has no predictor; there is nothing to test.")


def _binary_fits(
    k: Codes, X: Array, labels: list[str], values: Array, outcome: str
) -> tuple[Array, Array]:
    """Return (p, J - 1) slopes of the logits of Y > j and their (n, J - 1) probabilities."""
    slopes, probs = [], []
    for cut in range(len(values) - 1):
        above = (k > cut).astype(np.int64)
        fit = fit_checked(
            above, X, np.ones(len(X)), "logit", labels, outcome, cut=float(values[cut])
        )
        slopes.append(fit.b)
        probs.append(1 / (1 + np.exp(fit.theta[0] - X @ fit.b)))
    return np.column_stack(slopes), np.column_stack(probs)


def _joint_cov(X: Array, P: Array) -> Array:
    """Return the (J - 1, p, J - 1, p) covariance of the slopes; ``X`` has the constant first."""
    m, p = P.shape[1], X.shape[1] - 1
    bread = [np.linalg.inv((X * (P[:, [j]] * (1 - P[:, [j]]))).T @ X) for j in range(m)]
    cov = np.empty((m, p, m, p))
    for j in range(m):
        for other in range(j, m):
            w = P[:, other] * (1 - P[:, j])
            block = (bread[j] @ ((X * w[:, None]).T @ X) @ bread[other])[1:, 1:]
            cov[j, :, other, :] = block
            cov[other, :, j, :] = block.T
    return cov


def _equal_slopes(slopes: Array, cov: Array, rows: list[int]) -> tuple[float, int]:
    """Return the Wald chi-square and df of equal slopes at all cut points, for some slopes."""
    m, r = slopes.shape[1], len(rows)
    V = cov[:, rows][:, :, :, rows].reshape(m * r, m * r)
    D = np.hstack([np.tile(np.eye(r), (m - 1, 1)), -np.eye((m - 1) * r)])
    gap = D @ slopes[rows].T.ravel()
    return float(gap @ np.linalg.solve(D @ V @ D.T, gap)), (m - 1) * r


def _empty_cells(design: Design, k: Codes) -> tuple[str, ...]:
    """Return predictors of few values that some category of the outcome never meets."""
    found = []
    for alias, column in design.rows.items():
        name = design.aliased.names[str(alias)]
        if name == design.aliased.outcome or column.nunique() > MOST_VALUES:
            continue
        if (pd.crosstab(column.astype(str), k) == 0).to_numpy().any():
            found.append(name)
    return tuple(found)


def _warn_empty(empty: tuple[str, ...]) -> None:
    warnings.warn(
        SparseDataWarning(
            f"no row has some combination of the outcome with {', '.join(map(repr, empty))}; "
            "Brant's test leans on these empty cells. Merge categories to check it.",
            key="empty_cells",
            values={"names": ", ".join(empty)},
        ),
        stacklevel=3,
    )
