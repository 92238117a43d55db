"""Tables of what screening proposes, and of what the study says with and without them."""

import pandas as pd

from servlab.data.schema import Language
from servlab.data.screening import Screening
from servlab.data.screening_rules import RULES, SOURCES
from servlab.data.survey import Survey
from servlab.estimation.screening_effect import ScreeningEffect
from servlab.presentation.formats import NONE
from servlab.presentation.labels import conf_text
from servlab.presentation.messages import join_words, message
from servlab.presentation.narrative.screening import result_label
from servlab.presentation.result_tables.build import heading, sentences, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note
from servlab.presentation.tables import Mark, Table


@table.register
def screening_table(result: Screening, *, language: Language = "en") -> Table:
    """Show how many respondents each screening rule proposes, and where the rule comes from."""
    rules = [rule for rule in RULES if rule in result.counts.index]
    labels = [result.reasons[rule].text(language) for rule in rules]
    counts = [*(int(result.counts[rule]) for rule in rules), result.n_flagged]
    lacking = [
        message(f"screening.rule_{rule}", language) for rule in RULES if rule not in result.flags
    ]
    frame = pd.DataFrame(
        {
            "n": counts,
            "share": [count / result.n for count in counts],
            "source": [*(SOURCES[rule] or NONE for rule in rules), NONE],
        },
        index=[*labels, message("screening.any", language)],
    )
    names = {"n": "respondents", "share": "share", "source": "source"}
    return Table(
        frame,
        caption=message("screening.caption", language),
        headings={key: message(f"screening.{name}", language) for key, name in names.items()},
        formats={"n": "count", "share": "share1", "source": "text"},
        row_header=message("screening.header", language),
        notes=sentences(
            [
                standard_note(["screening"], language),
                message("screening.note", language, count=result.n),
                message("screening.no_ground", language, rules=join_words(lacking, language))
                if lacking
                else "",
            ]
        ),
        language=language,
        strong_rows=(len(rules),),
    )


@table.register
def effect_table(
    result: ScreeningEffect, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show key results with everybody and without those proposed, and their difference."""
    rows = with_interval(result.by_term)
    columns = {"with_all": "with", "interval": "", "without": "without"}
    columns |= {"difference": "difference", "n_all": "n_all", "n_without": "n_without"}
    forms = ("number3", "interval3", "number3", "signed3", "count", "count")
    interval = heading("interval", language, level=conf_text(result.conf_level))
    moved = set(result.moved.index)
    marks: list[Mark] = ["bad" if place in moved else "" for place in rows.index]
    return Table(
        rows.set_axis([result_label(row, result, language, survey) for _, row in rows.iterrows()]),
        caption=message("screening.effect_caption", language),
        headings={
            key: message(f"screening.effect_{name}", language) if name else interval
            for key, name in columns.items()
        },
        formats=dict(zip(columns, forms, strict=True)),
        row_header=message("screening.effect_header", language),
        notes=(message("screening.effect_note", language),),
        language=language,
        row_groups=[message(f"screening.quantity_{name}", language) for name in rows["quantity"]],
        marks={"difference": marks},
    )
