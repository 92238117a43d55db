"""Words of a model text: from characters to statements, each token with its line."""

import re
from dataclasses import dataclass
from typing import Literal

from servlab.core.errors import ModelError

Kind = Literal["name", "number", "string", "op"]

_TOKEN = re.compile(
    r"""(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])
    | (?P<name>\.?[^\W\d][\w.]*)
    | "(?P<double>[^"\n]*)" | '(?P<single>[^'\n]*)' | `(?P<back>[^`\n]*)`
    | (?P<op>~\*~ | =~ | ~~ | <~ | ~ | := | == | <= | >= | < | > | \*\* | [-+*/^(),:?|;%=])
    | (?P<comment>[#!][^\n]*) | (?P<blank>[^\S\n]+) | (?P<newline>\n)""",
    re.VERBOSE,
)
# What joins two lines into one statement, at the end of the first or the start of the second.
_JOINING = frozenset(
    [
        "=~",
        "~~",
        "~",
        "~*~",
        "<~",
        ":=",
        "==",
        "<",
        ">",
        "+",
        "*",
        "?",
        "|",
        "-",
        "/",
        "^",
        "**",
        ",",
    ]
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a model text."""

    kind: Kind
    text: str
    line: int

    def shown(self) -> str:
        """Return the word as it is written."""
        return f'"{self.text}"' if self.kind == "string" else self.text


@dataclass(frozen=True, slots=True)
class Statement:
    """The tokens of one statement, with the line it starts on."""

    tokens: tuple[Token, ...]

    @property
    def line(self) -> int:
        """Return the number of the first line, from 1."""
        return self.tokens[0].line

    def text(self) -> str:
        """Return the statement on one line."""
        return join(self.tokens)


def join(tokens: tuple[Token, ...]) -> str:
    """Return tokens as text, parted by blanks where two words would run together."""
    parts: list[str] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        apart = before is None or "(" in (before.text, token.text) or token.text in ("*", ")", ",")
        glued = before is not None and (apart or before.text in ("*", "-") or token.text == "(")
        parts.append(("" if glued or before is None else " ") + token.shown())
    return "".join(parts)


def refusal(line: int, text: str, advice: str) -> ModelError:
    """Return the error that names the line, what stands there and what to write instead."""
    return ModelError(f"line {line} of the model, {text!r}: {advice}")


def statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of a model text.

    A statement ends at a semicolon or at the end of a line, unless the line ends or the next
    one starts with an operator, or a parenthesis is open.
    """
    found: list[Statement] = []
    current: list[Token] = []
    for words in _lines(text):
        if current and not _continues(current, words[0]):
            found.append(Statement(tuple(current)))
            current = []
        for token in words:
            if token.text == ";" and token.kind == "op":
                if current:
                    found.append(Statement(tuple(current)))
                current = []
            else:
                current.append(token)
    if current:
        found.append(Statement(tuple(current)))
    return tuple(found)


def _continues(current: list[Token], following: Token) -> bool:
    """Tell whether ``following`` belongs to the statement before it."""
    depth = sum({"(": 1, ")": -1}.get(token.text, 0) for token in current if token.kind == "op")
    joins = [token.kind == "op" and token.text in _JOINING for token in (current[-1], following)]
    return depth > 0 or any(joins)


def _lines(text: str) -> list[list[Token]]:
    """Return the tokens of each line that has any."""
    lines: list[list[Token]] = [[]]
    at, number = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise refusal(
                number,
                text[at:].split("\n")[0].strip(),
                f"cannot read {text[at]!r}; a name with other characters than letters, digits, "
                "dots and underscores stands in backticks, and a quote is closed on its line.",
            )
        at = match.end()
        kind = str(match.lastgroup)
        if kind == "newline":
            lines.append([])
            number += 1
        elif kind not in ("comment", "blank"):
            lines[-1].append(_token(kind, match, number))
    return [line for line in lines if line]


def _token(kind: str, match: re.Match[str], line: int) -> Token:
    """Return the token of a match; a name in backticks is a name."""
    if kind in ("double", "single", "back"):
        content = match[kind].strip()
        if not content:
            raise refusal(line, match[0], "the quotes hold nothing; write a name into them.")
        return Token("name" if kind == "back" else "string", content, line)
    return Token(kind, match[kind], line)  # type: ignore[arg-type]
