"""How precisely are covariances, thresholds and polychoric correlations known?

Their asymptotic covariance matrix, which weighted least squares needs as its weight and every
robust standard error as its filling. It takes a second pass over the rows, in batches.
"""

import numpy as np
from scipy import special

from servlab.core.linalg import Array
from servlab.estimation.binormal import binormal_pdf
from servlab.estimation.polychoric import (
    FLOOR,
    Polychoric,
    Tables,
    cell_grid,
    cell_probabilities,
    padded_thresholds,
    stacked_tables,
)

BATCH = 4096  # rows whose scores are held at a time


def covariance_acov(X: Array, mean: Array) -> Array:
    """Return n times the sampling covariance of the covariances of (n, k) rows (browne1984).

    ``(q, q)`` with q = k (k + 1) / 2, in the order of lavaan's vech: down the columns of the
    lower triangle. Denominator n; free of any distribution.
    """
    column, row = np.triu_indices(X.shape[1])
    q = len(row)
    total, square = np.zeros(q), np.zeros((q, q))
    for first in range(0, len(X), BATCH):
        D = X[first : first + BATCH] - mean
        products = D[:, row] * D[:, column]
        total += products.sum(axis=0)
        square += products.T @ products
    total /= len(X)
    acov: Array = square / len(X) - np.outer(total, total)
    return acov


def polychoric_acov(
    codes: np.ndarray, tables: Tables, found: Polychoric, weights: Array | None = None
) -> Array:
    """Return n times the sampling covariance of thresholds and polychoric correlations.

    ``(q, q)``: all thresholds item by item, then the correlations of items 1 and 2, 1 and 3,
    and so on, as lavaan orders them. Two-step maximum likelihood solves two sets of equations
    one after the other; the sandwich of their slopes accounts for the thresholds having been
    estimated first (muthen1984, joreskog1994).
    """
    k = len(tables.categories)
    first, second = np.triu_indices(k, 1)
    a = padded_thresholds(found.thresholds, first)
    b = padded_thresholds(found.thresholds, second)
    rho = found.cor[first, second]
    cells = stacked_tables(tables, first, second)
    probability = np.maximum(cell_probabilities(a, b, rho), FLOOR)
    zero = np.zeros(1)
    density = binormal_pdf(a[:, :, None], b[:, None, :], rho[:, None, None])
    score = cell_grid(density, zero, zero[:, None], 0.0) / probability
    own = [threshold_scores(tables.margin(i), found.thresholds[i]) for i in range(k)]
    n = len(codes)
    slopes = _slopes(tables, found, own, score, (cells, probability, a, b, rho))
    filling = _filling(codes, own, score, (first, second), weights)
    half = np.linalg.solve(slopes, filling)
    acov: Array = n * np.linalg.solve(slopes, half.T)
    return (acov + acov.T) / 2


def threshold_scores(margin: Array, thresholds: Array) -> Array:
    """Return (c, c - 1) derivatives of the log share of each category by each threshold."""
    share = margin / margin.sum()
    density = np.exp(-(thresholds**2) / 2) / np.sqrt(2 * np.pi)
    scores = np.zeros((len(share), len(thresholds)))
    level = np.arange(len(thresholds))
    scores[level, level] = density / share[:-1]
    scores[level + 1, level] = -density / share[1:]
    return scores


def _slopes(
    tables: Tables,
    found: Polychoric,
    own: list[Array],
    score: Array,
    pairs: tuple[Array, Array, Array, Array, Array],
) -> Array:
    """Return the (q, q) lower triangular slopes of the estimating equations."""
    cells, probability, a, b, rho = pairs
    sizes = [len(t) for t in found.thresholds]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    edge = int(starts[-1])
    slopes = np.zeros((edge + len(rho), edge + len(rho)))
    for item, scores in enumerate(own):
        part = slice(starts[item], starts[item + 1])
        slopes[part, part] = scores.T @ (scores * tables.margin(item)[:, None])
    weight = cells * score / probability
    by_first = np.einsum("pij,pij->pi", *_threshold_change(weight, a, b, rho))
    turned = weight.transpose(0, 2, 1)
    by_second = np.einsum("pij,pij->pi", *_threshold_change(turned, b, a, rho))
    first, second = np.triu_indices(len(own), 1)
    for at, (i, j) in enumerate(zip(first, second, strict=True)):
        slopes[edge + at, starts[i] : starts[i + 1]] = by_first[at, : sizes[i]]
        slopes[edge + at, starts[j] : starts[j + 1]] = by_second[at, : sizes[j]]
    last = np.arange(edge, len(slopes))
    slopes[last, last] = (cells * score**2).sum(axis=(1, 2))
    return slopes


def _threshold_change(weight: Array, a: Array, b: Array, rho: Array) -> tuple[Array, Array]:
    """Return (p, C - 1, C) weights and derivatives of cells by the first variable's thresholds.

    A threshold adds to the row of cells under it what it takes from the row above.
    """
    root = np.sqrt(1 - rho**2)[:, None, None]
    inner = special.ndtr((b[:, None, :] - rho[:, None, None] * a[:, :, None]) / root)
    p, r, _ = inner.shape
    edges = np.concatenate([np.zeros((p, r, 1)), inner, np.ones((p, r, 1))], axis=2)
    density = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi)
    return weight[:, :-1] - weight[:, 1:], density[:, :, None] * np.diff(edges, axis=2)


def _filling(
    codes: np.ndarray,
    own: list[Array],
    score: Array,
    pairs: tuple[np.ndarray, np.ndarray],
    weights: Array | None,
) -> Array:
    """Return the (q, q) sum over rows of the products of their scores."""
    p, C, _ = score.shape
    flat = score.reshape(-1)
    base = np.arange(p) * C * C
    q = sum(scores.shape[1] for scores in own) + p
    filling = np.zeros((q, q))
    for start in range(0, len(codes), BATCH):
        part = codes[start : start + BATCH].astype(np.intp)
        rows = [scores[part[:, i]] for i, scores in enumerate(own)]
        rows.append(flat[base + part[:, pairs[0]] * C + part[:, pairs[1]]])
        S = np.concatenate(rows, axis=1)
        if weights is not None:
            S *= weights[start : start + BATCH, None]
        filling += S.T @ S
    return filling
