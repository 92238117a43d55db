"""The arithmetic of mediation: paths and indirect effects from cross products, many at a time.

Rows z = (1, covariates, x, m_1 .. m_k, y); S (..., q, q) are sums of z z' under counts of rows, a
matrix a bootstrap draw. Least squares needs nothing else, so a draw costs one small solve an
equation whatever n is.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from servlab.core.linalg import Array

CHUNK = 4_000_000  # counts held at a time
SINGULAR = 1e-12  # share of the largest eigenvalue under which a draw tells nothing


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand among the columns of z.

    ``base`` columns (constant and covariates) come first, then x, then ``k`` mediators, then y;
    ``serial`` lets each mediator depend on those before it.
    """

    base: int
    k: int
    serial: bool

    @property
    def size(self) -> int:
        """Return the number of columns."""
        return self.base + self.k + 2

    def predictors(self, j: int) -> list[int]:
        """Return the columns on the right of mediator ``j``'s equation; of y's for j = k."""
        last = self.base + 1 + (j if self.serial or j == self.k else 0)
        return list(range(last))

    def routes(self) -> list[tuple[int, ...]]:
        """Return the routes of indirect effects: the mediators that each passes, in order."""
        longest = self.k if self.serial else 1
        return [r for size in range(1, longest + 1) for r in combinations(range(self.k), size)]


def path_coefficients(S: Array, layout: Layout) -> list[Array]:
    """Return for each mediator and then y the (..., p) coefficients of its equation."""
    found = []
    for j in range(layout.k + 1):
        right = layout.predictors(j)
        left = layout.base + 1 + j
        A = S[..., right, :][..., right]
        b = S[..., right, left]
        found.append(np.asarray(np.linalg.solve(A, b[..., None])[..., 0], dtype=float))
    return found


def route_links(route: tuple[int, ...], layout: Layout) -> list[tuple[int, int]]:
    """Return the paths on a route: (equation, place of the coefficient in it)."""
    x = layout.base
    stops = [*route, layout.k]
    starts = [x, *(x + 1 + j for j in route)]
    return list(zip(stops, starts, strict=True))


def effects_of(S: Array, layout: Layout) -> Array:
    """Return (..., e): each indirect effect, their total, the contrasts, direct and total."""
    b = path_coefficients(S, layout)
    indirect = []
    for route in layout.routes():
        value = np.ones(S.shape[:-2])
        for equation, place in route_links(route, layout):
            value = value * b[equation][..., place]
        indirect.append(value)
    whole = np.sum(indirect, axis=0)
    contrasts = [one - other for one, other in combinations(indirect, 2)]
    direct = b[layout.k][..., layout.base]
    return np.stack([*indirect, whole, *contrasts, direct, direct + whole], axis=-1)


def cross_products(Z: Array) -> tuple[Array, NDArray[np.intp], NDArray[np.intp]]:
    """Return each row's products (n, q (q + 1) / 2) and where they stand in the matrix."""
    i, j = np.triu_indices(Z.shape[1])
    return Z[:, i] * Z[:, j], i, j


def _matrices(sums: Array, q: int, i: NDArray[np.intp], j: NDArray[np.intp]) -> Array:
    """Return (b, q, q) symmetric matrices from their upper triangles."""
    S = np.empty((len(sums), q, q))
    S[:, i, j] = sums
    S[:, j, i] = sums
    return S


def _determined(S: Array) -> NDArray[np.bool_]:
    """Return which draws leave every predictor something of its own."""
    values = np.linalg.eigvalsh(S[:, :-1, :-1])
    return np.asarray(values[:, 0] > SINGULAR * values[:, -1])


def bootstrap_effects(Z: Array, layout: Layout, *, seed: int, n_draws: int) -> Array:
    """Return (n_draws, e) effects of rows drawn with replacement; NaN where undetermined."""
    rng = np.random.default_rng(seed)
    n = len(Z)
    products, i, j = cross_products(Z)
    parts = []
    step = max(1, CHUNK // n)
    for start in range(0, n_draws, step):
        size = min(step, n_draws - start)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        parts.append(_effects_or_nan(_matrices(counts @ products, Z.shape[1], i, j), layout))
    return np.concatenate(parts)


def jackknife_effects(Z: Array, layout: Layout) -> Array:
    """Return (n, e) effects with each row left out in turn."""
    products, i, j = cross_products(Z)
    whole = products.sum(axis=0)
    step = max(1, CHUNK // Z.shape[1] ** 2)
    parts = [
        _effects_or_nan(_matrices(whole - products[start : start + step], Z.shape[1], i, j), layout)
        for start in range(0, len(Z), step)
    ]
    return np.concatenate(parts)


def _effects_or_nan(S: Array, layout: Layout) -> Array:
    good = _determined(S)
    first = effects_of(S[good], layout)
    out = np.full((len(S), first.shape[-1]), np.nan)
    out[good] = first
    return out
