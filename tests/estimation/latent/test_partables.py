"""Parameter tables against lavaan's own, row by row."""

import json
import math
import re

import pytest

from servlab.estimation.latent.specification import parameter_table
from tests.conftest import GOLDEN

# The labels that bind groups are wanted in these models; test_syntax.py checks the warning.
pytestmark = pytest.mark.filterwarnings("ignore::servlab.core.errors.LabelWarning")
TABLES = json.loads((GOLDEN / "partables.json").read_text(encoding="utf-8"))["result"]


def listed(value):
    return value if isinstance(value, list) else [value]


def ours(entry):
    options = entry["options"]
    return parameter_table(
        entry["model"],
        group_labels=[str(g) for g in range(options["groups"])],
        meanstructure=options["meanstructure"],
        std_lv=options.get("std.lv", False),
        orthogonal=options.get("orthogonal", False),
        fixed_x=options.get("fixed.x", True),
        group_equal=listed(options.get("group.equal", [])),
        group_partial=listed(options.get("group.partial", [])),
    )


def lavaan_rows(entry):
    """lavaan's parameter rows; labels that lavaan makes up for equalities are left out."""
    rows = entry["rows"]
    found = []
    for k, op in enumerate(rows["op"]):
        if op in ("==", "<", ">", ":="):
            continue
        label = rows["label"][k]
        made_up = re.fullmatch(r"\.p\d+\.|.*[~=].*", label)
        found.append(
            (
                rows["lhs"][k], op, rows["rhs"][k], bool(rows["user"][k]), rows["group"][k],
                rows["free"][k], rows["ustart"][k], rows["exo"][k],
                "" if made_up else label, rows["plabel"][k],
            )
        )  # fmt: skip
    return found


def lavaan_pairs(entry):
    rows = entry["rows"]
    return {
        frozenset((rows["lhs"][k], rows["rhs"][k]))
        for k, op in enumerate(rows["op"])
        if op == "==" and rows["user"][k] == 2
    }


def written(entry, ops):
    rows = entry["rows"]
    return [
        (rows["lhs"][k], op, rows["rhs"][k])
        for k, op in enumerate(rows["op"])
        if op in ops and rows["user"][k] == 1
    ]


@pytest.mark.parametrize("name", list(TABLES))
def test_rows_are_those_of_lavaan(name):
    entry = TABLES[name]
    found = [
        (*row[:6], None if math.isnan(row[6]) else row[6], *row[7:])
        for row in ours(entry).frame().itertuples(index=False)
    ]
    assert found == lavaan_rows(entry)


@pytest.mark.parametrize("name", list(TABLES))
def test_equalities_are_those_of_lavaan(name):
    entry = TABLES[name]
    table = ours(entry)
    simple = [r for r in written(entry, ["=="]) if r[0] in table.label and r[2] in table.label]
    rows = {label: table.plabel[table.label.index(label)] for r in simple for label in r[::2]}
    expected = lavaan_pairs(entry) | {frozenset((rows[lhs], rows[rhs])) for lhs, _, rhs in simple}
    assert {frozenset(pair) for pair in table.equalities} == expected
    others = [(c.lhs.text, c.op, c.rhs.text) for c in (*table.nonlinear, *table.inequalities)]
    assert others == [r for r in written(entry, ["==", "<", ">"]) if r not in simple]
    defined = [(d.name, ":=", d.expression.text) for d in table.definitions]
    assert defined == written(entry, [":="])


@pytest.mark.parametrize("name", list(TABLES))
def test_variables_and_names_are_those_of_lavaan(name):
    entry = TABLES[name]
    table = ours(entry)
    assert list(table.observed) == entry["observed"]
    assert list(table.latent) == entry["latent"]
    named = [re.fullmatch(r"\.p\d+\.|f=~x2|f=~x3", n) is None for n in entry["names"]]
    mine = [n for n, keep in zip(table.free_names(), named, strict=True) if keep]
    assert mine == [n for n, keep in zip(entry["names"], named, strict=True) if keep]


def test_there_are_as_many_tables_as_the_script_makes():
    assert len(TABLES) == 102
