"""Arithmetic over parameter labels: what stands in ``:=``, ``==``, ``<`` and ``>``.

A small grammar of its own, so that no text of a model is ever run as code:
numbers, labels, ``+ - * / ^ **``, parentheses, and ``sqrt exp log abs``. Precedence is R's:
``-a^2`` is ``-(a^2)``, ``2^3^2`` is ``2^9``. Gradients are exact (forward mode).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from servlab.core.errors import ModelError

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"
    r"|(?P<name>\.?[^\W\d][\w.]*)|(?P<op>\*\*|[-+*/^()]))"
)
# Each function with its derivative.
_FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "exp": (np.exp, np.exp),
    "log": (np.log, lambda x: 1.0 / x),
    "abs": (np.abs, np.sign),
}

# A node is ("number", value), ("name", text), (operator, left, right), ("-", node) or
# (function, node).
Node = tuple[Any, ...]
# A value with its partial derivatives by name.
Dual = tuple[Any, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Expression:
    """An arithmetic expression over labels.

    Attributes
    ----------
    text : str
        As written, without blanks.
    names : tuple of str
        The labels it uses, in order of appearance.
    node : tuple
        The parsed tree.
    """

    text: str
    names: tuple[str, ...]
    node: Node

    def value(self, values: Mapping[str, Any]) -> Any:
        """Return the value at ``values`` (a number or an equally shaped array a label)."""
        return _value(self.node, values)

    def gradient(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the partial derivative by each of ``names`` at ``values``."""
        derivatives = _dual(self.node, values)[1]
        return {name: float(derivatives.get(name, 0.0)) for name in self.names}

    def substitute(self, parts: Mapping[str, "Expression"]) -> "Expression":
        """Return the expression with names replaced by expressions; ``text`` stays."""
        node = _substitute(self.node, parts)
        return Expression(self.text, tuple(dict.fromkeys(_names(node))), node)


def parse_expression(text: str) -> Expression:
    """Return the expression written in ``text``.

    Raises
    ------
    ModelError
        When the text is no arithmetic over labels; the message names what was met.

    Examples
    --------
    >>> indirect = parse_expression("c + a*b")
    >>> indirect.names, float(indirect.value({"a": 2.0, "b": 3.0, "c": 1.0}))
    (('c', 'a', 'b'), 7.0)
    >>> indirect.gradient({"a": 2.0, "b": 3.0, "c": 1.0})
    {'c': 1.0, 'a': 3.0, 'b': 2.0}
    """
    node = _Parser(text).parse()
    return Expression(re.sub(r"\s+", "", text), tuple(dict.fromkeys(_names(node))), node)


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0

    def parse(self) -> Node:
        node = self._sum()
        if self.at < len(self.tokens):
            raise self._unexpected()
        return node

    def _peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def _take(self, *wanted: str) -> str | None:
        if self._peek() in wanted and self.at < len(self.tokens):
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def _unexpected(self) -> ModelError:
        met = repr(self._peek()) if self.at < len(self.tokens) else "the end"
        return ModelError(
            f"an expression is arithmetic over labels (+ - * / ^, parentheses, "
            f"{', '.join(_FUNCTIONS)}); met {met} in {self.text.strip()!r}."
        )

    def _sum(self) -> Node:
        node = self._product()
        while op := self._take("+", "-"):
            node = (op, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._sign()
        while op := self._take("*", "/"):
            node = (op, node, self._sign())
        return node

    def _sign(self) -> Node:
        if op := self._take("+", "-"):
            inner = self._sign()
            return inner if op == "+" else ("-", inner)
        return self._power()

    def _power(self) -> Node:
        base = self._atom()
        if self._take("^", "**"):
            return ("^", base, self._sign())
        return base

    def _atom(self) -> Node:
        if self._take("("):
            node = self._sum()
            if not self._take(")"):
                raise self._unexpected()
            return node
        if self.at == len(self.tokens) or self.tokens[self.at][0] == "op":
            raise self._unexpected()
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return ("number", float(text))
        if self._peek() != "(":
            return ("name", text)
        if text not in _FUNCTIONS:
            self.at -= 1
            raise self._unexpected()
        return (text, self._atom())


def _tokens(text: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each token."""
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise ModelError(
                f"an expression is arithmetic over labels; cannot read "
                f"{text[at:].strip()[:20]!r} in {text.strip()!r}."
            )
        found.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return found


def _names(node: Node) -> list[str]:
    """Return the names under a node, left to right."""
    if node[0] == "name":
        return [node[1]]
    if node[0] == "number":
        return []
    return [name for part in node[1:] for name in _names(part)]


def _substitute(node: Node, parts: Mapping[str, Expression]) -> Node:
    """Return a node with names replaced by the trees of ``parts``."""
    if node[0] == "name":
        return parts[node[1]].node if node[1] in parts else node
    if node[0] == "number":
        return node
    return (node[0], *(_substitute(part, parts) for part in node[1:]))


def _value(node: Node, values: Mapping[str, Any]) -> Any:
    """Return the value of a node."""
    if node[0] == "number":
        return node[1]
    if node[0] == "name":
        return values[node[1]]
    arguments = [_value(part, values) for part in node[1:]]
    if node[0] in _FUNCTIONS:
        return _FUNCTIONS[node[0]][0](arguments[0])
    return _OPERATIONS[node[0], len(arguments)](*arguments)


def _dual(node: Node, values: Mapping[str, Any]) -> Dual:
    """Return the value of a node and its partial derivatives by name."""
    if node[0] == "number":
        return node[1], {}
    if node[0] == "name":
        return values[node[1]], {node[1]: 1.0}
    arguments = [_dual(part, values) for part in node[1:]]
    numbers = [argument[0] for argument in arguments]
    if node[0] in _FUNCTIONS:
        function, derivative = _FUNCTIONS[node[0]]
        return function(numbers[0]), _combine([derivative(numbers[0])], arguments)
    value = _OPERATIONS[node[0], len(numbers)](*numbers)
    return value, _combine(_PARTIALS[node[0], len(numbers)](node, *numbers), arguments)


def _combine(partials: list[Any], arguments: list[Dual]) -> dict[str, Any]:
    """Return the chain rule's sum of partials times inner derivatives."""
    total: dict[str, Any] = {}
    for partial, (_, inner) in zip(partials, arguments, strict=True):
        for name, derivative in inner.items():
            total[name] = total.get(name, 0.0) + partial * derivative
    return total


def _power_partials(node: Node, base: Any, exponent: Any) -> list[Any]:
    """Return the partials of a power; no logarithm where the exponent is a number."""
    by_base = exponent * base ** (exponent - 1)
    return [by_base, base**exponent * np.log(base) if _names(node[2]) else 0.0]


_OPERATIONS: dict[tuple[str, int], Callable[..., Any]] = {
    ("+", 2): lambda a, b: a + b,
    ("-", 2): lambda a, b: a - b,
    ("-", 1): lambda a: -a,
    ("*", 2): lambda a, b: a * b,
    ("/", 2): lambda a, b: a / b,
    ("^", 2): lambda a, b: a**b,
}
_PARTIALS: dict[tuple[str, int], Callable[..., list[Any]]] = {
    ("+", 2): lambda _node, _a, _b: [1.0, 1.0],
    ("-", 2): lambda _node, _a, _b: [1.0, -1.0],
    ("-", 1): lambda _node, _a: [-1.0],
    ("*", 2): lambda _node, a, b: [b, a],
    ("/", 2): lambda _node, a, b: [1.0 / b, -a / b**2],
    ("^", 2): _power_partials,
}
