"""When is a level of invariance lost? Named rules of the literature."""

from dataclasses import dataclass
from typing import Literal

from servlab.core.errors import ModelError

Rule = Literal["chen2007", "cheung2002", "chi2"]
Level = Literal["configural", "metric", "scalar", "strict"]
LEVELS: tuple[Level, ...] = ("configural", "metric", "scalar", "strict")
RULES: tuple[Rule, ...] = ("chen2007", "cheung2002", "chi2")
SMALL = 300  # rows up to which chen2007 is stricter
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Changes from one level to the next from which invariance is lost.

    Attributes
    ----------
    cfi : float
        Fall of CFI, as a positive number.
    rmsea, srmr : float or None
        Rise of RMSEA and SRMR; None where the rule does not use them.
    """

    cfi: float
    rmsea: float | None = None
    srmr: float | None = None


def cutoffs(rule: Rule, level: Level, n: int) -> Cutoffs | None:
    """Return the cut-offs of a rule; None for the chi-square rule.

    Notes
    -----
    Chen (chen2007, p. 501): CFI falls by .010 and RMSEA rises by .015 or SRMR by .030
    (loadings; .010 for intercepts and residuals); with at most 300 rows .005, and .010 or
    .025 (.005). Cheung and Rensvold (cheung2002): CFI falls by more than .01.
    """
    if rule == "cheung2002":
        return Cutoffs(0.01)
    if rule == "chi2":
        return None
    small, loadings = n <= SMALL, level == "metric"
    if small:
        return Cutoffs(0.005, 0.010, 0.025 if loadings else 0.005)
    return Cutoffs(0.010, 0.015, 0.030 if loadings else 0.010)


def holds(
    rule: Rule,
    level: Level,
    n: int,
    *,
    cfi_change: float,
    rmsea_change: float,
    srmr_change: float,
    p_value: float,
) -> bool:
    """Tell whether a level holds: changes are those from the level before, restricted less free."""
    limit = cutoffs(rule, level, n)
    if limit is None:
        return not p_value < ALPHA
    if rule == "cheung2002":
        return not cfi_change < -limit.cfi
    if limit.rmsea is None or limit.srmr is None:
        raise ModelError(f"rule {rule!r} lacks a cut-off.")
    worse = rmsea_change >= limit.rmsea or srmr_change >= limit.srmr
    return not (cfi_change <= -limit.cfi and worse)
