"""Which encoding is a text in? Decided, not sniffed.

A byte order mark, then strict UTF-8, then the legacy encodings of Chinese, Japanese, Korean and
Western files. When several of those decode text that is not ASCII, the candidates are listed and
the codebook has to say which one it is.
"""

import codecs
import io

from servlab.core.errors import DataError

LEGACY = ("gb18030", "big5", "cp949", "shift_jis", "cp1252")
MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
MARK = "\ufeff"
PIECE = 1 << 20  # bytes decoded at once, so that a large file is never held twice


def encoding_of(name: str, content: bytes, encoding: str | None) -> str:
    """Return the encoding of a file's text, or raise ``DataError`` listing the candidates."""
    if encoding is not None:
        return _proven(name, content, encoding)
    for mark, codec in MARKS:
        if content.startswith(mark):
            return _proven(name, content, codec)
    if b"\x00" in content:
        raise _zero_bytes(name)
    if _decodes(content, "utf-8"):
        return "utf-8"
    if _mostly_utf8(content):
        return _proven(name, content, "utf-8")  # which says where it is broken
    candidates = [codec for codec in LEGACY if _decodes(content, codec)]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise DataError(
            f"{name} is not UTF-8 text, nor text in {', '.join(LEGACY)}; is it a text file? "
            "Export it again as CSV in UTF-8."
        )
    raise DataError(
        f"{name} is not UTF-8; encodings that could read it: {', '.join(candidates)}. "
        'Look at a label and say which it is: in the codebook, [file] encoding = "'
        f'{candidates[0]}".'
    )


def opened(content: bytes, encoding: str) -> io.TextIOWrapper:
    """Return a file's text as a stream, behind its mark, with line ends as they are."""
    stream = io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")
    if stream.read(1) != MARK:
        stream.seek(0)
    return stream


def as_utf8(content: bytes, encoding: str) -> bytes:
    """Return a file's text as UTF-8 without its mark."""
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"):
        content = content.decode(encoding).encode()
    return content.removeprefix(MARK.encode())


def _proven(name: str, content: bytes, encoding: str) -> str:
    """Return an encoding that decodes the file, or raise naming the line where it does not."""
    try:
        codecs.lookup(encoding)
        if _decodes(content, encoding):
            return encoding
        content.decode(encoding)  # once more in one piece, for the place of the fault
    except LookupError:
        raise DataError(
            f'{name}: encoding {encoding!r} is not known; name one such as "utf-8", "gb18030".'
        ) from None
    except UnicodeError as err:
        start = err.start if isinstance(err, UnicodeDecodeError) else 0
        line = content[:start].count(b"\n") + 1
        raise DataError(
            f"{name}, line {line}: not {encoding} text; correct encoding in the codebook's "
            "[file] table, or export the file again as UTF-8."
        ) from None
    raise _zero_bytes(name)


def _decodes(content: bytes, codec: str) -> bool:
    """Return whether a codec decodes the whole content, and no character of it is a zero."""
    decoder = codecs.getincrementaldecoder(codec)()
    view = memoryview(content)
    try:
        for start in range(0, len(view), PIECE):
            last = start + PIECE >= len(view)
            if "\x00" in decoder.decode(view[start : start + PIECE], last):
                return False
    except UnicodeError:
        return False
    return True


def _mostly_utf8(content: bytes) -> bool:
    """Return whether text is UTF-8 but for a few bytes: no other encoding looks like that."""
    text = content.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    return sum(not sign.isascii() for sign in text) - broken > 2 * broken


def _zero_bytes(name: str) -> DataError:
    return DataError(
        f"{name} holds zero bytes: it is no text, or UTF-16 without its mark; "
        "export it again as CSV in UTF-8."
    )
