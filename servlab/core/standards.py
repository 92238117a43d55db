"""The judgement standards (判断标准) that results are held against: value, direction and source.

One home for every threshold that a table, a chart or a sentence of a scale validation names.
``presentation/messages/standards.toml`` words each under the same name; the source is a key of
``references.bib``. A standard is a convention of the field, not a test.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from servlab.core.errors import ModelError

Direction = Literal["at_least", "at_most", "under", "no_higher"]
Unit = Literal["correlation", "number", "share", "count", "p", ""]


@dataclass(frozen=True, slots=True)
class Standard:
    """A threshold of the field.

    Attributes
    ----------
    value : float
        The threshold, in its unit; NaN where it is another number of the same analysis.
    direction : str
        Which side is good: ``at_least``, ``at_most`` (of the absolute value), ``under``, or
        ``no_higher`` than that other number.
    unit : str
        What the value is: a ``correlation``-like number of at most 1, a plain ``number``, a
        ``share``, a ``count``, a ``p`` value.
    source : str
        Key in ``references.bib``, or ``house`` for a rule of our own.
    """

    value: float
    direction: Direction
    unit: Unit
    source: str

    def met_by(self, value: float) -> bool:
        """Return whether a value meets the standard; a missing value does not."""
        if self.direction == "at_least":
            return value >= self.value
        if self.direction == "under":
            return value < self.value
        return abs(value) <= self.value


NAN = float("nan")
HOUSE = "house"  # a rule of our own, without a source: its words say so

STANDARDS = MappingProxyType(
    {
        # answers
        "skewness": Standard(3.0, "at_most", "number", "kline2016"),
        "kurtosis": Standard(10.0, "at_most", "number", "kline2016"),
        "mardia": Standard(5.0, "at_most", "number", "bentler2006"),
        "floor_ceiling": Standard(0.15, "at_most", "share", "terwee2007"),
        # items
        "critical_ratio": Standard(3.0, "at_least", "number", "wu2010"),
        "item_rest": Standard(0.30, "at_least", "correlation", "nunnally1994"),
        "item_total": Standard(0.40, "at_least", "correlation", "wu2010"),
        "alpha_if_dropped": Standard(NAN, "no_higher", "correlation", "wu2010"),
        # adequacy and number of factors
        "rows": Standard(100, "at_least", "count", "mokkink2018"),
        "rows_per_item": Standard(7, "at_least", "count", "mokkink2018"),
        "kmo": Standard(0.60, "at_least", "correlation", "kaiser1974"),
        "bartlett": Standard(0.05, "under", "p", "bartlett1951"),
        "parallel": Standard(NAN, "at_least", "", "glorfeld1995"),
        "map": Standard(NAN, "at_most", "", "velicer2000"),
        # factors
        "loading": Standard(0.40, "at_least", "correlation", "stevens1992"),
        "cross_loading": Standard(0.32, "under", "correlation", "tabachnick2013"),
        "communality": Standard(0.20, "at_least", "correlation", "child2006"),
        "items_per_factor": Standard(3, "at_least", "count", "costello2005"),
        "factor_cor": Standard(0.85, "under", "correlation", "brown2015"),
        "variance_explained": Standard(0.60, "at_least", "share", "hair2010"),
        "residual": Standard(0.10, "at_most", "correlation", "kline2016"),
        "rms_residual": Standard(0.08, "at_most", "correlation", "hu1999"),
        "rmsea": Standard(0.08, "at_most", "correlation", "browne1992"),
        "tli": Standard(0.90, "at_least", "correlation", "bentler1980"),
        "congruence": Standard(0.95, "at_least", "correlation", "lorenzoseva2006"),
        "congruence_fair": Standard(0.85, "at_least", "correlation", "lorenzoseva2006"),
        # confirmatory models
        "chi2_df": Standard(3.0, "at_most", "number", "wu2010"),
        "cfa_cfi": Standard(0.95, "at_least", "correlation", "hu1999"),
        "cfa_tli": Standard(0.95, "at_least", "correlation", "hu1999"),
        "cfa_rmsea": Standard(0.06, "at_most", "correlation", "hu1999"),
        "cfa_srmr": Standard(0.08, "at_most", "correlation", "hu1999"),
        "configural_cfi": Standard(0.90, "at_least", "correlation", "bentler1980"),
        "configural_rmsea": Standard(0.10, "at_most", "correlation", "browne1992"),
        "std_loading": Standard(0.50, "at_least", "correlation", "hair2010"),
        # reliability
        "reliability": Standard(0.70, "at_least", "correlation", "nunnally1978"),
        "omega_hierarchical": Standard(0.50, "at_least", "correlation", "reise2013"),
        # regression
        "vif": Standard(5.0, "under", "count", "menard1995"),
        "predictor_cor": Standard(0.85, "under", "correlation", "brown2015"),
        "category_rows": Standard(5, "at_least", "count", HOUSE),
        "events_per_slope": Standard(10, "at_least", "count", "peduzzi1996"),
        "clusters": Standard(40, "at_least", "count", "cameron2015"),
        # of influence: times p / n, as it is, over n, times the root of p / n, over the root of n
        "leverage": Standard(2.0, "at_most", "count", "belsley1980"),
        "studentized": Standard(3.0, "at_most", "count", "fox2016"),
        "cooks": Standard(4.0, "at_most", "count", "bollen1985"),
        "dffits": Standard(2.0, "at_most", "count", "belsley1980"),
        "dfbetas": Standard(2.0, "at_most", "count", "belsley1980"),
        # branch means
        "rwg": Standard(0.70, "at_least", "correlation", "lebreton2008"),
        "icc1": Standard(0.05, "at_least", "correlation", "lebreton2008"),
        "icc2": Standard(0.70, "at_least", "correlation", "bliese2000"),
        # gap scores
        "gap_reliability_floor": Standard(0.50, "at_least", "correlation", "nunnally1967"),
        "freed_items": Standard(0.50, "under", "share", "vandenberg2000"),
        "spread_ratio": Standard(0.50, "at_least", "correlation", "peter1993"),
        "constraint_cost": Standard(0.02, "under", "correlation", "cohen1988"),
        # reporting
        "cosmin": Standard(NAN, "at_least", "", "prinsen2018"),
        "screening": Standard(NAN, "at_most", "", "curran2016"),
        # waves: in standard errors, earlier waves, share of the respondents
        "wave_mix": Standard(0.5, "at_most", "number", HOUSE),
        "waves_before": Standard(8, "at_least", "count", HOUSE),
        "overall_coverage": Standard(0.5, "at_least", "share", HOUSE),
        # multilevel models
        "groups": Standard(6, "at_least", "count", "bolker2009"),
    }
)


def standard(name: str) -> Standard:
    """Return a judgement standard by its name.

    Examples
    --------
    >>> standard("kmo").value, standard("kmo").source
    (0.6, 'kaiser1974')
    """
    if name not in STANDARDS:
        raise ModelError(
            f"no judgement standard {name!r}; core/standards.py has {list(STANDARDS)}."
        )
    return STANDARDS[name]
