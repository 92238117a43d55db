"""Drivers, groups, importance beside performance."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.core.errors import ModelError
from servlab.presentation.chart import ACCENT, PAGE
from servlab.presentation.plots.drivers import plot_drivers
from servlab.presentation.plots.groups import plot_groups, shown_groups
from servlab.presentation.plots.importance import (
    Box,
    place_labels,
    plot_importance_performance,
)
from tests.presentation.drawn import drawn, marks, texts
from tests.presentation.results import results, survey
from tests.tolerances import EXACT

FIT = results()["regression"]
GROUPS = results()["groups"]


def test_coefficients_stand_largest_first_without_the_intercept():
    table = FIT.coefficients.drop(index="Intercept").sort_values("estimate", ascending=False)
    for figure in drawn(plot_drivers, FIT, survey=survey())[1:]:
        dots = marks(figure)
        np.testing.assert_allclose([d.get_xdata()[0] for d in dots], table["estimate"], rtol=EXACT)
        hollow = [d.get_markerfacecolor() == PAGE for d in dots]
        holds_zero = (table["conf_low"] <= 0) & (table["conf_high"] >= 0)
        assert hollow == list(holds_zero)
        assert "A" in texts(figure)  # the dimension's label, not its code


def test_zero_is_always_on_the_axis_of_coefficients():
    table = FIT.coefficients.copy()
    table[["estimate", "conf_low", "conf_high"]] += 3
    low, high = drawn(plot_drivers, replace(FIT, coefficients=table))[1].axes[0].get_xlim()
    assert low < 0 < high


def test_collinear_predictors_are_said_under_the_chart():
    chart = plot_drivers(results()["collinear"])
    assert "Nearly collinear" in chart.caption
    assert "Menard" in chart.caption
    assert "collinear" not in plot_drivers(FIT).caption


def test_a_regression_without_terms_is_refused():
    bare = replace(FIT, coefficients=FIT.coefficients.loc[["Intercept"]])
    with pytest.raises(ModelError, match=r"no term but the intercept"):
        plot_drivers(bare)


def test_every_group_stands_under_its_dimension():
    table = shown_groups(GROUPS)
    for figure in drawn(plot_groups, GROUPS, survey=survey())[1:]:
        dots = marks(figure)
        np.testing.assert_allclose([d.get_xdata()[0] for d in dots], table["estimate"], rtol=EXACT)
        assert texts(figure).count("north") == table["term"].nunique()


def test_scores_without_a_natural_zero_need_none_on_the_axis():
    from servlab.estimation.comparison.groups import compare_groups

    result = compare_groups(survey(), by="branch", score="perception")
    figure = drawn(plot_groups, result)[1]
    assert figure.axes[0].get_xlim()[0] > 0
    assert {d.get_markeredgecolor() for d in marks(figure)} == {ACCENT}
    assert all(d.get_markerfacecolor() == ACCENT for d in marks(figure))


def test_suppressed_groups_are_named_and_not_drawn():
    result = results()["hidden"]
    chart, wide, narrow = drawn(plot_groups, result, survey=survey())
    assert result.suppressed
    for figure in (wide, narrow):
        assert not set(result.suppressed) & set(texts(figure))
    for group in result.suppressed:
        assert group in chart.caption
        assert f", {group} " not in chart.alt


def test_many_groups_are_drawn_by_the_overall_score_only():
    parts = [GROUPS.by_group.assign(group=GROUPS.by_group["group"] + str(i)) for i in range(3)]
    many = replace(GROUPS, by_group=pd.concat(parts), suppressed=())
    table = shown_groups(many)
    assert set(table["term"]) == {"overall_items"}
    assert list(table["estimate"]) == sorted(table["estimate"])


@pytest.mark.parametrize("name", ["derived", "stated"])
def test_importance_and_performance_stand_at_their_numbers(name):
    result = results()[name]
    for figure in drawn(plot_importance_performance, result, survey=survey())[1:]:
        ax = figure.axes[0]
        points = ax.collections[0].get_offsets()
        np.testing.assert_allclose(points, result.table[["performance", "importance"]], rtol=EXACT)
        lines = [line for line in ax.lines if len(set(line.get_xdata())) <= 2]
        ends = sorted(float(np.ravel(line.get_xdata())[0]) for line in lines)
        assert result.performance_centre in ends
        assert ax.get_ylabel() == ""
        assert {"Concentrate here", "Keep up", "Low priority"} <= set(texts(figure))
        labels = result.table.index if name == "derived" else ["A", "B", "C"]
        assert set(labels) <= set(texts(figure))


def test_the_caption_says_where_importance_comes_from():
    assert (
        "correlation with Satisfaction"
        in plot_importance_performance(results()["derived"], survey=survey()).caption
    )
    assert "stated" in plot_importance_performance(results()["stated"]).caption


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_labels_of_scattered_points_do_not_overlap(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform((20, 40), (630, 370), (12, 2))
    apart = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(12)
    if apart.min() < 30:  # marks that touch leave no room for two labels
        return
    labels = [(f"{i:02}",) for i in range(12)]
    boxes = [spot.box for spot in place_labels(points, labels, (654, 394))]
    for i, box in enumerate(boxes):
        assert all(box.overlap(other) == 0 for other in boxes[i + 1 :])
        assert box.overlap(Box(0, 0, 654, 394)) == pytest.approx(
            (box.right - box.left) * (box.top - box.bottom)
        )


def test_one_point_alone_has_axes_and_a_label():
    result = results()["stated"]
    alone = replace(result, table=result.table.iloc[:1])
    figure = drawn(plot_importance_performance, alone)[1]
    assert "A" in texts(figure)
