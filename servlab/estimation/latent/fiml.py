"""What do incomplete rows say about means and covariances? Full-information likelihood.

Rows are sorted into patterns of missing answers. With ``W`` the inverse of the full covariance
matrix and ``m`` the missing items of a pattern, the inverse over its seen items, padded with
zeros, is ``W - W[:, m] (W[m, m])^-1 W[m, :]`` and ``log|Sigma_seen| = log|Sigma| + log|W[m, m]|``:
few missing answers cost little, and all patterns with equally many are done in one call.
Patterns with more rows than items are replaced by their mean and a root of their scatter.
"""

from dataclasses import dataclass

import numpy as np

from servlab.core.brief import brief
from servlab.core.errors import ModelError, NotConvergedError
from servlab.core.linalg import Array
from servlab.estimation.latent.ram import (
    Implied,
    Ints,
    curvature,
    gradient,
    mean_jacobian,
)
from servlab.estimation.latent.residual_indices import GroupMoments

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


@brief
@dataclass(frozen=True, slots=True, eq=False)
class PatternPoint:
    """Value and slopes of the likelihood of incomplete rows."""

    implied: Implied
    value: float
    patterns: Patterns
    solved: Solved

    def slopes(self) -> tuple[Array, Array]:
        """Return (P, v): the differential is ``tr(P dSigma) / 2 + v' dmu``."""
        Y, n = self.solved.Y, self.patterns.n
        P = (total_inverse(self.patterns, self.solved) - Y.T @ Y) / n
        return P, -(self.patterns.shift @ Y) / n

    def gradient(self) -> Array:
        """Return the slope by the local parameters."""
        return gradient(self.implied, *self.slopes())

    def expected(self) -> Array:
        """Return the expected information given who answered what."""
        J = mean_jacobian(self.implied)
        out = np.asarray(J.T @ total_inverse(self.patterns, self.solved) @ J / self.patterns.n)
        size = len(self.implied.paths.paths) + len(self.implied.paths.covs)
        out[:size, :size] += self._crosses(observed=False)[0]
        return out

    def observed(self) -> Array:
        """Return the exact second derivatives."""
        at = self.implied
        P, v = self.slopes()
        block, mixed = self._crosses(observed=True)
        size = len(block)
        J = mean_jacobian(at)
        out = curvature(at, P, v)
        out += J.T @ total_inverse(self.patterns, self.solved) @ J / self.patterns.n
        out[:size, :size] += block
        cross = mixed @ J
        out[:size] += cross
        out[:, :size] += cross.T
        return out

    def _crosses(self, *, observed: bool) -> tuple[Array, Array]:
        """Return what pairs of covariance parameters, and they with means, share.

        The sums over patterns of ``tr(dS_k W dS_l X)`` with X = W / 2 (expected) or
        ``W T W - W / 2`` (observed), (k, k), and of ``dS_k W d' W`` (k, p).
        """
        at, patterns, solved = self.implied, self.patterns, self.solved
        p = at.paths.p
        U, terms = at.U, at.paths.terms
        left, right, c = terms.left, terms.right, terms.scale
        one = U[:, left].T[:, :, None] * U[:, right].T[:, None, :] * c[:, None, None]
        D = (one + np.swapaxes(one, 1, 2)).reshape(len(c), p * p)
        total, tilt = np.zeros((p * p, p * p)), np.zeros((p, p * p))
        edges = np.searchsorted(patterns.owner, np.arange(len(patterns.counts) + 1))
        for first in range(0, len(patterns.counts), CHUNK):
            last = min(first + CHUNK, len(patterns.counts))
            W = pattern_inverses(patterns, solved, first, last).reshape(last - first, p * p)
            X = W * (patterns.counts[first:last, None] * (-0.5 if observed else 0.5))
            if observed:
                Y = solved.Y[edges[first] : edges[last]]
                starts = edges[first:last] - edges[first]
                outer = (Y[:, :, None] * Y[:, None, :]).reshape(len(Y), p * p)
                X += np.add.reduceat(outer, starts, axis=0)
                lever = patterns.shift[edges[first] : edges[last], None] * Y
                tilt += np.add.reduceat(lever, starts, axis=0).T @ W
            total += W.T @ X
        kernel = total.reshape(p, p, p, p).transpose(3, 0, 1, 2).reshape(p * p, p * p)
        mixed = D @ tilt.reshape(p * p, p) / patterns.n
        return D @ kernel @ D.T / patterns.n, mixed


@brief
@dataclass(frozen=True, slots=True, eq=False)
class PatternLikelihood:
    """Minus the log-likelihood of a row over that of saturated moments."""

    patterns: Patterns
    saturated: float

    def at(self, implied: Implied) -> PatternPoint | None:
        """Return the function there, or None where sigma is not positive definite."""
        solved = solve_patterns(self.patterns, implied.sigma, implied.mu)
        if solved is None:
            return None
        value = deviance(self.patterns, solved) / 2 - self.saturated
        return PatternPoint(implied, value, self.patterns, solved)


def deviance(patterns: Patterns, solved: Solved) -> float:
    """Return minus twice the log-likelihood of a row, without the constant of pi."""
    return float((patterns.counts @ solved.logdets + solved.square) / patterns.n)


def saturated_moments(patterns: Patterns, names: tuple[str, ...]) -> tuple[Array, Array, Solved]:
    """Return ML covariances and means of incomplete rows, by the EM algorithm [dempster1977]_.

    Each step is accelerated by squared extrapolation [varadhan2008]_ where that raises the
    likelihood; it ends when the moments stop moving.
    """
    sigma, mu = _first_moments(patterns, names)
    scale = np.sqrt(np.diag(sigma))
    for _ in range(2000):
        one = _em_step(patterns, sigma, mu, names)
        two = _em_step(patterns, one[0], one[1], names)
        moved = _change(two, one, scale)
        if moved < 1e-11:
            sigma, mu = two
            break
        sigma, mu = _extrapolated(patterns, (sigma, mu), one, two)
    else:
        raise NotConvergedError(
            "the saturated moments of the incomplete rows did not converge; "
            "leave out items that hardly anybody answered together."
        )
    solved = solve_patterns(patterns, sigma, mu)
    if solved is None:
        raise _not_definite(names)
    return sigma, mu, solved


def _first_moments(patterns: Patterns, names: tuple[str, ...]) -> tuple[Array, Array]:
    """Return each item's own mean and variance, or refuse an item that does not vary."""
    seen = patterns.seen[patterns.owner]
    rows = patterns.counts @ patterns.seen
    mean = patterns.shift @ patterns.rows / rows
    away = patterns.rows - patterns.shift[:, None] * np.where(seen, mean, 0.0)
    variance = (away**2).sum(axis=0) / rows
    still = variance < 1e-12 * (1 + mean**2)
    flat = [name for name, at in zip(names, still, strict=True) if at]
    if flat:
        raise ModelError(f"items {flat} are constant over the rows used; leave them out.")
    return np.diag(variance), mean


def _em_step(
    patterns: Patterns, sigma: Array, mu: Array, names: tuple[str, ...]
) -> tuple[Array, Array]:
    """Return the moments after one step of expectation and maximisation."""
    solved = solve_patterns(patterns, sigma, mu)
    if solved is None:
        raise _not_definite(names)
    n = patterns.n
    shift = sigma @ (patterns.shift @ solved.Y) / n
    inner = (solved.Y.T @ solved.Y - total_inverse(patterns, solved)) / n
    moved = sigma + sigma @ inner @ sigma - np.outer(shift, shift)
    return (moved + moved.T) / 2, mu + shift


def _change(new: tuple[Array, Array], old: tuple[Array, Array], scale: Array) -> float:
    """Return the largest change in standard deviations."""
    by_cov = np.abs((new[0] - old[0]) / np.outer(scale, scale)).max()
    return float(max(by_cov, np.abs((new[1] - old[1]) / scale).max()))


def _extrapolated(
    patterns: Patterns,
    start: tuple[Array, Array],
    one: tuple[Array, Array],
    two: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Return a longer step through three iterates, or the last where it is no better."""
    flat = [np.concatenate([cov.ravel(), mean]) for cov, mean in (start, one, two)]
    r, v = flat[1] - flat[0], flat[2] - 2 * flat[1] + flat[0]
    bend = float(v @ v)
    length = max(1.0, np.sqrt(float(r @ r) / bend)) if bend > 0 else 1.0
    if length < 1.01:
        return two
    far = flat[0] + 2 * length * r + length**2 * v
    p = len(start[1])
    sigma, mu = far[: p * p].reshape(p, p), far[p * p :]
    solved = solve_patterns(patterns, sigma, mu)
    here = solve_patterns(patterns, *two)
    if solved is None or here is None:
        return two
    return (sigma, mu) if deviance(patterns, solved) <= deviance(patterns, here) else two


def _not_definite(names: tuple[str, ...]) -> ModelError:
    return ModelError(
        f"the covariances of {len(names)} items over incomplete rows are not positive definite; "
        "an item may be a combination of others, or too few rows share answers: leave one out."
    )


def available_moments(X: Array) -> tuple[Array, Array]:
    """Return (p, p) covariances over the rows of each pair, (n - 1) / n of the unbiased, and means.

    What GFI under FIML is held against in lavaan; every other index uses the saturated moments.
    """
    seen = ~np.isnan(X)
    mean = np.nanmean(X, axis=0)
    D = np.where(seen, X - mean, 0.0)
    counts = seen.T.astype(float) @ seen
    sums = D.T @ seen.astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        cov = (D.T @ D - sums * sums.T / counts) / (counts - 1)
    return cov * ((len(X) - 1) / len(X)), mean


def pattern_misfit(patterns: Patterns, sigma: Array, moments: GroupMoments) -> tuple[float, float]:
    """Return misfit and size of sample moments in the patterns' metric at the implied ``sigma``.

    The quadratic forms of GFI in the expected information of the saturated moments.
    """
    solved = solve_patterns(patterns, sigma, moments.implied_mean)
    if solved is None:
        return float("nan"), float("nan")
    total = total_inverse(patterns, solved) / patterns.n
    found = []
    away = (moments.cov - moments.implied_cov, moments.mean - moments.implied_mean)
    for matrix, vector in (away, (moments.cov, moments.mean)):
        value = float(vector @ total @ vector)
        for first in range(0, len(patterns.counts), CHUNK):
            last = min(first + CHUNK, len(patterns.counts))
            turned = pattern_inverses(patterns, solved, first, last) @ matrix
            squares = np.einsum("pab,pba->p", turned, turned)
            value += 0.5 * float(patterns.counts[first:last] @ squares) / patterns.n
        found.append(value)
    return found[0], found[1]
