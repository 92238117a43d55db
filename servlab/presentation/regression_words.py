"""Words that tables, sentences and charts of a regression share: steps, values, regions."""

import math

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.design_checks import INTERCEPT
from servlab.estimation.regression.johnson_neyman import JohnsonNeyman
from servlab.estimation.regression.simple_slopes import SimpleSlopes
from servlab.presentation.formats import (
    format_df,
    format_number,
    format_p_relation,
)
from servlab.presentation.labels import plain, predictor_label, variable_label
from servlab.presentation.messages import message


def terms_added(added: str, survey: Survey | None, language: Language) -> list[str]:
    """Return the labels of the terms that a step adds."""
    return [predictor_label(term, survey, language) for term in added.split(", ") if term]


def errors_words(cov_type: str, language: Language) -> str:
    """Return the kind of standard errors in a word."""
    if cov_type in ("cluster", "classical"):
        return message(f"regression.errors_{cov_type}", language)
    return cov_type


def f_words(f: float, df1: float, df2: float, p: float) -> dict[str, str]:
    """Return the values of a sentence on an F test."""
    return {
        "f": format_number(f),
        "df1": format_df(df1),
        "df2": format_df(df2),
        "p": format_p_relation(p),
    }


def value_words(
    result: SimpleSlopes, row: pd.Series, survey: Survey | None, language: Language, *, short: bool
) -> str:
    """Return how a value of the moderator is named."""
    if row["chosen"] == "category":
        name, value = result.moderator, str(row["at"])
        known = survey is not None and name in survey.covariates
        return plain(survey.value_label(name, value, language) if known and survey else value)
    number = format_number(float(row["at"]))
    if row["chosen"] == "given":
        return number
    kind = f"short_{row['chosen']}" if short else row["chosen"]
    return message(f"regression.at_{kind}", language, value=number)


def names_of(
    result: SimpleSlopes | JohnsonNeyman, survey: Survey | None, language: Language
) -> dict[str, str]:
    """Return the labels of outcome, predictor and moderator."""
    return {
        "outcome": variable_label(result.outcome, survey, language),
        "predictor": predictor_label(result.predictor, survey, language),
        "moderator": predictor_label(result.moderator, survey, language),
    }


def region_words(row: pd.Series, language: Language) -> str:
    """Return the ends of a stretch of the moderator in words."""
    low, high = float(row["low"]), float(row["high"])
    if math.isinf(low) and math.isinf(high):
        return message("regression.region_all", language)
    if math.isinf(low):
        return message("regression.region_up_to", language, high=format_number(high))
    if math.isinf(high):
        return message("regression.region_from", language, low=format_number(low))
    ends = {"low": format_number(low), "high": format_number(high)}
    return message("regression.region_between", language, **ends)


def slope_terms(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a coefficient table without the intercept."""
    return table.drop(index=INTERCEPT, errors="ignore")
