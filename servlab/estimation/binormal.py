"""The bivariate normal distribution over whole arrays of points and correlations.

The distribution function goes through Owen's T [owen1956]_, which is accurate to the last
digits for every correlation inside (-1, 1).
"""

import numpy as np
from scipy import special

from servlab.core.linalg import Array

TINY = 1e-300  # stands for a limit of zero (or nearer), which Owen's formula approaches from above


def binormal_cdf(h: Array, k: Array, rho: Array) -> Array:
    """Return P(X <= h, Y <= k) of standard normals with correlation ``rho``, elementwise.

    ``h`` and ``k`` are finite (10 stands well for infinity), ``rho`` inside (-1, 1).
    """
    h = np.where(np.abs(h) < TINY, TINY, h)
    k = np.where(np.abs(k) < TINY, TINY, k)
    root = np.sqrt((1 - rho) * (1 + rho))
    with np.errstate(over="ignore"):
        toward_k = special.owens_t(h, (k - rho * h) / (h * root))
        toward_h = special.owens_t(k, (h - rho * k) / (k * root))
    half = np.where((h > 0) == (k > 0), 0.0, 0.5)
    p = (special.ndtr(h) + special.ndtr(k)) / 2 - toward_k - toward_h - half
    clipped: Array = np.clip(p, 0.0, 1.0)
    return clipped


def binormal_pdf(h: Array, k: Array, rho: Array) -> Array:
    """Return the density; it is also the derivative of the distribution function by ``rho``."""
    rest = (1 - rho) * (1 + rho)
    density: Array = np.exp(-(h * h - 2 * rho * h * k + k * k) / (2 * rest)) / (
        2 * np.pi * np.sqrt(rest)
    )
    return density


def binormal_pdf_slope(h: Array, k: Array, rho: Array, density: Array) -> Array:
    """Return the derivative of the density by ``rho``, given the density."""
    rest = (1 - rho) * (1 + rho)
    slope: Array = density * (
        rho / rest + (h * k * (1 + rho * rho) - rho * (h * h + k * k)) / rest**2
    )
    return slope
