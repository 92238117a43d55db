"""The table of the zone of tolerance."""

from servlab.data.schema import Language
from servlab.presentation.labels import conf_text, rows_notes
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import (
    at_level,
    heading,
    headings,
    labelled,
    sentences,
    signs,
    with_interval,
)
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.result_tables.scores import Level
from servlab.presentation.tables import Table
from servlab.scales.tolerance import ZoneOfTolerance

FORMATS = {
    "adequate": "number",
    "perceived": "number",
    "desired": "number",
    "msa": "signed",
    "msa_interval": "interval",
    "mss": "signed",
    "mss_interval": "interval",
    "width": "number",
    "share_below": "share",
    "share_inside": "share",
    "share_above": "share",
    "share_inverted": "share",
    "n": "count",
}


@table.register
def zone_table(
    result: ZoneOfTolerance, *, language: Language = "en", level: Level = "dimension"
) -> Table:
    """Show the three services, adequacy, superiority, width and where respondents stand."""
    rows, strong, row_level = at_level(level, result)
    frame = with_interval(rows, "msa_low", "msa_high", "msa_interval")
    frame = with_interval(frame, "mss_low", "mss_high", "mss_interval")
    conf = conf_text(result.conf_level)
    interval = heading("interval", language, level=conf)
    names = {name: name for name in FORMATS if not name.endswith("interval")}
    shown = headings(names, language) | {"msa_interval": interval, "mss_interval": interval}
    return Table(
        labelled(frame, result.instrument, language),
        caption=message(f"zone.caption_{row_level}", language),
        headings={name: shown[name] for name in FORMATS},
        formats=FORMATS,
        row_header=heading(row_level, language),
        notes=sentences(
            [
                message("zone.note", language, level=conf),
                *rows_notes(rows, language),
                message("terms.weighted", language) if result.weighted else "",
            ]
        ),
        language=language,
        strong_rows=strong,
        marks={
            "msa": signs(rows["msa_low"], rows["msa_high"]),
            "mss": signs(rows["mss_low"], rows["mss_high"]),
        },
    )
