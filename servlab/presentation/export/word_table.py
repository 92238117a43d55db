"""One table as WordprocessingML: its caption, its three rules, its notes."""

import re
from collections.abc import Sequence

from docx.oxml.ns import nsdecls
from markupsafe import escape

from servlab.presentation.export.parts import (
    Line,
    clean,
    continued,
    lines_of,
    note_lead,
    notes_text,
    table_word,
)
from servlab.presentation.export.widths import Layout, count_lines
from servlab.presentation.html import bold_parts
from servlab.presentation.tables import Mark, Table

CAPTION_STYLE, TEXT_STYLE, NOTE_STYLE = "Caption", "Table Text", "Table Note"
TEXT_SIZE = 10.5  # points; 五号
_TWIPS = 20  # to a point
_KEPT_WHOLE = 480, 300  # points of a body, upright and sideways, that is kept on one page
_LEADING, _SPACE = 1.2, 4  # of a line, in its size, and around a row, in points
_GREY = "6B7280"
# Rules in eighths of a point: outer and inner.
_RULES = {"en": (6, 6), "zh": (12, 6)}
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]")
_CHINESE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef]")
# Signs that Word takes from the Latin face unless told that they belong to Chinese text.
_SHARED = re.compile(r"([“”‘’…—·]+)")
_INDENT = 9 * _TWIPS


def caption_xml(table: Table, number: int) -> str:
    """Return the caption: "Table 1" bold and the title on its own line; in Chinese 表1 标题."""
    english = table.language == "en"
    word = table_word(table.language)
    space = " " if english else ""
    bold = "<w:b/><w:bCs/>" if english else ""
    between = "<w:r><w:br/></w:r>" if english else run_xml("\N{IDEOGRAPHIC SPACE}")
    title = run_xml(clean(table.caption), "<w:i/><w:iCs/>" if english else "")
    return _paragraph(
        CAPTION_STYLE,
        run_xml(word + space, bold) + _sequence(word, number, bold) + between + title,
        before="<w:keepNext/>",
    )


def _sequence(word: str, number: int, properties: str) -> str:
    """Return the field that counts the tables, with its number in place."""
    field = f'<w:r><w:rPr>{properties}</w:rPr><w:fldChar w:fldCharType="{{}}"/></w:r>'
    code = f'<w:r><w:instrText xml:space="preserve"> SEQ {word} \\* ARABIC </w:instrText></w:r>'
    shown = run_xml(str(number), properties)
    return field.format("begin") + code + field.format("separate") + shown + field.format("end")


def continued_xml(table: Table, number: int) -> str:
    """Return what stands over a further part of a wide table; no caption of its own."""
    words = run_xml(continued(number, table.language), "<w:i/><w:iCs/>")
    return _paragraph(CAPTION_STYLE, words, before="<w:keepNext/>")


def notes_xml(table: Table, *, empty: bool = False) -> str:
    """Return the notes as a paragraph; an empty one where there are none, as Word needs."""
    text = "" if empty else notes_text(table)
    if not text:
        return _paragraph(NOTE_STYLE, "")
    english = table.language == "en"
    lead = run_xml(note_lead(table.language), "<w:i/><w:iCs/>" if english else "")
    body = "".join(
        run_xml(piece, "<w:b/><w:bCs/>" if bold else "") for piece, bold in bold_parts(text)
    )
    return _paragraph(NOTE_STYLE, lead + (run_xml(" ") if english else "") + body)


def table_xml(table: Table, layout: Layout, room: float) -> str:
    """Return the table: header repeated on each page, rows whole, three rules."""
    scale = room / sum(layout.widths)
    widths = [round(width * scale * _TWIPS) for width in layout.widths]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    writer = _RowWriter(table, layout, widths)
    return (
        f"<w:tbl {nsdecls('w')}>{_table_properties(table, layout, sum(widths))}"
        f"<w:tblGrid>{grid}</w:tblGrid>{writer.header()}{writer.body()}</w:tbl>"
    )


def _table_properties(table: Table, layout: Layout, width: int) -> str:
    outer, _ = _RULES[table.language]
    side = round(layout.sheet.padding / 2 * _TWIPS)
    rule = f'w:val="single" w:sz="{outer}" w:space="0" w:color="000000"'
    return (
        f'<w:tblPr><w:tblW w:w="{width}" w:type="dxa"/><w:jc w:val="center"/>'
        f"<w:tblBorders><w:top {rule}/><w:bottom {rule}/></w:tblBorders>"
        '<w:tblLayout w:type="fixed"/>'
        f'<w:tblCellMar><w:left w:w="{side}" w:type="dxa"/><w:right w:w="{side}" w:type="dxa"/>'
        '</w:tblCellMar><w:tblLook w:val="00A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" '
        'w:lastColumn="0" w:noHBand="1" w:noVBand="1"/>'
        f'<w:tblCaption w:val="{escape(clean(table.caption))}"/></w:tblPr>'
    )


class _RowWriter:
    """Writes the rows of one table."""

    def __init__(self, table: Table, layout: Layout, widths: Sequence[int]) -> None:
        self._table = table
        self._widths = widths
        self._lines = list(lines_of(table))
        height = count_lines(table, layout) * layout.sheet.size * _LEADING
        height += len(self._lines) * _SPACE
        self._whole = height <= _KEPT_WHOLE[layout.sheet.sideways]
        self._high = any(_WIDE.search(line.label) for line in self._lines)
        size = layout.sheet.size
        half = round(2 * size)
        self._size = "" if size == TEXT_SIZE else f'<w:sz w:val="{half}"/><w:szCs w:val="{half}"/>'
        sides = ["left" if table.formats[n] == "text" else "right" for n in table.headings]
        self._sides = ["left", *sides]

    def header(self) -> str:
        """Return the row of headings, repeated where the table goes over a page."""
        _, inner = _RULES[self._table.language]
        rule = f'<w:bottom w:val="single" w:sz="{inner}" w:space="0" w:color="000000"/>'
        texts = [self._table.row_header, *self._table.headings.values()]
        cells = "".join(
            self._cell(place, clean(text), cell=f"<w:tcBorders>{rule}</w:tcBorders>", low=True)
            for place, text in enumerate(texts)
        )
        return f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{cells}</w:tr>"

    def body(self) -> str:
        """Return the rows; those of a short table and the last ones stay with what follows."""
        last = len(self._lines) - 2
        rows = [
            self._row(line, kept=self._whole or line.kind == "group" or place >= last)
            for place, line in enumerate(self._lines)
        ]
        return "".join(rows)

    def _row(self, line: Line, *, kept: bool) -> str:
        if line.kind == "group":
            width, span = sum(self._widths), len(self._widths)
            cells = self._cell(0, line.label, width=width, cell=f'<w:gridSpan w:val="{span}"/>')
        else:
            look = "<w:b/><w:bCs/>" if line.strong else ""
            look = _emphasis("weak") if line.kind == "standards" else look
            indent = _INDENT if self._table.row_groups and line.kind == "row" else 0
            label = self._cell(0, line.label, look, aside=line.aside, indent=indent, kept=kept)
            cells = label + "".join(
                self._cell(place, text, look or _emphasis(mark), kept=kept)
                for place, (text, mark) in enumerate(line.marked(), start=1)
            )
        return f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"

    def _cell(
        self,
        place: int,
        text: str,
        properties: str = "",
        *,
        width: int = 0,
        cell: str = "",
        aside: str = "",
        indent: int = 0,
        kept: bool = True,
        low: bool = False,
    ) -> str:
        grey = f'<w:color w:val="{_GREY}"/>'
        runs = run_xml(text, properties + self._size)
        runs += run_xml(f" {aside}", grey + self._size) if aside else ""
        # Chinese lines are higher than those of numbers: centred they stand on one line
        align = "bottom" if low else "center" if self._high else "top"
        ind = f'<w:ind w:left="{indent}"/>' if indent else ""
        return (
            f'<w:tc><w:tcPr><w:tcW w:w="{width or self._widths[place]}" w:type="dxa"/>{cell}'
            f'<w:vAlign w:val="{align}"/></w:tcPr>'
            + _paragraph(
                TEXT_STYLE,
                runs,
                before="<w:keepNext/>" if kept else "",
                after=f'{ind}<w:jc w:val="{self._sides[place]}"/>',
                declare=False,
            )
            + "</w:tc>"
        )


def _emphasis(mark: Mark) -> str:
    """Return how a mark looks in print; good and bad say what the sign or a note says."""
    if mark == "strong":
        return "<w:b/><w:bCs/>"
    return f'<w:color w:val="{_GREY}"/>' if mark == "weak" else ""


def _paragraph(
    style: str, runs: str, *, before: str = "", after: str = "", declare: bool = True
) -> str:
    name = style.replace(" ", "")
    declared = f" {nsdecls('w')}" if declare else ""
    return f'<w:p{declared}><w:pPr><w:pStyle w:val="{name}"/>{before}{after}</w:pPr>{runs}</w:p>'


def run_xml(text: str, properties: str = "") -> str:
    """Return a text as runs; quotation marks and dashes of Chinese text in the Chinese face."""
    pieces = _SHARED.split(text) if _CHINESE.search(text) else [text]
    return "".join(
        _run(piece, f'<w:rFonts w:hint="eastAsia"/>{properties}' if place % 2 else properties)
        for place, piece in enumerate(pieces)
        if piece
    )


def _run(text: str, properties: str) -> str:
    described = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{described}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'
