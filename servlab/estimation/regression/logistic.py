"""What goes with a yes: logistic regression, for top-box answers and other events.

The fit is the two-category case of the ordinal model (``cumulative_link``), so that both give
the same numbers; the checks of separation and collinearity are the same too.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import special, stats

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import ModelError, SmallSampleWarning
from servlab.core.linalg import Array
from servlab.core.standards import standard
from servlab.estimation.regression.category_models import (
    coded,
    fit_checked,
    fit_measures,
    numbered,
    scaled_weights,
    slopes_of,
    term_vif,
)
from servlab.estimation.regression.collinearity import collinearity, warn_of_pairs
from servlab.estimation.regression.cumulative_link import Codes
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

GROUPS = 10  # of Hosmer and Lemeshow's test


@brief
@dataclass(frozen=True, slots=True, eq=False)
class LogisticResult:
    """A fitted logistic regression.

    Attributes
    ----------
    outcome : str
        Column left of the tilde.
    event : float
        The value of the outcome whose probability is modelled: the larger of the two.
    n_events : int
        Rows with that value.
    coefficients : DataFrame
        A row a term, the intercept first: ``estimate`` (log odds), ``std_error``, ``statistic``,
        ``df``, ``p_value``, ``conf_low``, ``conf_high``, ``odds_ratio``, ``odds_low``,
        ``odds_high`` and ``vif``.
    covariance : DataFrame
        Of the estimates.
    loglik, loglik_null, aic, bic, mcfadden, nagelkerke : float
        As in an ordinal model; the criteria are NaN under weights.
    tjur : float
        Mean fitted probability of events minus that of the others [tjur2009]_.
    roc_area : float
        Probability that an event has the higher fitted probability than a non-event; ties count
        half. In the sample that was fitted, so flattering.
    hosmer_lemeshow, hosmer_df, hosmer_p : float
        Calibration by tenths of fitted probability [hosmer1980]_; NaN under weights or where
        ties leave fewer than three groups.
    test, chi2, df, p_value : str, float, int, float
        Test of all slopes: ``likelihood_ratio``, or ``wald`` where errors are robust.
    fitted : Series
        Fitted probability of each row used.
    collinear : tuple of tuple of str
    undetermined : tuple of str
        Slopes that hang on one cluster and so have no robust error.
    few_events : bool
        Fewer than 10 events (or non-events) a slope [peduzzi1996]_.
    cov_type : str
        ``classical``, ``robust``, ``HC3`` or ``cluster``.
    n_clusters, n, n_dropped : int
    n_effective, conf_level : float
    design : Design
        The rows the model was fitted to.
    """

    outcome: str
    event: float
    n_events: int
    coefficients: pd.DataFrame
    covariance: pd.DataFrame
    loglik: float
    loglik_null: float
    aic: float
    bic: float
    mcfadden: float
    nagelkerke: float
    tjur: float
    roc_area: float
    hosmer_lemeshow: float
    hosmer_df: int
    hosmer_p: float
    test: str
    chi2: float
    df: int
    p_value: float
    fitted: pd.Series
    collinear: tuple[tuple[str, str], ...]
    undetermined: tuple[str, ...]
    few_events: bool
    cov_type: str
    n_clusters: int
    n: int
    n_dropped: int
    n_effective: float
    conf_level: float
    design: Design

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told."""
        found = {
            "collinear": self.collinear,
            "few_events": self.few_events,
            "undetermined": self.undetermined,
            "few_clusters": few_clusters(self.n_clusters),
            "empty_category": self.design.empty,
        }
        return tuple(name for name, there in found.items() if there)

    def tidy(self) -> pd.DataFrame:
        """Return a row a term."""
        return self.coefficients.reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row for the fit."""
        names = ("loglik", "aic", "bic", "mcfadden", "nagelkerke", "tjur", "roc_area", "chi2")
        more = ("df", "p_value", "n", "n_dropped", "n_effective")
        return pd.DataFrame([{name: getattr(self, name) for name in (*names, *more)}])


def logistic_regress(
    formula: str,
    data: pd.DataFrame,
    *,
    weights: str | None = None,
    cluster: str | None = None,
    cov_type: Literal["classical", "robust", "HC3"] | None = None,
    conf_level: float = 0.95,
) -> LogisticResult:
    """Fit a logistic regression of a column of two values.

    Parameters
    ----------
    formula : str
        ``"top ~ staff + `wait (min)` + C(branch)"``; ``top_box`` makes such an outcome.
    data : DataFrame
        A row a respondent; rows with a missing value in a column used are dropped and counted.
    weights : str, optional
        Column of probability weights; errors are then robust.
    cluster : str, optional
        Column of clusters: errors robust to dependence within them, t tests on clusters - 1.
    cov_type : {"classical", "robust", "HC3"}, optional
        Errors; robust under weights by default, classical without.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    LogisticResult

    Raises
    ------
    ModelError
        For an outcome that has not two values, an unknown column, a constant or exactly
        collinear predictor, a predictor equal to the outcome, too few rows.
    SeparationError
        Under complete or quasi-complete separation; it names the predictors.

    Warns
    -----
    CollinearityWarning
        When a variance inflation factor reaches 5.
    SmallSampleWarning
        When there are fewer than 10 events or non-events a slope.

    Notes
    -----
    Robust errors are HC0 times n / (n - 1) (the linearization of survey samples); HC3 divides
    each score by 1 - h of the weighted hat matrix, as R's sandwich does. Hosmer and Lemeshow's
    test depends on its ten groups, misses much in small samples and rejects trivia in large
    ones: read the ROC area and Tjur's R2 beside it.

    References
    ----------
    tjur2009, hosmer1980, peduzzi1996, binder1983.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"t": [0, 1, 0, 1, 1, 0, 1, 1] * 5, "x": [1, 2, 2, 3, 1, 3, 2, 3] * 5})
    >>> round(float(sl.logistic_regress("t ~ x", data).coefficients.loc["x", "odds_ratio"]), 2)
    1.39
    """
    check_conf_level(conf_level)
    kind = resolve_cov_type(cov_type, weights, cluster, ("classical", "robust", "HC3"))
    data, _ = numbered(formula, data)
    design = build_design(formula, data, weights=weights, cluster=cluster)
    check_clusters(design, cluster)
    values, k = coded(design)
    outcome = design.aliased.outcome
    if len(values) != 2:
        raise ModelError(
            f"the outcome {outcome!r} has {len(values)} different values; logistic regression "
            "needs two. Make them with top_box(), or use ordinal_regress()."
        )
    X, labels = slopes_of(design, 2)
    overlap = collinearity(design)
    warn_of_pairs(overlap.pairs, overlap.by_term["vif"])
    few = _few_events(k, len(labels))
    w = scaled_weights(design)
    fit = fit_checked(k, X, w, "logit", labels, outcome)
    p = special.expit(X @ fit.b - fit.theta[0])
    scores = _leveraged(fit.scores, X, p) if kind == "HC3" else fit.scores
    cov, df = parameter_cov(fit.information, scores, w, design.cluster, kind)
    cov[0, 1:] *= -1  # the intercept is minus the threshold
    cov[1:, 0] *= -1
    names = [INTERCEPT, *labels]
    undetermined = hanging_slopes(design, kind)
    warn_of_design(
        undetermined,
        empty=design.empty,
        n_clusters=design.n_clusters,
        cluster=cluster,
        stacklevel=3,
    )
    cov = hide(cov, names, undetermined)
    table = wald_table(np.concatenate([-fit.theta, fit.b]), cov, df, names, conf_level)
    return LogisticResult(
        outcome=outcome,
        event=float(values[1]),
        n_events=int(k.sum()),
        coefficients=with_odds_ratios(table).assign(vif=[np.nan, *term_vif(design, overlap)]),
        covariance=pd.DataFrame(cov, index=names, columns=names),
        **fit_measures(fit, k, w, cov[1:, 1:], kind, weights),
        **_discrimination(k, p, w, weighted=weights is not None),
        fitted=pd.Series(p, index=design.y.index, name="fitted"),
        collinear=overlap.pairs,
        undetermined=tuple(undetermined),
        few_events=few,
        cov_type=kind,
        n_clusters=design.n_clusters,
        n=len(k),
        n_dropped=design.n_dropped,
        n_effective=design.n_effective,
        conf_level=conf_level,
        design=design,
    )


def _discrimination(k: Codes, p: Array, w: Array, *, weighted: bool) -> dict[str, Any]:
    """Return how well fitted probabilities tell events from the others, and their calibration."""
    hosmer, df = (float("nan"), 0) if weighted else hosmer_lemeshow(k, p)
    means = [float(np.average(p[k == j], weights=w[k == j])) for j in (0, 1)]
    return {
        "tjur": means[1] - means[0],
        "roc_area": roc_area(k, p, w),
        "hosmer_lemeshow": hosmer,
        "hosmer_df": df,
        "hosmer_p": float(stats.chi2.sf(hosmer, df)) if df else float("nan"),
    }


def _leveraged(scores: Array, X: Array, p: Array) -> Array:
    """Return the scores over 1 - h, with the n / (n - 1) of the robust form taken out (HC3)."""
    Z = np.column_stack([np.ones(len(X)), X]) * np.sqrt(p * (1 - p))[:, None]
    h = np.einsum("ij,ij->i", Z, np.linalg.solve(Z.T @ Z, Z.T).T)
    scale: Array = (np.sqrt((len(X) - 1) / len(X)) / (1 - h))[:, None]
    return scores * scale


def _few_events(k: Codes, slopes: int) -> bool:
    """Return whether events or non-events are few for so many slopes, and warn."""
    rarer = int(min(k.sum(), len(k) - k.sum()))
    rule = standard("events_per_slope")
    if not slopes or rule.met_by(rarer / slopes):
        return False
    warnings.warn(
        SmallSampleWarning(
            f"the rarer of the two answers has {rarer} rows for {slopes} slopes, fewer than "
            f"{rule.value:.0f} each; odds ratios are then biased away from 1. Use fewer "
            "predictors.",
            key="few_events",
            values={"count": str(rarer), "slopes": str(slopes), "fewest": f"{rule.value:.0f}"},
        ),
        stacklevel=3,
    )
    return True


def roc_area(k: Codes, p: Array, w: Array) -> float:
    """Return the area under the ROC curve: P(p of an event > p of another), ties half."""
    order = np.argsort(p, kind="stable")
    _, starts = np.unique(p[order], return_index=True)
    events = np.add.reduceat((w * k)[order], starts)
    others = np.add.reduceat((w * (1 - k))[order], starts)
    below = np.cumsum(others) - others
    return float(events @ (below + others / 2) / (events.sum() * others.sum()))


def hosmer_lemeshow(k: Codes, p: Array) -> tuple[float, int]:
    """Return Hosmer and Lemeshow's chi-square by tenths and its df, groups - 2."""
    edges = np.unique(np.quantile(p, np.arange(1, GROUPS) / GROUPS))
    group = np.searchsorted(edges, p, side="left")
    m = np.bincount(group)
    there = m > 0
    observed, expected = np.bincount(group, k)[there], np.bincount(group, p)[there]
    groups = int(there.sum())
    if groups < 3:
        return float("nan"), 0
    return float(((observed - expected) ** 2 / (expected * (1 - expected / m[there]))).sum()), (
        groups - 2
    )
