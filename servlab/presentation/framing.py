"""The frame of a study: its cover, its section headings, and how its numbers were computed."""

import re

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.presentation.display import Cover, Prose, Section
from servlab.presentation.formats import format_count, format_range, format_share
from servlab.presentation.labels import plain
from servlab.presentation.messages import message

# Sections of the studies in their usual order; each has its heading in the catalogue.
SECTIONS = (
    "summary", "who", "response", "missing", "screening", "items", "licence", "gaps", "perception",
    "zone", "weights", "scale", "factors", "drivers", "priorities", "groups", "methods",
    # of a scale's dossier
    "item_analysis", "adequacy", "count", "structure", "reliability", "decisions",
    "exploratory", "cosmin",
    # of waves
    "comparable_items", "changes", "over_time", "limits",
    # of a model
    "model", "loadings", "misfit", "batteries", "invariance", "paths", "indirect",
    # of expectations
    "forms", "surface", "ceiling",
    # of a regression
    "steps", "assumptions", "moderation", "quantiles",
    # of a comparison of branches
    "agreement", "league", "funnel", "driving",
    "steps", "assumptions", "moderation", "quantiles", "ordinal", "top_box", "multilevel",
    "mediation",
)  # fmt: skip


def section(name: str, *, language: Language = "en") -> Section:
    """Return the heading of one of the studies' sections.

    Parameters
    ----------
    name : str
        One of ``summary, who, response, missing, screening, items, licence, gaps, perception, zone,
        weights, scale, factors, drivers, priorities, groups, methods``, in a scale's dossier also
        ``item_analysis, adequacy, count, structure, reliability, decisions, exploratory, cosmin``,
        in the study of a model ``model, loadings, misfit, batteries, invariance, paths, indirect``,
        in the study of expectations ``forms, surface, ceiling``;
        in that of branches ``agreement, league, funnel, driving``;
        in the study of waves ``comparable_items, changes, over_time, limits``;
        in a regression's ``steps, assumptions, moderation, quantiles,
        ordinal, top_box, multilevel, mediation``;
        a heading of your own is ``Section(title, anchor)``.
    language : {"en", "zh"}
        Language of the heading.

    Returns
    -------
    Section
    """
    return Section(message(f"framing.section_{name}", language), name.replace("_", "-"))


def cover(
    survey: Survey,
    *,
    title: str = "",
    wave: str = "",
    battery: str = "",
    language: Language = "en",
) -> Cover:
    """Return the head of a report: title, questionnaire, respondents, what was asked.

    Parameters
    ----------
    survey : Survey
        The survey of the study.
    title : str
        The report's title; empty takes the codebook's. What ``keep_respondents`` kept follows it,
        unless the title given names it already.
    wave : str
        A wave or period to show.
    battery : str
        The battery whose scale is validated: makes the cover that of a dossier.
    language : {"en", "zh"}
        Language of the report.

    Returns
    -------
    Cover
    """
    origin = survey.provenance.title
    fallback = origin.text(language) if origin is not None else survey.provenance.source
    source = survey.provenance.origin
    topic = "validation" if battery else "framing"
    chips = _chips(survey, wave, language, battery)
    own = title or message(f"{topic}.title", language, name=fallback)
    return Cover(
        title=title_with_kept(own, survey, language, given=bool(title)),
        lede=source.text(language) if source is not None else "",
        chips=chips,
        kicker=message(f"{topic}.kicker", language),
    )


def title_with_kept(title: str, survey: Survey, language: Language, *, given: bool) -> str:
    """Return a title that names the respondents kept: two branches' reports differ in it.

    One that was ``given`` may name them in its own way; a file's name in another does not count.
    """
    kept = [label.text(language) for label in survey.provenance.kept]
    values = [name.partition(": " if language == "en" else "：")[2] for name in kept]
    unnamed = [
        name
        for name, value in zip(kept, values, strict=True)
        if not given or not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", title)
    ]
    return " · ".join([title, *map(plain, unnamed)])


def _chips(survey: Survey, wave: str, language: Language, battery: str = "") -> list[str]:
    """Return the facts under the title."""
    instrument = survey.instrument
    leading = "perception" if survey.has("perception") else survey.batteries[0]
    scale = survey.scales[battery or leading]
    chips = [message("framing.chip_example", language)] if survey.provenance.example else []
    chips += [wave] if wave else []
    chips += [plain(label.text(language)) for label in survey.provenance.kept]
    chips.append(
        message(
            "framing.chip_instrument",
            language,
            title=instrument.title.text(language),
            count=len(instrument.items),
            scale=format_range(scale.low, scale.high, 0),
        )
    )
    chips.append(message("framing.chip_respondents", language, count=survey.n))
    if battery:
        name = message(f"terms.battery_{battery}", language)
        chips.append(message("validation.chip_battery", language, battery=name))
    grade = survey.grades.get("expectation") if battery in ("", "expectation") else None
    if grade is not None:
        name = message(f"framing.grade_{grade}", language)
        chips.append(message("framing.chip_grade", language, grade=name))
    if survey.weights is not None and not battery:
        chips.append(message("framing.chip_weighted", language))
    if survey.provenance.simulated:
        chips.append(message("framing.chip_simulated", language))
    return chips


def methods(survey: Survey, *, language: Language = "en") -> tuple[Prose, ...]:
    """Return how the numbers of a study were computed, with sources.

    Parameters
    ----------
    survey : Survey
        The survey of the study; only what applies to it is said.
    language : {"en", "zh"}
        Language of the text.

    Returns
    -------
    tuple of Prose
    """
    names = ["scores"]
    if survey.has("expectation", "perception"):
        names += ["gaps", "difference", "licence", "forms"]
        if len(survey.outcomes.columns):
            names.append("surface")
    if survey.has("adequate", "desired", "perception"):
        names.append("zone")
    if survey.weights is not None:
        names.append("weights")
    names += ["reliability", "factors"]
    if len(survey.outcomes.columns):
        names.append("drivers")
    if survey.provenance.waves:
        names.append("waves")
    names += ["groups", "missing", "causes"]
    values = {
        "scores": {"share": format_share(survey.min_answered)},
        "missing": {"n": format_count(survey.n)},
    }
    points = [_method(name, values.get(name, {}), language) for name in names]
    reference = survey.instrument.reference
    source = [message("framing.instrument_source", language, reference=reference)]
    return (Prose(points, form="points"), *([Prose(source)] if reference else []))


def _method(name: str, values: dict[str, str], language: Language) -> str:
    return message(f"framing.method_{name}", language, count=None, **values)
