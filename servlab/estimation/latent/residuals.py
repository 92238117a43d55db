"""Where does a model miss the data? Residual covariances and means."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_result
from servlab.core.errors import ModelError
from servlab.core.linalg import Array, cov_to_cor
from servlab.core.threads import blas_threads
from servlab.estimation.latent.engine import LIKELIHOODS, Setup
from servlab.estimation.latent.inference import free_directions, saturated_model
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.sample import statistics_acov, vech_layout

ResidualKind = Literal["raw", "cor", "standardized"]
NOTHING = 1e-9  # share of a statistic's variance below which its residual is always zero


@brief
@dataclass(frozen=True, slots=True, eq=False)
class LatentResiduals:
    """Residuals of a fit.

    Attributes
    ----------
    kind : str
    cov : dict of str to DataFrame
        By group (p, p): observed minus implied covariances, or correlations, or z values.
    mean : dict of str to Series
        By group (p,), where means are modelled.
    n, n_dropped : int
    """

    kind: str
    cov: dict[str, pd.DataFrame]
    mean: dict[str, pd.Series]
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a residual, variances included, the largest size first."""
        parts = []
        for group, frame in self.cov.items():
            row, col = np.tril_indices(len(frame))
            names = frame.columns
            part = {"lhs": names[col], "op": "~~", "rhs": names[row], "group": group}
            parts.append(pd.DataFrame(part | {"estimate": frame.to_numpy()[row, col]}))
        for group, series in self.mean.items():
            part = {"lhs": series.index, "op": "~1", "rhs": "", "group": group}
            parts.append(pd.DataFrame(part | {"estimate": series.to_numpy()}))
        table = pd.concat(parts, ignore_index=True)
        order = table["estimate"].abs().sort_values(ascending=False, kind="stable").index
        return table.loc[order].reset_index(drop=True)


def model_residuals(fit: LatentFit, *, kind: ResidualKind = "cor") -> LatentResiduals:
    """Return what a model leaves of covariances and means.

    Parameters
    ----------
    fit : LatentFit
    kind : {"raw", "cor", "standardized"}
        Observed minus implied; the same of correlations (means in standard deviations); or raw
        residuals over their standard errors, to be read as z values.

    Returns
    -------
    LatentResiduals

    Notes
    -----
    Standard errors of residuals are those of the statistics less what the estimates take up
    (ML and MLM of one group as lavaan's ``resid(fit, "standardized")``), from the rows' own
    fourth moments where the fit's errors are robust. A residual that is zero whatever the data
    is 0. Under FIML the observed moments are the saturated model's.

    References
    ----------
    bollen1989; maydeu2017.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> fit = sl.cfa(survey.instrument, survey)
    >>> float(abs(sl.model_residuals(fit).cov[""]).to_numpy().max()) < 0.2
    True
    """
    check_result("fit", fit, LatentFit, "cfa() or sem()")
    check_choice("kind", kind, ("raw", "cor", "standardized"))
    variances = _variances(fit) if kind == "standardized" else None
    names = list(fit.observed)
    covs, means = {}, {}
    for group, (sample, at) in enumerate(zip(fit.setup.samples, fit.place.implied, strict=True)):
        cov, mean = sample.cov - at.sigma, sample.mean - at.mu
        if kind == "cor":
            cov = cov_to_cor(sample.cov) - cov_to_cor(at.sigma)
            mean = mean / np.sqrt(np.diag(sample.cov))
        if variances is not None:
            cov, mean = _standardized(cov, mean, variances[group], fit.setup)
        covs[sample.label] = pd.DataFrame(cov, names, names)
        if fit.table.meanstructure:
            means[sample.label] = pd.Series(mean, names)
    return LatentResiduals(kind, covs, means, fit.n, fit.n_dropped)


def _standardized(cov: Array, mean: Array, variance: Array, setup: Setup) -> tuple[Array, Array]:
    """Return residuals over their standard errors; ``variance`` in the order of the layout."""
    layout = setup.layout()
    p = setup.size
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(variance > 0, layout.vector(cov, mean) / np.sqrt(variance), 0.0)
    means, entries = (z[:p], z[p:]) if layout.means else (np.zeros(p), z)
    out = np.zeros((p, p))
    out[layout.row, layout.col] = out[layout.col, layout.row] = entries
    return out, means


def _variances(fit: LatentFit) -> list[Array]:
    """Return the sampling variances of each group's residuals, 0 where they never differ from 0."""
    setup = fit.setup
    if setup.estimator == "ULS":
        raise ModelError("standardized residuals of ULS need errors it does not have; use 'MLR'.")
    with blas_threads(setup.size):
        spread, weight = _statistics(fit)
        D = _jacobian(fit) @ free_directions(fit.restrictions, fit.theta)
        E = np.linalg.inv(D.T @ weight @ D)
        Q = np.eye(len(weight)) - D @ (E @ (D.T @ weight))
        left = np.einsum("ij,jk,ik->i", Q, spread, Q, optimize=True)
    left = np.where(left > NOTHING * np.diag(spread), left, 0.0) / setup.scale
    return list(np.split(left, len(setup.samples)))


def _jacobian(fit: LatentFit) -> Array:
    """Return the derivatives of all groups' statistics by theta."""
    layout = fit.setup.layout()
    out = np.zeros((layout.size * len(fit.setup.samples), len(fit.theta)))
    for group, at in enumerate(fit.place.implied):
        rows = slice(group * layout.size, (group + 1) * layout.size)
        out[rows, at.paths.par] = layout.jacobian(at)
    return out


def _statistics(fit: LatentFit) -> tuple[Array, Array]:
    """Return n times the covariance of all groups' statistics, and their weight matrix."""
    setup = fit.setup
    layout = setup.layout()
    size = layout.size
    spread = np.zeros((size * len(setup.samples),) * 2)
    weight = np.zeros_like(spread)
    if setup.fiml:
        return _incomplete_statistics(fit)
    for group, (share, sample, at) in enumerate(
        zip(setup.shares, setup.samples, fit.place.implied, strict=True)
    ):
        block = slice(group * size, (group + 1) * size)
        if setup.estimator == "WLS":
            spread[block, block] = setup.acovs[group] / share
            weight[block, block] = share * np.linalg.inv(setup.acovs[group])
            continue
        center = at.sigma if setup.estimator in LIKELIHOODS else sample.cov
        weight[block, block] = share * np.linalg.inv(normal_acov(center, means=layout.means))
        robust = setup.estimator in ("MLM", "MLR")
        found = statistics_acov(sample, layout) if robust else None
        spread[block, block] = (
            normal_acov(sample.cov, means=layout.means) if found is None else found
        ) / share
    return spread, weight


def _incomplete_statistics(fit: LatentFit) -> tuple[Array, Array]:
    """Return the same of saturated moments of incomplete rows, in the order of the layout."""
    saturated = saturated_model(fit.setup, fit.observed, scores=fit.estimator == "MLR")
    acov = saturated.acov()
    if acov is None:
        raise ModelError("the data do not tell all moments; residuals have no standard errors.")
    p, layout = fit.setup.size, fit.setup.layout()
    row, col = np.tril_indices(p)
    place = np.zeros((p, p), dtype=np.int64)
    place[row, col] = np.arange(len(row))
    one = np.concatenate([len(row) + np.arange(p), place[layout.row, layout.col]])
    order = np.concatenate([one + group * len(one) for group in range(len(fit.setup.samples))])
    pick = np.ix_(order, order)
    return acov[pick], saturated.info[pick]


def normal_acov(sigma: Array, *, means: bool) -> Array:
    """Return n times the sampling covariance of means and covariances of normal rows.

    ``cov(s_ij, s_kl) = sigma_ik sigma_jl + sigma_il sigma_jk``, in the order of the layout.
    """
    layout = vech_layout(len(sigma), means)
    i, j = layout.row, layout.col
    block = sigma[np.ix_(i, i)] * sigma[np.ix_(j, j)] + sigma[np.ix_(i, j)] * sigma[np.ix_(j, i)]
    if not means:
        return np.asarray(block)
    p = len(sigma)
    out = np.zeros((p + len(i),) * 2)
    out[:p, :p], out[p:, p:] = sigma, block
    return out
