"""Delimited text: every row counted, every cell read as it stands, or a message that says why."""

import numpy as np
import pytest

from servlab.core.errors import CodebookError, DataError
from servlab.data.readers import read_survey, survey_from_frame

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gb18030")
WITH_BRANCH = '[respondents]\nid = "编号"\n[covariates.branch]\ncolumn = "网点"\nrole = "branch"\n'


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_gives_the_same_survey(answers, book, file, encoding):
    legacy = encoding == "gb18030"
    codebook = book(rest=WITH_BRANCH + ('[file]\nencoding = "gb18030"\n' if legacy else ""))
    path = file(answers.to_csv(index=False).encode(encoding))
    survey = read_survey(path, codebook)
    assert (
        survey.raw("perception").to_numpy().tolist()
        == answers[["P1", "P2", "P3"]].to_numpy(dtype=float).tolist()
    )
    assert list(survey.index) == list(answers["编号"])
    assert list(survey.covariates["branch"]) == list(answers["网点"])


def test_chinese_text_that_several_encodings_could_read_asks_which(answers, book, file):
    path = file(answers.to_csv(index=False).encode("gb18030"))
    with pytest.raises(DataError, match=r"not UTF-8; encodings that could read it: gb18030, .*say"):
        read_survey(path, book(rest=WITH_BRANCH))


def test_korean_text_is_not_taken_for_chinese(book, file):
    text = "P1,P2,P3,지점\n1,2,3,강남\n4,5,6,강북\n"
    with pytest.raises(DataError, match=r"cp949.*\[file\] encoding ="):
        read_survey(file(text.encode("cp949")), book())


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        ("ascii", r"line 1: not ascii text; correct encoding"),
        ("klingon", r"encoding 'klingon' is not known"),
    ],
)
def test_a_wrong_encoding_is_named(answers, book, file, encoding, message):
    codebook = book(rest=f'[file]\nencoding = "{encoding}"\n')
    with pytest.raises(DataError, match=message):
        read_survey(file(answers.to_csv(index=False)), codebook)


SHAPES = {
    "more cells than the header": ("P1,P2,P3\n1,2,3\n1,2,3,4\n", r"row 3: has 4 cells .* has 3"),
    "fewer cells than the header": ("P1,P2,P3\n1,2,3\n1,2\n", r"row 3: has 2 cells .* cut off"),
    "an open quote": ('P1,P2,P3\n1,2,3\n"1,2,3\n4,5,6\n', r"row 3 .*quotes are not in order"),
    "a stray quote": ('P1,P2,P3\n"1"x,2,3\n', r"row 2 .*quotes are not in order"),
    "no answers": ("P1,P2,P3\n", r"has a header but no answers"),
    "an empty header": (",,\n1,2,3\n", r"empty header row"),
    "a column twice": ("P1,P2,P3,P1\n1,2,3,4\n", r"'P1' occur more than once"),
    "a column missing": ("P1,P2,p３\n1,2,3\n", r"no column 'P3'.*did you mean 'p３'"),
    "words": ("P1,P2,P3\n1,2,3\n1,good,3\n", r"column 'P2', row 3: 'good' is no number; map the"),
    "beyond the scale": (
        "P1,P2,P3\n1,2,3\n1,8,3\n",
        r"column 'P2', row 3: '8' is outside .* 1 to 7",
    ),
    "below the scale": ("P1,P2,P3\n0,2,3\n", r"column 'P1', row 2: '0' is outside the scale"),
    "fractions": ("P1,P2,P3\n1,2.5,3\n", r"column 'P2', row 2: '2.5' is no whole number"),
    "a decimal comma": ("P1;P2;P3\n1;2,0;3\n", r"column 'P2', row 2: '2,0' is no number"),
    "a code of another study": ("P1,P2,P3\n1,2,3\n99,2,3\n-1,2,3\n", r"row 3: '99' is outside"),
    "NA as text": ("P1,P2,P3\n1,NA,3\n", r"'NA' is no number; map .* or list it under missing"),
    "infinity": ("P1,P2,P3\n1,inf,3\n1,1e999,3\n", r"'inf' is no number"),
    "a huge number": ("P1,P2,P3\n1,1e999,3\n", r"'1e999' is no number"),
    "an underscore": ("P1,P2,P3\n1,1_0,3\n", r"'1_0' is no number"),
    "a raised two": ("P1,P2,P3\n1,²,3\n", r"'²' is no number"),
    "a circled two": ("P1,P2,P3\n1,②,3\n", r"'②' is no number"),
    "a date": ("P1,P2,P3\n1,03/04,3\n", r"'03/04' is no number"),
    "true": ("P1,P2,P3\n1,TRUE,3\n", r"'TRUE' is no number"),
    "a formula": ("P1,P2,P3\n1,=1+1,3\n", r"'=1\+1' is no number"),
    "markup": ("P1,P2,P3\n1,<b>2</b>,3\n", r"'<b>2</b>' is no number"),
    "thousands": ('P1,P2,P3\n1,"1,000",3\n', r"'1,000' is no number"),
    "two answers": ("P1,P2,P3\n1,2┋3,3\n", r"'2┋3' is no number"),
    "an empty file": ("", r"answers.csv is empty"),
    "blanks only": (" \n\n", r"answers.csv is empty"),
    "zero bytes": ("P1,P2,P3\x00\n1,2,3\n", r"holds zero bytes"),
    "a shifted header": ("My survey,,\nP1,P2,P3\n1,2,3\n", r"no column 'P1'"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_fault_is_named_with_file_column_row_and_remedy(shape, book, file):
    content, message = SHAPES[shape]
    with pytest.raises(DataError, match=message) as caught:
        read_survey(file(content), book())
    assert "answers.csv" in str(caught.value)
    assert str(caught.value).endswith(".")


READ = {
    "full-width digits": ("P1,P2,P3\n１,２,３\n4,5,6\n", [[1, 2, 3], [4, 5, 6]]),
    "blanks around": ("P1 , P2,P3\n 1 ,2 , 3\n4,5,6\n", [[1, 2, 3], [4, 5, 6]]),
    "one decimal place": ("P1,P2,P3\n1.0,2.0,3.0\n4,5,6\n", [[1, 2, 3], [4, 5, 6]]),
    "quotes": ('"P1","P2","P3"\n"1","2","3"\n4,5,6\n', [[1, 2, 3], [4, 5, 6]]),
    "semicolons": ("P1;P2;P3\n1;2;3\n4;5;6\n", [[1, 2, 3], [4, 5, 6]]),
    "tabs": ("P1\tP2\tP3\n1\t2\t3\n4\t5\t6\n", [[1, 2, 3], [4, 5, 6]]),
    "carriage returns": ("P1,P2,P3\r\n1,2,3\r\n4,5,6\r\n", [[1, 2, 3], [4, 5, 6]]),
    "old Mac lines": ("P1,P2,P3\r1,2,3\r4,5,6\r", [[1, 2, 3], [4, 5, 6]]),
    "commas at the ends": ("P1,P2,P3\n1,2,3,\n4,5,6,,\n", [[1, 2, 3], [4, 5, 6]]),
    "blank lines": ("P1,P2,P3\n1,2,3\n\n4,5,6\n\n", [[1, 2, 3], [4, 5, 6]]),
    "no line end": ("P1,P2,P3\n1,2,3\n4,5,6", [[1, 2, 3], [4, 5, 6]]),
    "a comment of two lines": (
        'P1,P2,P3,why\n1,2,3,"good,\nreally"\n4,5,6,\n',
        [[1, 2, 3], [4, 5, 6]],
    ),
    "a line separator in a comment": (
        "P1,P2,P3,why\n1,2,3,a\u2028b\n4,5,6,\n",
        [[1, 2, 3], [4, 5, 6]],
    ),
    "empty cells": ("P1,P2,P3\n1,,3\n4,5,6\n", [[1, np.nan, 3], [4, 5, 6]]),
    "missing codes": ("P1,P2,P3\n1,9,3\n4,5,9.0\n", [[1, np.nan, 3], [4, 5, np.nan]]),
    "more columns": ("x,P1,P2,P3,y\na,1,2,3,b\nc,4,5,6,d\n", [[1, 2, 3], [4, 5, 6]]),
}


@pytest.mark.parametrize("shape", READ)
def test_what_people_write_is_read_as_they_mean_it(shape, book, file):
    content, expected = READ[shape]
    values = read_survey(file(content), book()).raw("perception").to_numpy()
    np.testing.assert_array_equal(values, np.array(expected, dtype=float))


def test_rows_are_counted_as_a_person_sees_them_after_blank_lines(book, file):
    with pytest.raises(DataError, match="column 'P2', row 5: '8'"):
        read_survey(file("P1,P2,P3\n1,2,3\n\n\n4,8,6\n"), book())


def test_rows_are_counted_as_a_person_sees_them_after_a_long_comment(book, file):
    with pytest.raises(DataError, match="column 'P2', row 3: '8'"):
        read_survey(file('P1,P2,P3,why\n1,2,3,"a\nb\nc"\n4,8,6,\n'), book())


def test_a_header_further_down_is_found_where_the_codebook_says(book, file):
    survey = read_survey(
        file("My survey,,\n,,\nP1,P2,P3\n1,2,3\n4,5,6\n"), book(rest="[file]\nheader_row = 3\n")
    )
    assert list(survey.index) == [4, 5]


def test_ten_thousand_columns_are_no_obstacle(book, file):
    extra = ",".join(f"x{k}" for k in range(10_000))
    zeros = ",".join("0" * 10_000)
    survey = read_survey(file(f"P1,P2,P3,{extra}\n1,2,3,{zeros}\n4,5,6,{zeros}\n"), book())
    assert survey.raw("perception").to_numpy().tolist() == [[1, 2, 3], [4, 5, 6]]


def test_truncated_utf16_is_named(answers, book, file):
    content = answers.to_csv(index=False).encode("utf-16")[:-3]
    with pytest.raises(DataError, match="not utf-16 text"):
        read_survey(file(content), book())


ENDINGS = {
    "an unknown ending": ("a.pdf", b"P1,P2,P3\n", r"the ending '.pdf' is not one of .csv"),
    "no ending": ("answers", b"P1,P2,P3\n", r"'\(none\)'"),
    "text called xlsx": ("a.xlsx", b"P1,P2,P3\n", r"ends in .xlsx but holds something else"),
    "text called sav": ("a.sav", b"P1,P2,P3\n", r"ends in .sav but holds something else"),
    "text called xls": ("a.xls", b"P1,P2,P3\n", r"is no workbook, as some platforms .* rename"),
    "HTML called xls": ("a.xls", b"<html><table></table></html>", r"is no workbook"),
    "a workbook called csv": ("a.csv", b"PK\x03\x04rest", r"holds xlsx data; rename it to .xlsx"),
    "SPSS called csv": ("a.csv", b"$FL2@(#) SPSS", r"holds sav data; rename it to .sav"),
    "a locked workbook": (
        "a.xlsx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest",
        r"old Excel file or a password-protected one",
    ),
    "a cut workbook": ("a.xlsx", b"PK\x03\x04rest", r"damaged or cut off"),
    "a cut SPSS file": ("a.sav", b"$FL2@(#) SPSS DATA", r"cannot be read as a SPSS file"),
    "a cut Parquet file": ("a.parquet", b"PAR1rest", r"cannot be read as a parquet file"),
}


@pytest.mark.parametrize("shape", ENDINGS)
def test_an_ending_that_lies_or_a_broken_file_is_named(shape, book, file):
    name, content, message = ENDINGS[shape]
    with pytest.raises(DataError, match=message):
        read_survey(file(content, name), book())


def test_a_missing_file_and_a_folder_are_named(book, tmp_path):
    with pytest.raises(DataError, match="does not exist; check the path"):
        read_survey(tmp_path / "none.csv", book())
    with pytest.raises(DataError, match="is a folder; name a data file"):
        read_survey(tmp_path, book())


def test_a_frame_goes_through_the_same_checks(answers, book):
    survey = survey_from_frame(answers, book(), source="my frame")
    assert survey.n == 12
    assert survey.provenance.source == "my frame"
    wrong = answers.assign(P2=[True] * 12)
    with pytest.raises(DataError, match="'TRUE' is no number"):
        survey_from_frame(wrong, book())
    with pytest.raises(DataError, match="occur more than once"):
        survey_from_frame(answers.set_axis(["P1", "P1", "P2", "P3", "x"], axis=1), book())


def test_one_column_for_two_items_is_refused(good, file, book):
    spec = book().spec
    battery = spec.batteries["perception"].model_copy(update={"columns": ("P1", "P1", "P3")})
    twice = spec.model_copy(update={"batteries": {"perception": battery}})
    with pytest.raises(DataError, match=r"column 'P1' stands for item '1' of .* and for item '2'"):
        read_survey(file(good), book().model_copy(update={"spec": twice}))


def test_all_problems_stand_in_one_message(book, file):
    with pytest.raises(DataError) as caught:
        read_survey(file("P1,P2,P3\n8,x,1\n1,2,2.5\n"), book())
    assert len(str(caught.value).splitlines()) == 3


def test_a_codebook_that_is_no_toml_names_the_line(file, tmp_path, good):
    path = tmp_path / "bad.toml"
    path.write_text("missing = [1]\nreversed = [}\n", encoding="utf-8")
    with pytest.raises(CodebookError, match=r"not valid TOML.*line"):
        read_survey(file(good), path)
