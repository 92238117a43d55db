"""The zone of tolerance: its identities, its counting of inverted zones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import ModelError
from tests.surveys import tiny_survey
from tests.tolerances import CLOSED_FORM

THREE = ("adequate", "desired", "perception")


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_adequacy_is_superiority_plus_width_and_shares_sum_to_one(seed):
    zone = sl.zone_of_tolerance(tiny_survey(seed=seed, batteries=THREE, missing=0.05))
    for table in (zone.by_item, zone.by_dimension, zone.by_overall):
        assert (table["msa"] - table["mss"] - table["width"]).abs().max() < CLOSED_FORM
        shares = table[["share_inside", "share_below", "share_above", "share_inverted"]]
        assert (shares.sum(axis=1) - 1).abs().max() < CLOSED_FORM


def test_inverted_zones_are_counted_and_belong_nowhere_else():
    survey = tiny_survey(n=4, per_dimension=(1,), batteries=THREE)
    cells = {"adequate": [3, 3, 3, 6], "desired": [5, 5, 5, 4], "perception": [4, 2, 6, 5]}
    answers = {
        name: frame.assign(a1=np.array(cells[name], dtype=float))
        for name, frame in survey.answers.items()
    }
    row = sl.zone_of_tolerance(replace(survey, answers=answers)).by_item.loc["a1"]
    assert row["n_inverted"] == 1
    names = ["share_inside", "share_below", "share_above", "share_inverted"]
    assert row[names].tolist() == [0.25] * 4


def test_zone_needs_three_batteries():
    with pytest.raises(ModelError, match="adequate, desired is missing"):
        sl.zone_of_tolerance(tiny_survey())
