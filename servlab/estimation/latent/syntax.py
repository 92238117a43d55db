"""lavaan's model text, read into terms; what is not supported is refused, never misread."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.estimation.latent.expressions import Expression, parse_expression
from servlab.estimation.latent.terms import Modifiers, parse_terms
from servlab.estimation.latent.tokens import Statement, Token, join, refusal, statements

Operator = Literal["=~", "~~", "~", "~1", "|", "~*~"]
_MODEL = ("=~", "~~", "~", "|", "~*~")
_RESTRICTIONS = ("==", "<", ">")
_OPERATORS = frozenset((*_MODEL, "<~", ":=", "<=", ">=", "=", *_RESTRICTIONS))


@dataclass(frozen=True, slots=True)
class Term:
    """One parameter that a model text asks for.

    Attributes
    ----------
    lhs, op, rhs : str
        As in ``ParameterTable``; ``op`` is ``"~1"`` and ``rhs`` empty for an intercept.
    modifiers : Modifiers
        Fixed values, starting values, labels and equalities, by group where given so.
    line : int
        Line of the text, from 1.
    """

    lhs: str
    op: Operator
    rhs: str
    modifiers: Modifiers
    line: int

    @property
    def name(self) -> str:
        """Return the term as text, as in ``"f=~x1"``."""
        return f"{self.lhs}{self.op}{self.rhs}"


@dataclass(frozen=True, slots=True)
class Restriction:
    """``lhs op rhs`` between expressions of labels, or ``lhs := rhs`` for a name."""

    lhs: Expression
    op: Literal["==", "<", ">", ":="]
    rhs: Expression
    line: int


@dataclass(frozen=True, slots=True)
class ModelSyntax:
    """A model text, read.

    Attributes
    ----------
    terms : tuple of Term
        In the order of the text, each once.
    restrictions : tuple of Restriction
        Constraints and definitions, in the order of the text.
    text : str
        The text itself.
    """

    terms: tuple[Term, ...]
    restrictions: tuple[Restriction, ...]
    text: str


def parse_syntax(text: str) -> ModelSyntax:
    """Read a model written in lavaan's notation.

    Parameters
    ----------
    text : str
        Statements, one a line or parted by semicolons: ``f =~ x1 + x2`` (measured by),
        ``y ~ f`` (regressed on), ``x1 ~~ x2`` (varies with), ``x1 ~ 1`` (intercept),
        ``ind := a*b``, ``a == b``, ``a > 0``. Modifiers before a term and a ``*``: a number
        (fixed), ``NA`` (free), a name (label), ``start(0.5)``, ``equal("f=~x2")``, each also by
        group in ``c(...)``. ``#`` and ``!`` start a comment. Names may be of any language;
        those with other characters stand in backticks.

    Returns
    -------
    ModelSyntax

    Raises
    ------
    ModelError
        For what servlab does not support or cannot read without guessing; the message names
        the line and what to write instead.

    Notes
    -----
    Departures from lavaan 0.6-14, all towards refusing: a line that neither ends nor starts
    with an operator starts a statement (lavaan glues it to the one before); a term repeated
    without a modifier is an error (lavaan merges it); ``start(0.5)*a*x`` keeps both modifiers
    (lavaan drops the first).

    References
    ----------
    rosseel2012.

    Examples
    --------
    >>> model = parse_syntax("quality =~ x1 + a*x2 + start(0.8)*x3")
    >>> [term.name for term in model.terms]
    ['quality=~x1', 'quality=~x2', 'quality=~x3']
    >>> model.terms[1].modifiers.label
    ('a',)
    """
    if not isinstance(text, str):
        raise ModelError(f"a model is text in lavaan's notation; got {type(text).__name__}.")
    terms: list[Term] = []
    restrictions: list[Restriction] = []
    for statement in statements(text):
        left, operator, right = _split(statement)
        if operator.text in _MODEL:
            for term in _terms(statement, left, operator, right):
                _add(terms, term, statement)
        else:
            restrictions.append(_restriction(statement, left, operator, right))
    if not terms:
        raise ModelError("the model has no statement; write one, as in 'quality =~ x1 + x2 + x3'.")
    return ModelSyntax(tuple(terms), tuple(restrictions), text)


def instrument_syntax(instrument: Instrument) -> str:
    """Write the measurement model of an instrument: one factor a dimension.

    Parameters
    ----------
    instrument : Instrument
        Items without a dimension are left out; where no item has one, all measure ``quality``.

    Returns
    -------
    str
        lavaan's notation; item codes that are no plain names stand in backticks.

    Examples
    --------
    >>> import servlab as sl
    >>> print(sl.instrument_syntax(sl.load_instrument("servqual-1988")).splitlines()[0])
    tangibles =~ `1` + `2` + `3` + `4`
    """
    measured = {code: instrument.items_of(code) for code in instrument.dimension_codes}
    if not measured:
        measured = {"quality": instrument.item_codes}
    return "\n".join(
        f"{quote_name(factor)} =~ {' + '.join(quote_name(item) for item in items)}"
        for factor, items in measured.items()
    )


def quote_name(name: str) -> str:
    """Return a variable's name as it may stand in a model text."""
    return name if re.fullmatch(r"\.?[^\W\d][\w.]*", name) and name != "NA" else f"`{name}`"


def _split(statement: Statement) -> tuple[tuple[Token, ...], Token, tuple[Token, ...]]:
    """Return what stands left of a statement's one operator, the operator, and the right."""
    _refuse_blocks(statement)
    tokens = statement.tokens
    at = [i for i, t in enumerate(tokens) if t.kind == "op" and t.text in _OPERATORS]
    if not at:
        raise refusal(
            statement.line,
            statement.text(),
            "there is no operator (=~, ~~, ~, ==, <, >, :=); end the line before with + when "
            "this one continues it.",
        )
    if len(at) > 1:
        raise refusal(
            statement.line,
            statement.text(),
            f"there are {len(at)} operators in one statement; start a new line or put a "
            "semicolon before the second.",
        )
    left, operator, right = tokens[: at[0]], tokens[at[0]], tokens[at[0] + 1 :]
    advice = _ADVICE.get(operator.text)
    if advice:
        raise refusal(operator.line, statement.text(), advice)
    if not left or not right:
        side = "left" if not left else "right"
        raise refusal(statement.line, statement.text(), f"nothing stands {side} of the operator.")
    return left, operator, right


_ADVICE = {
    "<~": "a composite (<~) is not supported; compute the score first (dimension_scores) and use "
    "its column, or measure a factor with =~.",
    "<=": "write < instead of <=.",
    ">=": "write > instead of >=.",
    "=": "one = is no operator; write =~ (measured by), == (equal) or := (defined as).",
}


def _refuse_blocks(statement: Statement) -> None:
    """Refuse ``level:``, ``group:`` and ``efa()``, which other functions answer."""
    first, *rest = statement.tokens
    second = rest[0].text if rest else ""
    if first.text == "%" or (first.text in ("level", "group", "block", "class") and second == ":"):
        raise refusal(
            statement.line,
            statement.text(),
            "blocks are not supported; for groups write c(...) modifiers and give group=, for "
            "respondents within branches give cluster=.",
        )
    for token, following in zip(statement.tokens, statement.tokens[1:], strict=False):
        if token.text == "efa" and token.kind == "name" and following.text == "(":
            raise refusal(
                token.line,
                statement.text(),
                "efa() blocks are not supported; explore with efa(items, n_factors) first.",
            )


def _terms(
    statement: Statement, left: tuple[Token, ...], operator: Token, right: tuple[Token, ...]
) -> list[Term]:
    """Return the terms of one model statement, for each name on the left."""
    found = []
    for lhs in _names(statement, left):
        for rhs, modifiers, line in parse_terms(statement, right, intercepts=operator.text == "~"):
            op = "~1" if rhs == "" else operator.text
            if lhs == rhs and op in ("=~", "~"):
                raise refusal(line, statement.text(), f"{lhs!r} stands on both sides of {op}.")
            found.append(Term(lhs, op, rhs, modifiers, line))  # type: ignore[arg-type]
    return found


def _names(statement: Statement, tokens: tuple[Token, ...]) -> list[str]:
    """Return the names left of an operator, parted by plus signs."""
    names = []
    for position, token in enumerate(tokens):
        wanted = position % 2 == 0
        if wanted and token.kind in ("name", "string"):
            names.append(token.text)
        elif wanted or token.text != "+" or position == len(tokens) - 1:
            raise refusal(
                token.line,
                statement.text(),
                f"left of the operator stand names joined by +; met {token.shown()!r}. "
                "Modifiers go to the right side.",
            )
    return names


def _add(terms: list[Term], term: Term, statement: Statement) -> None:
    """Append a term, or give an earlier one of the same name its further modifiers."""
    same = {term.name, f"{term.rhs}{term.op}{term.lhs}"} if term.op == "~~" else {term.name}
    for position, earlier in enumerate(terms):
        if earlier.name not in same:
            continue
        joined = earlier.modifiers.merged(term.modifiers)
        if joined is None or earlier.name != term.name:
            raise refusal(
                term.line,
                statement.text(),
                f"{term.name!r} was written before, on line {earlier.line}; write it once, with "
                "all its modifiers, as in start(0.8)*a*x.",
            )
        terms[position] = replace(earlier, modifiers=joined)
        return
    terms.append(term)


def _restriction(
    statement: Statement, left: tuple[Token, ...], operator: Token, right: tuple[Token, ...]
) -> Restriction:
    """Return a constraint or a definition."""
    try:
        lhs, rhs = parse_expression(join(left)), parse_expression(join(right))
    except ModelError as error:
        raise refusal(statement.line, statement.text(), str(error)) from error
    if operator.text == ":=" and lhs.node[0] != "name":
        raise refusal(
            statement.line, statement.text(), "left of := stands the one name that is defined."
        )
    return Restriction(lhs, operator.text, rhs, statement.line)  # type: ignore[arg-type]
