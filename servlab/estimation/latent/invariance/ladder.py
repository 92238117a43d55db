"""The ladder of invariance: fits of every level, their differences, and what may be concluded."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.estimation.latent.differences import (
    Difference,
    plain_difference,
    satorra_bentler_2001,
)
from servlab.estimation.latent.fit_indices import FitTest
from servlab.estimation.latent.invariance.design import Design, Fitter
from servlab.estimation.latent.invariance.release import Bound, release_tests
from servlab.estimation.latent.invariance.rules import ALPHA, LEVELS, Level, Rule, holds
from servlab.estimation.latent.result import LatentFit

FEWEST = 2  # items of a factor whose parameters must stay equal (byrne1989)
PARTIAL_LEVELS: tuple[Level, ...] = ("metric", "scalar")  # where partial invariance is sought
Form = Literal["plain", "robust"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One model of the ladder, compared with one less restricted.

    Attributes
    ----------
    level : str
    fit : LatentFit
    against : str
        Name of the model it is compared with; empty for the first.
    difference : Difference or None
        Chi-square difference test; None for the first.
    changes : mapping of str to float
        Change of ``cfi``, ``rmsea`` and ``srmr``, this model's less the other's.
    holds : bool or None
        Whether the rule lets the level stand; None for the first.
    freed : tuple of str
        Terms that are free in it, in the order they were set free.
    """

    level: Level
    fit: LatentFit
    against: str
    difference: Difference | None
    changes: Mapping[str, float]
    holds: bool | None
    freed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the level, marked partial where terms are free."""
        return f"partial {self.level}" if self.freed else self.level


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """What climbing the ladder found.

    Attributes
    ----------
    full : tuple of Step
        Every level with all its parameters equal, each against the level before it.
    partial : tuple of Step
        Models with terms set free, and later levels compared with those; in the order fitted.
    accepted : tuple of Step
        The models that stand, from configural up to the highest.
    tests : DataFrame
        Score tests of the bound terms in every model that failed: which equality breaks it.
    """

    full: tuple[Step, ...]
    partial: tuple[Step, ...]
    accepted: tuple[Step, ...]
    tests: pd.DataFrame


def test_of(fit: LatentFit) -> FitTest:
    """Return a fit's chi-square with its scaling factor."""
    scaling = float(fit.fit_measures.get("chisq.scaling.factor", math.nan))
    return FitTest(fit.chi2, fit.df, scaling)


def difference_of(restricted: LatentFit, free: LatentFit) -> Difference:
    """Return the difference test that fits the estimator: scaled (satorra2001) or plain."""
    one, other = test_of(restricted), test_of(free)
    scaled = not math.isnan(one.scaling)
    return satorra_bentler_2001(one, other) if scaled else plain_difference(one, other)


def index(fit: LatentFit, name: str, form: Form) -> float:
    """Return a fit measure, in its robust form where there is one and it is asked for."""
    robust = f"{name}.robust"
    chosen = robust if form == "robust" and robust in fit.fit_measures.index else name
    return float(fit.fit_measures[chosen])


def climb(design: Design, fitter: Fitter, *, rule: Rule, form: Form, partial: bool) -> Climb:
    """Fit every level; where one fails look for partial invariance, and stop where none is."""
    judge = Judge(rule, form)
    full = _full_ladder(design, fitter, judge)
    accepted: list[Step] = [full[0]]
    tried: list[Step] = []
    found: list[pd.DataFrame] = []
    for step in full[1:]:
        here = step
        if accepted[-1].freed:  # later levels start from the partial model that stands
            here = _compared(design, fitter, judge, step.level, accepted[-1], ())
            tried.append(here)
        if here.holds:
            accepted.append(here)
            continue
        bound = design.bound(here.fit, step.level, frozenset(here.freed))
        found.append(release_tests(here.fit, bound).assign(step=step.level))
        if not partial or step.level not in PARTIAL_LEVELS:
            break
        more = _set_free(design, fitter, judge, here, accepted[-1])
        tried += more
        if not more or not more[-1].holds:
            break
        accepted.append(more[-1])
    tests = pd.concat(found, ignore_index=True) if found else _NO_TESTS
    return Climb(tuple(full), tuple(tried), tuple(accepted), tests)


_NO_TESTS = pd.DataFrame(columns=["term", "lhs", "op", "rhs", "statistic", "df", "p_value", "step"])


@dataclass(frozen=True, slots=True)
class Judge:
    """The rule that levels are judged by, and the form of the indices it looks at."""

    rule: Rule
    form: Form

    def step(self, level: Level, fit: LatentFit, before: Step, freed: tuple[str, ...]) -> Step:
        """Return a model compared with the one before it."""
        difference = difference_of(fit, before.fit)
        if self.rule == "chi2" and difference.df and math.isnan(difference.p_value):
            raise ModelError(
                f"the scaled difference test of {level} invariance has no value (its scaling "
                "factor is not positive); judge by rule='chen2007' or 'cheung2002'."
            )
        changes = {
            name: index(fit, name, self.form) - index(before.fit, name, self.form)
            for name in ("cfi", "rmsea", "srmr")
        }
        verdict = holds(
            self.rule,
            level,
            fit.n,
            cfi_change=changes["cfi"],
            rmsea_change=changes["rmsea"],
            srmr_change=changes["srmr"],
            p_value=difference.p_value,
        )
        return Step(level, fit, before.name, difference, changes, verdict, freed)


def _full_ladder(design: Design, fitter: Fitter, judge: Judge) -> list[Step]:
    """Return every level with all its parameters equal, each compared with the one before."""
    steps = [Step("configural", design.fit(fitter, "configural", frozenset()), "", None, {}, None)]
    for level in LEVELS[1:]:
        fit = design.fit(fitter, level, frozenset())
        steps.append(judge.step(level, fit, steps[-1], ()))
    return steps


def _compared(
    design: Design,
    fitter: Fitter,
    judge: Judge,
    level: Level,
    before: Step,
    more: tuple[str, ...],
) -> Step:
    """Return a level with the terms free that were free before, and ``more``.

    An item whose loading is free has a free intercept too: equal intercepts would mean nothing.
    """
    free = (*before.freed, *more)
    if level != "metric":
        loose = [term.partition("=~")[2] for term in free if "=~" in term]
        also = [f"{item}~1" for item in loose if item in design.items]
        free = tuple(dict.fromkeys((*free, *also)))
    return judge.step(level, design.fit(fitter, level, frozenset(free)), before, free)


def _set_free(
    design: Design, fitter: Fitter, judge: Judge, failed: Step, before: Step
) -> list[Step]:
    """Return models with one more term free each, until one holds or none may be set free.

    The term with the largest score test goes first; each factor keeps two equal terms.
    """
    steps: list[Step] = []
    current, more = failed, ()  # type: Step, tuple[str, ...]
    while not current.holds:
        bound = design.bound(current.fit, failed.level, frozenset(current.freed))
        tests = release_tests(current.fit, bound)
        open_terms = {b.term for b in bound if _may_go(b, bound)}
        chosen = tests[tests["term"].isin(open_terms) & (tests["p_value"] < ALPHA)]
        if chosen.empty:
            break
        more = (*more, str(chosen["term"].iloc[0]))
        current = _compared(design, fitter, judge, failed.level, before, more)
        steps.append(current)
    return steps


def _may_go(term: Bound, bound: list[Bound]) -> bool:
    """Tell whether every factor of a term keeps enough equal terms without it."""
    return all(sum(factor in other.factors for other in bound) > FEWEST for factor in term.factors)
