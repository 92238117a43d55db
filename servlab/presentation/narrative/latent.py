"""A latent variable model in sentences: fit against its standards, loadings, paths, warnings."""

import numpy as np
import pandas as pd

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.factor_reliability import FactorReliability
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.standardize import standardized_solution
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_interval,
    format_number,
    format_p_relation,
    format_share,
)
from servlab.presentation.labels import listed
from servlab.presentation.latent_words import (
    Names,
    effect_name,
    explained,
    variable_in_sentence,
)
from servlab.presentation.messages import join_sentences, join_words, message
from servlab.presentation.narrative.dispatch import narrate

JUDGED = ("cfi", "tli", "rmsea", "srmr")
ALPHA = 0.05


@narrate.register
def narrate_latent(
    result: LatentFit,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Prose:
    """Say how well a model fits, which items and factors stand out, and what follows from what."""
    paragraphs = [
        join_sentences([message(f"latent.flag_{f}", language) for f in result.flags], language),
        join_sentences(_fit_sentences(result, language), language),
        join_sentences(_loading_sentences(result, language, survey or instrument), language),
        join_sentences(_path_sentences(result, language, survey or instrument), language),
    ]
    return Prose(tuple(text for text in paragraphs if text))


@narrate.register
def narrate_factor_reliability(
    result: FactorReliability,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Prose:
    """Say for which factors the sum of items is reliable enough."""
    names, rows = survey or instrument, result.by_factor
    limit = format_correlation(standard("reliability").value)
    weak = rows[rows["reliability"] < standard("reliability").value]
    if len(weak):
        words = _valued(weak["factor"], weak["reliability"], language, names)
        factors = listed(words, language)
        return Prose(message("latent.says_unreliable", language, standard=limit, factors=factors))
    at = int(rows["reliability"].to_numpy().argmin())
    return Prose(
        message(
            "latent.says_reliable",
            language,
            standard=limit,
            lowest=format_correlation(float(rows["reliability"].iloc[at])),
            factor=variable_in_sentence(str(rows["factor"].iloc[at]), names, language),
        )
    )


def used_index(fit: LatentFit, name: str) -> float:
    """Return an index in its robust form where the estimator is robust."""
    robust = f"{name}.robust"
    found = fit.fit_measures
    chosen = robust if fit.estimator in ("MLM", "MLR") and robust in found.index else name
    return float(found[chosen])


def _fit_sentences(fit: LatentFit, language: Language) -> list[str]:
    """Say chi-square and the indices, and which meet their standards."""
    if fit.df == 0:
        return [message("latent.says_exact", language)]
    robust = fit.estimator in ("MLM", "MLR")
    suffix = ".scaled" if robust else ""
    values = {name: used_index(fit, name) for name in JUDGED}
    low, high = used_index(fit, "rmsea.ci.lower"), used_index(fit, "rmsea.ci.upper")
    first = message(
        "latent.says_fit",
        language,
        chi2=format_number(float(fit.fit_measures[f"chisq{suffix}"])),
        df=format_count(fit.df),
        p=format_p_relation(float(fit.fit_measures[f"pvalue{suffix}"])),
        interval=format_interval(low, high, 3, of="correlation"),
        n=format_count(fit.n),
        **{name: format_correlation(value, 3) for name, value in values.items()},
    )
    met = [name for name in JUDGED if standard(f"cfa_{name}").met_by(values[name])]
    missed = join_words([name.upper() for name in JUDGED if name not in met], language)
    if len(met) == len(JUDGED):
        verdict = message("latent.says_good", language)
    elif met:
        verdict = message("latent.says_mixed", language, met=format_count(len(met)), missed=missed)
    else:
        verdict = message("latent.says_bad", language)
    note = [message("latent.says_robust", language)] if robust else []
    return [first, verdict, *note, message("latent.not_calibrated", language)]


def _loading_sentences(fit: LatentFit, language: Language, names: Names) -> list[str]:
    """Say which loadings are weak or negative, and which factors are close."""
    frame = fit.tidy()
    rows = frame[frame["op"] == "=~"]
    if rows.empty:
        return []
    limit = standard("std_loading")
    text = format_correlation(limit.value)
    sentences = []
    negative = rows[rows["std_all"] < 0]
    if len(negative):
        items = _item_values(negative, language, names)
        sentences.append(message("latent.says_negative", language, items=items))
    weak = rows[(rows["std_all"].abs() < limit.value) & (rows["std_all"] >= 0)]
    if len(weak):
        items = _item_values(weak, language, names)
        sentences.append(message("latent.says_weak", language, standard=text, items=items))
    elif not len(negative):
        lowest = format_correlation(float(rows["std_all"].min()))
        sentences.append(
            message("latent.says_loadings_sound", language, standard=text, lowest=lowest)
        )
    return sentences + _close_factors(fit, language, names)


def _item_values(rows: pd.DataFrame, language: Language, names: Names) -> str:
    """Return items with their standardized loadings."""
    return listed(_valued(rows["rhs"], rows["std_all"], language, names), language)


def _valued(variables: pd.Series, values: pd.Series, language: Language, names: Names) -> list[str]:
    """Return variables with a number each."""
    return [
        message(
            "latent.item_value",
            language,
            item=variable_in_sentence(str(name), names, language),
            value=format_correlation(float(value)),
        )
        for name, value in zip(variables, values, strict=True)
    ]


def _close_factors(fit: LatentFit, language: Language, names: Names) -> list[str]:
    """Say which factors correlate past the standard."""
    frame = standardized_solution(fit)
    latent = {*fit.latent}
    pairs = frame[
        (frame["op"] == "~~")
        & frame["lhs"].isin(latent)
        & frame["rhs"].isin(latent)
        & (frame["lhs"] != frame["rhs"])
        & (frame["estimate"].abs() >= standard("factor_cor").value)
    ]
    if pairs.empty:
        return []
    words = [
        message(
            "latent.pair",
            language,
            one=variable_in_sentence(str(a), names, language),
            other=variable_in_sentence(str(b), names, language),
            value=format_correlation(float(value)),
        )
        for a, b, value in zip(pairs["lhs"], pairs["rhs"], pairs["estimate"], strict=True)
    ]
    limit = format_correlation(standard("factor_cor").value)
    return [
        message(
            "latent.says_close_factors", language, standard=limit, pairs=listed(words, language)
        )
    ]


def _path_sentences(fit: LatentFit, language: Language, names: Names) -> list[str]:
    """Say each path, the variance explained and the defined parameters."""
    frame = fit.tidy()
    paths = frame[frame["op"] == "~"]
    sentences = [
        _path(str(y), str(x), float(beta), float(p), language, names)
        for y, x, beta, p in zip(
            paths["lhs"], paths["rhs"], paths["std_all"], paths["p_value"], strict=True
        )
        if np.isfinite(p)
    ]
    shares = explained(fit)
    for outcome in dict.fromkeys(paths["lhs"].astype(str)):
        for (name, _), share in shares.items():
            if name == outcome and fit.n_groups == 1:
                word = variable_in_sentence(name, names, language)
                sentences.append(
                    message(
                        "latent.says_explained",
                        language,
                        outcome=word,
                        share=format_share(share),
                    )
                )
    defined = frame[frame["op"] == ":="]
    return sentences + effect_sentences(defined, "latent.says_defined", language)


def effect_sentences(rows: pd.DataFrame, key: str, language: Language, **values: str) -> list[str]:
    """Say defined parameters with their intervals, and whether zero lies inside."""
    sentences = []
    for name, estimate, low, high in zip(
        *(rows[c] for c in ("lhs", "estimate", "conf_low", "conf_high")), strict=True
    ):
        apart = "verdict_holds_zero" if low <= 0 <= high else "verdict_apart"
        sentences.append(
            message(
                key,
                language,
                name=effect_name(str(name), language),
                estimate=format_number(float(estimate), 3),
                interval=format_interval(float(low), float(high), 3),
                verdict=message(f"latent.{apart}", language),
                **values,
            )
        )
    return sentences


def _path(
    outcome: str,
    predictor: str,
    beta: float,
    p: float,
    language: Language,
    names: Names,
) -> str:
    """Say one path; beyond chance or not."""
    kind = "path_none" if p >= ALPHA else "path" if beta > 0 else "path_negative"
    return message(
        f"latent.says_{kind}",
        language,
        outcome=variable_in_sentence(outcome, names, language),
        predictor=variable_in_sentence(predictor, names, language),
        beta=format_correlation(beta),
        p=format_p_relation(p),
    )
