"""Through what does a service attribute go with loyalty? Indirect effects and their intervals.

Ordinary least squares with several mediators side by side or in a row; bootstrap intervals of the
products of paths (Preacher and Hayes, 2008), with Sobel's test beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special, stats

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.regression.collinearity import collinearity, warn_of_pairs
from servlab.estimation.regression.design_checks import Design, build_design, check_design
from servlab.estimation.regression.design_warnings import refuse_weights, warn_of_empty
from servlab.estimation.regression.formulas import formula
from servlab.estimation.regression.mediation_paths import (
    Layout,
    bootstrap_effects,
    effects_of,
    jackknife_effects,
    path_coefficients,
    route_links,
)

Interval = Literal["bca", "percentile"]
FEWEST = 0.8  # share of draws that must tell something
MOST_SERIAL = 3
EXACT_FIT = 1e-12


@brief
@dataclass(frozen=True, slots=True, eq=False)
class MediationResult:
    """Indirect, direct and total effects of one predictor.

    Attributes
    ----------
    predictor, outcome : str
    mediators, covariates : tuple of str
    model : str
        ``parallel`` or ``serial``.
    effects : DataFrame
        A row an effect: ``part`` (``indirect``, ``indirect_total``, ``contrast``, ``direct``,
        ``total``), ``estimate``, ``std_error`` (of the draws), ``conf_low``, ``conf_high``
        (bootstrap), ``std_beta`` (times s_x / s_y), and for single indirect effects
        ``sobel_statistic`` and ``sobel_p``.
    paths : DataFrame
        A row a path: ``estimate``, ``std_error``, ``statistic`` (t), ``df``, ``p_value``,
        ``conf_low``, ``conf_high`` of least squares.
    proportion : float
        Share of the total effect that is indirect; NaN unless the total effect's interval
        excludes zero and direct and indirect effects have one sign.
    collinear : tuple of tuple of str
    two_valued : tuple of str
        Mediators or outcome with two values, for which least squares is an approximation.
    empty : tuple of str
        Declared categories of covariates that no row used has; they are left out.
    interval : str
        ``bca`` or ``percentile``.
    n_draws, n_failed : int
        Draws asked for, and draws that told nothing (left out).
    seed, n, n_dropped : int
    conf_level : float
    """

    predictor: str
    outcome: str
    mediators: tuple[str, ...]
    covariates: tuple[str, ...]
    model: str
    effects: pd.DataFrame
    paths: pd.DataFrame
    proportion: float
    collinear: tuple[tuple[str, str], ...]
    two_valued: tuple[str, ...]
    empty: tuple[str, ...]
    interval: str
    n_draws: int
    n_failed: int
    seed: int
    n: int
    n_dropped: int
    conf_level: float

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told: ``collinear``, ``two_valued``, ``empty_category``."""
        found = {
            "collinear": self.collinear,
            "two_valued": self.two_valued,
            "empty_category": self.empty,
        }
        return tuple(name for name, there in found.items() if there)

    def tidy(self) -> pd.DataFrame:
        """Return a row an effect; ``part`` goes by ``component``."""
        return self.effects.rename(columns={"part": "component"}).reset_index(names="term")

    def glance(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame(
            [{"share_indirect": self.proportion, "n": self.n, "n_dropped": self.n_dropped}]
        )


def mediation(
    data: pd.DataFrame,
    *,
    predictor: str,
    mediators: str | Sequence[str],
    outcome: str,
    covariates: Sequence[str] = (),
    seed: int,
    n_draws: int = 5000,
    interval: Interval = "bca",
    model: Literal["parallel", "serial"] = "parallel",
    weights: str | None = None,
    conf_level: float = 0.95,
) -> MediationResult:
    """Split the association of a predictor with an outcome into direct and indirect parts.

    Parameters
    ----------
    data : DataFrame
        A row a respondent; rows with a missing value in a column used are dropped and counted.
    predictor, outcome : str
        Columns of numbers (a predictor of two groups as 0 and 1).
    mediators : str or sequence of str
        One or several columns of numbers.
    covariates : sequence of str
        Columns held constant in every equation; text columns are categories.
    seed : int
        The same seed gives the same draws.
    n_draws : int
        Bootstrap draws, at least 100.
    interval : {"bca", "percentile"}
        Bias-corrected and accelerated [efron1987]_, or percentiles of the draws.
    model : {"parallel", "serial"}
        Mediators side by side, or each also dependent on those before it (at most three).
    weights : str, optional
        Refused: rows are drawn with equal chances.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    MediationResult

    Raises
    ------
    ModelError
        For weights, an unknown, repeated, constant or text column, a column that is an exact
        combination of others, too few rows, or when fewer than 80 % of the draws can be used.

    Warns
    -----
    CollinearityWarning
        When predictor, mediators and covariates nearly repeat each other.
    UnweightedWarning
        When the data hold a survey's weights.

    Notes
    -----
    Indirect effects are products of least-squares paths, a_j b_j; total = direct + indirect holds
    exactly. BCa takes its acceleration from the jackknife. Sobel's z uses
    sqrt(sum over paths of (ab / path)^2 se^2) and is too cautious in small samples [sobel1982]_;
    the bootstrap interval decides. Rows are drawn one by one: weights and clusters have no form
    here. Effects are causal only if nothing unmeasured moves two of the three variables and the
    order in time is the assumed one [imai2010]_; one survey at one time cannot show that.

    References
    ----------
    baron1986, preacher2008, efron1987, sobel1982, mackinnon1995, imai2010.

    Examples
    --------
    >>> import numpy as np, pandas as pd, servlab as sl
    >>> x = np.resize([1.0, 2, 3, 4, 5], 60)
    >>> m = x + np.resize([1.0, -2, 0, 2], 60)
    >>> data = pd.DataFrame({"x": x, "m": m, "y": 2 * m + np.resize([1.0, 0, -1], 60)})
    >>> found = sl.mediation(data, predictor="x", mediators="m", outcome="y", seed=1, n_draws=200)
    >>> round(float(found.effects.loc["x -> m -> y", "estimate"]), 2)
    2.0
    """
    refuse_weights(weights, "mediation", "its bootstrap draws rows with equal chances")
    check_choice("interval", interval, ("bca", "percentile"))
    check_choice("model", model, ("parallel", "serial"))
    check_conf_level(conf_level)
    n_draws = check_count("n_draws", n_draws, minimum=100)
    names = (mediators,) if isinstance(mediators, str) else tuple(mediators)
    _check_names(predictor, names, outcome, tuple(covariates), model)
    design = build_design(formula(outcome, [*covariates, predictor, *names]), data)
    _check_numbers(design, (predictor, *names))
    check_design(design.y, design.X.to_numpy(), design.labels, outcome)
    overlap = collinearity(design)
    warn_of_pairs(overlap.pairs, overlap.by_term["vif"])
    warn_of_empty(design.empty, stacklevel=3)
    Z, layout = _rows(design, predictor, names, model == "serial")
    centre, scale = _standards(Z)
    unit = (Z - centre) / scale
    with blas_threads(Z.shape[1]):
        draws = bootstrap_effects(unit, layout, seed=seed, n_draws=n_draws)
        jackknife = jackknife_effects(unit, layout) if interval == "bca" else None
    # x and y carry the unit of every effect; mediators' cancel along a route
    rate = scale[-1] / scale[layout.base]
    estimate = effects_of(unit.T @ unit, layout) * rate
    kept = draws[~np.isnan(draws).any(axis=1)] * rate
    if len(kept) < FEWEST * n_draws:
        raise ModelError(
            f"only {len(kept)} of {n_draws} draws could be used: too few rows differ in the "
            "columns given. Use fewer mediators or covariates."
        )
    limits = bootstrap_limits(estimate, kept, jackknife, conf_level)
    paths = _paths(Z, layout, (predictor, *names, outcome), conf_level)
    effects = _effects(estimate, kept, limits, layout, (predictor, *names, outcome))
    effects["std_beta"] = effects["estimate"].to_numpy() / rate
    return MediationResult(
        predictor=predictor,
        outcome=outcome,
        mediators=names,
        covariates=tuple(covariates),
        model=model,
        effects=_with_sobel(effects, paths, layout, (predictor, *names, outcome)),
        paths=paths,
        proportion=_proportion(effects),
        collinear=overlap.pairs,
        two_valued=tuple(
            name
            for name, column in zip([*names, outcome], Z.T[layout.base + 1 :], strict=True)
            if len(np.unique(column)) == 2
        ),
        empty=design.empty,
        interval=interval,
        n_draws=n_draws,
        n_failed=n_draws - len(kept),
        seed=seed,
        n=len(Z),
        n_dropped=design.n_dropped,
        conf_level=conf_level,
    )


def _check_names(
    predictor: str,
    mediators: tuple[str, ...],
    outcome: str,
    covariates: tuple[str, ...],
    model: str,
) -> None:
    """Refuse no mediator, a column with two roles, and long chains."""
    if not mediators:
        raise ModelError("mediation needs at least one mediator; got none.")
    roles = [predictor, *mediators, outcome, *covariates]
    twice = sorted({name for name in roles if roles.count(name) > 1})
    if twice:
        raise ModelError(f"columns {twice} have two roles; give each column one.")
    if model == "serial" and not 2 <= len(mediators) <= MOST_SERIAL:
        raise ModelError(
            f"serial mediation takes 2 to {MOST_SERIAL} mediators in their order; "
            f"got {len(mediators)}."
        )


def _check_numbers(design: Design, names: tuple[str, ...]) -> None:
    for name in names:
        if name in design.levels:
            raise ModelError(
                f"column {name!r} holds categories; predictor and mediators must be numbers "
                "(two groups as 0 and 1)."
            )


def _rows(
    design: Design, predictor: str, mediators: tuple[str, ...], serial: bool
) -> tuple[Array, Layout]:
    """Return the rows z: constant and covariates, predictor, mediators, outcome."""
    roles = (predictor, *mediators)
    places = {name: design.terms.index(name) for name in roles}
    base = [j for j in range(len(design.terms)) if j not in places.values()]
    X = design.X.to_numpy()
    Z = np.column_stack([X[:, base], X[:, list(places.values())], design.y.to_numpy()])
    return Z, Layout(len(base), len(mediators), serial)


def _standards(Z: Array) -> tuple[Array, Array]:
    """Return means and deviations that make solves well conditioned; the constant stays."""
    centre, scale = Z.mean(axis=0), Z.std(axis=0)
    flat = scale == 0
    centre[flat], scale[flat] = 0.0, 1.0
    return centre, scale


def bootstrap_limits(
    estimate: Array, draws: Array, jackknife: Array | None, conf_level: float
) -> Array:
    """Return (e, 2) percentile limits, or BCa ones where jackknife values are given."""
    tails = np.array([(1 - conf_level) / 2, (1 + conf_level) / 2])
    limits = np.empty((len(estimate), 2))
    for e, value in enumerate(estimate):
        at = tails
        if jackknife is not None:
            below = np.clip(np.mean(draws[:, e] < value), 0.5 / len(draws), 1 - 0.5 / len(draws))
            gap = np.nanmean(jackknife[:, e]) - jackknife[:, e]
            spread = np.nansum(gap**2) ** 1.5
            a = float(np.nansum(gap**3) / (6 * spread)) if spread > 0 else 0.0
            z0 = special.ndtri(below)
            z = z0 + special.ndtri(tails)
            at = special.ndtr(z0 + z / (1 - a * z))
        limits[e] = np.quantile(draws[:, e], at, method="weibull")
    return limits


def route_name(route: tuple[int, ...], names: tuple[str, ...]) -> str:
    """Return a route in words: ``x -> m1 -> y``."""
    return " -> ".join([names[0], *(names[1 + j] for j in route), names[-1]])


def _effects(
    estimate: Array, draws: Array, limits: Array, layout: Layout, names: tuple[str, ...]
) -> pd.DataFrame:
    """Return a row an effect; with one mediator its effect is the total indirect one."""
    routes = [route_name(route, names) for route in layout.routes()]
    pairs = [f"({a}) - ({b})" for a, b in combinations(routes, 2)]
    parts = ["indirect"] * len(routes) + ["indirect_total"] + ["contrast"] * len(pairs)
    table = pd.DataFrame(
        {
            "part": [*parts, "direct", "total"],
            "estimate": estimate,
            "std_error": draws.std(axis=0, ddof=1),
            "conf_low": limits[:, 0],
            "conf_high": limits[:, 1],
        },
        index=[*routes, "indirect", *pairs, "direct", "total"],
    )
    return table if len(routes) > 1 else table.drop(index="indirect")


def _paths(Z: Array, layout: Layout, names: tuple[str, ...], conf_level: float) -> pd.DataFrame:
    """Return the least-squares paths between predictor, mediators and outcome."""
    S = Z.T @ Z
    rows, index = [], []
    for j, b in enumerate(path_coefficients(S, layout)):
        right = layout.predictors(j)
        y = Z[:, layout.base + 1 + j]
        residuals = y - Z[:, right] @ b
        df = len(Z) - len(right)
        rss = float(residuals @ residuals)
        if rss <= EXACT_FIT * float(np.sum((y - y.mean()) ** 2)):
            raise ModelError(
                f"{names[1 + j]!r} is an exact combination of the columns before it; there is no "
                "error to judge paths by."
            )
        cov = rss / df * np.linalg.inv(S[np.ix_(right, right)])
        for place in range(layout.base, len(right)):
            se = float(np.sqrt(cov[place, place]))
            half = stats.t.ppf((1 + conf_level) / 2, df) * se
            t = b[place] / se
            p = 2 * stats.t.sf(abs(t), df)
            rows.append((b[place], se, t, df, p, b[place] - half, b[place] + half))
            index.append(f"{names[place - layout.base]} -> {names[1 + j]}")
    columns = ["estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high"]
    return pd.DataFrame(rows, index=index, columns=columns)


def _with_sobel(
    effects: pd.DataFrame, paths: pd.DataFrame, layout: Layout, names: tuple[str, ...]
) -> pd.DataFrame:
    """Return the effects with Sobel's z and p beside every single indirect one."""
    z = pd.Series(np.nan, index=effects.index)
    for route in layout.routes():
        links = [
            f"{names[start - layout.base]} -> {names[1 + stop]}"
            for stop, start in route_links(route, layout)
        ]
        b = paths.loc[links, "estimate"].to_numpy()
        se = paths.loc[links, "std_error"].to_numpy()
        others = np.array([np.prod(np.delete(b, i)) for i in range(len(b))])
        z[route_name(route, names)] = np.prod(b) / np.sqrt(np.sum((others * se) ** 2))
    return effects.assign(sobel_statistic=z, sobel_p=2 * stats.norm.sf(z.abs()))


def _proportion(effects: pd.DataFrame) -> float:
    """Return the share of a clear total effect that is indirect; NaN where it has no meaning."""
    estimate, low, high = (effects[c].to_dict() for c in ("estimate", "conf_low", "conf_high"))
    total, direct = estimate["total"], estimate["direct"]
    clear = low["total"] > 0 or high["total"] < 0
    return (total - direct) / total if clear and (total - direct) * direct > 0 else float("nan")
