"""Which measurement properties does this survey speak of, and which are outside its data?

The properties of the COSMIN taxonomy, each with what one survey can say of it. Ratings follow
COSMIN's criteria and stay on the safe side: an exploratory factor analysis alone never makes
structural validity sufficient.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.standards import standard
from servlab.data.survey import Survey
from servlab.estimation.efa import EfaResult
from servlab.estimation.reliability_coefficients import ReliabilityCoefficients
from servlab.estimation.replication import Replication
from servlab.scales.scoring import OVERALL_ITEMS

Place = Literal["here", "elsewhere", "outside"]
Rating = Literal["sufficient", "insufficient", "indeterminate", "none"]


@dataclass(frozen=True, slots=True)
class MeasurementProperty:
    """One measurement property.

    Attributes
    ----------
    name : str
        Of the COSMIN taxonomy, or ``interpretability``.
    place : str
        ``here`` (these data speak of it), ``elsewhere`` (they could, in another analysis),
        ``outside`` (no analysis of these data can).
    rating : str
        COSMIN's ``sufficient``, ``insufficient`` or ``indeterminate``; ``none`` where nothing is
        rated.
    values : dict of str to float or str
        The numbers behind it.
    """

    name: str
    place: Place
    rating: Rating = "none"
    values: dict[str, float | str] = field(default_factory=dict)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class CosminSummary:
    """The measurement properties of a battery and the evidence of this survey for each.

    Attributes
    ----------
    battery : str
    properties : tuple of MeasurementProperty
    n, n_dropped : int
        Respondents who answered every item of the battery, and the others.
    """

    battery: str
    properties: tuple[MeasurementProperty, ...]
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a property and number."""
        rows = [
            {"term": p.name, "label": key, "estimate": float(value), "battery": self.battery}
            for p in self.properties
            for key, value in p.values.items()
            if not isinstance(value, str)
        ]
        return pd.DataFrame(rows)

    def glance(self) -> pd.DataFrame:
        """Return a row a property: its rating as ``label``."""
        rows = [{"term": p.name, "label": p.rating} for p in self.properties]
        return pd.DataFrame(rows).assign(n=self.n, n_dropped=self.n_dropped)


def cosmin_summary(
    survey: Survey,
    battery: str,
    *,
    fit: EfaResult,
    reliability: ReliabilityCoefficients,
    replication: Replication | None = None,
    outcome: str = "",
) -> CosminSummary:
    """Collect what a survey says of each measurement property of a battery.

    Parameters
    ----------
    survey : Survey
    battery : str
        The battery.
    fit : EfaResult
        Its factor analysis.
    reliability : ReliabilityCoefficients
        Its reliability.
    replication : Replication, optional
        The factors on a hold-out half.
    outcome : str
        An outcome to correlate the mean of the items with; empty takes the first there is.

    Returns
    -------
    CosminSummary

    Notes
    -----
    Structural validity: COSMIN's criterion asks for a confirmatory model, so an exploration is
    indeterminate, or insufficient where the fit misses RMSEA .08 or a Heywood case stands in it.
    Internal consistency: insufficient where alpha of a dimension is under .70, otherwise
    indeterminate, since the criterion presupposes structural validity. Hypotheses: one
    correlation nobody predicted beforehand is indeterminate. Interpretability: sufficient when
    at most 15 % of the respondents have the lowest or highest mean of all items.

    References
    ----------
    prinsen2018; mokkink2018; terwee2007.

    Examples
    --------
    >>> import warnings
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     reliability = sl.reliability_coefficients(survey, "perception")
    >>> fit = sl.efa(survey.items("perception"), 5)
    >>> found = sl.cosmin_summary(survey, "perception", fit=fit, reliability=reliability)
    >>> found.properties[0].name, found.properties[0].place
    ('content', 'outside')
    """
    found = {
        "structural": _structural(fit, replication),
        "internal_consistency": _internal(reliability),
        "invariance": MeasurementProperty("invariance", "elsewhere"),
        "hypotheses": _hypotheses(survey, battery, outcome),
        "interpretability": _interpretability(survey, battery),
    }
    order = ("content", "structural", "internal_consistency", "invariance", "test_retest",
             "measurement_error", "criterion", "hypotheses", "responsiveness",
             "interpretability")  # fmt: skip
    return CosminSummary(
        battery=battery,
        properties=tuple(found.get(n, MeasurementProperty(n, "outside")) for n in order),
        n=reliability.n,
        n_dropped=reliability.n_dropped,
    )


def _structural(fit: EfaResult, replication: Replication | None) -> MeasurementProperty:
    misses = fit.rmsea > standard("rmsea").value or bool(fit.heywood)
    values: dict[str, float | str] = {
        "n_factors": float(fit.n_factors),
        "rmsea": fit.rmsea,
        "tli": fit.tli,
    }
    if replication is not None:
        values["congruence"] = float(replication.congruence.min())
    rating: Rating = "insufficient" if misses else "indeterminate"
    return MeasurementProperty("structural", "here", rating, values)


def _internal(reliability: ReliabilityCoefficients) -> MeasurementProperty:
    alpha = reliability.by_term["alpha"]
    parts = alpha.drop(OVERALL_ITEMS, errors="ignore") if len(alpha) > 1 else alpha
    short = parts[parts < standard("reliability").value]
    values: dict[str, float | str] = {
        "n_scales": float(len(parts)),
        "n_short": float(len(short)),
        "lowest": float(parts.min()),
        "highest": float(parts.max()),
    }
    rating: Rating = "insufficient" if len(short) else "indeterminate"
    return MeasurementProperty("internal_consistency", "here", rating, values)


def _hypotheses(survey: Survey, battery: str, outcome: str) -> MeasurementProperty:
    """Return the correlation of the mean of the items with an outcome, where there is one."""
    name = outcome or next(iter(map(str, survey.outcomes.columns)), "")
    if not name:
        return MeasurementProperty("hypotheses", "outside")
    score = survey.items(battery).mean(axis=1, skipna=False)
    both = pd.concat([score, survey.outcomes[name]], axis=1).dropna()
    if len(both) < 3 or both.min().equals(both.max()):
        return MeasurementProperty("hypotheses", "outside")
    r = float(np.corrcoef(both.to_numpy(dtype=float).T)[0, 1])
    return MeasurementProperty("hypotheses", "here", "indeterminate", {"outcome": name, "r": r})


def _interpretability(survey: Survey, battery: str) -> MeasurementProperty:
    """Return the shares of respondents at either end of the mean of all items."""
    scale = survey.scales[battery]
    score = survey.items(battery).mean(axis=1, skipna=False).dropna()
    if score.empty:
        return MeasurementProperty("interpretability", "outside")
    low, high = float((score <= scale.low).mean()), float((score >= scale.high).mean())
    met = standard("floor_ceiling").met_by(max(low, high))
    values: dict[str, float | str] = {"share_bottom": low, "share_top": high}
    return MeasurementProperty(
        "interpretability", "here", "sufficient" if met else "insufficient", values
    )
