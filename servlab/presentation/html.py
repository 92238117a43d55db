"""Write the pieces of a report as HTML.

A piece (table, prose, chart, ...) describes itself as a block: a dict of plain JSON. This
module turns a block into HTML, once for JupyterLab and once for the report; every text
is escaped here. The block itself travels in the notebook under its own MIME type, so that
a report never has to trust or take apart HTML.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from servlab.core.errors import ModelError
from servlab.presentation.messages import message
from servlab.presentation.palette import declarations

BLOCK_MIME = "application/vnd.servlab.block+json"
LANG_OF = {"en": "en", "zh": "zh-CN"}
_BOLD = re.compile(r"\*\*(.+?)\*\*")

Block = Mapping[str, Any]


def mimebundle(block: Block, plain: str, *, style: str = "") -> dict[str, Any]:
    """Return what a cell shows: HTML for JupyterLab, the block for reports, text for terminals."""
    return {
        "text/html": standalone(block, style=style),
        "text/plain": plain,
        BLOCK_MIME: dict(block),
    }


def standalone(block: Block, *, style: str = "") -> str:
    """Return a block as HTML that carries its stylesheet, for JupyterLab in either theme."""
    rules = (
        f".servlab{{{declarations('light')}}}"
        f'[data-jp-theme-light="false"] .servlab{{{declarations("dark")}}}{stylesheet()}{style}'
    )
    content = tag("style", Markup(rules)) + write_block(block)
    return str(tag("div", content, class_="servlab"))


@cache
def stylesheet() -> str:
    """Return the rules that draw blocks inside an element of class ``servlab``."""
    return compact_css((files("servlab.presentation") / "blocks.css").read_text(encoding="utf-8"))


def compact_css(text: str) -> str:
    """Return a stylesheet without comments and line breaks."""
    return re.sub(r"/\*.*?\*/|\n\s*", "", text, flags=re.DOTALL)


def write_block(block: Block, *, number: str = "") -> Markup:
    """Return a block as HTML.

    Parameters
    ----------
    block : mapping
        What a piece's ``block()`` gives.
    number : str
        "Figure 1" or "Table 1", for blocks that are numbered; empty leaves it out.
    """
    kind = block.get("kind")
    if kind not in _WRITERS:
        raise ModelError(f"a block's kind must be one of {sorted(_WRITERS)}; got {kind!r}.")
    return _WRITERS[kind](block, number)


def rich_text(text: str) -> Markup:
    """Return a text escaped, with ``**word**`` as bold.

    Examples
    --------
    >>> print(rich_text("**A** < b"))
    <b>A</b> &lt; b
    """
    return _join([tag("b", piece) if bold else escape(piece) for piece, bold in bold_parts(text)])


def bold_parts(text: str) -> list[tuple[str, bool]]:
    """Return the pieces of a text with ``**word**`` told apart from the rest.

    Examples
    --------
    >>> bold_parts("**r** is small")
    [('r', True), (' is small', False)]
    """
    pieces = _BOLD.split(text)
    return [(piece, bool(place % 2)) for place, piece in enumerate(pieces) if piece]


def tag(name: str, content: object, **attributes: object) -> Markup:
    """Return an element; attribute names lose a final underscore, inner ones become hyphens.

    Attributes that are None or empty are left out.

    Examples
    --------
    >>> print(tag("p", "a < b", class_="note", id=None))
    <p class="note">a &lt; b</p>
    """
    listed = [
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value not in (None, "")
    ]
    # name and keys are written by us, never data
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), Markup("").join(listed), content)


def caption_text(block: Block, number: str) -> Markup:
    """Return a caption with its number, "Figure 1. Gaps by dimension"."""
    language = block["language"]
    if not number:
        return escape(block["caption"])
    end = message("common.number_end", language)
    return Markup("<b>{}{}</b> {}").format(number, end, block["caption"])


def _join(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)


def _cover(block: Block, _number: str) -> Markup:
    parts = [
        tag("p", block["kicker"], class_="kicker") if block["kicker"] else Markup(""),
        tag("h1", block["title"]),
        tag("p", rich_text(block["lede"]), class_="lede") if block["lede"] else Markup(""),
    ]
    if block["chips"]:
        chips = _join([tag("li", chip) for chip in block["chips"]])
        parts.append(tag("ul", chips, class_="chips"))
    return tag("div", _join(parts), class_="cover")


def _section(block: Block, _number: str) -> Markup:
    return tag(f"h{int(block['level'])}", block["title"], id=block["anchor"])


def _prose(block: Block, _number: str) -> Markup:
    form = block["form"]
    if form == "points":
        points = _join([tag("li", rich_text(text)) for text in block["paragraphs"]])
        return tag("ul", points, class_="points")
    return _join(
        [
            tag("p", rich_text(text), class_="lead" if form == "lead" else None)
            for text in block["paragraphs"]
        ]
    )


def _cards(block: Block, _number: str) -> Markup:
    cards = [
        tag(
            "div",
            tag("dt", card["label"])
            + tag("dd", card["value"], class_=card["tone"])
            + (tag("dd", card["detail"], class_="detail") if card["detail"] else ""),
        )
        for card in block["cards"]
    ]
    return tag("dl", _join(cards), class_="cards", aria_label=block["label"])


def _note(block: Block, _number: str) -> Markup:
    first, *rest = block["paragraphs"] or [""]
    lead = tag("p", Markup("<b>{}</b> {}").format(block["title"], rich_text(first)))
    others = _join([tag("p", rich_text(text)) for text in rest])
    return tag("div", lead + others, class_=f"note {block['note']}", role="note")


def _flow(block: Block, _number: str) -> Markup:
    steps = [tag("li", step["text"], class_=step["kind"]) for step in block["steps"]]
    return tag("ol", _join(steps), class_="flow", aria_label=block["label"])


def _definitions(block: Block, _number: str) -> Markup:
    items = [tag("dt", term) + tag("dd", rich_text(text)) for term, text in block["items"]]
    return tag("dl", _join(items), class_="definitions")


def _figure(block: Block, number: str) -> Markup:
    """Write a chart; its drawings are SVG that ``chart`` made or ``report`` cleaned."""
    caption = tag("figcaption", caption_text(block, number))
    wide = tag("div", Markup(block["svg"]), class_="wide")
    if not block["narrow_svg"]:
        scroll = _scroll(Markup(block["svg"]), number or block["caption"])
        return tag("figure", caption + scroll, lang=LANG_OF[block["language"]])
    narrow = tag("div", Markup(block["narrow_svg"]), class_="narrow")
    return tag("figure", caption + wide + narrow, lang=LANG_OF[block["language"]])


def _scroll(content: Markup, label: str) -> Markup:
    return tag("div", content, class_="scroll", tabindex="0", role="region", aria_label=label)


def _table(block: Block, number: str) -> Markup:
    language = block["language"]
    colon = message("common.colon", language)
    label = f"{number}{colon}{block['caption']}" if number else block["caption"]
    caption = tag("caption", tag("span", caption_text(block, number)))
    table = tag("table", caption + _table_head(block) + _table_bodies(block) + _table_foot(block))
    notes = [rich_text(note) for note in block["notes"]]
    lead = Markup("<i>{}</i> ").format(message("common.note", language))
    foot = tag("p", lead + Markup(" ").join(notes), class_="tablenote") if notes else Markup("")
    return tag("div", _scroll(table, label) + foot, class_="tablebox", lang=LANG_OF[language])


def _table_head(block: Block) -> Markup:
    cells = [tag("th", block["row_header"], scope="col", class_="rowhead")]
    cells += [
        tag("th", heading, scope="col", class_="text" if align == "text" else None)
        for heading, align in zip(block["headings"], block["align"], strict=True)
    ]
    return tag("thead", tag("tr", _join(cells)))


def _table_bodies(block: Block) -> Markup:
    bodies = []
    for group, rows in groupby(block["rows"], key=lambda row: row["group"]):
        lines = [_table_row(row, block["align"]) for row in rows]
        if group:
            width = len(block["headings"]) + 1
            head = tag("th", group, scope="rowgroup", colspan=width)
            lines.insert(0, tag("tr", head, class_="group"))
        bodies.append(tag("tbody", _join(lines)))
    return _join(bodies)


def _table_foot(block: Block) -> Markup:
    """Write the row of judgement standards."""
    header, *texts = block.get("standards") or [""]
    if not header:
        return Markup("")
    cells = [
        tag("td", text, class_=_align(how)) for text, how in zip(texts, block["align"], strict=True)
    ]
    row = tag("tr", tag("th", header, scope="row") + _join(cells), class_="standard")
    return tag("tfoot", row)


def _table_row(row: Mapping[str, Any], align: Sequence[str]) -> Markup:
    aside = tag("span", row["aside"], class_="aside") if row["aside"] else Markup("")
    head = tag(
        "th", Markup("{} {}").format(row["label"], aside) if aside else row["label"], scope="row"
    )
    cells = [
        tag("td", cell["text"], class_=" ".join(filter(None, [cell["mark"], _align(how)])))
        for cell, how in zip(row["cells"], align, strict=True)
    ]
    return tag("tr", head + _join(cells), class_="total" if row["strong"] else None)


def _align(how: str) -> str:
    return "text" if how == "text" else ""


_WRITERS: dict[str, Callable[[Block, str], Markup]] = {
    "cover": _cover,
    "section": _section,
    "prose": _prose,
    "cards": _cards,
    "note": _note,
    "flow": _flow,
    "definitions": _definitions,
    "figure": _figure,
    "table": _table,
}
