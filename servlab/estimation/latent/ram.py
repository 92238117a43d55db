"""Which covariances and means do paths imply, and how do they move with each parameter?

Every linear structural model is one set of paths among observed and latent variables
(reticular action model [mcardle1984]_): ``v = A v + u`` with ``cov(u) = S`` and
``E(u) = a``, so that with ``E = (I - A)^-1`` the variables have covariance ``V = E S E'`` and
mean ``E a``, of which the observed ones come first. LISREL's matrices are blocks of these: the
loadings and regressions of ``A``, the residual and factor covariances of ``S``, the intercepts
of ``a``.

Each derivative of the covariance is then a sum of two outer products of columns of
``U = [E | V]``: ``dV = c (U_l U_r' + U_r U_l')``. Gradients, informations and Hessians are
therefore lookups in the small matrices ``U' P U``; no Jacobian of p (p + 1) / 2 rows is formed
unless one is asked for.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from servlab.core.brief import brief
from servlab.core.linalg import Array

Ints = npt.NDArray[np.int64]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Free entries of one matrix: ``par`` (m,) parameter numbers from 0, at ``row``, ``col``."""

    par: Ints
    row: Ints
    col: Ints

    def __len__(self) -> int:
        return len(self.par)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Where the derivatives by the local parameters are looked up.

    Attributes
    ----------
    left, right : (k,) arrays
        Columns of ``U`` whose outer products are the derivative of the covariances.
    scale : (k,) array
        Their coefficients.
    both : (k, k) array
        Products of coefficients.
    rl, rr, ll : (k, k) arrays
        Flat positions of (right, left), (right, right) and (left, left) in a (2 t, 2 t) matrix.
    bend : tuple of arrays
        Flat positions in (t, t) matrices for second derivatives: by two paths i <- j and a <- b
        (b, i), (a, j), (b, j), (i, a); by a covariance s ~~ u and a path a <- b
        (b, s), (a, u), (b, u), (a, s).
    """

    left: Ints
    right: Ints
    scale: Array
    both: Array
    rl: Ints
    rr: Ints
    ll: Ints
    bend: tuple[Ints, ...]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The paths of one group, compiled from a parameter table by ``make_paths``.

    Attributes
    ----------
    names : tuple of str
        The t variables, the p observed ones first.
    p : int
        Number of observed variables.
    A, S : (t, t) arrays
        Fixed paths and covariances; free entries are 0.
    a : (t,) array
        Fixed intercepts.
    paths, covs, means : Cells
        The free entries (``covs`` one triangle only; ``col`` of ``means`` is 0).
    meanstructure : bool
        Whether means are modelled.
    shallow : bool
        Whether no path follows on another one, so that total effects are ``I + A``.
    par : array
        The parameter numbers of the local order: paths, covariances, means.
    terms : Terms
    """

    names: tuple[str, ...]
    p: int
    A: Array
    S: Array
    a: Array
    paths: Cells
    covs: Cells
    means: Cells
    meanstructure: bool
    shallow: bool
    par: Ints
    terms: Terms


def make_paths(
    names: tuple[str, ...],
    p: int,
    fixed: tuple[Array, Array, Array],
    free: tuple[Cells, Cells, Cells],
    *,
    meanstructure: bool,
) -> Paths:
    """Return paths from the fixed and the free entries of A, S and a."""
    A, S, a = fixed
    paths, covs, means = free
    t = len(names)
    pattern = A != 0
    pattern[paths.row, paths.col] = True
    into, out_of = pattern.any(axis=1), pattern.any(axis=0)
    left = np.concatenate([paths.row, covs.row])
    right = np.concatenate([paths.col + t, covs.col])
    scale = np.concatenate([np.ones(len(paths)), np.where(covs.row == covs.col, 0.5, 1.0)])
    wide = 2 * t
    terms = Terms(
        left,
        right,
        scale,
        np.outer(scale, scale),
        right[:, None] * wide + left,
        right[:, None] * wide + right,
        left[:, None] * wide + left,
        _bend(paths, covs, t),
    )
    return Paths(
        names, p, A, S, a, paths, covs, means, meanstructure, not (into & out_of).any(),
        np.concatenate([paths.par, covs.par, means.par]), terms,
    )  # fmt: skip


def _bend(paths: Cells, covs: Cells, t: int) -> tuple[Ints, ...]:
    """Return the positions that second derivatives are looked up at."""
    i, j, s, u = paths.row, paths.col, covs.row, covs.col
    return (
        j * t + i[:, None],
        i * t + j[:, None],
        j * t + j[:, None],
        i * t + i[:, None],
        j * t + s[:, None],
        i * t + u[:, None],
        j * t + u[:, None],
        i * t + s[:, None],
    )


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Implied:
    """What the paths imply at some parameter values.

    Attributes
    ----------
    E : (t, t) array
        Total effects, ``(I - A)^-1``.
    V : (t, t) array
        Covariances of all variables.
    xi : (t,) array
        Means of all variables.
    S : (t, t) array
        Covariances of what the paths leave unexplained.
    U : (p, 2 t) array
        ``[E | V]`` of the observed variables, whose columns' outer products are the
        derivatives of sigma.
    """

    paths: Paths
    E: Array
    V: Array
    xi: Array
    S: Array
    U: Array

    @property
    def sigma(self) -> Array:
        """The (p, p) covariances of the observed variables."""
        p = self.paths.p
        return self.V[:p, :p]

    @property
    def mu(self) -> Array:
        """The (p,) means of the observed variables."""
        return self.xi[: self.paths.p]


def filled(paths: Paths, theta: Array) -> tuple[Array, Array, Array]:
    """Return ``A``, ``S`` and ``a`` with the free entries of ``theta`` (q,) in place."""
    A, S, a = paths.A.copy(), paths.S.copy(), paths.a.copy()
    A[paths.paths.row, paths.paths.col] = theta[paths.paths.par]
    S[paths.covs.row, paths.covs.col] = theta[paths.covs.par]
    S[paths.covs.col, paths.covs.row] = theta[paths.covs.par]
    a[paths.means.row] = theta[paths.means.par]
    return A, S, a


def imply(paths: Paths, theta: Array) -> Implied:
    """Return the implied moments at ``theta`` (q,)."""
    A, S, a = filled(paths, theta)
    unit = np.eye(len(A))
    # total effects are wanted themselves, so this inverse is no detour
    E = unit + A if paths.shallow else np.asarray(np.linalg.inv(unit - A))
    V = E @ S @ E.T
    V = (V + V.T) / 2
    return Implied(paths, E, V, E @ a, S, np.concatenate([E[: paths.p], V[: paths.p]], axis=1))


def mean_jacobian(at: Implied) -> Array:
    """Return (p, k) derivatives of the observed means by the local parameters."""
    paths, G = at.paths, at.E[: at.paths.p]
    by_path = G[:, paths.paths.row] * at.xi[paths.paths.col]
    by_cov = np.zeros((paths.p, len(paths.covs)))
    return np.concatenate([by_path, by_cov, G[:, paths.means.row]], axis=1)


def cov_jacobian(at: Implied, rows: Ints, cols: Ints) -> Array:
    """Return (len(rows), k) derivatives of sigma's entries (rows, cols)."""
    U, terms = at.U, at.paths.terms
    left, right, c = terms.left, terms.right, terms.scale
    moved = c * (
        U[np.ix_(rows, left)] * U[np.ix_(cols, right)]
        + U[np.ix_(rows, right)] * U[np.ix_(cols, left)]
    )
    return np.concatenate([moved, np.zeros((len(rows), len(at.paths.means)))], axis=1)


def variance_jacobian(at: Implied) -> Array:
    """Return (t, k) derivatives of the variances of all variables."""
    U, terms = np.concatenate([at.E, at.V], axis=1), at.paths.terms
    moved = 2 * terms.scale * U[:, terms.left] * U[:, terms.right]
    return np.concatenate([moved, np.zeros((len(U), len(at.paths.means)))], axis=1)


def gradient(at: Implied, P: Array, v: Array) -> Array:
    """Return (k,) derivatives of a function whose differential is ``tr(P dSigma)/2 + v' dmu``."""
    U, terms = at.U, at.paths.terms
    by_cov = terms.scale * (U.T @ P @ U)[terms.left, terms.right]
    out: Array = np.concatenate([by_cov, np.zeros(len(at.paths.means))])
    if at.paths.meanstructure:
        out += mean_jacobian(at).T @ v
    return out


def information(at: Implied, W: Array) -> Array:
    """Return the (k, k) matrix ``tr(W dSigma_k W dSigma_l) / 2 + dmu_k' W dmu_l``."""
    terms = at.paths.terms
    M = at.U.T @ W @ at.U
    cross = M.take(terms.rl)
    block = cross * cross.T + M.take(terms.rr) * M.take(terms.ll)
    return _with_means(at, block * terms.both, W)


def likelihood_curvature(at: Implied, W: Array, R: Array) -> Array:
    """Return (k, k) ``tr(dSigma_k W dSigma_l R) - tr(W dSigma_k W dSigma_l) / 2``.

    What two covariance parameters share in the Hessian of a normal likelihood.
    """
    terms = at.paths.terms
    M, Q = at.U.T @ W @ at.U, at.U.T @ R @ at.U
    cross, other = M.take(terms.rl), Q.take(terms.rl)
    rr, ll = M.take(terms.rr), M.take(terms.ll)
    mixed = cross * other.T
    total = mixed + mixed.T + rr * (Q.take(terms.ll) - ll) + ll * Q.take(terms.rr)
    return np.asarray((total - cross * cross.T) * terms.both)


def _with_means(at: Implied, block: Array, W: Array) -> Array:
    """Return a (k, k) matrix from its block of covariance parameters and the means' weight."""
    size = len(block) + len(at.paths.means)
    out = np.zeros((size, size))
    out[: len(block), : len(block)] = block
    if at.paths.meanstructure:
        J = mean_jacobian(at)
        out += J.T @ W @ J
    return out


def curvature(at: Implied, P: Array, v: Array) -> Array:
    """Return the (k, k) second derivatives through sigma and mu: ``tr(P d2Sigma)/2 + v' d2mu``."""
    paths, E, V, xi = at.paths, at.E, at.V, at.xi
    p = paths.p
    G, C = E[:p], V[:p]
    GPG, GPC = G.T @ P @ G, G.T @ P @ C
    i, j = paths.paths.row, paths.paths.col
    na, ns, nm = len(i), len(paths.covs), len(paths.means)
    c = paths.terms.scale[na:]
    out = np.zeros((na + ns + nm, na + ns + nm))
    bi, aj, bj, ia, bs, au, bu, as_ = paths.terms.bend
    back = E.take(bi)  # [ij, ab] = E[b, i]
    crossed = back * GPC.take(aj)
    out[:na, :na] = crossed + crossed.T + V.take(bj) * GPG.take(ia)
    mixed = c[:, None] * (E.take(bs) * GPG.take(au) + E.take(bu) * GPG.take(as_))
    out[na : na + ns, :na] = mixed
    out[:na, na : na + ns] = mixed.T
    if paths.meanstructure:
        g = G.T @ v
        twice = back * np.outer(xi[j], g[i])  # [ij, ab] = E[b, i] xi_j g_a
        out[:na, :na] += twice + twice.T
        by_mean = E[np.ix_(j, paths.means.row)].T * g[i]
        out[na + ns :, :na] += by_mean
        out[:na, na + ns :] += by_mean.T
    return out
