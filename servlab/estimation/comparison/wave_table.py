"""The rows of a comparison of waves: means, changes, adjusted changes, trends, composition."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from servlab.core.groups import suppressed_groups
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_adjustment import (
    Adjusted,
    Array,
    Population,
    raked_mean,
    standardized_mean,
    without,
)
from servlab.estimation.comparison.wave_changes import (
    TESTED,
    contrast_test,
    hedges_g,
    trend_coefficients,
)
from servlab.estimation.comparison.wave_scores import WaveScores
from servlab.estimation.p_values import Adjust, adjusted
from servlab.scales.means import mean_row

NAN = float("nan")
KEY = ["level", "term"]
FEWEST_FOR_TREND = 3


def mean_rows(
    scores: WaveScores,
    weights: pd.Series | None,
    hidden: Sequence[str],
    min_cell: int,
    level: float,
) -> pd.DataFrame:
    """Return a row a term and wave; small or empty cells have no number."""
    members = {wave: (scores.wave == wave).to_numpy() for wave in scores.waves}
    rows = []
    for place in scores.places():
        column = scores.values[place]
        for wave, inside in members.items():
            row = mean_row(column[inside], None if weights is None else weights[inside], level)
            if wave in hidden or 0 < row["n"] < min_cell:
                row = dict.fromkeys(row, NAN) | {"n": -1, "n_dropped": -1}
            rows.append({"level": place[0], "term": place[1], "wave": wave} | row)
    return pd.DataFrame(rows)


def change_rows(
    means: pd.DataFrame,
    scores: WaveScores,
    shown: Sequence[tuple[str, str]],
    level: float,
    p_adjust: Adjust,
) -> pd.DataFrame:
    """Return a row a term and pair of waves: the change with its test."""
    rows = []
    for kind, term, part in by_term(means):
        known = {str(row["wave"]): row for _, row in part.iterrows()}
        asked = scores.asked[kind, term]
        for wave, other in shown:
            row = _change(known[wave], known[other], level)
            names = {"level": kind, "term": term, "wave": wave, "against": other}
            rows.append(names | row | {"comparable": _verdict(row, asked, wave, other)})
    return with_adjusted_p(pd.DataFrame(rows), ["level"], p_adjust)


def by_term(table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Give level, term and rows of each term."""
    for key, part in table.groupby(KEY, sort=False):
        level, term = key if isinstance(key, tuple) else (key, "")
        yield str(level), str(term), part


def with_adjusted_p(table: pd.DataFrame, families: list[str], how: Adjust) -> pd.DataFrame:
    """Return the table with p values adjusted within each family of rows, behind the raw ones."""
    parts = [adjusted(part["p_value"], how) for _, part in table.groupby(families, sort=False)]
    columns = list(table)
    columns.insert(columns.index("p_value") + 1, "p_adjusted")
    return table.assign(p_adjusted=pd.concat(parts))[columns]


def pairs(waves: Sequence[str], against: str) -> list[tuple[str, str]]:
    """Return (wave, wave that it is compared with): the first, the one before, or a named one."""
    if against == "previous":
        return list(zip(waves[1:], waves[:-1], strict=True))
    base = waves[0] if against == "first" else against
    return [(wave, base) for wave in waves if wave != base]


def _change(now: pd.Series, then: pd.Series, level: float) -> dict[str, float]:
    """Return the change of one term between two waves."""
    both = [then, now]
    means, errors, dfs = (
        np.array([part[c] for part in both], dtype=float) for c in ("estimate", "std_error", "df")
    )
    test = contrast_test(np.array([-1.0, 1.0]), means, errors, dfs, level)
    ns = [int(part["n"]) for part in both]
    spreads = [float(part["std_dev"]) for part in both]
    tested = not np.isnan(test["std_error"])
    sizes = {"effect_size": hedges_g(test["estimate"], spreads, ns) if tested else NAN}
    return test | sizes | {"n": -1 if min(ns) < 0 else sum(ns)}


def _verdict(
    row: dict[str, float], asked: dict[str, frozenset[tuple[str, ...]]], wave: str, other: str
) -> str:
    if np.isnan(row["estimate"]):
        return "no"
    return "yes" if asked[wave] == asked[other] else "with care"


def trend_rows(
    means: pd.DataFrame, positions: dict[str, float], level: float, p_adjust: Adjust
) -> pd.DataFrame:
    """Return a row a term: the linear slope of the wave means on the positions, tested."""
    rows = []
    for kind, term, part in by_term(means):
        used = part.dropna(subset=["estimate"])
        names = {"level": kind, "term": term, "n_waves": len(used)}
        if len(used) < FEWEST_FOR_TREND:
            rows.append(names | dict.fromkeys(TESTED, NAN))
            continue
        at = np.array([positions[w] for w in used["wave"]], dtype=float)
        m, errors, dfs = (used[c].to_numpy(dtype=float) for c in ("estimate", "std_error", "df"))
        rows.append(names | contrast_test(trend_coefficients(at), m, errors, dfs, level))
    return with_adjusted_p(pd.DataFrame(rows), ["level"], p_adjust)


def adjusted_rows(
    scores: WaveScores,
    weights: pd.Series | None,
    people: Population,
    shown: Sequence[tuple[str, str]],
    min_cell: int,
    level: float,
    p_adjust: Adjust,
) -> pd.DataFrame:
    """Return a row a term, pair of waves and method: the change at the reference's mix."""
    rows = []
    for place in scores.places():
        found = {
            wave: _adjusted(scores, place, wave, weights, people, min_cell)
            for wave in dict.fromkeys(w for pair in shown for w in pair)
        }
        for wave, other in shown:
            plain = found[wave]["plain"][0].estimate - found[other]["plain"][0].estimate
            for method in ("standardization", "raking"):
                (now, n_now), (then, n_then) = found[wave][method], found[other][method]
                names = {"level": place[0], "term": place[1], "wave": wave, "against": other}
                start = names | {"method": method} | {"unadjusted": plain}
                end = {"n": n_now + n_then, "flag": now.flag or then.flag}
                rows.append(start | _difference(now, then, level) | end)
    return with_adjusted_p(pd.DataFrame(rows), ["level", "method"], p_adjust)


def _difference(now: Adjusted, then: Adjusted, level: float) -> dict[str, float]:
    means, errors, dfs = (
        np.array([getattr(then, name), getattr(now, name)])
        for name in ("estimate", "std_error", "df")
    )
    return contrast_test(np.array([-1.0, 1.0]), means, errors, dfs, level)


def _adjusted(
    scores: WaveScores,
    place: tuple[str, str],
    wave: str,
    weights: pd.Series | None,
    people: Population,
    min_cell: int,
) -> dict[str, tuple[Adjusted, int]]:
    """Return the plain, the standardized and the raked mean of one term in one wave."""
    rows = people.data.index[(scores.wave[people.data.index] == wave).to_numpy()]
    y = scores.values.loc[rows, place].dropna()
    n = len(y)
    if n < max(min_cell, 1):
        missing = (without("few"), 0)
        return dict.fromkeys(("plain", "standardization", "raking"), missing)
    w: Array | None = None if weights is None else weights[y.index].to_numpy(dtype=float)
    values, base = y.to_numpy(dtype=float), np.ones(n) if w is None else w
    design = people.design.loc[y.index].to_numpy()
    return {
        "plain": (Adjusted(float(base @ values / base.sum()), NAN, NAN), n),
        "standardization": (standardized_mean(values, design, people.means, w), n),
        "raking": (raked_mean(values, people.bands.loc[y.index], people.margins, base), n),
    }


def composition_rows(
    survey: Survey, scores: WaveScores, names: Sequence[str], hidden: Sequence[str], min_cell: int
) -> pd.DataFrame:
    """Return who answered in each wave: shares of a covariate's values, small counts hidden."""
    rows = []
    for name in names:
        column = survey.covariates[name]
        values = column.where(column.isna(), column.astype(str))
        for wave in scores.waves:
            if wave in hidden:
                continue
            inside = values[scores.wave == wave].dropna()
            counts = inside.value_counts().reindex(sorted(values.dropna().unique()), fill_value=0)
            w = pd.Series(1.0, index=inside.index)
            if survey.weights is not None:
                w = survey.weights[inside.index]
            shares = w.groupby(inside).sum().reindex(counts.index, fill_value=0.0) / w.sum()
            out = suppressed_groups(counts[counts > 0], min_cell)
            for value, n, share in zip(counts.index, counts, shares, strict=True):
                dropped = value in out
                rows.append(
                    {"term": name, "group": str(value), "wave": wave, "n": -1 if dropped else n}
                    | {"share": NAN if dropped else float(share)}
                )
    return pd.DataFrame(rows, columns=["term", "group", "wave", "n", "share"])
