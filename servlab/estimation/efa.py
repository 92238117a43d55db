"""Which common factors lie behind the items? Exploratory factor analysis.

Extraction by minimum residuals, maximum likelihood or principal axis, rotation, and the fit
statistics that R's psych reports [revelle2022]_.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, stats

from servlab.core.checks import check_choice, check_count
from servlab.core.errors import HeywoodWarning, ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.extraction import Extraction, extract
from servlab.estimation.moments import Moments, check_invertible, moments
from servlab.estimation.rotation import ROTATIONS, Rotation, rotate

EXTRACTIONS = ("minres", "ml", "paf")


@dataclass(frozen=True, slots=True, eq=False)
class EfaResult:
    """An exploratory factor analysis.

    Attributes
    ----------
    loadings : DataFrame
        (k, m) pattern loadings; factors F1, F2, ... by decreasing column sums of squares, each
        with a positive sum.
    structure : DataFrame
        (k, m) correlations of items and factors.
    factor_cor : DataFrame
        (m, m) factor correlations.
    communality, uniqueness : Series
        (k,) variance that the factors explain and leave; they sum to 1.
    complexity : Series
        (k,) Hofmann's index, (sum l^2)^2 / sum l^4; 1 for a pure item.
    variance : DataFrame
        A row a factor: ``ss_loadings``, ``proportion``, ``cumulative``.
    chi2, df, p_value : float
        Likelihood ratio statistic with Bartlett's correction. Under minres and paf it is the
        ML discrepancy at these loadings, as psych prints it.
    rmsea, rmsea_low, rmsea_high : float
        With its 90 % interval; NaN where df = 0.
    tli, bic : float
    rms_residual : float
        Root mean square of the off-diagonal residual correlations.
    heywood : tuple of str
        Items whose uniqueness is at or under its bound of .005.
    extraction, rotation : str
    moments : Moments
        What the analysis was done from.
    n, n_dropped : int
        Rows used and lost to missing values.
    """

    loadings: pd.DataFrame
    structure: pd.DataFrame
    factor_cor: pd.DataFrame
    communality: pd.Series
    uniqueness: pd.Series
    complexity: pd.Series
    variance: pd.DataFrame
    chi2: float
    df: int
    p_value: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    tli: float
    bic: float
    rms_residual: float
    heywood: tuple[str, ...]
    extraction: str
    rotation: str
    moments: Moments
    n: int
    n_dropped: int

    @property
    def n_factors(self) -> int:
        """Return the number of factors."""
        return self.loadings.shape[1]

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told: ``heywood`` or nothing."""
        return ("heywood",) if self.heywood else ()

    def tidy(self) -> pd.DataFrame:
        """Return a row an item and factor."""
        long = self.loadings.rename_axis(index="item", columns="factor").reset_index()
        table = long.melt(id_vars="item", var_name="factor", value_name="estimate")
        for name in ("communality", "uniqueness", "complexity"):
            table[name] = table["item"].map(getattr(self, name))
        return table

    def glance(self) -> pd.DataFrame:
        """Return one row for the fit."""
        names = (
            "chi2", "df", "p_value", "rmsea", "rmsea_low", "rmsea_high", "tli", "bic", "n",
            "n_dropped",
        )  # fmt: skip
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def efa(
    items: pd.DataFrame | Moments,
    n_factors: int,
    *,
    extraction: Extraction = "minres",
    rotation: Rotation = "oblimin",
) -> EfaResult:
    """Fit an exploratory factor analysis.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses; rows with missing answers are dropped and counted.
    n_factors : int
        Number of factors, with at least 0 degrees of freedom.
    extraction : {"minres", "ml", "paf"}
        Minimum residuals (the same as unweighted least squares), maximum likelihood, or the
        iterated principal axis run to convergence.
    rotation : {"none", "varimax", "quartimax", "oblimin", "quartimin", "promax"}
        From the identity start, as R does.

    Returns
    -------
    EfaResult

    Raises
    ------
    ModelError
        For a constant or duplicated item, fewer rows than items, or too many factors.
    NotConvergedError
        When extraction or rotation does not converge.

    Warns
    -----
    HeywoodWarning
        When a uniqueness is at its bound; the loadings of that item must not be trusted.

    Notes
    -----
    ``loadings @ factor_cor @ loadings.T`` reproduces the unrotated common part after every
    rotation. With ``d`` the ML discrepancy, chi2 = (n - 1 - (2 k + 5) / 6 - 2 m / 3) d on
    ((k - m)^2 - k - m) / 2 degrees of freedom; RMSEA = sqrt(max(chi2 / (df n) - 1 / (n - 1), 0)),
    its interval from the noncentral chi-square, TLI and BIC = chi2 - df log n as psych has
    them [revelle2022]_.

    Examples
    --------
    >>> import servlab as sl
    >>> fit = sl.efa(sl.load_example("servqual").items("perception"), 5)
    >>> fit.loadings.shape, fit.df
    ((22, 5), 131)
    """
    check_choice("extraction", extraction, EXTRACTIONS)
    check_choice("rotation", rotation, ROTATIONS)
    given = moments(items)
    m = _check_factors(given, n_factors)
    with blas_threads(len(given.names)):
        raw = extract(given.cor, m, extraction)
        pattern, factor_cor = rotate(raw.loadings, rotation)
        pattern, factor_cor = order_factors(pattern, factor_cor)
        fit = _fit(given, pattern, factor_cor)
    heywood = tuple(name for name, h in zip(given.names, raw.heywood, strict=True) if h)
    if heywood:
        warnings.warn(
            f"Heywood case: the uniqueness of {', '.join(heywood)} is at its bound; "
            "ask for fewer factors or another extraction before trusting these loadings.",
            HeywoodWarning,
            stacklevel=2,
        )
    return _result(given, pattern, factor_cor, fit, heywood, extraction, rotation)


def _check_factors(given: Moments, n_factors: int) -> int:
    """Return the number of factors, or refuse what cannot be estimated."""
    m = check_count("n_factors", n_factors)
    k = len(given.names)
    if degrees_of_freedom(k, m) < 0:
        most = max(i for i in range(k) if degrees_of_freedom(k, i) >= 0)
        raise ModelError(f"{k} items carry at most {most} factors; got n_factors = {m}.")
    check_invertible(given, "a factor analysis")
    return m


def degrees_of_freedom(k: int, m: int) -> int:
    """Return the degrees of freedom of m factors of k items."""
    return ((k - m) ** 2 - k - m) // 2


def order_factors(pattern: Array, factor_cor: Array) -> tuple[Array, Array]:
    """Return factors by decreasing column sums of squares, each with a positive sum."""
    order = np.argsort(-(pattern**2).sum(axis=0), kind="stable")
    signs = np.where(pattern[:, order].sum(axis=0) < 0, -1.0, 1.0)
    turned = factor_cor[np.ix_(order, order)] * np.outer(signs, signs)
    return pattern[:, order] * signs, turned


def _fit(given: Moments, pattern: Array, factor_cor: Array) -> dict[str, float]:
    """Return the fit statistics of a pattern, as psych computes them."""
    R, n = given.cor, given.n_min_pair
    k, m = pattern.shape
    implied = pattern @ factor_cor @ pattern.T
    residual = R - implied
    off = ~np.eye(k, dtype=bool)
    np.fill_diagonal(implied, 1.0)
    discrepancy = float(
        np.trace(np.linalg.solve(implied, R))
        - np.linalg.slogdet(R)[1]
        + np.linalg.slogdet(implied)[1]
        - k
    )
    df = degrees_of_freedom(k, m)
    chi2 = max(discrepancy * (n - 1 - (2 * k + 5) / 6 - 2 * m / 3), 0.0)
    rmsea, low, high = rmsea_interval(chi2, df, n)
    null_discrepancy = -float(np.linalg.slogdet(R)[1])
    return {
        "chi2": chi2,
        "df": df,
        "p_value": float(stats.chi2.sf(chi2, df)) if df else float("nan"),
        "rmsea": rmsea,
        "rmsea_low": low,
        "rmsea_high": high,
        "tli": _tli(discrepancy, df, null_discrepancy, k, m, n),
        "bic": chi2 - df * np.log(n),
        "rms_residual": float(np.sqrt((residual[off] ** 2).mean())),
    }


def _tli(d: float, df: int, d_null: float, k: int, m: int, n: int) -> float:
    """Return the Tucker-Lewis index from the two discrepancies."""
    if df == 0:
        return float("nan")
    multiplier = n - 1 - (2 * k + 5) / 6 - 2 * m / 3  # psych uses the model's for both
    null, model = d_null * multiplier / (k * (k - 1) / 2), d * multiplier / df
    return float((null - model) / (null - 1))


def rmsea_interval(chi2: float, df: int, n: int) -> tuple[float, float, float]:
    """Return RMSEA with its 90 % interval from the noncentral chi-square, as psych has them."""
    if df == 0:
        nan = float("nan")
        return nan, nan, nan
    point = float(np.sqrt(max(chi2 / (df * n) - 1 / (n - 1), 0.0)))

    def limit(probability: float) -> float:
        def excess(noncentrality: float) -> float:
            return float(stats.ncx2.cdf(chi2, df, noncentrality)) - probability

        if float(stats.chi2.cdf(chi2, df)) < probability:
            return 0.0
        high = max(chi2, 1.0)
        while excess(high) > 0:
            high *= 2
        noncentrality = optimize.brentq(excess, 1e-12, high, xtol=1e-10, rtol=1e-14)
        return float(np.sqrt(noncentrality / ((n - 1) * df)))

    return point, limit(0.95), limit(0.05)


def _result(
    given: Moments,
    pattern: Array,
    factor_cor: Array,
    fit: dict[str, float],
    heywood: tuple[str, ...],
    extraction: str,
    rotation: str,
) -> EfaResult:
    """Return the frozen result with names on every side."""
    factors = [f"F{i + 1}" for i in range(pattern.shape[1])]
    names = list(given.names)
    structure = pattern @ factor_cor
    communality = (structure * pattern).sum(axis=1)
    explained = np.diag(factor_cor @ pattern.T @ pattern)
    share = explained / len(names)
    return EfaResult(
        loadings=pd.DataFrame(pattern, names, factors),
        structure=pd.DataFrame(structure, names, factors),
        factor_cor=pd.DataFrame(factor_cor, factors, factors),
        communality=pd.Series(communality, names, name="communality"),
        uniqueness=pd.Series(1 - communality, names, name="uniqueness"),
        complexity=pd.Series(
            (pattern**2).sum(axis=1) ** 2 / (pattern**4).sum(axis=1), names, name="complexity"
        ),
        variance=pd.DataFrame(
            {"ss_loadings": explained, "proportion": share, "cumulative": share.cumsum()}, factors
        ),
        heywood=heywood,
        extraction=extraction,
        rotation=rotation,
        moments=given,
        n=given.n,
        n_dropped=given.n_dropped,
        chi2=fit["chi2"],
        df=int(fit["df"]),
        p_value=fit["p_value"],
        rmsea=fit["rmsea"],
        rmsea_low=fit["rmsea_low"],
        rmsea_high=fit["rmsea_high"],
        tli=fit["tli"],
        bic=float(fit["bic"]),
        rms_residual=fit["rms_residual"],
    )
