"""The words that tables, sentences and charts of waves share."""

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_limits import WaveLimits
from servlab.estimation.comparison.waves import WaveComparison
from servlab.presentation.labels import in_sentence, listed, plain, term_label, variable_label
from servlab.presentation.messages import message

MAIN = ("overall", "dimension", "outcome")


def wave_term(
    level: str, term: str, result: WaveComparison | WaveLimits, language: Language
) -> str:
    """Return the label of a term: an outcome's own, else that of item, dimension or score."""
    if level == "outcome":
        return plain(result.outcomes[term].text(language))
    return plain(term_label(term, result.instrument, language))


def wave_label(wave: str, result: WaveComparison, survey: Survey | None, language: Language) -> str:
    """Return a wave's label as the codebook has it."""
    return plain(wave if survey is None else survey.value_label(result.wave, wave, language))


def main_rows(table: pd.DataFrame, levels: tuple[str, ...] = MAIN) -> pd.DataFrame:
    """Return the rows of these levels in their order, terms with no number at all left out."""
    part = table[table["level"].isin(levels)]
    known = part.groupby(["level", "term"])["estimate"].transform(lambda v: v.notna().any())
    part = part[known.astype(bool)]
    place = part["level"].map({level: k for k, level in enumerate(levels)})
    return part.iloc[place.argsort(kind="stable")]


def wave_flags(
    result: WaveComparison, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return what a reader must know before any change."""
    found = []
    if "order_unknown" in result.flags:
        found.append(message("tracking.order_unknown", language))
    for key, names in (("empty_wave", result.empty), ("suppressed", result.suppressed)):
        if names:
            values = {"min_cell": str(result.min_cell)} if key == "suppressed" else {}
            named = [wave_label(w, result, survey, language) for w in names]
            found.append(
                message(f"tracking.{key}", language, names=listed(named, language), **values)
            )
    if result.left_out_items:
        named = [plain(term_label(i, result.instrument, language)) for i in result.left_out_items]
        found.append(message("tracking.left_out_items", language, names=listed(named, language)))
    if result.untested:
        named = [wave_label(w, result, survey, language) for w in result.untested]
        found.append(message("tracking.untested", language, names=listed(named, language)))
    if "asked_otherwise" in result.flags:
        found.append(
            message("tracking.asked_otherwise", language, names=_asked_otherwise(result, language))
        )
    return found


def _asked_otherwise(result: WaveComparison, language: Language) -> str:
    """Return the items and outcomes that were asked otherwise in another wave; else the scores."""
    careful = result.changes[result.changes["comparable"] == "with care"]
    single = careful[careful["level"].isin(["item", "outcome"])]
    rows = (single if len(single) else careful)[["level", "term"]].drop_duplicates()
    names = [
        wave_term("outcome", str(term), result, language)
        if level == "outcome"
        else in_sentence(str(term), result.instrument, language)
        for level, term in zip(rows["level"], rows["term"], strict=True)
    ]
    return listed(names, language)


def adjusted_notes(
    result: WaveComparison, language: Language, survey: Survey | None = None
) -> list[str]:
    """Return what the adjusted changes hold fixed, and whom they leave out."""
    if not result.adjusted_for:
        return []
    names = listed([variable_label(c, survey, language) for c in result.adjusted_for], language)
    reference = message("tracking.reference_pooled", language)
    if result.reference != "pooled":
        wave = wave_label(result.reference, result, survey, language)
        reference = message("tracking.reference_wave", language, wave=wave)
    values = {"names": names, "reference": reference}
    found = [message("tracking.note_adjusted", language, count=result.n_adjusted, **values)]
    if result.left_out:
        gone = [
            f"{variable_label(c, survey, language)} "
            f"{plain(v if survey is None else survey.value_label(c, v, language))}"
            for c, v in result.left_out
        ]
        found.append(message("tracking.left_out", language, names=listed(gone, language)))
    return found
