"""Workbooks of Excel 97 to 2003 (.xls), by hand: [MS-XLS] records in a [MS-CFB] container."""

import struct

SECTOR = 512
SMALLEST = 4096  # shorter streams would go into the container's small sectors
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
ERRORS = {"#NULL!": 0x00, "#DIV/0!": 0x07, "#VALUE!": 0x0F, "#REF!": 0x17, "#NAME?": 0x1D,
          "#NUM!": 0x24, "#N/A": 0x2A}  # fmt: skip


def xls(rows: list[list[object]]) -> bytes:
    """Return the bytes of a workbook with one sheet."""
    return _container(_workbook(rows))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _begin(what: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, what, 0x0DBB, 0x07CC, 0x41, 0x06))


def _text(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def _cell(row: int, column: int, cell: object) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if cell is None:
        return b""
    if isinstance(cell, bool):
        return _record(0x0205, place + bytes([int(cell), 0]))
    if isinstance(cell, int | float):
        return _record(0x0203, place + struct.pack("<d", cell))
    if cell in ERRORS:
        return _record(0x0205, place + bytes([ERRORS[str(cell)], 1]))
    if str(cell).startswith("="):  # a formula whose result is the error named after the sign
        result = struct.pack("<BBBBBBH", 2, 0, ERRORS[str(cell)[1:]], 0, 0, 0, 0xFFFF)
        tokens = struct.pack("<BB", 0x1C, ERRORS[str(cell)[1:]])
        data = place + result + struct.pack("<HIH", 0, 0, len(tokens)) + tokens
        return _record(0x0006, data)
    return _record(0x0204, place + _text(str(cell)))


def _workbook(rows: list[list[object]]) -> bytes:
    name = b"\x06\x00Sheet1"
    head = _begin(0x0005)
    start = len(head) + 4 + 6 + len(name) + 4
    head += _record(0x0085, struct.pack("<IH", start, 0) + name) + _record(0x000A, b"")
    cells = b"".join(_cell(r, c, cell) for r, row in enumerate(rows) for c, cell in enumerate(row))
    width = max(map(len, rows))
    span = _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    return head + _begin(0x0010) + span + cells + _record(0x000A, b"")


def _container(stream: bytes) -> bytes:
    stream = stream.ljust(max(SMALLEST, -(-len(stream) // SECTOR) * SECTOR), b"\x00")
    used = len(stream) // SECTOR
    chain = [FAT, END, *range(3, used + 2), END]  # sector 0: table, 1: directory, 2 on: stream
    table = struct.pack(f"<{SECTOR // 4}I", *chain, *[FREE] * (SECTOR // 4 - len(chain)))
    folder = _entry("Root Entry", 5, 1, END, 0) + _entry("Workbook", 2, FREE, 2, len(stream))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, SMALLEST, END, 0, END, 0,
    )  # fmt: skip
    header += struct.pack("<109I", 0, *[FREE] * 108)
    return header + table + folder.ljust(SECTOR, b"\x00") + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\x00").encode("utf-16-le")
    return (
        text.ljust(64, b"\x00")
        + struct.pack("<HBBIII", len(text), kind, 1, FREE, FREE, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
