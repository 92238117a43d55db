"""What a fitted model leaves out and over, and its bootstrap intervals, in sentences."""

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.bootstrap import LatentBootstrap
from servlab.estimation.latent.residuals import LatentResiduals
from servlab.estimation.latent.score_tests import ModificationIndices
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_number,
)
from servlab.presentation.labels import conf_text
from servlab.presentation.latent_words import (
    free_words,
    largest_residuals,
    variable_in_sentence,
)
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.latent import effect_sentences


@narrate.register
def narrate_modification(
    result: ModificationIndices,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Prose:
    """Say where the model misses most, and that this is exploratory."""
    rows = result.tidy()
    if rows.empty:
        return Prose(message("latent.says_no_modification", language))
    first = rows.iloc[0]
    term = free_words(
        str(first["lhs"]), str(first["op"]), str(first["rhs"]), survey or instrument, language
    )
    return Prose(
        message(
            "latent.says_modification", language, mi=format_number(float(first["mi"])), term=term
        )
    )


@narrate.register
def narrate_residuals(
    result: LatentResiduals,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Prose:
    """Say how many residual correlations exceed their standard."""
    rows, names = largest_residuals(result), survey or instrument
    if rows.empty:
        return Prose("")
    limit = standard("residual")
    far = int((rows["estimate"].abs() > limit.value).sum())
    first = rows.iloc[0]
    value = format_correlation(float(first["estimate"]))
    pair = message(
        "latent.pair",
        language,
        one=variable_in_sentence(str(first["lhs"]), names, language),
        other=variable_in_sentence(str(first["rhs"]), names, language),
        value=value,
    )
    return Prose(
        message(
            "latent.says_residuals",
            language,
            count=format_count(far),
            total=format_count(len(rows)),
            standard=format_correlation(limit.value),
            pair=pair,
        )
    )


@narrate.register
def narrate_bootstrap(
    result: LatentBootstrap, *, language: Language = "en", conf_level: float = 0.95
) -> Prose:
    """Say the defined parameters with their bootstrap intervals."""
    rows = result.tidy(conf_level=conf_level)
    defined = rows[rows["op"] == ":="]
    level = conf_text(conf_level)
    sentences = effect_sentences(defined, "latent.says_bootstrap", language, level=level)
    return Prose(join_sentences(sentences, language))
