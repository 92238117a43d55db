"""Multilevel models in sentences: how much groups differ, what explains it, what must be told."""

import math

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.contextual import ContextualEffects
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.multilevel import MultilevelResult
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_count,
    format_interval,
    format_number,
    format_p_relation,
    format_share,
)
from servlab.presentation.labels import conf_text, listed, predictor_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.drivers import left_out_sentence, overlap_sentence
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.presentation.narrative.standing import standing, standings
from servlab.presentation.standards import standard_text


@narrate.register
def narrate_multilevel(
    result: MultilevelResult, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say the flags first, then how much groups differ, the clear predictors and the limits."""
    first = [
        *multilevel_flags(result, language, survey),
        _icc(result, language, survey),
        _differ(result, language),
        *_slopes(result, language, survey),
    ]
    second = [
        *_clear(result, language, survey),
        message(
            "multilevel.explained",
            language,
            marginal=format_share(result.r2_marginal),
            conditional=format_share(result.r2_conditional),
        ),
        *_group_level(result, language, survey),
    ]
    third = [message("multilevel.association", language)]
    if not result.singular:
        effect = format_number(result.design_effect, 1)
        third.insert(0, message("multilevel.design", language, effect=effect))
    return Prose([join_sentences(part, language) for part in (first, second, third)])


def multilevel_flags(
    result: MultilevelResult, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the sentences on boundary, few groups and collinearity; none without them."""
    found = overlap_sentence(result.collinear, result.vif, language, survey)
    found += left_out_sentence(result.empty, language, survey)
    if result.singular:
        found.append(message("multilevel.singular", language))
    if result.few_groups:
        words = {"standard": standard_text("groups", language)}
        count = format_count(result.n_groups)
        found.append(message("multilevel.few_groups", language, count=count, **words))
    return found


def _icc(result: MultilevelResult, language: Language, survey: Survey | None) -> str:
    words = {
        "outcome": variable_label(result.outcome, survey, language),
        "groups": variable_label(result.groups, survey, language),
        "share": format_share(result.icc, 1),
    }
    if math.isnan(result.icc_low):
        return message("multilevel.icc_bare", language, **words)
    return message(
        "multilevel.icc_clear",
        language,
        low=format_share(result.icc_low, 1),
        high=format_share(result.icc_high, 1),
        level=conf_text(result.conf_level),
        **words,
    )


def _differ(result: MultilevelResult, language: Language) -> str:
    test = result.random_tests.iloc[0]
    key = "differ" if test["p_value"] < SIGNIFICANT else "differ_not"
    return message(
        f"multilevel.{key}",
        language,
        statistic=format_number(test["statistic"]),
        p=format_p_relation(test["p_value"]),
    )


def _slopes(result: MultilevelResult, language: Language, survey: Survey | None) -> list[str]:
    """Return a sentence a random slope."""
    found = []
    tests = result.random_tests.set_index("term")["p_value"]
    for term in result.random:
        p = float(tests[term])
        words = {
            "name": predictor_label(term, survey, language),
            "p": format_p_relation(p),
        }
        if p < SIGNIFICANT:
            words["sd"] = format_number(result.variances["std_dev"][term])
            words["estimate"] = format_number(result.coefficients["estimate"][term], sign=True)
        key = "slope_differs" if p < SIGNIFICANT else "slope_same"
        found.append(message(f"multilevel.{key}", language, **words))
    return found


def _clear(result: MultilevelResult, language: Language, survey: Survey | None) -> list[str]:
    """Return the predictors whose intervals exclude zero."""
    slopes = result.coefficients.drop(index=INTERCEPT)
    if slopes.empty:
        return []
    found = standings(slopes)
    clear = {*found["below"], *found["above"]}
    if not clear:
        return [message("multilevel.clear_none", language, level=conf_text(result.conf_level))]
    entries = [
        message(
            "drivers.entry",
            language,
            name=predictor_label(str(name), survey, language),
            estimate=format_number(row["estimate"], sign=True),
            interval=format_interval(row["conf_low"], row["conf_high"]),
        )
        for name, row in slopes.iterrows()
        if name in clear
    ]
    outcome = variable_label(result.outcome, survey, language)
    return [message("multilevel.clear", language, outcome=outcome, names=listed(entries, language))]


def _group_level(result: MultilevelResult, language: Language, survey: Survey | None) -> list[str]:
    """Return the sentence on predictors that groups alone can speak about."""
    slopes = result.coefficients.drop(index=INTERCEPT)
    names = [str(name) for name in slopes.index[slopes["varies"] == "groups"]]
    if not names:
        return []
    return [
        message(
            "multilevel.group_level",
            language,
            count=len(names),
            names=listed([predictor_label(n, survey, language) for n in names], language),
            groups=format_count(result.n_groups),
            n=format_count(result.n),
        )
    ]


@narrate.register
def narrate_contextual(
    result: ContextualEffects, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say for each predictor whether the group adds to the respondents' own view."""
    found = []
    for name, row in result.table.iterrows():
        words = {
            "name": predictor_label(str(name), survey, language),
            "estimate": format_number(row["estimate"], sign=True),
            "interval": format_interval(row["conf_low"], row["conf_high"]),
        }
        if standing(row["conf_low"], row["conf_high"]) == "level":
            words["between"] = format_number(row["slope_between"], sign=True)
            words["within"] = format_number(row["slope_within"], sign=True)
            found.append(message("multilevel.contextual_none", language, **words))
        else:
            words["outcome"] = variable_label(result.outcome, survey, language)
            found.append(message("multilevel.contextual_more", language, **words))
    return Prose([join_sentences([*found, message("multilevel.association", language)], language)])
