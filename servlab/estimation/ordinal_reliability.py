"""How reliable is a sum of ordinal answers?

Categorical omega speaks of the sum as it was answered; polychoric alpha of latent responses
that nobody has seen, and says so.
"""

import warnings

import numpy as np
import pandas as pd
from scipy import optimize, special

from servlab.core.errors import HeywoodWarning, InadmissibleWarning, ModelError
from servlab.core.linalg import Array, smallest_eigenvalue
from servlab.estimation.binormal import binormal_cdf
from servlab.estimation.correlation_checks import SINGULAR
from servlab.estimation.moments import Moments, moments
from servlab.estimation.omega import ReliabilityCoefficient
from servlab.estimation.reliability import alpha_from_cov, keyed_against


def categorical_omega(items: pd.DataFrame | Moments) -> ReliabilityCoefficient:
    """Return the reliability of a sum of ordinal items that share one factor (Green and Yang).

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) ordinal responses, at least three items, reversed already; or polychoric Moments
        with ``acov=True``.

    Returns
    -------
    ReliabilityCoefficient

    Raises
    ------
    ModelError
        For fewer than three items, no more rows than items, a correlation whose precision is not
        known, or Moments that are not polychoric or lack acov.

    Warns
    -----
    HeywoodWarning
        When a loading reaches 1.
    InadmissibleWarning
        When omega exceeds 1: one factor does not fit the items, and the covariance that it
        claims is more than there is.
    KeyingWarning
        When an item correlates negatively with the sum of the others.

    Notes
    -----
    One factor is fitted to the polychoric correlations by diagonally weighted least squares, as
    lavaan's WLSMV does. With loadings ``l``, thresholds ``t`` and the bivariate normal
    distribution function, the covariance of two answers that the factor accounts for is
    ``sum F2(t_j, t_k; l_j l_k) - sum F(t_j) sum F(t_k)``; the whole covariance has the
    polychoric correlation in the place of ``l_j l_k``. Omega is the ratio of their sums. Categories
    count 0, 1, 2, ... in it. Equals semTools' compRelSEM.

    References
    ----------
    green2009, equation 21; jorgensen2022.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> latent = rng.standard_normal((500, 1)) + rng.standard_normal((500, 4))
    >>> items = pd.DataFrame(np.digitize(latent, [-1, 0, 1])).add_prefix("x")
    >>> 0.7 < categorical_omega(items).estimate < 0.85
    True
    """
    given = moments(items, kind="polychoric", acov=True)
    k = len(given.names)
    if k < 3:
        raise ModelError(f"one factor needs at least 3 items; got {k}.")
    if given.thresholds is None or given.acov is None:  # moments() has refused this already
        raise ModelError("categorical_omega needs moments(items, kind='polychoric', acov=True).")
    loadings = one_factor_dwls(given.cor, _precision(given, given.acov))
    common = summed_covariance(given.thresholds, np.outer(loadings, loadings))
    total = summed_covariance(given.thresholds, given.cor)
    _check_at_most_one(common / total)
    series = pd.Series(loadings, index=list(given.names), name="estimate")
    heywood = tuple(series.index[np.abs(loadings) >= 1])
    if heywood:
        warnings.warn(
            HeywoodWarning(
                f"Heywood case: the loading of {list(heywood)} reaches 1; "
                "one factor does not fit these items.",
                key="heywood_one_factor",
                values={"items": ", ".join(map(str, heywood))},
            ),
            stacklevel=2,
        )
    return ReliabilityCoefficient(
        "categorical_omega",
        common / total,
        "answers",
        series,
        heywood,
        given.n,
        given.n_dropped,
        negative_items=keyed_against(given.cor, given.names, stacklevel=3),
        inadmissible=_inadmissible(given) or common > total,
    )


def _check_at_most_one(omega: float) -> None:
    """Warn of a reliability that no sum of answers could have."""
    if omega > 1:
        warnings.warn(
            InadmissibleWarning(
                f"categorical omega is {omega:.3f}, over 1: one factor does not fit these items; "
                "look for more factors, and do not report it.",
                key="omega_above_one",
                values={"value": f"{omega:.3f}"},
            ),
            stacklevel=3,
        )


def _precision(given: Moments, acov: Array) -> Array:
    """Return the precision of the k (k - 1) / 2 correlations, or refuse too few rows."""
    k = len(given.names)
    if given.n <= k:
        raise ModelError(
            f"categorical_omega needs more rows than items; got {given.n} rows of {k} items."
        )
    variance = np.diag(acov)[-k * (k - 1) // 2 :]
    bad = ~(np.isfinite(variance) & (variance > 0))
    if bad.any():
        i, j = (at[int(np.argmax(bad))] for at in np.triu_indices(k, 1))
        raise ModelError(
            f"the precision of the polychoric correlation of {given.names[i]!r} and "
            f"{given.names[j]!r} is not known; leave one of them out or join categories."
        )
    precision: Array = 1 / variance
    return precision


def _inadmissible(given: Moments) -> bool:
    """Return whether the polychoric correlations cannot be what they claim."""
    return bool(given.at_bound) or smallest_eigenvalue(given.cor) < SINGULAR


def polychoric_alpha(items: pd.DataFrame | Moments) -> ReliabilityCoefficient:
    """Return alpha of the polychoric correlations: of latent responses, not of the answers.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) ordinal responses, reversed already, or polychoric Moments.

    Returns
    -------
    ReliabilityCoefficient
        With ``describes = "latent"``: no score that anybody computes has this reliability; for
        the sum of the answers use ``categorical_omega``.

    Warns
    -----
    KeyingWarning
        When an item correlates negatively with the sum of the others.

    References
    ----------
    zumbo2007; chalmers2018.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> latent = rng.standard_normal((500, 1)) + rng.standard_normal((500, 4))
    >>> items = pd.DataFrame(np.digitize(latent, [-1, 0, 1])).add_prefix("x")
    >>> polychoric_alpha(items).describes
    'latent'
    """
    given = moments(items, kind="polychoric")
    empty = pd.Series(dtype=float, name="estimate")
    estimate = alpha_from_cov(given.cor)
    return ReliabilityCoefficient(
        "polychoric_alpha",
        estimate,
        "latent",
        empty,
        (),
        given.n,
        given.n_dropped,
        negative_items=keyed_against(given.cor, given.names, stacklevel=3),
        inadmissible=_inadmissible(given),
    )


def one_factor_dwls(R: Array, precision: Array) -> Array:
    """Return (k,) loadings of one factor, each correlation's misfit weighed by its precision.

    ``precision`` belongs to the pairs 1-2, 1-3, ...
    """
    i, j = np.triu_indices(len(R), 1)
    root = np.sqrt(precision / precision.mean())
    target = R[i, j]
    first = np.linalg.eigh(R)
    start = first[1][:, -1] * np.sqrt(first[0][-1]) * 0.9
    rows = np.arange(len(i))

    def misfit(x: Array) -> Array:
        distance: Array = root * (x[i] * x[j] - target)
        return distance

    def slope(x: Array) -> Array:
        jacobian = np.zeros((len(i), len(x)))
        jacobian[rows, i], jacobian[rows, j] = root * x[j], root * x[i]
        return jacobian

    found = optimize.least_squares(
        misfit, start, jac=slope, method="lm", xtol=1e-14, ftol=1e-14, gtol=1e-14
    ).x
    loadings: Array = found * (-1.0 if found.sum() < 0 else 1.0)
    return loadings


def summed_covariance(thresholds: tuple[Array, ...], C: Array) -> float:
    """Return the sum of all covariances of answers whose latent responses covary as ``C``.

    A diagonal entry of 1 stands for an answer with itself.
    """
    t = np.concatenate(thresholds)
    owner = np.repeat(np.arange(len(thresholds)), [len(part) for part in thresholds])
    share = special.ndtr(t)
    latent = C[np.ix_(owner, owner)]
    same = latent >= 1
    inside = np.clip(np.where(same, 0.0, latent), -1 + 1e-12, 1 - 1e-12)
    both = binormal_cdf(t[:, None], t[None, :], inside)
    both = np.where(same, np.minimum.outer(share, share), both)
    return float(both.sum() - share.sum() ** 2)
