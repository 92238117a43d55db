"""Surveys drawn from a model whose truth is known: for teaching, for planning, for tests.

Latent answers follow a factor model; thresholds cut them into the points of the scale. The
latent mean of each item is set so that the *expected answer* is the one asked for, so that planted
gaps are gaps in scale points.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from servlab.core.checks import check_count
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.schema import Label, Scale
from servlab.data.survey import Provenance, Survey, VariableInfo

Array = NDArray[np.float64]

SPREAD = 1.35  # standard deviation of latent answers, in scale points of a seven-point scale
BRANCH_LABEL = Label(en="Branch", zh="网点")
OUTCOME_LABEL = Label(en="Satisfaction", zh="满意度")


@dataclass(frozen=True, slots=True)
class _Design:
    """What every battery of one simulation shares."""

    loading: float
    factor_cor: float
    between: float
    spread: float


def simulate_survey(
    instrument: Instrument,
    *,
    n: int,
    seed: int,
    gaps: float | Mapping[str, float] = -0.8,
    expectation: float | None = None,
    loading: float = 0.75,
    factor_cor: float = 0.5,
    between: float = 0.3,
    drivers: Mapping[str, float] | None = None,
    missing_share: float = 0.0,
    branches: Mapping[str, float] | None = None,
) -> Survey:
    """Draw a survey of known loadings, gaps and driver weights.

    Parameters
    ----------
    instrument : Instrument
        Every battery it names is drawn.
    n : int
        Respondents.
    seed : int
        Seed of the draws; the same seed gives the same survey.
    gaps : float or mapping of str to float
        Expected P - E, for all dimensions or for each, in scale points.
    expectation : float, optional
        Expected answer of the expectation battery; default four fifths up the scale.
    loading : float
        Correlation of a latent answer with its dimension's factor, in (0, 1).
    factor_cor : float
        Correlation of the dimensions' factors within a battery, in [0, 1).
    between : float
        Correlation of a dimension's expectation factor with its perception factor, in [0, 1).
    drivers : mapping of str to float, optional
        Weight of each dimension's perception factor in the outcome ``satisfaction``; default
        equal weights that explain half of its variance.
    missing_share : float
        Share of answers lost at random, in [0, 1).
    branches : mapping of str to float, optional
        Branch name to what it adds to the gaps, in scale points; respondents are spread evenly.

    Returns
    -------
    Survey
        Marked as simulated; items reversed in the instrument are stored as they would be answered.

    Raises
    ------
    ModelError
        When an expected answer would lie outside the scale, or a share is out of range.

    Notes
    -----
    Answer = low + number of thresholds low + 1/2, ..., high - 1/2 under a normal latent answer with
    standard deviation 1.35 points (on seven points; in proportion on others). An expected answer
    near an end of the scale needs a latent mean beyond it, as real ceilings do.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.simulate_survey(sl.load_instrument("servqual-1991"), n=2000, seed=7, gaps=-1.0)
    >>> gap = sl.gap_scores(survey).by_overall.loc["overall_items", "estimate"]
    >>> bool(-1.1 < gap < -0.9)
    True
    """
    n = check_count("n", n, minimum=2)
    for name, value in (("factor_cor", factor_cor), ("between", between)):
        _check_share(name, value)
    _check_share("missing_share", missing_share)
    if not 0 < loading < 1:
        raise ModelError(f"loading must lie between 0 and 1; got {loading!r}.")
    rng = np.random.default_rng(seed)
    branch = _branch(branches, n)
    wanted = _gap_of(instrument, gaps)
    design = _Design(loading, factor_cor, between, SPREAD)
    factors = _factors(rng, instrument, n, design)
    answers: dict[str, pd.DataFrame] = {
        name: _answers(
            rng, instrument, name, wanted, expectation, branch, branches, factors, design
        )
        for name in instrument.batteries
    }
    for frame in answers.values():
        frame[rng.random(frame.shape) < missing_share] = np.nan
    satisfaction = _outcome(rng, instrument, factors["perception"], drivers)
    covariates = pd.DataFrame(index=pd.RangeIndex(n, name="row"))
    if branch is not None:
        covariates["branch"] = branch
    reversed_items = instrument.proposed_reversed
    return Survey(
        instrument=instrument,
        answers=MappingProxyType(answers),
        reversed_items=MappingProxyType(
            {name: () if name == "importance" else reversed_items for name in answers}
        ),
        scales=MappingProxyType({name: instrument.scale_of(name) for name in answers}),
        grades=MappingProxyType({name: b.grade for name, b in instrument.batteries.items()}),
        covariates=covariates,
        outcomes=pd.DataFrame({"satisfaction": satisfaction}, index=covariates.index),
        variables=MappingProxyType(
            {
                "satisfaction": VariableInfo(OUTCOME_LABEL, scale=Scale(low=1, high=7)),
                "branch": VariableInfo(BRANCH_LABEL, role="branch"),
            }
        ),
        provenance=Provenance("simulated", "", n, simulated=True),
    )


def _check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ModelError(f"{name} must be at least 0 and below 1; got {value!r}.")


def _branch(branches: Mapping[str, float] | None, n: int) -> list[str] | None:
    if branches is None:
        return None
    if not branches:
        raise ModelError("branches must name at least one branch.")
    names = list(branches)
    return [names[i % len(names)] for i in range(n)]


def _gap_of(instrument: Instrument, gaps: float | Mapping[str, float]) -> dict[str | None, float]:
    """Return the expected gap of each dimension; items outside all dimensions get the mean."""
    codes = instrument.dimension_codes
    if isinstance(gaps, Mapping):
        if set(gaps) != set(codes):
            raise ModelError(f"gaps must name each dimension ({', '.join(codes)}).")
        return dict(gaps) | {None: float(np.mean(list(gaps.values())))}
    return {code: float(gaps) for code in (*codes, None)}


def _factors(
    rng: np.random.Generator, instrument: Instrument, n: int, design: _Design
) -> dict[str, Array]:
    """Return (n, dimensions) factors of each battery, correlated within and between batteries."""
    m = max(len(instrument.dimension_codes), 1)
    within = np.full((m, m), design.factor_cor) + (1 - design.factor_cor) * np.eye(m)
    root = np.linalg.cholesky(within)
    shared = rng.normal(size=(n, m)) @ root.T
    a, b = np.sqrt(design.between), np.sqrt(1 - design.between)
    names = dict.fromkeys((*instrument.batteries, "perception"))
    return {name: a * shared + b * rng.normal(size=(n, m)) @ root.T for name in names}


def _answers(
    rng: np.random.Generator,
    instrument: Instrument,
    battery: str,
    gaps: Mapping[str | None, float],
    expectation: float | None,
    branch: list[str] | None,
    branches: Mapping[str, float] | None,
    factors: Mapping[str, Array],
    design: _Design,
) -> pd.DataFrame:
    """Return one battery's answers (n, k), as a respondent would tick them."""
    scale = instrument.scale_of(battery)
    spread = design.spread * (scale.high - scale.low) / 6
    centre = scale.low + 0.8 * (scale.high - scale.low) if expectation is None else expectation
    F = factors[battery]
    dimensions = list(instrument.dimension_codes)
    shift = np.array([(branches or {}).get(name, 0.0) for name in branch]) if branch else None
    columns = {}
    for place, item in enumerate(instrument.items):
        column = dimensions.index(item.dimension) if item.dimension in dimensions else 0
        noise = rng.normal(size=len(F))
        z = design.loading * F[:, column] + np.sqrt(1 - design.loading**2) * noise
        # a fixed small spread between items, so that item profiles are not flat
        bump = 0.15 * ((place % 3) - 1) * (scale.high - scale.low) / 6
        target = _target(battery, centre, gaps[item.dimension], bump, scale)
        mean = np.full(len(F), _latent_mean(target, spread, scale))
        if shift is not None and battery == "perception":
            for value in np.unique(shift):
                mean[shift == value] = _latent_mean(target + value, spread, scale)
        answer = np.clip(np.rint(mean + spread * z), scale.low, scale.high)
        turned = item.reversed and battery != "importance"
        columns[item.code] = scale.low + scale.high - answer if turned else answer
    return pd.DataFrame(columns, index=pd.RangeIndex(len(F), name="row"))


def _target(battery: str, centre: float, gap: float, bump: float, scale: Scale) -> float:
    """Return the expected answer of an item in a battery."""
    width = (scale.high - scale.low) / 6
    base = {
        "expectation": centre,
        "desired": centre,
        "adequate": centre - 1.5 * width,
        "perception": centre + gap,
        "importance": centre,
    }[battery]
    return base + bump


def _latent_mean(target: float, spread: float, scale: Scale) -> float:
    """Return the latent mean under which the expected answer is ``target``."""
    if not scale.low < target < scale.high:
        raise ModelError(
            f"an expected answer of {target:.2f} lies outside the scale {scale.low} to "
            f"{scale.high}; choose smaller gaps or another expectation."
        )
    cuts = np.arange(scale.low, scale.high) + 0.5

    def excess(mean: float) -> float:
        return float(scale.low + stats.norm.sf(cuts, loc=mean, scale=spread).sum() - target)

    reach = 12 * spread
    return float(optimize.brentq(excess, scale.low - reach, scale.high + reach))


def _outcome(
    rng: np.random.Generator,
    instrument: Instrument,
    F: Array,
    drivers: Mapping[str, float] | None,
) -> Array:
    """Return satisfaction from 1 to 7: weighted perception factors and noise of unit variance."""
    codes = instrument.dimension_codes
    if drivers is not None and set(drivers) - set(codes):
        raise ModelError(f"drivers name no known dimension: {sorted(set(drivers) - set(codes))}.")
    if drivers is None:
        equal = np.full(F.shape[1], 1.0)
        weights = equal / np.sqrt(np.var(F @ equal))
    else:
        weights = np.array([float(drivers.get(code, 0.0)) for code in codes])
    latent = F @ weights + rng.normal(size=len(F))
    answer: Array = np.clip(np.rint(4.6 + 0.9 * latent), 1, 7)
    return answer
