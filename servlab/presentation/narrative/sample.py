"""Who is in the sample, in sentences: the largest group of each covariate."""

from collections.abc import Hashable, Mapping

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_number, format_share
from servlab.presentation.labels import listed, plain, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.scales.sample import SampleTable

MOST_TIED = 3  # with more, no group stands out
NOTABLE_MISSING = 0.05  # a covariate's share without an answer that a sentence names


@narrate.register
def narrate_sample(
    result: SampleTable, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say the largest group, or the mean, of each covariate, and where many gave no answer."""
    parts = []
    for name, rows in result.by_value.groupby("term", sort=False):
        label = variable_label(str(name), survey, language)
        parts += _covariate(label, rows, language, survey)
    return Prose(join_sentences(parts, language))


def value_label(row: Mapping[Hashable, object], language: Language, survey: Survey | None) -> str:
    """Return the label of a covariate's value; its text in the file without a survey."""
    name, value = str(row["term"]), str(row["group"])
    return plain(value if survey is None else survey.value_label(name, value, language))


def _covariate(
    label: str, rows: pd.DataFrame, language: Language, survey: Survey | None
) -> list[str]:
    """Return the sentences on one covariate."""
    parts = []
    numeric = rows[rows["kind"] == "numeric"]
    values = rows[rows["kind"] == "value"]
    if len(numeric):
        moments = {key: format_number(numeric[key].iloc[0]) for key in ("mean", "std_dev")}
        parts.append(message("sample.average", language, name=label, **moments))
    elif values["share_valid"].notna().any():
        parts += _largest(label, values, language, survey)
    elif len(values):
        parts.append(message("sample.silent", language, name=label))
    lacking = float(rows.loc[rows["kind"] == "missing", "share"].sum())
    if lacking >= NOTABLE_MISSING:
        parts.append(message("sample.lacking", language, name=label, share=format_share(lacking)))
    return parts


def _largest(
    label: str, values: pd.DataFrame, language: Language, survey: Survey | None
) -> list[str]:
    """Return the sentence on the largest group, or on those that tie for it, when they are few."""
    best = values["share_valid"].max()
    top = [row for row in values.to_dict("records") if row["share_valid"] == best]
    names = listed([value_label(row, language, survey) for row in top], language)
    words = {"name": label, "value": names, "share": format_share(best)}
    if len(top) > 1:
        few = len(top) <= MOST_TIED
        return [message("sample.largest_tied", language, **words)] if few else []
    if pd.isna(top[0]["share_weighted"]):
        return [message("sample.largest", language, **words)]
    weighted = format_share(top[0]["share_weighted"])
    return [message("sample.largest_weighted", language, weighted=weighted, **words)]
