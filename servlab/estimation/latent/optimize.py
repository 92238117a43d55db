"""Which parameter values bring implied moments closest to the sample's?

Fisher scoring with a line search that turns into Newton's method where the exact Hessian is
positive definite, so that it ends with a gradient of rounding size; linear equalities by
reduction, other restrictions by sequential quadratic steps.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from servlab.core.errors import NotConvergedError
from servlab.core.linalg import Array
from servlab.estimation.latent.compile import Restrictions
from servlab.estimation.latent.discrepancy import Discrepancy, Point
from servlab.estimation.latent.ram import Implied, Paths, imply

MOST = 500  # iterations; a hundred are rare
CLOSE = 1e-22  # squared distance to the minimum in standard errors of one row, below which to stop
ACCEPTED = 1e-12  # the same, for rounding errors that leave no smaller one


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

    def at(self, theta: Array) -> "Place | None":
        """Return the function at theta, or None where it has no value."""
        points = []
        for paths, part in zip(self.paths, self.parts, strict=True):
            point = part.at(imply(paths, theta))
            if point is None:
                return None
            points.append(point)
        return Place(self, theta, points)


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
        out = np.zeros((self.problem.size, self.problem.size))
        for share, paths, point in self._groups():
            out[np.ix_(paths.par, paths.par)] += share * getattr(point, which)()
        return out


def minimise(problem: Problem, restrictions: Restrictions, start: Array) -> tuple[Place, int]:
    """Return where the discrepancy is least under the restrictions, and the iterations taken.

    Raises
    ------
    NotConvergedError
        When the gradient does not vanish.
    """
    K, base = restrictions.K, restrictions.base
    phi = np.asarray(np.linalg.lstsq(K, start - base, rcond=None)[0])
    if not restrictions.simple:
        phi = _sequential(problem, restrictions, phi)
        return _on_active(problem, restrictions, phi)
    return newton(problem, K, base + K @ phi)


def newton(problem: Problem, K: Array, theta: Array) -> tuple[Place, int]:
    """Return the minimum over ``theta + K phi`` and the iterations taken."""
    place = problem.at(theta)
    if place is None:
        raise NotConvergedError(
            "the starting values imply covariances that are not positive definite; give start() "
            "values in the model."
        )
    distance = np.inf
    for iteration in range(MOST):
        g = K.T @ place.gradient()
        step, distance = _step(place, K, g, near=distance < 0.1)
        if distance < CLOSE:
            return place, iteration
        found = _line_search(problem, place, K @ step, float(g @ step))
        if found is None:
            break
        place = found
    if distance > ACCEPTED:
        raise NotConvergedError(
            f"the estimates did not converge within {MOST} iterations (squared distance "
            f"{distance:.2g}); simplify the model, or give start() values for its parameters."
        )
    return place, iteration


def _step(place: Place, K: Array, g: Array, *, near: bool) -> tuple[Array, float]:
    """Return a step downhill and the squared distance ``g' H^-1 g`` it stands for."""
    if near:
        found = _solve(K.T @ place.observed() @ K, g)
        if found is not None:
            return found
    H = K.T @ place.expected() @ K
    found = _solve(H, g)
    ridge = 1e-10
    while found is None:
        scale = np.maximum(np.diag(H), 1e-8)
        found = _solve(H + ridge * np.diag(scale), g)
        ridge *= 10
    return found


def _solve(H: Array, g: Array) -> tuple[Array, float] | None:
    """Return ``-H^-1 g`` and ``g' H^-1 g``, or None unless H is clearly positive definite."""
    scale = np.sqrt(np.abs(np.diag(H))) + 1e-300
    try:
        root = linalg.cholesky(H / np.outer(scale, scale), lower=True, check_finite=False)
    except linalg.LinAlgError:
        return None
    if np.diag(root).min() < 1e-7:
        return None
    half = linalg.solve_triangular(root, g / scale, lower=True, check_finite=False)
    step = -linalg.solve_triangular(root, half, lower=True, trans=1, check_finite=False) / scale
    return step, float(half @ half)


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

    bounds = [as_constraint("eq", i) for i in range(len(restrictions.equal))]
    bounds += [as_constraint("ineq", i) for i in range(len(restrictions.at_least))]
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
        step = np.linalg.lstsq(system, np.concatenate([-g, -values]), rcond=None)[0][: len(phi)]
        phi = phi + step
    raise NotConvergedError(
        f"the estimates did not converge under the restrictions "
        f"{'; '.join(restrictions.texts)}; check that they can hold together."
    )
