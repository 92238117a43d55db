"""How does output that servlab did not make come onto a page without harm?

A notebook may show a pandas frame, a statsmodels summary or a plot of its own. Their HTML
passes through a short list of tags; their drawings become pictures, in which nothing runs.
"""

import base64
from collections.abc import Mapping
from html.parser import HTMLParser

from markupsafe import Markup, escape

from servlab.presentation.html import tag

# What foreign HTML may keep: text, structure and tables; nothing that runs, loads or styles.
_TAGS = frozenset(
    {
        "a", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "div", "dl",
        "dt", "em", "h2", "h3", "h4", "h5", "h6", "hr", "i", "kbd", "li", "ol", "p", "pre", "small",
        "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
_VOID = frozenset({"br", "col", "hr"})
_ATTRIBUTES = frozenset({"colspan", "rowspan", "lang"})
# With these, what stands inside goes too.
_DROPPED = frozenset(
    {
        "script", "style", "iframe", "object", "template", "noscript", "svg", "math", "title",
        "textarea", "select", "video", "audio", "canvas",
    }
)  # fmt: skip


def sanitize(markup: str, *, label: str = "") -> Markup:
    """Return foreign HTML with harmless tags only; tables get scopes and a scroll area.

    Scripts, styles, event handlers, targets of links, pictures and forms are left out; other
    text stays. ``label`` names the scroll areas for those who do not see them.

    Examples
    --------
    >>> print(sanitize('<p onclick="x()">a<script>b</script> &lt; c</p>'))
    <p>a &lt; c</p>
    """
    cleaner = _Cleaner(label)
    cleaner.feed(markup)
    cleaner.close()
    return Markup("".join(cleaner.finished()))


def svg_image(svg: str, *, alt: str) -> Markup:
    """Return a foreign SVG as a picture: there its scripts and links are dead."""
    return image(base64.b64encode(svg.encode()).decode("ascii"), "image/svg+xml", alt=alt)


def image(data: str, mime: str, *, alt: str) -> Markup:
    """Return base64 data as a picture."""
    return Markup('<img src="data:{};base64,{}" alt="{}">').format(mime, "".join(data.split()), alt)


def plain(text: str) -> Markup:
    """Return plain text as a block that can be scrolled by keyboard."""
    return tag("pre", text, class_="scroll", tabindex="0")


class _Cleaner(HTMLParser):
    """Copy allowed tags and all text; keep the tags balanced."""

    def __init__(self, label: str) -> None:
        super().__init__(convert_charrefs=True)
        named = f' role="region" aria-label="{escape(label)}"' if label else ""
        self._scroll = f'<div class="scroll" tabindex="0"{named}>'
        self._out: list[str] = []
        self._open: list[str] = []  # what is to be closed, innermost last
        self._dropping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Copy an allowed start tag, or start leaving out."""
        if tag in _DROPPED:
            self._dropping.append(tag)
        if self._dropping or tag not in _TAGS:
            return
        if tag == "table":
            self._out.append(self._scroll)
        self._out.append(f"<{tag}{self._attributes(tag, dict(attrs))}>")
        if tag not in _VOID:
            self._open.append(tag)

    def _attributes(self, tag: str, given: Mapping[str, str | None]) -> str:
        kept = {key: value for key, value in given.items() if key in _ATTRIBUTES and value}
        if tag == "th":
            kept["scope"] = "col" if "thead" in self._open else "row"
        return "".join(f' {key}="{escape(value)}"' for key, value in sorted(kept.items()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Copy a tag that closes itself."""
        if tag in _VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close a copied tag and what is open inside it, or end leaving out."""
        if self._dropping:
            if tag == self._dropping[-1]:
                self._dropping.pop()
        elif tag in self._open:
            while self._close() != tag:
                pass

    def _close(self) -> str:
        name = self._open.pop()
        written = name
        if name == "th" and self._out[-1].startswith("<th"):  # an empty header says nothing
            self._out[-1], written = "<td>", "td"
        self._out.append(f"</{written}>" + ("</div>" if name == "table" else ""))
        return name

    def handle_data(self, data: str) -> None:
        """Copy text, escaped."""
        if not self._dropping:
            self._out.append(str(escape(data)))

    def finished(self) -> list[str]:
        """Close what is still open and return the pieces."""
        while self._open:
            self._close()
        return self._out
