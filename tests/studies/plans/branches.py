"""A survey of five branches over six waves, each with a gap of its own planted to the digit."""

from pathlib import Path

import pandas as pd

from tests.studies.toys import write_notebook

BRANCHES = {"North": "城北", "South": "城南", "East": "城东", "West": "城西", "Harbour": "港口"}
WAVES = ("2025-01", "2025-02", "2025-03", "2025-04", "2025-05", "2025-06")
EACH = 50  # respondents of a branch and wave
BOOK = (
    """\
[instrument]
name = "short"
title = { en = "Short form", zh = "简版" }
scale = { low = 1, high = 7 }
items = [{ code = "a", label = "Speed" }, { code = "b", label = "Care" }]
[instrument.batteries.expectation]
[instrument.batteries.perception]
[batteries.expectation]
columns = "E{item}"
[batteries.perception]
columns = "P{item}"
[covariates.branch]
column = "branch"
role = "branch"
label = { en = "Branch", zh = "网点" }
[covariates.branch.values]
"""
    + "".join(f'{en} = {{ en = "{en}", zh = "{zh}" }}\n' for en, zh in BRANCHES.items())
    + """\
[covariates.wave]
column = "wave"
role = "wave"
label = { en = "Wave", zh = "调查期" }
"""
)
PLAN = """\
name = "branches"
out = "reports"
languages = ["en", "zh"]
workers = 2
retention = 3

[parameters]
data = "answers.csv"
codebook = "answers.toml"

[[study]]
notebook = "short.ipynb"
name = "{branch}-{wave}"
[study.parameters]
where = ["branch={branch}", "wave={wave}"]
[study.matrix]
branch = "data"
wave = "data"
"""
CELLS = (
    """\
from pathlib import Path
from typing import Literal
from IPython.display import display
import servlab as sl
""",
    (
        "parameters",
        """\
data: Path | None = None  # survey file
codebook: Path | None = None  # its codebook
language: Literal["en", "zh"] = "en"
title: str = ""
where: list[str] = []  # keep only these respondents
""",
    ),
    ("required", "survey = sl.keep_respondents(sl.read_survey(data, codebook), where)"),
    "display(sl.cover(survey, title=title, language=language))",
    """\
# Gaps
gaps = sl.gap_scores(survey)
display(sl.section("gaps", language=language), sl.narrate(gaps, language=language))
display(sl.table(gaps, level="item", language=language))
sl.record("gaps", gaps)
""",
)


def lowered(branch: int, wave: int) -> int:
    """Return how many of a branch's respondents of a wave rate one point below expectation."""
    return 3 + 6 * branch + wave


def planted(branch: str, wave: str) -> float:
    """Return the gap planted in one branch and wave, in scale points."""
    return -lowered(list(BRANCHES).index(branch), WAVES.index(wave)) / EACH


def answers() -> pd.DataFrame:
    """Return all answers, the rows of branches and waves mixed."""
    rows = []
    for person in range(EACH):
        for wave, period in enumerate(WAVES):
            for place, branch in enumerate(BRANCHES):
                expected = 5 + (person + wave) % 3
                given = expected - (person < lowered(place, wave))
                rows.append((expected, expected, given, given, branch, period))
    return pd.DataFrame(rows, columns=["Ea", "Eb", "Pa", "Pb", "branch", "wave"])


def write_branches(folder: Path, plan: str = PLAN) -> Path:
    """Write data, codebook, notebook and plan into a folder, and return the plan's path."""
    folder.mkdir(parents=True, exist_ok=True)
    answers().to_csv(folder / "answers.csv", index=False)
    (folder / "answers.toml").write_text(BOOK, encoding="utf-8")
    write_notebook(folder / "short.ipynb", *CELLS)
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    return folder / "plan.toml"
