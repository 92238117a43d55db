"""A table for each result: captions, headings and notes in English or Chinese, numbers raw."""

from servlab.presentation.result_tables import (
    adequacy,
    branches,
    choices,
    drivers,
    factors,
    gap_tests,
    groups,
    invariance,
    latent,
    latent_checks,
    licence,
    mediation,
    multilevel,
    regression,
    reliability,
    response,
    sample,
    scale,
    scores,
    screening,
    structure,
    surface,
    tracking,
    validation,
    waves,
    zone,
)
from servlab.presentation.result_tables.dispatch import table

# the modules register their tables with ``table`` when they are imported
_REGISTERED = (
    adequacy, branches, choices, drivers, factors, gap_tests, groups, invariance, latent,
    latent_checks, licence, mediation, multilevel, regression, reliability, response, sample,
    scale, scores, screening, structure, surface, tracking, validation, waves, zone,
)  # fmt: skip

__all__ = ["table"]
