"""One branch, one wave of a survey: who is kept, what is counted, what the report says of it."""

import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.data.waves import combine_waves
from servlab.presentation.framing import cover
from servlab.presentation.narrative import who_answered

BOOK = """
[instrument]
name = "k"
title = "k"
scale = { low = 1, high = 5 }
items = [{ code = "a", label = "a" }, { code = "b", label = "b" }]
[instrument.batteries.perception]
[batteries.perception]
columns = "P{item}"
[covariates.branch]
column = "网点"
role = "branch"
label = { en = "Branch", zh = "网点" }
[covariates.branch.values]
1 = { en = "North", zh = "城北" }
2 = { en = "South", zh = "城南" }
[covariates."x=y"]
column = "period"
role = "wave"
"""
ROWS = [
    ("1", "2024-01"), ("2", "2024-01"), ("1", "2024-02"), ("2", "2024-02"), ("", "2024-01"),
    ("3", "2024-01"),
]  # fmt: skip


@pytest.fixture
def survey(tmp_path):
    book = tmp_path / "book.toml"
    book.write_text(BOOK, encoding="utf-8")
    answers = [(1, 2), (2, 3), (3, 4), (4, 5), (5, 1), (2, 2)]
    frame = pd.DataFrame(answers, columns=["Pa", "Pb"])
    frame["网点"], frame["period"] = zip(*ROWS, strict=True)
    return sl.survey_from_frame(frame, book)


def kept(survey, *where):
    return list(sl.keep_respondents(survey, list(where)).raw("perception")["a"])


def test_nothing_asked_is_the_same_survey(survey):
    assert sl.keep_respondents(survey, []) is survey


@pytest.mark.parametrize(
    ("where", "answers"),
    [
        (["branch=1"], [1, 3]),
        (["branch=North"], [1, 3]),
        (["branch=城北"], [1, 3]),
        ([" branch = 1 "], [1, 3]),
        (["branch=1", "branch=2"], [1, 2, 3, 4]),
        (["branch=3"], [2]),
        (["branch=North", "x=y=2024-02"], [3]),
        (["x=y=2024-02", "branch=2", "branch=1"], [3, 4]),
    ],
)
def test_those_with_the_values_are_kept(survey, where, answers):
    assert kept(survey, *where) == answers


def test_each_covariate_is_a_step_of_the_flow_and_missing_values_leave(survey):
    north = sl.keep_respondents(survey, ["branch=1", "x=y=2024-01"])
    steps = north.provenance.exclusions[-2:]
    assert [(s.reason.en, s.reason.zh, s.n) for s in steps] == [
        ("Branch other than North", "网点不是城北", 4),
        ("x=y other than 2024-01", "x=y不是2024-01", 1),
    ]
    assert north.n == survey.n - 5 == 1
    assert [label.zh for label in north.provenance.kept] == ["网点：城北", "x=y：2024-01"]
    flow = who_answered(north, "zh")[0]
    assert any("网点不是城北" in step.text for step in flow.steps)


def test_whole_numbers_are_named_without_a_decimal_point(survey):
    numbers = survey.covariates.assign(branch=pd.to_numeric(survey.covariates["branch"]))
    from dataclasses import replace

    assert kept(replace(survey, covariates=numbers), "branch=1") == [1, 3]
    categories = survey.covariates.astype("category")
    assert kept(replace(survey, covariates=categories), "branch=1") == [1, 3]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (["branch"], r"'branch', which is not of its form: write \"covariate=value\""),
        (["branch="], "without a value"),
        (["brnch=1"], r"'brnch', which this survey has not; it has branch, x=y \(did you mean"),
        (["branch=Noth"], r"branch 'Noth', which nobody in the data has; they hold 1, 2, 3"),
        (["x=y=2024-03"], r"they hold 2024-01, 2024-02 \(did you mean '2024-0"),
        (["branch=3", "x=y=2024-02"], "no respondent has all of branch=3, x=y=2024-02 at once"),
        ("branch=1", "must be a list of texts"),
        ([1], "1, which is not of its form"),
    ],
)
def test_what_cannot_be_kept_is_said(survey, where, words):
    with pytest.raises(ModelError, match=words):
        sl.keep_respondents(survey, where)


def test_a_label_of_two_values_is_not_guessed(tmp_path, survey):
    book = tmp_path / "twice.toml"
    book.write_text(BOOK.replace('"South", zh', '"North", zh'), encoding="utf-8")
    frame = pd.DataFrame({"Pa": [1, 2], "Pb": [1, 2], "网点": ["1", "2"], "period": ["a", "a"]})
    twice = sl.survey_from_frame(frame, book)
    with pytest.raises(ModelError, match=r"label of several values \(1, 2\); name the value"):
        sl.keep_respondents(twice, ["branch=North"])


def test_many_values_are_listed_in_part(survey):
    from dataclasses import replace

    many = pd.DataFrame({"branch": [f"b{i}" for i in range(30)]})
    wide = replace(survey, covariates=many)
    with pytest.raises(ModelError, match=r"b18, b19 and 10 more"):
        sl.keep_respondents(wide, ["branch=zzz"])


def test_the_cover_names_what_was_kept_in_both_languages(survey):
    north = sl.keep_respondents(survey, ["branch=1"])
    for language, name, own in (("en", "Branch: North", "North"), ("zh", "网点：城北", "城北")):
        default = cover(north, language=language)
        assert default.title.endswith(f" · {name}")
        assert name in default.chips
        told = cover(north, title=f"{own} 1", language=language)
        assert told.title == f"{own} 1"
        assert name in told.chips
    assert cover(north, title="Northwest").title == "Northwest · Branch: North"
    assert "North" not in cover(survey).title


def test_waves_put_together_keep_what_all_were_kept_to(survey):
    north = sl.keep_respondents(survey, ["branch=1"])
    south = sl.keep_respondents(survey, ["branch=2"])
    same = combine_waves({"first": north, "second": north})
    assert [label.en for label in same.provenance.kept] == ["Branch: North"]
    assert combine_waves({"first": north, "second": south}).provenance.kept == ()
