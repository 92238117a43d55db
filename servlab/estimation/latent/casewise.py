"""How much do single rows pull at the parameters? Scores and their cross products.

The filling of every sandwich: cross products of row scores, of cluster sums of scores under
cluster sampling, weighted where rows are.
"""

from collections.abc import Iterator

import numpy as np

from servlab.core.linalg import Array
from servlab.estimation.latent.ram import Implied, Ints, mean_jacobian
from servlab.estimation.latent.row_patterns import Patterns, Solved
from servlab.estimation.latent.sample import BATCH, GroupSample


def covariance_reference(at: Implied, X: Array) -> Array:
    """Return (k,) values ``tr(dSigma_k X) / 2``: what a row's score is measured against."""
    U, terms = at.U, at.paths.terms
    left, right, c = terms.left, terms.right, terms.scale
    by_cov = c * ((U[:, left].T @ X) * U[:, right].T).sum(axis=1)
    return np.concatenate([by_cov, np.zeros(len(at.paths.means))])


def row_scores(at: Implied, D: Array, W: Array, reference: Array) -> Array:
    """Return (k, n) scores of complete rows with deviations ``D`` (n, p) under weight ``W``.

    A column a row of the data: columns of ``U`` are then gathered as whole rows of memory.
    """
    U, terms = at.U, at.paths.terms
    Y = (U.T @ W) @ D.T
    by_cov = Y.take(terms.left, axis=0)
    by_cov *= Y.take(terms.right, axis=0)
    by_cov *= terms.scale[:, None]
    by_cov -= reference[: len(by_cov), None]
    if not at.paths.meanstructure:
        return by_cov
    by_mean = mean_jacobian(at).T @ (W @ D.T)
    by_mean[: len(by_cov)] += by_cov
    return by_mean


class Meat:
    """Cross products of scores in the parameters of all groups, added batch by batch.

    Clusters may hold rows of several groups, so their sums are kept until the end.
    """

    def __init__(self, size: int, n_clusters: int = 0) -> None:
        self.total = np.zeros((size, size))
        self.sums = np.zeros((n_clusters, size)) if n_clusters else None

    def add(
        self, par: np.ndarray, scores: Array, weights: Array | None, clusters: Ints | None
    ) -> None:
        """Add the (k, n) scores of some rows of one group."""
        if weights is not None:
            scores = scores * weights
        if self.sums is None or clusters is None:
            self.total[par[:, None], par] += scores @ scores.T
            return
        local = np.zeros((len(self.sums), len(scores)))
        np.add.at(local, clusters, scores.T)
        self.sums[:, par] += local

    def result(self) -> Array:
        """Return the (q, q) sum over rows or clusters, with m / (m - 1) for m clusters."""
        if self.sums is None:
            return self.total
        used = int((np.abs(self.sums).sum(axis=1) > 0).sum())
        return np.asarray(self.sums.T @ self.sums * (used / max(used - 1, 1)))


def add_complete(
    meat: Meat, at: Implied, sample: GroupSample, W: Array, center: Array, reference: Array
) -> None:
    """Add the scores of a group's complete rows."""
    rows = sample.rows
    if rows is None:
        raise ValueError("scores need rows")
    for first in range(0, len(rows), BATCH):
        part = slice(first, first + BATCH)
        scores = row_scores(at, rows[part] - center, W, reference)
        weights = None if sample.weights is None else sample.weights[part]
        clusters = None if sample.clusters is None else sample.clusters[part]
        meat.add(at.paths.par, scores, weights, clusters)


def add_given_covariates(
    meat: Meat, at: Implied, sample: GroupSample, W: Array, exogenous: tuple[int, ...]
) -> None:
    """Add the scores of a group's complete rows about what their covariates lead to expect."""
    rows = sample.rows
    if rows is None:
        raise ValueError("scores need rows")
    P, left = conditional(sample.cov, exogenous)
    reference = covariance_reference(at, W @ left @ W)
    for first in range(0, len(rows), BATCH):
        D = rows[first : first + BATCH] - sample.mean
        expected = D[:, list(exogenous)] @ P.T
        scores = row_scores(at, D, W, reference)
        scores -= row_scores(at, expected, W, np.zeros(len(reference)))
        meat.add(at.paths.par, scores, None, None)


def conditional(cov: Array, exogenous: tuple[int, ...]) -> tuple[Array, Array]:
    """Return (p, x) regressions on the covariates and the (p, p) covariance they leave."""
    x = list(exogenous)
    P = np.asarray(np.linalg.solve(cov[np.ix_(x, x)], cov[x]).T)
    left = cov - P @ cov[x]
    left[x] = left[:, x] = 0.0
    return P, left


def fourth_moment_given(sample: GroupSample, W: Array, exogenous: tuple[int, ...]) -> float:
    """Return the mean of ``tr((W (d d' - h h' - R))^2)``.

    h and R are the deviations and the covariances that the covariates lead to expect.
    """
    rows = sample.rows
    if rows is None:
        raise ValueError("fourth moments need rows")
    P, left = conditional(sample.cov, exogenous)
    inner = W @ left @ W
    total = 0.0
    for first in range(0, len(rows), BATCH):
        D = rows[first : first + BATCH] - sample.mean
        H = D[:, list(exogenous)] @ P.T
        dd, hh, dh = (((a @ W) * b).sum(axis=1) for a, b in ((D, D), (H, H), (D, H)))
        mixed = ((H @ inner) * H).sum(axis=1) - ((D @ inner) * D).sum(axis=1)
        total += float((dd**2 + hh**2 - 2 * dh**2 + 2 * mixed).sum())
    return total / sample.n + float((inner * left).sum())


def fourth_moment(sample: GroupSample, W: Array) -> float:
    """Return the mean over rows of ``(d' W d)^2`` with d a row's deviation from the mean."""
    rows = sample.rows
    if rows is None:
        raise ValueError("fourth moments need rows")
    total = 0.0
    for first in range(0, len(rows), BATCH):
        D = rows[first : first + BATCH] - sample.mean
        squares = ((D @ W) * D).sum(axis=1) ** 2
        if sample.weights is not None:
            squares = squares * sample.weights[first : first + BATCH]
        total += float(squares.sum())
    return total / sample.n


def add_incomplete(
    meat: Meat, at: Implied, sample: GroupSample, patterns: Patterns, solved: Solved
) -> None:
    """Add the scores of a group's incomplete rows."""
    rows = sample.rows
    if rows is None:
        raise ValueError("scores need rows")
    U, J, terms = at.U, mean_jacobian(at), at.paths.terms
    left, right, c = terms.left, terms.right, terms.scale
    k = len(c)
    for first, last, scores_owner, Y in _case_slopes(patterns, solved, rows, at.mu):
        H = _halves(patterns, solved, first)
        side = np.einsum("rpk,pu->ruk", H, U, optimize=True)
        against = (c * ((U[:, left].T @ solved.W) * U[:, right].T).sum(axis=1))[None]
        against = against - c * (side[:, left] * side[:, right]).sum(axis=2)
        low, high = np.searchsorted(patterns.case_owner, (first, last))
        for start in range(low, high, BATCH):
            cases = slice(start, min(start + BATCH, high))
            y = Y[start - low : cases.stop - low]
            turned = y @ U
            out = J.T @ y.T
            out[:k] += (c * turned[:, left] * turned[:, right]).T
            out[:k] -= against[scores_owner[start - low : cases.stop - low] - first].T
            picked = patterns.order[cases]
            weights = None if sample.weights is None else sample.weights[picked]
            clusters = None if sample.clusters is None else sample.clusters[picked]
            meat.add(at.paths.par, out, weights, clusters)


def _halves(patterns: Patterns, solved: Solved, first: int) -> Array:
    """Return the H of the batch of patterns that begins at ``first``."""
    for (low, _, _), H in zip(patterns.batches, solved.halves, strict=True):
        if low == first:
            return H
    raise ValueError("no such batch")


def _case_slopes(
    patterns: Patterns, solved: Solved, rows: Array, mu: Array
) -> Iterator[tuple[int, int, Ints, Array]]:
    """Yield (first pattern, last, owners, padded inverse times deviation) of each batch's rows."""
    for (first, last, holes), H in zip(patterns.batches, solved.halves, strict=True):
        low, high = np.searchsorted(patterns.case_owner, (first, last))
        Z = rows[patterns.order[low:high]] - mu
        Z[np.isnan(Z)] = 0.0
        owner = patterns.case_owner[low:high]
        Y = Z @ solved.W
        if holes.shape[1]:
            mine = H[owner - first]
            Y -= np.einsum("rpk,rk->rp", mine, np.einsum("rpk,rp->rk", mine, Z))
        yield first, last, owner, Y
