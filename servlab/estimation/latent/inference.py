"""How sure are the estimates, and does the model fit? Covariances of estimates, scaled tests."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from servlab.core.brief import brief
from servlab.core.errors import NotIdentifiedError
from servlab.core.linalg import Array
from servlab.estimation.latent.casewise import (
    Meat,
    add_complete,
    add_given_covariates,
    add_incomplete,
    conditional,
    covariance_reference,
    fourth_moment,
    fourth_moment_given,
)
from servlab.estimation.latent.compile import Restrictions, independent
from servlab.estimation.latent.discrepancy import NormalPoint
from servlab.estimation.latent.engine import Setup, make_setup, saturated_paths
from servlab.estimation.latent.fiml import PatternPoint
from servlab.estimation.latent.optimize import Directions, Place, active

SURE = 1e-3  # pivots of its root from which on no eigenvalue needs a look
UNIDENTIFIED = 1e-10  # smallest eigenvalue of an information scaled to a unit diagonal


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """What a chi-square is divided by: ``factor``.

    ``h1`` is the saturated model's mean factor a statistic, ``trace`` the model's own trace.
    """

    factor: float
    h1: float = float("nan")
    trace: float = float("nan")


def free_directions(restrictions: Restrictions, theta: Array) -> Array:
    """Return a (q, r) basis of the directions in which estimates can move."""
    if restrictions.simple:
        return restrictions.K
    slopes = active(restrictions, theta)[1] @ restrictions.K
    slopes = slopes[independent(list(slopes))]
    return restrictions.K @ linalg.null_space(slopes) if len(slopes) else restrictions.K


def check_identified(place: Place, K: Array, names: tuple[str, ...]) -> None:
    """Raise ``NotIdentifiedError`` naming the parameters that the data cannot tell apart."""
    info = Directions.of(K).square(place.expected())
    scale = np.sqrt(np.maximum(np.diag(info), 0))
    dead = np.flatnonzero(scale < 1e-9)
    if len(dead):
        lost = [names[i] for i in np.flatnonzero(np.abs(K[:, dead[0]]) > 1e-6)]
        raise NotIdentifiedError(
            f"the model is not identified: nothing in the data depends on {', '.join(lost[:3])}; "
            "fix it to a value, or leave it out."
        )
    scaled = info / np.outer(scale, scale)
    root, failed = lapack.dpotrf(scaled, lower=1)
    if not failed and np.diag(root).min() > SURE:
        return
    values, vectors = np.linalg.eigh(scaled)
    if values[0] > UNIDENTIFIED:
        return
    weight = np.abs(K @ (vectors[:, 0]))
    worst = [names[i] for i in np.argsort(-weight)[:3] if weight[i] > 0.1 * weight.max()]
    raise NotIdentifiedError(
        f"the model is not identified: {', '.join(worst)} can change together without changing "
        "what the model implies; fix one of them, or add indicators."
    )


def inverse_in(K: Array, info: Array) -> Array:
    """Return ``K (K' info K)^-1 K'``, the inverse of an information within the free directions."""
    within = Directions.of(K)
    inner = within.square(info)
    scale = np.sqrt(np.abs(np.diag(inner)))
    scaled = inner / np.outer(scale, scale)
    root, failed = lapack.dpotrf(scaled, lower=1)
    if failed:  # an observed information need not be positive definite
        inverse = np.linalg.inv(scaled)
    else:
        lower = lapack.dpotri(root, lower=1)[0]
        inverse = lower + np.tril(lower, -1).T
    return within.spread(inverse / np.outer(scale, scale))


def first_order(setup: Setup, place: Place) -> Array:
    """Return the (q, q) mean cross product of row scores, deviations from the model's moments."""
    meat = Meat(place.problem.size, n_clusters(setup))
    for group, point in enumerate(place.points):
        sample = setup.samples[group]
        if isinstance(point, PatternPoint):
            add_incomplete(meat, point.implied, sample, point.patterns, point.solved)
        elif isinstance(point, NormalPoint):
            center = point.implied.mu if setup.meanstructure else sample.mean
            reference = covariance_reference(point.implied, point.W)
            add_complete(meat, point.implied, sample, point.W, center, reference)
    return meat.result() / setup.n


def n_clusters(setup: Setup) -> int:
    """Return the number of clusters; 0 without any."""
    if setup.samples[0].clusters is None:
        return 0
    return 1 + max(int(s.clusters.max()) for s in setup.samples if s.clusters is not None)


def empirical_meat(setup: Setup, place: Place) -> Array:
    """Return ``Delta' V Gamma V Delta`` with Gamma about the sample's moments (q, q).

    With fixed covariates Gamma is about the moments that they lead to expect.
    """
    meat = Meat(place.problem.size)
    for group, point in enumerate(place.points):
        sample = setup.samples[group]
        if isinstance(point, NormalPoint):
            W = point.W
            if setup.exogenous:
                add_given_covariates(meat, point.implied, sample, W, setup.exogenous)
                continue
            reference = covariance_reference(point.implied, W @ sample.cov @ W)
            add_complete(meat, point.implied, sample, W, sample.mean, reference)
    return meat.result() / setup.n


def satorra_bentler(setup: Setup, place: Place, K: Array, df: int) -> tuple[Scaling, Array]:
    """Return the scaling factor of Satorra and Bentler, and the sandwich's filling [satorra1994]_.

    The trace of ``U Gamma`` over df, with the weight matrix at the model's covariances.
    """
    meat = empirical_meat(setup, place)
    whole = 0.0
    for group, point in enumerate(place.points):
        sample = setup.samples[group]
        if isinstance(point, NormalPoint):
            WS = point.W @ sample.cov
            if setup.exogenous:
                whole += 0.5 * fourth_moment_given(sample, point.W, setup.exogenous)
                left = conditional(sample.cov, setup.exogenous)[1]
                whole += float((point.W * left).sum()) if setup.meanstructure else 0.0
                continue
            whole += 0.5 * (fourth_moment(sample, point.W) - float((WS * WS.T).sum()))
            if setup.meanstructure:
                whole += float(np.trace(WS))
    taken = float((inverse_in(K, place.expected()) * meat).sum())
    return Scaling((whole - taken) / df if df else float("nan")), meat


def yuan_bentler(
    setup: Setup, place: Place, K: Array, df: int, meat: Array, h1_trace: float, *, observed: bool
) -> Scaling:
    """Return the scaling factor as Mplus has it: saturated minus model traces [asparouhov2005]_."""
    info = place.observed() if observed else place.expected()
    taken = float((inverse_in(K, info) * meat).sum())
    moments = setup.n_statistics
    factor = (h1_trace - taken) / df if df else float("nan")
    return Scaling(factor, h1_trace / moments, taken)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Saturated:
    """The model of free means and covariances of incomplete or clustered rows.

    Attributes
    ----------
    place : Place
        Its parameters are, group by group, the covariances row by row of the lower triangle,
        then the means.
    info : array
        Observed information of one row.
    meat : array or None
        Mean cross product of scores, when asked for.
    """

    place: Place
    info: Array
    meat: Array | None

    def acov(self) -> Array | None:
        """Return n times the sampling covariance of the saturated moments, None without any.

        The inverse information, or the sandwich where there are scores.
        """
        try:
            root = np.linalg.cholesky(self.info)
        except np.linalg.LinAlgError:
            return None
        half = linalg.solve_triangular(root, np.eye(len(root)), lower=True)
        inverse = half.T @ half
        return np.asarray(inverse if self.meat is None else inverse @ self.meat @ inverse)


def saturated_model(setup: Setup, names: tuple[str, ...], *, scores: bool) -> Saturated:
    """Return the saturated model's information, and its scores' cross products when asked for."""
    problem, theta = saturated_paths(setup, names)
    place = problem.at(theta)
    if place is None:
        raise NotIdentifiedError("the saturated covariances are not positive definite.")
    return Saturated(place, place.observed(), first_order(setup, place) if scores else None)


def saturated_trace(setup: Setup, names: tuple[str, ...], known: Saturated | None) -> float:
    """Return the trace of the saturated model's inverse information times its scores' products.

    For complete independent rows it is a closed form in Mardia's kurtosis. Fixed covariates take
    their own trace out: the likelihood of the others given them is what is scaled.
    """
    whole = _trace_of_all(setup, names, known)
    return whole - covariate_trace(setup) if setup.exogenous else whole


def covariate_trace(setup: Setup) -> float:
    """Return the same trace of the fixed covariates alone, whose rows are complete."""
    x = list(setup.exogenous)
    samples = []
    for group, sample in enumerate(setup.samples):
        rows = np.ascontiguousarray(setup.rows(group)[:, x])
        samples.append(
            replace(sample, cov=sample.cov[np.ix_(x, x)], mean=sample.mean[x], rows=rows)
        )
    alone = make_setup(
        tuple(samples), estimator="MLR", meanstructure=setup.meanstructure, wishart=False
    )
    return _trace_of_all(alone, tuple(f"x{i}" for i in x), None)


def _trace_of_all(setup: Setup, names: tuple[str, ...], known: Saturated | None) -> float:
    """Return the trace of all variables together."""
    weighted = any(sample.weights is not None for sample in setup.samples)
    if not setup.fiml and not weighted and not n_clusters(setup):
        total = 0.0
        for sample in setup.samples:
            excess = fourth_moment(sample, np.asarray(np.linalg.inv(sample.cov))) - setup.size
            total += 0.5 * excess + (setup.size if setup.meanstructure else 0)
        return total
    if known is None or known.meat is None:
        known = saturated_model(setup, names, scores=True)
    info, meat = known.info, np.asarray(known.meat)
    if not setup.meanstructure:  # the means are not part of what the model is held against
        p, count = setup.size, setup.size * (setup.size + 1) // 2
        keep = np.tile(np.arange(count + p) < count, len(setup.samples))
        info, meat = info[np.ix_(keep, keep)], meat[np.ix_(keep, keep)]
    return float(np.trace(np.linalg.solve(info, meat)))


def trace_of_fit(
    setup: Setup, place: Place, K: Array, estimator: str, observed: bool, names: tuple[str, ...]
) -> float:
    """Return the expectation of a right model's chi-square, at any place: df times the scaling."""
    if estimator == "MLM":
        return satorra_bentler(setup, place, K, 1)[0].factor
    saturated = saturated_model(setup, names, scores=True) if setup.fiml else None
    h1 = saturated_trace(setup, names, saturated)
    meat = first_order(setup, place)
    return yuan_bentler(setup, place, K, 1, meat, h1, observed=observed).factor
