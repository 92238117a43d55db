"""Google Forms: a plain table that starts with a time stamp; grid rows stand in brackets."""

from dataclasses import replace

from servlab.data.formats.platforms.shape import apart, bracketed_grids, read_as, told_apart
from servlab.data.formats.table import RawTable

NAME, TITLE = "google_forms", "Google Forms"
STAMPS = ("Timestamp", "时间戳记", "时间戳", "時間戳記", "タイムスタンプ", "타임스탬프",
          "Zeitstempel", "Horodateur", "Marca temporal")  # fmt: skip
METADATA = frozenset(
    (*STAMPS, "Email Address", "Email address", "Username", "电子邮件地址", "电子邮箱", "用户名")
)


def unlike(table: RawTable) -> str:
    """Return what of Google Forms' shape a table lacks."""
    first = str(table.frame.columns[0]).strip()
    if first in STAMPS:
        return ""
    return f"its first column is {first!r}, where {STAMPS[0]}, {STAMPS[1]} or another such stands"


def recognized(table: RawTable) -> bool:
    """Return whether the first column is Google Forms' time stamp."""
    return not unlike(table)


def plain(table: RawTable) -> RawTable:
    """Return the table with repeated titles told apart and grids known."""
    header = [str(name) for name in table.frame.columns]
    columns = apart(header)
    note = read_as(TITLE, "rows of a grid stand in brackets", "方括号内为网格题的行")
    return replace(
        table,
        frame=table.frame.set_axis(columns, axis=1),
        grids=bracketed_grids([str(column) for column in columns]),
        notes=(*table.notes, note, *told_apart(header)),
    )
