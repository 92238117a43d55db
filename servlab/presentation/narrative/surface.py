"""A response surface in sentences: what it explains, whether the gap is as good, congruence."""

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.response_surface import ResponseSurface
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_df,
    format_interval,
    format_number,
    format_p_relation,
    format_share,
)
from servlab.presentation.labels import listed, plain, term_label, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate

SIGNIFICANT = 0.05


@narrate.register
def narrate_surface(
    result: ResponseSurface, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say what the surface explains beside the gap, the constraint's test, and congruence."""
    first = [*surface_flags(result, language), _fit(result, language, survey)]
    first.append(_gap(result, language))
    outcome = outcome_words(result, survey, language)
    second = [message(f"surface.says_{result.congruence}", language, outcome=outcome)]
    second += _direction(result, language)
    if not result.stationary_determined:
        second.append(message("surface.says_ridge", language))
    second.append(message("surface.basis", language, count=result.n))
    return Prose([join_sentences(part, language) for part in (first, second)])


def surface_flags(result: ResponseSurface, language: Language) -> list[str]:
    """Return the sentence on a P and an E that are nearly collinear; none otherwise."""
    if "collinear" not in result.flags:
        return []
    return [message("surface.collinear", language, r=format_correlation(result.correlation))]


def outcome_words(result: ResponseSurface, survey: Survey | None, language: Language) -> str:
    """Return the outcome, or the outcomes averaged."""
    return listed([variable_label(name, survey, language) for name in result.outcome], language)


def score_words(result: ResponseSurface, language: Language) -> str:
    """Return what P and E are scores of."""
    if result.dimension is not None:
        return plain(term_label(result.dimension, result.instrument, language))
    if result.instrument is not None:
        return message("surface.overall", language)
    names = {"perception": plain(result.perception), "expectation": plain(result.expectation)}
    return message("surface.columns", language, **names)


def _fit(result: ResponseSurface, language: Language, survey: Survey | None) -> str:
    r2 = result.models["r_squared"]
    return message(
        "surface.says_fit",
        language,
        score=score_words(result, language),
        outcome=outcome_words(result, survey, language),
        surface=format_share(r2["quadratic"], 1),
        adjusted=format_share(result.models["adj_r_squared"]["quadratic"], 1),
        gap=format_share(r2["difference"], 1),
        perception=format_share(r2["perception"], 1),
    )


def _gap(result: ResponseSurface, language: Language) -> str:
    """Return the test of the gap's constraints, robust under weights."""
    row = result.constraints.loc["difference"].to_dict()
    f, p = row["f_statistic"], row["p_value"]
    if result.weighted:
        f, p = row["f_robust"], row["p_robust"]
    if p != p:
        return message("surface.says_gap_unknown", language)
    kind = "rejected" if p < SIGNIFICANT else "kept"
    return message(
        f"surface.says_gap_{kind}",
        language,
        df1=format_df(row["df"]),
        df2=format_df(row["df_residual"]),
        f=format_number(f),
        p=format_p_relation(p),
    )


def _direction(result: ResponseSurface, language: Language) -> list[str]:
    """Return which way the outcome runs across P = E, where the interval of a3 excludes zero."""
    row = result.surface.loc["a3"].to_dict()
    if row["conf_low"] <= 0 <= row["conf_high"]:
        return []
    values = {
        "a3": format_number(row["estimate"], sign=True),
        "interval": format_interval(row["conf_low"], row["conf_high"]),
    }
    return [
        message(f"surface.says_{'more' if row['estimate'] > 0 else 'less'}", language, **values)
    ]
