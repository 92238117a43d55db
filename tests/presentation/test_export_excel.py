"""In the workbook numbers are the raw numbers, shown as formats shows them; text is never live."""

import io
import math
import re
import zipfile

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from servlab.presentation.export import write_tables
from servlab.presentation.export.excel import sheet_format
from servlab.presentation.export.parts import clean
from servlab.presentation.formats import FORMATS, NONE, format_value
from servlab.presentation.tables import Table
from tests.presentation.exported import (
    MAIN,
    hostile,
    read_sheets,
    row_of,
    tables,
    workbook_part,
)

NUMBER_FORMS = [name for name in FORMATS if name != "text" and not name.startswith("interval")]


def excel(language="en", made=None, **options):
    return write_tables(made or tables(language), "xlsx", **options)


def shown(value: float, code: str) -> str:
    """How a spreadsheet shows a number in one of the formats we write."""
    bound = re.fullmatch(r'\[([<>])([\d.]+)\]"(.+)";(.+)', code)
    if bound:
        sign, limit, text, other = bound.groups()
        if (value < float(limit)) if sign == "<" else (value > float(limit)):
            return text
        return shown(value, other)
    parts = code.split(";")
    part = parts[0 if len(parts) == 1 or value > 0 else 1 if value < 0 else 2]
    number = abs(value) * (100 if part.endswith("%") else 1)
    core = part.strip("+-% ")
    text = f"{number:{',' if ',' in core else ''}.{len(core.partition('.')[2])}f}"
    text = text[1:] if core.startswith(".") and text.startswith("0.") else text
    lead = part[0] if part[0] in "+-" else "-" if value < 0 and len(parts) == 1 else ""
    return lead + text + (" %" if part.endswith("%") else "")


def plain_sign(text: str) -> str:
    return text.replace("−", "-")


def check_table(cells, table):
    """Compare a sheet with its table: each number exactly, each text, each shown form."""
    row, group = 4, ""
    for place, (label, texts) in enumerate(zip(table.row_labels(), table.cells(), strict=True)):
        if table.row_groups and table.row_groups[place] != group:
            group = table.row_groups[place]
            assert cells[row, 0].value == clean(group)
            row += 1
        found = row_of(cells, row)
        assert found[0].value == clean(label)
        column = 1
        if table.row_aside:
            assert found[1].value == clean(table.row_aside[place])
            column = 2
        for name, text in zip(table.headings, texts, strict=True):
            value, form = table.frame[name].iloc[place], table.formats[name]
            if form == "text":
                assert found[column].value == clean(text)
                column += 1
            elif form.startswith("interval"):
                ends = value if isinstance(value, tuple) else (value, value)
                sides = text[1:-1].split(", ") if text != NONE else [NONE, NONE]
                for end, side in zip(ends, sides, strict=True):
                    check_number(found[column], end, side)
                    column += 1
            else:
                check_number(found[column], value, text)
                column += 1
        row += 1
    return row


def check_number(cell, value, text):
    if text == NONE:
        assert cell.value is None
    elif math.isinf(value):
        assert cell.value == text
    else:
        assert cell.value == value
        assert math.copysign(1, cell.value) == math.copysign(1, value) or value == 0
        if not (value < 0 and "−" not in text):  # what rounds to zero keeps its sign
            assert shown(cell.value, cell.number_format) == plain_sign(text)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_number_of_every_result_is_the_raw_number_shown_as_formats_shows_it(language):
    content = excel(language)
    sheets = read_sheets(content)
    word = {"en": "Table ", "zh": "表"}[language]
    made = tables(language)
    assert list(sheets) == [
        {"en": "Contents", "zh": "目录"}[language], *(f"{word}{i + 1}" for i in range(len(made)))
    ]  # fmt: skip
    for number, table in enumerate(made, start=1):
        cells = sheets[f"{word}{number}"]
        assert cells[0, 0].value == f"{word}{number}"
        assert cells[1, 0].value == table.caption
        assert cells[3, 0].value == table.row_header
        row = check_table(cells, table)
        if table.standards:
            assert cells[row, 0].value == table.standards_row()[0]
            row += 1
        lead = {"en": "Note. ", "zh": "注："}[language] if table.notes else ""
        for note in table.notes:
            assert cells[row, 0].value == lead + note.replace("**", "")
            lead, row = "", row + 1
    calamine = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert calamine.sheet_names == list(sheets)


def test_hostile_text_is_never_a_formula_and_is_quoted_where_it_looks_like_one():
    table = hostile()
    content = excel(made=[table], title="=1+1")
    sheets = read_sheets(content)  # the reader refuses any <f>
    check_table(sheets["Table 1"], table)
    live = [
        (cell.value, cell.quoted)
        for cells in sheets.values()
        for cell in cells.values()
        if isinstance(cell.value, str) and cell.value.lstrip()[:1] in tuple("=+-@＝＋－＠")
    ]
    assert len(live) > 100
    assert all(quoted for _, quoted in live)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert not any("<f>" in text or "externalLink" in text for text in parts.values())


def test_the_contents_lead_to_each_table_and_back():
    content = excel()
    sheets = read_sheets(content)
    for number, table in enumerate(tables("en"), start=1):
        row = row_of(sheets["Contents"], number + 2)
        assert [cell.value for cell in row] == [f"Table {number}", table.caption, len(table.frame)]
    links = workbook_part(content, "xl/worksheets/sheet1.xml").iter(f"{MAIN}hyperlink")
    assert [link.get("location") for link in links] == [
        f"'Table {number}'!A1" for number in range(1, len(tables("en")) + 1)
    ]
    back = workbook_part(content, "xl/worksheets/sheet2.xml").iter(f"{MAIN}hyperlink")
    assert [link.get("location") for link in back] == ["'Contents'!A1"]


def test_headings_stay_in_view_print_on_each_page_and_columns_fit_chinese():
    table = Table(
        pd.DataFrame({"n": [1, 2]}, index=["营业时间方便所有顾客的需要", "b"]),
        caption="表", headings={"n": "人数"}, formats={"n": "count"}, row_header="题目",
        language="zh",
    )  # fmt: skip
    content = excel(made=[table])
    sheet = workbook_part(content, "xl/worksheets/sheet2.xml")
    pane = sheet.find(f".//{MAIN}pane")
    assert (pane.get("topLeftCell"), pane.get("state")) == ("B5", "frozen")
    widths = [float(column.get("width")) for column in sheet.iter(f"{MAIN}col")]
    assert widths[0] > 2 * len("营业时间方便所有顾客的需要")
    names = workbook_part(content, "xl/workbook.xml").iter(f"{MAIN}definedName")
    assert [(n.get("name"), n.text) for n in names] == [("_xlnm.Print_Titles", "表1!$4:$4")]
    setup = sheet.find(f"{MAIN}pageSetup")
    assert (setup.get("paperSize"), setup.get("fitToHeight")) == ("9", "0")


def test_two_workbooks_are_the_same_bytes_without_a_name_or_a_clock():
    content = excel(title="Study")
    assert excel(title="Study") == content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        core = archive.read("docProps/core.xml").decode()
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert "<dc:creator></dc:creator>" in core
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", core)) == {"1980-01-01T00:00:00Z"}


@settings(deadline=None)  # on a busy machine the clock says nothing
@given(st.text(min_size=1), st.floats(allow_nan=True, allow_infinity=True))
def test_any_label_reads_back_as_text_and_any_number_as_itself(label, number):
    table = Table(
        pd.DataFrame({"x": [number]}, index=[label]), caption="c", headings={"x": "h"},
        formats={"x": "number"}, row_header="r",
    )  # fmt: skip
    check_table(read_sheets(excel(made=[table]))["Table 1"], table)


@settings(deadline=None)  # on a busy machine the clock says nothing
@given(st.sampled_from(NUMBER_FORMS), st.floats(-1e6, 1e6), st.floats(-1, 1))
def test_a_sheets_format_shows_a_number_as_formats_does(form, large, small):
    for value in (large, small) if form != "p" else (abs(small),):
        text = format_value(value, form)
        if value < 0 and "−" not in text:
            continue  # rounds to zero: the spreadsheet keeps its sign
        assert shown(value, sheet_format(text)) == plain_sign(text)
