"""The scores of groups of respondents, and every test of them as tables."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.estimation.comparison.assumptions import check_groups
from servlab.estimation.comparison.manova import COLUMNS, box_m, manova
from servlab.estimation.comparison.omnibus import (
    Omnibus,
    anova,
    design_rank_test,
    design_test,
    kruskal_wallis,
    welch_test,
)
from servlab.estimation.comparison.posthoc import MOST_GROUPS, design_pair_table, pair_table
from servlab.estimation.p_values import holm
from servlab.scales.scoring import OVERALL_ITEMS

Array = NDArray[np.float64]

PAIRS = (
    "term", "group", "against", "estimate", "std_error", "statistic", "df", "p_value",
    "p_adjusted", "conf_low", "conf_high", "effect_size", "effect_low", "effect_high", "z_dunn",
    "p_dunn", "p_dunn_adjusted", "n",
)  # fmt: skip
CHECKS = (
    "statistic", "df", "df_residual", "p_value", "variance_ratio", "skewness", "kurtosis",
    "n_smallest", "recommended",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class GroupSample:
    """The scores of the groups shown: one frame of scores, the group and weight of each row."""

    values: pd.DataFrame
    groups: pd.Series
    weights: pd.Series | None
    shown: list[str]

    def parts(self, term: str) -> tuple[list[str], list[Array], list[Array]]:
        """Return the groups with two scores or more, their scores and their weights."""
        names, scores, weights = [], [], []
        for name in self.shown:
            own = self.values.loc[self.groups == name, term].dropna()
            if len(own) > 1:
                names.append(name)
                scores.append(own.to_numpy(dtype=float))
                w = np.ones(len(own)) if self.weights is None else self.weights[own.index]
                weights.append(np.asarray(w, dtype=float))
        return names, scores, weights


def tests_by_term(
    sample: GroupSample, conf_level: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the main tests, those beside them, the checks and the pairs of every score."""
    weighted = sample.weights is not None
    main, beside, checks, pairs = {}, [], {}, []
    for term in map(str, sample.values):
        names, scores, weights = sample.parts(term)
        flag = "one_group" if len(names) < 2 else ""
        results = _omnibus(scores, weights, weighted) if not flag else _nothing(weighted)
        if not flag and np.isnan(results[0][1].statistic):
            flag = "constant"
        n = sum(map(len, scores))
        rows = [_test_row(name, test, n) for name, test in results]
        main[term] = rows[0] | {"flag": flag}
        beside += [{"term": term} | row for row in rows[1:]]
        if len(names) > 1:
            checks[term] = _check_row(scores, weighted)
            if len(names) <= MOST_GROUPS:
                pair = _pairs(names, scores, weights, weighted, conf_level)
                pairs.append(pair.assign(term=term))
    tests = _with_adjusted(pd.DataFrame.from_dict(main, orient="index"))
    table = pd.concat(pairs, ignore_index=True) if pairs else pd.DataFrame(columns=list(PAIRS))
    return tests, pd.DataFrame(beside), _check_table(checks), table[list(PAIRS)]


def _omnibus(
    scores: list[Array], weights: list[Array], weighted: bool
) -> list[tuple[str, Omnibus]]:
    """Return the main test of the groups and those beside it."""
    if weighted:
        ranks = design_rank_test(scores, weights)
        return [("design", design_test(scores, weights)), ("design_ranks", ranks)]
    tests = [("welch", welch_test(scores)), ("anova", anova(scores))]
    return [*tests, ("kruskal", kruskal_wallis(scores))]


def _nothing(weighted: bool) -> list[tuple[str, Omnibus]]:
    names = ("design", "design_ranks") if weighted else ("welch", "anova", "kruskal")
    return [(name, Omnibus()) for name in names]


def _test_row(name: str, test: Omnibus, n: int) -> dict[str, object]:
    return {
        "test": name,
        "statistic": test.statistic,
        "df": test.df,
        "df_residual": test.df_residual,
        "p_value": test.p_value,
        "effect_size": test.effect_size,
        "n": n,
    }


def _with_adjusted(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the tests with p adjusted over the dimensions; the overall score stands alone."""
    p = tests["p_value"].astype(float)
    adjusted = holm(p.drop(index=OVERALL_ITEMS)).reindex(tests.index)
    adjusted[OVERALL_ITEMS] = p[OVERALL_ITEMS]
    tests.insert(list(tests).index("p_value") + 1, "p_adjusted", adjusted)
    return tests


def _pairs(
    names: list[str], scores: list[Array], weights: list[Array], weighted: bool, level: float
) -> pd.DataFrame:
    if weighted:
        return design_pair_table(names, scores, weights, level)
    return pair_table(names, scores, level)


def _check_row(scores: list[Array], weighted: bool) -> tuple[object, ...]:
    found = check_groups(scores, weighted=weighted)
    spread = (found.spread.statistic, found.spread.df, found.spread.df_residual)
    shape = (found.variance_ratio, found.skewness, found.kurtosis, found.n_smallest)
    return (*spread, found.spread.p_value, *shape, found.recommended)


def _check_table(checks: dict[str, tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(checks, orient="index", columns=list(CHECKS))


def tests_together(sample: GroupSample) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the multivariate tests over the dimensions and Box's M; empty where there are none."""
    none = pd.DataFrame(columns=list(COLUMNS))
    no_box = pd.DataFrame(columns=["statistic", "df", "p_value"])
    dimensions = sample.values.drop(columns=[OVERALL_ITEMS]).dropna()
    if sample.weights is not None or dimensions.shape[1] < 2:
        return none, no_box
    groups = sample.groups[dimensions.index]
    parts = [dimensions[groups == g].to_numpy(dtype=float) for g in sample.shown]
    parts = [part for part in parts if len(part) > 1]
    if len(parts) < 2:
        return none, no_box
    tests = manova(parts)
    chi2, df, p = box_m(parts)
    if tests.empty or np.isnan(chi2):
        return tests, no_box
    return tests, pd.DataFrame({"statistic": [chi2], "df": [df], "p_value": [p]})
