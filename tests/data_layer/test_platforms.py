"""Exports of survey platforms read as plain tables, with what was done noted."""

import numpy as np
import pandas as pd
import pytest

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.encode import Encoder
from servlab.data.formats import RawTable, read_raw
from servlab.data.readers import read_survey

QUALTRICS = (
    "StartDate,Status,Duration (in seconds),P1,P2,P3\n"
    "Start Date,Response Type,Duration (in seconds),设施先进,Polite?,Fast?\n"
    + ",".join(f'"{{""ImportId"":""Q{k}""}}"' for k in range(6))
    + "\n2026-01-02 10:00:00,Survey Preview,9,7,1,7\n2026-01-02 10:00:00,IP Address,90,1,2,3\n"
    "2026-01-02 10:00:00,IP Address,80,4,5,6\n"
)


def test_qualtrics_headers_become_labels_and_previews_are_left_out_and_noted(book, file):
    path = file(QUALTRICS)
    rest = '[respondents]\nduration = "Duration (in seconds)"\n'
    survey = read_survey(path, book(rest=rest))
    assert survey.raw("perception").to_numpy().tolist() == [[1, 2, 3], [4, 5, 6]]
    assert list(survey.index) == [5, 6]
    assert survey.duration.tolist() == [90, 80]
    assert [(e.reason.en, e.n) for e in survey.provenance.exclusions] == [
        ("Qualtrics survey preview", 1)
    ]
    assert survey.provenance.n_rows == 3
    assert "Read as an export of Qualtrics" in survey.provenance.notes[0].en
    assert read_raw(path).labels["P1"] == "设施先进"


def test_qualtrics_with_its_header_rows_swapped_is_not_taken_for_plain_answers(book, file):
    lines = QUALTRICS.splitlines()
    swapped = "\n".join([lines[0], lines[2], lines[1], *lines[3:]])
    with pytest.raises(DataError, match=r"row 2: .*ImportId.* is no number"):
        read_survey(file(swapped), book())


def test_surveymonkey_joins_its_two_header_rows(file):
    path = file(
        "Respondent ID,Start Date,How good?,,,Age\n,,Speed,Care,Price,Response\n"
        "11,2026-01-01,1,2,3,30\n12,2026-01-01,4,5,6,40\n"
    )
    table = read_raw(path)
    assert list(table.frame)[2:] == [
        "How good? - Speed",
        "How good? - Care",
        "How good? - Price",
        "Age",
    ]
    assert table.row_numbers.tolist() == [3, 4]


WENJUANXING = (
    "序号,提交答卷时间,所用时间,来源,来源详情,来自IP,1、性别,2、(设施先进),2、(员工礼貌),2、(按时完成),"
    "3、意见,3、意见\n"
    "1,2026/1/2 10:00:00,85秒,微信,N/A,1.1.1.1,男,1,2,3,a┋b,(空)\n"
    "2,2026/1/2 10:01:00,1分25秒,微信,N/A,1.1.1.1,女,4,-3,6,,x\n"
    "3,2026/1/2 10:01:00,２００秒,微信,N/A,1.1.1.1,女,4,-2,6,,x\n"
)


def test_wenjuanxing_durations_codes_and_repeated_titles(book, file):
    columns = '"2、(设施先进)", "2、(员工礼貌)", "2、(按时完成)"'
    rest = (
        '[respondents]\nid = "序号"\nduration = "所用时间"\n'
        '[covariates.sex]\ncolumn = "1、性别"\n[covariates.text]\ncolumn = "3、意见#2"\n'
    )
    codebook = book(battery="missing = [-2, -3]\n", rest=rest)
    battery = codebook.spec.batteries["perception"].model_copy(
        update={"columns": tuple(c.strip('" ') for c in columns.split(", "))}
    )
    spec = codebook.spec.model_copy(update={"batteries": {"perception": battery}})
    survey = read_survey(file(WENJUANXING), codebook.model_copy(update={"spec": spec}))
    expected = np.array([[1, 2, 3], [4, np.nan, 6], [4, np.nan, 6]])
    np.testing.assert_array_equal(survey.raw("perception").to_numpy(), expected)
    assert survey.duration.tolist() == [85, 85, 200]
    assert survey.covariates["text"].isna().tolist() == [True, False, False]
    notes = [note.en for note in survey.provenance.notes]
    assert "2 answer(s) marked not answered ((空) or -2), 1 marked skipped" in notes[1]
    assert "3、意见[a]" in read_raw(file(WENJUANXING)).frame


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("85", 85), ("85秒", 85), ("1分25秒", 85), ("1小时", 3600), ("00:01:25", 85), ("1:25", 85),
     ("2 min 5 s", 125), ("1m", 60)],
)  # fmt: skip
def test_times_taken_are_read_as_seconds(cell, seconds):
    coder = Encoder(RawTable(pd.DataFrame({"t": [cell]}, dtype=object), "a", ""))
    assert coder.seconds("t", wanted_by="x").tolist() == [seconds]
    assert coder.problems == []


@pytest.mark.parametrize("cell", ["soon", "-5", "秒", "10:00 AM", "85秒前"])
def test_what_is_no_time_taken_is_named(cell):
    coder = Encoder(RawTable(pd.DataFrame({"t": [cell]}, dtype=object), "a", ""))
    coder.seconds("t", wanted_by="x")
    assert "is no time taken; write seconds" in coder.problems[0]


def test_qualtrics_previews_tests_spam_and_unfinished_are_each_counted(book, file):
    lines = QUALTRICS.splitlines()
    header = [lines[0].replace("StartDate", "Finished"), *lines[1:3]]
    rows = ["True,9,7,1,2,3", "True,2,7,1,2,3", "True,8,7,1,2,3", "False,0,7,4,5,6"]
    survey = read_survey(file("\n".join([*header, *rows])), book())
    assert [(e.reason.en, e.n) for e in survey.provenance.exclusions] == [
        ("Qualtrics survey preview", 1),
        ("Qualtrics test response", 1),
    ]
    notes = " ".join(note.en for note in survey.provenance.notes)
    assert "1 response(s) that Qualtrics marks as spam" in notes
    assert "1 unfinished response(s)" in notes
    assert (survey.provenance.n_rows, survey.n) == (4, 2)


LIMESURVEY = (
    "id,submitdate,lastpage,startlanguage,P[SQ001],P[SQ002],P[SQ003],AGE\n"
    "1,2026-01-02 10:00:00,3,zh,1,2,3,30\n2,,1,zh,4,5,,\n"
)


def test_limesurvey_names_responses_that_were_not_submitted(book, file):
    rest = '[[exclusions]]\nrule = "empty"\ncolumn = "submitdate"\nreason = "not submitted"\n'
    codebook = with_columns(book(rest=rest), ("P[SQ001]", "P[SQ002]", "P[SQ003]"))
    survey = read_survey(file(LIMESURVEY), codebook)
    assert (survey.n, survey.provenance.exclusions[0].n) == (1, 1)
    assert "1 response(s) without a submission date stay" in survey.provenance.notes[1].en
    assert read_raw(file(LIMESURVEY)).grids["P[SQ002]"] == ("P", "SQ002")


def with_columns(codebook, columns):
    battery = codebook.spec.batteries["perception"].model_copy(update={"columns": columns})
    spec = codebook.spec.model_copy(update={"batteries": {"perception": battery}})
    return codebook.model_copy(update={"spec": spec})


HEADINGS = {
    "limesurvey, whole questions": (
        "Response ID,Date submitted,Last page,Seed,怎么样 [设施],怎么样 [礼貌]\n1,x,1,9,1,2\n",
        "limesurvey",
        {"怎么样 [设施]": ("怎么样", "设施")},
    ),
    "limesurvey, code and text": (
        "id. Response ID,submitdate. Date submitted,lastpage. Last page,"
        "P[SQ001]. 怎么样 [设施],P[SQ002]. 怎么样 [礼貌]\n1,x,1,1,2\n",
        "limesurvey",
        {"P[SQ001]. 怎么样 [设施]": ("怎么样", "设施")},
    ),
    "limesurvey, numbered": (
        "id,123456X7X89SQ001,123456X7X89SQ002\n1,2,3\n",
        "limesurvey",
        {},
    ),
    "google forms": (
        "时间戳记,服务如何 [设施],服务如何 [礼貌],性别\n2026/1/2 10:00:00,满意,一般,男\n",
        "google_forms",
        {"服务如何 [礼貌]": ("服务如何", "礼貌")},
    ),
    "wenjuanxing, dashes": (
        "序号,提交答卷时间,1、请评价—设施,1、请评价—礼貌,2、年龄(岁)\n1,2026/1/2 10:00:00,5,4,30\n",
        "wenjuanxing",
        {"1、请评价—设施": ("1、请评价", "设施")},
    ),
    "wenjuanxing, brackets": (
        "序号,所用时间,第1题(设施),第1题(礼貌),第2题(x)\n1,85秒,5,4,1\n",
        "wenjuanxing",
        {"第1题(礼貌)": ("1、", "礼貌")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADINGS)
def test_headings_of_grids_are_known(case, file):
    text, platform, grids = HEADINGS[case]
    table = read_raw(file(text))
    assert table.platform == platform
    assert grids.items() <= table.grids.items()
    assert not any("年龄" in column or "第2题" in column for column in table.grids)


NAMED = {
    "qualtrics": r"does not look like an export of Qualtrics: .*not the \{\"ImportId\"",
    "surveymonkey": r"of SurveyMonkey: the row under the header starts with '1'",
    "wenjuanxing": r"of 问卷星 \(Wenjuanxing\): its first column is 'P1', not 序号",
    "limesurvey": r"of LimeSurvey: it has neither id, submitdate, lastpage",
    "google_forms": r"of Google Forms: its first column is 'P1', where Timestamp, 时间戳记",
}


@pytest.mark.parametrize("platform", NAMED)
def test_a_named_platform_that_the_file_does_not_look_like_is_refused(platform, book, file):
    codebook = book(rest=f'[file]\nplatform = "{platform}"\n')
    with pytest.raises(DataError, match=NAMED[platform]):
        read_survey(file("P1,P2,P3\n1,2,3\n3,4,5\n"), codebook)


def test_no_platform_takes_the_table_as_it_stands(file):
    table = read_raw(file(LIMESURVEY), FileFormat(platform="none"))
    assert (table.platform, table.grids, table.notes) == (None, {}, ())


def test_wenjuanxing_orders_and_texts_filled_in_become_columns(file):
    path = file(
        "序号,提交答卷时间,1、用过哪些,2、先后,3、温度\n1,t,柜台┋其他〖电话〗,A→B,-3\n"
        "2,t,柜台,B→A→C,冷\n3,t,(跳过),,-2\n"
    )
    frame = read_raw(path).frame
    assert frame["1、用过哪些[柜台]"].tolist() == ["1", "1", None]
    assert frame["1、用过哪些[其他]"].tolist() == ["1", "0", None]
    assert frame["2、先后[A]"].tolist() == ["1", "2", None]
    assert frame["2、先后[C]"].tolist() == [None, "3", None]
    assert frame["3、温度"].tolist() == ["-3", "冷", "-2"]
