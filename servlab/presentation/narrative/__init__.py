"""Results in sentences, English and Chinese, built from the result objects.

A sentence cannot contradict its number: its words are chosen by the interval or the test it
reports. Every text is in the message catalogues.
"""

from servlab.presentation.narrative import (
    adequacy,
    branches,
    choices,
    drivers,
    factors,
    gap_tests,
    gaps,
    groups,
    invariance,
    items,
    latent,
    latent_checks,
    licence,
    mediation,
    missing,
    multilevel,
    regression,
    reliability,
    response,
    sample,
    scale,
    screening,
    surface,
    tracking,
    validation,
    wave_items,
    weighting,
    zone,
)
from servlab.presentation.narrative.dispatch import narrate
from servlab.presentation.narrative.invariance import invariance_warnings
from servlab.presentation.narrative.respondents import instrument_notes, who_answered
from servlab.presentation.narrative.screening import screening_flow
from servlab.presentation.narrative.structure import efa_warnings
from servlab.presentation.narrative.summary import summarize
from servlab.presentation.narrative.tracking import wave_verdict

# the modules register their sentences with ``narrate`` when they are imported
_REGISTERED = (
    adequacy, branches, choices, drivers, factors, gap_tests, gaps, groups, invariance, items,
    latent, latent_checks, licence, mediation, missing, multilevel, regression, reliability,
    response, sample, scale, screening, surface, tracking, validation, wave_items,
    weighting, zone,
)  # fmt: skip

__all__ = [
    "efa_warnings",
    "instrument_notes",
    "invariance_warnings",
    "narrate",
    "screening_flow",
    "summarize",
    "wave_verdict",
    "who_answered",
]
