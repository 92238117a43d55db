"""Draw data/servqual_simulated.csv: ``python data/make_example.py``.

Planted: gaps by dimension, a better and a worse branch, drivers of satisfaction; the reversed
items of SERVQUAL 1988 stand in the file as they would be ticked, and importance points add up
to 100. The codebook is written by hand.
"""

from pathlib import Path

import numpy as np
import pandas as pd

import servlab as sl

GAPS = {
    "tangibles": -0.1,
    "reliability": -1.2,
    "responsiveness": -0.9,
    "assurance": -0.5,
    "empathy": -0.7,
}
BRANCHES = {"Centre": 0.0, "North": 0.3, "Harbour": -0.4, "West": 0.0, "Airport": 0.1}
DRIVERS = {"reliability": 0.55, "responsiveness": 0.35, "assurance": 0.2, "empathy": 0.1}
POINTS = np.array([11, 32, 22, 19, 16])


def draw() -> pd.DataFrame:
    """Return the file's rows."""
    survey = sl.simulate_survey(
        sl.load_instrument("servqual-1988"), n=400, seed=20261123, gaps=GAPS, expectation=6.0,
        drivers=DRIVERS, branches=BRANCHES, missing_share=0.004,
    )  # fmt: skip
    rng = np.random.default_rng(88)
    points = np.rint(rng.dirichlet(POINTS / 2, size=survey.n) * 20) * 5
    points[:, 1] += 100 - points.sum(axis=1)
    parts = [
        pd.DataFrame({"id": [f"R{i:04d}" for i in range(1, survey.n + 1)]}),
        survey.covariates.reset_index(drop=True),
        survey.raw("expectation").add_prefix("E").reset_index(drop=True).astype("Int64"),
        survey.raw("perception").add_prefix("P").reset_index(drop=True).astype("Int64"),
        pd.DataFrame(points, columns=[f"points_{d}" for d in GAPS]).astype(int),
        survey.outcomes.reset_index(drop=True).astype(int),
    ]
    frame = pd.concat(parts, axis=1)
    answers = [c for c in frame if c[0] in "EP" and c[1:].isdigit()]
    frame.loc[[17, 203, 338], answers] = pd.NA  # three who left both batteries blank
    return frame


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    draw().to_csv(here / "servqual_simulated.csv", index=False)
    # the package carries the same two files, so that an installed one has its example
    packaged = here.parent / "servlab" / "data" / "example_files"
    packaged.mkdir(exist_ok=True)
    for name in ("servqual_simulated.csv", "servqual_simulated.toml"):
        (packaged / name).write_bytes((here / name).read_bytes())
