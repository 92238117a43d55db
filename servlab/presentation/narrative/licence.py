"""Whether gap scores may be reported, in sentences: verdict, reasons, what to report instead."""

from collections.abc import Sequence

import pandas as pd

from servlab.data.schema import Language
from servlab.estimation.comparison.licence import GapLicence
from servlab.presentation.display import Note, Prose
from servlab.presentation.labels import in_sentence, listed, names_in_sentence, plain
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.scales.scoring import OVERALL_ITEMS

VERDICTS = ("not_alone", "reserved", "unjudged", "may")
# checks whose failure says what to report instead, most serious first
INSTEAD = ("invariance", "reliability", "constraint")


@narrate.register
def narrate_licence(result: GapLicence, *, language: Language = "en") -> Prose:
    """Say the verdicts, then each reason with the dimensions it bears on, then what instead."""
    reasons = [*licence_reasons(result, language, "fail"), *licence_instead(result, language)]
    weaker = _reservations(result, language)
    unknown = licence_reasons(result, language, "unknown")
    parts = [licence_verdict(result, language), reasons, weaker, unknown]
    return Prose([join_sentences(part, language) for part in parts if part])


def licence_verdict(result: GapLicence, language: Language) -> list[str]:
    """Return the verdict on the overall gap, and the dimensions of each verdict."""
    found = [message(f"licence.overall_{result.verdict}", language)]
    verdicts = result.by_term["licence"]
    for name in VERDICTS:
        codes = [code for code in result.dimensions if verdicts[code] == name]
        if codes:
            names = names_in_sentence(codes, result.instrument, language)
            found.append(message(f"licence.dimensions_{name}", language, names=names))
    return found


def licence_reasons(result: GapLicence, language: Language, status: str) -> list[str]:
    """Return a sentence a reason of that status: which dimensions, and why."""
    rows = result.findings[result.findings["status"] == status]
    sentences = []
    for (check, reason), group in rows.groupby(["check", "reason"], sort=False):
        text = message(f"licence.{check}_{reason}", language)
        everywhere = len(group) == len(result.by_term) and not group["items"].any()
        names = [] if everywhere else reason_names(group, result, language)
        sentences.append(
            message("licence.why", language, names=listed(names, language), reason=text)
            if names
            else text
        )
    return sentences


def _reservations(result: GapLicence, language: Language) -> list[str]:
    """Name the checks with reservations and their dimensions; the table explains them."""
    rows = result.findings[result.findings["status"] == "reserve"]
    checks = []
    for check, group in rows.groupby("check", sort=False):
        name = message(f"licence.check_{check}", language)
        terms = dict.fromkeys(group["term"])
        if len(terms) < len(result.by_term):
            listing = listed([in_sentence(t, result.instrument, language) for t in terms], language)
            name = message("licence.with_dimensions", language, name=name, names=listing)
        checks.append(name)
    if not checks:
        return []
    semicolon = {"en": "; ", "zh": "；"}[language]
    return [message("licence.reservations", language, names=semicolon.join(checks))]


def reason_names(group: pd.DataFrame, result: GapLicence, language: Language) -> list[str]:
    """Return the dimensions a reason bears on, with the items it is about."""
    names = []
    for term, items in zip(group["term"], group["items"], strict=True):
        name = in_sentence(term, result.instrument, language)
        if items:
            count = len(str(items).split(", "))
            name = message(
                "licence.with_items", language, count=count, name=name, items=plain(str(items))
            )
        names.append(name)
    return names


def licence_instead(result: GapLicence, language: Language) -> list[str]:
    """Return what to report instead, for the checks that failed somewhere."""
    return _instead(result.findings, language)


def _instead(findings: pd.DataFrame, language: Language) -> list[str]:
    failed = set(findings.loc[findings["status"] == "fail", "check"])
    return [message(f"licence.instead_{name}", language) for name in INSTEAD if name in failed]


def licence_note(result: GapLicence, language: Language) -> Note:
    """Return the panel of the first screen: verdict, why the overall gap fails, what instead."""
    overall = result.findings["term"] == OVERALL_ITEMS
    rows = result.findings[overall]
    found: Sequence[Sequence[str]] = [
        licence_verdict(result, language),
        [*_overall(rows, language, "fail"), *_instead(rows, language)],
        [*_overall(rows, language, "reserve"), *_overall(rows, language, "unknown")],
    ]
    return Note(
        [join_sentences(part, language) for part in found],
        kind="info" if result.verdict == "may" else "warning",
        title=message("licence.title", language),
        language=language,
    )


def _overall(rows: pd.DataFrame, language: Language, status: str) -> list[str]:
    """Return the reasons of the overall gap alone."""
    chosen = rows[rows["status"] == status]
    pairs = zip(chosen["check"], chosen["reason"], strict=True)
    return [message(f"licence.{check}_{reason}", language) for check, reason in pairs]
