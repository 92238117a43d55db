"""Which places in a ranking of branches do the data allow? Draws of the true means, and pairs.

A branch's mean is known with a variance, and branches differ with a variance of their own; neither
is known exactly. The true means are drawn from what the data say of them, with the uncertainty of
both variances, and ranked in each draw (Laird and Louis, 1989; Goldstein and Spiegelhalter, 1996).
Symbols: ``m`` (G,) means, ``v`` (G,) their sampling variances, ``X`` (G, p) mean covariates with
the constant, ``x0`` (p,) the covariates at which branches are compared, ``tau2`` the variance
between branches, ``V = v + tau2``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize, special, stats

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

STRATA = 12  # quantiles of the variance within branches
STEPS = 160  # standard deviations between branches on the grid


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a survey says of its branches.

    Attributes
    ----------
    means, variances : (G,) arrays
        Means of branches and their sampling variances.
    X : (G, p) array
        Mean covariates of each branch, a column of ones first.
    x0 : (p,) array
        Covariates at which branches are compared.
    inside_xx : (p, p) array, inside_xy : (p,) array
        Products of covariates, and of covariates and outcome, within branches over the residual
        variance; zero without covariates.
    df : float
        Degrees of freedom of the variances; infinite where they are taken as known.
    """

    means: Array
    variances: Array
    X: Array
    x0: Array
    inside_xx: Array
    inside_xy: Array
    df: float


@dataclass(frozen=True, slots=True, eq=False)
class Shrunken:
    """Means of branches for each of K variances between them.

    ``theta`` (K, G) means drawn towards the average, ``noise`` (K, G) the share of a branch's
    distance from the average that is taken back, ``beta`` (K, p), ``cov_beta`` (K, p, p), and
    ``loglik`` (K,), the restricted log-likelihood without its constant.
    """

    theta: Array
    noise: Array
    beta: Array
    cov_beta: Array
    loglik: Array


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Variances that the data allow: (K,) ``tau2``, (S,) ``scales`` of ``v``, (S, K) weights."""

    tau2: Array
    scales: Array
    weights: Array


def shrink(data: Evidence, tau2: Array, scale: float = 1.0) -> Shrunken:
    """Return the best linear unbiased predictions for (K,) ``tau2``; ``scale`` multiplies ``v``."""
    v, X = scale * data.variances, data.X
    V = v + tau2[:, None]
    A = data.inside_xx / scale + np.einsum("kg,gp,gq->kpq", 1 / V, X, X, optimize=True)
    cov_beta = np.linalg.inv(A)
    beta = np.einsum("kpq,kq->kp", cov_beta, data.inside_xy / scale + (data.means / V) @ X)
    rest = data.means - beta @ X.T
    noise = v / V
    loglik = -0.5 * (np.log(V).sum(axis=1) + np.linalg.slogdet(A)[1] + (rest**2 / V).sum(axis=1))
    inside = np.einsum("kp,pq,kq->k", beta, data.inside_xx, beta) - 2 * beta @ data.inside_xy
    return Shrunken(
        theta=(beta @ data.x0)[:, None] + (1 - noise) * rest,
        noise=noise,
        beta=beta,
        cov_beta=cov_beta,
        loglik=loglik - 0.5 * inside / scale,
    )


def prediction_variance(data: Evidence, tau2: Array, found: Shrunken) -> Array:
    """Return (K, G) variances of the prediction error of ``theta``, given the variances."""
    if data.X.shape[1] == 1:  # the constant alone: noise squared times the average's variance
        return tau2[:, None] * found.noise + found.noise**2 * found.cov_beta[:, 0]
    apart = data.x0 - (1 - found.noise)[:, :, None] * data.X
    of_beta = np.einsum("kgp,kpq,kgq->kg", apart, found.cov_beta, apart, optimize=True)
    return np.asarray(tau2[:, None] * found.noise + of_beta)


def reml_between(data: Evidence) -> float:
    """Return the variance between branches of the highest restricted likelihood, given ``v``.

    The area-level model of Fay and Herriot (1979), which is a random-effects meta-analysis.
    """
    top = 10 * max(float(np.var(data.means)), float(data.variances.max()))
    grid = np.concatenate([[0.0], np.geomspace(1e-8 * top, top, 200)])
    slopes = reml_slope(data, grid)
    found = [0.0] if slopes[0] <= 0 else []
    for j in np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0)):
        found.append(
            optimize.brentq(
                lambda t: float(reml_slope(data, np.array([t]))[0]),
                grid[j], grid[j + 1], xtol=1e-300, rtol=1e-14,
            )
        )  # fmt: skip
    heights = shrink(data, np.array(found)).loglik
    return float(found[int(heights.argmax())])


def reml_slope(data: Evidence, tau2: Array) -> Array:
    """Return (K,) derivatives of the restricted log-likelihood in ``tau2``."""
    found = shrink(data, tau2)
    V = data.variances + tau2[:, None]
    rest = data.means - found.beta @ data.X.T
    lost = np.einsum("gp,kpq,gq->kg", data.X, found.cov_beta, data.X, optimize=True)
    return np.asarray(0.5 * ((rest**2 + lost) / V**2 - 1 / V).sum(axis=1))


def variance_grid(data: Evidence) -> Grid:
    """Return a grid of both variances with the weights that the data give them.

    The variance within has its chi-square. The variance between has a flat prior, which is Stein's
    harmonic one and keeps coverage over repeated surveys (Morris and Tang, 2011); for two or three
    branches, where a flat one has no end, that of uniform shrinkage (Daniels, 1999).
    """
    scales = np.ones(1)
    if np.isfinite(data.df):
        scales = data.df / stats.chi2.isf((np.arange(STRATA) + 0.5) / STRATA, data.df)
    typical = float(stats.hmean(data.variances))
    widest = 6 * np.sqrt(float(np.var(data.means, ddof=1)) + typical)
    tau = (np.arange(STEPS) + 0.5) / STEPS * widest
    few = len(data.means) - data.X.shape[1] < 3
    prior = np.log(tau) - (2 * np.log1p(tau**2 / typical) if few else 0.0)
    parts = []
    for scale in scales:
        heights = prior + shrink(data, tau**2, float(scale)).loglik
        weights = np.exp(heights - heights.max())
        parts.append(weights / weights.sum() / len(scales))
    return Grid(tau**2, scales, np.array(parts))


def prediction_errors(data: Evidence, grid: Grid, theta: Array) -> Array:
    """Return (G,) mean squared errors of ``theta``, the uncertainty of both variances included."""
    total: Array = np.zeros(len(theta))
    for scale, weights in zip(grid.scales, grid.weights, strict=True):
        found = shrink(data, grid.tau2, float(scale))
        errors = prediction_variance(data, grid.tau2, found) + (found.theta - theta) ** 2
        total = total + np.asarray(weights @ errors)
    return total


def draw_means(data: Evidence, grid: Grid, n_draws: int, rng: np.random.Generator) -> Array:
    """Return (n_draws, G) draws of the branches' true means."""
    counts = rng.multinomial(n_draws, grid.weights.ravel()).reshape(grid.weights.shape)
    parts = []
    for scale, count in zip(grid.scales, counts, strict=True):
        at = np.repeat(np.flatnonzero(count), count[count > 0])
        if not len(at):
            continue
        tau2 = grid.tau2[at]
        found = shrink(data, tau2, float(scale))
        root = np.linalg.cholesky(found.cov_beta)
        wander = np.einsum("kpq,kq->kp", root, rng.standard_normal(found.beta.shape))
        beta = found.beta + wander
        rest = data.means - beta @ data.X.T
        spread = np.sqrt(tau2[:, None] * found.noise) * rng.standard_normal(rest.shape)
        parts.append((beta @ data.x0)[:, None] + (1 - found.noise) * rest + spread)
    return np.concatenate(parts)


def rank_limits(draws: Array, conf_level: float) -> tuple[IntArray, IntArray]:
    """Return (G,) lowest and highest rank of each branch over the draws; rank 1 is the highest.

    The limits leave at most half of ``1 - conf_level`` of the draws out on either side.
    """
    order = np.argsort(-draws, axis=1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, draws.shape[1] + 1)[None, :], axis=1)
    ranks.sort(axis=0)
    out = int(np.floor(len(draws) * (1 - conf_level) / 2))
    return ranks[out], ranks[len(draws) - 1 - out]


def range_tail(q: Array, k: int, df: float) -> Array:
    """Return upper tails of the studentized range of ``k`` means at (n,) ``q``.

    P(range <= w) = k int phi(z) (Phi(z) - Phi(z - w))^(k - 1) dz, averaged over the estimated
    standard deviation; Gauss-Legendre in both. Many values are read off a smooth curve.
    """
    if len(q) > 400:
        knots = np.linspace(0.0, max(float(q.max()), 1.0), 400)
        curve = interpolate.PchipInterpolator(knots, range_tail(knots, k, df))
        return np.asarray(np.clip(curve(q), 0.0, 1.0), dtype=float)
    x, w = np.polynomial.legendre.leggauss(200)
    z, wz = 8.5 * x, 8.5 * w * stats.norm.pdf(8.5 * x)
    spread, ws = np.ones(1), np.ones(1)
    if np.isfinite(df):
        low, high = np.sqrt(stats.chi2.ppf([1e-17, 1 - 1e-16], df) / df)
        s, u = np.polynomial.legendre.leggauss(48)
        spread = (high + low) / 2 + (high - low) / 2 * s
        ws = (high - low) / 2 * u * 2 * df * spread * stats.chi2.pdf(df * spread**2, df)
    inside = np.zeros(len(q))
    for size, weight in zip(spread, ws, strict=True):
        under = special.ndtr(z) - special.ndtr(z - (q * size)[:, None])
        inside += weight * k * (under ** (k - 1)) @ wz
    return np.asarray(np.clip(1 - inside, 0.0, 1.0))


def range_limit(tail: float, k: int, df: float) -> float:
    """Return the value that the studentized range of ``k`` means exceeds with chance ``tail``."""
    high = 4.0
    while range_tail(np.array([high]), k, df)[0] > tail:
        high *= 2
    found = optimize.brentq(
        lambda q: float(range_tail(np.array([q]), k, df)[0]) - tail, 0.0, high, xtol=1e-12
    )
    return float(found)
