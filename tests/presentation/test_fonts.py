import base64
import io
import re

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


def test_the_page_carries_wide_characters_apart_from_latin_ones():
    rules = font_face("服务 ab “x”")
    assert rules.count("@font-face") == 2
    latin, wide = (
        set(map(chr, TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()))
        for data in re.findall(r"base64,([^\"]+)", rules)
    )
    assert (latin, wide) == (set(" abx“”"), set("服务"))
    assert "unicode-range" in rules.split("@font-face")[2]


def test_quotes_of_a_chinese_page_are_as_wide_as_its_characters():
    (_, wide) = re.findall(r"base64,([^\"]+)", font_face("服务a“x”", language="zh"))
    assert "“" in set(map(chr, TTFont(io.BytesIO(base64.b64decode(wide))).getBestCmap()))


def test_nothing_is_carried_for_nothing():
    assert font_face("") == ""
