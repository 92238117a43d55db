"""Which colours does servlab draw with, on a light page and on a dark one?

One table: a name, its light colour and its dark one. Charts are drawn with the light colours,
which become CSS variables of these names; the stylesheet gives the variables their values.
"""

from types import MappingProxyType
from typing import Literal

Theme = Literal["light", "dark"]

# Text, lines, surfaces, and the colours that carry meaning: name -> (light, dark).
_BASE = {
    "ink": ("#1c2430", "#e8ebf0"),
    "soft": ("#566172", "#a8b2c1"),
    "line": ("#dfe3e9", "#333c48"),
    "page": ("#ffffff", "#12161c"),
    "panel": ("#f6f8fa", "#1a2029"),
    "accent": ("#0b6e99", "#5cb8df"),
    "expected": ("#758094", "#8d98ab"),
    "bad": ("#b3400e", "#f0965f"),
    "good": ("#1a7a3f", "#6cc58d"),
}
# From low (warm) over the neutral middle to high (cool), told apart in every colour vision.
_LIGHT_RAMP = (
    "#8f3208", "#b4521e", "#d27f4c", "#e5a67e", "#f1cdb4", "#e3e6ea",
    "#bcdcea", "#8ac0d8", "#559fc0", "#24799f", "#0b5a7d",
)  # fmt: skip
_DARK_RAMP = (
    "#f29a66", "#d67d48", "#c2713f", "#87492b", "#5e3a2b", "#3a434f",
    "#2d5468", "#2c6985", "#3387ad", "#49a5cd", "#6fc5e8",
)  # fmt: skip
# Which of the eleven a scale of n points uses, the middle only where n is odd.
STEPS = MappingProxyType(
    {
        2: (1, 9),
        3: (1, 5, 9),
        4: (0, 3, 7, 10),
        5: (0, 3, 5, 7, 10),
        6: (0, 2, 4, 6, 8, 10),
        7: (0, 2, 4, 5, 6, 8, 10),
        8: (0, 1, 2, 4, 6, 8, 9, 10),
        9: (0, 1, 2, 4, 5, 6, 8, 9, 10),
        10: (0, 1, 2, 3, 4, 6, 7, 8, 9, 10),
        11: tuple(range(11)),
    }
)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour, in [0, 1] (WCAG 2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2).

    Examples
    --------
    >>> round(contrast("#ffffff", "#000000"), 1)
    21.0
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _text_for(colour: str, step: int) -> str:
    """Return near-white or near-black, whichever reads better; the last digit keeps it unique."""
    white, black = f"#fffff{step:x}", f"#10151{step:x}"
    return white if contrast(colour, white) >= contrast(colour, black) else black


COLOURS = MappingProxyType(
    _BASE
    | {f"d{i}": pair for i, pair in enumerate(zip(_LIGHT_RAMP, _DARK_RAMP, strict=True))}
    | {
        f"on{i}": (_text_for(light, i), _text_for(dark, i))
        for i, (light, dark) in enumerate(zip(_LIGHT_RAMP, _DARK_RAMP, strict=True))
    }
)
# The light colour a chart is drawn with -> the name of its variable.
VARIABLES = MappingProxyType({light: name for name, (light, _) in COLOURS.items()})


def declarations(theme: Theme) -> str:
    """Return the CSS declarations of all colours for one theme."""
    which = 0 if theme == "light" else 1
    return ";".join(f"--{name}:{pair[which]}" for name, pair in COLOURS.items())
