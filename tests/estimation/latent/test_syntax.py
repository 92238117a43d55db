"""Model text: what is read, and what is refused with the line and what to write instead."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import servlab as sl
from servlab.core.errors import LabelWarning, ModelError
from servlab.estimation.latent.specification import parameter_table
from servlab.estimation.latent.syntax import parse_syntax, quote_name

ONE = "f =~ x1 + x2 + x3\n"


def names(text):
    return [term.name for term in parse_syntax(text).terms]


@pytest.mark.parametrize(
    "text",
    [
        "f =~ x1 + x2 + x3",
        "f =~ x1 +\n x2 # comment\n + x3",
        "f=~x1+x2;f=~x3",
        "! comment first\n\n  f\n =~ x1 + x2\n + # and\n\n x3",
        'f =~ "x1" + `x2` + x3',
    ],
)
def test_layout_does_not_change_the_model(text):
    assert names(text) == ["f=~x1", "f=~x2", "f=~x3"]


def test_names_may_be_of_any_language_or_quoted():
    found = names("服务 =~ 题项1 + `wait (min)` + qualité.perçue + no_ + .dot + `2`")
    variables = ["题项1", "wait (min)", "qualité.perçue", "no_", ".dot", "2"]
    assert found == [f"服务=~{variable}" for variable in variables]


def test_several_modifiers_stand_on_one_term():
    term = parse_syntax("f =~ x1 + start(0.8)*a*x2 + NA*b*x3").terms
    assert term[1].modifiers.start == (0.8,)
    assert term[1].modifiers.label == ("a",)
    assert math.isnan(term[2].modifiers.fixed[0])
    assert term[2].modifiers.label == ("b",)
    table = parameter_table("f =~ x1 + start(0.8)*a*x2 + x3 + 0.5?x4")
    assert table.ustart[1] == 0.8
    assert table.ustart[3] == 0.5
    assert table.free.tolist()[:4] == [0, 1, 2, 3]


def test_a_departure_from_lavaan_frees_the_second_group_as_written():
    table = parameter_table(
        ONE + "x1 ~~ c(0, NA)*x2",
        group_labels=["a", "b"],
        group_equal=["loadings", "residual.covariances"],
    )
    rows = [k for k in range(len(table.lhs)) if (table.lhs[k], table.rhs[k]) == ("x1", "x2")]
    assert (table.free[rows] > 0).tolist() == [False, True]


def test_an_instrument_gives_one_factor_a_dimension():
    servqual = sl.load_instrument("servqual-1988")
    table = parameter_table(servqual)
    assert table.latent == servqual.dimension_codes
    assert table.observed == servqual.item_codes
    assert table.n_free == 22 * 2 - 5 + 5 + 10


@pytest.mark.parametrize("name", sl.shipped_instruments())
def test_every_shipped_instrument_has_a_model(name):
    table = parameter_table(sl.load_instrument(name))
    assert len(table.observed) >= 3


PLAIN = st.text("abcxyz质量ü._ 0123456789()-", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.lists(PLAIN, min_size=4, max_size=6, unique=True))
def test_quoted_names_come_back_as_they_are(variables):
    factor, *items = variables
    text = f"{quote_name(factor)} =~ {' + '.join(quote_name(item) for item in items)}"
    assert [(t.lhs, t.rhs) for t in parse_syntax(text).terms] == [(factor, i) for i in items]


def test_one_label_over_groups_is_equal_and_said():
    with pytest.warns(LabelWarning, match=r"labels \['a'\] stand for one parameter"):
        table = parameter_table("f =~ x1 + a*x2 + x3", group_labels=["m", "f"])
    assert len(table.equalities) == 1


def test_definitions_are_resolved_to_labels():
    table = parameter_table("m ~ a*x\ny ~ b*m + cc*x\nind := a*b\ntotal := cc + ind\nind > 0")
    assert table.definitions[1].expression.names == ("cc", "a", "b")
    assert table.inequalities[0].lhs.names == ("a", "b")


def test_a_factor_of_factors_may_come_first():
    table = parameter_table("g =~ f1 + f2\nf1 =~ x1 + x2\nf2 =~ x3 + x4")
    assert table.observed == ("x1", "x2", "x3", "x4")
    assert np.count_nonzero(table.free) == 2 + 1 + 4 + 3


REFUSED = [
    ("f =~ x1 + x2\n x3 + x4", "line 2 .*no operator.*end the line before with"),
    ("f = x1 + x2", r"line 1 .*write =~ \(measured by\)"),
    ("f =~ x1 x2 + x3", r"line 1 .*cannot read the term 'x1 x2'.*joined by \+"),
    (ONE + "y ~ f z ~ f", "line 2 .*2 operators"),
    (ONE + "y ~ x1:x2", r"line 2 .*interaction \(a:b\).*compute the product as a column"),
    (ONE + "y ~ x1:x2 + z", "line 2 .*interaction"),
    (ONE + "c1 <~ z1 + z2", r"line 2 .*composite \(<~\) is not supported"),
    ("level: 1\nf =~ x1 + x2", "line 1 .*blocks are not supported.*cluster="),
    ("%level: 1\nf =~ x1 + x2", "line 1 .*blocks are not supported"),
    ("group: a\n" + ONE, r"line 1 .*write c\(\.\.\.\) modifiers and give group="),
    ('efa("b")*f1 =~ x1 + x2', r"line 1 .*efa\(\) blocks.*efa\(items, n_factors\)"),
    ("a*f =~ x1 + x2", r"line 1 .*left of the operator stand names joined by \+"),
    ("f =~ x1 + x1 + x2", "line 1 .*'f=~x1' was written before, on line 1"),
    (ONE + "x1 ~~ x2\nx2 ~~ x1", "line 3 .*'x2~~x1' was written before, on line 2"),
    ("f =~ x1 + a*b*x2", "line 1 .*two modifiers of one kind"),
    ("f =~ x1 + a*x2 + b*x2", "line 1 .*was written before"),
    ("f =~ x1 + 0.5*start(1)*x2", "line 1 .*fixed and has a starting value"),
    ("f =~ x1 + lower(0)*x2", "line 1 .*give the parameter a label a and write a > value"),
    ('f =~ x1 + prior("normal(0,1)")*x2', "line 1 .*not Bayesian"),
    ("f =~ x1 + foo(0)*x2", r"line 1 .*foo\(\.\.\.\) is no modifier"),
    ("f =~ x1 + c(1, a)*x2", "line 1 .*cannot read the modifier"),
    ("f =~ x1 + (1/2)*x2", "line 1 .*cannot read the modifier"),
    ("f =~ x1 + x2 - x3", "line 1 .*cannot read the term"),
    ("f =~ x1 + x2 +", r"line 1 .*a \+ has no term"),
    ("f =~ x1 + 2*", "line 1 .*no variable behind it"),
    ("f =~ x1 + (x2", "line 1 .*parenthesis is not closed"),
    ("f =~ x1 + x2)", "line 1 .*closing parenthesis"),
    ("f =~ 1 + x2", r"line 1 .*the number 1 stands where a variable should .*backticks: `1`"),
    (ONE + "x1 ~ 0", r"line 2 .*write 0\*x, and an intercept x ~ 0\*1"),
    ("f =~", "line 1 .*nothing stands right of the operator"),
    ("=~ x1", "line 1 .*nothing stands left of the operator"),
    ("f =~ f + x2", "line 1 .*'f' stands on both sides"),
    ("f =~ x1 + $x2", r"line 1 .*cannot read '\$'"),
    ("f =~ x1 + 'x2", 'line 1 .*cannot read "\'"'),
    (ONE + "a == b", "line 2 .*'a' is no label of the model; it has none"),
    ("f =~ x1 + a*x2\n\na == 2*b", "line 3 .*'b' is no label of the model; it has a"),
    ("f =~ x1 + a*x2\na >= 0", "line 2 .*write > instead of >="),
    ("f =~ x1 + a*x2\na := a*2", "line 2 .*'a' is taken already"),
    ("f =~ x1 + a*x2\nb := system(a)", "line 2 .*met 'system'"),
    ("f =~ x1 + a*x2\na + b := 1", "line 2 .*left of := stands the one name"),
    ('f =~ x1 + equal("f=~x9")*x2', "line 1 .*names another parameter of the model"),
    ("f =~ start(0.9)*x1 + x2", "line 1 .*first loading of a factor is fixed to 1"),
    ("f =~ x1 + c(a, b)*x2", r"line 1 .*2 values for 1 group\(s\)"),
    ("x1 | t1 + t2\n" + ONE, "line 1 .*thresholds and scales belong to ordered items"),
    ("f =~ g + x1\ng =~ f + x2", "measure each other in a circle"),
    ("f =~ 1*a*x1 + x2 + 2*a*x3", "fixed to 1 and to 2"),
    ("# nothing", "the model has no statement"),
    ("f =~ x1 + ``*x2", "line 1 .*the quotes hold nothing"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_not_supported_is_refused_naming_line_and_remedy(text, message):
    with pytest.raises(ModelError, match=message) as refused:
        parameter_table(text)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group_equal": ["loadings"]}, "group_equal needs groups"),
        ({"group_labels": "ab", "group_equal": ["slopes"]}, "group_equal must be one of"),
        (
            {"group_labels": "ab", "group_equal": ["loadings"], "group_partial": ["f=~x9"]},
            "'f=~x9', which is no parameter",
        ),
        (
            {"group_labels": "ab", "group_equal": ["loadings"], "group_partial": ["x1~~x1"]},
            r"group_partial names \['x1~~x1'\], which group_equal",
        ),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(ModelError, match=message):
        parameter_table(ONE, **options)


def test_equal_is_for_one_group():
    with pytest.raises(ModelError, match="does not say which group"):
        parameter_table('f =~ x1 + x2 + equal("f=~x2")*x3', group_labels="ab")


def test_a_model_is_text():
    with pytest.raises(ModelError, match="got int"):
        parse_syntax(3)
