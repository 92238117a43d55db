"""Do intervals cover and do tests hold their level? Simulated surveys whose truth is known.

``python -m benchmarks.coverage`` draws 2,000 surveys of each kind and writes what was found to
``benchmarks/coverage.json``, which docs/validation.md shows. ``--surveys 100`` is a short look
and writes nothing, ``--only gaps,slopes`` runs and rewrites these studies only. The seeds are the
numbers of the surveys: the same call, the same figures.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import servlab as sl

PLACE = Path(__file__).with_name("coverage.json")
SURVEYS = 2_000
GAPS = {
    "tangibles": -0.9,
    "reliability": -0.5,
    "responsiveness": 0.0,
    "assurance": -0.2,
    "empathy": 0.3,
}
BRANCHES = {"north": -0.4, "south": 0.1, "east": 0.3}
CHANGE = 0.2
SLOPES = {"tangibles": 0.0, "reliability": 0.5, "responsiveness": 0.2}

# What was claimed -> whether it held, for each of a survey's claims of that kind.
Found = dict[str, Sequence[bool]]


def gaps(seed: int) -> Found:
    """Look at gaps of 120 respondents, 5 % of the answers missing."""
    survey = drawn(seed, n=120, gaps=GAPS, missing_share=0.05)
    result = sl.gap_scores(survey)
    items = {item.code: GAPS[item.dimension] for item in survey.instrument.items}
    overall = {"overall_items": overall_gap(survey)}
    return {
        "gap of a dimension": covers(result.by_dimension, GAPS),
        "gap of an item": covers(result.by_item, items),
        "overall gap": covers(result.by_overall, overall),
    }


def weighted_gaps(seed: int) -> Found:
    """Look at gaps of a sample that took three branches at unequal rates, weighted back."""
    survey = drawn(seed, n=450, gaps=GAPS, branches=BRANCHES)
    share = survey.covariates["branch"].map({"north": 0.9, "south": 0.5, "east": 0.2})
    taken = np.random.default_rng([seed, 1]).random(len(share)) < share
    weighted = replace(survey, weights=1 / share).subset(taken, reason="not sampled")
    truth = {name: gap + sum(BRANCHES.values()) / 3 for name, gap in GAPS.items()}
    return {"gap of a dimension, weighted": covers(sl.gap_scores(weighted).by_dimension, truth)}


def slopes(seed: int) -> Found:
    """Look at slopes of 120 respondents with errors that grow with a predictor."""
    scores = perceived(seed, n=120)
    noise = np.random.default_rng([seed, 2]).normal(size=len(scores))
    x = scores["reliability"] - scores["reliability"].min()
    data = scores.assign(satisfaction=outcome(scores) + (0.3 + 0.25 * x) * noise)
    result = sl.regress(sl.formula("satisfaction", list(SLOPES)), data)
    return {"slope, unequal error variance (HC3)": covers(result.coefficients, SLOPES)}


def null_tests(seed: int) -> Found:
    """Look at tests of gaps that are all 0: how often each rejects."""
    result = sl.gap_tests(drawn(seed, n=120, gaps=0.0, missing_share=0.05), adjust="holm")
    rows = result.by_dimension
    return {
        "t test of a gap of 0 rejects": below(rows["p_value"]),
        "signed ranks of a gap of 0 reject": below(rows["p_signed_rank"]),
        "signs of a gap of 0 reject": below(rows["p_sign"]),
        "Holm: any of five gaps of 0 rejected": [any(below(rows["p_adjusted"]))],
    }


def equivalence_tests(seed: int) -> Found:
    """Look at gaps that lie on the margin: how often they are called equivalent to 0."""
    survey = drawn(seed, n=120, gaps=0.3, expectation=4.5)
    rows = sl.gap_tests(survey, margin=0.3).by_dimension
    return {"a gap on the margin called equivalent": below(rows["p_equivalence"])}


def leagues(seed: int) -> Found:
    """Look at 12 branches of 30 respondents whose true means are drawn anew each time."""
    drawn_means = np.random.default_rng([seed, 3]).normal(scale=0.25, size=12)
    effects = {f"b{place:02d}": float(value) for place, value in enumerate(drawn_means)}
    survey = drawn(seed, n=360, gaps=GAPS, expectation=4.5, branches=effects)
    league = sl.league_table(survey, by="branch", seed=seed)
    rows = league.by_group.set_index("group")
    ranks = pd.Series(effects).rank(ascending=False)
    means = {name: value + overall_gap(survey) for name, value in effects.items()}
    held = (rows["rank_low"] <= ranks[rows.index]) & (ranks[rows.index] <= rows["rank_high"])
    return {
        RANK_CLAIM: [league.boundary or one for one in held],
        "shrunken mean of a branch": covers(rows, means),
    }


def changes(seed: int) -> Found:
    """Look at changes of 0.2 between two waves of 150, the mix of branches as it was."""
    first, second = (wave(seed, place, n=150) for place in (0, 1))
    result = sl.compare_waves({"2025": first, "2026": second})
    truth = dict.fromkeys(GAPS, CHANGE)
    return {"change of a dimension between waves": covers(of_dimensions(result.changes), truth)}


def adjusted_changes(seed: int) -> Found:
    """Look at changes of 0.2 while the branches' shares move, compared at a fixed mix."""
    first, second = (wave(seed, place, n=450) for place in (0, 1))
    rng = np.random.default_rng([seed, 4])
    rates = ({"north": 0.2, "south": 0.5, "east": 0.8}, {"north": 0.8, "south": 0.5, "east": 0.2})
    kept = [
        survey.subset(
            rng.random(survey.n) < survey.covariates["branch"].map(rate), reason="not sampled"
        )
        for survey, rate in zip((first, second), rates, strict=True)
    ]
    result = sl.compare_waves(dict(zip(("2025", "2026"), kept, strict=True)), adjust=["branch"])
    truth = dict.fromkeys(GAPS, CHANGE)
    return {
        f"change at a fixed mix, by {method}": covers(of_dimensions(rows), truth)
        for method, rows in result.adjusted.groupby("method")
    }


def wave(seed: int, place: int, *, n: int) -> sl.Survey:
    """Return the first or the second wave; all gaps are 0.2 higher in the second."""
    wanted = {name: gap + CHANGE * place for name, gap in GAPS.items()}
    return drawn(10 * seed + place, n=n, gaps=wanted, branches=BRANCHES, expectation=4.5)


def of_dimensions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the second wave's dimensions, by dimension."""
    return rows[rows["level"] == "dimension"].set_index("term")


def overall_gap(survey: sl.Survey) -> float:
    """Return the true gap over all items."""
    return float(np.mean([GAPS[item.dimension] for item in survey.instrument.items]))


def outcome(scores: pd.DataFrame) -> pd.Series:
    """Return the outcome that the scores explain."""
    return 1 + sum(slope * scores[name] for name, slope in SLOPES.items())


def perceived(seed: int, *, n: int) -> pd.DataFrame:
    """Return (n, dimensions) perception scores."""
    return sl.dimension_scores(drawn(seed, n=n, gaps=GAPS), "perception").scores


def drawn(seed: int, **design: object) -> sl.Survey:
    """Return a survey on two items of each dimension of SERVQUAL."""
    whole = sl.load_instrument("servqual-1991")
    asked = {code for name in whole.dimension_codes for code in whole.items_of(name)[:2]}
    items = tuple(item for item in whole.items if item.code in asked)
    return sl.simulate_survey(whole.model_copy(update={"items": items}), seed=seed, **design)


def below(p_values: pd.Series) -> list[bool]:
    """Return for each p value whether its test rejects at 5 %."""
    return (p_values < 0.05).tolist()


def covers(table: pd.DataFrame, truth: dict[str, float]) -> list[bool]:
    """Return for each term whether its interval holds the truth."""
    rows, values = table.loc[list(truth)], np.array(list(truth.values()))
    return ((rows["conf_low"] <= values) & (values <= rows["conf_high"])).tolist()


COVER = (0.935, 0.965)
RANK_CLAIM = "rank of a branch in its interval"
RANKS = (0.935, 1.0)  # ranks are whole numbers: an interval can only cover its level or more
LEVEL = (0.0, 0.06)  # 5 % and two Monte Carlo errors; discrete tests stay under their level

# Each study with the share that its claims should hold in.
STUDIES: dict[Callable[[int], Found], tuple[float, float]] = {
    gaps: COVER,
    weighted_gaps: COVER,
    changes: COVER,
    adjusted_changes: COVER,
    slopes: COVER,
    leagues: COVER,
    null_tests: LEVEL,
    equivalence_tests: LEVEL,
}


def quiet(study: Callable[[int], Found], seed: int) -> Found:
    """Return what one survey gave, its warnings unsaid: 2,000 surveys would say them each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return study(seed)


def tally(found: Sequence[Found], band: tuple[float, float]) -> list[dict[str, object]]:
    """Return a row a claim: how often it held, and the Monte Carlo error of that share."""
    rows = []
    for name in found[0]:
        held = np.array([np.mean(one[name]) for one in found])
        low, high = RANKS if name == RANK_CLAIM else band
        rows.append(
            {
                "claim": name,
                "share": round(float(held.mean()), 4),
                "error": round(float(held.std(ddof=1) / np.sqrt(len(held))), 4),
                "surveys": len(held),
                "wanted": f"{low:g} to {high:g}",
                "as_wanted": bool(low <= held.mean() <= high),
            }
        )
    return rows


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surveys", type=int, default=SURVEYS)
    parser.add_argument("--only", default="", help="names of studies, with commas")
    call = parser.parse_args(argv)
    names = call.only.split(",") if call.only else [study.__name__ for study in STUDIES]
    with ProcessPoolExecutor() as pool:
        for study, band in STUDIES.items():
            if study.__name__ in names:
                seeds = range(1, call.surveys + 1)
                rows = tally(list(pool.map(partial(quiet, study), seeds, chunksize=20)), band)
                show(rows)
                if call.surveys == SURVEYS:
                    keep(rows)


def show(rows: Sequence[dict[str, object]]) -> None:
    for row in rows:
        mark = "" if row["as_wanted"] else f"  NOT {row['wanted']}"
        print(f"{row['claim']:56s} {row['share']:.4f} ± {row['error']:.4f}{mark}", flush=True)


def keep(rows: Sequence[dict[str, object]]) -> None:
    """Put a study's rows in the place of those it gave before."""
    known = json.loads(PLACE.read_text()) if PLACE.exists() else []
    found = {row["claim"]: row for row in [*known, *rows]}
    PLACE.write_text(json.dumps(list(found.values()), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
