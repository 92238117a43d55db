"""The distribution of the studentized range, for many statistics at once.

P(Q <= q) averages, over u = sqrt(chi2 / df), the probability that k standard normal values
range over at most w = q u: k times the integral of phi(z) (Phi(z) - Phi(z - w))^(k - 1).
Both integrals are Gauss-Legendre sums, which are exact to about ten digits here.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Array = NDArray[np.float64]
_OUTER, _FINE = np.polynomial.legendre.leggauss(64), np.polynomial.legendre.leggauss(240)
_INNER, _INNER_WEIGHTS = np.polynomial.legendre.leggauss(128)
_Z = 8.5 * _INNER
_PHI = 8.5 * _INNER_WEIGHTS * np.exp(-_Z * _Z / 2) / np.sqrt(2 * np.pi)
_FEW = 8.0  # degrees of freedom under which the finer outer sum is needed
_AT_ONCE = 64  # statistics that share one array of 64 x 128 points each


def studentized_range_sf(q: Array, k: int, df: Array) -> Array:
    """Return P(Q > q) for (m,) statistics of k means with (m,) degrees of freedom."""
    tail = np.zeros(len(q))
    for chosen, nodes in ((df < _FEW, _FINE), (df >= _FEW, _OUTER)):
        places = np.flatnonzero(chosen)
        for start in range(0, len(places), _AT_ONCE):
            at = places[start : start + _AT_ONCE]
            tail[at] = _sf(q[at], k, df[at], nodes)
    return tail


def _sf(q: Array, k: int, df: Array, nodes: tuple[Array, Array]) -> Array:
    """Return the upper tail of at most ``_AT_ONCE`` statistics."""
    u, weight = _scales(df, *nodes)
    w = q[:, None] * u
    inside = special.ndtr(_Z) - special.ndtr(_Z - w[..., None])
    beyond = 1 - k * (inside ** (k - 1)) @ _PHI
    return np.asarray(np.clip((weight * beyond).sum(axis=1), 0, 1))


def _scales(df: Array, points: Array, shares: Array) -> tuple[Array, Array]:
    """Return (m, nodes) values of sqrt(chi2 / df) and their probabilities."""
    top = np.minimum(df, 1e12)[:, None]
    low = np.log(special.chdtri(top, 1 - 1e-13) / top) / 2
    high = np.log(special.chdtri(top, 1e-15) / top) / 2
    v = (low + high) / 2 + (high - low) / 2 * points  # u = exp(v): smooth for few degrees too
    log = top * v - top * np.expm1(2 * v) / 2
    weight = (high - low) / 2 * shares * np.exp(log)
    return np.exp(v), weight / weight.sum(axis=1, keepdims=True)


def studentized_range_isf(p: float, k: int, df: Array) -> Array:
    """Return the q with P(Q > q) = p for (m,) degrees of freedom, by secant steps in log q."""
    start = np.sqrt(2) * stats.t.isf(p / (k * (k - 1)), df)
    one, two = np.log(start), np.log(start) - 0.05
    target = np.log(p)
    miss = np.log(studentized_range_sf(np.exp(one), k, df)) - target
    for _ in range(30):
        new = np.log(studentized_range_sf(np.exp(two), k, df)) - target
        slope = np.where(new == miss, 1.0, new - miss)
        step = np.where(np.abs(new) < 1e-12, 0.0, -new * (two - one) / slope)
        one, miss = two, new
        two = two + np.clip(step, -0.5, 0.5)
        if np.abs(step).max(initial=0.0) < 1e-11:
            break
    return np.asarray(np.exp(two))
