"""The frame of a scale's dossier: its first screen, what remains exploratory, its methods."""

from collections.abc import Sequence
from dataclasses import dataclass

from servlab.core.standards import standard
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.adequacy import KmoResult
from servlab.estimation.efa import EfaResult
from servlab.estimation.factor_count import FactorCount
from servlab.estimation.factor_dimensions import FactorDimensions
from servlab.estimation.item_decisions import ItemDecisions
from servlab.estimation.reliability_coefficients import ReliabilityCoefficients
from servlab.estimation.replication import Replication
from servlab.presentation.display import Card, KeyFigures, Note, Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_range,
    format_share,
)
from servlab.presentation.messages import message
from servlab.presentation.narrative.adequacy import enough_rows
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.reliability import reported, short_dimensions
from servlab.presentation.narrative.structure import efa_warnings

FEW_COMPLETE = 0.6  # share of respondents with all answers under which the report says so first


@dataclass(frozen=True, slots=True, eq=False)
class _Dossier:
    """What the first screen draws on."""

    decisions: ItemDecisions
    adequacy: KmoResult
    fit: EfaResult
    reliability: ReliabilityCoefficients
    dimensions: FactorDimensions | None
    language: Language

    def battery(self) -> str:
        return message(f"terms.battery_{self.decisions.battery}", self.language)


def summarize_validation(
    *,
    decisions: ItemDecisions,
    adequacy: KmoResult,
    fit: EfaResult,
    reliability: ReliabilityCoefficients,
    dimensions: FactorDimensions | None = None,
    language: Language = "en",
) -> tuple[Prose | KeyFigures | Note, ...]:
    """Write the first screen of a scale's dossier.

    Parameters
    ----------
    decisions, adequacy, fit, reliability : results
        Of the same battery.
    dimensions : FactorDimensions, optional
        The factors beside the dimensions, where the instrument has any.
    language : {"en", "zh"}
        Language of the texts.

    Returns
    -------
    tuple
        A Heywood case first, where there is one; the verdict with its reasons; key figures; what
        the rules say of the items; the limits.
    """
    known = _Dossier(decisions, adequacy, fit, reliability, dimensions, language)
    reasons = _reasons(known)
    key = "validation.lead_work" if reasons else "validation.lead_sound"
    between = "; " if language == "en" else "；"
    values = {"reasons": between.join(reasons)} if reasons else {}
    return (
        *efa_warnings(fit, instrument=decisions.instrument, language=language),
        Prose(message(key, language, battery=known.battery(), **values), form="lead"),
        KeyFigures(_cards(known), language=language),
        narrate(decisions, language=language),
        Note(message("validation.lead_limits", language), kind="limit", language=language),
    )


def _reasons(known: _Dossier) -> list[str]:
    """Return what speaks against using the battery as it is, the gravest first."""
    language = known.language
    short, dropped = short_dimensions(known.reliability), known.decisions.named("drop")
    untold = known.dimensions is not None and (
        known.dimensions.share_in_place < 1 or bool(known.dimensions.merged)
    )
    reasons = {
        "heywood": bool(known.fit.heywood),
        "adequacy": not standard("kmo").met_by(known.adequacy.overall),
        "sample": not enough_rows(known.fit.n, len(known.fit.loadings)),
        "reliability": len(short),
        "drop": len(dropped),
        "merged": untold,
    }
    return [
        message(f"validation.lead_{name}", language, count=int(found))
        for name, found in reasons.items()
        if found
    ]


def _cards(known: _Dossier) -> list[Card]:
    language, fit, decisions = known.language, known.fit, known.decisions
    terms = reported(known.reliability)
    values = [float(known.reliability.by_term[name][code]) for code, name in terms.items()]
    drop, look = decisions.named("drop"), decisions.named("look")
    several = len(values) > 1
    reliability = (
        format_range(min(values), max(values), of="correlation")
        if several
        else format_correlation(values[0])
    )
    share = format_share(float(fit.variance["proportion"].sum()))
    kmo_met = standard("kmo").met_by(known.adequacy.overall)
    return [
        Card(
            message("validation.card_used", language),
            format_count(fit.n),
            message("validation.card_used_detail", language, items=format_count(len(fit.loadings))),
        ),
        Card(
            message("validation.card_kmo", language),
            format_correlation(known.adequacy.overall),
            tone="" if kmo_met else "bad",
        ),
        Card(
            message("validation.card_factors", language),
            format_count(fit.n_factors),
            message("validation.card_factors_detail", language, share=share),
            tone="bad" if fit.heywood else "",
        ),
        Card(
            message(f"validation.card_reliability{'' if several else '_one'}", language),
            reliability,
            message("validation.card_reliability_detail", language),
            tone="bad" if short_dimensions(known.reliability) else "",
        ),
        Card(
            message("validation.card_items", language),
            format_count(len(drop) + len(look)),
            message("validation.card_items_detail", language, drop=format_count(len(drop))),
            tone="bad" if drop else "",
        ),
    ]


def validation_limits(
    survey: Survey, battery: str, *, language: Language = "en"
) -> tuple[Note, ...]:
    """Return what must be said before a battery is analysed: weights, missing answers.

    Parameters
    ----------
    survey : Survey
        As it was read: with its weights.
    battery : str
        The battery.
    language : {"en", "zh"}
        Language of the texts.

    Returns
    -------
    tuple of Note
        Empty when there is nothing to say.

    Examples
    --------
    >>> import servlab as sl
    >>> validation_limits(sl.load_example("servqual"), "perception")
    ()
    """
    complete = int(survey.items(battery).notna().all(axis=1).sum())
    texts = []
    if complete < FEW_COMPLETE * survey.n:
        values = {"complete": format_count(complete), "n": format_count(survey.n)}
        texts.append(message("validation.few_complete", language, **values))
    if survey.weights is not None:
        texts.append(message("validation.unweighted", language))
    return (Note(texts, language=language),) if texts else ()


def exploratory(
    replication: Replication | None,
    *,
    n: int,
    n_items: int,
    asked: bool = True,
    language: Language = "en",
) -> Prose:
    """Say what remains exploratory: dropped items, chosen factors, and the hold-out half.

    Parameters
    ----------
    replication : Replication or None
        The hold-out half, if there was one.
    n, n_items : int
        Complete respondents and items.
    asked : bool
        Whether a hold-out half was asked for.
    language : {"en", "zh"}
        Language of the text.

    Returns
    -------
    Prose

    Examples
    --------
    >>> len(exploratory(None, n=40, n_items=22).paragraphs)
    3
    """
    paragraphs = [
        message("validation.exploratory_drop", language),
        message("validation.exploratory_factors", language),
    ]
    if replication is not None:
        paragraphs.append(message("validation.exploratory_holdout", language))
    elif asked:
        values = {"n": format_count(n), "items": format_count(n_items)}
        paragraphs.append(message("validation.holdout_impossible", language, **values))
    else:
        paragraphs.append(message("validation.exploratory_no_holdout", language))
    return Prose(paragraphs)


def validation_methods(
    fit: EfaResult,
    count: FactorCount,
    *,
    replication: Replication | None = None,
    language: Language = "en",
) -> tuple[Prose, ...]:
    """Return how the numbers of a dossier were computed, with sources.

    Parameters
    ----------
    fit : EfaResult
        The factor analysis.
    count : FactorCount
        The number of factors.
    replication : Replication, optional
        The hold-out half.
    language : {"en", "zh"}
        Language of the text.

    Returns
    -------
    tuple of Prose
    """
    draws = count.components
    names: Sequence[tuple[str, dict[str, str]]] = [
        ("data", {}),
        ("items", {}),
        ("count", {"draws": format_count(draws.n_draws), "seed": str(draws.seed)}),
        (
            "efa",
            {
                "extraction": message(f"scale.extraction_{fit.extraction}", language),
                "rotation": message(f"scale.rotation_{fit.rotation}", language),
                "kind": message(f"validation.kind_{fit.moments.kind}", language),
                "count": format_count(fit.n_factors),
            },
        ),
        ("reliability", {}),
        *([("holdout", {"seed": str(replication.seed)})] if replication is not None else []),
        ("standards", {}),
        ("program", {}),
    ]
    points = [message(f"validation.method_{name}", language, **values) for name, values in names]
    return (Prose(points, form="points"),)
