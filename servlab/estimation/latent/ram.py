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

from servlab.core.linalg import Array

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Free entries of one matrix: ``par`` (m,) parameter numbers from 0, at ``row``, ``col``."""

    par: Ints
    row: Ints
    col: Ints

    def __len__(self) -> int:
        return len(self.par)


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """The paths of one group, compiled from a parameter table.

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

    @property
    def par(self) -> Ints:
        """Return the parameter numbers of the local order: paths, covariances, means."""
        return np.concatenate([self.paths.par, self.covs.par, self.means.par])

    def terms(self) -> tuple[Ints, Ints, Array]:
        """Return (left, right, coefficient) of the parameters that move covariances."""
        t = len(self.names)
        left = np.concatenate([self.paths.row, self.covs.row])
        right = np.concatenate([self.paths.col + t, self.covs.col])
        half = np.where(self.covs.row == self.covs.col, 0.5, 1.0)
        return left, right, np.concatenate([np.ones(len(self.paths)), half])


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
    """

    paths: Paths
    E: Array
    V: Array
    xi: Array
    S: Array

    @property
    def sigma(self) -> Array:
        """The (p, p) covariances of the observed variables."""
        p = self.paths.p
        return self.V[:p, :p]

    @property
    def mu(self) -> Array:
        """The (p,) means of the observed variables."""
        return self.xi[: self.paths.p]

    def columns(self) -> Array:
        """Return ``U`` (p, 2 t), whose outer products are the derivatives of sigma."""
        p = self.paths.p
        return np.concatenate([self.E[:p], self.V[:p]], axis=1)

    def all_columns(self) -> Array:
        """Return ``U`` (t, 2 t) for the covariances of all variables."""
        return np.concatenate([self.E, self.V], axis=1)


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
    E = np.linalg.inv(np.eye(len(A)) - A)  # total effects are wanted themselves
    V = E @ S @ E.T
    return Implied(paths, np.asarray(E), (V + V.T) / 2, np.asarray(E @ a), S)


def mean_jacobian(at: Implied) -> Array:
    """Return (p, k) derivatives of the observed means by the local parameters."""
    paths, G = at.paths, at.E[: at.paths.p]
    by_path = G[:, paths.paths.row] * at.xi[paths.paths.col]
    by_cov = np.zeros((paths.p, len(paths.covs)))
    return np.concatenate([by_path, by_cov, G[:, paths.means.row]], axis=1)


def cov_jacobian(at: Implied, rows: Ints, cols: Ints) -> Array:
    """Return (len(rows), k) derivatives of sigma's entries (rows, cols)."""
    U = at.columns()
    left, right, c = at.paths.terms()
    moved = c * (
        U[np.ix_(rows, left)] * U[np.ix_(cols, right)]
        + U[np.ix_(rows, right)] * U[np.ix_(cols, left)]
    )
    return np.concatenate([moved, np.zeros((len(rows), len(at.paths.means)))], axis=1)


def variance_jacobian(at: Implied) -> Array:
    """Return (t, k) derivatives of the variances of all variables."""
    U = at.all_columns()
    left, right, c = at.paths.terms()
    moved = 2 * c * U[:, left] * U[:, right]
    return np.concatenate([moved, np.zeros((len(U), len(at.paths.means)))], axis=1)


def gradient(at: Implied, P: Array, v: Array) -> Array:
    """Return (k,) derivatives of a function whose differential is ``tr(P dSigma)/2 + v' dmu``."""
    left, right, c = at.paths.terms()
    U = at.columns()
    by_cov = c * ((U[:, left].T @ P) * U[:, right].T).sum(axis=1)
    out: Array = np.concatenate([by_cov, np.zeros(len(at.paths.means))])
    if at.paths.meanstructure:
        out += mean_jacobian(at).T @ v
    return out


def information(at: Implied, W: Array) -> Array:
    """Return the (k, k) matrix ``tr(W dSigma_k W dSigma_l) / 2 + dmu_k' W dmu_l``."""
    left, right, c = at.paths.terms()
    U = at.columns()
    M = U.T @ W @ U
    cross = M[np.ix_(right, left)]
    block = cross * cross.T + M[np.ix_(right, right)] * M[np.ix_(left, left)]
    return _with_means(at, block * np.outer(c, c), W)


def _with_means(at: Implied, block: Array, W: Array) -> Array:
    """Return a (k, k) matrix from its block of covariance parameters and the means' weight."""
    size = len(block) + len(at.paths.means)
    out = np.zeros((size, size))
    out[: len(block), : len(block)] = block
    if at.paths.meanstructure:
        J = mean_jacobian(at)
        out += J.T @ W @ J
    return out


def weighted_cross(at: Implied, W: Array, R: Array) -> Array:
    """Return the (k, k) matrix ``tr(dSigma_k W dSigma_l R)`` of covariance parameters."""
    left, right, c = at.paths.terms()
    U = at.columns()
    M, Q = U.T @ W @ U, U.T @ R @ U
    rl, lr = np.ix_(right, left), np.ix_(left, right)
    rr, ll = np.ix_(right, right), np.ix_(left, left)
    total = M[rl] * Q[lr] + M[rr] * Q[ll] + M[ll] * Q[rr] + M[lr] * Q[rl]
    return np.asarray(total * np.outer(c, c))


def curvature(at: Implied, P: Array, v: Array) -> Array:
    """Return the (k, k) second derivatives through sigma and mu: ``tr(P d2Sigma)/2 + v' d2mu``."""
    paths, E, V, xi = at.paths, at.E, at.V, at.xi
    p = paths.p
    G, C = E[:p], V[:p]
    GPG, GPC = G.T @ P @ G, G.T @ P @ C
    i, j = paths.paths.row, paths.paths.col
    s, u = paths.covs.row, paths.covs.col
    c = np.where(s == u, 0.5, 1.0)
    na, ns, nm = len(i), len(s), len(paths.means)
    out = np.zeros((na + ns + nm, na + ns + nm))
    # two paths i <- j and a <- b: columns run over the second, (a, b)
    back = E[np.ix_(j, i)].T  # [ij, ab] = E[b, i]
    out[:na, :na] = back * GPC[np.ix_(i, j)].T + V[np.ix_(j, j)] * GPG[np.ix_(i, i)]
    out[:na, :na] += (back * GPC[np.ix_(i, j)].T).T
    # a covariance s ~~ u and a path a <- b
    mixed = c[:, None] * (
        E[np.ix_(j, s)].T * GPG[np.ix_(i, u)].T + E[np.ix_(j, u)].T * GPG[np.ix_(i, s)].T
    )
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


def extended(paths: Paths, cells: tuple[Cells, Cells, Cells]) -> Paths:
    """Return the same paths with further entries of A, S and a counted as free."""

    def join(one: Cells, other: Cells) -> Cells:
        return Cells(
            np.concatenate([one.par, other.par]),
            np.concatenate([one.row, other.row]),
            np.concatenate([one.col, other.col]),
        )

    return Paths(
        paths.names,
        paths.p,
        paths.A,
        paths.S,
        paths.a,
        join(paths.paths, cells[0]),
        join(paths.covs, cells[1]),
        join(paths.means, cells[2]),
        paths.meanstructure,
    )
