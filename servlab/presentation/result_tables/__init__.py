"""A table for each result: captions, headings and notes in English or Chinese, numbers raw."""

from servlab.presentation.result_tables import (
    drivers,
    factors,
    groups,
    sample,
    scale,
    scores,
    screening,
    zone,
)
from servlab.presentation.result_tables.dispatch import table

# the modules register their tables with ``table`` when they are imported
_REGISTERED = (drivers, factors, groups, sample, scale, scores, screening, zone)

__all__ = ["table"]
