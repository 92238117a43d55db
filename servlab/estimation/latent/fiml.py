"""What do incomplete rows say about means and covariances? Full-information likelihood.

The patterns of missing answers and their inverses are those of ``row_patterns``.
"""

from dataclasses import dataclass

import numpy as np

from servlab.core.brief import brief
from servlab.core.errors import ModelError, NotConvergedError
from servlab.core.linalg import Array
from servlab.estimation.latent.ram import Implied, curvature, gradient, mean_jacobian
from servlab.estimation.latent.residual_indices import GroupMoments
from servlab.estimation.latent.row_patterns import (
    CHUNK,
    Patterns,
    Solved,
    pattern_inverses,
    solve_patterns,
    total_inverse,
)


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
