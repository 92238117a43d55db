"""Groups that differ in level and in slopes: the kernel of linear multilevel models.

The likelihood needs each group's cross products only, so an evaluation costs the same for a hundred
and for a million respondents a group. statsmodels' MixedLM was measured first (its benchmark is in
benchmarks/): at the boundary its likelihood was infinite, two slopes of unequal scale did not
converge, and its standard errors were off by up to 5 %. Symbols: ``X`` (n, p) fixed and ``Z``
(n, q) random columns, ``Omega = L L'`` (q, q) covariance of the effects over the residual variance
``s2``, ``V = I + Z Omega Z'`` of a group, ``x`` the entries of ``L`` with log(s2) last.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from servlab.core.brief import brief
from servlab.core.errors import ModelError, NotConvergedError

Array = NDArray[np.float64]

SMALL = 1e-2  # an eigenvalue of Omega below this is tried at zero; the likelihood decides
TIE = 1e-7  # deviance that two fits must differ by to be told apart


@brief
@dataclass(frozen=True, slots=True, eq=False)
class RandomSlopes:
    """A fitted linear model with random columns ``Z``, the same for every group.

    Attributes
    ----------
    beta : (p,) array
        Fixed effects.
    cov_beta : (p, p) array
        Their covariance, given the variances.
    random_cov : (q, q) array
        Covariance of the random effects.
    within : float
        Residual variance.
    effects : (G, q) array
        Predicted effects of each group (BLUP).
    effects_cov : (G, q, q) array
        Their conditional covariance given beta, as lme4's ``condVar``.
    loglik : float
        Log-likelihood, restricted where asked for.
    singular : bool
        Whether the likelihood is highest where the effects' covariance has no full rank.
    slopes_beta : (m, p, p) array
        Derivative of ``cov_beta`` in each free variance parameter.
    slopes_random : (m, q, q) array
        Derivative of ``random_cov`` in them.
    slopes_within : (m,) array
        Derivative of ``within`` in them.
    cov_free : (m, m) array
        Covariance of the free variance parameters, from the observed information.
    """

    beta: Array
    cov_beta: Array
    random_cov: Array
    within: float
    effects: Array
    effects_cov: Array
    loglik: float
    singular: bool
    slopes_beta: Array
    slopes_random: Array
    slopes_within: Array
    cov_free: Array

    def satterthwaite(self, contrast: Array) -> float:
        """Return the degrees of freedom of a (p,) contrast of beta [kuznetsova2017]_."""
        v = float(contrast @ self.cov_beta @ contrast)
        g = np.einsum("p,mpr,r->m", contrast, self.slopes_beta, contrast)
        return 2 * v**2 / float(g @ self.cov_free @ g)


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Cross products of each group in orthonormal columns, and the way back.

    ``X = Q R``; ``Z`` likewise, with columns of mean square 1, so that no scale of a predictor
    matters; ``y`` is its least squares residual, of squares ``ee`` and orthogonal to ``Q``.
    """

    ZZ: Array
    ZX: Array
    Zy: Array
    ee: float
    R: Array
    b: Array
    back: Array
    basis: Array
    n: int
    reml: bool

    @property
    def df(self) -> int:
        """Return the divisor of the residual variance."""
        return self.n - (len(self.b) if self.reml else 0)

    def rotated(self, basis: Array) -> "Products":
        """Return the products with the random columns turned by an orthogonal (q, q) basis."""
        return replace(
            self,
            ZZ=basis.T @ self.ZZ @ basis,
            ZX=basis.T @ self.ZX,
            Zy=self.Zy @ basis,
            basis=self.basis @ basis,
        )


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything at one ``L``: Z'V^-1 times Z, X and the residual, by group, and their sums."""

    P: Array
    PX: Array
    r: Array
    A: Array
    delta: Array
    rss: float
    logdet: float


def cross_products(
    y: Array, X: Array, Z: Array, group: NDArray[np.integer], *, reml: bool
) -> Products:
    """Return the cross products that the likelihood needs."""
    n = len(y)
    groups = int(group.max()) + 1
    Q, R = np.linalg.qr(X)
    b = np.linalg.solve(R, Q.T @ y)
    e = y - X @ b
    Zq, Rz = np.linalg.qr(Z)
    Zs = Zq * np.sqrt(n)
    rows = np.column_stack([Zs, Q, e])
    q, p = Z.shape[1], X.shape[1]
    sums = np.empty((groups, q, q + p + 1))
    for i in range(q):
        for j in range(rows.shape[1]):
            sums[:, i, j] = np.bincount(group, Zs[:, i] * rows[:, j], groups)
    return Products(
        ZZ=sums[:, :, :q],
        ZX=sums[:, :, q : q + p],
        Zy=sums[:, :, -1],
        ee=float(e @ e),
        R=R,
        b=b,
        back=np.linalg.solve(Rz / np.sqrt(n), np.eye(q)),
        basis=np.eye(q),
        n=n,
        reml=reml,
    )


def fit_random_slopes(s: Products) -> RandomSlopes:
    """Maximize the (restricted) likelihood, exactly on the boundary where it is highest there.

    A covariance that has lost rank is accepted only where the derivative of the deviance in every
    direction that would restore the rank is not negative (Karush, Kuhn and Tucker).
    """
    q = s.ZZ.shape[1]
    starts = [_descend(s, scale * np.eye(q)) for scale in (1.0, 0.2)]
    x, value = min(starts, key=lambda found: found[1])
    L = _unpack(x, q, q)
    turned, x, value = _polish(s, L @ L.T, q)
    rank = q
    while rank and np.linalg.eigvalsh(_omega(x, q, rank))[-rank] < SMALL:
        lower = _polish(s, _back(turned, x, rank), rank - 1)
        if lower[2] > value + TIE or not _stays(lower[0], lower[1], rank - 1):
            break
        turned, x, value = lower
        rank -= 1
    gradient, H = _curvature(turned, x, rank)
    if np.linalg.eigvalsh(H)[0] <= 0 or gradient @ np.linalg.solve(H, gradient) > 1e-8:
        raise NotConvergedError(
            "the multilevel model did not converge: the likelihood is flat in a variance. Leave "
            "out a random slope, or use more groups."
        )
    return _result(turned, x, rank, value, H)


def linear_loglik(s: Products) -> float:
    """Return the (restricted) log-likelihood without random effects."""
    return -_deviance(s, np.array([np.log(s.ee / s.df)]), 0) / 2


def _unpack(x: Array, q: int, rank: int) -> Array:
    """Return L (q, rank), zero above the diagonal."""
    L = np.zeros((q, rank))
    rows, cols = np.tril_indices(q, 0, rank)
    L[rows, cols] = x[: len(rows)]
    return L


def _omega(x: Array, q: int, rank: int) -> Array:
    L = _unpack(x, q, rank)
    return np.asarray(L @ L.T)


def _back(s: Products, x: Array, rank: int) -> Array:
    """Return Omega in the columns that ``fit_random_slopes`` started from."""
    return np.asarray(s.basis @ _omega(x, len(s.basis), rank) @ s.basis.T)


def _state(s: Products, L: Array) -> State:
    """Return the pieces of likelihood and gradient at L."""
    q = s.ZZ.shape[1]
    omega = L @ L.T
    K = np.eye(q) + s.ZZ @ omega
    solved = np.linalg.solve(K, np.concatenate([s.ZZ, s.ZX, s.Zy[:, :, None]], axis=2))
    P, PX, Py = solved[:, :, :q], solved[:, :, q:-1], solved[:, :, -1]
    half = np.einsum("gqp,qr->grp", s.ZX, omega)
    A = np.eye(len(s.b)) - np.einsum("gqp,gqr->pr", half, PX)
    c = -np.einsum("gqp,gq->p", half, Py)
    delta = np.asarray(np.linalg.solve(A, c))
    rss = s.ee - float(np.einsum("gq,qr,gr->", s.Zy, omega, Py)) - float(c @ delta)
    return State(P, PX, Py - PX @ delta, A, delta, rss, float(np.linalg.slogdet(K)[1].sum()))


def _deviance(s: Products, x: Array, rank: int) -> float:
    """Return -2 log (restricted) likelihood at the entries of L and log(s2)."""
    at = _state(s, _unpack(x, s.ZZ.shape[1], rank))
    if at.rss <= 0:
        return float("inf")
    value = at.logdet + s.df * (np.log(2 * np.pi) + x[-1]) + at.rss / np.exp(x[-1])
    if s.reml:
        value += np.linalg.slogdet(at.A)[1] + 2 * np.log(np.abs(np.diag(s.R))).sum()
    return float(value)


def _omega_slope(s: Products, at: State, s2: float) -> Array:
    """Return the (q, q) derivative of the deviance in Omega at a residual variance."""
    value = at.P.sum(axis=0) - at.r.T @ at.r / s2
    if s.reml:
        value = value - np.einsum(
            "gqp,gpr->qr", at.PX, np.linalg.solve(at.A, np.swapaxes(at.PX, 1, 2))
        )
    return np.asarray((value + value.T) / 2)


def _gradient(s: Products, x: Array, rank: int) -> Array:
    """Return the gradient of the deviance."""
    q = s.ZZ.shape[1]
    L = _unpack(x, q, rank)
    at = _state(s, L)
    s2 = float(np.exp(x[-1]))
    inner = 2 * _omega_slope(s, at, s2) @ L
    return np.append(inner[np.tril_indices(q, 0, rank)], s.df - at.rss / s2)


def _descend(s: Products, L: Array) -> tuple[Array, float]:
    """Return the entries of L that a quasi-Newton descent of the profiled deviance ends at."""
    q = len(L)
    places = np.tril_indices(q)
    bounds = [(0.0, None) if i == j else (None, None) for i, j in zip(*places, strict=True)]

    def profiled(x: Array) -> tuple[float, Array]:
        rss = max(_state(s, _unpack(x, q, q)).rss, 1e-300)
        full = np.append(x, np.log(rss / s.df))
        return _deviance(s, full, q), _gradient(s, full, q)[:-1]

    found = optimize.minimize(
        profiled, L[places], jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-6},
    )  # fmt: skip
    return np.asarray(found.x, dtype=float), float(found.fun)


def _polish(s: Products, omega: Array, rank: int) -> tuple[Products, Array, float]:
    """Return the fit of a rank by Newton's method from a nearby Omega, its largest axes first."""
    values, vectors = np.linalg.eigh(s.basis.T @ omega @ s.basis)
    turned = s.rotated(vectors[:, ::-1])
    L = np.diag(np.sqrt(np.maximum(values[::-1], 1e-8)))[:, :rank]
    rss = _state(turned, L).rss
    x = np.append(L[np.tril_indices(len(L), 0, rank)], np.log(rss / s.df))
    value = _deviance(turned, x, rank)
    for _ in range(30):
        gradient, H = _curvature(turned, x, rank)
        sizes, axes = np.linalg.eigh(H)
        step = axes @ ((axes.T @ gradient) / np.maximum(np.abs(sizes), 1e-8 * sizes[-1]))
        new, value, moved = _shortened(turned, x, step, value, rank)
        x = new
        if not moved or gradient @ step < 1e-18:
            break
    return turned, x, value


def _shortened(
    s: Products, x: Array, step: Array, value: float, rank: int
) -> tuple[Array, float, bool]:
    """Return the first of the halved Newton steps that does not climb."""
    for k in range(20):
        new = x - step / 2**k
        reached = _deviance(s, new, rank)
        if reached <= value + 1e-11 * abs(value):
            return new, reached, True
    return x, value, False


def _differences(f: Callable[[Array], Array], x: Array) -> Array:
    """Return the derivative of f in each entry of x, by central differences of fourth order."""
    rows = []
    for j in range(len(x)):
        h = np.zeros(len(x))
        h[j] = 1e-3 * max(abs(x[j]), 0.1)
        near, far = f(x + h) - f(x - h), f(x + 2 * h) - f(x - 2 * h)
        rows.append((8 * near - far) / (12 * h[j]))
    return np.array(rows)


def _curvature(s: Products, x: Array, rank: int) -> tuple[Array, Array]:
    """Return gradient and Hessian of the deviance."""
    H = _differences(lambda at: _gradient(s, at, rank), x)
    return _gradient(s, x, rank), (H + H.T) / 2


def _stays(s: Products, x: Array, rank: int) -> bool:
    """Return whether no direction outside the range of Omega would lower the deviance."""
    L = _unpack(x, s.ZZ.shape[1], rank)
    slope = _omega_slope(s, _state(s, L), float(np.exp(x[-1])))
    outside = np.linalg.svd(L)[0][:, rank:]
    return bool(np.linalg.eigvalsh(outside.T @ slope @ outside)[0] >= -1e-6 * s.n)


def _result(s: Products, x: Array, rank: int, value: float, H: Array) -> RandomSlopes:
    """Return the fit in the scale of the data."""
    q = s.ZZ.shape[1]
    back_X = np.linalg.solve(s.R, np.eye(len(s.b)))
    back_Z = s.back @ s.basis

    def cov_beta(at: Array) -> Array:
        A = _state(s, _unpack(at, q, rank)).A
        return np.asarray(np.exp(at[-1]) * back_X @ np.linalg.solve(A, back_X.T))

    def random_cov(at: Array) -> Array:
        return np.asarray(np.exp(at[-1]) * back_Z @ _omega(at, q, rank) @ back_Z.T)

    L = _unpack(x, q, rank)
    at = _state(s, L)
    s2 = float(np.exp(x[-1]))
    inner = np.linalg.solve(
        np.eye(rank) + L.T @ s.ZZ @ L, np.broadcast_to(L.T, (len(s.ZZ), rank, q))
    )
    m = len(x)
    return RandomSlopes(
        beta=s.b + back_X @ at.delta,
        cov_beta=cov_beta(x),
        random_cov=random_cov(x),
        within=s2,
        effects=at.r @ (L @ L.T) @ back_Z.T,
        effects_cov=s2 * back_Z @ (L @ inner) @ back_Z.T,
        loglik=-value / 2,
        singular=rank < q,
        slopes_beta=_differences(cov_beta, x),
        slopes_random=_differences(random_cov, x),
        slopes_within=np.append(np.zeros(m - 1), s2),
        cov_free=np.asarray(2 * np.linalg.solve(H, np.eye(m)), dtype=np.float64),
    )


def check_random_columns(Z: Array, names: tuple[str, ...], group: NDArray[np.integer]) -> None:
    """Refuse random slopes that no group can show."""
    counts = np.bincount(group)
    for j, name in enumerate(names):
        means = np.bincount(group, Z[:, j]) / np.maximum(counts, 1)
        if np.abs(Z[:, j] - means[group]).max() <= 1e-10 * np.abs(Z[:, j]).max():
            raise ModelError(
                f"{name!r} is constant within every group, so no group can show a slope of its "
                "own; leave it out of random."
            )
