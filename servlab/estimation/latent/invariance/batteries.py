"""One sample, two batteries: the model text whose equalities make the batteries comparable.

The same respondents answer every item once a battery, so the two measurements are one model of
repeated measures: each battery has factors of its own, the residuals of an item's answers covary
over batteries, and loadings, intercepts and residual variances are made equal by labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from servlab.core.errors import ModelError
from servlab.estimation.latent.invariance.rules import Level
from servlab.estimation.latent.syntax import ModelSyntax, quote_name
from servlab.estimation.latent.terms import Modifiers

Freed = frozenset[str]  # terms of the one-battery model that stay free, as "f=~x1" or "x1~1"


@dataclass(frozen=True, slots=True)
class BatteryModel:
    """A measurement model that every battery is to share.

    Attributes
    ----------
    loadings : tuple of (str, str)
        (factor, item or factor) pairs.
    covariances : tuple of (str, str)
        Residual covariances inside a battery.
    batteries : tuple of str
        The first is the reference.
    """

    loadings: tuple[tuple[str, str], ...]
    covariances: tuple[tuple[str, str], ...]
    batteries: tuple[str, ...]

    @property
    def factors(self) -> tuple[str, ...]:
        """Return the factors, in order of appearance."""
        return tuple(dict.fromkeys(factor for factor, _ in self.loadings))

    @property
    def items(self) -> tuple[str, ...]:
        """Return the items, in order of appearance."""
        hidden = {*self.factors}
        return tuple(dict.fromkeys(part for _, part in self.loadings if part not in hidden))

    @property
    def tops(self) -> tuple[str, ...]:
        """Return the factors that belong to no other factor."""
        parts = {part for _, part in self.loadings}
        return tuple(factor for factor in self.factors if factor not in parts)


def battery_model(syntax: ModelSyntax, batteries: Sequence[str]) -> BatteryModel:
    """Return the measurement model of one battery, or refuse what has no repeated form."""
    names = tuple(batteries)
    if len(names) < 2 or len({*names}) < len(names):
        raise ModelError(
            "batteries names at least two different batteries of one sample, as in "
            f"('expectation', 'perception'); got {names!r}."
        )
    loadings, covariances = [], []
    for term in syntax.terms:
        if term.modifiers != Modifiers() or syntax.restrictions:
            raise ModelError(
                f"over batteries the model is written without modifiers and constraints; line "
                f"{term.line} has {term.name!r} with one. Write factors and residual covariances "
                "only, the levels of invariance set the rest."
            )
        if term.op == "=~":
            loadings.append((term.lhs, term.rhs))
        elif term.op == "~~" and term.lhs != term.rhs:
            covariances.append((term.lhs, term.rhs))
        else:
            raise ModelError(
                f"over batteries a model has factors (=~) and residual covariances (~~); line "
                f"{term.line} has {term.name!r}."
            )
    return BatteryModel(tuple(loadings), tuple(covariances), names)


def column(battery: str, name: str) -> str:
    """Return the name of an item or factor in a battery, as in ``survey.frame()``."""
    return f"{battery}_{name}"


def battery_text(model: BatteryModel, level: Level, freed: Freed = frozenset()) -> str:
    """Return the model text of a level.

    Factors of the first battery have variance 1 and mean 0. With equal loadings the others'
    variances are free, with equal intercepts their means.
    """
    lines: list[str] = []
    for position, battery in enumerate(model.batteries):
        lines += _loading_lines(model, level, freed, battery)
        lines += _scale_lines(model, level, battery, first=position == 0)
        lines += _item_lines(model, level, freed, battery)
        lines += [f"{_q(battery, a)} ~~ {_q(battery, b)}" for a, b in model.covariances]
    for item in model.items:
        lines += [f"{_q(a, item)} ~~ {_q(b, item)}" for a, b in combinations(model.batteries, 2)]
    return "\n".join(lines)


def _q(battery: str, name: str) -> str:
    """Return a quoted name of an item or factor in a battery."""
    return quote_name(column(battery, name))


def _loading_lines(model: BatteryModel, level: Level, freed: Freed, battery: str) -> list[str]:
    """Return a line a factor; every loading is free, equal ones carry a label."""
    lines = []
    for factor in model.factors:
        parts = []
        for number, (owner, part) in enumerate(model.loadings):
            if owner != factor:
                continue
            equal = level != "configural" and f"{factor}=~{part}" not in freed
            parts.append(f"NA*{f'l{number}*' if equal else ''}{_q(battery, part)}")
        lines.append(f"{_q(battery, factor)} =~ {' + '.join(parts)}")
    return lines


def _scale_lines(model: BatteryModel, level: Level, battery: str, *, first: bool) -> list[str]:
    """Return the variances and means of a battery's factors."""
    lines = []
    for factor in model.factors:
        name = _q(battery, factor)
        variance = "1" if first or level == "configural" else "NA"
        mean = "NA" if level in ("scalar", "strict") and not first else "0"
        if factor not in model.tops:
            mean = "0"
        lines += [f"{name} ~~ {variance}*{name}", f"{name} ~ {mean}*1"]
    return lines


def _item_lines(model: BatteryModel, level: Level, freed: Freed, battery: str) -> list[str]:
    """Return the intercepts and residual variances of a battery's items."""
    lines = []
    for number, item in enumerate(model.items):
        name = _q(battery, item)
        equal = level in ("scalar", "strict") and f"{item}~1" not in freed
        lines.append(f"{name} ~ {f'i{number}*' if equal else ''}1")
        if level == "strict" and f"{item}~~{item}" not in freed:
            lines.append(f"{name} ~~ r{number}*{name}")
    return lines
