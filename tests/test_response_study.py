"""The flagship with a sample file, an order of arrival and a mode of collection."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import DataError
from tests.test_quality_study import run, visible_text

EXAMPLE = Path(sl.__file__).parent / "data" / "example_files"
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The simulated example with a mode and days, its codebook, and a list of everybody asked."""
    folder = tmp_path_factory.mktemp("sample")
    frame = pd.read_csv(EXAMPLE / "servqual_simulated.csv", dtype=str)
    place = np.arange(len(frame))
    frame["way"] = np.array(["online", "mail", "telephone"])[place * place % 3]
    frame["sent"] = [f"2026/3/{1 + i // 40} {9 + i % 9}:05" for i in place]
    frame.to_csv(folder / "answers.csv", index=False)
    book = (EXAMPLE / "servqual_simulated.toml").read_text(encoding="utf-8")
    book += """
[covariates.way]
column = "way"
role = "mode"
label = { en = "Mode", zh = "调查方式" }
values = { mail = { en = "mail", zh = "邮寄" }, online = { en = "web", zh = "网络" } }
[covariates.sent]
column = "sent"
label = { en = "Day of answer", zh = "答卷日期" }
"""
    (folder / "answers.toml").write_text(book, encoding="utf-8")
    ends = ["完成"] * 400 + ["拒访"] * 300 + ["未接触"] * 200 + ["未知"] * 100
    listed = pd.DataFrame({"号": range(1000), "结果": ends})
    listed.to_csv(folder / "asked.csv", index=False, encoding="gb18030")
    return folder


def test_the_report_says_who_did_not_answer_and_how_people_were_asked(files, tmp_path):
    result = run(
        tmp_path,
        "zh",
        "response",
        data=files / "answers.csv",
        codebook=files / "answers.toml",
        sample_file=files / "asked.csv",
        sample_encoding="gb18030",
        disposition="结果",
        disposition_codes=["完成=I", "拒访=R", "未接触=NC", "未知=UO"],
        order="sent",
        margins=["way:mail=0.5", "way:online=0.5"],
        exclusions=["outlying"],
    )
    text = visible_text(result.report.read_text(encoding="utf-8"))
    for said in (
        "RR1为40.0 %",
        "e = 1.00",
        "Armstrong与Overton，1977",
        "调查方式",
        "马氏距离",
        "Kish设计效应",
    ):
        assert said in text, said
    kept = json.loads((result.folder / "results.json").read_text(encoding="utf-8"))
    names = set(json.dumps(kept).split('"'))
    assert {"response_rates", "early_late", "mode_effect", "screening_effect", "raking"} <= names


def test_a_sample_file_without_the_column_is_refused(files):
    with pytest.raises(DataError, match=r"no column 'ended' of dispositions; it has 号, 结果"):
        sl.read_sample_file(files / "asked.csv", "ended", encoding="gb18030")
