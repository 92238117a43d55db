"""Our warnings reach a report in its language: each key has a text, each text its values."""

import ast
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import HeywoodWarning, ServlabWarning
from servlab.presentation.messages import catalogue, placeholders
from servlab.studies.inside import emit_warning
from servlab.studies.report import _worded

PACKAGE = Path(__file__).resolve().parents[2] / "servlab"


def keyed_calls():
    """Yield each warning with a key in the package: its key and the names of its values."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not getattr(node.func, "id", "").endswith(
                "Warning"
            ):
                continue
            options = {k.arg: k.value for k in node.keywords}
            if "key" in options:
                names = [k.value for k in getattr(options.get("values"), "keys", [])]
                yield options["key"].value, frozenset(names)


def test_every_keyed_warning_has_its_text_and_values_and_no_text_is_left_over():
    texts = catalogue("warnings")
    used = set()
    for key, names in keyed_calls():
        needed = placeholders(texts[key]["zh"])
        standards = {name for name in needed if name.startswith(("limit_", "source_"))}
        assert needed - standards == names, key  # a standard's value and source fill themselves
        used.add(key)
    assert used == set(texts)


def test_every_warning_of_the_estimation_layer_has_words_for_the_reader():
    for path in (PACKAGE / "estimation").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "warnings.warn":
                first = ast.unparse(node.args[0])
                assert "key=" in first or first == "entry.message", path.name


def heywood() -> HeywoodWarning:
    rng = np.random.default_rng(2)
    noise = pd.DataFrame(rng.standard_normal((400, 8))).add_prefix("x")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sl.hold_out(noise, 2, seed=1)
    return next(w.message for w in caught if isinstance(w.message, HeywoodWarning))


def test_a_heywood_warning_is_said_in_chinese_and_english():
    found = heywood()
    notice = {"key": found.key, "values": found.values}
    assert found.values["items"] in _worded(notice, "zh")
    assert "达到界限" in _worded(notice, "zh")
    assert "at its bound" in _worded(notice, "en")


def test_counts_choose_the_singular():
    assert "In 1 scale nobody" in _worded({"key": "sparse_scales", "values": {"count": "1"}}, "en")


def test_the_kernel_hands_on_key_and_values(monkeypatch):
    handed = []
    monkeypatch.setattr("servlab.studies.inside.emit", lambda _, payload: handed.append(payload))
    emit_warning(heywood(), HeywoodWarning, "file", 1)
    emit_warning(UserWarning("small"), UserWarning, "file", 1)
    emit_warning(ServlabWarning("plain"), ServlabWarning, "file", 1)
    assert handed[0]["key"] == "heywood"
    assert handed[0]["values"]
    assert "key" not in handed[1]
    assert "key" not in handed[2]


@pytest.mark.parametrize("text", ["", "said"])
def test_a_warning_without_a_key_is_a_plain_warning(text):
    assert str(ServlabWarning(text)) == text
    assert ServlabWarning(text).key == ""
