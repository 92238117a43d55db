"""Any small survey, written in any format and read back, is itself."""

import warnings

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servlab.core.errors import KeyingWarning
from servlab.data.codebook import load_codebook
from servlab.data.readers import read_survey
from tests.data_layer.broken_books import plain
from tests.data_layer.conftest import CODEBOOK
from tests.data_layer.mutants import ITEMS, REST
from tests.data_layer.old_books import xls

ANSWER = st.one_of(st.none(), st.integers(1, 7).map(float))
BRANCH = st.text("城北南aé'\"<&,; ", min_size=1, max_size=4).map(str.strip).filter(bool)
ROWS = st.lists(st.tuples(BRANCH, ANSWER, ANSWER, ANSWER), min_size=1, max_size=7)


def cells(frame):
    return [[None if pd.isna(c) else c for c in row] for row in frame.to_numpy(dtype=object)]


def write(frame, kind, path):
    """Write a survey as people's programs do."""
    if kind in ("csv", "gb18030"):
        frame.to_csv(path, index=False, encoding="utf-8" if kind == "csv" else kind)
    elif kind in ("xlsx", "xls"):
        header = list(frame.columns)
        rows = cells(frame)
        path.write_bytes(xls([header, *rows]) if kind == "xls" else plain(rows, header))
    elif kind in ("sav", "dta"):
        getattr(pyreadstat, f"write_{kind}")(frame, str(path))
    else:
        getattr(frame, f"to_{kind}")(path)


KINDS = ("csv", "gb18030", "xlsx", "xls", "sav", "dta", "parquet", "feather")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("identity")


@pytest.fixture(scope="module")
def books(folder):
    """Codebooks that ask no keying question: random answers correlate as they like."""
    top = 'keyed_as_declared = ["1", "2", "3"]'
    found = {}
    for kind, encoding in (("utf-8", ""), ("gb18030", '[file]\nencoding = "gb18030"\n')):
        path = folder / f"{kind}.toml"
        text = CODEBOOK.format(top=top, battery="", rest=REST + encoding)
        path.write_text(text, encoding="utf-8")
        found[kind] = load_codebook(path)
    return found


@pytest.mark.parametrize("kind", KINDS)
@given(rows=ROWS)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_survey_written_and_read_is_itself(kind, folder, books, rows):
    frame = pd.DataFrame(rows, columns=["branch", *ITEMS])
    frame[ITEMS] = frame[ITEMS].astype(float)
    frame.insert(0, "id", [f"R{k:02}" for k in range(len(frame))])
    path = folder / f"survey.{'csv' if kind == 'gb18030' else kind}"
    write(frame, kind, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KeyingWarning)
        survey = read_survey(path, books.get(kind, books["utf-8"]))
    np.testing.assert_array_equal(survey.raw("perception").to_numpy(), frame[ITEMS].to_numpy())
    assert list(survey.index) == list(frame["id"])
    assert list(survey.covariates["branch"]) == list(frame["branch"])
    assert survey.provenance.n_rows == len(frame)
