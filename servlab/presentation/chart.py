"""How does a drawing become a chart that a report can carry?

matplotlib and seaborn draw with placeholder colours; here their SVG is made fit for a page:
colours become the page's variables (so that light, dark and print each look right), text
stays text in the page's own font, ids cannot clash, nothing in it depends on the clock. Every
chart is painted twice, for a laptop and for a phone, and says in words what it shows.
"""

import hashlib
import io
import os
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.presentation import html
from servlab.presentation.fonts import font_face, font_path, warn_uncovered
from servlab.presentation.palette import COLOURS, STEPS, VARIABLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE, NARROW = 720, 340  # widths of the two drawings, in px
TEXT_SIZE = 13  # px, at those widths

# Colours to draw with. Each is the light page's value of the variable of that name.
INK, SOFT, LINE, PANEL, PAGE, ACCENT, EXPECTED, BAD, GOOD = (
    COLOURS[name][0]
    for name in ("ink", "soft", "line", "panel", "page", "accent", "expected", "bad", "good")
)


def diverging(n: int) -> list[str]:
    """Return ``n`` colours from low to high, with a neutral middle when ``n`` is odd.

    Raises
    ------
    ModelError
        When ``n`` is not between 2 and 11.
    """
    if n not in STEPS:
        raise ModelError(f"a diverging scale has 2 to 11 colours; got {n!r}.")
    return [COLOURS[f"d{step}"][0] for step in STEPS[n]]


def text_on(colour: str) -> str:
    """Return the colour in which text is readable on a colour of this module."""
    name = VARIABLES.get(colour, "")
    if name[:1] == "d" and name[1:].isdigit():
        return COLOURS[f"on{name[1:]}"][0]
    return PAGE if colour in (INK, SOFT, ACCENT, EXPECTED, BAD, GOOD) else INK


@dataclass(frozen=True, slots=True)
class Chart:
    """A finished chart: its drawings for wide and narrow screens, and its words.

    Attributes
    ----------
    svg, narrow_svg : str
        SVG elements to stand in a page; ``narrow_svg`` may be empty.
    caption : str
        What the chart shows, without a number: the report numbers figures.
    alt : str
        What is to be seen, in words, computed from the data.
    language : {'en', 'zh'}
        The language of its words.
    """

    svg: str
    narrow_svg: str
    caption: str
    alt: str
    language: Language = "en"

    def block(self) -> dict[str, Any]:
        """Return the chart as plain JSON: what the HTML writer draws."""
        return {
            "kind": "figure",
            "language": self.language,
            "caption": self.caption,
            "alt": self.alt,
            "svg": self.svg,
            "narrow_svg": self.narrow_svg,
        }

    def __str__(self) -> str:
        return f"{self.caption}\n{self.alt}"

    def _repr_mimebundle_(self, **_options: object) -> dict[str, Any]:
        style = "" if os.environ.get("SERVLAB_RUN") == "1" else _font_style(self)
        return html.mimebundle(self.block(), str(self), style=style)


def draw_chart(
    paint: "Callable[[Figure, bool], None]",
    *,
    caption: str,
    alt: str,
    language: Language,
    height: float,
    narrow_height: float | None = None,
) -> Chart:
    """Return the chart that ``paint`` draws, once wide and once narrow.

    Parameters
    ----------
    paint : callable
        Takes an empty figure and whether it is the narrow one, and draws into it. Sizes are
        in px: text of 13, lines of 1.
    caption, alt : str
        The caption, and what is to be seen in words.
    language : {'en', 'zh'}
        The language of the labels.
    height, narrow_height : float
        Heights in px of the wide (720 px) and the narrow (340 px) drawing.

    Raises
    ------
    ModelError
        When the caption or the alternative text is empty.
    """
    if not caption.strip() or not alt.strip():
        raise ModelError(
            f"a chart needs a caption and an alt text; got caption {caption!r}, alt {alt!r}."
        )
    sizes = ((False, WIDE, height), (True, NARROW, narrow_height or height))
    drawn = []
    for narrow, width, tall in sizes:
        with drawing(width=width, height=tall) as figure:
            paint(figure, narrow)
            drawn.append(page_svg(figure, alt=alt))
    return Chart(drawn[0], drawn[1], caption, alt, language)


@contextmanager
def drawing(*, width: float, height: float) -> "Iterator[Figure]":
    """Give an empty figure of that size in px, under the settings our charts are drawn with.

    Settings hold inside the block only; the user's own charts are left alone.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    _register_fonts()
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # The report's own font draws what these lack; warn_uncovered speaks for that one.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield Figure(figsize=(width / 72, height / 72), layout="constrained")


_FAMILIES = ("servlab Latin", "servlab CJK")
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "servlab",
    "font.family": list(_FAMILIES),  # for measuring; the page draws its own
    "font.size": TEXT_SIZE,
    "text.parse_math": False,  # a dollar in a label is a dollar
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.titlecolor": INK,
    "axes.titlesize": TEXT_SIZE,
    "axes.labelsize": TEXT_SIZE,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.linewidth": 1.0,
    "grid.color": LINE,
    "grid.linewidth": 1.0,
    "figure.facecolor": "none",
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 12,
    "ytick.labelsize": TEXT_SIZE,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "lines.linewidth": 2.0,
}


def _register_fonts() -> None:
    """Let matplotlib measure labels, Chinese and Korean ones too, under names of our own.

    Entries of our own for each weight keep its search for fonts silent; it measures all with
    the one weight that the file has.
    """
    from matplotlib import font_manager, get_data_path

    manager = font_manager.fontManager
    if any(entry.name == _FAMILIES[0] for entry in manager.ttflist):
        return
    latin = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for family, path in zip(_FAMILIES, (latin, font_path()), strict=True):
        for style in ("normal", "italic"):
            for weight in (400, 600, 700):
                manager.ttflist.append(
                    font_manager.FontEntry(fname=str(path), name=family, style=style, weight=weight)
                )


def page_svg(figure: "Figure", *, alt: str) -> str:
    """Return a matplotlib figure as an SVG element fit for a page, with its words inside.

    Colours of this module become CSS variables; ids get a prefix made from the content.
    """
    written = io.StringIO()
    with _laid_out(figure):
        figure.savefig(
            written,
            format="svg",
            metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        )
    svg = written.getvalue()
    body = svg[svg.index("<svg") : svg.rindex("</svg>")]
    width, height = _viewbox(body)
    inner = _clean(body[body.index(">") + 1 :])
    digest = hashlib.sha256(f"{inner}{alt}".encode()).hexdigest()[:8]
    inner = _without_empty(_prefix_ids(_with_variables(inner), f"c{digest}-"))
    warn_uncovered(_drawn_text(inner))
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(alt)}" '
        f'stroke-linejoin="round">{inner}</svg>'
    )


@contextmanager
def _laid_out(figure: "Figure") -> Iterator[None]:
    """Have all things in their places inside the block; ``savefig`` would draw twice for that."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    engine, canvas, dpi = figure.get_layout_engine(), figure.canvas, figure.dpi
    if engine is None:
        yield
        return
    try:
        FigureCanvasSVG(figure)  # measures as it will write
        figure.dpi = 72  # SVG's own
        engine.execute(figure)
        figure.set_canvas(canvas)
        figure.dpi = dpi
        figure.set_layout_engine(None)
        yield
    finally:
        figure.set_canvas(canvas)
        figure.dpi = dpi
        figure.set_layout_engine(engine)


def _viewbox(svg: str) -> tuple[str, str]:
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if found is None:  # matplotlib always writes one
        raise ModelError("the drawing has no viewBox; matplotlib's SVG writer has changed.")
    return _short(found[1]), _short(found[2])


def _clean(inner: str) -> str:
    """Return the SVG's content without comments, metadata and page-wide style, and shorter."""
    inner = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", inner,
                   flags=re.DOTALL)  # fmt: skip
    inner = re.sub(r"<defs>\s*</defs>", "", inner)
    inner = re.sub(r"<[^>]+>", lambda found: _clean_tag(found[0]), inner)
    return re.sub(r">\s+<", "><", inner).strip()


def _without_empty(svg: str) -> str:
    """Return the SVG without paths that draw nothing and groups that hold nothing."""
    svg = re.sub(r'<path d="[^"]*" style="fill: none"/>', "", svg)
    while "<g/>" in svg or "<g></g>" in svg:
        svg = svg.replace("<g/>", "").replace("<g></g>", "")
    return svg


def _clean_tag(text: str) -> str:
    """Return a tag with numbers of two decimals, no turn by nothing, and no font family."""
    text = re.sub(r"-?\d+\.\d{2,}", lambda found: _short(found[0]), text)
    text = re.sub(r' d="([^"]*)"', lambda found: f' d="{_tight(found[1])}"', text)
    text = re.sub(r' transform="rotate\(-?0 [^"]*"', "", text)
    text = re.sub(r"font-family: [^;\"]*; ", "", text)
    text = re.sub(r"font: ([^;\"]*)", _font, text)
    return re.sub(r"\s*\n\s*", " ", text)


def _font(found: re.Match[str]) -> str:
    """Return a font shorthand as size, weight and slant; the family is the page's."""
    before, size, _ = re.split(r"([\d.]+px)", found[1], maxsplit=1)
    weight = re.search(r"[1-9]00|bold", before)
    slant = ["font-style: italic"] if "italic" in before else []
    return "; ".join(
        [f"font-size: {size}", *([f"font-weight: {weight[0]}"] if weight else []), *slant]
    )


def _tight(path: str) -> str:
    """Return a path without spaces around its commands."""
    return re.sub(r" ?([MLQCz]) ?", r"\1", path.strip())


def _short(number: str) -> str:
    """Return a number with at most two decimals."""
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _with_variables(svg: str) -> str:
    """Return the SVG with our colours as variables that fall back to the light colour."""
    return re.sub(
        r"(?<=: )#[0-9a-f]{6}\b",
        lambda found: (
            f"var(--{VARIABLES[found[0]]}, {found[0]})" if found[0] in VARIABLES else found[0]
        ),
        svg,
    )


def _prefix_ids(svg: str, prefix: str) -> str:
    """Return the SVG with only the ids that something refers to: the prefix and a number."""
    used = dict.fromkeys(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    names = {name: f"{prefix}{number}" for number, name in enumerate(used)}
    svg = re.sub(
        r' id="([^"]*)"',
        lambda found: f' id="{names[found[1]]}"' if found[1] in names else "",
        svg,
    )
    return re.sub(
        r'(?:xlink:)?(url\(#|href="#)([^)"]+)',
        lambda found: found[1] + names[found[2]],
        svg,
    )


def _drawn_text(svg: str) -> set[str]:
    """Return the characters that the SVG draws as text."""
    from html import unescape

    return set(unescape("".join(re.findall(r">([^<]+)</text>", svg))))


def _font_style(chart: Chart) -> str:
    """Return the font a chart needs in somebody's notebook; none for plain Latin labels."""
    drawn = _drawn_text(chart.svg) | _drawn_text(chart.narrow_svg)
    return font_face(drawn, language=chart.language) if max(drawn, default="") > "\u024f" else ""


def text_width(text: str) -> int:
    """Return the width of a text in half-width characters: a Chinese character counts two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrap_label(text: str, width: int) -> str:
    r"""Return a label broken into lines of at most ``width`` half-width characters.

    Words are kept whole where they fit; text without spaces breaks between characters.

    Examples
    --------
    >>> wrap_label("Ease of payment", 9)
    'Ease of\npayment'
    >>> wrap_label("可靠性与响应性", 8)
    '可靠性与\n响应性'
    """
    lines = [""]
    for piece in _pieces(text, width):
        if text_width((lines[-1] + piece).rstrip()) > width and lines[-1]:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return "\n".join(line.rstrip() for line in lines)


def _pieces(text: str, width: int) -> Iterator[str]:
    """Split a text where a line may break: after spaces, and around wide characters."""
    for word in re.findall(r"\S+\s*|\s+", text):
        wide = any(unicodedata.east_asian_width(c) in "WF" for c in word)
        has_hangul = any("\uac00" <= c <= "\ud7a3" for c in word)  # Korean breaks at spaces
        if (wide and not has_hangul) or text_width(word.rstrip()) > width:
            yield from word
        else:
            yield word
