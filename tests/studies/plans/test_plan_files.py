"""A plan's file is checked whole before anything runs, and each mistake is named with its line."""

import tomllib
from datetime import date
from pathlib import Path

import pytest

from servlab.core.errors import ParameterError, PlanError
from servlab.studies.plans.check import Checked, check_studies
from servlab.studies.plans.lines import nearest_line, toml_lines
from servlab.studies.plans.making import Makings
from servlab.studies.plans.plan import chosen
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.run import run_plan
from tests.studies.plans.branches import BRANCHES, PLAN, WAVES

ROOT = Path(__file__).resolve().parents[3]


def write(folder, text):
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return folder / "plan.toml"


def mistakes(folder, text, **options):
    """Return the lines of the error that a plan gives."""
    with pytest.raises(PlanError) as caught:
        read_plan(write(folder, text), **options)
    first, *rest = str(caught.value).splitlines()
    assert first.startswith("plan plan.toml has ")
    return [line.strip() for line in rest]


def test_studies_come_in_the_order_of_the_file_with_their_axes(folder):
    plan = read_plan(folder / "plan.toml")
    assert [study.id for study in plan.studies[:3]] == [
        "East-2025-01.en", "East-2025-01.zh", "East-2025-02.en",
    ]  # fmt: skip
    study = plan.studies[0]
    assert study.axes == {"branch": "East", "wave": "2025-01"}
    assert study.parameters["where"] == ["branch=East", "wave=2025-01"]
    assert study.parameters["data"] == folder.resolve() / "answers.csv"
    assert study.out == folder.resolve() / "reports"
    assert {s.axes["branch"] for s in plan.studies} == set(BRANCHES)
    assert {s.axes["wave"] for s in plan.studies} == set(WAVES)


BAD = """\
worker = 2
languages = ["en", "de"]
timeout = -5

[parameters]
data = "answers.csv"

[[study]]
notebook = "short.ipynb"
retention = 3

[[study]]
notebok = "x"
"""


def test_every_mistake_of_shape_is_named_with_its_line(folder):
    found = mistakes(folder, BAD)
    expected = [
        "line 1: worker: unknown key",
        "line 2: languages.1: input should be 'en' or 'zh'; got 'de'.",
        "line 3: timeout must be a number of seconds above 0",
        "line 8: parameter data needs codebook beside it",
        "line 10: study.0.retention: unknown key",
        "line 12: study.1.notebook: is required",
        "line 13: study.1.notebok: unknown key",
    ]
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_mistakes_of_shape_of_meaning_and_of_data_are_told_together(folder):
    text = PLAN.replace('"zh"]', '"de"]').replace('branch = "data"', 'branch = ["Noth"]')
    found = mistakes(folder, text)
    assert len(found) == 2
    assert found[0] == "line 3: languages.1: input should be 'en' or 'zh'; got 'de'."
    assert found[1].startswith(
        "line 17: where asks for branch 'Noth', which nobody in the data has"
    )
    found = mistakes(folder, text.replace("retention = 3", "retention = 0\n[[study]]\n"))
    assert any(line.startswith("line 6: study.0.notebook: is required") for line in found)


WRONG = """\
[parameters]
data = "gone.csv"
codebook = "answers.toml"
titel = "x"

[[study]]
notebook = "absent"

[[study]]
notebook = "short.ipynb"
name = "{shop}"
timeout = 0
[study.parameters]
where = [
  "branch={branch}",
]
[study.matrix]
branch = [
  "North",
  "North",
]
empty = []
wave = "date"

[[study]]
notebook = "short.ipynb"
[study.parameters]
language = "zh"
title = "{"
"""


def test_every_mistake_of_meaning_is_named_with_its_line(folder):
    text = WRONG.replace('wave = "date"\n', "")
    found = mistakes(folder, text)
    expected = {
        "line 4: short.ipynb has no parameter 'titel'; it has data, codebook,",
        "line 7: notebook",
        "line 11: {shop} is no axis of the study's matrix; it has branch, empty.",
        "line 12: timeout must be a number of seconds above 0",
        "line 18: axis branch names North twice.",
        "line 22: axis empty has no values.",
        "line 22: axis empty reaches no parameter, so its studies would all be the same; use it,",
        "line 27: write languages = [...] for the language.",
        "line 28: '{' has a lone brace",
    }
    for start in expected:
        assert any(line.startswith(start) for line in found), (start, found)
    axis = mistakes(folder, WRONG)
    assert any(
        line.startswith('line 23: matrix.wave: an axis is a list of texts, "data"') for line in axis
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('data = "answers.csv"', 'data = "gone.csv"', "line 8: parameter data: "),
        ('"answers.toml"', "3", "line 9: parameter codebook must be the path"),
        ('notebook = "short.ipynb"', 'notebook = "answers.toml"', "line 12: .*no.* a Jupyter"),
        ("name = \"{branch}-{wave}\"", 'name = "{branch}"', "line 11: two studies would publish"),
        ('branch = "data"', 'branch = { data = "shop" }', "line 17: .* no covariate 'shop'"),
        ('wave = "data"', "wave = [true]", "line 18: matrix.wave: True is no text; an axis"),
        ('out = "reports"', "out = 3", "line 2: out: .*got 3"),
        ("workers = 2", "workers = 0", "line 4: workers: .*got 0"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_stands(folder, old, new, words):
    import re

    assert old in PLAN
    found = mistakes(folder, PLAN.replace(old, new, 1))
    assert any(re.match(words, line) for line in found), found


def test_an_axis_that_only_renames_the_report_is_refused(folder):
    text = PLAN.replace('where = ["branch={branch}", "wave={wave}"]', 'title = "{branch} {wave}"')
    found = mistakes(folder, text)
    assert len(found) == 2
    assert "axis branch only changes what the reports are called (title)" in found[0]


def test_values_that_the_data_do_not_hold_are_named_with_their_lines(folder):
    text = PLAN.replace('branch = "data"', 'branch = [\n  "North",\n  "Sout",\n]')
    plan = read_plan(write(folder, text))
    (problem,) = check_studies(plan.studies, Makings()).problems
    assert problem.line == 19
    assert "branch 'Sout', which nobody in the data has; they hold North" in problem.text
    assert "did you mean 'South'?" in problem.text
    with pytest.raises(PlanError, match=r"line 19: where asks for branch 'Sout'"):
        run_plan(plan.path)
    assert not [p for p in (folder / "reports").glob("*.html") if not p.name.startswith("index")]


def test_a_plan_that_is_no_toml_or_not_there_is_said(folder):
    with pytest.raises(PlanError, match=r"not valid TOML.*line 1"):
        read_plan(write(folder, "a = = 1"))
    with pytest.raises(PlanError, match=r"plan .*none\.toml does not exist"):
        read_plan(folder / "none.toml")
    with pytest.raises(PlanError, match="study: is required"):
        read_plan(write(folder, 'name = "x"'))


def test_a_data_axis_may_hang_on_an_axis_before_it(folder):
    from tests.studies.plans.branches import answers

    everybody = answers()
    for wave, branches in (("2025-01", ["North"]), ("2025-02", ["South", "East"])):
        rows = everybody[(everybody["wave"] == wave) & everybody["branch"].isin(branches)]
        rows.to_csv(folder / f"{wave}.csv", index=False)
    text = PLAN.replace('"answers.csv"', '"{wave}.csv"').replace(
        'branch = "data"\nwave = "data"', 'wave = ["2025-01", "2025-02"]\nbranch = "data"'
    )
    names = [s.name for s in read_plan(write(folder, text)).studies if s.language == "en"]
    assert names == ["North-2025-01", "East-2025-02", "South-2025-02"]
    found = mistakes(folder, text.replace(
        'wave = ["2025-01", "2025-02"]\nbranch = "data"', 'branch = "data"\nwave = ["2025-01"]'
    ))  # fmt: skip
    assert "must stand in the matrix before the axis whose values come from them" in found[0]


PERIODS = PLAN.replace('wave = "data"', 'period = { every = "month", first = "2025-02" }').replace(
    "{wave}", "{period}"
)


def test_periods_reach_to_the_newest_that_ended_and_since_cuts_them(folder):
    path = write(folder, PERIODS)
    plan = read_plan(path, today=date(2025, 6, 30))
    periods = sorted({s.axes["period"] for s in plan.studies})
    assert periods == ["2025-02", "2025-03", "2025-04", "2025-05"]
    late = chosen(plan, since="2025-04")
    assert sorted({s.axes["period"] for s in late.studies}) == ["2025-04", "2025-05"]
    newest = write(folder, PERIODS.replace(', first = "2025-02"', ""))
    one = read_plan(newest, today=date(2025, 6, 30))
    assert {s.axes["period"] for s in one.studies} == {"2025-05"}
    missed = read_plan(newest, today=date(2025, 6, 30), since="2025-03")
    assert {s.axes["period"] for s in missed.studies} == {"2025-03", "2025-04", "2025-05"}
    with pytest.raises(ParameterError, match=r"one month is written as 2026-03; got '2025'"):
        chosen(plan, since="2025")
    with pytest.raises(ParameterError, match="--since needs studies with a 'period'"):
        chosen(read_plan(write(folder, PLAN)), since="2025-04")


def test_a_value_is_text_whatever_it_holds(folder):
    book = folder / "answers.toml"
    lines = (folder / "answers.csv").read_text(encoding="utf-8")
    evil = "<b>{wave}</b> & \\'; x=1"
    (folder / "answers.csv").write_text(lines.replace(",North,", f',"{evil}",'), encoding="utf-8")
    assert book.exists()
    plan = read_plan(folder / "plan.toml")
    (study,) = {
        s.name: s
        for s in plan.studies
        if s.axes["branch"] == evil and s.axes["wave"] == WAVES[0] and s.language == "en"
    }.values()
    assert study.parameters["where"] == [f"branch={evil}", "wave=2025-01"]
    assert study.name == "-b-{wave}--b- & -'; x=1-2025-01"
    assert check_studies([study], Makings()) == Checked()


@pytest.mark.parametrize("value", ["1.5", "true", "10:00:00", '["a"]', '""'])
def test_a_value_of_a_matrix_that_is_no_text_is_named_on_its_own_line(folder, value):
    found = mistakes(folder, PLAN.replace('branch = "data"', f'branch = [\n"North",\n{value},\n]'))
    assert len(found) == 1
    assert found[0].startswith("line 19: matrix.branch: ")


@pytest.mark.parametrize(
    "values", [["Nord/Süd", "Nord:Süd"], ["North", "north"], ["Süd", "Su\u0308d"], ["x.", "x"]]
)
def test_values_that_would_share_a_file_are_told_apart(folder, values):
    text = PLAN.replace('branch = "data"', f"branch = {values}").replace(
        'wave = "data"', 'wave = ["2025-01"]'
    )
    found = mistakes(folder, text.replace("{branch}-{wave}", "{wave} {branch}"))[0]
    assert f"the one of branch {values[1]!r}, wave '2025-01'" in found
    assert f"and the one of branch {values[0]!r}, wave" in found


def test_a_matrix_without_end_is_refused_at_once(folder):
    many = [str(number) for number in range(1000)]
    text = PLAN.replace('branch = "data"\nwave = "data"', f"branch = {many}\nwave = {many}")
    (found,) = mistakes(folder, text)
    assert found.startswith("line 16: the matrix gives more than 10,000 combinations")


def test_only_patterns_that_match_nothing_are_an_error(folder):
    plan = read_plan(folder / "plan.toml")
    assert len(chosen(plan, only=["North-*.zh", "West-2025-01"]).studies) == 8
    with pytest.raises(
        ParameterError, match=r"--only nort\* matches no study of plan.toml; it has East"
    ):
        chosen(plan, only=["nort*"])


@pytest.mark.parametrize("path", sorted(
    [*ROOT.glob("servlab/**/*.toml"), *ROOT.glob("tests/codebooks/*.toml"), ROOT / "pyproject.toml"]
), ids=lambda p: p.name)  # fmt: skip
def test_lines_of_every_toml_file_here_are_found(path):
    """Every key of the file is found, on a line that holds it."""
    text = path.read_text(encoding="utf-8")
    lines, rows = toml_lines(text), text.splitlines()

    def walk(value, at):
        if isinstance(value, dict):
            for key, part in value.items():
                assert any(k in rows[lines[(*at, key)] - 1] for k in (key, key.split()[0])), at
                walk(part, (*at, key))
        elif isinstance(value, list):
            for place, part in enumerate(value):
                assert (*at, place) in lines
                walk(part, (*at, place))
        elif at and isinstance(at[-1], int) and isinstance(value, str | int):
            shown = str(value).splitlines()[0] if str(value) else ""
            assert shown in rows[lines[at] - 1] or "\\" in rows[lines[at] - 1], at

    walk(tomllib.loads(text), ())


TRICKY = '''\
"a.b" . c = 1 # [x]
s = """
[no]
k = 1"""
t = \'\'\'x = "\'\'\'
n = [ [1, 2], # ]
  { a = "}", "b c" = [ 3,
    4 ] } ]
[ p . "q r" ]
d = 2026-01-01 10:00:00
[[r]]
[[r]]
[[r.s]]
z = 1
[r.u]
y = -1.5e3
'''


def test_lines_survive_what_toml_allows():
    found = toml_lines(TRICKY)
    assert tomllib.loads(TRICKY)["r"][1]["s"][0]["z"] == 1
    assert found["a.b", "c"] == 1
    assert (found["s",], found["t",], found["n",]) == (2, 5, 6)
    assert (found["n", 0, 1], found["n", 1, "a"], found["n", 1, "b c", 1]) == (6, 7, 8)
    assert (found["p", "q r"], found["p", "q r", "d"]) == (9, 10)
    assert (found["r", 0], found["r", 1], found["r", 1, "s", 0, "z"]) == (11, 12, 14)
    assert found["r", 1, "u", "y"] == 16
    assert nearest_line(found, ("r", 1, "u", "none", 3)) == 15
