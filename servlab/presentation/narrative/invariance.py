"""Measurement invariance in sentences: how far it reaches, what breaks it, what may be compared."""

import pandas as pd

from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.invariance.ladder import Step
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.presentation.display import Note, Prose
from servlab.presentation.formats import (
    format_count,
    format_number,
    format_p_relation,
)
from servlab.presentation.labels import listed
from servlab.presentation.latent_words import (
    Names,
    battery_name,
    labels_in_sentence,
    level_words,
    term_words,
    variable_in_sentence,
)
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.latent import ALPHA


@narrate.register
def narrate_invariance(
    result: InvarianceResult,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Prose:
    """Say how far invariance reaches, what breaks it, and how latent means differ."""
    flags = [flag for flag in result.flags if flag != "configural_misfit"]  # the verdict says it
    paragraphs = [
        join_sentences([message(f"latent.flag_{f}", language) for f in flags], language),
        join_sentences(
            [
                message("invariance.says_gap", language) if result.over == "batteries" else "",
                _reach(result, language, survey or instrument),
            ],
            language,
        ),
        join_sentences(_doubts(result, language, survey or instrument), language),
        join_sentences(_means(result, language, survey or instrument), language),
    ]
    return Prose(tuple(text for text in paragraphs if text))


def invariance_warnings(
    result: InvarianceResult,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> tuple[Note, ...]:
    """Return the panels on what may not be compared, to stand before anything else.

    Parameters
    ----------
    result : InvarianceResult
        From ``measurement_invariance``.
    language : {"en", "zh"}
        Language of the panels.
    instrument : Instrument, optional
        For the labels of the items.
    survey : Survey, optional
        For the labels of items, outcomes and covariates.

    Returns
    -------
    tuple of Note
        Empty where full scalar invariance of a model that fits stands.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> found = sl.measurement_invariance(
    ...     "f =~ `14` + `15` + `16` + `17`", survey, batteries=("expectation", "perception")
    ... )
    >>> all(note.kind == "warning" for note in invariance_warnings(found))
    True
    """
    texts = []
    if result.configural_misfit:
        texts.append(message(f"invariance.panel_{result.over}_misfit", language))
    elif not result.comparable_means:
        texts.append(message(f"invariance.panel_{result.over}_none", language))
    elif result.freed_items:
        terms = freed_words(result, survey or instrument, language)
        texts.append(message(f"invariance.panel_{result.over}_partial", language, terms=terms))
    return tuple(Note(text, language=language) for text in texts)


def freed_words(result: InvarianceResult, names: Names, language: Language) -> str:
    """Return the items that are not alike, as a list in a sentence."""
    items = [variable_in_sentence(item, names, language) for item in result.freed_items]
    return listed(items, language)


def _reach(result: InvarianceResult, language: Language, names: Names) -> str:
    """Say the highest level that stands and what it permits."""
    labels, level = labels_in_sentence(result, language), level_words(result.highest, language)
    if result.configural_misfit:
        return message("invariance.says_misfit", language, labels=labels, level=level)
    if result.comparable_means and not result.exploratory:
        return message("invariance.says_full", language, labels=labels, level=level)
    if result.comparable_means:
        terms = listed([term_words(t, names, language) for t in result.freed], language)
        return message(
            "invariance.says_partial",
            language,
            labels=labels,
            level=level,
            terms=terms,
            count=len(result.freed),
        )
    kind = "says_metric_only" if result.comparable_relations else "says_configural_only"
    return message(f"invariance.{kind}", language, labels=labels, level=level)


def _doubts(result: InvarianceResult, language: Language, names: Names) -> list[str]:
    """Say which level fails and by what, and which stands with doubts."""
    sentences = []
    for step in _failed(result):
        if step.difference is None:
            continue
        rows = result.violations[result.violations["step"] == step.level]
        term = term_words(str(rows["term"].iloc[0]), names, language) if len(rows) else "–"
        sentences.append(
            message(
                "invariance.says_breaks",
                language,
                level=level_words(step.level, language),
                cfi=format_number(step.changes["cfi"], 3, sign=True),
                chi2=format_number(step.difference.chi2),
                df=format_count(step.difference.df),
                p=format_p_relation(step.difference.p_value),
                term=term,
            )
        )
    for step in result.climb.accepted:
        if step.difference is not None and result.disputed(step):
            sentences.append(
                message(
                    "invariance.says_disputed",
                    language,
                    level=level_words(step.name, language),
                    cfi=format_number(step.changes["cfi"], 3, sign=True),
                    p=format_p_relation(step.difference.p_value),
                )
            )
    return sentences


def _failed(result: InvarianceResult) -> list[Step]:
    """Return the first failing model of each level that was climbed to."""
    found: dict[str, Step] = {}
    reached = {str(step) for step in result.violations["step"]}
    for step in (*result.climb.full, *result.climb.partial):
        if step.holds is False and step.level in reached:
            found.setdefault(step.level, step)
    return list(found.values())


def _means(result: InvarianceResult, language: Language, names: Names) -> list[str]:
    """Say how latent means differ, or that they may not be compared."""
    if result.configural_misfit:
        return []  # the verdict says it
    if result.means is None:
        return [message("invariance.means_refused", language)]
    sentences = [message("invariance.says_means", language)]
    for group, rows in result.means.groupby("group", sort=False):
        apart = rows["p_value"] < ALPHA
        parts = {
            "higher": rows[apart & (rows["effect_size"] > 0)],
            "lower": rows[apart & (rows["effect_size"] <= 0)],
            "level": rows[~apart],
        }
        sentences += [
            _mean_sentence(kind, str(group), part, result, language, names)
            for kind, part in parts.items()
            if len(part)
        ]
    return sentences


def _mean_sentence(
    kind: str,
    group: str,
    rows: pd.DataFrame,
    result: InvarianceResult,
    language: Language,
    names: Names,
) -> str:
    """Say on which factors a group is higher or lower than the first, or not told apart."""
    factors = [variable_in_sentence(str(factor), names, language) for factor in rows["factor"]]
    if kind != "level":
        factors = [
            message(
                "invariance.mean_by",
                language,
                factor=factor,
                effect=format_number(abs(float(effect))),
                p=format_p_relation(float(p)),
            )
            for factor, effect, p in zip(factors, rows["effect_size"], rows["p_value"], strict=True)
        ]
    least = "one" if len(rows) == 1 else "several"
    values = {"p": format_p_relation(float(rows["p_value"].min()))} if kind == "level" else {}
    return message(
        f"invariance.says_mean_{kind}" + (f"_{least}" if kind == "level" else ""),
        language,
        group=battery_name(group, language),
        reference=battery_name(result.labels[0], language),
        factors=listed(factors, language),
        **values,
    )
