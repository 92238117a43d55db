import re

import numpy as np
import pandas as pd
import pytest

from servlab.core.errors import ModelError
from servlab.presentation.html import BLOCK_MIME, write_block
from servlab.presentation.tables import Table, sign_marks

FRAME = pd.DataFrame(
    {"gap": [-1.2049, 0.0, np.nan], "p": [0.0001, 0.5, np.nan], "why": ["a", "<b>", "c"]},
    index=["Security", "<script>alert(1)</script>", "Ease"],
)
WORDS = {
    "caption": "Gaps",
    "headings": {"gap": "Gap", "why": "Why"},
    "formats": {"gap": "signed", "why": "text"},
    "row_header": "Dimension",
}


def test_a_label_that_holds_a_script_stays_text():
    written = str(write_block(Table(FRAME, **WORDS).block()))
    assert "<script" not in written
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written
    assert "&lt;b&gt;" in written


def test_headers_have_scopes_and_the_scroll_area_a_name_and_a_focus():
    written = str(write_block(Table(FRAME, **WORDS).block(), number="Table 1"))
    assert written.count('scope="row"') == 3
    assert written.count('scope="col"') == 3
    assert 'tabindex="0" role="region" aria-label="Table 1: Gaps"' in written
    assert "<b>Table 1.</b> Gaps" in written
    assert not re.search(r"<th[^>]*></th>", written)


def test_the_frame_keeps_raw_values_and_cells_are_text():
    table = Table(FRAME, **WORDS)
    assert table.frame["gap"].iloc[0] == -1.2049
    assert table.cells() == [["−1.20", "a"], ["0.00", "<b>"], ["–", "c"]]


def test_a_later_change_of_the_frame_does_not_change_the_table():
    frame = FRAME.copy()
    table = Table(frame, **WORDS)
    frame.loc["Security", "gap"] = 99.0
    assert table.cells()[0][0] == "−1.20"


def test_rows_can_be_grouped_marked_and_strong():
    table = Table(
        FRAME, **WORDS, row_groups=["A", "A", "B"], strong_rows=[2],
        marks={"gap": sign_marks(FRAME["gap"])}, notes=["**n** < 5"],
    )  # fmt: skip
    written = str(write_block(table.block()))
    assert written.count('scope="rowgroup"') == 2
    assert '<td class="bad">−1.20</td>' in written
    assert '<tr class="total">' in written
    assert "<b>n</b> &lt; 5" in written


def test_notes_of_a_chinese_table_start_in_chinese():
    written = str(write_block(Table(FRAME, **WORDS, notes=["说明"], language="zh").block()))
    assert "<i>注：</i>" in written
    assert 'lang="zh-CN"' in written


def test_jupyter_gets_html_a_block_and_text():
    bundle = Table(FRAME, **WORDS)._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain", BLOCK_MIME}
    assert "Table: Gaps" in bundle["text/plain"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"headings": {"absent": "A"}}, r"\['absent'\] not among"),
        ({"formats": {"gap": "signed"}}, r"without one: \['why'\]"),
        ({"formats": {"gap": "percent", "why": "text"}}, r"unknown: \['percent'\]"),
        ({"row_header": " "}, "needs a caption, a row_header"),
        ({"caption": ""}, "needs a caption"),
        ({"row_aside": ["x"]}, r"has 3 rows; give one entry a row, got \{'row_aside': 1\}"),
        ({"marks": {"gap": ["red"] * 3}}, r"a mark must be one of .*got \['red'\]"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(change, said):
    with pytest.raises(ModelError, match=said):
        Table(FRAME, **(WORDS | change))
