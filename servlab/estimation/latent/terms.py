"""The right side of a model statement: terms joined by plus signs, with modifiers."""

import math
from dataclasses import dataclass, fields, replace

from servlab.estimation.latent.tokens import Statement, Token, refusal

Parsed = tuple[str, "Modifiers", int]


@dataclass(frozen=True, slots=True)
class Modifiers:
    """What a text says of one parameter; each tuple is empty, one for all groups, or one a group.

    Attributes
    ----------
    fixed : tuple of float
        Values the parameter is fixed to; NaN (``NA``) frees it.
    start : tuple of float
        Starting values.
    label : tuple of str
        Labels; the same label twice makes two parameters equal.
    equal : tuple of str
        Terms or labels the parameter is made equal to; ``""`` for none.
    """

    fixed: tuple[float, ...] = ()
    start: tuple[float, ...] = ()
    label: tuple[str, ...] = ()
    equal: tuple[str, ...] = ()

    def merged(self, other: "Modifiers") -> "Modifiers | None":
        """Return both together; None when ``other`` is empty or they contradict each other."""
        given = {f.name: getattr(other, f.name) for f in fields(other) if getattr(other, f.name)}
        if not given or any(getattr(self, name) for name in given):
            return None
        return replace(self, **given)


def parse_terms(
    statement: Statement, tokens: tuple[Token, ...], *, intercepts: bool
) -> list[Parsed]:
    """Return (name, modifiers, line) of each term; the name of an intercept is empty."""
    found = []
    for part in _parts(statement, tokens):
        *modifiers, variable = _factors(part)
        name = _variable(statement, variable, intercepts)
        joined = Modifiers()
        for words in modifiers:
            more = joined.merged(_modifier(statement, words))
            if more is None:
                raise refusal(
                    words[0].line,
                    statement.text(),
                    f"the term {name or '1'!r} has two modifiers of one kind; keep one.",
                )
            joined = more
        if joined.start and any(not math.isnan(value) for value in joined.fixed):
            raise refusal(
                part[0].line,
                statement.text(),
                f"the term {name or '1'!r} is fixed and has a starting value; keep one.",
            )
        found.append((name, joined, part[0].line))
    return found


def _parts(statement: Statement, tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Return the tokens of each term between plus signs at depth 0."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "op" else 0
        if depth < 0:
            raise refusal(token.line, statement.text(), "a closing parenthesis has no opening one.")
        if token.kind == "op" and token.text == "+" and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    if depth:
        raise refusal(statement.line, statement.text(), "a parenthesis is not closed.")
    if not all(parts):
        raise refusal(statement.line, statement.text(), "a + has no term on one of its sides.")
    return [tuple(part) for part in parts]


def _factors(part: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Return a term's modifiers and its variable, split at ``*`` and ``?`` of depth 0."""
    factors: list[list[Token]] = [[]]
    depth = 0
    for token in part:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "op" else 0
        if token.kind == "op" and token.text in "*?" and depth == 0:
            if token.text == "?":
                factors[-1].append(token)
            factors.append([])
        else:
            factors[-1].append(token)
    return [tuple(factor) for factor in factors]


def _variable(statement: Statement, words: tuple[Token, ...], intercepts: bool) -> str:
    """Return the name at the end of a term, empty for an intercept's 1."""
    text, line = statement.text(), statement.line
    if not words:
        raise refusal(line, text, "a * has no variable behind it.")
    first = words[0]
    if any(token.kind == "op" and token.text == ":" for token in words):
        raise refusal(
            first.line,
            text,
            "an interaction (a:b) is not supported; compute the product as a column of the data "
            "(centre both first) and name that column.",
        )
    if len(words) == 1 and first.kind in ("name", "string") and first.text != "NA":
        return first.text
    if len(words) == 1 and first.text == "1" and intercepts:
        return ""
    if len(words) == 1 and first.kind == "number":
        where = "" if intercepts else " (an intercept is written x ~ 1)"
        raise refusal(
            first.line,
            text,
            f"the number {first.text} stands where a variable should{where}; to fix a parameter "
            f"write {first.text}*x, and an intercept x ~ {first.text}*1; a variable of that name "
            f"stands in backticks: `{first.text}`.",
        )
    shown = " ".join(token.shown() for token in words)
    raise refusal(
        first.line,
        text,
        f"cannot read the term {shown!r}; terms are joined by +, a modifier stands before its "
        "term with a *, and a name with other characters stands in backticks.",
    )


def _modifier(statement: Statement, words: tuple[Token, ...]) -> Modifiers:
    """Return what one modifier says."""
    text = statement.text()
    if not words:
        raise refusal(statement.line, text, "a * has no modifier before it.")
    start = words[-1].text == "?" and words[-1].kind == "op"
    if start:
        words = words[:-1]
    kind, inner = "", words
    if len(words) > 2 and words[0].kind == "name" and words[1].text == "(" and words[0].text != "c":
        kind, inner = words[0].text, words[2:-1]
        if kind not in ("start", "equal", "label"):
            raise refusal(words[0].line, text, _UNKNOWN.get(kind, _OTHER).format(kind=kind))
    values = _vector(statement, inner)
    if start or kind == "start":
        return Modifiers(start=_numbers(statement, values))
    if kind == "equal":
        return Modifiers(equal=_strings(statement, values, ("string",)))
    if kind == "label":
        return Modifiers(label=_strings(statement, values, ("string",)))
    if all(_is_number(value) for value in values):
        return Modifiers(fixed=_numbers(statement, values))
    return Modifiers(label=_strings(statement, values, ("name", "string")))


_OTHER = "{kind}(...) is no modifier; there are start(), equal(), label() and c()."
_UNKNOWN = {
    "lower": "lower() is not supported; give the parameter a label a and write a > value.",
    "upper": "upper() is not supported; give the parameter a label a and write a < value.",
    "rv": "random slopes, rv(), are not supported; respondents within branches: cluster=.",
    "prior": "priors are not supported; servlab's estimates are not Bayesian.",
}


def _vector(statement: Statement, words: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Return the elements of ``c(...)``, or the one element there is."""
    if words and words[0].text == "c" and words[0].kind == "name" and len(words) > 1:
        if words[1].text != "(" or words[-1].text != ")":
            raise refusal(words[0].line, statement.text(), "c is followed by (one value a group).")
        elements: list[list[Token]] = [[]]
        for token in words[2:-1]:
            if token.kind == "op" and token.text == ",":
                elements.append([])
            else:
                elements[-1].append(token)
        return [tuple(element) for element in elements]
    return [words]


def _is_number(words: tuple[Token, ...]) -> bool:
    """Tell whether an element is a number, perhaps signed, or ``NA``."""
    if len(words) == 1:
        return words[0].kind == "number" or (words[0].kind == "name" and words[0].text == "NA")
    return len(words) == 2 and words[0].text in ("+", "-") and words[1].kind == "number"


def _numbers(statement: Statement, values: list[tuple[Token, ...]]) -> tuple[float, ...]:
    """Return elements as floats, NaN for ``NA``."""
    found = []
    for words in values:
        if not _is_number(words):
            raise _unreadable(statement, words, "numbers")
        number = math.nan if words[-1].text == "NA" else float(words[-1].text)
        found.append(-number if words[0].text == "-" else number)
    return tuple(found)


def _strings(
    statement: Statement, values: list[tuple[Token, ...]], kinds: tuple[str, ...]
) -> tuple[str, ...]:
    """Return elements as labels or quoted terms."""
    found = []
    for words in values:
        if len(words) != 1 or words[0].kind not in kinds or words[0].text == "NA":
            raise _unreadable(statement, words, "labels" if "name" in kinds else "quoted texts")
        found.append(words[0].text)
    return tuple(found)


def _unreadable(statement: Statement, words: tuple[Token, ...], wanted: str) -> Exception:
    """Return the refusal of an element of a modifier."""
    shown = " ".join(token.shown() for token in words) or "nothing"
    return refusal(
        statement.line,
        statement.text(),
        f"cannot read the modifier {shown!r}; a modifier is a number, NA, a label, start(), "
        f"equal() or c(...) with one of these a group (here {wanted}).",
    )
