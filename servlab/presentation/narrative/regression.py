"""Hierarchical steps, influence, moderation and quantiles in sentences."""

import math

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.hierarchical import HierarchicalRegression
from servlab.estimation.regression.influence import Influence
from servlab.estimation.regression.johnson_neyman import JohnsonNeyman
from servlab.estimation.regression.quantile import QuantileRegression
from servlab.estimation.regression.simple_slopes import SimpleSlopes
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_interval,
    format_number,
    format_p_relation,
    format_share,
)
from servlab.presentation.labels import listed, predictor_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.drivers import (
    collinear_sentence,
    flag_notes,
    left_out_sentence,
    overlap_sentence,
)
from servlab.presentation.narrative.standing import standing
from servlab.presentation.regression_words import (
    f_words,
    names_of,
    region_words,
    slope_terms,
    terms_added,
    value_words,
)


@narrate.register
def narrate_steps(
    result: HierarchicalRegression, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say what the first step accounts for and what each further one adds."""
    last = result.fits[-1]
    alpha = 1 - last.conf_level
    said = [*collinear_sentence(last, language, survey), *flag_notes(last, language, survey)]
    for _, row in result.steps.iterrows():
        said.append(_step(row, result.outcome, alpha, survey, language))
    end = {
        "share": format_share(last.r_squared, 1),
        "adjusted": format_share(last.adj_r_squared, 1),
        "n": format_count(result.n),
    }
    said.append(message("regression.steps_end", language, **end))
    return Prose([join_sentences(said, language), message("drivers.association", language)])


def _step(
    row: pd.Series, outcome: str, alpha: float, survey: Survey | None, language: Language
) -> str:
    """Return the sentence on one step."""
    names = listed(terms_added(row["added"], survey, language), language)
    if row["step"] == 1:
        values = {"share": format_share(row["r_squared"], 1), "names": names}
        values["outcome"] = variable_label(outcome, survey, language)
        return message("regression.first_step", language, **values)
    values = {"share": format_share(row["r_squared_change"], 1), "names": names}
    if pd.isna(row["p_value"]):
        return message("regression.step_untested", language, **values)
    test = f_words(row["f_statistic"], row["df"], row["df_residual"], row["p_value"])
    key = "step_adds" if row["p_value"] < alpha else "step_adds_nothing"
    return message(f"regression.{key}", language, **values, **test)


@narrate.register
def narrate_influence(
    result: Influence, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say whether the result hangs on a few respondents, and how the residuals behave."""
    count = len(result.flagged)
    if not count:
        first = [message("regression.influence_none", language)]
    else:
        share = format_share(count / result.n, 1)
        first = [message("regression.influence_some", language, count=count, share=share)]
        first.append(_without(result, survey, language))
    return Prose(
        [join_sentences(first, language), join_sentences(_residuals(result, language), language)]
    )


def _without(result: Influence, survey: Survey | None, language: Language) -> str:
    """Return what becomes of the coefficients without the flagged respondents."""
    rows = slope_terms(result.changes)
    if result.without is None or rows["shift"].isna().all():
        return message("regression.influence_no_refit", language)
    changed = [
        predictor_label(str(term), survey, language)
        for term, row in rows.dropna().iterrows()
        if standing(row["low_all"], row["high_all"])
        != standing(row["low_without"], row["high_without"])
    ]
    if changed:
        names = listed(changed, language)
        return message("regression.influence_differs", language, names=names)
    sizes = rows["shift"].abs()
    term = str(sizes.idxmax())
    shift = format_number(float(sizes.max()))
    name = predictor_label(term, survey, language)
    return message("regression.influence_same", language, name=name, shift=shift)


def _residuals(result: Influence, language: Language) -> list[str]:
    """Return the sentences on spread, form and shape of the residuals."""
    shape = {"skewness": format_number(result.skewness), "kurtosis": format_number(result.kurtosis)}
    said = []
    if not result.tests.empty:
        alpha = 1 - result.fit.conf_level
        p_values = result.tests["p_value"].to_dict()
        spread = float(p_values["breusch_pagan"])
        uneven = "spread_classical" if result.fit.cov_type == "classical" else "spread"
        key = uneven if spread < alpha else "even"
        said.append(message(f"regression.residuals_{key}", language, p=format_p_relation(spread)))
        form = float(p_values["reset"])
        if form == form:
            key = "form" if form < alpha else "form_fine"
            said.append(message(f"regression.residuals_{key}", language, p=format_p_relation(form)))
    else:
        said.append(message("regression.tests_weighted", language))
    return [*said, message("regression.residuals_shape", language, **shape)]


@narrate.register
def narrate_slopes(
    result: SimpleSlopes, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say whether the association depends on the moderator, and how strong it is at its values."""
    names = names_of(result, survey, language)
    if result.p_value != result.p_value:
        first = message("regression.slopes_untested", language, **names)
    else:
        key = "moderated" if result.p_value < 1 - result.conf_level else "unmoderated"
        test = f_words(result.f_statistic, result.df, result.df_residual, result.p_value)
        first = message(f"regression.slopes_{key}", language, **names, **test)
    entries = [
        message(
            "regression.slopes_entry",
            language,
            at=value_words(result, row, survey, language, short=True),
            estimate=format_number(row["estimate"], sign=True),
            interval=format_interval(row["conf_low"], row["conf_high"]),
        )
        for _, row in result.slopes.iterrows()
    ]
    between = "; " if language == "en" else "；"
    every = message("regression.slopes_list", language, moderator=names["moderator"],
                    entries=between.join(entries))  # fmt: skip
    said = [first, every, *outside_note(result, survey, language)]
    return Prose([join_sentences(said, language), message("drivers.association", language)])


def outside_note(result: SimpleSlopes, survey: Survey | None, language: Language) -> list[str]:
    """Return the sentence on values of the moderator that nobody has."""
    rows = result.slopes[~result.slopes["inside"].astype(bool)]
    if rows.empty:
        return []
    values = [value_words(result, row, survey, language, short=True) for _, row in rows.iterrows()]
    return [message("regression.slopes_outside", language, values=listed(values, language))]


@narrate.register
def narrate_region(
    result: JohnsonNeyman, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say where the slope differs from zero, and for how many respondents."""
    names = names_of(result, survey, language)
    pair = {key: names[key] for key in ("predictor", "moderator")}
    seen = result.regions[result.regions["observed"] & (result.regions["share"] > 0)]
    least, most = result.observed  # a bound beyond what was observed is none to speak of
    seen = seen.assign(
        low=seen["low"].where(seen["low"] >= least, -math.inf),
        high=seen["high"].where(seen["high"] <= most, math.inf),
    )
    clear = seen[seen["standing"] != "level"]
    if clear.empty:
        said = [message("regression.region_none", language, **pair)]
    elif len(seen) == 1:
        where = message(f"regression.standing_{clear['standing'].iloc[0]}", language)
        said = [message("regression.region_everywhere", language, standing=where, **pair)]
    else:
        said = [
            message(
                "regression.region_part",
                language,
                standing=message(f"regression.standing_{row['standing']}", language),
                region=region_words(row, language),
                share=format_share(row["share"]),
                **pair,
            )
            for _, row in clear.iterrows()
        ]
        rest = float(seen.loc[seen["standing"] == "level", "share"].sum())
        if rest > 0:
            said.append(message("regression.region_rest", language, share=format_share(rest)))
    return Prose([join_sentences(said, language)])


@narrate.register
def narrate_quantiles(
    result: QuantileRegression, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say which predictors go with which quantiles."""
    outcome = variable_label(result.outcome, survey, language)
    said, silent = quantile_flags(result, language, survey), []
    for term in result.coefficients["term"].unique():
        rows = result.coefficients[result.coefficients["term"] == term].set_index("quantile")
        name = predictor_label(str(term), survey, language)
        clear = [q for q, r in rows.iterrows()
                 if standing(r["conf_low"], r["conf_high"]) in ("below", "above")]  # fmt: skip
        if term == "Intercept":
            continue
        if not clear and rows["conf_low"].isna().all():
            continue  # without errors nothing is clear, nor unclear; the flag says so
        if not clear:
            silent.append(name)
            continue
        comma = ", " if language == "en" else "，"
        entries = comma.join(
            message("regression.quantile_entry", language, quantile=format_correlation(q),
                    estimate=format_number(rows.loc[q, "estimate"], sign=True))
            for q in clear
        )  # fmt: skip
        key = "everywhere" if len(clear) == len(rows) else "differs"
        values = {"name": name, "outcome": outcome, "entries": entries}
        said.append(message(f"regression.quantile_{key}", language, **values))
    if silent:
        names = listed(silent, language)
        said.append(message("regression.quantile_nowhere", language, names=names))
    return Prose([join_sentences(said, language), message("drivers.association", language)])


def quantile_flags(
    result: QuantileRegression, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return the sentences on the flags of a quantile regression."""
    overlap = overlap_sentence(result.collinear, result.vif, language, survey)
    empty = left_out_sentence(result.empty, language, survey)
    quantiles = listed([format_correlation(q) for q in result.without_errors], language)
    values = {
        "crossing": {"share": format_share(result.share_crossing)},
        "coarse": {"count": format_count(result.n_values)},
        "undetermined": {"quantiles": quantiles},
    }
    return [*overlap, *empty] + [
        message(f"regression.flag_{flag}", language, **values.get(flag, {}))
        for flag in result.flags
        if flag not in ("collinear", "empty_category")
    ]
