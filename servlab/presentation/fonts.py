"""Fonts that a chart or a report carries, so that no reader sees boxes.

Every character of a chart, and every character of a page that a common system may lack,
is cut out of Noto Sans CJK (SIL Open Font License; a dependency) into a small web font.
What even that font lacks is named by a ``FontWarning``, never hidden.
"""

import base64
import io
import unicodedata
import warnings
from collections.abc import Iterable
from functools import cache

from servlab.core.errors import FontWarning
from servlab.presentation import glyphs
from servlab.presentation.messages import message

FAMILY = "servlab"
REGULAR, BOLD = 400, 700
_UNITS = 1000
_ASCENT, _DESCENT = 880, -120  # the em box of the face: lines keep their height beside other fonts
_EPOCH = 2082844800  # 1970 in the font format's count of seconds: the same bytes every time
_LICENCE = (
    "This Font Software is licensed under the SIL Open Font License, Version 1.1. "
    "A subset of Noto Sans CJK SC."
)


def drawable(text: Iterable[str]) -> list[str]:
    """Return the characters of a text that need a glyph, each once, in order.

    Control and format characters and spaces other than the plain one are left out.

    Examples
    --------
    >>> drawable("gap\\n差距")
    ['a', 'g', 'p', '差', '距']
    """
    skipped = {"Cc", "Cf", "Zl", "Zp", "Mn", "Cs"}
    return sorted(
        character
        for character in set("".join(text))
        if unicodedata.category(character) not in skipped
    )


def missing(text: Iterable[str]) -> list[str]:
    """Return the characters of a text that the carried font lacks.

    Examples
    --------
    >>> missing("服务 키오스크 é"), missing("🙂")
    ([], ['🙂'])
    """
    face = glyphs.face()
    return [character for character in drawable(text) if not face.glyph(character)]


def named(characters: Iterable[str]) -> str:
    """Return characters with their code points, to be shown in a message.

    Examples
    --------
    >>> named("🙂")
    '🙂 (U+1F642)'
    """
    return ", ".join(f"{character} (U+{ord(character):04X})" for character in characters)


def warn_of_missing(text: Iterable[str], where: str) -> list[str]:
    """Warn with ``FontWarning`` of characters the font lacks, and return them."""
    absent = missing(text)
    if absent:
        warnings.warn(
            f"{where} draws characters that no font at hand covers: {named(absent)}; "
            "readers may see boxes. Replace them in the labels.",
            FontWarning,
            stacklevel=3,
        )
    return absent


@cache
def subset(characters: str, weight: int = REGULAR) -> bytes:
    """Return a web font (WOFF2) of the characters that the font has, at one weight.

    The bytes depend on the characters and the weight only.
    """
    face = glyphs.face()
    numbers = {character: face.glyph(character) for character in drawable(characters)}
    numbers = {character: number for character, number in numbers.items() if number}
    order = [0, *sorted(set(numbers.values()))]
    outlines = {_name(glyph): face.charstring(glyph, weight) for glyph in order}
    widths = {_name(glyph): face.advance(glyph, weight) for glyph in order}
    characters_map = {ord(character): _name(number) for character, number in numbers.items()}
    return _build(outlines, widths, characters_map, weight)


def font_face(characters: str, *, bold: str = "", family: str = FAMILY) -> str:
    """Return ``@font-face`` rules that carry the characters; ``bold`` ones in bold too."""
    rules = []
    for text, weight in ((characters, REGULAR), (bold, BOLD)):
        if drawable(text):
            encoded = base64.b64encode(subset("".join(drawable(text)), weight)).decode("ascii")
            rules.append(
                f'@font-face{{font-family:"{family}";font-weight:{weight};'
                f'src:url(data:font/woff2;base64,{encoded}) format("woff2")}}'
            )
    return "".join(rules)


def beyond_latin(text: str) -> bool:
    """Return whether a text holds characters that a computer may have no font for.

    Latin letters with their accents, general punctuation and the common signs of
    mathematics are everywhere; Chinese, Korean and Japanese are not.

    Examples
    --------
    >>> beyond_latin("−1.10 é"), beyond_latin("差距")
    (False, True)
    """
    return any(ord(character) > 0x2E7F for character in text)


@cache
def font_families() -> tuple[str, ...]:
    """Register the font with matplotlib once and return the families to lay charts out with.

    Latin is measured by DejaVu Sans, which is wider than what is drawn, so nothing overlaps;
    Chinese, Korean and Japanese characters are as wide at every weight.
    """
    from matplotlib import font_manager

    path = str(glyphs.font_path())
    font_manager.fontManager.addfont(path)
    added = font_manager.FontProperties(fname=path).get_name()
    return ("DejaVu Sans", added)


def end_matter(absent: Iterable[str], language: str) -> str:
    """Return the sentence for a report's end that names characters without a glyph."""
    listed = named(absent)
    return message("common.missing_glyphs", "zh" if language == "zh" else "en", characters=listed)


def _name(glyph: int) -> str:
    return f"g{glyph:05d}" if glyph else ".notdef"


def _build(
    outlines: dict[str, bytes], widths: dict[str, int], characters: dict[int, str], weight: int
) -> bytes:
    """Assemble a font file from charstrings, advance widths and a character map."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.misc.psCharStrings import T2CharString

    builder = FontBuilder(_UNITS, isTTF=False)
    builder.setupGlyphOrder(list(outlines))
    builder.setupCharacterMap(characters)
    strings = {}
    for name, outline in outlines.items():
        width = b"" if widths[name] == _UNITS else glyphs.operand(widths[name] - _UNITS)
        strings[name] = T2CharString(bytecode=width + outline + bytes([14]))  # endchar
    private = {"defaultWidthX": _UNITS, "nominalWidthX": _UNITS}
    builder.setupCFF(f"{FAMILY}-{weight}", {"FontBBox": [0, -200, 1000, 1000]}, strings, private)
    builder.setupHorizontalMetrics({name: (width, 0) for name, width in widths.items()})
    builder.setupHorizontalHeader(ascent=_ASCENT, descent=_DESCENT)
    builder.setupNameTable({"familyName": FAMILY, "styleName": str(weight)})
    name = builder.font["name"]
    name.setName(_LICENCE, 13, 3, 1, 0x409)
    builder.setupOS2(
        sTypoAscender=_ASCENT,
        sTypoDescender=_DESCENT,
        sTypoLineGap=0,
        usWinAscent=_ASCENT,
        usWinDescent=-_DESCENT,
        usWeightClass=weight,
    )
    builder.setupPost(keepGlyphNames=False)
    builder.font["head"].created = builder.font["head"].modified = _EPOCH
    builder.font.recalcTimestamp = False
    builder.font.flavor = "woff2"
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()
