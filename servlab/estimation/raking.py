"""Weights that bring a sample to known margins: raking, or iterative proportional fitting.

A sample in which women, the young or one branch are too frequent is weighted until its margins are
the population's [deming1940]_. What that costs in precision is Kish's design effect [kish1965]_.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.core.checks import check_count, check_weights
from servlab.core.errors import ModelError, NotConvergedError
from servlab.core.groups import suppressed_groups
from servlab.data.schema import Label
from servlab.data.survey import Survey
from servlab.scales.means import effective_n

Array = NDArray[np.float64]

TOLERANCE = 1e-9  # largest relative miss of a margin
MAX_ROUNDS = 2000
SUM_TOLERANCE = 0.005  # shares printed with two decimals may add up to 0.995 or 1.005


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Raking:
    """Weights raked to margins.

    Attributes
    ----------
    survey : Survey or None
        The survey with these weights; None when a frame was raked.
    weights : Series
        (n,) weights with mean 1.
    margins : DataFrame
        A row a covariate and value: ``term``, ``group``, ``n``, ``target`` (share of the
        population), ``before`` and ``after`` (share of the sample under the base and the raked
        weights), all in [0, 1]. A suppressed value has n = -1 and no share before.
    suppressed : tuple of str
        ``covariate: value`` of those hidden because they, or the one that would reveal them, are
        small.
    design_effect : float
        Kish's 1 + squared coefficient of variation of the weights, at least 1.
    n_effective : float
        n over the design effect.
    n_rounds : int
        Rounds over all margins until they were met.
    n_trimmed : int
        Weights at a bound.
    bounds : tuple of float or None
        Smallest and largest weight allowed, in multiples of the mean.
    n : int
        Respondents.
    """

    survey: Survey | None
    weights: pd.Series
    margins: pd.DataFrame
    suppressed: tuple[str, ...]
    min_cell: int
    design_effect: float
    n_effective: float
    n_rounds: int
    n_trimmed: int
    bounds: tuple[float, float] | None
    n: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a covariate and value."""
        return self.margins

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents and effective n."""
        return pd.DataFrame([{"n": self.n, "n_effective": self.n_effective}])


def rake(
    data: Survey | pd.DataFrame,
    margins: Mapping[str, Mapping[str, float]],
    *,
    base_weights: pd.Series | None = None,
    bounds: tuple[float, float] | None = None,
    min_cell: int = 5,
) -> Raking:
    """Weight a sample to the margins of its population.

    Parameters
    ----------
    data : Survey or DataFrame
        The sample; a column or covariate for each margin, without missing values.
    margins : mapping of str to mapping
        Covariate -> value as in the file -> its share or count in the population. A covariate's
        shares sum to 1 (or to 100); counts of all covariates have the same total.
    base_weights : Series, optional
        Weights to start from (of the sampling design); None takes the survey's, else 1.
    bounds : tuple of float, optional
        Smallest and largest weight, in multiples of the mean, such as ``(0.3, 3)``.
    min_cell : int
        Counts below it are hidden in ``margins``; such values are better joined with others, since
        a few respondents then stand for a whole group.

    Returns
    -------
    Raking

    Raises
    ------
    ModelError
        When a covariate is unknown or has missing values, margin and sample have different
        values, a share is not positive, or totals do not agree.
    NotConvergedError
        When margins contradict each other or the bounds.

    Notes
    -----
    Each round scales the weights to one margin after the other, until the largest relative miss
    is under 1e-9; with bounds, weights beyond them are cut back in every round, so that the
    margins hold with the cut weights. The margins hold exactly, relations between covariates stay
    the sample's. Weights come with mean 1.

    References
    ----------
    .. [deming1940] Deming and Stephan (1940), Annals of Mathematical Statistics 11, 427-444.
    .. [kish1965] Kish (1965), Survey sampling.

    Examples
    --------
    >>> import servlab as sl, pandas as pd
    >>> sample = pd.DataFrame({"sex": ["f", "f", "f", "m"]})
    >>> raked = sl.rake(sample, {"sex": {"f": 0.5, "m": 0.5}})
    >>> [round(float(w), 3) for w in raked.weights]
    [0.667, 0.667, 0.667, 2.0]
    """
    check_count("min_cell", min_cell)
    frame = data.covariates if isinstance(data, Survey) else data
    if not margins:
        raise ModelError("raking needs the margins of at least one covariate; got none.")
    targets = _targets(margins)
    members = {name: _members(frame, name, target) for name, target in targets.items()}
    base = _base(data, base_weights)
    if bounds is not None and not 0 <= bounds[0] < 1 < bounds[1]:
        raise ModelError(
            f"bounds are multiples of the mean weight, the first below 1 and the second above; "
            f"got {bounds!r}."
        )
    start = base.to_numpy(dtype=float)
    start = start / start.mean()
    _check_reachable(targets, members, start)
    raked, rounds = _raked(start, targets, members, bounds)
    weights = pd.Series(raked, index=base.index, name="weights")
    table, hidden = _hidden(_margins(targets, members, start, raked), min_cell)
    n = len(weights)
    n_effective = effective_n(raked)
    return Raking(
        survey=_weighted(data, weights, tuple(targets)) if isinstance(data, Survey) else None,
        weights=weights,
        margins=table,
        suppressed=hidden,
        min_cell=min_cell,
        design_effect=n / n_effective,
        n_effective=n_effective,
        n_rounds=rounds,
        n_trimmed=_at_bounds(raked, bounds),
        bounds=bounds,
        n=n,
    )


def parse_margins(texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Read margins from texts, as a study's parameter gives them.

    Parameters
    ----------
    texts : sequence of str
        ``"covariate:value=share"``, one a value.

    Returns
    -------
    dict
        For ``rake``.

    Raises
    ------
    ModelError
        When a text has another form, or names a value twice.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.parse_margins(["sex:f=0.52", "sex:m=0.48"])
    {'sex': {'f': 0.52, 'm': 0.48}}
    """
    margins: dict[str, dict[str, float]] = {}
    for text in texts:
        match = re.fullmatch(r"\s*([^:]+?)\s*:\s*(.+?)\s*=\s*([\d.]+(?:[eE][+-]?\d+)?)\s*", text)
        number = match and pd.to_numeric(match[3], errors="coerce")
        if match is None or pd.isna(number):
            raise ModelError(
                f"a margin is written covariate:value=share, as sex:f=0.52; got {text!r}."
            )
        shares = margins.setdefault(match[1], {})
        if match[2] in shares:
            raise ModelError(f"the margin of {match[1]!r} names {match[2]!r} twice; name it once.")
        shares[match[2]] = float(number)
    return margins


def _targets(margins: Mapping[str, Mapping[str, float]]) -> dict[str, pd.Series]:
    """Return each covariate's shares of the population, by value as text."""
    totals = {name: float(sum(shares.values())) for name, shares in margins.items()}
    found = {}
    for name, shares in margins.items():
        low = {str(value): share for value, share in shares.items() if not share > 0}
        if low or not shares:
            raise ModelError(
                f"margin of {name!r}: every share or count must be over 0; got {low or 'none'}. "
                "Leave out of the sample who is not of the population."
            )
        found[name] = pd.Series(
            {str(value): share / totals[name] for value, share in shares.items()}
        )
    shares_of = {
        name: any(abs(t / s - 1) <= SUM_TOLERANCE for s in (1, 100)) for name, t in totals.items()
    }
    counts = {name: total for name, total in totals.items() if not shares_of[name]}
    if counts and (len(counts) < len(totals) or _spread(counts.values()) > 1e-6):
        listed = ", ".join(f"{name!r} {total:g}" for name, total in totals.items())
        raise ModelError(
            f"the margins' totals do not agree: {listed}; shares must sum to 1 (or 100), and "
            "counts to the same total."
        )
    return found


def _spread(totals: Iterable[float]) -> float:
    """Return how far the largest total exceeds the smallest, relatively."""
    values = list(totals)
    return max(values) / min(values) - 1


def _members(frame: pd.DataFrame, name: str, target: pd.Series) -> NDArray[np.intp]:
    """Return (n,) the place of each respondent's value in the margin."""
    if name not in frame.columns:
        known = ", ".join(map(str, frame.columns)) or "none"
        raise ModelError(f"there is no covariate {name!r} to rake by; there are {known}.")
    values = frame[name]
    if values.isna().any():
        raise ModelError(
            f"{name!r} is missing for {int(values.isna().sum())} respondents; raking needs a value "
            "for everybody: leave them out, or rake by another covariate."
        )
    values = values.astype(str)
    strange = sorted(set(values) - set(target.index))
    if strange:
        raise ModelError(
            f"{name!r} has values without a margin: {', '.join(strange[:8])}; the margin has "
            f"{', '.join(map(str, target.index))}."
        )
    empty = sorted(set(map(str, target.index)) - set(values))
    if empty:
        raise ModelError(
            f"no respondent has {name!r} = {', '.join(empty)}, so that share of the population "
            "cannot be represented; join it with a neighbouring value in margin and sample."
        )
    return target.index.get_indexer(pd.Index(values))


def _base(data: Survey | pd.DataFrame, given: pd.Series | None) -> pd.Series:
    """Return the weights to start from."""
    index = data.index
    if given is None and isinstance(data, Survey):
        given = data.weights
    if given is None:
        return pd.Series(1.0, index=index)
    return check_weights(given, index)


def _check_reachable(
    targets: Mapping[str, pd.Series], members: Mapping[str, NDArray[np.intp]], start: Array
) -> None:
    """Raise when all the base weights of a value are 0."""
    for name, target in targets.items():
        sums = np.bincount(members[name], weights=start, minlength=len(target))
        if (sums == 0).any():
            value = target.index[int((sums == 0).argmax())]
            raise ModelError(
                f"every respondent with {name!r} = {value} has the base weight 0; raking cannot "
                "raise it."
            )


def _raked(
    start: Array,
    targets: Mapping[str, pd.Series],
    members: Mapping[str, NDArray[np.intp]],
    bounds: tuple[float, float] | None,
) -> tuple[Array, int]:
    """Return weights with mean 1 that meet all margins, and the rounds it took."""
    shares = {name: target.to_numpy(dtype=float) for name, target in targets.items()}
    w = start.copy()
    miss = np.inf
    for round_ in range(1, MAX_ROUNDS + 1):
        for name, share in shares.items():
            sums = np.bincount(members[name], weights=w, minlength=len(share)) / w.sum()
            w *= (share / sums)[members[name]]
        w /= w.mean()
        if bounds is not None:
            w = np.where(w > 0, np.clip(w, bounds[0], bounds[1]), 0.0)
            w /= w.mean()
        miss = max(_miss(w, shares, members), _beyond(w, bounds))
        if miss < TOLERANCE:
            return w, round_
    raise NotConvergedError(
        f"raking did not meet the margins in {MAX_ROUNDS} rounds (largest miss "
        f"{miss:.2g}): the margins contradict each other in this sample"
        + (f", or the bounds {bounds} are too narrow." if bounds else ".")
    )


def _miss(w: Array, shares: Mapping[str, Array], members: Mapping[str, NDArray[np.intp]]) -> float:
    """Return the largest relative miss of a margin."""
    misses = []
    for name, share in shares.items():
        sums = np.bincount(members[name], weights=w, minlength=len(share)) / w.sum()
        misses.append(float(np.abs(sums / share - 1).max()))
    return max(misses)


def _beyond(w: Array, bounds: tuple[float, float] | None) -> float:
    """Return how far a weight is beyond the bounds, in multiples of the mean."""
    if bounds is None:
        return 0.0
    used = w[w > 0]
    return float(max(used.max() - bounds[1], bounds[0] - used.min(), 0.0))


def _at_bounds(w: Array, bounds: tuple[float, float] | None) -> int:
    if bounds is None:
        return 0
    used = w[w > 0]
    return int(((used < bounds[0] + 1e-6) | (used > bounds[1] - 1e-6)).sum())


def _margins(
    targets: Mapping[str, pd.Series],
    members: Mapping[str, NDArray[np.intp]],
    start: Array,
    raked: Array,
) -> pd.DataFrame:
    """Return target, share before and share after of every value."""
    parts = []
    for name, target in targets.items():
        k = len(target)
        counts = np.bincount(members[name], minlength=k)
        before = np.bincount(members[name], weights=start, minlength=k) / start.sum()
        after = np.bincount(members[name], weights=raked, minlength=k) / raked.sum()
        columns = {"term": name, "group": list(target.index), "n": counts}
        columns |= {"target": target.to_numpy(), "before": before, "after": after}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _hidden(table: pd.DataFrame, min_cell: int) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the margins without the small counts, and which those are."""
    named: list[str] = []
    out = np.zeros(len(table), dtype=bool)
    for name, part in table.groupby("term", sort=False):
        small = suppressed_groups(part.set_index("group")["n"], min_cell)
        named += [f"{name}: {value}" for value in small]
        out |= (table["term"].eq(name) & table["group"].isin(small)).to_numpy()
    table = table.assign(n=table["n"].mask(out, -1), before=table["before"].mask(out))
    return table, tuple(named)


def _weighted(survey: Survey, weights: pd.Series, names: tuple[str, ...]) -> Survey:
    """Return the survey with the weights, and a note on where they come from."""
    en = ", ".join(survey.label(name, "en") for name in names)
    zh = "、".join(survey.label(name, "zh") for name in names)
    note = Label(
        en=f"Weights were raked to the margins of {en}.", zh=f"权重按{zh}的边际分布迭代调整。"
    )
    provenance = replace(survey.provenance, notes=(*survey.provenance.notes, note))
    return replace(survey, weights=weights, provenance=provenance)
