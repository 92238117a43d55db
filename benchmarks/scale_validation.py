"""servlab beside R's psych and lavaan: polychorics, parallel analysis, EFA on 22 seven-point items.

``.venv/bin/python -m benchmarks.scale_validation`` needs Rscript with psych and lavaan, and a
fast BLAS for R (Debian: libopenblas0-pthread). Results are compared before times are printed.
Times are processor seconds of one process, so that a busy machine does not favour anybody.
"""

import json
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import servlab as sl
from servlab.estimation.moments import moments

HERE = Path(__file__).resolve().parent
DRAWS = 20


def items(n: int) -> pd.DataFrame:
    """Return n answers to 22 seven-point items of five correlated factors."""
    instrument = sl.load_instrument("servqual-1991")
    return sl.simulate_survey(instrument, n=n, seed=1).items("perception")


def seconds(call: Callable[[], object], repeats: int = 3) -> float:
    """Return the best processor time of several runs."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def line(what: str, ours: float, theirs: float | None, other: str) -> None:
    if theirs is not None:
        print(f"{what:44s} {ours:9.4f} s   {other:18s} {theirs:9.3f} s   {theirs / ours:7.1f} x")


def ask_r(data: pd.DataFrame) -> dict:
    """Return what R finds and how long it takes."""
    with tempfile.TemporaryDirectory() as folder:
        file, answer = Path(folder) / "data.csv", Path(folder) / "answer.json"
        data.to_csv(file, index=False)
        script = str(HERE / "scale_validation.R")
        subprocess.run(["Rscript", script, str(file), str(DRAWS), str(answer)], check=True)
        return json.loads(answer.read_text())


def compare(n: int) -> None:
    data = items(n)
    theirs = ask_r(data)
    ordinal = moments(data, kind="polychoric")
    assert np.abs(ordinal.cor - np.array(theirs["cor"])).max() < 1e-6
    fit = sl.efa(data, 5)
    assert abs(fit.chi2 - theirs["chi2"]) < 1e-3 * max(1, theirs["chi2"])
    both = [{"factors": f, "draws": d} for f in ("components", "common")
            for d in ("normal", "permutation")]  # fmt: skip
    common = sl.parallel_analysis(data, seed=1, n_draws=DRAWS, factors="common")
    assert np.abs(common.eigenvalues - theirs["fa_values"]).max() < 1e-4

    def parallel(options: list[dict]) -> Callable[[], object]:
        return lambda: [sl.parallel_analysis(data, seed=1, n_draws=DRAWS, **o) for o in options]

    poly = seconds(lambda: moments(data, kind="polychoric"))
    line(f"polychoric, n = {n}", poly, theirs["lavCor"], "lavCor")
    line(f"polychoric, n = {n}", poly, theirs.get("polychoric"), "psych::polychoric")
    line(f"EFA minres + oblimin, n = {n}", seconds(lambda: sl.efa(data, 5)), theirs["fa"],
         "psych::fa")  # fmt: skip
    line(f"parallel, {DRAWS} normal + shuffled, n = {n}", seconds(parallel(both)),
         theirs["parallel"], "fa.parallel")  # fmt: skip
    normal = [options for options in both if options["draws"] == "normal"]
    line(f"parallel, {DRAWS} normal, n = {n}", seconds(parallel(normal)), theirs["parallel"],
         "fa.parallel")  # fmt: skip


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for size in (300, 3_000, 100_000):
        compare(size)
