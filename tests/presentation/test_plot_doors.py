"""Every chart says what it needs when it is handed something else."""

import inspect

import pytest

from servlab.core.errors import ModelError
from servlab.presentation import plots

OF_RESULTS = [
    name
    for name in plots.__all__
    if next(iter(inspect.signature(getattr(plots, name)).parameters)) in ("result", "fit")
]


@pytest.mark.parametrize("name", OF_RESULTS)
def test_another_value_is_refused_by_name(name):
    with pytest.raises(ModelError, match=r"must be the \w+.* that .*; got str\."):
        getattr(plots, name)("a result of another kind")


def test_all_charts_but_those_of_a_survey_are_held():
    assert set(plots.__all__) - set(OF_RESULTS) == {"plot_likert_by"}
