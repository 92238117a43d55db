"""How well do common factors reproduce the correlations? The indices psych::fa reports.

Functions take numbers and matrices; none refits anything. Conventions are psych's
[revelle2022]_, which differ from lavaan's in small multipliers.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from servlab.core.linalg import Array

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class FactorFit:
    """Fit of m common factors; NaN where it cannot be known.

    Attributes
    ----------
    chi2, df, p_value : float, int, float
        Likelihood ratio with Bartlett's correction.
    rmsea, rmsea_low, rmsea_high : float
        With its 90 % interval.
    tli, bic, sabic : float
        Tucker-Lewis index, ``chi2 - df log n``, and the same with ``(n + 2) / 24`` for n.
    chi2_empirical, p_empirical, ebic : float
        n times the sum of squared residual correlations, its p value and criterion.
    rms, crms : float
        Root mean square of residual correlations over the pairs, and over ``2 df`` instead.
    fit_off : float
        Share of the squared correlations that is reproduced.
    """

    chi2: float
    df: int
    p_value: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    tli: float
    bic: float
    sabic: float
    chi2_empirical: float
    p_empirical: float
    ebic: float
    rms: float
    crms: float
    fit_off: float


def degrees_of_freedom(k: int, m: int) -> int:
    """Return the degrees of freedom of m factors of k items."""
    return ((k - m) ** 2 - k - m) // 2


def most_factors(k: int) -> int:
    """Return the most factors that k items carry: those with at least 0 degrees of freedom.

    Examples
    --------
    >>> most_factors(4), most_factors(22)
    (1, 15)
    """
    return max(m for m in range(k) if degrees_of_freedom(k, m) >= 0)


def discrepancy(R: Array, model: Array) -> float:
    """Return the ML discrepancy of two (k, k) matrices with equal diagonals.

    NaN when either is not positive definite: there is no likelihood then.
    """
    if min(np.linalg.eigvalsh(R)[0], np.linalg.eigvalsh(model)[0]) <= 1e-12:
        return NAN
    log_ratio = np.linalg.slogdet(R)[1] - np.linalg.slogdet(model)[1]
    return max(float(np.trace(np.linalg.solve(model, R)) - log_ratio - len(R)), 0.0)


def factor_fit(R: Array, common: Array, m: int, n: float) -> FactorFit:
    """Return the fit to ``R`` of the (k, k) common part of m factors; n is NaN if unknown."""
    k = len(R)
    df = degrees_of_freedom(k, m)
    model = common.copy()
    np.fill_diagonal(model, 1.0)
    scale = n - 1 - (2 * k + 5) / 6 - 2 * m / 3
    chi2 = discrepancy(R, model) * scale
    null = discrepancy(R, np.eye(k)) * scale  # psych scales it as the model's
    rmsea, low, high = rmsea_interval(chi2, df, n)
    squares = float(((R - model) ** 2).sum())
    empirical = n * squares
    return FactorFit(
        chi2=chi2,
        df=df,
        p_value=_tail(chi2, df),
        rmsea=rmsea,
        rmsea_low=low,
        rmsea_high=high,
        tli=tucker_lewis(chi2, df, null, k * (k - 1) // 2),
        bic=float(chi2 - df * np.log(n)),
        sabic=float(chi2 - df * np.log((n + 2) / 24)),
        chi2_empirical=empirical,
        p_empirical=_tail(empirical, df),
        ebic=float(empirical - df * np.log(n)),
        rms=float(np.sqrt(squares / (k * (k - 1)))),
        crms=float(np.sqrt(squares / (2 * df))) if df else NAN,
        fit_off=1 - squares / float((R**2).sum() - k),
    )


def _tail(chi2: float, df: int) -> float:
    """Return the probability of a larger chi-square; NaN without degrees of freedom."""
    return float(special.chdtrc(df, chi2)) if df else NAN


def tucker_lewis(chi2: float, df: float, chi2_null: float, df_null: float) -> float:
    """Return the Tucker-Lewis index, not bounded (tucker1973); NaN without degrees of freedom."""
    if df == 0:
        return NAN
    null = chi2_null / df_null
    return (null - chi2 / df) / (null - 1)


def rmsea_interval(chi2: float, df: int, n: float) -> tuple[float, float, float]:
    """Return RMSEA with its 90 % interval from the noncentral chi-square (browne1992)."""
    if df == 0 or not np.isfinite(chi2):
        return NAN, NAN, NAN
    point = float(np.sqrt(max(chi2 / (df * n) - 1 / (n - 1), 0.0)))
    low, high = (np.sqrt(noncentrality(chi2, df, p) / ((n - 1) * df)) for p in (0.95, 0.05))
    return point, float(low), float(high)


def noncentrality(chi2: float, df: float, probability: float) -> float:
    """Return the noncentrality at which ``chi2`` is that quantile; 0 when there is none."""
    if float(special.gammainc(df / 2, chi2 / 2)) < probability:
        return 0.0
    return float(special.chndtrinc(chi2, df, probability))
