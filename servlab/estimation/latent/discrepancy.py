"""How far are implied moments from the sample's? Discrepancies of one group with derivatives.

Half of each discrepancy function a row, so that its second derivative is the information of
one row: maximum likelihood [joreskog1967]_, normal-theory and unweighted least squares (one
form with weight matrix S^-1 or I) and weighted least squares [browne1984]_. ``fiml`` holds the
likelihood of incomplete rows in the same shape.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import lapack

from servlab.core.brief import brief
from servlab.core.linalg import Array
from servlab.estimation.latent.ram import (
    Implied,
    curvature,
    gradient,
    information,
    likelihood_curvature,
    mean_jacobian,
)
from servlab.estimation.latent.sample import Layout


class Point(Protocol):
    """A discrepancy of one group at some parameter values."""

    @property
    def value(self) -> float:
        """The discrepancy itself."""
        ...

    @property
    def implied(self) -> Implied:
        """The implied moments it was taken at."""
        ...

    def gradient(self) -> Array:
        """Return the (k,) slope by the local parameters."""
        ...

    def expected(self) -> Array:
        """Return the (k, k) expected information, or what takes its place (Gauss-Newton)."""
        ...

    def observed(self) -> Array:
        """Return the (k, k) exact second derivatives."""
        ...


class Discrepancy(Protocol):
    """A discrepancy function of one group."""

    def at(self, implied: Implied) -> Point | None:
        """Return the function there, or None where it has no value."""
        ...


@brief
@dataclass(frozen=True, slots=True, eq=False)
class NormalPoint:
    """Value and slopes of the normal likelihood; ``W`` is the inverse implied covariance."""

    implied: Implied
    value: float
    W: Array
    T: Array
    d: Array

    def slopes(self) -> tuple[Array, Array]:
        """Return (P, v): the differential is ``tr(P dSigma) / 2 + v' dmu``."""
        return self.W - self.W @ self.T @ self.W, -self.W @ self.d

    def gradient(self) -> Array:
        """Return the slope by the local parameters."""
        return gradient(self.implied, *self.slopes())

    def expected(self) -> Array:
        """Return the expected information."""
        return information(self.implied, self.W)

    def observed(self) -> Array:
        """Return the exact second derivatives."""
        at, W = self.implied, self.W
        P, v = self.slopes()
        out = curvature(at, P, v)
        shared = likelihood_curvature(at, W, W @ self.T @ W)
        out[: len(shared), : len(shared)] += shared
        if at.paths.meanstructure:
            out += mean_terms(at, W, -v)
        return out


def mean_terms(at: Implied, W: Array, y: Array) -> Array:
    """Return what the means add to a likelihood's Hessian: theirs, and the mixed terms."""
    terms = at.paths.terms
    left, right, c = terms.left, terms.right, terms.scale
    U, J = at.U, mean_jacobian(at)
    WJ = W @ J
    mixed = c[:, None] * (
        (U[:, left].T @ y)[:, None] * (U[:, right].T @ WJ)
        + (U[:, right].T @ y)[:, None] * (U[:, left].T @ WJ)
    )
    out = J.T @ WJ
    out[: len(mixed)] += mixed
    out[:, : len(mixed)] += mixed.T
    return np.asarray(out)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class NormalLikelihood:
    """Half of ``log|Sigma| - log|S| + tr(S Sigma^-1) - p + (m - mu)' Sigma^-1 (m - mu)``."""

    cov: Array
    mean: Array
    logdet: float

    def at(self, implied: Implied) -> NormalPoint | None:
        """Return the function there, or None where sigma is not positive definite."""
        root, failed = lapack.dpotrf(implied.sigma, lower=1)
        if failed:
            return None
        inverse, _ = lapack.dtrtri(root, lower=1)
        W = inverse.T @ inverse
        p = len(W)
        d = self.mean - implied.mu if implied.paths.meanstructure else np.zeros(p)
        T = self.cov + np.outer(d, d)
        logdet = 2 * np.log(np.diag(root)).sum()
        value = 0.5 * (logdet - self.logdet + (W * T).sum() - p)
        return NormalPoint(implied, float(value), W, T, d)


def normal_likelihood(cov: Array, mean: Array) -> NormalLikelihood:
    """Return the normal likelihood of a (p, p) covariance matrix and (p,) means."""
    return NormalLikelihood(cov, mean, float(np.linalg.slogdet(cov)[1]))


@brief
@dataclass(frozen=True, slots=True, eq=False)
class QuadraticPoint:
    """Value and slopes of least squares with one weight matrix for the covariances."""

    implied: Implied
    value: float
    W: Array
    P: Array
    v: Array
    mean_weight: Array

    def gradient(self) -> Array:
        """Return the slope by the local parameters."""
        return gradient(self.implied, self.P, self.v)

    def expected(self) -> Array:
        """Return the Gauss-Newton matrix."""
        return information(self.implied, self.W)

    def observed(self) -> Array:
        """Return the exact second derivatives."""
        return self.expected() + curvature(self.implied, self.P, self.v)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Quadratic:
    """Half of ``tr((W (S - Sigma))^2) / 2 + (m - mu)' W (m - mu)``: GLS with S^-1, ULS with I."""

    cov: Array
    mean: Array
    W: Array

    def at(self, implied: Implied) -> QuadraticPoint:
        """Return the function there."""
        W = self.W
        d = self.mean - implied.mu if implied.paths.meanstructure else np.zeros(len(W))
        away = W @ (implied.sigma - self.cov)
        value = 0.25 * (away * away.T).sum() + 0.5 * d @ W @ d
        return QuadraticPoint(implied, float(value), W, away @ W, -W @ d, W)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class WeightedPoint:
    """Value and slopes of weighted least squares on the vector of statistics."""

    implied: Implied
    value: float
    away: Array
    J: Array
    weight: Array
    layout: Layout

    def gradient(self) -> Array:
        """Return the slope by the local parameters."""
        return np.asarray(-self.J.T @ (self.weight @ self.away))

    def expected(self) -> Array:
        """Return the Gauss-Newton matrix."""
        return np.asarray(self.J.T @ self.weight @ self.J)

    def observed(self) -> Array:
        """Return the exact second derivatives."""
        e = self.weight @ self.away
        p = self.implied.paths.p
        v = np.zeros(p)
        if self.layout.means:
            v, e = -e[:p], e[p:]
        P = np.zeros((p, p))
        P[self.layout.row, self.layout.col] -= e
        P[self.layout.col, self.layout.row] -= e
        diagonal = self.layout.row == self.layout.col
        P[self.layout.row[diagonal], self.layout.col[diagonal]] = -2 * e[diagonal]
        return self.expected() + curvature(self.implied, P, v)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Weighted:
    """Half of ``(s - sigma)' W (s - sigma)`` with a full weight matrix."""

    statistics: Array
    weight: Array
    layout: Layout

    def at(self, implied: Implied) -> WeightedPoint:
        """Return the function there."""
        away = self.statistics - self.layout.vector(implied.sigma, implied.mu)
        value = 0.5 * away @ self.weight @ away
        J = self.layout.jacobian(implied)
        return WeightedPoint(implied, float(value), away, J, self.weight, self.layout)
