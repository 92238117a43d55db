"""A survey of somebody's own, as it comes from a counter: two branches, eight items asked twice."""

from pathlib import Path

import numpy as np
import pandas as pd

ITEMS = 8
EACH = 60  # respondents of a branch
BRANCHES = {"Centre": 0.3, "West": 1.1}  # and how far they stay below what is expected


def own_survey(seed: int = 20261) -> pd.DataFrame:
    """Return answers on a scale from 1 to 7: expectations, perceptions, satisfaction, branch."""
    rng = np.random.default_rng(seed)
    parts = []
    for branch, gap in BRANCHES.items():
        person = rng.normal(size=(EACH, 1))
        expected = 5.8 + 0.4 * person + rng.normal(scale=0.6, size=(EACH, ITEMS))
        given = 5.8 - gap + 0.6 * person + rng.normal(scale=0.8, size=(EACH, ITEMS))
        satisfied = 5.3 - gap + 0.8 * person + rng.normal(scale=0.6, size=(EACH, 1))
        numbers = np.hstack([expected, given, satisfied]).round().clip(1, 7).astype(int)
        names = [*(f"E{i + 1}" for i in range(ITEMS)), *(f"P{i + 1}" for i in range(ITEMS))]
        parts.append(pd.DataFrame(numbers, columns=[*names, "satisfaction"]).assign(branch=branch))
    return pd.concat(parts, ignore_index=True)


def write_survey(path: Path) -> None:
    """Write the survey as a file."""
    own_survey().to_csv(path, index=False)
