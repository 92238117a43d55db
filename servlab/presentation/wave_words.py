"""The words that tables, sentences and charts of waves share."""

import pandas as pd

from servlab.core.standards import standard
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.wave_limits import WaveLimits
from servlab.estimation.comparison.waves import WaveComparison
from servlab.presentation.formats import format_count, format_share
from servlab.presentation.labels import in_sentence, listed, plain, term_label, variable_label
from servlab.presentation.messages import message
from servlab.presentation.standards import limit_text, source_text

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


def overall_n(result: WaveComparison | WaveLimits) -> int:
    """Return how many respondents have an overall score, hidden cells left out."""
    table = result.by_wave if isinstance(result, WaveComparison) else result.limits
    n = table.loc[table["level"] == "overall", "n"]
    return int(n[n > 0].sum())


def overall_leads(result: WaveComparison | WaveLimits) -> bool:
    """Return whether enough respondents have an overall score for it to stand first."""
    return standard("overall_coverage").met_by(overall_n(result) / result.n)


def levels_shown(result: WaveComparison | WaveLimits) -> tuple[str, ...]:
    """Return the levels of tables and charts, the one that most respondents answered first."""
    if overall_leads(result):
        return MAIN
    table = result.by_wave if isinstance(result, WaveComparison) else result.limits
    n = table["n"].where(table["n"] > 0, 0).groupby([table["level"], table["term"]]).sum()
    most = n.groupby("level").max().to_dict()
    others = sorted(("dimension", "outcome"), key=lambda level: -most.get(level, 0))
    return (*others, "overall")


def lead_row(rows: pd.DataFrame, result: WaveComparison) -> pd.Series:
    """Return the row that sentences begin with: overall, or what most respondents answered."""
    overall = rows[rows["level"] == "overall"]
    if len(overall) and overall_leads(result):
        return overall.iloc[0]
    others = rows[rows["level"] != "overall"]
    return (
        rows.iloc[0]
        if others.empty
        else others.sort_values("n", ascending=False, kind="stable").iloc[0]
    )


def thin_overall(result: WaveComparison, lead: pd.Series, language: Language) -> list[str]:
    """Return that few respondents have an overall score, where that is so."""
    known = (result.by_wave["level"] == "overall") & result.by_wave["estimate"].notna()
    if not known.any() or overall_leads(result):
        return []
    n = overall_n(result)
    values = {
        "n": format_count(n),
        "total": format_count(result.n),
        "share": format_share(n / result.n),
        "limit": limit_text("overall_coverage"),
        "source": source_text("overall_coverage", language),
    }
    if lead["level"] == "overall":
        return [message("tracking.thin_overall_only", language, **values)]
    term = wave_term(str(lead["level"]), str(lead["term"]), result, language)
    return [message("tracking.thin_overall", language, term=term, **values)]


def provisional(language: Language) -> str:
    """Return that limits rest on few earlier waves."""
    values = {"few": limit_text("waves_before"), "source": source_text("waves_before", language)}
    return message("tracking.provisional", language, **values)


def why_not_adjusted(flag: str, language: Language) -> str:
    """Return in a few words why there is no adjusted change."""
    return message(f"tracking.why_{flag}", language) if flag else ""


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
