"""Drafted codebooks: what is unambiguous reads at once, what is not is asked."""

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import servlab as sl
from servlab.core.errors import DataError
from servlab.data.check import check_survey
from servlab.data.codebook import load_codebook
from servlab.data.draft import draft_codebook
from servlab.data.readers import read_survey

BASE = [1, 2, 3, 4, 5, 6, 7, 2, 4, 6, 3, 5]


@pytest.fixture
def survey_frame() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "编号": range(1, 13),
            **{f"期望{i}": BASE for i in range(1, 6)},
            **{f"感知{i}": BASE for i in range(1, 6)},
            "性别": ["男", "女"] * 6,
            "总体满意度": [1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 2, 3],
            "权重": [1.0, 0.5] * 6,
            "所用时间": [85] * 12,
        }
    )
    frame.loc[0, "感知1"] = 99
    return frame


def test_a_chinese_file_drafts_into_a_codebook_that_reads_it(survey_frame, tmp_path):
    survey_frame.to_csv(tmp_path / "a.csv", index=False)
    text = draft_codebook(tmp_path / "a.csv")
    assert "# guess:" in text
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    survey = read_survey(tmp_path / "a.csv", tmp_path / "a.toml")
    assert survey.batteries == ("expectation", "perception")
    assert np.isnan(survey.raw("perception").iloc[0, 0])
    assert list(survey.index) == [str(i) for i in range(1, 13)]
    assert list(survey.covariates) == ["性别"]
    assert list(survey.outcomes) == ["总体满意度"]
    assert survey.weights is not None
    assert survey.duration is not None


def test_an_encoding_that_was_needed_stands_in_the_draft(survey_frame, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(survey_frame.to_csv(index=False).encode("gb18030"))
    with pytest.raises(DataError, match="encodings that could read it"):
        draft_codebook(path)
    (tmp_path / "a.toml").write_text(draft_codebook(path, encoding="gb18030"), encoding="utf-8")
    assert read_survey(path, tmp_path / "a.toml").n == 12


def test_codes_that_spss_declares_missing_are_drafted_as_missing(tmp_path):
    frame = pd.DataFrame({f"P{i}": [*map(float, BASE), 8.0] for i in range(1, 5)})
    frame["sex"] = [1.0, 2.0] * 6 + [9.0]
    pyreadstat.write_sav(
        frame,
        str(tmp_path / "a.sav"),
        missing_ranges={"sex": [9]} | {f"P{i}": [8] for i in range(1, 5)},
    )
    (tmp_path / "a.toml").write_text(draft_codebook(tmp_path / "a.sav"), encoding="utf-8")
    survey = read_survey(tmp_path / "a.sav", tmp_path / "a.toml")
    assert survey.scales["perception"].high == 7
    assert survey.raw("perception").iloc[12].isna().all()
    assert survey.covariates["sex"].tolist()[-1] is None or pd.isna(
        survey.covariates["sex"].iloc[-1]
    )


def test_22_items_of_seven_points_are_taken_for_servqual_and_keying_is_guessed(tmp_path):
    survey = sl.simulate_survey(sl.load_instrument("servqual-1988"), n=150, seed=2)
    parts = [survey.raw(b).add_prefix(p) for b, p in (("expectation", "E"), ("perception", "P"))]
    pd.concat(parts, axis=1).to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.toml").write_text(draft_codebook(tmp_path / "a.csv"), encoding="utf-8")
    book = load_codebook(tmp_path / "a.toml")
    assert book.instrument.name == "servqual-1988"
    assert book.reversed_in("perception") == survey.instrument.proposed_reversed
    assert read_survey(tmp_path / "a.csv", tmp_path / "a.toml").n == 150


def test_blank_rows_are_drafted_as_an_exclusion(tmp_path):
    rows = "\n".join(f"{b},{b},{b},x" for b in BASE)
    (tmp_path / "a.csv").write_text(f"P1,P2,P3,s\n{rows}\n,,,y\n", encoding="utf-8")
    (tmp_path / "a.toml").write_text(draft_codebook(tmp_path / "a.csv"), encoding="utf-8")
    assert check_survey(tmp_path / "a.csv", tmp_path / "a.toml").n_used == 12


def test_a_file_without_ratings_says_so(tmp_path):
    (tmp_path / "a.csv").write_text("name,town\nA,X\nB,Y\n", encoding="utf-8")
    with pytest.raises(DataError, match="no group of columns looks like ratings"):
        draft_codebook(tmp_path / "a.csv")


def test_check_says_what_is_read_lost_and_why(tmp_path):
    rows = "\n".join(f"{b},{b},{b},x,1" for b in BASE)
    (tmp_path / "a.csv").write_text(f"P1,P2,P3,s,t\n{rows}\n,,,y,1\n2,,2,x,1\n", encoding="utf-8")
    (tmp_path / "a.toml").write_text(draft_codebook(tmp_path / "a.csv"), encoding="utf-8")
    report = check_survey(tmp_path / "a.csv", tmp_path / "a.toml")
    assert (report.n_rows, report.n_used, report.problems) == (14, 13, ())
    assert report.unused_columns == ("t",)
    assert report.missing_by_item["perception"].tolist() == [0, 1, 0]
    assert report.complete == {"perception": 12}
    assert [e.n for e in report.exclusions] == [1]
