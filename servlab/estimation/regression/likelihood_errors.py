"""Standard errors of maximum likelihood: from the information, robust, or by clusters."""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.regression.covariance import hanging
from servlab.estimation.regression.design_checks import Design

Errors = Literal["classical", "robust", "HC3", "cluster"]


def resolve_cov_type(
    cov_type: str | None, weights: str | None, cluster: str | None, choices: tuple[str, ...]
) -> Errors:
    """Return the kind of errors asked for, or the one that weights and clusters need."""
    if cluster is not None:
        if cov_type not in (None, "cluster"):
            raise ModelError(
                f"a cluster column needs cov_type='cluster' (or none given); got {cov_type!r}."
            )
        return "cluster"
    if cov_type is None:
        return "robust" if weights is not None else "classical"
    check_choice("cov_type", cov_type, choices)
    if weights is not None and cov_type != "robust":
        raise ModelError(
            f"probability weights need robust errors; use cov_type='robust', not {cov_type!r}."
        )
    return cov_type  # type: ignore[return-value]  # check_choice has just said so


def parameter_cov(
    information: Array, scores: Array, w: Array, cluster: NDArray[np.int64] | None, kind: Errors
) -> tuple[Array, float]:
    """Return the (q, q) covariance of the estimates and the df of their t tests (infinite: z).

    ``scores`` (n, q) are without weights. Robust is A^-1 (sum of w^2 s s') A^-1 n / (n - 1), the
    linearization of a sample with unequal probabilities [binder1983]_; by clusters the scores are
    summed within each of G clusters first, with G / (G - 1) and t on G - 1.
    """
    inverse = np.linalg.solve(information, np.eye(len(information)))
    if kind == "classical":
        return (inverse + inverse.T) / 2, float("inf")
    weighted = scores * w[:, None]
    df = float("inf")
    if cluster is not None:
        sums = np.zeros((int(cluster.max()) + 1, weighted.shape[1]))
        np.add.at(sums, cluster, weighted)
        weighted, df = sums, float(len(sums) - 1)
    m = len(weighted)
    meat = weighted.T @ weighted * (m / (m - 1))
    return inverse @ meat @ inverse, df


def hanging_slopes(design: Design, kind: Errors) -> list[str]:
    """Return the coefficients whose robust error is an illusion: they hang on one row or cluster.

    The fit reproduces a category of one row or cluster exactly, so that its scores sum to zero and
    the robust formulas take its estimate for certain. Where it is the reference, all of the term
    and the intercept hang on it.
    """
    if kind == "classical":
        return []
    lost = hanging(design.X.to_numpy(), design.cluster)
    return [label for label, gone in zip(design.labels, lost, strict=True) if gone]


def hide(cov: Array, labels: list[str], lost: list[str]) -> Array:
    """Return a covariance with the rows and columns of some parameters missing."""
    at = [j for j, label in enumerate(labels) if label in lost]
    cov[at] = np.nan
    cov[:, at] = np.nan
    return cov


def wald_table(estimate: Array, cov: Array, df: float, labels: list[str], conf_level: float
) -> pd.DataFrame:  # fmt: skip
    """Return a row a parameter: estimate, error, z or t, p value and interval."""
    se = np.sqrt(np.diag(cov))
    t = estimate / se
    half = stats.t.ppf((1 + conf_level) / 2, df) * se
    return pd.DataFrame(
        {
            "estimate": estimate,
            "std_error": se,
            "statistic": t,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        },
        index=labels,
    )


def with_odds_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with odds ratios and their intervals: exponentials of the logits."""
    with np.errstate(over="ignore"):
        return table.assign(
            odds_ratio=np.exp(table["estimate"]),
            odds_low=np.exp(table["conf_low"]),
            odds_high=np.exp(table["conf_high"]),
        )


def wald_chi2(b: Array, cov: Array) -> float:
    """Return the Wald chi-square that all of ``b`` are zero; those without an error left out."""
    there = ~np.isnan(np.diag(cov))
    b, cov = b[there], cov[np.ix_(there, there)]
    return float(b @ np.linalg.solve(cov, b)) if len(b) else float("nan")


def pseudo_r2(loglik: float, loglik_null: float, n: float) -> tuple[float, float]:
    """Return McFadden's and Nagelkerke's pseudo R squared; ``n`` is the sum of the weights."""
    cox_snell = -np.expm1(2 / n * (loglik_null - loglik))
    return 1 - loglik / loglik_null, float(cox_snell / -np.expm1(2 / n * loglik_null))
