"""How far are implied moments from the sample's? SRMR and its kin, GFI and its kin.

Functions take moments; none refits anything. Over groups each index is the mean weighted by
group size, as in lavaan.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from servlab.core.brief import brief
from servlab.core.linalg import Array
from servlab.estimation.latent.fit_indices import FitTest

NAN = float("nan")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GroupMoments:
    """Sample and implied moments of one group.

    Attributes
    ----------
    n : float
        Rows.
    cov, mean : (p, p), (p,) arrays
        Of the sample; under FIML the saturated model's.
    implied_cov, implied_mean : (p, p), (p,) arrays
        Of the model.
    """

    n: float
    cov: Array
    mean: Array
    implied_cov: Array
    implied_mean: Array


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of squares: of covariances below and on the diagonal, and of means."""

    below: float
    diagonal: float
    means: float


def rmr_family(groups: Sequence[GroupMoments], *, means: bool) -> dict[str, float]:
    """Return RMR, SRMR and CRMR in every form, with means and without.

    Parameters
    ----------
    groups : sequence of GroupMoments
        One a group.
    means : bool
        Whether means are modelled; without, both forms are the same.

    Returns
    -------
    dict
        ``srmr`` is Bentler's form (``srmr_bentler``, residuals over sample standard
        deviations, bentler2006); ``srmr_mplus`` that of Mplus; ``crmr`` averages residual
        correlations off the diagonal (maydeu2017); ``rmr`` raw residuals. ``_nomean`` leaves
        means out.
    """
    p = len(groups[0].mean)
    pairs = p * (p - 1) // 2
    sums = {
        "rmr": [_raw(g) for g in groups],
        "srmr_bentler": [_bentler(g) for g in groups],
        "crmr": [_correlations(g) for g in groups],
        "srmr_mplus": [_mplus(g) for g in groups],
    }
    weights = np.array([g.n for g in groups], dtype=float)
    weights /= weights.sum()
    found: dict[str, float] = {}
    for name, parts in sums.items():
        terms = pairs if name == "crmr" else pairs + p
        bare = [_root(s.below + s.diagonal, terms) for s in parts]
        full = [_root(s.below + s.diagonal + s.means, terms + p) for s in parts]
        found[name] = float(weights @ (full if means else bare))
        found[f"{name}_nomean"] = float(weights @ bare)
    return {"srmr": found["srmr_bentler"], **found}


def _root(total: float, count: int) -> float:
    """Return the root of a mean; 0 without terms."""
    return math.sqrt(total / count) if count else 0.0


def _sums(residual: Array, means: Array, diagonal: Array) -> _Sums:
    """Return the sums of squares of residuals below and on the diagonal, and of means."""
    below = float((np.tril(residual, -1) ** 2).sum())
    return _Sums(below, float((diagonal**2).sum()), float((means**2).sum()))


def _raw(g: GroupMoments) -> _Sums:
    """Return sums of raw residuals."""
    residual = g.cov - g.implied_cov
    return _sums(residual, g.mean - g.implied_mean, np.diag(residual))


def _bentler(g: GroupMoments) -> _Sums:
    """Return sums of residuals in units of the sample's standard deviations."""
    sd = np.sqrt(np.diag(g.cov))
    residual = (g.cov - g.implied_cov) / np.outer(sd, sd)
    return _sums(residual, (g.mean - g.implied_mean) / sd, np.diag(residual))


def _correlations(g: GroupMoments) -> _Sums:
    """Return sums of residual correlations; the diagonal has none."""
    sd, fitted = np.sqrt(np.diag(g.cov)), np.sqrt(np.diag(g.implied_cov))
    residual = g.cov / np.outer(sd, sd) - g.implied_cov / np.outer(fitted, fitted)
    return _sums(residual, (g.mean - g.implied_mean) / sd, np.zeros(len(sd)))


def _mplus(g: GroupMoments) -> _Sums:
    """Return sums of residual correlations with relative residual variances."""
    variance, fitted = np.diag(g.cov), np.diag(g.implied_cov)
    relative = (variance - fitted) / variance
    means = g.mean / np.sqrt(variance) - g.implied_mean / np.sqrt(fitted)
    return _Sums(_correlations(g).below, float((relative**2).sum()), float((means**2).sum()))


def gfi_parts(g: GroupMoments, V: Array, *, means: bool) -> tuple[float, float]:
    """Return misfit and size of one group's moments in the metric of ``V``.

    ``V`` (p, p) is the implied covariance matrix under ML, the sample's under GLS:
    ``tr((V^-1 (S - Sigma))^2) / 2`` and ``tr((V^-1 S)^2) / 2``, with the means' squared
    distances where they are modelled.
    """
    residual = np.linalg.solve(V, g.cov - g.implied_cov)
    whole = np.linalg.solve(V, g.cov)
    misfit, size = 0.5 * float((residual * residual.T).sum()), 0.5 * float((whole * whole.T).sum())
    if means:
        gap = g.mean - g.implied_mean
        misfit += float(gap @ np.linalg.solve(V, gap))
        size += float(g.mean @ np.linalg.solve(V, g.mean))
    return misfit, size


def incomplete_gfi_parts(
    g: GroupMoments, patterns: Sequence[tuple[float, Array]]
) -> tuple[float, float]:
    """Return misfit and size of one group under FIML: each pattern's, weighted by its rows.

    ``patterns`` holds (rows, positions of the observed variables) of each missing pattern. The
    sum is the quadratic form in the expected information of the saturated moments, at the
    implied ones. lavaan's GFI under FIML takes the sample's means of available answers and
    pairwise covariances (times ``(n - 1) / n`` for all n rows), not the saturated moments that
    SRMR takes; give them in ``g`` to have its number.
    """
    misfit = size = 0.0
    for rows, seen in patterns:
        at = np.ix_(seen, seen)
        part = GroupMoments(rows, g.cov[at], g.mean[seen], g.implied_cov[at], g.implied_mean[seen])
        parts = gfi_parts(part, part.implied_cov, means=True)
        misfit += rows / g.n * parts[0]
        size += rows / g.n * parts[1]
    return misfit, size


def weighted_gfi_parts(residual: Array, statistics: Array, W: Array) -> tuple[float, float]:
    """Return misfit ``e' W e`` and size ``s' W s`` of one group's statistics."""
    return float(residual @ W @ residual), float(statistics @ W @ statistics)


def gfi_family(
    parts: Sequence[tuple[float, float]], n: Sequence[float], *, df: int, n_statistics: int
) -> dict[str, float]:
    """Return GFI, AGFI and PGFI.

    Parameters
    ----------
    parts : sequence of (float, float)
        Misfit and size of each group, from ``gfi_parts`` or ``weighted_gfi_parts``.
    n : sequence of float
        Rows of each group.
    df, n_statistics : int
        Degrees of freedom of the model and number of sample moments it is fitted to, over all
        groups.

    Returns
    -------
    dict
        ``gfi = 1 - misfit / size`` (tanaka1985), over groups its mean weighted by
        their rows;
        ``agfi = 1 - (s / df) (1 - gfi)``, ``pgfi = (df / s) gfi`` (mulaik1989).
    """
    by_group = [1 - misfit / size for misfit, size in parts]
    gfi = sum(rows * value for rows, value in zip(n, by_group, strict=True)) / sum(n)
    return {
        "gfi": gfi,
        "agfi": 1 - n_statistics / df * (1 - gfi) if df else 1.0,
        "pgfi": df / n_statistics * gfi,
    }


@brief
@dataclass(frozen=True, slots=True, eq=False)
class IncompleteGroup:
    """What the complete-data test of one group needs under FIML.

    Attributes
    ----------
    moments : GroupMoments
        Saturated (EM) and implied moments.
    delta : (s, r) array
        Derivatives of the implied means and lower-triangle covariances, means first, in the
        free directions.
    weight : (s, s) array
        Normal-theory weight of complete data at the saturated moments.
    information : (s, s) array
        Observed information of one row about the saturated moments, at these.
    acov : (s, s) array
        Rows times the sampling covariance of the saturated moments: the inverse of
        ``information``, or the sandwich under MLR.
    """

    moments: GroupMoments
    delta: Array
    weight: Array
    information: Array
    acov: Array


def complete_data_test(groups: Sequence[IncompleteGroup], df: int) -> FitTest:
    """Return the test that robust fit indices rest on under FIML (zhang2022).

    The saturated moments are compared with the implied ones as if no answer were missing:
    ``chi2 = sum n F_ML(saturated, implied)``; its scaling factor ``c = tr(W H G H') / df`` with
    ``H = I - D (D' J D)^-1 D' J`` for the derivatives ``D``, complete-data weight ``W``,
    information ``J`` and sampling covariance ``G`` of the saturated moments.
    """
    total = sum(g.moments.n for g in groups)
    shares = [g.moments.n / total for g in groups]
    chi2 = sum(g.moments.n * ml_discrepancy(g.moments) for g in groups)
    info = sum(w * g.delta.T @ g.information @ g.delta for w, g in zip(shares, groups, strict=True))
    trace = 0.0
    for w, g in zip(shares, groups, strict=True):
        projected = g.delta.T @ g.information
        inner = g.delta.T @ g.weight @ g.delta
        # tr(W H G H') block by block: the parts that cross groups meet in the shared parameters
        step = np.linalg.solve(info, projected)
        trace += float((g.weight * g.acov).sum())
        trace -= 2 * w * float((g.weight @ g.delta * (g.acov @ step.T)).sum())
        for other_w, other in zip(shares, groups, strict=True):
            back = np.linalg.solve(info, other.delta.T @ other.information)
            trace += w * other_w * float((inner * (back @ other.acov @ back.T)).sum())
    return FitTest(chi2, df, trace / df if df else NAN)


def ml_discrepancy(g: GroupMoments) -> float:
    """Return the normal-theory discrepancy of sample and implied moments (joreskog1967)."""
    ratio = np.linalg.slogdet(g.implied_cov)[1] - np.linalg.slogdet(g.cov)[1]
    gap = g.mean - g.implied_mean
    trace = np.trace(np.linalg.solve(g.implied_cov, g.cov)) - len(gap)
    return max(float(ratio + trace + gap @ np.linalg.solve(g.implied_cov, gap)), 0.0)
