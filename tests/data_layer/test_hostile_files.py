"""Hostile files: each one is read as a person means it, or refused with a message that helps.

What was decided, where a file can be meant in two ways: hidden rows and columns are answers like
the others and hidden sheets are not read (both are noted); an error such as ``#N/A`` is no empty
cell; a date is no answer, whatever its order of day and month; a last row with a single filled
cell is asked about; a formula's stored result counts, a formula without one does not.
"""

import resource
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from servlab.core.errors import DataError, ServlabError
from servlab.data.readers import read_survey
from tests.data_layer import broken_books as books
from tests.data_layer.old_books import xls

NAN = np.nan
BOTH = [[1, 2, 3], [4, 5, 6]]
GOOD = "P1,P2,P3\n1,2,3\n4,5,6\n"
BRANCH = '[covariates.branch]\ncolumn = "branch"\n'
DAY = '[covariates.day]\ncolumn = "day"\n'
ID = '[respondents]\nid = "id"\n'
WITH_BRANCH = "P1,P2,P3,branch\n1,2,3,{}\n4,5,6,{}\n"
FRAME = pd.DataFrame(np.array(BOTH, dtype=float), columns=["P1", "P2", "P3"])


def written(kind, frame=FRAME, **options):
    """Return the bytes of a statistics program's file, or of Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{kind}"
        if kind == "parquet":
            frame.to_parquet(path)
        else:
            getattr(pyreadstat, f"write_{kind}")(frame, str(path), **options)
        return path.read_bytes()


def cut(content, share):
    return content[: int(len(content) * share)]


def encoded(first, second, encoding):
    return WITH_BRANCH.format(first, second).encode(encoding)


# name of the file, its bytes, additions to the codebook, the message
REFUSED = {
    # encodings
    "GBK without a word": (
        "a.csv", encoded("城北", "城南", "gb18030"), BRANCH,
        r"not UTF-8; encodings that could read it: gb18030, .*\[file\] encoding = ",
    ),
    "Korean CP949": (
        "a.csv", encoded("강남", "강북", "cp949"), BRANCH, r"could read it: .*cp949.*Look at",
    ),
    "Japanese Shift-JIS": (
        "a.csv", encoded("東京", "大阪", "shift_jis"), BRANCH, r"could read it: .*shift_jis",
    ),
    "German Latin-1": (
        "a.csv", encoded("Köln", "Münster", "latin-1"), BRANCH, r"could read it: .*cp1252",
    ),
    "UTF-16 without its mark": (
        "a.csv", encoded("城北", "城南", "utf-16-le"), BRANCH, r"UTF-16 without its mark; export",
    ),
    "GBK called UTF-8": (
        "a.csv", encoded("城北", "城南", "gb18030"), BRANCH + '[file]\nencoding = "utf-8"\n',
        r"a.csv, line 2: not utf-8 text; correct encoding",
    ),
    "zero bytes": ("a.csv", b"P1,P2,P3\n1,2\x00,3\n", "", r"holds zero bytes"),
    "a mark in the middle": (
        "a.csv", (GOOD + "\ufeff" + GOOD).encode(), "", r"'P1', row 4: '\\ufeffP1' is no number",
    ),
    # headers
    "a title over the header": (
        "a.csv", b"Survey of 2026,,\nP1,P2,P3\n1,2,3\n", "", r"no column 'P1'.*has 'Survey of",
    ),
    "a column twice": ("a.csv", b"P1,P2,P3,P2\n1,2,3,4\n", "", r"'P2' occur more than once; give"),
    "only a header": ("a.csv", b"P1,P2,P3\n", "", r"has a header but no answers"),
    "nothing at all": ("a.csv", b"", "", r"a.csv is empty; export it again"),
    "two header rows swapped": (
        "a.csv",
        b'Status,P1,P2,P3\n"{""ImportId"":""s""}","{""ImportId"":""1""}","{""ImportId"":""2""}",'
        b'"{""ImportId"":""3""}"\nResponse,Fast,Kind,Cheap\nIP Address,1,2,3\n',
        "", r"column 'P1', row 2: '\{\"ImportId\":\"1\"\}' is no number",
    ),
    "a merged header in a workbook": (
        "a.xlsx", books.merged_header(), "", r"column B: has answers \(row 2\) but no .* merged",
    ),
    "a merged title in a workbook": (
        "a.xlsx", books.titled(), "", r"column B: has answers \(row 2\) .*correct header_row",
    ),
    # cells
    "a decimal comma": ("a.csv", b"P1;P2;P3\n1;2,5;3\n", "", r"row 2: '2,5' is no number"),
    "thousands": ("a.csv", b'P1,P2,P3\n1,"1,000",3\n', "", r"row 2: '1,000' is no number"),
    "a day before its month": (
        "a.csv", b"P1,P2,P3\n1,03/04/2026,3\n", "", r"'03/04/2026' is no number; map",
    ),
    "a date in a rating column": (
        "a.xlsx", books.dated(), "", r"'P2', row 2: the date 2026-04-03 is no number",
    ),
    "a date in a workbook of 1904": (
        "a.xlsx", books.dated(date_1904=True), "", r"row 2: the date 2026-04-03 is no number",
    ),
    "true and false": ("a.csv", b"P1,P2,P3\n1,True,3\n", "", r"row 2: 'True' is no number"),
    "text of a formula": ("a.csv", b"P1,P2,P3\n1,=B3+1,3\n", "", r"'=B3\+1' is no number"),
    "an error of a formula": (
        "a.xlsx", books.formulas("#N/A"), "", r"'P2', row 2: '#N/A' is no number; .*missing",
    ),
    "a lost reference": ("a.xlsx", books.formulas("#REF!"), "", r"row 2: '#REF!' is no number"),
    "an error in an old workbook": (
        "a.xls", xls([["P1", "P2", "P3"], [1, "#N/A", 3]]), "",
        r"cell B2: holds an error such as #N/A, which an .xls cannot tell from an empty cell",
    ),
    "an error of a formula in an old workbook": (
        "a.xls", xls([["P1", "P2", "P3"], [1, 2, 3], [4, 5, "=#REF!"]]), "",
        r"cell C3: holds an error such as .*save the file as .xlsx",
    ),
    "true in an old workbook": (
        "a.xls", xls([["P1", "P2", "P3"], [1, 2, True]]), "", r"'P3', row 2: 'TRUE' is no number",
    ),
    "an old workbook cut off": (
        "a.xls", cut(xls([["P1", "P2", "P3"], [1, 2, 3]]), 0.1), "", r"damaged or cut off",
    ),
    "an old workbook called new": (
        "a.xlsx", xls([["P1", "P2", "P3"], [1, 2, 3]]), "", r"is an old Excel file or a password",
    ),
    "a formula without its result": (
        "a.xlsx", books.uncalculated(), "", r"cell B2: holds a formula without its result",
    ),
    "wrong types": (
        "a.parquet", written("parquet", FRAME.assign(P2=[True, False])), "",
        r"'P2', row 1: 'TRUE' is no number",
    ),
    "days in Parquet": (
        "a.parquet", written("parquet", FRAME.assign(P2=pd.to_datetime(["2026-04-03"] * 2))), "",
        r"the date 2026-04-03 00:00:00 is no number",
    ),
    "a cell of a hundred thousand letters": (
        "a.csv", f"P1,P2,P3\n1,{'x' * 100_000},3\n".encode(), "", r": 'x{79}\.\.\. is no number",
    ),
    "a cell of two million letters": (
        "a.csv", f'P1,P2,P3,why\n1,2,3,"{"x" * 2_000_000}"\n'.encode(), "",
        r"row 2 .*quotes are not in order \(field larger than field limit",
    ),
    # rows
    "ragged rows": ("a.csv", b"P1,P2,P3\n1,2,3\n4,5,6,7\n", "", r"row 3: has 4 cells .* has 3"),
    "a total under the answers": (
        "a.csv", b"id,P1,P2,P3\nr1,1,2,3\nr2,4,5,6\nTotal,5,7,9\n", ID,
        r"row 4: the last row begins with 'Total' in column 'id'; delete it",
    ),
    "a mean under the answers": (
        "a.csv", b"id,P1,P2,P3\nr1,1,2,3\nr2,4,5,6\nMean,2.5,3.5,4.5\n", ID,
        r"row 4: '2.5' is no whole number",
    ),
    "a remark under the answers": (
        "a.xlsx", books.plain(rows=[["r1", 1, 2, 3], ["r2", 4, 5, 6], ["Made by hand"]],
                              header=["id", "P1", "P2", "P3"]), ID,
        r"row 4: the last row holds nothing but 'Made by hand' in column 'id'; delete it",
    ),
    "an open quote": (
        "a.csv", b'P1,P2,P3,why\n1,2,3,"good\n4,5,6,bad\n', "", r"row 2 .*quotes are not in order",
    ),
    "text cut in a row": ("a.csv", b"P1,P2,P3\n1,2,3\n4,5", "", r"row 3: has 2 cells .* cut off"),
    # containers
    "a workbook cut off": ("a.xlsx", cut(books.plain(), 0.7), "", r"damaged or cut off"),
    "SPSS cut off": ("a.sav", cut(written("sav"), 0.8), "", r"cannot be read as a SPSS file"),
    "Stata cut off": ("a.dta", cut(written("dta"), 0.6), "", r"cannot be read as a Stata file"),
    "Parquet cut off": (
        "a.parquet", cut(written("parquet"), 0.7), "", r"cannot be read as a parquet file",
    ),
    "a workbook behind a password": (
        "a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "", r"remove the password",
    ),
    "parts behind a password": (
        "a.xlsx", books.locked_parts(), "", r"protected by a password; open it, remove",
    ),
    "a workbook that is a bomb": (
        "a.xlsx", books.zip_bomb(), "", r"would unpack from 0.1 MB to 120 MB and is refused",
    ),
    "a bomb that lies about its size": ("a.xlsx", books.lying_bomb(), "", r"damaged or cut off"),
    "a bomb of entities": (
        "a.xlsx", books.entity_bomb(), "", r"XML that no spreadsheet program writes .*shared",
    ),
    "a part twice": ("a.xlsx", books.repeated_part(), "", r"damaged or cut off"),
    "a cell a million rows away": (
        "a.xlsx", books.far_cell(), "", r"cell XFD1048576: a cell this far away",
    ),
    "a Word document": ("a.xlsx", books.no_sheets(), "", r"damaged or cut off"),
    "only a hidden sheet": (
        "a.xlsx", books.only_hidden(), "", r"hidden ones do \(Answers\).* sheet = \"Answers\"",
    ),
    "SPSS called a workbook": ("a.xlsx", written("sav"), "", r"holds sav data; rename it to .sav"),
    "a workbook called text": ("a.csv", books.plain(), "", r"holds xlsx data; rename it to .xlsx"),
    "HTML called a workbook": ("a.xls", b"<table><tr><td>1", "", r"ends in .xls but is no workb"),
    "Parquet called Stata": ("a.dta", written("parquet"), "", r"holds parquet data; rename"),
}  # fmt: skip


@pytest.mark.parametrize("hostile", REFUSED)
def test_a_hostile_file_is_refused_with_a_message_that_helps(hostile, book, file):
    name, content, rest, message = REFUSED[hostile]
    with pytest.raises(DataError, match=message) as caught:
        read_survey(file(content, name), book(rest=rest))
    text = str(caught.value)
    assert text.startswith(name)
    assert text.rstrip('"').endswith(".")


# name of the file, its bytes, additions to the codebook, the answers
READ = {
    "Chinese in GB 18030, named": (
        "a.csv", encoded("城北", "城南", "gb18030"), BRANCH + '[file]\nencoding = "gb18030"\n',
        BOTH,
    ),
    "UTF-16 without its mark, named": (
        "a.csv", encoded("城北", "城南", "utf-16-le"), BRANCH + '[file]\nencoding = "utf-16-le"\n',
        BOTH,
    ),
    "a mark at the front": ("a.csv", ("\ufeff" + GOOD).encode(), "", BOTH),
    "a header further down": (
        "a.csv", ("Survey,,\n\n" + GOOD).encode(), "[file]\nheader_row = 3\n", BOTH,
    ),
    "a title over the header of a workbook": (
        "a.xlsx", books.titled(), "[file]\nheader_row = 2\n", BOTH,
    ),
    "columns without a name": ("a.csv", b"P1,,P2,,P3\n1,x,2,,3\n4,y,5,,6\n", "", BOTH),
    "full-width digits": ("a.csv", "P1,P2,P3\n１,２,３\n４,５,６\n".encode(), "", BOTH),
    "decimals of whole answers": ("a.csv", b"P1,P2,P3\n1.0,2.00,3.\n4,5,6\n", "", BOTH),
    "scientific notation": ("a.csv", b"P1,P2,P3\n1e0,2E+0,30e-1\n4,5,6\n", "", BOTH),
    "mixed line ends": ("a.csv", b"P1,P2,P3\r\n1,2,3\n4,5,6\r", "", BOTH),
    "lone carriage returns": ("a.csv", b"P1,P2,P3\r1,2,3\r4,5,6\r", "", BOTH),
    "a quoted line break": ("a.csv", b'why,P1,P2,P3\n"a\r\nb",1,2,3\n"",4,5,6\n', "", BOTH),
    "quotes in quotes": ("a.csv", b'why,P1,P2,P3\n"say ""1,2""",1,2,3\nx,4,5,6\n', "", BOTH),
    "tabs under .csv": ("a.csv", GOOD.replace(",", "\t").encode(), "", BOTH),
    "semicolons": ("a.csv", GOOD.replace(",", ";").encode(), "", BOTH),
    "a pipe": ("a.csv", GOOD.replace(",", "|").encode(), "", BOTH),
    "ten thousand columns in a workbook": (
        "a.xlsx", books.plain(rows=[[*row, *[0] * 9_997] for row in BOTH],
                              header=["P1", "P2", "P3", *[f"x{k}" for k in range(9_997)]]),
        "", BOTH,
    ),
    "a long remark": (
        "a.csv", f"P1,P2,P3,why\n1,2,3,{'x' * 900_000}\n4,5,6,\n".encode(), "", BOTH,
    ),
    "merged answers hold one value": (
        "a.xlsx", books.merged_answers(), "", [[1, 2, 3], [4, NAN, 6], [7, 6, 5]],
    ),
    "a formula's stored result": ("a.xlsx", books.formulas(2), "", BOTH),
    "a formula without text": ("a.xlsx", books.empty_result(), "", [[1, NAN, 3], [4, 5, 6]]),
    "an error listed as missing": (
        "a.xlsx", books.formulas("#N/A"), 'missing = ["#N/A"]', [[1, NAN, 3], [4, 5, 6]],
    ),
    "numbers stored as text": ("a.xlsx", books.numbers_as_text(), "", BOTH),
    "an old workbook": ("a.xls", xls([["P1", "P2", "P3"], [1, 2, 3], [4, 5, 6]]), "", BOTH),
    "a hole in an old workbook": (
        "a.xls", xls([["P1", "P2", "P3"], [1, None, 3], [4, 5, "6"]]), "",
        [[1, NAN, 3], [4, 5, 6]],
    ),
    "hidden rows, columns and sheets": ("a.xlsx", books.hidden_parts(), "", BOTH),
    "a hidden sheet by its name": (
        "a.xlsx", books.hidden_parts(), '[file]\nsheet = "Lists"\n', [[7, 7, 7]],
    ),
    "numbers of SPSS": ("a.sav", written("sav"), "", BOTH),
    "whole numbers in Stata": ("a.dta", written("dta", FRAME.astype("int8")), "", BOTH),
    "categories in Parquet": (
        "a.parquet", written("parquet", FRAME.astype("category")), "", BOTH,
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:item:servlab.core.errors.KeyingWarning")
@pytest.mark.parametrize("hostile", READ)
def test_a_strange_file_is_read_as_it_is_meant(hostile, book, file):
    name, content, rest, answers = READ[hostile]
    top, rest = (rest, "") if rest.startswith("missing") else ("", rest)
    codebook = book(battery=top, rest=rest)
    found = read_survey(file(content, name), codebook).raw("perception").to_numpy()
    np.testing.assert_array_equal(found, np.array(answers, dtype=float))


def test_what_a_person_does_not_see_is_noted(book, file):
    survey = read_survey(file(books.hidden_parts(), "a.xlsx"), book())
    notes = [note.en for note in survey.provenance.notes]
    assert notes == [
        "Hidden sheets of the workbook were not read: Lists.",
        "1 hidden row(s) of the sheet were read like the others.",
    ]
    survey = read_survey(file(books.merged_answers(), "a.xlsx"), book())
    note = survey.provenance.notes[0].en
    assert note == "Merged cells hold one answer, in their upper left cell: B2:B3."


@pytest.mark.parametrize("from_1904", [False, True])
def test_a_day_is_the_same_day_under_both_calendars(from_1904, book, file):
    content = books.with_dates(date_1904=from_1904)
    survey = read_survey(file(content, "a.xlsx"), book(rest=DAY))
    assert survey.covariates["day"].tolist() == ["2026-04-01", "2026-04-02"]


def test_a_day_in_text_stays_as_it_is_written(book, file):
    content = "P1,P2,P3,day\n1,2,3,03/04/2026\n4,5,6,2026-4-3\n"
    survey = read_survey(file(content), book(rest=DAY))
    assert survey.covariates["day"].tolist() == ["03/04/2026", "2026-4-3"]


def test_zeros_before_an_id_are_kept_in_text_and_in_a_workbook(book, file):
    text = file("id,P1,P2,P3\n007,1,2,3\n0010,4,5,6\n")
    assert list(read_survey(text, book(rest=ID)).index) == ["007", "0010"]
    rows = [["007", 1, 2, 3], [10, 4, 5, 6]]
    sheet = file(books.plain(rows=rows, header=["id", "P1", "P2", "P3"]), "a.xlsx")
    assert list(read_survey(sheet, book(rest=ID)).index) == ["007", "10"]


def test_a_decimal_comma_is_read_where_the_codebook_says_so(book, file):
    rest = '[file]\ndecimal = ","\n[weights]\ncolumn = "w"\n'
    survey = read_survey(file("P1;P2;P3;w\n1;2;3;0,5\n4;5;6;1,5\n"), book(rest=rest))
    assert survey.weights.tolist() == [0.5, 1.5]
    with pytest.raises(DataError, match=r"'1\.000,5' is no number"):
        read_survey(file("P1;P2;P3;w\n1;2;3;1.000,5\n4;5;6;1,5\n"), book(rest=rest))


def test_a_remark_at_the_end_passes_where_blank_respondents_are_left_out(book, file):
    rest = '[[exclusions]]\nrule = "blank"\nreason = "answered nothing"\n'
    survey = read_survey(file(GOOD + ",,\n"), book(rest=rest))
    assert survey.n == 2
    text = "id,P1,P2,P3\nr1,1,2,3\nr2,4,5,6\nMade by hand,,,\n"
    survey = read_survey(file(text), book(rest=ID + rest))
    assert list(survey.index) == ["r1", "r2"]
    assert survey.provenance.exclusions[0].n == 1


def test_markup_in_labels_reaches_a_report_escaped(book, file):
    import servlab as sl

    script = "<script>alert(1)</script>"
    frame = pd.concat([FRAME] * 6, ignore_index=True).assign(branch=[1.0, 2.0] * 6)
    content = written(
        "sav", frame, column_labels={"branch": f"Where {script}"},
        variable_value_labels={"branch": {1: script, 2: "<b>south</b>"}},
    )  # fmt: skip
    survey = read_survey(file(content, "a.sav"), book(rest=BRANCH))
    assert survey.label("branch") == f"Where {script}"
    values = [survey.value_label("branch", v) for v in ("1", "2")]
    table = sl.Table(
        pd.DataFrame({"n": [6.0, 6.0]}, index=values), caption=survey.label("branch"),
        headings={"n": script}, formats={"n": "count"}, row_header=survey.label("branch"),
        notes=[script],
    )  # fmt: skip
    page = table._repr_html_()
    assert "<script>alert" not in page
    assert "<b>south" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 5


BOMBS = ["a bomb that lies about its size", "a bomb of entities", "a workbook that is a bomb",
         "a cell a million rows away"]  # fmt: skip


@pytest.mark.parametrize("hostile", BOMBS)
def test_a_bomb_costs_no_memory(hostile, book, file):
    name, content, _, _ = REFUSED[hostile]
    path, codebook = file(content, name), book()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ServlabError):
        read_survey(path, codebook)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000  # kilobytes; the bombs unpack to 40 to 120 million bytes
