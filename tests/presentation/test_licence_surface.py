"""The licence of gap scores and the response surface as people read them, in both languages."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.presentation.messages import catalogue
from tests.surveys import tiny_survey

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def survey():
    return sl.load_example("servqual")


@pytest.fixture(scope="module")
def licence(survey):
    return sl.gap_licence(survey)


@pytest.fixture(scope="module")
def surface(survey):
    return sl.response_surface(survey, "satisfaction")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_licence_says_verdict_reasons_and_what_instead(licence, language):
    words = catalogue("licence")
    text = " ".join(sl.narrate(licence, language=language).paragraphs)
    assert words["overall_not_alone"][language] in text
    assert words["instead_constraint"][language] in text
    assert words["instead_reliability"][language] not in text
    assert bool(CHINESE.search(text)) == (language == "zh")
    panel = sl.table(licence, language=language)
    assert list(panel.frame["licence"]) == [words["verdict_not_alone"][language]] * 6
    assert set(panel.marks["licence"]) == {"bad"}
    reasons = sl.table(licence, show="reasons", language=language)
    found = licence.findings[licence.findings["status"] != "pass"]
    assert len(reasons.frame) == len(found[["check", "reason"]].drop_duplicates())
    assert reasons.frame["status"].iloc[0] == words["status_fail"][language]


def test_every_reason_that_a_rule_can_give_has_its_words():
    from pathlib import Path

    folder = Path(sl.__file__).parent / "estimation" / "comparison"
    source = "".join(
        (folder / name).read_text("utf-8") for name in ("licence_rules.py", "licence_parts.py")
    )
    reasons = {r for r in re.findall(r'Finding\(\s*"\w+", "(\w+)"', source) if r != "x"}
    words = set(catalogue("licence"))
    assert len(reasons) > 12
    assert {r for r in reasons if not any(w.endswith(f"_{r}") for w in words)} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_missing_parts_are_said_and_never_passed(language):
    licence = sl.gap_licence(tiny_survey(n=60, per_dimension=(3, 1), outcome=False))
    text = " ".join(sl.narrate(licence, language=language).paragraphs)
    for key in ("constraint_no_outcome", "servperf_no_outcome", "reliability_single_item"):
        assert catalogue("licence")[key][language] in text
    panel = sl.table(licence, language=language)
    assert "p_robust" not in panel.headings
    assert catalogue("licence")["note_no_outcome"][language] in panel.notes


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_licence_without_reservation_says_that_all_is_passed(licence, language):
    clean = dataclasses.replace(
        licence,
        findings=licence.findings.assign(status="pass", items=""),
        by_term=licence.by_term.assign(licence="may"),
    )
    words = catalogue("licence")
    assert (
        sl.narrate(clean, language=language)
        .paragraphs[0]
        .startswith(words["overall_may"][language])
    )
    assert list(sl.table(clean, show="reasons", language=language).frame["finding"]) == [
        words["reasons_none"][language]
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_screen_opens_with_the_licence(survey, licence, language):
    gaps = sl.gap_scores(survey)
    parts = sl.summarize(survey, gaps=gaps, licence=licence, language=language)
    note = parts[0].block()
    assert note["title"] == catalogue("licence")["title"][language]
    assert catalogue("licence")["overall_not_alone"][language] in note["paragraphs"][0]
    plain = sl.summarize(survey, gaps=gaps, language=language)
    assert len(parts) == len(plain) + 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_surface_is_told_with_its_gap_and_congruence(surface, survey, language):
    text = " ".join(sl.narrate(surface, survey=survey, language=language).paragraphs)
    assert f"{100 * surface.r_squared:.1f} %" in text
    assert f"F(4, {surface.n - 6})" in text
    for show in ("surface", "models", "conditions"):
        table = sl.table(surface, show=show, survey=survey, language=language)
        assert bool(CHINESE.search(repr(table))) == (language == "zh")
    with pytest.raises(ModelError, match="show must be one of"):
        sl.table(surface, show="all")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_kind_of_congruence_has_its_sentence(surface, language):
    words = catalogue("surface")
    rows = surface.conditions
    for held, kind in (
        ({}, "strict"), ({"a1": False}, "broad"), ({"a4": False}, "none"), ({"p11": False}, "none"),
    ):  # fmt: skip
        holds = pd.Series(True, index=rows.index) if not held else pd.Series(True, rows.index)
        holds.update(pd.Series(held, dtype=bool))
        result = dataclasses.replace(surface, conditions=rows.assign(holds=holds.astype(bool)))
        assert result.congruence == kind
        said = words[f"says_{kind}"][language].split("{outcome}")[0]
        assert said in " ".join(sl.narrate(result, language=language).paragraphs)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_contour_shows_no_single_respondent(surface, survey, language):
    from servlab.presentation.plots.surface import _region

    chart = sl.plot_response_surface(surface, survey=survey, language=language)
    assert f"{surface.n}" in chart.alt
    region = _region(surface, 5)
    assert region.dots[:, 2].min() >= 5
    assert region.share >= 0.75
    assert np.isnan(region.height).any()
    seen = surface.observed.to_numpy()
    corners = {tuple(np.round(c, 6)) for c in region.hull}
    edges = {round(1 + 6 * k / n, 6) for n in (18, 12, 9, 6, 4, 3, 2) for k in range(n + 1)}
    assert all(set(corner) <= edges for corner in corners)  # corners of cells, no answers
    assert len(seen) == surface.n


def test_too_few_alike_are_not_drawn(surface):
    with pytest.raises(ModelError, match="no group of 500 respondents"):
        sl.plot_response_surface(surface, min_cell=500)
    with pytest.raises(ModelError, match="min_cell must be a whole number"):
        sl.plot_response_surface(surface, min_cell=0)


def test_collinear_batteries_are_said_in_table_sentence_and_caption(surface):
    flagged = dataclasses.replace(surface, flags=("collinear",), correlation=0.93)
    said = "nearly collinear (r = .93)"
    assert said in sl.narrate(flagged).paragraphs[0]
    assert said in " ".join(sl.table(flagged).notes)
    assert said in sl.plot_response_surface(flagged).caption


def test_a_weighted_surface_shows_robust_tests_only():
    weights = np.resize([1.0, 2.0], 200)
    result = sl.response_surface(tiny_survey(n=200, weights=weights), "satisfaction")
    table = sl.table(result, show="models")
    assert "p_value" not in table.headings
    assert "Under probability weights only robust tests exist." in table.notes
    assert "–" not in sl.narrate(result).paragraphs[0]


def test_reservations_are_named_in_the_sentences_and_explained_once_in_the_table(licence):
    rows = licence.findings[licence.findings["status"] == "reserve"]
    text = " ".join(sl.narrate(licence).paragraphs)
    words = catalogue("licence")
    for check, reason in rows[["check", "reason"]].drop_duplicates().itertuples(index=False):
        assert words[f"check_{check}"]["en"] in text
        assert words[f"{check}_{reason}"]["en"] not in text
    assert len(rows)
