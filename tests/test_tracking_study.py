"""The study of waves runs on the example and on a real airport, in both languages."""

from pathlib import Path

import pytest

import servlab as sl
from tests.test_quality_study import CHINESE, visible_text

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "tests" / "codebooks" / "sfo_waves.toml"
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]


def run(out, language, **parameters):
    result = sl.run_study(
        ROOT / "notebooks" / "tracking.ipynb",
        {"language": language, **parameters},
        out=out,
        name="tracking",
        language=language,
    )
    assert result.status == "complete", [f.error for f in result.failures]
    return result, visible_text(result.report.read_text(encoding="utf-8"))


def test_the_example_runs_in_english(tmp_path):
    result, text = run(tmp_path, "en")
    for words in ("Measurement invariance over", "Change since 2024-2", "At a fixed mix",
                  "Limits from earlier waves", "Change of gap item by item"):  # fmt: skip
        assert words in text
    assert not CHINESE.search(text.replace("中文", ""))
    assert "nan" not in text.lower().split()
    assert result.results["waves_first"].tidy()["wave"].iloc[-1] == "2025-1"
    assert len(result.results["wave_limits"].tidy())


def test_the_example_runs_in_chinese(tmp_path):
    _, text = run(tmp_path, "zh", method="raking", where=["branch=North", "branch=Centre"])
    for words in ("各期测量不变性", "与2024-2相比的变化", "本工具自定规则", "各题差距的变化"):
        assert words in text


def test_an_airport_is_led_by_what_most_answered(tmp_path, shared_data):
    """Means as printed with the data; 1,645 of 12,398 respondents answered all fourteen items."""
    parameters = {"data": str(shared_data / "sfo"), "codebook": str(BOOK), "weights": "none"}
    result, text = run(tmp_path, "en", **parameters)
    means = result.results["wave_means"].tidy().query("level == 'outcome'")["estimate"]
    assert means.round(3).tolist() == [3.982, 3.996, 4.048, 4.038]
    first = text[text.index("Summary") : text.index("Who answered", text.index("Read with care"))]
    assert "Only 1,645 of 12,398 respondents (13 %) have an overall score" in first
    assert "Airport as a whole, 2016" in first
    assert "a group is absent in a wave" in text


def test_a_wrong_parameter_fails_the_study(tmp_path):
    assert sl.run_study(
        ROOT / "notebooks" / "tracking.ipynb", {"wave_column": "region"}, out=tmp_path
    ).status == "failed"  # fmt: skip
