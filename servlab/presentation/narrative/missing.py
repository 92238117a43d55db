"""Missing answers, in sentences: how many, and what an analysis then assumes."""

from servlab.data.schema import Language
from servlab.estimation.mcar import McarTest
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_count,
    format_df,
    format_number,
    format_p_relation,
    format_share,
)
from servlab.presentation.labels import in_sentence, listed, plain
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.scale import SIGNIFICANT
from servlab.scales.missing import HEAVY_ANSWERS, MissingPatterns


@narrate.register
def narrate_missing(result: MissingPatterns, *, language: Language = "en") -> Prose:
    """Say how much is missing and where; what analyses assume when it is heavy."""
    lacking = _not_asked(result, language)
    if not result.share_missing:
        none = message("missing.none", language, count=result.n)
        return Prose(join_sentences([none, *lacking], language))
    amount, shape = _amount(result, language), _shape(result, language)
    first = join_sentences([*amount, *shape, *lacking], language)
    if not result.heavy:
        return Prose(join_sentences([first, message("missing.light", language)], language))
    weight = "heavy_answers" if result.share_missing >= HEAVY_ANSWERS else "heavy_rows"
    return Prose(
        [
            join_sentences([first, message(f"missing.{weight}", language)], language),
            join_sentences(_assumptions(result, language), language),
        ]
    )


@narrate.register
def narrate_mcar(result: McarTest, *, language: Language = "en") -> Prose:
    """Say whether patterns of missing answers differ, and what the test cannot say."""
    key = "differs" if result.p_value < SIGNIFICANT else "alike"
    values = {"chi2": format_number(result.statistic), "df": format_df(result.df)}
    p = format_p_relation(result.p_value)
    parts = [message(f"missing.mcar_{key}", language, p=p, **values)]
    return Prose(join_sentences([*parts, message("missing.mcar_limit", language)], language))


def _amount(result: MissingPatterns, language: Language) -> list[str]:
    """Return the share missing and the item most often open."""
    row = result.by_item.iloc[int(result.by_item["n_missing"].to_numpy().argmax())].to_dict()
    return [
        message(
            "missing.share",
            language,
            share=format_share(result.share_missing, 1),
            complete=format_count(result.n_complete),
            total=format_count(result.n),
            rows=format_share(result.n_complete / result.n),
        ),
        message(
            "missing.most",
            language,
            item=in_sentence(row["item"], result.instrument, language),
            battery=message(f"summary.battery_{row['battery']}", language),
            share=format_share(row["share_missing"], 1),
        ),
    ]


def _not_asked(result: MissingPatterns, language: Language) -> list[str]:
    """Return the sentence on items that nobody answered; none without them."""
    if not result.not_asked:
        return []
    names = listed([plain(name) for name in result.not_asked], language)
    return [message("missing.not_asked", language, count=len(result.not_asked), names=names)]


def _shape(result: MissingPatterns, language: Language) -> list[str]:
    """Return how many patterns with an open answer there are, and whether they are monotone."""
    patterns = int(result.patterns.any(axis=1).sum())
    sentences = [message("missing.patterns", language, count=patterns)]
    if patterns > 1:
        name = "monotone" if result.monotone else "scattered"
        sentences.append(message(f"missing.{name}", language))
    return sentences


def _assumptions(result: MissingPatterns, language: Language) -> list[str]:
    """Return what complete cases, partial scores and FIML assume."""
    counts = {
        "lost": format_count(result.n - result.n_complete),
        "total": format_count(result.n),
    }
    texts = [message("missing.complete_case", language, **counts)]
    if result.min_answered < 1 and result.instrument.dimensions:
        share = format_share(result.min_answered)
        texts.append(message("missing.partial_scores", language, share=share))
    return [*texts, message("missing.fiml", language), message("missing.neither", language)]
