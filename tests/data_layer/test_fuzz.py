"""Mutated files: a message, or the values of the original; never a traceback or another number."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servlab.core.errors import KeyingWarning, ServlabError
from servlab.data.readers import read_survey

SIGNS = [",", "\n", '"', " ", ";", "\t", "\r", "\\", "=", "\u00a0", "\ufeff", "\x00", "满"]
EXAMPLES = 150


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    rng = np.random.default_rng(7)
    base = rng.integers(2, 7, size=40)
    rows = [
        ",".join(
            [f"R{i:02}", "城北", *(str(int(b + d)) for d in rng.integers(-1, 2, size=3)), '"a,b"']
        )
        for i, b in enumerate(base)
    ]
    return "\n".join(["id,branch,P1,P2,P3,why", *rows]) + "\n", tmp_path_factory.mktemp("fuzz")


REST = '[respondents]\nid = "id"\n[covariates.branch]\ncolumn = "branch"\n'


def read(text, folder, codebook):
    path = folder / "a.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KeyingWarning)
        return read_survey(path, codebook)


def attempt(text, folder, codebook):
    """Return the survey and no message, or None and the message; anything else is a traceback."""
    try:
        return read(text, folder, codebook), ""
    except ServlabError as err:
        return None, str(err).rstrip()


@given(place=st.floats(0, 1, exclude_max=True), sign=st.sampled_from(SIGNS), delete=st.booleans())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_mutated_file_gives_a_message_or_the_same_answers(original, book, place, sign, delete):
    text, folder = original
    at = int(place * len(text))
    mutated = text[:at] + text[at + 1 :] if delete and not text[at].isdigit() else (
        text[:at] + sign + text[at:]
    )  # fmt: skip
    codebook = book(rest=REST)
    truth = read(text, folder, codebook).raw("perception")
    survey, message = attempt(mutated, folder, codebook)
    if survey is None:
        assert message.endswith(".")
        return
    found = survey.raw("perception")
    shared = truth.index.intersection(found.index)
    assert len(shared) >= len(truth) - 1
    np.testing.assert_array_equal(found.loc[shared], truth.loc[shared])


@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_wrong_byte_or_a_cut_gives_a_message_or_a_survey(original, book, place, byte):
    text, folder = original
    content = text.encode("utf-8")
    at = int(place * len(content))
    for broken in (content[:at] + bytes([byte]) + content[at + 1 :], content[: at + 1]):
        survey, message = attempt(broken, folder, book(rest=REST))
        assert message.endswith(".") if survey is None else survey.n > 0
