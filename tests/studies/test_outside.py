"""Parameters checked where servlab does not run the notebook: papermill, jupyter-scheduler."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from servlab.core.errors import ParameterError
from servlab.studies.outside import check_parameters, checked_values

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DECLARED = """\
data: Path | None = None  # survey
codebook: Path | None = None
language: Literal["en", "zh"] = "en"
wave: str = ""
where: list[str] = []
weights: Literal["survey", "none"] = "survey"
"""
IMPORTS = "from datetime import date\nfrom pathlib import Path\nfrom typing import Literal"
LOAD = "# The survey\nsl.check_parameters()\nsurvey = 1"


def run(*cells, attended=False, **own):
    """Run cells as a kernel would, then the check as the cell that reads the survey."""
    namespace = {}
    for cell in (IMPORTS, *cells):
        if "check_parameters" not in cell and not cell.startswith("%"):
            exec(cell, namespace)
    return checked_values([IMPORTS, *cells, LOAD], namespace | own, attended=attended)


def refused(*cells, **options):
    with pytest.raises(ParameterError) as caught:
        run(*cells, **options)
    return str(caught.value)


@pytest.mark.parametrize("attended", [False, True])
@pytest.mark.parametrize("mark", ["# Parameters\n", "# Injected Parameters\n"])
def test_a_name_that_is_no_parameter_is_refused(mark, attended):
    told = refused(DECLARED, f"{mark}dat = 'mine.csv'", attended=attended)
    assert told.startswith("this notebook has no parameter 'dat'. Did you mean data? It has: data,")


def test_jupyter_scheduler_marks_nothing_and_is_known_by_its_place():
    told = refused(DECLARED, "langauge = 'zh'\nwhere = ['branch=West']")
    assert "no parameter 'langauge'. Did you mean language?" in told
    assert "A variable of your own goes into a cell below" in told


@pytest.mark.parametrize(
    ("cells", "attended"),
    [
        ((DECLARED, "my_cut = 3"), True),  # somebody at the window: theirs
        ((DECLARED, "my_cut: int = 3"), False),  # nobody inserts types
        ((DECLARED, "import os", "my_cut = 3"), False),  # not right behind the parameters
        ((DECLARED, "my_cut = len(where)"), False),  # computed
        ((DECLARED, "%time 1", "my_cut = 3"), False),
        ((DECLARED, LOAD, "# Parameters\nmy_cut = 3", LOAD), True),  # a later cell of their own
        ((DECLARED, LOAD, "my_cut = 3", DECLARED, LOAD), False),  # run again
        ((DECLARED, "# Parameters\ndat = 1", LOAD, "# Parameters\nwave = 'w'"), True),  # corrected
        ((DECLARED, "# Parameters\ndat = 1", DECLARED), True),  # parameters set back
        ((DECLARED, "kept: list[str] = []", "where = kept"), True),
        (("a = 1",), False),  # no parameters cell at all
    ],
)
def test_what_somebody_defines_themselves_is_theirs(cells, attended):
    assert "dat" not in run(*cells, attended=attended)


def test_an_unknown_name_is_found_behind_a_cell_with_types_of_its_own():
    told = refused(DECLARED, "# Parameters\ndat = 'x'", "limit: float = 0.1")
    assert "'dat'" in told


def test_text_is_read_as_the_runner_reads_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "a.toml"):
        Path(name).touch()
    given = "# Parameters\ndata = 'a.csv'\ncodebook = 'a.toml'\nwhere = 'branch=West'\nwave = ''"
    found = run(DECLARED, given)
    assert found["data"] == tmp_path / "a.csv"
    assert (found["where"], found["language"], found["wave"]) == (["branch=West"], "en", "")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("data = 'none.csv'", r"parameter data: .*none\.csv does not exist; check the path\."),
        ("weights = 'Survey'", r"parameter weights must be one of 'survey', 'none'; got 'Survey'"),
        ("wave = 2026", "parameter wave must be text; got 2026"),
        ("where = [1]", "parameter where must be"),
        (f"codebook = {str(ROOT / 'README.md')!r}", "parameter codebook needs data beside it"),
        ("language = 'de'", "parameter language must be one of 'en', 'zh'"),
        ("wave = 'env:SERVLAB_NOT_SET'", "environment variable 'SERVLAB_NOT_SET'"),
    ],
)
@pytest.mark.parametrize("attended", [False, True])
def test_a_value_of_another_type_is_refused(line, words, attended):
    with pytest.raises(ParameterError, match=words):
        run(DECLARED, line, attended=attended)


def test_every_mistake_is_told_at_once():
    told = refused(DECLARED, "dat = 'x'\nwave = 1\nwher = []")
    assert [word in told for word in ("'dat'", "'wher'", "parameter wave")] == [True] * 3


def test_values_of_ones_own_making_stay_as_they_are():
    book = object()
    edited = DECLARED.replace("wave: str", "wave: dict[str, int]").replace("codebook: Path", "x: A")
    found = run("class A: __or__ = None", edited.replace("x: A | None", "x: 'A'"), attended=True)
    assert "wave" not in found  # a type that servlab does not read is not checked
    found = run(DECLARED, attended=True, data=ROOT / "README.md", codebook=book)
    assert found["codebook"] is book


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_each_notebook_checks_what_papermill_and_the_scheduler_insert(path):
    node = load_notebook_node(str(path))
    code = [cell for cell in node.cells if cell.cell_type == "code"]
    checking = [i for i, cell in enumerate(code) if "check_parameters" in cell.source]
    assert checking == [2]  # right behind imports and parameters
    assert code[2].source.splitlines()[1] == "sl.check_parameters()"
    inserted = [parameterize_notebook(node, {"dat": "x.csv", "language": "zh"})]
    scheduler = pytest.importorskip("jupyter_scheduler.parameterize")
    inserted.append(scheduler.add_parameters(node, {"dat": "'x.csv'", "language": "'zh'"}))
    for parameterized in inserted:
        cells = [c.source for c in parameterized.cells if c.cell_type == "code"][:4]
        namespace = {}
        for cell in cells[:3]:
            exec(cell, namespace)
        assert checked_values(cells[:2], namespace, attended=False)["language"] == "zh"
        with pytest.raises(ParameterError, match=r"no parameter 'dat'\. Did you mean data"):
            checked_values(cells, namespace, attended=False)


OTHERS = """\
import re, sys
import nbformat, papermill
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from jupyter_scheduler.parameterize import add_parameters

path, data, codebook = sys.argv[1:]
manager, _ = start_new_kernel(kernel_name="python3")  # one for all: a start costs seconds

def told(act):
    try:
        node = act()
    except Exception as err:
        return re.sub(r"\\x1b[^m]*m", "", str(err)).strip().splitlines()[-1]
    return node.cells[-1].outputs[0].text.strip()

def with_papermill(**given):
    return papermill.execute_notebook(path, path + ".out", given, progress_bar=False, km=manager)

def with_scheduler(**given):
    return NotebookClient(add_parameters(nbformat.read(path, 4), given), km=manager).execute()

print(told(lambda: with_papermill(dat="mine.csv")))
print(told(lambda: with_papermill(data=data, codebook=codebook, where="branch=West")))
print(told(lambda: with_scheduler(dat="'mine.csv'")))
print(told(lambda: with_scheduler(language="'zh'")))
manager.shutdown_kernel(now=True)
"""


def test_plain_papermill_and_jupyter_scheduler_fail_on_a_wrong_name(tmp_path):
    pytest.importorskip("jupyter_scheduler.parameterize")
    content = json.loads((ROOT / "notebooks" / "quality_study.ipynb").read_text("utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"][:3]
    code[2]["source"] = [
        "# Load\n",
        "sl.check_parameters()\n",
        "print(repr(data), where, language)",
    ]
    path = tmp_path / "study.ipynb"
    path.write_text(json.dumps(content | {"cells": code}), "utf-8")
    data, codebook = (ROOT / "data" / f"servqual_simulated.{end}" for end in ("csv", "toml"))
    command = [sys.executable, "-c", OTHERS, *map(str, (path, data, codebook))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    refusal = "ParameterError: this notebook has no parameter 'dat'. Did you mean data? It has: "
    told = done.stdout.splitlines()
    assert [told[0].startswith(refusal), told[2].startswith(refusal)] == [True, True]
    assert told[1] == f"{data!r} ['branch=West'] en"
    assert told[3] == "None [] zh"


@pytest.mark.parametrize(("sent", "refuses"), [({"cellId": "a1"}, False), ({}, True)])
def test_a_window_is_told_apart_by_the_cell_that_its_request_names(sent, refuses, monkeypatch):
    # as JupyterLab 4.6 and nbclient 0.11 send them
    history = [IMPORTS, DECLARED, "my_cut = 3", LOAD]
    namespace = {}
    for cell in history[:-1]:
        exec(cell, namespace)
    namespace["where"] = "branch=West"
    shell = SimpleNamespace(
        history_manager=SimpleNamespace(input_hist_raw=history),
        user_ns=namespace,
        kernel=SimpleNamespace(get_parent={"shell": {"metadata": sent}}.get),
    )
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    monkeypatch.delenv("SERVLAB_RUN", raising=False)
    if refuses:
        with pytest.raises(ParameterError, match="no parameter 'my_cut'"):
            check_parameters()
        monkeypatch.setenv("SERVLAB_RUN", "1")
    check_parameters()
    assert namespace["where"] == ("branch=West" if refuses else ["branch=West"])
