"""Tables, sentences and charts of branches: no bare rank, no overlap, two languages."""

import re

import numpy as np
import pytest

import servlab as sl
from servlab.presentation.plots.importance import Box
from tests.presentation.drawn import drawn, texts
from tests.surveys import simulated_branches, tiny_survey


@pytest.fixture(scope="module")
def survey():
    return tiny_survey(n=150, per_dimension=(2, 3))


@pytest.fixture(scope="module")
def many():
    sizes = np.random.default_rng(1).integers(8, 60, 200)
    names = [f"Branch office {i}" for i in range(200)]
    return simulated_branches(sizes, between=0.4, seed=3, names=names)


@pytest.fixture(scope="module")
def results(survey):
    return {
        "agreement": sl.agreement(survey, by="branch"),
        "league": sl.league_table(survey, by="branch", seed=1),
        "funnel": sl.funnel(survey, by="branch"),
        "counts": sl.funnel_counts({"A": 12, "B": 60, "C": 9}, {"A": 150, "B": 210, "C": 160}),
    }


@pytest.mark.parametrize("name", ["agreement", "league", "funnel", "counts"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_and_sentences_stand_in_one_language(results, survey, name, language):
    labels = {} if name == "counts" else {"survey": survey}
    table = sl.table(results[name], language=language, **labels)
    words = str(sl.narrate(results[name], language=language, **labels))
    assert table.caption
    assert words
    text = " ".join([table.caption, *table.headings.values(), *table.notes, words])
    if language == "en":
        assert not re.search(r"[\u4e00-\u9fff，。；：（）]", text)
    else:
        assert re.search(r"[\u4e00-\u9fff]", words)
        common = {"groups", "means", "between", "limits", "outside", "chance", "respondents"}
        assert not common & set(re.findall(r"[a-z]{4,}", text))


def test_every_rank_shown_has_its_limits(results, survey):
    rows = sl.table(results["league"], survey=survey).frame
    assert all(re.fullmatch(r"(\d+ \()?\d+–\d+\)?", text) for text in rows["ranked"])
    chart = sl.plot_league(results["league"], survey=survey)
    assert len(re.findall(r"rank (\d+ \()?\d+–\d+", chart.alt)) == 3


def test_on_the_boundary_the_words_refuse_a_ranking():
    league = sl.league_table(simulated_branches([30] * 4, between=0.0, seed=8), by="branch", seed=1)
    assert league.boundary
    assert "no ranking is given" in str(sl.narrate(league))
    assert "highest mean" not in str(sl.narrate(league))
    assert "no ranking is given" in sl.plot_league(league).caption
    assert "不给出排名" in str(sl.narrate(league, language="zh"))


@pytest.mark.parametrize("name", ["league", "funnel"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_charts_of_200_branches_stay_inside_a_phone(many, name, language):
    if name == "league":
        found = sl.league_table(many, by="branch", seed=1, n_draws=200)
        plot = sl.plot_league
    else:
        found = sl.funnel(many, by="branch", dispersion="none")
        plot = sl.plot_funnel
    chart, wide, narrow = drawn(plot, found, survey=many, language=language)
    assert chart.alt
    assert len(chart.narrow_svg) > 1000
    for figure, width in ((wide, 720), (narrow, 340)):
        for text in figure.findobj(lambda a: hasattr(a, "get_text") and a.get_text()):
            box = text.get_window_extent()
            assert box.x0 > -1, text.get_text()
            assert box.x1 < width * figure.dpi / 72 + 1, text.get_text()
    if name == "league":
        assert any("170" in text for text in texts(wide))  # those between both ends


def test_labels_of_a_funnel_never_overlap(many):
    found = sl.funnel(many, by="branch", dispersion="none")
    for figure in drawn(sl.plot_funnel, found, survey=many)[1:]:
        boxes = [
            text.get_window_extent()
            for text in figure.axes[0].texts
            if text.get_text().startswith("Branch")
        ]
        assert boxes
        shapes = [Box(b.x0, b.y0 + 3, b.x1, b.y1 - 3) for b in boxes]
        for i, one in enumerate(shapes):
            assert all(one.overlap(two) <= 0 for two in shapes[i + 1 :])


def test_the_caption_counts_the_branches_that_it_does_not_name(many):
    found = sl.funnel(many, by="branch", dispersion="none")
    outside = int((found.by_group["place"] != "inside").sum())
    chart, wide, _ = drawn(sl.plot_funnel, found, survey=many)
    named = sum(text.startswith("Branch") for text in texts(wide))
    assert f"{outside - named} groups outside the limits are not named" in chart.caption


def test_hidden_branches_are_named_and_have_no_number(survey):
    counts = survey.covariates["branch"].value_counts()
    with_small = tiny_survey(n=152, per_dimension=(2, 3))
    with_small.covariates.loc[[150, 151], "branch"] = "tiny"
    found = sl.funnel(with_small, by="branch")
    assert "tiny" in str(sl.narrate(found, survey=with_small))
    assert "tiny" not in sl.table(found, survey=with_small).row_labels()
    assert len(counts) == 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_branch_that_widens_its_own_limits_is_still_named(language):
    """With few branches one far off makes the overdispersion that keeps it inside."""
    survey = simulated_branches([60] * 5, between=0.6, seed=4)
    funnel = sl.funnel(survey, by="branch")
    chance = sl.funnel(survey, by="branch", dispersion="none")
    outside = chance.by_group.loc[chance.by_group["place"] != "inside", "group"]
    assert set(funnel.beyond_chance) == set(outside)
    inside = funnel.by_group.loc[funnel.by_group["place"] == "inside", "group"]
    kept = [group for group in funnel.beyond_chance if group in set(inside)]
    assert kept
    last = sl.narrate(funnel, language=language).paragraphs[-1]
    assert all(group in last for group in kept)
    assert {"en": "limits of chance alone", "zh": "仅按随机波动"}[language] in last


def test_a_small_overdispersion_stands_beside_what_chance_gives():
    funnel = sl.funnel_counts({"A": 25, "B": 40}, {"A": 200, "B": 220}, winsorize=0.0)
    assert funnel.tau2 > 0
    assert "by chance about 0.50" in str(sl.narrate(funnel))
    assert "随机时约0.50" in str(sl.narrate(funnel, language="zh"))
