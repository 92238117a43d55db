"""The zone of tolerance: between the service customers would accept and the one they desire.

Three columns, adequate, desired and perceived service [parasuraman1994]_: the measure of service
superiority MSS = perceived - desired, the measure of service adequacy MSA = perceived - adequate,
and the width of the zone, desired - adequate.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.scales.gaps import paired_items
from servlab.scales.means import mean_table, weighted_mean
from servlab.scales.scoring import (
    OVERALL_ITEMS,
    need_batteries,
    score_dimensions,
    score_overall,
    stack_levels,
)

BATTERIES = ("adequate", "desired", "perception")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ZoneOfTolerance:
    """Superiority, adequacy and the zone between.

    Attributes
    ----------
    by_item, by_dimension, by_overall : DataFrame
        A row an item, dimension or overall form: means ``adequate``, ``desired``, ``perceived``;
        ``mss``, ``msa``, ``width`` each with ``_low`` and ``_high`` limits of the paired
        interval; ``share_inside``, ``share_below`` (under adequate), ``share_above`` (over
        desired), ``share_inverted``: shares of respondents that sum to 1; ``n_inverted``;
        ``n``; ``n_dropped``; ``n_effective``.
    n, n_dropped : int
        Respondents with and without an overall item score in all three batteries.
    conf_level : float
        Level of the intervals.
    weighted : bool
        Whether probability weights were used.
    """

    instrument: Instrument
    by_item: pd.DataFrame
    by_dimension: pd.DataFrame
    by_overall: pd.DataFrame
    n: int
    n_dropped: int
    conf_level: float
    weighted: bool

    def tidy(self) -> pd.DataFrame:
        """Return a row an item, dimension and overall form."""
        return stack_levels(self.by_item, self.by_dimension, self.by_overall)

    def glance(self) -> pd.DataFrame:
        """Return one row: the overall zone as the mean of the items."""
        return self.by_overall.loc[[OVERALL_ITEMS]].reset_index(drop=True)


def zone_of_tolerance(survey: Survey, *, conf_level: float = 0.95) -> ZoneOfTolerance:
    """Compute service superiority, service adequacy and the zone of tolerance.

    Parameters
    ----------
    survey : Survey
        With the batteries ``adequate``, ``desired`` and ``perception``; its weights are used.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    ZoneOfTolerance

    Raises
    ------
    ModelError
        When the survey lacks one of the three batteries.

    Notes
    -----
    A perception is inside the zone when adequate <= perceived <= desired. A respondent whose
    adequate service exceeds the desired one has no zone: such inverted zones are counted and
    belong to none of inside, below and above. Only items answered in all three batteries count.

    Examples
    --------
    >>> import servlab as sl
    >>> instrument = sl.load_instrument("servqual-1994-three-column")
    >>> zone = sl.zone_of_tolerance(sl.simulate_survey(instrument, n=80, seed=1))
    >>> bool((zone.by_overall.mss <= zone.by_overall.msa).all())
    True
    """
    check_conf_level(conf_level)
    need_batteries(survey, *BATTERIES)
    frames = paired_items(survey, *BATTERIES)
    scores = [score_dimensions(f, survey.instrument, survey.min_answered) for f in frames]
    overall = [
        score_overall(f, s, survey.min_answered) for f, s in zip(frames, scores, strict=True)
    ]
    tables = [
        _zone_table(a, d, p, survey.weights, conf_level)
        for a, d, p in (frames, tuple(scores), tuple(overall))
    ]
    used = int(overall[0][OVERALL_ITEMS].notna().sum())
    return ZoneOfTolerance(
        instrument=survey.instrument,
        by_item=tables[0],
        by_dimension=tables[1],
        by_overall=tables[2],
        n=used,
        n_dropped=survey.n - used,
        conf_level=conf_level,
        weighted=survey.weights is not None,
    )


def _zone_table(
    adequate: pd.DataFrame,
    desired: pd.DataFrame,
    perceived: pd.DataFrame,
    weights: pd.Series | None,
    conf_level: float,
) -> pd.DataFrame:
    """Return the zone table of one level; the three frames are missing in the same cells."""
    columns: dict[str, pd.Series] = {}
    means = (("adequate", adequate), ("desired", desired), ("perceived", perceived))
    for name, frame in means:
        columns[name] = mean_table(frame, weights, conf_level)["estimate"]
    differences = (
        ("mss", perceived - desired),
        ("msa", perceived - adequate),
        ("width", desired - adequate),
    )
    for name, frame in differences:
        table = mean_table(frame, weights, conf_level)
        columns[name] = table["estimate"]
        columns[f"{name}_low"] = table["conf_low"]
        columns[f"{name}_high"] = table["conf_high"]
    shares = [_shares(adequate[c], desired[c], perceived[c], weights) for c in perceived.columns]
    counts = mean_table(perceived, weights, conf_level)[["n", "n_dropped", "n_effective"]]
    places = pd.DataFrame(shares, index=perceived.columns)
    return pd.concat([pd.DataFrame(columns), places, counts], axis=1)


def _shares(
    adequate: pd.Series, desired: pd.Series, perceived: pd.Series, weights: pd.Series | None
) -> dict[str, float]:
    """Return the shares of respondents inside, below, above and without a zone."""
    used = perceived.notna()
    a, d, p = (s[used].to_numpy(dtype=float) for s in (adequate, desired, perceived))
    w = np.ones(len(p)) if weights is None else weights[used].to_numpy(dtype=float)
    inverted = a > d
    places = {
        "share_inside": ~inverted & (p >= a) & (p <= d),
        "share_below": ~inverted & (p < a),
        "share_above": ~inverted & (p > d),
        "share_inverted": inverted,
    }
    nan = float("nan")
    shares = {
        name: weighted_mean(hit.astype(float), w) if len(p) and w.sum() > 0 else nan
        for name, hit in places.items()
    }
    return shares | {"n_inverted": int(inverted.sum())}
