"""The example studies run two at a time; one that fails is named and the others still come."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from servlab.studies import cli, examples
from servlab.studies.kernel import Terminated

GOOD = "import sys; print('[1/2] Gaps', file=sys.stderr); print('out/{name}.html')"
BAD = (
    "import sys; print('[1/2] Gaps', file=sys.stderr);"
    "print('servlab: the study failed.', file=sys.stderr); sys.exit({code})"
)


@pytest.fixture
def instead(monkeypatch):
    """Run a line of Python instead of each study; the choice depends on the study."""

    def put(choose):
        def command(study, notebook, out, timeout):
            return [sys.executable, "-c", choose(study)]

        monkeypatch.setattr(examples, "_command", command)

    return put


def good(study):
    return GOOD.format(name=f"{study.example}.{study.language}")


def test_a_study_is_asked_for_by_example_language_and_name(tmp_path):
    command = examples._command(examples.ExampleStudy("abc", "zh"), Path("q.ipynb"), tmp_path, 60.0)
    assert command[3:] == [
        "servlab", "run", "q.ipynb", "-p", "example=abc", "--language", "zh",
        "--name", "abc", "--out", str(tmp_path), "--timeout", "60.0",
    ]  # fmt: skip


def test_all_four_reports_are_listed_in_order(instead, tmp_path):
    instead(good)
    result = CliRunner().invoke(cli.app, ["study-examples", "--out", str(tmp_path)])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Reports",
        "  abc (en)       out/abc.en.html",
        "  abc (zh)       out/abc.zh.html",
        "  servqual (en)  out/servqual.en.html",
        "  servqual (zh)  out/servqual.zh.html",
    ]
    assert sorted(result.stderr.splitlines()) == sorted(
        f"{study}: {step}" for study in examples.example_studies() for step in ("started", "done")
    )


@pytest.mark.parametrize("code", [1, 2])
def test_one_that_fails_is_named_and_the_others_still_come(instead, tmp_path, code):
    broken = examples.ExampleStudy("abc", "zh")
    instead(lambda study: BAD.format(code=code) if study == broken else good(study))
    result = CliRunner().invoke(cli.app, ["study-examples", "--out", str(tmp_path)])
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 4
    assert result.stderr.endswith("\nabc (zh) failed:\nservlab: the study failed.\n")


def test_stopping_the_command_stops_every_study(instead, tmp_path):
    mark = "import os, time; open({path!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    instead(lambda study: mark.format(path=str(tmp_path / str(study))))
    started = threading.Semaphore(0)

    def stop():
        for _ in range(examples.AT_ONCE):
            started.acquire(timeout=30)
        os.kill(os.getpid(), signal.SIGTERM)

    killer = threading.Thread(target=stop)
    killer.start()
    with pytest.raises(Terminated):
        examples.run_examples(tmp_path, timeout=60, said=lambda *_: started.release())
    killer.join()
    for file in tmp_path.iterdir():
        if text := file.read_text():
            with pytest.raises(ProcessLookupError):
                os.kill(int(text), 0)
    assert len(list(tmp_path.iterdir())) <= examples.AT_ONCE
