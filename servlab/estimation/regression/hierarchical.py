"""What do further predictors add? Hierarchical regression (分层回归) in nested steps.

Controls first, then the dimensions, then their products: each step is fitted to the same rows,
those complete in the largest model, so that the change of R2 is the predictors' and not the
respondents'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import ModelError
from servlab.estimation.regression.covariance import CovType
from servlab.estimation.regression.design_checks import (
    Design,
    build_design,
    check_clusters,
    check_design,
)
from servlab.estimation.regression.formulas import alias_columns, formula
from servlab.estimation.regression.linear import (
    RegressionResult,
    errors_kind,
    fit_design,
    wald,
    warn_of_flags,
)

NESTED = 1e-8  # share of a column's length that a larger model may leave unexplained


@brief
@dataclass(frozen=True, slots=True, eq=False)
class HierarchicalRegression:
    """Nested regressions of one outcome.

    Attributes
    ----------
    outcome : str
        Column left of the tildes.
    steps : DataFrame
        A row a step: ``step``, ``added`` (terms new in it), ``r_squared``, ``adj_r_squared``,
        ``r_squared_change``, ``f_statistic`` (Wald test of the new coefficients under
        ``cov_type``), ``df``, ``df_residual``, ``p_value``, ``f_classical``, ``p_classical`` (the
        textbook's F of the change; NaN under weights or clusters, where it does not hold), ``n``,
        ``n_dropped``. The first step has no change to test.
    fits : tuple of RegressionResult
        The regression of each step.
    n, n_dropped : int
        Rows complete in the largest model, and the others.
    """

    outcome: str
    steps: pd.DataFrame
    fits: tuple[RegressionResult, ...]
    n: int
    n_dropped: int

    @property
    def cov_type(self) -> str:
        """Return the kind of errors of all steps."""
        return self.fits[-1].cov_type

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the flags of any step."""
        return tuple(dict.fromkeys(flag for fit in self.fits for flag in fit.flags))

    def tidy(self) -> pd.DataFrame:
        """Return a row a step."""
        return self.steps.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: the last step."""
        columns = ["r_squared", "adj_r_squared", "r_squared_change", "p_value", "n", "n_dropped"]
        return self.steps[columns].tail(1).reset_index(drop=True)


def nested_formulas(outcome: str, blocks: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Write the formulas of nested steps, each with one block of columns more.

    Parameters
    ----------
    outcome : str
        Column on the left.
    blocks : sequence of sequences of str
        Columns that each step adds; an empty block makes no step.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> import servlab as sl
    >>> sl.nested_formulas("overall", [["age"], ["staff", "wait (min)"]])
    ('overall ~ age', 'overall ~ age + staff + `wait (min)`')
    """
    found: list[str] = []
    columns: list[str] = []
    for block in blocks:
        columns += [name for name in block if name not in columns]
        if block:
            found.append(formula(outcome, columns))
    return tuple(found)


def hierarchical_regress(
    formulas: Sequence[str],
    data: pd.DataFrame,
    *,
    cov_type: CovType | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> HierarchicalRegression:
    """Fit nested linear regressions step by step, with the change of R2 and its test.

    Parameters
    ----------
    formulas : sequence of str
        At least two formulas of one outcome, each with all terms of the one before it.
        ``nested_formulas(outcome, blocks)`` writes them.
    data : DataFrame
        A row a respondent.
    cov_type, weights, cluster, conf_level
        As in ``regress``.

    Returns
    -------
    HierarchicalRegression

    Raises
    ------
    ModelError
        When there are fewer than two steps, the outcomes differ, a step is not nested in the
        next or adds nothing to it, or a step is one that ``regress`` refuses.

    Notes
    -----
    Every step uses the rows complete in all columns of the largest model. The classical F of the
    change is that of R's ``anova``, (dR2 / df) / ((1 - R2) / (n - p)); the Wald F under the kind
    of errors is that of ``lmtest::waldtest(..., vcov = vcovHC)``, on n - p degrees of freedom, or
    G - 1 with clusters.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1.0, 2, 2, 4, 5, 4], "a": [1.0, 2, 3, 4, 6, 5],
    ...                      "b": [0.0, 1, 0, 1, 1, 0]})
    >>> steps = sl.hierarchical_regress(["y ~ b", "y ~ b + a"], data).steps
    >>> steps["added"].tolist()
    ['b', 'a']
    """
    check_conf_level(conf_level)
    kind = errors_kind(cov_type, weights, cluster)
    designs = _designs(formulas, data, weights, cluster)
    check_clusters(designs[-1], cluster)
    for small, large in pairwise(designs):
        _check_nested(small, large)
    fits = [
        fit_design(d, kind, conf_level, formula=f) for d, f in zip(designs, formulas, strict=True)
    ]
    warn_of_flags(fits[-1], cluster, stacklevel=3)
    rows = [_step(place, fits) for place in range(len(fits))]
    return HierarchicalRegression(
        outcome=fits[0].outcome,
        steps=pd.DataFrame(rows),
        fits=tuple(fits),
        n=fits[-1].n,
        n_dropped=fits[-1].n_dropped,
    )


def _designs(
    formulas: Sequence[str], data: pd.DataFrame, weights: str | None, cluster: str | None
) -> list[Design]:
    """Return the design of each formula on the rows that are complete in all of them."""
    if isinstance(formulas, str) or len(formulas) < 2:
        raise ModelError(
            "hierarchical_regress needs a list of at least two formulas, the smaller first; got "
            f"{formulas!r}."
        )
    aliased = [alias_columns(text, data) for text in formulas]
    outcomes = list(dict.fromkeys(a.outcome for a in aliased))
    if len(outcomes) > 1:
        raise ModelError(f"all steps explain one outcome; got {outcomes}.")
    complete = pd.concat([a.data.notna().all(axis=1) for a in aliased], axis=1).all(axis=1)
    if not complete.any():
        raise ModelError("no row is complete in all columns of all steps; use fewer columns.")
    found = []
    for text in formulas:
        design = build_design(text, data[complete], weights=weights, cluster=cluster)
        design = replace(design, n_dropped=len(data) - len(design.y))
        check_design(design.y, design.X.to_numpy(), design.labels, design.aliased.outcome)
        found.append(design)
    return found


def _check_nested(small: Design, large: Design) -> None:
    """Raise ``ModelError`` unless a model's columns are combinations of the next one's."""
    A, B = small.X.to_numpy(), large.X.to_numpy()
    A = A / np.linalg.norm(A, axis=0)
    Q, _ = np.linalg.qr(B)
    left = np.linalg.norm(A - Q @ (Q.T @ A), axis=0)
    alien = [label for label, size in zip(small.labels, left, strict=True) if size > NESTED]
    if alien:
        raise ModelError(
            f"the steps are not nested: {alien} of one step is not in the next; each step keeps "
            "all terms of the one before it."
        )
    if B.shape[1] <= A.shape[1]:
        raise ModelError(
            f"a step adds nothing to the one before it (both have {list(large.terms[1:])}); leave "
            "one of them out."
        )


def _step(place: int, fits: Sequence[RegressionResult]) -> dict[str, object]:
    """Return the row of one step."""
    fit = fits[place]
    before = fits[place - 1] if place else None
    known = set() if before is None else set(before.design.terms)
    new = list(dict.fromkeys(term for term in fit.design.terms[1:] if term not in known))
    row: dict[str, object] = {
        "step": place + 1,
        "added": ", ".join(new),
        "r_squared": fit.r_squared,
        "adj_r_squared": fit.adj_r_squared,
    }
    return row | _change(fit, before) | {"n": fit.n, "n_dropped": fit.n_dropped}


def _change(fit: RegressionResult, before: RegressionResult | None) -> dict[str, float]:
    """Return the change of R2 against the step before, with its tests."""
    nan = float("nan")
    names = ("r_squared_change", "f_statistic", "df", "df_residual", "p_value", "f_classical",
             "p_classical")  # fmt: skip
    if before is None:
        return dict.fromkeys(names, nan)
    change = fit.r_squared - before.r_squared
    df = len(fit.coefficients) - len(before.coefficients)
    f, p_value = _robust_change(fit, before, df)
    classical, p_classical = nan, nan
    if fit.design.weights is None and fit.n_clusters is None:
        room = fit.n - len(fit.coefficients)
        classical = (change / df) / ((1 - fit.r_squared) / room)
        p_classical = float(stats.f.sf(classical, df, room))
    values = (change, f, df, fit.f_df_residual, p_value, classical, p_classical)
    return dict(zip(names, values, strict=True))


def _robust_change(fit: RegressionResult, before: RegressionResult, df: int) -> tuple[float, float]:
    """Return Wald's F that the larger model is the smaller one, and its p value.

    Coefficients are turned so that the smaller model's columns come first; what is left of the
    larger model's is tested. Where columns are merely added, these are the new coefficients.
    """
    if fit.undetermined:
        return float("nan"), float("nan")
    A, B = before.design.X.to_numpy(), fit.design.X.to_numpy()
    inside = np.linalg.lstsq(B, A, rcond=None)[0]  # A = B @ inside
    U, _, _ = np.linalg.svd(inside, full_matrices=True)
    rest = U[:, A.shape[1] :]  # directions of coefficients that A cannot make
    b = rest.T @ fit.coefficients["estimate"].to_numpy()
    V = rest.T @ fit.covariance.to_numpy() @ rest
    f, _, p_value = wald(b, V, list(range(df)), fit.f_df_residual)
    return f, p_value
