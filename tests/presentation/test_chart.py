import re

import matplotlib as mpl
import pytest

from servlab.core.errors import FontWarning, ModelError
from servlab.presentation.chart import (
    ACCENT,
    BAD,
    INK,
    PAGE,
    diverging,
    draw_chart,
    text_on,
    text_width,
    wrap_label,
)
from servlab.presentation.html import write_block

LABELS = ["可靠性 & $5", "키오스크 <b>", "Café “x”"]


def paint(figure, narrow):
    axes = figure.subplots()
    axes.barh(LABELS, [1, -2.25, 3], color=[ACCENT, BAD, diverging(5)[0]])
    axes.text(0.5, 0, "$x$ narrow" if narrow else "$x$ wide", color=text_on(ACCENT), weight=600)
    axes.grid(axis="x")


def draw(painter=paint, **changes):
    words = {"caption": "Gaps", "alt": 'Three bars, "x" < 3', "language": "en", "height": 200}
    return draw_chart(painter, **(words | changes))


@pytest.fixture(scope="module")
def chart():
    return draw()


def test_labels_stay_text_as_they_were_written(chart):
    drawn = re.findall(r">([^<]+)</text>", chart.svg)
    for label in ("可靠性 &amp; $5", "키오스크 &lt;b&gt;", "Café “x”", "$x$ wide"):
        assert label in drawn
    assert "$x$ narrow" in chart.narrow_svg


def test_our_colours_become_variables_that_fall_back_to_the_light_page(chart):
    assert f"var(--accent, {ACCENT})" in chart.svg
    assert "var(--d0, " in chart.svg
    loose = re.findall(r"(?<!, )#[0-9a-f]{6}\b", chart.svg)
    assert not loose


def test_nothing_of_the_clock_the_machine_or_the_program_is_left(chart):
    assert not re.search(
        r"<metadata|<!--|<style|<\?xml|DOCTYPE|font-family|xlink|https?:", chart.svg
    )


def test_the_same_chart_twice_is_the_same_text(chart):
    again = draw()
    assert (again.svg, again.narrow_svg) == (chart.svg, chart.narrow_svg)


def test_ids_of_two_charts_do_not_clash(chart):
    other = draw(alt="Another one")
    ids = [
        set(re.findall(r' id="([^"]+)"', svg)) for svg in (chart.svg, other.svg, chart.narrow_svg)
    ]
    assert all(ids)
    assert not ids[0] & (ids[1] | ids[2])
    assert set(re.findall(r"url\(#([^)]+)\)", chart.svg)) == ids[0]


def test_the_alt_text_is_escaped_into_the_drawing(chart):
    assert 'role="img" aria-label="Three bars, &#34;x&#34; &lt; 3"' in chart.svg


def test_a_figure_holds_both_drawings_and_its_number(chart):
    written = str(write_block(chart.block(), number="Figure 2"))
    assert "<figcaption><b>Figure 2.</b> Gaps</figcaption>" in written
    assert written.count("<svg") == 2


def test_a_notebook_gets_the_font_and_a_run_does_not(chart, monkeypatch):
    monkeypatch.delenv("SERVLAB_RUN", raising=False)
    assert "@font-face" in chart._repr_mimebundle_()["text/html"]
    monkeypatch.setenv("SERVLAB_RUN", "1")
    assert "@font-face" not in chart._repr_mimebundle_()["text/html"]


def test_the_users_own_settings_are_left_alone():
    before = dict(mpl.rcParams)
    draw()
    assert dict(mpl.rcParams) == before


def test_a_label_that_no_font_covers_warns_and_names_the_character():
    def thai(figure, narrow):
        figure.subplots().set_title("\u0e01")

    with pytest.warns(FontWarning, match=r"U\+0E01"):
        draw(thai)


def test_charts_of_seaborn_are_drawn_without_a_word_on_the_console(capfd):
    import pandas as pd
    import seaborn as sns

    def bars(figure, narrow):
        sns.barplot(
            pd.DataFrame({"x": [1, 2], "y": ["可靠性", "A"]}), x="x", y="y", ax=figure.subplots()
        )

    draw(bars)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("empty", ["caption", "alt"])
def test_a_chart_without_words_is_refused(empty):
    with pytest.raises(ModelError, match="needs a caption and an alt text"):
        draw(**{empty: " "})


@pytest.mark.parametrize("n", range(2, 12))
def test_diverging_scales_are_symmetric_and_distinct(n):
    colours, scale = diverging(n), diverging(11)
    places = [scale.index(colour) for colour in colours]
    assert places == sorted(set(places))
    assert [10 - place for place in reversed(places)] == places
    assert len(colours) == n


def test_a_scale_beyond_eleven_points_is_refused():
    with pytest.raises(ModelError, match="2 to 11 colours; got 12"):
        diverging(12)


def test_text_on_a_colour_has_a_variable_of_its_own():
    assert text_on(diverging(11)[0]) not in (INK, PAGE)
    assert text_on(ACCENT) == PAGE


def test_labels_wrap_between_words_and_between_chinese_characters():
    assert wrap_label("Ease of payment", 9) == "Ease of\npayment"
    assert wrap_label("可靠性与响应性", 8) == "可靠性与\n响应性"
    assert wrap_label("키오스크 사용", 9) == "키오스크\n사용"
    for width in (4, 7, 12):
        for label in ("supercalifragilistic word", "服务质量 kiosk 研究"):
            lines = wrap_label(label, width).split("\n")
            assert max(map(text_width, lines)) <= width
            assert "".join(lines).replace(" ", "") == label.replace(" ", "")
