"""A study's cost beside plain papermill's: processor seconds of the flagship, four ways.

``python -m benchmarks.plans``: the cells in this process (what cannot be avoided), papermill's
API and command line as a user would call them, servlab's ``run_study`` in a cold kernel, and in
a kernel forked from a warm process, as ``servlab plan run`` does. Then the time to decide 200
unchanged studies.
"""

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import psutil

import servlab
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
from servlab.studies.runner import run_study
from servlab.studies.warm.kernels import warm_kernels

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "quality_study.ipynb"
EXAMPLE = Path(servlab.__file__).parent / "data" / "example_files" / "servqual_simulated.csv"
PARAMETERS = """\
data: Path | None = None
codebook: Path | None = None
seed: int = 1
language: Literal["en", "zh"] = "en"
"""
PLAN = """
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
REPEATS = 3
SHOW = "display = lambda *shown, **_: [getattr(one, '_repr_html_', str)() for one in shown]"


def processor_seconds() -> float:
    """Return what this process and all it started have used, the living ones included."""
    me = psutil.Process()
    parts = [me.cpu_times(), *(child.cpu_times() for child in me.children())]
    return sum(t.user + t.system + t.children_user + t.children_system for t in parts)


def cost(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return processor seconds a call, the first one not counted."""
    call()
    before = processor_seconds()
    for _ in range(repeats):
        call()
    return (processor_seconds() - before) / repeats


def in_process() -> None:
    """Run the cells here, drawing what they show."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"]).replace("from IPython.display import display", SHOW)
            exec(compile(source, cell["id"], "exec"), names)


def by_api(out: Path) -> None:
    import papermill

    target = out / "api.ipynb"
    papermill.execute_notebook(NOTEBOOK, target, progress_bar=False, kernel_name="python3")


def by_command(out: Path) -> None:
    papermill = Path(sys.executable).with_name("papermill")
    call = [papermill, NOTEBOOK, out / "cli.ipynb", "-k", "python3", "--no-progress-bar"]
    subprocess.run(call, check=True, capture_output=True)


def main() -> None:
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        bare = cost(in_process)
        found = {
            "papermill's API": cost(lambda: by_api(out)),
            "papermill's command": cost(lambda: by_command(out)),
            "servlab run, cold kernel": cost(lambda: run_study(NOTEBOOK, out=out)),
        }
        with warm_kernels():
            warm = cost(lambda: run_study(NOTEBOOK, out=out))
            found["servlab plan run, forked kernel"] = warm
        print(f"{'the cells in one process':34s} {bare:6.2f} s")
        api = found["papermill's API"] - bare
        for name, seconds in found.items():
            over = seconds - bare
            print(
                f"{name:34s} {seconds:6.2f} s   over {over:5.2f} s   {over / api:5.0%} of the API's"
            )
        decide(out)


def decide(out: Path) -> None:
    """Print how long 200 studies that are all current take to decide."""
    import nbformat

    cells = ["from pathlib import Path\nfrom typing import Literal", PARAMETERS, "print(seed)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.cells[1].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, out / "small.ipynb")
    path = out / "plan.toml"
    seeds = json.dumps([str(seed) for seed in range(200)])
    path.write_text(PLAN.format(data=EXAMPLE, codebook=EXAMPLE.with_suffix(".toml"), seeds=seeds))
    run_plan(path)
    start, before = time.perf_counter(), processor_seconds()
    states = plan_status(read_plan(path))
    wall, used = time.perf_counter() - start, processor_seconds() - before
    current = sum(state.state == "current" for state in states)
    print(f"{current} of {len(states)} studies found current: {wall:.2f} s, {used:.2f} processor s")


if __name__ == "__main__":
    main()
