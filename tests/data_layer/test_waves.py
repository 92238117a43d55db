"""Waves held against each other: every kind of difference is found, and says what it forbids."""

from dataclasses import replace

import pytest

from servlab.core.errors import DataError
from servlab.data.readers import read_survey
from servlab.data.wave_items import wave_items
from servlab.data.waves import combine_waves
from servlab.presentation.result_tables import table

BASE = """
reversed = {reversed}
missing = [{missing}]
[instrument]
name = "w"
title = "w"
scale = {{ low = 1, high = {high} }}
items = [
    {{ code = "a", label = "{label}" }},
    {{ code = "b", label = {{ en = "Care", zh = "关怀" }} }},
]
[instrument.batteries.{battery}]
[batteries.{battery}]
{grade}
columns = "{column}{{item}}"
values = {{ "好" = {good}, "差" = 1 }}
[outcomes.all]
column = "y"
scale = {{ low = 1, high = 5 }}
label = {{ en = "As a whole", zh = "总体" }}
"""
SAME = {"reversed": "[]", "missing": "9", "high": "5", "label": "Speed", "grade": "", "good": "4",
        "column": "P", "battery": "perception"}  # fmt: skip


@pytest.fixture
def wave(tmp_path, file):
    """Read one wave; named parts of its codebook replace the common ones."""

    def read(name, **parts):
        book = tmp_path / f"{name}.toml"
        book.write_text(BASE.format(**{**SAME, **parts}), encoding="utf-8")
        column = parts.get("column", "P")
        text = f"{column}a,{column}b,y\n1,2,1\n好,好,5\n3,3,3\n"
        return read_survey(file(text, f"{name}.csv"), book)

    return read


CHANGES = {
    "scale": ({"high": "7"}, "no", "1 to 7"),
    "grade": ({"battery": "expectation", "grade": 'grade = "ideal"'}, "no", "ideal"),
    "reversed": ({"reversed": '["a", "b"]'}, "with care", "reversed"),
    "wording": ({"label": "Speed of staff"}, "with care", "Speed of staff"),
    "words": ({"good": "5"}, "with care", "好 = 5, 差 = 1"),
    "codes": ({"missing": "9, 99"}, "yes", "9, 99"),
    "column": ({"column": "Q7"}, "yes", "Q7a"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_between_waves_is_found_and_judged(kind, wave):
    parts, verdict, now = CHANGES[kind]
    battery = parts.get("battery", "perception")
    before = {"battery": battery, "grade": 'grade = "should"'} if kind == "grade" else {}
    items = wave_items({"first": wave("first", **before), "second": wave("second", **parts)})
    assert items.by_item.loc[(battery, "a"), "comparable"] == verdict
    found = [d for d in items.differences if d.item == "a"]
    assert [(d.kind, d.wave, d.now.en) for d in found] == [(kind, "second", now)]
    assert items.by_item.loc[("outcome", "all"), "comparable"] == "yes"
    english, chinese = (table(items, language=lang) for lang in ("en", "zh"))
    assert now in english.frame["why"].iloc[0]
    assert english.frame["comparable"].iloc[0] == verdict
    assert chinese.frame["comparable"].iloc[0] in ("可比", "须谨慎", "不可比")
    assert "second" in chinese.frame["why"].iloc[0]


def test_reworded_items_are_put_together_and_noted(wave):
    survey = combine_waves({"1": wave("one"), "2": wave("two", label="Speed of staff")})
    assert survey.n == 6
    assert [note.en for note in survey.provenance.notes] == [
        "Item a of perception differs in 2 ('Speed', then 'Speed of staff'); compare it with care."
    ]


def test_waves_on_another_scale_are_stated_but_not_put_together(wave):
    with pytest.raises(DataError, match="differ in scales"):
        combine_waves({"1": wave("one"), "2": wave("two", high="7")})


def test_an_item_nobody_answered_in_a_wave_cannot_be_compared(wave):
    one = wave("one")
    empty = one.raw("perception").assign(b=float("nan"))
    items = wave_items({"1": one, "2": replace(one, answers={"perception": empty})})
    assert items.by_item["comparable"].tolist() == ["yes", "no", "yes"]
    assert table(items).frame["why"].tolist() == ["", "no answers in 2", ""]
