"""The key figures of a study, as it recorded them: nothing is computed anew.

Each of our notebooks has a lead, a result that only it records; what stands for it on the page
over a plan's reports is picked from its results. A notebook of somebody else chooses by recording
a frame called ``key_figures`` (``term``, ``estimate``, and where there are ``conf_low``,
``conf_high``); one that does not shows the first numbers it recorded.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servlab.core.standards import standard

CHOSEN = "key_figures"
MOST = 4
Results = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure: a text ``figure_NAME`` of the catalogue ``plan_index``, or a name of its own.

    ``low`` and ``high`` are the limits of its interval; ``of`` is the branch or wave it is of.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    of: str = ""
    own: bool = False


def figures_of(path: Path | None) -> tuple[Figure, ...]:
    """Return the key figures in a report's ``results.json``; none where it cannot be read."""
    try:
        return found_in(json.loads((path or Path()).read_text(encoding="utf-8"))["results"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ()


def found_in(results: Results) -> tuple[Figure, ...]:
    """Return the key figures among results.

    Examples
    --------
    >>> found_in({"waiting": {"value": 12.5}, "verdict": {"value": "slower"}})
    (Figure(name='waiting', value=12.5, low=None, high=None, of='', own=True),)
    """
    chosen = [_figure(str(row.get("term", "")), row, own=True) for row in _rows(results, CHOSEN)]
    leads = (find for lead, find in _LEADS if lead in results)
    found = chosen or list(next(leads, _scalars)(results)) or list(_scalars(results))
    return tuple(figure for figure in found if figure is not None)[:MOST]


def _rows(results: Results, name: str, part: str = "tidy") -> Sequence[Row]:
    return results.get(name, {}).get(part) or ()


def _glance(results: Results, name: str) -> Row:
    return next(iter(_rows(results, name, "glance")), {})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _figure(
    name: str, row: Row, column: str = "estimate", limits: tuple[str, str] = ("conf_low",
    "conf_high"), *, of: str = "", own: bool = False,
) -> Figure | None:  # fmt: skip
    """Return the figure in a column of a row; None where there is no number."""
    if not _is_number(row.get(column)):
        return None
    low, high = (row.get(limit) if _is_number(row.get(limit)) else None for limit in limits)
    return Figure(name, float(row[column]), low, high, of, own)


def _scalars(results: Results) -> Iterator[Figure | None]:
    for name, part in results.items():
        if _is_number(part.get("value")):
            yield Figure(name, float(part["value"]), own=True)


def _n(row: Row) -> Figure | None:
    return _figure("n", row, "n", ("", ""))


def _quality(results: Results) -> Iterator[Figure | None]:
    """Give the gap (where both batteries were asked), perception, and what explains the outcome."""
    gap, perception = _glance(results, "gaps"), _glance(results, "perception")
    yield _figure("gap", gap)
    yield _figure("perception", perception)
    yield _figure("r_squared", _glance(results, "drivers"), "r_squared", ("", ""))
    yield _n(gap or perception)


def _expectations(results: Results) -> Iterator[Figure | None]:
    """Give the gap, and how perception and gap go with the outcome."""
    forms = _glance(results, "score_forms")
    yield _figure("gap", _glance(results, "gaps"))
    yield _figure("r_perception", forms, "r_perception", ("", ""))
    yield _figure("r_gap", forms, "r_gap", ("", ""))
    yield _n(forms or _glance(results, "gaps"))


def _scale(results: Results) -> Iterator[Figure | None]:
    """Give the lowest alpha of a dimension, omega over all items, adequacy."""
    alphas = [
        row
        for row in _rows(results, "reliability")
        if row.get("term") == "alpha"
        and not str(row.get("dimension")).startswith("overall")
        and _is_number(row.get("estimate"))
    ]
    omegas = [row for row in _rows(results, "omega") if row.get("term") == "omega_total"]
    if alphas:
        yield _figure("alpha_lowest", min(alphas, key=lambda row: row["estimate"]))
    yield from (_figure("omega_total", row) for row in omegas)
    yield _figure("kmo", _glance(results, "kmo"), "msa_kaiser", ("", ""))
    yield _n(_glance(results, "kmo"))


def _model(results: Results) -> Iterator[Figure | None]:
    """Give the indices of fit in the form that the report judges them by."""
    fit = _glance(results, "fit")
    robust = "_robust" if fit.get("estimator") in ("MLM", "MLR") else ""
    for name in ("cfi", "rmsea", "srmr"):
        end = robust if f"{name}{robust}" in fit else ""
        yield _figure(name, fit, f"{name}{end}", (f"{name}_low{end}", f"{name}_high{end}"))
    yield _n(fit)


def _branches(results: Results) -> Iterator[Figure | None]:
    """Give the first and the last branch of the league, and how much lies between branches."""
    league = [row for row in _rows(results, "league_table") if _is_number(row.get("rank"))]
    if league:
        ends = {"highest": min, "lowest": max}
        for name, pick in ends.items():
            row = pick(league, key=lambda one: one["rank"])
            yield _figure(name, row, "mean", ("mean_low", "mean_high"), of=str(row.get("group")))
    yield _figure("icc1", _glance(results, "agreement"), "icc1")
    yield _n(_glance(results, "league_table"))


def _waves(results: Results) -> Iterator[Figure | None]:
    """Give the newest wave, and its change; not of an overall score that few respondents have."""
    means = [row for row in _rows(results, "wave_means") if _overall(row)]
    changes = {name: _newest(_rows(results, f"waves_{name}")) for name in ("previous", "first")}
    total = _glance(results, "waves_previous").get("n")
    known = sum(row["n"] for row in means if _is_number(row.get("n")))
    last = changes["previous"]
    if last and _is_number(total) and total and standard("overall_coverage").met_by(known / total):
        newest = [row for row in means if row.get("wave") == last.get("wave")]
        yield from (_figure("wave_newest", row, of=str(row["wave"])) for row in newest)
        yield _figure("wave_change", last)
        if changes["first"].get("against") != last.get("against"):
            yield _figure("wave_since_first", changes["first"])
        yield from (_n(row) for row in newest)


def _overall(row: Row) -> bool:
    return row.get("level") == "overall" and row.get("term") == "overall_items"


def _newest(rows: Iterable[Row]) -> Row:
    """Return the change of the newest wave in the overall score."""
    return next(iter([row for row in rows if _overall(row)][::-1]), {})


def _regression(results: Results) -> Iterator[Figure | None]:
    model = _glance(results, "regression")
    yield _figure("r_squared", model, "r_squared", ("", ""))
    yield _figure("adj_r_squared", model, "adj_r_squared", ("", ""))
    yield _n(model)


# The results that tell a study, those of one kind of study alone first.
_LEADS: tuple[tuple[str, Callable[[Results], Iterable[Figure | None]]], ...] = (
    ("waves_previous", _waves),
    ("league_table", _branches),
    ("fit", _model),
    ("regression", _regression),
    ("item_decisions", _scale),
    ("response_surface", _expectations),
    ("gaps", _quality),
    ("perception", _quality),
)
