"""A file is there whole or as it was; what dead writers left is removed."""

import os
import signal

import pytest

from servlab.core.errors import StudyError
from servlab.studies import publish
from servlab.studies.kernel import Terminated, stoppable
from servlab.studies.publish import remove_leftovers, write_whole


def temporaries(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(publish.PREFIX)]


def test_a_file_is_replaced_whole(tmp_path):
    path = publish.publish("neu 报告", tmp_path, "调查", "zh")
    assert path == tmp_path / "调查.zh.html"
    assert publish.publish("newer", tmp_path, "调查", "zh").read_text() == "newer"
    assert temporaries(tmp_path) == []


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_an_error_in_the_middle_leaves_the_old_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "r.html"
    path.write_text("old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish.os, broken, fail)
    with pytest.raises(StudyError, match=r"r\.html cannot be written: No space left on device\."):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert temporaries(tmp_path) == []


def test_leftovers_of_dead_writers_go_and_those_of_living_ones_stay(tmp_path, monkeypatch):
    host = publish._host()
    monkeypatch.setattr(publish, "is_alive", lambda pid: pid == 2)
    dead, alive, other, old = (
        tmp_path / f"{publish.PREFIX}{mark}{publish.SUFFIX}"
        for mark in (f"{host}-1-aa", f"{host}-2-aa", "elsewhere-1-aa", "elsewhere-2-bb")
    )
    for path in (dead, alive, other, old):
        path.write_text("half")
    os.utime(old, (0, 0))
    (tmp_path / "report.en.html").write_text("whole")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [alive.name, other.name, "report.en.html"]
    )


def test_a_signal_waits_until_files_that_belong_together_are_in_their_places(tmp_path, monkeypatch):
    replace = os.replace

    def interrupted(temporary, path):
        replace(temporary, path)
        if path.name == "a":
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(publish.os, "replace", interrupted)
    with pytest.raises(Terminated), stoppable():
        publish.write_together({tmp_path / "a": "1", tmp_path / "b": "2"})
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
