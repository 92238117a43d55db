"""Files that a notebook reads though no parameter names them decide its report as well."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
from servlab.studies.reads import LOG, FileRead, reads_of, unnamed
from servlab.studies.runner import run_study
from tests.studies.toys import IMPORTS, write_notebook

PLAN = """\
[[study]]
notebook = "toy.ipynb"
[study.parameters]
data = "named.csv"
"""


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def watched(folder, source):
    """Return what a process notes of the files that it opens."""
    own = folder / "own"
    own.mkdir()
    code = (
        "import sys; from pathlib import Path; from servlab.studies.reads import watch_reads\n"
        f"watch_reads(Path({str(own / LOG)!r}))\n{source}"
    )
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    return reads_of(own)


def test_what_is_read_is_noted_with_its_bytes_and_what_is_written_is_not(tmp_path):
    data, names = tmp_path / "preise 价.csv", tmp_path / "helpers.py"
    data.write_text("a,b\n1,2\n", encoding="utf-8")
    names.write_text("X = 1\n", encoding="utf-8")
    (tmp_path / "history.csv").write_text("1\n", encoding="utf-8")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "seen.txt").write_text("x", encoding="utf-8")
    source = """
import json, os, pandas as pd
for _ in range(3):
    pd.read_csv('preise 价.csv')
pd.read_csv(Path('preise 价.csv').resolve())
Path('made.txt').write_text('x'); Path('made.txt').read_text()
Path('history.csv').read_text(); open('history.csv', 'a').write('2')
Path('.cache/seen.txt').read_text()
try:
    open('not there.csv')
except FileNotFoundError:
    pass
sys.path.insert(0, ''); import helpers
os.close(os.open(os.devnull, os.O_RDONLY))
with open(0, closefd=False):
    pass
"""
    expected = [FileRead(names, (digest(names),)), FileRead(data, (digest(data),))]
    assert sorted(watched(tmp_path, source), key=str) == sorted(expected, key=str)


def test_each_content_that_a_file_had_is_noted(tmp_path):
    (tmp_path / "a.txt").write_text("1", encoding="utf-8")
    source = """
import subprocess
change = [sys.executable, '-c', "open('a.txt', 'w').write('2')"]
open('a.txt').read(); subprocess.run(change, check=True); open('a.txt').read()
"""
    (read,) = watched(tmp_path, source)
    assert read.sha256 == tuple(hashlib.sha256(text).hexdigest() for text in (b"1", b"2"))


def test_named_files_and_what_lies_in_named_folders_are_no_unnamed_reads(tmp_path):
    reads = [FileRead(tmp_path / name, ("0",)) for name in ("a.csv", "in/b.csv", "c.csv")]
    assert unnamed(reads, [tmp_path / "a.csv", tmp_path / "in"]) == (reads[2],)


def test_a_damaged_note_is_passed_over(tmp_path):
    (tmp_path / LOG).write_text('["r", "/a", "0f"]\n["r", "/b"]\n["r", "/c', encoding="utf-8")
    assert reads_of(tmp_path) == (FileRead(Path("/a"), ("0f",)),)
    assert reads_of(tmp_path / "nowhere") == ()


@pytest.mark.study
def test_a_plan_sees_that_a_file_written_into_a_cell_changed(tmp_path):
    """The whole way: a forked kernel, the report's list of files, status, and another run."""
    prices = tmp_path / "prices.csv"
    prices.write_text("price\n10\n", encoding="utf-8")
    (tmp_path / "named.csv").write_text("a\n1\n", encoding="utf-8")
    parameters = ("parameters", "data: Path | None = None")
    cell = "import pandas as pd\npd.read_csv(data)\nprint(pd.read_csv('prices.csv'))"
    write_notebook(tmp_path / "toy.ipynb", IMPORTS, parameters, cell)
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")

    def ran():
        return [outcome.study for outcome in run_plan(path).outcomes]

    assert ran() == ["toy.en"]
    report = (tmp_path / "reports" / "toy.en.html").read_text(encoding="utf-8")
    assert digest(prices) in report
    (record,) = (tmp_path / "reports" / "runs").rglob("published.json")
    assert json.loads(record.read_text(encoding="utf-8"))["reads"] == {"prices.csv": digest(prices)}
    assert ran() == []
    prices.write_text("price\n11\n", encoding="utf-8")
    (state,) = plan_status(read_plan(path))
    assert (state.state, state.reasons) == (
        "stale", ("prices.csv, which the notebook reads, changed",)
    )  # fmt: skip
    prices.unlink()
    (state,) = plan_status(read_plan(path))
    assert state.reasons == ("prices.csv, which the notebook reads, is gone",)


@pytest.mark.study
@pytest.mark.usefixtures("stub_report")
def test_a_file_of_the_notebook_that_changes_under_the_study_fails_it(tmp_path):
    (tmp_path / "prices.csv").write_text("10", encoding="utf-8")
    cell = """\
import subprocess, sys
open('prices.csv').read()
change = "open('prices.csv', 'w').write('11')"
subprocess.run([sys.executable, '-c', change], check=True)
"""
    path = write_notebook(tmp_path / "toy.ipynb", ("parameters", "x: int = 1"), cell)
    run = run_study(path, out=tmp_path / "reports")
    assert [failure.error for failure in run.failures] == [
        "prices.csv, which the notebook reads, was changed while the study ran, so its numbers "
        "may be of both versions; run the study again."
    ]
    assert not (tmp_path / "reports" / "toy.en.html").exists()
