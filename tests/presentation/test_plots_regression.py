"""Charts of moderation and of residuals, tested by what is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from servlab.core.errors import ModelError
from servlab.presentation.plots.moderation import plot_johnson_neyman, plot_simple_slopes
from servlab.presentation.plots.residuals import normal_quantiles, plot_residuals, residual_groups
from tests.presentation.drawn import drawn, texts
from tests.presentation.results import results, survey
from tests.tolerances import EXACT

SLOPES = results()["slopes_by_branch"]
REGION = results()["region"]
INFLUENCE = results()["influence"]


def test_lines_are_drawn_within_the_observed_range_only():
    for figure in drawn(plot_simple_slopes, SLOPES, survey=survey())[1:]:
        lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
        assert len(lines) == 3
        for line, (_, rows) in zip(lines, SLOPES.lines.groupby("at", sort=False), strict=True):
            np.testing.assert_allclose(line.get_xdata(), rows["value"], rtol=EXACT)
            np.testing.assert_allclose(line.get_ydata(), rows["estimate"], rtol=EXACT)
        assert {"north", "south", "west", "Branch"} <= set(texts(figure))
        assert len({str(line.get_linestyle()) for line in lines}) >= 1


def test_a_value_nobody_has_gets_no_line():
    figure = drawn(plot_simple_slopes, results()["slopes_outside"])[1]
    assert "99.00" not in texts(figure)
    none = replace(SLOPES, slopes=SLOPES.slopes.assign(inside=False))
    with pytest.raises(ModelError, match="there is no line"):
        plot_simple_slopes(none)


def test_bounds_inside_the_range_are_marked_and_zero_is_on_the_axis():
    figure = drawn(plot_johnson_neyman, REGION)[1]
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < high
    inside = [b for b, seen in zip(REGION.bounds, REGION.inside, strict=True) if seen]
    assert [f"{b:.2f}" for b in inside] == [
        t for t in texts(figure) if t in {f"{b:.2f}" for b in inside}
    ]
    line = figure.axes[0].lines[0]
    assert (line.get_xdata()[0], line.get_xdata()[-1]) == REGION.observed


def test_nothing_drawn_of_residuals_stands_for_fewer_than_the_least_cell():
    groups = residual_groups(INFLUENCE, 5)
    assert groups["n"].min() >= 5
    assert groups["n"].sum() == INFLUENCE.cases["studentized"].notna().sum()
    values = INFLUENCE.cases["studentized"].dropna().to_numpy()
    points = normal_quantiles(values, 5)
    assert (values > points[:, 1].max()).sum() >= 4
    assert points[:, 1].max() < values.max()
    for figure in drawn(plot_residuals, INFLUENCE)[1:]:
        drawn_points = sum(len(line.get_xdata()) for ax in figure.axes for line in ax.lines)
        assert drawn_points < len(values)


def test_too_few_respondents_are_not_drawn():
    with pytest.raises(ModelError, match="too few to draw"):
        plot_residuals(INFLUENCE, min_cell=40)
