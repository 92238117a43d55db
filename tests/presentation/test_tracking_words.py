"""Sentences and tables of waves: what a reader of the first screen must be told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.data.survey import VariableInfo
from tests.surveys import label, tiny_survey


@pytest.fixture(scope="module")
def waves():
    """Three waves of 120, the second 1 point higher; branches and channels as covariates."""
    base = tiny_survey(n=360, batteries=("perception",), outcome=False)
    wave = np.repeat(["1", "2", "3"], 120)
    rng = np.random.default_rng(3)
    covariates = pd.DataFrame(
        {
            "wave": wave,
            "branch": rng.choice(["North", "South"], 360),
            "channel": rng.choice(["online", "counter", "post"], 360),
        }
    )
    given = np.clip((3 + (wave == "2") + rng.normal(0, 0.5, 360)).round(), 1, 7)
    survey = replace(
        base,
        answers={"perception": pd.DataFrame(dict.fromkeys(base.instrument.item_codes, given))},
        covariates=covariates,
        variables={
            name: VariableInfo(label(name), role="wave" if name == "wave" else "other")
            for name in covariates
        },
    )
    return sl.compare_waves(survey, against="previous", adjust=["branch", "channel"])


def test_who_answered_has_no_row_of_another_covariates_value(waves):
    shown = sl.table(waves, show="composition")
    assert list(shown.frame.index) == list(waves.composition["group"].drop_duplicates())
    assert len(shown.frame) == 5
    assert shown.frame.notna().all(axis=None)


@pytest.mark.parametrize(("language", "said"), [("en", "Earlier changes"), ("zh", "此前超出")])
def test_an_earlier_change_is_told_beside_the_newest(waves, language, said):
    text = " ".join(sl.narrate(waves, language=language).paragraphs)
    rose = waves.changes.query("level == 'overall' and wave == '2'")["estimate"].iloc[0]
    assert said in text
    assert f"+{rose:.2f}" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_rewording_is_told_with_the_items_name(waves, language):
    changes = waves.changes.copy()
    item = changes.loc[changes["level"] == "item", "term"].iloc[0]
    changes.loc[changes["term"] == item, "comparable"] = "with care"
    told = replace(waves, changes=changes)
    last = sl.narrate(told, language=language).paragraphs[-1]
    assert waves.instrument.label(item, language) in last
    assert last != sl.narrate(waves, language=language).paragraphs[-1]
