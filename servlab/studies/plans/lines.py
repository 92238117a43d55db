"""Where in a TOML file does a value stand? Python's reader keeps no lines, so they are found here.

The text has been read by ``tomllib`` before: it is valid, and only places are wanted of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\r\n#]+")
_QUOTED = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\])*"'),
    re.compile(r"'[^']*'"),
)


def toml_lines(text: str) -> dict[Path, int]:
    r"""Return the line (from 1) of every table, key and array element of a valid TOML text.

    Examples
    --------
    >>> found = toml_lines('a = 1\n[[b]]\nc = [\n  2,\n  3,\n]')
    >>> found["a",], found["b", 0], found["b", 0, "c", 1]
    (1, 2, 5)
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


def nearest_line(lines: dict[Path, int], path: Sequence[str | int]) -> int:
    """Return the line of a value, or of the nearest thing around it that stands in the file."""
    for end in range(len(path), 0, -1):
        if tuple(path[:end]) in lines:
            return lines[tuple(path[:end])]
    return 1


@dataclass(slots=True)
class _Scanner:
    """Walks through a valid text once and notes where things begin."""

    text: str
    at: int = 0
    found: dict[Path, int] = field(default_factory=dict)
    counts: dict[Path, int] = field(default_factory=dict)

    def note(self, path: Path) -> None:
        self.found.setdefault(path, self.text.count("\n", 0, self.at) + 1)

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def document(self) -> None:
        table: Path = ()
        self.space()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.space()

    def header(self) -> Path:
        """Read ``[a.b]`` or ``[[a.b]]`` and return the path it opens."""
        several = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if several else 1
        path = self.placed(self.keys())
        end, self.at = self.at, start
        for place in range(1, len(path)):  # [a.b] opens a as well, where nothing did before
            self.note(path[:place])
        if several:
            self.counts[path] = self.counts.get(path, -1) + 1
            self.note(path)
            path = (*path, self.counts[path])
        self.note(path)
        self.at = self.text.index("]", end) + (2 if several else 1)
        return path

    def placed(self, keys: list[str]) -> Path:
        """Return a header's path: a name of an array of tables means its last table."""
        path: Path = ()
        for place, key in enumerate(keys):
            path = (*path, key)
            if path in self.counts and place < len(keys) - 1:
                path = (*path, self.counts[path])
        return path

    def keys(self) -> list[str]:
        """Read a dotted key."""
        found = []
        while True:
            self.space()
            found.append(self.key())
            self.space()
            if not self.text.startswith(".", self.at):
                return found
            self.at += 1

    def key(self) -> str:
        if self.text[self.at] in "\"'":
            import tomllib

            start = self.at
            self.string()
            return str(tomllib.loads(f"k = {self.text[start : self.at]}")["k"])
        bare = _BARE.match(self.text, self.at)
        self.at = bare.end() if bare else self.at + 1
        return bare.group() if bare else ""

    def string(self) -> None:
        for pattern in _QUOTED:
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return
        self.at += 1

    def pair(self, table: Path) -> None:
        """Read ``key = value`` under a table."""
        start = self.at
        path = table
        keys = self.keys()
        end, self.at = self.at, start
        for key in keys:
            path = (*path, key)
            self.note(path)
        self.at = end + 1  # the sign =
        self.space()
        self.value(path)

    def value(self, path: Path) -> None:
        opening = self.text[self.at]
        if opening in "\"'":
            self.string()
        elif opening in "[{":
            self.several(path, "]" if opening == "[" else "}")
        else:
            scalar = _SCALAR.match(self.text, self.at)
            self.at = scalar.end() if scalar else self.at + 1

    def several(self, path: Path, closing: str) -> None:
        """Read an array or an inline table."""
        self.at += 1
        place = 0
        self.space()
        while self.text[self.at] != closing:
            if closing == "}":
                self.pair(path)
            else:
                self.note((*path, place))
                self.value((*path, place))
            place += 1
            self.space()
            self.at += self.text[self.at] == ","
            self.space()
        self.at += 1
