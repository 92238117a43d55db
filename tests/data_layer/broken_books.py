"""Workbooks that people and attackers make: built by hand, part by part, for the hostile files."""

import datetime
import io
import re
import zipfile
from collections.abc import Callable

import xlsxwriter

HEADER = ["P1", "P2", "P3"]
ROWS = [[1, 2, 3], [4, 5, 6]]


def made(write: Callable, **options: bool) -> bytes:
    """Return the bytes of a workbook that ``write`` filled."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        write(book)
    return buffer.getvalue()


def repacked(content: bytes, change: Callable[[str, str], str]) -> bytes:
    """Return a workbook with its parts changed by ``change(part, text)``."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.namelist():
            target.writestr(part, change(part, source.read(part).decode()))
    return buffer.getvalue()


def filled(sheet, rows=ROWS, header=HEADER, top=0) -> None:
    for r, row in enumerate([header, *rows], start=top):
        sheet.write_row(r, 0, row)


def plain(rows=ROWS, header=HEADER, top=0) -> bytes:
    return made(lambda book: filled(book.add_worksheet(), rows, header, top))


def titled() -> bytes:
    """A merged title over the header."""

    def write(book):
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 2, "Survey of 2026")
        filled(sheet, top=1)

    return made(write)


def merged_header() -> bytes:
    def write(book):
        sheet = book.add_worksheet()
        filled(sheet, header=["P1", "", "P3"])
        sheet.merge_range(0, 0, 0, 1, "P1")

    return made(write)


def merged_answers() -> bytes:
    def write(book):
        sheet = book.add_worksheet()
        filled(sheet, rows=[[1, 2, 3], [4, 5, 6], [7, 6, 5]])
        sheet.merge_range(1, 1, 2, 1, 2, book.add_format())

    return made(write)


def formulas(result: object) -> bytes:
    def write(book):
        sheet = book.add_worksheet()
        filled(sheet)
        sheet.write_formula(1, 1, "=A2+1", None, result)

    return made(write)


def uncalculated() -> bytes:
    def change(part, text):
        return re.sub(r"(</f>)<v>.*?</v>", r"\1", text) if "worksheets/" in part else text

    return repacked(formulas(2), change)


def empty_result() -> bytes:
    """A formula whose result is no text at all, as =IF(A2="","",A2) stores it."""

    def change(part, text):
        text = re.sub(
            r'<c r="B2"><f>(.*?)</f><v>.*?</v>', r'<c r="B2" t="str"><f>\1</f><v></v>', text
        )
        return text

    return repacked(formulas(2), change)


def dated(code="dd/mm/yyyy", **options) -> bytes:
    def write(book):
        sheet = book.add_worksheet()
        filled(sheet)
        shown = book.add_format({"num_format": code})
        sheet.write_datetime(1, 1, datetime.datetime(2026, 4, 3), shown)

    return made(write, **options)


def with_dates(**options) -> bytes:
    """A column of days beside the answers."""

    def write(book):
        sheet = book.add_worksheet()
        filled(sheet, header=[*HEADER, "day"])
        shown = book.add_format({"num_format": "dd/mm/yyyy"})
        for r in (1, 2):
            sheet.write_datetime(r, 3, datetime.datetime(2026, 4, r), shown)

    return made(write, **options)


def numbers_as_text() -> bytes:
    def write(book):
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for r, row in enumerate(ROWS, start=1):
            for c, number in enumerate(row):
                sheet.write_string(r, c, f" {number}")

    return made(write)


def hidden_parts() -> bytes:
    """A hidden sheet, a hidden row and a hidden column."""

    def write(book):
        sheet = book.add_worksheet("Answers")
        filled(sheet)
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column(1, 1, None, None, {"hidden": True})
        other = book.add_worksheet("Lists")
        filled(other, rows=[[7, 7, 7]])
        other.hide()

    return made(write)


def only_hidden() -> bytes:
    def write(book):
        book.add_worksheet("Cover").activate()
        other = book.add_worksheet("Answers")
        filled(other)
        other.very_hidden()

    return made(write)


def far_cell() -> bytes:
    def write(book):
        sheet = book.add_worksheet()
        filled(sheet)
        sheet.write(1_048_575, 16_383, "x")

    return made(write)


def entity_bomb() -> bytes:
    """Ten entities, each ten times the one before (Klein, 2002)."""
    levels = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
    head = f'<!DOCTYPE sst [<!ENTITY l0 "lol">{levels}]>'

    def change(part, text):
        if "sharedStrings" not in part:
            return text
        return text.replace("<sst", head + "<sst").replace("<t>P1</t>", "<t>&l9;</t>")

    return repacked(plain(), change)


def zip_bomb() -> bytes:
    """A sheet of 120 million zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 120_000_000)
    return buffer.getvalue()


def lying_bomb() -> bytes:
    """A sheet that unpacks to 40 million blanks and declares two thousand bytes."""
    content = plain()
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for part in source.namelist():
            text = source.read(part)
            size = 40_000_000 if "sheet1" in part else 0
            target.writestr(part, text.replace(b"<sheetData>", b"<sheetData>" + b" " * size))
        entry = next(e for e in target.infolist() if "sheet1" in e.filename)
        entry.file_size = 2_000
    return buffer.getvalue()


def repeated_part() -> bytes:
    """Two parts of one name: which one a program reads is anybody's guess."""
    buffer = io.BytesIO(plain())
    other = zipfile.ZipFile(io.BytesIO(plain(rows=[[7, 7, 7]])))
    with zipfile.ZipFile(buffer, "a") as target:
        info = zipfile.ZipInfo("XL/worksheets/sheet1.xml")
        target.writestr(info, other.read("xl/worksheets/sheet1.xml"))
    return buffer.getvalue()


def locked_parts() -> bytes:
    """Every part marked as encrypted by the archive."""
    content = bytearray(plain())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            content[at + place] |= 1
            at = content.find(mark, at + 4)
    return bytes(content)


def no_sheets() -> bytes:
    """A package of another program: a Word document."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    return buffer.getvalue()
