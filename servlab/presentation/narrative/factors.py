"""Sampling adequacy, number of factors and loadings in sentences."""

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.adequacy import BartlettResult, KmoResult
from servlab.estimation.efa import EfaResult
from servlab.estimation.retention import ParallelAnalysis
from servlab.estimation.second_opinion import SecondOpinion
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_df,
    format_number,
    format_p_relation,
    format_share,
)
from servlab.presentation.labels import names_in_sentence
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.scale import SIGNIFICANT, below_standard
from servlab.presentation.narrative.structure import fit_sentences

KMO_STANDARD = standard("kmo").value
LOADING_STANDARD = standard("loading").value


@narrate.register
def narrate_kmo(
    result: KmoResult, *, language: Language = "en", instrument: Instrument | None = None
) -> Prose:
    """Say the overall measure against its standard, and the items under it."""
    key = "scale.kmo_reaches" if result.overall >= KMO_STANDARD else "scale.kmo_misses"
    sentences = [message(key, language, overall=format_correlation(result.overall))]
    low = below_standard(result.by_item, KMO_STANDARD)
    if low:
        items = names_in_sentence(low, instrument, language)
        sentences.append(message("scale.kmo_items", language, items=items))
    return Prose(join_sentences(sentences, language))


@narrate.register
def narrate_bartlett(result: BartlettResult, *, language: Language = "en") -> Prose:
    """Say whether the items are correlated at all."""
    key = "rejects" if result.p_value < SIGNIFICANT else "keeps"
    return Prose(
        message(
            f"scale.bartlett_{key}",
            language,
            chi2=format_number(result.statistic),
            df=format_df(result.df),
            p=format_p_relation(result.p_value),
        )
    )


@narrate.register
def narrate_parallel(result: ParallelAnalysis, *, language: Language = "en") -> Prose:
    """Say how many factors parallel analysis suggests."""
    key = "scale.parallel_suggests" if result.n_factors else "scale.parallel_none"
    return Prose(message(key, language, count=result.n_factors))


@narrate.register
def narrate_efa(
    result: EfaResult, *, language: Language = "en", instrument: Instrument | None = None
) -> Prose:
    """Say what the factors explain, Heywood cases first, and which items load where."""
    count = result.loadings.shape[1]
    share = format_share(float(result.variance["proportion"].sum()))
    sentences = []
    if result.heywood:
        items = names_in_sentence(result.heywood, instrument, language)
        sentences.append(message("scale.efa_heywood", language, items=items))
    sentences.append(message("scale.efa_explains", language, count=count, share=share))
    sentences += fit_sentences(result, language)
    sentences += _simple_structure(result, instrument, language)
    if count > 1:
        # the factor correlations of an orthogonal rotation are zero by construction
        cor = closest_factors(result)
        if cor is not None:
            sentences.append(message("scale.efa_cor_high", language, cor=format_correlation(cor)))
    sentences.append(message("scale.efa_exploratory", language))
    return Prose(join_sentences(sentences, language))


def _simple_structure(
    result: EfaResult, instrument: Instrument | None, language: Language
) -> list[str]:
    """Return the items without a loading of .40 and those with several."""
    salient = (result.loadings.abs() >= LOADING_STANDARD).sum(axis=1)
    sentences = []
    for key, codes in (
        ("weak", salient[salient == 0].index),
        ("cross", salient[salient > 1].index),
    ):
        if len(codes):
            items = names_in_sentence(list(codes), instrument, language)
            sentences.append(message(f"scale.efa_{key}", language, items=items))
    return sentences or [message("scale.efa_clean", language)]


def closest_factors(result: EfaResult) -> float | None:
    """Return the correlation furthest from zero of two factors; None for orthogonal ones."""
    m = result.factor_cor.shape[0]
    cor = result.factor_cor.to_numpy(dtype=float)
    pairs = [float(cor[i, j]) for i in range(m) for j in range(i)]
    oblique = any(abs(pair) > 1e-9 for pair in pairs)
    return max(pairs, key=abs) if oblique else None


@narrate.register
def narrate_opinion(result: SecondOpinion, *, language: Language = "en") -> Prose:
    """Say whether factor_analyzer finds the same loadings."""
    key = "scale.opinion_agrees" if result.agrees else "scale.opinion_differs"
    # the fourth decimal is the last one said: under it two programs agree to rounding
    difference = max(result.largest_difference, result.factor_cor_difference, 1e-4)
    return Prose(message(key, language, difference=format_number(difference, 4)))
