"""Mediation in sentences: which routes are clear, what is left, and what would make it causal."""

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.mediation import MediationResult
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_interval, format_number, format_share
from servlab.presentation.labels import conf_text, listed, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.choices import flag_pairs
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.drivers import left_out_sentence
from servlab.presentation.narrative.standing import standing


def effect_name(
    name: str, part: str, language: Language, survey: Survey | None, *, arrow: str = " → "
) -> str:
    """Return an effect in words: a route with arrows, or the name of a sum."""
    if part == "contrast":
        first, _, second = name.removeprefix("(").removesuffix(")").partition(") - (")
        return message(
            "mediation.difference",
            language,
            first=effect_name(first, "indirect", language, survey),
            second=effect_name(second, "indirect", language, survey),
        )
    if part != "indirect":
        return message(f"mediation.part_{part}", language)
    return arrow.join(variable_label(stop, survey, language) for stop in name.split(" -> "))


@narrate.register
def narrate_mediation(
    result: MediationResult, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say flags first, then the clear routes, the direct effect, the share, and the assumptions."""
    paragraphs = [
        [*mediation_flags(result, language, survey), *_routes(result, language, survey)],
        [*_direct(result, language), _share(result, language)],
        [message("mediation.causal", language), message("choices.basis", language, count=result.n)],
    ]
    return Prose([join_sentences(part, language) for part in paragraphs])


def mediation_flags(
    result: MediationResult, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return a sentence for each flag."""
    found = []
    if result.collinear:
        pairs = flag_pairs(result.collinear, language, survey)
        found.append(message("mediation.flag_collinear", language, pairs=pairs))
    found += left_out_sentence(result.empty, language, survey)
    if result.two_valued:
        names = listed([variable_label(n, survey, language) for n in result.two_valued], language)
        found.append(message("mediation.flag_two_valued", language, names=names))
    return found


def _routes(result: MediationResult, language: Language, survey: Survey | None) -> list[str]:
    """Return the clear routes with their intervals, then the unclear ones."""
    rows = result.effects[result.effects["part"] == "indirect"]
    clear, unclear = [], []
    for name, row in rows.iterrows():
        label = effect_name(str(name), "indirect", language, survey)
        if standing(float(row["conf_low"]), float(row["conf_high"])) not in ("below", "above"):
            unclear.append(label)
            continue
        clear.append(
            message(
                "mediation.entry",
                language,
                name=label,
                value=format_number(row["estimate"], sign=True),
                interval=format_interval(row["conf_low"], row["conf_high"]),
            )
        )
    if not clear:
        return [message("mediation.indirect_none", language, conf=conf_text(result.conf_level))]
    sentences = [
        message(
            "mediation.indirect_clear",
            language,
            predictor=variable_label(result.predictor, survey, language),
            outcome=variable_label(result.outcome, survey, language),
            names=listed(clear, language),
        )
    ]
    if unclear:
        sentences.append(message("mediation.unclear", language, names=listed(unclear, language)))
    return sentences


def _direct(result: MediationResult, language: Language) -> list[str]:
    row = result.effects[result.effects["part"] == "direct"].iloc[0]
    value, low, high = (float(row[c]) for c in ("estimate", "conf_low", "conf_high"))
    found = standing(low, high)
    return [
        message(
            f"mediation.direct_{'clear' if found in ('below', 'above') else 'unclear'}",
            language,
            value=format_number(value, sign=True),
            interval=format_interval(low, high),
        )
    ]


def _share(result: MediationResult, language: Language) -> str:
    if result.proportion != result.proportion:
        return message("mediation.share_none", language)
    return message("mediation.share", language, share=format_share(result.proportion))
