"""What the codebook says is done: values, exclusions, weights, points, ids, outcomes, labels."""

import numpy as np
import pandas as pd
import pytest

from servlab.core.errors import CodebookError, DataError
from servlab.data.codebook import load_codebook
from servlab.data.readers import read_survey

MAPPED = 'values = { "非常不同意" = 1, "一般" = 4, "Strongly agree" = 7 }'


def test_text_answers_map_to_the_numbers_of_values(book, file):
    text = "P1,P2,P3\n非常不同意,一般,Strongly agree\n一般, 一般 ,一般\n"
    survey = read_survey(file(text), book(battery=MAPPED))
    assert survey.raw("perception").to_numpy().tolist() == [[1, 4, 7], [4, 4, 4]]


def test_an_answer_that_values_does_not_map_is_named(book, file):
    with pytest.raises(
        DataError, match=r"row 2: '同意' is no number; map the answer .* under values"
    ):
        read_survey(file("P1,P2,P3\n同意,一般,一般\n"), book(battery=MAPPED))


def test_codes_that_look_alike_stay_apart_in_covariates(book, file):
    rest = '[covariates.branch]\ncolumn = "b"\nmissing = ["-"]\n'
    text = "P1,P2,P3,b\n1,2,3,007\n4,5,6,7\n1,2,3,1.10\n4,5,6,-\n1,1,1, no \n"
    branch = read_survey(file(text), book(rest=rest)).covariates["branch"]
    assert branch.tolist()[:3] == ["007", "7", "1.10"]
    assert branch.isna().tolist() == [False, False, False, True, False]
    assert branch.iloc[4] == "no"


def test_outcomes_are_means_and_missing_when_one_part_is(book, file):
    rest = (
        '[outcomes.satisfaction]\ncolumns = ["Y1", "Y2"]\nscale = { low = 1, high = 5 }\n'
        '[outcomes.trouble]\ncolumn = "Y1"\nscale = { low = 1, high = 5 }\nreversed = true\n'
    )
    survey = read_survey(file("P1,P2,P3,Y1,Y2\n1,2,3,5,2\n4,5,6,1,\n"), book(rest=rest))
    np.testing.assert_array_equal(survey.outcomes["satisfaction"], [3.5, np.nan])
    np.testing.assert_array_equal(survey.outcomes["trouble"], [1.0, 5.0])


EXCLUDE = """
[[exclusions]]
rule = "blank"
reason = "blank"
[[exclusions]]
column = "s"
equals = ["test", 3]
reason = "test"
[[exclusions]]
column = "t"
below = 20
reason = "fast"
"""


def test_exclusions_apply_in_order_and_each_is_counted(book, file):
    rows = ["1,2,3,a,50", ",9,,test,10", "4,5,6,test,50", "4,5,6,3.0,5", "4,5,6,b,19", "7,7,7,b,20"]
    text = "\n".join(["P1,P2,P3,s,t", *rows])
    survey = read_survey(file(text), book(rest=EXCLUDE))
    assert [(e.reason.en, e.n) for e in survey.provenance.exclusions] == [
        ("blank", 1),
        ("test", 2),
        ("fast", 1),
    ]
    assert (survey.n, survey.provenance.n_rows, list(survey.index)) == (2, 6, [2, 7])


def test_exclusions_that_leave_nobody_are_an_error(book, file):
    with pytest.raises(DataError, match="exclusions leave no respondent"):
        read_survey(file("P1,P2,P3,s,t\n,,,a,50\n"), book(rest=EXCLUDE))


WEIGHTS = '[weights]\ncolumn = "w"\n'
POINTS = '[importance_points.columns]\na = "pa"\n'
IDS = '[respondents]\nid = "id"\n'
SHOWN = '[respondents]\nshown_order = ["P3", "P1", "Q2"]\n'
FAULTS = {
    "a missing weight": (WEIGHTS, "P1,P2,P3,w\n1,2,3,\n4,5,6,1\n", r"'w', row 2: a weight is miss"),
    "a negative weight": (
        WEIGHTS,
        "P1,P2,P3,w\n1,2,3,-1\n",
        r"'w', row 2: is negative; give every",
    ),
    "a weight in words": (WEIGHTS, "P1,P2,P3,w\n1,2,3,one\n", r"'w', row 2: 'one' is no number"),
    "points off": (POINTS, "P1,P2,P3,pa\n1,2,3,100\n1,2,3,90\n", r"row 3: add up to 90, not 100"),
    "an id twice": (
        IDS,
        "P1,P2,P3,id\n1,2,3,x\n4,5,6,y\n1,2,3,x\n",
        r"rows 2, 4: the id 'x' occurs",
    ),
    "an id missing": (IDS, "P1,P2,P3,id\n1,2,3,\n", r"'id', row 2: an id is missing"),
    "a shown column missing": (SHOWN, "P1,P2,P3\n1,2,3\n", r"no column 'Q2', .* for shown_order"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_beside_the_answers_is_named(fault, book, file):
    rest, text, message = FAULTS[fault]
    with pytest.raises(DataError, match=message):
        read_survey(file(text), book(rest=rest))


def test_a_published_negative_wording_must_be_answered_for(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        'instrument = "servqual-1988"\n[batteries.perception]\ncolumns = "P{item}"\n',
        encoding="utf-8",
    )
    with pytest.raises(CodebookError, match=r"say which items are negatively .*reversed = \[\]"):
        load_codebook(path)


CODEBOOK_FAULTS = {
    "an unknown key": ("wheights = 1\n", r"line \d+: wheights: unknown key"),
    "an unknown item": ('keyed_as_declared = ["12"]\n', r"names item\(s\) \['12'\]"),
    "a missing share": ("min_answered = 1.5\n", r"min_answered.*less than or equal to 1"),
}


@pytest.mark.parametrize("fault", CODEBOOK_FAULTS)
def test_a_fault_in_the_codebook_is_named(fault, book):
    top, message = CODEBOOK_FAULTS[fault]
    with pytest.raises(CodebookError, match=message):
        book(top=top)


@pytest.mark.parametrize(
    ("first", "said"), [("5", True), (5, True), ("同意", False), ("５", True), ("", True)]
)
def test_numbers_where_the_codebook_numbers_words_are_said(tmp_path, first, said):
    (tmp_path / "c.toml").write_text(
        'reversed = []\n[instrument]\nname = "w"\ntitle = "w"\nscale = { low = 1, high = 5 }\n'
        'items = ["1", "2", "3"]\n[instrument.batteries.perception]\n'
        '[batteries.perception]\ncolumns = "P{item}"\n'
        'values = { "不同意" = 2, "同意" = 4 }\n',
        encoding="utf-8",
    )
    frame = pd.DataFrame({"P1": [first, "2"], "P2": ["4", "3"], "P3": ["5", "1"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    survey = read_survey(tmp_path / "a.csv", tmp_path / "c.toml")
    notes = [note.en for note in survey.provenance.notes if "numbers words" in note.en]
    assert len(notes) == said
    assert not said or "(同意 = 4): the numbers were read as they stand" in notes[0]
