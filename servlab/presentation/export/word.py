"""A Word document of tables: in English the look of APA 7, in Chinese a 三线表.

Number and title are Word captions (a SEQ field with its number in place), so that a list of
tables and cross-references work; the looks are named styles, so that they can be changed at
once. python-docx keeps the package; the tables themselves are written as WordprocessingML.
"""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt

from servlab.data.schema import Language
from servlab.presentation.export.parts import clean
from servlab.presentation.export.widths import Sheet, lay_out, pieces
from servlab.presentation.export.word_table import (
    CAPTION_STYLE,
    NOTE_STYLE,
    TEXT_SIZE,
    TEXT_STYLE,
    caption_xml,
    continued_xml,
    notes_xml,
    table_xml,
)
from servlab.presentation.tables import Table

LATIN = "Times New Roman"
SONG, HEI = "SimSun", "SimHei"
_LANG = {"en": "en-US", "zh": "zh-CN"}
_SHORT, _LONG, _MARGIN = 210.0, 297.0, 25.4  # A4 in millimetres
_POINTS = 72 / 25.4
_UPRIGHT, _SIDEWAYS = ((side - 2 * _MARGIN) * _POINTS for side in (_SHORT, _LONG))
SHEETS = (
    Sheet(False, TEXT_SIZE, _UPRIGHT, 11),
    Sheet(False, 9, _UPRIGHT, 8),
    Sheet(True, TEXT_SIZE, _SIDEWAYS, 11),
    Sheet(True, 9, _SIDEWAYS, 8),
    Sheet(True, 8, _SIDEWAYS, 6),
    Sheet(True, 7, _SIDEWAYS, 5),
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment a ZIP archive can state
_APPLICATION = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="http://'
    b'schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>servlab'
    b"</Application></Properties>"
)


def write_word(tables: Sequence[Table], language: Language, title: str) -> bytes:
    """Return the tables as a .docx file."""
    document = Document()
    _set_styles(document, language)
    _set_properties(document, language, title)
    if title:
        document.add_paragraph(clean(title), style="Title")
    for number, table in enumerate(tables, start=1):
        parts = pieces(table, SHEETS)
        for part in parts:
            layout = lay_out(part, SHEETS)
            first = number == 1 and part is parts[0]
            _turn(document, sideways=layout.sheet.sideways, first=first)
            caption = caption_xml if part is parts[0] else continued_xml
            room = _SIDEWAYS if layout.sheet.sideways else _UPRIGHT
            notes = notes_xml(part, empty=part is not parts[-1])
            for xml in (caption(part, number), table_xml(part, layout, room), notes):
                document.element.body.insert_element_before(parse_xml(xml), "w:sectPr")
    return _packed(document)


def _turn(document: Any, *, sideways: bool, first: bool) -> None:
    """Begin a section for a table that needs the page the other way round."""
    section = document.sections[-1]
    wanted = WD_ORIENT.LANDSCAPE if sideways else WD_ORIENT.PORTRAIT
    if not first and section.orientation != wanted:
        section = document.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = wanted
    section.page_width, section.page_height = (
        (Mm(_LONG), Mm(_SHORT)) if sideways else (Mm(_SHORT), Mm(_LONG))
    )
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Mm(_MARGIN))


def _set_styles(document: Any, language: Language) -> None:
    """Make the named styles of the document: plain black type, no theme."""
    styles = document.styles
    defaults = styles.element.find(qn("w:docDefaults"))
    run = defaults.find(f"{qn('w:rPrDefault')}/{qn('w:rPr')}")
    _set_fonts(run, SONG)
    lang = run.find(qn("w:lang"))
    lang.set(qn("w:val"), _LANG[language])
    lang.set(qn("w:eastAsia"), "zh-CN")
    _style(styles["Normal"], TEXT_SIZE, SONG)
    table_text = styles.add_style(TEXT_STYLE, WD_STYLE_TYPE.PARAGRAPH)
    note = styles.add_style(NOTE_STYLE, WD_STYLE_TYPE.PARAGRAPH)
    heading = HEI if language == "zh" else SONG
    for style, size, east, before, after in (
        (table_text, TEXT_SIZE, SONG, 2, 2),
        (note, 9, SONG, 4, 20),
        (styles[CAPTION_STYLE], TEXT_SIZE, heading, 0, 5),
        (styles["Title"], 16, heading, 0, 18),
    ):
        _style(style, size, east)
        style.paragraph_format.space_before = Pt(before)
        style.paragraph_format.space_after = Pt(after)
        style.paragraph_format.line_spacing = 1.0
    styles["Title"].font.bold = language == "en"
    styles[CAPTION_STYLE].paragraph_format.keep_with_next = True
    if language == "zh":
        for style in (styles[CAPTION_STYLE], styles["Title"]):
            style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for style in (table_text, note):
        style.base_style = styles["Normal"]
        style.quick_style = True


def _style(style: Any, size: float, east: str) -> None:
    """Set a style to black type of a size, without the template's colours and rules."""
    properties = style.element.get_or_add_rPr()
    for name in ("w:b", "w:bCs", "w:color", "w:spacing", "w:kern"):
        for found in properties.findall(qn(name)):
            properties.remove(found)
    paragraph = style.element.get_or_add_pPr()
    for found in paragraph.findall(qn("w:pBdr")):
        paragraph.remove(found)
    style.font.size = Pt(size)
    _set_fonts(properties, east)


def _set_fonts(properties: Any, east: str) -> None:
    """Name the face of each script; the theme's faces would come before them."""
    for found in properties.findall(qn("w:rFonts")):
        properties.remove(found)
    faces = f'w:ascii="{LATIN}" w:hAnsi="{LATIN}" w:eastAsia="{east}" w:cs="{LATIN}"'
    properties.insert(0, parse_xml(f"<w:rFonts {nsdecls('w')} {faces}/>"))


def _set_properties(document: Any, language: Language, title: str) -> None:
    """Say what the document is and in which language; nobody's name and no clock."""
    core = document.core_properties
    core.title, core.language = clean(title), _LANG[language]
    for found in list(core._element):
        name = found.tag.rpartition("}")[2]
        if name not in ("title", "language"):
            core._element.remove(found)
    theme = document.settings.element.find(qn("w:themeFontLang"))
    theme.set(qn("w:val"), _LANG[language])
    theme.set(qn("w:eastAsia"), "zh-CN")
    for setting in document.settings.element.iter(qn("w:compatSetting")):
        if setting.get(qn("w:name")) == "compatibilityMode":
            setting.set(qn("w:val"), "15")  # of today, or Word says "compatibility mode"
    package = document.part.package
    for key, relation in list(package.rels.items()):
        if relation.reltype.endswith("/thumbnail"):  # of python-docx's empty template
            del package.rels[key]


def _packed(document: Any) -> bytes:
    """Return the document's bytes, without the moment at which they were packed."""
    raw, packed = io.BytesIO(), io.BytesIO()
    document.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            content = _APPLICATION if name == "docProps/app.xml" else source.read(name)
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # the same on every system
            target.writestr(entry, content)
    return packed.getvalue()
