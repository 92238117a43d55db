"""Item descriptives are psych's of type 2, which are those of SPSS and SAS."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.data.instrument import Item
from servlab.data.schema import Scale
from servlab.scales.descriptives import item_descriptives
from tests.surveys import label, tiny_survey
from tests.tolerances import CLOSED_FORM, EXACT


def bfi_survey(items: pd.DataFrame):
    """The items of bfi as a survey of one battery on its scale from 1 to 6."""
    survey = tiny_survey(n=len(items), per_dimension=(1,), batteries=("perception",))
    codes = tuple(Item(code=c, dimension="a", label=label(c)) for c in items.columns)
    return replace(
        survey,
        instrument=survey.instrument.model_copy(update={"items": codes}),
        answers={"perception": items},
        scales={"perception": Scale(low=1, high=6)},
    )


def test_mean_spread_and_shape_are_psychs(golden, golden_data):
    expected = golden("describe_bfi_type2")["result"]
    items = golden_data("bfi25_full.csv").iloc[:300, :25].astype(float)
    found = item_descriptives(bfi_survey(items), "perception").by_item
    assert found.index.tolist() == expected["item"]
    assert found["n"].tolist() == expected["n"]
    assert (found["n"] + found["n_dropped"]).eq(300).all()
    columns = {"mean": "mean", "std_dev": "sd", "skewness": "skew", "kurtosis": "kurtosis"}
    for ours, theirs in columns.items():
        np.testing.assert_allclose(found[ours], expected[theirs], atol=CLOSED_FORM)


def test_the_distribution_table_holds_the_shares_of_every_point():
    survey = tiny_survey(n=50, missing=0.05)
    described = item_descriptives(survey, "perception")
    shown = sl.table(described, view="distribution")
    assert list(shown.headings.values()) == [*map(str, range(1, 8)), "n", "Missing"]
    np.testing.assert_allclose(shown.frame[[*"1234567"]].sum(axis=1), 1, atol=EXACT)
    assert shown.frame["n_dropped"].tolist() == described.by_item["n_dropped"].tolist()
    with pytest.raises(ModelError, match="view must be one of 'summary', 'distribution'"):
        sl.table(described, view="all")
