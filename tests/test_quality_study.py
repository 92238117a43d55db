"""The flagship study end to end: its reports' contents, languages, size and bytes."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import servlab as sl
from tests.browser_tools import check_page, faults
from tests.presentation.exported import read_sheets, read_word

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "quality_study.ipynb"
KIOSK = ROOT / "tests" / "codebooks" / "kiosk.toml"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]


def run(out, language, name, **parameters):
    result = sl.run_study(
        NOTEBOOK,
        {"language": language, **parameters},
        out=out,
        name=name,
        language=language,
        export=("docx", "xlsx", "tex"),
    )
    assert result.status == "complete", [f.error for f in result.failures]
    return result


def visible_text(html: str) -> str:
    """Return what a reader reads: no styles, no tags."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(html, "html.parser")
    for node in page(["style", "script"]):
        node.decompose()
    return " ".join(page.get_text(" ").split())


@pytest.fixture(scope="module")
def servqual(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    return {language: run(out, language, "servqual") for language in ("en", "zh")}


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory, shared_data):
    out = tmp_path_factory.mktemp("reports")
    data = shared_data / "kiosk" / "kiosk_servqual.csv"
    return {
        language: run(out, language, "kiosk", data=data, codebook=KIOSK)
        for language in ("en", "zh")
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_report_is_one_small_offline_file_in_its_language(servqual, language):
    page = servqual[language].report.read_text(encoding="utf-8")
    assert len(page.encode()) < 700_000
    assert f'lang="{"en" if language == "en" else "zh-CN"}"' in page
    assert "Content-Security-Policy" in page
    assert "<script" not in page
    assert "Glyph" not in page
    assert not re.search(r'(src|href)="https?:', page)
    assert str(ROOT) not in page
    text = visible_text(page)
    for words in ("Traceback", "NaN", "DataFrame", "nan"):
        assert words not in text


def test_english_report_has_no_chinese_and_chinese_no_english_sentences(servqual):
    english = visible_text(servqual["en"].report.read_text(encoding="utf-8"))
    chinese = visible_text(servqual["zh"].report.read_text(encoding="utf-8"))
    assert not CHINESE.search(english.replace("中文", ""))
    sentences = re.findall(r"(?:\b[a-z]+\b[ ,]+){5,}", chinese)
    assert [s for s in sentences if "Journal" not in s and "checked" not in s] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_exported_tables_say_cell_by_cell_what_the_report_says(servqual, language):
    from bs4 import BeautifulSoup

    run = servqual[language]
    page = BeautifulSoup(run.report.read_text(encoding="utf-8"), "html.parser")
    shown = [
        (
            " ".join(table.caption.get_text().split()),
            [
                [" ".join(cell.get_text().split()) for cell in row.find_all(["th", "td"])]
                for row in table.find_all("tr")
            ],
        )
        for table in page.select(".tablebox table")
    ]
    docx, xlsx, tex = (path.read_bytes() for path in run.exports)
    read = read_word(docx)
    assert len(read) == len(shown) > 10
    for number, (found, (caption, rows)) in enumerate(zip(read, shown, strict=True), start=1):
        assert [[" ".join(cell.split()) for cell in row] for row in found.rows] == rows
        title = found.caption.split("\n" if language == "en" else "\u3000", 1)[1]
        assert caption.endswith(title)
        assert str(number) in caption
    assert tex.decode().count("\\caption{") == len(shown)
    assert len(read_sheets(xlsx)) == len(shown) + 1


def test_simulated_data_are_called_simulated(servqual):
    assert "imulated" in visible_text(servqual["en"].report.read_text(encoding="utf-8"))
    assert "模拟" in visible_text(servqual["zh"].report.read_text(encoding="utf-8"))


def test_two_runs_give_the_same_bytes(servqual, tmp_path):
    again = run(tmp_path, "zh", "servqual")
    assert again.report.read_bytes() == servqual["zh"].report.read_bytes()


def test_kiosk_report_shows_the_surveys_figures(kiosk):
    text = visible_text(kiosk["en"].report.read_text(encoding="utf-8"))
    for figure in ("5.97", "4.87", "−1.10", "−1.08", "−1.98", ".84", "54 %", ".52", ".45", "1.46"):
        assert figure in text, figure
    assert "never used a kiosk" in text
    chinese = visible_text(kiosk["zh"].report.read_text(encoding="utf-8"))
    assert "从未使用过自助终端" in chinese
    assert "키오스크" in chinese


def test_results_are_kept_as_json_and_parquet(kiosk):
    folder = kiosk["en"].folder
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results
    frame = pd.read_parquet(folder / "results.parquet")
    gap = frame.query("result == 'gaps' and term == 'overall_items'")["estimate"]
    assert round(float(gap.iloc[0]), 3) == -1.102
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["status"] == "complete"


def test_abc_runs_without_expectations(tmp_path):
    text = visible_text(run(tmp_path, "en", "abc", example="abc").report.read_text("utf-8"))
    assert "266" in text
    assert "Technical support" in text
    assert "Prob(" not in text


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("study", ["servqual", "kiosk"])
def test_reports_pass_the_browser(study, language, request):
    report = request.getfixturevalue(study)[language].report
    assert report.stat().st_size < 700_000
    assert faults(check_page(report), language) == []
