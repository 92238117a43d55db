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

FAMILY = "servlab-sans"  # the family's name in our stylesheets
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


def font_face(characters: Iterable[str]) -> str:
    """Return a CSS rule that carries the font for the given characters."""
    font = base64.b64encode(subset_font(characters)).decode("ascii")
    return (
        f'@font-face{{font-family:"{FAMILY}";font-weight:100 900;'
        f'src:url("data:font/woff2;base64,{font}") format("woff2")}}'
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
def _subset(characters: str) -> bytes:
    """Return the font cut to the characters, compressed."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    options = subset.Options()
    options.layout_features = []
    options.name_IDs = [1, 2]
    options.hinting = False
    options.bidi_closure = False  # no mirrored twins of brackets and signs
    options.notdef_outline = True
    options.drop_tables += _UNUSED
    with TTFont(font_path(), fontNumber=_FACE, lazy=True, recalcTimestamp=False) as font:
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=characters)
        subsetter.subset(font)
        font.flavor = "woff2"
        written = io.BytesIO()
        font.save(written)
    return written.getvalue()
