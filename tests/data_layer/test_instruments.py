"""The shipped instruments: counts, order, wording direction, labels."""

import pytest
from pydantic import ValidationError

from servlab.core.errors import InstrumentError
from servlab.data.instrument import Instrument, load_instrument, shipped_instruments

COUNTS = {
    "servqual-1988": (4, 5, 4, 4, 5),
    "servqual-1991": (4, 5, 4, 4, 5),
    "servperf": (4, 5, 4, 4, 5),
    "servqual-1994-three-column": (5, 3, 4, 4, 5),
}
NEGATIVE = (*map(str, range(10, 14)), *map(str, range(18, 23)))


@pytest.mark.parametrize("name", COUNTS)
def test_item_counts_by_dimension_are_the_authors(name):
    instrument = load_instrument(name)
    counts = tuple(len(instrument.items_of(d)) for d in instrument.dimension_codes)
    assert counts == COUNTS[name]
    assert instrument.item_codes == tuple(str(k + 1) for k in range(sum(counts)))


@pytest.mark.parametrize("name", ["servqual-1988", "servperf"])
def test_negative_wording_of_1988_is_exactly_responsiveness_and_empathy(name):
    instrument = load_instrument(name)
    assert instrument.proposed_reversed == NEGATIVE
    assert instrument.proposed_reversed == (
        *instrument.items_of("responsiveness"),
        *instrument.items_of("empathy"),
    )


@pytest.mark.parametrize("name", ["servqual-1991", "servqual-1994-three-column", "abc"])
def test_later_forms_have_no_negative_wording(name):
    assert load_instrument(name).proposed_reversed == ()


def test_batteries_name_the_grade_their_question_asks_for():
    assert load_instrument("servqual-1988").batteries["expectation"].grade == "should"
    assert load_instrument("servqual-1991").batteries["expectation"].grade == "should"
    three = load_instrument("servqual-1994-three-column").batteries
    assert (three["adequate"].grade, three["desired"].grade) == ("minimum", "should")
    assert "expectation" not in load_instrument("servperf").batteries


def test_reference_weights_are_the_published_points():
    weights = load_instrument("servqual-1988").reference_weights
    assert weights == {
        "reliability": 32,
        "responsiveness": 22,
        "assurance": 19,
        "empathy": 16,
        "tangibles": 11,
    }
    assert sum(weights.values()) == 100


@pytest.mark.parametrize("name", shipped_instruments())
def test_every_label_stands_in_both_languages(name):
    instrument = load_instrument(name)
    assert instrument.reference
    for part in (*instrument.items, *instrument.dimensions):
        assert part.label.en
        assert any("\u4e00" <= sign <= "\u9fff" for sign in part.label.zh), part.code
    labels = [item.label.en for item in instrument.items]
    assert len(set(labels)) == len(labels)


def test_unknown_instrument_lists_the_shipped_ones():
    with pytest.raises(InstrumentError, match="servlab ships abc, servperf, servqual-1988"):
        load_instrument("servqual")


def test_items_listed_by_their_codes_are_items_of_their_dimension():
    short = Instrument.model_validate(
        {
            "name": "w",
            "title": "w",
            "scale": {"low": 1, "high": 5},
            "dimensions": [
                {"code": "a", "label": "A", "items": ["a1", {"code": "a2", "label": "Care"}]},
                {"code": "b", "label": "B", "items": [7]},
            ],
            "batteries": {"perception": {}},
        }
    )
    assert short.item_codes == ("a1", "a2", "7")
    assert [item.dimension for item in short.items] == ["a", "a", "b"]
    assert [short.label(code, "zh") for code in short.item_codes] == ["a1", "Care", "7"]
    with pytest.raises(ValidationError, match=r"item code\(s\) \['a1'\] occur more than once"):
        Instrument.model_validate(
            {
                "name": "w",
                "title": "w",
                "scale": {"low": 1, "high": 5},
                "items": ["a1"],
                "dimensions": [{"code": "a", "label": "A", "items": ["a1"]}],
                "batteries": {"perception": {}},
            }
        )
