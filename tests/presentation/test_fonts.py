import io

import pytest
from fontTools.ttLib import TTFont

from servlab.core.errors import FontWarning
from servlab.presentation.fonts import font_face, subset_font, uncovered, warn_uncovered

TEXT = "服务质量 키오스크 サービス é ß − – “x” ≥ χ² α"


def test_the_font_holds_exactly_the_drawn_characters_and_stays_small():
    font = subset_font(TEXT)
    held = set(map(chr, TTFont(io.BytesIO(font)).getBestCmap()))
    assert held == set(TEXT)
    assert len(font) < 12_000


def test_the_font_keeps_its_weights():
    axes = TTFont(io.BytesIO(subset_font("服务")))["fvar"].axes
    assert [(a.axisTag, a.minValue, a.maxValue) for a in axes] == [("wght", 100, 900)]


def test_the_same_characters_in_any_order_give_the_same_bytes():
    from servlab.presentation.fonts import _subset

    first = subset_font("服务 abc")
    _subset.cache_clear()
    assert subset_font(["cba", " 务服"]) == first


def test_no_character_of_chinese_korean_japanese_or_accents_is_uncovered():
    assert uncovered(TEXT + "\u200b\ufe0f\n\t") == set()


def test_a_character_without_a_glyph_is_named():
    with pytest.warns(FontWarning, match=r"U\+0E01 \(THAI CHARACTER KO KAI\)"):
        warn_uncovered("a\u0e01")


def test_the_rule_for_the_page_carries_the_font_itself():
    rule = font_face("服务")
    assert rule.startswith(
        '@font-face{font-family:"servlab-sans";font-weight:100 900;src:url("data:'
    )
