"""From a model text to its parameter table, by the rules of lavaan's ``cfa()`` and ``sem()``.

The rules (lavaan 0.6-14, checked row by row against it): the first indicator of a factor is
fixed to 1, or with ``std_lv`` the factor's variance; residual variances are free; exogenous
factors covary, and so do the residuals of outcomes that predict nothing; moments of observed
covariates are the sample's (fixed.x); with a mean structure intercepts are free and latent
means 0, in later groups free once intercepts are equal.
"""

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import combinations, combinations_with_replacement
from typing import Any, Literal, get_args

import numpy as np

from servlab.core.checks import check_choice
from servlab.core.errors import LabelWarning, ModelError
from servlab.data.instrument import Instrument
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.restrictions import (
    Pair,
    Row,
    Written,
    equal_rows,
    fix_shared_labels,
    kind_of,
    written_restrictions,
)
from servlab.estimation.latent.syntax import ModelSyntax, Term, instrument_syntax, parse_syntax
from servlab.estimation.latent.terms import Modifiers
from servlab.estimation.latent.tokens import refusal
from servlab.estimation.latent.variables import Variables, classify

_NO_MODIFIERS = Modifiers()
Model = str | ModelSyntax | Instrument

GroupEqual = Literal[
    "loadings",
    "intercepts",
    "means",
    "residuals",
    "residual.covariances",
    "lv.variances",
    "lv.covariances",
    "regressions",
]


@dataclass(frozen=True, slots=True)
class Options:
    """What ``cfa()`` and ``sem()`` let a user say beside the model text."""

    meanstructure: bool = False
    std_lv: bool = False
    orthogonal: bool = False
    fixed_x: bool = True
    group_equal: tuple[GroupEqual, ...] = ()
    group_partial: tuple[str, ...] = ()


def parameter_table(
    model: Model,
    *,
    group_labels: Sequence[str] = ("",),
    meanstructure: bool = False,
    std_lv: bool = False,
    orthogonal: bool = False,
    fixed_x: bool = True,
    group_equal: Iterable[GroupEqual] = (),
    group_partial: Iterable[str] = (),
) -> ParameterTable:
    """Return every parameter of a model, as ``cfa()`` and ``sem()`` understand it.

    Parameters
    ----------
    model : str, ModelSyntax or Instrument
        A model in lavaan's notation, or an instrument (one factor a dimension).
    group_labels : sequence of str
        One label a group, in the order of the groups; one for a single group.
    meanstructure : bool
        Model means; switched on by an intercept in the text or by equal intercepts or means.
    std_lv : bool
        Set the scale of factors by variances of 1 instead of a first loading of 1.
    orthogonal : bool
        Fix covariances of factors to 0 unless the text says otherwise.
    fixed_x : bool
        Take the moments of observed covariates from the sample.
    group_equal : iterable of str
        Kinds of parameters made equal over groups.
    group_partial : iterable of str
        Terms that stay free all the same, as in ``"x3~1"`` or ``"visual=~x2"``.

    Returns
    -------
    ParameterTable

    Raises
    ------
    ModelError
        When the text cannot be read, a modifier has not one value a group, a constraint names
        an unknown label, or ``group_partial`` names no parameter that ``group_equal`` binds.

    Notes
    -----
    ``cfa()`` and ``sem()`` share these rules. One label over several groups makes the parameter
    equal in them (a ``LabelWarning`` says so); a fixed value fixes every row of its label. As in
    lavaan, a covariate whose variance, covariance or mean the text mentions is no longer fixed,
    and covaries only where the text says so. Departures: equalities made by a rule leave
    ``label`` empty (lavaan puts ``.p2.`` there); ``c(0, NA)`` under ``group_equal`` stays free
    in the second group; ``equal()`` is for one group; an item that is one factor's only
    indicator has its residual fixed to 0 even when it loads elsewhere (lavaan drops the row,
    which is the same model).

    References
    ----------
    rosseel2012.

    Examples
    --------
    >>> table = parameter_table("f =~ x1 + x2 + x3")
    >>> table.free_names()
    ('f=~x2', 'f=~x3', 'x1~~x1', 'x2~~x2', 'x3~~x3', 'f~~f')
    """
    syntax = as_syntax(model)
    labels = tuple(str(label) for label in group_labels) or ("",)
    equal = _group_equal(group_equal, len(labels))
    options = Options(
        meanstructure=meanstructure
        or any(term.op == "~1" for term in syntax.terms)
        or bool({"intercepts", "means"} & {*equal}),
        std_lv=std_lv,
        orthogonal=orthogonal,
        fixed_x=fixed_x,
        group_equal=equal,
        group_partial=tuple(group_partial),
    )
    variables = classify(syntax)
    rows = _rows(syntax, variables, options, len(labels))
    _warn_shared_labels(syntax, rows, variables, options)
    pairs = equal_rows(rows, variables, options.group_equal, options.group_partial)
    written = written_restrictions(syntax, rows)
    return _table(rows, pairs, written, labels, variables, options.meanstructure)


def as_syntax(model: Model) -> ModelSyntax:
    """Return a model in any of its forms as syntax."""
    if isinstance(model, ModelSyntax):
        return model
    if not isinstance(model, str | Instrument):
        return parse_syntax(model)
    return _parsed(instrument_syntax(model) if isinstance(model, Instrument) else model)


@lru_cache(maxsize=64)
def _parsed(text: str) -> ModelSyntax:
    """Return a model text as syntax; texts come again in every ladder and comparison."""
    return parse_syntax(text)


def _group_equal(kinds: Iterable[GroupEqual], n_groups: int) -> tuple[GroupEqual, ...]:
    """Return the kinds made equal, or raise ``ModelError`` for an unknown one or no groups."""
    found = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for kind in found:
        check_choice("group_equal", kind, get_args(GroupEqual))
    if found and n_groups == 1:
        raise ModelError("group_equal needs groups; name the column that parts them in group.")
    return found  # type: ignore[return-value]


def _rows(syntax: ModelSyntax, variables: Variables, options: Options, n_groups: int) -> list[Row]:
    """Return the rows of all groups, the user's first in each."""
    parts = [*_user_rows(syntax, options, n_groups)]
    known = {(part.lhs, part.op, part.rhs) for part in parts}
    known |= {(part.rhs, part.op, part.lhs) for part in parts if part.op == "~~"}
    parts += [p for p in _automatic(variables, options) if (p.lhs, p.op, p.rhs) not in known]
    rows: list[Row] = []
    for group in range(1, n_groups + 1):
        for part in parts:
            number = len(rows) + 1
            rows.append(_in_group(part, group, options, variables, f".p{number}."))
    return fix_shared_labels(rows)


@dataclass(frozen=True, slots=True)
class _Part:
    """A parameter before it is spread over groups; ``default`` is NaN where it is free."""

    lhs: str
    op: str
    rhs: str
    default: float = math.nan
    exo: bool = False
    modifiers: Modifiers = _NO_MODIFIERS
    line: int = 0


def _user_rows(syntax: ModelSyntax, options: Options, n_groups: int) -> list[_Part]:
    """Return the parameters of the text, the first loading of a factor fixed to 1."""
    parts = []
    started: set[str] = set()
    for term in syntax.terms:
        if term.op in ("|", "~*~"):
            raise refusal(
                term.line,
                term.name,
                "thresholds and scales belong to ordered items; leave the line out, they are "
                "estimated from the data.",
            )
        _check_groups(term, n_groups)
        default = math.nan
        if term.op == "=~" and term.lhs not in started and not options.std_lv:
            default = 1.0
            _check_first(term)
        if term.op == "=~":
            started.add(term.lhs)
        parts.append(_Part(term.lhs, term.op, term.rhs, default, False, term.modifiers, term.line))
    return [_unit_variance(part, options, started) for part in parts]


def _unit_variance(part: _Part, options: Options, latent: set[str]) -> _Part:
    """Return a written variance of a factor with its value of 1 under ``std_lv``."""
    own = part.op == "~~" and part.lhs == part.rhs and part.lhs in latent
    return replace(part, default=1.0) if own and options.std_lv else part


def _check_first(term: Term) -> None:
    """Refuse a starting value on a loading that is fixed to 1."""
    if term.modifiers.start and not term.modifiers.fixed:
        raise refusal(
            term.line,
            term.name,
            "the first loading of a factor is fixed to 1 and takes no starting value; write NA* "
            "before it and fix the factor's variance, or give the start to another loading.",
        )


def _check_groups(term: Term, n_groups: int) -> None:
    """Refuse modifiers that have neither one value nor one a group."""
    for kind in fields(term.modifiers):
        given = getattr(term.modifiers, kind.name)
        if len(given) not in (0, 1, n_groups):
            raise refusal(
                term.line,
                term.name,
                f"the modifier has {len(given)} values for {n_groups} group(s); write one for "
                "all, or one a group in c(...).",
            )
    if term.modifiers.equal and n_groups > 1:
        raise refusal(
            term.line,
            term.name,
            "equal() does not say which group it means; write labels, the same one twice for "
            "parameters that are equal, as in c(a, a)*x.",
        )


def _warn_shared_labels(
    syntax: ModelSyntax, rows: list[Row], variables: Variables, options: Options
) -> None:
    """Warn where one label binds a parameter over groups that nothing else makes equal."""
    single = {term.name for term in syntax.terms if len(term.modifiers.label) == 1}
    bound = [
        row.label
        for row in rows
        if row.group == 2
        and row.label
        and row.is_free
        and row.term in single
        and kind_of(row, variables) not in options.group_equal
    ]
    if bound:
        names = list(dict.fromkeys(bound))
        warnings.warn(
            LabelWarning(
                f"the labels {names} stand for one parameter in every group, which makes it "
                "equal over groups; write one label a group, as in c(a1, a2)*x, to let it differ.",
                key="latent_label",
                values={"labels": ", ".join(names)},
            ),
            stacklevel=3,
        )


def _automatic(variables: Variables, options: Options) -> list[_Part]:
    """Return the parameters that the rules add, in lavaan's order."""
    variances = [
        _Part(n, "~~", n, 0.0 if n in variables.single else math.nan) for n in variables.modelled
    ]
    unit = 1.0 if options.std_lv else math.nan
    variances += [
        _Part(n, "~~", n, 0.0 if n in variables.single else unit) for n in variables.latent
    ]
    sources = [
        _Part(a, "~~", b, 0.0 if options.orthogonal else math.nan)
        for a, b in combinations(variables.sources, 2)
    ]
    latent = {*variables.latent}
    outcomes = [
        _Part(a, "~~", b, 0.0 if options.orthogonal and {a, b} <= latent else math.nan)
        for a, b in combinations(variables.outcomes, 2)
    ]
    covariates = [
        _Part(a, "~~", b, exo=options.fixed_x)
        for a, b in combinations_with_replacement(variables.covariates, 2)
    ]
    means = []
    if options.meanstructure:
        means = [
            _Part(n, "~1", "", exo=options.fixed_x and n in variables.covariates)
            for n in variables.observed
        ]
        means += [_Part(n, "~1", "", 0.0) for n in variables.latent]
    return [*variances, *sources, *outcomes, *covariates, *means]


def _in_group(part: _Part, group: int, options: Options, variables: Variables, plabel: str) -> Row:
    """Return a parameter as it is in one group."""
    given = part.modifiers
    fixed = _of(given.fixed, group, part.default)
    if group > 1 and not given.fixed and _freed_later(part, options, variables):
        fixed = math.nan
    return Row(
        part.lhs,
        part.op,
        part.rhs,
        group,
        part.line > 0,
        part.exo,
        fixed,
        _of(given.start, group, math.nan),
        _of(given.label, group, ""),
        _of(given.equal, group, ""),
        plabel,
        part.line,
    )


def _of(values: tuple[Any, ...], group: int, default: Any) -> Any:
    """Return a modifier's value in a group."""
    if not values:
        return default
    return values[0] if len(values) == 1 else values[group - 1]


def _freed_later(part: _Part, options: Options, variables: Variables) -> bool:
    """Tell whether equal parameters of group 1 already set a later group's scale or origin."""
    if part.lhs not in variables.latent or part.line > 0:
        return False
    equal = {*options.group_equal}
    if part.op == "~1":
        return "intercepts" in equal and "means" not in equal
    scale = part.op == "~~" and part.lhs == part.rhs and part.lhs not in variables.single
    return scale and options.std_lv and "loadings" in equal and "lv.variances" not in equal


def _table(
    rows: list[Row],
    pairs: tuple[Pair, ...],
    written: Written,
    labels: tuple[str, ...],
    variables: Variables,
    meanstructure: bool,
) -> ParameterTable:
    """Return rows and restrictions as a table."""
    free = np.array([row.is_free for row in rows])
    return ParameterTable(
        lhs=tuple(row.lhs for row in rows),
        op=tuple(row.op for row in rows),
        rhs=tuple(row.rhs for row in rows),
        group=np.array([row.group for row in rows]),
        free=np.where(free, np.cumsum(free), 0),
        ustart=np.array([row.start if row.is_free else row.fixed for row in rows]),
        exo=np.array([row.exo for row in rows]),
        user=np.array([row.user for row in rows]),
        label=tuple(row.label for row in rows),
        plabel=tuple(row.plabel for row in rows),
        equalities=(*pairs, *written.equalities),
        nonlinear=written.nonlinear,
        inequalities=written.inequalities,
        definitions=written.definitions,
        group_labels=labels,
        observed=variables.observed,
        latent=variables.latent,
        meanstructure=meanstructure,
    )
