"""Ordered and yes-or-no outcomes in sentences: what shifts the answers, and how surely."""

import numpy as np
import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.brant import OMNIBUS, BrantTest
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.logistic import LogisticResult
from servlab.estimation.regression.marginal_effects import SLOPE, MarginalEffects
from servlab.estimation.regression.ordinal import OrdinalResult
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_count,
    format_df,
    format_interval,
    format_number,
    format_p_relation,
)
from servlab.presentation.labels import conf_text, listed, plain, predictor_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.drivers import left_out_sentence
from servlab.presentation.narrative.standing import standings
from servlab.presentation.standards import limit_text, source_text

Choice = OrdinalResult | LogisticResult
PLAIN = ("estimate", "conf_low", "conf_high")
ALPHA = 0.05  # at which Brant's test is said to speak against proportional odds


def value_text(value: float) -> str:
    """Return a value of the outcome as it is written: whole numbers without decimals."""
    return f"{value:g}"


@narrate.register
def narrate_ordinal(
    result: OrdinalResult, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say what is wrong first, then which predictors go with higher answers."""
    return _narrate(result, language, survey)


@narrate.register
def narrate_logistic(
    result: LogisticResult, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say what is wrong first, then which predictors go with the event."""
    return _narrate(result, language, survey)


def _narrate(result: Choice, language: Language, survey: Survey | None) -> Prose:
    first = [*flag_sentences(result, language, survey), *_clear(result, language, survey)]
    odds = "odds_ratio" in result.coefficients
    second = [
        message("choices.odds_reading", language) if odds else "",
        message("choices.association", language),
        message("choices.basis", language, count=result.n),
    ]
    return Prose([join_sentences(part, language) for part in (first, second)])


def flag_sentences(result: Choice, language: Language, survey: Survey | None = None) -> list[str]:
    """Return a sentence for each flag of the fit."""
    found = []
    if result.collinear:
        pairs = flag_pairs(result.collinear, language, survey)
        found.append(message("choices.flag_collinear", language, pairs=pairs))
    for flag in ("sparse", "unused"):
        values = getattr(result, flag, ())
        if values:
            texts = listed([value_text(v) for v in values], language)
            fewest = {"limit": limit_text("category_rows")} if flag == "sparse" else {}
            found.append(message(f"choices.flag_{flag}", language, values=texts, **fewest))
    if "few_clusters" in result.flags:
        count = format_count(result.n_clusters)
        found.append(message("drivers.note_few_clusters", language, count=count))
    if "few_events" in result.flags:
        name = "events_per_slope"
        why = {"limit": limit_text(name), "source": source_text(name, language)}
        found.append(message("choices.flag_few_events", language, **why))
    if result.undetermined:
        names = [predictor_label(name, survey, language) for name in result.undetermined]
        found.append(message("choices.flag_undetermined", language, names=listed(names, language)))
    return found + left_out_sentence(result.design.empty, language, survey)


def flag_pairs(
    collinear: tuple[tuple[str, str], ...], language: Language, survey: Survey | None
) -> str:
    """Return the near-collinear predictors, pair by pair."""
    pairs = [
        message(
            "choices.flag_pair",
            language,
            first=predictor_label(a, survey, language),
            second=predictor_label(b, survey, language),
        )
        for a, b in collinear
    ]
    return listed(pairs, language)


def _clear(result: Choice, language: Language, survey: Survey | None) -> list[str]:
    """Return the predictors whose intervals exclude no association, and the others."""
    slopes = result.coefficients.drop(index=INTERCEPT, errors="ignore")
    found = standings(slopes)
    clear = [name for name in slopes.index if name in {*found["below"], *found["above"]}]
    conf = conf_text(result.conf_level)
    sentences = []
    if clear:
        entries = [
            entry(str(name), row, language, survey) for name, row in slopes.loc[clear].iterrows()
        ]
        values = {
            "outcome": variable_label(result.outcome, survey, language),
            "names": listed(entries, language),
        }
        kind = "ordinal" if isinstance(result, OrdinalResult) else "logistic"
        if isinstance(result, LogisticResult):
            values["event"] = value_text(result.event)
        sentences.append(message(f"choices.clear_{kind}", language, **values))
    elif len(slopes):
        sentences.append(message("choices.clear_none", language, conf=conf))
    if clear and found["level"]:
        names = [predictor_label(name, survey, language) for name in found["level"]]
        sentences.append(
            message("choices.unclear", language, names=listed(names, language), conf=conf)
        )
    return sentences


def entry(name: str, row: pd.Series, language: Language, survey: Survey | None) -> str:
    """Return a predictor with its odds ratio, or its probit coefficient."""
    odds = "odds_ratio" in row.index
    columns = ("odds_ratio", "odds_low", "odds_high") if odds else PLAIN
    value, low, high = (float(row[column]) for column in columns)
    return message(
        "choices.entry_odds" if odds else "choices.entry_probit",
        language,
        name=predictor_label(name, survey, language),
        value=format_number(value, sign=not odds),
        interval=format_interval(low, high),
    )


@narrate.register
def narrate_brant(
    result: BrantTest, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say whether one odds ratio will do, for which predictors not, and what the test misses."""
    chi2, df, p = (float(v) for v in result.glance()[["chi2", "df", "p_value"]].iloc[0])
    fails = p < ALPHA
    each = result.table.drop(index=OMNIBUS)
    named = [
        predictor_label(str(name), survey, language) for name in each.index[each["p_value"] < ALPHA]
    ]
    parts = [
        message(
            "choices.brant_fails" if fails else "choices.brant_holds",
            language,
            outcome=variable_label(result.outcome, survey, language),
            df=format_df(df),
            chi2=format_number(chi2),
            p=format_p_relation(p),
        )
    ]
    if named:
        parts.append(message("choices.brant_by", language, names=listed(named, language)))
    parts += [*empty_sentence(result, language, survey), message("choices.brant_limits", language)]
    return Prose([join_sentences(parts, language)])


def empty_sentence(
    result: BrantTest, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the sentence on empty cells; none without them."""
    if not result.empty_cells:
        return []
    names = listed([variable_label(n, survey, language) for n in result.empty_cells], language)
    return [message("choices.flag_empty_cells", language, names=names)]


def effect_label(term: str, contrast: str, language: Language, survey: Survey | None) -> str:
    """Return an effect in words: per unit of a number, or one level instead of another."""
    name = predictor_label(term, survey, language)
    if contrast == SLOPE:
        return message("choices.per_unit", language, name=name)
    second, _, first = contrast.partition(" - ")
    if survey is not None and term in survey.covariates:
        first, second = (survey.value_label(term, v, language) for v in (first, second))
    return message("choices.step", language, name=name, first=plain(first), second=plain(second))


@narrate.register
def narrate_marginal(
    result: MarginalEffects, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say what every predictor does to the probability of the best answer."""
    top = float(np.max(result.table["category"]))
    rows = result.table[result.table["category"] == top]
    entries = [
        message(
            "choices.marginal_entry",
            language,
            name=effect_label(str(row["term"]), str(row["contrast"]), language, survey),
            value=format_number(100 * row["estimate"], 1, sign=True),
            interval=format_interval(100 * row["conf_low"], 100 * row["conf_high"], 1),
        )
        for _, row in rows.iterrows()
    ]
    lead = message(
        "choices.marginal_lead",
        language,
        outcome=variable_label(result.outcome, survey, language),
        category=value_text(top),
        names=listed(entries, language),
    )
    return Prose([join_sentences([lead, message("choices.association", language)], language)])
