"""Small pieces of linear algebra that several statistics share."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def cov_to_cor(cov: Array) -> Array:
    """Return the (k, k) correlation matrix of a covariance matrix, with an exact unit diagonal."""
    scale = 1.0 / np.sqrt(np.diag(cov))
    cor: Array = cov * np.outer(scale, scale)
    np.fill_diagonal(cor, 1.0)
    return cor


def smallest_eigenvalue(matrix: Array) -> float:
    """Return the smallest eigenvalue of a symmetric matrix."""
    return float(np.linalg.eigvalsh(matrix)[0])


def frozen(array: Array) -> Array:
    """Return the array marked read-only, for values that must not change."""
    array.setflags(write=False)
    return array
