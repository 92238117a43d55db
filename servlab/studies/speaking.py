"""Lines that the commands say: whatever a name holds, wherever they go, and to nobody too."""

import os
import re
import sys
from contextlib import suppress
from typing import TextIO

# What moves a terminal's cursor, or turns the order of letters around: C0 without tab and line
# feed, DEL, C1, the marks of direction.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    r"""Return text that only shows itself: control characters are written as in JSON.

    Examples
    --------
    >>> plain("North\x1b[2J")
    'North\\u001b[2J'
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def say(text: str) -> None:
    """Say something about the work, on standard error."""
    _write(sys.stderr, text)


def answer(text: str) -> None:
    """Give a command's result, on standard output."""
    _write(sys.stdout, text)


def _write(stream: TextIO, text: str) -> None:
    """Write a line; a reader that is gone (a closed pipe, a terminal) stops no study."""
    line = plain(text)
    try:
        try:
            print(line, file=stream, flush=True)
        except UnicodeEncodeError:
            known = line.encode(stream.encoding, errors="backslashreplace")
            print(known.decode(stream.encoding), file=stream, flush=True)
    except OSError:
        with suppress(OSError, ValueError):  # what is said from now on goes nowhere
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
