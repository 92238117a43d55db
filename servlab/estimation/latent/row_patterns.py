"""Incomplete rows by pattern of missing answers, and the inverses that their likelihood needs.

With ``W`` the inverse of the full covariance matrix and ``m`` the missing items of a pattern, the
inverse over its seen items, padded with zeros, is ``W - W[:, m] (W[m, m])^-1 W[m, :]`` and
``log|Sigma_seen| = log|Sigma| + log|W[m, m]|``: few missing answers cost little, and all patterns
with equally many are done in one call. Patterns with more rows than items are replaced by their
mean and a root of their scatter.
"""

from dataclasses import dataclass

import numpy as np

from servlab.core.brief import brief
from servlab.core.linalg import Array
from servlab.estimation.latent.ram import Ints

CHUNK = 1024  # patterns whose matrices are held at a time


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """Incomplete rows of one group, by pattern of missing answers.

    Attributes
    ----------
    n : float
        Rows (the sum of their weights).
    seen : (P, p) array of bool
        Patterns, those with equally many missing answers beside each other.
    counts : (P,) array
        Rows of each pattern.
    batches : tuple of (first, last, (last - first, k) array)
        Patterns with k missing answers, and which.
    rows : (R, p) array
        Rows or what replaces them, 0 where missing, sorted by pattern.
    shift : (R,) array
        How many means each of ``rows`` holds: ``rows - shift mu`` are deviations.
    owner : (R,) array of int
        Pattern of each of ``rows``.
    order : (n,) array of int
        The data's rows in the order of patterns.
    case_owner : (n,) array of int
        Pattern of each of these.
    """

    n: float
    seen: np.ndarray
    counts: Array
    batches: tuple[tuple[int, int, Ints], ...]
    rows: Array
    shift: Array
    owner: Ints
    order: Ints
    case_owner: Ints


def find_patterns(X: Array, weights: Array | None = None) -> Patterns:
    """Return the patterns of (n, p) rows, none of which is missing altogether."""
    seen = ~np.isnan(X)
    code = np.packbits(seen, axis=1)
    text = np.ascontiguousarray(code).view([("", code.dtype)] * code.shape[1]).ravel()
    _, first, inverse = np.unique(text, return_index=True, return_inverse=True)
    patterns = seen[first]
    missing = (~patterns).sum(axis=1)
    ranked = np.argsort(missing, kind="stable")
    place = np.empty_like(ranked)
    place[ranked] = np.arange(len(ranked))
    owner = place[inverse.ravel()]
    patterns, missing = patterns[ranked], missing[ranked]
    order = np.argsort(owner, kind="stable")
    w = np.ones(len(X)) if weights is None else weights
    counts = np.bincount(owner, weights=w, minlength=len(patterns)).astype(float)
    batches = []
    for k in np.unique(missing):
        at = np.flatnonzero(missing == k)
        holes = np.nonzero(~patterns[at])[1].reshape(len(at), k)
        batches.append((int(at[0]), int(at[-1]) + 1, holes))
    rows, shift, row_owner = _compressed(X[order], w[order], owner[order], patterns)
    return Patterns(
        float(w.sum()), patterns, counts, tuple(batches), rows, shift, row_owner, order,
        owner[order],
    )  # fmt: skip


def _compressed(X: Array, w: Array, owner: Ints, patterns: np.ndarray) -> tuple[Array, Array, Ints]:
    """Return rows with the same sums of squares and means as all rows, their shifts and owners."""
    p = X.shape[1]
    starts = np.searchsorted(owner, np.arange(len(patterns) + 1))
    many = np.flatnonzero(np.diff(starts) > p + 1)
    lone = np.ones(len(X), dtype=bool)
    rows, shift, owners = [], [], []
    for pattern in many:
        part = slice(starts[pattern], starts[pattern + 1])
        lone[part] = False
        seen = patterns[pattern]
        Z, weight = X[part][:, seen], w[part]
        total = weight.sum()
        mean = weight @ Z / total
        root = np.linalg.qr(np.sqrt(weight)[:, None] * (Z - mean), mode="r")
        block = np.zeros((1 + len(root), p))
        block[0, seen] = np.sqrt(total) * mean
        block[1:, seen] = root
        rows.append(block)
        shift.append(np.concatenate([[np.sqrt(total)], np.zeros(len(root))]))
        owners.append(np.full(len(block), pattern))
    root_w = np.sqrt(w[lone])
    rows.append(np.where(np.isnan(X[lone]), 0.0, X[lone]) * root_w[:, None])
    shift.append(root_w)
    owners.append(owner[lone])
    owner_all = np.concatenate(owners)
    order = np.argsort(owner_all, kind="stable")
    return (
        np.concatenate(rows)[order],
        np.concatenate(shift)[order],
        owner_all[order].astype(np.int64),
    )


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """The patterns' inverses at one (Sigma, mu).

    Attributes
    ----------
    W : (p, p) array
        Inverse of Sigma.
    halves : tuple of (last - first, p, k) arrays
        A batch's H, with ``W - H H'`` the padded inverse of its patterns.
    logdets : (P,) array
        Log determinants over the seen items.
    Y : (R, p) array
        Padded inverse times deviation, of each compressed row.
    square : float
        Sum of ``z' W z`` over the rows.
    """

    W: Array
    halves: tuple[Array, ...]
    logdets: Array
    Y: Array
    square: float


def solve_patterns(patterns: Patterns, sigma: Array, mu: Array) -> Solved | None:
    """Return the patterns' inverses, or None where sigma is not positive definite."""
    try:
        root = np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return None
    inverse = np.linalg.inv(root)
    W = inverse.T @ inverse
    full = 2 * np.log(np.diag(root)).sum()
    logdets = np.full(len(patterns.seen), full)
    halves = []
    Z = patterns.rows - patterns.shift[:, None] * np.where(patterns.seen[patterns.owner], mu, 0.0)
    Y = Z @ W
    for first, last, holes in patterns.batches:
        k = holes.shape[1]
        if k == 0:
            halves.append(np.zeros((last - first, len(W), 0)))
            continue
        L = np.linalg.cholesky(W[holes[:, :, None], holes[:, None, :]])
        logdets[first:last] += 2 * np.log(np.diagonal(L, axis1=1, axis2=2)).sum(axis=1)
        H = np.swapaxes(np.linalg.solve(L, W[holes]), 1, 2)  # (patterns, p, k)
        halves.append(H)
        low, high = np.searchsorted(patterns.owner, (first, last))
        mine = H[patterns.owner[low:high] - first]
        inner = np.einsum("rpk,rp->rk", mine, Z[low:high])
        Y[low:high] -= np.einsum("rpk,rk->rp", mine, inner)
    return Solved(W, tuple(halves), logdets, Y, float((Y * Z).sum()))


def total_inverse(patterns: Patterns, solved: Solved) -> Array:
    """Return the sum over rows of the patterns' padded inverses (p, p)."""
    out: Array = patterns.n * solved.W
    for (first, last, _), H in zip(patterns.batches, solved.halves, strict=True):
        if H.shape[2]:
            flat = np.swapaxes(H * np.sqrt(patterns.counts[first:last])[:, None, None], 0, 1)
            flat = flat.reshape(len(out), -1)
            out = out - flat @ flat.T
    return out


def pattern_inverses(patterns: Patterns, solved: Solved, first: int, last: int) -> Array:
    """Return (last - first, p, p) padded inverses of some patterns."""
    out = np.repeat(solved.W[None], last - first, axis=0)
    for (low, high, _), H in zip(patterns.batches, solved.halves, strict=True):
        a, b = max(low, first), min(high, last)
        if a < b and H.shape[2]:
            part = H[a - low : b - low]
            out[a - first : b - first] -= part @ np.swapaxes(part, 1, 2)
    return out
