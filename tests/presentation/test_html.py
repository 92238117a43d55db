import pytest

from servlab.core.errors import ModelError
from servlab.presentation.display import Cover, Prose
from servlab.presentation.foreign import sanitize, svg_image
from servlab.presentation.html import rich_text, standalone, stylesheet, write_block
from servlab.presentation.palette import COLOURS, contrast

EVIL = '<img src=x onerror="alert(1)">'


def test_every_text_of_a_block_is_escaped():
    for block in (
        Cover(EVIL, lede=EVIL, chips=[EVIL], kicker=EVIL).block(),
        Prose([EVIL], form="points").block(),
    ):
        assert "<img" not in str(write_block(block))


def test_bold_is_made_after_escaping():
    assert rich_text("**<b>** & c") == "<b>&lt;b&gt;</b> &amp; c"


def test_an_unknown_block_lists_the_known_kinds():
    with pytest.raises(ModelError, match=r"kind must be one of .*got 'video'"):
        write_block({"kind": "video"})


def test_jupyter_html_carries_both_themes():
    html = standalone(Prose("x").block())
    assert '[data-jp-theme-light="false"] .servlab{--ink:' in html
    assert "/*" not in stylesheet()


def test_definition_lists_undo_the_floats_of_jupyterlab():
    # .jp-OutputArea-output dt{float:left;width:20%} would set a card's label beside its number
    assert ".servlab dl dt,.servlab dl dd{float:none;width:auto}" in stylesheet()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p onclick='x()'>a<script>b</script> &lt; c</p>", "<p>a &lt; c</p>"),
        ("<style>p{}</style><b style='color:red'>x</b>", "<b>x</b>"),
        ("<a href='javascript:x'>x</a><iframe src=y>z</iframe>", "<a>x</a>"),
        ("<img src='http://example.org/a.png'>t", "t"),
        ("<div><p>open", "<div><p>open</p></div>"),
        ("</div>x<br/>y", "x<br>y"),
        ("<svg><script>x</script></svg>y", "y"),
    ],
)
def test_foreign_html_keeps_only_harmless_tags(given, kept):
    assert sanitize(given) == kept


def test_a_foreign_table_gets_scopes_and_a_scroll_area():
    clean = sanitize(
        '<table border="1" class="dataframe"><thead><tr><th></th><th>a</th></tr></thead>'
        "<tbody><tr><th>0</th><td>1</td></tr></tbody></table>"
    )
    assert clean.startswith('<div class="scroll" tabindex="0"><table><thead><tr><td></td>')
    assert '<th scope="col">a</th>' in clean
    assert '<th scope="row">0</th>' in clean


def test_a_foreign_drawing_becomes_a_picture_that_cannot_run():
    picture = svg_image("<svg><script>alert(1)</script></svg>", alt='a "b"')
    assert "<script" not in picture
    assert picture.startswith('<img src="data:image/svg+xml;base64,')
    assert 'alt="a &#34;b&#34;"' in picture


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("name", ["ink", "soft", "accent", "bad", "good"])
def test_text_colours_are_readable_on_page_and_panel(name, theme):
    for ground in ("page", "panel"):
        assert contrast(COLOURS[name][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("step", range(11))
def test_text_on_every_ramp_colour_is_readable(step, theme):
    assert contrast(COLOURS[f"d{step}"][theme], COLOURS[f"on{step}"][theme]) >= 4.5
