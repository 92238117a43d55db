"""Labels and sizes that all charts of rows share, and what holds for every chart."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.presentation.chart import text_width
from servlab.presentation.plots import (
    plot_drivers,
    plot_expectation_perception,
    plot_gaps,
    plot_groups,
    plot_importance_performance,
    plot_likert,
    plot_likert_by,
    plot_loadings,
    plot_scree,
    plot_zone,
)
from servlab.presentation.plots.rows import Row, mark_y, plan_rows, shorten
from tests.presentation.drawn import drawn, texts
from tests.presentation.results import results, survey

KOREAN = "23 23-1. 키오스크는 정확하고 빠른 터치기능을 제공해야한다. (기대 설문) 그리고 더 있다"
EVERY = {
    "gaps": lambda **o: plot_gaps(results()["gaps"], **o),
    "gaps by item": lambda **o: plot_gaps(results()["gaps"], level="item", **o),
    "pairs": lambda **o: plot_expectation_perception(results()["gaps"], **o),
    "zone": lambda **o: plot_zone(results()["zone"], **o),
    "likert": lambda **o: plot_likert(results()["items"], **o),
    "likert by": lambda **o: plot_likert_by(survey(), "perception", by="branch", **o),
    "scree": lambda **o: plot_scree(results()["parallel"], **o),
    "loadings": lambda **o: plot_loadings(results()["efa"], **o),
    "drivers": lambda **o: plot_drivers(results()["regression"], survey=survey(), **o),
    "importance": lambda **o: plot_importance_performance(
        results()["derived"], survey=survey(), **o
    ),
    "groups": lambda **o: plot_groups(results()["groups"], survey=survey(), **o),
}


@given(
    st.text(alphabet="ab 키오스크可靠性-.()", max_size=90), st.integers(6, 40), st.integers(1, 3)
)
@settings(max_examples=150, deadline=None)
def test_shortened_labels_keep_to_their_lines_and_width(text, width, lines):
    short = shorten(text, width, lines)
    assert 1 <= len(short) <= lines
    assert all(text_width(line) <= width for line in short)
    whole = "".join(text.split())
    kept = "".join("".join(short).split())
    assert whole == kept or (kept.endswith("…") and whole.startswith(kept[:-1]))


def test_a_long_korean_question_keeps_its_code():
    assert shorten(KOREAN, 16, 1) == ("23 23-1. 키오스…",)
    assert shorten(KOREAN, 40)[0].startswith("23 23-1.")
    assert shorten(KOREAN, 40)[1].endswith("…")


@pytest.mark.parametrize("narrow", [False, True])
def test_rows_do_not_run_into_each_other(narrow):
    rows = [Row("head", head=True), Row(KOREAN, "−1.98"), Row("short", "+0.01"), Row(KOREAN)]
    plan = plan_rows(rows, narrow, keyed=True)
    assert list(plan.tops) == sorted(plan.tops)
    assert plan.tops[-1] < plan.height
    for place, lines in enumerate(plan.labels):
        room = plan.tops[place + 1] - plan.tops[place]
        assert room >= 17 * len(lines)
        assert plan.tops[place] < mark_y(plan, place) < plan.tops[place + 1]
        if narrow and not rows[place].head:
            assert mark_y(plan, place) - plan.tops[place] >= 17 * len(lines) + 10


@pytest.mark.parametrize("name", list(EVERY))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_chart_has_words_in_one_language_and_a_phone_form(name, language):
    chart, wide, narrow = drawn(EVERY[name], language=language)
    assert chart.caption
    assert chart.alt
    assert chart.narrow_svg != chart.svg
    assert 'viewBox="0 0 340 ' in chart.narrow_svg
    ours = " ".join([chart.caption, chart.alt, *texts(wide), *texts(narrow)])
    if language == "en":
        assert not re.search(r"[\u4e00-\u9fff，。；：（）]", ours)
    else:
        words = set(re.findall(r"[A-Za-z]{2,}", ours))
        labels = {"item", "Satisfaction", "Branch", "north", "south", "west", "oblimin"}
        assert words <= labels | {"Horn"}


@pytest.mark.parametrize("name", list(EVERY))
def test_every_text_stays_inside_a_phone(name):
    _, _, narrow = drawn(EVERY[name])
    renderer = narrow.canvas.get_renderer() if hasattr(narrow.canvas, "get_renderer") else None
    for text in narrow.findobj(lambda a: hasattr(a, "get_text") and a.get_text()):
        if not text.get_visible():
            continue
        box = text.get_window_extent(renderer)
        assert box.x0 > -1, text.get_text()
        assert box.x1 < 341 * narrow.dpi / 72 + 1, text.get_text()
