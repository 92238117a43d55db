"""What do eigenvalues look like when items have nothing in common?

Correlation matrices of independent items: drawn from the Wishart distribution without any
rows, or from the rows themselves with each item shuffled by itself.
"""

from collections.abc import Iterator

import numpy as np

from servlab.core.linalg import Array, cov_to_cor
from servlab.estimation.extraction import extract
from servlab.estimation.polychoric import Tables, count_tables, encode, estimate_polychoric


def wishart_cor(rng: np.random.Generator, n: int, k: int, n_draws: int) -> Array:
    """Return (n_draws, k, k) correlation matrices of n independent normal rows (bartlett1933).

    The triangular root of a Wishart matrix has independent entries: normal ones under the
    diagonal, roots of chi-squares on it.
    """
    root = np.tril(rng.standard_normal((n_draws, k, k)), -1)
    level = np.arange(k)
    root[:, level, level] = np.sqrt(rng.chisquare(n - 1 - level, size=(n_draws, k)))
    root /= np.sqrt((root**2).sum(axis=2, keepdims=True))
    cor: Array = root @ root.transpose(0, 2, 1)
    return cor


def shuffled_cor(rng: np.random.Generator, X: Array, n_draws: int) -> Iterator[Array]:
    """Yield (k, k) correlation matrices of (n, k) rows, each item but the first shuffled."""
    columns = np.ascontiguousarray((X - X.mean(axis=0)).T)
    columns /= np.sqrt((columns**2).sum(axis=1, keepdims=True))
    for _ in range(n_draws):
        for column in columns[1:]:
            rng.shuffle(column)
        yield cov_to_cor(columns @ columns.T)


def shuffled_polychoric(rng: np.random.Generator, X: Array, n_draws: int) -> Iterator[Array]:
    """Yield (k, k) polychoric correlations of (n, k) ordinal rows, each item shuffled."""
    codes, categories = encode(X, tuple(map(str, range(X.shape[1]))))
    columns = np.ascontiguousarray(codes.T)
    for _ in range(n_draws):
        for column in columns[1:]:
            rng.shuffle(column)
        tables: Tables = count_tables(columns.T, categories)
        yield estimate_polychoric(tables).cor


def component_eigenvalues(R: Array) -> Array:
    """Return the decreasing eigenvalues of (..., k, k) correlation matrices."""
    return np.asarray(np.linalg.eigvalsh(R)[..., ::-1], dtype=np.float64)


def common_eigenvalues(R: Array) -> Array:
    """Return the decreasing eigenvalues with one factor's communalities on the diagonal.

    The communalities are those of one minres factor, as psych's fa.parallel has them.
    """
    reduced = R.copy()
    np.fill_diagonal(reduced, 1 - extract(R, 1, "minres", unfinished="accept").uniqueness)
    return component_eigenvalues(reduced)
