"""Long files: a row an answer becomes a row a respondent, or the rows that stand in the way."""

import numpy as np
import pytest

from servlab.core.errors import CodebookError, DataError
from servlab.data.readers import read_survey

LONG = '[layout]\nform = "long"\nid = "who"\nitem = "q"\nanswer = "a"\n[respondents]\nid = "who"\n'
ROWS = "who,q,a,branch\nx,P1,1,北\nx,P2,2,北\nx,P3,3,北\ny,P3,6,南\ny,P1,4,南\n"
BOTH = LONG.replace('answer = "a"', 'answer = "a"\nbattery = "b"') + (
    '[layout.batteries]\n"感知" = "P"\n"期望" = "E"\n'
)


def test_a_row_an_answer_becomes_a_row_a_respondent(book, file):
    rest = LONG + '[covariates.branch]\ncolumn = "branch"\n'
    survey = read_survey(file(ROWS), book(rest=rest))
    expected = np.array([[1, 2, 3], [4, np.nan, 6]])
    np.testing.assert_array_equal(survey.raw("perception").to_numpy(), expected)
    assert list(survey.index) == ["x", "y"]
    assert survey.covariates["branch"].tolist() == ["北", "南"]
    assert survey.provenance.notes[0].en == (
        "A row an answer: 5 rows became 2 respondents with 3 columns of answers."
    )


def test_batteries_of_a_long_file_become_columns_of_their_own(book, file):
    text = "who,q,b,a\n" + "".join(
        f"{who},{q},{b},{a}\n"
        for who, a in (("x", 1), ("y", 4))
        for q in (1, 2, 3)
        for b in ("感知", "期望")
    )
    codebook = book(
        rest=BOTH + '[batteries.expectation]\ncolumns = "E_{item}"\n',
        battery="",
    )
    battery = codebook.spec.batteries["perception"].model_copy(update={"columns": "P_{item}"})
    batteries = {**codebook.spec.batteries, "perception": battery}
    spec = codebook.spec.model_copy(update={"batteries": batteries})
    survey = read_survey(file(text), codebook.model_copy(update={"spec": spec}))
    assert survey.raw("expectation").to_numpy().tolist() == [[1, 1, 1], [4, 4, 4]]


FAULTS = {
    "an answer twice": (
        ROWS + "x,P1,1,北\n",
        r"respondent 'x', item 'P1', rows 2 and 7: twice '1'\); delete the rows .* or name the bat",
    ),
    "answers that differ": (ROWS + "y,P1,5,南\n", r"rows 6 and 7: '4' and '5'"),
    "no id": (ROWS + ",P2,5,南\n", r"column 'who', row 7: the id is empty \(1 row\(s\)\)"),
    "no item": (ROWS + "y,,5,南\n", r"column 'q', row 7: the item is empty"),
    "no such column": (ROWS.replace("who,", "person,"), r"no column 'who', which .* names as id"),
    "an item outside the codebook's": (ROWS.replace("P2", "P9"), r"no column 'P2'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_long_file_is_named(fault, book, file):
    text, message = FAULTS[fault]
    with pytest.raises(DataError, match=message):
        read_survey(file(text), book(rest=LONG))


def test_a_description_that_changes_within_a_respondent_is_never_picked_from(book, file):
    text = ROWS.replace("x,P3,3,北", "x,P3,3,南")
    survey = read_survey(file(text), book(rest=LONG))
    assert "change between the rows of one respondent: branch" in survey.provenance.notes[1].en
    with pytest.raises(
        DataError, match=r"'branch': respondent 'x' is '北' in row 2 and '南' in row 4 \(1 row"
    ):
        read_survey(file(text), book(rest=LONG + '[covariates.branch]\ncolumn = "branch"\n'))


def test_a_word_for_a_battery_that_the_file_lacks_is_named(book, file):
    text = "who,q,b,a\nx,1,感知,1\n"
    with pytest.raises(DataError, match=r"batteries names \['期望'\], but the column holds '感知'"):
        read_survey(file(text), book(rest=BOTH))


def test_an_item_column_that_names_no_items_is_refused_before_it_fills_the_memory(book, file):
    rows = "".join(f"{k},t{k},1\n" for k in range(2000))
    with pytest.raises(
        DataError, match=r"2,000 respondents \('who'\) by 2,000 items .* correct id"
    ):
        read_survey(file("who,q,a\n" + rows), book(rest=LONG))


def test_a_layout_that_names_one_column_twice_is_refused(book):
    with pytest.raises(CodebookError, match=r"column\(s\) \['q'\] stand for two things"):
        book(rest=LONG.replace('answer = "a"', 'answer = "q"'))
