"""The rules by which a gap score is licensed, written down with their sources.

Each check of a dimension ends in one of four: ``pass``, ``reserve`` (the gap may be reported, with
this said beside it), ``fail`` (it should not be reported alone) or ``unknown`` (not computable, and
never counted as passed). The verdict is the worst of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from servlab.core.standards import standard
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.scales.descriptives import CEILING

Status = Literal["pass", "reserve", "fail", "unknown"]
Verdict = Literal["may", "reserved", "not_alone", "unjudged"]
Check = Literal["invariance", "reliability", "ceiling", "correlation", "variance", "constraint",
                "servperf"]  # fmt: skip

CHECKS: tuple[Check, ...] = (
    "invariance", "reliability", "ceiling", "correlation", "variance", "constraint", "servperf",
)  # fmt: skip
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found of one dimension.

    Attributes
    ----------
    status : {"pass", "reserve", "fail", "unknown"}
    reason : str
        Name of the rule that decided; ``narrative`` words it.
    items : tuple of str
        Items the reason is about.
    detail : str
        Why it could not be computed, in the words of the error; flags of a fit.
    """

    status: Status
    reason: str
    items: tuple[str, ...] = ()
    detail: str = ""


def verdict(findings: Sequence[Finding]) -> Verdict:
    """Return the worst of the findings; all unknown cannot be judged.

    >>> verdict([Finding("pass", "x"), Finding("unknown", "x")])
    'reserved'
    """
    found = {finding.status for finding in findings}
    if found == {"unknown"}:
        return "unjudged"
    if "fail" in found:
        return "not_alone"
    return "may" if found == {"pass"} else "reserved"


def judge_invariance(result: InvarianceResult, items: Sequence[str], *, whole: bool) -> Finding:
    """Judge whether the difference of two scores of ``items`` is one of level [vandenberg2000]_.

    A gap presumes equal loadings and intercepts. Where some items break them, the sum mixes them
    in, few as they are [steinmetz2013]_: a reservation, and from half of the items on the gap
    should not be reported alone, since a minority only may be set free [vandenberg2000]_.
    ``whole`` says that the model of all dimensions is judged for one of them.
    """
    if result.configural_misfit:
        return Finding("unknown", "misfit")
    if not result.comparable_means:
        return Finding("fail", "metric" if result.comparable_relations else "configural")
    freed = tuple(item for item in result.freed_items if item in items)
    if freed:
        most = not standard("freed_items").met_by(len(freed) / len(items))
        return Finding("fail" if most else "reserve", "partial_most" if most else "partial", freed)
    if result.flags:
        return Finding("reserve", "flagged", detail=", ".join(result.flags))
    if any(_doubtful(result, level) for level in ("metric", "scalar")):
        return Finding("reserve", "disputed")
    return Finding("pass", "whole" if whole else "scalar")


def _doubtful(result: InvarianceResult, level: str) -> bool:
    """Tell whether CFI alone falls past its cut-off at a level that the rule lets stand."""
    for step in result.climb.accepted:
        limit = result.limits(step.level)
        if step.level == level and limit is not None and step.changes:
            return bool(step.changes["cfi"] <= -limit.cfi)
    return False


def judge_reliability(value: float) -> Finding:
    """Judge the reliability of the difference: .70 [nunnally1978]_, and .50 at the least."""
    if math.isnan(value):
        return Finding("unknown", "not_computable")
    if standard("reliability").met_by(value):
        return Finding("pass", "reached")
    floor = standard("gap_reliability_floor").met_by(value)
    return Finding("reserve", "low") if floor else Finding("fail", "too_low")


def judge_ceiling(share_top: float) -> Finding:
    """Judge the expectations' ceiling: half of the answers at the top (house rule)."""
    if math.isnan(share_top):
        return Finding("unknown", "not_computable")
    return Finding("reserve", "at_top") if share_top >= CEILING else Finding("pass", "room")


def judge_correlation(r: float) -> Finding:
    """Judge whether P and E can be told apart: variance inflation of 5 [menard1995]_."""
    if math.isnan(r):
        return Finding("unknown", "not_computable")
    if 1 - r**2 <= 1 / standard("vif").value:
        return Finding("reserve", "collinear")
    return Finding("pass", "apart")


def judge_variance(ratio: float) -> Finding:
    """Judge the variance of E over that of P: under half, the gap is mostly P [peter1993]_."""
    if math.isnan(ratio):
        return Finding("unknown", "not_computable")
    if standard("spread_ratio").met_by(ratio):
        return Finding("pass", "alike")
    return Finding("reserve", "restricted")


def judge_constraint(
    p_linear: float, cost_linear: float, p_surface: float, cost_surface: float
) -> Finding:
    """Judge whether P - E does as well as P and E free [edwards1994]_.

    Rejected at .05 and at a cost of Cohen's f2 of .02 or more [cohen1988]_: not alone. Rejected
    at less cost, or only because the relation is curved: a reservation.
    """
    if math.isnan(p_linear):
        return Finding("unknown", "not_computable")
    small = standard("constraint_cost")
    if p_linear < ALPHA:
        if small.met_by(cost_linear):
            return Finding("reserve", "rejected_small")
        return Finding("fail", "rejected")
    if p_surface < ALPHA and not small.met_by(cost_surface):
        return Finding("reserve", "curved")
    return Finding("pass", "not_rejected")


def judge_servperf(statistic: float, p_value: float) -> Finding:
    """Judge whether perception alone goes with the outcome more closely (Meng's z)."""
    if math.isnan(p_value):
        return Finding("unknown", "not_computable")
    if p_value < ALPHA:
        return Finding("reserve", "perception") if statistic > 0 else Finding("pass", "gap")
    return Finding("pass", "level")
