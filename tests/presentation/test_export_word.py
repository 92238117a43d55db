"""The Word document reads back as the tables say, in the look of APA 7 or as a 三线表."""

import io
import zipfile

import docx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.presentation.export import write_tables
from servlab.presentation.export.parts import clean, notes_text
from servlab.presentation.tables import Table
from tests.presentation.exported import WORD, hostile, read_word, tables, word_part


def word(language="en", made=None, **options):
    return write_tables(made or tables(language), "docx", **options)


@pytest.fixture(scope="module", params=["en", "zh"])
def both(request):
    return request.param, word(request.param, title="Study")


def body_rows(table):
    """The rows of a table as a reader sees them: headings, groups, rows, standards."""
    rows = [[table.row_header, *table.headings.values()]]
    group = ""
    for place, (label, cells) in enumerate(zip(table.row_labels(), table.cells(), strict=True)):
        if table.row_groups and table.row_groups[place] != group:
            group = table.row_groups[place]
            rows.append([group])
        aside = f" {clean(table.row_aside[place])}" if table.row_aside else ""
        rows.append([clean(label) + aside, *cells])
    rows += [table.standards_row()] if table.standards else []
    return [[clean(text) for text in row] for row in rows]


def test_every_cell_of_every_result_reads_back_as_formats_shows_it(both):
    language, content = both
    found = read_word(content)
    assert len(found) == len(tables(language)) > 20
    for read, table in zip(found, tables(language), strict=True):
        assert read.rows == body_rows(table)
        lead = "Note. " if language == "en" else "注："
        assert read.note == (lead + notes_text(table).replace("**", "") if table.notes else "")


def test_captions_are_word_captions_with_counted_fields(both):
    language, content = both
    paragraphs = [
        p for p in docx.Document(io.BytesIO(content)).paragraphs if p.style.name == "Caption"
    ]
    field = {"en": "SEQ Table \\* ARABIC", "zh": "SEQ 表 \\* ARABIC"}[language]
    assert len(paragraphs) == len(tables(language))
    for number, (p, table) in enumerate(zip(paragraphs, tables(language), strict=True), start=1):
        codes = [part.text.strip() for part in p._p.iter(f"{WORD}instrText")]
        kinds = [part.get(f"{WORD}fldCharType") for part in p._p.iter(f"{WORD}fldChar")]
        assert codes == [field]
        assert kinds == ["begin", "separate", "end"]
        if language == "en":
            assert p.text == f"Table {number}\n{table.caption}"
            assert [(r.bold, r.italic) for r in p.runs if r.text.strip()] == [
                (True, None), (True, None), (None, True),
            ]  # fmt: skip
        else:
            assert p.text == f"表{number}\N{IDEOGRAPHIC SPACE}{table.caption}"


def test_a_table_has_three_horizontal_rules_and_none_upright(both):
    _, content = both
    for read in read_word(content):
        borders = read.element.find(f"{WORD}tblPr/{WORD}tblBorders")
        assert [part.tag.removeprefix(WORD) for part in borders] == ["top", "bottom"]
        ruled = [
            [part.tag.removeprefix(WORD) for b in row.iter(f"{WORD}tcBorders") for part in b]
            for row in read.element.findall(f"{WORD}tr")
        ]
        assert set(ruled[0]) == {"bottom"}
        assert len(ruled[0]) == len(read.rows[0])
        assert not any(ruled[1:])


def test_the_header_row_repeats_and_no_row_is_split(both):
    _, content = both
    for read in read_word(content):
        rows = read.element.findall(f"{WORD}tr")
        heads = [row.find(f"{WORD}trPr/{WORD}tblHeader") is not None for row in rows]
        assert heads == [True] + [False] * (len(rows) - 1)
        assert all(row.find(f"{WORD}trPr/{WORD}cantSplit") is not None for row in rows)


def test_numbers_stand_on_the_right_and_group_headings_span_the_table(both):
    language, content = both
    for read, table in zip(read_word(content), tables(language), strict=True):
        sides = [
            "left" if f == "text" else "right" for f in (table.formats[n] for n in table.headings)
        ]
        for row in read.element.findall(f"{WORD}tr"):
            cells = row.findall(f"{WORD}tc")
            if len(cells) == 1:
                span = cells[0].find(f"{WORD}tcPr/{WORD}gridSpan").get(f"{WORD}val")
                assert int(span) == len(table.headings) + 1
                continue
            found = [c.find(f"{WORD}p/{WORD}pPr/{WORD}jc").get(f"{WORD}val") for c in cells]
            assert found == ["left", *sides]


def test_language_and_faces_of_both_scripts_are_set_without_a_theme(both):
    language, content = both
    styles = word_part(content, "word/styles.xml")
    run = styles.find(f"{WORD}docDefaults/{WORD}rPrDefault/{WORD}rPr")
    lang = run.find(f"{WORD}lang")
    assert lang.get(f"{WORD}val") == {"en": "en-US", "zh": "zh-CN"}[language]
    assert lang.get(f"{WORD}eastAsia") == "zh-CN"
    assert docx.Document(io.BytesIO(content)).core_properties.language.startswith(language)
    used = ("Normal", "Caption", "TableText", "TableNote", "Title")
    for style in styles.iter(f"{WORD}style"):
        if style.get(f"{WORD}styleId") in used:
            fonts = style.find(f"{WORD}rPr/{WORD}rFonts")
            names = {key.removeprefix(WORD): value for key, value in fonts.attrib.items()}
            assert names["ascii"] == names["hAnsi"] == "Times New Roman"
            assert names["eastAsia"] in ("SimSun", "SimHei")
            assert not any("heme" in key for key in names)


def test_two_writings_give_the_same_bytes_without_a_name_or_a_clock(both):
    language, content = both
    assert word(language, title="Study") == content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not any("thumbnail" in name for name in archive.namelist())
        core = archive.read("docProps/core.xml").decode()
        app = archive.read("docProps/app.xml").decode()
    assert "python-docx" not in core + app
    assert "Macintosh" not in app
    properties = docx.Document(io.BytesIO(content)).core_properties
    assert (properties.title, properties.author, properties.last_modified_by) == ("Study", "", "")
    assert properties.created is None
    assert properties.modified is None


def test_hostile_labels_are_text_and_a_wide_table_turns_its_page():
    table = hostile(columns=9)
    content = word(made=[tables("en")[0], table, tables("en")[1]])
    first, read, _ = read_word(content)
    assert read.rows == body_rows(table)
    assert read.caption == f"Table 2\n{clean(table.caption)}"
    assert "=1+1 is bold & 50 %." in read.note
    sections = docx.Document(io.BytesIO(content)).sections
    assert [s.page_width > s.page_height for s in sections] == [False, True, False]
    assert first.rows == body_rows(tables("en")[0])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_table_too_wide_for_any_page_goes_on_in_further_parts(language):
    table = hostile(language)
    parts = read_word(word(made=[table, table]))
    number = {"en": "Table 1 (continued)", "zh": "续表1"}[language]
    assert len(parts) % 2 == 0
    assert len(parts) > 2
    half = parts[: len(parts) // 2]
    assert [part.caption == number for part in half] == [False] + [True] * (len(half) - 1)
    assert [bool(part.note) for part in half] == [False] * (len(half) - 1) + [True]
    joined = [
        [rows[0][0], *(cell for row in rows for cell in row[1:])]
        for rows in zip(*(part.rows for part in half), strict=True)
    ]
    assert joined == body_rows(table)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1), st.text(alphabet="“”‘’…—·中文a<&>\t ", min_size=1))
def test_any_label_reads_back_as_it_is_written(label, other):
    frame = pd.DataFrame({"x": [1.5], "w": [other]}, index=[label])
    made = Table(
        frame, caption=f"c {other}", headings={"x": f"h {label}", "w": "w"}, row_header="r",
        formats={"x": "number", "w": "text"}, notes=(label, other),
    )  # fmt: skip
    (read,) = read_word(word(made=[made]))
    assert read.rows == body_rows(made)
    assert read.caption == f"Table 1\n{clean(made.caption)}"


def test_columns_fill_the_page_and_no_more(both):
    _, content = both
    upright, sideways = ((side - 50.8) / 25.4 * 1440 for side in (210, 297))
    for read in read_word(content):
        widths = [int(c.get(f"{WORD}w")) for c in read.element.iter(f"{WORD}gridCol")]
        room = upright if sum(widths) < 10_000 else sideways
        assert sum(widths) == pytest.approx(room, abs=len(widths))
        assert min(widths) > 300
