"""Tables of the licence of gap scores: the panel, and its reasons by dimension."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.licence import GapLicence
from servlab.presentation.labels import listed, rows_notes, variable_label
from servlab.presentation.latent_words import level_words
from servlab.presentation.messages import message
from servlab.presentation.narrative.licence import reason_names
from servlab.presentation.result_tables.build import heading, labelled
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.tables import Mark, Table

Show = Literal["panel", "reasons"]
SHOWN: tuple[Show, ...] = ("panel", "reasons")
_FORMATS = {
    "licence": "text", "invariance": "text", "reliability": "correlation3", "share_top": "share",
    "correlation": "correlation", "spread_ratio": "number", "p_robust": "p",
    "r_perception": "correlation", "r_gap": "correlation", "p_value": "p",
}  # fmt: skip
# the check that marks a column
_CHECK = {
    "invariance": "invariance", "reliability": "reliability", "share_top": "ceiling",
    "correlation": "correlation", "spread_ratio": "variance", "p_robust": "constraint",
    "p_value": "servperf",
}  # fmt: skip
_MARK: dict[str, Mark] = {"fail": "bad", "reserve": "strong", "unknown": "weak", "pass": ""}
_VERDICT_MARK: dict[str, Mark] = {
    "may": "good", "reserved": "strong", "not_alone": "bad", "unjudged": "weak",
}  # fmt: skip


@table.register
def licence_table(
    result: GapLicence,
    *,
    language: Language = "en",
    show: Show = "panel",
    survey: Survey | None = None,
) -> Table:
    """Show the panel of verdicts and figures, or the reasons behind them."""
    check_choice("show", show, SHOWN)
    return _reasons(result, language) if show == "reasons" else _panel(result, language, survey)


def _panel(result: GapLicence, language: Language, survey: Survey | None) -> Table:
    rows = result.by_term
    shown = {
        name: form
        for name, form in _FORMATS.items()
        if result.outcome is not None
        or name not in ("p_robust", "r_perception", "r_gap", "p_value")
    }
    words = {
        "licence": [message(f"licence.verdict_{v}", language) for v in rows["licence"]],
        "invariance": [level_words(str(v), language) if v else "" for v in rows["invariance"]],
    }
    marks: dict[str, list[Mark]] = {
        name: [_MARK[s] for s in _statuses(result, check)]
        for name, check in _CHECK.items()
        if name in shown
    }
    marks["licence"] = [_VERDICT_MARK[str(v)] for v in rows["licence"]]
    return Table(
        labelled(rows.assign(**words), result.instrument, language),
        caption=message("licence.caption", language),
        headings={name: message(f"licence.col_{name}", language) for name in shown},
        formats=shown,
        row_header=heading("dimension", language),
        notes=(*_notes(result, language, survey), *rows_notes(rows, language)),
        language=language,
        strong_rows=(len(rows) - 1,),
        marks=marks,
    )


def _statuses(result: GapLicence, check: str) -> list[str]:
    """Return what a check found of each term, in the order of the panel."""
    found = result.findings[result.findings["check"] == check].set_index("term")["status"]
    return [str(found[term]) for term in result.by_term.index]


def _notes(result: GapLicence, language: Language, survey: Survey | None) -> list[str]:
    rule = message(f"licence.rule_{result.rule}", language)
    notes = [message("licence.note_rules", language, rule=rule)]
    if result.outcome is None:
        notes.append(message("licence.note_no_outcome", language))
    else:
        label = variable_label(result.outcome, survey, language)
        notes.append(message("licence.note_outcome", language, outcome=label))
        if result.weighted:
            notes.append(message("licence.note_weighted", language))
    return notes


def _reasons(result: GapLicence, language: Language) -> Table:
    """Show a row a reason that is no pass, the most serious first, with its dimensions."""
    rows = []
    for status in ("fail", "reserve", "unknown"):
        found = result.findings[result.findings["status"] == status]
        for (check, reason), group in found.groupby(["check", "reason"], sort=False):
            row = {
                "check": message(f"licence.check_{check}", language),
                "status": message(f"licence.status_{status}", language),
                "finding": message(f"licence.{check}_{reason}", language),
                "items": listed(reason_names(group, result, language), language),
                "mark": _MARK[status],
            }
            rows.append(row)
    if not rows:
        passed = {"status": message("licence.verdict_may", language), "items": "", "mark": ""}
        title = message("licence.title", language)
        rows = [{**passed, "check": title, "finding": message("licence.reasons_none", language)}]
    frame = pd.DataFrame(rows).set_index("check")
    shown = ("finding", "items", "status")
    return Table(
        frame[list(shown)],
        caption=message("licence.caption_reasons", language),
        headings={name: message(f"licence.col_{name}", language) for name in shown},
        formats=dict.fromkeys(shown, "text"),
        row_header=message("licence.col_check", language),
        notes=_notes(result, language, None)[:1],
        language=language,
        marks={"status": frame["mark"].tolist()},
    )
