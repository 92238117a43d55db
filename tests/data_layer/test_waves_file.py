"""A codebook that lists waves: several files read, checked and described as one study."""

import pandas as pd
import pytest

from servlab.core.errors import CodebookError, DataError
from servlab.data.check import check_survey
from servlab.data.readers import read_survey
from servlab.data.waves_file import codebook_files
from tests.conftest import HERE

BOOK = """
title = { en = "Two years", zh = "两年" }
waves = [
    { name = "2024", data = "a.csv", codebook = "base.toml" },
    { name = "2025", data = "b.csv", codebook = "later.toml" },
]
"""
BASE = """
reversed = []
[instrument]
name = "w"
title = "w"
scale = { low = 1, high = 5 }
items = [{ code = "a", label = "A" }, { code = "b", label = "B" }, { code = "c", label = "C" }]
[instrument.batteries.perception]
[batteries.perception]
columns = "{item}"
[[exclusions]]
rule = "blank"
reason = { en = "blank", zh = "空白" }
"""


@pytest.fixture
def folder(tmp_path):
    texts = {
        "waves.toml": BOOK,
        "base.toml": BASE,
        "later.toml": 'extends = "base.toml"\n[batteries.perception]\nnot_asked = ["c"]\n',
        "a.csv": "a,b,c\n1,2,3\n3,4,5\n,,\n",
        "b.csv": "a,b\n1,2\n3,4\n5,5\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_listed_waves_become_one_survey_with_a_wave_covariate(folder):
    survey = read_survey(folder, folder / "waves.toml")
    assert survey.covariates["wave"].value_counts().to_dict() == {"2025": 3, "2024": 2}
    assert survey.provenance.title.zh == "两年"
    assert survey.provenance.n_rows == 6
    assert [(e.reason.en, e.n) for e in survey.provenance.exclusions] == [
        ("2024: blank", 1),
        ("2025: blank", 0),
    ]
    assert any("Item c" in note.en for note in survey.provenance.notes)
    assert survey.raw("perception").loc["2025: 4", "a"] == 5  # the row of its file


def test_the_check_of_listed_waves_says_what_each_holds(folder):
    report = check_survey(folder, folder / "waves.toml")
    assert (report.n_rows, report.n_used, report.problems) == (6, 5, ())
    assert report.source == f"{folder.name}, waves 2024, 2025"
    assert report.complete == {"perception": 2}
    assert report.missing_by_item["perception"].to_dict() == {"a": 0, "b": 0, "c": 3}
    assert any("Item c" in note for note in report.notes)
    (folder / "b.csv").write_text("a,b\n1,2\n3,9\n", encoding="utf-8")
    report = check_survey(folder, folder / "waves.toml")
    assert report.n_used == 0
    assert report.problems[0].startswith("2025: b.csv, column 'b', row 3: ")


def test_waves_that_cannot_be_put_together_are_a_problem_of_the_check(folder):
    text = BASE.replace("high = 5", "high = 7")
    (folder / "later.toml").write_text(text, encoding="utf-8")
    (folder / "b.csv").write_text("a,b,c\n1,2,3\n3,4,7\n", encoding="utf-8")
    report = check_survey(folder, folder / "waves.toml")
    assert report.problems == (
        "waves '2024' and '2025' differ in scales; let their codebooks extend one "
        "base, and name items that a wave did not ask under not_asked.",
    )


def test_wrong_lists_of_waves_are_refused_by_name(folder):
    with pytest.raises(DataError, match=r"a.csv is no folder; waves.toml lists 2 waves, so name "):
        read_survey(folder / "a.csv", folder / "waves.toml")
    twice = BOOK.replace('"2025"', '"2024"')
    (folder / "waves.toml").write_text(twice, encoding="utf-8")
    with pytest.raises(CodebookError, match=r"waves.toml has 1 mistake(?s:.*)\['2024'\] twice"):
        read_survey(folder, folder / "waves.toml")
    (folder / "waves.toml").write_text("waves = []\n", encoding="utf-8")
    with pytest.raises(CodebookError, match="line 1: waves: "):
        read_survey(folder, folder / "waves.toml")
    (folder / "waves.toml").write_text(BOOK, encoding="utf-8")
    (folder / "b.csv").unlink()
    with pytest.raises(DataError, match=r"b.csv does not exist"):
        read_survey(folder, folder / "waves.toml")


def test_four_airport_waves_read_with_one_call(shared_data):
    survey = read_survey(shared_data / "sfo", HERE / "codebooks" / "sfo_waves.toml")
    means = survey.outcomes["overall"].groupby(survey.covariates["wave"]).mean()
    expected = pd.Series([3.982, 3.996, 4.048, 4.038], index=["2013", "2014", "2015", "2016"])
    pd.testing.assert_series_equal(means, expected, atol=5e-4, rtol=0, check_names=False)
    report = check_survey(shared_data / "sfo", HERE / "codebooks" / "sfo_waves.toml")
    assert report.problems == ()
    assert report.n_used == survey.n == 12398


def test_all_files_behind_a_codebook_are_found(folder):
    names = [path.name for path in codebook_files(folder / "waves.toml")]
    assert names == ["waves.toml", "base.toml", "later.toml"]
    assert [path.name for path in codebook_files(folder / "later.toml")] == [
        "later.toml",
        "base.toml",
    ]
