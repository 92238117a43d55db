"""Exports of survey platforms, recognized by shapes that nothing else has, made plain.

Qualtrics stands question texts and ``{"ImportId": ...}`` under its header and keeps previews;
SurveyMonkey spreads one header over two rows; Wenjuanxing (问卷星) repeats titles. LimeSurvey's and
Google Forms' exports are plain tables already. What was done is noted for the report.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from servlab.data.formats.table import SURVEYMONKEY, RawTable, is_blank
from servlab.data.schema import Label

PREVIEWS = ("survey preview", "1")  # Qualtrics' Status as words and as code
PLAIN = ("Response", "Open-Ended Response", "")


def platform_table(table: RawTable) -> RawTable:
    """Return a platform's export as a plain table; any other table as it is."""
    if len(table.frame) < 1:
        return table
    header = [str(name) for name in table.frame.columns]
    if len(table.frame) >= 2 and _has_import_ids(table.frame):
        return _qualtrics(table)
    if header[0] == SURVEYMONKEY and is_blank(table.frame.iloc[0, 0]):
        return _surveymonkey(table, header)
    if header[0] == "序号" and "所用时间" in header:
        return _wenjuanxing(table, header)
    return table


def _has_import_ids(frame: pd.DataFrame) -> bool:
    """Return whether the second row under the header is Qualtrics' import ids."""
    return all(str(cell).startswith('{"ImportId"') for cell in frame.iloc[1])


def _qualtrics(table: RawTable) -> RawTable:
    """Return answers without the two rows of question texts and ids, and without previews."""
    texts = {str(c): str(text) for c, text in table.frame.iloc[0].items() if not is_blank(text)}
    keep = np.arange(len(table.frame)) >= 2
    n_previews = 0
    if "Status" in table.frame:
        shown = table.frame["Status"].astype(str).str.strip().str.lower().isin(PREVIEWS).to_numpy()
        n_previews = int((shown & keep).sum())
        keep = keep & ~shown
    note = Label(
        en=f"Qualtrics export: {n_previews} survey preview(s) left out before reading.",
        zh=f"Qualtrics 导出：读取前剔除 {n_previews} 份预览答卷。",
    )
    return replace(
        table,
        frame=table.frame[keep].reset_index(drop=True),
        rows=table.row_numbers[keep],
        labels={**table.labels, **texts},
        notes=(*table.notes, note) if n_previews else table.notes,
    )


def _surveymonkey(table: RawTable, header: list[str]) -> RawTable:
    """Return answers under names that join both header rows."""
    names = []
    title = ""
    for name, cell in zip(header, table.frame.iloc[0], strict=True):
        title = title if name.startswith("(column ") else name
        part = "" if is_blank(cell) else str(cell).strip()
        names.append(title if part in PLAIN else f"{title} - {part}")
    return replace(
        table,
        frame=table.frame.iloc[1:].set_axis(_apart(names), axis=1).reset_index(drop=True),
        rows=table.row_numbers[1:],
    )


def _wenjuanxing(table: RawTable, header: list[str]) -> RawTable:
    """Return answers with repeated titles told apart by their number."""
    return replace(table, frame=table.frame.set_axis(_apart(header), axis=1))


def _apart(names: list[str]) -> pd.Index:
    """Return names with the second and later of equal ones numbered: title, title#2."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return pd.Index(result, dtype=object)
