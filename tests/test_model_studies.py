"""The studies of a measurement and of a structural model end to end, in both languages."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import servlab as sl
from tests.test_quality_study import CHINESE, visible_text

ROOT = Path(__file__).resolve().parent.parent
CODEBOOKS = ROOT / "tests" / "codebooks"
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]


def run(out, notebook, language, **parameters):
    result = sl.run_study(
        ROOT / "notebooks" / f"{notebook}.ipynb",
        {"language": language, **parameters},
        out=out,
        name=notebook,
        language=language,
    )
    assert result.status == "complete", [f.error for f in result.failures]
    return result


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Both notebooks on the simulated example, in both languages."""
    out = tmp_path_factory.mktemp("models")
    draws = {"measurement_model": {}, "structural_model": {"n_draws": 100}}
    return {
        (notebook, language): run(out, notebook, language, **more)
        for notebook, more in draws.items()
        for language in ("en", "zh")
    }


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory, shared_data):
    """The kiosk survey, whose expectations and perceptions share a scale only in part."""
    return run(
        tmp_path_factory.mktemp("models"),
        "measurement_model",
        "en",
        data=shared_data / "kiosk" / "kiosk_servqual.csv",
        codebook=CODEBOOKS / "kiosk.toml",
    )


def text_of(result) -> str:
    return visible_text(result.report.read_text(encoding="utf-8"))


BOTH = [(n, lang) for n in ("measurement_model", "structural_model") for lang in ("en", "zh")]


@pytest.mark.parametrize("key", BOTH)
def test_each_report_is_one_offline_file_in_its_language(studies, key):
    page = studies[key].report.read_text(encoding="utf-8")
    text = visible_text(page)
    assert len(page.encode()) < 700_000
    assert "<script" not in page
    assert not re.search(r'(src|href)="https?:', page)
    assert str(ROOT) not in page
    for words in ("Traceback", "NaN", "DataFrame", "nan"):
        assert words not in text
    if key[1] == "en":
        assert not CHINESE.search(text.replace("中文", ""))
    else:
        sentences = re.findall(r"(?:\b[a-z]+\b[ ,]+){5,}", text)
        assert [s for s in sentences if "Journal" not in s] == []


def test_the_measurement_report_has_its_parts(studies):
    text = text_of(studies["measurement_model", "en"])
    wanted = ("Does the model fit?", "Items and factors", "What the model misses (exploratory)",
              "Are expectation and perception on one scale?", "Do groups use the items alike?",
              "Fit of the model", "not calibrated for this model", "omega of the model",
              "A gap score P − E presumes", "tangibles =~", "too small to be compared")  # fmt: skip
    assert [words for words in wanted if words not in text] == []


def test_the_structural_report_has_paths_and_indirect_effects(studies):
    text = text_of(studies["structural_model", "en"])
    wanted = ("What leads to what", "Paths between variables", "Satisfaction rises with Service")
    assert [words for words in wanted if words not in text] == []


def test_recorded_numbers_are_the_functions_own(studies):
    folder = studies["measurement_model", "zh"].folder
    frame = pd.read_parquet(folder / "results.parquet")
    survey = sl.load_example("servqual")
    fit = sl.cfa(survey.instrument, survey, estimator="MLR")
    found = frame.query("result == 'fit' and part == 'glance'")["cfi"].iloc[0]
    assert found == pytest.approx(fit.fit_measures["cfi"], abs=1e-9)
    names = set(json.loads((folder / "results.json").read_text("utf-8"))["results"])
    assert {"fit", "reliability", "residuals", "modification_indices"} <= names
    assert "invariance_batteries" in names


@pytest.mark.shared_data
def test_a_gap_that_is_not_on_one_scale_is_hard_to_miss(kiosk):
    page = kiosk.report.read_text(encoding="utf-8")
    said = "Expectation and perception share one scale only in part"
    assert page.count(said) == 2  # first screen and its own section
    assert page.index(said) < page.index("Who answered</h2>")
    text = visible_text(page)
    assert "partial scalar" in text
    assert "fails" in text
    assert "Which equalities do the answers speak against?" in text


@pytest.mark.shared_data
def test_a_mediation_on_a_real_survey_has_its_bootstrap(tmp_path, shared_data):
    result = run(
        tmp_path,
        "structural_model",
        "zh",
        data=shared_data / "mobi" / "mobi.csv",
        codebook=CODEBOOKS / "mobi.toml",
        n_draws=100,
    )
    text = text_of(result)
    assert "间接效应 = a*b" in text
    assert "自助法" in text


SURVEYS = {
    "bank": ("bank/satisfaction.csv", "bank", {"group": "gender"}),
    "mobi": ("mobi/mobi.csv", "mobi", {}),
    "univer": ("univer/univer.csv", "univer", {}),
    "sfo": ("sfo", "sfo_waves", {"group": "wave"}),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", list(SURVEYS))
def test_real_surveys_have_models_that_are_told_in_both_languages(shared_data, name):
    file, codebook, options = SURVEYS[name]
    survey = sl.read_survey(shared_data / file, CODEBOOKS / f"{codebook}.toml")
    chosen = sl.model_choices(survey, **options)
    assert chosen.missing == ("fiml" if name == "sfo" else "listwise")
    assert chosen.group == options.get("group", chosen.group)
    path = sl.structural_choices(survey)
    fits = [
        sl.cfa(chosen.model, chosen.data, estimator="MLR", missing=chosen.missing,
               weights=chosen.weights),
        sl.sem(path.model, path.data, estimator="MLR", missing=path.missing, weights=path.weights),
    ]  # fmt: skip
    for fit in fits:
        for language in ("en", "zh"):
            text = " ".join(sl.narrate(fit, survey=survey, language=language).paragraphs)
            assert f"{fit.fit_measures['srmr']:.3f}".lstrip("0") in text
            assert CHINESE.search(text) or language == "en"
            assert len(sl.table(fit, show="fit", language=language).frame) == 3
