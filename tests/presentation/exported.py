"""Tables for the tests of the export, and readers that take the files apart again."""

import io
import re
import zipfile
from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

import docx
import numpy as np
import pandas as pd

from servlab.presentation.result_tables import table
from servlab.presentation.tables import Table
from tests.presentation.results import results

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HOSTILE = (
    "=cmd|'/C calc'!A0", '=HYPERLINK("x")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "＝1+1",
    "<script>alert('1')</script>", "]]> & <w:t>", "50 % & $x_1^2$ #5 ~ {a} \\input{/etc/hosts}",
    "[2ex] first", "*starred", "a -- b --- c ,, `` '' ?` <<", "😀 emoji 👩‍👧", "\x00bell\x07",
    "两个“引号”——破折号…", "营业厅" * 60, "**not bold**", "_x0041_ escaped",
)  # fmt: skip


@cache
def tables(language: str) -> tuple[Table, ...]:
    """One table of each kind of result."""
    return tuple(table(result, language=language) for result in results().values())


def hostile(language: str = "en", *, rows: int = 60, columns: int = 20) -> Table:
    """60 rows with hostile labels and 20 columns with every format and awkward numbers."""
    forms = (
        "number", "signed", "correlation", "p", "share", "df", "count", "interval", "text",
        "interval_share", "number3", "correlation3", "signed3", "number1", "share1",
        "interval_correlation", "interval3", "signed1", "number", "p",
    )[:columns]  # fmt: skip
    rng = np.random.default_rng(1)
    awkward = [np.nan, -0.0, -0.001, 0.1 + 0.2, np.inf, -np.inf, 1e-9, 0.99999, 123456.789, 1 / 3]
    data: dict[str, list[object]] = {}
    for place, form in enumerate(forms):
        numbers = [*awkward, *rng.normal(size=rows)][:rows]
        numbers = numbers[place % 7 :] + numbers[: place % 7]
        if form == "p":
            numbers = [abs(v) % 1 if np.isfinite(v) else np.nan for v in numbers]
        if form == "text":
            data[f"c{place}"] = [HOSTILE[i % len(HOSTILE)] for i in range(rows)]
        elif form.startswith("interval"):
            data[f"c{place}"] = [(v, v + 1) for v in numbers]
        else:
            data[f"c{place}"] = list(numbers)
    labels = [f"{HOSTILE[i % len(HOSTILE)]}" for i in range(rows)]
    headings = {name: f"{HOSTILE[i % len(HOSTILE)]}" for i, name in enumerate(data)}
    return Table(
        pd.DataFrame(data, index=labels),
        caption=HOSTILE[0] + HOSTILE[8] + HOSTILE[10],
        headings=headings,
        formats=dict(zip(data, forms, strict=True)),
        row_header="=Item & Co.",
        notes=("=1+1 is **bold** & 50 %.", HOSTILE[10] + "."),
        language=language,  # type: ignore[arg-type]
        row_groups=[f"=Group {i // 20} & #" for i in range(rows)],
        row_aside=[f"@{i}" for i in range(rows)],
        strong_rows=(0, rows - 1),
    )


@dataclass
class WordTable:
    """A table read back from a Word document."""

    caption: str
    rows: list[list[str]]
    note: str
    element: ElementTree.Element


def word_part(content: bytes, name: str = "word/document.xml") -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return ElementTree.fromstring(archive.read(name))


def read_word(content: bytes) -> list[WordTable]:
    """Read the tables of a Word document: caption before, notes after."""
    docx.Document(io.BytesIO(content))  # python-docx opens it
    body = word_part(content).find(f"{WORD}body")
    parts = [part for part in body if part.tag in (f"{WORD}p", f"{WORD}tbl")]
    found = []
    for place, part in enumerate(parts):
        if part.tag == f"{WORD}tbl":
            rows = [
                [_word_text(cell) for cell in row.findall(f"{WORD}tc")]
                for row in part.findall(f"{WORD}tr")
            ]
            before, after = _word_text(parts[place - 1]), _word_text(parts[place + 1])
            found.append(WordTable(before, rows, after, part))
    return found


def _word_text(element: ElementTree.Element) -> str:
    pieces = []
    for part in element.iter():
        if part.tag == f"{WORD}t":
            pieces.append(part.text or "")
        elif part.tag == f"{WORD}br":
            pieces.append("\n")
    return "".join(pieces)


@dataclass
class Cell:
    """A cell read back from a workbook: number or text, and its format."""

    value: float | str | None
    number_format: str
    quoted: bool


def workbook_part(content: bytes, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return ElementTree.fromstring(archive.read(name))


def read_sheets(content: bytes) -> dict[str, dict[tuple[int, int], Cell]]:
    """Read every sheet of a workbook cell by cell: sheet -> (row, column) from 0 -> cell."""
    book = workbook_part(content, "xl/workbook.xml")
    names = [sheet.get("name") for sheet in book.iter(f"{MAIN}sheet")]
    texts = [
        _decoded("".join(part.text or "" for part in entry.iter(f"{MAIN}t")))
        for entry in workbook_part(content, "xl/sharedStrings.xml")
    ]
    styles = workbook_part(content, "xl/styles.xml")
    codes = {f.get("numFmtId"): f.get("formatCode") for f in styles.iter(f"{MAIN}numFmt")}
    looks = list(styles.find(f"{MAIN}cellXfs"))
    builtin = {"0": "General", "1": "0", "2": "0.00", "3": "#,##0", "4": "#,##0.00"}
    sheets = {}
    for place, name in enumerate(names, start=1):
        cells = {}
        for c in workbook_part(content, f"xl/worksheets/sheet{place}.xml").iter(f"{MAIN}c"):
            assert c.find(f"{MAIN}f") is None, "a live formula"
            look, v = looks[int(c.get("s", 0))], c.find(f"{MAIN}v")
            value = (
                None if v is None else texts[int(v.text)] if c.get("t") == "s" else float(v.text)
            )
            code = look.get("numFmtId")
            cells[_place(c.get("r"))] = Cell(
                value, codes.get(code) or builtin[code], look.get("quotePrefix") == "1"
            )
        sheets[name] = cells
    return sheets


def _decoded(text: str) -> str:
    """Read ``_x0041_`` as Excel does: a character by its number."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def _place(reference: str) -> tuple[int, int]:
    letters, digits = re.fullmatch(r"([A-Z]+)(\d+)", reference).groups()
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - 64
    return int(digits) - 1, column - 1


def row_of(cells: dict[tuple[int, int], Cell], row: int) -> list[Cell]:
    last = max((c for r, c in cells if r == row), default=-1)
    return [cells.get((row, c), Cell(None, "General", False)) for c in range(last + 1)]
