"""The page itself, as text; tests/test_browser.py looks at it in a browser."""

import base64
import re

import nbformat
import pytest

from servlab.presentation.display import Cover, Prose, Section
from servlab.presentation.fonts import _subset
from servlab.studies import report
from servlab.studies.report import build_report
from tests.sample_report import EN, ZH, _cell, _output, executed, manifest, sample_report

output = nbformat.v4.new_output


@pytest.fixture(scope="module")
def english():
    return sample_report("en")


@pytest.fixture(scope="module")
def chinese():
    return sample_report("zh")


@pytest.fixture(autouse=True)
def _no_font(monkeypatch):
    """Cutting a font takes a second; the two whole samples above are made with theirs."""
    monkeypatch.setattr(report, "font_face", lambda *_texts, **_options: "")


def build(*cells, language="en", title=None, **facts):
    facts = {"status": "complete", "failures": [], "notices": []} | facts
    return build_report(
        nbformat.v4.new_notebook(cells=list(cells)),
        language=language,
        title=title,
        manifest=manifest(language, **facts),
    )


def shown(number, mime, data, metadata=None):
    return _cell(number, [output("display_data", data={mime: data}, metadata=metadata or {})])


def text_of(page):
    """Return what a reader sees in one language: no style, no tags, no part in another one."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    body = re.sub(r'<(\w+)[^>]* lang="en"[^>]*>.*?</\1>', "", body)
    return re.sub(r"<[^>]+>", " ", body)


def test_the_page_has_no_script_no_address_and_a_strict_policy(english):
    assert "<script" not in english
    assert not re.search(r"(src|href)=\"(?!#|data:)", english)
    assert not re.search(r"https?://|url\((?!\"data:|#)", english)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:" in english


def test_the_same_run_twice_gives_the_same_bytes(english, monkeypatch):
    monkeypatch.undo()
    _subset.cache_clear()
    assert sample_report("en") == english


def test_building_leaves_the_notebook_as_it_was():
    notebook = executed("en")
    before = nbformat.writes(notebook)
    build_report(notebook, language="en", title=None, manifest=manifest("en"))
    assert nbformat.writes(notebook) == before


def test_a_report_stays_far_under_its_limit(chinese):
    assert len(chinese.encode()) < 300_000


def test_marks_of_charts_share_their_styles(english):
    drawings = re.findall(r"<svg .*?</svg>", english, flags=re.DOTALL)
    assert drawings
    assert not any(" style=" in drawing for drawing in drawings)
    used = set(re.findall(r'class="(k\d+)"', "".join(drawings)))
    assert used == set(re.findall(r"\.servlab \.(k\d+)\{", english))


def test_the_page_says_its_language(english, chinese):
    assert '<html lang="en"' in english
    assert '<html lang="zh-CN"' in chinese


def test_nothing_of_ours_is_left_in_the_other_language(chinese):
    # what is left in Latin letters came from the run: names of files, parameters and packages
    words = set(re.findall(r"[A-Za-z]{3,}", text_of(chinese)))
    ours = {word for word in words if len(set(word)) > 2}
    assert ours <= {
        "SERVQUAL", "Caf", "script", "alert", "Qué", "Qu", "Heywood", "kiosk", "sav", "sha",
        "quality_study", "quality", "study", "ipynb", "data", "factors", "auto", "group", "title",
        "servlab", "python", "numpy", "Noto", "Sans", "CJK", "SIL", "lt", "amp",
    }  # fmt: skip


def test_code_stays_hidden(english):
    assert "secret_source_code" not in english


def test_only_markdown_tagged_with_the_language_is_shown(english, chinese):
    assert "Only English" in english
    assert "中文说明" not in english
    assert "中文说明" in chinese
    assert "Only English" not in chinese
    assert "A comment for the lab" not in english + chinese
    assert "¶" not in english
    assert english.count("<h1") == 1


def test_figures_and_tables_are_numbered_in_order(english, chinese):
    assert re.findall(r"<b>((?:Figure|Table) \d\.)</b>", english) == [
        "Figure 1.", "Table 1.", "Figure 2.",
    ]  # fmt: skip
    assert re.findall(r"<b>((?:图|表) \d)</b>", chinese) == ["图 1", "表 1", "图 2"]


def test_the_contents_list_the_sections_and_every_link_arrives(english):
    titles = [EN[name] for name in ("summary", "gaps", "scale", "drivers")]
    listed = re.findall(r'<a href="#[^"]+">([^<]+)</a></li>', english)
    assert listed[: len(listed) // 2] == listed[len(listed) // 2 :]
    assert listed[:4] == titles
    ids = re.findall(r' id="([^"]+)"', english)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', english)) <= set(ids)


def test_sections_of_the_same_anchor_get_their_own():
    page = build(_cell(1, [_output(Section("A", "gaps")), _output(Section("B", "gaps"))]))
    assert '<h2 id="gaps">A</h2>' in page
    assert '<h2 id="gaps-2">B</h2>' in page


def test_an_author_cannot_take_the_anchors_of_the_page():
    page = build(_cell(1, [_output(Section("A", "content"))]))
    assert '<h2 id="content-2">A</h2>' in page


def test_a_failed_cell_leaves_a_banner_and_the_head_says_so(english, chinese):
    assert "This report is incomplete." in english
    assert "Cell 6 stopped with an error:" in english
    assert '<code lang="en">ModelError: item &#39;x&#39; is constant.</code>' in english
    assert "第6个单元格因错误停止" in chinese


def test_skipped_cells_of_a_section_share_one_banner(english):
    assert english.count("It needs what cell 6 would have made") == 1


def test_cells_that_were_not_reached_say_so():
    assert "The study stopped before it." in build(_cell(1, [], status="not_run"))


def test_a_failure_outside_the_cells_stands_at_the_head():
    failures = [{"cell": 0, "section": "results", "error": "StudyError: 'gap' recorded twice."}]
    page = build(_cell(1, []), status="failed", failures=failures)
    assert "The study stopped with an error:" in page
    assert "&#39;gap&#39; recorded twice." in page


def test_a_complete_report_has_no_banner():
    page = build(_cell(1, [_output(Prose("x"))]))
    assert "incomplete" not in text_of(page)


def test_warnings_are_worded_for_the_reader_with_the_programs_own_words(english, chinese):
    assert "<b>A unique variance is at its bound (Heywood case).</b>" in english
    assert '<span lang="en">item 7 at its bound.</span>' in english
    assert "Heywood 情形" in chinese
    assert '<a href="#computation-warnings">1 warning of the computation</a>' in english


def test_a_warning_of_a_library_has_a_name_too():
    page = build(notices=[{"category": "FutureWarning", "message": "<b>x</b>", "cell": 1}])
    assert "A warning of a library" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_every_warning_of_ours_is_worded():
    from servlab.core import errors
    from servlab.presentation.messages import message

    for name, kind in vars(errors).items():
        if isinstance(kind, type) and errors.ServlabWarning in kind.__mro__[1:]:
            assert message(f"report.notice_{name}", "zh")


def test_the_end_matter_names_files_hashes_parameters_and_versions(english, chinese):
    for page in (english, chinese):
        assert f"sha256 {'ab' * 32}" in page
        assert f"sha256 {'cd' * 32}" in page
        assert "<code>n_factors</code> = auto" in page
        assert "<code>title</code> = &lt;i&gt;" in page
        assert "numpy 2.4.6" in page
    assert "<code>group</code> = not set" in english
    assert "<code>group</code> = 未设置" in chinese


def test_the_title_comes_from_the_caller_else_the_cover_else_the_study():
    cover = _cell(1, [_output(Cover("From the cover"))])
    assert "<title>Given</title>" in build(cover, title="Given")
    assert "<h1>Given</h1>" in build(cover, title="Given")
    assert "<title>From the cover</title>" in build(cover)
    assert "<title>quality_study</title>" in build()


def test_what_respondents_wrote_stays_text(english):
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in english
    assert "<i>a</i>" not in english


def test_html_of_others_is_cleaned_and_its_scroll_area_named():
    page = build(shown(1, "text/html", "<table><tr><td onclick='x()'>1</td></tr></table>"))
    assert "onclick" not in page
    assert 'role="region" aria-label="Output of cell 1"' in page


def test_pictures_of_others_are_numbered_and_described():
    png = base64.b64encode(b"png").decode()
    page = build(
        shown(1, "image/png", png, {"image/png": {"alt": "Two <lines>"}}),
        shown(2, "image/svg+xml", "<svg><script>x</script></svg>"),
    )
    assert '<b>Figure 1.</b> Two &lt;lines&gt;</figcaption><img src="data:image/png' in page
    assert "<b>Figure 2.</b> Picture of cell 2; its author gave no description." in page
    assert "<script" not in page


def test_text_output_and_prints_are_shown_but_empty_outputs_are_not():
    page = build(
        shown(1, "text/plain", "a < b"),
        _cell(2, [output("stream", name="stdout", text="printed")]),
        _cell(3, [output("stream", name="stderr", text="noise")]),
        _cell(4, [output("display_data", data={})]),
        shown(5, "text/markdown", "**bold**"),
    )
    assert ">a &lt; b</pre>" in page
    assert ">printed</pre>" in page
    assert "noise" not in page
    assert "<strong>bold</strong>" in page


def test_a_character_without_a_glyph_is_named_at_the_end():
    page = build(_cell(1, [_output(Prose("\u0e01"))]))
    assert "U+0E01 (THAI CHARACTER KO KAI)" in page


def test_the_font_covers_every_character_of_the_page(chinese):
    import io

    from fontTools.ttLib import TTFont

    held = set()
    for data in re.findall(r"data:font/woff2;base64,([^\"]+)", chinese):
        held |= set(map(chr, TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()))
    drawn = set("".join(ZH["labels"]) + ZH["title"] + ZH["note"] + "关于本报告")
    assert drawn <= held
