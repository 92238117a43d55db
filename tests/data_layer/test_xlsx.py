"""Our own reader of .xlsx beside python-calamine: the same cells, but errors are not empty."""

import datetime
import io
import re
import zipfile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.formats.workbook import read_workbook


def made(write, **options):
    """Return the bytes of a workbook that ``write`` filled."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        write(book)
    return buffer.getvalue()


def ours(content):
    frame = read_workbook("a.xlsx", content, FileFormat()).frame.astype(object)
    return [
        [None if cell != cell else cell for cell in row] for row in frame.itertuples(index=False)
    ]


def theirs(content):
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)[1:]
    cells = [
        [None if c == "" else (str(c).upper() if isinstance(c, bool) else c) for c in row]
        for row in rows
    ]
    while cells and not any(c is not None for c in cells[-1]):
        cells.pop()
    return cells


def repacked(content, change):
    """Return a workbook with its parts changed by ``change(part, text)``."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.namelist():
            target.writestr(part, change(part, source.read(part).decode()))
    return buffer.getvalue()


CELLS = st.one_of(
    st.none(), st.integers(-9, 9), st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.booleans(), st.sampled_from([" a", "满意", "a & <b>", 'say "x"', "1", "a\nb", "=", "é😀"]),
)  # fmt: skip


@given(st.lists(st.lists(CELLS, max_size=4), min_size=1, max_size=6), st.booleans())
@settings(max_examples=80, deadline=None)
def test_the_cells_are_those_of_another_reader(rows, inline):
    def write(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["A", "B", "C", "D"])
        for r, row in enumerate(rows, start=1):
            for c, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                else:
                    sheet.write(r, c, cell)

    content = made(write, constant_memory=inline)
    assert ours(content) == theirs(content)


def times(book):
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["A", "B", "C", "D", "E"])
    formats = ["dd/mm/yyyy", "hh:mm:ss", "[h]:mm", '0 "days"', 'yyyy"年"m"月"d"日"', "0.00E+00",
               "[Red]0;[Blue]-0", "General", "#,##0", "@"]  # fmt: skip
    for r, code in enumerate(formats, start=1):
        shown = book.add_format({"num_format": code})
        for c, number in enumerate([46115, 0.5, 1.5, 59, 45000.25]):
            sheet.write_number(r, c, number, shown)
    for r in range(14, 23):
        sheet.write_number(r, 0, 46115, book.add_format({"num_format": r}))


@pytest.mark.parametrize("from_1904", [False, True])
def test_dates_are_told_from_numbers_by_their_format(from_1904):
    content = made(times, date_1904=from_1904)
    found = ours(content)
    assert found == theirs(content)
    first = datetime.date(2026, 4, 3)
    assert found[0][0] == (first.replace(year=2030, day=4) if from_1904 else first)
    assert found[3] == [46115, 0.5, 1.5, 59, 45000.25]


def test_a_sheet_written_with_prefixes_or_without_places_reads_the_same():
    def write(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["A", "B", "C"])
        sheet.write_row(1, 0, [1, "x", 3])
        sheet.write_row(3, 0, [4, 5, 6])

    content = made(write)
    plain = ours(content)

    def prefixed(part, text):
        if "worksheets/" not in part:
            return text
        return (
            text.replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?")
            .replace("xmlns=", "xmlns:x=")
        )  # fmt: skip

    def bare(part, text):
        if "worksheets/" not in part:
            return text
        return re.sub(r' r="[A-Z]+\d+"', "", text).replace(' t="s">', ' t="s" >')

    def turned(part, text):
        if "worksheets/" not in part:
            return text
        return re.sub(r'<c (r="\w+") (t="\w+")>', r"<c \2 \1>", text)

    def single_quoted(part, text):
        return text if "worksheets/" not in part else text.replace('"', "'")

    def spaced(part, text):
        return re.sub(r'(<c r|<row r| t)="', r'\1 = "', text) if "worksheets/" in part else text

    def without_row_numbers(part, text):
        return re.sub(r'<row r="\d+"', "<row", text) if "worksheets/" in part else text

    assert plain == [[1, "x", 3], [None, None, None], [4, 5, 6]]
    for change in (prefixed, bare, turned, single_quoted, spaced, without_row_numbers):
        changed = repacked(content, change)
        assert changed != content
        assert ours(changed) == plain


def test_runs_are_joined_and_reading_aids_left_out():
    content = made(lambda book: book.add_worksheet().write_row(0, 0, ["A", "B"]))
    shared = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>A</t></si>'
        '<si><r><rPr><b/></rPr><t>满</t></r><r><t xml:space="preserve">意 &#x41;</t></r>'
        '<rPh sb="0" eb="1"><t>man</t></rPh></si></sst>'
    )
    changed = repacked(content, lambda part, text: shared if "sharedStrings" in part else text)
    assert list(read_workbook("a.xlsx", changed, FileFormat()).frame) == ["A", "满意 A"]


def test_escapes_are_the_characters_that_a_spreadsheet_shows():
    texts = ["A", "同意\r\n", "_x000D_", "a\x01b", "_x4E2D_", "_xZZZZ_", "1_x"]

    def write(book):
        book.add_worksheet().write_column(0, 0, texts)

    content = made(write)
    assert ours(content) == theirs(content) == [[text] for text in texts[1:]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<c r="B2"', '<c r="b$2"'),  # a place that is none
        ('<c r="A2"', '<c r="A7"'),  # a cell of another row
        ("</row>", "</row >"),  # an end that is not seen would lose the row
        ("<v>2</v>", "<v>1_0</v>"),  # a number to Python only
        ("<v>2</v>", "<v>INF</v>"),
        ("<v>2</v>", "<w>2</w>"),  # a value that would read as an empty cell
        ('<c r="A1" t="s"', '<c r="A1" t "s"'),  # the number of a text that would read as one
        ("<t>A</t>", "<u>A</u>"),
        ('><c r="B2">', ">B2>"),
        ('spans="1:2"><c r="A3">', 'spans="1:23">'),
    ],
)
def test_markup_that_would_move_or_lose_a_cell_is_refused(old, new):
    def write(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["A", "B"])
        sheet.write_row(1, 0, [3, 2])
        sheet.write_row(2, 0, [4, 5])

    content = made(write)
    changed = repacked(content, lambda _, text: text.replace(old, new))
    assert changed != content
    with pytest.raises(DataError, match="damaged or cut off"):
        read_workbook("a.xlsx", changed, FileFormat())


def test_a_reference_to_a_text_that_is_not_there_is_named():
    content = made(lambda book: book.add_worksheet().write_row(0, 0, ["A", "B"]))
    changed = repacked(content, lambda _, text: text.replace("<v>1</v>", "<v>7</v>"))
    with pytest.raises(DataError, match="damaged or cut off"):
        read_workbook("a.xlsx", changed, FileFormat())
