"""Early against late respondents: R's Welch test and Hedges' g, orders of every kind."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import servlab as sl
from servlab.core.errors import ModelError
from servlab.data.instrument import Item
from servlab.data.readers import read_survey
from servlab.data.schema import Scale
from servlab.estimation.nonresponse import early_late
from servlab.estimation.p_values import holm
from tests.data_layer.test_real_data import BOOKS, FILES
from tests.surveys import label, tiny_survey
from tests.tolerances import CLOSED_FORM


def in_time(times, **options):
    survey = tiny_survey(n=len(times), **options)
    return replace(survey, covariates=survey.covariates.assign(sent=times))


def test_welch_and_hedges_are_rs(golden, golden_data):
    expected = golden("early_late_bfi")["result"]
    items = golden_data("bfi25_full.csv").iloc[:300, :5].astype(float).dropna()
    items["A1"] = 7 - items["A1"]
    items = items.reset_index(drop=True)
    base = tiny_survey(n=len(items), per_dimension=(5,), batteries=("perception",))
    codes = tuple(Item(code=c, dimension="a", label=label(c)) for c in items.columns)
    survey = replace(
        base,
        instrument=base.instrument.model_copy(update={"items": codes}),
        answers={"perception": items},
        scales={"perception": Scale(low=1, high=6)},
    )
    row = early_late(survey).by_term.loc["a"]
    names = {"difference": "difference", "statistic": "t", "df": "df", "p_value": "p"}
    names |= {"conf_low": "low", "conf_high": "high", "effect_size": "g"}
    assert row["n_early"] == row["n_late"] == expected["m"]
    for ours, theirs in names.items():
        assert row[ours] == pytest.approx(expected[theirs], abs=CLOSED_FORM), ours
    adjusted = holm(pd.Series([0.01, 0.04, 0.03]))
    np.testing.assert_allclose(adjusted, expected["holm"], atol=CLOSED_FORM)


def test_dates_numbers_and_the_file_give_the_same_order():
    days = [f"2026-03-{1 + i // 4:02} {8 + i % 4}:05:09" for i in range(80)]
    chinese = [f"2026/3/{1 + i // 4} {8 + i % 4}:05" for i in range(80)]
    numbers = [str(i) for i in range(80)]
    expected = early_late(tiny_survey(n=80)).by_term
    for times in (days, chinese, numbers):
        shuffled = np.random.default_rng(1).permutation(80)
        survey = in_time(times)
        mixed = replace(
            survey,
            answers={b: survey.raw(b).iloc[shuffled] for b in survey.batteries},
            covariates=survey.covariates.iloc[shuffled],
            outcomes=survey.outcomes.iloc[shuffled],
        )
        found = early_late(mixed, order="sent").by_term
        pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_mailings_are_compared_first_with_last():
    survey = in_time(["1"] * 20 + ["2"] * 10 + ["3"] * 15 + [None] * 5)
    result = early_late(survey, order="sent", share=None)
    assert (result.n, result.n_dropped) == (35, 5)
    scores = sl.gap_scores(survey).scores["a"]
    t = stats.ttest_ind(scores.iloc[30:45], scores.iloc[:20], equal_var=False)
    assert result.by_term.loc["a", "statistic"] == pytest.approx(t.statistic, abs=CLOSED_FORM)
    assert result.by_term.loc["a", "p_value"] == pytest.approx(t.pvalue, abs=CLOSED_FORM)


def test_equal_weights_are_no_weights_and_unequal_ones_count():
    plain, weighted = tiny_survey(n=60), tiny_survey(n=60, weights=np.full(60, 2.0))
    pd.testing.assert_frame_equal(
        early_late(plain).by_term, early_late(weighted).by_term, rtol=1e-10
    )
    tilted = early_late(tiny_survey(n=60, weights=np.linspace(1, 4, 60)))
    assert tilted.by_term.loc["a", "early"] != early_late(plain).by_term.loc["a", "early"]


@pytest.mark.parametrize(
    ("times", "options", "message"),
    [
        (["1"] * 30, {"order": "sent"}, "sent does not vary"),
        (["03/04/2026"] * 15 + ["x"] * 15, {"order": "sent"}, "year first .*got '03/04/2026'"),
        (["2026-02-30"] * 30, {"order": "sent"}, "got '2026-02-30'"),
        (["1"] * 30, {"order": "day"}, "no covariate 'day'; it has branch, sent"),
        (["1"] * 30, {"share": 0.6}, "share must lie between 0 and 0.5"),
        (["1"] * 30, {"share": 0.1}, "only 3 respondents are early or late; at least 5"),
    ],
)
def test_orders_that_order_nobody_are_refused(times, options, message):
    with pytest.raises(ModelError, match=message):
        early_late(in_time(times), **options)


def test_what_is_said_follows_the_test():
    rising = tiny_survey(n=80, batteries=("perception",))
    items = rising.raw("perception") * 0 + np.linspace(1, 7, 80).round()[:, None]
    items += np.random.default_rng(0).integers(-1, 2, size=items.shape)
    apart = early_late(replace(rising, answers={"perception": items.clip(1, 7)}))
    text = " ".join(sl.narrate(apart).paragraphs)
    assert "Late respondents answer otherwise" in text
    assert "higher" in text
    calm = " ".join(sl.narrate(early_late(tiny_survey(n=80, seed=2))).paragraphs)
    assert "do not show" in calm
    assert "no proof" in calm


def test_real_respondents_in_the_order_of_the_file(shared_data):
    survey = read_survey(shared_data / FILES["kiosk"], BOOKS / "kiosk.toml")
    result = early_late(survey)
    assert result.n == 2 * 51
    assert result.by_term["p_adjusted"].ge(result.by_term["p_value"]).all()
