"""Gap profile, expectation against perception, zone of tolerance."""

from dataclasses import replace

import numpy as np
import pytest

from servlab.core.errors import ModelError
from servlab.data.schema import Label, Scale
from servlab.presentation.chart import ACCENT, BAD, EXPECTED, GOOD, PAGE, SOFT
from servlab.presentation.formats import format_number
from servlab.presentation.plots.gaps import plot_expectation_perception, plot_gaps
from servlab.presentation.plots.zone import place_of, plot_zone
from servlab.scales.gaps import gap_scores
from servlab.scales.tolerance import zone_of_tolerance
from tests.presentation.drawn import drawn, marks, texts
from tests.presentation.results import survey, zones
from tests.tolerances import EXACT

GAPS = gap_scores(survey())


@pytest.mark.parametrize("level", ["dimension", "item"])
def test_marks_stand_at_the_gaps_with_the_lowest_on_top(level):
    table = GAPS.by_dimension if level == "dimension" else GAPS.by_item
    expected = table["estimate"].sort_values().to_numpy()
    for figure in drawn(plot_gaps, GAPS, level=level)[1:]:
        dots = marks(figure)
        np.testing.assert_allclose([d.get_xdata()[0] for d in dots], expected, rtol=EXACT)
        heights = [d.get_ydata()[0] for d in dots]
        assert heights == sorted(heights)  # y counts downwards
        low, high = figure.axes[0].get_ylim()
        assert low > high


def test_intervals_reach_from_limit_to_limit_and_inside_the_axes():
    table = GAPS.by_dimension.sort_values("estimate")
    figure = drawn(plot_gaps, GAPS)[1]
    ax = figure.axes[0]
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2]
    for line, (_, row) in zip(lines, table.iterrows(), strict=True):
        np.testing.assert_allclose(line.get_xdata(), row[["conf_low", "conf_high"]], rtol=EXACT)
    low, high = ax.get_xlim()
    assert low < table["conf_low"].min()
    assert high > max(0, table["conf_high"].max())


def test_colour_and_filling_follow_the_interval():
    # shifted so that the three dimensions fall short, are level and exceed
    shift = survey()
    answers = {name: frame.copy() for name, frame in shift.answers.items()}
    answers["expectation"][["a1", "a2", "a3"]] = 6
    answers["perception"][["a1", "a2", "a3"]] = 5
    answers["expectation"][["b1", "b2", "b3"]] = answers["perception"][["b1", "b2", "b3"]]
    answers["expectation"][["c1", "c2", "c3"]] = 2
    answers["perception"][["c1", "c2", "c3"]] = 5
    chart, wide, _ = drawn(plot_gaps, gap_scores(replace(shift, answers=answers)))
    looks = [(d.get_markeredgecolor(), d.get_markerfacecolor()) for d in marks(wide)]
    assert looks == [(BAD, BAD), (SOFT, PAGE), (GOOD, GOOD)]
    assert {"−1.00", "0.00", "+3.00"} <= set(texts(wide))
    assert chart.alt.index("−1.00") < chart.alt.index("0.00 [") < chart.alt.index("+3.00")


def test_alt_text_says_every_gap():
    for language in ("en", "zh"):
        chart = plot_gaps(GAPS, level="item", language=language)
        for code, row in GAPS.by_item.iterrows():
            gap = format_number(row["estimate"], sign=True)
            assert f"{code} item {code} {gap} [" in chart.alt


def test_pairs_stand_at_the_means_on_the_whole_scale():
    table = GAPS.by_dimension.sort_values("estimate")
    for figure in drawn(plot_expectation_perception, GAPS)[1:]:
        dots = marks(figure)
        expected = [d for d in dots if d.get_markeredgecolor() == EXPECTED]
        perceived = [d for d in dots if d.get_markeredgecolor() == ACCENT]
        np.testing.assert_allclose([d.get_xdata()[0] for d in expected], table["expected"])
        np.testing.assert_allclose([d.get_xdata()[0] for d in perceived], table["perceived"])
        assert all(d.get_markerfacecolor() == PAGE for d in expected)
        assert list(figure.axes[0].get_xticks()) == [1, 2, 3, 4, 5, 6, 7]
        assert {"Expected", "Perceived", "Gap"} <= set(texts(figure))


def test_a_scale_that_the_means_leave_is_refused():
    with pytest.raises(ModelError, match=r"outside the scale 1 to 3; give the scale"):
        plot_expectation_perception(GAPS, scale=Scale(low=1, high=3))
    chart = plot_expectation_perception(GAPS, scale=Scale(low=1, high=9))
    assert "from 1 to 9" in chart.caption


def test_without_dimensions_the_items_are_drawn():
    chart = plot_gaps(_no_dimensions())
    assert chart.caption.startswith("Gap by item")


def _no_dimensions():
    return replace(GAPS, by_dimension=GAPS.by_dimension.iloc[:0])


def test_nothing_to_draw_is_said():
    empty = replace(GAPS, by_dimension=GAPS.by_dimension.assign(estimate=float("nan")))
    with pytest.raises(ModelError, match=r"no dimension has a gap to draw"):
        plot_gaps(empty)


def test_an_unknown_level_is_refused():
    with pytest.raises(ModelError, match=r"level must be one of 'dimension', 'item'"):
        plot_gaps(GAPS, level="overall")


def test_markup_in_a_label_is_text():
    item = GAPS.instrument.items[0].model_copy(
        update={"label": Label(en="<script>alert('$x$')</script>", zh="x")}
    )
    instrument = GAPS.instrument.model_copy(update={"items": (item, *GAPS.instrument.items[1:])})
    chart = plot_gaps(replace(GAPS, instrument=instrument), level="item")
    assert "<script" not in chart.svg + chart.narrow_svg
    assert "&lt;script&gt;" in chart.svg
    assert "$x$" in chart.svg


def test_the_same_chart_twice_is_the_same_bytes():
    assert plot_gaps(GAPS).svg == plot_gaps(GAPS).svg


def test_zone_bars_reach_from_adequate_to_desired():
    zone = zone_of_tolerance(zones())
    table = zone.by_dimension
    for figure in drawn(plot_zone, zone)[1:]:
        bars = figure.axes[0].patches
        ends = np.sort(table[["adequate", "desired"]].to_numpy(), axis=1)
        np.testing.assert_allclose([b.get_x() for b in bars], ends[:, 0])
        np.testing.assert_allclose([b.get_x() + b.get_width() for b in bars], ends[:, 1])
        np.testing.assert_allclose(
            [d.get_xdata()[0] for d in marks(figure)], table["perceived"], rtol=EXACT
        )


@pytest.mark.parametrize(
    ("adequate", "perceived", "desired", "where"),
    [(3, 4, 5, "inside"), (3, 2, 5, "below"), (3, 6, 5, "above"), (5, 4, 3, "inverted")],
)
def test_the_word_beside_a_zone_follows_the_means(adequate, perceived, desired, where):
    row = {"adequate": adequate, "perceived": perceived, "desired": desired}
    assert place_of(row) == where


def test_zone_words_are_drawn_in_the_language_asked_for():
    zone = zone_of_tolerance(zones())
    chart, wide, narrow = drawn(plot_zone, zone, language="zh")
    wheres = {
        {"inside": "区域内", "below": "低于", "above": "高于", "inverted": "倒置"}[place_of(row)]
        for _, row in zone.by_dimension.iterrows()
    }
    for figure in (wide, narrow):
        assert wheres <= set(texts(figure))
        assert "感知" in texts(figure)
    assert chart.language == "zh"
