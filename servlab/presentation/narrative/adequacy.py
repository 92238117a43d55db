"""Joint normality, rows for so many items, and the number of factors in sentences."""

from servlab.core.standards import standard
from servlab.data.schema import Language
from servlab.estimation.factor_count import FactorCount
from servlab.estimation.moments import Moments
from servlab.estimation.normality import MardiaResult
from servlab.estimation.retention import MapTest
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_count, format_number
from servlab.presentation.labels import names_in_sentence
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.scale import SIGNIFICANT


@narrate.register
def narrate_moments(result: Moments, *, language: Language = "en") -> Prose:
    """Say which correlations are analysed, and whether the rows are enough for the items."""
    rows, each = standard("rows").value, standard("rows_per_item").value
    k = len(result.names)
    key = "reaches" if enough_rows(result.n, k) else "misses"
    limits = {"rows": format_count(rows), "each": format_count(each)}
    return Prose(
        join_sentences(
            [
                message(
                    "adequacy.sample_rows",
                    language,
                    n=format_count(result.n),
                    items=format_count(k),
                    ratio=format_number(result.n / k, 1),
                ),
                message(f"adequacy.sample_{key}", language, **limits),
                message(f"adequacy.kind_{result.kind}", language),
                *_fewer_categories(result, language),
            ],
            language,
        )
    )


def _fewer_categories(result: Moments, language: Language) -> list[str]:
    """Return the sentence on items of which some answers do not occur."""
    if not result.fewer_categories:
        return []
    items = names_in_sentence(result.fewer_categories, None, language)
    return [message("adequacy.fewer_categories", language, items=items)]


def enough_rows(n: int, k: int) -> bool:
    """Return whether n rows reach COSMIN's numbers for a factor analysis of k items."""
    return standard("rows").met_by(n) and standard("rows_per_item").met_by(n / k)


@narrate.register
def narrate_mardia(result: MardiaResult, *, language: Language = "en") -> Prose:
    """Say how far from joint normality the answers are, and what that touches."""
    smallest = min(result.skewness_p, result.kurtosis_p)
    far = not standard("mardia").met_by(result.kurtosis_statistic)
    key = "far" if far else "kept" if smallest >= SIGNIFICANT else "mild"
    z = format_number(result.kurtosis_statistic)
    return Prose(message(f"adequacy.mardia_{key}", language, z=z))


@narrate.register
def narrate_count(
    result: FactorCount,
    *,
    language: Language = "en",
    chosen: int | None = None,
    dimensions: int = 0,
) -> Prose:
    """Recommend one number of factors with the reasons; say what was chosen instead, if so."""
    values = {} if result.reason == "unanimous" else {
        "low": format_count(result.lowest), "high": format_count(result.highest)
    }  # fmt: skip
    sentences = [
        message(f"adequacy.count_{result.reason}", language, count=result.n_factors, **values)
    ]
    if dimensions:
        sentences.append(message("adequacy.count_dimensions", language, count=dimensions))
    if chosen is not None and chosen != result.n_factors:
        sentences.append(message("adequacy.count_chosen", language, count=format_count(chosen)))
    return Prose(join_sentences(sentences, language))


@narrate.register
def narrate_map(result: MapTest, *, language: Language = "en") -> Prose:
    """Say where the mean partial correlation is smallest."""
    fourth = format_count(result.n_factors_fourth)
    return Prose(message("adequacy.map_says", language, count=result.n_factors, fourth=fourth))
