"""Who answered, and what the instrument can and cannot tell."""

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.presentation.display import Flow, Note, Prose, Step
from servlab.presentation.formats import format_count, format_number, format_share
from servlab.presentation.labels import listed, plain
from servlab.presentation.messages import join_sentences, join_words, message
from servlab.presentation.narrative.gaps import grade_sentence
from servlab.scales.means import effective_n


def who_answered(survey: Survey, language: Language = "en") -> tuple[Flow, Prose]:
    """Return the way from the file to the rows used, as a flow and in sentences.

    Parameters
    ----------
    survey : Survey
        After its exclusions.
    language : {"en", "zh"}
        Language of the texts; reasons come from the codebook's labels.

    Examples
    --------
    >>> import servlab as sl
    >>> flow, prose = who_answered(sl.load_example("servqual"))
    >>> flow.steps[-1].kind
    'used'
    """
    parts = [_counts(survey, language), _completeness(survey, language)]
    if survey.provenance.notes:  # what the reader did to the file, or saw in it
        parts.append([plain(note.text(language)) for note in survey.provenance.notes])
    return _flow(survey, language), Prose([join_sentences(part, language) for part in parts])


def _flow(survey: Survey, language: Language) -> Flow:
    steps = [Step(message("summary.who_rows", language, count=survey.provenance.n_rows), "start")]
    for step in survey.provenance.exclusions:
        reason = plain(step.reason.text(language))
        steps.append(Step(message("summary.who_left", language, count=step.n, reason=reason)))
    steps.append(Step(message("summary.who_used", language, count=survey.n), "used"))
    return Flow(steps, language=language)


def _counts(survey: Survey, language: Language) -> list[str]:
    """Return how many rows are used, and who was excluded why."""
    total = survey.provenance.n_rows
    if total == survey.n:
        sentences = [message("summary.who_sentence_all", language, count=total)]
    else:
        values = {"used": format_count(survey.n), "total": format_count(total)}
        sentences = [message("summary.who_sentence", language, **values)]
    for step in survey.provenance.exclusions:
        reason = plain(step.reason.text(language)).rstrip(".。")
        sentences.append(message("summary.who_excluded", language, count=step.n, reason=reason))
    return sentences


def _completeness(survey: Survey, language: Language) -> list[str]:
    """Return how complete each battery is, the rule for scores, and weights."""
    sentences = []
    for battery in survey.batteries:
        items = survey.raw(battery)
        name = message(f"terms.battery_{battery}", language)
        complete = int(items.notna().all(axis=1).sum())
        if complete == survey.n:
            sentences.append(message("summary.who_complete_all", language, battery=name))
            continue
        share = float(items.isna().to_numpy().mean())
        values = {"complete": format_count(complete), "share": format_share(share, 1)}
        sentences.append(message("summary.who_complete", language, battery=name, **values))
    if survey.instrument.dimensions:
        if survey.min_answered >= 1:
            sentences.append(message("summary.who_all_needed", language))
        else:
            rule = format_share(survey.min_answered)
            sentences.append(message("summary.who_min_answered", language, share=rule))
    if survey.weights is not None:
        n = format_number(effective_n(survey.weights.to_numpy(dtype=float)), 1)
        sentences.append(message("summary.who_weighted", language, n=n))
    return sentences


def instrument_notes(survey: Survey, language: Language = "en") -> tuple[Prose | Note, ...]:
    """Return what was asked, and what that way of asking cannot tell.

    Parameters
    ----------
    survey : Survey
        Reversed items are those of the survey, not the instrument's proposal.
    language : {"en", "zh"}
        Language of the texts.

    Returns
    -------
    tuple
        The questionnaire, its dimensions and wording; a note on the limits, where there are any.

    Notes
    -----
    Wording and dimension are confounded when the negatively worded items are all the items of
    some dimensions. The confounding is computed from the survey, whatever the instrument says.

    Examples
    --------
    >>> import servlab as sl
    >>> prose, limits = instrument_notes(sl.load_example("servqual"))
    >>> "simulated" in " ".join(limits.text)
    True
    """
    limits = [text for text in _limits(survey, language) if text]
    asked = Prose(join_sentences(_questionnaire(survey, language), language))
    return (asked, Note(limits, kind="limit", language=language)) if limits else (asked,)


def _questionnaire(survey: Survey, language: Language) -> list[str]:
    """Return the questionnaire, its dimensions and the items outside them."""
    instrument = survey.instrument
    scale = survey.scales[survey.batteries[0]]
    sentences = [
        message(
            "summary.instrument",
            language,
            title=plain(instrument.title.text(language)),
            count=len(instrument.items),
            low=str(scale.low),
            high=str(scale.high),
        )
    ]
    if not instrument.dimensions:
        return [*sentences, message("summary.no_dimensions", language)]
    names = [plain(d.label.text(language)) for d in instrument.dimensions]
    values = {"names": join_words(names, language)}
    sentences.append(message("summary.dimensions", language, count=len(names), **values))
    outside = [plain(item.code) for item in instrument.items if item.dimension is None]
    if outside:
        items = listed(outside, language)
        sentences.append(message("summary.unassigned", language, count=len(outside), items=items))
    return sentences


def _limits(survey: Survey, language: Language) -> list[str]:
    """Return simulated data, the grade of expectation, and confounded wording."""
    texts = [message("summary.simulated", language)] if survey.provenance.simulated else []
    if survey.has("expectation"):
        texts.append(grade_sentence(survey.grades.get("expectation"), language))
    return texts + [_wording(survey, batteries, language) for batteries in _worded_alike(survey)]


def _worded_alike(survey: Survey) -> list[list[str]]:
    """Return the batteries in groups that share their negatively worded items."""
    groups: dict[frozenset[str], list[str]] = {}
    for battery in survey.batteries:
        groups.setdefault(frozenset(survey.reversed_items.get(battery, ())), []).append(battery)
    return list(groups.values())


def _wording(survey: Survey, batteries: list[str], language: Language) -> str:
    """Return what negative wording does to batteries; nothing without reversed items."""
    battery = batteries[0]
    turned = set(survey.reversed_items.get(battery, ()))
    if not turned:
        return ""
    confounded = confounded_dimensions(survey, battery)
    labels = [message(f"terms.battery_{name}", language) for name in batteries]
    values = {"battery": join_words(labels, language)}
    if not confounded:
        return message("summary.reversed_mixed", language, count=len(turned), **values)
    items = {code for name in confounded for code in survey.instrument.items_of(name)}
    key = "summary.confounded" if items == turned else "summary.confounded_partly"
    labels = [plain(survey.instrument.label(name, language)) for name in confounded]
    return message(key, language, names=join_words(labels, language), **values)


def confounded_dimensions(survey: Survey, battery: str) -> tuple[str, ...]:
    """Return the dimensions all of whose items are negatively worded, where others have some not.

    When every item of the instrument is negatively worded nothing is confounded.
    """
    turned = set(survey.reversed_items.get(battery, ()))
    if turned >= set(survey.instrument.item_codes):
        return ()
    codes = survey.instrument.dimension_codes
    return tuple(code for code in codes if set(survey.instrument.items_of(code)) <= turned)
