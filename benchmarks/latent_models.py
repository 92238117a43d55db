"""servlab beside lavaan: CFA, robust, incomplete rows, groups, bootstrap on 22 seven-point items.

``.venv/bin/python -m benchmarks.latent_models`` needs Rscript with lavaan and jsonlite, and a
fast BLAS for R (Debian: libopenblas0-pthread). Results are compared before times are printed.
Times are processor seconds of one process on one thread; lavaan's ``cfa`` alone is timed, ours
with every fit measure. Memory is the peak of a process that reads the file and fits.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import servlab as sl

HERE = Path(__file__).resolve().parent
SIZES = (4, 5, 4, 4, 5)
LEVELS = ((), ("loadings",), ("loadings", "intercepts"), ("loadings", "intercepts", "residuals"))
DRAWS = 200


def model(items: list[str]) -> str:
    """Return five factors of the items in order."""
    lines, first = [], 0
    for k, size in enumerate(SIZES):
        lines.append(f"f{k + 1} =~ " + " + ".join(items[first : first + size]))
        first += size
    return "\n".join(lines)


def rows(n: int, *, missing: float = 0.0) -> pd.DataFrame:
    """Return n answers to 22 seven-point items of five factors, in three groups."""
    instrument = sl.load_instrument("servqual-1991")
    items = sl.simulate_survey(instrument, n=n, seed=1).items("perception").add_prefix("i")
    items = items.reset_index(drop=True).astype(float)
    rng = np.random.default_rng(2)
    if missing:
        items = items.mask(rng.random(items.shape) < missing)
    items["g"] = np.array(["a", "b", "c"])[np.arange(n) % 3]
    return items


def job(kind: str, data: pd.DataFrame) -> Callable[[], object]:
    """Return what is timed."""
    text = model([c for c in data.columns if c != "g"])
    if kind == "ladder":
        return lambda: [sl.cfa(text, data, group="g", group_equal=equal) for equal in LEVELS]
    if kind == "bootstrap":
        fit = sl.cfa(text, data)
        return lambda: sl.bootstrap_fit(fit, seed=1, n_draws=DRAWS)
    options = {"ml": {}, "mlr": {"estimator": "MLR"}, "fiml": {"missing": "fiml"}}[kind]
    return lambda: sl.cfa(text, data, **options)


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Return the best processor time of several runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def ask_r(kind: str, file: Path, repeats: int) -> dict:
    """Return what lavaan finds, in what time and memory."""
    answer = file.with_suffix(f".{kind}.json")
    script = str(HERE / "latent_models.R")
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(["Rscript", script, kind, str(file), str(answer), str(repeats)], check=True,
                   env=environment, stderr=subprocess.DEVNULL)  # fmt: skip
    return json.loads(answer.read_text())


def check(kind: str, ours: object, theirs: dict) -> None:
    """Assert that both found the same."""
    if kind == "bootstrap":
        spread = ours.draws.std(ddof=1).to_numpy()
        assert np.abs(spread / np.array(theirs["boot_se"]) - 1).max() < 0.4
        return
    if kind == "ladder":
        assert np.abs(np.array([f.chi2 for f in ours]) - theirs["chi2"]).max() < 1e-3
        return
    assert abs(ours.chi2 - theirs["chi2"]) < 1e-3
    assert np.abs(ours.theta - np.array(theirs["est"])).max() < 1e-4
    errors = np.sqrt(np.diag(ours.vcov))
    assert np.abs(errors / np.array(theirs["se"]) - 1).max() < 1e-3


def compare(kind: str, n: int, aim: float, repeats: int = 3, **options: float) -> None:
    """Print one line: our time, lavaan's, and the ratio."""
    data = rows(n, **options)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        data.to_csv(file, index=False)
        theirs = ask_r(kind, file, repeats)
    call = job(kind, data)
    check(kind, call(), theirs)
    mine = seconds(call, max(repeats, 5))
    ratio = theirs["seconds"] / mine
    print(f"{kind:10s} n = {n:7d}   {mine:8.4f} s   lavaan {theirs['seconds']:8.3f} s   "
          f"{ratio:6.1f} x   (aim {aim:g})", flush=True)  # fmt: skip


def peak(file: str, kind: str) -> None:
    """Print the peak memory of this process after reading a file and fitting, in MB."""
    data = pd.read_csv(file)
    job(kind, data)()
    status = Path("/proc/self/status").read_text()  # ru_maxrss would count the parent's memory
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def compare_memory(n: int) -> None:
    """Print the peak memory of both programs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.csv"
        rows(n).to_csv(file, index=False)
        for kind in ("ml", "mlr"):
            theirs = ask_r(kind, file, 1)["peak_mb"]
            command = [sys.executable, "-m", "benchmarks.latent_models", "peak", str(file), kind]
            found = subprocess.run(command, check=True, capture_output=True, text=True)
            ours = float(found.stdout)
            print(f"{kind:10s} n = {n:7d}   peak {ours:6.0f} MB   lavaan {theirs:6.0f} MB   "
                  f"{ours / theirs:5.2f} of it (aim 0.25)", flush=True)  # fmt: skip


def main() -> None:
    compare("ml", 300, 8, repeats=5)
    compare("mlr", 3_000, 15)
    compare("mlr", 100_000, 25, repeats=1)
    compare("fiml", 3_000, 8, repeats=1, missing=0.09)
    compare("ladder", 900, 8)
    compare("bootstrap", 300, 10, repeats=1)
    compare_memory(100_000)


if __name__ == "__main__":
    if sys.argv[1:2] == ["peak"]:
        peak(*sys.argv[2:4])
    else:
        main()
