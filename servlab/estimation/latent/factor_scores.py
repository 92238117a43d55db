"""Where does each respondent stand on the factors? Factor scores of a fitted model."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_result
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.latent.ram import Implied
from servlab.estimation.latent.result import LatentFit

ScoreMethod = Literal["regression", "bartlett"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class LatentScores:
    """Factor scores.

    Attributes
    ----------
    scores : DataFrame
        (n, m), a row a respondent used, with the data's index; in units of the factors.
    determinacy : DataFrame
        (groups, m) correlation of regression scores with their factor, in [0, 1], for a
        respondent who answered everything.
    method : str
    n, n_dropped : int
    """

    scores: pd.DataFrame
    determinacy: pd.DataFrame
    method: str
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a group and factor with the determinacy of its scores."""
        long = self.determinacy.rename_axis(index="group", columns="factor").reset_index()
        return long.melt(id_vars="group", var_name="factor", value_name="estimate")


def factor_scores(fit: LatentFit, *, method: ScoreMethod = "regression") -> LatentScores:
    """Estimate each respondent's factors.

    Parameters
    ----------
    fit : LatentFit
        Of rows, not of Moments.
    method : {"regression", "bartlett"}
        The conditional mean given the answers (smallest error, drawn toward the mean), or
        Bartlett's (unbiased, for factors measured by items).

    Returns
    -------
    LatentScores
        Under FIML each respondent's scores use the answers given.

    Raises
    ------
    ModelError
        When the fit has no rows; for Bartlett's scores, when a factor has no items of its own
        (second order), a residual variance is not positive, or a respondent answered too little.

    Notes
    -----
    Regression: ``E(eta) + cov(eta, y) Sigma^-1 (y - mu)``. Bartlett:
    ``(L' Theta^-1 L)^-1 L' Theta^-1 (y - nu)``. Without a mean structure factors have mean 0
    over the rows. Observed outcomes of a factor count among its items, where lavaan's Bartlett
    scores use those of ``=~`` only. Scores of uncertain factors are no measurements: see the
    determinacy.

    References
    ----------
    bollen1989.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> found = sl.factor_scores(sl.cfa(survey.instrument, survey))
    >>> found.scores.shape[1]
    5
    """
    check_result("fit", fit, LatentFit, "cfa() or sem()")
    check_choice("method", method, ("regression", "bartlett"))
    if not fit.latent:
        raise ModelError("the model has no factor to score; define one with =~.")
    parts, rows = [], []
    with blas_threads(fit.setup.size):
        for group, at in enumerate(fit.place.implied):
            sample = fit.setup.samples[group]
            X = fit.setup.rows(group)
            mu = at.mu if fit.table.meanstructure else sample.mean
            parts.append(_scores(at, X - mu, method, len(fit.latent)))
            index = sample.index if sample.index is not None else np.arange(len(X))
            rows.append(pd.DataFrame(parts[-1], index=index, columns=list(fit.latent)))
        determinacy = np.array([_determinacy(at) for at in fit.place.implied])
    labels = list(fit.table.group_labels)
    return LatentScores(
        scores=pd.concat(rows),
        determinacy=pd.DataFrame(determinacy, labels, list(fit.latent)),
        method=method,
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _scores(at: Implied, D: Array, method: ScoreMethod, m: int) -> Array:
    """Return (n, m) scores of rows with deviations D, patterns of missing answers one by one."""
    out = np.zeros((len(D), m))
    seen = ~np.isnan(D)
    patterns, which = np.unique(seen, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        mine = which.ravel() == number
        items = np.flatnonzero(pattern)
        weights = _weights(at, items, method)
        out[mine] = D[np.ix_(mine, items)] @ weights.T
    return out + at.xi[at.paths.p :]


def _weights(at: Implied, items: np.ndarray, method: ScoreMethod) -> Array:
    """Return (m, items) weights of deviations."""
    p = at.paths.p
    if method == "regression":
        cross = at.V[p:, :p][:, items]
        return np.asarray(np.linalg.solve(at.sigma[np.ix_(items, items)], cross.T).T)
    L, theta = measurement(at)
    L, theta = L[items], theta[np.ix_(items, items)]
    try:
        root = np.linalg.cholesky(theta)
    except np.linalg.LinAlgError:
        raise ModelError(
            "Bartlett's scores need positive residual variances; use method='regression'."
        ) from None
    half = np.linalg.solve(root, L)
    inner = half.T @ half
    if np.linalg.matrix_rank(inner) < len(inner):
        raise ModelError(
            "Bartlett's scores need answers to items of every factor, and a factor of factors "
            "has none; use method='regression'."
        )
    return np.asarray(np.linalg.solve(inner, np.linalg.solve(root.T, half).T))


def measurement(at: Implied) -> tuple[Array, Array]:
    """Return (p, m) effects of the factors on the items, and the (p, p) residual covariances.

    Effects of observed variables on each other are solved for.
    """
    p = at.paths.p
    total = at.E
    # the items' own reduced form: what reaches them from outside without passing a factor
    inner = np.linalg.inv(total)
    own = np.linalg.inv(inner[:p, :p])
    return -own @ inner[:p, p:], own @ at.S[:p, :p] @ own.T


def _determinacy(at: Implied) -> Array:
    """Return (m,) correlations of regression scores and factors."""
    p = at.paths.p
    cross = at.V[p:, :p]
    explained = (np.linalg.solve(at.sigma, cross.T).T * cross).sum(axis=1)
    variance = np.diag(at.V)[p:]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.clip(explained / variance, 0.0, None)))
