"""A report as a reader's browser shows it, checked in headless Chromium.

The report here is a sample that holds one of everything, in both languages, with Chinese,
Korean and accented labels and a respondent's attempt at a script. What Chromium and axe-core
find is printed by ``browser/check.mjs``.
"""

import os
from pathlib import Path

import pytest

from tests.browser_tools import SMALLEST_TEXT, check_page, faults
from tests.sample_report import NARROW_TEXT, sample_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=["en", "zh"])
def found(request, tmp_path_factory):
    """What the browser finds on the sample report in one language."""
    folder = tmp_path_factory.mktemp("report")
    page = folder / "report.html"
    page.write_text(sample_report(request.param), encoding="utf-8")
    kept = os.environ.get("SERVLAB_SCREENSHOTS")
    return check_page(page, Path(kept) / request.param if kept else None) | {
        "language": request.param
    }


def test_the_page_asks_no_host_for_anything_and_runs_no_script(found):
    assert found["requests"] == []
    assert found["scripts"] == 0
    assert found["problems"] == []


def test_axe_finds_nothing_serious_on_any_screen_in_light_and_dark(found):
    assert {name: view["axe"] for name, view in found["views"].items() if view["axe"]} == {}


def test_the_page_declares_its_language(found):
    assert found["lang"] == {"en": "en", "zh": "zh-CN"}[found["language"]]


def test_the_page_never_scrolls_sideways(found):
    for name, view in found["views"].items():
        assert view["scrollWidth"] <= view["width"], name


def test_every_text_of_every_chart_is_drawn_by_a_font_the_page_carries(found):
    for screen in ("fonts", "fontsNarrow"):
        assert found[screen]["checked"] > 10
        assert found[screen]["foreign"] == []


def test_the_check_sees_text_that_no_carried_font_draws(tmp_path):
    page = tmp_path / "boxes.html"
    page.write_text(
        "<!doctype html><title>t</title><svg viewBox='0 0 9 9'><text>키</text></svg><p>差距</p>",
        encoding="utf-8",
    )
    drawn = check_page(page)
    assert [entry["text"] for entry in drawn["fonts"]["foreign"]] == ["키", "差距"]


def test_chart_texts_are_large_enough_and_neither_cut_nor_on_each_other(found):
    for name, view in found["views"].items():
        assert view["smallestChartText"] >= SMALLEST_TEXT, name
        assert (view["cut"], view["overlapping"]) == ([], []), name


def test_charts_have_names_and_captions_have_numbers_in_order(found):
    assert all(chart["role"] == "img" and chart["name"] for chart in found["charts"])
    word = {"en": "Figure 1.", "zh": "图 1"}[found["language"]]
    assert [c for c in found["captions"] if c.startswith(word)]


def test_a_respondents_script_is_text(found):
    assert "<script>alert(1)</script>" in found["text"]


def test_phones_get_the_narrow_drawing(found):
    assert NARROW_TEXT[found["language"]] in found["narrowTexts"]
    assert NARROW_TEXT[found["language"]] not in found["wideTexts"]


def test_the_summary_of_faults_is_empty_for_a_sound_page_and_names_what_is_wrong(found):
    assert faults(found, found["language"]) == []
    broken = found | {"lang": "fr", "requests": ["https://example.org/x"]}
    assert faults(broken, "en")[0] == "asks for https://example.org/x"
    assert "lang is fr" in faults(broken, "en")
