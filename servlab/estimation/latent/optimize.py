"""Which parameter values bring implied moments closest to the sample's?

Fisher scoring with a line search that turns into Newton's method where the exact Hessian is
positive definite, so that it ends with a gradient of rounding size; linear equalities by
reduction, other restrictions by sequential quadratic steps.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from servlab.core.brief import brief
from servlab.core.errors import NotConvergedError
from servlab.core.linalg import Array
from servlab.estimation.latent.compile import Restrictions, independent
from servlab.estimation.latent.discrepancy import Discrepancy, Point
from servlab.estimation.latent.ram import Implied, Ints, Paths, imply

MOST = 500  # iterations; a hundred are rare
CLOSE = 1e-22  # squared distance to the minimum in standard errors of one row, below which to stop
NEXT_TO = 1e-9  # the same, below which no value needs to be compared
ROUGH = 1e-7  # the same before a last Newton step, which squares it
ACCEPTED = 1e-12  # the same, for rounding errors that leave no smaller one


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Discrepancies of all groups as one function of theta (q,).

    Attributes
    ----------
    paths : list of Paths
    parts : list of Discrepancy
    shares : (g,) array
        Weight of each group, in [0, 1].
    size : int
        q.
    """

    paths: list[Paths]
    parts: list[Discrepancy]
    shares: Array
    size: int

    @property
    def plain(self) -> bool:
        """Whether there is one group whose local parameters are theta as it stands."""
        par = self.paths[0].par
        return len(self.paths) == 1 and np.array_equal(par, np.arange(self.size))

    def at(self, theta: Array) -> "Place | None":
        """Return the function at theta, or None where it has no value."""
        points = []
        for paths, part in zip(self.paths, self.parts, strict=True):
            point = part.at(imply(paths, theta))
            if point is None:
                return None
            points.append(point)
        return Place(self, theta, points)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The function at one theta."""

    problem: Problem
    theta: Array
    points: list[Point]

    @property
    def value(self) -> float:
        """The discrepancy."""
        return float(
            sum(s * point.value for s, point in zip(self.problem.shares, self.points, strict=True))
        )

    @property
    def implied(self) -> list[Implied]:
        """The implied moments of each group."""
        return [point.implied for point in self.points]

    def gradient(self) -> Array:
        """Return the (q,) slope."""
        out = np.zeros(self.problem.size)
        for share, paths, point in self._groups():
            out[paths.par] += share * point.gradient()
        return out

    def expected(self) -> Array:
        """Return the (q, q) expected information of one row."""
        return self._sum("expected")

    def observed(self) -> Array:
        """Return the (q, q) second derivatives."""
        return self._sum("observed")

    def _groups(self) -> "zip[tuple[float, Paths, Point]]":
        return zip(self.problem.shares, self.problem.paths, self.points, strict=True)

    def _sum(self, which: str) -> Array:
        if self.problem.plain:
            return np.asarray(getattr(self.points[0], which)())
        out = np.zeros((self.problem.size, self.problem.size))
        for share, paths, point in self._groups():
            out[paths.par[:, None], paths.par] += share * getattr(point, which)()
        return out


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """The basis ``K`` (q, r) of free directions, applied without products where it only sums.

    Attributes
    ----------
    K : (q, r) array
    order, starts : arrays or None
        Where each row of ``K`` has at most one 1: its rows by column, and where columns begin.
    same : bool
        Whether ``K`` is the identity.
    """

    K: Array
    order: Ints | None
    starts: Ints | None
    same: bool = False

    @classmethod
    def of(cls, K: Array) -> "Directions":
        """Return the directions of a basis."""
        if K.shape[0] == K.shape[1] and np.array_equal(K, np.eye(len(K))):
            return cls(K, None, None, same=True)
        row, col = np.nonzero(K)
        if len(np.unique(row)) < len(row) or not (K[row, col] == 1).all():
            return cls(K, None, None)
        ranked = np.argsort(col, kind="stable")
        return cls(K, row[ranked], np.searchsorted(col[ranked], np.arange(K.shape[1])))

    def pull(self, g: Array) -> Array:
        """Return ``K' g``."""
        return g if self.same else np.asarray(self.K.T @ g)

    def push(self, step: Array) -> Array:
        """Return ``K step``."""
        return step if self.same else np.asarray(self.K @ step)

    def square(self, H: Array) -> Array:
        """Return ``K' H K``."""
        if self.same:
            return H
        if self.order is None or self.starts is None:
            return np.asarray(self.K.T @ H @ self.K)
        inner = np.add.reduceat(H[self.order[:, None], self.order], self.starts, axis=0)
        return np.asarray(np.add.reduceat(inner, self.starts, axis=1))

    def spread(self, inverse: Array) -> Array:
        """Return ``K inverse K'``."""
        if self.same:
            return inverse
        if self.order is None or self.starts is None:
            return np.asarray(self.K @ inverse @ self.K.T)
        into = np.zeros(len(self.order), dtype=np.int64)
        into[self.starts[1:]] = 1
        into = np.cumsum(into)
        out = np.zeros((len(self.K), len(self.K)))
        out[self.order[:, None], self.order] = inverse[into[:, None], into]
        return out


def minimise(
    problem: Problem, restrictions: Restrictions, start: Array, *, rough: bool = False
) -> tuple[Place, int]:
    """Return where the discrepancy is least under the restrictions, and the iterations taken.

    Raises
    ------
    NotConvergedError
        When the gradient does not vanish.
    """
    K, base = restrictions.K, restrictions.base
    phi = K.T @ (start - base) / K.sum(axis=0)  # the mean of the starts of equal parameters
    if not restrictions.simple:
        phi = _sequential(problem, restrictions, phi)
        return _on_active(problem, restrictions, phi)
    return newton(problem, K, base + K @ phi, rough=rough)


def newton(problem: Problem, K: Array, theta: Array, *, rough: bool = False) -> tuple[Place, int]:
    """Return the minimum over ``theta + K phi`` and the iterations taken.

    A ``rough`` one is right to about 1e-5 standard errors, which bootstrap draws do not notice.
    """
    within, place = Directions.of(K), problem.at(theta)
    if place is None:
        raise NotConvergedError(
            "the starting values imply covariances that are not positive definite; give start() "
            "values in the model."
        )
    distance = np.inf
    iteration = 0
    for iteration in range(MOST):  # noqa: B007 - told to the caller
        last = distance
        g = within.pull(place.gradient())
        step, distance = _step(place, within, g, near=distance < 0.1)
        if distance < CLOSE or (last < NEXT_TO and distance > 0.5 * last):
            break
        move = within.push(step)
        # next to the minimum differences of values are rounding, and Newton's step is safe
        found = problem.at(place.theta + move) if distance < NEXT_TO else None
        if found is None:
            found = _line_search(problem, place, move, float(g @ step))
        if found is None:
            break
        place = found
        if rough and distance < ROUGH:
            break
    if distance > (ROUGH if rough else ACCEPTED):
        raise NotConvergedError(
            f"the estimates did not converge within {MOST} iterations (squared distance "
            f"{distance:.2g}); simplify the model, or give start() values for its parameters."
        )
    return place, iteration


def _step(place: Place, within: "Directions", g: Array, *, near: bool) -> tuple[Array, float]:
    """Return a step downhill and the squared distance ``g' H^-1 g`` it stands for."""
    if near:
        found = _solve(within.square(place.observed()), g)
        if found is not None:
            return found
    H = within.square(place.expected())
    found = _solve(H, g)
    ridge = 1e-10
    while found is None:
        scale = np.maximum(np.diag(H), 1e-8)
        found = _solve(H + ridge * np.diag(scale), g)
        ridge *= 10
    return found


def _solve(H: Array, g: Array) -> tuple[Array, float] | None:
    """Return ``-H^-1 g`` and ``g' H^-1 g``, or None unless H is clearly positive definite."""
    scale = np.sqrt(np.abs(np.diag(H))) + 1e-150  # whose square is no zero
    root, failed = lapack.dpotrf(H / np.outer(scale, scale), lower=1)
    if failed or np.diag(root).min() < 1e-7:
        return None
    step, _ = lapack.dpotrs(root, -g / scale, lower=1)
    step = step / scale
    return step, -float(step @ g)


def _line_search(problem: Problem, place: Place, move: Array, slope: float) -> Place | None:
    """Return a place further down along ``move``, or None when rounding hides any descent."""
    length = 1.0
    value = place.value
    noise = 1e-15 * max(1.0, abs(value))
    for _ in range(40):
        found = problem.at(place.theta + length * move)
        if found is not None and found.value <= value + 1e-4 * length * slope + noise:
            return found
        length /= 2
    return None


def _sequential(problem: Problem, restrictions: Restrictions, phi: Array) -> Array:
    """Return a first solution under all restrictions, by sequential quadratic programming."""
    K, base = restrictions.K, restrictions.base
    first = problem.at(base + K @ phi)
    if first is None:
        raise NotConvergedError("the starting values imply no positive definite covariances.")
    H = K.T @ first.expected() @ K
    values, vectors = np.linalg.eigh(H)
    turn = vectors / np.sqrt(np.maximum(values, values[-1] * 1e-8))  # the curvature becomes I
    limit = 1e10

    def function(z: Array) -> tuple[float, Array]:
        place = problem.at(base + K @ (phi + turn @ z))
        if place is None:
            return limit, np.zeros(len(z))
        return place.value, turn.T @ (K.T @ place.gradient())

    def as_constraint(kind: str, which: int) -> dict[str, object]:
        functions = restrictions.equal if kind == "eq" else restrictions.at_least
        return {
            "type": kind,
            "fun": lambda z: functions[which](base + K @ (phi + turn @ z))[0],
            "jac": lambda z: turn.T @ (K.T @ functions[which](base + K @ (phi + turn @ z))[1]),
        }

    start = [f(base + K @ phi)[1] @ K for f in restrictions.equal]
    bounds = [as_constraint("eq", i) for i in independent(start)]  # it takes no redundant ones
    bounds += [as_constraint("ineq", i) for i in range(len(restrictions.at_least))]
    from scipy import optimize  # heavy, and needed here only

    found = optimize.minimize(
        function, np.zeros(len(phi)), jac=True, method="SLSQP", constraints=bounds,
        options={"maxiter": 1000, "ftol": 1e-14},
    )  # fmt: skip
    return np.asarray(phi + turn @ found.x)


def active(restrictions: Restrictions, theta: Array) -> tuple[Array, Array]:
    """Return (values, gradients) of the restrictions that hold with equality at theta."""
    values, slopes = [], []
    for function in restrictions.equal:
        value, slope = function(theta)
        values.append(value)
        slopes.append(slope)
    for function in restrictions.at_least:
        value, slope = function(theta)
        if value < 1e-6 * max(1.0, float(np.abs(slope).max())):
            values.append(value)
            slopes.append(slope)
    return np.array(values), np.array(slopes).reshape(len(values), len(theta))


def _on_active(problem: Problem, restrictions: Restrictions, phi: Array) -> tuple[Place, int]:
    """Return the solution after Newton steps on the Lagrangian of the active restrictions."""
    K, base = restrictions.K, restrictions.base
    last = np.inf
    for iteration in range(100):
        theta = base + K @ phi
        place = problem.at(theta)
        if place is None:
            break
        values, slopes = active(restrictions, theta)
        C = slopes @ K
        told = independent(list(C))
        C = C[told]
        g = K.T @ place.gradient()
        multipliers = np.linalg.lstsq(C.T, g, rcond=None)[0] if len(C) else np.zeros(0)
        H = K.T @ place.expected() @ K
        rest = g - C.T @ multipliers if len(C) else g
        size = float(rest @ np.linalg.lstsq(H, rest, rcond=None)[0])
        size += float(np.sum(values**2))
        if size < 1e-20 or (size < 1e-14 and size >= last * 0.5):
            return place, iteration
        last = min(last, size)
        m = len(C)
        system = np.block([[H, -C.T], [C, np.zeros((m, m))]])
        step = np.linalg.lstsq(system, np.concatenate([-g, -values[told]]), rcond=None)[0][
            : len(phi)
        ]
        phi = phi + step
    raise NotConvergedError(
        f"the estimates did not converge under the restrictions "
        f"{'; '.join(restrictions.texts)}; check that they can hold together."
    )
