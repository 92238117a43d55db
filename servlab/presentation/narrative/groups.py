"""Groups compared, in sentences; suppressed groups are said, never shown."""

import math

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.groups import GroupComparison
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_number, format_p_relation
from servlab.presentation.labels import listed, names_in_sentence, plain
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.scales.scoring import OVERALL_ITEMS


@narrate.register
def narrate_groups(
    result: GroupComparison, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say the highest and lowest group, Welch's test, and which groups are hidden."""
    first = [*_overall(result, language, survey), *_tests(result, language)]
    second = [
        *suppressed_sentence(result, language, survey),
        message("groups.invariance", language),
    ]
    return Prose([join_sentences(part, language) for part in (first, second)])


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


def _tests(result: GroupComparison, language: Language) -> list[str]:
    """Return Welch's test overall, and the dimensions on which the groups differ."""
    overall = result.tests.loc[OVERALL_ITEMS].to_dict()
    if math.isnan(overall["p_value"]):
        return [message("groups.untested", language)]
    key = "differs" if overall["p_value"] < SIGNIFICANT else "same"
    values = {"f": format_number(overall["statistic"]), "p": format_p_relation(overall["p_value"])}
    sentences = [message(f"groups.{key}", language, **values)]
    terms = result.tests.drop(index=OVERALL_ITEMS)["p_value"].dropna()
    apart = [str(code) for code in terms[terms < SIGNIFICANT].index]
    if apart:
        names = names_in_sentence(apart, result.instrument, language)
        sentences.append(
            message("groups.dimensions_differ", language, names=names, count=len(terms))
        )
    return sentences
