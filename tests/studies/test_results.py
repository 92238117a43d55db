"""Recorded results are tidy, complete and written with one schema."""

import json
import math
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from servlab.core.columns import TIDY
from servlab.core.errors import ModelError, StudyError
from servlab.studies import results
from servlab.studies.results import TEXT_COLUMNS, as_json, collect, record, write_parquet


@dataclass(frozen=True)
class Fit:
    """A result as the estimation layer makes them."""

    def tidy(self):
        frame = {"term": ["a", "b"], "estimate": [1.5, np.nan], "n": [10, 10]}
        return pd.DataFrame(frame)

    def glance(self):
        return pd.DataFrame({"r_squared": [0.25], "n": [10]})


@pytest.fixture
def recorded(monkeypatch):
    """Collect what ``record`` hands over, without a kernel."""
    handed = []
    monkeypatch.setattr("servlab.studies.inside.emit", lambda mime, p: handed.append((mime, p)))

    def take(name, value):
        record(name, value)
        mime, payload = handed.pop()
        assert mime == results.MIME
        text = json.dumps(payload, allow_nan=False)  # what a kernel's message must hold
        return collect([(3, json.loads(text))])[name]

    return take


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1.5, 1.5),
        (np.float64(0.25), 0.25),
        (np.int64(3), 3),
        (True, True),
        ("text", "text"),
        (None, None),
        (math.nan, None),
        (date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_scalars_are_kept_as_plain_values(recorded, value, kept):
    found = recorded("x", value)
    assert (found.value, found.cell) == (kept, 3)
    assert type(found.value) is type(kept)
    assert found.tidy().empty


def test_a_result_object_gives_its_terms_and_its_fit(recorded):
    found = recorded("fit", Fit())
    pd.testing.assert_frame_equal(found.tidy(), Fit().tidy().astype({"n": float}))
    assert found.glance().to_dict("records") == [{"r_squared": 0.25, "n": 10.0}]


def test_a_series_gives_a_row_an_entry(recorded):
    found = recorded("loads", pd.Series([0.5, 0.6], index=pd.Index(["1", "2"], name="item")))
    assert found.tidy().to_dict("list") == {"item": ["1", "2"], "estimate": [0.5, 0.6]}


def test_an_index_becomes_a_column(recorded):
    frame = pd.DataFrame({"mean": [1.0, 2.0]}, index=["a", "b"])
    assert recorded("m", frame).tidy().to_dict("list") == {"term": ["a", "b"], "mean": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("two words", 1, "must be a Python name like 'overall_gap'; got 'two words'"),
        ("x", [1, 2], "must be a number, a text, a Series, .*; got list"),
        ("x", pd.DataFrame({"mine": [1]}), r"columns \['mine'\] have no meaning"),
        ("x", pd.DataFrame({"estimate": ["a"]}), "column 'estimate' must hold numbers"),
        ("x", pd.DataFrame({"estimate": np.zeros(10_001)}), "has 10001 rows; .*respondents"),
    ],
)
def test_what_is_no_result_is_refused_by_message(name, value, message):
    with pytest.raises(ModelError, match=message):
        record(name, value)


def test_a_name_used_twice_is_refused_with_both_cells():
    with pytest.raises(StudyError, match=r"'x' is recorded in cell 3 and again in cell 7"):
        collect([(3, {"name": "x", "value": 1}), (7, {"name": "x", "value": 2})])


def test_json_holds_full_precision_and_null_for_missing(recorded):
    found = {"fit": recorded("fit", Fit()), "x": recorded("x", 0.1 + 0.2)}
    document = json.loads(as_json("kiosk", "zh", found))
    assert (document["study"], document["language"]) == ("kiosk", "zh")
    assert document["results"]["x"] == {"value": 0.1 + 0.2}
    assert document["results"]["fit"]["tidy"][1] == {"term": "b", "estimate": None, "n": 10.0}
    assert document["results"]["fit"]["glance"] == [{"r_squared": 0.25, "n": 10.0}]


def test_parquet_has_the_same_columns_whatever_was_recorded(recorded, tmp_path):
    some = {
        "fit": recorded("fit", Fit()), "x": recorded("x", 2), "t": recorded("t", "words"),
        "inf": recorded("inf", pd.DataFrame({"estimate": [np.inf]})),
    }  # fmt: skip
    write_parquet(tmp_path / "some.parquet", "kiosk", "en", some)
    write_parquet(tmp_path / "none.parquet", "kiosk", "en", {})
    table, empty = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("some", "none"))
    assert table.schema == empty.schema
    assert set(TIDY) <= set(table.column_names)
    frame = table.to_pandas()
    assert frame["part"].tolist() == ["tidy", "tidy", "glance", "scalar", "scalar", "tidy"]
    assert frame.loc[frame["result"] == "x", "estimate"].tolist() == [2.0]
    assert frame.loc[frame["result"] == "t", "text"].tolist() == ["words"]
    assert frame["estimate"].iloc[-1] == np.inf


def test_columns_of_text_are_tidy_columns():
    assert set(TEXT_COLUMNS) <= set(TIDY)


def test_no_column_of_results_takes_the_name_of_a_key():
    from servlab.studies.results import KEYS

    assert not set(KEYS) & set(TIDY)
