"""Multilevel models as tables and sentences, in both languages; flags stand in both."""

import warnings

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ServlabWarning


@pytest.fixture(scope="module")
def visits(golden_data):
    return golden_data("sim_visits.csv")


@pytest.fixture(scope="module")
def fit(visits):
    model = "overall ~ staff + wait + climate"
    return sl.multilevel(model, visits, groups="branch", random=("staff",))


def quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServlabWarning)
        return sl.multilevel(*args, **kwargs)


def test_tables_show_effects_and_variances(fit):
    effects = sl.table(fit)
    assert list(effects.headings)[:3] == ["estimate", "std_error", "interval"]
    assert "Satterthwaite" in " ".join(effects.notes)
    variances = sl.table(fit, part="variances", language="zh")
    assert len(variances.frame) == 3
    assert "相关" in " ".join(variances.notes)
    assert variances.frame["estimate"].iloc[-1] == fit.fit.within


def test_sentences_say_how_much_groups_differ(fit):
    english = " ".join(sl.narrate(fit).paragraphs)
    assert "43.5 % lies between the groups of branch" in english
    assert "The slope of staff differs between groups" in english
    assert "climate differs between groups only, so that 30 groups, not 362" in english
    assert "组间" in " ".join(sl.narrate(fit, language="zh").paragraphs)


@pytest.mark.parametrize(("language", "words"), [("en", "at its boundary"), ("zh", "拟合处于边界")])
def test_a_boundary_fit_says_so_in_every_table_and_sentence(visits, language, words):
    flat = quietly("flat ~ staff", visits, groups="branch", random=("staff",))
    for part in ("effects", "variances"):
        assert words in " ".join(sl.table(flat, part=part, language=language).notes)
    assert words in sl.narrate(flat, language=language).paragraphs[0]


def test_few_groups_say_so_with_the_source(visits):
    few = quietly("overall ~ staff", visits[visits["branch"] < "b05"], groups="branch")
    assert "Bolker et al., 2009" in sl.narrate(few).paragraphs[0]
    assert "4 groups are too few" in " ".join(sl.table(few).notes)


def test_contextual_effects_are_worded_by_their_interval(visits):
    split = sl.centre_within(visits, ["staff"], "branch")
    model = sl.formula("overall", ["staff (within)", "staff (between)"])
    none = sl.contextual_effects(sl.multilevel(model, split, groups="branch"))
    assert "does not clearly differ" in sl.narrate(none).paragraphs[0]
    assert sl.table(none).frame["estimate"].iloc[0] == none.table.loc["staff", "estimate"]
    strong = split.assign(overall=split["overall"] + 4 * split["staff (between)"])
    more = sl.contextual_effects(sl.multilevel(model, strong, groups="branch"))
    assert "the group adds" in sl.narrate(more).paragraphs[0]
    assert "氛围" in sl.narrate(more, language="zh").paragraphs[0]


def test_a_model_of_groups_alone_has_a_table_and_sentences():
    rng = np.random.default_rng(4)
    branch = np.repeat(np.arange(10), 6)
    data = pd.DataFrame({"branch": branch, "y": rng.normal(size=60) + rng.normal(size=10)[branch]})
    fit = sl.multilevel("y ~ 1", data, groups="branch")
    assert len(sl.table(fit).frame) == 1
    assert "associated" not in sl.narrate(fit).paragraphs[1]


def test_near_collinear_predictors_are_named_in_table_and_sentence(visits):
    noise = np.random.default_rng(1).normal(size=len(visits))
    fit = quietly(
        "overall ~ staff + copy", visits.assign(copy=visits["staff"] + 0.2 * noise),
        groups="branch",
    )  # fmt: skip
    assert "Nearly collinear are staff with copy" in sl.narrate(fit).paragraphs[0]
    assert "接近共线" in " ".join(sl.table(fit, language="zh").notes)
