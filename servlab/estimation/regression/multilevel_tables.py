"""The tables of a multilevel model: coefficients, variances, effects of groups, their tests."""

import numpy as np
import pandas as pd
from scipy import stats

from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.multilevel_rows import Rows
from servlab.estimation.regression.random_intercepts import fit_random_intercepts, summarize
from servlab.estimation.regression.random_slopes import (
    RandomSlopes,
    fit_random_slopes,
    linear_loglik,
)
from servlab.estimation.regression.variance_intervals import (
    NONE,
    Limits,
    icc_limits,
    normal_limits,
    profile_limits,
)

RESIDUAL = "Residual"


def fixed_effects(fit: RandomSlopes, labels: list[str], conf_level: float) -> pd.DataFrame:
    """Return the fixed effects with t tests on Satterthwaite's degrees of freedom."""
    df = np.array([fit.satterthwaite(row) for row in np.eye(len(labels))])
    errors = np.sqrt(np.diag(fit.cov_beta))
    t = fit.beta / errors
    half = stats.t.ppf((1 + conf_level) / 2, df) * errors
    return pd.DataFrame(
        {
            "estimate": fit.beta,
            "std_error": errors,
            "statistic": t,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(t), df),
            "conf_low": fit.beta - half,
            "conf_high": fit.beta + half,
        },
        index=labels,
    )


def varying_between(rows: Rows) -> list[str]:
    """Return what each column differs between."""
    first = rows.X[np.unique(rows.codes, return_index=True)[1]]
    off = np.abs(rows.X - first[rows.codes]).max(axis=0)
    largest = np.abs(rows.X).max(axis=0)
    return [
        "groups" if gap <= 1e-12 * size else "respondents"
        for gap, size in zip(off, largest, strict=True)
    ]


def variance_tables(
    fit: RandomSlopes, rows: Rows, conf_level: float
) -> tuple[pd.DataFrame, pd.DataFrame, Limits]:
    """Return variances and correlations with limits, and the limits of the ICC."""
    terms = rows.terms
    q = len(terms)
    lower = upper = np.full((q, q), np.nan)
    limits = np.full((q + 1, 2), np.nan)
    icc = NONE
    if q == 1:
        found = profile_limits(summarize(rows.y, rows.X, rows.codes, rows.reml), conf_level)
        limits, icc = np.array([found["between"], found["within"]]), found["icc"]
    elif not fit.singular:
        limits, lower, upper = normal_limits(fit, conf_level)
        icc = icc_limits(fit, rows.Z.T @ rows.Z / len(rows.Z), conf_level)
    values = np.append(np.diag(fit.random_cov), fit.within)
    variances = pd.DataFrame(
        {"estimate": values, "std_dev": np.sqrt(values), "conf_low": limits[:, 0],
         "conf_high": limits[:, 1]},
        index=[*terms, RESIDUAL],
    )  # fmt: skip
    sd = variances["std_dev"].to_numpy()
    pairs = [
        {
            "lhs": terms[j],
            "rhs": terms[i],
            "estimate": fit.random_cov[i, j] / (sd[i] * sd[j]) if sd[i] * sd[j] > 0 else np.nan,
            "conf_low": lower[i, j],
            "conf_high": upper[i, j],
        }
        for i in range(q)
        for j in range(i)
    ]
    columns = ["lhs", "rhs", "estimate", "conf_low", "conf_high"]
    return variances, pd.DataFrame(pairs, columns=columns), icc


def group_effects(fit: RandomSlopes, rows: Rows) -> pd.DataFrame:
    """Return the predicted effects, a row a group and term."""
    sd = np.sqrt(np.maximum(np.einsum("gqq->gq", fit.effects_cov), 0))
    parts = [
        pd.DataFrame(
            {
                "group": rows.names,
                "term": term,
                "estimate": fit.effects[:, j],
                "std_error": sd[:, j],
                "n": rows.sizes,
            }
        )
        for j, term in enumerate(rows.terms)
    ]
    return pd.concat(parts, ignore_index=True)


def random_tests_of(fit: RandomSlopes, rows: Rows) -> pd.DataFrame:
    """Return the likelihood-ratio test of the intercepts, and of each slope beside the rest."""
    intercepts = fit_random_intercepts(rows.y, rows.X, rows.codes, reml=rows.reml)
    tests = [(INTERCEPT, 2 * (intercepts.loglik - linear_loglik(rows.products())), 1)]
    for j, term in enumerate(rows.terms[1:], start=1):
        without = fit_random_slopes(rows.products(j))
        tests.append((term, 2 * (fit.loglik - without.loglik), len(rows.terms)))
    table = pd.DataFrame(tests, columns=["term", "statistic", "df"])
    table["statistic"] = table["statistic"].clip(lower=0.0)
    tails = [
        0.5 * stats.chi2.sf(x, df) + 0.5 * (stats.chi2.sf(x, df - 1) if df > 1 else float(x <= 0))
        for x, df in zip(table["statistic"], table["df"], strict=True)
    ]
    return table.assign(p_value=tails)


def shares_explained(fit: RandomSlopes, rows: Rows) -> tuple[float, float, float]:
    """Return ICC, marginal and conditional R squared."""
    random = float(np.sum(fit.random_cov * (rows.Z.T @ rows.Z / len(rows.Z))))
    fixed = float(np.var(rows.X @ fit.beta, ddof=1))
    whole = fixed + random + fit.within
    return random / (random + fit.within), fixed / whole, (fixed + random) / whole
