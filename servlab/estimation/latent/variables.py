"""Which role each variable of a model plays: latent, indicator, outcome, covariate."""

from collections.abc import Iterable
from dataclasses import dataclass

from servlab.core.errors import ModelError
from servlab.estimation.latent.syntax import ModelSyntax


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a model by role, each in order of appearance.

    Attributes
    ----------
    latent : tuple of str
        Left of ``=~``.
    observed : tuple of str
        Indicators, then other outcomes, then predictors, then those only in ``~~`` or ``~1``.
    covariates : tuple of str
        Observed, right of ``~`` only; their moments may be the sample's.
    modelled : tuple of str
        Observed variables that are no covariates.
    sources : tuple of str
        Latent variables that nothing in the model explains.
    outcomes : tuple of str
        Regressed on others and predicting nothing: latent ones, then observed ones that are
        no indicators.
    single : tuple of str
        Variables that are some factor's only indicator, and no other factor's.
    """

    latent: tuple[str, ...]
    observed: tuple[str, ...]
    covariates: tuple[str, ...]
    modelled: tuple[str, ...]
    sources: tuple[str, ...]
    outcomes: tuple[str, ...]
    single: tuple[str, ...]


def classify(syntax: ModelSyntax) -> Variables:
    """Return the variables of a model by role."""
    pairs = {op: [(t.lhs, t.rhs) for t in syntax.terms if t.op == op] for op in _OPERATORS}
    latent = _unique(lhs for lhs, _ in pairs["=~"])
    indicators = _unique(rhs for _, rhs in pairs["=~"])
    explained = _unique(lhs for lhs, _ in pairs["~"])
    predictors = _unique(rhs for _, rhs in pairs["~"])
    mentioned = _unique(
        [lhs for lhs, _ in pairs["~~"]]
        + [rhs for _, rhs in pairs["~~"]]
        + [lhs for lhs, _ in pairs["~1"]]
    )
    hidden = {*latent}
    seen = [name for name in indicators if name not in hidden]
    outcomes = [name for name in explained if name not in {*hidden, *seen}]
    covariates = [
        name for name in predictors if name not in {*hidden, *seen, *outcomes, *mentioned}
    ]
    others = [n for n in (*predictors, *mentioned) if n not in {*hidden, *seen, *outcomes}]
    ends = {*explained} - {*predictors}
    _check_levels(latent, pairs["=~"])
    return Variables(
        latent=latent,
        observed=_unique([*seen, *outcomes, *others]),
        covariates=tuple(covariates),
        modelled=_unique([*seen, *outcomes, *(n for n in others if n not in covariates)]),
        sources=tuple(n for n in latent if n not in {*indicators, *explained}),
        outcomes=tuple(n for n in (*latent, *outcomes) if n in ends and n not in indicators),
        single=_single(pairs["=~"]),
    )


_OPERATORS = ("=~", "~~", "~", "~1", "|", "~*~")


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Return names once each, in order of appearance."""
    return tuple(dict.fromkeys(names))


def _single(loadings: list[tuple[str, str]]) -> tuple[str, ...]:
    """Return the variables that are some factor's only indicator, and no other factor's."""
    factors, items = [lhs for lhs, _ in loadings], [rhs for _, rhs in loadings]
    return _unique(
        rhs for lhs, rhs in loadings if factors.count(lhs) == 1 and items.count(rhs) == 1
    )


def _check_levels(latent: tuple[str, ...], loadings: list[tuple[str, str]]) -> None:
    """Raise ``ModelError`` when factors measure each other in a circle."""
    measures = {factor: {rhs for lhs, rhs in loadings if lhs == factor} for factor in latent}
    settled: set[str] = set()
    while len(settled) < len(latent):
        ready = {
            factor
            for factor in latent
            if factor not in settled and not (measures[factor] & {*latent}) - settled
        }
        if not ready:
            circle = sorted({*latent} - settled)
            raise ModelError(
                f"the factors {circle} measure each other in a circle; a second-order factor is "
                "measured by factors that it does not belong to."
            )
        settled |= ready
