"""The dossier of a scale end to end: contents, languages, flags, size and bytes of its reports."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import servlab as sl
from tests.browser_tools import check_page, faults
from tests.test_quality_study import CHINESE, visible_text

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "scale_validation.ipynb"
KIOSK = ROOT / "tests" / "codebooks" / "kiosk.toml"
DRAWS = 60  # of the parallel analyses: enough for a stable count, a tenth of the cost
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]


def run(out, language, name, **parameters):
    values = {"language": language, "n_draws": DRAWS, **parameters}
    result = sl.run_study(NOTEBOOK, values, out=out, name=name, language=language)
    assert result.status == "complete", [f.error for f in result.failures]
    return result


def page_of(result) -> str:
    return result.report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def servqual(tmp_path_factory):
    out = tmp_path_factory.mktemp("dossiers")
    return {language: run(out, language, "servqual") for language in ("en", "zh")}


@pytest.fixture(scope="module")
def heywood(tmp_path_factory, shared_data):
    """The six factors of the kiosk's expectations by maximum likelihood: item 02 at its bound."""
    return run(
        tmp_path_factory.mktemp("dossiers"),
        "zh",
        "kiosk",
        data=shared_data / "kiosk" / "kiosk_servqual.csv",
        codebook=KIOSK,
        battery="expectation",
        extraction="ml",
        n_factors=6,
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_dossier_is_one_small_offline_file_in_its_language(servqual, language):
    page = page_of(servqual[language])
    assert len(page.encode()) < 700_000
    assert f'lang="{"en" if language == "en" else "zh-CN"}"' in page
    assert "<script" not in page
    assert "Glyph" not in page
    assert not re.search(r'(src|href)="https?:', page)
    assert str(ROOT) not in page
    for words in ("Traceback", "NaN", "DataFrame", "nan"):
        assert words not in visible_text(page)


def test_each_dossier_speaks_its_own_language(servqual):
    english, chinese = (visible_text(page_of(servqual[lang])) for lang in ("en", "zh"))
    assert not CHINESE.search(english.replace("中文", ""))
    sentences = re.findall(r"(?:\b[a-z]+\b[ ,]+){5,}", chinese)
    assert [s for s in sentences if "Journal" not in s and "checked" not in s] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_table_stands_on_a_standard(servqual, language):
    notes = re.findall(r'<p class="tablenote">(.*?)</p>', page_of(servqual[language]), re.DOTALL)
    assert len(notes) >= 20
    lead = r"Standards?: " if language == "en" else "判断标准："
    assert [note for note in notes if not re.search(lead, note)] == []


def test_the_dossier_has_every_part_that_a_thesis_asks_for(servqual):
    page = page_of(servqual["en"])
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    wanted = ("Summary", "Who answered", "Answers to look at twice", "The answers, item by item",
              "Item analysis", "Are the data fit for a factor analysis?", "Number of factors",
              "Exploratory factor analysis", "Reliability", "Which items stay",
              "What remains exploratory", "Measurement properties (COSMIN)", "Methods")  # fmt: skip
    assert [name for name in wanted if name not in headings] == []
    text = visible_text(page)
    parts = ("Critical ratio", "Bartlett", "Mardia", "MAP 2000", "Structure: correlations",
             "Complexity", "residual", "Categorical omega", "Omega hierarchical", "lambda 2",
             "Split half", "Tucker", "outside the data", "second program")  # fmt: skip
    assert [words for words in parts if words not in text] == []


def test_recorded_results_are_the_functions_own(servqual):
    frame = pd.read_parquet(servqual["en"].folder / "results.parquet")
    survey = sl.load_example("servqual")
    kmo = frame.query("result == 'kmo' and part == 'glance'")["msa_kaiser"].iloc[0]
    assert kmo == pytest.approx(sl.kmo(survey.items("perception")).overall, abs=1e-12)
    decided = frame.query("result == 'item_decisions' and part == 'tidy'")["decision"]
    assert set(decided) <= {"keep", "look", "drop"}
    names = set(json.loads((servqual["en"].folder / "results.json").read_text("utf-8"))["results"])
    assert {"item_analysis", "kmo", "bartlett", "mardia", "factor_count", "efa", "reliability",
            "omega", "item_decisions", "replication", "cosmin"} <= names  # fmt: skip


def test_two_runs_give_the_same_bytes(servqual, tmp_path):
    again = run(tmp_path, "zh", "servqual")
    assert again.report.read_bytes() == servqual["zh"].report.read_bytes()


def test_warnings_reach_a_chinese_report_in_chinese(servqual):
    page = page_of(servqual["zh"])
    assert "依赖正态曲线的假定" in page
    assert "lean on the normal curve" not in page


@pytest.mark.shared_data
def test_a_heywood_case_is_flagged_wherever_the_solution_is_shown(heywood):
    page = page_of(heywood)
    summary = page[page.index('id="summary"') : page.index('id="who"')]
    structure = page[page.index('id="structure"') : page.index('id="reliability"')]
    for part in (summary, structure):
        panel = re.search(r'<div class="note warning".*?</div>', part, re.DOTALL)[0]
        assert "Heywood" in panel
        assert "02" in panel
    figure = re.search(r"<figcaption>.*?</figcaption>", structure, re.DOTALL)[0]
    assert "Heywood" in figure
    notes = re.findall(r'<p class="tablenote">(.*?)</p>', structure, re.DOTALL)
    assert sum("Heywood" in note for note in notes) >= 6
    assert any(n.category == "HeywoodWarning" and "02" in n.message for n in heywood.notices)
    row = re.search(r"结构效度</th>.*?</tr>", page, re.DOTALL)[0]
    assert re.findall(r"<td[^>]*>(.*?)</td>", row)[-1] == "−"  # COSMIN: insufficient


@pytest.mark.shared_data
def test_an_uncertain_solution_is_no_sound_scale(heywood):
    text = visible_text(page_of(heywood))
    assert "不得解读" in text
    assert "未显示" not in text[text.index("摘要") : text.index("样本")]


def test_polychoric_correlations_serve_every_step_that_may_use_them(tmp_path):
    result = run(tmp_path, "en", "abc", example="abc", kind="polychoric", n_draws=10)
    text = visible_text(page_of(result))
    assert "rest on polychoric correlations" in text
    assert "Bartlett's test of sphericity" not in text
    assert "assume normal answers and are not valid tests" in text
    assert "describe latent responses" in text
    assert "Only 145 of 266 respondents answered every item" in text


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_dossiers_pass_the_browser(servqual, language):
    assert faults(check_page(servqual[language].report), language) == []


@pytest.mark.browser
@pytest.mark.shared_data
def test_the_dossier_of_a_heywood_case_passes_the_browser(heywood):
    assert faults(check_page(heywood.report), "zh") == []
