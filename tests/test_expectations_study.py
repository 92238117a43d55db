"""The study of expectations end to end: on the example, on real answers, and where parts lack."""

from pathlib import Path

import pytest

import servlab as sl
from tests.test_model_studies import run
from tests.test_quality_study import CHINESE, visible_text

CODEBOOKS = Path(__file__).resolve().parent / "codebooks"
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory, shared_data):
    return run(
        tmp_path_factory.mktemp("expectations"),
        "expectations",
        "en",
        data=shared_data / "kiosk" / "kiosk_servqual.csv",
        codebook=CODEBOOKS / "kiosk.toml",
    )


def test_the_example_in_chinese_is_one_offline_file(tmp_path):
    page = run(tmp_path, "expectations", "zh").report.read_text(encoding="utf-8")
    text = visible_text(page)
    assert len(page.encode()) < 700_000
    assert CHINESE.search(text)
    for words in ("Traceback", "NaN", "nan", "DataFrame"):
        assert words not in text
    assert "这些差距能否报告？" in text
    assert "响应面" in text


@pytest.mark.shared_data
def test_kiosk_report_holds_the_licence_before_every_gap_and_the_surface(kiosk):
    text = visible_text(kiosk.report.read_text(encoding="utf-8"))
    assert text.index("should not be reported alone") < text.index("Customers rate the service")
    for figure in (".316", ".206", "F(4, 201) = 8.08", "54 %", "14, 15, 16"):
        assert figure in text, figure
    assert "Are expectation and perception on one scale?" in text


def test_a_survey_without_expectations_is_refused_by_name(tmp_path):
    notebook = Path(__file__).resolve().parents[1] / "notebooks" / "expectations.ipynb"
    result = sl.run_study(notebook, {"example": "abc"}, out=tmp_path, name="abc", language="en")
    assert result.status == "failed"
    assert "so expectation is missing" in result.failures[0].error
