"""A study's cost beside plain papermill's: processor seconds of the flagship, five ways.

``python -m benchmarks.plans``: one study and sixteen (seeds 1 to 16), each way in a process of its
own from the interpreter's start to its end, whatever it starts counted to the last child. The
cells in one process cannot be avoided; the rest is overhead: papermill's API in one loop, its
command a study, ``servlab run`` a study, and ``servlab plan run`` over all. Then the time in
which ``servlab plan status`` finds 200 studies unchanged.

All have one BLAS thread, compiled bytecode and charts without the font that a notebook in
JupyterLab carries, so that cells cost the same everywhere. papermill leaves a notebook; servlab
also the report, results and exports' evidence, and hashes what it read.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import servlab
from servlab.studies.ending import adopt_orphans
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.status import plan_status

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "quality_study.ipynb"
EXAMPLE = Path(servlab.__file__).parent / "data" / "example_files" / "servqual_simulated.csv"
BIN = Path(sys.executable).parent
MANY = 16

IN_PROCESS = """
import json, sys, warnings
warnings.simplefilter("ignore")
show = "display = lambda *shown, **_: [one._repr_mimebundle_() for one in shown]"
cells = [c for c in json.load(open(sys.argv[1]))["cells"] if c["cell_type"] == "code"]
for seed in range(1, int(sys.argv[2]) + 1):
    names = {}
    for cell in cells:
        source = "".join(cell["source"]).replace("from IPython.display import display", show)
        exec(compile(source, cell["id"], "exec"), names)
        if cell["id"] == "parameters":
            names["seed"] = seed
"""
BY_API = """
import sys
import papermill
for seed in range(1, int(sys.argv[2]) + 1):
    papermill.execute_notebook(
        sys.argv[1], f"{sys.argv[3]}/api-{seed}.ipynb", {"seed": seed},
        progress_bar=False, kernel_name="python3",
    )
"""
FLAGSHIP = """
name = "flagship"
out = "plan-{count}"
workers = 1
[[study]]
notebook = "{notebook}"
name = "seed-{{seed}}"
[study.parameters]
seed = "{{seed}}"
[study.matrix]
seed = {seeds}
"""
PARAMETERS = """\
data: Path | None = None
codebook: Path | None = None
seed: int = 1
language: Literal["en", "zh"] = "en"
"""
UNCHANGED = """
name = "many"
out = "many"
[[study]]
notebook = "small.ipynb"
name = "{{seed}}"
[study.parameters]
data = "{data}"
codebook = "{codebook}"
seed = "{{seed}}"
[study.matrix]
seed = {seeds}
"""


def environment() -> dict[str, str]:
    """Return the environment that every way gets."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"OPENBLAS_NUM_THREADS": "1", "SERVLAB_RUN": "1"}


def processor_seconds(command: list[object]) -> float:
    """Return what a command and all it started used; it must end well."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [str(word) for word in command]
    ended = subprocess.run(words, env=environment(), capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{words} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    with suppress(ChildProcessError):  # what outlived its parent is ours now
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def in_process(_: Path, count: int) -> float:
    return processor_seconds([sys.executable, "-c", IN_PROCESS, NOTEBOOK, count])


def by_api(out: Path, count: int) -> float:
    return processor_seconds([sys.executable, "-c", BY_API, NOTEBOOK, count, out])


def by_command(out: Path, count: int) -> float:
    """Return what papermill's command costs; every study is a process of its own."""
    call = [BIN / "papermill", NOTEBOOK, out / "command.ipynb", "-k", "python3"]
    return count * processor_seconds([*call, "--no-progress-bar", "-p", "seed", 1])


def by_run(out: Path, count: int) -> float:
    """Return what ``servlab run`` costs; every study is a process of its own."""
    return count * processor_seconds([BIN / "servlab", "run", NOTEBOOK, "--out", out / "run"])


def by_plan(out: Path, count: int) -> float:
    path = out / f"flagship-{count}.toml"
    seeds = json.dumps([str(seed) for seed in range(1, count + 1)])
    path.write_text(FLAGSHIP.format(count=count, notebook=NOTEBOOK, seeds=seeds))
    return processor_seconds([BIN / "servlab", "plan", "run", path])


WAYS: dict[str, Callable[[Path, int], float]] = {
    "the cells in one process": in_process,
    "papermill's API": by_api,
    "papermill's command": by_command,
    "servlab run": by_run,
    "servlab plan run": by_plan,
}


def main() -> None:
    adopt_orphans()  # what outlives its parent is this process's child then, and is counted
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        # compiles what is not yet, so that no way pays for it
        processor_seconds([sys.executable, "-m", "compileall", "-q", Path(servlab.__file__).parent])
        print("processor seconds a study, everything counted")
        for count in (1, MANY):
            compare(out, count)
        check_same_outputs(out)
        decide(out)


def compare(out: Path, count: int) -> None:
    """Print what a study costs each way, as one of so many."""
    used = {name: way(out, count) / count for name, way in WAYS.items()}
    bare = used["the cells in one process"]
    api = used["papermill's API"] - bare
    for name, seconds in used.items():
        over = seconds - bare
        share = f"over {over:5.2f} s   {over / api:5.0%} of the API's"
        print(f"{count} of {name:26s} {seconds:6.2f} s   {share}", flush=True)


def check_same_outputs(out: Path) -> None:
    """Stop where papermill's notebook and the plan's do not show the same."""
    (ours,) = out.glob("plan-1/runs/*/*/executed.ipynb")
    shown = [_shown(path) for path in (out / "api-1.ipynb", ours)]
    if shown[0] != shown[1] or len(shown[0]) < 50:
        raise RuntimeError("papermill and servlab did not run the same study.")
    print(f"both notebooks show the same {len(shown[0])} outputs")


def _shown(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [
        "".join(output["data"]["text/plain"])
        for output in outputs
        if "text/plain" in output.get("data", {})
    ]


def decide(out: Path) -> None:
    """Print how long ``servlab plan status`` takes for 200 studies that are all current."""
    import nbformat

    cells = ["from pathlib import Path\nfrom typing import Literal", PARAMETERS, "print(seed)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, out / "small.ipynb")
    path = out / "plan.toml"
    seeds = json.dumps([str(seed) for seed in range(200)])
    book = EXAMPLE.with_suffix(".toml")
    path.write_text(UNCHANGED.format(data=EXAMPLE, codebook=book, seeds=seeds))
    processor_seconds([BIN / "servlab", "plan", "run", path])
    start = time.perf_counter()
    used = processor_seconds([BIN / "servlab", "plan", "status", path])
    wall = time.perf_counter() - start
    current = sum(state.state == "current" for state in plan_status(read_plan(path)))
    print(f"{current} of 200 studies found current: {wall:.2f} s, {used:.2f} processor s")


if __name__ == "__main__":
    main()
