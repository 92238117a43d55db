"""What the commands say reaches people as text, and its absence stops nothing."""

import io
import subprocess
import sys

from servlab.studies.speaking import plain

SAYS = "from servlab.studies.speaking import answer\nfor n in range(3): answer('城北 ' * 50_000)\n"


def test_control_characters_and_marks_of_direction_are_written_out():
    assert plain("a\tb\n城 \x1b[2J\x7f\x9b\u202e\0") == (
        "a\tb\n城 \\u001b[2J\\u007f\\u009b\\u202e\\u0000"
    )


def test_a_reader_that_left_stops_nothing():
    code = SAYS + "open(sys.argv[1], 'w').write('went on')"
    with subprocess.Popen(
        [sys.executable, "-c", f"import sys\n{code}", "/dev/stderr"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.close()
        assert process.stderr.read() == b"went on"
    assert process.returncode == 0


def test_a_terminal_without_chinese_gets_escapes(monkeypatch):
    from servlab.studies.speaking import answer

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    answer("城北 1")
    assert stream.buffer.getvalue() == b"\\u57ce\\u5317 1\n"
