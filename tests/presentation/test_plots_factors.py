"""Scree and loadings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from servlab.presentation.chart import ACCENT, PAGE, diverging
from servlab.presentation.formats import format_correlation
from servlab.presentation.plots.factors import by_factor, plot_loadings, plot_scree, shade
from tests.presentation.drawn import drawn, marks, texts
from tests.presentation.results import results, survey

PARALLEL = results()["parallel"]
FIT = results()["efa"]


@pytest.mark.parametrize("kept", [0, 2, 9])
def test_scree_fills_the_marks_of_the_factors_that_are_kept(kept):
    result = replace(PARALLEL, n_factors=kept)
    for figure in drawn(plot_scree, result)[1:]:
        filled, hollow = marks(figure)
        assert (filled.get_markerfacecolor(), hollow.get_markerfacecolor()) == (ACCENT, PAGE)
        assert len(filled.get_xdata()) == kept
        assert len(hollow.get_xdata()) == 9 - kept


def test_scree_draws_observed_and_null_and_names_them():
    for figure in drawn(plot_scree, PARALLEL)[1:]:
        null, observed = figure.axes[0].lines[:2]
        np.testing.assert_allclose(observed.get_ydata(), PARALLEL.eigenvalues)
        np.testing.assert_allclose(null.get_ydata(), PARALLEL.null)
        assert {"Observed", "Without common factors"} <= set(texts(figure))
        assert 1 in figure.axes[0].get_xticks()


def test_scree_shows_negative_eigenvalues():
    result = replace(PARALLEL, eigenvalues=PARALLEL.eigenvalues - 1, null=PARALLEL.null - 1)
    low = drawn(plot_scree, result)[1].axes[0].get_ylim()[0]
    assert low < result.eigenvalues.min()


def test_scree_alt_counts_in_grammar():
    one = plot_scree(replace(PARALLEL, n_factors=1)).alt
    assert "1 observed eigenvalue lies" in one
    assert "2 observed eigenvalues lie" in plot_scree(replace(PARALLEL, n_factors=2)).alt


def test_loadings_are_written_into_the_cells_of_their_colour():
    table = by_factor(FIT.loadings)
    for figure in drawn(plot_loadings, FIT, instrument=survey().instrument)[1:]:
        ax = figure.axes[0]
        assert len(ax.patches) == table.size
        numbers = [t.get_text() for t in ax.texts if t.get_text()[0] in ".−0"][: table.size]
        assert numbers == [format_correlation(v) for v in table.to_numpy().ravel()]
        colours = [to_hex(patch.get_facecolor()) for patch in ax.patches]
        assert colours == [shade(v) for v in table.to_numpy().ravel()]


def test_salient_loadings_are_bold():
    ax = drawn(plot_loadings, FIT)[1].axes[0]
    values = by_factor(FIT.loadings).to_numpy().ravel()
    written = ax.texts[: len(values)]
    assert [t.get_weight() == 700 for t in written] == [abs(v) >= 0.4 for v in values]


def test_items_stand_under_their_strongest_factor():
    loadings = pd.DataFrame(
        [[0.1, 0.5], [0.7, 0.2], [0.0, -0.9], [0.8, 0.1]], index=list("wxyz"), columns=["F1", "F2"]
    )
    assert list(by_factor(loadings).index) == ["z", "x", "y", "w"]


@given(st.floats(-1.2, 1.2))
@settings(max_examples=60, deadline=None)
def test_shade_is_warm_below_zero_and_cool_above(loading):
    ramp = diverging(11)
    place = ramp.index(shade(loading))
    assert (place < 5) <= (loading < 0)
    assert (place > 5) <= (loading > 0)
    assert ramp.index(shade(-loading)) == 10 - place


def test_a_heywood_case_is_said_under_the_chart():
    chart = plot_loadings(replace(FIT, heywood=("a1",)), instrument=survey().instrument)
    assert "Heywood" in chart.caption
    assert "Heywood" not in plot_loadings(replace(FIT, heywood=())).caption


def test_a_grid_of_22_by_5_fits_a_phone_without_touching_numbers():
    rng = np.random.default_rng(1)
    names = [f"{i:02}" for i in range(22)]
    loadings = pd.DataFrame(rng.uniform(-0.9, 0.9, (22, 5)), names, [f"F{j + 1}" for j in range(5)])
    chart, _, narrow = drawn(plot_loadings, replace(FIT, loadings=loadings, heywood=()))
    cell = narrow.axes[0].get_position().width * 340 / 5
    assert cell > 40  # "−.88" of 12 px takes about 28
    assert "22" not in chart.caption
