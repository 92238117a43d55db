"""How much of a score is common to its items, and how much of it is one general factor?

McDonald's omegas: total and hierarchical from several correlated factors (Schmid-Leiman), and
the one of a single factor, for sums with or without weights.
"""

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice
from servlab.core.errors import HeywoodWarning, KeyingWarning, ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.correlation_checks import check_invertible
from servlab.estimation.efa import EfaResult, efa
from servlab.estimation.extraction import Extraction, extract
from servlab.estimation.moments import Kind, Moments, moments
from servlab.estimation.reliability import alpha_from_cov, keyed_against
from servlab.estimation.schmid_leiman import general_loadings, group_shares, schmid_leiman

Denominator = Literal["observed", "model"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class OmegaResult:
    """Omegas of the sum of standardized items from a Schmid-Leiman solution.

    Attributes
    ----------
    total : float
        Share of the sum's variance that all common factors explain, at most 1.
    hierarchical : float
        Share that the general factor alone explains; NaN with one factor, where a general and
        a common factor cannot be told apart.
    asymptotic : float
        ``hierarchical / total``: the general share for endlessly many such items.
    alpha : float
        Standardized alpha of the same items, for comparison.
    loadings : DataFrame
        A row an item: ``g``, the group factors ``F1*`` ..., ``communality``, ``uniqueness``, and
        ``general_share``, the general factor's part of the communality.
    groups : DataFrame
        A row a factor: ``total``, ``general`` and ``group`` shares of the sum of the items that
        load highest on it.
    explained_common : float
        Share of the common variance that is the general factor's.
    negative_items : tuple of str
        Items with a negative general loading: a flag.
    heywood : tuple of str
        Items whose uniqueness is at its bound: a flag.
    kind : str
        ``pearson``: of the answers; ``polychoric``: of the latent responses behind them.
    n, n_dropped : int
        Rows used and lost.
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    total: float
    hierarchical: float
    asymptotic: float
    alpha: float
    loadings: pd.DataFrame
    groups: pd.DataFrame
    explained_common: float
    negative_items: tuple[str, ...]
    heywood: tuple[str, ...]
    kind: Kind
    n: int
    n_dropped: int
    near_singular: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """What must be said beside the result."""
        told = {
            "negative_items": bool(self.negative_items),
            "heywood": bool(self.heywood),
            "latent": self.kind == "polychoric",
            "near_singular": self.near_singular,
        }
        return tuple(name for name, holds in told.items() if holds)

    def tidy(self) -> pd.DataFrame:
        """Return a row a coefficient."""
        terms = ("omega_total", "omega_hierarchical", "omega_asymptotic", "alpha_standardized")
        values = (self.total, self.hierarchical, self.asymptotic, self.alpha)
        return pd.DataFrame({"term": terms, "estimate": values})

    def glance(self) -> pd.DataFrame:
        """Return one row: the rows and items it rests on."""
        return pd.DataFrame(
            {"n_items": [len(self.loadings)], "n": [self.n], "n_dropped": [self.n_dropped]}
        )


def mcdonald_omega(
    items: pd.DataFrame | Moments,
    *,
    n_factors: int = 3,
    extraction: Extraction = "minres",
    kind: Kind = "pearson",
) -> OmegaResult:
    """Return McDonald's omega total and omega hierarchical.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses, reversed already; rows with missing answers are dropped.
    n_factors : int
        Group factors. With 1 there is omega total only.
    extraction : {"minres", "ml", "paf"}
        Of the group factors, and of the general factor behind them.
    kind : {"pearson", "polychoric"}
        Omega of the answers, or of the latent responses (then no reliability of the sum of the
        answers: that is ``categorical_omega``).

    Returns
    -------
    OmegaResult

    Raises
    ------
    ModelError
        When factors are not identified, or two factors do not correlate positively.

    Warns
    -----
    KeyingWarning
        When an item loads negatively on the general factor.
    HeywoodWarning
        When a uniqueness is at its bound.

    Notes
    -----
    An oblimin solution is given a general factor behind its factors and orthogonalized (Schmid
    and Leiman): ``g = L gamma``, group loadings ``L sqrt(1 - gamma^2)``. Of the sum of
    standardized items with variance ``V``, omega total is ``1 - sum uniqueness / V`` and omega
    hierarchical ``(sum g)^2 / V``. Two factors cannot tell their general loadings apart: both
    are the root of the correlation. psych turns negative items round by itself; here they are
    flagged, since the codebook decides on reversal.

    References
    ----------
    schmid1957; mcdonald1999; zinbarg2005.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> common = rng.standard_normal((400, 1)) + rng.standard_normal((400, 3)).repeat(3, axis=1)
    >>> items = pd.DataFrame(common + rng.standard_normal((400, 9))).add_prefix("x")
    >>> omega = mcdonald_omega(items)
    >>> omega.hierarchical < omega.total
    True
    """
    fit = efa(moments(items, kind=kind), n_factors, extraction=extraction, rotation="oblimin")
    with blas_threads(len(fit.loadings)):
        gamma = general_loadings(fit.factor_cor.to_numpy(), extraction)
        g, group = schmid_leiman(fit.loadings.to_numpy(), gamma)
    return _omega_result(fit, g, group)


def _omega_result(fit: EfaResult, g: Array, group: Array) -> OmegaResult:
    """Put names on a finished Schmid-Leiman solution."""
    m = group.shape[1]
    uniqueness = fit.uniqueness.to_numpy()
    R = fit.moments.cor
    loadings = pd.DataFrame({"g": g}, index=fit.loadings.index)
    for j in range(m):
        loadings[f"F{j + 1}*"] = group[:, j]
    loadings["communality"] = 1 - uniqueness
    loadings["uniqueness"] = uniqueness
    loadings["general_share"] = g**2 / (1 - uniqueness)
    negative = tuple(loadings.index[g < 0])
    if negative:
        warnings.warn(
            KeyingWarning(
                f"Items {list(negative)} load negatively on the general factor; "
                "check in the codebook whether they are reversed.",
                key="negative_general",
                values={"items": ", ".join(map(str, negative))},
            ),
            stacklevel=3,
        )
    total = float(1 - uniqueness.sum() / R.sum())
    hierarchical = float(g.sum() ** 2 / R.sum()) if m > 1 else float("nan")
    return OmegaResult(
        total=total,
        hierarchical=hierarchical,
        asymptotic=hierarchical / total,
        alpha=alpha_from_cov(R),
        loadings=loadings,
        groups=group_shares(R, g, group, uniqueness),
        explained_common=float((g**2).sum() / (1 - uniqueness).sum()) if m > 1 else float("nan"),
        negative_items=negative,
        heywood=fit.heywood,
        kind=fit.moments.kind,
        n=fit.n,
        n_dropped=fit.n_dropped,
        near_singular="near_singular" in fit.flags,
    )


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityCoefficient:
    """One reliability coefficient under its own name.

    Attributes
    ----------
    coefficient : str
        ``congeneric_omega``, ``categorical_omega`` or ``polychoric_alpha``.
    estimate : float
        At most 1.
    describes : str
        ``answers`` (a sum of the answers as given) or ``latent`` (a sum of the latent responses
        behind them, which nobody observes).
    loadings : Series
        (k,) standardized one-factor loadings; empty for alpha.
    heywood : tuple of str
        Items whose uniqueness is at its bound: a flag.
    n, n_dropped : int
        Rows used and lost to missing values.
    negative_items : tuple of str
        Items that covary negatively with the sum of the others: a flag.
    inadmissible : bool
        Whether a polychoric correlation behind it runs to 1 or -1, or all cannot hold at once.
    near_singular : bool
        Whether items nearly copy each other, so that results hang on rounding: a flag.
    """

    coefficient: str
    estimate: float
    describes: str
    loadings: pd.Series
    heywood: tuple[str, ...]
    n: int
    n_dropped: int
    negative_items: tuple[str, ...] = ()
    inadmissible: bool = False
    near_singular: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """What must be said beside the result."""
        told = {
            "heywood": bool(self.heywood),
            "negative_items": bool(self.negative_items),
            "inadmissible": self.inadmissible,
            "near_singular": self.near_singular,
            "latent": self.describes == "latent",
        }
        return tuple(name for name, holds in told.items() if holds)

    def tidy(self) -> pd.DataFrame:
        """Return the coefficient as one row."""
        return pd.DataFrame({"term": [self.coefficient], "estimate": [self.estimate]})

    def glance(self) -> pd.DataFrame:
        """Return the coefficient as one row with the rows it rests on."""
        return self.tidy().assign(n=self.n, n_dropped=self.n_dropped)


def congeneric_omega(
    items: pd.DataFrame | Moments,
    *,
    item_weights: pd.Series | None = None,
    denominator: Denominator = "observed",
) -> ReliabilityCoefficient:
    """Return the reliability of a sum of items that share one factor.

    Parameters
    ----------
    items : DataFrame or Moments
        (n, k) responses in scale points, at least three items, reversed already.
    item_weights : Series, optional
        (k,) weights of the items in the composite, by item name; equal when left out.
    denominator : {"observed", "model"}
        Divide by the composite's variance in the data, or by the model's.

    Returns
    -------
    ReliabilityCoefficient

    Raises
    ------
    ModelError
        For fewer than three items, weights that do not name the items, or singular moments.

    Warns
    -----
    HeywoodWarning
        When a uniqueness is at its bound.
    KeyingWarning
        When an item covaries negatively with the sum of the others.

    Notes
    -----
    One factor by maximum likelihood with loadings ``l`` and residual variances ``u`` in scale
    points: ``(w'l)^2 / w'S w``, or with ``(w'l)^2 + sum w^2 u`` below the line. Equals semTools'
    compRelSEM of a one-factor lavaan model.

    References
    ----------
    mcdonald1999; jorgensen2022.

    Examples
    --------
    >>> import servlab as sl
    >>> items = sl.load_example("servqual").items("perception").iloc[:, :4]
    >>> 0.6 < congeneric_omega(items).estimate < 0.95
    True
    """
    check_choice("denominator", denominator, ("observed", "model"))
    given = moments(items)
    if given.kind != "pearson":
        raise ModelError("congeneric_omega needs covariances; for polychorics: categorical_omega.")
    if len(given.names) < 3:
        raise ModelError(f"one factor needs at least 3 items; got {len(given.names)}.")
    near = check_invertible(given, "congeneric_omega")
    w = _composite_weights(item_weights, given.names)
    found = extract(given.cor, 1, "ml")
    scale = np.sqrt(np.diag(given.cov))
    common = float((w * scale) @ found.loadings[:, 0]) ** 2
    unique = float((w * scale) ** 2 @ found.uniqueness)
    variance = float(w @ given.cov @ w) if denominator == "observed" else common + unique
    heywood = tuple(np.array(given.names)[found.heywood].tolist())
    if heywood:
        warnings.warn(
            HeywoodWarning(
                f"Heywood case: the uniqueness of {list(heywood)} is at its bound; "
                "one factor does not fit these items.",
                key="heywood_one_factor",
                values={"items": ", ".join(heywood)},
            ),
            stacklevel=2,
        )
    loadings = pd.Series(found.loadings[:, 0], index=list(given.names), name="estimate")
    return ReliabilityCoefficient(
        "congeneric_omega",
        common / variance,
        "answers",
        loadings,
        heywood,
        given.n,
        given.n_dropped,
        negative_items=keyed_against(given.cov * np.outer(w, w), given.names, stacklevel=3),
        near_singular=near,
    )


def _composite_weights(item_weights: pd.Series | None, names: tuple[str, ...]) -> Array:
    """Return the (k,) weights in the order of the items."""
    if item_weights is None:
        return np.ones(len(names))
    by_name = item_weights.rename(index=str)
    if set(by_name.index) != set(names) or by_name.isna().any():
        raise ModelError(f"item_weights must give each of the items {list(names)} one number.")
    weights: Array = by_name.loc[list(names)].to_numpy(dtype=float)
    return weights
