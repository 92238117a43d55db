"""servlab beside R's psych and lavaan and Python's factor_analyzer, on 22 seven-point items.

``.venv/bin/python -m benchmarks.scale_validation`` needs Rscript with psych and lavaan, and a
fast BLAS for R (Debian: libopenblas0-pthread). Each task of each program runs in a process of
its own, on one BLAS thread. Results are compared before anything is printed. Times are the best
of several processor times, so that a busy machine does not favour anybody; memory is the peak of
the process, interpreter and libraries included. A session is all tasks one after the other.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
DRAWS = 20
SIZES = (300, 3_000, 100_000)
ENV = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
DIFFERENT_CPU = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # this workplace sets them, for old BLAS

# our task, the peer's task, the sizes, the ratio wanted by size
PAIRS = [
    ("polychoric", "lavCor", {300: None, 3_000: 15, 100_000: 40}),
    ("polychoric", "polychoric", {300: None, 3_000: 150}),
    ("efa", "efa", {300: 1, 3_000: 1, 100_000: 3}),
    ("efa", "factor_analyzer", {300: None, 3_000: None, 100_000: None}),
    ("parallel", "parallel", {300: 4, 3_000: 4, 100_000: 4}),
    ("parallel_normal", "parallel", {300: None, 3_000: None, 100_000: 50}),
    ("parallel_normal", "parallel_normal", {300: None, 3_000: None, 100_000: None}),
]
NAMES = {
    "lavCor": "lavaan::lavCor",
    "polychoric": "psych::polychoric",
    "efa": "psych::fa",
    "factor_analyzer": "factor_analyzer",
    "parallel": "psych::fa.parallel, normal and resampled",
    "parallel_normal": "psych::fa.parallel(cor(x), n.obs)",
}
TASKS = {
    "polychoric": "polychoric correlations",
    "efa": "EFA, minres and oblimin, 5 factors",
    "parallel": f"parallel analysis, {DRAWS} normal and permutation draws",
    "parallel_normal": f"parallel analysis, {DRAWS} normal draws",
}


def items(n: int) -> pd.DataFrame:
    """Return n answers to 22 seven-point items of five correlated factors."""
    import servlab as sl

    instrument = sl.load_instrument("servqual-1991")
    return sl.simulate_survey(instrument, n=n, seed=1).items("perception")


def our_call(task: str, data: pd.DataFrame) -> Callable[[], object]:
    """Return what servlab does for a task, through its public names."""
    import servlab as sl

    def parallel(*draws: str) -> list[float]:
        both = [
            sl.parallel_analysis(data, seed=1, n_draws=DRAWS, factors=factors, draws=draw)
            for factors in ("common", "components")
            for draw in draws
        ]
        return both[0].eigenvalues.tolist()

    def efa() -> dict[str, object]:
        fit = sl.efa(data, 5)
        return {"chi2": fit.chi2, "loadings": fit.loadings.to_numpy().tolist()}

    return {
        "polychoric": lambda: sl.moments(data, kind="polychoric").cor.tolist(),
        "efa": efa,
        "parallel": lambda: parallel("normal", "permutation"),
        "parallel_normal": lambda: parallel("normal"),
        "factor_analyzer": lambda: peer_efa(data),
        "session": lambda: [our_call(name, data)() for name in TASKS],
    }[task]


def peer_efa(data: pd.DataFrame) -> dict[str, object]:
    """Return factor_analyzer's answer to the same question."""
    from factor_analyzer import FactorAnalyzer

    fit = FactorAnalyzer(n_factors=5, method="minres", rotation="oblimin").fit(data)
    return {"loadings": fit.loadings_.tolist()}


def run_task(task: str, file: str) -> dict[str, object]:
    """Do a task several times in this process; return result, best time and peak memory."""
    call = our_call(task, pd.read_csv(file))
    times: list[float] = []
    while len(times) < (1 if task == "session" else 2) or (len(times) < 30 and sum(times) < 4):
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    status = Path("/proc/self/status").read_text()
    peak = float(status.split("VmHWM:")[1].split()[0]) / 1024
    return {"seconds": min(times), "peak_mb": peak, "result": 0 if task == "session" else result}


def child(command: list[str], answer: Path) -> dict[str, object]:
    """Run a task in a process of its own and read its answer."""
    env = {name: value for name, value in os.environ.items() if name not in DIFFERENT_CPU} | ENV
    subprocess.run(command, check=True, env=env, cwd=HERE.parent)
    return json.loads(answer.read_text())


def ask(program: str, task: str, file: Path, folder: Path) -> dict[str, object]:
    """Return a program's result, time and memory for a task."""
    answer = folder / "answer.json"
    if program == "R":
        script = str(HERE / "scale_validation.R")
        return child(["Rscript", script, task, str(file), str(DRAWS), str(answer)], answer)
    module = "benchmarks.scale_validation"
    return child([sys.executable, "-m", module, task, str(file), str(answer)], answer)


def check_equal(task: str, ours: object, theirs: object) -> None:
    """Fail unless both programs found the same."""
    if task == "polychoric":
        assert np.abs(np.array(ours) - np.array(theirs)).max() < 1e-4
    elif task == "efa":
        one, other = np.array(ours["loadings"]), np.array(theirs["loadings"])
        order = np.abs(one.T @ other).argmax(axis=1)
        assert sorted(order) == list(range(5))
        assert np.abs(np.abs(one) - np.abs(other[:, order])).max() < 5e-3  # peers stop early
        assert abs(ours["chi2"] - theirs.get("chi2", ours["chi2"])) < 1e-3 * ours["chi2"]
    else:
        assert np.abs(np.array(ours) - np.array(theirs)).max() < 1e-4


def compare(n: int, folder: Path) -> list[str]:
    """Return the lines of the table for n rows."""
    file = folder / f"{n}.csv"
    items(n).to_csv(file, index=False)
    ours = {task: ask("servlab", task, file, folder) for task in TASKS}
    lines = []
    for task, peer, wanted in PAIRS:
        if n not in wanted:
            continue
        program = "servlab" if peer == "factor_analyzer" else "R"
        theirs = ask(program, peer, file, folder)
        check_equal(task, ours[task]["result"], theirs["result"])
        lines.append(line(n, TASKS[task], NAMES[peer], ours[task], theirs, wanted[n]))
    both = [ask(program, "session", file, folder) for program in ("servlab", "R")]
    lines.append(line(n, "all of these in one session", "psych and lavaan", *both, None))
    return lines


def line(n: int, what: str, peer: str, ours: dict, theirs: dict, wanted: int | None) -> str:
    """Return one line of the table."""
    ratio = theirs["seconds"] / ours["seconds"]
    verdict = "" if wanted is None else f"{wanted}: {'yes' if ratio >= wanted else 'NO'}"
    lighter = "yes" if ours["peak_mb"] <= theirs["peak_mb"] else "NO"
    return (
        f"| {what} | {n:,} | {peer} | {ours['seconds']:.4f} | {theirs['seconds']:.3f} | "
        f"{ratio:.1f} | {verdict} | {ours['peak_mb']:.0f} | {theirs['peak_mb']:.0f} | {lighter} |"
    )


def main() -> None:
    """Print the table."""
    print("| task | rows | beside | servlab s | its s | ratio | wanted | MB | its MB | lighter |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for n in SIZES:
            for text in compare(n, Path(name)):
                print(text, flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if len(sys.argv) == 4:
        Path(sys.argv[3]).write_text(json.dumps(run_task(sys.argv[1], sys.argv[2])))
    else:
        main()
