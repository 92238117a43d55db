"""A study leaves its evidence, publishes only what is complete, and gives the same bytes twice."""

import asyncio
import hashlib
import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from servlab.core.errors import CodebookError, ParameterError
from servlab.studies import preflight, runner
from servlab.studies.kernel import Terminated
from servlab.studies.runner import run_study
from tests.one_survey import codebook_text

pytestmark = [pytest.mark.study, pytest.mark.usefixtures("stub_report")]

RECORD = "from servlab.studies.results import record\n"


def manifest(run):
    return json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))


def test_a_complete_run_leaves_report_notebook_results_and_manifest(toy, tmp_path):
    (tmp_path / "data.csv").write_text("a\n1\n")
    path = toy(
        RECORD + "import warnings\nwarnings.warn('small groups')\nrecord('wave', wave)",
        parameters='wave: str = "1"\nfile: Path | None = None\n'
        'language: Literal["en", "zh"] = "en"',
    )
    out = tmp_path / "my reports"
    given = {"wave": "007", "file": tmp_path / "data.csv"}
    run = run_study(path, given, out=out, name="网点", language="zh")
    assert (run.status, run.failures) == ("complete", ())
    assert run.report == out / "网点.zh.html"
    assert run.folder.parent == out / "runs" / "网点.zh"
    assert sorted(p.name for p in run.folder.iterdir()) == [
        "executed.ipynb", "manifest.json", "report.html", "results.json", "results.parquet",
    ]  # fmt: skip
    assert run.report.read_bytes() == (run.folder / "report.html").read_bytes()
    assert run.results["wave"].value == "007"
    assert [(n.category, n.message) for n in run.notices] == [("UserWarning", "small groups")]
    facts = manifest(run)
    assert facts["status"] == "complete"
    assert facts["parameters"] == {"wave": "007", "file": "data.csv", "language": "zh"}
    assert facts["inputs"] == [
        {"name": "file", "file": "data.csv", "sha256": hashlib.sha256(b"a\n1\n").hexdigest()}
    ]
    assert {"key", "seconds", "started", "versions", "notebook", "cells"} <= facts.keys()
    nbformat.validate(nbformat.read(run.folder / "executed.ipynb", as_version=4))


def test_two_runs_give_the_same_bytes_wherever_they_are_written(toy, tmp_path):
    path = toy(
        "print({'b', 'a', 'c'}, object())\nobject()",
        "import random, uuid\nprint(hash('x'))",
    )
    first = run_study(path, {"wave": "2"}, out=tmp_path / "one", name="x")
    second = run_study(path, {"wave": "2"}, out=tmp_path / "two", name="x")
    assert first.report.read_bytes() == second.report.read_bytes()
    assert str(tmp_path) not in first.report.read_text()
    names = ("executed.ipynb", "results.json", "results.parquet")
    for name in names[1:]:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert first.folder.name.split("-")[1] == second.folder.name.split("-")[1]


def test_a_failed_run_leaves_the_published_report_and_says_where(toy, tmp_path):
    published = tmp_path / "toy.en.html"
    published.write_text("last good report")
    run = run_study(toy("# Drivers\na = 1\nb = 1 / 0", "print(b)", "print('free')"), out=tmp_path)
    assert run.status == "failed"
    assert published.read_text() == "last good report"
    assert run.report == run.folder / "report.html"
    assert "'status': 'failed'" in run.report.read_text()
    (failure,) = run.failures
    assert (failure.cell, failure.section) == (3, "Drivers")
    assert failure.detail.splitlines() == [
        "Cell 3, section 'Drivers', line 3:",
        "    b = 1 / 0",
        "ZeroDivisionError: division by zero",
        "Left out, because they need what this cell makes: cells 4.",
    ]
    assert manifest(run)["failures"][0]["error"] == "ZeroDivisionError: division by zero"


def test_a_secret_is_in_no_file(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEY_TOKEN", "s3cr<t'42")
    monkeypatch.setenv("OTHER_TOKEN", "0ther-word")
    path = toy(
        "from servlab.studies.secrets import secret\nword = secret(token)\nprint(word, [word])",
        "from IPython.display import HTML\nimport html\nHTML(html.escape(word))",
        "raise ValueError(f'{word} and {secret(\"OTHER_TOKEN\")} refused')",
        parameters='token: str = ""',
    )
    run = run_study(path, {"token": "env:SURVEY_TOKEN"}, out=tmp_path / "out")
    assert run.failures[0].error == "ValueError: █████ and █████ refused"
    files = [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert len(files) == 6
    for file in files:
        content = file.read_bytes()
        assert b"s3cr" not in content
        assert b"0ther-word" not in content
    assert manifest(run)["parameters"] == {"token": "env:SURVEY_TOKEN"}
    assert manifest(run)["secrets"] == ["OTHER_TOKEN", "SURVEY_TOKEN"]


def test_a_file_changed_while_the_study_ran_fails_it(toy, tmp_path):
    data = tmp_path / "data.csv"
    data.write_text("a")
    path = toy("open(file, 'w').write('b')", parameters="file: Path | None = None")
    run = run_study(path, {"file": data}, out=tmp_path / "out")
    assert run.status == "failed"
    assert "data.csv (parameter file) was changed while the study ran" in run.failures[0].error
    data.unlink()
    path = toy("file.parent.joinpath('c.csv').unlink()", parameters="file: Path | None = None")
    (tmp_path / "c.csv").write_text("a")
    run = run_study(path, {"file": tmp_path / "c.csv"}, out=tmp_path / "out")
    assert "went away while it ran" in run.failures[0].error


def test_a_result_recorded_twice_fails_the_study(toy, tmp_path):
    run = run_study(toy(RECORD + "record('x', 1)", "record('x', 2)"), out=tmp_path)
    assert "'x' is recorded in cell 3 and again in cell 4" in run.failures[0].error


def test_a_report_that_cannot_be_made_fails_the_study_and_keeps_the_evidence(
    toy, tmp_path, stub_report, monkeypatch
):
    def fail(*args, **kwargs):
        raise ValueError("template broken")

    monkeypatch.setattr(stub_report, "build_report", fail)
    run = run_study(toy("x = 1"), out=tmp_path)
    assert (run.status, run.report) == ("failed", None)
    assert run.failures[0].error == (
        "the report could not be put together: ValueError: template broken"
    )
    assert (run.folder / "executed.ipynb").exists()
    assert not (tmp_path / "toy.en.html").exists()


def test_sigterm_stops_the_run_and_its_kernel(toy, tmp_path):
    pid_file = tmp_path / "pid"
    path = toy(f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))",
               "time.sleep(600)")  # fmt: skip

    def stop(progress):
        if (progress.number, progress.status) == (4, "running"):
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated):
        run_study(path, out=tmp_path / "out", progress=stop)
    assert signal.getsignal(signal.SIGTERM) is before
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
    (folder,) = (p for p in (tmp_path / "out" / "runs" / "toy.en").iterdir() if p.is_dir())
    assert json.loads((folder / "manifest.json").read_text())["status"] == "interrupted"
    assert not list((tmp_path / "out").glob("*.html"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "de"}, "language must be one of en, zh; got 'de'"),
        ({"language": "zh", "parameters": {"language": "en"}}, "language is given twice"),
        ({"name": "a/b"}, "name must be a plain file name"),
        ({"name": ".hidden"}, "name must be a plain file name"),
        ({"name": ""}, "name must be a plain file name"),
        ({"timeout": 0}, "timeout must be a number of seconds above 0 .*; got 0"),
        ({"timeout": float("inf")}, "timeout must be .*; got inf"),
        ({"timeout": float("nan")}, "timeout must be .*; got nan"),
        ({"parameters": {"wav": 1}}, "no parameter 'wav'"),
    ],
)
def test_a_wrong_call_is_refused_before_a_kernel_starts(
    toy, tmp_path, monkeypatch, options, message
):
    monkeypatch.setattr(runner, "_run", None)
    with pytest.raises(ParameterError, match=message):
        run_study(toy("x = 1"), out=tmp_path / "out", **options)
    assert not (tmp_path / "out" / "runs").exists()


def test_a_language_needs_the_notebooks_parameter(toy, tmp_path):
    path = toy("x = 1", parameters="x: int = 1")
    with pytest.raises(ParameterError, match="has no parameter 'language', so it cannot"):
        run_study(path, out=tmp_path, language="zh")


@pytest.mark.skipif(os.name != "posix", reason="folders are files of another kind elsewhere")
def test_a_folder_that_cannot_be_written_is_named(toy, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match=r"reports cannot be written to .*file/reports: "):
        run_study(toy("x = 1"), out=tmp_path / "file" / "reports")


PAIR = 'data: Path | None = None\ncodebook: Path | None = None\nlanguage: str = "en"'


def test_data_and_codebook_come_together(toy, tmp_path):
    (tmp_path / "d.csv").write_text("a\n1\n")
    path = toy("x = 1", parameters=PAIR)
    with pytest.raises(ParameterError, match=r"data needs codebook beside it \(servlab codebook"):
        run_study(path, {"data": tmp_path / "d.csv"}, out=tmp_path)
    with pytest.raises(ParameterError, match=r"codebook needs data beside it\."):
        run_study(path, {"codebook": tmp_path / "d.csv"}, out=tmp_path)


def test_a_broken_codebook_is_refused_before_a_kernel_starts(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_run", None)
    (tmp_path / "d.csv").write_text("a\n1\n")
    (tmp_path / "c.toml").write_text("instrument = \n")
    given = {"data": tmp_path / "d.csv", "codebook": tmp_path / "c.toml"}
    with pytest.raises(CodebookError, match=r"c\.toml is not valid TOML"):
        run_study(toy("x = 1", parameters=PAIR), given, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_instrument_beside_the_codebook_counts_in_the_key(toy, tmp_path):
    root = Path(__file__).resolve().parents[2]
    book = (root / "data" / "servqual_simulated.toml").read_text(encoding="utf-8")
    instrument = root / "servlab" / "data" / "instruments" / "servqual-1988.toml"
    (tmp_path / "own.toml").write_text(instrument.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "c.toml").write_text(
        book.replace('"servqual-1988"', '"own.toml"'), encoding="utf-8"
    )
    given = {
        "data": root / "data" / "servqual_simulated.csv",
        "codebook": tmp_path / "c.toml",
    }
    options = {"out": tmp_path, "name": None, "language": None, "timeout": 60.0}
    path = toy("x = 1", parameters=PAIR)
    call = preflight.prepare(path, given, **options)
    assert [part.name for part in call.inputs] == ["data", "codebook", "codebook own.toml"]
    with (tmp_path / "own.toml").open("a") as file:
        file.write("\n")
    assert preflight.prepare(path, given, **options).key != call.key
    assert replace(call, name="x").key == call.key


def test_a_study_runs_from_a_notebook_whose_event_loop_is_running(toy, tmp_path):
    path = toy("x = 1")

    async def cell():
        return run_study(path, out=tmp_path)

    assert asyncio.run(cell()).status == "complete"


def test_studies_in_two_threads_do_not_mix(toy, tmp_path):
    path = toy(RECORD + "record('wave', wave)")

    def study(wave):
        return run_study(path, {"wave": wave}, out=tmp_path, name=f"wave {wave}")

    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(study, ("1", "2")))
    assert [run.results["wave"].value for run in runs] == ["1", "2"]
    assert [run.report.name for run in runs] == ["wave 1.en.html", "wave 2.en.html"]


def test_the_catalog_of_a_sas_data_set_counts_in_the_key(toy, tmp_path):
    for part in (Path(__file__).resolve().parents[1] / "fixtures").glob("one_survey.sas*"):
        (tmp_path / part.name).write_bytes(part.read_bytes())
    (tmp_path / "c.toml").write_text(codebook_text(), encoding="utf-8")
    given = {"data": tmp_path / "one_survey.sas7bdat", "codebook": tmp_path / "c.toml"}
    options = {"out": tmp_path, "name": None, "language": None, "timeout": 60.0}
    path = toy("x = 1", parameters=PAIR)
    call = preflight.prepare(path, given, **options)
    assert [part.name for part in call.inputs] == [
        "data", "codebook", "catalog one_survey.sas7bcat",
    ]  # fmt: skip
    (tmp_path / "one_survey.sas7bcat").unlink()
    assert preflight.prepare(path, given, **options).key != call.key


def test_waves_count_file_by_file_so_that_reports_may_lie_beside_them(toy, tmp_path):
    book = (
        'reversed = []\n[instrument]\nname = "w"\ntitle = "w"\nscale = { low = 1, high = 5 }\n'
        'items = ["a", "b"]\n[instrument.batteries.perception]\n'
        '[batteries.perception]\ncolumns = "{item}"\n'
    )
    waves = [f'{{ name = "{n}", data = "{n}.csv", codebook = "base.toml" }}' for n in (1, 2)]
    (tmp_path / "base.toml").write_text(book, encoding="utf-8")
    (tmp_path / "waves.toml").write_text(f"waves = [{', '.join(waves)}]\n", encoding="utf-8")
    for n in (1, 2):
        (tmp_path / f"{n}.csv").write_text("a,b\n1,2\n3,3\n5,4\n", encoding="utf-8")
    given = {"data": tmp_path, "codebook": tmp_path / "waves.toml"}
    run = run_study(toy("x = 1", parameters=PAIR), given, out=tmp_path / "reports")
    assert run.status == "complete", run.failures
    files = [part["name"] for part in manifest(run)["inputs"]]
    assert files == ["codebook", "codebook base.toml", "data 1", "data 2"]
    path = toy("(data / '2.csv').write_text('a,b')", parameters=PAIR)
    run = run_study(path, given, out=tmp_path / "reports")
    assert "2.csv (parameter data 2) was changed" in run.failures[0].error
