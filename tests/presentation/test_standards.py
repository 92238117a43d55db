"""One catalogue of judgement standards: worded in both languages, each with its source."""

import re
from pathlib import Path

import pandas as pd
import pytest

from servlab.core.errors import ModelError
from servlab.core.standards import HOUSE, STANDARDS
from servlab.presentation.html import write_block
from servlab.presentation.messages import catalogue, message
from servlab.presentation.standards import source_text, standard_note, standard_text, threshold
from servlab.presentation.tables import Table

BIBLIOGRAPHY = (Path(__file__).resolve().parents[2] / "references.bib").read_text(encoding="utf-8")
FRAME = pd.DataFrame({"kmo": [0.9, 0.55]}, index=["a", "b"])


@pytest.mark.parametrize("name", sorted(STANDARDS))
def test_every_standard_is_worded_and_its_source_is_in_the_bibliography(name):
    key = STANDARDS[name].source
    if key == HOUSE:  # a rule of our own must not look like one of the field
        assert "house rule" in standard_text(name, "en")
        assert "自定规则" in standard_text(name, "zh")
        return
    entry = re.search(rf"@\w+\{{{key},.*", BIBLIOGRAPHY)
    assert entry, key
    for language in ("en", "zh"):
        cited = source_text(name, language)
        assert re.search(r"\d{4}", key)[0] in cited
        assert cited in standard_text(name, language)


def test_no_word_of_the_catalogue_is_left_over():
    sources = {f"source_{s.source}" for s in STANDARDS.values()}
    own = {"lead", "row", "none", "separator"}
    assert set(catalogue("standards")) == set(STANDARDS) | sources | own


def test_a_table_without_a_standard_says_so():
    assert "there is none" in standard_note([], "en")
    assert standard_note(["kmo", "bartlett"], "zh").startswith("判断标准：")


def table(**options):
    return Table(FRAME, caption="c", headings={"kmo": "K"}, formats={"kmo": "correlation"},
                 row_header="Item", **options)  # fmt: skip


def test_standards_are_the_last_row_of_a_table():
    html = str(write_block(table(standards={"kmo": threshold("kmo")}).block()))
    assert '<tfoot><tr class="standard"><th scope="row">Standard</th><td>≥ .60</td>' in html
    assert repr(table(standards={"kmo": "≥ .60"})).splitlines()[-1].split() == [
        "Standard", "≥", ".60",
    ]  # fmt: skip
    assert "tfoot" not in str(write_block(table().block()))
    with pytest.raises(ModelError, match=r"standards for \['alpha'\], which it does not show"):
        table(standards={"alpha": "≥ .70"})


@pytest.mark.parametrize("topic", ["adequacy", "reliability", "scale", "structure", "validation"])
def test_no_threshold_is_written_into_a_sentence(topic):
    """Sentences take values and sources from the catalogue: ``{limit_kmo} ({source_kmo})``."""
    for name, texts in catalogue(topic).items():
        for text in texts.values():
            assert not re.search(r"(?<![\d{])\.\d\d|3\.00", text), name


def test_a_sentence_follows_the_catalogue():
    said = message("scale.kmo_reaches", "zh", overall=".93")
    assert said == "总体取样适当性（KMO）为.93，达到.60的标准（Kaiser，1974）。"
