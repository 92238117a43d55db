"""Screening in sentences: who is proposed, and whether the results hinge on them."""

import pandas as pd

from servlab.data.schema import Language
from servlab.data.screening import Screening
from servlab.data.survey import Survey
from servlab.estimation.screening_effect import ScreeningEffect
from servlab.presentation.display import Flow, Prose, Step
from servlab.presentation.formats import format_count, format_number, format_share
from servlab.presentation.labels import conf_text, listed, plain, term_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.scales.scoring import OVERALL_ITEMS

MANY = 0.12  # Meade and Craig (2012) found 10 to 12 % of a student sample careless


@narrate.register
def narrate_screening(result: Screening, *, language: Language = "en") -> Prose:
    """Say how many respondents are proposed, by which rule most, and whether that is many."""
    if not result.n_flagged:
        return Prose(message("screening.none", language))
    share = result.n_flagged / result.n
    values = {"total": format_count(result.n), "share": format_share(share)}
    most = str(result.counts.idxmax())
    reason = result.reasons[most].text(language)
    parts = [
        message("screening.proposed", language, count=result.n_flagged, **values),
        message("screening.most", language, count=int(result.counts[most]), reason=reason),
    ]
    if share > MANY:
        parts.append(message("screening.many", language))
    return Prose(join_sentences(parts, language))


@narrate.register
def narrate_effect(
    result: ScreeningEffect, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say how many would be left, and which results change."""
    values = {"left": format_count(result.n_without), "total": format_count(result.n)}
    left_out = result.n - result.n_without
    parts = [
        message("screening.effect_left", language, count=left_out, **values),
        *_overall(result, language),
        *_explained(result, language, survey),
        *_moved(result, language, survey),
    ]
    return Prose(join_sentences(parts, language))


def screening_flow(result: ScreeningEffect, *, language: Language = "en") -> Flow:
    """Return the way from everybody to those left, a step a rule.

    Parameters
    ----------
    result : ScreeningEffect
        From ``screening_effect``; each respondent counts under the first rule that applies.
    language : {"en", "zh"}
        Language of the steps.

    Returns
    -------
    Flow

    Examples
    --------
    >>> import servlab as sl
    >>> effect = sl.screening_effect(sl.load_example("servqual"), ["outlying", "duplicate"])
    >>> [step.kind for step in sl.screening_flow(effect).steps]
    ['start', 'out', 'out', 'used']
    """
    steps = [Step(message("screening.flow_start", language, count=result.n), "start")]
    for step in result.steps:
        reason = step.reason.text(language)
        steps.append(Step(message("screening.flow_left", language, count=step.n, reason=reason)))
    steps.append(Step(message("screening.flow_end", language, count=result.n_without), "used"))
    return Flow(steps, language=language)


def result_label(
    row: pd.Series, result: ScreeningEffect, language: Language, survey: Survey | None
) -> str:
    """Return what a compared result is about: a dimension, a battery or an outcome."""
    if row["quantity"] == "alpha":
        return message(f"terms.battery_{row['term']}", language)
    if row["quantity"] == "r_squared":
        return variable_label(str(row["term"]), survey, language)
    return term_label(row["term"], result.instrument, language)


def _overall(result: ScreeningEffect, language: Language) -> list[str]:
    """Return the overall gap, or perception where there is no gap, with and without."""
    rows = result.by_term[result.by_term["term"] == OVERALL_ITEMS]
    if rows.empty:
        return []
    row = rows.iloc[0].to_dict()
    values = {
        "score": message(f"groups.score_{row['quantity']}", language),
        "without": format_number(row["without"], 3),
        "with_all": format_number(row["with_all"], 3),
    }
    return [message("screening.effect_overall", language, **values)]


def _explained(result: ScreeningEffect, language: Language, survey: Survey | None) -> list[str]:
    rows = result.by_term[result.by_term["quantity"] == "r_squared"]
    if rows.empty or rows[["with_all", "without"]].isna().any(axis=None):
        return []
    row = rows.iloc[0].to_dict()
    values = {name: format_share(row[name]) for name in ("without", "with_all")}
    outcome = variable_label(result.outcome, survey, language)
    return [message("screening.effect_explained", language, outcome=outcome, **values)]


def _moved(result: ScreeningEffect, language: Language, survey: Survey | None) -> list[str]:
    """Return which results leave their interval, and which cannot be computed any more."""
    lost = result.by_term[result.by_term["without"].isna() & result.by_term["with_all"].notna()]
    level = conf_text(result.conf_level)
    sentences = []
    if len(result.moved):
        names = listed(_names(result.moved, result, language, survey), language)
        count = len(result.moved)
        values = {"names": names, "level": level}
        sentences.append(message("screening.effect_moved", language, count=count, **values))
    elif not len(lost):
        sentences.append(message("screening.effect_stable", language, level=level))
    if len(lost):
        names = listed(_names(lost, result, language, survey), language)
        sentences.append(message("screening.effect_lost", language, count=len(lost), names=names))
    return sentences


def _names(
    rows: pd.DataFrame, result: ScreeningEffect, language: Language, survey: Survey | None
) -> list[str]:
    return [
        message(
            "screening.result_name",
            language,
            quantity=message(f"screening.quantity_{row['quantity']}", language),
            term=plain(result_label(row, result, language, survey)),
        )
        for _, row in rows.iterrows()
    ]
