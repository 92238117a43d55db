"""Do groups differ on all dimensions at once? The four multivariate tests, and Box's M.

With H between groups, E within them and e the eigenvalues of inv(E) H, each statistic has the F
approximation of R's ``summary.manova`` [rao1951]_; for two groups all four are the same exact F.
Roy's F is an upper bound, so that its p is a lower one.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, stats

Array = NDArray[np.float64]
STATISTICS = ("pillai", "wilks", "hotelling_lawley", "roy")
COLUMNS = ("test", "estimate", "statistic", "df", "df_residual", "p_value", "n")


def manova(groups: list[Array]) -> pd.DataFrame:
    """Return a row a statistic for (n_g, p) scores of each group; no row where E is singular."""
    everything = np.vstack(groups)
    n, p = everything.shape
    q, residual = len(groups) - 1, n - len(groups)
    means = [g.mean(axis=0) for g in groups]
    E = sum((g - m).T @ (g - m) for g, m in zip(groups, means, strict=True))
    deviations = np.array(means) - everything.mean(axis=0)
    H = (deviations.T * [len(g) for g in groups]) @ deviations
    if residual < p or np.linalg.matrix_rank(E, hermitian=True) < p:
        return pd.DataFrame(columns=list(COLUMNS))
    roots = np.clip(linalg.eigh(H, E, eigvals_only=True)[::-1], 0, None)
    rows = []
    for name, form in zip(STATISTICS, (_pillai, _wilks, _hotelling_lawley, _roy), strict=True):
        value, f, df1, df2 = form(roots, p, q, residual)
        p_value = float(stats.f.sf(f, df1, df2)) if df2 > 0 else float("nan")
        rows.append((name, value, f, df1, df2, p_value, n))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _pillai(e: Array, p: int, q: int, v: int) -> tuple[float, float, float, float]:
    s = min(p, q)
    value = float((e / (1 + e)).sum())
    m, k = abs(p - q) + s, v - p + s
    return value, k / m * value / (s - value), s * m, s * k


def _wilks(e: Array, p: int, q: int, v: int) -> tuple[float, float, float, float]:
    value = float(np.prod(1 / (1 + e)))
    squares = p * p + q * q - 5
    t = np.sqrt((p * p * q * q - 4) / squares) if squares > 0 else 1.0
    df2 = (v - (p - q + 1) / 2) * t - (p * q - 2) / 2
    return value, float((value ** (-1 / t) - 1) * df2 / (p * q)), p * q, float(df2)


def _hotelling_lawley(e: Array, p: int, q: int, v: int) -> tuple[float, float, float, float]:
    s = min(p, q)
    value = float(e.sum())
    m = abs(p - q) + s
    df2 = s * (v - p - 1) + 2
    return value, df2 * value / (s * s * m), s * m, df2


def _roy(e: Array, p: int, q: int, v: int) -> tuple[float, float, float, float]:
    value, larger = float(e.max()), max(p, q)
    df2 = v - larger + q
    return value, df2 * value / larger, larger, df2


def box_m(groups: list[Array]) -> tuple[float, float, float]:
    """Return Box's M as chi-square, its degrees of freedom and p; NaN where it cannot be had.

    Equality of covariance matrices by Box's first approximation [box1949]_. It answers to
    non-normal scores as much as to unlike covariances.
    """
    k, p = len(groups), groups[0].shape[1]
    free = np.array([len(g) - 1 for g in groups], dtype=float)
    nan = float("nan")
    if free.min() < p:
        return nan, nan, nan
    matrices = [np.cov(g, rowvar=False).reshape(p, p) for g in groups]
    pooled = sum(f * S for f, S in zip(free, matrices, strict=True)) / free.sum()
    logs = [np.linalg.slogdet(S) for S in (pooled, *matrices)]
    if any(sign <= 0 or not np.isfinite(value) for sign, value in logs):
        return nan, nan, nan
    M = free.sum() * logs[0][1] - sum(f * log for f, (_, log) in zip(free, logs[1:], strict=True))
    share = (2 * p * p + 3 * p - 1) / (6 * (p + 1) * (k - 1))
    correction = share * ((1 / free).sum() - 1 / free.sum())
    df = p * (p + 1) * (k - 1) / 2
    chi2 = float((1 - correction) * M)
    return chi2, df, float(stats.chi2.sf(chi2, df))
