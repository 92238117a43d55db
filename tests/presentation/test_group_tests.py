"""Tables, sentences and the chart of gap tests and group tests say what the numbers say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError
from servlab.estimation.latent.invariance.groups_of_survey import GroupInvariance
from tests.presentation.results import results, survey
from tests.surveys import tiny_survey


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("show", ["tests", "pairs"])
@pytest.mark.parametrize("name", ["groups", "groups_weighted"])
def test_tests_and_pairs_have_tables(name, show, language):
    result = results()[name]
    table = sl.table(result, show=show, language=language, survey=survey())
    rows = result.tests if show == "tests" else result.pairs
    assert 0 < len(table.frame) <= len(rows)
    assert "None" not in repr(table)
    assert "nan" not in repr(table)


def test_hidden_groups_are_in_no_table_of_pairs_and_no_sentence_of_pairs():
    s = tiny_survey(n=60)
    branch = pd.Series(["north"] * 25 + ["south"] * 20 + ["west"] * 12 + ["east"] * 3)
    result = sl.compare_groups(replace(s, covariates=pd.DataFrame({"branch": branch})), by="branch")
    pairs = sl.table(result, show="pairs")
    labels = " ".join(pairs.row_labels())
    assert "east" not in labels
    assert "west" not in labels
    assert len(pairs.frame) >= 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_whether_the_scale_works_alike_is_said_as_it_was_found(language):
    groups = results()["groups"]
    small = GroupInvariance("branch", "perception", None, 110, (), "small", "")
    failed = replace(small, reason="model", detail="It did not converge.")
    texts = [
        " ".join(sl.narrate(groups, language=language, invariance=found).paragraphs)
        for found in (None, small, failed)
    ]
    assert len(set(texts)) == 3
    assert "110" in texts[1]
    assert "converge" not in texts[2]


def test_invariance_beside_groups_is_that_of_measurement_invariance():
    rng = np.random.default_rng(4)
    s = tiny_survey(n=240, per_dimension=(4, 4))
    branch = pd.Series(np.where(rng.random(240) < 0.5, "north", "south"))
    s = replace(s, covariates=pd.DataFrame({"branch": branch}))
    found = sl.group_invariance(s, by="branch")
    assert found.reason == ""
    direct = sl.measurement_invariance(
        sl.instrument_syntax(s.instrument),
        s.items("perception").join(s.covariates),
        group="branch",
        estimator="MLR",
    )
    assert found.result.highest == direct.highest
    assert found.fewest == 50
    words = " ".join(sl.narrate(sl.compare_groups(s, by="branch"), invariance=found).paragraphs)
    assert "has not been tested" not in words


def test_a_chart_of_gap_tests_needs_a_margin():
    with pytest.raises(ModelError, match="no margin to draw gaps against"):
        sl.plot_gap_tests(results()["gap_tests"])
    chart = sl.plot_gap_tests(results()["gap_tests_margin"], language="zh")
    assert "±0.50" in chart.caption


def test_the_verdict_in_words_has_the_gaps_direction():
    tests = results()["gap_tests_margin"]
    table = sl.table(tests)
    for (_, row), words in zip(
        pd.concat([tests.by_dimension, tests.by_overall]).iterrows(), table.frame["verdict"],
        strict=True,
    ):  # fmt: skip
        if row["verdict"] == "different":
            assert words == ("falls short" if row["estimate"] < 0 else "exceeds")
