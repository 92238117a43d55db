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


@pytest.mark.parametrize("used", [True, False])
def test_labels_of_codes_declared_missing_do_not_stretch_the_scale(tmp_path, used):
    answers = [float(min(b, 5)) for b in BASE] + ([8.0, 9.0] if used else [])
    frame = pd.DataFrame({f"q{i}": answers for i in range(1, 5)})
    labels = {1: "完全不同意", 5: "完全同意", 8: "看情况", 9: "没有回复"}
    pyreadstat.write_sav(
        frame,
        str(tmp_path / "a.sav"),
        missing_ranges={c: [{"lo": 8, "hi": 9}] for c in frame},
        variable_value_labels=dict.fromkeys(frame, labels),
    )
    survey = read_survey(tmp_path / "a.sav", drafted(tmp_path / "a.sav"))
    scale = survey.scales["perception"]
    assert (scale.low, scale.high) == (1, 5)
    assert survey.raw("perception").isna().any(axis=1).sum() == (2 if used else 0)


def test_group_codes_among_ratings_are_no_item(tmp_path):
    frame = pd.DataFrame({f"Q7{letter}": [min(b, 5) for b in BASE] for letter in "ABCDE"})
    frame["TERM"] = [1, 2] * 6
    frame.to_csv(tmp_path / "a.csv", index=False)
    survey = read_survey(tmp_path / "a.csv", drafted(tmp_path / "a.csv"))
    assert list(survey.raw("perception")) == [f"Q7{letter}" for letter in "ABCDE"]
    assert list(survey.covariates) == ["term"]


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


def drafted(path, text="", **options):
    """Draft a codebook for a file, add to it, and return its path."""
    book = path.with_suffix(".toml")
    book.write_text(draft_codebook(path, **options) + text, encoding="utf-8")
    return book


def test_words_that_nobody_knows_are_listed_to_be_numbered(tmp_path):
    rows = [
        ("挺好", "还行", "挺好"),
        ("还行", "不咋地", "还行"),
        ("不咋地", "不咋地", "不适用"),
    ] * 4
    path = tmp_path / "a.csv"
    path.write_text("P1,P2,P3\n" + "\n".join(map(",".join, rows)), encoding="utf-8")
    text = draft_codebook(path)
    for word, count in (("挺好", 8), ("还行", 12), ("不咋地", 12)):
        assert f'# "{word}" = ?    ({count} answers)' in text
    assert 'missing = ["不适用"]' in text
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    problems = check_survey(path, tmp_path / "a.toml").problems
    assert any(
        "'挺好' is no number; map the answer to a number under values" in p for p in problems
    )
    numbered = text.replace('# "挺好" = ?    (8 answers)', '"挺好" = 3')
    numbered = numbered.replace('# "还行" = ?    (12 answers)', '"还行" = 2')
    numbered = numbered.replace('# "不咋地" = ?    (12 answers)', '"不咋地" = 1')
    (tmp_path / "a.toml").write_text(numbered, encoding="utf-8")
    answers = read_survey(path, tmp_path / "a.toml").raw("perception")
    assert answers.iloc[0].tolist() == [3, 2, 3]
    assert answers.iloc[2].tolist()[:2] == [1, 1]


def write_labelled(path, labels, values):
    frame = pd.DataFrame({f"P{i}": [float(v) for v in values] for i in range(1, 4)})
    pyreadstat.write_sav(
        frame, str(path), variable_value_labels={f"P{i}": labels for i in range(1, 4)}
    )


def test_labels_of_a_file_give_the_scale_and_its_missing_codes(tmp_path):
    labels = {1: "很不满意", 2: "不太满意", 3: "一般", 4: "比较满意", 5: "很满意", 6: "不适用"}
    write_labelled(tmp_path / "a.sav", labels, [2, 3, 4, 6, 2, 3])
    survey = read_survey(tmp_path / "a.sav", drafted(tmp_path / "a.sav"))
    assert (survey.scales["perception"].low, survey.scales["perception"].high) == (1, 5)
    assert survey.raw("perception")["1"].tolist()[:3] == [2, 3, 4]
    assert np.isnan(survey.raw("perception").iloc[3]).all()


def test_labels_that_run_downwards_are_turned_round_in_the_draft_and_said(tmp_path):
    labels = {1: "Strongly agree", 2: "Agree", 3: "Neutral", 4: "Disagree", 5: "Strongly disagree"}
    write_labelled(tmp_path / "a.sav", labels, [1, 2, 3, 5, 1, 4])
    book = drafted(tmp_path / "a.sav")
    assert "1 is Strongly agree and 5 is Strongly disagree: turned round" in book.read_text("utf-8")
    survey = read_survey(tmp_path / "a.sav", book)
    assert survey.raw("perception")["1"].tolist() == [5, 4, 3, 1, 5, 2]


def test_two_words_of_which_one_denies_the_other_make_an_outcome(tmp_path):
    rows = "".join(f"{b},{b},{b},{'满意' if b > 3 else '不满意'}\n" for b in BASE)
    path = tmp_path / "a.csv"
    path.write_text(f"P1,P2,P3,是否满意\n{rows}", encoding="utf-8")
    survey = read_survey(path, drafted(path))
    assert survey.outcomes.iloc[:, 0].tolist() == [int(b > 3) for b in BASE]


def test_grids_with_the_same_rows_are_batteries_and_different_rows_dimensions(tmp_path):
    header = [f"{q} [{r}]" for q in ("期望 设施", "实际 设施") for r in ("新", "净")]
    header += [f"{q} [{r}]" for q in ("期望 员工", "实际 员工") for r in ("礼貌", "及时")]
    rows = [",".join(["t", *[str(min(b, 5))] * 8]) for b in BASE]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join(["时间戳记", *header]), *rows]), encoding="utf-8")
    book = load_codebook(drafted(path))
    assert list(book.spec.batteries) == ["expectation", "perception"]
    assert [i.label.zh for i in book.instrument.items] == ["新", "净", "礼貌", "及时"]
    assert [d.label.zh for d in book.instrument.dimensions] == ["实际 设施", "实际 员工"]
    assert book.spec.batteries["expectation"].columns[2] == "期望 员工 [礼貌]"


def test_a_long_file_is_recognized_and_its_batteries_named(tmp_path):
    rows = [
        f"{who},{battery},{item},{min(value, 5)},{'北' if who % 2 else '南'}"
        for who, value in enumerate(BASE)
        for battery in ("期望", "感知")
        for item in ("Q1", "Q2", "Q3")
    ]
    path = tmp_path / "a.csv"
    path.write_text("受访者,量表,题号,评分,网点\n" + "\n".join(rows), encoding="utf-8")
    book = load_codebook(drafted(path))
    assert book.spec.layout.batteries == {"期望": "expectation", "感知": "perception"}
    survey = read_survey(path, book)
    assert survey.raw("expectation").shape == (12, 3)
    assert list(survey.covariates) == ["网点"]
    assert list(survey.index) == [str(who) for who in range(12)]


def test_a_platform_named_for_a_draft_stands_in_it(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{k},{min(b, 5)},{min(b, 5)},{min(b, 5)}\n" for k, b in enumerate(BASE))
    path.write_text(f"答卷人,服务如何,,\n,快,好,准\n{rows}", encoding="utf-8")
    book = load_codebook(drafted(path, platform="surveymonkey"))
    assert book.spec.file.platform == "surveymonkey"
    with pytest.raises(DataError, match=r"platform must be one of 'qualtrics', .* got 'typeform'"):
        draft_codebook(path, platform="typeform")
    assert book.spec.batteries["perception"].columns[0] == "服务如何 - 快"


def test_a_spare_code_inside_the_scale_is_an_answer(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{2 * b},{2 * b},{2 * b}\n" for b in (1, 2, 3, 4, 5, 4, 3))
    path.write_text(f"S1,S2,S3\n{rows}", encoding="utf-8")
    assert "missing" not in draft_codebook(path)


def test_a_pattern_is_found_where_the_questions_number_is_an_items_too(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"{min(b, 5)},{min(b, 5)},{min(b, 5)}\n" for b in BASE)
    path.write_text(f"Q1_1,Q1_2,Q1_3\n{rows}", encoding="utf-8")
    columns = load_codebook(drafted(path)).spec.batteries["perception"].columns
    assert columns in ("Q1_{item}", "{item}")
    frame = pd.DataFrame({f"P1_{k}": [min(b, 5) for b in BASE] for k in range(1, 4)})
    frame.to_csv(path, index=False)
    survey = read_survey(path, drafted(path))
    assert survey.raw("perception").shape == (12, 3)
