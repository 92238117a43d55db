"""SurveyMonkey: one header spread over two rows, titles above, answers or grid rows below."""

from collections import Counter
from dataclasses import replace

from servlab.data.formats.platforms.shape import apart, read_as, texts, told_apart
from servlab.data.formats.table import SURVEYMONKEY, RawTable

NAME, TITLE = "surveymonkey", "SurveyMonkey"
PLAIN = ("Response", "Open-Ended Response", "")
METADATA = frozenset(
    ("Collector ID", "Start Date", "End Date", "Date Created", "Date Modified", "IP Address",
     "Email Address", "First Name", "Last Name", "Custom Data 1", "collector_id", "date_created",
     "date_modified", "ip_address", "email_address", "first_name", "last_name", "custom_1")
)  # fmt: skip


def unlike(table: RawTable) -> str:
    """Return what of SurveyMonkey's shape a table lacks."""
    first = texts(list(table.frame.iloc[0]))
    if first[0]:
        return f"the row under the header starts with {first[0]!r}, where nothing stands"
    if not any(first):
        return "the row under the header is empty, where its second header row stands"
    return ""


def recognized(table: RawTable) -> bool:
    """Return whether the first column is SurveyMonkey's id with nothing under it."""
    return str(table.frame.columns[0]).strip() in (SURVEYMONKEY, "respondent_id") and not unlike(
        table
    )


def plain(table: RawTable) -> RawTable:
    """Return answers under names that join both header rows, the first filled rightwards."""
    parts = ["" if part in PLAIN else part for part in texts(list(table.frame.iloc[0]))]
    titles: list[str] = []
    for heading in map(str, table.frame.columns):
        titles.append(titles[-1] if titles and heading.startswith("(column ") else heading)
    names = [f"{t} - {part}" if part else t for t, part in zip(titles, parts, strict=True)]
    columns = [str(name) for name in apart(names)]
    rows = Counter(title for title, part in zip(titles, parts, strict=True) if part)
    grids = {
        column: (title, part)
        for column, title, part in zip(columns, titles, parts, strict=True)
        if part and rows[title] >= 2
    }
    note = read_as(TITLE, "its two header rows were joined", "两行表头已合并")
    return replace(
        table,
        frame=table.frame.iloc[1:].set_axis(columns, axis=1).reset_index(drop=True),
        rows=table.row_numbers[1:],
        grids=grids,
        notes=(*table.notes, note, *told_apart(names)),
    )
