"""Expressions over labels: R's precedence, exact gradients, nothing run as code."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servlab.core.errors import ModelError
from servlab.estimation.latent.expressions import parse_expression
from tests.tolerances import CLOSED_FORM, EXACT

AT = {"a": 0.7, "b": -1.3, "c": 2.5, ".p1.": 0.4, "x.y": 3.0, "质量": 1.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("c + a*b", 2.5 - 0.91),
        ("-a^2", -0.49),
        ("2^3^2", 512.0),
        ("2**-1", 0.5),
        ("a - b - c", 0.7 + 1.3 - 2.5),
        ("a / b / c", 0.7 / -1.3 / 2.5),
        ("a - (b - c)", 0.7 + 1.3 + 2.5),
        (
            "sqrt(c) * exp(a) + log(c) - abs(b)",
            math.sqrt(2.5) * math.exp(0.7) + math.log(2.5) - 1.3,
        ),
        (".p1. * x.y + 质量", 2.7),
        ("1e-3 + .5 + 2.", 2.501),
    ],
)
def test_expressions_have_the_precedence_of_r(text, value):
    assert parse_expression(text).value(AT) == pytest.approx(value, abs=EXACT)


TREES = st.recursive(
    st.sampled_from(["a", "b", "c", "2", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"exp(({e}) / 40)"),
        inner.map(lambda e: f"(1 + ({e})^2) ^ 0.5"),
        inner.map(lambda e: f"a / (1 + ({e})^2)"),
    ),
    max_leaves=5,
)


@given(TREES)
def test_gradients_equal_finite_differences(text):
    expression = parse_expression(text)
    for name, slope in expression.gradient(AT).items():
        step = 1e-5
        up, down = dict(AT), dict(AT)
        up[name] += step
        down[name] -= step
        difference = (expression.value(up) - expression.value(down)) / (2 * step)
        # 1e-6: what central differences themselves support
        assert slope == pytest.approx(difference, rel=1e-6, abs=1e-6)


def test_a_value_takes_arrays_of_draws():
    draws = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}
    assert parse_expression("a*b").value(draws) == pytest.approx([3.0, 8.0], abs=CLOSED_FORM)


def test_a_power_with_a_label_as_exponent_has_both_partials():
    slopes = parse_expression("c^a").gradient(AT)
    assert slopes["c"] == pytest.approx(0.7 * 2.5**-0.3, abs=EXACT)
    assert slopes["a"] == pytest.approx(2.5**0.7 * math.log(2.5), abs=EXACT)


def test_substitution_puts_definitions_into_definitions():
    indirect, total = parse_expression("a*b"), parse_expression("c + ind")
    whole = total.substitute({"ind": indirect})
    assert whole.names == ("c", "a", "b")
    assert whole.value(AT) == pytest.approx(2.5 - 0.91, abs=EXACT)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("", "the end"),
        ("a +", "the end"),
        ("(a", "the end"),
        ("a b", "'b'"),
        ("__import__('os')", r"'\('|cannot read"),
        ("system(a)", "'system'"),
        ("a[0]", r"cannot read '\[0\]'"),
        ("a; b", "cannot read"),
        ("2a", "cannot read '2a'"),
    ],
)
def test_what_is_no_arithmetic_is_refused_by_name(text, met):
    with pytest.raises(ModelError, match=met):
        parse_expression(text)
