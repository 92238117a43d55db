"""Exports of survey platforms read as plain tables, with what was done noted."""

import numpy as np
import pandas as pd
import pytest

from servlab.core.errors import DataError
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
    assert "1 survey preview(s) left out" in survey.provenance.notes[0].en
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
    assert survey.covariates["text"].tolist() == ["(空)", "x", "x"]


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
