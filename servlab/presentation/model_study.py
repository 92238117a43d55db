"""The frame of a study of one model: its cover, its first screen, its groups, its methods."""

from dataclasses import replace
from typing import Literal

from servlab.core.standards import standard
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.choices import ModelChoices
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.estimation.latent.result import LatentFit
from servlab.presentation.display import Card, Cover, KeyFigures, Note, Prose
from servlab.presentation.formats import format_correlation, format_interval
from servlab.presentation.framing import cover, title_with_kept
from servlab.presentation.labels import listed, plain
from servlab.presentation.latent_words import level_words
from servlab.presentation.messages import message
from servlab.presentation.narrative.invariance import invariance_warnings
from servlab.presentation.narrative.latent import narrate_latent, used_index

Kind = Literal["measurement", "structural"]


def model_cover(
    survey: Survey,
    *,
    kind: Kind = "measurement",
    title: str = "",
    wave: str = "",
    language: Language = "en",
) -> Cover:
    """Return the head of the report on a model.

    Parameters
    ----------
    survey : Survey
        The survey of the study.
    kind : {"measurement", "structural"}
        What the report is about.
    title : str
        The report's title; empty takes the codebook's.
    wave : str
        A wave or period to show.
    language : {"en", "zh"}
        Language of the report.

    Returns
    -------
    Cover
    """
    origin = survey.provenance.title
    name = origin.text(language) if origin is not None else survey.provenance.source
    own = title or message(f"latent.title_{kind}", language, name=name)
    head = cover(survey, title=own, wave=wave, language=language)
    return replace(head, title=title_with_kept(own, survey, language, given=bool(title)))


def summarize_model(
    fit: LatentFit,
    *,
    survey: Survey | None = None,
    invariance: InvarianceResult | None = None,
    language: Language = "en",
) -> tuple[Prose | KeyFigures | Note, ...]:
    """Write the first screen of the report on a model.

    Parameters
    ----------
    fit : LatentFit
        The model.
    survey : Survey, optional
        For labels.
    invariance : InvarianceResult, optional
        The comparison of batteries, or of groups; what it forbids stands first.
    language : {"en", "zh"}
        Language of the report.

    Returns
    -------
    tuple
        Panels on what must not be done, key figures, sentences.
    """
    warnings: tuple[Note, ...] = ()
    if invariance is not None:
        warnings = invariance_warnings(invariance, language=language, survey=survey)
    words = narrate_latent(fit, language=language, survey=survey)
    figures = KeyFigures(tuple(_cards(fit, invariance, language)), language)
    return (*warnings, figures, words)


def _cards(fit: LatentFit, invariance: InvarianceResult | None, language: Language) -> list[Card]:
    """Return the indices against their standards, and how far invariance reaches."""
    cards = []
    for name in ("cfi", "rmsea", "srmr"):
        value, rule = used_index(fit, name), standard(f"cfa_{name}")
        sign = "≥" if rule.direction == "at_least" else "≤"
        detail = f"{sign} {format_correlation(rule.value)}"
        if name == "rmsea":
            low, high = used_index(fit, "rmsea.ci.lower"), used_index(fit, "rmsea.ci.upper")
            detail = f"{format_interval(low, high, 3, of='correlation')}; {detail}"
        cards.append(
            Card(
                label=name.upper(),
                value=format_correlation(value, 3),
                detail=detail,
                tone="good" if rule.met_by(value) else "bad",
            )
        )
    if invariance is not None:
        label = message(f"latent.card_{invariance.over}", language)
        cards.append(invariance_card(invariance, label, language))
    return cards


def invariance_card(invariance: InvarianceResult, label: str, language: Language) -> Card:
    """Return how far measurement invariance reaches; that none is shown where no model fits."""
    sound = invariance.comparable_means and not invariance.exploratory
    fits = not invariance.configural_misfit
    return Card(
        label=label,
        value=level_words(invariance.highest, language)
        if fits
        else message("latent.card_not_shown", language),
        detail=message(f"latent.card_{'level' if fits else 'misfit'}", language),
        tone="good" if sound else "bad",
    )


def comparison_notes(
    choices: ModelChoices, *, survey: Survey | None = None, language: Language = "en"
) -> tuple[Note, ...]:
    """Return what is said when groups are too small, or there is nothing to compare.

    Parameters
    ----------
    choices : ModelChoices
        From ``model_choices``.
    survey : Survey, optional
        For the labels of the groups; their codes without it.
    language : {"en", "zh"}
        Language of the notes.

    Returns
    -------
    tuple of Note
    """
    notes = []
    if choices.left_out:
        names = [
            code if survey is None else survey.value_label(choices.asked_group, code, language)
            for code in choices.left_out
        ]
        groups = listed([plain(name) for name in names], language)
        fewest = str(choices.fewest)
        text = message("latent.groups_left_out", language, groups=groups, fewest=fewest)
        notes.append(Note(text, kind="info", language=language))
    if choices.unused_group:
        text = message("latent.group_unused", language, group=plain(choices.unused_group))
        notes.append(Note(text, kind="warning", language=language))
    elif not choices.group and not choices.batteries:
        notes.append(Note(message("latent.not_asked", language), kind="info", language=language))
    return tuple(notes)


def model_methods(
    fit: LatentFit,
    choices: ModelChoices,
    *,
    invariance: bool = False,
    n_draws: int = 0,
    language: Language = "en",
) -> tuple[Prose, ...]:
    """Return how the numbers of a model were computed, with the model's text.

    Parameters
    ----------
    fit : LatentFit
        The model.
    choices : ModelChoices
        What it was written from.
    invariance : bool
        Whether levels of invariance were tested.
    n_draws : int
        Draws of the bootstrap; 0 without one.
    language : {"en", "zh"}
        Language of the text.

    Returns
    -------
    tuple of Prose
    """
    first = message("latent.methods_model", language, estimator=fit.estimator)
    texts = [message("latent.methods_fit", language)]
    texts += [message("latent.methods_invariance", language)] if invariance else []
    texts += [message("latent.methods_bootstrap", language)] if n_draws else []
    lines = tuple(plain(line) for line in choices.model.splitlines() if line.strip())
    return (Prose(first), Prose(lines, form="points"), Prose(tuple(texts)))
