"""Restrictions between parameters: equal over groups, by label, by ``equal()``, as written."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from servlab.core.errors import ModelError
from servlab.estimation.latent.expressions import Expression
from servlab.estimation.latent.partable import Constraint, Definition
from servlab.estimation.latent.syntax import ModelSyntax, Restriction, parse_syntax
from servlab.estimation.latent.tokens import refusal
from servlab.estimation.latent.variables import Variables

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter in one group, on its way into the table; NaN for free and for no start."""

    lhs: str
    op: str
    rhs: str
    group: int
    user: bool
    exo: bool
    fixed: float
    start: float
    label: str
    equal: str
    plabel: str = ""
    line: int = 0

    @property
    def term(self) -> str:
        """Return the term, without its group."""
        return f"{self.lhs}{self.op}{self.rhs}"

    @property
    def is_free(self) -> bool:
        """Tell whether the parameter is estimated."""
        return math.isnan(self.fixed) and not self.exo


@dataclass(frozen=True, slots=True)
class Written:
    """The restrictions of a text, over labels and plabels only."""

    equalities: tuple[Pair, ...]
    nonlinear: tuple[Constraint, ...]
    inequalities: tuple[Constraint, ...]
    definitions: tuple[Definition, ...]


def fix_shared_labels(rows: list[Row]) -> list[Row]:
    """Return the rows with a fixed value carried to every row of the same label."""
    values: dict[str, float] = {}
    for row in rows:
        if not row.label or math.isnan(row.fixed):
            continue
        if values.setdefault(row.label, row.fixed) != row.fixed:
            raise ModelError(
                f"the label {row.label!r} stands for parameters fixed to {values[row.label]:g} "
                f"and to {row.fixed:g}; give them different labels."
            )
    return [
        replace(row, fixed=values[row.label]) if row.label in values and row.is_free else row
        for row in rows
    ]


def equal_rows(
    rows: list[Row], variables: Variables, group_equal: tuple[str, ...], partial: tuple[str, ...]
) -> tuple[Pair, ...]:
    """Return the pairs of plabels bound by labels, ``equal()`` and ``group_equal``."""
    pairs = [*_by_label(rows), *_by_equal(rows)]
    exempt = _partial_terms(rows, partial)
    bound: set[str] = set()
    others: dict[str, list[Row]] = {}
    for row in rows:
        if row.group > 1 and row.is_free and not row.label:
            others.setdefault(row.term, []).append(row)
    for first in rows:
        if first.group > 1 or first.label or not first.is_free:
            continue
        if not {kind_of(first, variables)} & {*group_equal}:
            continue
        bound.add(first.term)
        if first.term not in exempt:
            pairs += [(first.plabel, row.plabel) for row in others.get(first.term, [])]
    idle = sorted(exempt - bound)
    if idle:
        raise ModelError(
            f"group_partial names {idle}, which group_equal {list(group_equal)} does not bind; "
            "leave them out or add their kind to group_equal."
        )
    return tuple(dict.fromkeys(pairs))


def kind_of(row: Row, variables: Variables) -> str:
    """Return the name that ``group_equal`` has for a row, empty for covariates' moments."""
    latent = {*variables.latent}
    if row.op == "=~":
        return "loadings"
    if row.op == "~":
        return "regressions"
    if row.lhs in variables.covariates or row.rhs in variables.covariates:
        return ""
    if row.op == "~1":
        return "means" if row.lhs in latent else "intercepts"
    if row.lhs == row.rhs:
        return "lv.variances" if row.lhs in latent else "residuals"
    hidden = (row.lhs in latent) + (row.rhs in latent)
    return {0: "residual.covariances", 2: "lv.covariances"}.get(hidden, "")


def _by_label(rows: list[Row]) -> list[Pair]:
    """Return pairs of free rows with one label."""
    first: dict[str, str] = {}
    pairs = []
    for row in rows:
        if row.label and row.is_free:
            if row.label in first:
                pairs.append((first[row.label], row.plabel))
            else:
                first[row.label] = row.plabel
    return pairs


def _by_equal(rows: list[Row]) -> list[Pair]:
    """Return the pairs that ``equal()`` asks for."""
    pairs = []
    for row in rows:
        if not row.equal:
            continue
        wanted = re.sub(r"\s+", "", row.equal)
        found = [other for other in rows if wanted in (_names_of(other))]
        if not found or found[0] is row:
            raise refusal(
                row.line,
                f'equal("{row.equal}")*{row.rhs or 1}',
                'equal() names another parameter of the model, as in equal("f=~x2"), or a label.',
            )
        if row.is_free or found[0].is_free:
            pairs.append((found[0].plabel, row.plabel))
    return pairs


def _names_of(row: Row) -> tuple[str, ...]:
    """Return the names that a row answers to."""
    turned = f"{row.rhs}{row.op}{row.lhs}" if row.op == "~~" else row.term
    suffix = f".g{row.group}" if row.group > 1 else ""
    labels = (row.label,) if row.label else ()
    return (row.term + suffix, turned + suffix, row.plabel, *labels)


def _partial_terms(rows: list[Row], partial: Iterable[str]) -> set[str]:
    """Return the terms that ``group_partial`` exempts, as the rows spell them."""
    spelled = {name: row.term for row in rows if row.group == 1 for name in _names_of(row)}
    terms: set[str] = set()
    for text in partial:
        for term in parse_syntax(text).terms:
            if term.name not in spelled:
                raise ModelError(
                    f"group_partial names {text!r}, which is no parameter of the model; write "
                    "terms as in 'f=~x2', 'x3~1' or 'x3~~x3'."
                )
            terms.add(spelled[term.name])
    return terms


def written_restrictions(syntax: ModelSyntax, rows: list[Row]) -> Written:
    """Return constraints and definitions with every name resolved, or refuse naming the line."""
    labels: dict[str, str] = {row.plabel: row.plabel for row in rows}
    for row in reversed(rows):
        if row.label:
            labels[row.label] = row.plabel
    definitions: dict[str, Expression] = {}
    others: list[Restriction] = []
    for part in syntax.restrictions:
        if part.op != ":=":
            others.append(part)
            continue
        name = part.lhs.text
        if name in labels or name in definitions:
            raise refusal(part.line, f"{name} := {part.rhs.text}", f"{name!r} is taken already.")
        definitions[name] = _resolve(part.rhs, part, labels, definitions)
    equalities: list[Pair] = []
    nonlinear: list[Constraint] = []
    inequalities: list[Constraint] = []
    for part in others:
        lhs, rhs = (_resolve(side, part, labels, definitions) for side in (part.lhs, part.rhs))
        if part.op == "==" and lhs.node[0] == rhs.node[0] == "name":
            equalities.append((labels[lhs.node[1]], labels[rhs.node[1]]))
        else:
            target = nonlinear if part.op == "==" else inequalities
            target.append(Constraint(lhs, part.op, rhs))  # type: ignore[arg-type]
    named = tuple(Definition(name, expression) for name, expression in definitions.items())
    return Written(tuple(equalities), tuple(nonlinear), tuple(inequalities), named)


def _resolve(
    expression: Expression,
    part: Restriction,
    labels: Mapping[str, str],
    definitions: Mapping[str, Expression],
) -> Expression:
    """Return an expression over labels only, or refuse an unknown name."""
    unknown = [n for n in expression.names if n not in labels and n not in definitions]
    if unknown:
        known = [name for name in (*labels, *definitions) if not re.fullmatch(r"\.p\d+\.", name)]
        raise refusal(
            part.line,
            f"{part.lhs.text} {part.op} {part.rhs.text}",
            f"{unknown[0]!r} is no label of the model; it has "
            f"{', '.join(known) or 'none: label a parameter as in y ~ a*x'}.",
        )
    return expression.substitute(definitions)
