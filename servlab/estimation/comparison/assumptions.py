"""What do the scores of groups look like, and which test do they recommend?

The checks recommend in words and never choose: every test is given whatever they say. With many
respondents a test of normality rejects any real scale, so the shape of the residuals is
measured, not tested, and held against Kline's limits [kline2016]_. Welch's test is
recommended whether variances are found to differ or not [delacre2019]_: choosing by a
preliminary test spoils the level.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from servlab.core.standards import standard
from servlab.estimation.comparison.omnibus import Omnibus, anova

Array = NDArray[np.float64]
Recommended = Literal["welch", "kruskal", "design", "none"]


@dataclass(frozen=True, slots=True)
class Checks:
    """Checks of one score over its groups.

    Attributes
    ----------
    spread : Omnibus
        Brown and Forsythe's test: the classical F of absolute deviations from the medians.
    variance_ratio : float
        Largest variance over the smallest; infinite where a group does not vary.
    skewness, kurtosis : float
        Bias-corrected shape of the residuals from the groups' means.
    n_smallest : int
        Respondents of the smallest group.
    recommended : str
        ``welch``; ``kruskal`` where a group does not vary or the residuals are far from normal;
        ``design`` under weights; ``none`` where nothing can be tested.
    """

    spread: Omnibus
    variance_ratio: float
    skewness: float
    kurtosis: float
    n_smallest: int
    recommended: Recommended


def check_groups(groups: list[Array], *, weighted: bool) -> Checks:
    """Return the checks of one score; ``groups`` has at least two groups of two or more."""
    flat = [np.ptp(g) < 1e-9 for g in groups]
    pairs = zip(groups, flat, strict=True)
    variances = [0.0 if still else float(g.var(ddof=1)) for g, still in pairs]
    low, high = min(variances), max(variances)
    residuals = np.concatenate([g - g.mean() for g in groups])
    skewness, kurtosis = shape(residuals)
    recommended: Recommended = "welch"
    if weighted:
        recommended = "none" if any(flat) else "design"
    elif any(flat) or not (
        standard("skewness").met_by(skewness) and standard("kurtosis").met_by(kurtosis)
    ):
        recommended = "kruskal" if high > 0 or not _same(groups) else "none"
    return Checks(
        spread=anova([np.abs(g - np.median(g)) for g in groups]),
        variance_ratio=high / low if low > 0 else float("inf" if high > 0 else "nan"),
        skewness=skewness,
        kurtosis=kurtosis,
        n_smallest=min(len(g) for g in groups),
        recommended=recommended,
    )


def shape(values: Array) -> tuple[float, float]:
    """Return bias-corrected skewness and excess kurtosis; NaN without spread or under 4 values."""
    if len(values) < 4 or np.ptp(values) < 1e-9:
        return float("nan"), float("nan")
    return (
        float(stats.skew(values, bias=False)),
        float(stats.kurtosis(values, bias=False)),
    )


def _same(groups: list[Array]) -> bool:
    """Tell whether all scores of all groups are one value."""
    return bool(np.ptp(np.concatenate(groups)) < 1e-9)
