"""Waves in tables, sentences and charts: what stands beside a change, in both languages."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.presentation.chart import NARROW, WIDE
from tests.presentation.drawn import drawn


@pytest.fixture(scope="module")
def survey():
    return sl.load_example("servqual_waves")


@pytest.fixture(scope="module")
def result(survey):
    return sl.compare_waves(survey, adjust=None)


@pytest.mark.parametrize(("language", "word"), [("en", "rose"), ("zh", "升至")])
def test_sentences_follow_the_interval(result, survey, language, word):
    text = " ".join(sl.narrate(result, survey=survey, language=language).paragraphs)
    lead = result.changes.query("level == 'overall' and wave == '2025-1'").iloc[0]
    assert (word in text) == (lead["conf_low"] > 0)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_tables_show_raw_and_adjusted_changes_side_by_side(result, survey, language):
    changes = sl.table(result, survey=survey, language=language)
    assert {"estimate", "fixed", "comparable"} <= set(changes.headings)
    both = sl.table(result, show="adjusted", survey=survey, language=language)
    assert {"unadjusted", "standardized", "raked", "n"} <= set(both.headings)
    assert len(both.frame) == len(changes.frame)
    for show in ("means", "composition"):
        assert len(sl.table(result, show=show, survey=survey, language=language).frame)
    assert len(sl.table(sl.wave_limits(result), language=language).notes) == 2


def test_an_unknown_order_is_said(result):
    unknown = replace(result, order_from="file")
    assert "do not say their order" in " ".join(sl.narrate(unknown).paragraphs)
    assert any("do not say their order" in note for note in sl.table(unknown).notes)


def test_charts_say_what_they_show(result):
    assert "Responsiveness" in sl.plot_waves(result).alt
    assert "Responsiveness from" in sl.plot_wave_limits(sl.wave_limits(result)).alt


def test_nothing_tested_is_a_warning():
    assert sl.wave_verdict(None, language="zh")[0].kind == "warning"


def test_a_model_that_fits_no_wave_licenses_no_comparison():
    """Levels that stand between models of which none fits are a warning, not a licence."""
    fits_not = sl.measurement_invariance(
        "f =~ `1` + `2` + `14` + `15`", _items_by_wave(), group="wave"
    )
    assert "configural_misfit" in fits_not.flags
    note = sl.wave_verdict(fits_not)[0]
    assert note.kind == "warning"
    assert "does not describe" in " ".join(note.text)


def test_waves_alike_in_part_do_not_license_scores_of_all_items(survey):
    """Latent means may then be compared, the scores of all items that the study shows not."""
    rows = _items_by_wave()
    later = rows["wave"].ne(rows["wave"].iloc[0]).to_numpy()
    rows["6"] = rows["6"] + 1.5 * later
    found = sl.measurement_invariance("f =~ `5` + `6` + `7` + `8` + `9`", rows, group="wave")
    assert found.comparable_means
    assert found.freed_items == ("6",)
    for language, said in (("en", "not all work alike"), ("zh", "并非所有题目")):
        note = sl.wave_verdict(found, language=language, survey=survey)[0]
        assert note.kind == "warning"
        assert said in note.text[0]
        assert ("item 6 (Symp" if language == "en" else "第6题（") in note.text[0]


def _items_by_wave():
    survey = sl.load_example("servqual_waves")
    return survey.items("perception").join(survey.covariates)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_overall_score_of_few_says_so_and_does_not_lead(survey, language):
    asked = survey.answers["perception"].copy()
    asked.loc[asked.index[asked.index.to_series().rank() % 3 != 0], asked.columns[0]] = float("nan")
    thin = replace(survey, answers=dict(survey.answers) | {"perception": asked})
    found = sl.compare_waves(thin, score="perception")
    text = sl.narrate(found, survey=thin, language=language).paragraphs[0]
    assert text.startswith("Only" if language == "en" else f"{found.n:,}位受访者中仅")
    assert ("house rule" if language == "en" else "自定规则") in text
    groups = sl.table(found, survey=thin, language=language).row_groups
    assert groups[-1].startswith("Overall" if language == "en" else "总体")
    figures = sl.wave_figures(found, since_first=found, survey=thin, language=language)
    assert not figures.cards[0].label.startswith(("Overall (mean", "总体（"))


def test_items_stand_on_a_line_each_and_the_long_table_stays(result, survey):
    short = sl.table(result, show="items", survey=survey)
    long = sl.table(result, level="item", survey=survey)
    assert len(short.frame) == 22
    assert len(short.headings) == 3
    assert len(long.frame) == 22 * result.changes["wave"].nunique()


@pytest.fixture(scope="module")
def twelve(survey):
    """Return twelve waves of five dimensions and an outcome."""
    names = [f"20{20 + k // 4}-Q{k % 4 + 1}" for k in range(12)]
    drawn_waves = np.random.default_rng(1).choice(names, survey.n)
    wave = pd.Series(drawn_waves, index=survey.index, dtype=object)
    origin = replace(survey.provenance, waves=())
    more = replace(survey, covariates=survey.covariates.assign(wave=wave), provenance=origin)
    return sl.compare_waves(more)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["limits", "means", "changes"])
def test_twelve_waves_of_five_dimensions_stay_inside_the_frame(twelve, name, language):
    plot, options = sl.plot_waves, {"show": name}
    if name == "limits":
        plot, options = sl.plot_wave_limits, {}
    result = sl.wave_limits(twelve) if name == "limits" else twelve
    _, wide, narrow = drawn(plot, result, language=language, **options)
    for figure, width in ((wide, WIDE), (narrow, NARROW)):
        boxes = [
            text.get_window_extent()
            for text in figure.findobj(lambda a: hasattr(a, "get_text") and a.get_text())
        ]
        assert len(boxes) > 6
        assert min(box.x0 for box in boxes) > -1
        assert max(box.x1 for box in boxes) < width * figure.dpi / 72 + 1
        assert min(box.y0 for box in boxes) > -1
        for ax in figure.axes:
            shown = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
            for one, two in pairwise(shown):
                assert one.x1 < two.x0


def test_ticks_are_written_as_what_they_are(twelve):
    """Steps of a quarter once read −0.8 and −0.5 for −0.75 and −0.50."""
    for figure in drawn(sl.plot_wave_limits, sl.wave_limits(twelve))[1:]:
        for ax in figure.axes:
            for at, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True):
                assert float(text.get_text().replace("−", "-")) == pytest.approx(at, abs=1e-9)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_asked_alike_is_a_sentence_and_the_rest_a_table(survey, language):
    alike = sl.wave_items(survey)
    said = sl.narrate(alike, language=language).paragraphs[0]
    count, waves = len(alike.by_item), len(alike.waves)
    assert (f"All {count} questions" if language == "en" else f"全部{count}个题目") in said
    assert str(waves) in said
    assert ("goes unseen" if language == "en" else "无从发现") in said
    assert len(sl.table(alike, show="exceptions", language=language).frame) == 0
    assert len(sl.table(alike, language=language).frame) == count

    by_item = alike.by_item.copy()
    by_item.loc[by_item.index[:2], "comparable"] = ["no", "with care"]
    mixed = replace(alike, by_item=by_item)
    said = sl.narrate(mixed, language=language).paragraphs[0]
    assert (f"{count - 2} were asked alike" if language == "en" else "其余2个") in said
    shown = sl.table(mixed, show="exceptions", language=language)
    assert shown.marks["comparable"] == ["bad", "strong"]
    nothing = replace(alike, by_item=by_item.assign(comparable="no"))
    said = sl.narrate(nothing, language=language).paragraphs[0]
    assert said.startswith("None of" if language == "en" else str(count))


def test_an_unknown_choice_of_items_is_refused(survey):
    with pytest.raises(ModelError, match="show must be one of 'all', 'exceptions'"):
        sl.table(sl.wave_items(survey), show="some")
