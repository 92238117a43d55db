"""An Excel workbook of tables: a sheet a table, numbers as numbers, a list of contents.

A number keeps its full precision and shows as ``formats`` shows it. An interval takes two
columns. Text is always written as text: a label that begins like a formula is none.
"""

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from xlsxwriter import Workbook

from servlab.data.schema import Language
from servlab.presentation.export.parts import (
    Line,
    clean,
    lines_of,
    note_lead,
    table_number,
)
from servlab.presentation.export.widths import broken, em
from servlab.presentation.formats import NONE, format_value
from servlab.presentation.html import bold_parts
from servlab.presentation.messages import message
from servlab.presentation.palette import COLOURS
from servlab.presentation.tables import Table

_EPOCH = datetime(1980, 1, 1)
_FACE = {"en": "Calibri", "zh": "SimSun"}
_LIVE = "=+-@＝＋－＠"  # what spreadsheets take for the start of a formula
_LONGEST_TEXT = 32_767  # characters of a cell
_HEAD = 3  # row of the headings, from 0: under number, caption and an empty row
_LABEL_MOST, _WORDS_MOST, _NUMBER_LEAST = 56.0, 40.0, 9.0  # characters of a column
_INDENT: dict[str, Any] = {"indent": 1, "align": "left"}
_HEADING_MOST = 7.5  # em of a heading's line
_LINE = 15.0  # points
_A4 = 9
_WIDE = 100.0  # characters from which a sheet is printed sideways
_NUMBER = re.compile(r"^([+−]?)([\d,]*)(\.\d+)?( %)?$")


def write_excel(tables: Sequence[Table], language: Language, title: str) -> bytes:
    """Return the tables as an .xlsx file."""
    buffer = io.BytesIO()
    workbook = Workbook(buffer, {"in_memory": True})
    shown = clean(title) or message("export.tables", language)
    workbook.set_properties({"title": shown, "created": _EPOCH})
    styles = _Styles(workbook, _FACE[language])
    _write_contents(workbook, tables, language, shown, styles)
    for number, table in enumerate(tables, start=1):
        sheet = workbook.add_worksheet(table_number(number, language))
        _SheetWriter(sheet, table, styles).write(number)
    workbook.close()
    return buffer.getvalue()


def sheet_format(text: str) -> str:
    """Return the spreadsheet's format in which a number shows as the text that it became.

    The sign of a negative number is the spreadsheet's own, so that what is copied out of a
    cell is a number again; and a number that only rounds to zero keeps its sign.

    Examples
    --------
    >>> [sheet_format(text) for text in ("−1.20", "+0.28", ".52", "1,204", "54 %")]
    ['#,##0.00', '+#,##0.00;-#,##0.00;#,##0.00', '.00', '#,##0', '#,##0 %']
    >>> sheet_format("< .001")
    '[<0.001]"< .001";.000'
    """
    if text[0] in "<>":
        bound, digits = text[2:], "." + "0" * (len(text) - 3)
        return f'[{text[0]}0{bound}]"{text}";{digits}'
    found = _NUMBER.match(text)
    if found is None:
        return "General"
    sign, whole, decimals, percent = found.groups(default="")
    code = ("#,##0" if whole else "") + re.sub(r"\d", "0", decimals)
    return f"+{code};-{code};{code}" if sign == "+" else code + percent


class _Exact(float):
    """A number that XlsxWriter, which asks for 16 digits, writes so that it reads back equal."""

    def __format__(self, spec: str) -> str:
        return repr(float(self)).upper()


class _Styles:
    """The cell formats of a workbook, each made once."""

    def __init__(self, workbook: Any, face: str) -> None:
        self._workbook = workbook
        self._base = {"font_name": face, "font_size": 10.5, "valign": "vcenter"}
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def get(self, **properties: Any) -> Any:
        """Return the format of these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._workbook.add_format(self._base | properties)
        return self._made[key]

    def text(self, text: str, **properties: Any) -> Any:
        """Return the format of a text: quoted where it looks like a formula."""
        return self.get(**properties, **({"quote_prefix": True} if _is_live(text) else {}))


def _is_live(text: str) -> bool:
    return text.lstrip()[:1] in tuple(_LIVE)


def _write_contents(
    workbook: Any, tables: Sequence[Table], language: Language, title: str, styles: _Styles
) -> None:
    """Write the first sheet: a line a table, which leads to its sheet."""
    sheet = workbook.add_worksheet(message("export.contents", language))
    sheet.write_string(0, 0, _cut(title), styles.text(title, bold=True, font_size=14))
    heads = ("contents_number", "contents_caption", "contents_rows")
    for column, name in enumerate(heads):
        align = "right" if name == "contents_rows" else "left"
        style = styles.get(bold=True, bottom=1, top=1, align=align)
        sheet.write_string(2, column, message(f"export.{name}", language), style)
    link = {"font_color": COLOURS["accent"][0], "underline": 1}
    for number, table in enumerate(tables, start=1):
        name, caption = table_number(number, language), clean(table.caption)
        row = number + 2
        sheet.write_url(row, 0, f"internal:'{name}'!A1", styles.get(**link), name)
        sheet.write_string(row, 1, _cut(caption), styles.text(caption, text_wrap=True))
        sheet.write_number(row, 2, len(table.frame), styles.get())
    sheet.set_column(0, 0, 12)
    sheet.set_column(1, 1, 70)
    sheet.set_column(2, 2, 8)
    sheet.freeze_panes(3, 0)
    sheet.hide_gridlines(2)
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a sheet: which column of the table, which end of an interval, its heading."""

    name: str
    place: int  # among the table's shown columns
    end: int | None
    heading: str
    words: bool


def _columns(table: Table) -> Iterator[_Column]:
    """Yield the columns of the sheet behind the labels; an interval gives two."""
    for place, (name, heading) in enumerate(table.headings.items()):
        form, text = table.formats[name], clean(heading)
        if form.startswith("interval"):
            for end, side in enumerate(("lower", "upper")):
                said = message(f"export.{side}", table.language, heading=text)
                yield _Column(name, place, end, said, False)
        else:
            yield _Column(name, place, None, text, form == "text")


class _SheetWriter:
    """Writes one table into its sheet."""

    def __init__(self, sheet: Any, table: Table, styles: _Styles) -> None:
        self._sheet, self._table, self._styles = sheet, table, styles
        self._columns = list(_columns(table))
        self._first = 2 if table.row_aside else 1  # column of the first value
        self._lines = list(lines_of(table))
        self._widths = self._measured()

    def write(self, number: int) -> None:
        """Write number, caption, headings, rows and notes, and set up the printing."""
        language = self._table.language
        caption = clean(self._table.caption)
        self._put(0, 0, table_number(number, language), bold=True)
        self._put(1, 0, caption, italic=language == "en", bold=language == "zh")
        self._headings()
        for row, line in enumerate(self._lines, start=_HEAD + 1):
            last = row == _HEAD + len(self._lines)
            self._row(row, line, {"bottom": 1 if language == "en" else 2} if last else {})
        end = self._notes(_HEAD + len(self._lines) + 1)
        back = message("export.back", language)
        target = f"internal:'{message('export.contents', language)}'!A1"
        style = self._styles.get(font_color=COLOURS["accent"][0], underline=1)
        self._sheet.write_url(end + 1, 0, target, style, back)
        self._print_setup()

    def _put(self, row: int, column: int, text: str, **properties: Any) -> None:
        style = self._styles.text(text, **properties)
        self._sheet.write_string(row, column, _cut(text), style)

    def _headings(self) -> None:
        outer = 1 if self._table.language == "en" else 2
        rules = {"top": outer, "bottom": 1, "valign": "bottom", "text_wrap": True}
        self._put(_HEAD, 0, clean(self._table.row_header), **rules)
        if self._table.row_aside:
            self._put(_HEAD, 1, message("export.aside", self._table.language), **rules)
        for column, part in enumerate(self._columns, start=self._first):
            gap = _INDENT if part.words else {"align": "right"}  # numbers before it stand right
            self._put(_HEAD, column, part.heading, **rules, **gap)
        shown = zip(self._columns, self._widths[self._first :], strict=True)
        lines = [len(broken(part.heading, width / 1.9)) for part, width in shown]
        self._sheet.set_row(_HEAD, _LINE * max(1, *lines))

    def _row(self, row: int, line: Line, rule: dict[str, Any]) -> None:
        if line.kind == "group":
            self._put(row, 0, line.label, bold=True, **rule)
            for column in range(1, self._first + len(self._columns)):
                self._sheet.write_blank(row, column, None, self._styles.get(**rule))
            return
        strong = {"bold": True} if line.strong else {}
        grouped = self._table.row_groups and line.kind == "row"
        indent = _INDENT if grouped else {}
        self._put(row, 0, line.label, text_wrap=True, **strong, **indent, **rule)
        if self._table.row_aside:
            self._put(row, 1, line.aside, text_wrap=True, **rule)
        for column, part in enumerate(self._columns, start=self._first):
            look = strong | _look(line.mark(part.place)) | rule
            if part.words:
                self._put(row, column, line.cells[part.place], text_wrap=True, **_INDENT, **look)
            elif line.kind == "standards":
                said = "" if part.end == 1 else line.cells[part.place]
                self._put(row, column, said, align="right", **look)
            else:
                value = self._table.frame[part.name].iloc[line.place]
                self._value(row, column, part, value, look)

    def _value(
        self, row: int, column: int, part: _Column, value: Any, look: dict[str, Any]
    ) -> None:
        """Write one number; nothing where it is missing, the sign where it is infinite."""
        text = _shown(value, self._table.formats[part.name], part.end)
        paired = part.end is not None and isinstance(value, tuple | list)
        number = value[part.end or 0] if paired else value
        if text == NONE:
            self._sheet.write_blank(row, column, None, self._styles.get(align="right", **look))
        elif math.isinf(number):
            self._put(row, column, text, align="right", **look)
        else:
            style = self._styles.get(num_format=sheet_format(text), **look)
            self._sheet.write_number(row, column, _Exact(number or 0), style)  # 0 for -0

    def _notes(self, row: int) -> int:
        """Write a row a note over the table's width and return the row after the last."""
        language, last = self._table.language, self._first + len(self._columns) - 1
        width = sum(self._widths)
        for place, note in enumerate(self._table.notes):
            lead = note_lead(language) if place == 0 else ""
            space = " " if lead and language == "en" else ""
            said = "".join(piece for piece, _ in bold_parts(clean(note)))
            text = _cut(f"{lead}{space}{said}")
            style = self._styles.text(text, text_wrap=True, font_size=9)
            self._sheet.merge_range(row, 0, row, last, "", style)
            self._sheet.write_string(row, 0, text, style)
            lines = len(broken(text, width / 1.8))
            self._sheet.set_row(row, _LINE * max(lines, 1))
            row += 1
        return row

    def _measured(self) -> list[float]:
        """Set the widths of the columns, in characters, and return them."""
        rows = [line for line in self._lines if line.kind != "group"]
        texts = [clean(self._table.row_header), *(line.label for line in rows)]
        widths = [min(_characters(texts) + 2, _LABEL_MOST)]
        if self._table.row_aside:
            widths.append(min(_characters([line.aside for line in rows]) + 2, _WORDS_MOST))
        for part in self._columns:
            cells = [line.cells[part.place] for line in rows]
            if part.words:
                widths.append(min(_characters([part.heading, *cells]) + 3, _WORDS_MOST))
            else:
                head = _characters(broken(part.heading, _HEADING_MOST))
                shown = 0.0 if part.end is not None else _characters(cells)
                widths.append(max(head + 1.5, shown + 1.5, _NUMBER_LEAST))
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, round(width, 1))
        return widths

    def _print_setup(self) -> None:
        sheet = self._sheet
        sheet.freeze_panes(_HEAD + 1, 1)
        sheet.hide_gridlines(2)
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(_HEAD)
        sheet.set_footer("&C&P / &N")
        if sum(self._widths) > _WIDE:
            sheet.set_landscape()


def _shown(value: Any, form: str, end: int | None) -> str:
    """Return how a number is shown; of an interval, its lower or upper end."""
    text = format_value(value, form)
    if end is None or text == NONE:
        return text
    return text[1:-1].split(", ")[end]


def _look(mark: str) -> dict[str, Any]:
    if mark == "strong":
        return {"bold": True}
    if mark == "weak":
        return {"font_color": COLOURS["soft"][0]}
    return {"font_color": COLOURS[mark][0]} if mark else {}


def _characters(texts: Sequence[str]) -> float:
    """Return the widest text in characters as Excel counts them, a Chinese one as two."""
    return max((2.0 * em(text) for text in texts), default=0.0)


def _cut(text: str) -> str:
    """Return a text that a cell can hold."""
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
