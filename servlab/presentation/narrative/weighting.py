"""Raked weights and sample sizes, in sentences."""

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.raking import Raking
from servlab.estimation.survey_sample_size import SampleSize
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_number,
    format_share,
)
from servlab.presentation.labels import conf_text, listed, plain, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate


@narrate.register
def narrate_raking(
    result: Raking, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say which margins the weights meet, and what they cost in precision."""
    known = survey or result.survey
    names = [variable_label(str(n), known, language) for n in result.margins["term"].unique()]
    low, high = (format_number(w) for w in (result.weights.min(), result.weights.max()))
    parts = [
        message("weighting.said", language, names=listed(names, language), low=low, high=high),
        _furthest(result, language, known),
        message("weighting.cost", language, n=format_count(result.n), **precision(result)),
    ]
    if result.bounds is not None and result.n_trimmed:
        low, high = (format_number(bound) for bound in result.bounds)
        values = {"low": low, "high": high}
        parts.append(message("weighting.trimmed", language, count=result.n_trimmed, **values))
    parts.append(message("weighting.only", language))
    return Prose(join_sentences(parts, language))


def precision(result: Raking) -> dict[str, str]:
    """Return design effect and effective n as text."""
    effective = format_number(result.n_effective, 1)
    return {"deff": format_number(result.design_effect), "effective": effective}


def _furthest(result: Raking, language: Language, survey: Survey | None) -> str:
    """Return the value whose share of the sample was furthest from the population's."""
    rows = result.margins.dropna(subset=["before"])
    if rows.empty:
        return ""
    row = rows.iloc[int((rows["before"] - rows["target"]).abs().to_numpy().argmax())].to_dict()
    name, value = str(row["term"]), str(row["group"])
    return message(
        "weighting.furthest",
        language,
        name=variable_label(name, survey, language),
        value=plain(value if survey is None else survey.value_label(name, value, language)),
        before=format_share(row["before"], 1),
        target=format_share(row["target"], 1),
    )


@narrate.register
def narrate_size(result: SampleSize, *, language: Language = "en") -> Prose:
    """Say how many questionnaires are needed, for what, and under which assumptions."""
    parts = [_needed(result, language)]
    if result.population is not None:
        parts.append(message("weighting.size_population", language, count=result.population))
    if result.design_effect == 1:
        parts.append(message("weighting.size_simple", language))
    else:
        deff = format_number(result.design_effect)
        parts.append(message("weighting.size_effect", language, deff=deff))
    if result.n_invited is not None:
        parts.append(message("weighting.size_invited", language, count=result.n_invited))
    return Prose(join_sentences(parts, language))


def _needed(result: SampleSize, language: Language) -> str:
    groups = {}
    if len(result.per_group) == 2:
        first, second = (format_count(n) for n in result.per_group)
        text = message("weighting.size_groups", language, first=first, second=second)
        groups = {"groups": text}
    if result.goal == "power":
        values = {
            "detect": format_number(result.detect),
            "power": format_share(result.power),
            "error": format_correlation(1 - result.conf_level),
        }
        key = f"weighting.power_{result.what}"
        return message(key, language, count=result.n, **values, **groups)
    margin = format_number(result.margin)
    if result.what == "share":
        margin = format_share(result.margin, 1)
    values = {"margin": margin, "level": conf_text(result.conf_level)}
    return message(f"weighting.size_{result.what}", language, count=result.n, **values, **groups)
