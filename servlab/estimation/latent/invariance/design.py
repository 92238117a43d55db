"""Over what is invariance asked? Groups of respondents, or batteries of one sample.

Both answer the same four questions of the ladder: the model of a level, the terms a level binds,
their rows in a fit, and the latent means that the last levels free.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from servlab.estimation.latent.invariance.batteries import (
    BatteryModel,
    Freed,
    battery_text,
    column,
)
from servlab.estimation.latent.invariance.release import Bound
from servlab.estimation.latent.invariance.rules import LEVELS, Level
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.specification import GroupEqual, Model, as_syntax
from servlab.estimation.latent.syntax import ModelSyntax, quote_name
from servlab.estimation.latent.variables import classify

Fitter = Callable[..., LatentFit]  # cfa() with data and options given
_KINDS: dict[Level, tuple[GroupEqual, ...]] = {
    "configural": (),
    "metric": ("loadings",),
    "scalar": ("loadings", "intercepts"),
    "strict": ("loadings", "intercepts", "residuals"),
}
# The operator of the terms that a level adds to those of the level before.
_OPERATORS: dict[Level, str] = {"metric": "=~", "scalar": "~1", "strict": "~~"}


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """Where a latent mean stands: its row, that of its variance, and the reference's variance."""

    factor: str
    group: str
    row: int
    variance: int
    reference_variance: int


@dataclass(frozen=True, slots=True)
class GroupDesign:
    """Invariance over groups: one model, equal parameters by ``group_equal``."""

    syntax: ModelSyntax
    text: str
    group: str | None  # None where the data are moments, a set a group

    def fit(self, fitter: Fitter, level: Level, freed: Freed) -> LatentFit:
        """Return the fit of a level with some terms free."""
        bound = [t for t in sorted(freed) if _level_of(t) in LEVELS[: LEVELS.index(level) + 1]]
        return fitter(
            self.text,
            group=self.group,
            group_equal=_KINDS[level],
            group_partial=[quoted(term) for term in bound],
            std_lv=True,
            meanstructure=True,
        )

    @property
    def items(self) -> tuple[str, ...]:
        """Return the observed variables."""
        return classify(self.syntax).observed

    def bound(self, fit: LatentFit, level: Level, freed: Freed) -> list[Bound]:
        """Return the terms that a level binds over groups."""
        table = fit.table
        factors = _factors_of(self.syntax)
        found: dict[str, list[int]] = {}
        for row in np.flatnonzero(table.free):
            lhs, op, rhs = table.lhs[row], table.op[row], table.rhs[row]
            if op == _OPERATORS[level] and _is_bound(table.latent, lhs, op, rhs):
                found.setdefault(f"{lhs}{op}{rhs}", []).append(int(row))
        return [
            _bound(fit, term, rows, factors)
            for term, rows in found.items()
            if term not in freed and len(rows) == table.n_groups
        ]

    def means(self, fit: LatentFit) -> list[MeanDifference]:
        """Return the latent means that differ from the first group's."""
        table = fit.table
        where = _rows(fit)
        return [
            MeanDifference(
                table.lhs[row],
                table.group_labels[table.group[row] - 1],
                int(row),
                where[table.lhs[row], "~~", table.lhs[row], int(table.group[row])],
                where[table.lhs[row], "~~", table.lhs[row], 1],
            )
            for row in np.flatnonzero(table.free)
            if table.op[row] == "~1" and table.lhs[row] in table.latent
        ]


@dataclass(frozen=True, slots=True)
class BatteryDesign:
    """Invariance over batteries of one sample: equal parameters by labels."""

    model: BatteryModel

    def fit(self, fitter: Fitter, level: Level, freed: Freed) -> LatentFit:
        """Return the fit of a level with some terms free."""
        return fitter(battery_text(self.model, level, freed), meanstructure=True)

    @property
    def items(self) -> tuple[str, ...]:
        """Return the items of the model of one battery."""
        return self.model.items

    def bound(self, fit: LatentFit, level: Level, freed: Freed) -> list[Bound]:
        """Return the terms that a level binds over batteries."""
        where = _rows(fit)
        factors: dict[str, tuple[str, ...]] = {}
        for factor, part in self.model.loadings:
            factors[part] = (*factors.get(part, ()), factor)
        if level == "metric":
            terms = [(factor, "=~", part) for factor, part in self.model.loadings]
        elif level == "scalar":
            terms = [(item, "~1", "") for item in self.model.items]
        else:
            terms = [(item, "~~", item) for item in self.model.items]
        found = []
        for lhs, op, rhs in terms:
            names = [(column(b, lhs), op, column(b, rhs) if rhs else "") for b in self.batteries]
            rows = [where[(*name, 1)] for name in names]
            if f"{lhs}{op}{rhs}" not in freed:
                owners = (lhs,) if op == "=~" else factors[lhs]
                found.append(Bound(f"{lhs}{op}{rhs}", lhs, op, rhs, owners, tuple(rows)))
        return found

    @property
    def batteries(self) -> tuple[str, ...]:
        """Return the batteries, the reference first."""
        return self.model.batteries

    def means(self, fit: LatentFit) -> list[MeanDifference]:
        """Return the latent means that differ from the first battery's."""
        where = _rows(fit)
        found = []
        for battery in self.batteries[1:]:
            for factor in self.model.tops:
                name, first = column(battery, factor), column(self.batteries[0], factor)
                found.append(
                    MeanDifference(
                        factor,
                        battery,
                        where[name, "~1", "", 1],
                        where[name, "~~", name, 1],
                        where[first, "~~", first, 1],
                    )
                )
        return found


Design = GroupDesign | BatteryDesign


def group_design(model: Model, group: str | None) -> GroupDesign:
    """Return the design of a model over groups.

    Factors that belong to a second-order factor keep means of 0 in every group: their items'
    and the higher factor's means say all there is to say.
    """
    syntax = as_syntax(model)
    variables = classify(syntax)
    parts = {t.rhs for t in syntax.terms if t.op == "=~"} & {*variables.latent}
    given = {t.lhs for t in syntax.terms if t.op == "~1"}
    lines = [f"{quote_name(name)} ~ 0*1" for name in variables.latent if name in parts - given]
    text = "\n".join([syntax.text, *lines])
    return GroupDesign(syntax, text, group)


def quoted(term: str) -> str:
    """Return a term as it may stand in a model text, its names quoted where they need it."""
    for op in ("=~", "~~", "~1"):
        lhs, found, rhs = term.partition(op)
        if found:
            right = "~ 1" if op == "~1" else f"{op} {quote_name(rhs)}"
            return f"{quote_name(lhs)} {right}"
    return term


def _level_of(term: str) -> Level:
    """Return the level that binds a term."""
    if "=~" in term:
        return "metric"
    return "strict" if "~~" in term else "scalar"


def _is_bound(latent: tuple[str, ...], lhs: str, op: str, rhs: str) -> bool:
    """Tell whether ``group_equal`` of the ladder binds a free row of the level's operator."""
    if op == "=~":
        return True
    return lhs not in latent and (op == "~1" or lhs == rhs)


def _factors_of(syntax: ModelSyntax) -> dict[str, tuple[str, ...]]:
    """Return the factors that each item or factor belongs to."""
    found: dict[str, tuple[str, ...]] = {}
    for term in syntax.terms:
        if term.op == "=~":
            found[term.rhs] = (*found.get(term.rhs, ()), term.lhs)
    return found


def _bound(
    fit: LatentFit, term: str, rows: list[int], factors: dict[str, tuple[str, ...]]
) -> Bound:
    """Return a bound term of a group design."""
    lhs, op, rhs = (part[rows[0]] for part in (fit.table.lhs, fit.table.op, fit.table.rhs))
    owners = (lhs,) if op == "=~" else factors.get(lhs, ())
    return Bound(term, lhs, op, rhs, owners, tuple(rows))


def _rows(fit: LatentFit) -> dict[tuple[str, str, str, int], int]:
    """Return the row of each parameter of each group."""
    t = fit.table
    return {
        (lhs, op, rhs, int(group)): row
        for row, (lhs, op, rhs, group) in enumerate(zip(t.lhs, t.op, t.rhs, t.group, strict=True))
    }
