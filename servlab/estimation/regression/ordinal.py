"""What moves an ordered answer up or down: regression by cumulative logits or probits.

statsmodels' OrderedModel stops at 1e-4 of the top, has no weights and no errors of thresholds;
the likelihood here is our own (``cumulative_link``), with its analytic curvature.
"""

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level
from servlab.core.errors import SparseDataWarning
from servlab.core.linalg import Array
from servlab.core.standards import standard
from servlab.estimation.regression.category_models import (
    MOST_CATEGORIES,
    coded,
    fit_checked,
    fit_measures,
    numbered,
    scaled_weights,
    slopes_of,
    term_vif,
)
from servlab.estimation.regression.collinearity import Collinearity, collinearity, warn_of_pairs
from servlab.estimation.regression.cumulative_link import Link
from servlab.estimation.regression.design_checks import (
    INTERCEPT,
    Design,
    build_design,
    check_clusters,
)
from servlab.estimation.regression.design_warnings import few_clusters, warn_of_design
from servlab.estimation.regression.likelihood_errors import (
    hanging_slopes,
    hide,
    parameter_cov,
    resolve_cov_type,
    wald_table,
    with_odds_ratios,
)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class OrdinalResult:
    """A fitted cumulative link model.

    Attributes
    ----------
    outcome : str
        Column left of the tilde.
    categories : Series
        Rows used in each category of the outcome, lowest first.
    unused : tuple of float
        Values that the outcome could have taken (whole numbers between its ends, or declared
        categories) and nobody gave; they cannot be modelled.
    sparse : tuple of float
        Categories with fewer than 5 rows.
    coefficients : DataFrame
        A row a slope: ``estimate`` (positive: higher answers), ``std_error``, ``statistic``,
        ``df``, ``p_value``, ``conf_low``, ``conf_high``, ``odds_ratio``, ``odds_low``,
        ``odds_high`` (logit only) and ``vif``.
    thresholds : DataFrame
        A row a cut point, named ``1|2``: the same columns without odds ratios.
    covariance : DataFrame
        Of all estimates, thresholds first.
    link : str
        ``logit`` or ``probit``.
    loglik, loglik_null : float
        Log-likelihood of the model and of thresholds alone. Under weights: pseudo-likelihoods
        with weights scaled to sum to n.
    aic, bic : float
        NaN under weights, where they have no meaning.
    mcfadden, nagelkerke : float
        Pseudo R squared.
    test : str
        ``likelihood_ratio``, or ``wald`` where errors are robust: the test of all slopes.
    chi2, df, p_value : float
        That test.
    collinear : tuple of tuple of str
        Predictors whose VIF reaches 5 or that correlate .85, each with the one it goes with most.
    undetermined : tuple of str
        Slopes and thresholds that hang on one row or cluster and so have no robust error.
    cov_type : str
        ``classical`` (observed information), ``robust`` or ``cluster``.
    n_clusters : int
        Clusters, 0 without.
    n, n_dropped : int
    n_effective : float
        Kish's effective n under weights; n without.
    conf_level : float
    design : Design
        The rows the model was fitted to, for tests that build on it.
    """

    outcome: str
    categories: pd.Series
    unused: tuple[float, ...]
    sparse: tuple[float, ...]
    coefficients: pd.DataFrame
    thresholds: pd.DataFrame
    covariance: pd.DataFrame
    link: str
    loglik: float
    loglik_null: float
    aic: float
    bic: float
    mcfadden: float
    nagelkerke: float
    test: str
    chi2: float
    df: int
    p_value: float
    collinear: tuple[tuple[str, str], ...]
    undetermined: tuple[str, ...]
    cov_type: str
    n_clusters: int
    n: int
    n_dropped: int
    n_effective: float
    conf_level: float
    design: Design

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told: ``collinear``, ``sparse``, ``unused`` and so on."""
        found = {
            "collinear": self.collinear,
            "sparse": self.sparse,
            "unused": self.unused,
            "few_clusters": few_clusters(self.n_clusters),
            "undetermined": self.undetermined,
            "empty_category": self.design.empty,
        }
        return tuple(name for name, there in found.items() if there)

    def tidy(self) -> pd.DataFrame:
        """Return a row a slope, then a row a threshold; ``component`` says which."""
        parts = [
            self.coefficients.reset_index(names="term").assign(component="slope"),
            self.thresholds.reset_index(names="term").assign(component="threshold"),
        ]
        return pd.concat(parts, ignore_index=True)

    def glance(self) -> pd.DataFrame:
        """Return one row for the fit."""
        names = ("loglik", "aic", "bic", "mcfadden", "nagelkerke", "chi2", "df", "p_value")
        row = {name: getattr(self, name) for name in (*names, "n", "n_dropped", "n_effective")}
        return pd.DataFrame([row])


def ordinal_regress(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    link: Link = "logit",
    cov_type: Literal["classical", "robust"] | None = None,
    cluster: str | None = None,
    conf_level: float = 0.95,
) -> OrdinalResult:
    """Fit an ordinal regression: proportional odds, or ordered probit.

    Parameters
    ----------
    formula : str
        ``"satisfaction ~ staff + `wait (min)` + C(branch)"``; the outcome holds ordered numbers.
    data : DataFrame
        A row a respondent; rows with a missing value in a column used are dropped and counted.
    weights : str, optional
        Column of probability weights; errors are then robust.
    link : {"logit", "probit"}
        Proportional odds [mccullagh1980]_, or a normal latent answer.
    cov_type : {"classical", "robust"}, optional
        Errors from the observed information, or robust; robust under weights by default.
    cluster : str, optional
        Column of clusters (branches, interviewers): errors robust to dependence within them,
        t tests on clusters - 1.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    OrdinalResult

    Raises
    ------
    ModelError
        For a text outcome, one of more than 50 values, an unknown column, a constant or exactly
        collinear predictor, a predictor equal to the outcome, too few rows.
    SeparationError
        Under complete or quasi-complete separation; it names the predictors.

    Warns
    -----
    CollinearityWarning
        When a variance inflation factor reaches 5.
    SparseDataWarning
        When a category has fewer than 5 rows.

    Notes
    -----
    P(Y <= j) = F(theta_j - x'b): positive slopes go with higher answers, as in R's polr and clm.
    Values that nobody gave are no categories of the model. Two categories are logistic
    regression with the intercept -theta. McFadden's R2 is 1 - l / l0; Nagelkerke's is Cox and
    Snell's over its largest value. Robust errors carry n / (n - 1), those by clusters
    G / (G - 1), as R's survey and sandwich have them.

    References
    ----------
    mccullagh1980, pratt1981, binder1983.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1, 2, 1, 3, 2, 3, 3, 2] * 5, "x": [1, 2, 2, 3, 1, 3, 2, 3] * 5})
    >>> round(float(sl.ordinal_regress("y ~ x", data).coefficients.loc["x", "odds_ratio"]), 2)
    4.88
    """
    check_choice("link", link, ("logit", "probit"))
    check_conf_level(conf_level)
    kind = resolve_cov_type(cov_type, weights, cluster, ("classical", "robust"))
    data, declared = numbered(formula, data)
    design = build_design(formula, data, weights=weights, cluster=cluster)
    check_clusters(design, cluster)
    values, k = coded(design)
    X, labels = slopes_of(design, len(values))
    overlap = collinearity(design)
    w = scaled_weights(design)
    fit = fit_checked(k, X, w, link, labels, design.aliased.outcome)
    cov, df = parameter_cov(fit.information, fit.scores, w, design.cluster, kind)
    categories = pd.Series(np.bincount(k), index=values, name="n")
    unused = _unused(values, declared)
    _warn(categories, overlap)
    cuts = [f"{_plain(a)}|{_plain(b)}" for a, b in pairwise(values)]
    m = len(cuts)
    undetermined = hanging_slopes(design, kind)
    if INTERCEPT in undetermined:  # the thresholds are the intercepts here
        undetermined = [*cuts, *(name for name in undetermined if name != INTERCEPT)]
    warn_of_design(
        undetermined,
        empty=design.empty,
        n_clusters=design.n_clusters,
        cluster=cluster,
        stacklevel=3,
    )
    cov = hide(cov, [*cuts, *labels], undetermined)
    slopes = wald_table(fit.b, cov[m:, m:], df, labels, conf_level)
    if link == "logit":
        slopes = with_odds_ratios(slopes)
    names = [*cuts, *labels]
    return OrdinalResult(
        outcome=design.aliased.outcome,
        categories=categories,
        unused=unused,
        sparse=tuple(float(v) for v in _few(categories).index),
        coefficients=slopes.assign(vif=term_vif(design, overlap)),
        thresholds=wald_table(fit.theta, cov[:m, :m], df, cuts, conf_level),
        covariance=pd.DataFrame(cov, index=names, columns=names),
        link=link,
        **fit_measures(fit, k, w, cov[m:, m:], kind, weights),
        collinear=overlap.pairs,
        undetermined=tuple(undetermined),
        cov_type=kind,
        n_clusters=design.n_clusters,
        n=len(k),
        n_dropped=design.n_dropped,
        n_effective=design.n_effective,
        conf_level=conf_level,
        design=design,
    )


def _unused(values: Array, declared: tuple[float, ...]) -> tuple[float, ...]:
    """Return the values that the outcome could have taken and nobody gave."""
    whole = np.all(values == np.round(values)) and values[-1] - values[0] <= MOST_CATEGORIES
    possible = declared or (np.arange(values[0], values[-1] + 1).tolist() if whole else [])
    return tuple(float(v) for v in possible if v not in values)


def _plain(value: float) -> str:
    return f"{value:g}"


def _few(categories: pd.Series) -> pd.Series:
    """Return the categories whose thresholds are not to be trusted, with their rows."""
    return categories[categories < standard("category_rows").value]


def _warn(categories: pd.Series, overlap: Collinearity) -> None:
    """Warn of near-collinear predictors and of categories with few rows."""
    warn_of_pairs(overlap.pairs, overlap.by_term["vif"], stacklevel=4)
    few = _few(categories)
    if len(few):
        fewest = f"{standard('category_rows').value:.0f}"
        named = ", ".join(f"{_plain(float(value))} ({count})" for value, count in few.items())  # type: ignore[arg-type]
        warnings.warn(
            SparseDataWarning(
                f"categories with fewer than {fewest} rows: {named}. Their thresholds are not to "
                "be trusted; merge them with a neighbour.",
                key="sparse_categories",
                values={"categories": named, "fewest": fewest},
            ),
            stacklevel=3,
        )
