"""Odds ratios, marginal effects and mediation drawn."""

from dataclasses import replace

import numpy as np
import pytest

from servlab.core.errors import ModelError
from servlab.presentation.chart import PAGE
from servlab.presentation.plots.choices import (
    plot_marginal_effects,
    plot_mediation,
    plot_odds,
    ratio_ticks,
)
from tests.presentation.drawn import drawn, marks, texts
from tests.presentation.results import results, survey
from tests.tolerances import EXACT


@pytest.mark.parametrize("name", ["ordinal", "logistic", "ordinal_probit"])
def test_slopes_stand_largest_first_and_hollow_where_nothing_is_clear(name):
    fit = results()[name]
    table = fit.coefficients.drop(index="Intercept", errors="ignore")
    table = table.sort_values("estimate", ascending=False)
    for figure in drawn(plot_odds, fit)[1:]:
        dots = marks(figure)
        np.testing.assert_allclose([d.get_xdata()[0] for d in dots], table["estimate"], rtol=EXACT)
        hollow = [d.get_markerfacecolor() == PAGE for d in dots]
        assert hollow == list((table["conf_low"] <= 0) & (table["conf_high"] >= 0))


def test_the_axis_of_odds_says_ratios_and_holds_one():
    figure = drawn(plot_odds, results()["ordinal"])[1]
    labels = [t.get_text() for t in figure.axes[0].get_xticklabels()]
    assert "1" in labels
    np.testing.assert_allclose(
        np.exp(figure.axes[0].get_xticks()), [float(text) for text in labels], rtol=1e-9
    )
    for low, high in ((0.9, 1.1), (0.001, 30), (0.95, 1e5)):
        ticks = ratio_ticks(low, high, 5)
        assert 1.0 in ticks
        assert len(ticks) <= 6


def test_marginal_effects_are_drawn_in_points_answer_by_answer():
    effects = results()["marginal_ordinal"]
    figure = drawn(plot_marginal_effects, effects, survey=survey())[1]
    shown = [d.get_xdata()[0] for d in marks(figure)]
    np.testing.assert_allclose(shown, 100 * effects.table["estimate"], rtol=EXACT)
    assert "answer 2" in texts(figure)
    assert "Branch: south instead of north" in texts(figure)
    binary = plot_marginal_effects(results()["marginal_logistic"])
    assert "answer 1" in binary.alt


def test_mediation_is_drawn_without_differences_and_flags_are_said():
    found = results()["mediation"]
    figure = drawn(plot_mediation, found, survey=survey())[1]
    kept = found.effects[found.effects["part"] != "contrast"]
    shown = [d.get_xdata()[0] for d in marks(figure)]
    np.testing.assert_allclose(shown, kept["estimate"], rtol=EXACT)
    assert any("→" in text for text in texts(figure))
    flagged = replace(found, two_valued=("satisfaction",), collinear=(("a", "b"),))
    caption = plot_mediation(flagged, language="zh").caption
    assert "只有两个取值" in caption
    assert "接近共线" in caption


def test_a_model_without_predictors_is_refused():
    fit = results()["logistic"]
    with pytest.raises(ModelError, match="nothing to draw"):
        plot_odds(replace(fit, coefficients=fit.coefficients.loc[["Intercept"]]))
