"""Real surveys through their codebooks: counts and means known from elsewhere."""

from pathlib import Path

import pytest

import servlab as sl
from servlab.core.errors import CodebookError, DataError
from servlab.data.check import check_survey
from servlab.data.codebook import load_codebook
from servlab.data.draft import draft_codebook
from servlab.data.readers import read_survey
from servlab.data.wave_items import wave_items
from servlab.data.waves import combine_waves

BOOKS = Path(__file__).resolve().parent.parent / "codebooks"
YEARS = ("2013", "2014", "2015", "2016")
FILES = {
    "kiosk": "kiosk/kiosk_servqual.csv",
    "bank": "bank/satisfaction.csv",
    "mobi": "mobi/mobi.csv",
    "univer": "univer/univer.csv",
}
N = {"kiosk": 207, "bank": 250, "mobi": 250, "univer": 2179}


@pytest.mark.parametrize("name", FILES)
def test_a_codebook_of_a_few_lines_reads_a_real_file(name, shared_data):
    survey = read_survey(shared_data / FILES[name], BOOKS / f"{name}.toml")
    assert survey.n == N[name]
    report = check_survey(shared_data / FILES[name], BOOKS / f"{name}.toml")
    assert (report.problems, report.n_used) == ((), N[name])


def test_kiosk_means_are_the_authors(shared_data):
    survey = read_survey(shared_data / FILES["kiosk"], BOOKS / "kiosk.toml")
    assert survey.provenance.n_rows == 211
    assert [(e.reason.en, e.n) for e in survey.provenance.exclusions] == [("never used a kiosk", 4)]
    means = [survey.items(b).mean().mean() for b in ("expectation", "perception")]
    assert means == pytest.approx([5.974, 4.872], abs=5e-4)  # printed with three decimals


@pytest.fixture(scope="module")
def airport(shared_data):
    return {
        year: read_survey(shared_data / "sfo" / f"{year}.csv", BOOKS / f"sfo{year}.toml")
        for year in YEARS
    }


def test_four_waves_of_an_airport_are_one_survey(airport):
    survey = combine_waves(airport)
    means = survey.outcomes["overall"].groupby(survey.covariates["wave"]).mean()
    assert list(means) == pytest.approx([3.982, 3.996, 4.048, 4.038], abs=5e-4)  # as printed
    assert survey.n == sum(wave.n for wave in airport.values()) == 12398
    assert survey.index.is_unique
    assert survey.weights is not None
    assert survey.variables["wave"].role == "wave"
    items = wave_items(airport)
    assert set(items.by_item["comparable"]) == {"yes"}
    assert set(items.tidy()["reasons"]) == {"column (2014); column (2015); column (2016)"}
    assert items.by_item.loc[("outcome", "overall"), list(YEARS)].min() > 2400
    assert items.differences[0].before.en == "Q7A_ART"
    assert items.differences[0].now.en == "Q7ART"
    assert survey.covariates["area"].isna().groupby(survey.covariates["wave"]).all()["2013"]


@pytest.mark.parametrize("name", [*FILES.values(), "sfo/2016.csv"])
def test_a_drafted_codebook_reads_its_file_or_the_check_says_why(name, shared_data, tmp_path):
    path = tmp_path / "draft.toml"
    path.write_text(draft_codebook(shared_data / name), encoding="utf-8")
    report = check_survey(shared_data / name, path)
    assert report.n_used == report.n_rows - sum(e.n for e in report.exclusions) > 0
    assert all("negatively worded?" in problem for problem in report.problems)


def test_waves_that_differ_are_not_put_together(airport, tmp_path):
    text = (BOOKS / "sfo.toml").read_text(encoding="utf-8")
    (tmp_path / "sfo.toml").write_text(text, encoding="utf-8")
    changed = airport["2016"].without_weights()
    with pytest.raises(DataError, match=r"'2015' and '2016' differ in weights"):
        combine_waves({"2015": airport["2015"], "2016": changed})
    with pytest.raises(DataError, match="at least two waves are needed; got 1"):
        combine_waves({"2015": airport["2015"]})


def _items(codes, scale=5):
    listed = ", ".join(f'{{ code = "{c}", label = "{c}" }}' for c in codes)
    return (
        f'reversed = []\n[instrument]\nname = "w"\ntitle = "w"\n'
        f"scale = {{ low = 1, high = {scale} }}\nitems = [{listed}]\n"
        "[instrument.batteries.perception]\n"
    )


def test_an_item_a_wave_did_not_ask_is_stated(tmp_path, file):
    (tmp_path / "base.toml").write_text(
        _items("abc") + '[batteries.perception]\ncolumns = "{item}"\n', encoding="utf-8"
    )
    (tmp_path / "later.toml").write_text(
        'extends = "base.toml"\n[batteries.perception]\nnot_asked = ["c"]\n', encoding="utf-8"
    )
    one = read_survey(file("a,b,c\n1,2,3\n3,4,5\n", "1.csv"), tmp_path / "base.toml")
    two = read_survey(file("a,b\n1,2\n3,4\n", "2.csv"), tmp_path / "later.toml")
    survey = combine_waves({"one": one, "two": two})
    assert survey.raw("perception")["c"].tolist()[:2] == [3, 5]
    assert survey.raw("perception")["c"].isna().tolist() == [False, False, True, True]
    assert [note.en for note in survey.provenance.notes] == [
        "Item c of perception has no answers in two; do not compare it."
    ]
    items = wave_items({"one": one, "two": two})
    assert items.by_item["comparable"].tolist() == ["yes", "yes", "no"]
    assert items.tidy()["reasons"].tolist() == ["", "", "not_asked (two)"]
    assert list(survey.index) == ["one: 2", "one: 3", "two: 2", "two: 3"]


def test_codebooks_that_extend_each_other_are_refused(tmp_path):
    for here, there in (("a", "b"), ("b", "a")):
        (tmp_path / f"{here}.toml").write_text(f'extends = "{there}.toml"\n', encoding="utf-8")
    with pytest.raises(CodebookError, match=r"b.toml extends a.toml, which extends it in turn"):
        load_codebook(tmp_path / "a.toml")


def test_the_examples_load_and_say_what_they_are():
    servqual, abc = sl.load_example("servqual"), sl.load_example("abc")
    assert servqual.provenance.simulated
    assert not abc.provenance.simulated
    assert abc.n == 266
    assert int(abc.items("perception").notna().all(axis=1).sum()) == 145
    assert not any("Prob" in column for column in abc.frame().columns)
    assert abc.provenance.notes
    with pytest.raises(
        DataError, match="no example is called 'iris'; there are servqual, servqual_waves, abc"
    ):
        sl.load_example("iris")
