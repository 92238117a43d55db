"""Groups compared, in sentences; suppressed groups are said, never shown."""

import math

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import GroupComparison
from servlab.estimation.latent.invariance.groups_of_survey import GroupInvariance
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_number, format_p_relation, format_share
from servlab.presentation.labels import listed, names_in_sentence, plain
from servlab.presentation.latent_words import level_words
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.scales.scoring import OVERALL_ITEMS

PAIR = ("group", "against")
RANKS = ("kruskal", "design_ranks")
MOST_NAMED = 4  # pairs that a sentence names


@narrate.register
def narrate_groups(
    result: GroupComparison,
    *,
    language: Language = "en",
    survey: Survey | None = None,
    invariance: GroupInvariance | None = None,
) -> Prose:
    """Say the highest and lowest group, the tests, the pairs, the checks, and who is hidden.

    With ``invariance`` (from ``group_invariance``) it is said whether the scale works alike.
    """
    first = [*_overall(result, language, survey), *_tests(result, language)]
    second = [*_pairs(result, language, survey), *_checks(result, language)]
    third = [
        *suppressed_sentence(result, language, survey),
        *flag_sentences(result, language, survey),
        invariance_sentence(invariance, language),
    ]
    parts = [join_sentences(part, language) for part in (first, second, third)]
    return Prose([part for part in parts if part])


def group_label(
    group: str, result: GroupComparison, language: Language, survey: Survey | None
) -> str:
    """Return a group's label as the codebook has it."""
    return group if survey is None else survey.value_label(result.by, group, language)


def suppressed_sentence(
    result: GroupComparison, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the sentence on groups that are hidden; none without them."""
    if not result.suppressed:
        return []
    hidden = [plain(group_label(g, result, language, survey)) for g in result.suppressed]
    return [
        message(
            "groups.suppressed",
            language,
            count=len(hidden),
            names=listed(hidden, language),
            min_cell=str(result.min_cell),
        )
    ]


def _overall(result: GroupComparison, language: Language, survey: Survey | None) -> list[str]:
    """Return the group with the highest and that with the lowest overall mean."""
    rows = result.by_group[result.by_group["term"] == OVERALL_ITEMS]
    means = pd.Series(rows["estimate"].to_numpy(), index=rows["group"]).dropna()
    score = message(f"groups.score_{result.score}", language)
    sign = result.score == "gap"
    high, low = str(means.idxmax()), str(means.idxmin())
    label = plain(group_label(high, result, language, survey))
    mean = format_number(means[high], sign=sign)
    if len(means) == 1:
        return [message("groups.single", language, name=label, score=score, mean=mean)]
    low_mean = format_number(means[low], sign=sign)
    if mean == low_mean:
        return [message("groups.overall_equal", language, score=score, mean=mean)]
    values = {"low": plain(group_label(low, result, language, survey)), "low_mean": low_mean}
    return [message("groups.overall", language, high=label, score=score, high_mean=mean, **values)]


def test_name(result: GroupComparison, language: Language) -> str:
    """Return how the main statistic is called."""
    return message(f"groups.name_{'design' if result.weighted else 'welch'}", language)


def _tests(result: GroupComparison, language: Language) -> list[str]:
    """Return the test of the overall score, its size, ranks, the dimensions and all together."""
    overall = result.tests.loc[OVERALL_ITEMS].to_dict()
    if math.isnan(overall["p_value"]):
        return [message("groups.untested", language)]
    key = "differs" if overall["p_value"] < SIGNIFICANT else "same"
    values = {"f": format_number(overall["statistic"]), "p": format_p_relation(overall["p_value"])}
    test = test_name(result, language)
    sentences = [message(f"groups.{key}", language, test=test, **values)]
    if key == "differs" and overall["effect_size"] > 0:
        omega = format_share(overall["effect_size"], 1)
        sentences.append(message("groups.size", language, omega=omega))
    sentences += _ranks(result, bool(overall["p_value"] < SIGNIFICANT), language)
    terms = result.tests.drop(index=OVERALL_ITEMS)["p_adjusted"].dropna()
    apart = [str(code) for code in terms[terms < SIGNIFICANT].index]
    if apart:
        names = names_in_sentence(apart, result.instrument, language)
        sentences.append(
            message("groups.dimensions_differ", language, names=names, count=len(terms))
        )
    return [*sentences, *_together(result, language)]


def _ranks(result: GroupComparison, differs: bool, language: Language) -> list[str]:
    """Say whether the test of ranks comes to the same."""
    beside = result.other_tests
    ranks = beside[(beside["term"] == OVERALL_ITEMS) & beside["test"].isin(RANKS)]["p_value"]
    p = float(ranks.iloc[0]) if len(ranks) else math.nan
    if math.isnan(p):
        return []
    if (p < SIGNIFICANT) == differs:
        return [message("groups.ranks_agree", language)]
    return [message("groups.ranks_disagree", language, p=format_p_relation(p))]


def _together(result: GroupComparison, language: Language) -> list[str]:
    rows = result.multivariate[result.multivariate["test"] == "pillai"]
    if rows.empty:
        return []
    row = rows.iloc[0].to_dict()
    values = {"value": format_number(row["estimate"], 3), "f": format_number(row["statistic"])}
    p = format_p_relation(row["p_value"])
    return [message("groups.multivariate", language, p=p, **values)]


def _pairs(result: GroupComparison, language: Language, survey: Survey | None) -> list[str]:
    """Say which pairs of groups differ overall."""
    pairs = result.pairs[result.pairs["term"] == OVERALL_ITEMS].dropna(subset=["p_adjusted"])
    if len(pairs) < 2:
        return []
    apart = pairs[pairs["p_adjusted"] < SIGNIFICANT]
    total = str(len(pairs))
    if apart.empty:
        return [message("groups.pairs_none", language)]
    if len(apart) > MOST_NAMED:
        count = str(len(apart))
        return [message("groups.pairs_many", language, total=total, count=count)]
    entries = [_pair(row, result, language, survey) for _, row in apart.iterrows()]
    named = listed(entries, language)
    return [message("groups.pairs_apart", language, count=len(apart), total=total, pairs=named)]


def _pair(
    row: pd.Series, result: GroupComparison, language: Language, survey: Survey | None
) -> str:
    """Return one pair of groups that differ, the higher first."""
    both = [plain(group_label(str(row[c]), result, language, survey)) for c in PAIR]
    high, low = both if row["estimate"] > 0 else both[::-1]
    values = {
        "difference": format_number(abs(row["estimate"])),
        "g": format_number(abs(row["effect_size"])),
    }
    return message("groups.pair_entry", language, high=high, low=low, **values)


def _checks(result: GroupComparison, language: Language) -> list[str]:
    """Say which test the checks of the overall score recommend, and why."""
    if OVERALL_ITEMS not in result.checks.index:
        return []
    row = result.checks.loc[OVERALL_ITEMS].to_dict()
    if row["recommended"] in ("none", "design"):
        known = row["recommended"] == "design"
        return [message("groups.recommend_design", language)] if known else []
    shape = {name: format_number(row[name], sign=True) for name in ("skewness", "kurtosis")}
    sentences = [message(f"groups.recommend_{row['recommended']}", language, **shape)]
    p = format_p_relation(row["p_value"])
    if math.isnan(row["p_value"]) or math.isinf(row["variance_ratio"]):
        return sentences
    if row["p_value"] >= SIGNIFICANT:
        return [*sentences, message("groups.spread_alike", language, p=p)]
    values = {"f": format_number(row["statistic"]), "ratio": format_number(row["variance_ratio"])}
    return [*sentences, message("groups.spread_differs", language, p=p, **values)]


def flag_sentences(result: GroupComparison, language: Language, survey: Survey | None) -> list[str]:
    """Return the sentences on groups that are empty, of one respondent, or without spread."""
    sentences = []
    for flag, rows in result.flags.groupby("flag", sort=False):
        groups = dict.fromkeys(map(str, rows["group"]))
        names = listed([plain(group_label(g, result, language, survey)) for g in groups], language)
        sentences.append(message(f"groups.flagged_{flag}", language, names=names))
    return sentences


def invariance_sentence(invariance: GroupInvariance | None, language: Language) -> str:
    """Return whether the scale works alike in the groups, as far as it was tested."""
    if invariance is None:
        return message("groups.invariance", language)
    found = invariance.result
    if found is None:
        values = {"fewest": str(invariance.fewest)} if invariance.reason == "small" else {}
        return message(f"groups.invariance_{invariance.reason}", language, **values)
    battery = message(f"groups.score_{invariance.battery}", language)
    if found.configural_misfit:
        return message("groups.invariance_misfit", language, battery=battery)
    values = {"battery": battery, "count": str(len(found.labels))}
    values["highest"] = level_words(found.highest, language)
    if not found.comparable_means:
        return message("groups.invariance_none", language, **values)
    if found.exploratory:
        freed = str(len(found.freed))
        return message("groups.invariance_partial", language, freed=freed, **values)
    return message("groups.invariance_full", language, **values)
