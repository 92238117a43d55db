"""The keying question: an item that runs against the others stops the reader, or is noted."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import CodebookError, KeyingWarning
from servlab.data.check import check_survey
from servlab.data.codebook import Codebook, load_codebook
from servlab.data.keying import negative_items
from servlab.data.readers import read_survey, survey_from_frame

NEGATIVE = "[10, 11, 12, 13, 18, 19, 20, 21, 22]"


@pytest.fixture
def servqual(tmp_path):
    """A simulated 1988 file as it would be ticked, and a codebook with the reversals given."""
    survey = sl.simulate_survey(sl.load_instrument("servqual-1988"), n=200, seed=4)
    frame = pd.concat(
        [survey.raw("expectation").add_prefix("E"), survey.raw("perception").add_prefix("P")],
        axis=1,
    )

    def read(reversed_items: str, declared: str = "[]") -> tuple[pd.DataFrame, Codebook]:
        path = tmp_path / "c.toml"
        path.write_text(
            f'instrument = "servqual-1988"\nreversed = {reversed_items}\n'
            f"keyed_as_declared = {declared}\n"
            '[batteries.expectation]\ncolumns = "E{item}"\n'
            '[batteries.perception]\ncolumns = "P{item}"\n',
            encoding="utf-8",
        )
        return frame, load_codebook(path)

    return read


def test_the_right_keying_raises_no_question(servqual):
    survey = survey_from_frame(*servqual(NEGATIVE))
    assert survey.provenance.notes == ()


def test_a_whole_dimension_keyed_the_wrong_way_is_found_against_the_battery(servqual):
    with pytest.raises(CodebookError) as caught:
        survey_from_frame(*servqual("[10, 11, 12, 13]"))
    text = str(caught.value)
    assert all(f"is item '{k}' (column" in text for k in (18, 19, 20, 21, 22))
    assert "is item '10'" not in text
    assert "put '18' into reversed; if it is right, put '18' into keyed_as_declared" in text


def test_an_item_turned_round_by_mistake_is_asked_about(servqual):
    with pytest.raises(CodebookError, match=r"is item '1' .* is turned round .*take '1' out"):
        survey_from_frame(*servqual("[1, " + NEGATIVE[1:]))


def test_a_declared_item_passes_and_is_noted(servqual):
    wrong = "[1, " + NEGATIVE[1:]
    survey = survey_from_frame(*servqual(wrong, '["1"]'))
    assert [note.en for note in survey.provenance.notes] == [
        "Keyed as the codebook declares, whatever their correlations: items 1."
    ]


def test_within_chance_it_is_a_warning_and_a_note(book, file):
    text = "P1,P2,P3\n1,2,3\n4,5,3\n7,6,3\n2,3,4\n5,5,2\n3,3,4\n6,6,4\n"
    with pytest.warns(KeyingWarning, match=r"item '3' of perception correlates -0\.\d\d"):
        survey = read_survey(file(text), book())
    assert "within chance" in survey.provenance.notes[0].en
    assert "第 3 题" in survey.provenance.notes[0].zh


def test_check_lists_the_question_instead_of_raising(servqual, tmp_path):
    frame, codebook = servqual("[]")
    path = tmp_path / "a.csv"
    frame.to_csv(path, index=False)
    report = check_survey(path, codebook)
    assert report.n_used == 200
    assert sum("negatively worded?" in problem for problem in report.problems) >= 9


def test_fisher_z_is_one_sided_and_corrected_over_the_battery():
    # r = -.5 at n = 12: z = -1.648, p = .0497, below .05 but not below .05 / 2
    rng = np.random.default_rng(1)
    x = rng.normal(size=12)
    x = (x - x.mean()) / x.std()
    e = rng.normal(size=12)
    e = e - e.mean() - (e @ x) / (x @ x) * x
    y = -0.5 * x + np.sqrt(0.75) * e / e.std()
    instrument = sl.load_instrument("servperf")
    found = negative_items("perception", pd.DataFrame({"1": x, "5": y}), _two(instrument))
    assert [item.item for item in found] == ["1", "5"]
    assert found[0].correlation == pytest.approx(-0.5, abs=1e-12)
    assert not found[0].beyond_chance


def _two(instrument):
    keep = tuple(item for item in instrument.items if item.code in ("1", "5"))
    return instrument.model_copy(update={"items": keep})
