"""Coefficients along the quantiles, tested by what is drawn; panels of what was not computed."""

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError, NotConvergedError, SeparationError
from servlab.presentation.plots.quantiles import plot_quantiles
from tests.presentation.drawn import drawn, texts
from tests.presentation.results import results, survey
from tests.tolerances import EXACT

FIT = results()["quantiles"]
TERMS = [t for t in FIT.coefficients["term"].drop_duplicates() if t != "Intercept"]


@pytest.fixture(scope="module")
def wide_open():
    """Data whose upper quantiles rise faster than the lower."""
    rng = np.random.default_rng(7)
    x = rng.uniform(0, 2, 150)
    data = pd.DataFrame({"x": x, "y": x + (0.2 + x) * rng.normal(size=150)})
    fit = sl.quantile_regress("y ~ x", data, quantiles=(0.1, 0.5, 0.9))
    return fit, sl.regress("y ~ x", data), data


def test_a_panel_a_predictor_shows_its_estimates_with_zero_in_view():
    for figure in drawn(plot_quantiles, FIT, survey=survey())[1:]:
        assert len(figure.axes) == len(TERMS)
        for ax, term in zip(figure.axes, TERMS, strict=True):
            rows = FIT.coefficients[FIT.coefficients["term"] == term]
            line = next(line for line in ax.lines if line.get_marker() == "o")
            np.testing.assert_allclose(line.get_xdata(), rows["quantile"], rtol=EXACT)
            np.testing.assert_allclose(line.get_ydata(), rows["estimate"], rtol=EXACT)
            assert ax.get_ylim()[0] < 0 < ax.get_ylim()[1]


def test_the_mean_stands_beside_as_a_dashed_line_with_its_interval(wide_open):
    fit, mean, _ = wide_open
    chart, figure, _ = drawn(plot_quantiles, fit, mean=mean)
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in dashed] == [mean.coefficients.loc["x", "estimate"]]
    assert {".1", ".5", ".9"} <= set(texts(figure))
    assert "the regression of the mean" in chart.caption
    assert "均值回归" in plot_quantiles(fit, mean=mean, language="zh").caption


def test_what_cannot_be_drawn_is_refused(wide_open):
    fit, _, data = wide_open
    with pytest.raises(ModelError, match="needs two quantiles or more"):
        plot_quantiles(sl.quantile_regress("y ~ x", data, quantiles=(0.5,)))
    other = data.assign(z=data["x"] ** 2)
    with pytest.raises(ModelError, match=r"it lacks \['x'\]"):
        plot_quantiles(fit, mean=sl.regress("y ~ z", other))
    with pytest.raises(ModelError, match="its outcome is 'z'"):
        plot_quantiles(fit, mean=sl.regress("z ~ x", other))


def test_a_panel_names_who_separates_what_and_where():
    error = SeparationError(
        "x", predictors=("a", "branch[north]"), outcome="satisfaction", complete=True, cut=2.0
    )
    note = sl.not_computed(error, "brant", survey=survey())
    text = " ".join(note.text)
    assert note.title == "Not computed: Brant's test of proportional odds"
    assert "every answer" in text
    assert "cut in two above 2;" in text
    for term in ("a", "branch[north]"):
        assert sl.not_computed(error, "brant").text[0].count(term) >= 1
    chinese = sl.not_computed(error, "top_box", language="zh")
    assert "完全分离" in chinese.text[0]
    assert "最高评价" in chinese.title


def test_other_reasons_are_told_and_an_unknown_part_refused():
    stuck = sl.not_computed(NotConvergedError("it did not end."), "multilevel")
    assert "did not converge" in stuck.text[0]
    refused = sl.not_computed(ModelError("every answer is in the top 1."), "top_box")
    assert "every answer is in the top 1." in refused.text[0]
    with pytest.raises(ModelError, match="part must be one of"):
        sl.not_computed(ModelError("x."), "gaps")
