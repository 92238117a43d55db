"""How does an executed notebook become one HTML page that anybody can open?

The pieces that cells showed (``presentation.html.BLOCK_MIME``) are numbered, put into their
sections and written by the writers of the presentation layer; nbconvert fills the template
beside this module. The page holds no script, asks no host for anything and carries the font of
what it shows. It depends on the notebook and the manifest only: the same in gives the same
bytes out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

from markupsafe import Markup

from servlab.core import errors
from servlab.data.schema import Language
from servlab.presentation.fonts import font_face, named, uncovered
from servlab.presentation.foreign import image, plain, sanitize, svg_image
from servlab.presentation.html import (
    BLOCK_MIME,
    LANG_OF,
    compact_css,
    stylesheet,
    tag,
    write_block,
)
from servlab.presentation.messages import message
from servlab.presentation.palette import declarations

TEMPLATE = Path(__file__).parent / "template"
_ABOUT, _WARNINGS = "about-this-report", "computation-warnings"
_WORDS = ("skip", "contents", "warnings", "about", "made")


@dataclass(slots=True)
class _Section:
    """A section under construction: its heading is the first of its pieces."""

    title: str = ""
    anchor: str = ""
    pieces: list[Markup] = field(default_factory=list)


@dataclass(slots=True)
class _Page:
    """The page under construction: what was written so far, and how much is numbered."""

    language: Language
    cover: Mapping[str, Any] | None = None
    sections: list[_Section] = field(default_factory=lambda: [_Section()])
    anchors: set[str] = field(default_factory=lambda: {_ABOUT, _WARNINGS, "content"})
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, piece: Markup) -> None:
        """Put a piece into the current section, unless it says nothing."""
        if piece.strip():
            self.sections[-1].pieces.append(piece)

    def number(self, kind: str) -> str:
        """Return the next number of a figure or a table, worded; empty for other kinds."""
        if kind not in ("figure", "table"):
            return ""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        return message(f"common.{kind}_number", self.language, number=str(self.counts[kind]))

    def anchor(self, wanted: str) -> str:
        """Return an anchor that is not taken: the wanted one, or it with a number."""
        free = wanted
        n = 1
        while free in self.anchors:
            n += 1
            free = f"{wanted}-{n}"
        self.anchors.add(free)
        return free


def build_report(
    executed: Any, *, language: Language, title: str | None, manifest: Mapping[str, Any]
) -> str:
    """Return the report of an executed notebook as one HTML page.

    Parameters
    ----------
    executed : NotebookNode
        The notebook after its run, cleaned of what differs between runs; the metadata of code
        cells say under ``servlab`` how each ended.
    language : {'en', 'zh'}
        The reader's language; of the markdown cells only those tagged with it are shown.
    title : str or None
        The page's title; None takes the cover's, or the study's name without a cover.
    manifest : mapping
        What the run was made of: parameters, inputs with hashes, versions, failures, notices.

    Returns
    -------
    str
        The page; it is deterministic and asks no host for anything.
    """
    page = _Page(language)
    last_banner: tuple[object, ...] = ()
    for cell in executed.cells:
        if cell.cell_type == "markdown" and language in cell.metadata.get("tags", ()):
            page.add(_markdown(cell.source))
        elif cell.cell_type == "code":
            last_banner = _add_code_cell(page, cell, last_banner)
    context = _context(page, title, manifest)
    return _render(executed, context)


def _add_code_cell(page: _Page, cell: Any, last_banner: tuple[object, ...]) -> tuple[object, ...]:
    """Add what a cell showed and how it failed; return what tells its banner from the last."""
    facts = cell.metadata.get("servlab", {})
    number = str(facts.get("number", ""))
    for output in cell.get("outputs", ()):
        _add_output(page, output, number)
    status = facts.get("status", "done")
    if status == "done":
        return last_banner if not cell.get("outputs") else ()
    banner = (status, facts.get("because"), len(page.sections))
    if status == "failed":
        page.add(_failure(facts.get("error", ""), number, page.language))
    elif banner != last_banner:
        page.add(_left_out(status, facts.get("because"), page.language))
    return banner


def _add_output(page: _Page, output: Mapping[str, Any], number: str) -> None:
    if output["output_type"] == "stream":
        page.add(plain(output["text"]) if output.get("name") == "stdout" else Markup(""))
    elif output["output_type"] in ("display_data", "execute_result"):
        if BLOCK_MIME in output["data"]:
            _add_block(page, output["data"][BLOCK_MIME])
        else:
            page.add(_foreign(page, output, number))


def _add_block(page: _Page, block: Mapping[str, Any]) -> None:
    """Write one of our own pieces; headings start sections, the first cover heads the page."""
    kind = block.get("kind", "")
    if kind == "cover" and page.cover is None:
        page.cover = block
        return
    if kind == "section":
        block = {**block, "anchor": page.anchor(block["anchor"])}
        if block["level"] == 2:
            page.sections.append(_Section(block["title"], block["anchor"]))
    page.add(write_block(block, number=page.number(kind)))


def _foreign(page: _Page, output: Mapping[str, Any], number: str) -> Markup:
    """Write an output that is not ours: as a picture, as clean HTML or as plain text."""
    data = output["data"]
    for mime in ("image/svg+xml", "image/png", "image/jpeg"):
        if mime in data:
            said = output.get("metadata", {}).get(mime, {}).get("alt", "")
            alt = said or message("report.picture", page.language, number=number)
            drawn = "".join(data[mime])
            picture = (
                svg_image(drawn, alt=alt) if mime.endswith("xml") else image(drawn, mime, alt=alt)
            )
            lead = tag("b", page.number("figure") + message("common.number_end", page.language))
            return tag("figure", tag("figcaption", lead + " " + alt) + picture)
    if "text/html" in data:
        label = message("report.output", page.language, number=number)
        return sanitize("".join(data["text/html"]), label=label)
    if "text/markdown" in data:
        return _markdown("".join(data["text/markdown"]))
    return plain("".join(data["text/plain"])) if "text/plain" in data else Markup("")


def _markdown(source: str) -> Markup:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    written = markdown2html_mistune("".join(source))
    written = re.sub(r'<a class="anchor-link".*?</a>', "", written)
    return sanitize(re.sub(r"(</?)h1\b", r"\1h2", written))  # the cover is the only h1


def _failure(error: str, number: str, language: Language) -> Markup:
    """Write the banner of a failed cell; the program's own words are English."""
    lead = message("report.failed", language)
    where = (
        message("report.failed_cell", language, number=number)
        if number
        else message("report.failed_elsewhere", language)
    )
    said = tag("p", tag("code", error, lang="en"))
    text = tag("p", tag("b", lead) + " " + where)
    return tag("div", text + said, class_="note", role="note")


def _left_out(status: str, because: object, language: Language) -> Markup:
    """Write the banner of a cell that was skipped or not reached."""
    if status == "skipped":
        reason = message("report.skipped_cell", language, number=str(because))
    else:
        status, reason = "not_run", message("report.not_run_cell", language)
    lead = tag("b", message(f"report.{status}", language))
    return tag("div", tag("p", lead + " " + reason), class_="note limit", role="note")


def _banners(manifest: Mapping[str, Any], page: _Page) -> list[Markup]:
    """Return what stands at the head of a failed report: how much failed, and why if no cell."""
    failures: Sequence[Mapping[str, Any]] = manifest.get("failures", ())
    if manifest.get("status") != "failed":
        return []
    lead = tag("b", message("report.incomplete", page.language))
    text = message("report.incomplete_text", page.language, count=max(len(failures), 1))
    top = tag("div", tag("p", lead + " " + text), class_="note", role="note")
    elsewhere = [
        _failure(str(failure.get("error", "")), "", page.language)
        for failure in failures
        if not failure.get("cell")
    ]
    return [top, *elsewhere]


def _warnings(notices: Sequence[Mapping[str, Any]], language: Language) -> Markup:
    """Write the warnings as a list: what each kind means, and the program's own words."""
    items = []
    for notice in notices:
        category = notice["category"]
        known = isinstance(getattr(errors, category, None), type)
        lead = message(f"report.notice_{category if known else 'other'}", language)
        if notice.get("key"):
            end = "." if language == "en" else "。"
            items.append(tag("li", tag("b", lead + end) + " " + _worded(notice, language)))
            continue
        own = tag("span", notice["message"], lang="en")
        if language == "en":
            items.append(tag("li", tag("b", lead + ".") + " " + own))
        else:
            fold = tag("summary", message("report.original", language)) + own
            items.append(tag("li", tag("b", lead + "。") + tag("details", fold)))
    return tag("ul", Markup("").join(items), class_="points") if items else Markup("")


def _worded(notice: Mapping[str, Any], language: Language) -> str:
    """Return one of our warnings in the report's language."""
    values = dict(notice["values"])
    count = int(values.pop("count")) if "count" in values else None
    return message(f"warnings.{notice['key']}", language, count=count, **values)


def _about(manifest: Mapping[str, Any], missing: set[str], language: Language) -> Markup:
    """Write the end matter: what the report was made of."""
    rows = [
        ("data", _files(manifest.get("inputs", ()))),
        ("notebook", _files([manifest["notebook"]] if manifest.get("notebook") else [])),
        ("parameters", _parameters(manifest.get("parameters", {}), language)),
        ("versions", _pairs(manifest.get("versions", {}))),
        ("font", Markup(message("report.font_licence", language))),
    ]
    if missing:
        said = message("common.missing_glyphs", language, characters=named(missing))
        rows.append(("missing_characters", tag("span", said)))
    written = [
        tag("dt", message(f"report.{name}", language)) + tag("dd", text)
        for name, text in rows
        if text
    ]
    return tag("dl", Markup("").join(written), class_="definitions")


def _files(entries: Sequence[Mapping[str, str]]) -> Markup:
    lines = []
    for entry in entries:
        digest = tag("span", f"sha256 {entry['sha256']}", class_="hash")
        lines.append(tag("li", Markup("{}, {}").format(entry["file"], digest)))
    return tag("ul", Markup("").join(lines)) if lines else Markup("")


def _parameters(parameters: Mapping[str, str | None], language: Language) -> Markup:
    unset = message("report.not_set", language)
    lines = [
        tag("li", tag("code", name) + " = " + (unset if value is None else value))
        for name, value in parameters.items()
    ]
    return tag("ul", Markup("").join(lines)) if lines else Markup("")


def _pairs(versions: Mapping[str, str]) -> Markup:
    return Markup(", ").join(f"{name} {version}" for name, version in versions.items())


def _context(page: _Page, title: str | None, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template takes."""
    language = page.language
    notices = manifest.get("notices", ())
    name = title or (page.cover or {}).get("title") or str(manifest.get("study", ""))
    cover = {**(page.cover or {"kind": "cover", "lede": "", "kicker": "", "chips": []})}
    cover["title"] = name
    contents = [
        {"title": section.title, "anchor": section.anchor}
        for section in page.sections
        if section.anchor
    ]
    if notices:
        contents.append({"title": message("report.warnings", language), "anchor": _WARNINGS})
    contents.append({"title": message("report.about", language), "anchor": _ABOUT})
    context: dict[str, Any] = {
        "lang": LANG_OF[language],
        "title": name,
        "words": {word: message(f"report.{word}", language) for word in _WORDS},
        "cover": write_block(cover),
        "banners": _banners(manifest, page),
        "contents": contents,
        "sections": [section for section in page.sections if section.pieces],
        "warnings": _warnings(notices, language),
        "warnings_anchor": _WARNINGS,
        "warnings_link": message("report.warnings_link", language, count=len(notices))
        if notices
        else "",
        "about_anchor": _ABOUT,
    }
    shown = shown_characters([*_strings(context), _about(manifest, set(), language)])
    context["about"] = _about(manifest, uncovered(shown), language)
    styles: dict[str, str] = {}
    for section in context["sections"]:
        section.pieces = [_with_classes(piece, styles) for piece in section.pieces]
    classes = "".join(f".servlab .{name}{{{rules}}}" for rules, name in styles.items())
    context["style"] = Markup(
        classes + page_style(shown | shown_characters([context["about"]]), language)
    )
    return context


def _with_classes(piece: Markup, styles: dict[str, str]) -> Markup:
    """Return a piece with the styles of its drawings as classes, which all drawings share.

    A study draws thousands of marks in a few dozen styles; written out they are a third of a
    page. ``styles`` maps each style to the name of its class and is filled here.
    """

    def shared(found: re.Match[str]) -> str:
        return f' class="{styles.setdefault(unescape(found[1]), f"k{len(styles)}")}"'

    def drawing(found: re.Match[str]) -> str:
        return re.sub(r' style="([^"]*)"', shared, found[0])

    return Markup(re.sub(r"<svg .*?</svg>", drawing, str(piece), flags=re.DOTALL))


def _strings(value: Any) -> Iterator[str]:
    """Yield every text inside nested mappings, sequences and sections."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, _Section):
        yield from value.pieces
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)


def shown_characters(texts: Iterable[str]) -> set[str]:
    """Return the characters that the page shows as text: without tags and attributes."""
    return {
        character
        for text in texts
        for character in unescape(re.sub(r"<[^>]*>", "", text) if "<" in text else text)
    }


def page_style(characters: set[str], language: Language) -> str:
    """Return the whole stylesheet: colours of both themes, the page, the blocks, the font."""
    return "".join(
        [
            font_face(characters, language=language),
            f".servlab{{{declarations('light')}}}@media screen and (prefers-color-scheme:dark)",
            f"{{.servlab{{{declarations('dark')}}}}}",
            compact_css((TEMPLATE / "page.css").read_text(encoding="utf-8")),
            stylesheet(),
        ]
    )


def _render(executed: Any, context: Mapping[str, Any]) -> str:
    """Fill the template through nbconvert."""
    from nbconvert.exporters.templateexporter import TemplateExporter

    exporter: Any = TemplateExporter(  # type: ignore[no-untyped-call]
        extra_template_basedirs=[str(TEMPLATE.parent)],
        template_name=TEMPLATE.name,
        template_file="index.html.j2",
    )
    body, _ = exporter.from_notebook_node(executed, resources={"report": context})
    return str(body)
