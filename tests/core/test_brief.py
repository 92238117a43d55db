"""What a value shows of itself: the estimate, never the rows it rests on."""

import importlib
import inspect
import pkgutil
from dataclasses import is_dataclass

import pytest

import servlab as sl
from servlab.core.brief import _in_one_line
from servlab.estimation.moments import Moments


def results():
    """Every dataclass of scales and estimation that reports something."""
    found = []
    for package in ("servlab.scales", "servlab.estimation"):
        root = importlib.import_module(package)
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            for cls in vars(importlib.import_module(module.name)).values():
                own = inspect.isclass(cls) and cls.__module__ == module.name
                if own and is_dataclass(cls) and (hasattr(cls, "tidy") or hasattr(cls, "glance")):
                    found.append(cls)
    return found


@pytest.mark.parametrize("cls", [*results(), sl.Survey, Moments], ids=lambda c: c.__name__)
def test_results_show_themselves_in_one_line(cls):
    assert cls.__repr__ is _in_one_line


def test_a_fitted_model_shows_neither_rows_nor_respondents():
    survey = sl.load_example("servqual")
    shown = repr(sl.cfa(survey.instrument, survey))
    assert "chi2=198.694" in shown
    assert len(shown) < 2_000
    assert "\n" not in shown
    assert not any(str(name) in shown for name in survey.index)
    assert not any(str(name) in repr(survey) for name in survey.index)
