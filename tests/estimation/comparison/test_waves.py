"""Waves compared: against R, identities, what cannot be compared, and wrong calls."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.columns import check_tidy
from servlab.core.errors import DataError, ModelError
from servlab.core.wave_order import ordered_waves
from servlab.data.schema import Label, Scale
from servlab.data.survey import VariableInfo
from servlab.data.waves import combine_waves
from servlab.estimation.comparison.wave_adjustment import standardized_mean
from servlab.estimation.comparison.wave_changes import contrast_test
from servlab.estimation.comparison.wave_limits import _limits
from tests.surveys import label, tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT

BOOKS = Path(__file__).resolve().parents[2] / "codebooks"
TEST = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")


def of_frame(data: pd.DataFrame, *, weights: bool = False, outcome: str = "y"):
    """A survey of one outcome in waves, with covariates as they stand in the frame."""
    base = tiny_survey(n=len(data), batteries=("perception",), outcome=False)
    covariates = data.drop(columns=[outcome]).reset_index(drop=True)
    return replace(
        base,
        covariates=covariates,
        outcomes=pd.DataFrame({outcome: data[outcome].to_numpy(dtype=float)}),
        variables={outcome: VariableInfo(label("Y"), scale=Scale(low=1, high=7))}
        | {c: VariableInfo(label(c), role="wave" if c == "wave" else "other") for c in covariates},
        weights=data["weight"].reset_index(drop=True).astype(float) if weights else None,
    )


@pytest.fixture(scope="module")
def stored(golden):
    return {name: golden(f"waves_{name}")["result"] for name in
            ("change", "standardization", "raking", "limits")}  # fmt: skip


@pytest.fixture(scope="module")
def data(stored):
    return pd.DataFrame(stored["change"]["data"])


def outcome_rows(table: pd.DataFrame, **where) -> pd.DataFrame:
    rows = table[table["level"] == "outcome"]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows.set_index("wave")


def test_changes_equal_welch_in_r(stored, data, agree):
    r = stored["change"]
    rows = outcome_rows(sl.compare_waves(of_frame(data)).changes)
    for wave, theirs in r["welch"].items():
        for name in (*TEST, "effect_size"):
            agree("waves_change", f"change of a wave, {name}", rows.loc[wave, name], theirs[name],
                  CLOSED_FORM)  # fmt: skip
    for how in ("holm", "bh"):
        ours = outcome_rows(sl.compare_waves(of_frame(data), p_adjust=how).changes)["p_adjusted"]
        agree("waves_change", f"p values of changes, {how}", ours, r[how], CLOSED_FORM)


def test_weighted_changes_and_trends_equal_survey_in_r(stored, data, agree):
    r = stored["change"]
    at = {"w1": 1.0, "w2": 2.0, "w3": 5.0}
    even = sl.compare_waves(of_frame(data, weights=True))
    uneven = sl.compare_waves(of_frame(data, weights=True), positions=at)
    rows = outcome_rows(even.changes)
    for name in ("estimate", "std_error"):
        for wave in ("w2", "w3"):
            for source in ("weighted", "svyglm"):
                agree("waves_change", f"weighted change, {name}", rows.loc[wave, name],
                      r[source][wave][name], CLOSED_FORM)  # fmt: skip
        for result, key in ((even, "trend"), (uneven, "trend_uneven")):
            ours = result.trends.query("level == 'outcome'")[name].iloc[0]
            agree("waves_change", f"linear trend, {name}", ours, r[key][name], CLOSED_FORM)


@pytest.mark.parametrize(
    ("key", "options"), [("pooled", {}), ("first", {"reference": "w1"}), ("weighted", {})]
)
def test_standardized_changes_equal_r(stored, data, agree, key, options):
    survey = of_frame(data, weights=key == "weighted")
    found = sl.compare_waves(survey, adjust=["area", "sex", "age"], **options)
    rows = outcome_rows(found.adjusted, method="standardization")
    for wave, theirs in stored["standardization"][key].items():
        for name in ("estimate", "std_error"):
            agree("waves_standardization", f"standardized change ({key}), {name}",
                  rows.loc[wave, name], theirs[name], CLOSED_FORM)  # fmt: skip


def test_standardized_change_equals_emmeans(stored, data, agree):
    survey = of_frame(data.dropna(subset=["y"]))
    rows = outcome_rows(sl.compare_waves(survey, adjust=["area"]).adjusted,
                        method="standardization")  # fmt: skip
    theirs = stored["standardization"]["emmeans_area"]
    for name in ("estimate", "std_error"):
        agree("waves_standardization", f"standardized change, {name}", rows.loc["w3", name],
              theirs[name], CLOSED_FORM)  # fmt: skip


@pytest.mark.parametrize("key", ["equal", "weighted"])
def test_raked_changes_equal_calibration_in_r(stored, data, agree, key):
    found = sl.compare_waves(of_frame(data, weights=key == "weighted"), adjust=["area", "sex"])
    rows = outcome_rows(found.adjusted, method="raking")
    for wave, theirs in stored["raking"][key].items():
        for name in ("estimate", "std_error"):
            agree("waves_raking", f"raked change ({key}), {name}", rows.loc[wave, name],
                  theirs[name], CLOSED_FORM)  # fmt: skip


def test_limits_equal_metafor(stored, agree):
    r = stored["limits"]
    ours = _limits(np.array(r["means"]), np.array(r["std_errors"]) ** 2, 3.0)
    assert ours["centre"].isna().tolist() == [True, True, *[False] * 5]
    used = ours.dropna(subset=["centre"]).reset_index(drop=True)
    sd = (used["limit_high"] - used["limit_low"]) / 6
    for name, values in (("centre", used["centre"]), ("between", used["between"]), ("sd", sd)):
        theirs = [row[name] for row in r["limits"]]
        agree("waves_limits", f"cumulative limits, {name}", values, theirs, CLOSED_FORM)


def test_cusum_adds_what_exceeds_its_allowance():
    found = _limits(np.array([4.0, 4.1, 4.05, 4.6, 4.7, 4.8]), np.full(6, 0.01), 3.0)
    z, high = found["z"].to_numpy(), 0.0
    for t in range(2, 6):
        high = max(0.0, high + z[t] - 0.5)
        assert found["cusum_high"][t] == pytest.approx(high, abs=EXACT)
    assert found["signal"].tolist() == (np.abs(z) > 3).tolist()


@settings(max_examples=50, deadline=None)
@given(
    means=st.tuples(st.floats(1, 7), st.floats(1, 7)),
    errors=st.tuples(st.floats(0.01, 2), st.floats(0.01, 2)),
    shift=st.floats(-2, 2),
)
def test_changes_turn_when_waves_swap_and_follow_a_shift(means, errors, shift):
    m, s, df = np.array(means), np.array(errors), np.array([20.0, 35.0])
    forth = contrast_test(np.array([-1.0, 1.0]), m, s, df, 0.95)
    back = contrast_test(np.array([1.0, -1.0]), m, s, df, 0.95)
    moved = contrast_test(np.array([-1.0, 1.0]), m + np.array([0.0, shift]), s, df, 0.95)
    assert back["estimate"] == pytest.approx(-forth["estimate"], abs=EXACT)
    assert back["conf_low"] == pytest.approx(-forth["conf_high"], abs=1e-9)
    assert moved["estimate"] == pytest.approx(forth["estimate"] + shift, abs=1e-9)
    assert moved["std_error"] == forth["std_error"]
    assert 20 <= forth["df"] <= 55 + EXACT  # between the smaller and the sum


def test_equal_weights_change_nothing(data):
    """Weights that are all 2 give the unweighted test; the linearized form becomes Welch's."""
    plain = sl.compare_waves(of_frame(data)).changes
    even = sl.compare_waves(of_frame(data.assign(weight=2.0), weights=True)).changes
    np.testing.assert_allclose(plain[list(TEST)], even[list(TEST)], atol=CLOSED_FORM)


def test_one_covariate_of_classes_standardizes_and_rakes_to_the_same_change(data):
    adjusted = sl.compare_waves(of_frame(data), adjust=["area"]).adjusted
    wide = adjusted.pivot_table(
        index=["level", "term", "wave"], columns="method", values="estimate"
    )
    assert np.abs(wide["raking"] - wide["standardization"]).max() < CLOSED_FORM


def test_a_change_of_mix_alone_disappears():
    """Two branches 4 and 6, their shares turned over: raw change, none at a fixed mix."""
    y = [4.0, 4.2, 3.8, 4.0, 6.0, 6.2] * 8 + [4.0, 4.2, 6.0, 6.2, 5.8, 6.0] * 8
    branch = (["a"] * 4 + ["b"] * 2) * 8 + (["a"] * 2 + ["b"] * 4) * 8
    data = pd.DataFrame({"wave": ["1"] * 48 + ["2"] * 48, "branch": branch, "y": y})
    result = sl.compare_waves(of_frame(data), adjust=["branch"])
    assert outcome_rows(result.changes).loc["2", "conf_low"] > 0.2
    rows = outcome_rows(result.adjusted)
    assert (rows["unadjusted"] > 0.6).all()
    assert rows["estimate"].abs().max() < 0.06
    shares = result.composition.set_index(["group", "wave"])["share"]
    assert shares["a", "1"] == pytest.approx(2 / 3)


# ---- what cannot be compared


def two_waves(**first_item):
    """Two surveys of the same questions, 40 and 50 respondents."""
    one = tiny_survey(n=40, seed=1, batteries=("perception",))
    return one, tiny_survey(n=50, seed=2, batteries=("perception",))


def test_an_item_not_asked_leaves_its_dimension_in_every_wave():
    one, two = two_waves()
    answers = two.raw("perception").assign(b2=np.nan)
    lacking = replace(two, answers={"perception": answers})
    result = sl.compare_waves({"2023": one, "2024": lacking})
    assert result.left_out_items == ("b2",)
    assert "items_left_out" in result.flags
    rows = result.changes.set_index("term")
    assert rows.loc["b2", "comparable"] == "no"
    assert np.isnan(rows.loc["b2", "estimate"])
    means = result.by_wave.set_index(["term", "wave"])["estimate"]
    both = one.items("perception")[["b1", "b3"]].mean(axis=1).mean()
    assert means["b", "2023"] == pytest.approx(both, abs=EXACT)
    assert (
        sl.wave_items(combine_waves({"2023": one, "2024": lacking})).by_item["comparable"][
            "perception", "b2"
        ]
        == "no"
    )


def test_another_wording_is_compared_with_care_only_between_the_waves_that_differ():
    one, two = two_waves()
    three = tiny_survey(n=45, seed=3, batteries=("perception",))
    items = tuple(
        item.model_copy(update={"label": Label(en="anew", zh="新")}) if item.code == "a1" else item
        for item in two.instrument.items
    )
    reworded = two.instrument.model_copy(update={"items": items})
    waves = {
        "1": one,
        "2": replace(two, instrument=reworded),
        "3": replace(three, instrument=reworded),
    }
    rows = sl.compare_waves(waves, against="previous").changes.set_index(["term", "wave"])
    assert rows.loc[("a1", "2"), "comparable"] == rows.loc[("a", "2"), "comparable"] == "with care"
    assert rows.loc[("a1", "3"), "comparable"] == rows.loc[("b", "2"), "comparable"] == "yes"
    combined = combine_waves(waves)
    again = sl.wave_items(combined)
    assert [(d.kind, d.wave) for d in again.differences] == [("wording", "2"), ("wording", "3")]


def test_another_scale_is_refused():
    one, two = two_waves()
    other = replace(two, scales={"perception": Scale(low=1, high=5)})
    with pytest.raises(DataError, match="differ in scales"):
        sl.compare_waves({"1": one, "2": other})


def test_an_empty_wave_is_flagged_and_stepped_over(data):
    survey = of_frame(data)
    result = sl.compare_waves(survey, order=["w1", "w2", "w2b", "w3"], against="previous")
    assert result.empty == ("w2b",)
    assert "empty_wave" in result.flags
    assert outcome_rows(result.changes).loc["w3", "against"] == "w2"
    assert outcome_rows(result.by_wave).loc["w2b", "n"] == 0


def test_a_wave_of_one_has_a_mean_and_no_test(data):
    one = data.assign(wave=[*data["wave"][:-1], "w4"], y=data["y"].fillna(3.0))
    result = sl.compare_waves(of_frame(one), min_cell=1)
    row = outcome_rows(result.changes).loc["w4"]
    assert np.isfinite(row["estimate"])
    assert row[["std_error", "p_value", "conf_low"]].isna().all()
    assert result.untested == ("w4",)
    assert "untested" in result.flags
    for language, words in (("en", "have no test"), ("zh", "未作检验")):
        assert words in str(sl.narrate(result, language=language))


def test_small_waves_are_hidden_with_one_more(data):
    few = data.assign(wave=[*data["wave"][:-3], "w4", "w4", "w4"])
    result = sl.compare_waves(of_frame(few))
    assert result.suppressed == ("w1", "w4")
    hidden = result.by_wave[result.by_wave["wave"].isin(result.suppressed)]
    assert hidden["estimate"].isna().all()
    assert (hidden["n"] == -1).all()
    assert set(result.changes["wave"]) == {"w3"}


def test_values_that_a_wave_lacks_are_left_out_and_named(data):
    closed = data[~((data["wave"] == "w2") & (data["area"] == "harbour"))]
    result = sl.compare_waves(of_frame(closed), adjust=["area"])
    assert list(result.left_out) == [("area", "harbour")]
    assert result.n_adjusted == int((closed["area"] != "harbour").sum())
    assert outcome_rows(result.adjusted)["estimate"].notna().all()


def test_values_left_out_do_not_tell_a_hidden_count(data):
    rare = data.copy()
    rare.loc[rare.index[:2], "area"] = "pier"
    result = sl.compare_waves(of_frame(rare), adjust=["area"])
    shown = result.composition[result.composition["group"] == "pier"]
    assert -1 in set(shown["n"])
    assert result.left_out[("area", "pier")] == -1


def test_constant_answers_have_no_test():
    data = pd.DataFrame({"wave": ["1"] * 6 + ["2"] * 6, "y": [4.0] * 6 + [5.0] * 6})
    row = outcome_rows(sl.compare_waves(of_frame(data)).changes).loc["2"]
    assert row["estimate"] == 1
    assert np.isnan(row["p_value"])
    assert np.isnan(row["effect_size"])


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_zero_weights_count_for_nothing(data, shift):
    out = data["wave"].eq("w2") & (np.arange(len(data)) % 2 == 0)
    changed = data.assign(weight=data["weight"].where(~out, 0.0), y=data["y"] + shift * out)
    with_zeros = sl.compare_waves(of_frame(changed, weights=True), adjust=["sex"])
    without = sl.compare_waves(of_frame(data[~out], weights=True), adjust=["sex"])
    for name in ("changes", "adjusted"):
        ours, theirs = (outcome_rows(getattr(r, name)) for r in (with_zeros, without))
        np.testing.assert_allclose(ours[list(TEST)], theirs[list(TEST)], atol=CLOSED_FORM)


# ---- order


@pytest.mark.parametrize(
    "names",
    [
        ["2013", "2014", "2015", "2016"],
        ["2023-12", "2024-1", "2024-2", "2024-10"],
        ["Q1", "Q2", "Q3", "Q4"],
        ["Q4 2022", "Q1 2023", "Q2 2023"],
        ["第1期", "第2期", "第10期"],
        ["第一期", "第二期", "第十期", "第十二期", "第二十期"],
        ["2023年12月", "2024年2月"],
        ["2024上半年", "2024下半年", "2025上半年"],
        ["Dec 2023", "January 2024", "Feb 2024"],
        ["Spring 2024", "Autumn 2024", "Spring 2025"],
        ["wave 2", "Wave 10"],
    ],
)
def test_waves_are_ordered_by_what_their_names_say(names):
    assert ordered_waves(names[::-1]) == tuple(names)


@pytest.mark.parametrize("names", [["after", "before"], ["01/02/2024", "02/01/2024"], ["A1", "B2"]])
def test_names_without_an_order_have_none(names):
    assert ordered_waves(names) is None


def test_an_order_that_names_do_not_say_is_flagged(data):
    named = data.assign(wave=data["wave"].map({"w1": "pilot", "w2": "main", "w3": "after"}))
    result = sl.compare_waves(of_frame(named))
    assert result.waves == ("pilot", "main", "after")
    assert result.flags == ("order_unknown",)
    turned = sl.compare_waves(of_frame(named), order=["after", "main", "pilot"])
    assert turned.waves[0] == "after"
    assert not turned.flags


def test_waves_as_numbers_are_read_as_such(data):
    years = data.assign(wave=data["wave"].map({"w1": 9.0, "w2": 10.0, "w3": 11.0}))
    assert sl.compare_waves(of_frame(years)).waves == ("9", "10", "11")


def test_waves_as_dates_are_waves(data):
    days = pd.to_datetime(data["wave"].map({"w1": "2023", "w2": "2024", "w3": "2025"}))
    named, dated = (
        sl.compare_waves(of_frame(data)),
        sl.compare_waves(of_frame(data.assign(wave=days))),
    )
    assert [str(w)[:4] for w in dated.waves] == ["2023", "2024", "2025"]
    assert dated.order_from == "names"
    np.testing.assert_array_equal(dated.changes["estimate"], named.changes["estimate"])


# ---- wrong calls


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wave": "year"}, "no covariate 'year'; it has wave, area"),
        ({"against": "w9"}, "against must be 'first' or 'previous', or a wave"),
        ({"reference": "w9"}, "reference must be 'pooled', or a wave"),
        ({"order": ["w1", "w2"]}, "it lacks w3"),
        ({"order": ["w1", "w1", "w2", "w3"]}, "names w1 twice"),
        ({"order": "w1"}, "order must be a list of waves"),
        ({"positions": {"w1": 1}}, "positions must have a number for each wave"),
        ({"positions": {"w1": 1, "w2": 3, "w3": 2}}, "positions must rise"),
        ({"adjust": "sex"}, "adjust must be a list"),
        ({"adjust": ["wave"]}, "adjust must name covariates other than the wave"),
        ({"method": "magic"}, "method must be one of 'standardization', 'raking'"),
        ({"p_adjust": "bonferroni"}, "p_adjust must be one of"),
        ({"score": "zone"}, "score must be one of"),
        ({"min_cell": 0}, "min_cell must be a whole number"),
        ({"conf_level": 1.0}, "conf_level must lie between 0 and 1"),
        ({"min_cell": 100}, "two are needed to see a change"),
    ],
)
def test_wrong_calls_say_what_to_do(data, options, words):
    with pytest.raises(ModelError, match=words):
        sl.compare_waves(of_frame(data), **options)


def test_a_survey_without_waves_is_refused(data):
    with pytest.raises(ModelError, match="no covariate of the survey has the role 'wave'"):
        sl.compare_waves(tiny_survey())
    with pytest.raises(ModelError, match="1 wave"):
        sl.compare_waves(of_frame(data[data["wave"] == "w1"]))
    with pytest.raises(DataError, match="not put together by combine_waves"):
        sl.wave_items(tiny_survey())


def test_a_covariate_that_a_wave_lacks_is_named(data):
    lacking = data.assign(sex=data["sex"].where(data["wave"] != "w2"))
    with pytest.raises(ModelError, match="adjust names 'sex', which has no value in w2"):
        sl.compare_waves(of_frame(lacking), adjust=["sex"])
    apart = data.assign(area=data["area"] + data["wave"])
    with pytest.raises(
        ModelError, match=r"no respondents are left to adjust by area: .area. has in w1: harbourw1"
    ):
        sl.compare_waves(of_frame(apart), adjust=["area"])


def test_limits_need_three_waves_and_a_comparison(data):
    two = sl.compare_waves(of_frame(data[data["wave"] != "w3"]))
    with pytest.raises(ModelError, match="two earlier waves"):
        sl.wave_limits(two)
    with pytest.raises(ModelError, match="WaveComparison"):
        sl.wave_limits(data)
    with pytest.raises(ModelError, match="sigmas must be above 0"):
        sl.wave_limits(two, sigmas=0)


def test_tidy_columns_have_meanings(data):
    result = sl.compare_waves(of_frame(data), adjust=["sex"])
    for frame in (result.tidy(), result.glance(), result.by_wave, result.adjusted, result.trends,
                  result.composition, sl.wave_limits(result).tidy()):  # fmt: skip
        check_tidy(frame.columns)


def test_false_alarms_stay_few_when_waves_vary_by_chance_alone():
    """Five earlier waves, variance between waves as large as sampling's: 300 seeded charts."""
    rng = np.random.default_rng(7)
    alarms = [
        _limits(4 + rng.normal(0, 0.05 * np.sqrt(2), 6), np.full(6, 0.0025), 3.0)["signal"].iloc[-1]
        for _ in range(300)
    ]
    assert np.mean(alarms) < 0.05


def test_airport_changes_are_those_of_survey_in_r(shared_data):
    """SFO 2013 to 2016: columns, codes and weights change; svyby and svycontrast gave these."""
    source = sl.read_survey(shared_data / "sfo", BOOKS / "sfo_waves.toml")
    plain = outcome_rows(sl.compare_waves(source.without_weights()).by_wave)["estimate"]
    assert plain.round(3).tolist() == [3.982, 3.996, 4.048, 4.038]
    rows = outcome_rows(sl.compare_waves(source).changes)
    changes = [0.0224947881223634, 0.0597020522360983, 0.0688536920986027]
    errors = [0.0209191690090307, 0.0205698750875112, 0.0200281112999574]
    np.testing.assert_allclose(rows["estimate"], changes, atol=CLOSED_FORM)
    np.testing.assert_allclose(rows["std_error"], errors, atol=CLOSED_FORM)


def test_airport_changes_at_a_fixed_mix_of_destinations_or_why_there_are_none(shared_data):
    """One covariate of classes: both adjustments are post-stratification, and so the same."""
    source = sl.read_survey(shared_data / "sfo", BOOKS / "sfo_waves.toml")
    result = sl.compare_waves(source, adjust=None)
    assert result.adjusted_for == ("destination",)
    assert result.left_out == {("destination", "5"): 64}  # nobody flew there in 2014
    one = outcome_rows(result.adjusted, method="standardization")
    two = outcome_rows(result.adjusted, method="raking")
    np.testing.assert_allclose(one["estimate"], two["estimate"], atol=CLOSED_FORM)
    y, wave, to = source.outcomes["overall"], source.covariates["wave"], source.covariates[
        "destination"].astype(str)  # fmt: skip
    used = (to != "5") & to.notna()
    w = source.weights
    mix = w[used].groupby(to[used]).sum() / w[used].sum()
    rated = used & y.notna()
    by = [to[rated], wave[rated]]
    means = (w * y)[rated].groupby(by).sum() / w[rated].groupby(by).sum()
    fixed = means.mul(mix, level="destination").groupby(level="wave").sum()
    assert one.loc["2016", "estimate"] == pytest.approx(fixed["2016"] - fixed["2013"], abs=1e-8)
    overall = result.adjusted.query("level == 'overall'")
    assert set(overall["flag"]) == {"value_absent"}
    assert overall["estimate"].isna().all()
    assert not one["flag"].any()


def test_words_of_no_adjusted_change():
    y, ones = np.array([1.0, 2.0, 4.0]), np.ones((3, 1))
    few = standardized_mean(y[:1], ones[:1], np.ones(1), None)
    absent = standardized_mean(y, np.column_stack([ones, 0 * y]), np.ones(2), None)
    alone = standardized_mean(y, np.column_stack([ones, [0, 0, 1]]), np.ones(2), None)
    assert (few.flag, absent.flag, alone.flag) == ("few", "value_absent", "alone")
