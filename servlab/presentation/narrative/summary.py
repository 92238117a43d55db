"""The first screen: what a manager must know, from whatever results there are."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.licence import GapLicence
from servlab.estimation.difference_scores import ScoreForms
from servlab.estimation.regression.linear import RegressionResult
from servlab.presentation.display import Card, KeyFigures, Note, Prose, Tone
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_number,
    format_share,
)
from servlab.presentation.labels import conf_text, variable_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.drivers import collinear_sentence
from servlab.presentation.narrative.gaps import (
    gap_lead,
    overall_gap,
    score_ends,
    scores_overall,
    widest,
)
from servlab.presentation.narrative.licence import licence_note
from servlab.presentation.narrative.scale import forms_verdict
from servlab.presentation.narrative.standing import standing
from servlab.presentation.narrative.zone import zone_lead, zone_overall
from servlab.scales.descriptives import ItemDescriptives, item_descriptives
from servlab.scales.gaps import GapScores
from servlab.scales.scoring import OVERALL_ITEMS, DimensionScores
from servlab.scales.tolerance import ZoneOfTolerance

SMALL = 30  # fewer respondents: the note says to read the intervals
TONES: dict[str, Tone] = {"below": "bad", "above": "good"}


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What a summary draws on."""

    survey: Survey
    language: Language
    gaps: GapScores | None
    perception: DimensionScores | None
    zone: ZoneOfTolerance | None
    forms: ScoreForms | None
    regression: RegressionResult | None
    described: tuple[ItemDescriptives, ...]

    @property
    def leading(self) -> GapScores | ZoneOfTolerance | DimensionScores:
        """Return the result that the summary is about."""
        result = self.gaps or self.zone or self.perception
        if result is None:
            raise ModelError("a summary needs gaps, perception or zone; got none of them.")
        return result


def summarize(
    survey: Survey,
    *,
    gaps: GapScores | None = None,
    perception: DimensionScores | None = None,
    zone: ZoneOfTolerance | None = None,
    forms: ScoreForms | None = None,
    regression: RegressionResult | None = None,
    licence: GapLicence | None = None,
    language: Language = "en",
) -> tuple[Prose | KeyFigures | Note, ...]:
    """Write the first screen from the results that exist.

    Parameters
    ----------
    survey : Survey
        For labels, ceilings and whether the data are simulated.
    gaps, perception, zone : results, optional
        At least one of them; gaps lead, then the zone of tolerance, then perception.
    forms, regression : results, optional
        Links to the outcome.
    licence : GapLicence, optional
        Whether the gaps may be reported: its panel then stands before everything else.
    language : {"en", "zh"}
        Language of the sentences.

    Returns
    -------
    tuple
        The lead sentences, the key figures, and a note on what limits the reading where
        something does, in the order in which a report shows them.

    Raises
    ------
    ModelError
        When none of gaps, perception and zone is given.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> lead, figures, care = summarize(survey, gaps=sl.gap_scores(survey))
    >>> [card.label for card in figures.cards][:2]
    ['Overall gap, scale points', 'Respondents behind it']
    """
    batteries = [b for b in survey.batteries if b != "importance"]
    described = tuple(item_descriptives(survey, battery) for battery in batteries)
    known = _Known(survey, language, gaps, perception, zone, forms, regression, described)
    first = () if licence is None else (licence_note(licence, language),)
    lead = Prose(join_sentences(_lead(known), language), form="lead")
    figures = KeyFigures(_cards(known), language=language)
    care = _care(known)
    if not care:
        return *first, lead, figures
    return (
        *first,
        lead,
        figures,
        Note(join_sentences(care, language), kind="warning", language=language),
    )


def _lead(known: _Known) -> list[str]:
    """Return the sentences of the leading result."""
    result, language = known.leading, known.language
    if isinstance(result, GapScores):
        lead = [*gap_lead(result, language), *widest(result, language)]
        return lead or overall_gap(result, language)
    if isinstance(result, ZoneOfTolerance):
        return zone_lead(result, language) or [zone_overall(result, language)]
    return [*scores_overall(result, language), *score_ends(result, language)]


def _cards(known: _Known) -> list[Card]:
    """Return the key figures of the results there are, most telling first."""
    return [
        *_gap_card(known),
        *_zone_card(known),
        *_perception_card(known),
        _respondents_card(known),
        *_top_card(known),
        *_link_card(known),
    ]


def _gap_card(known: _Known) -> list[Card]:
    if known.gaps is None:
        return []
    row = known.gaps.by_overall.loc[OVERALL_ITEMS].to_dict()
    tone = TONES.get(standing(row["conf_low"], row["conf_high"]), "")
    gap = format_number(row["estimate"], sign=True)
    detail = _interval(row, known.gaps.conf_level, known.language, sign=True)
    return [Card(message("summary.figure_gap", known.language), gap, detail, tone)]


def _perception_card(known: _Known) -> list[Card]:
    """Return the overall perception, where there is no gap to show."""
    if known.perception is None or known.gaps is not None:
        return []
    row = known.perception.by_overall.loc[OVERALL_ITEMS].to_dict()
    scale = known.survey.scales["perception"]
    ends = {"low": str(scale.low), "high": str(scale.high)}
    label = message("summary.figure_perception", known.language, **ends)
    detail = _interval(row, known.perception.conf_level, known.language, sign=False)
    return [Card(label, format_number(row["estimate"]), detail)]


def _interval(
    row: Mapping[Hashable, float], level: float, language: Language, *, sign: bool
) -> str:
    return message(
        "summary.figure_interval",
        language,
        level=conf_text(level),
        low=format_number(row["conf_low"], sign=sign),
        high=format_number(row["conf_high"], sign=sign),
    )


def _zone_card(known: _Known) -> list[Card]:
    if known.zone is None:
        return []
    share = float(known.zone.by_overall["share_inside"].loc[OVERALL_ITEMS])
    label = message("summary.figure_zone", known.language)
    return [Card(label, format_share(share), message("summary.figure_zone_detail", known.language))]


def _respondents_card(known: _Known) -> Card:
    """Return the respondents behind the leading result, of the rows in the file."""
    n, total = known.leading.n, known.survey.provenance.n_rows
    label = message("summary.figure_respondents", known.language)
    if n == total:
        return Card(
            label, format_count(n), message("summary.figure_respondents_all", known.language)
        )
    values = {"dropped": format_count(total - n), "total": format_count(total)}
    detail = message("summary.figure_respondents_detail", known.language, **values)
    return Card(label, format_count(n), detail)


def _top_card(known: _Known) -> list[Card]:
    """Return the share at the top of the battery that has most of its answers there."""
    if not known.described:
        return []
    result = max(known.described, key=lambda battery: battery.share_top)
    battery = message(f"summary.battery_{result.battery}", known.language)
    key = "summary.figure_ceiling" if result.ceiling else "summary.figure_no_ceiling"
    label = message("summary.figure_top", known.language, battery=battery)
    return [Card(label, format_share(result.share_top), message(key, known.language))]


def _link_card(known: _Known) -> list[Card]:
    """Return the link to the outcome: both score forms, else what the regression explains."""
    language = known.language
    if known.forms is not None:
        test = known.forms.overall
        outcome = variable_label(known.forms.outcome, known.survey, language)
        detail = {"gap": format_correlation(test.r_second)}
        label = message("summary.figure_link", language, outcome=outcome)
        text = message("summary.figure_link_detail", language, **detail)
        return [Card(label, format_correlation(test.r_first), text)]
    if known.regression is None:
        return []
    outcome = variable_label(known.regression.outcome, known.survey, language)
    label = message("summary.figure_r2", language, outcome=outcome)
    text = message("summary.figure_r2_detail", language, count=known.regression.f_df)
    return [Card(label, format_share(known.regression.r_squared), text)]


def _care(known: _Known) -> list[str]:
    """Return what limits the reading: simulated data, ceilings, few rows, forms, collinearity."""
    language = known.language
    simulated = known.survey.provenance.simulated
    texts = [message("summary.care_simulated", language)] if simulated else []
    texts += [_ceiling(result, known) for result in known.described if result.ceiling]
    if known.leading.n < SMALL:
        texts.append(message("summary.care_small", language, count=known.leading.n))
    if known.forms is not None and known.gaps is not None:
        texts.append(forms_verdict(known.forms, language))
    if known.regression is not None:
        texts += collinear_sentence(known.regression, language, known.survey)
    return texts


def _ceiling(result: ItemDescriptives, known: _Known) -> str:
    """Return what a ceiling does to the reading of gaps, or of the battery alone."""
    share = format_share(result.share_top)
    if result.battery == "expectation" and known.gaps is not None:
        return message("summary.care_ceiling_expectation", known.language, share=share)
    battery = message(f"summary.battery_{result.battery}", known.language)
    return message("summary.care_ceiling", known.language, share=share, battery=battery)
