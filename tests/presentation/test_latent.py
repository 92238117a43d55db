"""Latent variable models as people read them: tables, sentences, path diagram, both languages."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import InadmissibleWarning, ModelError
from servlab.presentation.plots.path_layout import diagram_of, frame_of

HS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
PATHS = "\ntextual ~ a*visual\nspeed ~ b*textual + c*visual\nind := a*b"


@pytest.fixture(scope="module")
def school(golden_data):
    return golden_data("hs1939.csv")


@pytest.fixture(scope="module")
def survey():
    return sl.load_example("servqual")


@pytest.fixture(scope="module")
def fits(school, survey):
    second = sl.instrument_syntax(survey.instrument) + (
        "\nquality =~ tangibles + reliability + responsiveness + assurance + empathy"
    )
    return {
        "servqual": sl.cfa(survey.instrument, survey, estimator="MLR"),
        "second": sl.cfa(second, survey),
        "paths": sl.sem(HS + PATHS, school),
        "groups": sl.cfa(HS, school, group="school"),
        "saturated": sl.cfa("f =~ x1 + x2 + x3", school),
        "observed": sl.sem("x9 ~ x1 + x2\nx8 ~ x9", school),
    }


@pytest.fixture(scope="module")
def ladders(school):
    return {
        "partial": sl.measurement_invariance(HS, school, group="school", rule="cheung2002"),
        "metric": sl.measurement_invariance(HS, school, group="school", partial=False),
    }


FITS = ["servqual", "second", "paths", "groups", "saturated", "observed"]


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("show", ["loadings", "fit", "factors", "structure"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_model_has_its_tables(fits, survey, name, show, language):
    shown = sl.table(fits[name], show=show, language=language, instrument=survey.instrument)
    assert len(shown.cells()) == len(shown.frame)
    assert shown.notes


def test_the_fit_table_holds_the_indices_against_their_standards(fits):
    shown = sl.table(fits["paths"], show="fit")
    assert shown.frame["cfi"].iloc[0] == fits["paths"].fit_measures["cfi"]
    assert shown.standards["cfi"] == "≥ .95"
    assert shown.marks["cfi"][0] == "bad"
    assert shown.marks["srmr"][0] == ""
    assert any("not calibrated" in note for note in shown.notes)


def test_a_robust_fit_has_a_row_a_form(fits):
    shown = sl.table(fits["servqual"], show="fit")
    assert shown.row_labels() == ["Normal theory", "Scaled", "Robust"]
    assert np.isnan(shown.frame["chi2"].iloc[2])
    assert np.isnan(shown.frame["srmr"].iloc[1])


def test_loadings_stand_with_their_factor_and_weak_ones_are_marked(fits, survey):
    shown = sl.table(fits["servqual"], instrument=survey.instrument)
    assert shown.row_groups[:4] == ["Tangibles"] * 4
    assert shown.row_labels()[0] == "1 Modern equipment"
    weak = sl.table(fits["paths"])
    at = weak.row_labels().index("x2")
    assert weak.marks["std_all"][at] == "bad"
    assert weak.frame["r_squared"].iloc[at] == pytest.approx(weak.frame["std_all"].iloc[at] ** 2)


def test_groups_are_named_in_the_loadings(fits):
    shown = sl.table(fits["groups"])
    assert shown.row_groups[0] == "visual (Pasteur)"
    assert shown.row_groups[-1] == "speed (Grant-White)"


def test_an_unknown_table_is_refused(fits, ladders):
    with pytest.raises(ModelError, match="show must be one of 'loadings', 'fit'"):
        sl.table(fits["paths"], show="all")
    with pytest.raises(ModelError, match="show must be one of 'ladder'"):
        sl.table(ladders["metric"], show="all")


def words(result, **options):
    return " ".join(sl.narrate(result, **options).paragraphs)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentences_follow_the_numbers(fits, language):
    text = words(fits["paths"], language=language)
    assert "85.31" in text
    assert "x2" in text
    assert ("1 of the 4" if language == "en" else "1项达标") in text
    assert ("not calibrated" if language == "en" else "并未针对") in text


def test_a_path_within_chance_is_not_told_as_an_effect(fits):
    text = words(fits["paths"])
    assert "textual rises with visual" in text
    assert "speed does not follow textual beyond chance" in text
    assert re.search(r"ind = 0\.0\d\d \(95 % interval .*zero lies inside", text)


def test_a_model_without_degrees_of_freedom_boasts_no_fit(fits):
    text = words(fits["saturated"])
    assert "tells nothing" in text
    assert "CFI" not in text


def test_a_good_fit_is_told_so_and_a_flag_comes_first(fits):
    assert "All four indices meet" in words(fits["servqual"])
    cor = np.full((4, 4), 0.525)  # two factors whose correlation is 1.05
    cor[:2, :2] = cor[2:, 2:] = 0.5
    np.fill_diagonal(cor, 1.0)
    draws = np.random.default_rng(1).normal(size=(200, 4))
    draws = (draws - draws.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(draws.T))).T
    data = pd.DataFrame(draws @ np.linalg.cholesky(cor).T, columns=list("abcd"))
    with pytest.warns(InadmissibleWarning):
        flagged = sl.cfa("f =~ a + b\ng =~ c + d", data)
    assert words(flagged).startswith("**The factors' covariances could not occur")
    assert any("could not occur" in note for note in sl.table(flagged).notes)


@pytest.mark.parametrize("show", ["ladder", "violations", "means"])
@pytest.mark.parametrize("name", ["partial", "metric"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_invariance_has_its_tables(ladders, name, show, language):
    shown = sl.table(ladders[name], show=show, language=language)
    assert len(shown.cells()) == len(shown.frame)
    assert shown.notes


def test_verdicts_stop_where_a_level_fails(ladders):
    shown = sl.table(ladders["metric"])
    assert shown.frame["verdict"].tolist() == ["base", "holds", "fails", "not reached"]
    assert shown.marks["verdict"] == ["", "", "bad", "bad"]
    exploratory = sl.table(ladders["partial"])
    assert exploratory.row_groups[-1].startswith("Exploratory")
    assert "intercept of x3" in exploratory.row_labels()[-1]


@pytest.mark.parametrize(("name", "said"), [
    ("metric", "means, mean differences and gaps may not"),
    ("partial", "This was found by looking at the data"),
])  # fmt: skip
def test_failed_invariance_is_hard_to_miss(ladders, name, said):
    text = words(ladders[name])
    assert text.startswith("**")
    assert said in text
    notes = sl.invariance_warnings(ladders[name])
    assert [note.kind for note in notes] == ["warning"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_levels_of_a_model_that_does_not_fit_conclude_nothing(school, language):
    one = "f =~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9"
    found = sl.measurement_invariance(one, school, group="school")
    assert "configural_misfit" in found.flags
    text = words(found, language=language)
    assert ("nothing may be concluded" if language == "en" else "不能得出可比或不可比") in text
    assert ("pooled standard deviations" if language == "en" else "合并标准差") not in text
    assert len(sl.invariance_warnings(found, language=language)) == 1  # nor says "do not compare"
    base = sl.table(found, language=language)
    assert base.frame["verdict"].iloc[0] == ("does not fit" if language == "en" else "不拟合")
    assert base.marks["verdict"][0] == "bad"
    means = sl.table(found, show="means", language=language)
    assert ("model itself" if language == "en" else "模型本身") in means.notes[0]
    fit = found.fit("configural")
    figures = sl.summarize_model(fit, invariance=found, language=language)[1]
    assert figures.cards[-1].value == ("not shown" if language == "en" else "未能证明")
    assert figures.cards[-1].tone == "bad"


def test_no_latent_means_are_shown_without_scalar_invariance(ladders):
    assert len(sl.table(ladders["metric"], show="means").frame) == 0
    assert "no latent means to compare" in words(ladders["metric"])
    assert len(sl.table(ladders["partial"], show="means").frame) == 3


def test_batteries_speak_of_the_gap(golden_data):
    data = golden_data("sim_batteries.csv")
    data.columns = [
        c if c == "branch" else ("expectation_" if c[0] == "e" else "perception_") + c[1:]
        for c in data
    ]
    model = "rel =~ `1` + `2` + `3` + `4`\nemp =~ `5` + `6` + `7` + `8`"
    found = sl.measurement_invariance(model, data, batteries=("expectation", "perception"))
    for language, said in (("en", "A gap score P − E presumes"), ("zh", "差距分数P − E以")):
        assert said in words(found, language=language)
    assert "Expectation and perception share one scale only in part" in str(
        sl.invariance_warnings(found)[0].text
    )


@pytest.mark.parametrize("name", FITS)
def test_every_model_has_a_diagram(fits, survey, name):
    chart = sl.plot_path_diagram(fits[name], instrument=survey.instrument)
    assert chart.svg.startswith("<svg")
    assert chart.narrow_svg.startswith("<svg")
    assert "Path diagram with" in chart.alt


def test_the_diagram_shows_every_loading_and_correlation(fits, survey):
    chart = sl.plot_path_diagram(fits["servqual"], instrument=survey.instrument, language="zh")
    numbers = re.findall(r">(\.\d\d)</text>", chart.svg)
    assert len(numbers) == 22 + 10
    assert ">可靠性</text>" in chart.svg
    second = sl.plot_path_diagram(fits["second"])
    assert len(re.findall(r">(\.\d\d)</text>", second.svg)) == 22 + 5
    assert "R² .63" in second.svg


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("narrow", [False, True])
def test_nothing_in_a_diagram_stands_outside_it_or_on_another(fits, name, narrow):
    diagram = diagram_of(fits[name], 1)
    frame = frame_of(diagram, narrow=narrow)
    rx, ry = frame.radius
    for node in (*diagram.nodes, *diagram.tops):
        assert rx <= frame.x[node] <= frame.width - rx
        assert 0 < frame.y[node] - ry < frame.y[node] + ry < frame.height
    for column in (diagram.nodes, diagram.tops, diagram.items):
        heights = sorted(frame.y[name] for name in column)
        least = 20 if column is diagram.items else 2 * ry
        assert all(b - a >= least for a, b in pairwise(heights))
    for link in diagram.links:
        assert frame.apex(link) <= frame.width - frame.size


def test_residual_covariances_are_counted_and_groups_chosen(school, golden_data):
    fit = sl.cfa(HS + "\nx1 ~~ x9", school, group="school")
    chart = sl.plot_path_diagram(fit, group="Grant-White")
    assert "1 covariance of residuals is not drawn" in chart.alt
    with pytest.raises(ModelError, match="group must be one of"):
        sl.plot_path_diagram(fit, group="nowhere")


def test_row_order_and_labels_do_not_change_a_table(school):
    one = sl.table(sl.cfa(HS, school), show="fit").frame
    other = sl.table(sl.cfa(HS, school.iloc[::-1]), show="fit").frame
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_a_model_misses_is_shown_as_exploratory(fits, school, language):
    indices = sl.modification_indices(fits["paths"])
    shown = sl.table(indices, language=language)
    assert len(shown.frame) == 10
    assert shown.frame["mi"].is_monotonic_decreasing
    assert any(("Exploratory" if language == "en" else "探索性") in note for note in shown.notes)
    assert f"{indices.tidy()['mi'].iloc[0]:.2f}" in words(indices, language=language)
    residuals = sl.model_residuals(fits["paths"])
    assert len(sl.table(residuals, language=language).frame) == 10
    assert "36" in words(residuals, language=language)  # pairs of nine items
    groups = sl.table(sl.modification_indices(fits["groups"]), language=language)
    assert set(groups.row_groups) <= {"Pasteur", "Grant-White"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_indirect_effects_have_bootstrap_intervals(fits, language):
    draws = sl.bootstrap_fit(fits["paths"], seed=1, n_draws=40)
    shown = sl.table(draws, language=language)
    assert shown.row_labels()[-1] == "ind = a*b"
    assert len(shown.frame) == 4
    assert "ind = 0.027" in words(draws, language=language)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_omega_of_a_model_is_told_against_its_standard(fits, language):
    weak = sl.factor_reliability(fits["paths"])
    assert "visual" in words(weak, language=language)
    assert sl.table(weak, language=language).marks["reliability"][0] == "bad"
    sound = words(sl.factor_reliability(fits["servqual"]), language=language)
    assert ".70" in sound
    assert ("reliable enough" if language == "en" else "均达标") in sound


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_screen_warns_before_it_tells(survey, fits, ladders, language):
    parts = sl.summarize_model(
        fits["servqual"], survey=survey, invariance=ladders["metric"], language=language
    )
    assert [type(part).__name__ for part in parts] == ["Note", "KeyFigures", "Prose"]
    assert len(parts[1].cards) == 4
    chosen = sl.model_choices(survey)
    assert len(sl.model_methods(fits["servqual"], chosen, language=language)) == 3
    assert sl.model_cover(survey, language=language).title
    (note,) = sl.comparison_notes(chosen, survey=survey, language=language)  # all too small
    assert {"en": "Harbour", "zh": "港口"}[language] in note.text[0]


@pytest.mark.parametrize(("language", "words"), [("en", "without error"), ("zh", "无测量误差")])
def test_paths_of_observed_outcomes_say_what_they_take_for_granted(language, words):
    data = sl.load_example("servqual")
    structure = sl.structural_choices(data)
    fit = sl.sem(structure.model, structure.data)
    notes = " ".join(map(str, sl.table(fit, show="structure", language=language).notes))
    assert words in notes
    hidden = sl.sem("f =~ `1` + `2` + `3`\ng =~ `5` + `6` + `7`\ng ~ f", structure.data)
    notes = " ".join(map(str, sl.table(hidden, show="structure", language=language).notes))
    assert words not in notes


@pytest.mark.parametrize("language", ["en", "zh"])
def test_latent_means_are_told_a_group_at_a_time(ladders, language):
    """However many factors: three sentences a group at most, and no p value is lost."""
    found = ladders["partial"]
    told = sl.narrate(found, language=language).paragraphs[-1]
    wanted = {"en": "pooled standard deviations", "zh": "合并标准差"}[language]
    assert told.count(wanted) == 1
    apart = found.means[found.means["p_value"] < 0.05]
    for effect in apart["effect_size"].abs():
        assert f"{effect:.2f}" in told
