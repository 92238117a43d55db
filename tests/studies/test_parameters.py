"""The parameters cell is a schema; values are checked against it and nothing is executed."""

import ast
import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.core.errors import ParameterError
from servlab.studies.engine import StudyTranslator
from servlab.studies.notebook import read_notebook
from servlab.studies.parameter_types import coerce
from servlab.studies.parameters import as_code, as_text, check_values, list_parameters

ALL_TYPES = """\
wave: str = "1"  # which wave
n: int = 5
share: float = 0.5
flag: bool = False
day: date = date(2026, 1, 31)
data: Path | None = None
items: list[str] = ["a", "b"]
years: list[int] = []
n_factors: Literal["auto"] | int = "auto"  # how many
min_cell: Annotated[int, Field(ge=1, le=50)] = 5
group: str | None = None
level: Literal["low", "high"] = "low"
sizes: list[Path] = []
"""


@pytest.fixture
def schema(toy):
    return list_parameters(toy(parameters=ALL_TYPES))


@pytest.fixture
def values(schema, tmp_path):
    def check(**given):
        return check_values(schema, given, folder=tmp_path).values

    return check


def test_schema_has_names_types_defaults_and_help(schema):
    assert schema.names[:3] == ("wave", "n", "share")
    assert (schema["wave"].default, schema["wave"].help) == ("1", "which wave")
    assert schema["n_factors"].annotation == "Literal['auto'] | int"
    assert schema["n_factors"].wanted == "'auto' or a whole number"
    assert schema["min_cell"].wanted == "a whole number (ge=1, le=50)"
    assert schema["day"].default == date(2026, 1, 31)
    assert len(schema) == 13
    assert "typo" not in schema


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("wave", "007", "007"),
        ("wave", "1.10", "1.10"),
        ("wave", "no", "no"),
        ("wave", "", ""),
        ("wave", "1; import os", "1; import os"),
        ("n", "007", 7),
        ("n", "-3", -3),
        ("share", "3", 3.0),
        ("share", "1e-3", 0.001),
        ("flag", "yes", True),
        ("flag", "False", False),
        ("day", "2026-02-28", date(2026, 2, 28)),
        ("data", "none", None),
        ("items", "x, y", ["x", "y"]),
        ("items", '["x, y", "z"]', ["x, y", "z"]),
        ("items", "", []),
        ("years", "2025,2026", [2025, 2026]),
        ("years", "[2025, 2026]", [2025, 2026]),
        ("n_factors", "auto", "auto"),
        ("n_factors", "3", 3),
        ("group", "none", "none"),
        ("group", "", None),
        ("level", "high", "high"),
    ],
)
def test_text_is_read_as_the_type_says(values, name, text, value):
    found = values(**{name: text})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n", "abc", "parameter n must be a whole number; got 'abc'"),
        ("n", "1.0", "must be a whole number"),
        ("n", "1_000", "must be a whole number"),
        ("n", 1.5, "must be a whole number; got 1.5"),
        ("n", True, "must be a whole number; got True"),
        ("share", "nan", "must be a number; got 'nan'"),
        ("share", "0,5", "must be a number; got '0,5'"),
        ("flag", "1", "must be true, false, yes or no; got '1'"),
        ("flag", 1, "must be true, false, yes or no; got 1"),
        ("day", "31.01.2026", "must be a date like 2026-01-31; got '31.01.2026'"),
        ("day", "2026-02-30", "must be a date like 2026-01-31; got '2026-02-30'"),
        ("day", datetime(2026, 1, 1, 12), "must be a date like"),
        ("n_factors", "abc", "must be 'auto' or a whole number; got 'abc'"),
        ("n_factors", True, "must be 'auto' or a whole number; got True"),
        ("min_cell", "0", r"must be a whole number \(ge=1, le=50\); got 0 .*greater than"),
        ("level", "mid", "must be one of 'low', 'high'; got 'mid'"),
        ("years", "2025,x", "must be a list like a,b,c .*; got '2025,x'"),
        ("years", [1, "x"], "must be a whole number; got 'x'"),
        ("wave", 7, "must be text; got 7"),
        ("wave", "a\udc80", "must be valid Unicode text"),
        ("data", "nowhere.csv", r"parameter data: .*nowhere\.csv does not exist; check the path"),
        ("sizes", "nowhere", r"parameter sizes\[1\]: .*nowhere does not exist"),
        ("n", "env:HOME", r"must be a whole number; got 'env:HOME' \(env:NAME is for param"),
        ("wave", "env:NO_SUCH_VARIABLE", "variable 'NO_SUCH_VARIABLE' .* is not set"),
    ],
)
def test_unusable_values_are_refused_by_message(values, name, value, message):
    with pytest.raises(ParameterError, match=message):
        values(**{name: value})


def test_unknown_name_lists_close_ones(values):
    with pytest.raises(ParameterError, match=r"no parameter 'wav'\. Did you mean wave\? It has: "):
        values(wav="1")


def test_code_in_a_name_is_an_unknown_name(schema, tmp_path):
    with pytest.raises(ParameterError, match="no parameter 'x=1; import os; y'"):
        check_values(schema, {"x=1; import os; y": 5}, folder=tmp_path)


def test_every_mistake_is_listed(values):
    with pytest.raises(ParameterError) as caught:
        values(n="abc", flag="maybe", typo=1)
    assert len(str(caught.value).splitlines()) == 3


def test_python_values_are_taken_as_they_are(values):
    given = values(
        n=np.int64(7), share=np.float64(0.25), flag=np.True_, items=("x",), day=date(2026, 3, 1)
    )
    assert (given["n"], given["share"], given["flag"]) == (7, 0.25, True)
    assert type(given["n"]) is int
    assert given["items"] == ["x"]


def test_callers_paths_start_here_and_defaults_beside_the_notebook(toy, tmp_path, monkeypatch):
    (tmp_path / "here.csv").write_text("")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "own.csv").write_text("")
    schema = list_parameters(toy(parameters='a: Path = Path("own.csv")\nb: Path | None = None'))
    monkeypatch.chdir(tmp_path)
    checked = check_values(schema, {"b": "here.csv"}, folder=tmp_path / "notebooks")
    assert checked.paths() == {
        "a": tmp_path / "notebooks" / "own.csv",
        "b": tmp_path / "here.csv",
    }
    assert checked.injected == {"b": tmp_path / "here.csv"}


def test_env_values_pass_as_their_name(values, monkeypatch):
    monkeypatch.setenv("SURVEY_TOKEN", "s3cret")
    assert values(wave="env:SURVEY_TOKEN")["wave"] == "env:SURVEY_TOKEN"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "line 1: only lines 'name: type = default  # help' may stand here; got 'x = 1'"),
        ("import os", "line 1: only lines"),
        ("x: int", "line 1: only lines"),
        ("a: int = 1\nx: int = print('ran')", r"line 2: the value print\('ran'\) is not a literal"),
        ("x: dict = {}", "line 1: type dict is not one of str, int"),
        ("x: list[list[int]] = []", "a list holds plain values"),
        ("x: int | str = 1", "is ambiguous"),
        ("x: int | float = 1", "is ambiguous"),
        ("x: Literal['a'] | str = 'a'", "is ambiguous"),
        ("x: Annotated[int, Gt(1)] = 2", "Annotated needs a type and one Field"),
        ("x: Annotated[int, Field(alias='y')] = 2", "Field takes ge, gt"),
        ("x: Literal[1.5] = 1.5", "Literal holds texts or whole numbers"),
        ("x: int = 'a'", "line 1: the default of x must be a whole number; got 'a'"),
        ("x: date = date(2026, 2, 30)", "line 1: .*day"),
        ("x: int = 1\nx: int = 2", "x given twice"),
        ("x: int = ", "line 1: invalid syntax"),
    ],
)
def test_what_the_schema_cannot_hold_is_refused_with_its_line(toy, source, message, capsys):
    with pytest.raises(ParameterError, match=message):
        list_parameters(toy(parameters=source))
    assert capsys.readouterr().out == ""


def test_a_notebook_needs_exactly_one_parameters_cell(toy, tmp_path):
    twice = toy(("parameters", "x: int = 1"))
    with pytest.raises(ParameterError, match=r"2 code cell\(s\) tagged 'parameters', but"):
        list_parameters(twice)
    content = json.loads(twice.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        cell["metadata"] = {}
    twice.write_text(json.dumps(content))
    with pytest.raises(ParameterError, match=r"no code cell\(s\) tagged 'parameters'"):
        list_parameters(twice)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is not a Jupyter notebook"),
        ("[]", "is not a Jupyter notebook of format 4"),
        ('{"worksheets": []}', "is not a Jupyter notebook of format 4"),
        ('{"cells": [1]}', "cell 1 is malformed"),
        (b"\xff\xfe\x00", "is not a Jupyter notebook"),
    ],
)
def test_files_that_are_no_notebooks_are_named(tmp_path, content, message):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ParameterError, match=message):
        list_parameters(path)


def test_a_missing_notebook_and_a_folder_are_named(tmp_path):
    with pytest.raises(ParameterError, match=r"nowhere does not exist here or in notebooks/"):
        list_parameters("nowhere")
    with pytest.raises(ParameterError, match=r"is a folder; name an \.ipynb file"):
        list_parameters(tmp_path)


def test_a_bare_name_is_found_in_notebooks(toy, tmp_path, monkeypatch):
    toy()
    monkeypatch.chdir(tmp_path)
    assert list_parameters("toy").notebook == "toy.ipynb"
    monkeypatch.chdir(tmp_path / "notebooks")
    assert list_parameters("toy").notebook == "toy.ipynb"


def test_sections_are_the_opening_comment_or_the_heading_above(toy):
    book = read_notebook(toy(("markdown", "# Gaps\ntext\n## By item"), "x = 1", "# Drivers\ny = 1"))
    assert [cell.section for cell in book.cells if cell.number] == ["", "", "By item", "Drivers"]
    assert read_notebook(toy("%matplotlib inline\nx=1")).cells[-1].section == ""


def test_notebook_hash_passes_over_outputs_and_ids(toy):
    path = toy("x = 1")
    before = read_notebook(path).sha256()
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"][-1] |= {"id": "other", "execution_count": 9}
    content["metadata"] = {"kernelspec": {"name": "elsewhere"}}
    path.write_text(json.dumps(content))
    assert read_notebook(path).sha256() == before
    content["cells"][-1]["source"] = "x = 2"
    path.write_text(json.dumps(content))
    assert read_notebook(path).sha256() != before


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_any_text_stays_as_it_is_for_a_str(text):
    assert coerce(text, str) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text()))
def test_a_list_written_as_json_comes_back(texts):
    assert coerce(json.dumps(texts), list[str]) == texts


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.one_of(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
        lambda parts: st.lists(parts, max_size=3),
    )
)
def test_injected_source_is_the_value_and_nothing_else(value):
    source = StudyTranslator.codify({"x": value})
    (statement,) = ast.parse(source).body
    assert ast.literal_eval(statement.value) == value


def test_dates_and_paths_are_injected_as_the_notebooks_types():
    source = StudyTranslator.codify({"d": date(2026, 1, 2), "p": [Path("a'b"), None], "f": True})
    assert source.splitlines()[1:] == [
        "d = date(2026, 1, 2)",
        'p = [Path("a\'b"), None]',
        "f = True",
    ]


def test_text_for_people_leaves_folders_out():
    assert as_text([Path("/home/me/x.csv"), None, True]) == "x.csv, none, true"
    assert as_code([Path("/home/me/x.csv"), "none"]) == "[Path('x.csv'), 'none']"
