"""Diverging bars: direction, order, shares, missing answers, groups."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.core.errors import ModelError
from servlab.data.schema import Scale
from servlab.presentation.chart import diverging, text_width
from servlab.presentation.plots.likert import plot_likert, plot_likert_by, sides, starts
from servlab.presentation.plots.rows import EM
from servlab.scales.descriptives import item_descriptives
from tests.presentation.drawn import drawn, texts
from tests.surveys import tiny_survey
from tests.tolerances import EXACT

SURVEY = tiny_survey(n=70, missing=0.1)
DESCRIBED = item_descriptives(SURVEY, "perception")


def bars(figure):
    """Return the bars by point of the scale."""
    return {int(c.get_label()): c.patches for c in figure.axes[0].containers}


@given(
    weights=st.lists(st.floats(0, 1), min_size=2, max_size=9).filter(lambda w: sum(w) > 0.01),
    low=st.integers(-3, 2),
)
@settings(max_examples=60, deadline=None)
def test_the_middle_of_the_scale_lies_at_zero(weights, low):
    scale = Scale(low=low, high=low + len(weights) - 1)
    shares = pd.Series(np.array(weights) / sum(weights), index=range(low, scale.high + 1))
    first, (below, above) = starts(shares, scale), sides(shares, scale)
    middle = 1 - below - above
    assert first.iloc[0] == pytest.approx(-below - middle / 2, abs=EXACT)
    ends = first + shares
    assert ends.iloc[-1] == pytest.approx(above + middle / 2, abs=EXACT)
    np.testing.assert_allclose(ends.to_numpy()[:-1], first.to_numpy()[1:], atol=EXACT)


def test_low_answers_stand_left_and_bars_follow_the_questionnaire():
    for figure in drawn(plot_likert, DESCRIBED)[1:]:
        drawn_bars = bars(figure)
        assert list(drawn_bars) == [1, 2, 3, 4, 5, 6, 7]
        for row in range(len(DESCRIBED.shares)):
            lefts = [drawn_bars[point][row].get_x() for point in drawn_bars]
            assert lefts == sorted(lefts)
            widths = [drawn_bars[point][row].get_width() for point in drawn_bars]
            np.testing.assert_allclose(widths, DESCRIBED.shares.iloc[row], rtol=EXACT)
        tops = [patch.get_y() for patch in drawn_bars[1]]
        assert tops == sorted(tops)
        labels = [t for t in texts(figure) if t.startswith(("a", "b"))]
        assert labels == [f"{code} item {code}" for code in DESCRIBED.shares.index]


def test_colours_run_from_low_to_high():
    from matplotlib.colors import to_hex

    drawn_bars = bars(drawn(plot_likert, DESCRIBED)[1])
    assert [to_hex(patches[0].get_facecolor()) for patches in drawn_bars.values()] == diverging(7)


def test_reversed_items_are_drawn_turned_round():
    turned = replace(SURVEY, reversed_items={"perception": ("a1",)})
    plain = bars(drawn(plot_likert, DESCRIBED)[1])
    other = bars(drawn(plot_likert, item_descriptives(turned, "perception"))[1])
    for point in range(1, 8):
        assert other[point][0].get_width() == pytest.approx(plain[8 - point][0].get_width())
        assert other[point][1].get_width() == pytest.approx(plain[point][1].get_width())


def test_shares_are_of_the_answers_given_although_some_are_missing():
    assert SURVEY.items("perception").isna().any().all()
    widths = bars(drawn(plot_likert, DESCRIBED)[1])
    total = [sum(widths[p][row].get_width() for p in widths) for row in range(5)]
    np.testing.assert_allclose(total, 1, rtol=EXACT)


def test_an_item_nobody_answered_is_left_out_and_an_empty_battery_refused():
    answers = {name: frame.copy() for name, frame in SURVEY.answers.items()}
    answers["perception"]["a1"] = np.nan
    without = item_descriptives(replace(SURVEY, answers=answers), "perception")
    assert len(bars(drawn(plot_likert, without)[1])[1]) == 4
    answers["perception"].loc[:, :] = np.nan
    empty = item_descriptives(replace(SURVEY, answers=answers), "perception")
    with pytest.raises(ModelError, match=r"nobody answered an item of this battery"):
        plot_likert(empty)


def test_groups_keep_their_direction_and_pool_their_items():
    for figure in drawn(plot_likert_by, SURVEY, "perception", by="branch")[1:]:
        drawn_bars = bars(figure)
        for row, group in enumerate(["north", "south", "west"]):
            assert group in texts(figure)
            members = SURVEY.covariates["branch"] == group
            answers = SURVEY.items("perception")[members].melt()["value"].dropna()
            for point, patches in drawn_bars.items():
                share = float((answers == point).mean())
                assert patches[row].get_width() == pytest.approx(share, abs=EXACT)


def test_weights_count_in_the_groups():
    weights = pd.Series(np.linspace(0.2, 3, SURVEY.n), index=SURVEY.index)
    drawn_bars = bars(
        drawn(plot_likert_by, replace(SURVEY, weights=weights), "perception", by="branch")[1]
    )
    members = SURVEY.covariates["branch"] == "north"
    answers = SURVEY.items("perception")[members]
    w = weights[members].to_numpy()[:, None] * answers.notna().to_numpy()
    share = (w * (answers.to_numpy() == 7)).sum() / w.sum()
    assert drawn_bars[7][0].get_width() == pytest.approx(share, abs=EXACT)


def test_numbered_groups_stand_in_the_order_of_numbers():
    waves = SURVEY.covariates.assign(branch=[str(w) for w in np.tile([2, 10, 1], 24)[: SURVEY.n]])
    figure = drawn(plot_likert_by, replace(SURVEY, covariates=waves), "perception", by="branch")[1]
    heights = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    assert heights["1"] < heights["2"] < heights["10"]


def test_small_groups_are_hidden_with_the_one_that_would_reveal_them():
    branch = pd.Series(["a"] * 3 + ["b"] * 20 + ["c"] * 47, index=SURVEY.index)
    small = replace(SURVEY, covariates=pd.DataFrame({"branch": branch}))
    chart, wide, _ = drawn(plot_likert_by, small, "perception", by="branch")
    assert len(bars(wide)[1]) == 1
    assert "fewer than 5 respondents" in chart.caption
    with pytest.raises(ModelError, match=r"0 groups of 'branch' have at least 50"):
        plot_likert_by(small, "perception", by="branch", min_cell=50)


def test_an_unknown_covariate_is_refused_by_name():
    with pytest.raises(ModelError, match=r"no covariate 'city'; it has branch"):
        plot_likert_by(SURVEY, "perception", by="city")


def test_a_scale_of_too_many_points_is_refused():
    wide = replace(SURVEY, scales={b: Scale(low=0, high=100) for b in SURVEY.answers})
    with pytest.raises(ModelError, match=r"at most 11 points; this one has 101"):
        plot_likert(item_descriptives(wide, "perception"))


def test_a_number_is_written_only_where_it_fits():
    _, wide, narrow = drawn(plot_likert, DESCRIBED)
    for figure, width in ((wide, 720), (narrow, 340)):
        ax = figure.axes[0]
        low, high = ax.get_xlim()
        px = ax.get_position().width * width / (high - low)
        for text in ax.texts:
            if text.get_size() == 11:
                holder = min(
                    (p for c in ax.containers for p in c.patches),
                    key=lambda p: (
                        abs(p.get_x() + p.get_width() / 2 - text.get_position()[0])
                        + abs(p.get_y() + p.get_height() / 2 - text.get_position()[1])
                    ),
                )
                assert holder.get_width() * px > 12


def test_alt_text_says_both_sides():
    chart = plot_likert(DESCRIBED, language="zh")
    below, above = sides(DESCRIBED.shares.loc["a1"], DESCRIBED.scale)
    assert f"a1 item a1：{100 * below:.0f} %低于中点，{100 * above:.0f} %高于中点" in chart.alt


def test_eleven_points_stay_inside_a_phone():
    answers = SURVEY.answers["perception"] + 3  # 4 to 10 on a scale from 0 to 10
    wide = replace(
        SURVEY,
        answers={"perception": answers},
        scales={"perception": Scale(low=0, high=10)},
    )
    for figure in drawn(plot_likert, item_descriptives(wide, "perception"))[1:]:
        width = figure.get_figwidth() * 72
        key = [text for text in figure.texts if text.get_position()[1] > 0.8]
        assert {"0 lowest", "10 highest"} <= {text.get_text() for text in key}
        for text in key:
            assert text.get_position()[0] * width + text_width(text.get_text()) * EM <= width + 4
