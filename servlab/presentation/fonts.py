"""Which characters can the report draw wherever it is read, and with what font file?

A report carries its own font: Noto Sans CJK (SIL Open Font License 1.1, from the package
``manimgx-fonts-cjk``), cut down to the characters that the report shows. It covers Latin,
Greek, Cyrillic, Chinese, Japanese and Korean; what it lacks is named, never drawn as a box in
silence.
"""

import base64
import io
import unicodedata
import warnings
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from servlab.core.errors import FontWarning, ServlabError
from servlab.data.schema import Language

# Two families in our stylesheets. Wide characters have one of their own, limited to their ranges,
# so that a page can name it before the reader's own fonts: Chromium draws boxes in the first
# lines of a page whose web font stands after a system font that lacks the characters.
LATIN, WIDE = "servlab-latin", "servlab-wide"
_WIDE_RANGES = (
    (0x1100, 0x11FF), (0x2E80, 0xA4CF), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF),
    (0xFE30, 0xFE4F), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF),
)  # fmt: skip
# Dashes, quotes and dots that Chinese sets as wide as its characters.
_WIDE_IN_CHINESE = ((0x2014, 0x2014), (0x2018, 0x201D), (0x2026, 0x2026))
# The face of the collection with mainland Chinese forms; its Korean and Japanese are complete.
_FACE = 2
# Tables for vertical writing and for shaping that horizontal labels do not use.
_UNUSED = ["VORG", "vmtx", "vhea", "BASE", "VVAR", "GSUB", "GPOS", "GDEF", "STAT", "DSIG", "MVAR"]


def font_path() -> Path:
    """Return the path of the font collection inside the installed package.

    Raises
    ------
    ServlabError
        When the package is not installed.
    """
    spec = find_spec("manimgx_fonts_cjk")
    if spec is None or spec.origin is None:
        raise ServlabError(
            "the package manimgx-fonts-cjk, which holds the report's font, is not installed; "
            "install servlab with its requirements.lock."
        )
    return Path(spec.origin).with_name("NotoSansCJK-VF.otf.ttc")


def subset_font(characters: Iterable[str]) -> bytes:
    """Return a variable WOFF2 font of weights 100 to 900 with the given characters only.

    Parameters
    ----------
    characters : iterable of str
        A text or a set of characters; those that the font lacks are left out.

    Notes
    -----
    The same characters give the same bytes: the font keeps its own time stamp. Cutting takes
    about a second, most of it reading the font's tables, so that one cut for a whole report is
    far cheaper than one for each chart.
    """
    return _subset("".join(sorted({c for text in characters for c in text} & _drawable())))


def font_face(characters: Iterable[str], *, language: Language = "en") -> str:
    """Return CSS rules that carry the font for the given characters: one of Latin, one of wide.

    Parameters
    ----------
    characters : iterable of str
        What is drawn.
    language : {'en', 'zh'}
        In Chinese, quotes and dashes are as wide as characters.
    """
    ranges = _WIDE_RANGES + (_WIDE_IN_CHINESE if language == "zh" else ())
    drawn = {c for text in characters for c in text} & _drawable()
    wide = {c for c in drawn if any(low <= ord(c) <= high for low, high in ranges)}
    limits = ",".join(f"U+{low:X}-{high:X}" for low, high in ranges)
    return _rule(LATIN, drawn - wide, "", drawn) + _rule(WIDE, wide, limits, drawn)


def _rule(family: str, characters: set[str], ranges: str, drawn: set[str]) -> str:
    """Return the rule of one family, cut out of the font of all characters drawn."""
    if not characters:
        return ""
    font = _subset("".join(sorted(characters)), _subset("".join(sorted(drawn))))
    encoded = base64.b64encode(font).decode("ascii")
    limit = f"unicode-range:{ranges};" if ranges else ""
    return (
        f'@font-face{{font-family:"{family}";font-weight:100 900;{limit}'
        f'src:url("data:font/woff2;base64,{encoded}") format("woff2")}}'
    )


def uncovered(characters: Iterable[str]) -> set[str]:
    """Return the characters that the font cannot draw; spaces and controls need no drawing.

    Examples
    --------
    >>> sorted(uncovered("服务 키오스크 é −"))
    []
    >>> uncovered("ok \N{THAI CHARACTER KO KAI}") == {"\N{THAI CHARACTER KO KAI}"}
    True
    """
    wanted = {c for text in characters for c in text}
    return {c for c in wanted - _drawable() if not _is_blank(c)}


def named(characters: Iterable[str]) -> str:
    """Return characters by code point and name, in order.

    Examples
    --------
    >>> named({"\N{THAI CHARACTER KO KAI}"})
    'U+0E01 (THAI CHARACTER KO KAI)'
    """
    return ", ".join(
        f"U+{ord(c):04X} ({unicodedata.name(c, 'unnamed')})" for c in sorted(characters)
    )


def warn_uncovered(characters: Iterable[str]) -> None:
    """Give a ``FontWarning`` that names the characters the font cannot draw, if there are any."""
    missing = uncovered(characters)
    if missing:
        warnings.warn(
            f"the report's font has no glyph for {named(missing)}; readers see it only if their "
            "own machine has one. Write these labels with other characters.",
            FontWarning,
            stacklevel=3,
        )


def _is_blank(character: str) -> bool:
    """Tell whether a character is a space, a control, a mark of direction or a variation."""
    return unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cc", "Cf"} or (
        "\ufe00" <= character <= "\ufe0f"
    )


@lru_cache(maxsize=1)
def _drawable() -> frozenset[str]:
    """Return the characters the font has a glyph for."""
    from fontTools.ttLib import TTFont

    with TTFont(font_path(), fontNumber=_FACE, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


@lru_cache(maxsize=32)
def _subset(characters: str, source: bytes = b"") -> bytes:
    """Return a font cut to the characters, compressed; the source is a font cut before.

    Cutting the whole font takes a second, cutting a cut one milliseconds.
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options()
    options.layout_features = []
    options.name_IDs = [1, 2]
    options.hinting = False
    options.bidi_closure = False  # no mirrored twins of brackets and signs
    options.notdef_outline = True
    options.drop_tables += _UNUSED
    whole = {"file": font_path(), "fontNumber": _FACE}
    given = {"file": io.BytesIO(source)} if source else whole
    with TTFont(**given, lazy=True, recalcTimestamp=False) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=characters)
        subsetter.subset(font)
        font.flavor = "woff2"
        written = io.BytesIO()
        font.save(written)
    return written.getvalue()
