"""Is an outcome best where perception meets expectation, or only where perception is high?

Edwards' polynomial regression with response surface [edwards1993]_: the outcome on perception P,
expectation E, their squares and their product, both centred at the midpoint of the scale. The gap
P - E is one special case of it, whose constraints are tested [edwards1994]_.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level
from servlab.core.errors import CollinearityWarning, ModelError
from servlab.core.linalg import Array
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.regression.linear import PERFECT
from servlab.estimation.regression.surface_data import SurfaceRows, rows_of_frame, rows_of_survey
from servlab.estimation.regression.surface_estimates import (
    STRICT,
    conditions_met,
    estimates_table,
    stationary_determined,
    surface_table,
)
from servlab.estimation.regression.surface_math import (
    LeastSquares,
    determinant,
    least_squares,
    quadratic_design,
)
from servlab.estimation.regression.surface_models import Pairs, constraint_table, model_table
from servlab.scales.means import effective_n

CovType = Literal["HC3", "classical"]
Congruence = Literal["none", "broad", "strict", "unknown"]

TERMS = ("Intercept", "P", "E", "P2", "PE", "E2")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ResponseSurface:
    """An outcome over perception and expectation.

    Attributes
    ----------
    outcome : tuple of str
        The outcome, or the outcomes averaged.
    dimension : str or None
        The dimension scored; None for all items, and for a frame.
    perception, expectation : str
        What the two axes are called: columns of a frame, or the batteries.
    midpoint : float
        What P and E are centred at, in scale points.
    scale : tuple of float or None
        Ends of the answers' scale, of a survey.
    coefficients : DataFrame
        A row a term (``Intercept, P, E, P2, PE, E2``): ``estimate``, ``std_error``,
        ``statistic`` (t), ``df``, ``p_value``, ``conf_low``, ``conf_high``.
    surface : DataFrame
        The same for ``a1`` to ``a4`` and, without test, the stationary point
        (``stationary_perception``, ``stationary_expectation``) and the principal axes
        E = p10 + p11 P and E = p20 + p21 P, all in points from the midpoint. NaN where the
        surface has none.
    conditions : DataFrame
        A row a condition of a congruence effect: ``estimate``, its interval, what is ``wanted``
        (``zero``, ``one``, ``negative``) and whether it ``holds``.
    models : DataFrame
        A row a model: ``r_squared``, ``adj_r_squared``, ``r_squared_cv`` (each row predicted
        without itself), ``df``.
    constraints : DataFrame
        A row a constraint: ``f_statistic`` and ``p_value`` (classical), ``f_robust`` and
        ``p_robust`` (HC3), ``df``, ``df_residual``, ``r_squared``, ``r_squared_free``,
        ``effect_size`` (Cohen's f2).
    observed : DataFrame
        (n, 2) ``perception`` and ``expectation`` of the rows used, in scale points.
    correlation : float
        Of P and E.
    stationary_determined : bool
        Whether the interval of 4 b3 b5 - b4^2 excludes zero. Where it does not, the surface may
        be a ridge or a plane, and the stationary point and its intervals are not to be trusted.
    cov_type, conf_level
        How errors were computed, and the level of intervals.
    weighted : bool
    flags : tuple of str
        ``collinear``, ``stationary_undetermined``.
    n, n_dropped : int
        Rows used, and rows lost to missing values or a weight of zero.
    n_effective : float
        Kish's effective number of rows; n without weights.
    """

    outcome: tuple[str, ...]
    dimension: str | None
    instrument: Instrument | None
    perception: str
    expectation: str
    midpoint: float
    scale: tuple[float, float] | None
    coefficients: pd.DataFrame
    surface: pd.DataFrame
    conditions: pd.DataFrame
    models: pd.DataFrame
    constraints: pd.DataFrame
    observed: pd.DataFrame
    correlation: float
    stationary_determined: bool
    cov_type: CovType
    conf_level: float
    weighted: bool
    flags: tuple[str, ...]
    n: int
    n_dropped: int
    n_effective: float

    @property
    def r_squared(self) -> float:
        """Return the R2 of the quadratic model."""
        return float(self.models["r_squared"].loc["quadratic"])

    @property
    def congruence(self) -> Congruence:
        """Return whether the outcome is highest where P meets E [humberg2019]_.

        ``broad``: first principal axis not distinguishable from P = E, a4 negative, a3 not
        distinguishable from 0. ``strict``: nor are a1 and a2. ``unknown``: the axes are not
        defined while nothing else speaks against it.
        """
        held = self.conditions["holds"]
        if not held[["a4", "a3"]].all():
            return "none"
        axis = self.conditions.loc[["p10", "p11"]]
        if axis["estimate"].isna().any():
            return "unknown"
        if not axis["holds"].all():
            return "none"
        return "strict" if held[list(STRICT)].all() else "broad"

    @property
    def shape(self) -> Literal["dome", "bowl", "saddle"]:
        """Return the form of the estimated surface."""
        b = self.coefficients["estimate"].to_numpy()
        if determinant(b) < 0:
            return "saddle"
        return "dome" if b[3] + b[5] < 0 else "bowl"

    def predict(self, perception: Array, expectation: Array) -> Array:
        """Return the surface's height at points given in scale points, of any shape."""
        P, E = np.asarray(perception) - self.midpoint, np.asarray(expectation) - self.midpoint
        b = self.coefficients["estimate"].to_numpy()
        return np.asarray(b[0] + b[1] * P + b[2] * E + b[3] * P**2 + b[4] * P * E + b[5] * E**2)

    def tidy(self) -> pd.DataFrame:
        """Return a row a coefficient, then a row a feature of the surface."""
        rows = pd.concat([self.coefficients, self.surface]).reset_index(names="term")
        return rows.assign(n=self.n, n_dropped=self.n_dropped)

    def glance(self) -> pd.DataFrame:
        """Return one row: how well the surface explains, and whether the gap is as good."""
        gap = self.constraints.loc["difference"].to_dict()
        models = self.models.loc["quadratic"].to_dict()
        row = {
            "r_squared": self.r_squared,
            "adj_r_squared": models["adj_r_squared"],
            "r_squared_cv": models["r_squared_cv"],
            "f_statistic": gap["f_statistic"],
            "p_value": gap["p_value"],
            "f_robust": gap["f_robust"],
            "p_robust": gap["p_robust"],
            "df": gap["df"],
            "df_residual": gap["df_residual"],
            "correlation": self.correlation,
            "n": self.n,
            "n_dropped": self.n_dropped,
        }
        return pd.DataFrame([row])


def response_surface(
    data: Survey | pd.DataFrame,
    outcome: str | Sequence[str],
    *,
    dimension: str | None = None,
    perception: str | None = None,
    expectation: str | None = None,
    midpoint: float | None = None,
    weights: str | None = None,
    cov_type: CovType = "HC3",
    conf_level: float = 0.95,
) -> ResponseSurface:
    """Fit an outcome's surface over perception and expectation, and test what a gap assumes.

    Parameters
    ----------
    data : Survey or DataFrame
        A survey with an ``expectation`` and a ``perception`` battery on one scale (its weights
        are used), or rows with a column for each of the two.
    outcome : str or sequence of str
        An outcome of the survey (a column of the frame); several of one scale are averaged.
    dimension : str, optional
        A dimension of the survey; without it the mean of all items.
    perception, expectation : str, optional
        Columns of a frame; ``"perception"`` and ``"expectation"`` by default.
    midpoint : float, optional
        What P and E are centred at; the middle of a survey's scale, to be given for a frame.
    weights : str, optional
        Column of probability weights of a frame.
    cov_type : {"HC3", "classical"}
        Errors of coefficients and surface; weights need HC3.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    ResponseSurface

    Raises
    ------
    ModelError
        Without both batteries, for a constant or a two-valued P or E, an unknown outcome or
        dimension, P and E that determine each other, no more rows than six terms, or a row
        that alone determines a term (HC3).

    Warns
    -----
    CollinearityWarning
        When P and E correlate so closely (variance inflation of 5, |r| from .894) that their
        coefficients cannot be told apart.

    Notes
    -----
    ``Y = b0 + b1 P + b2 E + b3 P2 + b4 PE + b5 E2``. Along the line of congruence P = E the slope
    at the midpoint is ``a1 = b1 + b2`` and the curvature ``a2 = b3 + b4 + b5``; along the line of
    incongruence P = -E (centred) they are ``a3 = b1 - b2`` and ``a4 = b3 - b4 + b5``, positive a3
    where perception over expectation goes with more of the outcome. P is the horizontal axis:
    principal axes are written E = p_k0 + p_k1 P, the first the one of greatest upward (least
    downward) curvature [edwards1993]_. Intervals are by the delta method, with t of n - 6.
    Only items answered in both batteries count. Absolute differences are tested in two planes
    with P < E against P >= E. Under weights only robust tests exist.

    References
    ----------
    edwards1993; edwards1994; humberg2019; long2000.

    Examples
    --------
    >>> import servlab as sl
    >>> surface = sl.response_surface(sl.load_example("servqual"), "satisfaction")
    >>> b = surface.coefficients["estimate"]
    >>> bool(abs(surface.surface.loc["a1", "estimate"] - b["P"] - b["E"]) < 1e-12)
    True
    """
    check_choice("cov_type", cov_type, ("HC3", "classical"))
    check_conf_level(conf_level)
    if isinstance(data, Survey):
        if (perception, expectation, weights) != (None, None, None):
            raise ModelError(
                "perception, expectation and weights name columns of a frame; a survey brings its "
                "own batteries and weights, leave them out."
            )
        rows = rows_of_survey(data, outcome, dimension, midpoint)
    else:
        rows = rows_of_frame(data, outcome, dimension, (perception, expectation), midpoint, weights)
    if rows.w is not None and cov_type != "HC3":
        raise ModelError("probability weights need robust errors; use cov_type='HC3'.")
    correlation = _correlation(rows)
    flags = _collinear(rows, correlation)
    pairs = Pairs(rows.y, rows.P - rows.midpoint, rows.E - rows.midpoint, rows.w)
    fit = _quadratic(pairs, rows, cov_type)
    V = fit.hc3() if cov_type == "HC3" else fit.classical()
    surface = surface_table(fit, V, conf_level)
    determined = stationary_determined(fit, V, conf_level)
    models = model_table(pairs)
    return ResponseSurface(
        outcome=rows.outcome,
        dimension=dimension,
        instrument=rows.instrument,
        perception=rows.names[0],
        expectation=rows.names[1],
        midpoint=rows.midpoint,
        scale=rows.scale,
        coefficients=estimates_table(list(TERMS), fit.b, np.sqrt(np.diag(V)), fit.df, conf_level),
        surface=surface,
        conditions=conditions_met(surface),
        models=models,
        constraints=constraint_table(pairs, models),
        observed=pd.DataFrame({"perception": rows.P, "expectation": rows.E}, index=rows.index),
        correlation=correlation,
        stationary_determined=determined,
        cov_type=cov_type,
        conf_level=conf_level,
        weighted=rows.w is not None,
        flags=(*flags, *(() if determined else ("stationary_undetermined",))),
        n=len(rows.y),
        n_dropped=rows.n_dropped,
        n_effective=float(len(rows.y)) if rows.w is None else effective_n(rows.w),
    )


def _correlation(rows: SurfaceRows) -> float:
    cov = np.cov(rows.P, rows.E, aweights=rows.w)
    return float(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]))


def _collinear(rows: SurfaceRows, r: float) -> tuple[str, ...]:
    """Warn of a P and an E that cannot be told apart, and return the flag."""
    vif = 1 / (1 - r**2) if abs(r) < 1 else np.inf
    if vif < standard("vif").value or abs(r) > 1 - 1e-12:
        return ()
    one, other = rows.names
    warnings.warn(
        CollinearityWarning(
            f"predictors are nearly collinear: {one!r} with {other!r} (r = {r:.2f}, VIF "
            f"{vif:.1f}). Their coefficients cannot be told apart; read the intervals.",
            key="collinear",
            values={"items": f"{one}, {other}"},
        ),
        stacklevel=3,
    )
    return ("collinear",)


def _quadratic(pairs: Pairs, rows: SurfaceRows, cov_type: CovType) -> LeastSquares:
    """Return the fit of the quadratic model, or raise saying what stands in its way."""
    if len(pairs.y) <= len(TERMS):
        raise ModelError(
            f"{len(pairs.y)} complete rows cannot estimate the {len(TERMS)} terms of a response "
            "surface; use more respondents."
        )
    fit = least_squares(pairs.y, quadratic_design(pairs.P, pairs.E), pairs.w)
    if fit is None:
        raise ModelError(
            f"{rows.names[0]!r} and {rows.names[1]!r} determine each other or take too few "
            "different values for their squares and product; a response surface needs both to "
            "vary freely."
        )
    if float(fit.w @ fit.residuals**2) <= PERFECT * fit.total:
        raise ModelError(
            f"{rows.names[0]!r} and {rows.names[1]!r} determine the outcome "
            f"{' and '.join(rows.outcome)!r} exactly (R2 = 1): it is computed from them; take "
            "another outcome."
        )
    if cov_type == "HC3" and not np.isfinite(fit.hc3()).all():
        raise ModelError(
            "one row alone determines a term of the surface, so that robust errors do not exist; "
            "use more respondents or cov_type='classical'."
        )
    return fit
