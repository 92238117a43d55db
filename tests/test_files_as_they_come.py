"""Every kind of file through the draft of its codebook, the check and the flagship; round trips."""

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from servlab.data.readers import read_survey
from tests.flagship import run_flagship
from tests.one_survey import ITEMS, K, answers, codebook_text, same_surveys, write_plain
from tests.platform_files import AIRLINE, PLATFORM_FILES, wenjuanxing_rows

FIXTURES = Path(__file__).resolve().parent / "fixtures"
PLAIN = {
    "csv utf-8": "csv", "csv utf-8-sig": "csv", "csv gb18030": "csv", "csv utf-16": "csv",
    "tsv": "tsv", "xlsx": "xlsx", "sav": "sav", "dta": "dta", "parquet": "parquet",
    "feather": "feather",
}  # fmt: skip
STORED = {"xls": "xls", "sas": "sas7bdat"}
KINDS = [*PLAIN, *STORED, *PLATFORM_FILES]


def make(kind: str, folder: Path) -> Path:
    """Return the survey as one kind of file."""
    if kind in STORED:
        ending = STORED[kind]
        for part in FIXTURES.glob("one_survey.*"):
            shutil.copy(part, folder / f"branches{part.suffix}")
        return folder / f"branches.{ending}"
    if kind in PLAIN:
        path = folder / f"branches.{PLAIN[kind]}"
        write_plain(kind, path)
        return path
    ending, write = PLATFORM_FILES[kind]
    path = folder / f"branches.{ending}"
    write(path)
    return path


# What a person confirms in a draft before it is used; nothing for any other kind.
CONFIRMED = {
    "limesurvey, codes": '\n[[exclusions]]\nrule = "empty"\ncolumn = "submitdate"\n'
    'reason = { en = "never submitted", zh = "未提交" }\n'
}
LANGUAGE = {kind: {"language": "zh"} for kind in KINDS if kind != "wide"}
DRAWN = ("csv utf-8", "wide")  # the others build the same charts; one more goes through a kernel
OPTIONS = {"csv gb18030": ("--encoding", "gb18030")}  # several encodings could read it


def expected_answers(kind: str) -> dict[str, pd.DataFrame]:
    """Return what was answered, battery by battery."""
    frame = answers()
    if kind == "wide":
        return {"perception": frame[ITEMS[6:] + ITEMS[:2]]}
    return {"expectation": frame[ITEMS[:K]], "perception": frame[ITEMS[K:]]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_drafted_codebook_is_checked_and_carries_the_flagship(
    kind, tmp_path, servlab_command, monkeypatch
):
    path, book = make(kind, tmp_path), tmp_path / "drafted.toml"
    code, said, _ = servlab_command("codebook", path, "-o", book, *OPTIONS.get(kind, ()))
    assert (code, said.strip()) == (0, str(book))
    assert "# guess:" in book.read_text(encoding="utf-8")
    if kind in CONFIRMED:
        text = book.read_text(encoding="utf-8") + CONFIRMED[kind]
        book.write_text(text, encoding="utf-8")
    code, said, _ = servlab_command("check", path, "--codebook", book)
    assert code == 0, said
    assert f"{len(answers())} used" in said
    names, shown = run_flagship(
        path, book, monkeypatch, draw=kind in DRAWN, **LANGUAGE.get(kind, {})
    )
    survey = names["source"]
    for battery, given in expected_answers(kind).items():
        np.testing.assert_array_equal(survey.raw(battery).to_numpy(), given.to_numpy())
    assert set(survey.batteries) == expected_answers(kind).keys()
    assert len(shown) > 20
    page = " ".join(bundle.get("text/html", "") for bundle in shown)
    label = AIRLINE[0] if kind == "wide" else "01" if kind == "long" else "设施先进"
    label = "SQ001" if kind == "limesurvey, codes" else label
    label = re.sub("设施先进", "P1", label) if _nameless(kind) else label
    assert label in page
    if "wide" not in kind:
        gap = names["gaps"].tidy().query("term == 'overall_items'")["estimate"].iloc[0]
        assert gap == pytest.approx(_gap(), abs=1e-12)


def _nameless(kind: str) -> bool:
    """Return whether the kind of file has no place for a question's text."""
    return kind.startswith("csv") or kind in ("tsv", "xlsx", "parquet", "feather", "xls")


def _gap() -> float:
    """Return the mean gap of those who answered every item in both batteries."""
    frame = answers()[ITEMS].dropna()
    return float(np.mean([frame[f"P{k}"] - frame[f"E{k}"] for k in range(1, K + 1)]))


def test_a_drafted_codebook_carries_the_published_report(tmp_path, servlab_command):
    path, book = make("wenjuanxing, texts", tmp_path), tmp_path / "drafted.toml"
    servlab_command("codebook", path, "-o", book)
    out = ("--out", tmp_path / "reports", "--language", "zh", "--name", "branches", "--quiet")
    code, said, _ = servlab_command(
        "run", "quality_study", "-p", f"data={path}", "-p", f"codebook={book}", *out
    )
    assert code == 0, said
    page = Path(said.strip()).read_text(encoding="utf-8")
    for words in ("设施先进", "按问卷星 (Wenjuanxing) 导出读取", "标记为未作答"):
        assert words in page, words


WENJUANXING = {
    "id": "序号", "sex": "1、性别", "branch": "2、网点", "overall": "5、总体满意度",
    "seconds": "所用时间",
}  # fmt: skip


@pytest.fixture(scope="module")
def plain_survey(tmp_path_factory):
    """The survey from CSV in UTF-8, which the others must equal."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "book.toml").write_text(codebook_text(), encoding="utf-8")
    return read_survey(make("csv utf-8", folder), folder / "book.toml")


@pytest.mark.parametrize("kind", [*PLAIN, *STORED])
def test_the_same_survey_comes_back_from_every_format(kind, plain_survey, tmp_path):
    file = '[file]\nencoding = "gb18030"\n' if "gb18030" in kind else ""
    (tmp_path / "book.toml").write_text(codebook_text(file=file), encoding="utf-8")
    survey = read_survey(make(kind, tmp_path), tmp_path / "book.toml")
    assert same_surveys(survey, plain_survey) == []


@pytest.mark.parametrize("kind", ["wenjuanxing, texts", "wenjuanxing, codes"])
def test_the_same_survey_comes_back_from_wenjuanxing(kind, plain_survey, tmp_path):
    path = make(kind, tmp_path)
    grids = wenjuanxing_rows(coded="codes" in kind)[0][8:20]
    names = WENJUANXING | dict(zip(ITEMS, grids, strict=True))
    values = 'values = { "非常不同意" = 1, "不同意" = 2, "一般" = 3, "同意" = 4, "非常同意" = 5 }'
    said = 'values = { "非常不满意" = 1, "不满意" = 2, "一般" = 3, "满意" = 4, "非常满意" = 5 }'
    text = codebook_text(
        names, file='[file]\nplatform = "wenjuanxing"\n', values=values, overall_values=said
    )
    (tmp_path / "book.toml").write_text(text, encoding="utf-8")
    survey = read_survey(path, tmp_path / "book.toml")
    assert same_surveys(survey, plain_survey) == []


def test_the_comparison_of_surveys_sees_a_changed_answer(plain_survey):
    changed = plain_survey.raw("perception")
    changed.iloc[0, 0] = 6 - changed.iloc[0, 0] if changed.iloc[0, 0] != 3 else 4
    answers = {**plain_survey.answers, "perception": changed}
    other = dataclasses.replace(plain_survey, answers=answers)
    assert same_surveys(other, plain_survey) == ["answers"]
