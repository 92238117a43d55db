"""Gaps, scores and weighted scores in sentences."""

import pandas as pd

from servlab.data.schema import Language
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_interval, format_number, format_share
from servlab.presentation.labels import conf_text, in_sentence, names_in_sentence
from servlab.presentation.messages import join_sentences, join_words, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.standing import standing, standings
from servlab.scales.gaps import GapScores
from servlab.scales.scoring import OVERALL_DIMENSIONS, OVERALL_ITEMS, DimensionScores
from servlab.scales.weighting import ServqualScore

FEW = 3  # up to so many items with a positive gap are named


@narrate.register
def narrate_gaps(result: GapScores, *, language: Language = "en") -> Prose:
    """Say which dimensions fall short, the overall gap, the widest, and what was expected."""
    first = [*gap_lead(result, language), *widest(result, language)]
    second = [*overall_gap(result, language), *item_ends(result, language)]
    third = [grade_sentence(result.grade, language), gap_basis(result, language)]
    return Prose([join_sentences(part, language) for part in (first, second, third)])


def gap_lead(result: GapScores, language: Language) -> list[str]:
    """Return the sentences on which dimensions fall short, are level and exceed."""
    table = result.by_dimension
    if table.empty:
        return []
    found, total = standings(table), len(table)
    short = len(found["below"])
    if short == total:
        lead = message("gaps.short_all", language, count=total)
    elif short:
        lead = message("gaps.short_some", language, count=short, total=str(total))
    elif total == 1:
        lead = message("gaps.short_none_one", language)
    else:
        lead = message("gaps.short_none", language, total=str(total))
    sentences = [lead]
    for where in ("level", "above", "unknown"):
        if not found[where]:
            continue
        names = names_in_sentence(found[where], result.instrument, language)
        values = {"conf": conf_text(result.conf_level)} if where == "level" else {}
        sentences.append(message(f"gaps.{where}", language, names=names, **values))
    return sentences


def widest(result: GapScores, language: Language) -> list[str]:
    """Return the sentence on the dimensions that fall short most; none if none does."""
    table = result.by_dimension
    if len(table) < 2:
        return []
    short = table[table["conf_high"] < 0].sort_values("estimate", kind="stable").head(2)
    if short.empty:
        return []
    names = [in_sentence(code, result.instrument, language) for code in short.index]
    gaps = [_signed(value) for value in short["estimate"]]
    if len(short) == 1:
        return [message("gaps.widest_one", language, first=names[0], first_gap=gaps[0])]
    values = {"first": names[0], "first_gap": gaps[0], "second": names[1], "second_gap": gaps[1]}
    return [message("gaps.widest_two", language, **values)]


def overall_gap(result: GapScores, language: Language) -> list[str]:
    """Return the overall gap with its interval, and its other form."""
    row = result.by_overall.loc[OVERALL_ITEMS].to_dict()
    where = standing(float(row["conf_low"]), float(row["conf_high"]))
    gap = _signed(row["estimate"])
    if where == "unknown":
        sentences = [message("gaps.overall_unknown", language, gap=gap)]
    else:
        key = {"below": "short", "level": "level", "above": "above"}[where]
        interval = format_interval(row["conf_low"], row["conf_high"])
        conf = conf_text(result.conf_level)
        sentences = [
            message(f"gaps.overall_{key}", language, gap=gap, conf=conf, interval=interval)
        ]
    if OVERALL_DIMENSIONS in result.by_overall.index:
        other = _signed(float(result.by_overall["estimate"].loc[OVERALL_DIMENSIONS]))
        sentences.append(message("gaps.overall_dimensions", language, gap=other))
    return sentences


def item_ends(result: GapScores, language: Language) -> list[str]:
    """Return the item with the widest gap and those whose mean gap is positive."""
    table = result.by_item.dropna(subset=["estimate"])
    if len(table) < 2:
        return []
    sentences = []
    lowest = str(table["estimate"].idxmin())
    if table["estimate"].loc[lowest] < 0:
        item = in_sentence(lowest, result.instrument, language)
        gap = _signed(table["estimate"].loc[lowest])
        sentences.append(message("gaps.item_widest", language, item=item, gap=gap))
    return [*sentences, _positive_items(result, table, language)]


def _positive_items(result: GapScores, table: pd.DataFrame, language: Language) -> str:
    positive = table[table["estimate"] > 0].sort_values("estimate", ascending=False, kind="stable")
    if positive.empty:
        return message("gaps.items_positive_none", language)
    if len(positive) > FEW:
        total = str(len(table))
        return message("gaps.items_positive_many", language, count=len(positive), total=total)
    entries = [
        message(
            "gaps.entry_item",
            language,
            item=in_sentence(code, result.instrument, language),
            gap=_signed(value),
        )
        for code, value in positive["estimate"].items()
    ]
    items = join_words(entries, language)
    return message("gaps.items_positive", language, count=len(positive), items=items)


def grade_sentence(grade: str | None, language: Language) -> str:
    """Return what the expectation asked for means for the gaps."""
    if grade is None:
        return message("gaps.grade_unknown", language)
    key = "gaps.grade_should" if grade == "should" else "gaps.grade_other"
    return message(key, language, grade=message(f"terms.grade_{grade}", language))


def gap_basis(result: GapScores, language: Language) -> str:
    """Return how many respondents the gaps rest on."""
    return message("gaps.basis", language, count=result.n)


@narrate.register
def narrate_scores(result: DimensionScores, *, language: Language = "en") -> Prose:
    """Say the overall mean of a battery and its highest and lowest dimension."""
    sentences = scores_overall(result, language)
    if result.battery == "perception":
        sentences.append(message("gaps.scores_servperf", language))
    return Prose(join_sentences([*sentences, *score_ends(result, language)], language))


def scores_overall(result: DimensionScores, language: Language) -> list[str]:
    """Return the overall mean of a battery with its interval."""
    row = result.by_overall.loc[OVERALL_ITEMS].to_dict()
    return [
        message(
            "gaps.scores_overall",
            language,
            battery=message(f"terms.battery_{result.battery}", language),
            mean=format_number(row["estimate"]),
            conf=conf_text(result.conf_level),
            interval=format_interval(row["conf_low"], row["conf_high"]),
        )
    ]


def score_ends(result: DimensionScores, language: Language) -> list[str]:
    """Return the highest and the lowest dimension."""
    means = result.by_dimension["estimate"].dropna()
    if means.empty:
        return []
    high, low = str(means.idxmax()), str(means.idxmin())
    name, mean = in_sentence(high, result.instrument, language), format_number(means[high])
    if len(means) == 1:
        return [message("gaps.scores_one", language, name=name, mean=mean)]
    if format_number(means[low]) == mean:
        return [message("gaps.scores_equal", language, mean=mean)]
    values = {"low": in_sentence(low, result.instrument, language)}
    values["low_mean"] = format_number(means[low])
    return [message("gaps.scores_ends", language, high=name, high_mean=mean, **values)]


@narrate.register
def narrate_weighted(result: ServqualScore, *, language: Language = "en") -> Prose:
    """Say the weighted score beside the unweighted one, and which dimension weighs most."""
    sign = result.score == "gap"
    score = format_number(result.estimate, sign=sign)
    unweighted = format_number(result.unweighted, sign=sign)
    values = {
        "score": score,
        "conf": conf_text(result.conf_level),
        "interval": format_interval(result.conf_low, result.conf_high),
    }
    if result.weights == "equal":
        return Prose(message("gaps.weighted_equal", language, **values))
    values["weights"] = message(f"terms.weights_{result.weights}", language)
    if score == unweighted:
        first = message("gaps.weighted_same", language, **values)
    else:
        first = message("gaps.weighted_differs", language, unweighted=unweighted, **values)
    weights = result.by_dimension["weight"]
    heaviest = message(
        "gaps.weighted_heaviest",
        language,
        name=in_sentence(weights.idxmax(), result.instrument, language),
        share=format_share(weights.max()),
    )
    tied = int((weights > weights.max() - 1e-12).sum()) > 1
    return Prose(join_sentences([first, "" if tied else heaviest], language))


def _signed(value: float) -> str:
    return format_number(value, sign=True)
