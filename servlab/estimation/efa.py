"""Which common factors lie behind the items? Exploratory factor analysis.

Extraction by minimum residuals, maximum likelihood or principal axis, rotation, and the fit
statistics that R's psych reports [revelle2022]_.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_count
from servlab.core.errors import HeywoodWarning, ModelError
from servlab.core.linalg import Array, smallest_eigenvalue
from servlab.core.threads import blas_threads
from servlab.estimation.correlation_checks import NEARLY_SINGULAR, check_invertible
from servlab.estimation.efa_fit import (
    FactorFit,
    degrees_of_freedom,
    factor_fit,
    most_factors,
)
from servlab.estimation.extraction import Extraction, extract
from servlab.estimation.moments import Kind, Moments, moments
from servlab.estimation.rotation import ROTATIONS, Rotated, Rotation, rotate

EXTRACTIONS = ("minres", "ml", "paf")


@brief
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
    fit : FactorFit
        All fit statistics, those above included.
    residual : DataFrame
        (k, k) observed minus reproduced correlations; uniqueness on the diagonal.
    heywood : tuple of str
        Items whose uniqueness is at or under its bound of .005.
    extraction, rotation : str
    criterion : float
        Value of the rotation criterion; NaN where nothing was minimised.
    share_best : float
        Share of the rotation's starts that reached that value, in [0, 1].
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
    fit: FactorFit
    residual: pd.DataFrame
    heywood: tuple[str, ...]
    extraction: str
    rotation: str
    criterion: float
    share_best: float
    moments: Moments
    n: int
    n_dropped: int

    @property
    def n_factors(self) -> int:
        """Return the number of factors."""
        return self.loadings.shape[1]

    @property
    def oblique(self) -> bool:
        """Return whether the factors correlate."""
        off = self.factor_cor.to_numpy() - np.eye(self.n_factors)
        return bool(np.abs(off).max() > 1e-9)

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told.

        ``heywood``; ``pairwise`` (n is rows with any answer, some correlations rest on fewer);
        ``weighted`` (no fit tests); ``polychoric`` (chi-square and what follows from it assume
        normal answers, not ordinal ones); ``near_singular`` (items nearly copy each other).
        """
        told = {
            "heywood": bool(self.heywood),
            "pairwise": self.moments.missing == "pairwise",
            "weighted": self.moments.weighted,
            "polychoric": self.moments.kind == "polychoric",
            "near_singular": smallest_eigenvalue(self.moments.cor) < NEARLY_SINGULAR,
        }
        return tuple(name for name, holds in told.items() if holds)

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
    kind: Kind = "pearson",
    target: pd.DataFrame | None = None,
    n_starts: int = 1,
    seed: int | None = None,
) -> EfaResult:
    """Fit an exploratory factor analysis.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses; rows with missing answers are dropped and counted (give
        ``moments(items, missing="pairwise")`` for pairwise deletion).
    n_factors : int
        Number of factors, with at least 0 degrees of freedom.
    extraction : {"minres", "ml", "paf"}
        Minimum residuals (the same as unweighted least squares), maximum likelihood, or the
        iterated principal axis run to convergence.
    rotation : str
        ``none``; orthogonal ``varimax``, ``quartimax``, ``equamax``, ``geominT``, ``bentlerT``,
        ``targetT``; oblique ``promax``, ``oblimin``, ``quartimin``, ``geominQ``, ``bentlerQ``,
        ``targetQ``.
    kind : {"pearson", "polychoric"}
        Which correlations are analysed.
    target : DataFrame, optional
        (k, m) loadings aimed at by a target rotation, missing where any may be.
    n_starts : int
        Starts of the rotation: the identity, as R does, then random ones.
    seed : int, optional
        Of the random starts; needed when there are any.

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
    Uniquenesses are sought in [.005, 1], as R does. Varimax and promax (power 4) work on rows
    of unit length (Kaiser), the others do not; oblimin has gamma 0, geomin delta .01, equamax
    is Crawford and Ferguson's with kappa m / (2 k).
    ``loadings @ factor_cor @ loadings.T`` reproduces the unrotated common part after every
    rotation. With ``d`` the ML discrepancy, chi2 = (n - 1 - (2 k + 5) / 6 - 2 m / 3) d on
    ((k - m)^2 - k - m) / 2 degrees of freedom; RMSEA = sqrt(max(chi2 / (df n) - 1 / (n - 1), 0)),
    its interval from the noncentral chi-square, TLI and BIC = chi2 - df log n as psych has
    them [revelle2022]_. Under weights their distributions are not known: they are NaN.

    Examples
    --------
    >>> import servlab as sl
    >>> fit = sl.efa(sl.load_example("servqual").items("perception"), 5)
    >>> fit.loadings.shape, fit.df
    ((22, 5), 131)
    """
    check_choice("extraction", extraction, EXTRACTIONS)
    check_choice("rotation", rotation, ROTATIONS)
    n_starts = check_count("n_starts", n_starts)
    if n_starts > 1 and seed is None:
        raise ModelError("n_starts above 1 draws random starts; give a seed, as in seed=1.")
    given = moments(items, kind=kind)
    m = _check_factors(given, n_factors)
    goal = None if target is None else _check_target(target, given.names, m)
    with blas_threads(len(given.names)):
        raw = extract(given.cor, m, extraction)
        turned = rotate(raw.loadings, rotation, target=goal, n_starts=n_starts, seed=seed)
        turned = order_factors(turned)
        fit = factor_fit(
            given.cor, raw.loadings @ raw.loadings.T, m, np.nan if given.weighted else given.n
        )
    heywood = tuple(name for name, h in zip(given.names, raw.heywood, strict=True) if h)
    _warn_heywood(heywood)
    return _result(given, turned, fit, heywood, extraction, rotation)


def _warn_heywood(heywood: tuple[str, ...]) -> None:
    """Warn of items whose uniqueness is at its bound."""
    if heywood:
        warnings.warn(
            HeywoodWarning(
                f"Heywood case: the uniqueness of {', '.join(heywood)} is at its bound; "
                "ask for fewer factors or another extraction before trusting these loadings.",
                key="heywood",
                values={"items": ", ".join(heywood)},
            ),
            stacklevel=3,
        )


def _check_factors(given: Moments, n_factors: int) -> int:
    """Return the number of factors, or refuse what cannot be estimated."""
    m = check_count("n_factors", n_factors)
    k = len(given.names)
    if degrees_of_freedom(k, m) < 0:
        raise ModelError(f"{k} items carry at most {most_factors(k)} factors; got n_factors = {m}.")
    check_invertible(given, "a factor analysis")
    return m


def _check_target(target: pd.DataFrame, names: tuple[str, ...], m: int) -> Array:
    """Return a target's loadings in the order of the items."""
    rows = target.rename(index=str)
    if target.shape != (len(names), m) or set(rows.index) != set(names):
        raise ModelError(
            f"target must be a frame of the {len(names)} items by {m} factors, "
            f"with the items' names as its index; got {target.shape[0]} by {target.shape[1]}."
        )
    goal: Array = rows.loc[list(names)].to_numpy(dtype=float)
    return goal


def order_factors(turned: Rotated) -> Rotated:
    """Return factors by decreasing column sums of squares, each with a positive sum."""
    L, phi = turned.loadings, turned.factor_cor
    order = np.argsort(-(L**2).sum(axis=0), kind="stable")
    signs = np.where(L[:, order].sum(axis=0) < 0, -1.0, 1.0)
    return replace(
        turned,
        loadings=L[:, order] * signs,
        factor_cor=phi[np.ix_(order, order)] * np.outer(signs, signs),
    )


def _result(
    given: Moments,
    turned: Rotated,
    fit: FactorFit,
    heywood: tuple[str, ...],
    extraction: str,
    rotation: str,
) -> EfaResult:
    """Return the frozen result with names on every side."""
    pattern, factor_cor = turned.loadings, turned.factor_cor
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
        chi2=fit.chi2,
        df=fit.df,
        p_value=fit.p_value,
        rmsea=fit.rmsea,
        rmsea_low=fit.rmsea_low,
        rmsea_high=fit.rmsea_high,
        tli=fit.tli,
        bic=fit.bic,
        rms_residual=fit.rms,
        fit=fit,
        residual=pd.DataFrame(given.cor - structure @ pattern.T, names, names),
        criterion=turned.value,
        share_best=turned.share_best,
    )
