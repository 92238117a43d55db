"""Write docs/validation.md from what the golden tests compared."""

import json
import math
from itertools import groupby
from pathlib import Path

from tests.agreement import Agreement, left_out, tested_without_record

COVERAGE = Path(__file__).parents[1] / "benchmarks" / "coverage.json"

TOPICS = {
    "Items": ("describe", "scales", "mardia", "screening", "rake", "sample", "mcar"),
    "Correlations": ("polychoric", "tetrachoric", "polyserial", "acov"),
    "Adequacy and number of factors": ("kmo", "bartlett", "vss", "parallel", "horn"),
    "Exploratory factor analysis": ("efa", "factanal", "converged", "scores", "pca", "congruence"),
    "Reliability": ("alpha", "omega", "splithalf", "semtools", "icc"),
    "Regression and comparisons": ("lm", "welch", "meng", "early", "mode"),
    "Latent variable models": ("cfa", "sem", "mg", "fiml", "latent", "invariance", "fit"),
}
OTHER = "Other"

HEAD = """# How the numbers were checked

Made by `make validation` from the golden tests; do not edit. Each row holds a statistic of
servlab against numbers that another program computed from the same data. Those numbers, the
exact call, the versions and the scripts that made them are in `tests/golden`. The largest
deviation is the largest absolute difference over everything compared (relative where the
tolerance says so), rounded up to one digit; the tests fail beyond the tolerance.

"""
COLUMNS = "\n".join(
    (
        "| statistic | program | data | largest deviation | tolerance | files |",
        "|---|---|---|---|---|---|",
    )
)

COVERAGE_HEAD = """## Coverage in simulated surveys

Made by `python -m benchmarks.coverage` (seeded): surveys of ten items in five dimensions, whose
truth is known, ordinal answers, intervals and tests at their usual levels (95 % and 5 %). The share
is that of claims that held (intervals that hold the truth) or of tests that rejected where nothing
was to be found; a survey that makes several claims counts with their mean, and the Monte Carlo
error is over surveys.

| claim | surveys | share | Monte Carlo error | wanted |
|---|---|---|---|---|
"""


def page(records: list[Agreement]) -> str:
    """Return the page, a section a topic and a row a statistic."""
    parts = [HEAD + summary(records)]
    for topic in (*TOPICS, OTHER):
        mine = [record for record in records if topic_of(record.golden) == topic]
        if mine:
            parts.append(section(topic, mine))
    parts += [part for part in (coverage(), reasons(records), unrecorded(records)) if part]
    return "\n\n".join(parts) + "\n"


def summary(records: list[Agreement]) -> str:
    """Return how many files and numbers stand behind the page."""
    compared = {record.golden for record in records}
    left = set(left_out()) - compared
    return (
        f"{len(compared)} reference files compared in {len(records)} comparisons; "
        f"{len(left)} left out, each with its reason below."
    )


def topic_of(golden: str) -> str:
    """Return the section that a reference file belongs to, by the first word of its name."""
    word = golden.split("_")[0]
    return next((topic for topic, words in TOPICS.items() if word in words), OTHER)


def section(topic: str, records: list[Agreement]) -> str:
    """Return one topic's table, the conventions that differ and the files behind it."""
    lines, notes = [COLUMNS], {}
    for key, group in groupby(sorted(records, key=row_key), row_key):
        lines.append(row(list(group)))
        if key[-1]:
            notes.setdefault(key[-1], []).append(key[0])
    text = f"## {topic}\n\n" + "\n".join(lines)
    if notes:
        told = [f"- {listed(names, '; ')}: {note}" for note, names in notes.items()]
        text += "\n\nWhere programs differ:\n\n" + "\n".join(told)
    return text + "\n\nFiles: " + listed(f"`{record.golden}`" for record in records) + "."


def row_key(record: Agreement) -> tuple:
    """Return what records of one row have in common."""
    return (
        record.statistic[0].upper() + record.statistic[1:],
        record.program,
        record.tolerance,
        record.relative,
        record.unit,
        record.convention,
    )


def row(records: list[Agreement]) -> str:
    """Return one row of a table."""
    one, statistic = records[0], row_key(records[0])[0]
    unit = one.unit or ("relative" if one.relative else "")
    cells = (
        statistic,
        one.program,
        listed(record.data for record in records),
        rounded_up(max(record.deviation for record in records)),
        f"{one.tolerance:g} {unit}".strip(),
        str(len({record.golden for record in records})),
    )
    return "| " + " | ".join(cells) + " |"


def listed(words, separator: str = ", ") -> str:
    """Return each word once, in order."""
    return separator.join(sorted(set(words), key=str.casefold))


def rounded_up(value: float) -> str:
    """Return a deviation with one digit, rounded up so that it stays true."""
    if value == 0:
        return "0"
    power = math.floor(math.log10(value))
    digit = math.ceil(value / 10.0**power - 1e-9)
    return f"{digit * 10.0**power:.0e}".replace("e-0", "e-").replace("e+00", "")


def coverage() -> str:
    """Return how often intervals covered and tests erred in simulated surveys."""
    rows = json.loads(COVERAGE.read_text())
    lines = [
        f"| {row['claim']} | {row['surveys']:,} | {row['share']:.3f} | {row['error']:.3f} "
        f"| {row['wanted']} |"
        for row in rows
    ]
    return COVERAGE_HEAD + "\n".join(lines)


def reasons(records: list[Agreement]) -> str:
    """Return the files left out, each with its reason."""
    compared = {record.golden for record in records}
    left = {name: reason for name, reason in left_out().items() if name not in compared}
    lines = [f"- `{name}`: {reason}" for name, reason in sorted(left.items())]
    return "## Left out\n\n" + "\n".join(lines)


def unrecorded(records: list[Agreement]) -> str:
    """Return the files whose tests keep no record yet."""
    compared = {record.golden for record in records}
    rest = {
        name: test
        for name, test in tested_without_record().items()
        if name not in compared and name not in left_out()
    }
    lines = [f"- `{name}`: {test}" for name, test in sorted(rest.items())]
    return "## Compared without a record\n\n" + "\n".join(lines) if lines else ""
