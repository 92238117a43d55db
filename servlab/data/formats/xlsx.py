"""The package of an .xlsx workbook: its sheets, shared texts and date formats (ECMA-376, part 1).

Read here and not by a library, because libraries take an error such as ``#N/A`` for an empty cell,
and hold every cell of a sheet at once.
"""

import codecs
import datetime
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from servlab.core.errors import DataError

CHUNK = 1 << 20  # bytes unpacked at once
# A workbook of a survey unpacks to a few times its size; a bomb to a thousand times.
MAX_UNPACKED = 2_000_000_000
MAX_RATIO = 200
SMALL = 50_000_000  # unpacked bytes that any machine bears, whatever the ratio
DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}  # built-in formats
ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
NO_DATE_PART = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')  # texts, escapes, fills, colours
TEXT = re.compile(rb"<(?:\w+:)?t(?:\s[^>]*)?>([^<]*)</(?:\w+:)?t\s*>")
TAG = re.compile(rb"<[^<>]*>")
PHONETIC = re.compile(rb"<((?:\w+:)?rPh)\b.*?</\1>", re.DOTALL)
REFERENCE = re.compile(r"&(#x[0-9a-fA-F]+|#[0-9]+|\w+);")
ESCAPED = re.compile("_x(?!D[89A-F])([0-9A-F]{4})_", re.IGNORECASE)  # ECMA-376, ST_Xstring
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
UNUSUAL = (b"<!DOCTYPE", b"<!ENTITY", b"<![CDATA[", b"<!--")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: its name, the part that holds it, and whether a person sees it."""

    name: str
    part: str
    visible: bool


class Package:
    """An opened workbook.

    Parameters
    ----------
    name : str
        File name, for messages.
    archive : ZipFile
        The workbook.
    """

    def __init__(self, name: str, archive: zipfile.ZipFile) -> None:
        self.name = name
        self.archive = archive
        self.parts = {part.lstrip("/").lower(): part for part in archive.namelist()}
        if len(self.parts) != len(archive.namelist()):
            raise self.damaged()
        root = self._related("", "officeDocument")
        self._main = root[0][1] if root else "xl/workbook.xml"
        book = self._tree(self._main)
        flags = [e for e in book.iter() if _local(e.tag) == "workbookPr"]
        self.from_1904 = any(e.get("date1904") in ("1", "true") for e in flags)
        self.sheets = self._sheets(book)
        self.strings = self._strings()
        self.date_styles = self._date_styles()

    def damaged(self) -> DataError:
        """Return the error for a workbook that is not whole."""
        return DataError(f"{self.name} is damaged or cut off; copy or export it again.")

    def pieces(self, part: str) -> Iterator[bytes]:
        """Yield a part's bytes as they unpack; the archive's checksum is tested at the end."""
        found = self.parts.get(part.lower())
        if found is None:
            raise self.damaged()
        tail = b""
        with self.archive.open(found) as stream:
            while chunk := stream.read(CHUNK):
                if not tail and chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise self._unusual(part)
                if any(mark in tail + chunk for mark in UNUSUAL):
                    raise self._unusual(part)
                tail = chunk[-16:]
                yield chunk

    def _unusual(self, part: str) -> DataError:
        return DataError(
            f"{self.name} holds XML that no spreadsheet program writes ({part}: entities, comments "
            "or another encoding) and is refused; open it in such a program and save it again."
        )

    def _tree(self, part: str) -> ElementTree.Element:
        try:
            return ElementTree.fromstring(b"".join(self.pieces(part)))
        except ElementTree.ParseError:
            raise self.damaged() from None

    def _related(self, part: str, kind: str) -> list[tuple[str, str]]:
        """Return id and path of the parts of a kind that a part refers to."""
        folder, _, file = part.rpartition("/")
        links = f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels"
        if links.lower() not in self.parts:
            return []
        found = []
        for link in self._tree(links):
            if link.get("Type", "").endswith(f"/{kind}"):
                target = link.get("Target", "")
                path = target if target.startswith("/") else f"/{folder}/{target}"
                found.append((link.get("Id", ""), posixpath.normpath(path).lstrip("/")))
        return found

    def _sheets(self, book: ElementTree.Element) -> list[Sheet]:
        parts = dict(self._related(self._main, "worksheet"))
        listed = []
        for element in book.iter():
            if _local(element.tag) != "sheet":
                continue
            link = next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
            if link in parts:  # a sheet that is only a chart is none
                visible = element.get("state", "visible") == "visible"
                listed.append(Sheet(element.get("name", ""), parts[link], visible))
        if not listed:
            raise self.damaged()
        return listed

    def _strings(self) -> list[str]:
        """Return the texts that cells refer to by number."""
        parts = self._related(self._main, "sharedStrings")
        texts: list[str] = []
        tail = b""
        for chunk in self.pieces(parts[0][1]) if parts else ():
            *items, tail = re.split(rb"</(?:\w+:)?si>|<(?:\w+:)?si\s*/>", tail + chunk)
            texts += [text_in(item) for item in items]
        return texts

    def _date_styles(self) -> dict[int, str]:
        """Return ``date`` or ``elapsed`` for each cell style that shows a number so."""
        parts = self._related(self._main, "styles")
        if not parts:
            return {}
        tree = self._tree(parts[0][1])
        codes = {
            int(e.get("numFmtId", 0)): e.get("formatCode", "")
            for e in tree.iter()
            if _local(e.tag) == "numFmt"
        }
        styles = next((e for e in tree.iter() if _local(e.tag) == "cellXfs"), ())
        kinds = [_kind_of(int(e.get("numFmtId", 0)), codes) for e in styles]
        return {place: kind for place, kind in enumerate(kinds) if kind}


def refuse_bomb(name: str, size: int, archive: zipfile.ZipFile) -> None:
    """Refuse a workbook that would unpack to far more than any survey.

    ``size`` is the file's; an entry never unpacks to more than it declares, or its checksum fails.
    """
    unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MAX_UNPACKED or (unpacked > SMALL and unpacked > MAX_RATIO * size):
        raise DataError(
            f"{name} would unpack from {size / 1e6:.1f} MB to {unpacked / 1e6:.0f} MB and is "
            "refused; export the answers alone, or as CSV."
        )


def text_in(markup: bytes) -> str:
    """Return the text of a shared or inline string, its runs joined, without reading aids."""
    if b"rPh" in markup:
        markup = PHONETIC.sub(b"", markup)
    texts = TEXT.findall(markup)
    if len(texts) != 1 and holds_text(TEXT.sub(b"", markup)):
        raise ValueError("a text is not where texts stand")
    return plain_text(b"".join(texts))


def holds_text(markup: bytes) -> bool:
    """Return whether anything stands between the tags."""
    return bool(TAG.sub(b"", markup).strip())


def plain_text(escaped: bytes) -> str:
    """Return XML text with its references and escapes resolved, line ends as XML reads them."""
    text = escaped.decode("utf-8")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "&" in text:
        text = REFERENCE.sub(_referred, text)
    if "_x" in text:  # how workbooks write characters that XML forbids, such as _x000D_
        text = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return text


def _referred(match: re.Match[str]) -> str:
    name = match[1]
    if name.startswith("#x"):
        return chr(int(name[2:], 16))
    if name.startswith("#"):
        return chr(int(name[1:]))
    if name not in NAMED:
        raise ValueError(f"the reference &{name}; is not declared")
    return NAMED[name]


def date_of(serial: float, kind: str, from_1904: bool) -> Any:
    """Return the time a number shows under a date format; the number where there is none."""
    try:
        if kind == "elapsed":
            return datetime.timedelta(seconds=round(serial * 86400, 3))
        if serial < 0:
            return serial
        days, part = divmod(serial, 1)
        time = datetime.timedelta(seconds=round(part * 86400, 3))
        if days == 0:
            return (datetime.datetime.min + time).time() if time.days == 0 else serial
        if from_1904:
            first = datetime.datetime(1904, 1, 1)
        else:  # 1900 is taken for a leap year, up to its 29 February
            first = datetime.datetime(1899, 12, 31 if serial < 60 else 30)
        moment = first + datetime.timedelta(days=days) + time
    except OverflowError:
        return serial
    return moment.date() if not part else moment


def _kind_of(number: int, codes: dict[int, str]) -> str:
    """Return how a number format shows numbers: ``date``, ``elapsed`` or neither."""
    if number not in codes:
        return ("elapsed" if number == 46 else "date") if number in DATES else ""
    code = codes[number].split(";")[0]
    if ELAPSED.search(code):
        return "elapsed"
    bare = NO_DATE_PART.sub("", code)
    return "date" if re.search("[dmyhs]", bare, re.IGNORECASE) and bare != "General" else ""


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
