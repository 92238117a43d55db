"""Which branches lie outside what chance, and the usual differences between branches, explain?

A funnel plot sets each branch's mean or proportion against its size, with control limits around a
common target (Spiegelhalter, 2005).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_count
from servlab.core.errors import ModelError
from servlab.core.groups import natural_order, suppressed_groups
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.comparison.branches import branch_score, find_branches, used_weights
from servlab.estimation.comparison.funnel_data import (
    branch_estimates,
    counts_by_group,
    top_of_scale,
)
from servlab.estimation.comparison.funnel_limits import Limits, overdispersion, places_of
from servlab.scales.scoring import OVERALL_ITEMS

Array = NDArray[np.float64]
Dispersion = Literal["additive", "multiplicative", "none"]
DISPERSIONS = ("additive", "multiplicative", "none")
LEVELS = (0.95, 0.998)
BOUNDS = ("inner_low", "inner_high", "outer_low", "outer_high")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """Branches against the limits of chance.

    Attributes
    ----------
    by, score, term : str
        The covariate that forms the branches (empty for a table of counts), the score and the
        dimension.
    measure : {"mean", "top_box", "proportion"}
        What ``estimate`` is: a mean in scale points, the share of respondents with a score of
        ``at_least`` so many points, or a share of counts.
    by_group : DataFrame
        A row a branch: ``estimate``, ``n`` and ``size`` (Kish's effective n under weights),
        ``z``, limits ``inner_low``, ``inner_high``, ``outer_low``, ``outer_high`` and ``place``:
        ``inside``, ``low``, ``high`` (past the inner limits), ``very_low``, ``very_high`` (past the
        outer ones).
    curve : DataFrame
        The limits along ``size``, to draw.
    target : float
        The common mean or proportion.
    spread : float
        Standard deviation of a respondent within branches; NaN for proportions.
    phi, tau2 : float
        Overdispersion (1 without any) and the variance between branches it implies.
    dispersion, limits : str
        How overdispersion enters, and whether limits are ``exact`` or ``normal``.
    levels : tuple of float
        Levels of the inner and the outer limits.
    """

    by: str
    score: str
    term: str
    measure: str
    at_least: float
    instrument: Instrument | None
    by_group: pd.DataFrame
    curve: pd.DataFrame
    target: float
    spread: float
    phi: float
    tau2: float
    dispersion: str
    limits: str
    winsorize: float
    levels: tuple[float, float]
    weighted: bool
    suppressed: tuple[str, ...]
    min_cell: int
    n_groups: int
    n: int
    n_dropped: int

    @property
    def beyond_chance(self) -> tuple[str, ...]:
        """Return the branches past normal limits of the inner level that allow for chance alone."""
        binomial = (
            np.sqrt(self.target * (1 - self.target)) if np.isnan(self.spread) else self.spread
        )
        rows = self.by_group
        z = (rows["estimate"] - self.target) / (binomial / np.sqrt(rows["size"]))
        past = z.abs() > stats.norm.isf((1 - self.levels[0]) / 2)
        return tuple(rows.loc[past, "group"].astype(str))

    def tidy(self) -> pd.DataFrame:
        """Return a row a branch."""
        return self.by_group

    def glance(self) -> pd.DataFrame:
        """Return one row: target, overdispersion and how many branches are outside."""
        names = ("phi", "tau2", "n_groups", "n", "n_dropped")
        places = self.by_group["place"]
        counts = {
            "centre": self.target,
            "n_outside": int((places != "inside").sum()),
            "n_far_outside": int(places.str.startswith("very").sum()),
        }
        return pd.DataFrame([{name: getattr(self, name) for name in names} | counts])


def funnel(
    survey: Survey,
    *,
    by: str,
    score: str | None = None,
    term: str = OVERALL_ITEMS,
    measure: Literal["mean", "top_box"] = "mean",
    at_least: float | None = None,
    dispersion: Dispersion = "additive",
    winsorize: float = 0.1,
    levels: tuple[float, float] = LEVELS,
    min_cell: int = 5,
) -> Funnel:
    """Set branches' means, or shares of top answers, against their size with control limits.

    Parameters
    ----------
    survey : Survey
        Under unequal weights means are weighted and a branch's size is Kish's effective n; limits
        are normal then.
    by : str
        A covariate of the survey.
    score : str, optional
        ``gap``, ``perception``, ``expectation`` or an outcome; None takes the gap where the survey
        has both batteries (perception for ``top_box``), else perception.
    term : str
        A dimension, or ``overall_items``.
    measure : {"mean", "top_box"}
        The mean, or the share of respondents whose score is ``at_least`` so high.
    at_least : float, optional
        For ``top_box``, in scale points; None takes the highest point for an outcome and one point
        under it for the mean of several items.
    dispersion : {"additive", "multiplicative", "none"}
        How limits allow for the usual differences between branches; ``none`` judges by chance
        alone, so that many large branches may fall outside.
    winsorize : float
        Share of the z scores drawn in on each side before overdispersion is estimated, in [0, 0.5).
    levels : (float, float)
        Levels of the inner and the outer limits.
    min_cell : int
        Branches with fewer respondents do not enter.

    Returns
    -------
    Funnel

    Raises
    ------
    ModelError
        When a name is unknown, fewer than two branches are large enough, or nothing varies.

    Notes
    -----
    Limits of a mean are target +- z sqrt(s^2 + tau2) with s the pooled standard deviation within
    branches over sqrt(n); the target is the mean over respondents. Overdispersion is phi, the mean
    square of winsorized z scores, in the multiplicative model (where phi is over 1), and tau2 in
    the additive one [spiegelhalter2005]_. Limits of a proportion are exactly binomial where there
    is no overdispersion and no weight, else normal. At the 95 % limits one branch in twenty lies
    outside by chance.

    Examples
    --------
    >>> import servlab as sl
    >>> found = sl.funnel(sl.load_example("servqual"), by="branch")
    >>> set(found.by_group["place"]) <= {"inside", "low", "high", "very_low", "very_high"}
    True
    """
    check_choice("measure", measure, ("mean", "top_box"))
    _check_options(dispersion, winsorize, levels, min_cell)
    chosen = score
    if chosen is None:
        both = survey.has("expectation", "perception") and measure == "mean"
        chosen = "gap" if both else "perception"
    values = branch_score(survey, chosen, term)
    top = top_of_scale(survey, chosen, at_least) if measure == "top_box" else float("nan")
    if measure == "top_box":
        values = (values >= top - 1e-9).astype(float).where(values.notna())
    elif at_least is not None:
        raise ModelError("at_least belongs to measure='top_box'; leave it out for means.")
    weights = used_weights(survey)
    used = values.notna() if weights is None else values.notna() & (weights > 0)
    branches = find_branches(survey, by, used, min_cell)
    table, target, spread = branch_estimates(values, branches, weights, measure)
    inside = branches.codes >= 0
    return _funnel(
        table, target, spread, dispersion=dispersion, winsorize=winsorize, levels=levels,
        exact=measure == "top_box" and weights is None,
        facts={
            "by": by, "score": chosen, "term": term, "measure": measure, "at_least": top,
            "instrument": survey.instrument, "weighted": weights is not None,
            "suppressed": branches.suppressed, "min_cell": min_cell,
            "n": int(inside.sum()), "n_dropped": int((~inside).sum()),
        },
    )  # fmt: skip


def funnel_counts(
    events: pd.Series | Mapping[str, int],
    totals: pd.Series | Mapping[str, int],
    *,
    dispersion: Dispersion = "additive",
    winsorize: float = 0.1,
    levels: tuple[float, float] = LEVELS,
    min_cell: int = 5,
) -> Funnel:
    """Set proportions of a table of counts against their size with control limits.

    Parameters
    ----------
    events : Series or mapping
        Branch -> how often it happened: complaints, breaches, delays.
    totals : Series or mapping
        Branch -> out of how many, over the same branches.
    dispersion, winsorize, levels
        As for ``funnel``.
    min_cell : int
        Branches with a smaller total do not enter.

    Returns
    -------
    Funnel

    Raises
    ------
    ModelError
        When branches differ, counts are missing, negative, not whole, or exceed their total, or
        nothing or everything happened.

    Examples
    --------
    >>> import servlab as sl
    >>> late = sl.funnel_counts({"A": 12, "B": 40, "C": 9}, {"A": 150, "B": 210, "C": 160})
    >>> round(late.target, 4)
    0.1173
    """
    _check_options(dispersion, winsorize, levels, min_cell)
    happened, total = counts_by_group("events", events), counts_by_group("totals", totals)
    if set(happened.index) != set(total.index):
        odd = sorted(set(happened.index) ^ set(total.index))
        raise ModelError(
            f"events and totals must name the same groups; {', '.join(odd[:8])} stand in one only."
        )
    happened = happened[total.index]
    over = total.index[happened > total]
    if len(over):
        raise ModelError(f"events exceed totals in {', '.join(over[:8])}; check the counts.")
    hidden = suppressed_groups(total, max(min_cell, 1))
    names = [name for name in sorted(total.index, key=natural_order) if name not in hidden]
    if len(names) < 2:
        raise ModelError(
            f"fewer than two groups have a total of at least min_cell = {min_cell}; merge groups "
            "or lower min_cell."
        )
    happened, total = happened[names], total[names]
    target = float(happened.sum() / total.sum())
    table = pd.DataFrame(
        {
            "group": names,
            "estimate": (happened / total).to_numpy(),
            "n": total.astype(int).to_numpy(),
            "size": total.to_numpy(dtype=float),
        }
    )
    return _funnel(
        table, target, float("nan"), dispersion=dispersion, winsorize=winsorize, levels=levels,
        exact=True,
        facts={
            "by": "", "score": "", "term": "", "measure": "proportion",
            "at_least": float("nan"), "instrument": None,
            "weighted": False, "suppressed": hidden, "min_cell": min_cell,
            "n": int(total.sum()), "n_dropped": 0,
        },
    )  # fmt: skip


def _check_options(
    dispersion: str, winsorize: float, levels: tuple[float, float], min_cell: int
) -> None:
    check_choice("dispersion", dispersion, DISPERSIONS)
    check_count("min_cell", min_cell)
    if not 0 <= winsorize < 0.5:
        raise ModelError(f"winsorize must be a share in [0, 0.5), as 0.1 is; got {winsorize!r}.")
    if len(levels) != 2 or not 0 < levels[0] < levels[1] < 1:
        raise ModelError(
            f"levels must be two rising levels in (0, 1), as (0.95, 0.998) is; got {levels!r}."
        )


def _funnel(
    table: pd.DataFrame,
    target: float,
    spread: float,
    *,
    dispersion: str,
    winsorize: float,
    levels: tuple[float, float],
    exact: bool,
    facts: dict[str, object],
) -> Funnel:
    """Return the funnel of estimates and sizes."""
    share = bool(np.isnan(spread))
    if share and not 0 < target < 1:
        raise ModelError(
            f"the overall proportion is {target:g}; with none or all there are no limits to draw."
        )
    sd = np.sqrt(target * (1 - target)) if share else spread
    size = table["size"].to_numpy(dtype=float)
    s = sd / np.sqrt(size)
    z = (table["estimate"].to_numpy() - target) / s
    phi, tau2 = overdispersion(z, s, winsorize)
    factor = max(1.0, phi) if dispersion == "multiplicative" else 1.0
    extra = tau2 if dispersion == "additive" else 0.0
    exact = exact and factor == 1.0 and extra == 0.0
    model = Limits(target, float(sd), factor, extra, exact, share, levels)
    bounds = model.at(size)
    places = places_of(table["estimate"].to_numpy(), bounds)
    along = np.geomspace(max(size.min() * 0.8, 1.0), size.max() * 1.1, 160)
    curve = model.at(np.unique(np.rint(along)) if exact else along)
    return Funnel(
        by_group=table.assign(z=z, **{c: bounds[c] for c in BOUNDS}, place=places),
        curve=curve,
        target=target,
        spread=spread,
        phi=phi,
        tau2=tau2,
        dispersion=dispersion,
        limits="exact" if exact else "normal",
        winsorize=winsorize,
        levels=(float(levels[0]), float(levels[1])),
        n_groups=len(table),
        **facts,  # type: ignore[arg-type]  # names and types are those of the two callers above
    )
