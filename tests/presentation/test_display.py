from dataclasses import replace

import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.presentation.display import (
    Card,
    Cover,
    DefinitionList,
    Flow,
    KeyFigures,
    Note,
    Prose,
    Section,
    Step,
)
from servlab.presentation.html import BLOCK_MIME, write_block

PIECES = [
    Cover("Title", lede="A lede", chips=["x"], kicker="k"),
    Section("Gaps", "gaps"),
    Prose(["One.", "", "**Two.**"]),
    KeyFigures([Card("Gap", "−1.10", "per item", "bad")], "zh"),
    Note("Take care.", "warning", "en"),
    Flow([Step("211 answered", "start"), Step("207 used", "used")], "en"),
    DefinitionList([("alpha", "Cronbach's **alpha**")]),
]


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: type(piece).__name__)
def test_every_piece_has_html_plain_text_and_a_block(piece):
    bundle = piece._repr_mimebundle_()
    assert bundle["text/plain"].strip()
    assert "**" not in bundle["text/plain"]
    assert str(write_block(bundle[BLOCK_MIME])) in bundle["text/html"]


def test_key_figures_and_notes_are_named_in_their_language():
    assert 'aria-label="关键数字"' in str(write_block(PIECES[3].block()))
    assert "<b>请谨慎解读。</b>" in str(write_block(Note("x", language="zh").block()))


def test_empty_paragraphs_fall_out():
    assert PIECES[2].paragraphs == ("One.", "**Two.**")
    assert Prose("one").paragraphs == ("one",)


@pytest.mark.parametrize("anchor", ["Gaps", "1a", "a b", "", '"><script>'])
def test_an_anchor_is_plain(anchor):
    with pytest.raises(ModelError, match="anchor must be lower-case letters"):
        Section("Gaps", anchor)


def test_a_note_of_an_unknown_kind_is_refused():
    with pytest.raises(ModelError, match="kind must be one of 'warning', 'info', 'limit'"):
        Note("x", "danger")


@pytest.mark.parametrize(("language", "words"), [("en", "Example survey"), ("zh", "示例问卷")])
@pytest.mark.parametrize("name", ["servqual", "abc"])
def test_the_cover_of_an_example_says_so_whatever_its_title(name, language, words):
    survey = sl.load_example(name)
    cover = sl.cover(survey, title="My bank 2026", wave="2026-1", language=language)
    assert cover.chips[0] == words
    own = replace(survey, provenance=replace(survey.provenance, example=False))
    assert words not in sl.cover(own, language=language).chips
