"""servlab's ``read_survey`` beside pandas' readers: 100,000 respondents, 50 columns.

``python -m benchmarks.reading`` writes one survey as CSV, XLSX and .sav, and reads each in fresh
processes: ours, which reads, encodes, checks and keys, and pandas' own, which only reads. Printed
are processor seconds of the whole process, its imports included, and the highest memory it had.
The answers of both are compared before anything is printed. pandas' default engine for workbooks
is openpyxl, which servlab does not need; where it is not installed, calamine stands in.
"""

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

N = 100_000
ITEMS = tuple(str(k) for k in range(1, 23))
BOUNDS = {"csv": 1.5, "sav": 3.0, "xlsx": 8.0}  # processor seconds that issue 3 allows
CODEBOOK = """
instrument = "servqual-1991"
reversed = []
[batteries.expectation]
columns = "E{item}"
[batteries.perception]
columns = "P{item}"
[respondents]
id = "id"
[covariates]
branch = { column = "branch", role = "branch" }
wave = { column = "wave", role = "wave" }
sex = { column = "sex" }
age = { column = "age" }
[outcomes.satisfaction]
column = "satisfaction"
scale = { low = 1, high = 7 }
"""


def write(folder: Path) -> None:
    """Write the survey in three formats, with its codebook."""
    import numpy as np
    import pandas as pd
    import pyreadstat

    rng = np.random.default_rng(1)
    trait = rng.normal(size=(N, 1))
    parts = [
        pd.DataFrame(
            {
                "id": [f"R{k:06}" for k in range(N)],
                "branch": rng.choice(["城北", "城南", "城东"], N),
                "wave": rng.choice(["2025", "2026"], N),
                "sex": rng.integers(1, 3, N),
                "age": rng.integers(18, 80, N),
            }
        )
    ]
    for stem, mean in (("E", 6), ("P", 5)):
        answers = np.clip(np.round(mean + trait + rng.normal(size=(N, len(ITEMS)))), 1, 7)
        parts.append(pd.DataFrame(answers.astype(int), columns=[stem + k for k in ITEMS]))
    parts.append(pd.DataFrame({"satisfaction": rng.integers(1, 8, N)}))
    frame = pd.concat(parts, axis=1)
    frame.to_csv(folder / "survey.csv", index=False)
    pyreadstat.write_sav(frame, str(folder / "survey.sav"))
    frame.to_excel(folder / "survey.xlsx", index=False, engine="xlsxwriter")
    (folder / "book.toml").write_text(CODEBOOK, encoding="utf-8")


def ours(path: Path) -> object:
    from servlab import read_survey

    return read_survey(path, path.with_name("book.toml"))


def theirs(path: Path) -> object:
    import pandas as pd

    if path.suffix == ".csv":
        return pd.read_csv(path)
    if path.suffix == ".sav":
        return pd.read_spss(path)
    engine = "openpyxl" if find_spec("openpyxl") else "calamine"
    return pd.read_excel(path, engine=engine)


def digest(found: object) -> str:
    """Return a hash of the answers to all items, whoever read them."""
    import pandas as pd

    if isinstance(found, pd.DataFrame):
        columns = [found[stem + k] for stem in "EP" for k in ITEMS]
    else:
        frames = (found.answers["expectation"], found.answers["perception"])  # type: ignore[attr-defined]
        columns = [frame[k] for frame in frames for k in ITEMS]
    total = hashlib.sha256()
    for column in columns:
        total.update(column.to_numpy(dtype="float64").tobytes())
    return total.hexdigest()


def child(who: str, path: Path) -> None:
    """Read a file and print what it took; the hash is made afterwards."""
    found = {"ours": ours, "theirs": theirs}[who](path)
    seconds = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "digest": digest(found)}))


def measured(who: str, path: Path) -> dict:
    """Return what one reader takes in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.reading", who, str(path)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        subprocess.run([sys.executable, "-m", "benchmarks.reading", "write", place], check=True)
        engine = "openpyxl" if find_spec("openpyxl") else "calamine"
        others = {"csv": "read_csv", "sav": "read_spss", "xlsx": f"read_excel, {engine}"}
        for kind, other in others.items():
            path = folder / f"survey.{kind}"
            own, pandas = measured("ours", path), measured("theirs", path)
            assert own["digest"] == pandas["digest"], f"{kind}: not the same answers"
            assert own["seconds"] < BOUNDS[kind], f"{kind}: {own['seconds']:.2f} s"
            assert own["peak"] <= pandas["peak"], f"{kind}: {own['peak']:.0f} MB"
            print(
                f"{kind:5s} read_survey {own['seconds']:6.2f} s {own['peak']:6.0f} MB   "
                f"pandas.{other:22s} {pandas['seconds']:6.2f} s {pandas['peak']:6.0f} MB"
            )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        child(sys.argv[1], Path(sys.argv[2]))
