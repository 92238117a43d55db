"""Is the newest wave out of line with all waves before it? Cumulative control limits and a CUSUM.

An X-bar chart with unequal n whose limits for a wave come from the waves before it only, so that no
wave is judged by itself. Waves vary more than sampling says (season, staffing, weather): that
variance between waves is estimated from the earlier waves and widens the limits
[spiegelhalter2005]_.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Label
from servlab.estimation.comparison.wave_table import by_term
from servlab.estimation.comparison.waves import WaveComparison

Array = NDArray[np.float64]
NAN = float("nan")

FEWEST_BEFORE = 2  # one earlier wave says nothing of how waves vary
ALLOWANCE, DECISION = 0.5, 5.0  # k and h of the CUSUM, in standard deviations
COLUMNS = ("centre", "limit_low", "limit_high", "between", "z", "cusum_high", "cusum_low")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class WaveLimits:
    """Wave means against limits from all earlier waves.

    Attributes
    ----------
    limits : DataFrame
        A row a ``level``, ``term`` and ``wave``: the mean (``estimate``), ``n``, ``n_before``
        (earlier waves used), ``centre``, ``limit_low``, ``limit_high``, ``between`` (variance
        between the earlier waves beyond sampling), ``z`` (distance from the centre in standard
        deviations of a new wave), ``cusum_high``, ``cusum_low``, ``signal`` (outside the limits)
        and ``cusum_signal`` (a sum past 5). NaN until two earlier waves have means.
    sigmas : float
        Half-width of the limits in standard deviations.
    provisional : bool
        Whether even the last wave has fewer than eight waves before it (a house rule).
    """

    limits: pd.DataFrame
    sigmas: float
    provisional: bool
    score: str
    waves: tuple[str, ...]
    instrument: Instrument
    outcomes: dict[str, Label]
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a level, term and wave."""
        return self.limits

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents."""
        return pd.DataFrame([{"n": self.n, "n_dropped": self.n_dropped}])


def wave_limits(comparison: WaveComparison, *, sigmas: float = 3.0) -> WaveLimits:
    """Hold each wave against control limits from all waves before it.

    Parameters
    ----------
    comparison : WaveComparison
        From ``compare_waves``.
    sigmas : float
        Half-width of the limits in standard deviations of a new wave's mean.

    Returns
    -------
    WaveLimits

    Raises
    ------
    ModelError
        When no term has means in three waves.

    Notes
    -----
    With the means m_j and sampling variances v_j of the waves before t, the variance between waves
    is DerSimonian and Laird's moment estimate [dersimonian1986]_,
    tau2 = max(0, (Q - (k - 1)) / (sum u - sum u^2 / sum u)), u = 1 / v, and with
    w = 1 / (v + tau2): centre = sum w m / sum w, limits = centre -+ sigmas sqrt(tau2 + v_t + 1 /
    sum w). The standardized distance z_t feeds a two-sided CUSUM that starts itself, as each z_t
    uses earlier waves only [hawkins1987]_: C+ = max(0, C+ + z - 0.5), C- likewise, signal past 5.
    With few earlier waves tau2 is often 0 by chance and false alarms are more frequent than the 0.3
    percent of three sigmas: under eight earlier waves the limits are called provisional. A wave
    out of the limits stays in those of later waves.

    References
    ----------
    .. [spiegelhalter2005] Spiegelhalter (2005), Quality and Safety in Health Care 14, 347-351.
    .. [dersimonian1986] DerSimonian and Laird (1986), Controlled Clinical Trials 7, 177-188.
    .. [hawkins1987] Hawkins (1987), The Statistician 36, 299-316.

    Examples
    --------
    >>> import servlab as sl
    >>> waves = sl.compare_waves(sl.load_example("servqual_waves"))
    >>> sl.wave_limits(waves).provisional
    True
    """
    check_result("comparison", comparison, WaveComparison, "compare_waves")
    if not sigmas > 0:
        raise ModelError(f"sigmas must be above 0, as 3 is; got {sigmas!r}.")
    parts = []
    for level, term, part in by_term(comparison.by_wave):
        rows = part[["wave", "estimate", "std_error", "n"]].reset_index(drop=True)
        found = _limits(rows["estimate"].to_numpy(), rows["std_error"].to_numpy() ** 2, sigmas)
        parts.append(rows.join(found).assign(level=level, term=term))
    table = pd.concat(parts, ignore_index=True)
    if table["z"].isna().all():
        raise ModelError(
            "no score has means with standard errors in three waves; control limits need two "
            "earlier waves."
        )
    first = ["level", "term", "wave"]
    return WaveLimits(
        limits=table[[*first, *[c for c in table if c not in first]]],
        sigmas=float(sigmas),
        provisional=not standard("waves_before").met_by(float(table["n_before"].max())),
        score=comparison.score,
        waves=comparison.waves,
        instrument=comparison.instrument,
        outcomes=dict(comparison.outcomes),
        n=comparison.n,
        n_dropped=comparison.n_dropped,
    )


def _limits(means: Array, variances: Array, sigmas: float) -> pd.DataFrame:
    """Return centre, limits and CUSUM of (k,) means, each from those before it."""
    rows = []
    high = low = 0.0
    for t in range(len(means)):
        before = np.isfinite(means[:t]) & (variances[:t] > 0)
        row: dict[str, float] = dict.fromkeys(COLUMNS, NAN) | {"n_before": int(before.sum())}
        if before.sum() >= FEWEST_BEFORE and np.isfinite(means[t]) and variances[t] > 0:
            centre, between, spread = centre_before(means[:t][before], variances[:t][before])
            sd = float(np.sqrt(between + spread + variances[t]))
            z = float((means[t] - centre) / sd)
            high, low = max(0.0, high + z - ALLOWANCE), max(0.0, low - z - ALLOWANCE)
            row |= {"centre": centre, "between": between, "z": z}
            row |= {"limit_low": centre - sigmas * sd, "limit_high": centre + sigmas * sd}
            row |= {"cusum_high": high, "cusum_low": low}
        row["signal"] = abs(row["z"]) > sigmas
        row["cusum_signal"] = max(high, low) > DECISION and not np.isnan(row["z"])
        rows.append(row)
    return pd.DataFrame(rows)


def centre_before(m: Array, v: Array) -> tuple[float, float, float]:
    """Return weighted mean of (k,) means, variance between them, and the variance of that mean."""
    u = 1 / v
    q = float(u @ (m - u @ m / u.sum()) ** 2)
    between = max(0.0, (q - (len(m) - 1)) / float(u.sum() - u @ u / u.sum()))
    w = 1 / (v + between)
    return float(w @ m / w.sum()), between, float(1 / w.sum())
