"""Regression and importance beside performance, in sentences: associations, not causes."""

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.drivers import ImportancePerformance
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.linear import RegressionResult
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_count,
    format_interval,
    format_number,
    format_share,
)
from servlab.presentation.labels import (
    conf_text,
    listed,
    names_in_sentence,
    predictor_label,
    variable_label,
)
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.standing import standings


@narrate.register
def narrate_regression(
    result: RegressionResult,
    *,
    language: Language = "en",
    survey: Survey | None = None,
) -> Prose:
    """Say collinearity first, then the fit, the clear associations and the unclear ones."""
    first = [
        *collinear_sentence(result, language, survey),
        *flag_notes(result, language, survey),
        fit_sentence(result, language, survey),
        *_clear(result, language, survey),
    ]
    second = [
        message("drivers.association", language),
        message("drivers.basis", language, count=result.n),
    ]
    return Prose([join_sentences(part, language) for part in (first, second)])


def collinear_sentence(
    result: RegressionResult, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the sentence that names near-collinear predictors; none without them."""
    return overlap_sentence(result.collinear, result.vif["vif"], language, survey)


def overlap_sentence(
    collinear: tuple[tuple[str, str], ...],
    vif: pd.Series,
    language: Language,
    survey: Survey | None = None,
) -> list[str]:
    """Return the sentence that names pairs with their inflation factors; none without pairs."""
    if not collinear:
        return []
    pairs = [
        message(
            "drivers.collinear_pair",
            language,
            first=predictor_label(first, survey, language),
            second=predictor_label(second, survey, language),
            vif=format_number(float(vif.loc[first]), 1),
        )
        for first, second in collinear
    ]
    return [message("drivers.collinear", language, pairs=listed(pairs, language))]


def flag_notes(
    result: RegressionResult, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the sentences on the flags of a regression but collinearity."""
    notes = []
    if "undetermined" in result.flags:
        names = listed(
            [predictor_label(t, survey, language) for t in result.undetermined], language
        )
        notes.append(message("drivers.note_undetermined", language, names=names))
    if "few_clusters" in result.flags and result.n_clusters is not None:
        count = format_count(result.n_clusters)
        notes.append(message("drivers.note_few_clusters", language, count=count))
    return notes + left_out_sentence(result.design.empty, language, survey)


def left_out_sentence(
    empty: tuple[str, ...], language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the sentence on declared categories that nobody is in; none without them."""
    if not empty:
        return []
    names = listed([predictor_label(t, survey, language) for t in empty], language)
    return [message("drivers.note_empty", language, names=names)]


def fit_sentence(result: RegressionResult, language: Language, survey: Survey | None = None) -> str:
    """Return the share of variance accounted for."""
    return message(
        "drivers.fit",
        language,
        share=format_share(result.r_squared),
        outcome=variable_label(result.outcome, survey, language),
        adjusted=format_share(result.adj_r_squared),
    )


def _clear(result: RegressionResult, language: Language, survey: Survey | None) -> list[str]:
    """Return the predictors whose intervals exclude zero, the others, and the strongest."""
    slopes = result.coefficients.drop(index=INTERCEPT, errors="ignore")
    found = standings(slopes)
    clear = [name for name in slopes.index if name in {*found["below"], *found["above"]}]
    conf = conf_text(result.conf_level)
    sentences = []
    if clear:
        entries = [
            message(
                "drivers.entry",
                language,
                name=predictor_label(str(name), survey, language),
                estimate=format_number(row["estimate"], sign=True),
                interval=format_interval(row["conf_low"], row["conf_high"]),
            )
            for name, row in slopes.loc[clear].iterrows()
        ]
        values = {
            "outcome": variable_label(result.outcome, survey, language),
            "names": listed(entries, language),
        }
        sentences.append(message("drivers.clear", language, **values))
    elif len(slopes):
        sentences.append(message("drivers.clear_none", language, conf=conf))
    if clear and found["level"]:
        names = listed(
            [predictor_label(str(name), survey, language) for name in found["level"]], language
        )
        sentences.append(message("drivers.unclear", language, names=names, conf=conf))
    return [*sentences, *_strongest(result, language, survey, clear)]


def _strongest(
    result: RegressionResult, language: Language, survey: Survey | None, clear: list[str]
) -> list[str]:
    """Return the clear predictor of the largest standardized coefficient, of several."""
    if len(clear) < 2 or result.collinear:
        return []
    betas = result.coefficients.loc[clear, "std_beta"]
    name = str(betas.abs().idxmax())
    beta = format_number(betas[name], sign=True)
    label = predictor_label(str(name), survey, language)
    return [message("drivers.strongest", language, name=label, beta=beta)]


@narrate.register
def narrate_importance(
    result: ImportancePerformance, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say what is more important and less well done than the average, and what importance is."""
    quadrants = {
        key: [str(code) for code in result.table.index[result.table["quadrant"] == key]]
        for key in ("concentrate", "keep_up")
    }
    sentences = []
    if quadrants["concentrate"]:
        names = names_in_sentence(quadrants["concentrate"], result.instrument, language)
        sentences.append(message("drivers.ipa_concentrate", language, names=names))
    else:
        sentences.append(message("drivers.ipa_concentrate_none", language))
    if quadrants["keep_up"]:
        names = names_in_sentence(quadrants["keep_up"], result.instrument, language)
        sentences.append(message("drivers.ipa_keep_up", language, names=names))
    return Prose(
        [join_sentences(sentences, language), *importance_limits(result, language, survey)]
    )


def importance_limits(
    result: ImportancePerformance, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return where importance comes from and what the quadrants do not say."""
    if result.source == "stated":
        parts = [message("drivers.ipa_note_stated", language)]
        parts.append(message("drivers.ipa_relative_stated", language))
    else:
        label = variable_label(result.outcome or "", survey, language)
        parts = [message("drivers.ipa_note_derived", language, outcome=label)]
        parts.append(message("drivers.ipa_relative", language))
    return [join_sentences(parts, language)]
