"""Which respondents is this study about: one branch, one wave, one segment of the survey."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from servlab.core.errors import ModelError
from servlab.core.groups import code_text
from servlab.data.schema import LANGUAGES, Label, Language
from servlab.data.survey import Survey

FORM = 'write "covariate=value", as "branch=North"; repeat the covariate for several values'
SHOWN = 20  # values of a covariate that a message lists before it says how many more there are


def keep_respondents(survey: Survey, where: Sequence[str]) -> Survey:
    """Keep the respondents with the values asked for; count the others among the exclusions.

    Parameters
    ----------
    survey : Survey
        The survey of everybody.
    where : sequence of str
        "covariate=value" each. A value is written as in the file, or as its label in either
        language. One covariate named several times keeps any of its values
        (``["branch=North", "branch=South"]``); several covariates must all hold.

    Returns
    -------
    Survey
        The same survey when nothing is asked. Otherwise ``provenance.kept`` names what was kept
        (reports show it on their cover), and ``provenance.exclusions`` has one step a covariate,
        in the order asked; who has no value there is left out too.

    Raises
    ------
    ModelError
        For a text of another form, a covariate or value that the survey does not hold, or when
        no respondent has all that is asked.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> north = sl.keep_respondents(survey, ["branch=North"])
    >>> set(north.covariates["branch"]), north.provenance.kept[0].en
    ({'North'}, 'Branch: North')
    >>> north.n + north.provenance.exclusions[-1].n == survey.n
    True
    """
    if isinstance(where, str):
        raise ModelError(f"where must be a list of texts; got the text {where!r}: {FORM}.")
    asked: dict[str, list[str]] = {}
    for text in where:
        covariate, value = _parse(survey, text)
        values = asked.setdefault(covariate, [])
        values += [v for v in _meant(survey, covariate, value) if v not in values]
    for covariate, values in asked.items():
        survey = _keep(survey, covariate, values, where)
    return survey


def covariate_values(survey: Survey, covariate: str) -> tuple[str, ...]:
    """Return the values of a covariate that respondents have, as text, in order of appearance."""
    return tuple(dict.fromkeys(_texts(survey.covariates[covariate].dropna())))


def _parse(survey: Survey, text: str) -> tuple[str, str]:
    """Return covariate and value of "covariate=value"; a covariate's name may hold "=" itself."""
    if not isinstance(text, str) or "=" not in text:
        raise ModelError(f"where has {text!r}, which is not of its form: {FORM}.")
    known = [str(name) for name in survey.covariates.columns]
    for place in reversed([i for i, character in enumerate(text) if character == "="]):
        covariate, value = text[:place].strip(), text[place + 1 :].strip()
        if covariate in known:
            if not value:
                raise ModelError(f"where has {text!r}, without a value: {FORM}.")
            return covariate, value
    covariate = text.partition("=")[0].strip()
    listed = ", ".join(known) or "none"
    raise ModelError(
        f"where names the covariate {covariate!r}, which this survey has not; it has {listed}"
        f"{_near(covariate, known)}."
    )


def _meant(survey: Survey, covariate: str, value: str) -> list[str]:
    """Return the one value meant, as the file writes it: the value itself, else by its label."""
    present = covariate_values(survey, covariate)
    if value in present:
        return [value]
    labels = {v: {survey.value_label(covariate, v, lang) for lang in LANGUAGES} for v in present}
    found = [v for v, names in labels.items() if value in {name.strip() for name in names}]
    if len(found) > 1:
        raise ModelError(
            f"where asks for {covariate} {value!r}, the label of several values "
            f"({', '.join(found)}); name the value itself."
        )
    if not found:
        raise ModelError(_no_value(covariate, value, present))
    return found


def _no_value(covariate: str, value: str, present: Sequence[str]) -> str:
    """Return the message on a value that no respondent has."""
    more = f" and {len(present) - SHOWN} more" if len(present) > SHOWN else ""
    held = ", ".join(present[:SHOWN]) + more if present else "no value at all"
    return (
        f"where asks for {covariate} {value!r}, which nobody in the data has; they hold {held}"
        f"{_near(value, present)}."
    )


def _near(given: str, known: Sequence[str]) -> str:
    """Return a hint at the known name that was probably meant; empty without one."""
    found = difflib.get_close_matches(given, known, n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _keep(survey: Survey, covariate: str, values: list[str], where: Sequence[str]) -> Survey:
    """Return who has one of the values of one covariate."""
    column = survey.covariates[covariate]
    texts = pd.Series(_texts(column), index=survey.index)
    keep = texts.isin(values) & column.notna()
    if not keep.any():
        raise ModelError(f"no respondent has all of {', '.join(where)} at once; ask for less.")
    named = {language: _named(survey, covariate, values, language) for language in LANGUAGES}
    reason = Label(
        en=f"{named['en'][0]} other than {named['en'][1]}",
        zh=f"{named['zh'][0]}不是{named['zh'][1]}",
    )
    kept = Label(en=": ".join(named["en"]), zh="：".join(named["zh"]))
    smaller = survey.subset(keep, reason=reason)
    provenance = replace(smaller.provenance, kept=(*smaller.provenance.kept, kept))
    return replace(smaller, provenance=provenance)


def _named(
    survey: Survey, covariate: str, values: Sequence[str], language: Language
) -> tuple[str, str]:
    """Return the labels of a covariate and of its values kept."""
    labels = [survey.value_label(covariate, value, language) for value in values]
    return survey.label(covariate, language), (", " if language == "en" else "、").join(labels)


def _texts(column: pd.Series) -> list[str]:
    """Return values as text: whole numbers without a decimal point, no blanks at the ends."""
    return [code_text(value).strip() for value in column]


def kept_by_all(surveys: Mapping[str, Survey]) -> tuple[Label, ...]:
    """Return what every one of several surveys was kept to."""
    first, *rest = [survey.provenance.kept for survey in surveys.values()]
    return tuple(label for label in first if all(label in other for other in rest))
